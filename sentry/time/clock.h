/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - what time it is for the guest, in nanoseconds
 *
 * The guest reads its clocks from the host's vdso, so these are the host's clocks. After a restore
 * the stubs live in a time namespace with offsets; the sentry, which does not, adds the same
 * offsets here.
 */
#ifndef SENTRY_TIME_CLOCK_H
#define SENTRY_TIME_CLOCK_H

#include "sentry/base/types.h"

/* The clocks that a deadline can be measured by. */
enum time_clock { TIME_MONOTONIC, TIME_REALTIME, TIME_BOOTTIME, TIME_CLOCKS };

/* Now, by that clock. No host call: the vdso. */
s64 time_now(enum time_clock clock);

static inline s64 time_monotonic(void)
{
	return time_now(TIME_MONOTONIC);
}
static inline s64 time_realtime(void)
{
	return time_now(TIME_REALTIME);
}
static inline s64 time_boottime(void)
{
	return time_now(TIME_BOOTTIME);
}

/* Which of our clocks measures deadlines for the guest's @clockid (CLOCK_*; the coarse and raw
 * ones, TAI and the alarms included): an enum time_clock, or -EINVAL for CPU-time and unknown
 * clocks. */
int time_clock_of(int clockid);

/* Sets what is added to the host's monotonic and boot-time clocks. At restore, before threads
 * exist. */
void time_set_offsets(s64 monotonic, s64 boottime);

/* a + b, not leaving [INT64_MIN, INT64_MAX]: deadlines far away stay far away. */
static inline s64 time_add(s64 a, s64 b)
{
	s64 sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

#endif
