/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c - futex mutex and read-write lock
 *
 * Theory of operation, mutex: the word is 0 (free), 1 (held) or 2 (held, and somebody may sleep).
 * Only a locker that has seen the lock held writes 2, and it then owns the lock with 2, so that its
 * unlock wakes the next one: at worst one wake-up too many, never one too few. Critical sections
 * are short, so a locker spins for about as long as a host call takes before it sleeps.
 *
 * Read-write lock: one word holds the count of readers, the count of writers that wait (new readers
 * keep out while there is one), the writer's bit and a bit that says that somebody sleeps. Whoever
 * brings the lock to free and finds that bit takes it away and wakes all: they are few.
 */
#include "sentry/base/lock.h"

#include "sentry/base/bug.h"
#include "sentry/base/rawcall.h"

#include <limits.h>

#define SPINS 100

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

void mutex_init(struct mutex *m, enum lockrank rank)
{
	memset(m, 0, sizeof(*m));
	m->rank = rank;
}

static bool mutex_take(struct mutex *m)
{
	u32 free = 0;

	return atomic_compare_exchange_strong_explicit(&m->word, &free, 1, memory_order_acquire,
						       memory_order_relaxed);
}

static __attribute__((noinline)) void mutex_lock_slow(struct mutex *m)
{
	for (int i = 0; i < SPINS; i++) {
		u32 seen = atomic_load_explicit(&m->word, memory_order_relaxed);

		if (seen == 0 && mutex_take(m))
			return;
		if (seen == 2)
			break;
		cpu_relax();
	}
	while (atomic_exchange_explicit(&m->word, 2, memory_order_acquire) != 0)
		raw_futex_wait(&m->word, 2, -1);
}

static void mutex_lock_any(struct mutex *m, bool nested)
{
	lockrank_acquire(m->rank, m, nested);
	if (unlikely(!mutex_take(m)))
		mutex_lock_slow(m);
#ifdef DEBUG
	m->holder = lockrank_thread();
#endif
}

void mutex_lock(struct mutex *m)
{
	mutex_lock_any(m, false);
}

void mutex_lock_nested(struct mutex *m)
{
	mutex_lock_any(m, true);
}

bool mutex_trylock(struct mutex *m)
{
	if (!mutex_take(m))
		return false;
	lockrank_acquired_try(m->rank, m);
#ifdef DEBUG
	m->holder = lockrank_thread();
#endif
	return true;
}

void mutex_unlock(struct mutex *m)
{
	mutex_assert_held(m);
#ifdef DEBUG
	m->holder = 0;
#endif
	lockrank_release(m->rank, m);
	if (unlikely(atomic_exchange_explicit(&m->word, 0, memory_order_release) == 2))
		raw_futex_wake(&m->word, 1);
}

void mutex_lock_pair(struct mutex *a, struct mutex *b)
{
	mutex_lock(a < b ? a : b);
	if (a != b)
		mutex_lock_nested(a < b ? b : a);
}

void mutex_unlock_pair(struct mutex *a, struct mutex *b)
{
	mutex_unlock(a);
	if (a != b)
		mutex_unlock(b);
}

#ifdef DEBUG
void mutex_assert_held(const struct mutex *m)
{
	BUG_ON(atomic_load(&((struct mutex *)(uintptr_t)m)->holder) != lockrank_thread());
}
#endif

#define RW_WRITER      0x80000000u
#define RW_SLEEPERS    0x40000000u
#define RW_WAITING_ONE 0x00008000u
#define RW_WAITING     0x3fff8000u
#define RW_READERS     0x00007fffu

void rwlock_init(struct rwlock *l, enum lockrank rank)
{
	memset(l, 0, sizeof(*l));
	l->rank = rank;
}

/* Says that somebody sleeps and sleeps, as long as the word is still @seen. */
static void rwlock_sleep(struct rwlock *l, u32 seen)
{
	if ((seen & RW_SLEEPERS) ||
	    atomic_compare_exchange_strong(&l->word, &seen, seen | RW_SLEEPERS))
		raw_futex_wait(&l->word, seen | RW_SLEEPERS, -1);
}

void rwlock_read(struct rwlock *l)
{
	u32 seen;

	lockrank_acquire(l->rank, l, false);
	for (;;) {
		seen = atomic_load_explicit(&l->word, memory_order_relaxed);
		if (unlikely(seen & (RW_WRITER | RW_WAITING)))
			rwlock_sleep(l, seen);
		else if (atomic_compare_exchange_weak_explicit(&l->word, &seen, seen + 1,
							       memory_order_acquire,
							       memory_order_relaxed))
			return;
	}
}

void rwlock_read_unlock(struct rwlock *l)
{
	u32 old;

	lockrank_release(l->rank, l);
	old = atomic_fetch_sub_explicit(&l->word, 1, memory_order_release);
	ASSERT(old & RW_READERS);
	if ((old & RW_READERS) == 1 && (old & RW_SLEEPERS)) {
		atomic_fetch_and(&l->word, ~RW_SLEEPERS);
		raw_futex_wake(&l->word, INT_MAX);
	}
}

void rwlock_write(struct rwlock *l)
{
	u32 seen = 0;

	lockrank_acquire(l->rank, l, false);
	if (likely(atomic_compare_exchange_strong_explicit(
		    &l->word, &seen, RW_WRITER, memory_order_acquire, memory_order_relaxed)))
		return;
	atomic_fetch_add(&l->word, RW_WAITING_ONE);
	for (;;) {
		seen = atomic_load_explicit(&l->word, memory_order_relaxed);
		if (seen & (RW_WRITER | RW_READERS))
			rwlock_sleep(l, seen);
		else if (atomic_compare_exchange_weak_explicit(
				 &l->word, &seen, (seen - RW_WAITING_ONE) | RW_WRITER,
				 memory_order_acquire, memory_order_relaxed))
			return;
	}
}

void rwlock_write_unlock(struct rwlock *l)
{
	u32 old;

	lockrank_release(l->rank, l);
	old = atomic_fetch_and_explicit(&l->word, ~(RW_WRITER | RW_SLEEPERS), memory_order_release);
	ASSERT(old & RW_WRITER);
	if (old & RW_SLEEPERS)
		raw_futex_wake(&l->word, INT_MAX);
}
