/* SPDX-License-Identifier: Apache-2.0 */
/* task_stop.c - group stops and continuation (job control)
 *
 * Theory of operation: a stop begins when a task takes a stop signal: stop_signal is set, every
 *other task gets TW_STOP and stop_pending counts those that have still to stop. A task in guest
 *code is kicked to the border, a blocked one is woken; each stops in signal_deliver (t->stopped,
 *state TS_BLOCKED without waiters). The last one makes the stop complete: stopped is set and the
 *parent hears CLD_STOPPED. SIGCONT (and SIGKILL) take all of it back at the moment they are sent,
 *wake everybody, and report CLD_CONTINUED. A call that was interrupted by the stop goes on where it
 *was.
 *
 *	stop_signal	stopped		state
 *	0		false		runs
 *	!= 0		false		a stop is under way, stop_pending > 0
 *	!= 0		true		stopped
 */
#include "sentry/kernel/process.h"

static void fill_cldinfo(struct siginfo_k *info, struct tgroup *tg, int code, int status)
{
	u64 user, system;

	memset(info, 0, sizeof(*info));
	info->si_signo = SIGCHLD;
	info->si_code = code;
	siginfo_child(info, tg);
	info->chld.status = status;
	tgroup_cputime(tg, &user, &system);
	info->chld.utime = (s64)(user / (NSEC_PER_SEC / 100));
	info->chld.stime = (s64)(system / (NSEC_PER_SEC / 100));
}

void stop_notify(struct tgroup *tg, int code)
{
	struct tgroup *parent = tg->parent;
	struct ksigaction *ka;
	struct siginfo_k info;

	if (!parent || !parent->live)
		return;
	fill_cldinfo(&info, tg, code, code == CLD_CONTINUED ? SIGCONT : (int)tg->stop_signal);
	ka = &parent->leader->sighand->action[SIGCHLD - 1];
	if (ka->handler != 1 && !(ka->flags & SA_NOCLDSTOP))
		signal_send_locked(parent->leader, &info, true);
	waitq_wake(&parent->wait_child, 0x1);
}

static void stop_complete(struct tgroup *tg)
{
	tg->stopped = true;
	tg->stop_report = true;
	tg->cont_report = false;
	stop_notify(tg, CLD_STOPPED);
}

long stop_join(struct task *t)
{
	struct tgroup *tg = t->tg;

	mutex_assert_held(&g_kernel->lock);
	atomic_fetch_and(&t->work, ~(u32)TW_STOP);
	t->stopped = true;
	if (tg->stop_pending && --tg->stop_pending == 0 && !tg->stopped)
		stop_complete(tg);
	return -EBLOCKED;
}

long stop_start(struct task *t, int sig)
{
	struct tgroup *tg = t->tg;
	struct task *other;

	mutex_assert_held(&g_kernel->lock);
	if (tg->exiting)
		return 0;
	if (!tg->stopped)
		tg->stop_signal = (u32)sig;
	if (tg->stop_pending == 0) {
		tg->stop_pending = 1;
		list_for_each_entry (other, &tg->tasks, group_link) {
			if (other == t || other->exited || other->exit_stage || other->stopped)
				continue;
			tg->stop_pending++;
			signal_wake(other, TW_STOP);
		}
	}
	return stop_join(t);
}

void stop_leave(struct task *t)
{
	struct tgroup *tg = t->tg;

	mutex_assert_held(&g_kernel->lock);
	if (!(atomic_fetch_and(&t->work, ~(u32)TW_STOP) & TW_STOP))
		return;
	if (tg->stop_pending && --tg->stop_pending == 0 && !tg->stopped && tg->stop_signal &&
	    tg->live > 1)
		stop_complete(tg);
}

void stop_end(struct tgroup *tg, bool report)
{
	bool was_stopped = tg->stopped, was_under_way = !tg->stopped && tg->stop_signal;
	struct task *t;

	mutex_assert_held(&g_kernel->lock);
	if (!tg->stop_signal)
		return;
	if (report && was_under_way)
		stop_notify(tg, CLD_STOPPED);
	tg->stopped = false;
	tg->stop_report = false;
	tg->stop_signal = 0;
	tg->stop_pending = 0;
	list_for_each_entry (t, &tg->tasks, group_link) {
		if (!t->stopped && !(atomic_load(&t->work) & TW_STOP))
			continue;
		atomic_fetch_and(&t->work, ~(u32)TW_STOP);
		t->stopped = false;
		task_notify(t);
	}
	if (report && was_stopped) {
		tg->cont_report = true;
		stop_notify(tg, CLD_CONTINUED);
	}
}
