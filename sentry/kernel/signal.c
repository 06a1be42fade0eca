/* SPDX-License-Identifier: Apache-2.0 */
/* signal.c - sending signals: queues, who takes one, what a signal does at once
 *
 * Theory of operation (signal(7)): a signal is queued to a task or to its group; its effect comes
 * when a task of the group takes it from a queue before it goes back to the guest
 * (signal_deliver.c). Sending decides three things: whether the signal is dropped because it is
 * ignored; whether it stops or continues the group at once; and which task must look. A fatal
 * signal without a core ends the group already here, so that nothing the group does can delay it.
 *
 * The set of pending signals is sigpending.mask; a queue entry carries its siginfo. A signal below
 * SIGRTMIN is pending at most once per queue. Without memory for an entry the signal is pending
 * without details, as in Linux. Everything is guarded by the tasklist lock. TW_SIGNAL of a task
 * says that it should look; it may be set for nothing.
 */
#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"

#define SIGRTMIN_K 32

static SLAB_CACHE(sigqueue_cache, struct sigqueue);
static SLAB_CACHE(sighand_cache, struct sighand);

/* --- handlers --------------------------------------------------------------------------------- */

struct sighand *sighand_create(const struct sighand *from)
{
	struct sighand *h = slab_alloc(&sighand_cache);

	if (!h)
		return NULL;
	ref_init(&h->ref);
	if (from)
		memcpy(h->action, from->action, sizeof(h->action));
	return h;
}

void sighand_put(struct sighand *h)
{
	if (ref_put(&h->ref))
		slab_free(&sighand_cache, h);
}

void sighand_reset(struct sighand *h)
{
	for (unsigned i = 0; i < NSIG_MAX; i++) {
		u64 handler = h->action[i].handler == 1 ? 1 : 0;

		h->action[i] = (struct ksigaction){.handler = handler};
	}
}

/* --- queues ----------------------------------------------------------------------------------- */

void sigpending_init(struct sigpending *p)
{
	p->mask = 0;
	list_init(&p->queue);
}

static void sigqueue_remove(struct sigqueue *q)
{
	list_del(&q->node);
	q->tg->sigqueue_count--;
	if (!q->timer)
		slab_free(&sigqueue_cache, q);
}

void sigpending_flush_mask(struct sigpending *p, u64 mask)
{
	struct sigqueue *q, *tmp;

	if (!(p->mask & mask))
		return;
	p->mask &= ~mask;
	list_for_each_entry_safe (q, tmp, &p->queue, node)
		if (mask & SIGMASK(q->info.si_signo))
			sigqueue_remove(q);
}

void sigpending_flush(struct sigpending *p)
{
	sigpending_flush_mask(p, ~0ull);
}

/* Takes @sig, which is pending, from @p. */
static void sigpending_take(struct sigpending *p, int sig, struct siginfo_k *out)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each_entry (q, &p->queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		p->mask &= ~SIGMASK(sig);
	if (!found) {
		memset(out, 0, sizeof(*out));
		out->si_signo = sig;
		return;
	}
	*out = found->info;
	if (found->timer)
		posix_timer_taken(found->timer, out);
	sigqueue_remove(found);
}

/* The signal of @set to take first: faults before others, then the lowest number. 0: none. */
static int first_signal(u64 set)
{
	const u64 sync = SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) |
			 SIGMASK(SIGFPE) | SIGMASK(SIGSYS);

	if (set & sync)
		set &= sync;
	return set ? __builtin_ctzll(set) + 1 : 0;
}

/* [T] */
static int dequeue(struct task *t, u64 set, struct siginfo_k *out)
{
	int sig = first_signal(t->pending.mask & set);

	if (sig) {
		sigpending_take(&t->pending, sig, out);
		return sig;
	}
	sig = first_signal(t->tg->pending.mask & set);
	if (sig)
		sigpending_take(&t->tg->pending, sig, out);
	return sig;
}

int signal_dequeue_locked(struct task *t, u64 set, struct siginfo_k *out)
{
	mutex_assert_held(&g_kernel->lock);
	return dequeue(t, set, out);
}

int signal_dequeue(struct task *t, u64 set, struct siginfo_k *out)
{
	int sig;

	tasklist_lock();
	sig = dequeue(t, set & ~UNBLOCKABLE, out);
	signal_recalc(t);
	tasklist_unlock();
	return sig;
}

