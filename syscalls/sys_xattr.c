/* SPDX-License-Identifier: Apache-2.0 */
/* sys_xattr.c - extended attributes (xattr(7)): values pass through pages of the arena, at most 64
 * KiB */
#include <linux/limits.h>
#include <sys/xattr.h>

#include "syscalls/sys.h"

#define XATTR_NAME_SIZE (XATTR_NAME_MAX + 1)

/* The file that a call of the family names: by path (followed or not) or by descriptor. */
enum target { BY_PATH, BY_LINK, BY_FD };

static int target_get(struct task *t, const struct sys_args *a, enum target how, struct path *out)
{
	struct file *f;

	if (how != BY_FD)
		return path_at(t, AT_FDCWD, ARG_GVA(a, 0), how == BY_PATH ? WALK_FOLLOW : 0, out);
	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f)
		return -EBADF;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

static int name_get(struct task *t, gva_t src, char name[XATTR_NAME_SIZE])
{
	ssize_t n = copy_in_str(t->mm, name, src, XATTR_NAME_SIZE);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? n : 0;
}

static long do_get(struct task *t, const struct sys_args *a, enum target how)
{
	char name[XATTR_NAME_SIZE];
	scoped_walk p = {NULL, NULL};
	size_t size = min(a->a[3], (u64)XATTR_SIZE_MAX);
	void *buf = NULL;
	ssize_t n = name_get(t, ARG_GVA(a, 1), name);

	if (n == 0)
		n = target_get(t, a, how, &p);
	if (n)
		return n;
	if (size && !(buf = kalloc(size)))
		return -ENOMEM;
	n = vfs_getxattr(task_caller(t), &p, name, buf, size);
	if (n > 0 && size && copy_out(t->mm, ARG_GVA(a, 2), buf, n))
		n = -EFAULT;
	if (buf)
		kfree(buf, size);
	return n;
}

static long do_set(struct task *t, const struct sys_args *a, enum target how)
{
	char name[XATTR_NAME_SIZE];
	scoped_walk p = {NULL, NULL};
	size_t size = a->a[3];
	int flags = ARG_INT(a, 4);
	void *buf = NULL;
	long err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = name_get(t, ARG_GVA(a, 1), name);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (size && !(buf = kalloc(size)))
		return -ENOMEM;
	if (size)
		err = copy_in(t->mm, buf, ARG_GVA(a, 2), size);
	if (!err)
		err = target_get(t, a, how, &p);
	if (!err)
		err = vfs_setxattr(task_caller(t), &p, name, buf, size, flags);
	if (buf)
		kfree(buf, size);
	return err;
}

static long do_list(struct task *t, const struct sys_args *a, enum target how)
{
	scoped_walk p = {NULL, NULL};
	size_t size = min(a->a[2], (u64)XATTR_LIST_MAX);
	void *buf = NULL;
	ssize_t n = target_get(t, a, how, &p);

	if (n)
		return n;
	if (size && !(buf = kalloc(size)))
		return -ENOMEM;
	n = vfs_listxattr(task_caller(t), &p, buf, size);
	if (n > 0 && size && copy_out(t->mm, ARG_GVA(a, 1), buf, n))
		n = -EFAULT;
	if (buf)
		kfree(buf, size);
	return n;
}

static long do_remove(struct task *t, const struct sys_args *a, enum target how)
{
	char name[XATTR_NAME_SIZE];
	scoped_walk p = {NULL, NULL};
	long err = name_get(t, ARG_GVA(a, 1), name);

	if (!err)
		err = target_get(t, a, how, &p);
	return err ? err : vfs_removexattr(task_caller(t), &p, name);
}

#define FAMILY(verb, doit)                                                \
	long sys_##verb##xattr(struct task *t, const struct sys_args *a)  \
	{                                                                 \
		return doit(t, a, BY_PATH);                               \
	}                                                                 \
	long sys_l##verb##xattr(struct task *t, const struct sys_args *a) \
	{                                                                 \
		return doit(t, a, BY_LINK);                               \
	}                                                                 \
	long sys_f##verb##xattr(struct task *t, const struct sys_args *a) \
	{                                                                 \
		return doit(t, a, BY_FD);                                 \
	}

FAMILY(get, do_get)
FAMILY(set, do_set)
FAMILY(list, do_list)
FAMILY(remove, do_remove)
