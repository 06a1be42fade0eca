/* SPDX-License-Identifier: Apache-2.0 */
/* attr.c - stat, chmod, chown, utimes, truncate, access, statfs */
#include "fs/vfs/vfs_internal.h"

#include <linux/securebits.h>
#include <sys/statvfs.h>

#define RELATIME_AGE (24 * 60 * 60)

READS_UNLOCKED void inode_fill_stat(const struct inode *i, struct kstat *out)
{
	memset(out, 0, sizeof(*out));
	out->mode = i->mode;
	out->nlink = i->nlink;
	out->uid = i->uid;
	out->gid = i->gid;
	out->ino = i->ino;
	out->size = i->size;
	out->blocks = i->blocks;
	out->blksize = i->sb->blksize;
	out->dev = i->sb->dev;
	out->rdev = i->rdev;
	out->atime = i->atime;
	out->mtime = i->mtime;
	out->ctime = i->ctime;
	out->btime = i->btime;
	out->has_btime = i->btime.tv_sec || i->btime.tv_nsec;
}

int vfs_stat(struct caller *c, const struct path *p, struct kstat *out)
{
	struct inode *inode = dentry_inode(p->dentry);

	if (inode->op->getattr)
		return inode->op->getattr(c, inode, out);
	inode_fill_stat(inode, out);
	return 0;
}

static bool time_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

/* relatime: is the time of the last access behind a change, or a day old? */
READS_UNLOCKED static bool atime_is_old(const struct inode *i, struct timespec now)
{
	return !time_before(i->mtime, i->atime) || !time_before(i->ctime, i->atime) ||
	       now.tv_sec - i->atime.tv_sec >= RELATIME_AGE;
}

void touch_atime(struct file *f)
{
	struct inode *i = f->inode;
	u32 flags = f->path.mnt->flags | f->path.mnt->sb->flags;
	struct timespec now;

	if ((f->flags & O_NOATIME) || (inode_flags(i) & INODE_NO_ATIME) ||
	    (flags & (MS_NOATIME | MS_RDONLY)))
		return;
	if ((flags & MS_NODIRATIME) && S_ISDIR(i->mode))
		return;
	now = vfs_now();
	if (!(flags & MS_STRICTATIME) && !atime_is_old(i, now))
		return;
	inode_lock(i);
	i->atime = now;
	inode_unlock(i);
}

/* --- setattr -----------------------------------------------------------------------------------
 */

static int may_chown(struct caller *c, const struct inode *inode, const struct attr *a)
{
	bool owner = c->cred->fsuid == inode->uid;

	if (cred_capable_wrt(c->cred, inode->uid, inode->gid, CAP_CHOWN))
		return 0;
	if ((a->valid & ATTR_UID) && !(owner && a->uid == inode->uid))
		return -EPERM;
	if ((a->valid & ATTR_GID) &&
	    !(owner && (a->gid == inode->gid || cred_in_group(c->cred, a->gid))))
		return -EPERM;
	return 0;
}

static int may_set_times(struct caller *c, struct inode *inode, const struct attr *a)
{
	u32 now = ATTR_ATIME_NOW | ATTR_MTIME_NOW;

	if (!(a->valid & (ATTR_ATIME | ATTR_MTIME)) || inode_owner_or_capable(c, inode))
		return 0;
	if ((a->valid & now) != now)
		return -EPERM;
	return inode_permission(c, inode, MAY_WRITE);
}

/* Checks, and completes @a by what follows from it. Inode lock held. */
static int setattr_prepare(struct caller *c, struct inode *inode, struct attr *a)
{
	int err = 0;

	if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (a->valid & (ATTR_UID | ATTR_GID))
		err = may_chown(c, inode, a);
	if (!err)
		err = may_set_times(c, inode, a);
	if (err)
		return err;
	if (a->valid & ATTR_MODE) {
		u32 gid = a->valid & ATTR_GID ? a->gid : inode->gid;

		if (!inode_owner_or_capable(c, inode))
			return -EPERM;
		if (!cred_in_group(c->cred, gid) &&
		    !cred_capable_wrt(c->cred, inode->uid, inode->gid, CAP_FSETID))
			a->mode &= ~(u32)S_ISGID;
		a->mode = (inode->mode & S_IFMT) | (a->mode & 07777);
	} else if ((a->valid & (ATTR_UID | ATTR_GID)) && !S_ISDIR(inode->mode) &&
		   (inode->mode & (S_ISUID | S_ISGID))) {
		a->mode = inode->mode & ~(u32)S_ISUID;
		if (inode->mode & S_IXGRP)
			a->mode &= ~(u32)S_ISGID;
		a->valid |= ATTR_MODE | ATTR_KILL_PRIV;
	}
	a->ctime = vfs_now();
	a->valid |= ATTR_CTIME;
	if (a->valid & ATTR_ATIME_NOW)
		a->atime = a->ctime;
	if (a->valid & ATTR_MTIME_NOW)
		a->mtime = a->ctime;
	return 0;
}

static int setattr_locked(struct caller *c, struct inode *inode, const struct attr *a)
{
	if (inode->op->setattr)
		return inode->op->setattr(c, inode, a);
	inode_apply_attr(inode, a);
	return 0;
}

