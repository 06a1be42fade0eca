/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - whole directories, as the gofer listed them
 *
 * Theory of operation: a listing is one buffer of records in the host's order, and a hash over the
 * names. An open directory iterates over a listing that it holds by reference, so its places stay
 * right whatever happens to names meanwhile; records of removed names are marked and left out.
 *
 * In exclusive trees the directory keeps its listing, and lookups are answered from it: a name that
 * is not in it does not exist (unless names came since: names_stale), and the attributes that came
 * along make an inode without a message. The attributes of a record are used once: from then on the
 * inode knows better, until it goes and gives them back (listing_give_back): the record is the
 * small form in which a file that nobody uses is remembered. They are not used at all for files
 * whose inode was already there when the listing was made (it may have changed since), or when an
 * inode was evicted while it was made.
 *
 * Listings give way: the least recently used go when all together exceed LISTINGS_BYTES.
 */
#include "fs/goferfs/listing.h"

#define LISTINGS_BYTES (32u << 20)
#define LISTING_MAX    (256u << 20) /* bytes of one; larger directories are -ENOMEM */
#define ATTR_BYTES     (16u << 20)  /* of one: what is behind them comes without attributes */

static SLAB_CACHE(g_listings, struct listing);

static struct mutex g_lock = MUTEX_INIT(LR_FSPRIV); /* guards gnode->listing, list_lru, and below */
static struct list g_lru = LIST_INIT(g_lru);
static u64 g_bytes;

static u64 bytes_of(const struct listing *l)
{
	return (u64)l->size + (sizeof(u32) << l->order);
}

void listing_put(struct listing *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	ahead_drop_all(l);
	if (l->buf)
		kfree(l->buf, l->size);
	if (l->heads)
		kfree(l->heads, sizeof(u32) << l->order);
	slab_free(&g_listings, l);
}

static u32 hash_name(const char *name, u32 size)
{
	u32 h = 2166136261u;

	for (u32 i = 0; i < size; i++)
		h = (h ^ (u8)name[i]) * 16777619u;
	return h;
}

/* --- making one ----------------------------------------------------------------------------------
 */

/* Room for @n more bytes. */
static int reserve(struct listing *l, u32 n)
{
	u32 size = l->size ? l->size : 4096;
	u8 *buf;

	if (l->size - l->used >= n)
		return 0;
	while (size - l->used < n)
		size *= 2;
	if (size > LISTING_MAX)
		return -ENOMEM;
	buf = kalloc(size);
	if (!buf)
		return -ENOMEM;
	if (l->buf) {
		memcpy(buf, l->buf, l->used);
		kfree(l->buf, l->size);
	}
	l->buf = buf;
	l->size = size;
	return 0;
}

/* gofer_entry_fn */
static int add_entry(void *arg, const struct gofer_dirent *ent, const struct gofer_attr *attr,
		     const char *name)
{
	struct listing *l = arg;
	struct record head = {.ino = ent->ino,
			      .self = l->used,
			      .hash = hash_name(name, ent->name_size),
			      .type = ent->type,
			      .name_size = ent->name_size,
			      .attr_size = attr ? sizeof(*attr) : 0,
			      .fd = -1,
			      .flags = attr ? REC_ATTR : 0};
	int err = reserve(l, record_size(&head));
	u8 *p;

	if (err)
		return err;
	p = l->buf + l->used;
	memcpy(p, &head, sizeof(head));
	if (attr)
		memcpy(p + sizeof(head), attr, sizeof(*attr));
	memcpy(p + sizeof(head) + head.attr_size, name, ent->name_size);
	l->used += record_size(&head);
	l->count++;
	return 0;
}

/* Cuts the buffer to what is used, and hashes the names. */
static int finish(struct listing *l)
{
	u8 *buf = l->used ? kalloc(l->used) : NULL;

	if (l->used && !buf)
		return -ENOMEM;
	if (l->buf) {
		if (buf)
			memcpy(buf, l->buf, l->used);
		kfree(l->buf, l->size);
	}
	l->buf = buf;
	l->size = l->used;
	l->order = 3;
	while (1u << l->order < l->count)
		l->order++;
	l->heads = kalloc(sizeof(u32) << l->order);
	if (!l->heads)
		return -ENOMEM;
	memset(l->heads, 0xff, sizeof(u32) << l->order);
	for (u32 at = 0; at < l->used; at += record_size(record_at(l, at))) {
		struct record *r = record_at(l, at);
		u32 *head = &l->heads[r->hash & ((1u << l->order) - 1)];

		r->hash_next = *head;
		*head = at;
	}
	return 0;
}

/* Takes the attributes away from records whose inode we have (all of them with @all). */
static void distrust(struct gsuper *gs, struct listing *l, bool all)
{
	for (u32 at = 0; at < l->used; at += record_size(record_at(l, at))) {
		struct record *r = record_at(l, at);
		struct gofer_attr attr;

		if (!(r->flags & REC_ATTR))
			continue;
		memcpy(&attr, r + 1, sizeof(attr));
		if (all || gnode_exists(gs, &attr))
			r->flags = 0;
	}
}

