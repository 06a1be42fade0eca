/* SPDX-License-Identifier: Apache-2.0 */
/* sys_prctl.c - prctl, arch_prctl, personality, and attributes of a task that nobody else touches
 */
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "sentry/kernel/process.h"
#include "sentry/kernel/seccomp.h"
#include "syscalls/sys_cred.h"

#define CAP_SYS_RESOURCE_K 24
#define TASK_COMM	   16

static long set_name(struct task *t, gva_t src)
{
	char name[TASK_COMM];
	ssize_t n;

	memset(name, 0, sizeof(name));
	n = copy_in_str(t->mm, name, src, sizeof(name));
	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[TASK_COMM - 1] = 0;
	tasklist_lock();
	memcpy(t->comm, name, sizeof(name));
	tasklist_unlock();
	return 0;
}

static long get_name(struct task *t, gva_t dst)
{
	char name[TASK_COMM];

	tasklist_lock();
	memcpy(name, t->comm, sizeof(name));
	tasklist_unlock();
	return copy_out(t->mm, dst, name, sizeof(name));
}

static long set_pdeathsig(struct task *t, u64 sig)
{
	if (sig > NSIG_MAX)
		return -EINVAL;
	tasklist_lock();
	t->pdeath_signal = (u32)sig;
	tasklist_unlock();
	return 0;
}

static long store_int(struct task *t, gva_t dst, u32 value)
{
	return copy_out(t->mm, dst, &value, sizeof(value));
}

static long set_subreaper(struct task *t, bool on)
{
	struct tgroup *tg, *up;

	tasklist_lock();
	t->tg->is_subreaper = on;
	if (on)
		list_for_each_entry (tg, &g_kernel->groups, all_link)
			for (up = tg->parent; up && !tg->has_subreaper_ancestor; up = up->parent)
				tg->has_subreaper_ancestor = up == t->tg;
	tasklist_unlock();
	return 0;
}

