/* SPDX-License-Identifier: Apache-2.0 */
/* sys_sched.c - scheduling (sched(7)), nice values, I/O priorities
 *
 * Affinity and nice values reach the host threads; real-time policies are recorded and shown, but
 * have no effect.
 */
#include <sched.h>
#include <sys/resource.h>

#include "sentry/kernel/process.h"
#include "sentry/auth/userns.h"
#include "syscalls/sys.h"

#define CAP_SYS_NICE_K	      23
#define CAP_SYS_ADMIN_K	      21
#define RLIMIT_NICE_K	      13
#define RLIMIT_RTPRIO_K	      14
#define SCHED_RESET_ON_FORK_K 0x40000000
#define CPU_WORDS	      16

long sys_sched_yield(struct task *t, const struct sys_args *a)
{
	return 0;
}

/* [T] The task named by @pid, 0: the caller. */
static struct task *target_of(struct task *t, s32 pid)
{
	return pid ? task_find_for(t, pid) : t;
}

/* [T] May t change how @other is scheduled? */
static bool may_change(struct task *t, struct task *other)
{
	return t->cred->euid == other->cred->euid || t->cred->euid == other->cred->uid ||
	       cred_capable_in(t->cred, other->cred->user_ns, CAP_SYS_NICE_K);
}

/* --- affinity
 * ------------------------------------------------------------------------------------------- */

/* The guest's CPUs are 0 ... cpus - 1: fewer than the host's when a quota or a cpuset says so. What
 * of @mask is beyond is not shown; with nothing left all that are shown are. True: there was some.
 */
static bool clip_cpus(u64 mask[CPU_WORDS])
{
	bool any = false;

	for (unsigned cpu = 0; cpu < CPU_WORDS * 64; cpu++) {
		if (cpu >= g_kernel->config.cpus)
			mask[cpu / 64] &= ~(1ull << (cpu % 64));
		else if (mask[cpu / 64] >> (cpu % 64) & 1)
			any = true;
	}
	for (unsigned cpu = 0; !any && cpu < min(g_kernel->config.cpus, CPU_WORDS * 64u); cpu++)
		mask[cpu / 64] |= 1ull << (cpu % 64);
	return any;
}

long sys_sched_setaffinity(struct task *t, const struct sys_args *a)
{
	u64 size = min((u64)ARG_UINT(a, 1), (u64)CPU_WORDS * 8), mask[CPU_WORDS] = {0};
	struct task *other;
	struct pctx *ctx;
	long err = 0;

	if (copy_in(t->mm, mask, ARG_GVA(a, 2), size))
		return -EFAULT;
	tasklist_lock();
	other = target_of(t, ARG_INT(a, 0));
	ctx = other ? atomic_load(&other->ctx) : NULL;
	if (!ctx)
		err = -ESRCH;
	else if (!may_change(t, other))
		err = -EPERM;
	else
		err = pctx_setaffinity(ctx, mask, CPU_WORDS);
	/* A CPU that the guest is shown and the host does not give. */
	if (err == -EINVAL && clip_cpus(mask))
		err = 0;
	tasklist_unlock();
	return err;
}

long sys_sched_getaffinity(struct task *t, const struct sys_args *a)
{
	u64 size = ARG_UINT(a, 1), mask[CPU_WORDS] = {0}, bytes;
	struct task *other;
	struct pctx *ctx;
	long err;

	if ((size & 7) || size * 8 < g_kernel->config.cpus)
		return -EINVAL;
	tasklist_lock();
	other = target_of(t, ARG_INT(a, 0));
	ctx = other ? atomic_load(&other->ctx) : NULL;
	err = ctx ? pctx_getaffinity(ctx, mask, CPU_WORDS) : -ESRCH;
	tasklist_unlock();
	if (err < 0)
		return err;
	clip_cpus(mask);
	bytes = align_up((u64)(g_kernel->config.cpus + 7) / 8, 8ull);
	bytes = min(size, bytes ? bytes : 8);
	return copy_out(t->mm, ARG_GVA(a, 2), mask, bytes) ? -EFAULT : (long)bytes;
}

