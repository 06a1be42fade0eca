/* SPDX-License-Identifier: Apache-2.0 */
/* kernfs.c - inodes and directories of pseudo file systems
 *
 * Directory positions: 0 ".", 1 "..", then the constant children, then DYNAMIC + the index of
 * iterate().
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fs/kernfs/kernfs.h"
#include "fs/kernfs/kernfs_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/base/strbuf.h"

#define DYNAMIC	    (1ull << 32)
#define DYNAMIC_END (DYNAMIC + (1ull << 31)) /* numbers of tasks fit below */

struct kernfs_sb {
	int create_error;
	void *view;
	void (*drop)(void *view); /* NULL: nothing to give back */
};
static SLAB_CACHE(kernfs_node_cache, struct kernfs_node);
static SLAB_CACHE(kernfs_sb_cache, struct kernfs_sb);

const struct kernfs_node *kernfs_node_of(const struct inode *i)
{
	return i->data;
}

static u32 entry_mode(const struct kernfs_entry *e)
{
	return e->mode & S_IFMT ? e->mode : e->mode | S_IFREG;
}

/* A number that stays the same for the same node. */
static u64 node_ino(const struct kernfs_node *n)
{
	u64 h = (u64)(uintptr_t)n->entry * 0x9e3779b97f4a7c15ull;

	h = (h ^ (u64)n->id) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ n->sub) * 0x94d049bb133111ebull;
	return (h >> 20) | 1;
}

static const struct inode_ops kernfs_inode_ops;

static struct inode *node_inode(struct caller *c, struct super_block *sb,
				const struct kernfs_node *n)
{
	struct kernfs_node *copy = slab_alloc(&kernfs_node_cache);
	const struct file_ops *fop = n->entry->fop ? n->entry->fop : &kernfs_file_ops;
	struct inode *i = NULL;

	if (copy)
		i = inode_create(sb, &kernfs_inode_ops, fop, entry_mode(n->entry), node_ino(n));
	if (!i) {
		if (copy)
			slab_free(&kernfs_node_cache, copy);
		return NULL;
	}
	*copy = *n;
	i->data = copy;
	if (S_ISLNK(i->mode) && n->entry->jump)
		i->flags |= INODE_MAGIC;
	i->nlink = S_ISDIR(i->mode) ? 2 : 1;
	if (n->entry->owner)
		n->entry->owner(c, n, &i->uid, &i->gid);
	return i;
}

