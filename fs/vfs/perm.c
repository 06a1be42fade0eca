/* SPDX-License-Identifier: Apache-2.0 */
/* perm.c - who may do what to an inode (path_resolution(7), inode(7), capabilities(7)) */
#include "fs/vfs/vfs_internal.h"

int generic_permission(struct caller *c, struct inode *inode, u32 mask)
{
	const struct cred *cred = c->cred;
	u32 mode = inode->mode;

	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (cred->fsuid == inode->uid)
		mode >>= 6;
	else if (((mode >> 3) ^ mode) & mask & 7 && cred_in_group(cred, inode->gid))
		mode >>= 3;
	if ((mask & ~mode) == 0)
		return 0;
	if (S_ISDIR(inode->mode)) {
		if (!(mask & MAY_WRITE) &&
		    cred_capable_wrt(cred, inode->uid, inode->gid, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable_wrt(cred, inode->uid, inode->gid, CAP_DAC_OVERRIDE) ? 0
											: -EACCES;
	}
	if (mask == MAY_READ && cred_capable_wrt(cred, inode->uid, inode->gid, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (inode->mode & 0111)) &&
	    cred_capable_wrt(cred, inode->uid, inode->gid, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct caller *c, struct inode *inode, u32 mask)
{
	if ((mask & MAY_WRITE) && (inode_flags(inode) & INODE_IMMUTABLE))
		return -EPERM;
	return inode->op->permission ? inode->op->permission(c, inode, mask)
				     : generic_permission(c, inode, mask);
}

static bool mount_read_only(const struct mount *m)
{
	return (m->flags | m->sb->flags) & MS_RDONLY;
}

int mount_want_write(const struct mount *m)
{
	return mount_read_only(m) ? -EROFS : 0;
}

int vfs_permission(struct caller *c, const struct path *p, u32 mask)
{
	struct inode *inode = dentry_inode(p->dentry);

	if (!inode)
		return -ENOENT;
	if ((mask & MAY_WRITE) && mount_read_only(p->mnt) &&
	    (S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode)))
		return -EROFS;
	return inode_permission(c, inode, mask);
}

bool inode_owner_or_capable(struct caller *c, const struct inode *inode)
{
	return c->cred->fsuid == inode->uid ||
	       cred_capable_wrt(c->cred, inode->uid, inode->gid, CAP_FOWNER);
}

int may_create(struct caller *c, struct inode *dir)
{
	if (inode_flags(dir) & INODE_DEAD)
		return -ENOENT;
	return inode_permission(c, dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct caller *c, struct inode *dir, struct dentry *victim, int isdir)
{
	struct inode *inode = dentry_inode(victim);
	int err = inode_permission(c, dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if ((inode_flags(dir) & INODE_APPEND) ||
	    (inode_flags(inode) & (INODE_IMMUTABLE | INODE_APPEND)))
		return -EPERM;
	if ((dir->mode & S_ISVTX) && c->cred->fsuid != inode->uid && c->cred->fsuid != dir->uid &&
	    !cred_capable_wrt(c->cred, inode->uid, inode->gid, CAP_FOWNER))
		return -EPERM;
	if (isdir == 1 && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (isdir == 0 && S_ISDIR(inode->mode))
		return -EISDIR;
	if (atomic_load(&victim->mounts))
		return -EBUSY;
	return inode_flags(dir) & INODE_DEAD ? -ENOENT : 0;
}

void attr_for_new(struct caller *c, const struct inode *dir, u32 mode, struct attr *out)
{
	memset(out, 0, sizeof(*out));
	out->valid = ATTR_MODE | ATTR_UID | ATTR_GID;
	out->uid = c->cred->fsuid;
	out->gid = c->cred->fsgid;
	if (dir->mode & S_ISGID) {
		out->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(c->cred, dir->gid) &&
			 !cred_capable_wrt(c->cred, dir->uid, dir->gid, CAP_FSETID))
			mode &= ~S_ISGID;
	}
	out->mode = mode;
}

/* Bits of @mode that a write or a change of owner takes away. */
static u32 priv_bits(u32 mode)
{
	u32 kill = mode & S_ISUID;

	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		kill |= S_ISGID;
	return kill;
}

int file_strip_privs(struct caller *c, const struct path *p)
{
	struct inode *inode = dentry_inode(p->dentry);
	struct attr a = {.valid = ATTR_MODE | ATTR_KILL_PRIV | ATTR_CTIME};
	int err = 0;

	if (likely(!(inode->mode & (S_ISUID | S_ISGID))) || !S_ISREG(inode->mode) ||
	    cred_capable_wrt(c->cred, inode->uid, inode->gid, CAP_FSETID))
		return 0;
	inode_lock(inode);
	if (priv_bits(inode->mode)) {
		a.mode = inode->mode & ~priv_bits(inode->mode);
		a.ctime = vfs_now();
		if (inode->op->setattr)
			err = inode->op->setattr(c, inode, &a);
		else
			inode_apply_attr(inode, &a);
	}
	inode_unlock(inode);
	return err;
}
