/* SPDX-License-Identifier: Apache-2.0 */
/* inode.c - life of inodes and super blocks
 *
 * An inode lives as long as a dentry, a file system's own table or a mapping refers to it. A super
 * block lives as long as mounts refer to it; its inodes do not hold it (mappings and files hold
 * their mount, by their path).
 */
#include "fs/vfs/vfs_internal.h"

#include <sys/sysmacros.h>

#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"
#include "sentry/time/clock.h"

static SLAB_CACHE(g_inode_cache, struct inode);
static SLAB_CACHE(g_sb_cache, struct super_block);

static const struct inode_ops g_no_inode_ops = {0};
static _Atomic u32 g_next_dev = 0x20;

struct timespec vfs_now(void)
{
	s64 now = time_realtime();

	return (struct timespec){.tv_sec = now / NSEC_PER_SEC, .tv_nsec = now % NSEC_PER_SEC};
}

struct super_block *sb_create(const struct file_system_type *t, const struct super_ops *op,
			      void *data)
{
	struct super_block *sb = slab_alloc(&g_sb_cache);

	if (!sb)
		return NULL;
	ref_init(&sb->ref);
	sb->type = t;
	sb->op = op;
	sb->data = data;
	sb->dev = makedev(0, atomic_fetch_add(&g_next_dev, 1));
	sb->blksize = PAGE_SIZE;
	sb->lock_rank = LR_INODE;
	mutex_init(&sb->rename_lock, LR_RENAME);
	atomic_store(&sb->next_ino, 1);
	return sb;
}

struct super_block *sb_get(struct super_block *sb)
{
	ref_get(&sb->ref);
	return sb;
}

void sb_put(struct super_block *sb)
{
	if (!sb || !ref_put(&sb->ref))
		return;
	dentry_destroy_tree(sb);
	if (sb->op && sb->op->put_super)
		sb->op->put_super(sb);
	user_ns_put(sb->user_ns);
	slab_free(&g_sb_cache, sb);
}

struct inode *inode_create(struct super_block *sb, const struct inode_ops *op,
			   const struct file_ops *fop, u32 mode, u64 ino)
{
	struct inode *i = slab_alloc(&g_inode_cache);

	if (!i)
		return NULL;
	ref_init(&i->ref);
	i->sb = sb;
	i->op = op ? op : &g_no_inode_ops;
	i->fop = fop;
	i->ino = ino ? ino : atomic_fetch_add(&sb->next_ino, 1);
	mutex_init(&i->lock, sb->lock_rank);
	i->mode = mode;
	i->nlink = 1;
	i->atime = i->mtime = i->ctime = i->btime = vfs_now();
	list_init(&i->locks);
	waitq_init(&i->lock_wait);
	list_init(&i->watches);
	list_init(&i->dentries);
	return i;
}

int inode_set_link(struct inode *i, const char *text)
{
	size_t len = strlen(text);
	char *link = kalloc(len + 1);

	if (!link)
		return -ENOMEM;
	memcpy(link, text, len + 1);
	i->link_len = i->size = len;
	atomic_store(&i->link, link);
	return 0;
}

struct inode *inode_get(struct inode *i)
{
	ref_get(&i->ref);
	return i;
}

void inode_put(struct inode *i)
{
	char *link;

	if (!i || !ref_put(&i->ref))
		return;
	notify_inode_gone(i);
	waitq_fini(&i->lock_wait);
	if (i->sb->op && i->sb->op->evict)
		i->sb->op->evict(i);
	link = atomic_load(&i->link);
	if (link)
		kfree(link, i->link_len + 1);
	slab_free(&g_inode_cache, i);
}

void inode_lock(struct inode *i)
{
	mutex_lock(&i->lock);
}

void inode_unlock(struct inode *i)
{
	mutex_unlock(&i->lock);
}

int inode_deny_write(struct inode *i)
{
	s32 count = atomic_load(&i->write_count);

	do {
		if (count > 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&i->write_count, &count, count - 1));
	return 0;
}

void inode_allow_write(struct inode *i)
{
	atomic_fetch_add(&i->write_count, 1);
}

void inode_apply_attr(struct inode *i, const struct attr *a)
{
	if (a->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_SIZE)
		i->size = a->size;
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = a->ctime;
}