static const struct kernfs_entry *find_child(const struct kernfs_entry *dir, const char *name)
{
	for (const struct kernfs_entry *e = dir->children; e && e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static int kernfs_lookup(struct caller *c, struct inode *dir, struct dentry *d)
{
	const struct kernfs_node *parent = kernfs_node_of(dir);
	struct kernfs_node n = {.id = parent->id, .sub = parent->sub};
	struct inode *inode;
	int err;

	n.entry = find_child(parent->entry, d->name);
	if (!n.entry) {
		if (!parent->entry->lookup)
			return 0;
		err = parent->entry->lookup(c, parent, d->name, &n);
		if (err)
			return err == -ENOENT ? 0 : err;
	}
	n.view = parent->view;
	inode = node_inode(c, dir->sb, &n);
	if (!inode)
		return -ENOMEM;
	dentry_set_inode(d, inode);
	return 0;
}

static bool kernfs_revalidate(struct caller *c, struct dentry *d)
{
	struct inode *i = dentry_inode(d);
	const struct kernfs_node *n = i ? kernfs_node_of(i) : NULL;
	u32 uid = 0, gid = 0;

	if (!n)
		return false;
	if (!n->entry->owner)
		return true;
	if (n->entry->owner(c, n, &uid, &gid))
		return false;
	i->uid = uid;
	i->gid = gid;
	return true;
}

static ssize_t kernfs_readlink(struct caller *c, struct inode *i, char *buf, size_t size)
{
	const struct kernfs_node *n = kernfs_node_of(i);

	return n->entry->readlink ? n->entry->readlink(c, n, buf, size) : -EINVAL;
}

static int kernfs_jump(struct caller *c, struct inode *i, struct path *out)
{
	const struct kernfs_node *n = kernfs_node_of(i);

	return n->entry->jump ? n->entry->jump(c, n, out) : -ELOOP;
}

static int kernfs_permission(struct caller *c, struct inode *i, u32 mask)
{
	const struct kernfs_node *n = kernfs_node_of(i);
	int err;

	/* Making and removing names is refused by the operation, whoever asks. */
	if (S_ISDIR(i->mode) && (mask & (MAY_WRITE | MAY_EXEC)) == (MAY_WRITE | MAY_EXEC))
		mask &= ~(u32)MAY_WRITE;
	err = generic_permission(c, i, mask);

	if (err == 0 && n->entry->permission)
		err = n->entry->permission(c, n, mask);
	return err;
}

static int kernfs_getattr(struct caller *c, struct inode *i, struct kstat *out)
{
	const struct kernfs_node *n = kernfs_node_of(i);
	u32 uid = i->uid, gid = i->gid;

	if (n->entry->owner && n->entry->owner(c, n, &uid, &gid))
		return -ENOENT;
	*out = (struct kstat){.mode = i->mode,
			      .nlink = i->nlink,
			      .uid = uid,
			      .gid = gid,
			      .ino = i->ino,
			      .blksize = PAGE_SIZE,
			      .dev = i->sb->dev,
			      .atime = i->atime,
			      .mtime = i->mtime,
			      .ctime = i->ctime};
	return 0;
}

/* Modes and owners are what they are; times may be set and are forgotten with the inode. */
static int kernfs_setattr(struct caller *c, struct inode *i, const struct attr *a)
{
	if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	if (a->valid & ATTR_SIZE)
		return 0; /* O_TRUNC of a file that one writes values to */
	inode_apply_attr(i, a);
	return 0;
}

/* Names cannot be made; how that is said differs: in proc a name that is not there is not even a
 * candidate. */
static int refuse(const struct inode *dir)
{
	const struct kernfs_sb *k = dir->sb->data;

	return k->create_error;
}

static int kernfs_create(struct caller *c, struct inode *dir, struct dentry *d,
			 const struct attr *a)
{
	return refuse(dir);
}

static int kernfs_mknod(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
			u64 rdev)
{
	return refuse(dir);
}

static int kernfs_symlink(struct caller *c, struct inode *dir, struct dentry *d,
			  const struct attr *a, const char *target)
{
	return refuse(dir);
}

static const struct inode_ops kernfs_inode_ops = {
	.create = kernfs_create,
	.mkdir = kernfs_create,
	.mknod = kernfs_mknod,
	.symlink = kernfs_symlink,
	.lookup = kernfs_lookup,
	.revalidate = kernfs_revalidate,
	.readlink = kernfs_readlink,
	.jump = kernfs_jump,
	.permission = kernfs_permission,
	.getattr = kernfs_getattr,
	.setattr = kernfs_setattr,
};

static u32 dtype_of(const struct kernfs_entry *e)
{
	return IFTODT(entry_mode(e));
}

bool kernfs_emit(struct dir_context *dc, const char *name, const struct kernfs_node *n, u64 next)
{
	return dc->emit(dc, name, strlen(name), node_ino(n), dtype_of(n->entry), DYNAMIC + next);
}

int kernfs_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	const struct kernfs_node *n = kernfs_node_of(f->inode);
	const struct kernfs_entry *e = n->entry;
	struct kernfs_node child = {.id = n->id, .sub = n->sub};
	s64 next;

	for (; dc->pos < 2; dc->pos++)
		if (!dc->emit(dc, "..", dc->pos + 1, f->inode->ino, DT_DIR, dc->pos + 1))
			return 0;
	if (dc->pos < DYNAMIC) {
		u64 index = dc->pos - 2, k = 0;

		for (child.entry = e->children; child.entry && child.entry->name;
		     child.entry++, k++) {
			if (k < index)
				continue;
			if (!dc->emit(dc, child.entry->name, strlen(child.entry->name),
				      node_ino(&child), dtype_of(child.entry), dc->pos + 1))
				return 0;
			dc->pos++;
		}
		dc->pos = DYNAMIC;
	}
	if (!e->iterate || dc->pos >= DYNAMIC_END)
		return 0;
	next = e->iterate(c, n, dc->pos - DYNAMIC, dc);
	dc->pos = next < 0 ? DYNAMIC_END : DYNAMIC + (u64)next;
	return 0;
}

static void kernfs_evict(struct inode *i)
{
	slab_free(&kernfs_node_cache, i->data);
}

static int kernfs_statfs(struct caller *c, struct super_block *sb, struct statfs *out)
{
	*out = (struct statfs){.f_type = sb->magic, .f_bsize = PAGE_SIZE, .f_namelen = 255};
	return 0;
}

/* The root's arg is the text of an option. */
static void kernfs_show_options(struct super_block *sb, struct strbuf *s)
{
	const struct kernfs_entry *root = kernfs_node_of(sb->root->inode)->entry;

	if (root->arg)
		strbuf_printf(s, ",%s", (const char *)(uintptr_t)root->arg);
}

static void kernfs_put_super(struct super_block *sb)
{
	struct kernfs_sb *k = sb->data;

	if (k->drop)
		k->drop(k->view);
	slab_free(&kernfs_sb_cache, k);
}

static const struct super_ops kernfs_super_ops = {
	.evict = kernfs_evict,
	.statfs = kernfs_statfs,
	.put_super = kernfs_put_super,
	.show_options = kernfs_show_options,
};

struct super_block *kernfs_mount_view(const struct file_system_type *t,
				      const struct kernfs_entry *root, u32 magic, int create_error,
				      void *view, void (*drop)(void *view))
{
	struct kernfs_node n = {.entry = root, .view = view};
	struct kernfs_sb *k = slab_alloc(&kernfs_sb_cache);
	struct super_block *sb = k ? sb_create(t, &kernfs_super_ops, k) : NULL;
	struct inode *i;

	if (!sb) {
		if (k)
			slab_free(&kernfs_sb_cache, k);
		if (drop)
			drop(view);
		return ERR_PTR(-ENOMEM);
	}
	*k = (struct kernfs_sb){create_error, view, drop};
	sb->magic = magic;
	sb->blksize = PAGE_SIZE;
	sb->no_dcache = sb->no_negative = true;
	sb->lock_rank = LR_INODE_PSEUDO;
	i = node_inode(NULL, sb, &n);
	if (!i) {
		sb_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	sb->root = dentry_make_root(sb, i);
	return sb;
}

struct super_block *kernfs_mount(const struct file_system_type *t, const struct kernfs_entry *root,
				 u32 magic, int create_error)
{
	return kernfs_mount_view(t, root, magic, create_error, NULL, NULL);
}
