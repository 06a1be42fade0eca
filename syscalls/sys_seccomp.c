/* SPDX-License-Identifier: Apache-2.0 */
/* sys_seccomp.c - seccomp(2): answers what exists, installs nothing (as a kernel without filters
 * does) */
#include <linux/seccomp.h>

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
	case SECCOMP_RET_USER_NOTIF:
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
	u8 prog[16]; /* struct sock_fprog */

	switch (ARG_UINT(a, 0)) {
	case SECCOMP_SET_MODE_FILTER:
		/* Programs find out about flags by a filter at address 0: EFAULT says that they are
		 * known. */
		if (a->a[1] & ~31ull)
			return -EINVAL;
		return copy_in(t->mm, prog, ARG_GVA(a, 2), sizeof(prog)) ? -EFAULT : -EINVAL;
	case SECCOMP_GET_ACTION_AVAIL:
		return a->a[1] ? -EINVAL : action_avail(t, ARG_GVA(a, 2));
	default:
		return -EINVAL;
	}
}
