/* SPDX-License-Identifier: Apache-2.0 */
/* inflight.c - ranges whose change the host has not yet been seen to carry out
 *
 * Theory of operation: see mm.h. A record is in mm->inflight from the moment the truth has changed
 * until the next event of the context that carries the change out. Who finds a record in its way
 * kicks that context under mm->lock: the context's owner takes the record out under the same lock
 * before it lets the context go, so the context is alive.
 */
#include <sys/epoll.h>

#include "sentry/mm/mm_internal.h"

long inflight_check(struct mm *mm, u64 start, u64 end)
{
	struct mm_inflight *f;
	long busy = 0;

	list_for_each_entry (f, &mm->inflight, node) {
		if (f->start.v >= end || start >= f->end.v)
			continue;
		pctx_kick(f->ctx);
		busy = MM_BUSY;
	}
	return busy;
}

u64 inflight_overlap(struct mm *mm, u64 start, u64 end)
{
	struct mm_inflight *f;
	u64 lowest = 0;

	list_for_each_entry (f, &mm->inflight, node) {
		if (f->start.v >= end || start >= f->end.v)
			continue;
		if (lowest == 0 || f->start.v < lowest)
			lowest = f->start.v;
	}
	return lowest;
}

void inflight_add(struct mm *mm, struct mm_inflight *me, u64 start, u64 end)
{
	ASSERT(me->mm == NULL);
	if (ref_read(&mm->ref) == 1 || !me->ctx)
		return;
	me->mm = mm;
	me->start = GVA(start);
	me->end = GVA(end);
	list_append(&mm->inflight, &me->node);
}

void inflight_settle(struct mm_inflight *me)
{
	struct vma *dead = me->dead;

	if (me->mm || !dead)
		return;
	me->dead = NULL;
	vma_destroy_chain(dead);
}

void mm_landed_slow(struct mm_inflight *me)
{
	struct mm *mm = me->mm;

	mutex_lock(&mm->lock);
	list_del(&me->node);
	me->mm = NULL;
	mutex_unlock(&mm->lock);
	if (waitq_active(&mm->inflight_wait))
		waitq_wake(&mm->inflight_wait, EPOLLIN);
	inflight_settle(me);
}
