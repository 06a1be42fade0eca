/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - making and removing names: mkdir, mknod, symlink, link, unlink, rmdir, readlink
 * (rename.c: rename) */
#include "fs/vfs/vfs_internal.h"

/* A new name about to be made: the directory is locked, the dentry negative. */
struct new_name {
	struct path dir;
	struct dentry *d;
	const char *last; /* the name, in the caller's text: a rename may change d's at any time */
	size_t len;
};

/* @want_dir: a trailing slash is fine. -EEXIST when the name is there. On success end with
 * new_name_end. */
static int new_name_begin(struct caller *c, const struct path *start, const char *name,
			  bool want_dir, struct new_name *n)
{
	enum last_kind kind;
	bool slash;
	struct inode *dir;
	int err = vfs_walk_parent(c, start, name, 0, &n->dir, &n->last, &n->len, &kind, &slash);

	if (err)
		return err;
	if (kind != LAST_NORM) {
		path_put(&n->dir);
		return -EEXIST;
	}
	dir = dentry_inode(n->dir.dentry);
	inode_lock(dir);
	n->d = lookup_one(c, n->dir.dentry, n->last, n->len,
			  dentry_hash(n->dir.dentry, n->last, n->len), true);
	if (IS_ERR(n->d)) {
		err = PTR_ERR(n->d);
		goto out_dir;
	}
	if (dentry_inode(n->d))
		err = -EEXIST;
	else if (slash && !want_dir)
		err = -ENOENT;
	else
		err = mount_want_write(n->dir.mnt);
	if (!err)
		err = may_create(c, dir);
	if (!err)
		return 0;
	dentry_put(n->d);
out_dir:
	inode_unlock(dir);
	path_put(&n->dir);
	return err;
}

/* @mask: what to tell when @err is 0. Returns @err. */
static int new_name_end(struct new_name *n, int err, u32 mask)
{
	inode_unlock(dentry_inode(n->dir.dentry));
	if (!err)
		notify_name(n->dir.dentry, n->last, n->len, mask, 0);
	dentry_put(n->d);
	path_put(&n->dir);
	return err;
}

int vfs_mkdir(struct caller *c, const struct path *start, const char *name, u32 mode)
{
	struct new_name n;
	struct inode *dir;
	struct attr a;
	int err = new_name_begin(c, start, name, true, &n);

	if (err)
		return err;
	dir = dentry_inode(n.dir.dentry);
	attr_for_new(c, dir, S_IFDIR | (mode & (0777 | S_ISVTX) & ~c->umask), &a);
	err = dir->op->mkdir ? dir->op->mkdir(c, dir, n.d, &a) : -EPERM;
	return new_name_end(&n, err, IN_CREATE | IN_ISDIR);
}

