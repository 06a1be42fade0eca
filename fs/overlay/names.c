/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - names of overlay: looked up in the lower directory, made and changed in memory
 *
 * A name that was made here is an entry of the directory's memdir. A name of lower's that was
 * removed, renamed or replaced is in `whites`, and stays there: whatever gets that name later is an
 * entry.
 */
#include <stdio.h>

#include "fs/overlay/overlay_internal.h"
#include "sentry/arena/arena.h"

static bool is_entry(const struct dentry *d)
{
	return d->data;
}

static void dir_changed(struct inode *dir, int names)
{
	ovl_keep(dir);
	dir->mtime = dir->ctime = vfs_now();
	if (!ovl_node(dir)->lower)
		dir->size += names * MEMDIR_NAME_SIZE;
}

/* A directory below @dir came or went. Some hosts do not count: they say 1. */
static void subdirs(struct inode *dir, int by)
{
	if (dir->nlink + by >= 2)
		dir->nlink += by;
}

/* The lock of @i is taken below that of its directory. */
static void link_count(struct inode *i, int by)
{
	bool gone;

	ovl_keep(i);
	mutex_lock_nested(&i->lock);
	i->nlink = by < 0 && i->nlink < (u32)-by ? 0 : i->nlink + by;
	i->ctime = vfs_now();
	gone = !i->nlink;
	mutex_unlock(&i->lock);
	if (gone)
		ovl_unkeep(i);
}

static int ovl_lookup(struct caller *c, struct inode *dir, struct dentry *d)
{
	struct ovl_node *n = ovl_node(dir);
	struct dentry *lower;
	struct inode *i;

	if (!n->lower || ovl_white_find(n, d->name, d->name_len))
		return 0;
	lower = stack_lookup(c, n->lower, d->name, d->name_len);
	if (!lower || IS_ERR(lower))
		return PTR_ERR(lower);
	i = ovl_inode_get(c, dir->sb, lower);
	if (IS_ERR(i))
		return PTR_ERR(i);
	dentry_set_inode(d, i);
	return 0;
}

static void ovl_prefetch(struct caller *c, struct dentry *dir, const char *rest, bool open)
{
	struct ovl_node *n = ovl_node(dentry_inode(dir));

	if (n->lower)
		stack_prefetch(c, n->lower, rest, open);
}

/* --- making ------------------------------------------------------------------------------------
 */

/* @d gets @i; the reference on @i is taken over, also on failure. */
static int add_name(struct inode *dir, struct dentry *d, struct inode *i)
{
	int err = memdir_add_inode(&ovl_node(dir)->dir, d, i);

	if (!err)
		dir_changed(dir, 1);
	return err;
}

static int ovl_create(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	struct inode *i = ovl_inode_new(dir->sb, a);

	return i ? add_name(dir, d, i) : -ENOMEM;
}

static int ovl_mkdir(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	int err = ovl_create(c, dir, d, a);

	if (!err)
		subdirs(dir, 1);
	return err;
}

static int ovl_mknod(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
		     u64 rdev)
{
	struct inode *i = ovl_inode_new(dir->sb, a);

	if (!i)
		return -ENOMEM;
	if (S_ISCHR(a->mode) || S_ISBLK(a->mode))
		i->rdev = rdev;
	return add_name(dir, d, i);
}

static int ovl_symlink(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
		       const char *target)
{
	struct inode *i = ovl_inode_new(dir->sb, a);

	if (!i)
		return -ENOMEM;
	if (inode_set_link(i, target) < 0) {
		inode_put(i);
		return -ENOMEM;
	}
	return add_name(dir, d, i);
}

static int ovl_link(struct caller *c, struct dentry *from, struct inode *dir, struct dentry *to)
{
	struct inode *i = dentry_inode(from);
	int err = 0;

	mutex_lock_nested(&i->lock);
	if (!i->nlink && !ovl_node(i)->linkable) {
		err = -ENOENT;
	} else {
		ovl_keep(i);
		i->nlink++;
		i->ctime = vfs_now();
	}
	mutex_unlock(&i->lock);
	if (err)
		return err;
	err = add_name(dir, to, inode_get(i));
	if (err)
		link_count(i, -1);
	return err;
}

static int ovl_tmpfile(struct caller *c, struct inode *dir, const struct attr *a, bool linkable,
		       struct inode **out)
{
	struct inode *i = ovl_inode_new(dir->sb, a);

	if (!i)
		return -ENOMEM;
	i->nlink = 0;
	ovl_node(i)->linkable = linkable;
	*out = i;
	return 0;
}

/* --- removing ----------------------------------------------------------------------------------
 */

/* Before @d leaves @dir: should it be lower's name, that one must be hidden. */
static int hide_lower(struct inode *dir, const struct dentry *d)
{
	return is_entry(d) ? 0 : ovl_white_add(ovl_node(dir), d->name, d->name_len);
}

