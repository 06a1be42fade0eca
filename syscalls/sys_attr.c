/* SPDX-License-Identifier: Apache-2.0 */
/* sys_attr.c - chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2), fsync(2) */
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#include "sentry/auth/userns.h"
#include "syscalls/sys.h"

#define AT_VALID (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)

static long setattr_at(struct task *t, int dirfd, gva_t name, u32 flags, struct attr *attr)
{
	scoped_walk p = {NULL, NULL};
	u32 walk = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
		   (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	int err;

	if (flags & ~(u32)AT_VALID)
		return -EINVAL;
	err = path_at(t, dirfd, name, walk, &p);
	return err ? err : vfs_setattr(task_caller(t), &p, attr);
}

static long setattr_fd(struct task *t, int fd, struct attr *attr)
{
	scoped_file f = fd_lookup(t, fd);

	return f ? vfs_setattr(task_caller(t), &f->path, attr) : -EBADF;
}

static struct attr mode_attr(u32 mode)
{
	return (struct attr){.valid = ATTR_MODE, .mode = mode & 07777};
}

long sys_chmod(struct task *t, const struct sys_args *a)
{
	struct attr attr = mode_attr(ARG_UINT(a, 1));

	return setattr_at(t, AT_FDCWD, ARG_GVA(a, 0), 0, &attr);
}

long sys_fchmod(struct task *t, const struct sys_args *a)
{
	struct attr attr = mode_attr(ARG_UINT(a, 1));

	return setattr_fd(t, ARG_INT(a, 0), &attr);
}

long sys_fchmodat(struct task *t, const struct sys_args *a)
{
	struct attr attr = mode_attr(ARG_UINT(a, 2));

	return setattr_at(t, ARG_INT(a, 0), ARG_GVA(a, 1), 0, &attr);
}

long sys_fchmodat2(struct task *t, const struct sys_args *a)
{
	struct attr attr = mode_attr(ARG_UINT(a, 2));

	return setattr_at(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 3), &attr);
}

static int owner_attr(struct task *t, u32 uid, u32 gid, struct attr *out)
{
	*out = (struct attr){.valid = (uid != ~0u ? ATTR_UID : 0) | (gid != ~0u ? ATTR_GID : 0),
			     .uid = uid_in(t->cred, uid),
			     .gid = gid_in(t->cred, gid)};
	return (uid != ~0u && out->uid == NO_ID) || (gid != ~0u && out->gid == NO_ID) ? -EINVAL : 0;
}

long sys_chown(struct task *t, const struct sys_args *a)
{
	struct attr attr;
	int err = owner_attr(t, ARG_UINT(a, 1), ARG_UINT(a, 2), &attr);

	return err ? err : setattr_at(t, AT_FDCWD, ARG_GVA(a, 0), 0, &attr);
}

long sys_lchown(struct task *t, const struct sys_args *a)
{
	struct attr attr;
	int err = owner_attr(t, ARG_UINT(a, 1), ARG_UINT(a, 2), &attr);

	return err ? err : setattr_at(t, AT_FDCWD, ARG_GVA(a, 0), AT_SYMLINK_NOFOLLOW, &attr);
}

long sys_fchown(struct task *t, const struct sys_args *a)
{
	struct attr attr;
	int err = owner_attr(t, ARG_UINT(a, 1), ARG_UINT(a, 2), &attr);

	return err ? err : setattr_fd(t, ARG_INT(a, 0), &attr);
}

long sys_fchownat(struct task *t, const struct sys_args *a)
{
	struct attr attr;
	int err = owner_attr(t, ARG_UINT(a, 2), ARG_UINT(a, 3), &attr);

	return err ? err : setattr_at(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 4), &attr);
}

/* --- times
 * --------------------------------------------------------------------------------------------- */

/* One time of utimensat(2) into the attributes. */
static int time_attr(struct attr *attr, struct timespec ts, u32 set, u32 now)
{
	if (ts.tv_nsec == UTIME_OMIT)
		return 0;
	if (ts.tv_nsec == UTIME_NOW) {
		attr->valid |= set | now;
		ts = vfs_now();
	} else if (ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC) {
		return -EINVAL;
	} else {
		attr->valid |= set;
	}
	if (set == ATTR_ATIME)
		attr->atime = ts;
	else
		attr->mtime = ts;
	return 0;
}

