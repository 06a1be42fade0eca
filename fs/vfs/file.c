/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - life of open file descriptions, and those without a place in the tree
 *
 * A file holds its path; the inode is the dentry's, which cannot change. The anon mount is in no
 * namespace: on it are pipes, sockets, eventfds: each with a dentry of its own that is in no
 * directory and carries the name to show.
 */
#include "fs/vfs/vfs_internal.h"

#include <stdio.h>

#include "sentry/arena/arena.h"

static SLAB_CACHE(g_file_cache, struct file);

static struct mount *g_anon_mount;
static void (*g_epoll_release)(struct file *f);

void vfs_set_epoll_release(void (*fn)(struct file *f))
{
	g_epoll_release = fn;
}

struct file *file_create(struct caller *c, const struct path *p, const struct file_ops *op,
			 u32 flags)
{
	struct file *f = slab_alloc(&g_file_cache);

	if (!f)
		return NULL;
	ref_init(&f->ref);
	f->path = *p;
	f->inode = dentry_inode(p->dentry);
	f->op = op;
	/* O_NOCTTY is for op->open, and goes after it */
	f->flags = flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
	mutex_init(&f->pos_lock, LR_FILE_POS);
	f->cred = cred_get(c->cred);
	list_init(&f->epoll_links);
	return f;
}

struct file *file_get(struct file *f)
{
	ref_get(&f->ref);
	return f;
}

static void (*g_async_release)(struct file *f); /* const after boot */

void vfs_set_async_release(void (*fn)(struct file *f))
{
	g_async_release = fn;
}

void file_put(struct file *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	if (f->inode && !(f->mode & FMODE_PATH)) {
		u32 mask = f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE;

		if (f->path.mnt != g_anon_mount)
			notify_dentry(f->path.dentry, mask, 0);
		locks_release_file(f);
	}
	if (unlikely(!list_empty(&f->epoll_links)) && g_epoll_release)
		g_epoll_release(f);
	if (unlikely(f->async != NULL) && g_async_release)
		g_async_release(f);
	if (f->op && f->op->release)
		f->op->release(f);
	if (f->mode & FMODE_DENYWRITE)
		inode_allow_write(f->inode);
	if (f->mode & FMODE_HOLDS_WRITE)
		atomic_fetch_sub(&f->inode->write_count, 1);
	cred_put(f->cred);
	path_put(&f->path);
	slab_free(&g_file_cache, f);
}

static const struct file_system_type g_anon_type = {.name = "anon_inodefs", .flags = FS_NODEV};
static const struct super_ops g_anon_super_ops = {0};
static const struct inode_ops g_anon_inode_ops = {0};

int anon_mount_init(void)
{
	struct super_block *sb = sb_create(&g_anon_type, &g_anon_super_ops, NULL);
	struct inode *inode;

	if (!sb)
		return -ENOMEM;
	sb->magic = 0x09041934;
	inode = inode_create(sb, &g_anon_inode_ops, NULL, S_IFDIR | 0555, 0);
	if (!inode)
		return -ENOMEM;
	sb->root = dentry_make_root(sb, inode);
	if (!sb->root)
		return -ENOMEM;
	g_anon_mount = mount_create(sb, sb->root, 0, "none");
	return g_anon_mount ? 0 : -ENOMEM;
}

struct mount *anon_mount(void)
{
	return g_anon_mount;
}

struct mount *mount_pseudo(struct super_block *sb)
{
	return mount_create(sb, sb->root, 0, sb->type->name);
}

int path_anon(struct mount *m, const char *name, struct inode *inode, struct path *out)
{
	struct dentry *d = dentry_create_anon(m->sb, name, inode);

	if (!d)
		return -ENOMEM;
	*out = (struct path){mount_get(m), d};
	return 0;
}

/* The name as shown: "pipe:" becomes "pipe:[ino]". */
static void anon_name(const char *name, u64 ino, char *buf, size_t size)
{
	size_t len = strlen(name);

	if (len && name[len - 1] == ':')
		snprintf(buf, size, "%s[%llu]", name, (unsigned long long)ino);
	else
		snprintf(buf, size, "%s", name);
}

/* FMODE_* of access mode. */
u32 file_mode_of(u32 flags)
{
	if (flags & O_PATH)
		return FMODE_PATH;
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return FMODE_READ;
	case O_WRONLY:
		return FMODE_WRITE;
	default: /* 3: neither, for ioctl, but permission for both */
		return (flags & O_ACCMODE) == O_RDWR ? FMODE_READ | FMODE_WRITE : 0;
	}
}

struct file *file_anon(struct caller *c, const char *name, const struct file_ops *op, void *data,
		       u32 flags, struct inode *inode, u32 mode)
{
	char text[DENTRY_INLINE * 8];
	struct path p = {.mnt = g_anon_mount};
	struct file *f;

	if (!inode) {
		inode = inode_create(g_anon_mount->sb, &g_anon_inode_ops, op, mode, 0);
		if (!inode)
			return ERR_PTR(-ENOMEM);
		inode->flags = INODE_STREAM | INODE_NO_ATIME;
		inode->uid = c->cred->fsuid;
		inode->gid = c->cred->fsgid;
	}
	anon_name(name, inode->ino, text, sizeof(text));
	p.dentry = dentry_create_anon(g_anon_mount->sb, text, inode);
	if (!p.dentry) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	mount_get(p.mnt);
	f = file_create(c, &p, op, flags);
	if (!f) {
		path_put(&p);
		return ERR_PTR(-ENOMEM);
	}
	f->data = data;
	f->mode = file_mode_of(flags);
	return f;
}
