/* SPDX-License-Identifier: Apache-2.0 */
/* sigio.h - O_ASYNC (fcntl(2)) */
#ifndef SENTRY_KERNEL_SIGIO_H
#define SENTRY_KERNEL_SIGIO_H

#include "sentry/kernel/task.h"

/* F_SETFL switched O_ASYNC of @f, reached as @fd. 0 or -ENOMEM. */
int sigio_set(struct file *f, int fd, bool on);
/* The last reference is gone (vfs_set_async_release). */
void sigio_release(struct file *f);
/* Sends what has become due. No lock held. */
void sigio_run(void);

#endif