/* --- policies
 * ------------------------------------------------------------------------------------------- */

static int priority_range(int policy, int *out_min, int *out_max)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		*out_min = 1;
		*out_max = 99;
		return 0;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case 6: /* SCHED_DEADLINE */
		*out_min = *out_max = 0;
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_sched_get_priority_max(struct task *t, const struct sys_args *a)
{
	int lo, hi, err = priority_range(ARG_INT(a, 0), &lo, &hi);

	return err ? err : hi;
}

long sys_sched_get_priority_min(struct task *t, const struct sys_args *a)
{
	int lo, hi, err = priority_range(ARG_INT(a, 0), &lo, &hi);

	return err ? err : lo;
}

struct sched_request {
	int policy; /* -1: keep */
	int priority;
	bool reset_on_fork, set_nice;
	int nice;
};

/* [T] */
static long set_policy(struct task *t, struct task *other, const struct sched_request *r)
{
	int policy = r->policy < 0 ? (int)other->sched_policy : r->policy, lo, hi;

	if (priority_range(policy, &lo, &hi) || policy == 6)
		return -EINVAL;
	if (r->priority < lo || r->priority > hi)
		return -EINVAL;
	if (!task_capable(t, CAP_SYS_NICE_K)) {
		if (!may_change(t, other))
			return -EPERM;
		if (r->priority > (int)other->sched_priority &&
		    (u64)r->priority > other->tg->rlim[RLIMIT_RTPRIO_K].cur)
			return -EPERM;
		if (other->sched_reset_on_fork && !r->reset_on_fork)
			return -EPERM;
	}
	other->sched_policy = (u32)policy;
	other->sched_priority = (u32)r->priority;
	other->sched_reset_on_fork = r->reset_on_fork;
	return 0;
}

static long change_policy(struct task *t, s32 pid, const struct sched_request *r)
{
	struct task *other;
	long err;

	if (pid < 0)
		return -EINVAL;
	tasklist_lock();
	other = target_of(t, pid);
	err = other ? set_policy(t, other, r) : -ESRCH;
	tasklist_unlock();
	return err;
}

long sys_sched_setscheduler(struct task *t, const struct sys_args *a)
{
	struct sched_request r = {.policy = ARG_INT(a, 1) & ~SCHED_RESET_ON_FORK_K,
				  .reset_on_fork = ARG_INT(a, 1) & SCHED_RESET_ON_FORK_K};
	s32 priority;

	if (ARG_INT(a, 1) < 0 || !ARG_GVA(a, 2).v)
		return -EINVAL;
	if (copy_in_obj(t->mm, &priority, ARG_GVA(a, 2)))
		return -EFAULT;
	r.priority = priority;
	return change_policy(t, ARG_INT(a, 0), &r);
}

long sys_sched_setparam(struct task *t, const struct sys_args *a)
{
	struct sched_request r = {.policy = -1};
	s32 priority;

	if (!ARG_GVA(a, 1).v)
		return -EINVAL;
	if (copy_in_obj(t->mm, &priority, ARG_GVA(a, 1)))
		return -EFAULT;
	r.priority = priority;
	return change_policy(t, ARG_INT(a, 0), &r);
}

/* Policy, priority and nice of a task. */
static long look(struct task *t, s32 pid, u32 *policy, u32 *priority, s32 *nice)
{
	struct task *other;

	if (pid < 0)
		return -EINVAL;
	tasklist_lock();
	other = target_of(t, pid);
	if (other) {
		*policy = other->sched_policy |
			  (other->sched_reset_on_fork ? SCHED_RESET_ON_FORK_K : 0);
		*priority = other->sched_priority;
		*nice = other->nice;
	}
	tasklist_unlock();
	return other ? 0 : -ESRCH;
}

long sys_sched_getscheduler(struct task *t, const struct sys_args *a)
{
	u32 policy, priority;
	s32 nice;
	long err = look(t, ARG_INT(a, 0), &policy, &priority, &nice);

	return err ? err : (long)policy;
}

