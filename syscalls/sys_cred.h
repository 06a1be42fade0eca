/* SPDX-License-Identifier: Apache-2.0 */
/* sys_cred.h - what prctl(2) changes in credentials */
#ifndef SYSCALLS_SYS_CRED_H
#define SYSCALLS_SYS_CRED_H

#include "syscalls/sys.h"

long cred_drop_bounding(struct task *t, u64 cap);
long cred_set_securebits(struct task *t, u64 bits);
long cred_ambient(struct task *t, u64 op, u64 cap);

#endif
