/* SPDX-License-Identifier: Apache-2.0 */
/* signal_deliver.c - what a task does about its signals before it goes back to the guest
 *
 * Theory of operation: called by the owner with registers at hand. One after another: die
 * (TW_KILL), stop (TW_STOP), take a signal and do what its action says. A handler gets a frame on
 * the guest's stack; further signals may stack theirs on top. The result of the call under way is
 * settled when the first handler's frame is built (restart rules), or when no handler ran: then a
 * restart code means that the call goes on, and every other result is stored.
 */
#include "sentry/kernel/process.h"
#include "sentry/kernel/task_internal.h"

#define X86_TRAP_FLAGS 0x10500ull /* RF, DF, TF */

/* --- the result of the call ------------------------------------------------------------------- */

static bool is_restart_code(long ret)
{
	return ret == -ERESTARTSYS || ret == -ERESTARTNOINTR || ret == -ERESTARTNOHAND ||
	       ret == -ERESTART_RESTARTBLOCK;
}

/* A handler with @flags will run: what the interrupted call's result is. */
static void settle_for_handler(struct task *t, struct pregs *regs, long ret, u64 flags)
{
	bool restart = ret == -ERESTARTNOINTR || (ret == -ERESTARTSYS && (flags & SA_RESTART));

	if (restart) {
		regs->rax = (u64)(u32)t->sys.nr;
		regs->rip = t->sys.ip - 2;
	} else {
		regs->rax = is_restart_code(ret) ? (u64)-EINTR : (u64)ret;
	}
}

/* --- actions ---------------------------------------------------------------------------------- */

#define CORE_MIN 4096 /* bytes: below that Linux writes no core */

u32 signal_death_code(struct task *t, int sig)
{
	u32 code = (u32)sig;

	if ((SIGMASK(sig) & CORE_SIGNALS) && t->tg->rlim[4].cur >= CORE_MIN && /* RLIMIT_CORE */
	    atomic_load(&t->mm->dumpable) == 1)
		code |= 0x80;
	return code;
}

/* The signal has its default action. 0: nothing; -EBLOCKED: stops; 1: dies. [T] */
static long default_action(struct task *t, int sig)
{
	struct tgroup *tg = t->tg;

	if (SIGMASK(sig) & IGNORED_BY_DEFAULT)
		return 0;
	if (tg->unkillable && !(SIGMASK(sig) & UNBLOCKABLE))
		return 0;
	if (SIGMASK(sig) & STOP_SIGNALS) {
		if (sig != SIGSTOP && tg->pgrp && pgrp_is_orphaned(tg->pgrp))
			return 0;
		return stop_start(t, sig);
	}
	return 1;
}

/* The next thing to do. 0: nothing left; > 0: the signal, with its action copied; -EBLOCKED;
 * -EGONE: *out_code. [T] */
static long next_action(struct task *t, struct siginfo_k *info, struct ksigaction *ka,
			u32 *out_code)
{
	struct ksigaction *action;
	int sig;
	long r;

	for (;;) {
		if (t->stopped)
			return -EBLOCKED;
		if (atomic_load(&t->work) & TW_STOP)
			return stop_join(t);
		sig = signal_dequeue_locked(t, ~t->blocked, info);
		if (!sig) {
			signal_recalc(t);
			return 0;
		}
		action = &t->sighand->action[sig - 1];
		if (action->handler == 1)
			continue;
		if (action->handler != 0) {
			*ka = *action;
			if (action->flags & SA_RESETHAND)
				action->handler = 0;
			return sig;
		}
		r = default_action(t, sig);
		if (r < 0)
			return r;
		if (r > 0) {
			*out_code = signal_death_code(t, sig);
			return -EGONE;
		}
	}
}

/* --- handlers --------------------------------------------------------------------------------- */

/* A frame could not be built, or a bad one came back: SIGSEGV that cannot be handled when it was
 * one itself. */
static void force_segv(struct task *t, int sig)
{
	struct siginfo_k info;

	siginfo_kernel(&info, SIGSEGV);
	if (sig == SIGSEGV) {
		tasklist_lock();
		t->sighand->action[SIGSEGV - 1].handler = 0;
		tasklist_unlock();
	}
	signal_force(t, &info);
}

static void trace_signal(struct task *t, int sig)
{
	const struct kernel_hooks *h = g_kernel->config.hooks;

	if (unlikely(h && h->signal))
		h->signal(t, sig);
}

static void run_handler(struct task *t, struct pregs *regs, const struct ksigaction *ka,
			const struct siginfo_k *info)
{
	u64 mask = t->restore_blocked ? t->saved_blocked : t->blocked;
	int sig = info->si_signo;
	u64 blocked;

	trace_signal(t, sig);
	if (signal_frame_push(t, regs, ka, info, mask)) {
		force_segv(t, sig);
		return;
	}
	regs->eflags &= ~X86_TRAP_FLAGS;
	t->restore_blocked = false;
	blocked = t->blocked | ka->mask;
	if (!(ka->flags & SA_NODEFER))
		blocked |= SIGMASK(sig);
	signal_set_blocked(t, blocked);
}

long signal_deliver(struct task *t, struct pregs *regs, long ret)
{
	bool handled = false;
	struct ksigaction ka;
	struct siginfo_k info;
	u32 code = 0;
	long r;

	for (;;) {
		if (atomic_load(&t->work) & TW_KILL)
			return task_exit_killed(t);
		tasklist_lock();
		r = next_action(t, &info, &ka, &code);
		tasklist_unlock();
		if (r == -EGONE) {
			trace_signal(t, (int)(code & 0x7f));
			return task_exit(t, code, true);
		}
		if (r == -EBLOCKED)
			return atomic_load(&t->work) & TW_KILL ? task_exit_killed(t) : -EBLOCKED;
		if (r == 0)
			break;
		if (!handled && t->in_syscall)
			settle_for_handler(t, regs, ret, ka.flags);
		handled = true;
		run_handler(t, regs, &ka, &info);
	}
	if (handled || !t->in_syscall)
		return 0;
	if (is_restart_code(ret))
		return 1;
	regs->rax = (u64)ret;
	signal_restore_mask(t);
	return 0;
}

long signal_return(struct task *t)
{
	struct pctx *ctx = atomic_load(&t->ctx);
	struct pregs regs;

	pctx_get_regs(ctx, &regs);
	if (signal_frame_pop(t, &regs))
		force_segv(t, 0);
	else
		pctx_set_regs(ctx, &regs);
	return -ENORETURN;
}