long sys_sched_getparam(struct task *t, const struct sys_args *a)
{
	u32 policy, priority;
	s32 nice;
	long err;

	if (!ARG_GVA(a, 1).v)
		return -EINVAL;
	err = look(t, ARG_INT(a, 0), &policy, &priority, &nice);
	return err ? err : copy_out_obj(t->mm, ARG_GVA(a, 1), &priority);
}

long sys_sched_rr_get_interval(struct task *t, const struct sys_args *a)
{
	u32 policy, priority;
	s32 nice;
	long err = look(t, ARG_INT(a, 0), &policy, &priority, &nice);

	if (err)
		return err;
	return timespec_out(t, ARG_GVA(a, 1),
			    (policy & 0xff) == SCHED_FIFO ? 0
			    : (policy & 0xff) == SCHED_RR ? 100 * NSEC_PER_MSEC
							  : 4 * NSEC_PER_MSEC);
}

struct sched_attr_k {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};
static_assert(sizeof(struct sched_attr_k) == 56, "struct sched_attr");

static long set_nice(struct task *t, struct task *other, int nice);

long sys_sched_setattr(struct task *t, const struct sys_args *a)
{
	struct sched_request r = {0};
	struct sched_attr_k k;
	struct task *other;
	u32 size;
	long err;

	if (!ARG_GVA(a, 1).v || ARG_INT(a, 0) < 0 || a->a[2])
		return -EINVAL;
	if (copy_in_obj(t->mm, &size, ARG_GVA(a, 1)))
		return -EFAULT;
	if (!size)
		size = 48;
	if (size < 48 || size > PAGE_SIZE)
		return -E2BIG;
	memset(&k, 0, sizeof(k));
	if (copy_in(t->mm, &k, ARG_GVA(a, 1), min((size_t)size, sizeof(k))))
		return -EFAULT;
	if ((k.flags & ~0x7full) || (s32)k.policy < 0)
		return -EINVAL;
	r.policy = k.flags & 8 ? -1 : (int)k.policy; /* SCHED_FLAG_KEEP_POLICY */
	r.priority = (int)k.priority;
	r.reset_on_fork = k.flags & 1;
	tasklist_lock();
	other = target_of(t, ARG_INT(a, 0));
	if (other && (k.flags & 8))
		r.priority = k.flags & 16 ? (int)other->sched_priority : r.priority;
	err = other ? set_policy(t, other, &r) : -ESRCH;
	if (!err && !(k.flags & 16) &&
	    (other->sched_policy == SCHED_OTHER || other->sched_policy == SCHED_BATCH))
		err = set_nice(t, other, k.nice);
	tasklist_unlock();
	return err;
}

long sys_sched_getattr(struct task *t, const struct sys_args *a)
{
	u32 usize = ARG_UINT(a, 2);
	struct sched_attr_k k;
	long err;

	if (!ARG_GVA(a, 1).v || usize < 48 || usize > PAGE_SIZE || a->a[3])
		return -EINVAL;
	memset(&k, 0, sizeof(k));
	err = look(t, ARG_INT(a, 0), &k.policy, &k.priority, &k.nice);
	if (err)
		return err;
	k.flags = k.policy & SCHED_RESET_ON_FORK_K ? 1 : 0;
	k.policy &= 0xff;
	if (k.policy == SCHED_FIFO || k.policy == SCHED_RR)
		k.nice = 0;
	k.size = min(usize, (u32)sizeof(k));
	k.util_max = 1024;
	return copy_out(t->mm, ARG_GVA(a, 1), &k, k.size);
}

/* --- nice values
 * ------------------------------------------------------------------------------------------ */

