/* SPDX-License-Identifier: Apache-2.0 */
/* timers.c - interval timers, POSIX timers, CPU clocks
 *
 * Theory of operation: timers by a wall clock are queued with sentry/time; their functions run
 * without locks and take the tasklist lock. Timers by CPU time (ITIMER_VIRTUAL, ITIMER_PROF,
 * RLIMIT_CPU, POSIX timers on CPU clocks) are looked at by one cpu_timer per group that fires when
 * the group could have used up the time at the earliest; while the group uses no CPU it backs off.
 *
 * A POSIX timer owns its queue entry. While that is queued the timer is off; taking the signal
 * counts the periods that have passed meanwhile (overruns) and sets it again. So no period, however
 * short, floods anybody.
 */
#include <time.h>

#include "sentry/kernel/process.h"
#include "sentry/kernel/timers.h"

#define TICK	     (4 * NSEC_PER_MSEC)
#define CPU_POLL_MAX (50 * NSEC_PER_MSEC)
#define TIMERS_MAX   100000u

struct posix_timer {
	struct list node; /* in tg->posix_timers. [T], as all but the constants */
	s32 id;
	int clockid;	   /* const */
	int clock;	   /* const: enum time_clock, or -1: CPU time */
	int notify;	   /* const */
	s32 tid;	   /* const: THREAD_ID; also whose CPU time */
	struct tgroup *tg; /* const: borrowed, the group deletes its timers */
	struct timer timer;
	s64 deadline; /* by its clock; 0: off */
	s64 interval;
	u32 overrun_last;
	bool deleted;
	struct sigqueue q;
};
static SLAB_CACHE(posix_timer_cache, struct posix_timer);

/* --- CPU clocks
 * ------------------------------------------------------------------------------------- */

enum { CPU_PROF, CPU_VIRT, CPU_SCHED };

/* Of the group, or of one task when @tid is not 0. [T] */
static int cpu_now_locked(struct tgroup *tg, s32 tid, int which, s64 *out)
{
	struct task *t = tid ? task_find(tid) : NULL;
	u64 user, system;

	if (tid) {
		if (!t || t->tg != tg)
			return -EINVAL;
		task_cputime(t, &user, &system);
	} else {
		tgroup_cputime(tg, &user, &system);
	}
	*out = (s64)(which == CPU_VIRT ? user : user + system);
	return 0;
}

/* Decodes @clockid: the group, *out_tid (0: all of it) and which time. [T] */
static struct tgroup *cpu_clock_decode(struct task *t, int clockid, s32 *out_tid, int *out_which)
{
	struct tgroup *tg;
	struct task *other;
	s32 pid;

	*out_tid = 0;
	*out_which = CPU_SCHED;
	if (clockid == CLOCK_PROCESS_CPUTIME_ID)
		return t->tg;
	if (clockid == CLOCK_THREAD_CPUTIME_ID) {
		*out_tid = t->tid;
		return t->tg;
	}
	if (clockid >= 0 || (clockid & 3) == 3)
		return NULL;
	pid = ~(clockid >> 3);
	*out_which = clockid & 3;
	if (clockid & 4) {
		other = pid ? task_find_for(t, pid) : t;
		if (!other || other->tg != t->tg)
			return NULL;
		*out_tid = other->tid;
		return other->tg;
	}
	tg = pid ? tgroup_find_for(t, pid) : t->tg;
	return tg;
}

int cpu_clock_now(struct task *t, int clockid, s64 *out)
{
	struct tgroup *tg;
	int which, err = -EINVAL;
	s32 tid;

	tasklist_lock();
	tg = cpu_clock_decode(t, clockid, &tid, &which);
	if (tg)
		err = cpu_now_locked(tg, tid, which, out);
	tasklist_unlock();
	return err;
}

/* --- signals of the group's own
 * -------------------------------------------------------------------------- */

static void send_group(struct tgroup *tg, int sig)
{
	struct siginfo_k info;

	siginfo_kernel(&info, sig);
	if (tg->live)
		signal_send_locked(tg->leader, &info, true);
}

static void posix_timer_expire(struct posix_timer *pt, s64 now);

/* --- CPU timers
 * -------------------------------------------------------------------------------------- */

/* One of the two interval timers: fires when due; the CPU time until the next. */
static s64 check_itimer(struct tgroup *tg, int which, s64 now, int sig)
{
	s64 value = (s64)tg->itimer_value[which];

	if (!value)
		return S64_MAX;
	if (now >= value) {
		send_group(tg, sig);
		tg->itimer_value[which] = 0;
		if (tg->itimer_interval[which])
			tg->itimer_value[which] =
				(u64)max(value + (s64)tg->itimer_interval[which], now + 1);
		value = (s64)tg->itimer_value[which];
	}
	return value ? value - now : S64_MAX;
}

