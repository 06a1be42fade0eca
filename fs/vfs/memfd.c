/* SPDX-License-Identifier: Apache-2.0 */
/* memfd.c - memfd_create(2) and its seals: memory with a name, on an internal mount that is in no
 * namespace */
#include <linux/memfd.h>
#include <stdio.h>

#include "fs/vfs/memdata.h"
#include "fs/vfs/vfs_internal.h"
#include "sentry/arena/arena.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#define TMPFS_MAGIC 0x01021994
#define ALL_SEALS                                                                         \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | \
	 F_SEAL_EXEC)

static SLAB_CACHE(g_memnode_cache, struct memnode);

static struct mount *g_mount;

static void memfd_evict(struct inode *i)
{
	if (!i->data)
		return;
	memnode_fini(i->data);
	slab_free(&g_memnode_cache, i->data);
}

static const struct super_ops g_super_ops = {.evict = memfd_evict};
static const struct file_system_type g_type = {.name = "tmpfs"};

static const struct inode_ops g_inode_ops = {
	.getattr = memnode_getattr,
	.setattr = memnode_setattr,
	.getxattr = memnode_getxattr,
	.setxattr = memnode_setxattr,
	.listxattr = memnode_listxattr,
	.removexattr = memnode_removexattr,
};

int memfd_init(void)
{
	struct super_block *sb = sb_create(&g_type, &g_super_ops, NULL);
	struct inode *root;

	if (!sb)
		return -ENOMEM;
	sb->magic = TMPFS_MAGIC;
	root = inode_create(sb, &g_inode_ops, NULL, S_IFDIR | 0777, 0);
	sb->root = root ? dentry_make_root(sb, root) : NULL;
	if (!sb->root)
		return -ENOMEM;
	g_mount = mount_create(sb, sb->root, MS_NODEV | MS_NOSUID, "tmpfs");
	return g_mount ? 0 : -ENOMEM;
}

static struct inode *memfd_inode(struct caller *c, u32 flags)
{
	u32 mode = flags & MFD_NOEXEC_SEAL ? 0666 : 0777;
	struct inode *i =
		inode_create(g_mount->sb, &g_inode_ops, &memnode_file_ops, S_IFREG | mode, 0);
	struct memnode *n;

	if (!i)
		return NULL;
	n = slab_alloc(&g_memnode_cache);
	if (!n) {
		inode_put(i);
		return NULL;
	}
	memnode_init(i, n, NULL);
	i->uid = c->cred->fsuid;
	i->gid = c->cred->fsgid;
	i->nlink = 0;
	if (flags & MFD_NOEXEC_SEAL)
		n->seals = F_SEAL_EXEC;
	else if (flags & MFD_ALLOW_SEALING)
		n->seals = 0;
	return i;
}

struct file *memfd_create_file(struct caller *c, const char *name, u32 flags)
{
	struct path p = {.mnt = g_mount};
	char text[NAME_MAX_LEN + 32];
	struct inode *i = memfd_inode(c, flags);
	struct file *f;

	if (!i)
		return ERR_PTR(-ENOMEM);
	snprintf(text, sizeof(text), "/memfd:%s (deleted)", name);
	p.dentry = dentry_create_anon(g_mount->sb, text, i);
	if (!p.dentry) {
		inode_put(i);
		return ERR_PTR(-ENOMEM);
	}
	mount_get(p.mnt);
	f = file_create(c, &p, &memnode_file_ops, O_RDWR | O_LARGEFILE);
	if (!f) {
		path_put(&p);
		return ERR_PTR(-ENOMEM);
	}
	f->mode = FMODE_READ | FMODE_WRITE;
	return f;
}

static struct memnode *sealable(struct file *f)
{
	return f->op == &memnode_file_ops && f->inode->sb->magic == TMPFS_MAGIC ? f->inode->data
										: NULL;
}

int memfd_add_seals(struct file *f, u32 seals)
{
	struct memnode *n = sealable(f);
	int err = 0;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (!n || (seals & ~(u32)ALL_SEALS))
		return -EINVAL;
	inode_lock(f->inode);
	if (n->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & F_SEAL_WRITE) && atomic_load(&n->write_maps) > 0)
		err = -EBUSY;
	else
		n->seals |= seals;
	inode_unlock(f->inode);
	return err;
}

int memfd_get_seals(struct file *f)
{
	struct memnode *n = sealable(f);

	return n ? (int)n->seals : -EINVAL;
}
