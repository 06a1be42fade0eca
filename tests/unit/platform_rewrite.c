/* libs: unotify arch host seccomp base capstone */
/* SPDX-License-Identifier: Apache-2.0 */
/* platform_rewrite.c - every call site of real programs is rewritten and entered by each of its
 * doors
 *
 * The page around each `syscall` of libc, ld.so and others is copied into a stub, once as it is and
 * once rewritten by pctx_rewrite. Both are entered before the call, behind it (where a call made
 * earlier returns to), and with odd numbers; what comes out must be the same to the last register
 * and flag. Where capstone is at hand it says, for the whole text, that the bytes that a patch
 * covers are the two instructions that they are taken for, and that no direct jump leads in
 * between.
 */
#include "tests/unit/platform_harness.h"

#include <elf.h>
#include <sys/stat.h>
#ifdef HAVE_CAPSTONE
#include <capstone/capstone.h>
#endif

#include "platform/unotify/internal.h"

#define TEXT	  (CODE + 0x1000) /* where the page lies in the stub */
#define LANDING	  (CODE + 0x8000) /* where a `ret` goes */
#define STACK	  (DATA + 0x8000)
#define PER_STUB  16 /* sites before a fresh stub: not more than there are thunks */
#define SITES_MAX 1024

static const char *const g_programs[] = {
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/lib64/ld-linux-x86-64.so.2",
	"/lib64/libc.so.6",
	"/bin/bash",
	"/usr/bin/python3",
	"/bin/busybox",
	"/usr/bin/node",
};

struct image {
	u8 *file;
	size_t size;
	size_t text, text_size; /* the executable segment */
};

/* Maps @path; false when it is not there or not ours to understand. */
static bool image_open(struct image *m, const char *path)
{
	int fd = open(path, O_RDONLY);
	const Elf64_Ehdr *e;
	const Elf64_Phdr *ph;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	m->size = (size_t)st.st_size;
	m->file = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	ck_assert_ptr_ne(m->file, MAP_FAILED);
	e = (const Elf64_Ehdr *)m->file;
	ph = (const Elf64_Phdr *)(m->file + e->e_phoff);
	for (int i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X)) {
			m->text = ph[i].p_offset;
			m->text_size = ph[i].p_filesz;
			return true;
		}
	return false;
}

static bool is_call(const struct image *m, size_t at)
{
	return m->file[at] == 0x0f && m->file[at + 1] == 0x05;
}

static void with_rewriting(void)
{
	struct platform_config config = {.workers = 1, .rewrite = PREWRITE_AUTO, .procfd = -1};

	ck_assert_int_eq(platform_create("unotify", &config, &g_p), 0);
}

/* --- one site --------------------------------------------------------------------------------- */

/* Registers of which every one tells whether it was touched. */
static struct pregs marked(u64 rip, u64 rax, u64 flags)
{
	struct pregs r = {.r8 = 8,
			  .r9 = 9,
			  .r10 = 10,
			  .r11 = 11,
			  .r12 = 12,
			  .r13 = 13,
			  .r14 = 14,
			  .r15 = 15,
			  .rdi = 1,
			  .rsi = 2,
			  .rbp = 3,
			  .rbx = 4,
			  .rdx = 5,
			  .rcx = 6,
			  .rax = rax};

	r.rip = rip;
	r.rsp = STACK;
	r.eflags = 0x202 | flags;
	return r;
}

/* Goes on from @in until the trap behind the site; the registers there. */
static struct pregs run_from(struct pctx *c, const struct pregs *in)
{
	struct pregs out;

	pctx_set_regs(c, in);
	pctx_resume(c);
	next_is(c, PEV_FAULT);
	ck_assert_int_eq(g_ev.info.si_signo, SIGILL);
	pctx_get_regs(c, &out);
	return out;
}

/* The same through the call, which gets @answer. */
static struct pregs run_call(struct pctx *c, const struct pregs *in, int nr, long answer)
{
	struct pregs out;

