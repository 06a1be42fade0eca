/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h - interval timers and POSIX timers of a process (setitimer(2), timer_create(2)), and CPU
 * clocks */
#ifndef SENTRY_KERNEL_TIMERS_H
#define SENTRY_KERNEL_TIMERS_H

#include "sentry/kernel/task.h"

struct timer_value {
	s64 value, interval; /* ns; value 0: off */
};

/* @which: ITIMER_REAL 0, VIRTUAL 1, PROF 2. What is left of the old one in *out_old. */
void itimer_set(struct tgroup *tg, int which, const struct timer_value *new,
		struct timer_value *out_old);
void itimer_get(struct tgroup *tg, int which, struct timer_value *out);
/* RLIMIT_CPU changed: looks at the clock again. [T] */
void cpu_timer_rearm(struct tgroup *tg);

struct timer_event { /* struct sigevent, checked */
	int notify;  /* SIGEV_SIGNAL, NONE, THREAD_ID */
	int signo;
	s32 tid;
	union sigval_k value;
	bool value_is_id; /* no sigevent was given */
};
/* The id, or -EINVAL (clock), -EAGAIN, -ENOMEM. */
int posix_timer_create(struct task *t, int clockid, const struct timer_event *ev);
int posix_timer_set(struct task *t, int id, bool absolute, const struct timer_value *new,
		    struct timer_value *out_old);
int posix_timer_get(struct task *t, int id, struct timer_value *out);
int posix_timer_overrun(struct task *t, int id);
int posix_timer_delete(struct task *t, int id);

/* Now by a CPU clock of @t's (CLOCK_PROCESS_CPUTIME_ID, THREAD, or the encoded ones of
 * clock_getcpuclockid(3)): 0 and ns, or -EINVAL. */
int cpu_clock_now(struct task *t, int clockid, s64 *out);

#endif
