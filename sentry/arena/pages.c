/* SPDX-License-Identifier: Apache-2.0 */
/* pages.c - the arena's range and its pages (buddy system)
 *
 * Theory of operation: the range is reserved once and never moves; the host gives memory on first
 * touch. It begins with the table of struct page, one per page of the range, of which only as much
 * is ever touched as pages are in use. Free blocks are linked through that table, never through the
 * pages themselves, so a free page costs nothing and a page that was never used stays untouched.
 *
 * Blocks are 2^order pages, aligned to their size (counted from the base, which is aligned to the
 * largest one). Fresh pages are cut off the untouched end in chunks; freed blocks merge with their
 * buddies. A block knows whether it is all zeros; freed blocks of RETURN_ORDER and more are given
 * back to the host, which makes them so.
 *
 * Page 0 belongs to the table, so index 0 means "none" in links.
 */
#include <sys/mman.h>

#include "sentry/arena/arena_internal.h"
#include "sentry/base/bug.h"
#include "sentry/base/rawcall.h"

#define ORDERS	     19 /* largest block: 1 GiB */
#define CHUNK_ORDER  9	/* fresh pages come in 2 MiB */
#define RETURN_ORDER 5	/* freed 128 KiB and more go back to the host */

enum page_state {
	PAGE_INSIDE,
	PAGE_FREE,
	PAGE_USED
}; /* of the first page of a block; others: INSIDE */

struct page {
	u32 next, prev; /* FREE: in the list of its order */
	u8 order;	/* FREE, USED */
	u8 state;	/* enum page_state */
	bool zero;	/* FREE: all bytes are 0 */
	u8 unused;
};
static_assert(sizeof(struct page) == 12, "one per page of the arena");

static struct {
	/* const after arena_init */
	u8 *base;
	struct page *table; /* = base */
	u64 pages;	    /* of the range */

	struct mutex lock; /* guards all below, and the table */
	u64 fresh;	   /* first page never handed out */
	u64 in_use;
	u32 free[ORDERS]; /* heads of the lists */
} g_arena = {.lock = MUTEX_INIT(LR_SLAB)};

/* Where the range may be: far from the program, its libraries and its stack, and where the
 * sanitizers allow memory. */
#ifdef BUILT_WITH_TSAN
#define RESERVE_FROM 0x551000000000ul
#define RESERVE_SPAN (1ul << 40)
#else
#define RESERVE_FROM 0x200000000000ul
#define RESERVE_SPAN 0x300000000000ul
#endif

static void *reserve(u64 size)
{
	u64 align = PAGE_SIZE << (ORDERS - 1);

	for (int tries = 0; tries < 64; tries++) {
		u64 at;
		void *p;

		if (raw_getrandom(&at, sizeof(at)) != 0)
			return ERR_PTR(-EIO);
		at = RESERVE_FROM + align_down(at % RESERVE_SPAN, align);
		p = raw_mmap((void *)at, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE);
		if (!IS_ERR(p) || PTR_ERR(p) != -EEXIST)
			return p;
	}
	return ERR_PTR(-ENOMEM);
}

int arena_init(u64 size)
{
	u64 table;
	void *p;

	BUG_ON(g_arena.base);
	size = page_up(size);
	if (size >> PAGE_SHIFT > UINT32_MAX || size < PAGE_SIZE << CHUNK_ORDER)
		return -EINVAL;
	p = reserve(size);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	raw_madvise(p, size, MADV_NOHUGEPAGE); /* a hint: an idle sandbox must be small */
	raw_madvise(p, size, MADV_DONTDUMP);
	g_arena.base = p;
	g_arena.table = p;
	g_arena.pages = size >> PAGE_SHIFT;
	table = page_up(g_arena.pages * sizeof(struct page)) >> PAGE_SHIFT;
	g_arena.fresh = align_up(table, 1ull << CHUNK_ORDER);
	return g_arena.fresh < g_arena.pages ? 0 : -EINVAL;
}

bool arena_contains(const void *p)
{
	return (uintptr_t)p - (uintptr_t)g_arena.base < g_arena.pages << PAGE_SHIFT;
}

void arena_extent(void **out_base, u64 *out_size)
{
	mutex_lock(&g_arena.lock);
	*out_base = g_arena.base;
	*out_size = g_arena.fresh << PAGE_SHIFT;
	mutex_unlock(&g_arena.lock);
}