	pctx_set_regs(c, in);
	pctx_resume(c);
	next_call(c, nr);
	ck_assert_uint_eq(g_ev.ip, in->rip + 2);
	ck_assert_uint_eq(g_ev.args[0], in->rdi);
	ck_assert_uint_eq(g_ev.args[5], in->r9);
	pctx_return(c, answer);
	next_is(c, PEV_FAULT);
	pctx_get_regs(c, &out);
	return out;
}

struct outcome {
	struct pregs regs[24];
	unsigned n;
};

static void outcome_add(struct outcome *o, struct pregs r)
{
	ck_assert_uint_lt(o->n, array_size(o->regs));
	o->regs[o->n++] = r;
}

/* All doors of the site at @at. */
static void enter_all(struct pctx *c, u64 at, struct outcome *o)
{
	static const long answers[] = {0, -1, -4095, -4096, 77, 1l << 40};
	static const u64 flags[] = {0, 0x8d5, 0x400, 0xcd5, 0x40, 0x801};

	o->n = 0;
	for (unsigned i = 0; i < array_size(answers); i++) {
		struct pregs r = marked(at, T_MARK + i, flags[i]);

		outcome_add(o, run_call(c, &r, (int)(T_MARK + i), answers[i]));
		r = marked(at + 2, (u64)answers[i], flags[5 - i]);
		outcome_add(o, run_from(c, &r));
	}
	/* A kick while the call is at the border: the guest stands behind it, and goes on. */
	struct pregs r = marked(at, T_MARK, 0);

	pctx_set_regs(c, &r);
	pctx_resume(c);
	next_call(c, T_MARK);
	pctx_return_kick(c, -4095);
	next_is(c, PEV_KICK);
	pctx_get_regs(c, &r);
	ck_assert_uint_eq(r.rip, at + 2);
	outcome_add(o, r);
	outcome_add(o, run_from(c, &r));
	/* Restarted: back on the call. */
	r = marked(at, T_MARK, 0);
	outcome_add(o, run_call(c, &r, T_MARK, 5));
}

static void same(const struct outcome *a, const struct outcome *b)
{
	ck_assert_uint_eq(a->n, b->n);
	for (unsigned i = 0; i < a->n; i++)
		ck_assert_mem_eq(&a->regs[i], &b->regs[i], sizeof(struct pregs));
}

/* Brings the context to where a hot call has just ended. */
static void bring_to(struct pctx *c, u64 at)
{
	struct pregs r = marked(at, T_MARK, 0);

	pctx_set_regs(c, &r);
	pctx_resume(c);
	next_call(c, T_MARK);
	pctx_return_kick(c, 0);
	next_is(c, PEV_KICK);
}

/* One site of the page @page at @offset: 1 when it can be rewritten. */
static int try_site(struct pctx *c, const u8 *page, unsigned offset)
{
	static const u8 trap[] = {0x0f, 0x0b};
	u64 at = TEXT + offset, landing = LANDING;
	struct pcmd cmds[PREWRITE_CMDS];
	struct outcome before, after;
	bool is_ret;
	int n;

	put(c, TEXT, page, PAGE_SIZE);
	put(c, LANDING, trap, sizeof(trap));
	put(c, STACK, &landing, sizeof(landing));
	if (offset > PAGE_SIZE - 10)
		return 0;
	is_ret = page[offset + 2] == 0xc3;
	if (!is_ret)
		put(c, at + 8, trap, sizeof(trap));
	if (!is_ret && (page[offset + 2] != 0x48 || page[offset + 3] != 0x3d)) {
		put(c, at + 2, trap, sizeof(trap)); /* so that it comes back */
		bring_to(c, at);
		put(c, at + 2, page + offset + 2, 2);
		ck_assert_int_lt(pctx_rewrite(c, GVA(at + 2), cmds), 0);
		return 0;
	}
	enter_all(c, at, &before);
	bring_to(c, at);
	n = pctx_rewrite(c, GVA(at + 2), cmds);
	if (n < 0) {
		ck_assert(is_ret); /* what follows is no padding */
		return 0;
	}
	ck_assert_int_ge(n, 1);
	run(c, cmds, (unsigned)n);
	ck_assert_uint_eq(get(c, at) & 0xffffff, 0x6524ff);
	enter_all(c, at, &after);
	same(&before, &after);
	return 1;
}