static long do_utimes(struct task *t, int dirfd, gva_t name, const struct timespec ts[2], u32 flags)
{
	struct attr attr = {0};
	int err = time_attr(&attr, ts[0], ATTR_ATIME, ATTR_ATIME_NOW);

	if (!err)
		err = time_attr(&attr, ts[1], ATTR_MTIME, ATTR_MTIME_NOW);
	if (err)
		return err;
	if (!attr.valid) /* both omitted: not even the file is looked at */
		return 0;
	if (!name.v && dirfd != AT_FDCWD)
		return flags ? -EINVAL : setattr_fd(t, dirfd, &attr);
	return setattr_at(t, dirfd, name, flags, &attr);
}

static const struct timespec now_times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

long sys_utimensat(struct task *t, const struct sys_args *a)
{
	struct timespec ts[2] = {now_times[0], now_times[1]};
	long err = a->a[2] ? copy_in(t->mm, ts, ARG_GVA(a, 2), sizeof(ts)) : 0;

	return err ? err : do_utimes(t, ARG_INT(a, 0), ARG_GVA(a, 1), ts, ARG_UINT(a, 3));
}

static long utimes_timeval(struct task *t, int dirfd, gva_t name, gva_t times)
{
	struct timespec ts[2] = {now_times[0], now_times[1]};
	struct timeval tv[2];
	long err;

	if (times.v) {
		err = copy_in(t->mm, tv, times, sizeof(tv));
		if (err)
			return err;
		for (int i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return -EINVAL;
			ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
		}
	}
	return do_utimes(t, dirfd, name, ts, 0);
}

long sys_utimes(struct task *t, const struct sys_args *a)
{
	return utimes_timeval(t, AT_FDCWD, ARG_GVA(a, 0), ARG_GVA(a, 1));
}

long sys_futimesat(struct task *t, const struct sys_args *a)
{
	return utimes_timeval(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_GVA(a, 2));
}

long sys_utime(struct task *t, const struct sys_args *a)
{
	struct timespec ts[2] = {now_times[0], now_times[1]};
	struct utimbuf ub;
	long err;

	if (a->a[1]) {
		err = copy_in_obj(t->mm, &ub, ARG_GVA(a, 1));
		if (err)
			return err;
		ts[0] = (struct timespec){ub.actime, 0};
		ts[1] = (struct timespec){ub.modtime, 0};
	}
	return do_utimes(t, AT_FDCWD, ARG_GVA(a, 0), ts, 0);
}

/* --- size
 * ---------------------------------------------------------------------------------------------- */

long sys_truncate(struct task *t, const struct sys_args *a)
{
	scoped_walk p = {NULL, NULL};
	int err;

	if ((s64)a->a[1] < 0)
		return -EINVAL;
	err = path_at(t, AT_FDCWD, ARG_GVA(a, 0), WALK_FOLLOW, &p);
	return err ? err : vfs_truncate(task_caller(t), &p, NULL, a->a[1]);
}

long sys_ftruncate(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	if ((s64)a->a[1] < 0)
		return -EINVAL;
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_WRITE) || !f->inode || !S_ISREG(f->inode->mode))
		return -EINVAL;
	return vfs_truncate(task_caller(t), &f->path, f, a->a[1]);
}

long sys_fallocate(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	return f ? vfs_fallocate(task_caller(t), f, ARG_INT(a, 1), (s64)a->a[2], (s64)a->a[3])
		 : -EBADF;
}

long sys_fsync(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	return f ? vfs_fsync(task_caller(t), f, false) : -EBADF;
}

long sys_fdatasync(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	return f ? vfs_fsync(task_caller(t), f, true) : -EBADF;
}

long sys_sync_file_range(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	if (!f)
		return -EBADF;
	if (ARG_UINT(a, 3) & ~7u || (s64)a->a[1] < 0 || (s64)a->a[2] < 0)
		return -EINVAL;
	if (!f->inode || f->inode->flags & INODE_STREAM)
		return -ESPIPE;
	return vfs_fsync(task_caller(t), f, true);
}

/* Data is in the host's page cache as soon as write(2) returns: there is nothing of ours to flush,
 * and the host's whole file systems are not a guest's to flush. */
long sys_sync(struct task *t, const struct sys_args *a)
{
	return 0;
}

long sys_syncfs(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	return f ? 0 : -EBADF;
}

long sys_fadvise64(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	if (!f)
		return -EBADF;
	if (f->inode && S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	return ARG_UINT(a, 3) > 5 || (s64)a->a[2] < 0 ? -EINVAL : 0;
}

long sys_readahead(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	if (!f || !(f->mode & FMODE_READ))
		return -EBADF;
	return f->inode && S_ISREG(f->inode->mode) && (s64)a->a[2] >= 0 ? 0 : -EINVAL;
}
