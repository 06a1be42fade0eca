/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd.c - a timer to wait for (timerfd_create(2))
 *
 * Theory of operation: an armed timer is queued in sentry/time once, for its next expiration. When
 * that has come the ticks are counted up to one and the timer is left alone until somebody reads,
 * asks for the time left, or sets it anew: only then the expirations since then are added and the
 * next one is queued. So a periodic timer that nobody looks at costs nothing. Whoever looks also
 * counts an expiration whose timer has not been called yet; a call that comes late, after a new
 * setting, finds nothing due.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "fs/anon/anon.h"
#include "sentry/arena/arena.h"
#include "sentry/time/timer.h"

struct timerfd {
	struct mutex lock;     /* LR_FSPRIV; guards all below but timer and q */
	enum time_clock clock; /* by which deadline is measured now */
	s64 deadline; /* next expiration, or the one that passed when lapsed; TIMER_NEVER: disarmed
		       */
	s64 interval;
	bool lapsed; /* deadline has been counted, the ones after it have not */
	u64 ticks;
	bool cancels; /* TFD_TIMER_CANCEL_ON_SET */
	u64 sets;     /* how often the clock had been set when it was last told */
	int clockid;  /* const */
	struct timer timer;
	struct waitq q;
};

static SLAB_CACHE(g_timerfds, struct timerfd);
static const struct file_ops timerfd_ops;
static _Atomic u64 g_sets;	/* how often the real-time clock was set */
static struct waitq g_set_wait; /* woken then */

void timerfd_init(void)
{
	waitq_init(&g_set_wait);
}

void timerfd_clock_set(void)
{
	atomic_fetch_add(&g_sets, 1);
	waitq_wake(&g_set_wait, EPOLLIN | EPOLLRDNORM);
}

/* Was the clock set since? Tells it once. */
static bool take_cancelled(struct timerfd *t)
{
	u64 now = atomic_load(&g_sets);
	bool cancelled = t->cancels && t->sets != now;

	mutex_assert_held(&t->lock);
	t->sets = now;
	if (cancelled)
		t->ticks = 0;
	return cancelled;
}

/* Counts the expiration that t->timer is queued for if its time has come, whoever notices first. */
static void expire(struct timerfd *t)
{
	mutex_assert_held(&t->lock);
	if (t->lapsed || t->deadline == TIMER_NEVER || t->deadline > time_now(t->clock))
		return;
	t->ticks++;
	t->lapsed = t->interval != 0;
	if (!t->lapsed)
		t->deadline = TIMER_NEVER;
}

static void timerfd_fire(struct timer *timer, s64 now)
{
	struct timerfd *t = timer->arg;
	bool ticked;

	mutex_lock(&t->lock);
	expire(t);
	ticked = t->ticks != 0;
	mutex_unlock(&t->lock);
	if (ticked)
		waitq_wake(&t->q, EPOLLIN | EPOLLRDNORM);
}

/* Counts what has passed since a periodic timer lapsed, and queues it again. */
static void catch_up(struct timerfd *t)
{
	s64 missed;

	mutex_assert_held(&t->lock);
	expire(t);
	if (!t->lapsed)
		return;
	missed = (time_now(t->clock) - t->deadline) / t->interval;
	missed = max(missed, (s64)0);
	t->ticks += (u64)missed;
	t->deadline = time_add(t->deadline + missed * t->interval, t->interval);
	t->lapsed = false;
	timer_set(&t->timer, t->clock, t->deadline);
}

static ssize_t timerfd_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct timerfd *t = f->data;
	bool cancelled;
	u64 ticks;

	if (to->left < sizeof(ticks))
		return -EINVAL;
	mutex_lock(&t->lock);
	catch_up(t);
	cancelled = take_cancelled(t);
	ticks = t->ticks;
	t->ticks = 0;
	mutex_unlock(&t->lock);
	if (cancelled)
		return -ECANCELED;
	if (ticks == 0)
		return -EAGAIN;
	return copy_to_iter(&ticks, sizeof(ticks), to) == sizeof(ticks) ? (ssize_t)sizeof(ticks)
									: -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->data;
	u32 mask;

	poll_wait(f, &t->q, pt);
	poll_wait(f, &g_set_wait, pt);
	mutex_lock(&t->lock);
	expire(t);
	mask = t->ticks || (t->cancels && t->sets != atomic_load(&g_sets)) ? EPOLLIN : 0;
	mutex_unlock(&t->lock);
	return mask;
}