static s64 check_limit(struct tgroup *tg, s64 now)
{
	u64 seconds = (u64)now / NSEC_PER_SEC;

	if (tg->rlim[0].cur >= (u64)S64_MAX / NSEC_PER_SEC) /* RLIMIT_CPU */
		return S64_MAX;
	if (seconds >= max(tg->rlim[0].max, (u64)1)) {
		send_group(tg, SIGKILL);
		return S64_MAX;
	}
	tg->cpu_soft_next = max(tg->cpu_soft_next, tg->rlim[0].cur);
	if (seconds >= tg->cpu_soft_next) {
		send_group(tg, SIGXCPU);
		tg->cpu_soft_next = seconds + 1;
	}
	return (s64)tg->cpu_soft_next * NSEC_PER_SEC - now;
}

static s64 check_posix(struct tgroup *tg)
{
	struct posix_timer *pt;
	s64 left = S64_MAX, now;

	list_for_each_entry (pt, &tg->posix_timers, node) {
		int which = pt->clockid < 0 ? pt->clockid & 3 : CPU_SCHED;

		if (pt->clock >= 0 || !pt->deadline || cpu_now_locked(tg, pt->tid, which, &now))
			continue;
		if (now >= pt->deadline)
			posix_timer_expire(pt, now);
		if (pt->deadline)
			left = min(left, pt->deadline > now ? pt->deadline - now : 1);
	}
	return left;
}

/* Looks at all of them, and sets the time of the next look. [T] */
void cpu_timer_rearm(struct tgroup *tg)
{
	s64 left, prof;
	u64 user, system;

	mutex_assert_held(&g_kernel->lock);
	if (!tg->live || (!tg->itimer_value[1] && !tg->itimer_value[2] &&
			  list_empty(&tg->posix_timers) && tg->rlim[0].cur == ~0ull))
		return;
	tgroup_cputime(tg, &user, &system);
	prof = (s64)(user + system);
	left = check_itimer(tg, 1, (s64)user, SIGVTALRM);
	left = min(left, check_itimer(tg, 2, prof, SIGPROF));
	left = min(left, check_posix(tg));
	left = min(left, check_limit(tg, prof));
	if (left == S64_MAX)
		return;
	if (prof == (s64)tg->cpu_last)
		tg->cpu_delay = (u64)min((s64)tg->cpu_delay * 2, (s64)CPU_POLL_MAX);
	else
		tg->cpu_delay = TICK / 4;
	tg->cpu_last = (u64)prof;
	left /= (s64)tg->live;
	left = max(left, (s64)tg->cpu_delay);
	timer_set(&tg->cpu_timer, TIME_MONOTONIC, time_add(time_monotonic(), left));
}

static void cpu_timer_due(struct timer *timer, s64 now)
{
	tasklist_lock();
	cpu_timer_rearm(timer->arg);
	tasklist_unlock();
}

/* --- interval timers
 * -------------------------------------------------------------------------------------- */

static void real_timer_due(struct timer *timer, s64 now)
{
	struct tgroup *tg = timer->arg;
	s64 interval, next;

	tasklist_lock();
	interval = (s64)tg->itimer_interval[0];
	/* Nobody set it anew between. */
	if (tg->live && tg->itimer_value[0] && (s64)tg->itimer_value[0] <= now) {
		send_group(tg, SIGALRM);
		next = 0;
		if (interval) {
			next = time_add((s64)tg->itimer_value[0], interval);
			if (next <= now)
				next = time_add(now, interval - (now - next) % interval);
			timer_set(timer, TIME_MONOTONIC, max(next, time_add(now, TICK / 40)));
		}
		tg->itimer_value[0] = (u64)next;
	}
	tasklist_unlock();
}

static s64 itimer_clock(struct tgroup *tg, int which)
{
	u64 user, system;

	if (which == 0)
		return time_monotonic();
	tgroup_cputime(tg, &user, &system);
	return (s64)(which == 1 ? user : user + system);
}

static void get_locked(struct tgroup *tg, int which, s64 now, struct timer_value *out)
{
	s64 value = (s64)tg->itimer_value[which];

	out->interval = (s64)tg->itimer_interval[which];
	out->value = value ? max(value - now, NSEC_PER_USEC) : 0;
}

void itimer_get(struct tgroup *tg, int which, struct timer_value *out)
{
	tasklist_lock();
	get_locked(tg, which, itimer_clock(tg, which), out);
	tasklist_unlock();
}