int vfs_setattr(struct caller *c, const struct path *p, struct attr *a)
{
	struct inode *inode = dentry_inode(p->dentry);
	int err = mount_want_write(p->mnt);

	if (err)
		return err;
	if (S_ISLNK(inode->mode) && (a->valid & ATTR_MODE))
		return -EOPNOTSUPP;
	inode_lock(inode);
	err = setattr_prepare(c, inode, a);
	if (!err)
		err = setattr_locked(c, inode, a);
	inode_unlock(inode);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB, 0);
	return err;
}

/* --- truncate ----------------------------------------------------------------------------------
 */

static int truncate_inode(struct caller *c, const struct path *p, u64 size)
{
	struct inode *inode = dentry_inode(p->dentry);
	struct attr a = {.valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size};
	int err;

	inode_lock(inode);
	a.mtime = a.ctime = vfs_now();
	err = setattr_locked(c, inode, &a);
	inode_unlock(inode);
	if (err)
		return err;
	err = file_strip_privs(c, p);
	notify_dentry(p->dentry, IN_MODIFY, 0);
	return err;
}

int vfs_truncate_opened(struct caller *c, struct file *f)
{
	return truncate_inode(c, &f->path, 0);
}

static int may_truncate(struct caller *c, const struct path *p)
{
	struct inode *inode = dentry_inode(p->dentry);
	int err;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	err = vfs_permission(c, p, MAY_WRITE);
	if (err)
		return err;
	if (inode->flags & INODE_APPEND)
		return -EPERM;
	return atomic_load(&inode->write_count) < 0 ? -ETXTBSY : 0;
}

int vfs_truncate(struct caller *c, const struct path *p, struct file *f, u64 size)
{
	int err = 0;

	if (size > INT64_MAX)
		return -EINVAL;
	if (f) {
		p = &f->path;
		if (!S_ISREG(f->inode->mode) || !(f->mode & FMODE_WRITE))
			return -EINVAL;
	} else {
		err = may_truncate(c, p);
	}
	if (!err && size > c->fsize_limit && size > dentry_inode(p->dentry)->size)
		err = -EFBIG;
	return err ? err : truncate_inode(c, p, size);
}

/* --- access ------------------------------------------------------------------------------------
 */

/* access(2) asks with the real ids: a caller who has them as file-system ids. NULL: no memory. */
static const struct cred *real_cred(struct caller *c)
{
	const struct cred *cred = c->cred;
	u64 caps = cred->effective;
	struct cred *copy;

	if (!(cred->securebits & SECBIT_NO_SETUID_FIXUP))
		caps = cred->uid ? 0 : cred->permitted;
	if (cred->fsuid == cred->uid && cred->fsgid == cred->gid && caps == cred->effective)
		return cred_get(cred);
	copy = cred_dup(cred);
	if (!copy)
		return NULL;
	copy->fsuid = cred->uid;
	copy->fsgid = cred->gid;
	copy->effective = caps;
	return copy;
}

int vfs_access(struct caller *c, const struct path *p, u32 mask, bool real_ids)
{
	struct inode *inode = dentry_inode(p->dentry);
	const struct cred *saved = c->cred;
	int err = 0;

	if (!mask)
		return 0;
	if ((mask & MAY_EXEC) && S_ISREG(inode->mode) && (p->mnt->flags & MS_NOEXEC))
		return -EACCES;
	if (real_ids) {
		c->cred = real_cred(c);
		if (!c->cred) {
			c->cred = saved;
			return -ENOMEM;
		}
	}
	err = inode_permission(c, inode, mask);
	if (!err && (mask & MAY_WRITE) &&
	    (S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode)))
		err = mount_want_write(p->mnt);
	if (real_ids) {
		cred_put(c->cred);
		c->cred = saved;
	}
	return err;
}

/* --- statfs ------------------------------------------------------------------------------------
 */

static long statfs_flags(const struct mount *m)
{
	u32 f = m->flags | (m->sb->flags & MS_RDONLY);
	long out = 0x20; /* ST_VALID */

	out |= f & MS_RDONLY ? ST_RDONLY : 0;
	out |= f & MS_NOSUID ? ST_NOSUID : 0;
	out |= f & MS_NODEV ? ST_NODEV : 0;
	out |= f & MS_NOEXEC ? ST_NOEXEC : 0;
	out |= f & MS_NOATIME ? ST_NOATIME : 0;
	out |= f & MS_NODIRATIME ? ST_NODIRATIME : 0;
	out |= f & MS_RELATIME ? ST_RELATIME : 0;
	return out;
}

int vfs_statfs(struct caller *c, const struct path *p, struct statfs *out)
{
	struct super_block *sb = p->dentry->sb;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->f_type = sb->magic;
	out->f_bsize = out->f_frsize = sb->blksize;
	out->f_namelen = NAME_MAX_LEN;
	memcpy(&out->f_fsid, &sb->dev, sizeof(out->f_fsid));
	if (sb->op && sb->op->statfs)
		err = sb->op->statfs(c, sb, out);
	out->f_flags = statfs_flags(p->mnt);
	return err;
}
