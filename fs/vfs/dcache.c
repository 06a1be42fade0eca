/* SPDX-License-Identifier: Apache-2.0 */
/* dcache.c - the cache of names
 *
 * Theory of operation
 * A dentry is found through a hash of (parent, name). Each bucket's chain, and the UNHASHED flag of
 * what is in it, are guarded by one of a few bucket locks; the tree (parents, children, aliases,
 * names) and the LRU by g_dcache.lock. Both have rank LR_DENTRY; the big one is taken first, the
 * bucket's nested.
 *
 * The cache holds one reference on each hashed dentry, so giving a reference back is one atomic
 * operation and touches no lock. A dentry that has only the cache's reference is unused: the scan
 * of the LRU takes it away by moving its count from 1 to 0 under the bucket's lock, which no finder
 * can miss. "Used lately" is a byte that a finder sets.
 *
 * Transient dentries (of file systems that ask for it) are on no LRU and go with their last user.
 * Pinned ones are on no LRU either. Names in lookup are hashed, but whoever finds them waits for
 * the directory's lock and asks again.
 */
#include "fs/vfs/vfs_internal.h"

#include <stdio.h>

#include "sentry/arena/arena.h"

#define BUCKETS	     8192
#define BUCKET_LOCKS 256
#define DCACHE_LIMIT 40000
#define SCAN_BATCH   32
#define DIR_SCANS                                                                       \
	8 /* a directory that was used outlives so many scans: its listing goes with it \
	   */

static SLAB_CACHE(g_dentry_cache, struct dentry);

static struct {
	struct mutex lock;
	struct list lru;    /* guarded by lock, as count */
	u32 count;	    /* of lru */
	struct list *chain; /* BUCKETS heads, all zero until first used */
	struct mutex bucket_lock[BUCKET_LOCKS];
} g_dcache;

void dcache_init(void)
{
	mutex_init(&g_dcache.lock, LR_DENTRY);
	for (unsigned i = 0; i < BUCKET_LOCKS; i++)
		mutex_init(&g_dcache.bucket_lock[i], LR_DENTRY);
	list_init(&g_dcache.lru);
	g_dcache.count = 0;
	g_dcache.chain = page_alloc(5);
	BUG_ON(!g_dcache.chain);
	static_assert(BUCKETS * sizeof(struct list) == PAGE_SIZE << 5, "order of the table");
}

void dcache_lock(void)
{
	mutex_lock(&g_dcache.lock);
}

void dcache_unlock(void)
{
	mutex_unlock(&g_dcache.lock);
}

static struct mutex *bucket_lock(u32 hash)
{
	return &g_dcache.bucket_lock[hash % BUCKET_LOCKS];
}

static struct list *bucket_chain(u32 hash)
{
	return &g_dcache.chain[hash % BUCKETS];
}

