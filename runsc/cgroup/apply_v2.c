/* SPDX-License-Identifier: Apache-2.0 */
/* apply_v2.c - linux.resources -> files of a v2 cgroup
 *
 * The specification speaks v1: swap there is memory and swap together, and shares and weights have
 * other ranges. The formulas are those that the specification's document and runc use.
 */
#include <stdlib.h>

#include "runsc/cgroup/cgroup_internal.h"

void controllers_enable(const struct cgroup *cg, const char *path)
{
	const char *mount = cg->mounts[SUB_UNIFIED];
	char *dir, *list, *save = NULL, *end;

	if (!mount || strncmp(path, mount, strlen(mount)) != 0)
		return;
	list = cgfile_read(mount, "cgroup.controllers");
	dir = strdup(path);
	/* From the mount point down to the parent of @path; each may refuse some of them. */
	for (end = dir ? dir + strlen(mount) : NULL; list && end && *end == '/';) {
		char *copy = strdup(list), word[64];

		*end = 0;
		for (char *c = copy ? strtok_r(copy, " ", &save) : NULL; c;
		     c = strtok_r(NULL, " ", &save)) {
			snprintf(word, sizeof(word), "+%s", c);
			cgfile_try(dir, "cgroup.subtree_control", word);
		}
		free(copy);
		*end = '/';
		end = strchrnul(end + 1, '/');
	}
	free(dir);
	free(list);
}

static int write_max(const char *dir, const char *name, s64 value, struct error *e)
{
	if (value < 0)
		return cgfile_write(dir, name, "max", e);
	return cgfile_printf(dir, name, e, "%lld", (long long)value);
}

static int apply_memory(const char *dir, const struct spec_memory *m, struct error *e)
{
	s64 swap = m->swap;
	int err = 0;

	/* -1 of memory alone means swap without limit, too. */
	if (m->limit == -1 && swap == 0)
		swap = -1;
	if (swap > 0) {
		if (m->limit <= 0)
			return error_set(e, "unable to set swap limit without memory limit");
		if (swap < m->limit)
			return error_set(e, "memory+swap limit should be >= memory limit");
		swap -= m->limit;
		err = write_max(dir, "memory.swap.max", swap, e);
	} else if (swap < 0) {
		/* Without swap accounting there is nothing to lift. */
		if (cgfile_exists(dir, "memory.swap.max"))
			err = write_max(dir, "memory.swap.max", -1, e);
	}
	if (!err && m->check_before_update && m->limit > 0) {
		u64 usage;

		if (cgfile_u64(dir, "memory.current", &usage) == 0 && usage > (u64)m->limit)
			return error_set(e, "rejecting memory limit %lld < usage %llu",
					 (long long)m->limit, (unsigned long long)usage);
	}
	if (!err && m->limit)
		err = write_max(dir, "memory.max", m->limit, e);
	if (!err && m->reservation)
		err = write_max(dir, "memory.low", m->reservation, e);
	return err;
}

static int write_cpu_max(const char *dir, const struct spec_cpu *c, struct error *e)
{
	u64 period = c->period;
	char *now;
	int err;

	if (c->quota > 0)
		return cgfile_printf(dir, "cpu.max", e, "%lld %llu", (long long)c->quota,
				     (unsigned long long)(period ? period : 100000));
	if (c->quota < 0)
		return period ? cgfile_printf(dir, "cpu.max", e, "max %llu",
					      (unsigned long long)period)
			      : cgfile_write(dir, "cpu.max", "max", e);
	/* A new period for the old quota. */
	now = cgfile_read(dir, "cpu.max");
	err = cgfile_printf(dir, "cpu.max", e, "%.*s %llu", now ? (int)strcspn(now, " ") : 3,
			    now ? now : "max", (unsigned long long)period);
	free(now);
	return err;
}

