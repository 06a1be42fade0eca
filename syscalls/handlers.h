/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.h - prototypes of all handlers that table.def names */
#ifndef SYSCALLS_HANDLERS_H
#define SYSCALLS_HANDLERS_H

#include "sentry/kernel/kernel.h"

#define SYSCALL(nr, name, handler, support, signature, note) sys_handler handler;
#include "syscalls/table.def"
#undef SYSCALL

#endif
