/* SPDX-License-Identifier: Apache-2.0 */
/* ref.h - reference counts */
#ifndef SENTRY_BASE_REF_H
#define SENTRY_BASE_REF_H

#include "sentry/base/bug.h"

struct ref {
	_Atomic u32 count;
};

static inline void ref_init(struct ref *r)
{
	atomic_store_explicit(&r->count, 1, memory_order_relaxed);
}
static inline void ref_get(struct ref *r)
{
	u32 old = atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
	BUG_ON(old == 0 || old > UINT32_MAX / 2);
}
/* Takes a reference unless the count has reached 0 (lookup in a table without the owner's lock). */
static inline bool ref_get_unless_zero(struct ref *r)
{
	u32 old = atomic_load_explicit(&r->count, memory_order_relaxed);

	while (old != 0)
		if (atomic_compare_exchange_weak(&r->count, &old, old + 1))
			return true;
	return false;
}
/* Gives a reference up; true when it was the last: the caller destroys. */
static inline bool ref_put(struct ref *r)
{
	u32 old = atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel);
	BUG_ON(old == 0);
	return old == 1;
}
static inline u32 ref_read(const struct ref *r)
{
	return atomic_load_explicit(&((struct ref *)(uintptr_t)r)->count, memory_order_relaxed);
}

#endif
