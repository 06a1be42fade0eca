/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - one sandbox as its starter sees it
 *
 * Theory of operation: sandbox_run clones two children, each into namespaces of its own, which
 * re-execute runsc as sentry and gofer with a handful of descriptors (runsc/boot/boot.h). It then
 * forwards signals and window sizes until the sentry tells the wait status of process 1.
 *
 * Nothing outlives anything: the sentry is process 1 of a pid namespace that holds all stubs, both
 * children die with the starter (parent-death signal, and the end of a socket for the moment before
 * it is set), the gofer ends when the sentry's socket does, and the sentry when the gofer's does.
 */
#ifndef RUNSC_SANDBOX_H
#define RUNSC_SANDBOX_H

#include "runsc/boot/boot.h"
#include "runsc/cgroup/cgroup.h"
#include "runsc/console.h"
#include "runsc/mountpoints.h"

struct sandbox {
	struct region *region;
	int config_fd;
	struct boot_config *config; /* root of the region: filled in by the command */
	int log_fd;
	pid_t sentry, gofer; /* 0: not started, or reaped */
	int control;	     /* our end; -1 */
	int sentry_control;  /* the sentry's, when it was made before (container); -1 */
	int listen;	     /* container: its control socket; -1 */
	pid_t network_of;    /* container: the sentry is born in this one's network; 0 */
	int sentry_status;   /* wait status, once reaped */
	bool gofer_died;     /* before the sentry did */
	struct console console;
	struct mountpoints mountpoints; /* missing in the bundle's root */
	struct cgroup *cgroup;		/* NULL: stays in the starter's */
};

/* An empty configuration. 0 or -errno and a line. */
int sandbox_init(struct sandbox *s, struct error *e);
/* Numbers the trees of the root and the bind mounts of config->spec. */
int sandbox_add_trees(struct sandbox *s, struct error *e);
/* Starts the sandbox and stays until it has ended; no process is left then. Exit status of `runsc`:
 * the guest's, 128 + signal, or 1 with a line in @e. */
int sandbox_run(struct sandbox *s, const char *pid_file, struct error *e);

/* One line about what is not done as asked: to the container's own log when it outlives us, else as
 * a warning. */
void sandbox_notice(struct sandbox *s, const char *fmt, ...) printf_like(2, 3);

/* sandbox_cgroup.c: where the cgroup of container @id will be (nothing is made yet, so that it can
 * be written down before); makes it and sets its limits; moves a process in; what can be done only
 * when one is in; removes it. Nothing happens where there is none. */
int sandbox_cgroup_locate(struct sandbox *s, const char *id, struct error *e);
int sandbox_cgroup_start(struct sandbox *s, struct error *e);
int sandbox_cgroup_entered(struct sandbox *s, struct error *e);
int sandbox_cgroup_enter(struct sandbox *s, pid_t pid, struct error *e);
void sandbox_cgroup_end(struct sandbox *s);
/* sandbox_net.c: --network NAME, once config->spec is there. 0 or -EINVAL and a line. */
int sandbox_set_network(struct sandbox *s, const char *name, struct error *e);
/* The network namespace that the sentry is to be born in: a descriptor; -ENOENT: none in
 * particular; -EINVAL and a line. */
int sandbox_open_network(const struct sandbox *s, struct error *e);

/* The end: whatever of the two is still there is killed and reaped. */
void sandbox_reap(struct sandbox *s);
/* What is left besides the processes, when there are none or they are on their own. */
void sandbox_close(struct sandbox *s);
int sandbox_write_pid_file(const char *path, pid_t pid, struct error *e);

/* sandbox_spawn.c: writes the maps of a user namespace with one id, 0. */
int sandbox_write_maps(pid_t pid, u32 uid, u32 gid, bool groups, struct error *e);
/* sandbox_spawn.c: both children; 0 or -errno and a line (the caller kills what was started). */
int sandbox_spawn(struct sandbox *s, struct error *e);
/* sandbox_wait.c: forwards until the end. Signals are blocked. */
int sandbox_wait(struct sandbox *s, struct error *e);

#endif
