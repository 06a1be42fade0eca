/* SPDX-License-Identifier: Apache-2.0 */
/* memfile.c - one host memory file that holds the content of all files of the sentry's own
 *
 * Theory of operation
 * -------------------
 * The file is sparse and has its final size from the start, so that neither side ever sees SIGBUS
 *from it.
 *
 *	[0, MEMFILE_WINDOWED)	extents of up to 2 MiB, which the sentry sees through windows of 64
 *MiB that are mapped when first needed, at fixed places of one reserved range [RUN_BASE, RUN_END)
 *runs of any size, which only guests look at
 *
 * Extents: the file is cut into chunks of 2 MiB, each a buddy system of its own with one bit per
 *free block (bit i of the heap-ordered tree: the block i of 2^(9 - level) pages is free). A chunk
 *stands in the list of each order of which it has a free block. Whole free chunks stay known.
 *
 * Content of free blocks is zero: freeing punches the block out of the file, or, for single pages
 *as long as there are few of them, clears it and keeps the page for the next.
 *
 * Runs: offsets cost nothing in a sparse file, so run sizes are rounded up to powers of two, and
 *each class has a list of free ones. What a class has once taken it keeps.
 */
#include "sentry/mm/memfile.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>

#include "platform/host/host.h"
#include "sentry/arena/arena.h"
#include "sentry/base/bug.h"

#define ORDERS		 10
#define CHUNK_SIZE	 (PAGE_SIZE << (ORDERS - 1))
#define WINDOW_SIZE	 (64ul << 20)
#define MEMFILE_WINDOWED (256ul << 30)
#define CHUNKS		 (MEMFILE_WINDOWED / CHUNK_SIZE)
#define WINDOWS		 (MEMFILE_WINDOWED / WINDOW_SIZE)
#define RUN_BASE	 (1ul << 40)
#define RUN_END		 (1ul << 62)
#define RUN_ORDERS	 46 /* up to 2^57 bytes */
#define KEPT_PAGES	 1024

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

struct chunk {
	u64 free[16]; /* 1023 bits: level 0 (whole chunk) is bit 1, level l starts at 1 << l */
	struct list link[ORDERS]; /* in memfile.avail[order] when a block of it is free */
	u16 count[ORDERS];	  /* free blocks of each order */
	u32 index;
};

struct run { /* a free run */
	struct list link;
	u64 offset;
};

static struct {
	int fd, empty_fd;
	char *base;	   /* of the reserved range */
	struct mutex lock; /* LR_MEMFILE; guards below */
	struct list avail[ORDERS];
	struct chunk **chunk;	      /* CHUNKS entries, by index */
	u32 chunks;		      /* in use so far */
	u64 window[WINDOWS / 64];     /* mapped ones */
	u32 kept;		      /* free single pages that still have memory, about */
	u64 in_use, most;	      /* most: 0, no limit */
	struct list runs[RUN_ORDERS]; /* free ones by order */
	u64 run_next;
} g_memfile = {.fd = -1, .empty_fd = -1, .lock = MUTEX_INIT(LR_MEMFILE)};

static SLAB_CACHE(chunk_cache, struct chunk);
static SLAB_CACHE(run_cache, struct run);

/* Boot only, before the filter. */
static int make_file(const char *name, u64 size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	int err;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	err = host_ftruncate(fd, size);
	if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		err = -errno;
	if (err < 0) {
		host_close(fd);
		return err;
	}
	return fd;
}

