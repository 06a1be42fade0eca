/* SPDX-License-Identifier: Apache-2.0 */
/* waitq.c - who wants to hear of a change
 *
 * Theory of operation, chained queues: a wake function that returns true may have its waiter name a
 * chained queue. That queue is pinned and put on the list g_pending while the bucket is still held,
 * so the waiter, and with it the owner of the chained queue, is still there. When the bucket is
 * free the thread takes queues off g_pending, its own or another thread's, and wakes them; what
 * that chains is appended to the same list. The owner removes its waiters first and then waits for
 * the pins to go.
 */
#include "sentry/base/waitq.h"

#include <sys/epoll.h>

#include "sentry/base/bug.h"
#include "sentry/base/lock.h"
#include "sentry/base/rawcall.h"

#define BUCKETS 256

static struct bucket {
	struct mutex lock;
} __attribute__((aligned(64))) g_buckets[BUCKETS] = {
	[0 ... BUCKETS - 1] = {.lock = MUTEX_INIT(LR_WAITQ)},
};

static struct mutex g_pending_lock = MUTEX_INIT(LR_LEAF);
static struct list g_pending = LIST_INIT(g_pending); /* guarded by g_pending_lock */

static struct mutex *bucket_of(const struct waitq *q)
{
	return &g_buckets[((uintptr_t)q >> 4) * 0x9e3779b97f4a7c15ull >> 56].lock;
}

void waitq_init(struct waitq *q)
{
	list_init(&q->waiters);
	q->shared = 0;
}

static void detach(struct waitq *q, struct waiter *w)
{
	list_del(&w->node);
	if (!w->exclusive)
		q->shared--;
}

/* Calls @w's function and pins what it chains. The bucket is held. */
static bool call(struct waiter *w, u32 events)
{
	struct waitq_chain *c = w->chain;

	if (!w->wake(w, events))
		return false;
	if (!c)
		return true;
	mutex_lock(&g_pending_lock);
	if (list_empty(&c->pending)) {
		atomic_fetch_add(&c->pins, 1);
		list_append(&g_pending, &c->pending);
	}
	mutex_unlock(&g_pending_lock);
	return true;
}

/* Wakes @q; true when there may be chained queues to go on with. */
static bool wake_one_queue(struct waitq *q, u32 events)
{
	struct mutex *lock = bucket_of(q);
	struct waiter *w, *next;
	bool chained = false, used = false;
	u32 left;

	mutex_lock(lock);
	left = q->shared;
	list_for_each_entry_safe (w, next, &q->waiters, node) {
		if (!w->exclusive)
			left--;
		else if (used)
			continue;
		if (w->events == 0 || (w->events & events)) {
			chained |= w->chain != NULL;
			if (call(w, events) && w->exclusive)
				used = true;
		}
		if (used && left == 0)
			break;
	}
	mutex_unlock(lock);
	return chained;
}

static void drain_pending(void)
{
	struct waitq_chain *c;

	mutex_lock(&g_pending_lock);
	while (!list_empty(&g_pending)) {
		c = list_first(&g_pending, struct waitq_chain, pending);
		list_del(&c->pending);
		mutex_unlock(&g_pending_lock);
		wake_one_queue(&c->q, EPOLLIN | EPOLLRDNORM);
		if (atomic_fetch_sub(&c->pins, 1) == 1)
			raw_futex_wake(&c->pins, 1);
		mutex_lock(&g_pending_lock);
	}
	mutex_unlock(&g_pending_lock);
}

/* Nobody waits most of the time. Whoever registers does so before it looks at the condition, which
 * the caller has changed: full barriers here and in waitq_add make one of the two see the other. */
static inline void full_barrier(void)
{
#ifdef BUILT_WITH_TSAN
	__asm__ volatile("lock orl $0, (%%rsp)" ::: "memory"); /* it knows no fences */
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

__attribute__((no_sanitize("thread"))) bool waitq_active(const struct waitq *q)
{
	full_barrier();
	return __atomic_load_n(&q->waiters.next, __ATOMIC_RELAXED) != &q->waiters;
}

void waitq_wake(struct waitq *q, u32 events)
{
	if (waitq_active(q) && wake_one_queue(q, events))
		drain_pending();
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	struct mutex *lock = bucket_of(q);

	ASSERT(atomic_load(&w->wq) == NULL);
	mutex_lock(lock);
	list_append(&q->waiters, &w->node);
	if (!w->exclusive)
		q->shared++;
	atomic_store_explicit(&w->wq, q, memory_order_release);
	mutex_unlock(lock);
	full_barrier();
}

void waitq_del(struct waiter *w)
{
	for (;;) {
		struct waitq *q = atomic_load_explicit(&w->wq, memory_order_acquire);
		struct mutex *lock;

		if (!q)
			return;
		lock = bucket_of(q);
		mutex_lock(lock);
		if (atomic_load_explicit(&w->wq, memory_order_relaxed) == q) {
			detach(q, w);
			atomic_store_explicit(&w->wq, NULL, memory_order_release);
			mutex_unlock(lock);
			return;
		}
		mutex_unlock(lock);
	}
}

void waitq_fini(struct waitq *q)
{
	struct mutex *lock = bucket_of(q);
	bool chained = false;

	mutex_lock(lock);
	while (!list_empty(&q->waiters)) {
		struct waiter *w = list_first(&q->waiters, struct waiter, node);

		chained |= w->chain != NULL;
		detach(q, w);
		call(w, EPOLLHUP | POLLFREE);
		/* last: from here on the owner of @w may be gone */
		atomic_store_explicit(&w->wq, NULL, memory_order_release);
	}
	mutex_unlock(lock);
	if (chained)
		drain_pending();
}

void waitq_chain_init(struct waitq_chain *c)
{
	waitq_init(&c->q);
	list_init(&c->pending);
	atomic_store(&c->pins, 0);
}

void waitq_chain_fini(struct waitq_chain *c)
{
	u32 pins;

	drain_pending();
	while ((pins = atomic_load(&c->pins)) != 0)
		raw_futex_wait(&c->pins, pins, -1);
	waitq_fini(&c->q);
}