static int apply_cpu(const char *dir, const struct spec_cpu *c, struct error *e)
{
	u64 shares = c->shares < 2 ? 2 : min(c->shares, 262144ull);
	int err = 0;

	if (c->realtime_period || c->realtime_runtime)
		return error_set(e, "cgroup v2 has no realtime limits of the CPU");
	if (c->shares)
		err = cgfile_printf(dir, "cpu.weight", e, "%llu",
				    (unsigned long long)(1 + (shares - 2) * 9999 / 262142));
	if (!err && (c->quota || c->period))
		err = write_cpu_max(dir, c, e);
	if (!err && c->has_burst)
		err = write_max(dir, "cpu.max.burst", (s64)c->burst, e);
	if (!err && c->has_idle)
		err = write_max(dir, "cpu.idle", c->idle, e);
	if (!err && c->cpus && *c->cpus)
		err = cgfile_write(dir, "cpuset.cpus", c->cpus, e);
	if (!err && c->mems && *c->mems)
		err = cgfile_write(dir, "cpuset.mems", c->mems, e);
	return err;
}

static int apply_io(const char *dir, const struct spec_blkio *b, struct error *e)
{
	static const char *const keys[SPEC_THROTTLES] = {
		[SPEC_READ_BPS] = "rbps",
		[SPEC_WRITE_BPS] = "wbps",
		[SPEC_READ_IOPS] = "riops",
		[SPEC_WRITE_IOPS] = "wiops",
	};
	bool bfq = cgfile_exists(dir, "io.bfq.weight");
	int err = 0;

	if (b->weight && bfq)
		err = cgfile_printf(dir, "io.bfq.weight", e, "%u", b->weight);
	else if (b->weight)
		err = cgfile_printf(dir, "io.weight", e, "default %llu",
				    1 + ((unsigned long long)max(b->weight, 10u) - 10) * 9999 /
						    990);
	for (u32 i = 0; i < b->weight_count && !err; i++)
		err = cgfile_printf(dir, bfq ? "io.bfq.weight" : "io.weight", e, "%lld:%lld %llu",
				    (long long)b->weights[i].major, (long long)b->weights[i].minor,
				    (unsigned long long)b->weights[i].value);
	for (int k = 0; k < SPEC_THROTTLES; k++)
		for (u32 i = 0; i < b->throttle_count[k] && !err; i++)
			err = cgfile_printf(dir, "io.max", e, "%lld:%lld %s=%llu",
					    (long long)b->throttles[k][i].major,
					    (long long)b->throttles[k][i].minor, keys[k],
					    (unsigned long long)b->throttles[k][i].value);
	return err;
}

static int apply_lists(const char *dir, const struct spec_resources *res, struct error *e)
{
	int err = 0;

	for (u32 i = 0; i < res->hugepage_count && !err; i++) {
		char name[128];

		snprintf(name, sizeof(name), "hugetlb.%s.max", res->hugepages[i].name);
		err = cgfile_printf(dir, name, e, "%llu",
				    (unsigned long long)res->hugepages[i].limit);
	}
	for (u32 i = 0; i < res->rdma_count && !err; i++) {
		const struct spec_named_limit *l = &res->rdma[i];

		if (l->has_limit)
			err = cgfile_printf(dir, "rdma.max", e, "%s hca_handle=%llu", l->name,
					    (unsigned long long)l->limit);
		if (!err && l->has_objects)
			err = cgfile_printf(dir, "rdma.max", e, "%s hca_object=%llu", l->name,
					    (unsigned long long)l->objects);
	}
	for (u32 i = 0; i < res->unified_count && !err; i++) {
		char *save = NULL, *text = strdup(res->unified[i].text);

		/* One write a line: files such as io.max take one at a time. */
		for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l && !err;
		     l = strtok_r(NULL, "\n", &save))
			err = cgfile_write(dir, res->unified[i].name, l, e);
		free(text);
	}
	return err;
}

int apply_v2(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	const char *dir = cg->paths[SUB_UNIFIED];
	int err;

	if (!dir)
		return spec_resources_any(res)
			       ? error_set(e, "cannot set limits: container could not join or "
					      "create cgroup")
			       : 0;
	err = res->pids_limit ? write_max(dir, "pids.max", cgroup_tasks(cg, res->pids_limit), e)
			      : 0;
	if (!err)
		err = apply_memory(dir, &res->memory, e);
	if (!err)
		err = apply_io(dir, &res->blkio, e);
	if (!err)
		err = apply_cpu(dir, &res->cpu, e);
	if (!err)
		err = apply_lists(dir, res, e);
	return err;
}
