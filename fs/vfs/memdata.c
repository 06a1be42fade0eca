/* SPDX-License-Identifier: Apache-2.0 */
/* memdata.c - the content of a file as extents of the memfile
 *
 * Theory of operation
 * Extents are powers of two of pages, aligned in the file as in the memfile, in a tree by page. A
 * file that is written from front to back gets extents that grow with it, so that a big file is few
 * of them (and few mappings in a guest); elsewhere just what is written is allocated, so that holes
 * are where the program left them.
 *
 * What guests have mapped must not come into other hands: while a file is mapped, holes and
 * truncation only zero memory; when the last mapping goes, what is behind the end of the file is
 * given back.
 */
#include "fs/vfs/memdata.h"

#include <unistd.h>

#include "sentry/arena/arena.h"
#include "sentry/mm/memfile.h"

#define ORDER_MAX 9
#define PUNCH_MIN (16 * PAGE_SIZE) /* below, zeroing by hand is cheaper than a host call */

struct mem_extent {
	struct rb_node node;
	u64 page, offset; /* of the file; in the memfile */
	u32 order;
};

static SLAB_CACHE(g_extent_cache, struct mem_extent);

static struct mem_extent *extent_of(const struct rb_node *n)
{
	return n ? rb_entry(n, struct mem_extent, node) : NULL;
}

static u64 extent_pages(const struct mem_extent *e)
{
	return 1ull << e->order;
}

static u64 extent_end(const struct mem_extent *e)
{
	return e->page + extent_pages(e);
}

static int extent_cmp(const struct rb_node *a, const struct rb_node *b)
{
	u64 x = extent_of(a)->page, y = extent_of(b)->page;

	return x < y ? -1 : x > y;
}

void memdata_init(struct memdata *d, struct mem_quota *quota)
{
	memset(d, 0, sizeof(*d));
	d->quota = quota;
}

/* The extent that holds @page, or the first behind it. */
static struct mem_extent *find(struct memdata *d, u64 page)
{
	struct rb_node *n = d->extents.node;
	struct mem_extent *e = d->last, *best = NULL;

	if (e && page >= e->page && page < extent_end(e))
		return e;
	while (n) {
		e = extent_of(n);
		if (page >= extent_end(e)) {
			n = n->right;
			continue;
		}
		best = e;
		if (page >= e->page)
			break;
		n = n->left;
	}
	if (best)
		d->last = best;
	return best;
}

static bool quota_take(struct mem_quota *q, u64 pages)
{
	u64 max, used;

	if (!q)
		return true;
	used = atomic_fetch_add(&q->used, pages) + pages;
	max = atomic_load(&q->max);
	if (!max || used <= max)
		return true;
	atomic_fetch_sub(&q->used, pages);
	return false;
}

static void quota_give(struct mem_quota *q, u64 pages)
{
	if (q)
		atomic_fetch_sub(&q->used, pages);
}

static struct mem_extent *extent_create(struct memdata *d, u64 page, unsigned order)
{
	struct mem_extent *e;
	s64 offset;

	if (!quota_take(d->quota, 1ull << order))
		return NULL;
	e = slab_alloc(&g_extent_cache);
	offset = e ? memfile_alloc(order) : -ENOMEM;
	if (offset < 0) {
		if (e)
			slab_free(&g_extent_cache, e);
		quota_give(d->quota, 1ull << order);
		return NULL;
	}
	e->page = page;
	e->offset = offset;
	e->order = order;
	rb_insert(&d->extents, &e->node, extent_cmp);
	d->pages += 1ull << order;
	d->last = e;
	return e;
}

static void extent_destroy(struct memdata *d, struct mem_extent *e)
{
	rb_erase(&d->extents, &e->node);
	if (d->last == e)
		d->last = NULL;
	d->pages -= extent_pages(e);
	quota_give(d->quota, extent_pages(e));
	memfile_free(e->offset, e->order);
	slab_free(&g_extent_cache, e);
}

/* Memory for @page, which has none. @next: the first extent behind, or NULL. @want: pages that are
 * asked for. */
static struct mem_extent *extent_alloc(struct memdata *d, u64 page, const struct mem_extent *next,
				       u64 want)
{
	unsigned order = ORDER_MAX;
	struct mem_extent *e;

	while (order && ((1ull << order) > want || page & ((1ull << order) - 1) ||
			 (next && page + (1ull << order) > next->page)))
		order--;
	e = extent_create(d, page, order);
	return e || !order ? e : extent_create(d, page, 0);
}

