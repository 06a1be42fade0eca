/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - the dispatch table that boot hands to the kernel */
#ifndef SYSCALLS_TABLE_H
#define SYSCALLS_TABLE_H

#include "sentry/kernel/kernel.h"

extern const struct syscall_table syscall_table;

#endif