static long set_vma_name(struct task *t, const struct sys_args *a)
{
	char name[80];
	ssize_t n;

	if (a->a[1] != 0) /* PR_SET_VMA_ANON_NAME */
		return -EINVAL;
	if (!a->a[4])
		return mm_set_name(t->mm, ARG_GVA(a, 2), a->a[3], NULL);
	n = copy_in_str(t->mm, name, ARG_GVA(a, 4), sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	for (ssize_t i = 0; i < n; i++)
		if (name[i] < 0x20 || name[i] > 0x7e || strchr("\\`$[]", name[i]))
			return -EINVAL;
	return mm_set_name(t->mm, ARG_GVA(a, 2), a->a[3], name);
}

/* Linux checks nearly nothing of these but the right. */
static long set_mm(struct task *t, const struct sys_args *a)
{
	if (!task_capable(t, CAP_SYS_RESOURCE_K))
		return -EPERM;
	return -EINVAL;
}

static long keep_caps(struct task *t, u64 on)
{
	u64 bits = t->cred->securebits;
	struct cred *new;
	const struct cred *old;

	if (on > 1)
		return -EINVAL;
	if (bits & 0x20) /* SECBIT_KEEP_CAPS_LOCKED */
		return -EPERM;
	new = cred_dup(t->cred);
	if (!new)
		return -ENOMEM;
	new->securebits = (u32)(on ? bits | 0x10 : bits & ~0x10ull);
	tasklist_lock();
	old = t->cred;
	t->cred = new;
	tasklist_unlock();
	cred_put(old);
	return 0;
}

static long thp(struct task *t, const struct sys_args *a)
{
	if (a->a[0] == PR_GET_THP_DISABLE)
		return a->a[1] | a->a[2] | a->a[3] | a->a[4] ? -EINVAL : 0;
	return a->a[2] | a->a[3] | a->a[4] ? -EINVAL : 0;
}

static bool rest_zero(const struct sys_args *a, int from)
{
	for (int i = from; i < 5; i++)
		if (a->a[i])
			return false;
	return true;
}

/* Options about the process and its memory. -ENOSYS: not one of them. */
static long prctl_process(struct task *t, const struct sys_args *a)
{
	switch (ARG_INT(a, 0)) {
	case PR_SET_PDEATHSIG:
		return set_pdeathsig(t, a->a[1]);
	case PR_GET_PDEATHSIG:
		return store_int(t, ARG_GVA(a, 1), t->pdeath_signal);
	case PR_GET_DUMPABLE:
		return (long)atomic_load(&t->mm->dumpable);
	case PR_SET_DUMPABLE:
		if (a->a[1] > 1)
			return -EINVAL;
		atomic_store(&t->mm->dumpable, (u32)a->a[1]);
		return 0;
	case PR_SET_NAME:
		return set_name(t, ARG_GVA(a, 1));
	case PR_GET_NAME:
		return get_name(t, ARG_GVA(a, 1));
	case PR_SET_CHILD_SUBREAPER:
		return set_subreaper(t, a->a[1] != 0);
	case PR_GET_CHILD_SUBREAPER:
		return store_int(t, ARG_GVA(a, 1), t->tg->is_subreaper);
	case PR_GET_TID_ADDRESS:
		return copy_out(t->mm, ARG_GVA(a, 1), &t->clear_child_tid.v, sizeof(u64));
	case PR_SET_VMA:
		return set_vma_name(t, a);
	case PR_SET_MM:
		return set_mm(t, a);
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
		return thp(t, a);
	case PR_SET_PTRACER:
		return 0;
	default:
		return -ENOSYS;
	}
}

/* Options about rights. */
static long prctl_rights(struct task *t, const struct sys_args *a)
{
	switch (ARG_INT(a, 0)) {
	case PR_GET_KEEPCAPS:
		return t->cred->securebits >> 4 & 1;
	case PR_SET_KEEPCAPS:
		return keep_caps(t, a->a[1]);
	case PR_GET_SECUREBITS:
		return t->cred->securebits;
	case PR_SET_SECUREBITS:
		return cred_set_securebits(t, a->a[1]);
	case PR_CAPBSET_READ:
		return a->a[1] <= CAP_LAST ? (long)(t->cred->bounding >> a->a[1] & 1) : -EINVAL;
	case PR_CAPBSET_DROP:
		return cred_drop_bounding(t, a->a[1]);
	case PR_CAP_AMBIENT:
		return a->a[3] | a->a[4] ? -EINVAL : cred_ambient(t, a->a[1], a->a[2]);
	case PR_SET_NO_NEW_PRIVS:
		if (a->a[1] != 1 || !rest_zero(a, 2))
			return -EINVAL;
		t->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return rest_zero(a, 1) ? t->no_new_privs : -EINVAL;
	case PR_GET_SECCOMP:
		return seccomp_mode(t);
	case PR_SET_SECCOMP:
		if (a->a[1] == SECCOMP_MODE_STRICT)
			return seccomp_set_strict(t);
		return a->a[1] == SECCOMP_MODE_FILTER ? seccomp_set_filter(t, 0, ARG_GVA(a, 2))
						      : -EINVAL;
	default:
		return -ENOSYS;
	}
}

/* Options about the CPU and timing. */
static long prctl_cpu(struct task *t, const struct sys_args *a)
{
	switch (ARG_INT(a, 0)) {
	case PR_SET_TIMERSLACK:
		t->timer_slack = a->a[1] && (s64)a->a[1] > 0 ? a->a[1] : 50000;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)t->timer_slack;
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return a->a[1] == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TSC:
		return store_int(t, ARG_GVA(a, 1), PR_TSC_ENABLE);
	case PR_SET_TSC:
		return a->a[1] == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_MCE_KILL_GET:
		return rest_zero(a, 1) ? PR_MCE_KILL_DEFAULT : -EINVAL;
	case PR_MCE_KILL:
		return rest_zero(a, 3) && a->a[1] <= 1 ? 0 : -EINVAL;
	case PR_SET_IO_FLUSHER:
	case PR_GET_IO_FLUSHER:
		return task_capable(t, CAP_SYS_RESOURCE_K) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

long sys_prctl(struct task *t, const struct sys_args *a)
{
	long r = prctl_process(t, a);

	if (r == -ENOSYS)
		r = prctl_rights(t, a);
	return r == -ENOSYS ? prctl_cpu(t, a) : r;
}

/* --- arch_prctl: what the platform does not leave to the host
 * ------------------------------------------------ */

#define ARCH_SET_GS_K	 0x1001
#define ARCH_SET_FS_K	 0x1002
#define ARCH_GET_GS_K	 0x1004
#define ARCH_GET_CPUID_K 0x1011

/* The gs base may be the platform's; such a guest has never set it. */
static long get_gs(struct task *t, gva_t to)
{
	u64 base;
	long r;

	if (!t->has_regs)
		return -EINVAL;
	if (!t->wait.again) {
		mm_plan_init(&t->plan);
		if (!mm_access_ok(t->mm, to, sizeof(base), VMA_WRITE))
			return -EFAULT;
		t->plan.cmds[0] = (struct pcmd){.nr = 158, .fd = -1, .args = {ARCH_GET_GS_K, to.v}};
		t->plan.count = 1;
		return task_run_plan_again(t);
	}
	r = t->wait.cmd_result;
	if (r == 0)
		r = copy_in(t->mm, &base, to, sizeof(base));
	if (r < 0 || base < GUEST_END)
		return r;
	base = 0;
	return copy_out(t->mm, to, &base, sizeof(base));
}

long sys_arch_prctl(struct task *t, const struct sys_args *a)
{
	switch (ARG_INT(a, 0)) {
	case ARCH_SET_FS_K:
	case ARCH_SET_GS_K:
		if (a->a[1] >= GUEST_END)
			return -EPERM;
		if (!t->has_regs)
			return -EINVAL;
		mm_plan_init(&t->plan);
		t->plan.cmds[0] = (struct pcmd){.nr = 158, .fd = -1, .args = {a->a[0], a->a[1]}};
		t->plan.count = 1;
		return task_run_plan(t);
	case ARCH_GET_GS_K:
		return get_gs(t, GVA(a->a[1]));
	case ARCH_GET_CPUID_K:
		return 1;
	default:
		return -EINVAL;
	}
}

long sys_personality(struct task *t, const struct sys_args *a)
{
	u32 old = t->personality, new = ARG_UINT(a, 0);

	if (new == 0xffffffffu)
		return old;
	if ((new & 0xff) != 0 && (new & 0xff) != 8) /* PER_LINUX, PER_LINUX32 */
		return -EINVAL;
	t->personality = new;
	return old;
}
