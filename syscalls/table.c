/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - dispatch: number -> handler and name, out of table.def */
#include "syscalls/table.h"

#include "syscalls/handlers.h"

/* A call that does not exist here. */
long sys_ni(struct task *t, const struct sys_args *a)
{
	return -ENOSYS;
}

/* A call that Linux has for privileged callers only; nobody inside has that privilege. */
long sys_noperm(struct task *t, const struct sys_args *a)
{
	return -EPERM;
}

static sys_handler *const handlers[] = {
#define SYSCALL(nr, name, handler, support, signature, note) [nr] = handler,
#include "syscalls/table.def"
#undef SYSCALL
};

static const char *const names[] = {
#define SYSCALL(nr, name, handler, support, signature, note) [nr] = #name,
#include "syscalls/table.def"
#undef SYSCALL
};

static const char *const signatures[] = {
#define SYSCALL(nr, name, handler, support, signature, note) [nr] = signature,
#include "syscalls/table.def"
#undef SYSCALL
};

const struct syscall_table syscall_table = {
	.handler = handlers,
	.name = names,
	.signature = signatures,
	.count = array_size(handlers),
};
static_assert(array_size(handlers) == array_size(names), "one name per handler");
