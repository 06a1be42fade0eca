/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - the blocks of counters, and their sum */
#include "platform/host/stats.h"

#include "sentry/base/bug.h"

static struct stats g_blocks[STATS_THREADS] __attribute__((aligned(64)));
_Thread_local struct stats *stats_mine = &g_blocks[0];

static const char *const texts[] = {
#define X(name, text) [STAT_##name] = text,
	STATS(X)
#undef X
};

void stats_attach(unsigned index)
{
	BUG_ON(index >= STATS_THREADS);
	stats_mine = &g_blocks[index];
}

/* Each field has one writer, and an aligned u64 is never seen in halves. */
static void add(u64 *sum, const u64 *block, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sum[i] += __atomic_load_n(&block[i], __ATOMIC_RELAXED);
}

void stats_sum(struct stats *out)
{
	*out = (struct stats){0};
	for (unsigned i = 0; i < STATS_THREADS; i++) {
		add(out->counts, g_blocks[i].counts, STAT_COUNT);
		add(out->host_calls, g_blocks[i].host_calls, STATS_CALLS);
		add(out->guest_calls, g_blocks[i].guest_calls, STATS_CALLS);
	}
}

const char *stats_text(enum stats_id s)
{
	return texts[s];
}
