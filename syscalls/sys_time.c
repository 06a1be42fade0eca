/* SPDX-License-Identifier: Apache-2.0 */
/* sys_time.c - clocks and sleeping */
#include <sys/time.h>
#include <time.h>

#include "platform/host/host.h"
#include "sentry/kernel/timers.h"
#include "syscalls/sys.h"

#define TIMER_ABSTIME_FLAG 1

/* Host clocks that the guest sees as they are. */
static bool host_clock_ok(int id)
{
	return id == CLOCK_MONOTONIC_RAW || id == CLOCK_REALTIME_COARSE ||
	       id == CLOCK_MONOTONIC_COARSE || id == CLOCK_TAI;
}

static int clock_now(struct task *t, int id, s64 *out)
{
	int clock = time_clock_of(id);

	if (host_clock_ok(id)) {
		*out = host_clock(id);
		return 0;
	}
	if (clock >= 0) {
		*out = time_now((enum time_clock)clock);
		return 0;
	}
	return cpu_clock_now(t, id, out);
}

long sys_clock_gettime(struct task *t, const struct sys_args *a)
{
	s64 now;
	int err = clock_now(t, ARG_INT(a, 0), &now);

	return err ? err : timespec_out(t, ARG_GVA(a, 1), now);
}

long sys_clock_getres(struct task *t, const struct sys_args *a)
{
	int id = ARG_INT(a, 0);
	s64 now;
	int err = clock_now(t, id, &now);
	bool coarse = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE;

	if (err || !ARG_GVA(a, 1).v)
		return err;
	return timespec_out(t, ARG_GVA(a, 1), coarse ? 4 * NSEC_PER_MSEC : 1);
}

/* Only the real-time clock could be set, by those who may. */
long sys_clock_settime(struct task *t, const struct sys_args *a)
{
	s64 ns;
	int err;

	if (ARG_INT(a, 0) != CLOCK_REALTIME)
		return -EINVAL;
	err = timespec_in(t, ARG_GVA(a, 1), &ns);
	return err ? err : -EPERM;
}

long sys_gettimeofday(struct task *t, const struct sys_args *a)
{
	s64 now = time_realtime();
	s64 tv[2] = {now / NSEC_PER_SEC, now % NSEC_PER_SEC / NSEC_PER_USEC};
	s32 tz[2] = {0, 0};

	if (ARG_GVA(a, 0).v && copy_out(t->mm, ARG_GVA(a, 0), tv, sizeof(tv)))
		return -EFAULT;
	if (ARG_GVA(a, 1).v && copy_out(t->mm, ARG_GVA(a, 1), tz, sizeof(tz)))
		return -EFAULT;
	return 0;
}

long sys_time(struct task *t, const struct sys_args *a)
{
	s64 now = time_realtime() / NSEC_PER_SEC;

	if (ARG_GVA(a, 0).v && copy_out_obj(t->mm, ARG_GVA(a, 0), &now))
		return -EFAULT;
	return now;
}

/* --- sleeping
 * -------------------------------------------------------------------------------------------- */

/* data[0]: where what is left goes when a signal ends a relative sleep. */
static void sleep_end(struct task *t)
{
	s64 left = t->wait.deadline - time_monotonic();

	if (t->wait.data[0] && !t->wait.timed_out && left > 0)
		(void)!timespec_out(t, GVA(t->wait.data[0]), left);
}

static long sleep_relative(struct task *t, s64 ns, gva_t rem)
{
	if (t->wait.again ? task_timed_out(t) : ns == 0)
		return 0;
	if (!t->wait.again) {
		task_set_timeout(t, ns);
		t->wait.data[0] = rem.v;
		t->wait.cleanup = sleep_end;
	}
	return task_block(t, -ERESTART_RESTARTBLOCK);
}

long sys_nanosleep(struct task *t, const struct sys_args *a)
{
	s64 ns = 0;
	int err = t->wait.again ? 0 : timespec_in(t, ARG_GVA(a, 0), &ns);

	return err ? err : sleep_relative(t, ns, ARG_GVA(a, 1));
}

/* By a clock other than the monotonic one the deadline is translated anew at each run: real time
 * may be set. */
static long sleep_absolute(struct task *t, int clock, s64 deadline)
{
	s64 now = time_now((enum time_clock)clock);

	if (now >= deadline)
		return 0;
	t->wait.used = true;
	t->wait.deadline = time_add(time_monotonic(), deadline - now);
	return task_block(t, -ERESTARTNOHAND);
}

long sys_clock_nanosleep(struct task *t, const struct sys_args *a)
{
	int id = ARG_INT(a, 0), clock = time_clock_of(id), err;
	s64 ns = 0, now;

	if (id == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (host_clock_ok(id) && id != CLOCK_TAI)
		return -EOPNOTSUPP;
	if (clock < 0)
		return cpu_clock_now(t, id, &now) ? -EINVAL : -EOPNOTSUPP;
	if (!t->wait.again || (ARG_INT(a, 1) & TIMER_ABSTIME_FLAG)) {
		err = timespec_in(t, ARG_GVA(a, 2), &ns);
		if (err)
			return err;
	}
	if (ARG_INT(a, 1) & TIMER_ABSTIME_FLAG)
		return sleep_absolute(t, clock, ns);
	return sleep_relative(t, ns, ARG_GVA(a, 3));
}
