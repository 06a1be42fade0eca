/* SPDX-License-Identifier: Apache-2.0 */
/* host_timer.c - the one timerfd of the sentry */
#include <sys/syscall.h>
#include <time.h>

#include "platform/host/host.h"
#include "platform/host/raw.h"
#include "sentry/base/bug.h"

/* HOST_CALL(timerfd_settime) */
void host_timerfd_set(int fd, s64 deadline)
{
	struct itimerspec its = {.it_value = {deadline / NSEC_PER_SEC, deadline % NSEC_PER_SEC}};

	BUG_ON(host_call(SYS_timerfd_settime, fd, 1 /* TFD_TIMER_ABSTIME */, &its, NULL) < 0);
}