/* Undoes hide_lower. */
static void unhide_lower(struct inode *dir, const struct dentry *d)
{
	if (!is_entry(d))
		ovl_white_remove(ovl_node(dir), d->name, d->name_len);
}

/* The name goes, after hide_lower. */
static void drop_name(struct inode *dir, struct dentry *d)
{
	if (is_entry(d))
		memdir_remove(&ovl_node(dir)->dir, d);
	dir_changed(dir, -1);
}

static int ovl_unlink(struct caller *c, struct inode *dir, struct dentry *d)
{
	int err = hide_lower(dir, d);

	if (err)
		return err;
	drop_name(dir, d);
	link_count(dentry_inode(d), -1);
	return 0;
}

/* -ENOTEMPTY, or 0 and nobody can make names in @i any more. */
static int dir_kill(struct caller *c, struct inode *i)
{
	int err;

	mutex_lock_nested(&i->lock);
	err = ovl_dir_empty(c, i);
	if (!err) {
		i->flags |= INODE_DEAD;
		i->nlink = 0;
		i->ctime = vfs_now();
	}
	mutex_unlock(&i->lock);
	return err;
}

static void dir_revive(struct inode *i)
{
	mutex_lock_nested(&i->lock);
	i->flags &= ~(u32)INODE_DEAD;
	i->nlink = 2;
	mutex_unlock(&i->lock);
}

static int ovl_rmdir(struct caller *c, struct inode *dir, struct dentry *d)
{
	struct inode *i = dentry_inode(d);
	int err = dir_kill(c, i);

	if (err)
		return err;
	err = hide_lower(dir, d);
	if (err) {
		dir_revive(i);
		return err;
	}
	drop_name(dir, d);
	subdirs(dir, -1);
	ovl_unkeep(i);
	return 0;
}

/* --- rename ------------------------------------------------------------------------------------
 */

/* Makes an entry of @d in @dir when it is none: so that it can be moved. */
static int make_entry(struct inode *dir, struct dentry *d)
{
	int err;

	if (is_entry(d))
		return 0;
	err = hide_lower(dir, d);
	if (err)
		return err;
	err = memdir_add(&ovl_node(dir)->dir, d, false);
	if (err)
		unhide_lower(dir, d);
	return err;
}

static int exchange(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		    struct dentry *new)
{
	int delta = S_ISDIR(dentry_inode(new)->mode) - S_ISDIR(dentry_inode(old)->mode);
	int err = make_entry(old_dir, old);

	/* An entry that stays where it is does no harm. */
	if (!err)
		err = make_entry(new_dir, new);
	if (err)
		return err;
	memdir_swap(old, new);
	subdirs(old_dir, delta);
	subdirs(new_dir, -delta);
	link_count(dentry_inode(new), 0);
	return 0;
}

/* The victim of a rename goes. */
static int remove_victim(struct caller *c, struct inode *dir, struct dentry *d)
{
	return S_ISDIR(dentry_inode(d)->mode) ? ovl_rmdir(c, dir, d) : ovl_unlink(c, dir, d);
}

static int replace(struct caller *c, struct inode *old_dir, struct dentry *old,
		   struct inode *new_dir, struct dentry *new)
{
	bool is_dir = S_ISDIR(dentry_inode(old)->mode);
	int err = make_entry(old_dir, old);

	if (!err && dentry_inode(new))
		err = remove_victim(c, new_dir, new);
	if (err)
		return err;
	memdir_move(&ovl_node(old_dir)->dir, &ovl_node(new_dir)->dir, old);
	dir_changed(old_dir, -1);
	dir_changed(new_dir, 1);
	if (is_dir) {
		subdirs(old_dir, -1);
		subdirs(new_dir, 1);
	}
	return 0;
}

static int ovl_rename(struct caller *c, struct inode *old_dir, struct dentry *old,
		      struct inode *new_dir, struct dentry *new, unsigned flags)
{
	int err;

	if (flags & RENAME_WHITEOUT)
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		err = exchange(old_dir, old, new_dir, new);
	else
		err = replace(c, old_dir, old, new_dir, new);
	if (err)
		return err;
	dir_changed(old_dir, 0);
	dir_changed(new_dir, 0);
	link_count(dentry_inode(old), 0);
	return 0;
}

const struct inode_ops ovl_dir_ops = {
	.lookup = ovl_lookup,
	.prefetch = ovl_prefetch,
	.create = ovl_create,
	.mkdir = ovl_mkdir,
	.mknod = ovl_mknod,
	.symlink = ovl_symlink,
	.link = ovl_link,
	.unlink = ovl_unlink,
	.rmdir = ovl_rmdir,
	.rename = ovl_rename,
	.tmpfile = ovl_tmpfile,
	.getattr = ovl_getattr,
	.setattr = ovl_setattr,
	.getxattr = ovl_getxattr,
	.setxattr = ovl_setxattr,
	.listxattr = ovl_listxattr,
	.removexattr = ovl_removexattr,
};
