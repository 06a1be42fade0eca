/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - what time it is for the guest */
#include "sentry/time/clock.h"

#include <time.h>

#include "platform/host/host.h"
#include "sentry/base/bug.h"

static s64 g_offset[TIME_CLOCKS]; /* const once threads exist */

static const clockid_t host_clocks[TIME_CLOCKS] = {
	[TIME_MONOTONIC] = CLOCK_MONOTONIC,
	[TIME_REALTIME] = CLOCK_REALTIME,
	[TIME_BOOTTIME] = CLOCK_BOOTTIME,
};

s64 time_now(enum time_clock clock)
{
	ASSERT(clock < TIME_CLOCKS);
	return host_clock(host_clocks[clock]) + g_offset[clock];
}

int time_clock_of(int clockid)
{
	switch (clockid) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		return TIME_MONOTONIC;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return TIME_REALTIME;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return TIME_BOOTTIME;
	}
	return -EINVAL;
}

void time_set_offsets(s64 monotonic, s64 boottime)
{
	g_offset[TIME_MONOTONIC] = monotonic;
	g_offset[TIME_BOOTTIME] = boottime;
}
