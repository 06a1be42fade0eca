/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - the first stack of a program: strings, vectors, auxiliary vector
 *
 * From the top down: 8 zero bytes, the program's name, envp's strings, argv's strings, a random
 * gap, "x86_64", 16 random bytes, alignment; the auxiliary vector, envp, argv, argc, where the
 * stack pointer points. All of it is made in one buffer and written at once.
 *
 * The stack is mapped at once up to STACK_FIRST; below that it grows by faults (mm_fault) up to its
 * limit.
 */
#include <sys/auxv.h>
#include <sys/mman.h>

#include "sentry/loader/loader_internal.h"

#define STACK_FIRST  (8ul << 20)
#define STACK_SPARE  (128ul << 10) /* at least, beside the arguments */
#define STACK_RANDOM (16ul << 30)
#define GAP_MIN	     (128ul << 20)
#define GAP_MAX	     (GUEST_END / 6 * 5)
#define MMAP_RANDOM  (1ul << 40)

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN	     28
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

static const char g_platform[] = "x86_64";

static u64 stack_top(const struct load *l)
{
	return GUEST_END - page_down(l->rnd.stack % STACK_RANDOM);
}

u64 stack_mmap_base(const struct load *l)
{
	u64 gap = l->setup->limits->stack;

	/* The whole of what the stack may become, however it was placed. */
	gap = max(gap, GAP_MIN);
	gap = min(gap, GAP_MAX);
	return page_down(GUEST_END - gap - STACK_RANDOM - 512 * PAGE_SIZE -
			 l->rnd.mmap % MMAP_RANDOM);
}

/* Where in the buffer and in the guest things are. */
struct frame {
	u8 *buf;
	size_t size;
	u64 base; /* guest address of buf */
};

static u64 guest_of(const struct frame *f, size_t off)
{
	return f->base + off;
}

static void aux(struct mm *mm, u64 type, u64 value)
{
	BUG_ON(mm->auxv_count + 2 > array_size(mm->auxv));
	mm->auxv[mm->auxv_count++] = type;
	mm->auxv[mm->auxv_count++] = value;
}

static void aux_host(struct mm *mm, u64 type)
{
	u64 value = getauxval(type);

	if (value)
		aux(mm, type, value);
}

static void build_auxv(struct load *l, u64 random_at, u64 platform_at, u64 execfn_at)
{
	const struct exec_ids *ids = l->setup->ids;
	const struct elf_file *e = &l->prog;
	struct mm *mm = l->image->mm;

	if (l->setup->vdso.v)
		aux(mm, AT_SYSINFO_EHDR, l->setup->vdso.v);
	aux_host(mm, AT_MINSIGSTKSZ);
	aux(mm, AT_HWCAP, getauxval(AT_HWCAP));
	aux(mm, AT_PAGESZ, PAGE_SIZE);
	aux(mm, AT_CLKTCK, 100);
	aux(mm, AT_PHDR, e->layout.phdr ? e->layout.phdr + e->bias : 0);
	aux(mm, AT_PHENT, sizeof(Elf64_Phdr));
	aux(mm, AT_PHNUM, e->eh.e_phnum);
	aux(mm, AT_BASE, l->has_interp ? l->interp.bias : 0);
	aux(mm, AT_FLAGS, 0);
	aux(mm, AT_ENTRY, e->eh.e_entry + e->bias);
	aux(mm, AT_UID, ids->uid);
	aux(mm, AT_EUID, ids->euid);
	aux(mm, AT_GID, ids->gid);
	aux(mm, AT_EGID, ids->egid);
	aux(mm, AT_SECURE, ids->secure);
	aux(mm, AT_RANDOM, random_at);
	aux_host(mm, AT_HWCAP2);
	aux(mm, AT_EXECFN, execfn_at);
	aux(mm, AT_PLATFORM, platform_at);
	aux_host(mm, AT_RSEQ_FEATURE_SIZE);
	aux_host(mm, AT_RSEQ_ALIGN);
	aux(mm, AT_NULL, 0);
}

