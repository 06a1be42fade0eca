/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - the process of the host that stands for one process of a guest
 *
 * Theory of operation: clients know a container by a process: the one in the pid file. Its exit
 * status is the container's, its namespaces, root and cgroup are taken for the container's, signals
 * to it are signals to the container. That is the proxy: a child of the command that makes it (so
 * that it falls to conmon or the shim when the command ends), in the namespaces of config.json, its
 * root the container's files. It has one socket to the sentry, over which signals go in and the
 * wait status comes out.
 *
 * Life: PROXY is cloned and waits. The command moves it into the cgroup and says GO: it joins
 * namespaces. MOUNT: it takes the container's files as its root. COMMIT: it forgets the command and
 * stands alone. When the command dies before that, its end of the control pair is closed and the
 * proxy ends, the sentry sees the end of its socket and ends, and the gofer after it: nothing is
 * left of a `create` that was killed. After the commit the same chain begins at the proxy, and
 * whoever kills it kills the container.
 *
 * As process 1 of a pid namespace it cannot be killed by a signal of its own: where the guest died
 * of a signal it then exits with 128 + signal, which clients take for the same.
 */
#ifndef RUNSC_PROXY_H
#define RUNSC_PROXY_H

#include "runsc/container.h"
#include "runsc/spec/spec.h"

struct proxy {
	pid_t pid;   /* child of this process; 0: none */
	int control; /* -1 */
	char hostname[65];
};

struct proxy_options {
	const struct spec *spec; /* of the container; NULL: like @like */
	struct process_ref like; /* exec: namespaces and root of this process */
	int sentry;		 /* the proxy's end of the socket; stays the caller's too */
	int tty;		 /* becomes its controlling terminal; -1 */
	bool attached;		 /* dies with this process */
	char *const *args;	 /* what it is to look like in ps; ends with NULL */
	struct cgroup *cgroup;	 /* NULL: stays where we are */
};

/* main: the memory of the command line, which a proxy writes its own to. */
void proxy_set_title_area(char **argv);

/* Makes it, up to GO. 0 or -errno and a line. All signals must be blocked. */
int proxy_spawn(const struct proxy_options *o, struct proxy *out, struct error *e);
/* It takes its root and mounts; the second waits until that is done. */
int proxy_mount_begin(struct proxy *p, struct error *e);
int proxy_mount_end(struct proxy *p, struct error *e);
void proxy_commit(struct proxy *p);
/* One that was not committed: it is killed and reaped. */
void proxy_abort(struct proxy *p);

/* proxy_mounts.c: in the proxy. The container's root and its bind mounts become the file system.
 * 0 or -errno. */
int proxy_take_root(const struct spec *s, bool own_pid_ns);

#endif
