/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_internal.h - what the parts of runsc/cgroup share */
#ifndef RUNSC_CGROUP_CGROUP_INTERNAL_H
#define RUNSC_CGROUP_CGROUP_INTERNAL_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runsc/cgroup/cgroup.h"

/* The hierarchies of v1, in the order in which limits are set. */
enum cgroup_sub {
	SUB_CPUSET,
	SUB_DEVICES,
	SUB_MEMORY,
	SUB_CPU,
	SUB_CPUACCT,
	SUB_PIDS,
	SUB_BLKIO,
	SUB_HUGETLB,
	SUB_NET_CLS,
	SUB_NET_PRIO,
	SUB_PERF_EVENT,
	SUB_FREEZER,
	SUB_RDMA,
	SUB_MISC,
	SUB_SYSTEMD, /* name=systemd: has no controller */
	SUB_UNIFIED, /* v2, or the unified part of a hybrid host */
	SUB_COUNT,
};
extern const char *const cgroup_sub_names[SUB_COUNT]; /* "" of SUB_UNIFIED */

struct cgroup {
	bool v2;       /* only paths[SUB_UNIFIED] is there */
	bool rootless; /* places that refuse may be dropped: no path was given */
	bool systemd;
	bool shared;		 /* processes were in it before us: they are not killed */
	char *paths[SUB_COUNT];	 /* absolute; NULL: no such place */
	char *mounts[SUB_COUNT]; /* mount points, up to which parents are made */
	u32 own_tasks;		 /* above the limit of pids */
	/* Of the systemd driver: */
	bool pending, user_manager; /* the unit is still to be started; by the user's systemd */
	char *unit, *slice_name;
	char *slice; /* the path of the unit's cgroup in its hierarchy */
};

/* cgfile.c: files of a cgroup directory. All read and write whole small files. */
/* Writes @text to @dir/@name: 0 or -errno and runc's line. */
int cgfile_write(const char *dir, const char *name, const char *text, struct error *e);
int cgfile_printf(const char *dir, const char *name, struct error *e, const char *fmt, ...)
	printf_like(4, 5);
/* The same without a text for anybody. */
int cgfile_try(const char *dir, const char *name, const char *text);
/* Text without the last newline, to be freed; NULL: not there. */
char *cgfile_read(const char *dir, const char *name);
/* A number; "max" and what is too big are UINT64_MAX. 0 or -errno. */
int cgfile_u64(const char *dir, const char *name, u64 *out);
/* The number behind @key in lines "key number". 0 when it is not there. */
u64 cgfile_key(const char *dir, const char *name, const char *key);
bool cgfile_exists(const char *dir, const char *name);
/* mkdir -p of @path from behind @mount on. 0 or -errno. */
int cgfile_mkdirs(const char *path);
/* "%s/%s" in new memory; never NULL (ends the process without memory). */
char *cgpath_join(const char *dir, const char *name);
/* Removes "//", "." and ".." (which do not lead above the top); new memory. */
char *cgpath_clean(const char *path);

/* The parts of cgroup_apply, one a file. */
int apply_v1(struct cgroup *cg, const struct spec_resources *res, struct error *e);
int apply_v2(struct cgroup *cg, const struct spec_resources *res, struct error *e);
int devices_v1(struct cgroup *cg, const struct spec_resources *res, struct error *e);
int devices_v2(struct cgroup *cg, const struct spec_resources *res, struct error *e);
/* The rules of @res with those that every container has; free(). */
struct spec_device_rule *devices_rules(const struct spec_resources *res, u32 *out_count);

/* The limit of tasks on the host for @limit of guests; what the host would refuse stays as it is.
 */
static inline s64 cgroup_tasks(const struct cgroup *cg, s64 limit)
{
	return limit > 0 && limit <= (1 << 22) - cg->own_tasks ? limit + cg->own_tasks : limit;
}

/* cpuset_prepare: a new cpuset of v1 has no CPUs; it takes its parent's, and so do its parents. */
int cpuset_prepare(struct cgroup *cg, struct error *e);
/* Hands the controllers down to @path on v2. */
void controllers_enable(const struct cgroup *cg, const char *path);

int systemd_start(struct cgroup *cg, pid_t pid, struct error *e);
int systemd_locate(struct cgroup *cg, const struct cgroup_options *o, struct error *e);
void systemd_stop(struct cgroup *cg);

#endif
