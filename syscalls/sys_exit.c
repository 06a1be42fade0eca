/* SPDX-License-Identifier: Apache-2.0 */
/* sys_exit.c - exit, exit_group */
#include "syscalls/sys.h"

/* Also run when a command of a task that is exiting already has ended: task_exit then goes on where
 * it was. */
long sys_exit(struct task *t, const struct sys_args *a)
{
	return task_exit(t, (ARG_UINT(a, 0) & 0xff) << 8, false);
}

long sys_exit_group(struct task *t, const struct sys_args *a)
{
	return task_exit(t, (ARG_UINT(a, 0) & 0xff) << 8, true);
}
