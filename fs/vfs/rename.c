/* SPDX-License-Identifier: Apache-2.0 */
/* rename.c - renameat2(2)
 *
 * Locks: for two directories the super block's rename_lock first, so that the tree above them
 * stands still, then the ancestor before the descendant, else by address. The checks are made under
 * them; the file system commits; then the names move in the cache, which cannot fail (room for long
 * names was taken before).
 */
#include "fs/vfs/vfs_internal.h"

#include <stdio.h>

struct rename_end {
	struct path dir;
	const char *last;
	size_t len;
	bool slash;
	struct dentry *d;
};

static int end_begin(struct caller *c, const struct path *start, const char *name,
		     struct rename_end *e)
{
	enum last_kind kind;
	int err = vfs_walk_parent(c, start, name, 0, &e->dir, &e->last, &e->len, &kind, &e->slash);

	if (!err && kind != LAST_NORM) {
		path_put(&e->dir);
		err = -EBUSY;
	}
	return err;
}

static int end_lookup(struct caller *c, struct rename_end *e)
{
	e->d = lookup_one(c, e->dir.dentry, e->last, e->len,
			  dentry_hash(e->dir.dentry, e->last, e->len), true);
	return IS_ERR(e->d) ? PTR_ERR(e->d) : 0;
}

static void lock_dirs(struct dentry *a, struct dentry *b)
{
	struct inode *first = dentry_inode(a), *second = dentry_inode(b);

	if (first == second) {
		inode_lock(first);
		return;
	}
	mutex_lock(&a->sb->rename_lock);
	if (dentry_is_below(a, b) || (!dentry_is_below(b, a) && first > second)) {
		first = dentry_inode(b);
		second = dentry_inode(a);
	}
	mutex_lock(&first->lock);
	mutex_lock_nested(&second->lock);
}

static void unlock_dirs(struct dentry *a, struct dentry *b)
{
	inode_unlock(dentry_inode(a));
	if (dentry_inode(a) == dentry_inode(b))
		return;
	inode_unlock(dentry_inode(b));
	mutex_unlock(&a->sb->rename_lock);
}

