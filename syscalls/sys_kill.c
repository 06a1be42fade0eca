/* SPDX-License-Identifier: Apache-2.0 */
/* sys_kill.c - sending signals: kill, tkill, tgkill, the queueinfo family, pidfd_send_signal */
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

/* [T] What @t sends itself it finds before its call ends: nobody has to fetch it from the guest. */
static void sender_lock(struct task *t)
{
	tasklist_lock();
	g_kernel->sender = t;
}

static void sender_unlock(void)
{
	g_kernel->sender = NULL;
	tasklist_unlock();
}

static bool valid_signal(int sig)
{
	return sig >= 0 && sig <= NSIG_MAX;
}

/* [T] One target: checks the right, then sends (0 only checks). */
static long send_one(struct task *t, struct task *target, const struct siginfo_k *info, int sig,
		     bool group)
{
	long err = signal_permission(t, target, sig);

	if (err || !sig)
		return err;
	return signal_send_from(t, target, info, group);
}

/* [T] Every member of @g: 0 when one could be signalled. */
static long send_pgrp(struct task *t, struct pgrp *g, const struct siginfo_k *info, int sig)
{
	struct tgroup *tg, *tmp;
	long result = -ESRCH, err;

	if (!g)
		return -ESRCH;
	pgrp_get(g);
	list_for_each_entry_safe (tg, tmp, &g->members, pgrp_link) {
		err = send_one(t, tg->leader, info, sig, true);
		if (result)
			result = err;
	}
	pgrp_put(g);
	return result;
}

/* [T] kill(-1): all but process 1 and the caller's. */
static long send_all(struct task *t, const struct siginfo_k *info, int sig)
{
	long result = 0, err;
	struct tgroup *tg;
	bool any = false;

	list_for_each_entry (tg, &g_kernel->groups, all_link) {
		if (tgroup_nr_for(t, tg) <= 1 || tg == t->tg)
			continue;
		any = true;
		err = send_one(t, tg->leader, info, sig, true);
		if (err != -EPERM)
			result = err;
	}
	return any ? result : -ESRCH;
}

long sys_kill(struct task *t, const struct sys_args *a)
{
	s32 pid = ARG_INT(a, 0);
	int sig = ARG_INT(a, 1);
	struct siginfo_k info;
	struct task *target;
	long err;

	if (pid == INT_MIN)
		return -ESRCH;
	siginfo_user(&info, t, sig, SI_USER);
	sender_lock(t);
	if (!valid_signal(sig)) {
		err = -EINVAL;
	} else if (pid > 0) {
		target = task_find_for(t, pid);
		err = target ? send_one(t, target, &info, sig, true) : -ESRCH;
	} else if (pid == -1) {
		err = send_all(t, &info, sig);
	} else {
		err = send_pgrp(t, pid ? pgrp_find_for(t, -pid) : t->tg->pgrp, &info, sig);
	}
	sender_unlock();
	return err;
}

/* To one thread; @tgid < 0: of any group. */
static long send_thread(struct task *t, s32 tgid, s32 tid, const struct siginfo_k *info, int sig)
{
	struct task *target;
	long err = -ESRCH;

	sender_lock(t);
	target = task_find_for(t, tid);
	if (target && !target->exited && (tgid < 0 || tgroup_nr_for(t, target->tg) == tgid))
		err = valid_signal(sig) ? send_one(t, target, info, sig, false) : -EINVAL;
	sender_unlock();
	return err;
}

long sys_tgkill(struct task *t, const struct sys_args *a)
{
	s32 tgid = ARG_INT(a, 0), tid = ARG_INT(a, 1);
	struct siginfo_k info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	siginfo_user(&info, t, ARG_INT(a, 2), SI_TKILL);
	return send_thread(t, tgid, tid, &info, ARG_INT(a, 2));
}

long sys_tkill(struct task *t, const struct sys_args *a)
{
	struct siginfo_k info;

	if (ARG_INT(a, 0) <= 0)
		return -EINVAL;
	siginfo_user(&info, t, ARG_INT(a, 1), SI_TKILL);
	return send_thread(t, -1, ARG_INT(a, 0), &info, ARG_INT(a, 1));
}

/* siginfo of the guest's own making: it must not look like the kernel's, save to oneself. */
static long info_in(struct task *t, gva_t src, int sig, s32 target, struct siginfo_k *out)
{
	if (copy_in_obj(t->mm, out, src))
		return -EFAULT;
	if ((out->si_code >= 0 || out->si_code == SI_TKILL) && target != t->tg->vtgid)
		return -EPERM;
	out->si_signo = sig;
	return 0;
}

long sys_rt_sigqueueinfo(struct task *t, const struct sys_args *a)
{
	s32 pid = ARG_INT(a, 0);
	int sig = ARG_INT(a, 1);
	struct siginfo_k info;
	struct task *target;
	long err = info_in(t, ARG_GVA(a, 2), sig, pid, &info);

	if (err)
		return err;
	sender_lock(t);
	target = task_find_for(t, pid);
	if (!target)
		err = -ESRCH;
	else
		err = valid_signal(sig) ? send_one(t, target, &info, sig, true) : -EINVAL;
	sender_unlock();
	return err;
}

long sys_rt_tgsigqueueinfo(struct task *t, const struct sys_args *a)
{
	s32 tgid = ARG_INT(a, 0), tid = ARG_INT(a, 1);
	int sig = ARG_INT(a, 2);
	struct siginfo_k info;
	long err;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = info_in(t, ARG_GVA(a, 3), sig, tgid, &info);
	return err ? err : send_thread(t, tgid, tid, &info, sig);
}

long sys_pidfd_send_signal(struct task *t, const struct sys_args *a)
{
	int sig = ARG_INT(a, 1);
	scoped_file f = NULL;
	struct siginfo_k info;
	struct tgroup *tg;
	long err;

	if (ARG_UINT(a, 3) & ~7u)
		return -EINVAL;
	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f)
		return -EBADF;
	tg = pidfd_tgroup(f);
	if (!tg)
		return -EBADF;
	if (ARG_GVA(a, 2).v) {
		if (copy_in_obj(t->mm, &info, ARG_GVA(a, 2)))
			return -EFAULT;
		if (info.si_signo != sig)
			return -EINVAL;
		if ((info.si_code >= 0 || info.si_code == SI_TKILL) && tg != t->tg)
			return -EPERM;
	} else {
		siginfo_user(&info, t, sig, SI_USER);
	}
	sender_lock(t);
	if (tg->reaped)
		err = -ESRCH;
	else if (!valid_signal(sig))
		err = -EINVAL;
	else if (ARG_UINT(a, 3) & 4) /* PIDFD_SIGNAL_PROCESS_GROUP */
		err = send_pgrp(t, tg->pgrp, &info, sig);
	else
		err = send_one(t, tg->leader, &info, sig, !(ARG_UINT(a, 3) & 1));
	sender_unlock();
	return err;
}
