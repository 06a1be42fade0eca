/* SPDX-License-Identifier: Apache-2.0 */
/* sys_stat.c - stat(2), statx(2), statfs(2), access(2), readlink(2) */
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sentry/auth/userns.h"
#include "syscalls/sys.h"

static struct stat to_stat(const struct cred *c, const struct kstat *k)
{
	return (struct stat){
		.st_dev = k->dev,
		.st_ino = k->ino,
		.st_nlink = k->nlink,
		.st_mode = k->mode,
		.st_uid = uid_out(c, k->uid),
		.st_gid = gid_out(c, k->gid),
		.st_rdev = k->rdev,
		.st_size = k->size,
		.st_blksize = k->blksize,
		.st_blocks = k->blocks,
		.st_atim = k->atime,
		.st_mtim = k->mtime,
		.st_ctim = k->ctime,
	};
}

static long stat_path(struct task *t, const struct path *p, gva_t dst)
{
	struct kstat k;
	struct stat st;
	int err = vfs_stat(task_caller(t), p, &k);

	if (err)
		return err;
	st = to_stat(t->cred, &k);
	return copy_out_obj(t->mm, dst, &st);
}

static long stat_at(struct task *t, int dirfd, gva_t name, u32 walk, gva_t dst)
{
	scoped_walk p = {NULL, NULL};
	int err = path_at(t, dirfd, name, walk, &p);

	return err ? err : stat_path(t, &p, dst);
}

long sys_stat(struct task *t, const struct sys_args *a)
{
	return stat_at(t, AT_FDCWD, ARG_GVA(a, 0), WALK_FOLLOW, ARG_GVA(a, 1));
}

long sys_lstat(struct task *t, const struct sys_args *a)
{
	return stat_at(t, AT_FDCWD, ARG_GVA(a, 0), 0, ARG_GVA(a, 1));
}

static long stat_fd(struct task *t, int fd, gva_t dst)
{
	scoped_file f = fd_lookup_path(t, fd);

	return f ? stat_path(t, &f->path, dst) : -EBADF;
}

long sys_fstat(struct task *t, const struct sys_args *a)
{
	return stat_fd(t, ARG_INT(a, 0), ARG_GVA(a, 1));
}

