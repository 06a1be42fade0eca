/* SPDX-License-Identifier: Apache-2.0 */
/* sys_exec.c - execve, execveat: arguments of the old program; the rest is task_exec.c */
#include <stdio.h>
#include <sys/epoll.h>

#include "sentry/kernel/exec.h"
#include "syscalls/sys.h"

#define VECTOR_BATCH 64u
#define WINDOW_SIZE  PAGE_SIZE
#define STRINGS_MAX  0x7fffffffu

/* Strings of a program usually lie one behind the other: a page's worth is copied at a time, and as
 * many strings as it holds are taken from that copy. */
struct window {
	gva_t at;
	size_t size;
	char buf[WINDOW_SIZE];
};

/* The string at @src, if the window holds all of it. */
static const char *window_find(const struct window *w, gva_t src, size_t *out_len)
{
	const char *s, *end;
	u64 off = src.v - w->at.v;

	if (src.v < w->at.v || off >= w->size)
		return NULL;
	s = w->buf + off;
	end = memchr(s, 0, w->size - off);
	if (!end)
		return NULL;
	*out_len = (size_t)(end - s);
	return s;
}

static long add_long_string(struct task *t, struct exec_args *args, gva_t src, bool env)
{
	char *buf = kalloc(EXEC_STRING_MAX);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	n = copy_in_str(t->mm, buf, src, EXEC_STRING_MAX);
	if (n == -ENAMETOOLONG)
		n = -E2BIG;
	if (n >= 0)
		n = exec_args_add(args, buf, (size_t)n, env);
	kfree(buf, EXEC_STRING_MAX);
	return n;
}

static long add_string(struct task *t, struct exec_args *args, struct window *w, gva_t src,
		       bool env)
{
	size_t len = 0;
	const char *s = window_find(w, src, &len);

	if (!s) {
		w->at = src;
		w->size = copy_in_some(t->mm, w->buf, src, sizeof(w->buf));
		if (w->size == 0)
			return -EFAULT;
		s = window_find(w, src, &len);
	}
	return s ? exec_args_add(args, s, len, env) : add_long_string(t, args, src, env);
}

/* The strings of one vector, which ends with NULL; NULL instead of a vector is an empty one. */
static long add_vector(struct task *t, struct exec_args *args, struct window *w, gva_t vector,
		       bool env)
{
	u64 ptr[VECTOR_BATCH];

	if (vector.v == 0)
		return 0;
	for (;;) {
		size_t n = copy_in_some(t->mm, ptr, vector, sizeof(ptr)) / sizeof(*ptr);

		if (n == 0)
			return -EFAULT;
		for (size_t i = 0; i < n; i++) {
			long err;

			if (ptr[i] == 0)
				return 0;
			err = add_string(t, args, w, GVA(ptr[i]), env);
			if (err < 0)
				return err;
		}
		vector = gva_add(vector, n * sizeof(*ptr));
	}
}

static long add_vectors(struct task *t, struct exec_args *args, gva_t argv, gva_t envp)
{
	struct window *w = kalloc(sizeof(*w));
	long err;

	if (!w)
		return -ENOMEM;
	w->size = 0;
	err = add_vector(t, args, w, argv, false);
	if (err == 0)
		err = add_vector(t, args, w, envp, true);
	kfree(w, sizeof(*w));
	return err;
}

/* execveat(fd, "", AT_EMPTY_PATH): the file itself. */
static struct file *open_fd(struct task *t, int fd)
{
	struct file *f = fd_lookup_path(t, fd), *prog;

	if (!f)
		return ERR_PTR(-EBADF);
	prog = f->path.dentry ? exec_open_path(task_caller(t), &f->path) : ERR_PTR(-EACCES);
	file_put(f);
	return prog;
}

static struct file *open_at(struct task *t, int dirfd, const char *name, u32 flags)
{
	scoped_walk start = {NULL, NULL};
	int err;

	if (!*name && !(flags & AT_EMPTY_PATH))
		return ERR_PTR(-ENOENT);
	if (!*name && dirfd != AT_FDCWD)
		return open_fd(t, dirfd);
	err = dirfd_get(t, dirfd, name, &start);
	if (err < 0)
		return ERR_PTR(err);
	return exec_open(task_caller(t), err ? &start : NULL, name,
			 flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
}

/* What the program is called: by a descriptor, the name that an interpreter could open it by. */
static int name_program(struct task *t, struct exec *e, int dirfd, const char *name)
{
	struct strbuf s;
	char *full;
	int err;

	if (dirfd == AT_FDCWD || name[0] == '/')
		return exec_set_name(e, name);
	full = kalloc(2 * PATH_MAX);
	if (!full)
		return -ENOMEM;
	strbuf_init(&s, full, 2 * PATH_MAX);
	strbuf_printf(&s, "/dev/fd/%d%s%s", dirfd, *name ? "/" : "", name);
	e->hidden = fd_get_cloexec(t, dirfd) > 0;
	err = exec_set_name(e, full);
	kfree(full, 2 * PATH_MAX);
	return err;
}

static long exec_begin(struct task *t, int dirfd, gva_t path, gva_t argv, gva_t envp, u32 flags)
{
	scoped_path name = {NULL};
	struct exec *e;
	struct file *f;
	long err;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	err = path_arg_get(t, path, &name);
	if (err < 0)
		return err;
	f = open_at(t, dirfd, name.name, flags);
	if (IS_ERR(f))
		return PTR_ERR(f);
	e = exec_create(t);
	if (!e) {
		file_put(f);
		return -ENOMEM;
	}
	e->prog.file = f;
	err = name_program(t, e, dirfd, name.name);
	if (err == 0)
		err = add_vectors(t, &e->args, argv, envp);
	return err < 0 ? err : task_exec(t);
}

long sys_execve(struct task *t, const struct sys_args *a)
{
	if (exec_current(t))
		return task_exec(t);
	return exec_begin(t, AT_FDCWD, ARG_GVA(a, 0), ARG_GVA(a, 1), ARG_GVA(a, 2), 0);
}

long sys_execveat(struct task *t, const struct sys_args *a)
{
	if (exec_current(t))
		return task_exec(t);
	return exec_begin(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_GVA(a, 2), ARG_GVA(a, 3),
			  ARG_UINT(a, 4));
}
