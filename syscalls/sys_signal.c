/* SPDX-License-Identifier: Apache-2.0 */
/* sys_signal.c - actions, masks, alternate stacks, waiting for signals */
#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

#define SA_UNSUPPORTED_FLAG    0x400ull
#define SA_EXPOSE_TAGBITS_FLAG 0x800ull
#define UAPI_SA_FLAGS                                                                    \
	((u64)(u32)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | \
		    SA_NODEFER | SA_RESETHAND) |                                         \
	 SA_EXPOSE_TAGBITS_FLAG | SA_RESTORER_FLAG)

static bool valid_signal(int sig)
{
	return sig >= 1 && sig <= NSIG_MAX;
}

/* Pending signals that the new action ignores vanish. [T] */
static void drop_ignored(struct task *t, int sig)
{
	const struct ksigaction *ka = &t->sighand->action[sig - 1];
	struct task *other;

	if (ka->handler != 1 && !(ka->handler == 0 && (SIGMASK(sig) & IGNORED_BY_DEFAULT)))
		return;
	sigpending_flush_mask(&t->tg->pending, SIGMASK(sig));
	list_for_each_entry (other, &t->tg->tasks, group_link)
		sigpending_flush_mask(&other->pending, SIGMASK(sig));
}

long sys_rt_sigaction(struct task *t, const struct sys_args *a)
{
	int sig = ARG_INT(a, 0);
	struct ksigaction new, old;
	bool set = ARG_GVA(a, 1).v != 0;

	if (a->a[3] != 8)
		return -EINVAL;
	if (set && copy_in_obj(t->mm, &new, ARG_GVA(a, 1)))
		return -EFAULT;
	if (!valid_signal(sig) || (set && (SIGMASK(sig) & UNBLOCKABLE)))
		return -EINVAL;
	if (set) {
		new.flags &= UAPI_SA_FLAGS;
		new.mask &= ~UNBLOCKABLE;
	}
	tasklist_lock();
	old = t->sighand->action[sig - 1];
	if (set) {
		t->sighand->action[sig - 1] = new;
		drop_ignored(t, sig);
	}
	tasklist_unlock();
	if (ARG_GVA(a, 2).v && copy_out_obj(t->mm, ARG_GVA(a, 2), &old))
		return -EFAULT;
	return 0;
}

long sys_rt_sigprocmask(struct task *t, const struct sys_args *a)
{
	u64 old = t->blocked, set, new;

	if (a->a[3] != 8)
		return -EINVAL;
	if (ARG_GVA(a, 1).v) {
		if (copy_in_obj(t->mm, &set, ARG_GVA(a, 1)))
			return -EFAULT;
		switch (ARG_INT(a, 0)) {
		case SIG_BLOCK:
			new = old | set;
			break;
		case SIG_UNBLOCK:
			new = old & ~set;
			break;
		case SIG_SETMASK:
			new = set;
			break;
		default:
			return -EINVAL;
		}
		signal_set_blocked(t, new);
	}
	signal_share_recheck(t);
	if (ARG_GVA(a, 2).v && copy_out_obj(t->mm, ARG_GVA(a, 2), &old))
		return -EFAULT;
	return 0;
}

long sys_rt_sigpending(struct task *t, const struct sys_args *a)
{
	u64 set = signal_pending_set(t, t->blocked);

	if (a->a[1] > 8)
		return -EINVAL;
	return copy_out(t->mm, ARG_GVA(a, 0), &set, a->a[1]);
}

long sys_rt_sigreturn(struct task *t, const struct sys_args *a)
{
	return signal_return(t);
}

long sys_rt_sigsuspend(struct task *t, const struct sys_args *a)
{
	u64 mask;

	if (!t->wait.again) {
		if (a->a[1] != 8)
			return -EINVAL;
		if (copy_in_obj(t->mm, &mask, ARG_GVA(a, 0)))
			return -EFAULT;
		signal_temp_mask(t, mask);
	}
	return task_block(t, -ERESTARTNOHAND);
}

long sys_pause(struct task *t, const struct sys_args *a)
{
	return task_block(t, -ERESTARTNOHAND);
}

long sys_restart_syscall(struct task *t, const struct sys_args *a)
{
	return -EINTR;
}

long sys_sigaltstack(struct task *t, const struct sys_args *a)
{
	struct stack_k new, old;
	struct pregs regs;
	u64 sp = 0;
	int err;

	if (ARG_GVA(a, 0).v && copy_in_obj(t->mm, &new, ARG_GVA(a, 0)))
		return -EFAULT;
	if (t->has_regs) {
		pctx_get_regs(atomic_load(&t->ctx), &regs);
		sp = regs.rsp;
	}
	altstack_get(t, &old, sp);
	if (ARG_GVA(a, 0).v) {
		err = altstack_set(t, &new, sp, 2048);
		if (err)
			return err;
	}
	if (ARG_GVA(a, 1).v && copy_out_obj(t->mm, ARG_GVA(a, 1), &old))
		return -EFAULT;
	return 0;
}

/* --- sigtimedwait
 * ------------------------------------------------------------------------------------- */

/* While it waits, the signals of the set are unblocked, so that senders choose this task; they are
 * taken here before anything could deliver them. */
static void timedwait_end(struct task *t)
{
	if (t->real_blocked)
		signal_wait_end(t);
}

static long timedwait_take(struct task *t, u64 set, gva_t out)
{
	struct siginfo_k info;
	int sig = signal_dequeue(t, set, &info);

	if (!sig)
		return 0;
	timedwait_end(t);
	if (out.v && copy_out_obj(t->mm, out, &info))
		return -EFAULT;
	return sig;
}

long sys_rt_sigtimedwait(struct task *t, const struct sys_args *a)
{
	s64 timeout = -1;
	u64 set;
	long r;
	int err;

	err = sigset_in(t, ARG_GVA(a, 0), a->a[3], &set);
	if (err)
		return err;
	set &= ~UNBLOCKABLE;
	if (!t->wait.again && ARG_GVA(a, 2).v) {
		err = timespec_in(t, ARG_GVA(a, 2), &timeout);
		if (err)
			return err;
	}
	r = timedwait_take(t, set, ARG_GVA(a, 1));
	if (r)
		return r;
	if (timeout == 0 || task_timed_out(t) || (t->wait.again && signal_pending(t))) {
		timedwait_end(t);
		return timeout == 0 || task_timed_out(t) ? -EAGAIN : -EINTR;
	}
	if (!t->wait.again) {
		task_set_timeout(t, timeout);
		t->wait.cleanup = timedwait_end;
		if (t->blocked & set)
			signal_wait_begin(t, set);
		r = timedwait_take(t, set, ARG_GVA(a, 1));
		if (r)
			return r;
		if (signal_pending(t)) {
			timedwait_end(t);
			return -EINTR;
		}
	}
	return task_block(t, INTR_NEVER);
}