static u32 walk_of_at(u32 flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
	       (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* glibc's fstat is newfstatat(fd, "", AT_EMPTY_PATH): no walk, no page for the name. */
static bool is_fd_itself(struct task *t, const struct sys_args *a, u32 flags)
{
	char c;

	return flags & AT_EMPTY_PATH && ARG_INT(a, 0) >= 0 &&
	       (a->a[1] == 0 || (copy_in(t->mm, &c, ARG_GVA(a, 1), 1) == 0 && c == 0));
}

long sys_newfstatat(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 3);

	if (flags &
	    ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (is_fd_itself(t, a, flags))
		return stat_fd(t, ARG_INT(a, 0), ARG_GVA(a, 2));
	return stat_at(t, ARG_INT(a, 0), ARG_GVA(a, 1), walk_of_at(flags), ARG_GVA(a, 2));
}

static struct statx_timestamp to_statx_time(struct timespec ts)
{
	return (struct statx_timestamp){.tv_sec = ts.tv_sec, .tv_nsec = ts.tv_nsec};
}

static struct statx to_statx(const struct cred *c, const struct kstat *k, const struct path *p)
{
	struct statx x = {
		.stx_mask = STATX_BASIC_STATS | 0x1000 /* STATX_MNT_ID */,
		.stx_blksize = k->blksize,
		.stx_nlink = k->nlink,
		.stx_uid = uid_out(c, k->uid),
		.stx_gid = gid_out(c, k->gid),
		.stx_mode = k->mode,
		.stx_ino = k->ino,
		.stx_size = k->size,
		.stx_blocks = k->blocks,
		.stx_atime = to_statx_time(k->atime),
		.stx_mtime = to_statx_time(k->mtime),
		.stx_ctime = to_statx_time(k->ctime),
		.stx_rdev_major = major(k->rdev),
		.stx_rdev_minor = minor(k->rdev),
		.stx_dev_major = major(k->dev),
		.stx_dev_minor = minor(k->dev),
		.stx_attributes_mask = 0x2000 /* STATX_ATTR_MOUNT_ROOT */,
	};

	if (k->has_btime) {
		x.stx_mask |= STATX_BTIME;
		x.stx_btime = to_statx_time(k->btime);
	}
	if (p->mnt) {
		x.stx_mnt_id = p->mnt->id;
		if (p->mnt->root == p->dentry)
			x.stx_attributes |= 0x2000;
	}
	return x;
}

static long statx_path(struct task *t, const struct path *p, gva_t dst)
{
	struct kstat k;
	struct statx x;
	int err = vfs_stat(task_caller(t), p, &k);

	if (err)
		return err;
	x = to_statx(t->cred, &k, p);
	return copy_out_obj(t->mm, dst, &x);
}

long sys_statx(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	u32 flags = ARG_UINT(a, 2);
	int err;

	if (ARG_UINT(a, 3) & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags &
	    ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (is_fd_itself(t, a, flags)) {
		scoped_file f = fd_lookup_path(t, ARG_INT(a, 0));

		return f ? statx_path(t, &f->path, ARG_GVA(a, 4)) : -EBADF;
	}
	err = path_at(t, ARG_INT(a, 0), ARG_GVA(a, 1), walk_of_at(flags), &p);
	return err ? err : statx_path(t, &p, ARG_GVA(a, 4));
}

static long statfs_path(struct task *t, const struct path *p, gva_t dst)
{
	struct statfs st;
	int err;

	memset(&st, 0, sizeof(st));
	err = vfs_statfs(task_caller(t), p, &st);
	return err ? err : copy_out_obj(t->mm, dst, &st);
}

long sys_statfs(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	int err = path_at(t, AT_FDCWD, ARG_GVA(a, 0), WALK_FOLLOW, &p);

	return err ? err : statfs_path(t, &p, ARG_GVA(a, 1));
}

long sys_fstatfs(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup_path(t, ARG_INT(a, 0));

	return f ? statfs_path(t, &f->path, ARG_GVA(a, 1)) : -EBADF;
}

static long do_access(struct task *t, int dirfd, gva_t name, u32 mode, u32 flags)
{
	scoped_walk p = {NULL, NULL};
	int err;

	if (mode & ~(u32)(R_OK | W_OK | X_OK) ||
	    flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_at(t, dirfd, name, walk_of_at(flags), &p);
	return err ? err : vfs_access(task_caller(t), &p, mode, !(flags & AT_EACCESS));
}

long sys_access(struct task *t, const struct sys_args *a)
{
	return do_access(t, AT_FDCWD, ARG_GVA(a, 0), ARG_UINT(a, 1), 0);
}

long sys_faccessat(struct task *t, const struct sys_args *a)
{
	return do_access(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2), 0);
}

long sys_faccessat2(struct task *t, const struct sys_args *a)
{
	return do_access(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2), ARG_UINT(a, 3));
}

static long do_readlink(struct task *t, int dirfd, gva_t name, gva_t buf, s64 size, u32 walk)
{
	scoped_walk p = {NULL, NULL};
	scoped_path text = {NULL};
	ssize_t n;
	int err;

	if ((s32)size <= 0)
		return -EINVAL;
	err = path_at(t, dirfd, name, walk, &p);
	if (err)
		return err;
	text.name = page_alloc(0);
	if (!text.name)
		return -ENOMEM;
	n = vfs_readlink(task_caller(t), &p, text.name, PATH_MAX);
	if (n < 0)
		return n;
	n = min(n, (ssize_t)(s32)size);
	return copy_out(t->mm, buf, text.name, n) ? -EFAULT : n;
}

long sys_readlink(struct task *t, const struct sys_args *a)
{
	return do_readlink(t, AT_FDCWD, ARG_GVA(a, 0), ARG_GVA(a, 1), (s64)a->a[2], 0);
}

long sys_readlinkat(struct task *t, const struct sys_args *a)
{
	return do_readlink(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_GVA(a, 2), (s64)a->a[3],
			   WALK_EMPTY);
}
