/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - futex mutex and read-write lock, position independent, that live in the arena
 *
 * A lock is one futex word (shared flavour: it would also work between processes) and, in debug
 * builds, knows its holder. Rank order: lockrank.h. Held briefly: no host call that may last is
 * made under a lock, save where its rank's line says so (inode locks over gofer requests).
 */
#ifndef SENTRY_BASE_LOCK_H
#define SENTRY_BASE_LOCK_H

#include "sentry/base/lockrank.h"

#if defined(__clang__)
#define CAPABILITY  __attribute__((capability("mutex")))
#define ACQUIRE(l)  __attribute__((acquire_capability(l)))
#define RELEASE(l)  __attribute__((release_capability(l)))
#define REQUIRES(l) __attribute__((requires_capability(l)))
#else
#define CAPABILITY
#define ACQUIRE(l)
#define RELEASE(l)
#define REQUIRES(l)
#endif

struct CAPABILITY mutex {
	_Atomic u32 word; /* 0 free, 1 held, 2 held and somebody waits */
	u32 rank;
#ifdef DEBUG
	_Atomic u32 holder; /* lockrank_thread() of it, 0: nobody */
#endif
};

#define MUTEX_INIT(r)       \
	{                   \
		.rank = (r) \
	}
void mutex_init(struct mutex *m, enum lockrank rank);
void mutex_lock(struct mutex *m) ACQUIRE(m);
/* A second lock of the same rank; the caller keeps the documented order. */
void mutex_lock_nested(struct mutex *m) ACQUIRE(m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m) RELEASE(m);
/* Locks both, the lower address first; @a == @b locks once. */
void mutex_lock_pair(struct mutex *a, struct mutex *b);
void mutex_unlock_pair(struct mutex *a, struct mutex *b);
#ifdef DEBUG
void mutex_assert_held(const struct mutex *m);
#else
#define mutex_assert_held(m) ((void)(m))
#endif

/* Many readers or one writer; writers are preferred. */
struct CAPABILITY rwlock {
	_Atomic u32 word; /* readers, waiting writers, writer, sleepers: see lock.c */
	u32 rank;
};

#define RWLOCK_INIT(r)      \
	{                   \
		.rank = (r) \
	}
void rwlock_init(struct rwlock *l, enum lockrank rank);
void rwlock_read(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);

#endif