static void spec_locked(struct timerfd *t, struct timerfd_spec *out)
{
	catch_up(t);
	out->interval = t->interval;
	out->value = 0;
	if (t->deadline != TIMER_NEVER)
		out->value = max(time_add(t->deadline, -time_now(t->clock)), (s64)1);
}

int timerfd_get(struct file *f, struct timerfd_spec *out)
{
	struct timerfd *t = f->data;

	if (f->op != &timerfd_ops)
		return -EINVAL;
	mutex_lock(&t->lock);
	spec_locked(t, out);
	mutex_unlock(&t->lock);
	return 0;
}

int timerfd_set(struct file *f, bool absolute, bool cancels, const struct timerfd_spec *new,
		struct timerfd_spec *out_old)
{
	struct timerfd *t = f->data;
	struct timerfd_spec old;
	bool cancelled;

	if (f->op != &timerfd_ops)
		return -EINVAL;
	mutex_lock(&t->lock);
	spec_locked(t, &old);
	cancelled = take_cancelled(t);
	t->cancels = cancels && absolute && time_clock_of(t->clockid) == TIME_REALTIME;
	t->ticks = 0;
	t->interval = new->interval;
	t->deadline = TIMER_NEVER;
	/* setting the real-time clock moves only absolute deadlines */
	t->clock = absolute ? (enum time_clock)time_clock_of(t->clockid) : TIME_MONOTONIC;
	if (new->value != 0)
		t->deadline =
			absolute ? new->value : time_add(time_now(TIME_MONOTONIC), new->value);
	timer_set(&t->timer, t->clock, t->deadline);
	mutex_unlock(&t->lock);
	if (out_old)
		*out_old = old;
	return cancelled ? -ECANCELED : 0;
}

static void timerfd_show(struct file *f, struct strbuf *s)
{
	struct timerfd *t = f->data;
	struct timerfd_spec spec;
	u64 ticks;

	mutex_lock(&t->lock);
	spec_locked(t, &spec);
	ticks = t->ticks;
	mutex_unlock(&t->lock);
	strbuf_printf(s, "clockid: %d\nticks: %llu\nsettime flags: 00\n", t->clockid,
		      (unsigned long long)ticks);
	strbuf_printf(s, "it_value: (%lld, %lld)\nit_interval: (%lld, %lld)\n",
		      spec.value / NSEC_PER_SEC, spec.value % NSEC_PER_SEC,
		      spec.interval / NSEC_PER_SEC, spec.interval % NSEC_PER_SEC);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->data;

	timer_cancel_sync(&t->timer);
	waitq_fini(&t->q);
	slab_free(&g_timerfds, t);
}

static const struct file_ops timerfd_ops = {
	.release = timerfd_release,
	.llseek = anon_llseek,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.show_fdinfo = timerfd_show,
};

struct file *timerfd_create_file(struct caller *c, int clockid, u32 flags)
{
	struct timerfd *t;
	struct file *f;

	switch (clockid) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		break;
	default:
		return ERR_PTR(-EINVAL);
	}
	t = slab_alloc(&g_timerfds);
	if (!t)
		return ERR_PTR(-ENOMEM);
	mutex_init(&t->lock, LR_FSPRIV);
	waitq_init(&t->q);
	timer_init(&t->timer, timerfd_fire, t);
	t->clockid = clockid;
	t->deadline = TIMER_NEVER;
	f = file_anon(c, "anon_inode:[timerfd]", &timerfd_ops, t, O_RDWR | flags, NULL, 0600);
	if (IS_ERR(f))
		slab_free(&g_timerfds, t);
	return f;
}
