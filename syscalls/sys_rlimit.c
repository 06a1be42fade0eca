/* SPDX-License-Identifier: Apache-2.0 */
/* sys_rlimit.c - getrlimit, setrlimit, prlimit64, getrusage, times, sysinfo */
#include <sys/sysinfo.h>

#include "sentry/kernel/process.h"
#include "sentry/kernel/timers.h"
#include "sentry/kernel/wait.h"
#include "syscalls/sys.h"

#define CAP_SYS_RESOURCE_K 24
#define RLIMIT_CPU_K	   0
#define RLIMIT_NOFILE_K	   7

/* [T] */
static long change(struct task *t, struct tgroup *tg, unsigned which,
		   const struct rlimit64_pair *new)
{
	struct rlimit64_pair *r = &tg->rlim[which];

	if (new->cur > new->max)
		return -EINVAL;
	if (which == RLIMIT_NOFILE_K && new->max > 1u << 20)
		return -EPERM;
	if (new->max > r->max && !task_capable(t, CAP_SYS_RESOURCE_K))
		return -EPERM;
	*r = *new;
	if (which == RLIMIT_CPU_K) {
		/* none at all is the least that can be: a second, until which the hard one waits
		 * too */
		tg->cpu_soft_next = new->cur ? new->cur : 1;
		cpu_timer_rearm(tg);
	}
	return 0;
}

/* Another process's limits: its ids must all be ours. [T] */
static bool may_limit(struct task *t, struct task *other)
{
	const struct cred *me = t->cred, *you = other->cred;

	if (t->tg == other->tg || cred_capable_in(me, you->user_ns, CAP_SYS_RESOURCE_K))
		return true;
	return me->uid == you->euid && me->uid == you->suid && me->uid == you->uid &&
	       me->gid == you->egid && me->gid == you->sgid && me->gid == you->gid;
}

static long do_prlimit(struct task *t, s32 pid, unsigned which, const struct rlimit64_pair *new,
		       struct rlimit64_pair *old)
{
	struct task *other;
	long err = 0;

	tasklist_lock();
	other = pid ? task_find_for(t, pid) : t;
	if (!other)
		err = -ESRCH;
	else if (!may_limit(t, other))
		err = -EPERM;
	else if (which >= RLIMITS)
		err = -EINVAL;
	if (!err) {
		*old = other->tg->rlim[which];
		if (new)
			err = change(t, other->tg, which, new);
	}
	tasklist_unlock();
	return err;
}

long sys_getrlimit(struct task *t, const struct sys_args *a)
{
	struct rlimit64_pair old;
	long err = do_prlimit(t, 0, ARG_UINT(a, 0), NULL, &old);

	return err ? err : copy_out_obj(t->mm, ARG_GVA(a, 1), &old);
}

long sys_setrlimit(struct task *t, const struct sys_args *a)
{
	struct rlimit64_pair new, old;

	if (copy_in_obj(t->mm, &new, ARG_GVA(a, 1)))
		return -EFAULT;
	return do_prlimit(t, 0, ARG_UINT(a, 0), &new, &old);
}

long sys_prlimit64(struct task *t, const struct sys_args *a)
{
	bool set = ARG_GVA(a, 2).v != 0;
	struct rlimit64_pair new, old;
	long err;

	if (set && copy_in_obj(t->mm, &new, ARG_GVA(a, 2)))
		return -EFAULT;
	err = do_prlimit(t, ARG_INT(a, 0), ARG_UINT(a, 1), set ? &new : NULL, &old);
	if (err || !ARG_GVA(a, 3).v)
		return err;
	return copy_out_obj(t->mm, ARG_GVA(a, 3), &old);
}

long sys_getrusage(struct task *t, const struct sys_args *a)
{
	struct rusage_k usage;
	int err = task_rusage(t, ARG_INT(a, 0), &usage);

	return err ? err : copy_out_obj(t->mm, ARG_GVA(a, 1), &usage);
}

long sys_times(struct task *t, const struct sys_args *a)
{
	const s64 tick = NSEC_PER_SEC / 100;
	s64 out[4];
	u64 user, system;

	tasklist_lock();
	tgroup_cputime(t->tg, &user, &system);
	out[2] = (s64)t->tg->cutime / tick;
	out[3] = (s64)t->tg->cstime / tick;
	tasklist_unlock();
	out[0] = (s64)user / tick;
	out[1] = (s64)system / tick;
	if (ARG_GVA(a, 0).v && copy_out(t->mm, ARG_GVA(a, 0), out, sizeof(out)))
		return -EFAULT;
	return (long)(time_boottime() / tick);
}