/* Who may make which kind of node. */
static int may_mknod(struct caller *c, u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case 0:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		return cred_capable(c->cred, CAP_MKNOD) ? 0 : -EPERM;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

int vfs_mknod(struct caller *c, const struct path *start, const char *name, u32 mode, u64 rdev,
	      struct path *out_or_null)
{
	struct new_name n;
	struct inode *dir;
	struct attr a;
	int err = may_mknod(c, mode);

	if (!err)
		err = new_name_begin(c, start, name, false, &n);
	if (err)
		return err;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	dir = dentry_inode(n.dir.dentry);
	attr_for_new(c, dir, mode & (S_IFMT | (07777 & ~c->umask)), &a);
	if (S_ISREG(mode))
		err = dir->op->create ? dir->op->create(c, dir, n.d, &a) : -EPERM;
	else
		err = dir->op->mknod ? dir->op->mknod(c, dir, n.d, &a, rdev) : -EPERM;
	if (!err && out_or_null) {
		*out_or_null = (struct path){n.dir.mnt, n.d};
		path_get(out_or_null);
	}
	return new_name_end(&n, err, IN_CREATE);
}

int vfs_symlink(struct caller *c, const struct path *start, const char *name, const char *target)
{
	struct new_name n;
	struct inode *dir;
	struct attr a;
	int err;

	if (!*target)
		return -ENOENT;
	err = new_name_begin(c, start, name, false, &n);
	if (err)
		return err;
	dir = dentry_inode(n.dir.dentry);
	attr_for_new(c, dir, S_IFLNK | 0777, &a);
	err = dir->op->symlink ? dir->op->symlink(c, dir, n.d, &a, target) : -EPERM;
	return new_name_end(&n, err, IN_CREATE);
}

/* protected_hardlinks is not on: only the rules of link(2). */
static int may_link(const struct path *from, const struct new_name *n)
{
	struct inode *inode = dentry_inode(from->dentry);

	if (from->mnt != n->dir.mnt || from->dentry->sb != n->dir.dentry->sb)
		return -EXDEV;
	if (inode_flags(inode) & (INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	return S_ISDIR(inode->mode) ? -EPERM : 0;
}

int vfs_link(struct caller *c, const struct path *from, const struct path *start, const char *name)
{
	struct new_name n;
	struct inode *dir;
	int err;

	err = new_name_begin(c, start, name, false, &n);
	if (err)
		return err;
	dir = dentry_inode(n.dir.dentry);
	err = may_link(from, &n);
	if (!err)
		err = dir->op->link ? dir->op->link(c, from->dentry, dir, n.d) : -EPERM;
	if (!err)
		notify_inode(dentry_inode(from->dentry), IN_ATTRIB, 0, NULL, 0);
	return new_name_end(&n, err, IN_CREATE);
}

/* --- removal -----------------------------------------------------------------------------------
 */

/* @victim was removed: its dentry leaves the cache, and the name is known not to be there.
 * Directory locked. */
static void name_removed(struct dentry *dir, struct dentry *victim)
{
	struct dentry *d;
	bool new;

	dentry_drop(victim);
	if (dir->sb->no_dcache || dir->sb->no_negative)
		return;
	d = dentry_lookup_or_new(dir, victim->name, victim->name_len, &new);
	if (!d)
		return;
	if (new)
		dentry_set_negative(d);
	dentry_put(d);
}

static int remove_locked(struct caller *c, struct path *dir_path, struct dentry *d, bool is_dir)
{
	struct inode *dir = dentry_inode(dir_path->dentry), *inode = dentry_inode(d);
	int (*op)(struct caller *, struct inode *, struct dentry *) =
		is_dir ? dir->op->rmdir : dir->op->unlink;
	int err = mount_want_write(dir_path->mnt);

	if (!err)
		err = may_delete(c, dir, d, is_dir);
	if (!err && !op)
		err = -EPERM;
	if (!err)
		err = op(c, dir, d);
	if (err)
		return err;
	if (is_dir) {
		if (!(inode_flags(inode) & INODE_DEAD))
			inode->flags |= INODE_DEAD;
		dentry_prune_children(d);
	}
	name_removed(dir_path->dentry, d);
	return 0;
}

/* The names of the last component that cannot be removed. */
static int bad_last(enum last_kind kind, bool is_dir)
{
	if (!is_dir)
		return -EISDIR;
	switch (kind) {
	case LAST_DOT:
		return -EINVAL;
	case LAST_DOTDOT:
		return -ENOTEMPTY;
	default:
		return -EBUSY;
	}
}

static int remove_name(struct caller *c, const struct path *start, const char *name, bool is_dir)
{
	struct path dir;
	enum last_kind kind;
	const char *last;
	size_t len;
	bool slash;
	struct dentry *d;
	struct inode *inode;
	int err = vfs_walk_parent(c, start, name, 0, &dir, &last, &len, &kind, &slash);

	if (err)
		return err;
	if (kind != LAST_NORM) {
		path_put(&dir);
		return bad_last(kind, is_dir);
	}
	inode_lock(dentry_inode(dir.dentry));
	d = lookup_one(c, dir.dentry, last, len, dentry_hash(dir.dentry, last, len), true);
	inode = IS_ERR(d) ? NULL : dentry_inode(d);
	if (IS_ERR(d))
		err = PTR_ERR(d);
	else if (!inode)
		err = -ENOENT;
	else if (!is_dir && slash)
		err = S_ISDIR(inode->mode) ? -EISDIR : -ENOTDIR;
	else
		err = remove_locked(c, &dir, d, is_dir);
	inode_unlock(dentry_inode(dir.dentry));
	if (!err) {
		if (!is_dir)
			notify_inode(inode, IN_ATTRIB, 0, NULL, 0);
		notify_name(dir.dentry, last, len, IN_DELETE | (is_dir ? IN_ISDIR : 0), 0);
		if (is_dir || !inode_nlink(inode))
			notify_unpin(inode);
	}
	if (!IS_ERR(d))
		dentry_put(d);
	path_put(&dir);
	return err;
}

int vfs_unlink(struct caller *c, const struct path *start, const char *name)
{
	return remove_name(c, start, name, false);
}

int vfs_rmdir(struct caller *c, const struct path *start, const char *name)
{
	return remove_name(c, start, name, true);
}

ssize_t vfs_readlink(struct caller *c, const struct path *p, char *buf, size_t size)
{
	struct inode *inode = dentry_inode(p->dentry);
	char *link = atomic_load_explicit(&inode->link, memory_order_acquire);
	size_t n;

	if (!S_ISLNK(inode->mode))
		return -EINVAL;
	if (link) {
		n = min((size_t)inode->link_len, size);
		memcpy(buf, link, n);
		return n;
	}
	return inode->op->readlink ? inode->op->readlink(c, inode, buf, size) : -EINVAL;
}