READS_UNLOCKED u64 signal_pending_set(struct task *t, u64 set)
{
	return (t->pending.mask | t->tg->pending.mask) & set;
}

/* --- who must look ---------------------------------------------------------------------------- */

void signal_recalc(struct task *t)
{
	if (signal_pending_set(t, ~t->blocked))
		atomic_fetch_or(&t->work, TW_SIGNAL);
	else
		atomic_fetch_and(&t->work, ~(u32)TW_SIGNAL);
	signal_unattend(t);
}

/* Whoever sends sets the work flag afterwards, so what is seen of the masks is at most too much. */
READS_UNLOCKED bool signal_pending(struct task *t)
{
	u32 work = atomic_load_explicit(&t->work, memory_order_acquire);

	if (work & (TW_STOP | TW_KILL))
		return true;
	return (work & TW_SIGNAL) && signal_pending_set(t, ~t->blocked);
}

void signal_wake(struct task *t, u32 work)
{
	atomic_fetch_or(&t->work, work);
	task_notify(t);
}

/* May @t take @sig, and has it nothing else to do first? */
static bool wants_signal(struct task *t, int sig)
{
	if (t->exited || t->exit_stage || (task_blocked(t) & SIGMASK(sig)))
		return false;
	if (sig == SIGKILL)
		return true;
	return !t->stopped && !(atomic_load(&t->work) & TW_SIGNAL);
}

static struct task *choose_task(struct task *t, int sig, bool group)
{
	struct task *other;

	if (wants_signal(t, sig))
		return t;
	if (!group)
		return NULL;
	list_for_each_entry (other, &t->tg->tasks, group_link)
		if (wants_signal(other, sig))
			return other;
	return NULL;
}

/* Wakes those others of @t's group that take signals of @set; what is left. */
static u64 retarget(struct task *t, u64 set)
{
	struct task *other;

	list_for_each_entry (other, &t->tg->tasks, group_link) {
		u64 blocked = task_blocked(other);

		if (!set)
			break;
		if (other == t || other->exited || other->exit_stage || !(set & ~blocked))
			continue;
		set &= blocked;
		if (!(atomic_load(&other->work) & TW_SIGNAL))
			signal_wake(other, TW_SIGNAL);
	}
	return set;
}

void signal_retarget(struct task *t)
{
	u64 set = retarget(t, t->tg->pending.mask & ~t->blocked);

	if (!set)
		return;
	signal_attend(t, true);
	retarget(t, set);
}

static bool is_fatal(struct task *t, int sig)
{
	return t->sighand->action[sig - 1].handler == 0 &&
	       !(SIGMASK(sig) & (IGNORED_BY_DEFAULT | STOP_SIGNALS));
}

