/* SPDX-License-Identifier: Apache-2.0 */
/* arena_internal.h - between the page allocator and the slab caches */
#ifndef SENTRY_ARENA_ARENA_INTERNAL_H
#define SENTRY_ARENA_ARENA_INTERNAL_H

#include "sentry/arena/arena.h"

/* page_alloc for a caller that holds the lock of a cache (same rank, always in this order). */
void *page_alloc_nested(unsigned order);

#endif