void itimer_set(struct tgroup *tg, int which, const struct timer_value *new,
		struct timer_value *out_old)
{
	s64 now;

	tasklist_lock();
	now = itimer_clock(tg, which);
	get_locked(tg, which, now, out_old);
	tg->itimer_value[which] = new->value ? (u64)time_add(now, new->value) : 0;
	tg->itimer_interval[which] = (u64) new->interval;
	if (which == 0)
		timer_set(&tg->real_timer, TIME_MONOTONIC,
			  new->value ? (s64)tg->itimer_value[0] : TIMER_NEVER);
	else
		cpu_timer_rearm(tg);
	tasklist_unlock();
}

/* --- POSIX timers
 * ------------------------------------------------------------------------------------------ */

/* Periods that have passed at @now; moves the deadline behind it. */
static u32 skip_periods(struct posix_timer *pt, s64 now)
{
	s64 n;

	if (!pt->interval || now < pt->deadline)
		return 0;
	n = (now - pt->deadline) / pt->interval + 1;
	pt->deadline = time_add(pt->deadline, n * pt->interval);
	return (u32)min(n, (s64)INT32_MAX);
}

static void queue_timer(struct posix_timer *pt, s64 not_before)
{
	if (pt->clock >= 0)
		timer_set(&pt->timer, (enum time_clock)pt->clock,
			  pt->deadline ? max(pt->deadline, not_before) : TIMER_NEVER);
}

/* The deadline has passed. [T] */
static void posix_timer_expire(struct posix_timer *pt, s64 now)
{
	struct task *target =
		pt->tid && pt->notify == SIGEV_THREAD_ID ? task_find(pt->tid) : pt->tg->leader;
	int sent = 2;

	if (pt->notify != SIGEV_NONE && target && target->tg == pt->tg)
		sent = signal_send_timer(&pt->q, target, pt->notify != SIGEV_THREAD_ID);
	if (!pt->interval) {
		pt->deadline = 0;
		return;
	}
	if (sent == 2) { /* nobody takes it: go on, not too often */
		skip_periods(pt, now);
		queue_timer(pt, time_add(now, TICK));
	} else if (pt->clock < 0) {
		skip_periods(pt, now);
	}
}

static void posix_timer_due(struct timer *timer, s64 now)
{
	struct posix_timer *pt = timer->arg;

	tasklist_lock();
	if (!pt->deleted && pt->tg->live && pt->deadline && pt->deadline <= now)
		posix_timer_expire(pt, now);
	tasklist_unlock();
}

void posix_timer_taken(struct posix_timer *pt, struct siginfo_k *info)
{
	u32 n = 0;

	mutex_assert_held(&g_kernel->lock);
	if (pt->interval && pt->deadline && pt->clock >= 0) {
		n = skip_periods(pt, time_now((enum time_clock)pt->clock));
		n = n ? n - 1 : 0;
		queue_timer(pt, 0);
	}
	pt->overrun_last = n;
	info->timer.overrun = (s32)n;
}

static struct posix_timer *find_timer(struct tgroup *tg, int id)
{
	struct posix_timer *pt;

	list_for_each_entry (pt, &tg->posix_timers, node)
		if (pt->id == id)
			return pt;
	return NULL;
}

static void fill_event(struct posix_timer *pt, const struct timer_event *ev)
{
	struct siginfo_k *info = &pt->q.info;

	pt->notify = ev->notify;
	info->si_signo = ev->signo;
	info->si_code = SI_TIMER;
	info->timer.timerid = pt->id;
	info->timer.value = ev->value;
	if (ev->value_is_id)
		info->timer.value.sival_int = pt->id;
	pt->q.timer = pt;
	pt->q.tg = pt->tg;
	list_init(&pt->q.node);
}

int posix_timer_create(struct task *t, int clockid, const struct timer_event *ev)
{
	struct tgroup *tg = t->tg;
	int clock = time_clock_of(clockid), which, err = -EINVAL;
	struct posix_timer *pt;
	s32 tid = 0;

	if (tg->next_timer_id >= TIMERS_MAX * 100u)
		return -EAGAIN;
	pt = slab_alloc(&posix_timer_cache);
	if (!pt)
		return -EAGAIN;
	tasklist_lock();
	if (clock < 0 && cpu_clock_decode(t, clockid, &tid, &which) != tg)
		goto out;
	if (ev->notify == SIGEV_THREAD_ID) {
		struct task *target = task_find_for(t, ev->tid);

		if (!target || target->tg != tg)
			goto out;
		tid = target->tid;
	}
	pt->id = (s32)tg->next_timer_id++;
	pt->clockid = clockid;
	pt->clock = clock < 0 ? -1 : clock;
	pt->tid = tid;
	pt->tg = tg;
	timer_init(&pt->timer, posix_timer_due, pt);
	fill_event(pt, ev);
	list_append(&tg->posix_timers, &pt->node);
	err = pt->id;
out:
	tasklist_unlock();
	if (err < 0)
		slab_free(&posix_timer_cache, pt);
	return err;
}

