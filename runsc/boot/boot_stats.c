/* SPDX-License-Identifier: Apache-2.0 */
/* boot_stats.c - the counters of a sandbox as lines of text: "VALUE<tab>NAME"
 *
 * Written to the log when the sandbox ends and `--stats` was given. Calls by number come after the
 * counters, guest calls first, those that never happened left out. tests/bench reads it.
 */
#include <stdio.h>

#include "gofer/client.h"
#include "platform/host/host.h"
#include "platform/host/stats.h"
#include "runsc/boot/boot_internal.h"
#include "syscalls/table.h"

/* A line at a time: the text has no bound, and the log is a descriptor. */
static void line(u64 value, const char *what, const char *name)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%llu\t%s%s\n", (unsigned long long)value, what, name);

	host_write(BOOT_FD_LOG, text, (size_t)n);
}

static void calls(const u64 *counts, const char *what)
{
	for (unsigned nr = 0; nr < STATS_CALLS; nr++) {
		const char *name = nr < syscall_table.count ? syscall_table.name[nr] : NULL;

		if (counts[nr])
			line(counts[nr], what, name ? name : "unknown");
	}
}

static u64 total(const u64 *counts)
{
	u64 sum = 0;

	for (unsigned nr = 0; nr < STATS_CALLS; nr++)
		sum += counts[nr];
	return sum;
}

static u64 microseconds(const struct timeval *t)
{
	return (u64)t->tv_sec * 1000000 + (u64)t->tv_usec;
}

void boot_stats_write(const struct boot *b)
{
	static struct stats s; /* 8 KiB */
	struct rusage u;

	stats_sum(&s);
	line(total(s.guest_calls), "guest calls", "");
	for (unsigned i = 0; i < STAT_COUNT; i++)
		line(s.counts[i], stats_text(i), "");
	line(gofer_client_requests(gofer_client_at(b->client)), "gofer messages", "");
	host_usage(&u);
	line((u64)u.ru_nvcsw, "sleeps of the sentry's threads", "");
	line((u64)u.ru_nivcsw, "preemptions of the sentry's threads", "");
	line(microseconds(&u.ru_utime), "us of CPU in the sentry, user", "");
	line(microseconds(&u.ru_stime), "us of CPU in the sentry, system", "");
	line(total(s.host_calls), "host calls of the sentry", "");
	calls(s.guest_calls, "guest call: ");
	calls(s.host_calls, "host call: ");
}
