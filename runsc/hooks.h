/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h - the programs that config.json wants to be run around a container's life
 *
 * When to call, with which status, where, and what a failure means (as runc has it):
 *
 *	kind		status		where			failure
 *	prestart	creating	the runtime's ns	create fails
 *	createRuntime	creating	the runtime's ns	create fails
 *	createContainer	creating	.enter = pid		create fails
 *	startContainer	created		inside the sandbox	start fails, the container is killed
 *	poststart	running		the runtime's ns	start fails, the container is killed
 *	poststop	stopped		the runtime's ns	a warning; the others still run
 *
 * startContainer names a program of the image: it never runs on the host, so hooks_run refuses it;
 * start_hooks.c runs it in the sandbox.
 */
#ifndef RUNSC_HOOKS_H
#define RUNSC_HOOKS_H

#include <sys/types.h>

#include "runsc/spec/spec.h"

struct hook_context {
	const struct spec *spec;
	const char *id;
	const char *status; /* of the state that the hook reads */
	pid_t pid;	    /* of the state; 0: none */
	/* When not 0: the hook joins this process's network, ipc and uts namespaces and gets a
	 * private copy of the caller's mounts, as before pivot_root. */
	pid_t enter;
};

/* Runs all hooks of @kind in their order, each until it ends. The first that fails ends it, but for
 * poststop, whose failures are told as warnings. 0 or -errno with runc's line ("error running hook
 * #0: error running hook: exit status 1, stdout: ..., stderr: ..."). */
int hooks_run(enum spec_hook_kind kind, const struct hook_context *c, struct error *e);
/* The state that hooks read and `runsc state` prints; free(). NULL: no memory. */
char *hooks_state(const struct hook_context *c);

#endif
