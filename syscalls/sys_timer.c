/* SPDX-License-Identifier: Apache-2.0 */
/* sys_timer.c - interval timers and POSIX timers */
#include <signal.h>
#include <sys/time.h>

#include "sentry/kernel/timers.h"
#include "syscalls/sys.h"

/* --- interval timers
 * -------------------------------------------------------------------------------------- */

struct itimerval_k {
	s64 interval_sec, interval_usec, value_sec, value_usec;
};

static int from_timeval(s64 sec, s64 usec, s64 *out)
{
	if (sec < 0 || usec < 0 || usec >= 1000000)
		return -EINVAL;
	*out = sec > S64_MAX / NSEC_PER_SEC - 1 ? S64_MAX
						: sec * NSEC_PER_SEC + usec * NSEC_PER_USEC;
	return 0;
}

static long store_itimer(struct task *t, gva_t dst, const struct timer_value *v)
{
	struct itimerval_k k = {
		.interval_sec = v->interval / NSEC_PER_SEC,
		.interval_usec = v->interval % NSEC_PER_SEC / NSEC_PER_USEC,
		.value_sec = v->value / NSEC_PER_SEC,
		.value_usec = v->value % NSEC_PER_SEC / NSEC_PER_USEC,
	};

	return copy_out_obj(t->mm, dst, &k);
}

long sys_getitimer(struct task *t, const struct sys_args *a)
{
	struct timer_value v;

	if (ARG_UINT(a, 0) > ITIMER_PROF)
		return -EINVAL;
	itimer_get(t->tg, ARG_INT(a, 0), &v);
	return store_itimer(t, ARG_GVA(a, 1), &v);
}

long sys_setitimer(struct task *t, const struct sys_args *a)
{
	struct timer_value new = {0}, old;
	struct itimerval_k k;

	if (ARG_UINT(a, 0) > ITIMER_PROF)
		return -EINVAL;
	if (ARG_GVA(a, 1).v) {
		if (copy_in_obj(t->mm, &k, ARG_GVA(a, 1)))
			return -EFAULT;
		if (from_timeval(k.interval_sec, k.interval_usec, &new.interval) ||
		    from_timeval(k.value_sec, k.value_usec, &new.value))
			return -EINVAL;
	}
	itimer_set(t->tg, ARG_INT(a, 0), &new, &old);
	return ARG_GVA(a, 2).v ? store_itimer(t, ARG_GVA(a, 2), &old) : 0;
}

long sys_alarm(struct task *t, const struct sys_args *a)
{
	struct timer_value new = {.value = (s64)ARG_UINT(a, 0) * NSEC_PER_SEC}, old;
	s64 left;

	itimer_set(t->tg, ITIMER_REAL, &new, &old);
	left = old.value / NSEC_PER_SEC;
	if ((left == 0 && old.value) || old.value % NSEC_PER_SEC >= NSEC_PER_SEC / 2)
		left++;
	return (long)left;
}

/* --- POSIX timers
 * ------------------------------------------------------------------------------------------- */

struct sigevent_k { /* struct sigevent: 64 bytes */
	union sigval_k value;
	s32 signo, notify, tid;
	u8 rest[44];
};
static_assert(sizeof(struct sigevent_k) == 64, "struct sigevent");

struct itimerspec_k {
	s64 interval_sec, interval_nsec, value_sec, value_nsec;
};

static int event_in(struct task *t, gva_t src, struct timer_event *ev)
{
	struct sigevent_k k;

	memset(ev, 0, sizeof(*ev));
	ev->signo = SIGALRM;
	ev->notify = SIGEV_SIGNAL;
	ev->value_is_id = true;
	if (!src.v)
		return 0;
	if (copy_in_obj(t->mm, &k, src))
		return -EFAULT;
	ev->value_is_id = false;
	ev->signo = k.signo;
	ev->notify = k.notify;
	ev->tid = k.tid;
	ev->value = k.value;
	if (k.notify == SIGEV_NONE)
		return 0;
	if (k.notify != SIGEV_SIGNAL && k.notify != SIGEV_THREAD && k.notify != SIGEV_THREAD_ID)
		return -EINVAL;
	return k.signo >= 1 && k.signo <= NSIG_MAX ? 0 : -EINVAL;
}

long sys_timer_create(struct task *t, const struct sys_args *a)
{
	struct timer_event ev;
	int err = event_in(t, ARG_GVA(a, 1), &ev), id;

	if (err)
		return err;
	/* MONOTONIC_RAW and the coarse clocks can be read, but nothing wakes by them */
	if (ARG_INT(a, 0) >= 4 && ARG_INT(a, 0) <= 6)
		return -EOPNOTSUPP;
	id = posix_timer_create(t, ARG_INT(a, 0), &ev);
	if (id < 0)
		return id;
	if (copy_out_obj(t->mm, ARG_GVA(a, 2), &id)) {
		posix_timer_delete(t, id);
		return -EFAULT;
	}
	return 0;
}

static int from_timespec(s64 sec, s64 nsec, s64 *out)
{
	if (sec < 0 || nsec < 0 || nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*out = sec > S64_MAX / NSEC_PER_SEC - 1 ? S64_MAX : sec * NSEC_PER_SEC + nsec;
	return 0;
}

static long store_timer(struct task *t, gva_t dst, const struct timer_value *v)
{
	struct itimerspec_k k = {
		.interval_sec = v->interval / NSEC_PER_SEC,
		.interval_nsec = v->interval % NSEC_PER_SEC,
		.value_sec = v->value / NSEC_PER_SEC,
		.value_nsec = v->value % NSEC_PER_SEC,
	};

	return copy_out_obj(t->mm, dst, &k);
}

long sys_timer_settime(struct task *t, const struct sys_args *a)
{
	struct timer_value new, old;
	struct itimerspec_k k;
	int err;

	if (!ARG_GVA(a, 2).v)
		return -EINVAL;
	if (copy_in_obj(t->mm, &k, ARG_GVA(a, 2)))
		return -EFAULT;
	if (from_timespec(k.interval_sec, k.interval_nsec, &new.interval) ||
	    from_timespec(k.value_sec, k.value_nsec, &new.value))
		return -EINVAL;
	err = posix_timer_set(t, ARG_INT(a, 0), ARG_INT(a, 1) & 1, &new, &old);
	if (err || !ARG_GVA(a, 3).v)
		return err;
	return store_timer(t, ARG_GVA(a, 3), &old);
}

long sys_timer_gettime(struct task *t, const struct sys_args *a)
{
	struct timer_value v;
	int err = posix_timer_get(t, ARG_INT(a, 0), &v);

	return err ? err : store_timer(t, ARG_GVA(a, 1), &v);
}

long sys_timer_getoverrun(struct task *t, const struct sys_args *a)
{
	return posix_timer_overrun(t, ARG_INT(a, 0));
}

long sys_timer_delete(struct task *t, const struct sys_args *a)
{
	return posix_timer_delete(t, ARG_INT(a, 0));
}
