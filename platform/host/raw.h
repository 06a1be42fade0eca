/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h - a host call without libc: no errno, no cancellation, no wrapper that surprises
 *
 * For platform/ only. Arguments may be integers or pointers; missing ones are 0.
 */
#ifndef PLATFORM_HOST_RAW_H
#define PLATFORM_HOST_RAW_H

#include "platform/host/stats.h"

static inline long host_raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

#define HOST_RAW_7(nr, a, b, c, d, e, f, ...) \
	host_raw6((long)(nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* Not counted: for code that runs where the counters are not (a stub that is being made). */
#define host_raw(...)	   HOST_RAW_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define host_call(nr, ...) (stat_host_call(nr), host_raw(nr, ##__VA_ARGS__))

#endif
