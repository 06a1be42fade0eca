/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - the one home of all state that a guest can observe
 *
 * Theory of operation: one reserved address range, at an address chosen at random when the sandbox
 * is created and kept for its life and that of its copies. Pages come from a page allocator (powers
 * of two); objects come from typed slab caches. Arena memory may point into itself, and to constant
 * tables of the program only in fields that a cache's type declares (tables). Host resources
 * (descriptors, threads, process ids) are kept outside or as entries of a host table.
 * Everything from here is zeroed when it is handed out. Memory is type-stable: a freed object's
 * slab is re-used for its own type only.
 */
#ifndef SENTRY_ARENA_ARENA_H
#define SENTRY_ARENA_ARENA_H

#include "sentry/base/list.h"
#include "sentry/base/lock.h"

/* Reserves the range (size bytes, grown on demand); called once at boot. 0 or -errno. */
int arena_init(u64 size);
bool arena_contains(const void *p);
/* The part that was ever handed out: what a checkpoint writes, page 0 (the allocator's own state)
 * on. */
void arena_extent(void **out_base, u64 *out_size);
/* Pages handed out now, metadata not counted. */
u64 arena_pages_in_use(void);

/* 2^order pages, zeroed; NULL when the arena is full. */
void *page_alloc(unsigned order);
/* The same with whatever contents: for buffers of which only what was written is ever read. */
void *page_alloc_dirty(unsigned order);
void page_free(void *p, unsigned order);
/* Any size, rounded up to a power of two of pages or to a general cache; for buffers of varying
 * size (names, tables). kfree needs the size that was asked. */
void *kalloc(size_t size);
/* The same with whatever contents: for buffers of which only what was written is ever read. */
void *kalloc_dirty(size_t size);
void kfree(void *p, size_t size);

/* A cache of objects of one type. Define with SLAB_CACHE at file scope. */
struct slab_cache {
	const char *name;
	u32 size; /* of an object */
	u32 align;
	struct mutex lock; /* guards all below */
	struct list partial, full;
	u64 in_use;	      /* objects handed out now */
	u64 total;	      /* objects handed out since boot */
	struct list registry; /* all caches, for the census */
	bool registered;
	u8 order;	   /* of a slab; this and the next two are const once registered */
	u32 first, stride; /* offset of the first object in a slab, of the next from one */
};

#define SLAB_CACHE(var, type)                             \
	struct slab_cache var = {.name = #type,           \
				 .size = sizeof(type),    \
				 .align = _Alignof(type), \
				 .lock = MUTEX_INIT(LR_SLAB)}

/* A zeroed object, or NULL when the arena is full. */
void *slab_alloc(struct slab_cache *c);
void slab_free(struct slab_cache *c, void *obj);

/* Calls @fn for each cache that was ever used: leak counts of the tests, memory figures. */
void slab_census(void (*fn)(const struct slab_cache *c, void *arg), void *arg);

#endif