static struct pctx *fresh(void)
{
	static const char code[] = "\x0f\x0b";
	struct pctx *c = start(code, 2);

	next_is(c, PEV_FAULT);
	return c;
}

static void try_program(const char *path)
{
	struct image m;
	unsigned sites = 0, rewritten = 0;
	struct pctx *c = NULL;

	if (!image_open(&m, path))
		return;
	for (size_t at = m.text; at < m.text + m.text_size - 8 && sites < SITES_MAX; at++) {
		u8 page[PAGE_SIZE];
		size_t from = at & PAGE_MASK;

		if (!is_call(&m, at))
			continue;
		memset(page, 0xcc, sizeof(page));
		memcpy(page, m.file + from, min(PAGE_SIZE, m.size - from));
		if (sites++ % PER_STUB == 0) {
			if (c)
				pctx_exit(c, GVA(0));
			c = fresh();
		}
		rewritten += (unsigned)try_site(c, page, (unsigned)(at - from));
	}
	if (c)
		pctx_exit(c, GVA(0));
	printf("%s: %u places with the bytes of a call, %u rewritten\n", path, sites, rewritten);
	munmap(m.file, m.size);
}

START_TEST(all_sites)
{
	for (unsigned i = 0; i < array_size(g_programs); i++)
		try_program(g_programs[i]);
}
END_TEST

/* --- what capstone says ----------------------------------------------------------------------- */

#ifdef HAVE_CAPSTONE
/* Marks the targets of all direct jumps and calls, and where instructions begin. */
static void sweep(csh cs, const struct image *m, u8 *target, u8 *begins)
{
	const u8 *code = m->file + m->text;
	size_t left = m->text_size;
	u64 at = m->text;
	cs_insn *i = cs_malloc(cs);

	while (left) {
		const u8 *was = code;

		if (!cs_disasm_iter(cs, &code, &left, &at, i)) {
			code = was + 1;
			left--;
			at++;
			continue;
		}
		begins[i->address - m->text] = 1;
		if (!cs_insn_group(cs, i, CS_GRP_JUMP) && !cs_insn_group(cs, i, CS_GRP_CALL))
			continue;
		const cs_x86_op *op = i->detail->x86.operands;
		u64 to = (u64)op->imm - m->text;

		if (i->detail->x86.op_count == 1 && op->type == X86_OP_IMM && to < m->text_size)
			target[to] = 1;
	}
	cs_free(i, 1);
}

static void check_program(csh cs, const char *path)
{
	struct image m;
	u8 *target, *begins;
	unsigned n = 0;

	if (!image_open(&m, path) || m.text_size > 4u << 20)
		return; /* what is larger has no calls of its own */
	target = calloc(1, m.text_size);
	begins = calloc(1, m.text_size);
	sweep(cs, &m, target, begins);
	for (size_t at = m.text; at < m.text + m.text_size - 8; at++) {
		size_t i = at - m.text;

		if (!is_call(&m, at) || !begins[i] || m.file[at + 2] != 0x48 ||
		    m.file[at + 3] != 0x3d)
			continue;
		n++;
		ck_assert_msg(begins[i + 2] && begins[i + 8] && !begins[i + 1],
			      "%s+%zx: the instructions", path, at);
		for (unsigned k = 3; k < 8; k++)
			ck_assert_msg(!target[i + k] && !begins[i + k], "%s+%zx: a way into it",
				      path, at);
	}
	printf("%s: %u sites, no way into one\n", path, n);
	free(target);
	free(begins);
	munmap(m.file, m.size);
}

START_TEST(no_way_in)
{
	csh cs;

	ck_assert_int_eq(cs_open(CS_ARCH_X86, CS_MODE_64, &cs), CS_ERR_OK);
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	for (unsigned i = 0; i < array_size(g_programs); i++)
		check_program(cs, g_programs[i]);
	cs_close(&cs);
}
END_TEST
#endif