u32 dentry_hash(const struct dentry *parent, const char *name, size_t len)
{
	u64 h = (u64)(uintptr_t)parent * 0x9e3779b97f4a7c15ull, word;

	for (; len >= 8; name += 8, len -= 8) {
		memcpy(&word, name, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	if (len) {
		word = len;
		for (size_t i = 0; i < len; i++)
			word = word << 8 | (u8)name[i];
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return (u32)(h ^ h >> 29);
}

/* The bucket's lock is held. No reference. */
static struct dentry *chain_find(const struct dentry *parent, const char *name, size_t len,
				 u32 hash)
{
	struct list *head = bucket_chain(hash);
	struct dentry *d;

	if (!head->next)
		return NULL;
	list_for_each_entry (d, head, bucket)
		if (d->hash == hash && d->parent == parent && d->name_len == len &&
		    memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

struct dentry *dentry_find(const struct dentry *parent, const char *name, size_t len, u32 hash)
{
	struct mutex *lock = bucket_lock(hash);
	struct dentry *d;

	mutex_lock(lock);
	d = chain_find(parent, name, len, hash);
	if (d) {
		ref_get(&d->ref);
		if (!atomic_load_explicit(&d->referenced, memory_order_relaxed)) {
			const struct inode *i = dentry_inode(d);

			atomic_store_explicit(&d->referenced, i && S_ISDIR(i->mode) ? DIR_SCANS : 1,
					      memory_order_relaxed);
		}
	}
	mutex_unlock(lock);
	return d;
}

struct dentry *dentry_get(struct dentry *d)
{
	ref_get(&d->ref);
	return d;
}

/* A dentry in no list, count 1, without parent. */
static struct dentry *dentry_alloc(struct super_block *sb, const char *name, size_t len)
{
	struct dentry *d = slab_alloc(&g_dentry_cache);

	if (!d)
		return NULL;
	d->name = len < DENTRY_INLINE ? d->short_name : kalloc(len + 1);
	if (!d->name) {
		slab_free(&g_dentry_cache, d);
		return NULL;
	}
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->name_len = len;
	ref_init(&d->ref);
	d->sb = sb;
	d->flags = DENTRY_UNHASHED;
	list_init(&d->bucket);
	list_init(&d->child);
	list_init(&d->children);
	list_init(&d->alias);
	list_init(&d->lru);
	return d;
}

/* The count is 0 and nobody can find @d: returns the parent, whose reference is now the caller's;
 * NULL: a root. */
static struct dentry *dentry_free(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;
	struct inode *inode = d->inode;

	if (parent || inode) {
		mutex_lock(&g_dcache.lock);
		list_del(&d->child);
		list_del(&d->alias);
		mutex_unlock(&g_dcache.lock);
	}
	if (d->name != d->short_name)
		kfree(d->name, d->name_len + 1);
	slab_free(&g_dentry_cache, d);
	if (inode)
		inode_put(inode);
	return parent;
}

/* Takes @d out of its chain; true: it was in it, and the cache's reference is now the caller's. */
static bool dentry_unhash(struct dentry *d, struct mutex *lock)
{
	mutex_assert_held(lock);
	if (d->flags & DENTRY_UNHASHED)
		return false;
	list_del(&d->bucket);
	d->flags |= DENTRY_UNHASHED;
	return true;
}

/* The caller's reference on a transient dentry: the last user takes it out of the cache. True:
 * count is 0. */
static bool put_transient(struct dentry *d)
{
	struct mutex *lock;
	bool gone = false;
	u32 hash;

	for (;;) {
		hash = __atomic_load_n(&d->hash, __ATOMIC_RELAXED);
		lock = bucket_lock(hash);
		mutex_lock(lock);
		if (hash == d->hash)
			break;
		mutex_unlock(lock);
	}
	if (ref_read(&d->ref) == 2 && d->transient && dentry_unhash(d, lock)) {
		gone = ref_put(&d->ref);
		BUG_ON(gone);
	}
	gone = ref_put(&d->ref);
	mutex_unlock(lock);
	return gone;
}

void dentry_put(struct dentry *d)
{
	while (d) {
		if (unlikely(atomic_load_explicit(&d->transient, memory_order_relaxed))) {
			if (!put_transient(d))
				return;
		} else if (!ref_put(&d->ref)) {
			return;
		}
		d = dentry_free(d);
	}
}

/* Onto the LRU, g_dcache.lock held. */
static void lru_add(struct dentry *d)
{
	if (d->transient || d->pinned || !list_empty(&d->lru))
		return;
	list_append(&g_dcache.lru, &d->lru);
	g_dcache.count++;
}

static void lru_del(struct dentry *d)
{
	if (list_empty(&d->lru))
		return;
	list_del(&d->lru);
	g_dcache.count--;
}

/* Takes @d off the LRU and out of the cache when nobody uses it: its count is then 0. g_dcache.lock
 * held. */
static bool take_unused(struct dentry *d)
{
	struct mutex *lock = bucket_lock(d->hash);
	u32 one = 1;
	bool taken = false;

	mutex_lock_nested(lock);
	if (!(d->flags & DENTRY_UNHASHED) &&
	    atomic_compare_exchange_strong(&d->ref.count, &one, 0)) {
		dentry_unhash(d, lock);
		taken = true;
	}
	mutex_unlock(lock);
	if (taken)
		lru_del(d);
	return taken;
}

/* Frees those that were taken: linked by lru. */
static void free_taken(struct list *taken)
{
	struct dentry *d;

	while (!list_empty(taken)) {
		d = list_first(taken, struct dentry, lru);
		list_del(&d->lru);
		dentry_put(dentry_free(d));
	}
}

/* Brings the cache back to its limit, a few at a time. */
static void dcache_shrink(void)
{
	struct list taken = LIST_INIT(taken);
	struct dentry *d;

	mutex_lock(&g_dcache.lock);
	for (int i = 0; i < SCAN_BATCH && !list_empty(&g_dcache.lru); i++) {
		d = list_first(&g_dcache.lru, struct dentry, lru);
		if (ref_read(&d->ref) == 1 && !d->referenced && take_unused(d)) {
			list_append(&taken, &d->lru);
			continue;
		}
		if (d->referenced)
			d->referenced--;
		list_del(&d->lru);
		list_append(&g_dcache.lru, &d->lru);
	}
	mutex_unlock(&g_dcache.lock);
	free_taken(&taken);
}

void dcache_trim(u32 count)
{
	for (u32 i = 0; i < count; i += SCAN_BATCH)
		dcache_shrink();
}

/* Hashes a fresh @d (count 1) below @dir, unless somebody was faster: then that one is returned,
 * with a reference. */
static struct dentry *dentry_insert(struct dentry *d, struct dentry *dir, u32 hash)
{
	struct mutex *lock = bucket_lock(hash);
	struct dentry *other;

	d->hash = hash;
	mutex_lock(&g_dcache.lock);
	mutex_lock_nested(lock);
	other = chain_find(dir, d->name, d->name_len, hash);
	if (other) {
		ref_get(&other->ref);
		mutex_unlock(lock);
		mutex_unlock(&g_dcache.lock);
		return other;
	}
	d->parent = dentry_get(dir);
	d->flags &= ~DENTRY_UNHASHED;
	ref_get(&d->ref);
	if (!bucket_chain(hash)->next)
		list_init(bucket_chain(hash));
	list_push(bucket_chain(hash), &d->bucket);
	list_append(&dir->children, &d->child);
	lru_add(d);
	mutex_unlock(lock);
	mutex_unlock(&g_dcache.lock);
	return NULL;
}

READS_UNLOCKED static bool above_limit(void)
{
	return g_dcache.count > DCACHE_LIMIT;
}

struct dentry *dentry_lookup_or_new(struct dentry *dir, const char *name, size_t len, bool *out_new)
{
	u32 hash = dentry_hash(dir, name, len);
	struct dentry *d = dentry_find(dir, name, len, hash), *other;

	if (!d) {
		if (unlikely(above_limit()))
			dcache_shrink();
		d = dentry_alloc(dir->sb, name, len);
		if (!d)
			return NULL;
		d->in_lookup = 1;
		d->transient = dir->sb->no_dcache || dir->sb->no_negative;
		other = dentry_insert(d, dir, hash);
		if (other) {
			if (d->name != d->short_name)
				kfree(d->name, len + 1);
			slab_free(&g_dentry_cache, d);
			d = other;
		}
	}
	*out_new = d->in_lookup;
	return d;
}

void dentry_set_inode(struct dentry *d, struct inode *inode)
{
	BUG_ON(d->inode);
	mutex_lock(&g_dcache.lock);
	list_append(&inode->dentries, &d->alias);
	if (d->transient && !d->sb->no_dcache) {
		d->transient = 0;
		if (!(d->flags & DENTRY_UNHASHED))
			lru_add(d);
	}
	__atomic_store_n(&d->inode, inode, __ATOMIC_RELEASE);
	mutex_unlock(&g_dcache.lock);
	atomic_store_explicit(&d->in_lookup, 0, memory_order_release);
}

void dentry_set_negative(struct dentry *d)
{
	atomic_store_explicit(&d->in_lookup, 0, memory_order_release);
}

void dentry_set_negative_kept(struct dentry *d)
{
	mutex_lock(&g_dcache.lock);
	if (d->transient && !d->sb->no_dcache) {
		d->transient = 0;
		if (!(d->flags & DENTRY_UNHASHED))
			lru_add(d);
	}
	mutex_unlock(&g_dcache.lock);
	dentry_set_negative(d);
}

void dentry_drop(struct dentry *d)
{
	struct mutex *lock;
	bool mine;

	mutex_lock(&g_dcache.lock);
	lock = bucket_lock(d->hash);
	mutex_lock_nested(lock);
	mine = dentry_unhash(d, lock);
	mutex_unlock(lock);
	lru_del(d);
	mutex_unlock(&g_dcache.lock);
	if (mine) {
		/* The caller has a reference: this is not the last. */
		bool last = ref_put(&d->ref);

		BUG_ON(last);
	}
}

void dentry_pin(struct dentry *d)
{
	dentry_get(d);
	mutex_lock(&g_dcache.lock);
	d->pinned = true;
	lru_del(d);
	mutex_unlock(&g_dcache.lock);
}

void dentry_unpin(struct dentry *d)
{
	mutex_lock(&g_dcache.lock);
	d->pinned = false;
	if (!(d->flags & DENTRY_UNHASHED))
		lru_add(d);
	mutex_unlock(&g_dcache.lock);
	dentry_put(d);
}

void dentry_prune_children(struct dentry *d)
{
	struct list taken = LIST_INIT(taken);
	struct dentry *child, *tmp;

	mutex_lock(&g_dcache.lock);
	list_for_each_entry_safe (child, tmp, &d->children, child)
		if (!child->pinned && take_unused(child))
			list_append(&taken, &child->lru);
	mutex_unlock(&g_dcache.lock);
	free_taken(&taken);
}

struct dentry *dentry_create_anon(struct super_block *sb, const char *name, struct inode *inode)
{
	struct dentry *d = dentry_alloc(sb, name, strlen(name));

	if (!d)
		return NULL;
	d->flags |= DENTRY_ANON;
	d->parent = d;
	d->inode = inode;
	return d;
}

struct dentry *dentry_create_unlinked(struct dentry *dir, struct inode *inode)
{
	char name[32];
	struct dentry *d;

	snprintf(name, sizeof(name), "#%llu", (unsigned long long)inode->ino);
	d = dentry_create_anon(dir->sb, name, NULL);
	if (!d)
		return NULL;
	d->flags &= ~DENTRY_ANON;
	d->parent = dentry_get(dir);
	dentry_set_inode(d, inode);
	return d;
}

struct dentry *dentry_make_root(struct super_block *sb, struct inode *inode)
{
	struct dentry *d = dentry_create_anon(sb, "/", inode);

	if (!d)
		return NULL;
	d->flags &= ~DENTRY_ANON;
	mutex_lock(&g_dcache.lock);
	list_append(&inode->dentries, &d->alias);
	mutex_unlock(&g_dcache.lock);
	return d;
}

struct dentry *dentry_parent(struct dentry *d)
{
	struct dentry *parent;

	mutex_lock(&g_dcache.lock);
	parent = dentry_get(d->parent);
	mutex_unlock(&g_dcache.lock);
	return parent;
}

bool dentry_is_below(struct dentry *d, const struct dentry *ancestor)
{
	bool found;

	mutex_lock(&g_dcache.lock);
	while (d != ancestor && d->parent != d)
		d = d->parent;
	found = d == ancestor;
	mutex_unlock(&g_dcache.lock);
	return found;
}

/* --- rename ------------------------------------------------------------------------------------
 */

int dentry_move_prepare(struct dentry_names *n, struct dentry *from, struct dentry *to,
			bool exchange)
{
	memset(n, 0, sizeof(*n));
	if (to->name_len >= DENTRY_INLINE) {
		n->size[0] = to->name_len + 1;
		n->spare[0] = kalloc(n->size[0]);
	}
	if (exchange && from->name_len >= DENTRY_INLINE) {
		n->size[1] = from->name_len + 1;
		n->spare[1] = kalloc(n->size[1]);
	}
	if ((n->size[0] && !n->spare[0]) || (n->size[1] && !n->spare[1])) {
		dentry_move_abort(n);
		return -ENOMEM;
	}
	return 0;
}

void dentry_move_abort(struct dentry_names *n)
{
	for (int i = 0; i < 2; i++)
		if (n->spare[i])
			kfree(n->spare[i], n->size[i]);
	memset(n, 0, sizeof(*n));
}

/* The name of @d becomes @name; *spare has room when it is long, and gets the old storage. */
static void set_name(struct dentry *d, const char *name, u32 len, char **spare, u32 *spare_size)
{
	char *old = d->name == d->short_name ? NULL : d->name;
	u32 old_size = d->name_len + 1;

	d->name = len < DENTRY_INLINE ? d->short_name : *spare;
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->name_len = len;
	*spare = old;
	*spare_size = old_size;
}

static void set_parent(struct dentry *d, struct dentry *parent)
{
	d->parent = dentry_get(parent);
	list_del(&d->child);
	list_append(&parent->children, &d->child);
}

/* Out of the chain, or into that of its hash; g_dcache.lock held, the cache's reference stays. */
static void rehash(struct dentry *d, bool in)
{
	struct mutex *lock = bucket_lock(d->hash);

	mutex_lock_nested(lock);
	list_del(&d->bucket);
	if (in) {
		if (!bucket_chain(d->hash)->next)
			list_init(bucket_chain(d->hash));
		list_push(bucket_chain(d->hash), &d->bucket);
	}
	mutex_unlock(lock);
}

void dentry_move(struct dentry_names *n, struct dentry *from, struct dentry *to, bool exchange)
{
	struct dentry *from_parent, *to_parent;
	char name[NAME_MAX_LEN + 1];
	u32 len, from_hash;

	if (!exchange)
		dentry_drop(to);
	mutex_lock(&g_dcache.lock);
	from_parent = from->parent;
	to_parent = to->parent;
	len = from->name_len;
	memcpy(name, from->name, len);
	from_hash = from->hash;
	rehash(from, false);
	if (exchange)
		rehash(to, false);
	set_parent(from, to_parent);
	set_name(from, to->name, to->name_len, &n->spare[0], &n->size[0]);
	from->hash = to->hash;
	if (exchange) {
		set_parent(to, from_parent);
		set_name(to, name, len, &n->spare[1], &n->size[1]);
		to->hash = from_hash;
		rehash(to, true);
	}
	rehash(from, true);
	mutex_unlock(&g_dcache.lock);
	dentry_put(from_parent);
	if (exchange)
		dentry_put(to_parent);
	dentry_move_abort(n);
}

/* --- end of a super block ----------------------------------------------------------------------
 */

/* The cache's, and a pin's, reference on a leaf. */
static void destroy_leaf(struct dentry *d)
{
	bool pinned = d->pinned;

	dentry_get(d);
	dentry_drop(d);
	if (pinned)
		dentry_unpin(d);
	if (ref_read(&d->ref) != 1)
		BUG("dentry %s still in use at the end of its file system", d->name);
	dentry_put(d);
}

/* The caller's reference on @d is given back; where to go on: @d, or what is above if it was the
 * last (a removed directory that only names in it held). Borrowed: something else holds it. */
static struct dentry *put_upwards(struct dentry *d)
{
	struct dentry *up;

	while (ref_read(&d->ref) == 1) {
		up = dentry_get(d->parent);
		dentry_put(d);
		d = up;
	}
	dentry_put(d);
	return d;
}

void dentry_destroy_tree(struct super_block *sb)
{
	struct dentry *d = sb->root, *up;

	while (d) {
		while (!list_empty(&d->children))
			d = list_first(&d->children, struct dentry, child);
		if (d == sb->root)
			break;
		up = dentry_get(d->parent);
		destroy_leaf(d);
		d = put_upwards(up);
	}
	if (!sb->root)
		return;
	dentry_put(sb->root);
	sb->root = NULL;
}
