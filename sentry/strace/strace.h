/* SPDX-License-Identifier: Apache-2.0 */
/* strace.h - prints the calls of all tasks, as strace -f -T does */
#ifndef SENTRY_STRACE_STRACE_H
#define SENTRY_STRACE_STRACE_H

#include "sentry/kernel/kernel.h"

/* Handed to kernel_init when calls are to be printed. */
extern const struct kernel_hooks strace_hooks;
/* Where lines go. Before the first task. */
void strace_init(int fd);

#endif
