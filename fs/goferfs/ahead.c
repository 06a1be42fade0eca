/* SPDX-License-Identifier: Apache-2.0 */
/* ahead.c - opens the files of a directory before they are asked for
 *
 * Theory of operation: who reads a tree (grep -r, tar, cp -r) opens the files of each directory one
 * after the other, in the order of the listing or by inode number. A message of the gofer costs
 * several times what opening costs, so one message opens the file that is wanted and those that
 * come next; their descriptors wait in the records of the directory's listing until the file is
 * opened.
 *
 * How many: 8 when the first of them all is opened, twice as many each time what was expected is
 * what is opened next (up to 16), one otherwise. Only files that are known from the listing alone
 * and have one name are opened ahead: for all others their inode knows better.
 *
 * A descriptor is believed when it leads to the inode that the listing tells of; a name that goes
 * takes its descriptor with it (listing_removed). Exclusive trees only. There are at most
 * AHEAD_MAX (ahead_limit); then the listing that has waited longest loses its own. They are host
 * resources: after a restore they are -1.
 */
#include <dirent.h>

#include "fs/goferfs/listing.h"
#include "platform/host/host.h"

#define AHEAD_MAX   512
#define WINDOW	    8
#define NUMBERS_MAX 16384 /* records of a listing that is searched for inode numbers */

static struct mutex g_lock = MUTEX_INIT(LR_FSPRIV); /* guards all below, and as listing.h says */
static struct list g_lru = LIST_INIT(g_lru);	    /* listings with descriptors, oldest first */
static u32 g_count;
static u32 g_max = AHEAD_MAX;

void ahead_limit(u32 max)
{
	g_max = min(max, (u32)AHEAD_MAX);
}

static struct gofer_attr attr_of(const struct record *r)
{
	struct gofer_attr a;

	memcpy(&a, r + 1, sizeof(a));
	return a;
}

/* May the file of @r be opened ahead? */
static bool eligible(const struct record *r)
{
	return r->type == DT_REG && r->attr_size && !(r->flags & REC_REMOVED) &&
	       atomic_load_explicit(&r->fd, memory_order_relaxed) < 0 && attr_of(r).nlink == 1;
}

void ahead_loaded(struct listing *l)
{
	l->first_place = NO_RECORD;
	l->last_place = NO_RECORD;
	l->least_ino = UINT64_MAX;
	for (u32 at = 0; at < l->used; at += record_size(record_at(l, at))) {
		const struct record *r = record_at(l, at);

		if (!eligible(r))
			continue;
		if (l->first_place == NO_RECORD)
			l->first_place = at;
		l->least_ino = min(l->least_ino, r->ino);
	}
}

/* --- descriptors in records ----------------------------------------------------------------------
 */

/* One descriptor less in @l. */
static void count_down(struct listing *l)
{
	mutex_lock(&g_lock);
	g_count--;
	if (--l->ahead_count == 0)
		list_del(&l->ahead_lru);
	mutex_unlock(&g_lock);
}

/* Takes the descriptor out of @r: the caller's, or -1. */
static int take(struct listing *l, struct record *r)
{
	int fd = -1;

	if (atomic_load_explicit(&r->fd, memory_order_relaxed) >= 0)
		fd = atomic_exchange(&r->fd, -1);
	if (fd >= 0)
		count_down(l);
	return fd;
}

void ahead_drop(struct listing *l, struct record *r)
{
	int fd = take(l, r);

	if (fd >= 0)
		host_close(fd);
}

void ahead_drop_all(struct listing *l)
{
	for (u32 at = 0; at < l->used && l->ahead_count; at += record_size(record_at(l, at)))
		ahead_drop(l, record_at(l, at));
}

/* Keeps @fd in @r; closes it when the name went meanwhile or somebody was faster. */
static void keep(struct listing *l, struct record *r, int fd)
{
	s32 none = -1;

	mutex_lock(&g_lock);
	g_count++;
	if (l->ahead_count++)
		list_del(&l->ahead_lru);
	list_append(&g_lru, &l->ahead_lru);
	mutex_unlock(&g_lock);
	if (!atomic_compare_exchange_strong(&r->fd, &none, fd)) {
		count_down(l);
		host_close(fd);
	} else if (r->flags & REC_REMOVED) {
		ahead_drop(l, r);
	}
}

