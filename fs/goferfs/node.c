/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - inodes of goferfs: identity, attributes, ids
 *
 * Theory of operation: an inode of the host has one inode here, found by device and inode number
 * (hard links share it). Most hold an id of the gofer, which pins the host's inode, so its number
 * is not used again behind our back. An inode that is known from a listing only (exclusive trees)
 * has none: parent and name lead to it, and gnode_id() walks there when somebody wants more than
 * its attributes. Because nobody else changes such a tree, that name stays right until we rename or
 * remove it; rename fetches the id first, removal marks the node gone.
 *
 * Attributes live in the inode's fields. What changes them on the host without telling us (reads
 * and writes through descriptors, new names in a directory) sets `stale`, and the next getattr
 * asks: by fstat when we have a descriptor, else the gofer.
 */
#include <sys/sysmacros.h>

#include "fs/goferfs/goferfs_internal.h"
#include "platform/host/host.h"

#define TRIM	 64    /* names given back at a time */
#define TRIM_ALL 40000 /* about as many as there are */

static SLAB_CACHE(g_gnodes, struct gnode);

struct list *gnode_hash_alloc(u32 order)
{
	struct list *hash = kalloc(sizeof(*hash) << order);

	for (u32 i = 0; hash && i < 1u << order; i++)
		list_init(&hash[i]);
	return hash;
}

void gnode_hash_free(struct list *hash, u32 order)
{
	kfree(hash, sizeof(*hash) << order);
}

static struct list *hash_head(const struct gsuper *gs, u64 dev, u64 ino)
{
	u64 h = (ino ^ dev * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return &gs->hash[h >> (64 - gs->hash_order)];
}

/* The living inode of that number, with a reference, or NULL. gs->lock held. */
static struct inode *find_locked(struct gsuper *gs, const struct gofer_attr *a)
{
	struct list *head = hash_head(gs, a->dev, a->ino);
	struct gnode *g, *tmp;

	list_for_each_entry_safe (g, tmp, head, hash) {
		if (g->host_ino != a->ino || g->host_dev != a->dev)
			continue;
		if ((g->inode->mode & S_IFMT) == (a->mode & S_IFMT) &&
		    ref_get_unless_zero(&g->inode->ref))
			return g->inode;
		list_del(&g->hash); /* dying, or the number has a new owner */
	}
	return NULL;
}

static struct timespec time_of(const struct gofer_time *t)
{
	return (struct timespec){.tv_sec = t->sec, .tv_nsec = t->nsec};
}

void gnode_apply(struct inode *i, const struct gofer_attr *a)
{
	i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	i->nlink = a->nlink;
	i->uid = a->uid;
	i->gid = a->gid;
	i->size = a->size;
	i->blocks = a->blocks;
	i->rdev = makedev(a->rdev_major, a->rdev_minor);
	i->atime = time_of(&a->atime);
	i->mtime = time_of(&a->mtime);
	i->ctime = time_of(&a->ctime);
	i->btime = time_of(&a->btime);
}

static const struct inode_ops *inode_ops_for(const struct gsuper *gs, u32 mode)
{
	if (S_ISDIR(mode))
		return gs->shared ? &gofer_dir_shared_ops : &gofer_dir_ops;
	return &gofer_inode_ops;
}

static const struct file_ops *file_ops_for(u32 mode)
{
	if (S_ISDIR(mode))
		return &gofer_dir_file_ops;
	return S_ISREG(mode) ? &gofer_file_ops : NULL;
}

/* A new inode for @a, hashed. gs->lock held. */
static struct inode *create_locked(struct super_block *sb, const struct gofer_attr *a, gofer_id id)
{
	struct gsuper *gs = sb->data;
	struct gnode *g = slab_alloc(&g_gnodes);
	struct inode *i;
	u64 ino = a->ino;

