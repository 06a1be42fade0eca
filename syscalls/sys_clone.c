/* SPDX-License-Identifier: Apache-2.0 */
/* sys_clone.c - clone, clone3, fork, vfork, unshare */
#include <linux/sched.h>

#include "sentry/kernel/kernel.h"
#include "syscalls/sys.h"

#define CSIGNAL_MASK 0xffull

long sys_clone(struct task *t, const struct sys_args *a)
{
	struct clone_args_in in = {
		.flags = a->a[0] & 0xffffffff & ~CSIGNAL_MASK,
		.exit_signal = (u32)(a->a[0] & CSIGNAL_MASK),
		.stack = ARG_GVA(a, 1),
		.parent_tid = ARG_GVA(a, 2),
		.pidfd = ARG_GVA(a, 2),
		.child_tid = ARG_GVA(a, 3),
		.tls = a->a[4],
	};

	if (!t->wait.stage && (in.flags & CLONE_PIDFD) && (in.flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return task_clone(t, &in);
}

long sys_fork(struct task *t, const struct sys_args *a)
{
	struct clone_args_in in = {.exit_signal = SIGCHLD};

	return task_clone(t, &in);
}

long sys_vfork(struct task *t, const struct sys_args *a)
{
	struct clone_args_in in = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};

	return task_clone(t, &in);
}

/* --- clone3
 * ----------------------------------------------------------------------------------------- */

struct clone_args_k {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};
static_assert(sizeof(struct clone_args_k) == 88, "struct clone_args");

/* The guest's structure of @size bytes; what we do not know must be zero. */
static long copy_args(struct task *t, struct clone_args_k *k, gva_t src, u64 size)
{
	u8 rest[256];

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < 64)
		return -EINVAL;
	memset(k, 0, sizeof(*k));
	if (copy_in(t->mm, k, src, min(size, sizeof(*k))))
		return -EFAULT;
	for (u64 at = sizeof(*k); at < size; at += sizeof(rest)) {
		u64 n = min(size - at, sizeof(rest));

		if (copy_in(t->mm, rest, gva_add(src, at), n))
			return -EFAULT;
		for (u64 i = 0; i < n; i++)
			if (rest[i])
				return -E2BIG;
	}
	return 0;
}

static long check_args(const struct clone_args_k *k)
{
	const u64 known = 0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

	if (k->set_tid_size > 32 || (!k->set_tid && k->set_tid_size) ||
	    (k->set_tid && !k->set_tid_size))
		return -EINVAL;
	if ((k->exit_signal & ~CSIGNAL_MASK) || k->exit_signal > NSIG_MAX)
		return -EINVAL;
	if ((k->flags & ~known) ||
	    (k->flags & (CLONE_DETACHED | (CSIGNAL_MASK & ~(u64)CLONE_NEWTIME))))
		return -EINVAL;
	if ((k->flags & (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)) ==
	    (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((k->flags & (CLONE_THREAD | CLONE_PARENT)) && k->exit_signal)
		return -EINVAL;
	if (!k->stack != !k->stack_size)
		return -EINVAL;
	if (k->stack && (k->stack_size > GUEST_END || k->stack > GUEST_END - k->stack_size))
		return -EINVAL;
	if (k->flags & CLONE_INTO_CGROUP)
		return -EINVAL;
	return 0;
}

/* The caller's rights over each namespace that a number is given in. */
static bool may_set_tid(struct task *t, u64 count)
{
	const struct pid_namespace *ns = t->ns->pid_children;

	for (u64 i = 0; i < count && ns; i++, ns = ns->parent)
		if (!cred_capable_in(t->cred, ns->ns.owner, 21) &&
		    !cred_capable_in(t->cred, ns->ns.owner, 40))
			return false; /* CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE */
	return true;
}

static long copy_set_tid(struct task *t, const struct clone_args_k *k, struct clone_args_in *in)
{
	u64 count = k->set_tid_size, levels = t->ns->pid_children->level + 1;

	if (!count)
		return 0;
	if (k->flags & CLONE_NEWPID)
		levels++;
	if (count > levels || count > array_size(in->set_tid))
		return -EINVAL;
	if (copy_in(t->mm, in->set_tid, GVA(k->set_tid), count * sizeof(s32)))
		return -EFAULT;
	for (u64 i = 0; i < count; i++)
		if (in->set_tid[i] < 1 || in->set_tid[i] >= 4194304)
			return -EINVAL;
	if (!may_set_tid(t, count))
		return -EPERM;
	in->set_tid_count = (u32)count;
	return 0;
}

long sys_clone3(struct task *t, const struct sys_args *a)
{
	struct clone_args_in in = {0};
	struct clone_args_k k;
	long err;

	if (t->wait.stage)
		return task_clone(t, &in);
	err = copy_args(t, &k, ARG_GVA(a, 0), a->a[1]);
	if (!err)
		err = check_args(&k);
	if (!err)
		err = copy_set_tid(t, &k, &in);
	if (err)
		return err;
	in.flags = k.flags;
	in.exit_signal = (u32)k.exit_signal;
	in.stack = GVA(k.stack ? k.stack + k.stack_size : 0);
	in.tls = k.tls;
	in.parent_tid = GVA(k.parent_tid);
	in.child_tid = GVA(k.child_tid);
	in.pidfd = GVA(k.pidfd);
	return task_clone(t, &in);
}

long sys_setns(struct task *t, const struct sys_args *a)
{
	return task_setns(t, ARG_INT(a, 0), ARG_UINT(a, 1));
}

long sys_unshare(struct task *t, const struct sys_args *a)
{
	return task_unshare(t, a->a[0]);
}
