/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - opens a program, follows #! lines, and lays out its address space */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "platform/host/host.h"
#include "sentry/loader/loader_internal.h"
#include "sentry/mm/copy.h"

#define SCRIPT_DEPTH 5
#define PIE_BASE     (page_down(GUEST_END / 3 * 2))
#define PIE_RANDOM   (1ul << 40)
#define BRK_RANDOM   (1ul << 30)
#define INTERP_MAX   4096

/* --- opening ------------------------------------------------------------------------------------
 */

struct file *exec_open_path(struct caller *c, const struct path *p)
{
	struct inode *inode = dentry_inode(p->dentry);
	struct file *f;
	int err;

	if (!inode)
		return ERR_PTR(-ENOENT);
	if (S_ISLNK(inode->mode))
		return ERR_PTR(-ELOOP);
	if (!S_ISREG(inode->mode) || p->mnt->flags & MS_NOEXEC)
		return ERR_PTR(-EACCES);
	err = vfs_permission(c, p, MAY_EXEC);
	if (err < 0)
		return ERR_PTR(err);
	f = vfs_open_exec(c, p);
	if (IS_ERR(f))
		return f;
	err = inode_deny_write(inode);
	if (err < 0) {
		file_put(f);
		return ERR_PTR(err);
	}
	f->mode |= FMODE_DENYWRITE; /* file_put allows it again */
	return f;
}

struct file *exec_open(struct caller *c, const struct path *start, const char *name, u32 walk_flags)
{
	struct path p;
	struct file *f;
	int err = vfs_walk(c, start, name, walk_flags | WALK_OPEN, &p);

	if (err < 0)
		return ERR_PTR(err);
	f = exec_open_path(c, &p);
	path_put(&p);
	return f;
}