/* A signal was queued: wakes who takes it, or ends the group. */
static void complete_signal(struct task *t, int sig, bool group, bool forced)
{
	struct task *target;

	signal_attend(t, false);
	target = choose_task(t, sig, group);
	if (!target && group) {
		signal_attend(t, true);
		target = choose_task(t, sig, group);
	}
	waitq_wake(&t->tg->signalfd, 0x1); /* EPOLLIN */
	if (!target)
		return;
	if (is_fatal(target, sig) && !t->tg->exiting && !(target->real_blocked & SIGMASK(sig)) &&
	    !(SIGMASK(sig) & CORE_SIGNALS) && (forced || !t->tg->unkillable)) {
		stop_end(t->tg, false);
		group_exit_locked(t->tg, NULL, (u32)sig);
		return;
	}
	signal_wake(target, TW_SIGNAL);
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool is_ignored(struct task *t, int sig, bool forced)
{
	u64 handler = t->sighand->action[sig - 1].handler;

	if ((task_blocked(t) | t->real_blocked) & SIGMASK(sig))
		return false;
	if (handler == 0 && t->tg->unkillable && !(forced && (SIGMASK(sig) & UNBLOCKABLE)))
		return true;
	return handler == 1 || (handler == 0 && (SIGMASK(sig) & IGNORED_BY_DEFAULT));
}

static void flush_group(struct tgroup *tg, u64 mask)
{
	struct task *t;

	sigpending_flush_mask(&tg->pending, mask);
	list_for_each_entry (t, &tg->tasks, group_link)
		sigpending_flush_mask(&t->pending, mask);
}

/* What sending does at once; false: the signal vanishes. */
static bool prepare(struct task *t, int sig, bool forced)
{
	if (t->tg->exiting || t->tg->live == 0)
		return false;
	if (SIGMASK(sig) & STOP_SIGNALS) {
		flush_group(t->tg, SIGMASK(SIGCONT));
	} else if (sig == SIGCONT) {
		flush_group(t->tg, STOP_SIGNALS);
		stop_end(t->tg, true);
	}
	return !is_ignored(t, sig, forced);
}

static struct sigqueue *sigqueue_create(struct tgroup *tg, const struct siginfo_k *info)
{
	bool unlimited = info->si_signo < SIGRTMIN_K && info->si_code >= 0;
	struct sigqueue *q;

	if (!unlimited && tg->sigqueue_count >= tg->rlim[11].cur) /* RLIMIT_SIGPENDING */
		return NULL;
	q = slab_alloc(&sigqueue_cache);
	if (!q)
		return NULL;
	q->info = *info;
	q->tg = tg;
	return q;
}

static int send_locked(struct task *t, const struct siginfo_k *info, bool group, bool forced)
{
	struct sigpending *p = group ? &t->tg->pending : &t->pending;
	int sig = info->si_signo;
	struct sigqueue *q;

	mutex_assert_held(&g_kernel->lock);
	if (sig < 1 || sig > NSIG_MAX || !prepare(t, sig, forced))
		return 0;
	if (sig < SIGRTMIN_K && (p->mask & SIGMASK(sig)))
		return 0;
	q = sigqueue_create(t->tg, info);
	if (q) {
		list_append(&p->queue, &q->node);
		t->tg->sigqueue_count++;
	} else if (sig >= SIGRTMIN_K && info->si_code != SI_USER && !forced) {
		return -EAGAIN;
	}
	p->mask |= SIGMASK(sig);
	complete_signal(t, sig, group, forced);
	return 0;
}

int signal_send_locked(struct task *t, const struct siginfo_k *info, bool group)
{
	return send_locked(t, info, group, info->si_code == SI_KERNEL_CODE);
}

int signal_send_from(struct task *from, struct task *t, const struct siginfo_k *info, bool group)
{
	struct siginfo_k seen = *info;
	s32 nr;

	if (likely(from->tg->pid_ns == t->tg->pid_ns && from->cred->user_ns == t->cred->user_ns &&
		   !from->tg->pid_ns->level && !from->cred->user_ns))
		return signal_send_locked(t, info, group);
	nr = pid_nr_in(from->tg->leader->pid, t->tg->pid_ns);
	if (info->si_code == SI_USER || info->si_code == SI_TKILL) {
		seen.rt.pid = nr;
		seen.rt.uid = uid_out(t->cred, from->cred->uid);
	} else if (info->si_code < 0) {
		seen.rt.pid = nr ? seen.rt.pid : 0;
		seen.rt.uid = uid_out(t->cred, uid_in(from->cred, seen.rt.uid));
	}
	return send_locked(t, &seen, group, !nr);
}

int signal_send_timer(struct sigqueue *q, struct task *t, bool group)
{
	struct sigpending *p = group ? &t->tg->pending : &t->pending;
	int sig = q->info.si_signo;

	mutex_assert_held(&g_kernel->lock);
	if (!list_empty(&q->node))
		return 0;
	if (!prepare(t, sig, false))
		return 2;
	q->tg = t->tg;
	t->tg->sigqueue_count++;
	list_append(&p->queue, &q->node);
	p->mask |= SIGMASK(sig);
	complete_signal(t, sig, group, false);
	return 1;
}

/* Is there still an entry for each pending bit @sig of @p? */
static void recheck(struct sigpending *p, int sig)
{
	struct sigqueue *q;

	list_for_each_entry (q, &p->queue, node)
		if (q->info.si_signo == sig)
			return;
	p->mask &= ~SIGMASK(sig);
}

void signal_cancel_timer(struct sigqueue *q)
{
	struct task *t;

	mutex_assert_held(&g_kernel->lock);
	if (list_empty(&q->node))
		return;
	sigqueue_remove(q);
	recheck(&q->tg->pending, q->info.si_signo);
	list_for_each_entry (t, &q->tg->tasks, group_link)
		recheck(&t->pending, q->info.si_signo);
}

int signal_send(struct task *t, const struct siginfo_k *info, bool group)
{
	int err;

	tasklist_lock();
	err = signal_send_locked(t, info, group);
	tasklist_unlock();
	return err;
}

void siginfo_kernel(struct siginfo_k *info, int sig)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = SI_KERNEL_CODE;
}