int memfile_init(void)
{
	for (unsigned i = 0; i < ORDERS; i++)
		list_init(&g_memfile.avail[i]);
	for (unsigned i = 0; i < RUN_ORDERS; i++)
		list_init(&g_memfile.runs[i]);
	g_memfile.run_next = RUN_BASE;
	g_memfile.fd = make_file("bulkhead", RUN_END);
	if (g_memfile.fd < 0)
		return g_memfile.fd;
	g_memfile.empty_fd = make_file("bulkhead-empty", 0);
	if (g_memfile.empty_fd < 0)
		return g_memfile.empty_fd;
	g_memfile.chunk = kalloc(CHUNKS * sizeof(*g_memfile.chunk));
	if (!g_memfile.chunk)
		return -ENOMEM;
	g_memfile.base = host_mmap(NULL, MEMFILE_WINDOWED, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return IS_ERR(g_memfile.base) ? (int)PTR_ERR(g_memfile.base) : 0;
}

int memfile_fd(void)
{
	return g_memfile.fd;
}

int memfile_empty_fd(void)
{
	return g_memfile.empty_fd;
}

void *memfile_ptr(u64 offset)
{
	ASSERT(offset < MEMFILE_WINDOWED);
	return g_memfile.base + offset;
}

u64 memfile_in_use(void)
{
	u64 n;

	mutex_lock(&g_memfile.lock);
	n = g_memfile.in_use;
	mutex_unlock(&g_memfile.lock);
	return n;
}

int memfile_punch(u64 offset, u64 size)
{
	return host_fallocate(g_memfile.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
			      size);
}

/* --- the buddy system of one chunk ------------------------------------------------------------ */

/* Bit of block @n (counted in blocks of that order) in a chunk's tree. */
static unsigned block_bit(unsigned order, unsigned n)
{
	return (1u << (ORDERS - 1 - order)) + n;
}

static bool block_is_free(const struct chunk *c, unsigned bit)
{
	return c->free[bit / 64] >> (bit % 64) & 1;
}

static void block_set_free(struct chunk *c, unsigned order, unsigned n, bool is_free)
{
	unsigned bit = block_bit(order, n);

	if (is_free) {
		c->free[bit / 64] |= 1ull << (bit % 64);
		if (c->count[order]++ == 0)
			list_push(&g_memfile.avail[order], &c->link[order]);
	} else {
		c->free[bit / 64] &= ~(1ull << (bit % 64));
		if (--c->count[order] == 0)
			list_del(&c->link[order]);
	}
}

/* The first free block of @order; there is one. */
static unsigned block_find(const struct chunk *c, unsigned order)
{
	unsigned first = block_bit(order, 0), blocks = first;

	if (blocks < 64) {
		u64 word = c->free[0] >> first & (~0ull >> (64 - blocks));

		BUG_ON(word == 0);
		return (unsigned)__builtin_ctzll(word);
	}
	for (unsigned w = first / 64; w < 2 * first / 64; w++)
		if (c->free[w])
			return w * 64 + (unsigned)__builtin_ctzll(c->free[w]) - first;
	BUG("no free block");
}

static unsigned chunk_take(struct chunk *c, unsigned have, unsigned want)
{
	unsigned n = block_find(c, have);

	block_set_free(c, have, n, false);
	while (have > want) {
		have--;
		n *= 2;
		block_set_free(c, have, n + 1, true);
	}
	return n;
}

static void chunk_give(struct chunk *c, unsigned order, unsigned n)
{
	while (order < ORDERS - 1 && block_is_free(c, block_bit(order, n ^ 1))) {
		block_set_free(c, order, n ^ 1, false);
		n /= 2;
		order++;
	}
	block_set_free(c, order, n, true);
}

/* --- extents ---------------------------------------------------------------------------------- */

static int map_window(u32 chunk)
{
	u64 w = chunk * CHUNK_SIZE / WINDOW_SIZE;
	void *at = g_memfile.base + w * WINDOW_SIZE, *p;

	if (g_memfile.window[w / 64] >> (w % 64) & 1)
		return 0;
	p = host_mmap(at, WINDOW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, g_memfile.fd,
		      w * WINDOW_SIZE);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	g_memfile.window[w / 64] |= 1ull << (w % 64);
	return 0;
}

static struct chunk *chunk_create_locked(void)
{
	struct chunk *c;

	if (g_memfile.chunks == CHUNKS || map_window(g_memfile.chunks) < 0)
		return NULL;
	c = slab_alloc(&chunk_cache);
	if (!c)
		return NULL;
	for (unsigned i = 0; i < ORDERS; i++)
		list_init(&c->link[i]);
	c->index = g_memfile.chunks++;
	g_memfile.chunk[c->index] = c;
	block_set_free(c, ORDERS - 1, 0, true);
	return c;
}

/* What is left is for the guests' own memory and ours: a quarter, of small limits more. */
void memfile_set_limit(u64 limit)
{
	u64 small = min(limit / 2, 16ull << 20), reserve = max(limit / 4, small);

	mutex_lock(&g_memfile.lock);
	g_memfile.most = limit - reserve;
	mutex_unlock(&g_memfile.lock);
}

s64 memfile_alloc(unsigned order)
{
	struct chunk *c = NULL;
	unsigned have = order;
	s64 offset = -ENOSPC;

	BUG_ON(order >= ORDERS);
	mutex_lock(&g_memfile.lock);
	if (g_memfile.most && g_memfile.in_use + (PAGE_SIZE << order) > g_memfile.most) {
		mutex_unlock(&g_memfile.lock);
		return -ENOSPC;
	}
	while (have < ORDERS && list_empty(&g_memfile.avail[have]))
		have++;
	if (have < ORDERS)
		c = list_entry(g_memfile.avail[have].next, struct chunk, link[have]);
	else
		c = chunk_create_locked();
	if (c) {
		have = min(have, ORDERS - 1u);
		offset = (s64)(c->index * CHUNK_SIZE +
			       ((u64)chunk_take(c, have, order) << order) * PAGE_SIZE);
		g_memfile.in_use += PAGE_SIZE << order;
		if (order == 0 && g_memfile.kept)
			g_memfile.kept--;
	}
	mutex_unlock(&g_memfile.lock);
	return offset;
}

void memfile_free(u64 offset, unsigned order)
{
	u64 size = PAGE_SIZE << order;
	struct chunk *c;
	bool keep;

	BUG_ON(order >= ORDERS || offset % size || offset / CHUNK_SIZE >= g_memfile.chunks);
	mutex_lock(&g_memfile.lock);
	keep = order == 0 && g_memfile.kept < KEPT_PAGES;
	g_memfile.kept += keep;
	mutex_unlock(&g_memfile.lock);
	/* Still ours: cleared without the lock, before somebody else can have it. */
	if (keep || memfile_punch(offset, size) < 0)
		memset(memfile_ptr(offset), 0, size);
	mutex_lock(&g_memfile.lock);
	c = g_memfile.chunk[offset / CHUNK_SIZE];
	chunk_give(c, order, (unsigned)(offset % CHUNK_SIZE / size));
	g_memfile.in_use -= size;
	mutex_unlock(&g_memfile.lock);
}

/* --- runs ------------------------------------------------------------------------------------- */

static unsigned run_order(u64 size)
{
	return size <= PAGE_SIZE ? 0 : 64 - (unsigned)__builtin_clzll(size - 1) - PAGE_SHIFT;
}

s64 memfile_run_alloc(u64 size)
{
	unsigned order = run_order(size);
	struct run *r = NULL;
	s64 offset = -ENOMEM;

	if (order >= RUN_ORDERS)
		return -ENOMEM;
	mutex_lock(&g_memfile.lock);
	if (!list_empty(&g_memfile.runs[order])) {
		r = list_first(&g_memfile.runs[order], struct run, link);
		list_del(&r->link);
		offset = (s64)r->offset;
	} else if (RUN_END - g_memfile.run_next >= PAGE_SIZE << order) {
		offset = (s64)g_memfile.run_next;
		g_memfile.run_next += PAGE_SIZE << order;
	}
	mutex_unlock(&g_memfile.lock);
	if (r)
		slab_free(&run_cache, r);
	return offset;
}

void memfile_run_free(u64 offset, u64 size)
{
	unsigned order = run_order(size);
	struct run *r = slab_alloc(&run_cache);

	/* What cannot be cleared or noted is never handed out again. */
	if (memfile_punch(offset, PAGE_SIZE << order) < 0 || !r) {
		if (r)
			slab_free(&run_cache, r);
		return;
	}
	r->offset = offset;
	mutex_lock(&g_memfile.lock);
	list_push(&g_memfile.runs[order], &r->link);
	mutex_unlock(&g_memfile.lock);
}
