/* SPDX-License-Identifier: Apache-2.0 */
/* sys_sigmask.h - the signal mask of one call: ppoll, pselect6, epoll_pwait */
#ifndef SYSCALLS_SYS_SIGMASK_H
#define SYSCALLS_SYS_SIGMASK_H

#include "syscalls/sys.h"

/* First run: takes the mask at @src (0: none) for the length of the call. 0, -EFAULT, -EINVAL. */
long sigmask_swap(struct task *t, gva_t src, u64 size) must_check;
/* Gives the old mask back unless the call waits, or a signal ends it: then delivery does. Returns
 * @ret. */
long sigmask_restore(struct task *t, long ret);

#endif