void siginfo_user(struct siginfo_k *info, struct task *from, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->rt.pid = from->tg->vtgid;
	info->rt.uid = uid_out(from->cred, from->cred->uid);
}

void siginfo_child(struct siginfo_k *info, const struct tgroup *tg)
{
	const struct tgroup *parent = tg->parent;
	u32 uid = tg->leader->cred->uid;

	info->chld.pid = parent ? pid_nr_in(tg->leader->pid, parent->pid_ns) : tg->tgid;
	info->chld.uid = parent ? uid_out(parent->leader->cred, uid) : uid;
}

int signal_send_pgrp(struct pgrp *g, int sig)
{
	struct siginfo_k info;
	struct tgroup *tg;

	mutex_assert_held(&g_kernel->lock);
	siginfo_kernel(&info, sig);
	list_for_each_entry (tg, &g->members, pgrp_link)
		if (tg->live)
			signal_send_locked(tg->leader, &info, true);
	return 0;
}

void signal_send_self(struct task *t, int sig)
{
	struct siginfo_k info;

	siginfo_user(&info, t, sig, SI_USER);
	signal_send(t, &info, false);
}

void signal_force(struct task *t, const struct siginfo_k *info)
{
	int sig = info->si_signo;
	struct ksigaction *ka;
	struct sigqueue *q;

	tasklist_lock();
	ka = &t->sighand->action[sig - 1];
	if (ka->handler == 1 || (t->blocked & SIGMASK(sig))) {
		ka->handler = 0;
		t->blocked &= ~SIGMASK(sig);
		signal_share_out(t);
	}
	if (ka->handler == 0)
		t->tg->unkillable = false;
	if (!(t->pending.mask & SIGMASK(sig))) {
		q = sigqueue_create(t->tg, info);
		if (q) {
			list_append(&t->pending.queue, &q->node);
			t->tg->sigqueue_count++;
		}
		t->pending.mask |= SIGMASK(sig);
	}
	atomic_fetch_or(&t->work, TW_SIGNAL);
	tasklist_unlock();
}

int signal_permission(struct task *t, struct task *target, int sig)
{
	const struct cred *me = t->cred, *you = target->cred;

	mutex_assert_held(&g_kernel->lock);
	if (t->tg == target->tg)
		return 0;
	if (me->euid == you->suid || me->euid == you->uid || me->uid == you->suid ||
	    me->uid == you->uid)
		return 0;
	if (cred_capable_in(me, you->user_ns, 5)) /* CAP_KILL */
		return 0;
	if (sig == SIGCONT && t->tg->session == target->tg->session)
		return 0;
	return -EPERM;
}

/* --- masks ------------------------------------------------------------------------------------ */

/* [T] */
static void set_blocked(struct task *t, u64 mask)
{
	u64 newly = mask & ~t->blocked;

	if (newly && t->tg->live > 1) {
		/* What only we would have taken must find another task. */
		u64 keep = t->blocked;

		t->blocked = ~newly;
		signal_retarget(t);
		t->blocked = keep;
	}
	t->blocked = mask;
	signal_share_out(t);
	signal_recalc(t);
}

void signal_set_blocked(struct task *t, u64 mask)
{
	mask &= ~UNBLOCKABLE;
	if (mask == t->blocked)
		return;
	tasklist_lock();
	set_blocked(t, mask);
	tasklist_unlock();
}

void signal_wait_begin(struct task *t, u64 set)
{
	tasklist_lock();
	t->real_blocked = t->blocked;
	set_blocked(t, t->blocked & ~set);
	tasklist_unlock();
}

void signal_wait_end(struct task *t)
{
	tasklist_lock();
	set_blocked(t, t->real_blocked);
	t->real_blocked = 0;
	tasklist_unlock();
}

void signal_temp_mask(struct task *t, u64 mask)
{
	if (t->wait.again || t->restore_blocked)
		return;
	t->saved_blocked = t->blocked;
	t->restore_blocked = true;
	signal_set_blocked(t, mask);
}

void signal_restore_mask(struct task *t)
{
	if (!t->restore_blocked)
		return;
	t->restore_blocked = false;
	signal_set_blocked(t, t->saved_blocked);
}