static u32 readdir_flags(const struct gsuper *gs, const struct listing *l)
{
	return !gs->shared && l->used < ATTR_BYTES ? GOFER_READDIR_ATTR : 0;
}

/* The first message. One that is known from a listing only gets its id along with its names. */
static int fetch_first(struct gnode *dir, struct listing *l, gofer_id *out_id, u64 *cookie,
		       bool *end)
{
	struct gofer_name name = {.s = dir->name, .size = dir->name_size};
	struct gsuper *gs = dir->gs;
	gofer_id parent = dir->parent ? atomic_load(&gnode_of(dir->parent)->id) : 0;
	struct gofer_node node;
	int err;

	if (dir->id || dir->gone || !parent) {
		err = gnode_id(dir, out_id, NULL);
		return err ? err
			   : gofer_readdir(gclient(gs), *out_id, readdir_flags(gs, l), cookie,
					   add_entry, l, end);
	}
	gnode_make_room(gs);
	do
		err = gofer_readdir_name(gclient(gs), parent, &name, readdir_flags(gs, l), &node,
					 cookie, add_entry, l, end);
	while (err == -ENFILE && gnode_freed_ids(gs));
	if (err)
		return err == -ENOENT || err == -ENOTDIR ? -ESTALE : err;
	return gnode_adopt(dir, &node, out_id);
}

/* All names and attributes of @dir; its inode lock is held. */
static int fetch_all(struct gnode *dir, struct listing *l)
{
	struct gsuper *gs = dir->gs;
	u64 cookie = 0;
	bool end = false;
	gofer_id id;
	int err = fetch_first(dir, l, &id, &cookie, &end);

	while (!err && !end)
		err = gofer_readdir(gclient(gs), id, readdir_flags(gs, l), &cookie, add_entry, l,
				    &end);
	return err ? err : finish(l);
}

/* Lists @dir; its inode lock is held. */
static int fetch(struct gnode *dir, struct listing **out)
{
	struct listing *l = slab_alloc(&g_listings);
	struct gsuper *gs = dir->gs;
	u64 evictions = atomic_load(&gs->evictions);
	int err;

	if (!l)
		return -ENOMEM;
	ref_init(&l->ref);
	list_init(&l->ahead_lru);
	err = fetch_all(dir, l);
	if (err) {
		listing_put(l);
		return err;
	}
	ahead_loaded(l);
	if (!gs->shared)
		distrust(gs, l, false);
	if (!gs->shared && atomic_load(&gs->evictions) != evictions)
		distrust(gs, l, true);
	*out = l;
	return 0;
}

/* --- the cache
 * ------------------------------------------------------------------------------------- */

/* Takes the listing out of @g. g_lock held; the caller puts it. */
static struct listing *detach(struct gnode *g)
{
	struct listing *l = g->listing;

	if (!l)
		return NULL;
	g->listing = NULL;
	list_del(&g->list_lru);
	g_bytes -= bytes_of(l);
	return l;
}

/* Gives @l (a reference of it) to @g, and takes others away when there are too many bytes. */
static void publish(struct gnode *g, struct listing *l)
{
	struct listing *old;

	ref_get(&l->ref);
	mutex_lock(&g_lock);
	old = detach(g);
	g->listing = l;
	g_bytes += bytes_of(l);
	list_append(&g_lru, &g->list_lru);
	while (g_bytes > LISTINGS_BYTES && g_lru.next != &g->list_lru) {
		struct listing *victim = detach(list_first(&g_lru, struct gnode, list_lru));

		mutex_unlock(&g_lock);
		listing_put(victim);
		mutex_lock(&g_lock);
	}
	mutex_unlock(&g_lock);
	listing_put(old);
}

struct listing *listing_get(struct gnode *g)
{
	struct listing *l;

	if (!g->listing)
		return NULL;
	mutex_lock(&g_lock);
	l = g->listing;
	if (l) {
		ref_get(&l->ref);
		list_del(&g->list_lru);
		list_append(&g_lru, &g->list_lru);
	}
	mutex_unlock(&g_lock);
	return l;
}

void listing_forget(struct gnode *g)
{
	struct listing *l;

	mutex_lock(&g_lock);
	l = detach(g);
	mutex_unlock(&g_lock);
	listing_put(l);
}

int listing_load(struct inode *dir, struct listing **out)
{
	struct gnode *g = gnode_of(dir);
	struct listing *l;
	int err = 0;

	mutex_lock(&dir->lock);
	l = g->gs->shared ? NULL : listing_get(g);
	if (l && l->names_stale) {
		listing_put(l);
		l = NULL;
	}
	if (!l) {
		err = fetch(g, &l);
		if (!err && !g->gs->shared)
			publish(g, l);
	}
	mutex_unlock(&dir->lock);
	if (!err)
		*out = l;
	return err;
}

