/* SPDX-License-Identifier: Apache-2.0 */
/* container.h - what a container is between two commands: its directory ROOT/ID
 *
 * Theory of operation: the directory holds
 *
 *	lock		held (flock) by whoever changes the container
 *	state.json	who it is, and which processes it has; replaced as a whole, never half
 *written control		the sentry's socket sandbox.log	what sentry and gofer have to say,
 *when nobody named a log
 *
 * The status is never stored but asked of what is true: no proxy, or another process with its
 * number (start times tell): stopped; frozen cgroup: paused; otherwise the sentry knows whether it
 * was told to start. A command that dies at any point leaves one of these states; what it had
 * started dies by itself (proxy.h), and `delete` needs nothing but the directory. A directory
 * without state.json is a container that was never made: only `delete` and `list` see it.
 */
#ifndef RUNSC_CONTAINER_H
#define RUNSC_CONTAINER_H

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

#include "runsc/boot/boot.h"
#include "runsc/cgroup/cgroup.h"
#include "runsc/spec/error.h"

#define CONTAINER_ID_MAX 1024

/* A process of the host that stays the same when its number is given out again. */
struct process_ref {
	pid_t pid; /* 0: none */
	u64 start; /* ticks, of /proc/PID/stat */
};

enum container_status { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_PAUSED, CONTAINER_STOPPED };

struct container {
	char id[CONTAINER_ID_MAX + 1];
	char dir[PATH_MAX];  /* ROOT/ID */
	int dir_fd, lock_fd; /* -1: not open, not locked */
	struct process_ref proxy, sentry, gofer;
	char bundle[PATH_MAX], rootfs[PATH_MAX];
	char created[40];      /* RFC 3339 */
	u32 owner;	       /* user id */
	json_t *annotations;   /* object; reference */
	u32 hooks;	       /* bit: config.json has hooks of this enum spec_hook_kind */
	struct cgroup *cgroup; /* NULL: none */
	bool complete;	       /* state.json was there */
};

/* ROOT of --root, or the default of this user. Makes it when @make. 0 or -errno and a line. */
int container_root(bool make, char *out, size_t size, struct error *e);
bool container_id_valid(const char *id);
/* A new container: its directory, locked. -EEXIST with runc's text. */
int container_make(struct container *c, const char *id, struct error *e);
/* An existing one; @lock: for changes. -ENOENT with runc's text. A container that was never
 * finished has complete false. */
int container_open(struct container *c, const char *id, bool lock, struct error *e);
/* Replaces state.json. 0 or -errno and a line. */
int container_save(struct container *c, struct error *e);
/* Removes cgroup and directory. All processes are gone. */
int container_remove(struct container *c, struct error *e);
void container_close(struct container *c);

enum container_status container_status(struct container *c);
const char *container_status_name(enum container_status status);
/* "ociVersion", "id", "status", "pid", "bundle" and "annotations": of `state`, and for hooks. */
json_t *container_state_json(struct container *c, enum container_status status);

struct process_ref process_ref(pid_t pid);
bool process_alive(struct process_ref p);
/* SIGKILL, and waits for the end: @ms at most. True: it is gone. */
bool process_end(struct process_ref p, bool kill_it, int ms);
bool process_signal(struct process_ref p, int sig);
/* Ends all processes of the container, whatever state they are in. 0 or -errno and a line. */
int container_kill(struct container *c, struct error *e);

/* control.c: one request to the sentry. 0 or -errno and a line (the sentry's own where it gave
 * one). *@out_value may be NULL. @fds are passed, not closed. */
int control_call(struct container *c, const struct control_request *req, const int *fds,
		 unsigned fd_count, s32 *out_value, struct error *e);
/* Makes the socket in the container's directory: listening, close-on-exec. fd or -errno. */
int control_listen(struct container *c, struct error *e);

#endif
