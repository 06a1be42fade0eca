/* SPDX-License-Identifier: Apache-2.0 */
/* signal_share.c - signal masks and robust lists that the guest changes by itself
 *
 * Theory of operation: see struct pctx_share. While a task is at the border t->blocked is its mask,
 * and every change is stored to the share as well (signal_share_out). While it is in the guest the
 * share holds it: senders read it there (task_blocked), and the owner takes it over with the next
 * event (signal_share_in). The guest may write anything there: it is its own mask.
 *
 * share->attention is set, under [T], when a signal is queued, and cleared when its task finds none
 * pending. A sender sets it first and looks at the mask then; the guest's side does the reverse.
 *
 * A task whose calls somebody wants to see (hooks, filters of its own) answers none by itself.
 * Where memory was locked madvise is not answered: it would forget what only we know to be locked.
 */
#include <sys/syscall.h>

#include "sentry/kernel/process.h"
#include "sentry/kernel/seccomp.h"

static struct pctx_share *share_of(const struct task *t)
{
	struct pctx *ctx = atomic_load_explicit(&t->ctx, memory_order_relaxed);

	return ctx ? pctx_share(ctx) : NULL;
}

static bool in_guest(const struct task *t)
{
	u32 state = atomic_load(&t->wait.state);

	return state == TS_GUEST || state == TS_COMMAND;
}

u64 task_blocked(const struct task *t)
{
	struct pctx_share *s = in_guest(t) ? share_of(t) : NULL;

	return s ? atomic_load(&s->mask) & ~UNBLOCKABLE : t->blocked;
}

void signal_share_in(struct task *t)
{
	struct pctx_share *s = share_of(t);

	if (s)
		signal_set_blocked(t, atomic_load_explicit(&s->mask, memory_order_relaxed));
}

void signal_share_out(struct task *t)
{
	struct pctx_share *s = share_of(t);

	if (s)
		atomic_store_explicit(&s->mask, t->blocked, memory_order_relaxed);
}

static void attend(const struct task *t, bool on)
{
	struct pctx_share *s = share_of(t);

	if (s)
		atomic_store(&s->attention, on);
}

void signal_attend(struct task *t, bool group)
{
	struct task *other;

	mutex_assert_held(&g_kernel->lock);
	if (!group) {
		attend(t, true);
		return;
	}
	list_for_each_entry (other, &t->tg->tasks, group_link)
		attend(other, true);
}

void signal_unattend(struct task *t)
{
	mutex_assert_held(&g_kernel->lock);
	attend(t, signal_pending_set(t, ~0ull));
}

void signal_share_recheck(struct task *t)
{
	struct pctx_share *s = share_of(t);

	if (!s || !atomic_load_explicit(&s->attention, memory_order_relaxed))
		return;
	tasklist_lock();
	signal_recalc(t);
	tasklist_unlock();
}

/* --- who may answer by itself ----------------------------------------------------------------- */

static u32 may_answer(const struct task *t)
{
	static const u16 calls[] = {SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_set_robust_list,
				    SYS_madvise};
	const struct kernel_hooks *h = g_kernel->config.hooks;
	const struct seccomp_filter *f = atomic_load(&t->seccomp);

	if ((h && (h->sys_enter || h->sys_exit)) || (!f && atomic_load(&t->seccomp_mode)))
		return 0;
	for (unsigned i = 0; f && i < array_size(calls); i++)
		if (!seccomp_always_allows(f, calls[i]))
			return 0;
	if (!t->mm || atomic_load(&t->mm->was_locked))
		return SHARE_SIGNALS;
	return SHARE_SIGNALS | SHARE_MADVISE;
}

void signal_share_allow(struct task *t)
{
	struct pctx_share *s = share_of(t);

	mutex_assert_held(&g_kernel->lock);
	if (s)
		atomic_store(&s->local, may_answer(t));
}

void task_memory_locked(struct task *t)
{
	struct tgroup *tg;
	struct task *other;

	if (atomic_exchange(&t->mm->was_locked, true))
		return;
	tasklist_lock();
	list_for_each_entry (tg, &g_kernel->groups, all_link)
		list_for_each_entry (other, &tg->tasks, group_link)
			if (other->mm == t->mm)
				signal_share_allow(other);
	tasklist_unlock();
}

void signal_share_start(struct task *t)
{
	mutex_assert_held(&g_kernel->lock);
	signal_share_out(t);
	signal_unattend(t);
	signal_share_allow(t);
}

void signal_share_child(struct task *t)
{
	tasklist_lock();
	signal_share_allow(t);
	if (signal_pending_set(t, ~0ull)) {
		attend(t, true);
		if (signal_pending_set(t, ~task_blocked(t)))
			signal_wake(t, TW_SIGNAL);
	}
	if (atomic_load(&t->work))
		task_notify(t);
	tasklist_unlock();
}

/* --- robust lists ----------------------------------------------------------------------------- */

gva_t task_robust_list(const struct task *t)
{
	struct pctx_share *s = share_of(t);

	return s ? GVA(atomic_load(&s->robust)) : t->robust_list;
}

void task_set_robust_list(struct task *t, gva_t head)
{
	struct pctx_share *s = share_of(t);

	t->robust_list = head;
	if (s)
		atomic_store(&s->robust, head.v);
}

/* --- frames ----------------------------------------------------------------------------------- */

void signal_share_frame(struct task *t, u64 uc)
{
	struct pctx_share *s = share_of(t);

	if (!s)
		return;
	s->sigreturn = uc;
	s->alt_sp = t->altstack_sp.v;
	s->alt_size = t->altstack_size;
	s->alt_flags = t->altstack_flags;
}