u64 arena_pages_in_use(void)
{
	u64 n;

	mutex_lock(&g_arena.lock);
	n = g_arena.in_use;
	mutex_unlock(&g_arena.lock);
	return n;
}

static void list_put(u32 i, unsigned order, bool zero)
{
	struct page *page = &g_arena.table[i];
	u32 head = g_arena.free[order];

	*page = (struct page){.next = head, .order = (u8)order, .state = PAGE_FREE, .zero = zero};
	if (head)
		g_arena.table[head].prev = i;
	g_arena.free[order] = i;
}

static void list_take(u32 i)
{
	struct page *page = &g_arena.table[i];

	if (page->prev)
		g_arena.table[page->prev].next = page->next;
	else
		g_arena.free[page->order] = page->next;
	if (page->next)
		g_arena.table[page->next].prev = page->prev;
	page->state = PAGE_INSIDE;
}

/* Cuts a chunk of at least @order off the fresh end. False when the range is used up. */
static bool add_fresh(unsigned order)
{
	unsigned chunk = max(order, (unsigned)CHUNK_ORDER);
	u64 start = align_up(g_arena.fresh, 1ull << chunk);

	if (start + (1ull << chunk) > g_arena.pages)
		return false;
	/* the gap before an aligned big block is not lost */
	for (; g_arena.fresh < start; g_arena.fresh += 1ull << CHUNK_ORDER)
		list_put((u32)g_arena.fresh, CHUNK_ORDER, true);
	list_put((u32)start, chunk, true);
	g_arena.fresh = start + (1ull << chunk);
	return true;
}

static void *alloc_locked(unsigned order, bool *out_zero)
{
	unsigned o;
	u32 i;

	if (order >= ORDERS)
		return NULL;
	do {
		for (o = order; o < ORDERS && !g_arena.free[o]; o++)
			;
	} while (o == ORDERS && add_fresh(order));
	if (o == ORDERS)
		return NULL;
	i = g_arena.free[o];
	*out_zero = g_arena.table[i].zero;
	list_take(i);
	while (o > order) {
		o--;
		list_put(i + (1u << o), o, *out_zero);
	}
	g_arena.table[i].state = PAGE_USED;
	g_arena.table[i].order = (u8)order;
	g_arena.in_use += 1ull << order;
	return g_arena.base + ((u64)i << PAGE_SHIFT);
}

void *page_alloc_dirty(unsigned order)
{
	bool zero;
	void *p;

	mutex_lock(&g_arena.lock);
	p = alloc_locked(order, &zero);
	mutex_unlock(&g_arena.lock);
	return p;
}

void *page_alloc(unsigned order)
{
	bool zero;
	void *p;

	mutex_lock(&g_arena.lock);
	p = alloc_locked(order, &zero);
	mutex_unlock(&g_arena.lock);
	if (p && !zero)
		memset(p, 0, PAGE_SIZE << order);
	return p;
}

void *page_alloc_nested(unsigned order)
{
	bool zero;
	void *p;

	mutex_lock_nested(&g_arena.lock);
	p = alloc_locked(order, &zero);
	mutex_unlock(&g_arena.lock);
	if (p && !zero)
		memset(p, 0, PAGE_SIZE << order);
	return p;
}

void page_free(void *p, unsigned order)
{
	u64 offset = (u64)((u8 *)p - g_arena.base);
	u32 i = (u32)(offset >> PAGE_SHIFT);
	struct page *page = &g_arena.table[i];
	bool zero;

	if (!p)
		return;
	BUG_ON(!arena_contains(p) || page_offset(offset) || page->state != PAGE_USED ||
	       page->order != order);
	zero = order >= RETURN_ORDER && raw_madvise(p, PAGE_SIZE << order, MADV_DONTNEED) == 0;

	mutex_lock(&g_arena.lock);
	g_arena.in_use -= 1ull << order;
	page->state = PAGE_INSIDE;
	for (; order < ORDERS - 1; order++) {
		u32 buddy = i ^ (1u << order);
		struct page *b = &g_arena.table[buddy];

		if (buddy + (1ull << order) > g_arena.fresh || b->state != PAGE_FREE ||
		    b->order != order)
			break;
		zero &= b->zero;
		list_take(buddy);
		i = min(i, buddy);
	}
	list_put(i, order, zero);
	mutex_unlock(&g_arena.lock);
}
