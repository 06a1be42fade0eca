/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - inodes of overlay: made on top of lower ones or new, found again by the lower one; the
 * super block */
#include <sys/mount.h>
#include <sys/vfs.h>

#include "fs/overlay/overlay_internal.h"
#include "sentry/arena/arena.h"

#define OVERLAYFS_MAGIC 0x794c7630

static SLAB_CACHE(g_node_cache, struct ovl_node);
static SLAB_CACHE(g_sb_cache, struct ovl_sb);

static struct list *bucket(struct ovl_sb *s, const struct inode *lower)
{
	u64 h = (u64)(uintptr_t)lower * 0x9e3779b97f4a7c15ull;
	struct list *head = &s->hash[h >> 40 & (OVL_BUCKETS - 1)];

	if (!head->next)
		list_init(head);
	return head;
}

/* The node on top of @lower, with a reference on its inode. Lock held. */
static struct inode *find_locked(struct ovl_sb *s, const struct inode *lower)
{
	struct ovl_node *n;

	list_for_each_entry (n, bucket(s, lower), hash)
		if (dentry_inode(n->lower) == lower && ref_get_unless_zero(&n->inode->ref))
			return n->inode;
	return NULL;
}

static const struct inode_ops *ops_of(u32 mode)
{
	return S_ISDIR(mode) ? &ovl_dir_ops : S_ISLNK(mode) ? &ovl_link_ops : &ovl_file_ops;
}

static struct inode *node_create(struct super_block *sb, u32 mode, u64 ino,
				 const struct file_ops *fop)
{
	struct inode *i = inode_create(sb, ops_of(mode), fop, mode, ino);
	struct ovl_node *n = i ? slab_alloc(&g_node_cache) : NULL;

	if (!n) {
		if (i)
			inode_put(i);
		return NULL;
	}
	n->inode = i;
	list_init(&n->hash);
	memnode_init(i, &n->mem, NULL);
	memdir_init(&n->dir);
	return i;
}

struct inode *ovl_inode_new(struct super_block *sb, const struct attr *a)
{
	const struct file_ops *fop = S_ISDIR(a->mode) ? &ovl_dir_fops : NULL;
	struct inode *i;

	if (S_ISREG(a->mode))
		fop = &memnode_file_ops; /* no lower: memory and nothing else */
	i = node_create(sb, a->mode, 0, fop);
	if (!i)
		return NULL;
	ovl_node(i)->own_data = ovl_node(i)->own_xattrs = true;
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = S_ISDIR(a->mode) ? 2 : 1;
	return i;
}

static void copy_attrs(struct inode *i, const struct kstat *st, const struct inode *lower)
{
	i->nlink = st->nlink;
	i->uid = st->uid;
	i->gid = st->gid;
	i->rdev = st->rdev;
	i->size = st->size;
	i->blocks = st->blocks;
	i->atime = st->atime;
	i->mtime = st->mtime;
	i->ctime = st->ctime;
	i->btime = st->has_btime ? st->btime : (struct timespec){0};
	i->flags |= lower->flags & (INODE_IMMUTABLE | INODE_APPEND);
}

static struct inode *make_on(struct caller *c, struct super_block *sb, struct dentry *lower)
{
	struct inode *li = dentry_inode(lower), *i;
	struct kstat st;
	int err = stack_stat(c, li, &st);

	if (err)
		return ERR_PTR(err);
	i = node_create(sb, st.mode, st.ino,
			S_ISDIR(st.mode)   ? &ovl_dir_fops
			: S_ISREG(st.mode) ? &ovl_file_fops
					   : li->fop);
	if (!i)
		return ERR_PTR(-ENOMEM);
	copy_attrs(i, &st, li);
	ovl_node(i)->lower = dentry_get(lower);
	return i;
}

struct inode *ovl_inode_get(struct caller *c, struct super_block *sb, struct dentry *lower)
{
	struct ovl_sb *s = ovl_sb(sb);
	struct inode *li = dentry_inode(lower), *i, *fresh;

	mutex_lock(&s->lock);
	i = find_locked(s, li);
	mutex_unlock(&s->lock);
	if (i) {
		dentry_put(lower);
		return i;
	}
	fresh = make_on(c, sb, lower);
	dentry_put(lower);
	if (IS_ERR(fresh))
		return fresh;
	mutex_lock(&s->lock);
	i = find_locked(s, li);
	if (!i)
		list_push(bucket(s, li), &ovl_node(fresh)->hash);
	mutex_unlock(&s->lock);
	if (!i)
		return fresh;
	inode_put(fresh);
	return i;
}