	if (!g)
		return NULL;
	if (a->dev != gs->root_dev && gs->root_dev) /* a mount below the tree: numbers of its own */
		ino ^= (a->dev * 0x9e3779b97f4a7c15ull) & ~0xffffffffffffull;
	i = inode_create(sb, inode_ops_for(gs, a->mode), file_ops_for(a->mode), a->mode, ino);
	if (!i) {
		slab_free(&g_gnodes, g);
		return NULL;
	}
	*g = (struct gnode){.inode = i, .gs = gs, .host_ino = a->ino, .host_dev = a->dev, .id = id};
	for (int k = 0; k < FD_COUNT; k++)
		g->fd[k] = -1;
	list_init(&g->hash);
	list_init(&g->lru);
	list_init(&g->list_lru);
	i->data = g;
	i->flags |= INODE_OWN_TIMES | INODE_NO_ATIME; /* the host moves them */
	if (S_ISREG(a->mode))
		i->map.ops = &gofer_map_ops;
	gnode_apply(i, a);
	list_push(hash_head(gs, a->dev, a->ino), &g->hash);
	return i;
}

bool gnode_exists(struct gsuper *gs, const struct gofer_attr *a)
{
	struct inode *i;

	mutex_lock(&gs->lock);
	i = find_locked(gs, a);
	mutex_unlock(&gs->lock);
	if (i)
		inode_put(i);
	return i != NULL;
}

void gnode_make_room(struct gsuper *gs)
{
	/* most names have no id: it takes some to come to one that has */
	for (int i = 0; i < 16 && unlikely(gofer_client_full(gclient(gs))); i++)
		dcache_trim(TRIM);
}

bool gnode_freed_ids(struct gsuper *gs)
{
	u32 before = gofer_client_ids(gclient(gs));

	for (int i = 0; i < 128; i++) {
		dcache_trim(TRIM_ALL / 16);
		if (gofer_client_ids(gclient(gs)) < before)
			return true;
	}
	return false;
}

struct inode *gnode_get(struct super_block *sb, const struct gofer_node *node)
{
	struct gsuper *gs = sb->data;
	gofer_id none = 0;
	struct gnode *g;
	struct inode *i;