/* --- forks, threads, answers ------------------------------------------------------------------ */

/* Calls getpid for ever from one site with a comparison, reports when it changes. */
GUEST(g_getpid, "1: mov $39, %eax\nsyscall\ncmp $-4095, %rax\njae 2f\n"
		"cmp %rax, %rbx\nje 1b\n"
		"mov %rax, %rbx\nmov %rax, %rdi\nmov $5000, %eax\nsyscall\n"
		"jmp 1b\n"
		"2: hlt\n");

static void rewrite_here(struct pctx *c)
{
	struct pcmd cmds[PREWRITE_CMDS];
	int n;

	pctx_return_kick(c, 100);
	next_is(c, PEV_KICK);
	n = pctx_rewrite(c, GVA(CODE + 7), cmds);
	ck_assert_int_ge(n, 1);
	run(c, cmds, (unsigned)n);
}

START_TEST(answers_are_kept_until_forgotten)
{
	struct pctx *c = START(g_getpid);
	unsigned hot = 0;

	next_call(c, SYS_getpid);
	pctx_return(c, 100);
	next_call(c, T_MARK);
	ck_assert_uint_eq(g_ev.args[0], 100);
	pctx_return(c, 0);
	for (unsigned i = 1; i < 64; i++) {
		ck_assert_uint_eq(hot, 0);
		next_call(c, SYS_getpid);
		hot += g_ev.hot;
		if (i < 63)
			pctx_return(c, 100);
	}
	ck_assert_uint_eq(hot, 1);
	rewrite_here(c);
	pctx_resume(c);
	/* From here on it asks nobody. */
	usleep(20000);
	platform_forget(g_p);
	next_call(c, SYS_getpid);
	pctx_return(c, 101);
	next_call(c, T_MARK);
	ck_assert_uint_eq(g_ev.args[0], 101);
	pctx_return(c, 0);
	for (int i = 0; i < 200; i++) {
		struct pregs r;

		usleep((useconds_t)(i * 7 % 100));
		pctx_kick(c);
		next_is(c, PEV_KICK);
		pctx_get_regs(c, &r);
		ck_assert_uint_lt(r.rip, CODE + 0x100);
		ck_assert_uint_ge(r.rip, CODE);
		ck_assert_uint_eq(r.rsp, DATA + SIZE - 64);
		pctx_resume(c);
	}
	pas_kill(pctx_as(c));
	pctx_destroy(c);
}
END_TEST

START_TEST(copies_know_their_sites)
{
	struct pctx *c = START(g_getpid), *child;
	struct pregs r;
	long result;

	next_call(c, SYS_getpid);
	rewrite_here(c);
	pctx_get_regs(c, &r);
	child = clone_event(c, PCLONE_NEWAS, 0, 0, &result);
	/* The child stands behind its patched call with 0. */
	bool done = false, asked = false;

	while (!done || !asked) {
		next();
		if (g_ev.kind == PEV_DONE)
			done = true;
		else
			ck_assert_int_eq(g_ev.kind, PEV_SYSCALL);
		asked |= g_ev.kind == PEV_SYSCALL && g_ev.ctx == child;
	}
	ck_assert_int_eq(g_ev.nr == SYS_getpid || g_ev.nr == T_MARK || done, 1);
	pas_kill(pctx_as(child));
	pctx_destroy(child);
	pas_kill(pctx_as(c));
	pctx_destroy(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("platform_rewrite");
	TCase *t = tcase_create("rewriting");

	tcase_add_checked_fixture(t, with_rewriting, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, all_sites);
	tcase_add_test(t, answers_are_kept_until_forgotten);
	tcase_add_test(t, copies_know_their_sites);
	suite_add_tcase(s, t);
#ifdef HAVE_CAPSTONE
	t = tcase_create("text");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, no_way_in);
	suite_add_tcase(s, t);
#endif
	return run_suite(s);
}
