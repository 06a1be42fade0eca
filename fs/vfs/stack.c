/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - the lower of two file systems (see stack.h) */
#include "fs/vfs/stack.h"

#include "fs/vfs/vfs_internal.h"

struct mount *stack_mount(struct super_block *sb)
{
	sb->lock_rank = LR_INODE_LOWER;
	/* The one on top remembers what is not there. */
	sb->no_negative = true;
	mutex_init(&dentry_inode(sb->root)->lock, LR_INODE_LOWER);
	return mount_create(sb, sb->root, MS_RDONLY, "none");
}

struct dentry *stack_lookup(struct caller *c, struct dentry *dir, const char *name, u32 len)
{
	struct dentry *d = lookup_one(c, dir, name, len, dentry_hash(dir, name, len), false);

	if (IS_ERR(d) || dentry_inode(d))
		return d;
	dentry_drop(d); /* kept by a prefetch: the one on top knows now */
	dentry_put(d);
	return NULL;
}

void stack_prefetch(struct caller *c, struct dentry *dir, const char *rest, bool open)
{
	struct inode *inode = dentry_inode(dir);
	u32 len = (u32)(strchrnul(rest, '/') - rest);
	struct dentry *d;

	if (!inode->op->prefetch)
		return;
	d = dentry_find(dir, rest, len, dentry_hash(dir, rest, len));
	if (d)
		dentry_put(d);
	else
		inode->op->prefetch(c, dir, rest, open);
}

struct file *stack_open(struct caller *c, const struct path *p, u32 flags)
{
	struct path q = *p;

	path_get(&q);
	return open_unchecked(c, &q, flags);
}

int stack_stat(struct caller *c, struct inode *i, struct kstat *out)
{
	if (i->op->getattr)
		return i->op->getattr(c, i, out);
	inode_fill_stat(i, out);
	return 0;
}
