/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs.c - files in memory: names and inodes
 *
 * Names are pinned dentries (fs/vfs/memdir.h), so that lookups are answered by the name cache
 * alone; content and attributes in memory are fs/vfs/memdata.h. Link counts are guarded by the
 * inode's own lock, taken below that of the directory.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "fs/tmpfs/tmpfs_internal.h"
#include "sentry/arena/arena.h"

static SLAB_CACHE(g_node_cache, struct tmpfs_node);

static const struct inode_ops g_dir_ops, g_file_ops, g_link_ops;
static const struct file_ops g_dir_fops;

static bool inode_count(struct tmpfs_sb *s)
{
	u64 max = atomic_load(&s->max_inodes);

	if (atomic_fetch_add(&s->inodes, 1) < max || !max)
		return true;
	atomic_fetch_sub(&s->inodes, 1);
	return false;
}

struct inode *tmpfs_inode(struct super_block *sb, const struct attr *a)
{
	bool dir = S_ISDIR(a->mode);
	struct tmpfs_node *n;
	struct inode *i;

	if (!inode_count(tmpfs_sb(sb)))
		return NULL;
	i = inode_create(sb,
			 dir		    ? &g_dir_ops
			 : S_ISLNK(a->mode) ? &g_link_ops
					    : &g_file_ops,
			 dir		    ? &g_dir_fops
			 : S_ISREG(a->mode) ? &memnode_file_ops
					    : NULL,
			 a->mode, 0);
	n = i ? slab_alloc(&g_node_cache) : NULL;
	if (!n) {
		if (i)
			inode_put(i);
		atomic_fetch_sub(&tmpfs_sb(sb)->inodes, 1);
		return NULL;
	}
	memnode_init(i, &n->mem, &tmpfs_sb(sb)->pages);
	memdir_init(&n->dir);
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = dir ? 2 : 1;
	return i;
}

void tmpfs_evict(struct inode *i)
{
	struct tmpfs_node *n = i->data;

	if (!n)
		return;
	memnode_fini(&n->mem);
	memdir_fini(&n->dir);
	slab_free(&g_node_cache, n);
	atomic_fetch_sub(&tmpfs_sb(i->sb)->inodes, 1);
}

/* @dir has changed by @names names. Its lock is held. */
static void dir_changed(struct inode *dir, int names)
{
	dir->mtime = dir->ctime = vfs_now();
	dir->size += names * MEMDIR_NAME_SIZE;
}

static void link_count(struct inode *i, int by)
{
	mutex_lock_nested(&i->lock);
	i->nlink += by;
	i->ctime = vfs_now();
	mutex_unlock(&i->lock);
}

static int tmpfs_lookup(struct caller *c, struct inode *dir, struct dentry *d)
{
	return 0; /* what exists is pinned: the cache has it */
}

/* @d gets @i, as a new name of @dir; the reference on @i is taken over, also on failure. */
static int add_name(struct inode *dir, struct dentry *d, struct inode *i)
{
	int err = memdir_add_inode(&tmpfs_node(dir)->dir, d, i);

	if (!err)
		dir_changed(dir, 1);
	return err;
}

static int tmpfs_create(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	struct inode *i = tmpfs_inode(dir->sb, a);

	return i ? add_name(dir, d, i) : -ENOSPC;
}

static int tmpfs_mkdir(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	int err = tmpfs_create(c, dir, d, a);

	if (!err)
		dir->nlink++;
	return err;
}

static int tmpfs_mknod(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
		       u64 rdev)
{
	struct inode *i = tmpfs_inode(dir->sb, a);

	if (!i)
		return -ENOSPC;
	if (S_ISCHR(a->mode) || S_ISBLK(a->mode))
		i->rdev = rdev;
	return add_name(dir, d, i);
}

static int tmpfs_symlink(struct caller *c, struct inode *dir, struct dentry *d,
			 const struct attr *a, const char *target)
{
	struct inode *i = tmpfs_inode(dir->sb, a);

	if (!i)
		return -ENOSPC;
	if (inode_set_link(i, target) < 0) {
		inode_put(i);
		return -ENOMEM;
	}
	return add_name(dir, d, i);
}

