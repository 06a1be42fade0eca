/* SPDX-License-Identifier: Apache-2.0 */
/* slab.c - typed caches, and general ones for buffers of any size
 *
 * Theory of operation: a slab is a block of pages (so aligned to its size: an object finds its slab
 * by its address) that begins with struct slab and holds objects of one cache. Which of them are
 * free is a bitmap in the slab: freeing touches no byte of the object, so that whoever looks at a
 * freed object without the owner's lock (ref_get_unless_zero) sees what its owner left there, and
 * freeing twice is caught. Slabs with a free object are on the cache's partial list, others on its
 * full list, and none is ever given back: memory is type-stable.
 */
#include "sentry/arena/arena_internal.h"
#include "sentry/base/bug.h"

#define BITMAP_WORDS   4
#define OBJECTS_MAX    (BITMAP_WORDS * 64)
#define SLAB_ORDER_MAX 3

struct slab {
	struct list node; /* in partial or full */
	struct slab_cache *cache;
	u32 capacity, used;
	u64 free[BITMAP_WORDS]; /* 1: free */
};

/* caches that were ever used, for the census; before any cache's lock is known to nest, its own
 * rank position: taken under a cache's lock only by slab_register */
static struct mutex g_registry_lock = MUTEX_INIT(LR_SLAB);
static struct list g_registry = LIST_INIT(g_registry);

static u32 slab_capacity(const struct slab_cache *c)
{
	u32 n = (u32)((PAGE_SIZE << c->order) - c->first) / c->stride;

	return min(n, (u32)OBJECTS_MAX);
}

/* Chooses the smallest slab that wastes at most an eighth or holds enough objects anyway. */
static void slab_layout(struct slab_cache *c)
{
	c->first = align_up((u32)sizeof(struct slab), max(c->align, 8u));
	c->stride = align_up(max(c->size, 8u), max(c->align, 8u));
	for (c->order = 0; c->order < SLAB_ORDER_MAX; c->order++)
		if (slab_capacity(c) >= 8 ||
		    slab_capacity(c) * c->stride >= (PAGE_SIZE << c->order) / 8 * 7)
			break;
	BUG_ON(slab_capacity(c) == 0);
}

static void slab_register(struct slab_cache *c)
{
	list_init(&c->partial);
	list_init(&c->full);
	slab_layout(c);
	mutex_lock_nested(&g_registry_lock);
	list_append(&g_registry, &c->registry);
	mutex_unlock(&g_registry_lock);
	c->registered = true;
}

static struct slab *slab_create(struct slab_cache *c)
{
	struct slab *s = page_alloc_nested(c->order);

	if (!s)
		return NULL;
	s->cache = c;
	s->capacity = slab_capacity(c);
	for (u32 i = 0; i < s->capacity; i++)
		s->free[i / 64] |= 1ull << i % 64;
	list_push(&c->partial, &s->node);
	return s;
}

/* Takes a free object's index out of @s. */
static u32 slab_take(struct slab *s)
{
	u32 word = 0;
	u32 bit;

	while (s->free[word] == 0)
		word++;
	bit = (u32)__builtin_ctzll(s->free[word]);
	s->free[word] &= s->free[word] - 1;
	s->used++;
	return word * 64 + bit;
}

static void *slab_alloc_dirty(struct slab_cache *c)
{
	struct slab *s;
	void *obj;

	mutex_lock(&c->lock);
	if (unlikely(!c->registered))
		slab_register(c);
	if (unlikely(list_empty(&c->partial)) && !slab_create(c)) {
		mutex_unlock(&c->lock);
		return NULL;
	}
	s = list_first(&c->partial, struct slab, node);
	obj = (u8 *)s + c->first + slab_take(s) * c->stride;
	if (s->used == s->capacity) {
		list_del(&s->node);
		list_push(&c->full, &s->node);
	}
	c->in_use++;
	c->total++;
	mutex_unlock(&c->lock);
	return obj;
}

void *slab_alloc(struct slab_cache *c)
{
	void *obj = slab_alloc_dirty(c);

	return obj ? memset(obj, 0, c->size) : NULL;
}

void slab_free(struct slab_cache *c, void *obj)
{
	struct slab *s;
	u32 offset, i;

	if (!obj)
		return;
	BUG_ON(!c->registered);
	s = (struct slab *)align_down((uintptr_t)obj, PAGE_SIZE << c->order);
	offset = (u32)((u8 *)obj - (u8 *)s) - c->first;
	i = offset / c->stride;
	BUG_ON(!arena_contains(obj) || s->cache != c || offset % c->stride || i >= s->capacity);

	mutex_lock(&c->lock);
	if (s->free[i / 64] & 1ull << i % 64)
		BUG("object %p of %s is freed twice", obj, c->name);
	s->free[i / 64] |= 1ull << i % 64;
	if (s->used-- == s->capacity) {
		list_del(&s->node);
		list_push(&c->partial, &s->node);
	}
	c->in_use--;
	mutex_unlock(&c->lock);
}

void slab_census(void (*fn)(const struct slab_cache *c, void *arg), void *arg)
{
	struct slab_cache *c;

	mutex_lock(&g_registry_lock);
	list_for_each_entry (c, &g_registry, registry)
		fn(c, arg);
	mutex_unlock(&g_registry_lock);
}

#define GENERAL(n)                                                                         \
	{                                                                                  \
		.name = "general-" #n, .size = n, .align = 16, .lock = MUTEX_INIT(LR_SLAB) \
	}

static struct slab_cache g_general[] = {
	GENERAL(16),  GENERAL(32),  GENERAL(48),  GENERAL(64),	GENERAL(96),   GENERAL(128),
	GENERAL(192), GENERAL(256), GENERAL(384), GENERAL(512), GENERAL(1024), GENERAL(2048),
};

static struct slab_cache *general_cache(size_t size)
{
	for (size_t i = 0; i < array_size(g_general); i++)
		if (size <= g_general[i].size)
			return &g_general[i];
	return NULL;
}

/* Smallest order that holds @size; beyond the largest block for sizes beyond reason. */
static unsigned order_of(size_t size)
{
	size_t pages = (size >> PAGE_SHIFT) + (page_offset(size) != 0);

	return pages <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(pages - 1);
}

void *kalloc(size_t size)
{
	struct slab_cache *c = general_cache(size);

	return c ? slab_alloc(c) : page_alloc(order_of(size));
}

void *kalloc_dirty(size_t size)
{
	struct slab_cache *c = general_cache(size);

	return c ? slab_alloc_dirty(c) : page_alloc_dirty(order_of(size));
}

void kfree(void *p, size_t size)
{
	struct slab_cache *c = general_cache(size);

	if (c)
		slab_free(c, p);
	else
		page_free(p, order_of(size));
}