/* Pointers to @count strings that begin at @off of the frame; returns behind the 0 pointer. */
static u64 *put_pointers(const struct frame *f, u64 *out, size_t off, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		*out++ = guest_of(f, off);
		off += strlen((char *)f->buf + off) + 1;
	}
	*out++ = 0;
	return out;
}

static void fill_vectors(struct load *l, const struct frame *f, size_t strings, size_t vectors)
{
	const struct exec_args *a = l->setup->args;
	struct mm *mm = l->image->mm;
	u64 *v = (u64 *)(f->buf + vectors);

	*v++ = a->argc;
	v = put_pointers(f, v, strings, a->argc);
	v = put_pointers(f, v, strings + a->argv_len, a->envc);
	memcpy(v, mm->auxv, mm->auxv_count * sizeof(u64));
}

/* The buffer: @size bytes that end at @top. Offsets are from its start; vectors come first. */
static int build(struct load *l, u64 top)
{
	const struct exec_args *a = l->setup->args;
	size_t name = strlen(l->setup->name) + 1, gap = l->rnd.align % 8192 & ~15ul;
	size_t upper = a->len + name + 8 + gap + 16 + 16 + 48; /* with room for alignment */
	size_t words = 1 + a->argc + 1 + a->envc + 1 + array_size(l->image->mm->auxv);
	struct frame f = {.size = align_up(upper, 16ul) + align_up(words * 8, 16ul) + 16};
	struct mm *mm = l->image->mm;
	size_t execfn, strings, plat, random, vectors;

	f.buf = kalloc(f.size);
	if (!f.buf)
		return -ENOMEM;
	l->image->stack = f.buf;
	l->image->stack_size = f.size;
	f.base = top - f.size;
	l->image->stack_at = GVA(f.base);
	execfn = f.size - 8 - name;
	strings = execfn - a->len;
	plat = align_down(strings - gap - sizeof(g_platform), 16ul);
	random = plat - 16;
	memcpy(f.buf + execfn, l->setup->name, name);
	memcpy(f.buf + strings, a->buf ? a->buf : "", a->len);
	memcpy(f.buf + plat, g_platform, sizeof(g_platform));
	memcpy(f.buf + random, l->rnd.at_random, 16);
	build_auxv(l, guest_of(&f, random), guest_of(&f, plat), guest_of(&f, execfn));
	words = 1 + a->argc + 1 + a->envc + 1 + mm->auxv_count;
	/* rsp is a multiple of 16; f.base may not be: top and f.size are. */
	vectors = align_down(random - words * 8, 16ul);
	fill_vectors(l, &f, strings, vectors);
	l->image->sp = GVA(guest_of(&f, vectors));
	mm->start_stack = l->image->sp.v;
	mm->arg_start = guest_of(&f, strings);
	mm->arg_end = mm->env_start = mm->arg_start + a->argv_len;
	mm->env_end = guest_of(&f, execfn);
	return 0;
}

static int map_stack(struct load *l, u64 top, u64 size, bool exec)
{
	struct mm_map_request req = {
		.addr = GVA(top - size),
		.size = size,
		.prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0u),
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_NORESERVE,
	};
	struct mm_inflight none = {.mm = NULL};

	return (int)mm_mmap(l->image->mm, &req, l->setup->limits, &none, l->plan);
}

int stack_build(struct load *l)
{
	u64 top = stack_top(l), need, size;
	int err = build(l, top);

	if (err < 0)
		return err;
	need = page_up(l->image->stack_size) + STACK_SPARE;
	size = page_up(min(l->setup->limits->stack, STACK_FIRST));
	size = max(size, need);
	err = map_stack(l, top, size, l->prog.layout.exec_stack);
	if (err == -ENOMEM && size > need)
		err = map_stack(l, top, need, l->prog.layout.exec_stack);
	return err;
}