/* Too many wait: the oldest listing's go. */
static void make_room(void)
{
	struct listing *l = NULL;

	mutex_lock(&g_lock);
	if (g_count && g_count + GOFER_FDS_MAX > g_max) {
		l = list_first(&g_lru, struct listing, ahead_lru);
		if (!ref_get_unless_zero(&l->ref))
			l = NULL; /* about to drop them itself */
	}
	mutex_unlock(&g_lock);
	if (!l)
		return;
	ahead_drop_all(l);
	listing_put(l);
}

/* --- what comes next -----------------------------------------------------------------------------
 */

/* The first eligible record after @place, or NULL. */
static struct record *next_by_place(const struct listing *l, u32 place)
{
	for (u32 at = place + record_size(record_at(l, place)); at < l->used;
	     at += record_size(record_at(l, at)))
		if (eligible(record_at(l, at)))
			return record_at(l, at);
	return NULL;
}

/* The eligible record with the least inode number above @ino, or NULL. */
static struct record *next_by_number(const struct listing *l, u64 ino)
{
	struct record *best = NULL;

	if (l->count > NUMBERS_MAX)
		return NULL;
	for (u32 at = 0; at < l->used; at += record_size(record_at(l, at))) {
		struct record *r = record_at(l, at);

		if (r->ino > ino && (!best || r->ino < best->ino) && eligible(r))
			best = r;
	}
	return best;
}

static struct record *next_of(const struct listing *l, const struct record *r, bool by_number)
{
	return by_number ? next_by_number(l, r->ino) : next_by_place(l, r->self);
}

/* How many names the message that opens @r shall have; *out_by_number: which follow. g_lock held.
 */
static u32 window_locked(struct listing *l, const struct record *r, bool *out_by_number)
{
	const struct record *last = l->last_place == NO_RECORD ? NULL : record_at(l, l->last_place);
	u32 window = 1;

	*out_by_number = l->by_number;
	if (last && next_of(l, last, l->by_number) == r) {
		window = min(l->window * 2, (u32)GOFER_FDS_MAX);
	} else if (r->self == l->first_place) {
		window = WINDOW;
		*out_by_number = false;
	} else if (r->ino == l->least_ino) {
		window = WINDOW;
		*out_by_number = true;
	} else if (last && next_of(l, last, !l->by_number) == r) {
		window = 2;
		*out_by_number = !l->by_number;
	}
	l->window = window;
	return window;
}

/* Chooses what is opened along with @r, which comes first. Returns how many. */
static u32 choose(struct listing *l, struct record *r, struct record *out[GOFER_FDS_MAX])
{
	u32 count = 0, window;
	bool by_number;

	mutex_lock(&g_lock);
	window = window_locked(l, r, &by_number);
	for (; r && count < window; r = next_of(l, r, by_number))
		out[count++] = r;
	l->by_number = by_number;
	l->last_place = out[count - 1]->self;
	mutex_unlock(&g_lock);
	return count;
}

/* Opens the files of @records, the first of which is wanted: its descriptor, or -1. */
static int open_all(struct gnode *dir, struct listing *l, struct record *records[], u32 count)
{
	struct gofer_name names[GOFER_FDS_MAX];
	struct gofer_opened opened[GOFER_FDS_MAX];
	int fds[GOFER_FDS_MAX], fd = -1;
	gofer_id id = atomic_load(&dir->id);

	for (u32 i = 0; i < count; i++)
		names[i] = (struct gofer_name){.s = record_name(records[i]),
					       .size = records[i]->name_size};
	if (!id || gofer_open_names(gclient(dir->gs), id, names, count, opened, fds) < 0)
		return -1;
	for (u32 i = 0; i < count; i++) {
		struct gofer_attr a = attr_of(records[i]);

		if (fds[i] < 0)
			continue;
		if (opened[i].ino != a.ino || opened[i].dev != a.dev)
			host_close(fds[i]);
		else if (i == 0)
			fd = fds[i];
		else
			keep(l, records[i], fds[i]);
	}
	return fd;
}

int ahead_open(struct gnode *g)
{
	struct record *r, *records[GOFER_FDS_MAX];
	struct listing *l;
	int fd = -1;

	if (g->gs->shared || !g->parent || g->id || g->gone)
		return -1;
	l = listing_get(gnode_of(g->parent));
	r = l ? listing_find(l, g->name, g->name_size) : NULL;
	if (r && r->attr_size && attr_of(r).ino == g->host_ino && attr_of(r).dev == g->host_dev) {
		fd = take(l, r);
		if (fd < 0 && eligible(r)) {
			make_room();
			fd = open_all(gnode_of(g->parent), l, records, choose(l, r, records));
		}
	}
	listing_put(l);
	return fd;
}
