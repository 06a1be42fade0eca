/* SPDX-License-Identifier: Apache-2.0 */
/* sys_seccomp.c - seccomp(2). Listeners (user notification) are not there: their flag is unknown */
#include <linux/seccomp.h>

#include "sentry/kernel/seccomp.h"
#include "syscalls/sys.h"

static long action_avail(struct task *t, gva_t src)
{
	u32 action;

	if (copy_in_obj(t->mm, &action, src))
		return -EFAULT;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

long sys_seccomp(struct task *t, const struct sys_args *a)
{
	switch (ARG_UINT(a, 0)) {
	case SECCOMP_SET_MODE_STRICT:
		return ARG_UINT(a, 1) || a->a[2] ? -EINVAL : seccomp_set_strict(t);
	case SECCOMP_SET_MODE_FILTER:
		return seccomp_set_filter(t, ARG_UINT(a, 1), ARG_GVA(a, 2));
	case SECCOMP_GET_ACTION_AVAIL:
		return ARG_UINT(a, 1) ? -EINVAL : action_avail(t, ARG_GVA(a, 2));
	default:
		return -EINVAL;
	}
}