/* [T] */
static long set_nice(struct task *t, struct task *other, int nice)
{
	struct pctx *ctx = atomic_load(&other->ctx);

	nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	if (!may_change(t, other))
		return -EPERM;
	if (nice < other->nice && !task_capable(t, CAP_SYS_NICE_K) &&
	    (u64)(20 - nice) > other->tg->rlim[RLIMIT_NICE_K].cur)
		return -EACCES;
	other->nice = nice;
	if (ctx)
		pctx_setnice(ctx,
			     nice); /* the host may refuse lower values: then it is only shown */
	return 0;
}

/* What get and set do with one task. */
struct prio_op {
	bool set;
	int nice;
	long result; /* -ESRCH: nobody yet; get: the largest 20 - nice */
};

/* [T] */
static void prio_one(struct task *t, struct task *other, struct prio_op *op)
{
	long r;

	if (op->set) {
		r = set_nice(t, other, op->nice);
		if (op->result == -ESRCH || r)
			op->result = r;
	} else {
		op->result = max(op->result, (long)(20 - other->nice));
	}
}

/* [T] */
static long prio_walk(struct task *t, int which, u32 who, struct prio_op *op)
{
	struct tgroup *tg;
	struct task *other;
	struct pgrp *g;

	switch (which) {
	case PRIO_PROCESS:
		other = target_of(t, (s32)who);
		if (other)
			prio_one(t, other, op);
		return 0;
	case PRIO_PGRP:
		g = who ? pgrp_find_for(t, (s32)who) : t->tg->pgrp;
		if (g)
			list_for_each_entry (tg, &g->members, pgrp_link)
				list_for_each_entry (other, &tg->tasks, group_link)
					prio_one(t, other, op);
		return 0;
	case PRIO_USER:
		who = who ? uid_in(t->cred, who) : t->cred->uid;
		if (who == NO_ID)
			return 0;
		list_for_each_entry (tg, &g_kernel->groups, all_link)
			list_for_each_entry (other, &tg->tasks, group_link)
				if (other->cred->uid == who)
					prio_one(t, other, op);
		return 0;
	default:
		return -EINVAL;
	}
}

static long prio(struct task *t, const struct sys_args *a, struct prio_op *op)
{
	long err;

	op->result = -ESRCH;
	tasklist_lock();
	err = prio_walk(t, ARG_INT(a, 0), ARG_UINT(a, 1), op);
	tasklist_unlock();
	return err ? err : op->result;
}

long sys_getpriority(struct task *t, const struct sys_args *a)
{
	struct prio_op op = {0};

	return prio(t, a, &op);
}

long sys_setpriority(struct task *t, const struct sys_args *a)
{
	struct prio_op op = {.set = true, .nice = ARG_INT(a, 2)};

	return prio(t, a, &op);
}

/* --- I/O priorities
 * ----------------------------------------------------------------------------------------- */

long sys_ioprio_set(struct task *t, const struct sys_args *a)
{
	u32 ioprio = ARG_UINT(a, 2), class = ioprio >> 13;
	struct task *other;
	long err = 0;

	if (ARG_INT(a, 0) < 1 || ARG_INT(a, 0) > 3 || class > 3 || (class == 0 && (ioprio & 7)))
		return -EINVAL;
	if (class == 1 && !task_capable(t, CAP_SYS_ADMIN_K) && !task_capable(t, CAP_SYS_NICE_K))
		return -EPERM;
	if (ARG_INT(a, 0) != 1)
		return 0;
	tasklist_lock();
	other = target_of(t, ARG_INT(a, 1));
	if (!other)
		err = -ESRCH;
	else if (!may_change(t, other))
		err = -EPERM;
	else
		other->ioprio = ioprio;
	tasklist_unlock();
	return err;
}

long sys_ioprio_get(struct task *t, const struct sys_args *a)
{
	struct task *other;
	long r = -ESRCH;

	if (ARG_INT(a, 0) < 1 || ARG_INT(a, 0) > 3)
		return -EINVAL;
	if (ARG_INT(a, 0) != 1)
		return t->ioprio;
	tasklist_lock();
	other = target_of(t, ARG_INT(a, 1));
	if (other)
		r = other->ioprio;
	tasklist_unlock();
	return r;
}