/* Is @page right behind memory of the file: does it grow at its end? */
static bool appends(struct memdata *d, u64 page, const struct mem_extent *next)
{
	struct rb_node *prev = next ? rb_prev(&next->node) : rb_last(&d->extents);

	return !next && prev && extent_end(extent_of(prev)) == page;
}

/* The extent that holds @page, made when there is none; @bytes more are to come from there on. */
static struct mem_extent *extent_for(struct memdata *d, u64 page, u64 bytes)
{
	struct mem_extent *e = find(d, page);
	u64 want = max(page_up(bytes) >> PAGE_SHIFT, (u64)1);

	if (e && e->page <= page)
		return e;
	if (appends(d, page, e))
		want = max(want, d->pages);
	return extent_alloc(d, page, e, want);
}

static char *extent_ptr(const struct mem_extent *e, u64 pos)
{
	return (char *)memfile_ptr(e->offset) + (pos - (e->page << PAGE_SHIFT));
}

void memdata_fini(struct memdata *d)
{
	while (d->extents.node)
		extent_destroy(d, extent_of(d->extents.node));
}

ssize_t memdata_read(struct memdata *d, u64 size, struct iov_iter *to, u64 pos)
{
	struct mem_extent *e;
	ssize_t done = 0;
	u64 end, n, got;

	if (pos >= size)
		return 0;
	size = min(size, pos + to->left);
	while (pos < size) {
		e = find(d, pos >> PAGE_SHIFT);
		if (e && e->page <= pos >> PAGE_SHIFT) {
			end = min(size, extent_end(e) << PAGE_SHIFT);
			n = end - pos;
			got = copy_to_iter(extent_ptr(e, pos), n, to);
		} else {
			end = e ? min(size, e->page << PAGE_SHIFT) : size;
			n = end - pos;
			got = iter_zero(n, to);
		}
		done += got;
		pos += got;
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

ssize_t memdata_write(struct memdata *d, struct iov_iter *from, u64 pos)
{
	struct mem_extent *e;
	ssize_t done = 0;
	size_t n, got;

	while (from->left) {
		e = extent_for(d, pos >> PAGE_SHIFT, page_offset(pos) + from->left);
		if (!e)
			return done ? done : -ENOSPC;
		n = min((u64)from->left, (extent_end(e) << PAGE_SHIFT) - pos);
		got = copy_from_iter(extent_ptr(e, pos), n, from);
		done += got;
		pos += got;
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

void *memdata_room(struct memdata *d, u64 pos, size_t *out_n)
{
	struct mem_extent *e = extent_for(d, pos >> PAGE_SHIFT, page_offset(pos) + *out_n);

	if (!e)
		return ERR_PTR(-ENOSPC);
	*out_n = min((u64)*out_n, (extent_end(e) << PAGE_SHIFT) - pos);
	return extent_ptr(e, pos);
}

int memdata_allocate(struct memdata *d, u64 off, u64 len)
{
	u64 page = off >> PAGE_SHIFT, end = page_up(off + len) >> PAGE_SHIFT;
	struct mem_extent *e;

	while (page < end) {
		e = find(d, page);
		if (!e || e->page > page)
			e = extent_alloc(d, page, e, end - page);
		if (!e)
			return -ENOSPC;
		page = extent_end(e);
	}
	return 0;
}

/* --- holes -------------------------------------------------------------------------------------
 */

static void zero_range(const struct mem_extent *e, u64 from, u64 to)
{
	u64 first = page_up(from), last = page_down(to);

	if (to - from < PUNCH_MIN ||
	    memfile_punch(e->offset + (first - (e->page << PAGE_SHIFT)), last - first) < 0) {
		memset(extent_ptr(e, from), 0, to - from);
		return;
	}
	memset(extent_ptr(e, from), 0, first - from);
	memset(extent_ptr(e, last), 0, to - last);
}

/* Cuts @e into two halves; the upper one is new. False: no memory. */
static bool extent_split(struct memdata *d, struct mem_extent *e)
{
	struct mem_extent *upper = slab_alloc(&g_extent_cache);

	if (!upper)
		return false;
	e->order--;
	upper->order = e->order;
	upper->page = extent_end(e);
	upper->offset = e->offset + (PAGE_SIZE << e->order);
	rb_insert(&d->extents, &upper->node, extent_cmp);
	return true;
}

/* Gives pages [first, end) back. */
static void free_pages(struct memdata *d, u64 first, u64 end)
{
	struct mem_extent *e;

	while (first < end && (e = find(d, first)) && e->page < end) {
		if (e->page >= first && extent_end(e) <= end) {
			first = extent_end(e);
			extent_destroy(d, e);
		} else if (!extent_split(d, e)) {
			u64 from = max(e->page, first), to = min(extent_end(e), end);

			zero_range(e, from << PAGE_SHIFT, to << PAGE_SHIFT);
			first = to;
		} else if (extent_end(e) <= first) {
			d->last = NULL; /* the half in question is the upper one */
		}
	}
}

/* Zeroes what has memory in [from, to). */
static void zero_bytes(struct memdata *d, u64 from, u64 to)
{
	struct mem_extent *e;

	while (from < to && (e = find(d, from >> PAGE_SHIFT)) && e->page << PAGE_SHIFT < to) {
		u64 start = max(from, e->page << PAGE_SHIFT);
		u64 end = min(to, extent_end(e) << PAGE_SHIFT);

		zero_range(e, start, end);
		from = end;
	}
}

void memdata_punch(struct memdata *d, u64 from, u64 to)
{
	u64 first = page_up(from), last = page_down(to);

	if (d->maps || first >= last) {
		zero_bytes(d, from, to);
		return;
	}
	zero_bytes(d, from, first);
	zero_bytes(d, last, to);
	free_pages(d, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
}

void memdata_truncate(struct memdata *d, u64 size)
{
	memdata_punch(d, size, (u64)INT64_MAX & PAGE_MASK);
}

s64 memdata_seek(struct memdata *d, u64 size, u64 off, int whence)
{
	struct mem_extent *e;
	u64 page;

	if (off >= size)
		return -ENXIO;
	e = find(d, off >> PAGE_SHIFT);
	if (whence == SEEK_DATA) {
		if (e && e->page <= off >> PAGE_SHIFT)
			return off;
		return e && e->page << PAGE_SHIFT < size ? (s64)(e->page << PAGE_SHIFT) : -ENXIO;
	}
	page = off >> PAGE_SHIFT;
	if (!e || e->page > page)
		return off;
	while (e && e->page <= page) {
		page = extent_end(e);
		e = extent_of(rb_next(&e->node));
	}
	return min(page << PAGE_SHIFT, size);
}

u64 memdata_blocks(const struct memdata *d, u64 size)
{
	const struct mem_extent *e = extent_of(rb_last(&d->extents));
	u64 end = page_up(size) >> PAGE_SHIFT, over = 0;

	/* What the last one has beyond the end was only taken in advance. */
	if (e && extent_end(e) > end)
		over = extent_end(e) - max(end, e->page);
	return (d->pages - over) * (PAGE_SIZE / 512);
}

/* --- mappings ----------------------------------------------------------------------------------
 */

int memdata_extent(struct memdata *d, u64 size, u64 off, u64 len, struct map_extent *out)
{
	u64 end = page_up(size), page = off >> PAGE_SHIFT;
	struct mem_extent *e;

	if (off >= end) {
		*out = (struct map_extent){.fd = memfile_empty_fd(), .size = page_up(len)};
		return 0;
	}
	e = find(d, page);
	if (!e || e->page > page)
		e = extent_alloc(d, page, e, min(end - off, page_up(len)) >> PAGE_SHIFT);
	if (!e)
		return -ENOMEM;
	out->fd = memfile_fd();
	out->offset = e->offset + (off - (e->page << PAGE_SHIFT));
	out->size = min(extent_end(e) << PAGE_SHIFT, end) - off;
	return 0;
}

void memdata_mapped(struct memdata *d)
{
	d->maps++;
}

void memdata_unmapped(struct memdata *d, u64 size)
{
	BUG_ON(d->maps == 0);
	if (--d->maps == 0)
		free_pages(d, page_up(size) >> PAGE_SHIFT, INT64_MAX >> PAGE_SHIFT);
}