static int tmpfs_link(struct caller *c, struct dentry *from, struct inode *dir, struct dentry *to)
{
	struct inode *i = dentry_inode(from);
	int err = 0;

	mutex_lock_nested(&i->lock);
	if (!i->nlink && !tmpfs_node(i)->linkable) {
		err = -ENOENT;
	} else {
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

static int tmpfs_unlink(struct caller *c, struct inode *dir, struct dentry *d)
{
	link_count(dentry_inode(d), -1);
	memdir_remove(&tmpfs_node(dir)->dir, d);
	dir_changed(dir, -1);
	return 0;
}

/* -ENOTEMPTY, or 0 and nobody can make names in @i any more. */
static int dir_kill(struct inode *i)
{
	int err = 0;

	mutex_lock_nested(&i->lock);
	if (tmpfs_node(i)->dir.count) {
		err = -ENOTEMPTY;
	} else {
		i->flags |= INODE_DEAD;
		i->nlink = 0;
		i->ctime = vfs_now();
	}
	mutex_unlock(&i->lock);
	return err;
}

static int tmpfs_rmdir(struct caller *c, struct inode *dir, struct dentry *d)
{
	int err = dir_kill(dentry_inode(d));

	if (err)
		return err;
	memdir_remove(&tmpfs_node(dir)->dir, d);
	dir_changed(dir, -1);
	dir->nlink--;
	return 0;
}

static void exchange(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		     struct dentry *new)
{
	int delta = S_ISDIR(dentry_inode(new)->mode) - S_ISDIR(dentry_inode(old)->mode);

	memdir_swap(old, new);
	old_dir->nlink += delta;
	new_dir->nlink -= delta;
	link_count(dentry_inode(new), 0);
}

static int replace(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		   struct dentry *new)
{
	bool is_dir = S_ISDIR(dentry_inode(old)->mode);
	struct inode *victim = dentry_inode(new);
	int err;

	if (victim && is_dir) {
		err = dir_kill(victim);
		if (err)
			return err;
		new_dir->nlink--;
	} else if (victim) {
		link_count(victim, -1);
	}
	if (victim) {
		memdir_remove(&tmpfs_node(new_dir)->dir, new);
		dir_changed(new_dir, -1);
	}
	memdir_move(&tmpfs_node(old_dir)->dir, &tmpfs_node(new_dir)->dir, old);
	dir_changed(old_dir, -1);
	dir_changed(new_dir, 1);
	if (is_dir) {
		old_dir->nlink--;
		new_dir->nlink++;
	}
	return 0;
}

static int tmpfs_rename(struct caller *c, struct inode *old_dir, struct dentry *old,
			struct inode *new_dir, struct dentry *new, unsigned flags)
{
	int err = 0;

	if (flags & RENAME_WHITEOUT)
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		exchange(old_dir, old, new_dir, new);
	else
		err = replace(old_dir, old, new_dir, new);
	if (err)
		return err;
	dir_changed(old_dir, 0);
	dir_changed(new_dir, 0);
	link_count(dentry_inode(old), 0);
	return 0;
}

static int tmpfs_tmpfile(struct caller *c, struct inode *dir, const struct attr *a, bool linkable,
			 struct inode **out)
{
	struct inode *i = tmpfs_inode(dir->sb, a);

	if (!i)
		return -ENOSPC;
	i->nlink = 0;
	tmpfs_node(i)->linkable = linkable;
	*out = i;
	return 0;
}

static ssize_t tmpfs_readlink(struct caller *c, struct inode *i, char *buf, size_t size)
{
	size_t n = min((size_t)i->link_len, size);

	memcpy(buf, atomic_load(&i->link), n);
	return n;
}

static int tmpfs_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	mutex_lock(&f->inode->lock);
	if (memdir_emit_dots(f, dc))
		memdir_emit(&tmpfs_node(f->inode)->dir, dc);
	mutex_unlock(&f->inode->lock);
	return 0;
}

static const struct inode_ops g_dir_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.mkdir = tmpfs_mkdir,
	.mknod = tmpfs_mknod,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.getxattr = memnode_getxattr,
	.setxattr = memnode_setxattr,
	.listxattr = memnode_listxattr,
	.removexattr = memnode_removexattr,
};

static const struct inode_ops g_file_ops = {
	.getattr = memnode_getattr,
	.setattr = memnode_setattr,
	.getxattr = memnode_getxattr,
	.setxattr = memnode_setxattr,
	.listxattr = memnode_listxattr,
	.removexattr = memnode_removexattr,
};

static const struct inode_ops g_link_ops = {
	.readlink = tmpfs_readlink,
	.getxattr = memnode_getxattr,
	.setxattr = memnode_setxattr,
	.listxattr = memnode_listxattr,
	.removexattr = memnode_removexattr,
};

static const struct file_ops g_dir_fops = {
	.iterate = tmpfs_iterate,
};
