/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h - the host's cgroup of a container: place, limits, members, freezer, statistics
 *
 * Theory of operation: a cgroup is one directory for each hierarchy of the host: on v1 one for each
 * controller (and for the named hierarchies, and the unified one of a hybrid host), on v2 a single
 * one. cgroup_locate finds the places and changes nothing; create, enter and apply do; save and
 * load carry the places from one command to the next. The order of a start is
 *
 *	locate -> create -> enter (each process before its exec) -> apply -> ... -> remove
 *
 * An ordinary user often may not touch cgroups. As with runc, a place that refuses is dropped then,
 * if config.json named no path; a limit that is asked for and whose place was dropped is an error,
 * not a silence.
 */
#ifndef RUNSC_CGROUP_CGROUP_H
#define RUNSC_CGROUP_CGROUP_H

#include <jansson.h>
#include <sys/types.h>

#include "runsc/spec/resources.h"

struct cgroup;

/* Enough for the threads of a sentry and a gofer, waiting stubs and proxies. The sentry holds
 * guests to the limit itself. */
#define CGROUP_OWN_TASKS 256

struct cgroup_options {
	const char *id;	    /* of the container */
	const char *path;   /* linux.cgroupsPath; NULL or "": below the caller's own, named by id */
	const char *prefix; /* before /proc and all mount points, for tests; NULL: none */
	u32 own_tasks;	    /* added to the limit of pids: what a sandbox itself needs */
	bool systemd;	    /* --systemd-cgroup: a transient scope */
	bool rootless;	    /* places that refuse may be left out */
	bool disabled;	    /* --cgroup-manager=disabled: no cgroup at all */
};

/* Finds out where the cgroup is to be. Changes nothing on the host. 0 or -errno and a line. */
int cgroup_locate(const struct cgroup_options *o, struct cgroup **out, struct error *e);
/* Makes the directories; parents too. Fails when a place that matters cannot be made. */
int cgroup_create(struct cgroup *cg, struct error *e);
/* Moves process @pid (0: the caller) in. To be called before it makes threads or children. */
int cgroup_enter(struct cgroup *cg, pid_t pid, struct error *e);
/* Writes the limits; the texts of errors are runc's. */
int cgroup_apply(struct cgroup *cg, const struct spec_resources *res, struct error *e);
/* The same for a cgroup in use (`runsc update`): rules for devices are left alone. */
int cgroup_update(struct cgroup *cg, const struct spec_resources *res, struct error *e);
/* Removes all directories, with those that were made below; processes that are left are killed.
 * Nothing there: 0. */
int cgroup_remove(struct cgroup *cg, struct error *e);
void cgroup_destroy(struct cgroup *cg);

/* The places as JSON, {"memory": "/sys/fs/cgroup/memory/x", ...}, and back; on v2 and on the
 * unified part of a hybrid host the key is "". load takes no ownership of @paths. */
json_t *cgroup_save(const struct cgroup *cg);
int cgroup_load(json_t *paths, struct cgroup **out);
/* Does the cgroup exist in at least one hierarchy? */
bool cgroup_exists(const struct cgroup *cg);
/* A cgroup @name below (`exec --cgroup`, containers of a pod). 0 or -errno and a line. */
int cgroup_below(const struct cgroup *cg, const char *name, struct cgroup **out, struct error *e);

/* All processes in it and below, on the host's numbers, sorted; free(*out). 0 or -errno. */
int cgroup_pids(const struct cgroup *cg, pid_t **out, size_t *out_count);
/* Stops all processes, or lets them go on; waits until that is so (at most about two seconds). */
int cgroup_freeze(struct cgroup *cg, bool frozen, struct error *e);
bool cgroup_is_frozen(const struct cgroup *cg);
/* Sends @sig to all processes; SIGKILL reaches those that are being born, too. */
int cgroup_kill(struct cgroup *cg, int sig);

/* The "data" object of `runsc events --stats`, as runc prints it. NULL: no memory. */
json_t *cgroup_stats(const struct cgroup *cg);
/* A descriptor that becomes readable when the host has killed for lack of memory: an eventfd on v1,
 * an inotify of memory.events on v2 (cgroup_oom_count tells what is new). -errno. */
int cgroup_oom_fd(const struct cgroup *cg);
/* How often that has happened; 0 when nobody knows. */
u64 cgroup_oom_count(const struct cgroup *cg);

/* What a container is to be shown: bytes (0: no limit) and whole CPUs (at least 1; 0: no limit),
 * from the cgroup and all above it. */
u64 cgroup_memory_limit(const struct cgroup *cg);
u32 cgroup_cpu_limit(const struct cgroup *cg);
bool cgroup_is_v2(const struct cgroup *cg);

#endif
