/* SPDX-License-Identifier: Apache-2.0 */
/* task_internal.h - between task_run.c, task_block.c, task_exec.c and task_exit.c only */
#ifndef SENTRY_KERNEL_TASK_INTERNAL_H
#define SENTRY_KERNEL_TASK_INTERNAL_H

#include "sentry/kernel/task.h"

/* The call waits: true: nobody owns t any more; false: it was woken meanwhile, run it again. */
bool task_publish_block(struct task *t);
/* Takes t's waiters off their queues. */
void task_unregister(struct task *t);
/* Before a handler is called again. */
void task_run_again(struct task *t);
/* task_exec.c, owner: is what the task waits for in TS_COMMAND the stub of its new program? */
bool task_exec_waits_for_stub(const struct task *t);
/* task_run.c, owner: the stub that was to carry out a command has died: the call goes on with
 * -ENOMEM as the command's result. */
void task_command_lost(struct worker *w, struct task *t);
/* task_run.c, owner: the call under way has the result @ret: answers it. */
void task_finish_call(struct task *t, long ret);
/* signal_deliver.c: wait status of a task that @sig kills. */
u32 signal_death_code(struct task *t, int sig);

#endif
