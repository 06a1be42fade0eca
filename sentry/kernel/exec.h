/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h - what execve's handlers and task_exec.c share */
#ifndef SENTRY_KERNEL_EXEC_H
#define SENTRY_KERNEL_EXEC_H

#include "sentry/kernel/task.h"
#include "sentry/loader/loader.h"

/* An exec on its way: t->wait.obj until the call ends. The handler fills the first group, then
 * calls task_exec. */
struct exec {
	struct exec_args args;
	struct exec_program prog; /* file: what was asked for */
	char *name; /* kalloc(name_size): the program's name as given, or /dev/fd/N... */
	size_t name_size;
	bool hidden; /* the name will not work for an interpreter: its descriptor is closed on exec
		      */

	bool first; /* process 1: there is no old program */
	struct exec_image image;
	const struct cred *cred; /* of the new program */
	struct exec_ids ids;
	bool set_id; /* ids or capabilities were gained by the file's mode */
	bool committed;
};

/* Makes t->wait.obj. NULL: no memory. */
struct exec *exec_create(struct task *t);
/* The exec under way, or NULL on a handler's first run. */
static inline struct exec *exec_current(struct task *t)
{
	return t->wait.obj;
}
int exec_set_name(struct exec *e, const char *name);

/* exec_cred.c: the credentials of the program in @e for @t: fills cred, ids, set_id. 0 or -ENOMEM.
 */
int exec_cred(struct task *t, struct caller *c, struct exec *e);

#endif
