/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - deadlines of the sentry: what is to be called when
 *
 * Theory of operation: a struct timer is embedded in the object that owns it (arena memory) and is
 * either idle or queued for one deadline of one clock. Somebody (the I/O worker) calls timer_run()
 * when the earliest deadline has come; it takes each due timer off the queue and then calls its
 * function, with no lock of ours held. So a function may set its own or another timer, wake queues,
 * take any lock that its caller does not hold, and even free the timer: nothing touches it after
 * the call.
 *
 * The earliest deadline is known to the outside through the hook of timer_set_rearm(), which is
 * called under LR_TIMER, and so in the right order, each time that an earlier one arrives or
 * timer_run() has found the next one. Cancelling never reprograms: an early wake-up finds nothing
 * due and that is all.
 *
 * Deadlines by the real-time clock move when that clock is set: whoever notices (a host timerfd
 * with TFD_TIMER_CANCEL_ON_SET) calls timer_run(), which translates them anew.
 */
#ifndef SENTRY_TIME_TIMER_H
#define SENTRY_TIME_TIMER_H

#include "sentry/time/clock.h"

#define TIMER_NEVER INT64_MAX

/* All but fn and arg is guarded by the queue's lock (LR_TIMER). */
struct timer {
	struct timer *child, *next,
		*prev; /* heap: first child, siblings (prev of the first: parent) */
	s64 deadline;  /* ns of clock */
	u8 clock;      /* enum time_clock */
	bool queued;
	/* const after timer_init: called once a deadline has come, with @now of that timer's clock
	 */
	void (*fn)(struct timer *t, s64 now);
	void *arg; /* of the function */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t, s64 now), void *arg);
/* Queues @t for @deadline (ns, absolute, by @clock), whether it was queued or not; a deadline in
 * the past fires at the next timer_run, which the hook asks for; TIMER_NEVER only cancels. True
 * when it was queued. */
bool timer_set(struct timer *t, enum time_clock clock, s64 deadline);
/* Takes @t off the queue. True when it was queued: then its function will not be called for that
 * deadline. False says nothing about a call that may be running just now. May be called anywhere.
 */
bool timer_cancel(struct timer *t);
/* The same, and when it returns no call of the function is running either (unless it set the timer
 * again, which the owner must prevent first): the memory may be freed. Waits for a running call:
 * the caller must hold no lock that the function takes and must not be that function. */
bool timer_cancel_sync(struct timer *t);
/* Deadline it is queued for (and its clock, where wanted), or TIMER_NEVER. */
s64 timer_deadline(const struct timer *t, enum time_clock *out_clock);

/* Calls the functions of all timers that are due. @now: of the monotonic clock, as time_monotonic()
 * has it. Returns the next deadline translated to the monotonic clock, or TIMER_NEVER. Any thread,
 * no lock held. */
s64 timer_run(s64 now);
/* The hook: program the wake-up for @deadline (monotonic clock). Called under LR_TIMER: a short
 * host call and nothing else. Set at boot, before threads exist; NULL for none. */
void timer_set_rearm(void (*hook)(s64 deadline));

#endif
