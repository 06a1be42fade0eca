/* SPDX-License-Identifier: Apache-2.0 */
/* sys.h - conventions of the handlers
 *
 * long sys_NAME(struct task *t, const struct sys_args *a): decode a->a[0..5], check, call, encode.
 * The result is the guest's result or -errno, or one of the private codes of task.h. A handler that
 * blocks is called again from its start (t->wait.again): what it did on its first run and must not
 * do twice is guarded by t->wait.stage. References taken in a run are given back before the return.
 */
#ifndef SYSCALLS_SYS_H
#define SYSCALLS_SYS_H

#include <fcntl.h>
#include <limits.h>

#include "sentry/kernel/kernel.h"
#include "sentry/mm/copy.h"
#include "syscalls/handlers.h"

/* Arguments as the C types of the man page. */
#define ARG_INT(a, i)  ((int)(a)->a[i])
#define ARG_UINT(a, i) ((unsigned)(a)->a[i])
#define ARG_LONG(a, i) ((long)(a)->a[i])
#define ARG_GVA(a, i)  GVA((a)->a[i])

/* A path argument: copied once. PATH_MAX with the 0. */
struct path_arg {
	char *name; /* page of the arena */
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM. The empty path is left to the walk (ENOENT). */
int path_arg_get(struct task *t, gva_t src, struct path_arg *out) must_check;
void path_arg_put(struct path_arg *p);
#define scoped_path __attribute__((cleanup(path_arg_put))) struct path_arg

/* Start of a walk for a dirfd argument: NULL-path (cwd) for AT_FDCWD or an absolute name. *out
 * holds a reference when 1 is returned; 0: use NULL; -EBADF, -ENOTDIR. */
int dirfd_get(struct task *t, int dirfd, const char *name, struct path *out) must_check;
/* Walks a path argument: dirfd + name, WALK_* flags. Reference in *out. */
int path_at(struct task *t, int dirfd, gva_t name, u32 walk_flags, struct path *out) must_check;

static inline void file_put_scoped(struct file **f)
{
	if (*f)
		file_put(*f);
}
#define scoped_file __attribute__((cleanup(file_put_scoped))) struct file *
static inline void path_put_scoped(struct path *p)
{
	if (p->dentry)
		path_put(p);
}
#define scoped_walk __attribute__((cleanup(path_put_scoped))) struct path

/* timespec arguments: checked (0 <= nsec < 1e9, sec >= 0), ns; S64_MAX when larger. -EFAULT,
 * -EINVAL. */
int timespec_in(struct task *t, gva_t src, s64 *out_ns) must_check;
int timespec_out(struct task *t, gva_t dst, s64 ns) must_check;
/* sigset argument with its size: -EINVAL unless 8. */
int sigset_in(struct task *t, gva_t src, u64 size, u64 *out) must_check;

#endif
