/* SPDX-License-Identifier: Apache-2.0 */
/* task_internal.h - between task_run.c and task_block.c only */
#ifndef SENTRY_KERNEL_TASK_INTERNAL_H
#define SENTRY_KERNEL_TASK_INTERNAL_H

#include "sentry/kernel/task.h"

/* The call waits: true: nobody owns t any more; false: it was woken meanwhile, run it again. */
bool task_publish_block(struct task *t);
/* Takes t's waiters off their queues. */
void task_unregister(struct task *t);
/* Before a handler is called again. */
void task_run_again(struct task *t);

#endif
