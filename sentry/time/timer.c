/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - deadlines of the sentry
 *
 * Theory of operation: one pairing heap for each clock, all under g_lock. Setting is O(1), taking
 * the earliest or cancelling O(log n) amortised, and nothing is allocated. A thread that calls a
 * timer's function keeps a record of it on its stack, linked into g_runs: that is what
 * timer_cancel_sync() looks at, so that the timer itself is not touched after its function began.
 */
#include "sentry/time/timer.h"

#include <limits.h>

#include "sentry/base/bug.h"
#include "sentry/base/list.h"
#include "sentry/base/lock.h"
#include "sentry/base/rawcall.h"

struct run {
	struct list node; /* in g_runs */
	const struct timer *timer;
};

static struct mutex g_lock = MUTEX_INIT(LR_TIMER);
/* guarded by g_lock */
static struct timer *g_heap[TIME_CLOCKS]; /* the earliest of each clock */
static struct list g_runs = LIST_INIT(g_runs);
static u32 g_syncers;		  /* threads that wait for the end of a run */
static s64 g_armed = TIMER_NEVER; /* what the hook was last told, monotonic */
/* atomic: bumped at the end of a run when somebody waits */
static _Atomic u32 g_run_ends;
/* const once threads exist */
static void (*g_rearm)(s64 deadline);

/* Joins two heaps (either may be NULL; neither has siblings): the later root becomes first child.
 */
static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *swap;

	if (!a || !b)
		return a ? a : b;
	if (b->deadline < a->deadline) {
		swap = a;
		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Makes one heap of a list of siblings: pairs from left to right, then all from right to left. */
static struct timer *meld_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *heap = NULL;

	while (first) {
		struct timer *a = first, *b = a->next, *pair;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		pair = meld(a, b);
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs) {
		struct timer *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		heap = meld(heap, pair);
	}
	return heap;
}

static void heap_insert(struct timer *t)
{
	t->child = t->next = t->prev = NULL;
	g_heap[t->clock] = meld(g_heap[t->clock], t);
	t->queued = true;
}

static void heap_remove(struct timer *t)
{
	struct timer *rest = meld_siblings(t->child);

	if (g_heap[t->clock] == t) {
		g_heap[t->clock] = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		g_heap[t->clock] = meld(g_heap[t->clock], rest);
	}
	t->child = t->next = t->prev = NULL;
	t->queued = false;
}

/* @deadline of @clock as the monotonic clock will show it, if nobody sets clocks. */
static s64 to_monotonic(enum time_clock clock, s64 deadline, s64 now)
{
	if (clock == TIME_MONOTONIC || deadline == TIMER_NEVER)
		return deadline;
	return time_add(time_add(deadline, -time_now(clock)), now);
}

static s64 next_deadline(s64 now)
{
	s64 next = TIMER_NEVER;

	for (int i = 0; i < TIME_CLOCKS; i++)
		if (g_heap[i])
			next = min(next, to_monotonic(i, g_heap[i]->deadline, now));
	return next;
}

void timer_init(struct timer *t, void (*fn)(struct timer *t, s64 now), void *arg)
{
	*t = (struct timer){.fn = fn, .arg = arg};
}

bool timer_set(struct timer *t, enum time_clock clock, s64 deadline)
{
	bool was;

	ASSERT(clock < TIME_CLOCKS);
	mutex_lock(&g_lock);
	was = t->queued;
	if (was)
		heap_remove(t);
	t->clock = (u8)clock;
	t->deadline = deadline;
	if (deadline != TIMER_NEVER) {
		heap_insert(t);
		if (g_heap[clock] == t) {
			s64 mono = clock == TIME_MONOTONIC
					   ? deadline
					   : to_monotonic(clock, deadline, time_monotonic());

			if (mono < g_armed) {
				g_armed = mono;
				if (g_rearm)
					g_rearm(max(mono, (s64)1));
			}
		}
	}
	mutex_unlock(&g_lock);
	return was;
}

static bool cancel_locked(struct timer *t)
{
	bool was = t->queued;

	mutex_assert_held(&g_lock);
	if (was)
		heap_remove(t);
	return was;
}

bool timer_cancel(struct timer *t)
{
	bool was;

	mutex_lock(&g_lock);
	was = cancel_locked(t);
	mutex_unlock(&g_lock);
	return was;
}

static bool runs(const struct timer *t)
{
	struct run *r;

	list_for_each_entry (r, &g_runs, node)
		if (r->timer == t)
			return true;
	return false;
}

bool timer_cancel_sync(struct timer *t)
{
	bool was;

	mutex_lock(&g_lock);
	was = cancel_locked(t);
	while (runs(t)) {
		u32 ends = atomic_load(&g_run_ends);

		g_syncers++;
		mutex_unlock(&g_lock);
		raw_futex_wait(&g_run_ends, ends, -1);
		mutex_lock(&g_lock);
		g_syncers--;
		was |= cancel_locked(t);
	}
	mutex_unlock(&g_lock);
	return was;
}

s64 timer_deadline(const struct timer *t, enum time_clock *out_clock)
{
	s64 deadline;

	mutex_lock(&g_lock);
	deadline = t->queued ? t->deadline : TIMER_NEVER;
	if (out_clock)
		*out_clock = t->clock;
	mutex_unlock(&g_lock);
	return deadline;
}

/* Takes @t off, calls it without the lock, and takes the lock again. */
static void fire(struct timer *t, s64 now)
{
	struct run run = {.timer = t};

	heap_remove(t);
	list_append(&g_runs, &run.node);
	mutex_unlock(&g_lock);
	t->fn(t, now);
	mutex_lock(&g_lock);
	list_del(&run.node);
	if (g_syncers != 0) {
		atomic_fetch_add(&g_run_ends, 1);
		raw_futex_wake(&g_run_ends, INT_MAX);
	}
}

/* A timer that sets itself into the past must not keep us here: a round is bounded, and the hook
 * asks for the next one at once. */
s64 timer_run(s64 now)
{
	s64 next;

	mutex_lock(&g_lock);
	for (int i = 0; i < TIME_CLOCKS; i++) {
		s64 at = i == TIME_MONOTONIC ? now : g_heap[i] ? time_now(i) : 0;

		for (u32 n = 0; n < 4096 && g_heap[i] && g_heap[i]->deadline <= at; n++)
			fire(g_heap[i], at);
	}
	next = next_deadline(now);
	g_armed = next;
	if (g_rearm && next != TIMER_NEVER)
		g_rearm(max(next, (s64)1));
	mutex_unlock(&g_lock);
	return next;
}

void timer_set_rearm(void (*hook)(s64 deadline))
{
	g_rearm = hook;
}
