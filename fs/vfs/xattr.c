/* SPDX-License-Identifier: Apache-2.0 */
/* xattr.c - extended attributes: which names there are and who may use them (xattr(7)) */
#include "fs/vfs/vfs_internal.h"

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* May the caller read (MAY_READ) or change (MAY_WRITE) the attribute @name? */
static int xattr_permission(struct caller *c, const struct path *p, const char *name, u32 mask)
{
	struct inode *inode = dentry_inode(p->dentry);
	bool write = mask & MAY_WRITE;

	if (write) {
		int err = mount_want_write(p->mnt);

		if (err)
			return err;
		if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND))
			return -EPERM;
	}
	if (has_prefix(name, "security.")) {
		if (!write ||
		    cred_capable(c->cred,
				 strcmp(name, "security.capability") ? CAP_SYS_ADMIN : CAP_SETFCAP))
			return 0;
		return -EPERM;
	}
	if (has_prefix(name, "trusted.")) {
		if (cred_capable(c->cred, CAP_SYS_ADMIN))
			return 0;
		return write ? -EPERM : -ENODATA;
	}
	if (!has_prefix(name, "user."))
		return -EOPNOTSUPP;
	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
		return write ? -EPERM : -ENODATA;
	if (S_ISDIR(inode->mode) && (inode->mode & S_ISVTX) && write &&
	    !inode_owner_or_capable(c, inode))
		return -EPERM;
	return inode_permission(c, inode, mask);
}

ssize_t vfs_getxattr(struct caller *c, const struct path *p, const char *name, void *buf,
		     size_t size)
{
	struct inode *inode = dentry_inode(p->dentry);
	int err = xattr_permission(c, p, name, MAY_READ);

	if (err)
		return err;
	return inode->op->getxattr ? inode->op->getxattr(c, inode, name, buf, size) : -EOPNOTSUPP;
}

int vfs_setxattr(struct caller *c, const struct path *p, const char *name, const void *buf,
		 size_t size, int flags)
{
	struct inode *inode = dentry_inode(p->dentry);
	int err = xattr_permission(c, p, name, MAY_WRITE);

	if (err)
		return err;
	if (!inode->op->setxattr)
		return -EOPNOTSUPP;
	inode_lock(inode);
	err = inode->op->setxattr(c, inode, name, buf, size, flags);
	if (!err)
		inode->ctime = vfs_now();
	inode_unlock(inode);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB, 0);
	return err;
}

/* Takes the names out of the list that the caller may not see; the new length. */
static ssize_t filter_trusted(char *buf, ssize_t n)
{
	ssize_t from, to = 0, len;

	for (from = 0; from < n; from += len) {
		len = strnlen(buf + from, n - from) + 1;
		len = min(len, n - from);
		if (has_prefix(buf + from, "trusted."))
			continue;
		memmove(buf + to, buf + from, len);
		to += len;
	}
	return to;
}

ssize_t vfs_listxattr(struct caller *c, const struct path *p, char *buf, size_t size)
{
	struct inode *inode = dentry_inode(p->dentry);
	ssize_t n;

	if (!inode->op->listxattr)
		return 0;
	n = inode->op->listxattr(c, inode, buf, size);
	if (n > 0 && size && !cred_capable(c->cred, CAP_SYS_ADMIN))
		n = filter_trusted(buf, n);
	return n;
}

int vfs_removexattr(struct caller *c, const struct path *p, const char *name)
{
	struct inode *inode = dentry_inode(p->dentry);
	int err = xattr_permission(c, p, name, MAY_WRITE);

	if (err)
		return err;
	if (!inode->op->removexattr)
		return -EOPNOTSUPP;
	inode_lock(inode);
	err = inode->op->removexattr(c, inode, name);
	if (!err)
		inode->ctime = vfs_now();
	inode_unlock(inode);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB, 0);
	return err;
}