int exec_read_head(struct caller *c, struct exec_program *p)
{
	size_t done = 0;
	u64 pos = 0;

	memset(p->head, 0, sizeof(p->head));
	while (done < sizeof(p->head)) {
		struct iov_iter it;
		ssize_t got;

		iter_init_kernel(&it, p->head + done, sizeof(p->head) - done);
		got = vfs_read(c, p->file, &it, &pos);
		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return 0;
}

/* One level: p->file becomes the interpreter of the script it was. */
static int resolve_script(struct caller *c, struct exec_program *p, const char *name,
			  struct exec_args *args)
{
	const char *argv[3];
	char *interp, *arg;
	unsigned n = 0;
	struct file *f;
	int err = script_parse(p->head, &interp, &arg);

	if (err < 0)
		return err;
	argv[n++] = interp;
	if (arg)
		argv[n++] = arg;
	argv[n++] = name;
	err = exec_args_replace_first(args, argv, n);
	if (err < 0)
		return err;
	f = exec_open(c, NULL, interp, WALK_FOLLOW);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	file_put(p->file);
	p->file = f;
	return 0;
}

int exec_resolve(struct caller *c, struct exec_program *p, const char *name, bool hidden,
		 struct exec_args *args)
{
	char called[EXEC_HEAD_SIZE];

	for (unsigned depth = 0;; depth++) {
		int err = exec_read_head(c, p);

		if (err < 0)
			return err;
		if (p->head[0] != '#' || p->head[1] != '!')
			return memcmp(p->head, ELFMAG, SELFMAG) == 0 ? 0 : -ENOEXEC;
		if (hidden)
			return -ENOENT;
		err = resolve_script(c, p, name, args);
		if (err < 0)
			return err;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		/* The interpreter's name is the next script's argument: it is argv[0] now. */
		memcpy(called, args->buf, min(strlen(args->buf) + 1, sizeof(called)));
		name = called;
	}
}

/* --- loading ------------------------------------------------------------------------------------
 */

static void draw(struct load *l)
{
	host_getrandom(&l->rnd, sizeof(l->rnd));
	if (!l->setup->no_randomize)
		return;
	l->rnd.mmap = l->rnd.stack = l->rnd.brk = l->rnd.pie = l->rnd.align = 0;
}

/* The program that PT_INTERP names. */
static int open_interp(struct load *l, struct file **out)
{
	const Elf64_Phdr *ph = &l->prog.ph[l->prog.layout.interp];
	char *name;
	struct file *f;
	int err;

	if (ph->p_filesz > INTERP_MAX || ph->p_filesz < 2)
		return -ENOEXEC;
	name = page_alloc(0);
	if (!name)
		return -ENOMEM;
	err = exec_read(l->c, l->prog.file, name, ph->p_filesz, ph->p_offset);
	if (err == 0 && name[ph->p_filesz - 1] != 0)
		err = -ENOEXEC;
	if (err == 0) {
		f = exec_open(l->c, NULL, name, WALK_FOLLOW);
		err = IS_ERR(f) ? (int)PTR_ERR(f) : 0;
		*out = f;
	}
	page_free(name, 0);
	return err;
}

static int load_interp(struct load *l)
{
	struct elf_file *e = &l->interp;
	int err;

	if (l->prog.layout.interp < 0)
		return 0;
	err = open_interp(l, &e->file);
	if (err < 0)
		return err;
	l->has_interp = true;
	err = elf_open(l->c, e, NULL);
	if (err == -ENOEXEC)
		err = -ELIBBAD;
	return err;
}

/* The program: where it says, or, position independent, low below the other mappings; a loader that
 * is run itself lies among these. */
static int map_program(struct load *l)
{
	struct elf_file *e = &l->prog;
	u64 bias;

	if (e->eh.e_type == ET_EXEC)
		return elf_map(l, e, 0, false);
	if (!l->has_interp)
		return elf_map(l, e, 0, true);
	bias = PIE_BASE + page_down(l->rnd.pie % PIE_RANDOM);
	bias = align_down(bias, e->layout.align) - align_down(e->layout.low, e->layout.align);
	return elf_map(l, e, bias, false);
}

static int map_interp(struct load *l)
{
	if (!l->has_interp)
		return 0;
	if (l->interp.eh.e_type == ET_EXEC)
		return elf_map(l, &l->interp, 0, false);
	return elf_map(l, &l->interp, 0, true);
}

static void set_layout(struct load *l)
{
	const struct elf_layout *lay = &l->prog.layout;
	struct mm *mm = l->image->mm;
	u64 bias = l->prog.bias, brk = page_up(lay->end_bss + bias);

	mm->start_code = lay->start_code + bias;
	mm->end_code = lay->end_code + bias;
	mm->start_data = lay->start_data + bias;
	mm->end_data = lay->end_data + bias;
	/* A program that is its own loader lies among the mappings, where its heap could not grow.
	 */
	if (l->prog.eh.e_type == ET_DYN && !l->has_interp)
		brk = PIE_BASE;
	brk += page_down(l->rnd.brk % BRK_RANDOM);
	mm->start_brk = mm->brk = min(brk, (u64)GUEST_END);
}

static int load_all(struct load *l, const char *head)
{
	u64 entry;
	int err = elf_open(l->c, &l->prog, head);

	if (err == 0)
		err = load_interp(l);
	if (err < 0)
		return err;
	draw(l);
	l->image->mm->mmap_base = stack_mmap_base(l);
	err = map_program(l);
	if (err == 0)
		err = map_interp(l);
	if (err == 0)
		err = stack_build(l);
	if (err < 0)
		return err;
	set_layout(l);
	entry = l->has_interp ? l->interp.eh.e_entry + l->interp.bias
			      : l->prog.eh.e_entry + l->prog.bias;
	if (entry >= GUEST_END)
		return -EINVAL;
	l->image->entry = GVA(entry);
	return 0;
}

/* An interpreter may be written to once it is mapped, unlike the program. */
static void interp_put(struct file *f)
{
	f->mode &= ~(u32)FMODE_DENYWRITE;
	inode_allow_write(f->inode);
	file_put(f);
}

int exec_load(struct caller *c, const struct exec_program *p, const struct exec_setup *s,
	      struct mm_plan *plan, struct exec_image *out)
{
	struct load l = {.c = c, .setup = s, .plan = plan, .image = out};
	int err;

	memset(out, 0, sizeof(*out));
	out->mm = mm_create();
	if (!out->mm)
		return -ENOMEM;
	l.prog.file = p->file;
	err = load_all(&l, p->head);
	elf_close(&l.prog);
	elf_close(&l.interp);
	if (l.has_interp)
		interp_put(l.interp.file);
	if (err < 0)
		exec_image_fini(out);
	return err;
}

int exec_fill(struct exec_image *image)
{
	struct mm *mm = image->mm;

	for (unsigned i = 0; i < image->pads; i++)
		if (copy_zero(mm, image->pad[i].at, image->pad[i].size) < 0 &&
		    image->pad[i].writable)
			return -EFAULT;
	return (int)copy_out(mm, image->sp, (u8 *)image->stack + (image->sp.v - image->stack_at.v),
			     image->stack_size - (image->sp.v - image->stack_at.v));
}

void exec_image_fini(struct exec_image *image)
{
	if (image->stack)
		kfree(image->stack, image->stack_size);
	if (image->mm)
		mm_put(image->mm);
	image->stack = NULL;
	image->mm = NULL;
}
