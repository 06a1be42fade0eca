/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - counters of what the sentry does
 *
 * Theory of operation: each thread of the sentry counts in a block of its own, with a plain add and
 * no lock, so that counting costs less than a nanosecond and is always on. Who reads sums the
 * blocks up: a figure may be a few counts old, never torn. Threads that never called stats_attach()
 * (start-up, before there are others) share the first block. The blocks are figures about host
 * threads: they are no state of the sandbox, are in no arena and in no checkpoint.
 */
#ifndef PLATFORM_HOST_STATS_H
#define PLATFORM_HOST_STATS_H

#include "sentry/base/types.h"

/* Name of the counter, what it counts. */
#define STATS(X)                                         \
	X(PLAIN, "events: plain system calls")           \
	X(REGS, "events: system calls with registers")   \
	X(FAULT, "events: faults")                       \
	X(KICK, "events: kicks taken")                   \
	X(DONE, "events: orders carried out")            \
	X(READY, "events: fresh stubs")                  \
	X(DIED, "events: dead stubs")                    \
	X(WAKE, "events: workers fetched out")           \
	X(FAULT_SERVED, "faults repaired by the sentry") \
	X(ORDERS, "orders to stubs")                     \
	X(COMMANDS, "commands in them")                  \
	X(KICKS, "kicks sent")                           \
	X(PARKED, "calls parked")                        \
	X(REWRITTEN, "call sites rewritten")             \
	X(REPAIRED, "faults of rewritten sites")         \
	X(POSTED, "calls taken by a polling worker")     \
	X(BLOCKED, "calls that waited")                  \
	X(COPIED_IN, "bytes copied from guests")         \
	X(COPIED_OUT, "bytes copied to guests")

enum stats_id {
#define X(name, text) STAT_##name,
	STATS(X)
#undef X
		STAT_COUNT,
};

enum {
	STATS_THREADS = 72, /* blocks: more than a sentry has threads */
	STATS_CALLS = 512,  /* system call numbers; higher ones count as 511 */
};

struct stats {
	u64 counts[STAT_COUNT];
	u64 host_calls[STATS_CALLS];  /* by platform/host, by number */
	u64 guest_calls[STATS_CALLS]; /* of guests, by number */
};

/* The block of the calling thread. */
extern _Thread_local struct stats *stats_mine;

static inline void stat_add(enum stats_id s, u64 n)
{
	stats_mine->counts[s] += n;
}

static inline void stat_host_call(long nr)
{
	stats_mine->host_calls[(u64)nr < STATS_CALLS ? (u64)nr : STATS_CALLS - 1]++;
}

static inline void stat_guest_call(int nr)
{
	stats_mine->guest_calls[(u32)nr < STATS_CALLS ? (u32)nr : STATS_CALLS - 1]++;
}

/* The calling thread counts in block @index (< STATS_THREADS, BUG) from now on. */
void stats_attach(unsigned index);
/* The sum over all threads. */
void stats_sum(struct stats *out);
/* What a counter counts. */
const char *stats_text(enum stats_id s);

#endif