/* Nothing may become its own ancestor; names and slashes must fit. */
static int check_shape(const struct rename_end *from, const struct rename_end *to, unsigned flags)
{
	struct inode *old = dentry_inode(from->d), *new = dentry_inode(to->d);
	bool exchange = flags & RENAME_EXCHANGE;

	if (!old)
		return -ENOENT;
	if (new && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (exchange && !new)
		return -ENOENT;
	if (!S_ISDIR(old->mode)) {
		if (from->slash)
			return -ENOTDIR;
		if (!exchange && to->slash)
			return -ENOTDIR;
	}
	if (exchange && !S_ISDIR(new->mode) && to->slash)
		return -ENOTDIR;
	if (dentry_is_below(to->dir.dentry, from->d))
		return -EINVAL;
	if (dentry_is_below(from->dir.dentry, to->d))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_rights(struct caller *c, const struct rename_end *from,
			const struct rename_end *to, unsigned flags)
{
	struct inode *old_dir = dentry_inode(from->dir.dentry),
		     *new_dir = dentry_inode(to->dir.dentry);
	struct inode *old = dentry_inode(from->d), *new = dentry_inode(to->d);
	bool is_dir = S_ISDIR(old->mode);
	int err = may_delete(c, old_dir, from->d, -1);

	if (err)
		return err;
	if (!new)
		err = may_create(c, new_dir);
	else if (flags & RENAME_EXCHANGE)
		err = may_delete(c, new_dir, to->d, -1);
	else
		err = may_delete(c, new_dir, to->d, is_dir);
	if (err)
		return err;
	/* A directory that moves has its ".." changed. */
	if (new_dir == old_dir)
		return 0;
	if (is_dir)
		err = inode_permission(c, old, MAY_WRITE);
	if (!err && (flags & RENAME_EXCHANGE) && S_ISDIR(new->mode))
		err = inode_permission(c, new, MAY_WRITE);
	return err;
}

/* Both directories are locked. */
static int rename_locked(struct caller *c, struct rename_end *from, struct rename_end *to,
			 unsigned flags)
{
	struct inode *old_dir = dentry_inode(from->dir.dentry);
	struct inode *victim = dentry_inode(to->d);
	struct dentry_names names;
	bool exchange = flags & RENAME_EXCHANGE;
	int err = check_shape(from, to, flags);

	if (err)
		return err;
	if (dentry_inode(from->d) == victim)
		return 1; /* two links of one file: nothing is to be done */
	err = check_rights(c, from, to, flags);
	if (!err && !old_dir->op->rename)
		err = -EPERM;
	if (!err)
		err = dentry_move_prepare(&names, from->d, to->d, exchange);
	if (err)
		return err;
	err = old_dir->op->rename(c, old_dir, from->d, dentry_inode(to->dir.dentry), to->d, flags);
	if (err) {
		dentry_move_abort(&names);
		return err;
	}
	if (victim && !exchange && S_ISDIR(victim->mode)) {
		if (!(victim->flags & INODE_DEAD))
			victim->flags |= INODE_DEAD;
		dentry_prune_children(to->d);
	}
	dentry_move(&names, from->d, to->d, exchange);
	return 0;
}

/* Tells the watchers: @from->d has its new name by now. */
static void rename_notify(struct rename_end *from, struct rename_end *to, struct inode *victim,
			  bool exchange)
{
	u32 dir = S_ISDIR(dentry_inode(from->d)->mode) ? IN_ISDIR : 0;
	u32 cookie = notify_cookie();

	notify_name(from->dir.dentry, from->last, from->len, IN_MOVED_FROM | dir, cookie);
	notify_name(to->dir.dentry, to->last, to->len, IN_MOVED_TO | dir, cookie);
	notify_inode(dentry_inode(from->d), IN_MOVE_SELF, 0, NULL, 0);
	if (!exchange) {
		if (victim && !S_ISDIR(victim->mode))
			notify_inode(victim, IN_ATTRIB, 0, NULL, 0);
		if (victim && (S_ISDIR(victim->mode) || !inode_nlink(victim)))
			notify_unpin(victim);
		return;
	}
	dir = S_ISDIR(victim->mode) ? IN_ISDIR : 0;
	cookie = notify_cookie();
	notify_name(to->dir.dentry, to->last, to->len, IN_MOVED_FROM | dir, cookie);
	notify_name(from->dir.dentry, from->last, from->len, IN_MOVED_TO | dir, cookie);
	notify_inode(victim, IN_MOVE_SELF, 0, NULL, 0);
}

static int rename_ends(struct caller *c, struct rename_end *from, struct rename_end *to,
		       unsigned flags)
{
	int err;

	if (from->dir.mnt != to->dir.mnt)
		return -EXDEV;
	err = mount_want_write(from->dir.mnt);
	if (err)
		return err;
	lock_dirs(from->dir.dentry, to->dir.dentry);
	err = end_lookup(c, from);
	if (err)
		goto out_locks;
	err = end_lookup(c, to);
	if (err) {
		dentry_put(from->d);
		goto out_locks;
	}
	err = rename_locked(c, from, to, flags);
	unlock_dirs(from->dir.dentry, to->dir.dentry);
	if (!err)
		rename_notify(from, to, dentry_inode(to->d), flags & RENAME_EXCHANGE);
	dentry_put(from->d);
	dentry_put(to->d);
	return min(err, 0);
out_locks:
	unlock_dirs(from->dir.dentry, to->dir.dentry);
	return err;
}

int vfs_rename(struct caller *c, const struct path *from_start, const char *from_name,
	       const struct path *to_start, const char *to_name, unsigned flags)
{
	struct rename_end from, to;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	if ((flags & RENAME_WHITEOUT) && !cred_capable(c->cred, CAP_MKNOD))
		return -EPERM;
	err = end_begin(c, from_start, from_name, &from);
	if (err)
		return err;
	err = end_begin(c, to_start, to_name, &to);
	if (err == -EBUSY && (flags & RENAME_NOREPLACE))
		err = -EEXIST;
	if (!err) {
		err = rename_ends(c, &from, &to, flags);
		path_put(&to.dir);
	}
	path_put(&from.dir);
	return err;
}
