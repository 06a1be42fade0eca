/* SPDX-License-Identifier: Apache-2.0 */
/* create.h - a container from its bundle to a sandbox that waits for `start` */
#ifndef RUNSC_CREATE_H
#define RUNSC_CREATE_H

#include "runsc/container.h"
#include "runsc/proxy.h"
#include "runsc/sandbox.h"

struct create_options {
	const char *bundle;		       /* NULL: the current directory */
	const char *pid_file, *console_socket; /* NULL: none */
	const char *preserve_fds;	       /* a number; NULL: none */
	bool attached; /* it dies with this process, whose terminal it gets */
	bool strace;
};

struct created {
	struct container container; /* locked */
	struct sandbox sandbox;
	struct proxy proxy; /* committed */
};

/* 0 or -errno with a line; nothing is left behind then. All signals are blocked afterwards. */
int create_container(const char *id, const struct create_options *o, struct created *out,
		     struct error *e);
/* start.c: process 1 goes. Hooks: start and poststart; where one fails the container is killed. */
int start_container(struct container *c, struct error *e);
/* delete.c: all that is left of a container that has stopped; poststop hooks run. */
int delete_container(struct container *c, struct error *e);
/* Waits for the proxy, which is our child, and passes signals on. Its exit status, as a shell's. */
int attend_proxy(pid_t pid);

/* How many descriptors from 3 on are the container's: --preserve-fds, and those of socket
 * activation, for which @p gets LISTEN_FDS and LISTEN_PID. -EINVAL and a line. */
int count_preserved(struct region *r, struct spec_process *p, const char *text, struct error *e);

/* pty.c: a terminal whose master goes to whoever listens at @path; the slave's descriptor, raw and
 * non-blocking. -errno and a line. */
int pty_send(const char *path, u32 rows, u32 columns, struct error *e);

#endif