static int timer_clock_now(struct posix_timer *pt, s64 *now)
{
	if (pt->clock >= 0) {
		*now = time_now((enum time_clock)pt->clock);
		return 0;
	}
	return cpu_now_locked(pt->tg, pt->clockid == CLOCK_PROCESS_CPUTIME_ID ? 0 : pt->tid,
			      pt->clockid < 0 ? pt->clockid & 3 : CPU_SCHED, now);
}

static void get_timer(struct posix_timer *pt, s64 now, struct timer_value *out)
{
	s64 deadline = pt->deadline;

	out->interval = pt->interval;
	out->value = 0;
	if (!deadline)
		return;
	if (deadline <= now && pt->interval)
		deadline += ((now - deadline) / pt->interval + 1) * pt->interval;
	out->value = max(deadline - now, (s64)1);
	if (pt->notify == SIGEV_NONE && pt->deadline <= now && !pt->interval)
		out->value = 0;
}

int posix_timer_get(struct task *t, int id, struct timer_value *out)
{
	struct posix_timer *pt;
	int err = -EINVAL;
	s64 now = 0;

	tasklist_lock();
	pt = find_timer(t->tg, id);
	if (pt) {
		timer_clock_now(pt, &now);
		get_timer(pt, now, out);
		err = 0;
	}
	tasklist_unlock();
	return err;
}

int posix_timer_set(struct task *t, int id, bool absolute, const struct timer_value *new,
		    struct timer_value *out_old)
{
	struct posix_timer *pt;
	int err = -EINVAL;
	s64 now = 0;

	tasklist_lock();
	pt = find_timer(t->tg, id);
	if (pt) {
		timer_clock_now(pt, &now);
		get_timer(pt, now, out_old);
		signal_cancel_timer(&pt->q);
		pt->interval = new->interval;
		pt->deadline = !new->value ? 0 : absolute ? new->value : time_add(now, new->value);
		pt->overrun_last = 0;
		queue_timer(pt, 0);
		if (pt->clock < 0)
			cpu_timer_rearm(pt->tg);
		err = 0;
	}
	tasklist_unlock();
	return err;
}

int posix_timer_overrun(struct task *t, int id)
{
	struct posix_timer *pt;
	int n = -EINVAL;

	tasklist_lock();
	pt = find_timer(t->tg, id);
	if (pt)
		n = (int)pt->overrun_last;
	tasklist_unlock();
	return n;
}

/* [T] Afterwards timer_free, without locks. */
static void detach_timer(struct posix_timer *pt)
{
	pt->deleted = true;
	pt->deadline = 0;
	list_del(&pt->node);
	signal_cancel_timer(&pt->q);
}

static void timer_free(struct posix_timer *pt)
{
	timer_cancel_sync(&pt->timer);
	slab_free(&posix_timer_cache, pt);
}

int posix_timer_delete(struct task *t, int id)
{
	struct posix_timer *pt;

	tasklist_lock();
	pt = find_timer(t->tg, id);
	if (pt)
		detach_timer(pt);
	tasklist_unlock();
	if (!pt)
		return -EINVAL;
	timer_free(pt);
	return 0;
}

/* --- groups
 * -------------------------------------------------------------------------------------------------
 */

void timers_init_group(struct tgroup *tg)
{
	timer_init(&tg->real_timer, real_timer_due, tg);
	timer_init(&tg->cpu_timer, cpu_timer_due, tg);
	timer_init(&tg->kill_timer, group_kill_due, tg);
}

void timers_drop(struct tgroup *tg, bool all)
{
	struct posix_timer *pt = NULL;

	for (;;) {
		tasklist_lock();
		pt = list_empty(&tg->posix_timers)
			     ? NULL
			     : list_first(&tg->posix_timers, struct posix_timer, node);
		if (pt)
			detach_timer(pt);
		tasklist_unlock();
		if (!pt)
			break;
		timer_free(pt);
	}
	if (!all)
		return;
	tasklist_lock();
	memset(tg->itimer_value, 0, sizeof(tg->itimer_value));
	memset(tg->itimer_interval, 0, sizeof(tg->itimer_interval));
	tasklist_unlock();
	timer_cancel_sync(&tg->real_timer);
	timer_cancel_sync(&tg->cpu_timer);
	timer_cancel_sync(&tg->kill_timer);
}
