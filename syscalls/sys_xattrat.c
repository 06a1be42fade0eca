/* SPDX-License-Identifier: Apache-2.0 */
/* sys_xattrat.c - setxattrat, getxattrat, listxattrat, removexattrat (Linux 6.13) */
#include "fs/vfs/vfs.h"
#include "syscalls/sys.h"

#define NAME_SIZE   256u
#define VALUE_MAX   65536u
#define VALUE_ORDER 4

static_assert(PAGE_SIZE << VALUE_ORDER == VALUE_MAX, "order of a value");

struct xattr_args_k {
	u64 value;
	u32 size, flags;
};
static_assert(sizeof(struct xattr_args_k) == 16, "struct xattr_args");

static long name_in(struct task *t, gva_t src, char name[NAME_SIZE])
{
	ssize_t n = copy_in_str(t->mm, name, src, NAME_SIZE);

	if (n == 0 || n == -ENAMETOOLONG)
		return -ERANGE;
	return n < 0 ? n : 0;
}

static long find(struct task *t, const struct sys_args *a, struct path *out)
{
	u32 flags = ARG_UINT(a, 2);

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return path_at(t, ARG_INT(a, 0), ARG_GVA(a, 1),
		       (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
			       (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
		       out);
}

static long args_in(struct task *t, gva_t src, u64 size, struct xattr_args_k *out)
{
	if (size < sizeof(*out))
		return -EINVAL;
	if (size > sizeof(*out))
		return -E2BIG;
	return copy_in_obj(t->mm, out, src);
}

long sys_setxattrat(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	struct xattr_args_k x;
	char name[NAME_SIZE];
	void *buf = NULL;
	long err = args_in(t, ARG_GVA(a, 4), a->a[5], &x);

	if (!err)
		err = name_in(t, ARG_GVA(a, 3), name);
	if (!err && (x.flags & ~3u)) /* CREATE, REPLACE */
		err = -EINVAL;
	if (!err && x.size > VALUE_MAX)
		err = -E2BIG;
	if (!err && x.size) {
		buf = page_alloc_dirty(VALUE_ORDER);
		err = buf ? copy_in(t->mm, buf, GVA(x.value), x.size) : -ENOMEM;
	}
	if (!err)
		err = find(t, a, &p);
	if (!err)
		err = vfs_setxattr(task_caller(t), &p, name, buf, x.size, x.flags);
	if (buf)
		page_free(buf, VALUE_ORDER);
	return err;
}

/* The value of @name, or the list when it is NULL, to @dst. */
static long copy_result(struct task *t, const struct path *p, const char *name, gva_t dst, u64 size)
{
	struct caller *c = task_caller(t);
	void *buf = NULL;
	ssize_t n;

	size = min(size, (u64)VALUE_MAX);
	if (size) {
		buf = page_alloc_dirty(VALUE_ORDER);
		if (!buf)
			return -ENOMEM;
	}
	n = name ? vfs_getxattr(c, p, name, buf, size) : vfs_listxattr(c, p, buf, size);
	if (n > 0 && size && copy_out(t->mm, dst, buf, n))
		n = -EFAULT;
	if (buf)
		page_free(buf, VALUE_ORDER);
	return n;
}

long sys_getxattrat(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	struct xattr_args_k x;
	char name[NAME_SIZE];
	long err = args_in(t, ARG_GVA(a, 4), a->a[5], &x);

	if (!err && x.flags)
		err = -EINVAL;
	if (!err)
		err = name_in(t, ARG_GVA(a, 3), name);
	if (!err)
		err = find(t, a, &p);
	return err ? err : copy_result(t, &p, name, GVA(x.value), x.size);
}

long sys_listxattrat(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	long err = find(t, a, &p);

	return err ? err : copy_result(t, &p, NULL, ARG_GVA(a, 3), a->a[4]);
}

long sys_removexattrat(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	char name[NAME_SIZE];
	long err = name_in(t, ARG_GVA(a, 3), name);

	if (!err)
		err = find(t, a, &p);
	return err ? err : vfs_removexattr(task_caller(t), &p, name);
}
