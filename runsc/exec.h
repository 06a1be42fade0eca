/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h - another process in a container that lives: for `exec`, and for hooks that run inside */
#ifndef RUNSC_EXEC_H
#define RUNSC_EXEC_H

#include "runsc/container.h"
#include "runsc/proxy.h"

struct exec_options {
	struct container *container;
	const struct spec_process *process;
	int fds[3];	    /* stdio, or with process->terminal a console alone: taken over */
	int extra;	    /* this process's descriptors from 3 on are passed too */
	const char *cgroup; /* below the container's; NULL: that itself */
	bool own_tty;	    /* the console was made for the process: its proxy controls it */
	bool attached;	    /* it dies with this process */
};

/* Makes the proxy and the process, which runs at once. The proxy is not committed. All signals must
 * be blocked. 0 or -errno with a line; nothing is left behind then. */
int exec_start(const struct exec_options *o, struct proxy *out, struct error *e);
/* A descriptor of our own for @fd's file, non-blocking where the host can do it: the sentry does
 * not wait, and must not change what others share with us. What is not open is /dev/null. */
int exec_own_description(int fd);

/* start_hooks.c: hooks.startContainer of config.json, inside, before process 1 runs. 0 or -errno
 * with a line. */
int run_start_hooks(struct container *c, struct error *e);

#endif
