/* SPDX-License-Identifier: Apache-2.0 */
/* lockrank.c - debug builds: which locks does this thread hold, and may it take another?
 *
 * Threads are told apart by their thread pointer, which costs no host call. Each that ever took a
 * lock has a row of a fixed table; a later thread at the same address inherits the row, which is
 * empty by then. A row is touched by its own thread only.
 */
#include "sentry/base/lockrank.h"

#ifdef DEBUG
#include "sentry/base/bug.h"

#define THREADS	 1024
#define HELD_MAX 16

struct row {
	_Atomic uintptr_t thread; /* 0: unused */
	u32 count;
	struct {
		enum lockrank rank;
		const void *lock;
	} held[HELD_MAX];
};

static struct row g_rows[THREADS];

static struct row *my_row(void)
{
	uintptr_t me = (uintptr_t)__builtin_thread_pointer();
	size_t start = (me >> 6) * 0x9e3779b97f4a7c15ull >> 32;

	for (size_t i = 0; i < THREADS; i++) {
		struct row *row = &g_rows[(start + i) % THREADS];
		uintptr_t owner = atomic_load_explicit(&row->thread, memory_order_relaxed);

		if (owner == me)
			return row;
		if (owner == 0 && atomic_compare_exchange_strong(&row->thread, &owner, me))
			return row;
	}
	BUG("more than %d threads", THREADS);
}

u32 lockrank_thread(void)
{
	return (u32)(my_row() - g_rows) + 1;
}

static void push(struct row *row, enum lockrank rank, const void *lock)
{
	BUG_ON(row->count == HELD_MAX);
	row->held[row->count].rank = rank;
	row->held[row->count++].lock = lock;
}

void lockrank_acquire(enum lockrank rank, const void *lock, bool nested)
{
	struct row *row = my_row();

	if (rank == LR_NONE)
		BUG("lock %p was never initialised", lock);
	for (u32 i = 0; i < row->count; i++) {
		if (row->held[i].lock == lock)
			BUG("lock %p (rank %d) taken twice", lock, rank);
		if (row->held[i].rank > rank || (row->held[i].rank == rank && !nested))
			BUG("lock of rank %d wanted while one of rank %d is held", rank,
			    row->held[i].rank);
	}
	push(row, rank, lock);
}

void lockrank_acquired_try(enum lockrank rank, const void *lock)
{
	push(my_row(), rank, lock);
}

void lockrank_release(enum lockrank rank, const void *lock)
{
	struct row *row = my_row();

	for (u32 i = row->count; i-- > 0;) {
		if (row->held[i].lock != lock)
			continue;
		row->held[i] = row->held[--row->count];
		return;
	}
	BUG("lock %p (rank %d) released, but not held by this thread", lock, rank);
}

void lockrank_assert_none(void)
{
	struct row *row = my_row();

	if (row->count != 0)
		BUG("lock of rank %d is still held", row->held[0].rank);
}
#endif