	gnode_make_room(gs);
	mutex_lock(&gs->lock);
	i = find_locked(gs, &node->attr);
	if (!i) {
		i = create_locked(sb, &node->attr, node->id);
		mutex_unlock(&gs->lock);
		if (i)
			return i;
		gofer_release(gclient(gs), node->id, false);
		return ERR_PTR(-ENOMEM);
	}
	mutex_unlock(&gs->lock);
	g = gnode_of(i);
	if (g->id != node->id && !atomic_compare_exchange_strong(&g->id, &none, node->id))
		gofer_release(gclient(gs), node->id, false);
	return i;
}

struct inode *gnode_get_listed(struct inode *dir, const struct gofer_attr *attr, const char *name,
			       u32 size)
{
	struct gsuper *gs = dir->sb->data;
	struct inode *i;
	struct gnode *g;
	char *copy;

	/* files with several names may have changed by another one since */
	if (!S_ISDIR(attr->mode) && attr->nlink != 1)
		return NULL;
	copy = kalloc(size + 1);
	if (!copy)
		return NULL;
	mutex_lock(&gs->lock);
	i = find_locked(gs, attr);
	if (!i) {
		i = create_locked(dir->sb, attr, 0);
		if (i) {
			g = gnode_of(i);
			memcpy(copy, name, size);
			copy[size] = 0;
			g->name = copy;
			g->name_size = size;
			g->parent = inode_get(dir);
			copy = NULL;
		}
	}
	mutex_unlock(&gs->lock);
	if (copy)
		kfree(copy, size + 1);
	return i;
}

void gnode_keep_link(struct inode *i, const char *text, u32 size)
{
	char *none = NULL, *copy;

	if (size == 0 || !S_ISLNK(i->mode) || i->link)
		return;
	copy = kalloc(size + 1);
	if (!copy)
		return;
	memcpy(copy, text, size);
	copy[size] = 0;
	i->link_len = size; /* who comes second writes the same: links do not change */
	if (!atomic_compare_exchange_strong(&i->link, &none, copy))
		kfree(copy, size + 1);
}

/* Walks to @g by parent and name; the result is one node, or an error. */
static int walk_to(struct gnode *g, struct gofer_node *out, int *out_fd)
{
	struct gofer_name name = {.s = g->name, .size = g->name_size};
	struct gofer_walk_result r = {.nodes = out};
	char target[GOFER_LINK_MAX];
	gofer_id parent = atomic_load(&gnode_of(g->parent)->id);
	int err;

	if (!parent) /* whoever was listed has an id */
		return -ESTALE;
	do {
		err = gofer_walk(gclient(g->gs), parent, 0, out_fd ? GOFER_WALK_OPEN_READ : 0,
				 &name, 1, &r, target);
		if (!err)
			err = r.error;
	} while (err == -ENFILE && gnode_freed_ids(g->gs));
	if (!err) {
		gnode_keep_link(g->inode, target, r.target_size);
		if (out_fd)
			*out_fd = r.fd;
	}
	return err == -ENOENT ? -ESTALE : err;
}

int gnode_adopt(struct gnode *g, const struct gofer_node *node, gofer_id *out_id)
{
	gofer_id none = 0;

	*out_id = node->id;
	if (node->attr.ino != g->host_ino || node->attr.dev != g->host_dev) {
		gofer_release(gclient(g->gs), node->id, false);
		return -ESTALE;
	}
	if (!atomic_compare_exchange_strong(&g->id, &none, node->id)) {
		gofer_release(gclient(g->gs), node->id, false);
		*out_id = none;
	}
	return 0;
}

int gnode_id(struct gnode *g, gofer_id *out_id, int *out_fd)
{
	gofer_id id = atomic_load_explicit(&g->id, memory_order_acquire);
	struct gofer_node node;
	int err, fd = -1;

	if (likely(id)) {
		*out_id = id;
		return 0;
	}
	if (g->gone)
		return -ESTALE;
	gnode_make_room(g->gs);
	err = walk_to(g, &node, out_fd ? &fd : NULL);
	if (!err)
		err = gnode_adopt(g, &node, out_id);
	if (err) {
		if (fd >= 0)
			host_close(fd);
		return err;
	}
	if (out_fd)
		*out_fd = fd;
	return 0;
}

/* From the descriptor @fd, which costs no message. Not the owner: the sentry's user namespace does
 * not map it, and nobody but us changes it in an exclusive tree. */
static int refresh_by_fd(struct inode *i, int fd)
{
	struct stat st;
	int err = host_fstat(fd, &st);

	if (err)
		return err;
	i->mode = (i->mode & S_IFMT) | (st.st_mode & 07777);
	i->nlink = (u32)st.st_nlink;
	i->size = (u64)st.st_size;
	i->blocks = (u64)st.st_blocks;
	i->atime = st.st_atim;
	i->mtime = st.st_mtim;
	i->ctime = st.st_ctim;
	return 0;
}

int gnode_refresh_locked(struct gnode *g)
{
	u32 stale = atomic_exchange(&g->stale, 0);
	struct gofer_attr attr;
	gofer_id id;
	int fd, err;

	mutex_assert_held(&g->inode->lock);
	if (g->gs->shared || g->mapped_writable)
		stale = STALE_ALL;
	if (!stale)
		return 0;
	fd = g->gs->shared ? -1 : gfds_pin(g);
	if (fd >= 0) {
		err = refresh_by_fd(g->inode, fd);
		gfds_put(g);
		return err;
	}
	if (stale == STALE_ATIME || (g->gone && !g->id))
		return 0;
	err = gnode_id(g, &id, NULL);
	if (!err)
		err = gofer_getattr(gclient(g->gs), id, &attr);
	if (err) {
		gnode_set_stale(g, STALE_ALL);
		return err;
	}
	gnode_apply(g->inode, &attr);
	return 0;
}

void gnode_unlinked(struct inode *i)
{
	struct gnode *g = gnode_of(i);

	mutex_lock_nested(&i->lock);
	if (S_ISDIR(i->mode))
		i->nlink = 0;
	else if (i->nlink)
		i->nlink--;
	gnode_set_stale(g, STALE_ALL); /* ctime */
	if (i->nlink == 0) {
		g->gone = 1;
		mutex_lock(&g->gs->lock);
		list_del(&g->hash); /* without an id nothing keeps the host from giving its number
				       away */
		mutex_unlock(&g->gs->lock);
	}
	mutex_unlock(&i->lock);
}

/* Are the attributes what the host has, and the name of the listing the only one? */
static bool worth_giving_back(const struct gnode *g)
{
	return !g->gs->shared && g->parent && !g->gone && !(g->stale & STALE_ALL) &&
	       !g->mapped_writable && !S_ISDIR(g->inode->mode) && g->inode->nlink == 1;
}

/* @g cannot be found any more. Its attributes go back into the listing that they came from, unless
 * a new inode of the file is being made: find_locked() has taken the old one out of the hash then.
 */
static void unhash(struct gnode *g)
{
	struct listing *l = worth_giving_back(g) ? listing_get(gnode_of(g->parent)) : NULL;

	mutex_lock(&g->gs->lock);
	if (l && !list_empty(&g->hash))
		listing_give_back(l, g);
	list_del(&g->hash);
	mutex_unlock(&g->gs->lock);
	listing_put(l);
}

void gnode_evict(struct inode *i)
{
	struct gnode *g = gnode_of(i);
	bool big = i->nlink == 0 && S_ISREG(i->mode) && i->blocks >= 2048;

	if (!g)
		return;
	unhash(g);
	atomic_fetch_add(&g->gs->evictions, 1);
	listing_forget(g);
	gfds_close_all(g);
	if (g->id)
		gofer_release(gclient(g->gs), g->id,
			      big); /* the host keeps a removed file's blocks till then */
	if (g->name)
		kfree(g->name, g->name_size + 1);
	if (g->parent)
		inode_put(g->parent);
	i->data = NULL;
	slab_free(&g_gnodes, g);
}
