/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - what of memory and CPUs a cgroup leaves, counting those above it; lack of memory */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <fcntl.h>
#include <unistd.h>

#include "runsc/cgroup/cgroup_internal.h"

/* Above this v1 means "no limit" (a page counter's maximum). */
#define NO_LIMIT (1ull << 62)

/* Calls @fn for @path and each directory above it, to the mount point. */
static void each_above(const char *path, const char *mount, u64 *value,
		       void (*fn)(const char *dir, u64 *value))
{
	char *dir = strdup(path), *slash;
	size_t least = mount ? strlen(mount) : strlen(path);

	while (dir && strlen(dir) >= least && (slash = strrchr(dir, '/')) != NULL) {
		fn(dir, value);
		if (slash == dir)
			break;
		*slash = 0;
	}
	free(dir);
}

static void least_memory(const char *dir, u64 *value)
{
	u64 limit;

	if (cgfile_u64(dir, "memory.max", &limit) == 0)
		*value = min(*value, limit);
}

u64 cgroup_memory_limit(const struct cgroup *cg)
{
	const char *dir = cg->paths[cg->v2 ? SUB_UNIFIED : SUB_MEMORY];
	u64 limit = UINT64_MAX;

	if (!dir)
		return 0;
	if (cg->v2)
		each_above(dir, cg->mounts[SUB_UNIFIED], &limit, least_memory);
	else
		limit = cgfile_key(dir, "memory.stat", "hierarchical_memory_limit");
	return limit >= NO_LIMIT ? 0 : limit;
}

static void least_cpus(const char *dir, u64 *value)
{
	u64 period = 0, quota = 0;
	char *both = cgfile_read(dir, "cpu.max"), *end;

	if (both && *both != 'm') {
		quota = strtoull(both, &end, 10);
		period = strtoull(end, NULL, 10);
	} else if (!both && cgfile_u64(dir, "cpu.cfs_quota_us", &quota) == 0) {
		cgfile_u64(dir, "cpu.cfs_period_us", &period);
	}
	free(both);
	if (period && quota && quota < NO_LIMIT)
		*value = min(*value, (quota + period - 1) / period);
}

/* How many numbers are in a list such as "0-3,7"; 0: none, or no list. */
static u32 list_weight(const char *list)
{
	u32 n = 0;

	while (list && *list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > 65535)
			return 0;
		n += (u32)(last - first + 1);
		list = *end == ',' ? end + 1 : end;
	}
	return n;
}

u32 cgroup_cpu_limit(const struct cgroup *cg)
{
	unsigned cpu = cg->v2 ? SUB_UNIFIED : SUB_CPU, set = cg->v2 ? SUB_UNIFIED : SUB_CPUSET;
	u64 least = UINT64_MAX;

	if (cg->paths[cpu])
		each_above(cg->paths[cpu], cg->mounts[cpu], &least, least_cpus);
	if (cg->paths[set]) {
		char *list = cgfile_read(cg->paths[set], cg->v2 ? "cpuset.cpus.effective"
								: "cpuset.effective_cpus");
		u32 n = list_weight(list);

		free(list);
		if (n)
			least = min(least, (u64)n);
	}
	return least > 65535 ? 0 : (u32)max(least, 1ull);
}

bool cgroup_is_v2(const struct cgroup *cg)
{
	return cg->v2;
}

static int oom_fd_v1(const char *dir)
{
	char *path = cgpath_join(dir, "memory.oom_control"), text[32];
	int control = open(path, O_RDONLY | O_CLOEXEC), fd, err = 0;

	free(path);
	if (control < 0)
		return -errno;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		err = -errno;
	} else {
		snprintf(text, sizeof(text), "%d %d", fd, control);
		err = cgfile_try(dir, "cgroup.event_control", text);
		if (err)
			close(fd);
	}
	close(control);
	return err ? err : fd;
}

int cgroup_oom_fd(const struct cgroup *cg)
{
	const char *dir = cg->paths[cg->v2 ? SUB_UNIFIED : SUB_MEMORY];
	char *path;
	int fd;

	if (!dir)
		return -ENOENT;
	if (!cg->v2)
		return oom_fd_v1(dir);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return -errno;
	path = cgpath_join(dir, "memory.events");
	if (inotify_add_watch(fd, path, IN_MODIFY) < 0) {
		int err = -errno;

		close(fd);
		fd = err;
	}
	free(path);
	return fd;
}

u64 cgroup_oom_count(const struct cgroup *cg)
{
	const char *dir = cg->paths[cg->v2 ? SUB_UNIFIED : SUB_MEMORY];

	if (!dir)
		return 0;
	return cgfile_key(dir, cg->v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}