void ovl_keep(struct inode *i)
{
	struct ovl_sb *s = ovl_sb(i->sb);
	struct ovl_node *n = ovl_node(i);

	if (!n->lower || n->kept)
		return;
	mutex_lock(&s->lock);
	if (!n->kept) {
		n->kept = true;
		inode_get(i);
	}
	mutex_unlock(&s->lock);
}

void ovl_unkeep(struct inode *i)
{
	struct ovl_sb *s = ovl_sb(i->sb);
	bool kept;

	mutex_lock(&s->lock);
	kept = ovl_node(i)->kept;
	ovl_node(i)->kept = false;
	mutex_unlock(&s->lock);
	if (kept)
		inode_put(i);
}

void ovl_evict(struct inode *i)
{
	struct ovl_node *n = i->data;

	if (!n)
		return;
	mutex_lock(&ovl_sb(i->sb)->lock);
	list_del(&n->hash);
	mutex_unlock(&ovl_sb(i->sb)->lock);
	memnode_fini(&n->mem);
	memdir_fini(&n->dir);
	ovl_white_fini(n);
	if (n->lower)
		dentry_put(n->lower);
	slab_free(&g_node_cache, n);
}

/* --- super block -------------------------------------------------------------------------------
 */

static int ovl_statfs(struct caller *c, struct super_block *sb, struct statfs *out)
{
	struct path p = {ovl_sb(sb)->lower, ovl_sb(sb)->lower->root};
	int err = vfs_statfs(c, &p, out);

	out->f_type = OVERLAYFS_MAGIC;
	return err;
}

static void ovl_put_super(struct super_block *sb)
{
	struct ovl_sb *s = ovl_sb(sb);
	struct ovl_node *n;

	for (unsigned k = 0; k < OVL_BUCKETS; k++)
		while (s->hash[k].next && !list_empty(&s->hash[k])) {
			n = list_first(&s->hash[k], struct ovl_node, hash);
			BUG_ON(!n->kept);
			ovl_unkeep(n->inode);
		}
	page_free(s->hash, 4);
	mount_put(s->lower);
	sb_put(s->upper);
	slab_free(&g_sb_cache, s);
}

static const struct super_ops g_super_ops = {
	.evict = ovl_evict,
	.statfs = ovl_statfs,
	.put_super = ovl_put_super,
};

static const struct file_system_type g_type = {.name = "overlay"};

/* The super block with nothing but its own memory. */
static struct super_block *super_alloc(void)
{
	struct ovl_sb *s = slab_alloc(&g_sb_cache);
	struct super_block *sb;

	static_assert(OVL_BUCKETS * sizeof(struct list) == PAGE_SIZE << 4, "order of the hash");
	if (!s)
		return NULL;
	mutex_init(&s->lock, LR_FSPRIV);
	s->hash = page_alloc(4);
	sb = s->hash ? sb_create(&g_type, &g_super_ops, s) : NULL;
	if (sb)
		return sb;
	if (s->hash)
		page_free(s->hash, 4);
	slab_free(&g_sb_cache, s);
	return NULL;
}

int overlay_create(struct caller *c, struct super_block *lower, struct super_block *upper,
		   struct super_block **out)
{
	struct super_block *sb = super_alloc();
	struct inode *root;

	if (!sb)
		return -ENOMEM;
	sb->magic = OVERLAYFS_MAGIC;
	sb->blksize = lower->blksize;
	atomic_store(&sb->next_ino, OVL_FIRST_INO);
	ovl_sb(sb)->lower = stack_mount(lower);
	if (!ovl_sb(sb)->lower)
		return -ENOMEM;
	root = ovl_inode_get(c, sb, dentry_get(lower->root));
	if (IS_ERR(root)) {
		sb_put(sb);
		return PTR_ERR(root);
	}
	sb->root = dentry_make_root(sb, root);
	if (!sb->root) {
		inode_put(root);
		sb_put(sb);
		return -ENOMEM;
	}
	ovl_sb(sb)->upper = upper;
	sb_put(lower); /* the mount has it */
	*out = sb;
	return 0;
}