/* --- questions ---------------------------------------------------------------------------------
 */

struct record *listing_find(const struct listing *l, const char *name, u32 size)
{
	u32 hash = hash_name(name, size), at = l->heads[hash & ((1u << l->order) - 1)];

	while (at != NO_RECORD) {
		struct record *r = record_at(l, at);

		if (r->hash == hash && r->name_size == size &&
		    memcmp(record_name(r), name, size) == 0)
			return r;
		at = r->hash_next;
	}
	return NULL;
}

/* Does a whole record begin at @place? */
static bool is_record(const struct listing *l, u32 place)
{
	return place % 8 == 0 && l->used - place >= sizeof(struct record) &&
	       record_at(l, place)->self == place &&
	       l->used - place >= record_size(record_at(l, place));
}

bool listing_next(const struct listing *l, u32 place, struct listing_entry *out)
{
	const struct record *r;
	u32 at;

	if (place >= l->used)
		return false;
	if (!is_record(l, place)) { /* a place that we did not give out */
		for (at = 0; at < place; at += record_size(record_at(l, at)))
			;
		place = at;
	}
	for (at = place; at < l->used; at += record_size(r)) {
		r = record_at(l, at);
		if (r->flags & REC_REMOVED)
			continue;
		*out = (struct listing_entry){.ino = r->ino,
					      .type = r->type,
					      .name = record_name(r),
					      .name_size = r->name_size,
					      .next = at + record_size(r)};
		return true;
	}
	return false;
}

enum listing_answer listing_ask(struct inode *dir, const char *name, u32 size,
				struct gofer_attr *out_attr)
{
	struct listing *l = listing_get(gnode_of(dir));
	enum listing_answer answer = LISTING_UNKNOWN;
	struct record *r;
	u8 attr = REC_ATTR;

	if (!l)
		return LISTING_UNKNOWN;
	r = listing_find(l, name, size);
	if (r && atomic_load_explicit(&r->flags, memory_order_acquire) == REC_ATTR) {
		memcpy(out_attr, r + 1, sizeof(*out_attr));
		if (atomic_compare_exchange_strong(&r->flags, &attr, 0))
			answer = LISTING_ATTR;
	} else if ((!r || (r->flags & REC_REMOVED)) && !l->names_stale) {
		answer = LISTING_ABSENT;
	}
	listing_put(l);
	return answer;
}

bool listing_knows(struct inode *dir, const char *name, u32 size)
{
	struct listing *l = listing_get(gnode_of(dir));
	bool knows = false;
	struct record *r;

	if (!l)
		return false;
	mutex_lock(&dir->lock);
	r = listing_find(l, name, size);
	knows = r && !(r->flags & REC_REMOVED) ? r->flags == REC_ATTR : !l->names_stale;
	mutex_unlock(&dir->lock);
	listing_put(l);
	return knows;
}

/* The attributes of @i, in the form of the wire; what an inode does not keep stays as @a has it. */
static void attr_of_inode(const struct inode *i, struct gofer_attr *a)
{
	a->mode = i->mode;
	a->nlink = i->nlink;
	a->uid = i->uid;
	a->gid = i->gid;
	a->size = i->size;
	a->blocks = i->blocks;
	a->atime = (struct gofer_time){.sec = i->atime.tv_sec, .nsec = (u32)i->atime.tv_nsec};
	a->mtime = (struct gofer_time){.sec = i->mtime.tv_sec, .nsec = (u32)i->mtime.tv_nsec};
	a->ctime = (struct gofer_time){.sec = i->ctime.tv_sec, .nsec = (u32)i->ctime.tv_nsec};
}

void listing_give_back(struct listing *l, const struct gnode *g)
{
	struct record *r = listing_find(l, g->name, g->name_size);
	u8 none = 0, writing = REC_WRITING;
	struct gofer_attr a;

	if (!r || !r->attr_size || !atomic_compare_exchange_strong(&r->flags, &none, REC_WRITING))
		return;
	memcpy(&a, r + 1, sizeof(a));
	if (a.ino == g->host_ino && a.dev == g->host_dev) {
		attr_of_inode(g->inode, &a);
		memcpy(r + 1, &a, sizeof(a));
		none = REC_ATTR;
	}
	/* a name that went meanwhile stays gone */
	atomic_compare_exchange_strong(&r->flags, &writing, none);
}

void listing_removed(struct inode *dir, const char *name, u32 size)
{
	struct listing *l = listing_get(gnode_of(dir));
	struct record *r = l ? listing_find(l, name, size) : NULL;

	if (r) {
		r->flags = REC_REMOVED;
		ahead_drop(l, r);
	}
	listing_put(l);
}

void listing_added(struct inode *dir)
{
	struct listing *l = listing_get(gnode_of(dir));

	if (l)
		l->names_stale = true;
	listing_put(l);
}
