/* SPDX-License-Identifier: Apache-2.0 */
/* apply_v1.c - linux.resources -> files of the v1 controllers, in runc's order and with its texts
 */
#include <stdlib.h>

#include "runsc/cgroup/cgroup_internal.h"

#define NOWHERE "cannot set %s limit: container could not join or create cgroup"

/* The directory of @sub, or NULL with an error when @wanted. */
static const char *place(struct cgroup *cg, enum cgroup_sub sub, bool wanted, struct error *e)
{
	if (!cg->paths[sub] && wanted)
		error_set(e, NOWHERE, cgroup_sub_names[sub]);
	return wanted ? cg->paths[sub] : NULL;
}

static int write_s64(const char *dir, const char *name, s64 value, struct error *e)
{
	return cgfile_printf(dir, name, e, "%lld", (long long)value);
}

/* ---- cpuset ---- */

static int inherit(const char *dir, const char *parent, const char *name, struct error *e)
{
	char *own = cgfile_read(dir, name), *theirs = NULL;
	int err = 0;

	if (own && !*own && (theirs = cgfile_read(parent, name)) != NULL)
		err = cgfile_write(dir, name, theirs, e);
	free(own);
	free(theirs);
	return err;
}

static int prepare_below(const char *mount, const char *dir, struct error *e)
{
	char *parent = strdup(dir), *slash = parent ? strrchr(parent, '/') : NULL;
	int err = 0;

	if (!slash || strlen(dir) <= strlen(mount)) {
		free(parent);
		return 0;
	}
	*slash = 0;
	err = prepare_below(mount, parent, e);
	if (!err)
		err = inherit(dir, parent, "cpuset.cpus", e);
	if (!err)
		err = inherit(dir, parent, "cpuset.mems", e);
	free(parent);
	return err;
}

int cpuset_prepare(struct cgroup *cg, struct error *e)
{
	if (cg->v2 || !cg->paths[SUB_CPUSET] || !cg->mounts[SUB_CPUSET])
		return 0;
	return prepare_below(cg->mounts[SUB_CPUSET], cg->paths[SUB_CPUSET], e);
}

static int apply_cpuset(struct cgroup *cg, const struct spec_cpu *c, struct error *e)
{
	bool cpus = c->cpus && *c->cpus, mems = c->mems && *c->mems;
	const char *dir = place(cg, SUB_CPUSET, cpus || mems, e);
	int err = 0;

	if (!dir)
		return e->text[0] ? -EINVAL : 0;
	if (cpus)
		err = cgfile_write(dir, "cpuset.cpus", c->cpus, e);
	if (!err && mems)
		err = cgfile_write(dir, "cpuset.mems", c->mems, e);
	return err;
}

/* ---- memory ---- */

static int write_limit(const char *dir, s64 limit, struct error *e)
{
	u64 usage = 0, peak = 0;
	char text[32];
	int err;

	snprintf(text, sizeof(text), "%lld", (long long)limit);
	err = cgfile_try(dir, "memory.limit_in_bytes", text);
	if (err != -EBUSY)
		return err ? cgfile_write(dir, "memory.limit_in_bytes", text, e) : 0;
	cgfile_u64(dir, "memory.usage_in_bytes", &usage);
	cgfile_u64(dir, "memory.max_usage_in_bytes", &peak);
	error_set(e, "unable to set memory limit to %lld (current usage: %llu, peak usage: %llu)",
		  (long long)limit, (unsigned long long)usage, (unsigned long long)peak);
	return -EBUSY;
}

/* Swap is counted with memory: it may never be below it, not even for a moment. */
static int write_limits(const char *dir, s64 limit, s64 swap, struct error *e)
{
	u64 now = 0;
	int err = 0;

	if (limit == -1 && swap == 0 && cgfile_exists(dir, "memory.memsw.limit_in_bytes"))
		swap = -1;
	if (limit && swap) {
		err = cgfile_u64(dir, "memory.limit_in_bytes", &now);
		if (err)
			return error_set_errno(e, err, "open %s/memory.limit_in_bytes", dir);
		if (swap == -1 || now < (u64)swap) {
			err = write_s64(dir, "memory.memsw.limit_in_bytes", swap, e);
			swap = 0;
		}
	}
	if (!err && limit)
		err = write_limit(dir, limit, e);
	if (!err && swap)
		err = write_s64(dir, "memory.memsw.limit_in_bytes", swap, e);
	return err;
}

static int check_before(const char *dir, const struct spec_memory *m, struct error *e)
{
	u64 usage;

	if (!m->check_before_update || m->limit <= 0 ||
	    cgfile_u64(dir, "memory.usage_in_bytes", &usage) < 0 || usage <= (u64)m->limit)
		return 0;
	return error_set(e, "rejecting memory limit %lld < usage %llu", (long long)m->limit,
			 (unsigned long long)usage);
}

static int apply_memory(struct cgroup *cg, const struct spec_memory *m, struct error *e)
{
	bool wanted = m->limit || m->swap || m->reservation || m->kernel_tcp ||
		      m->disable_oom_killer || m->has_swappiness;
	const char *dir = place(cg, SUB_MEMORY, wanted, e);
	int err;

	if (!dir)
		return e->text[0] ? -EINVAL : 0;
	err = check_before(dir, m, e);
	if (!err)
		err = write_limits(dir, m->limit, m->swap, e);
	if (!err && m->reservation)
		err = write_s64(dir, "memory.soft_limit_in_bytes", m->reservation, e);
	if (!err && m->kernel_tcp)
		err = write_s64(dir, "memory.kmem.tcp.limit_in_bytes", m->kernel_tcp, e);
	if (!err && m->disable_oom_killer)
		err = write_s64(dir, "memory.oom_control", 1, e);
	if (!err && m->has_swappiness && m->swappiness > 100)
		return error_set(e, "invalid memory swappiness value: %llu (valid range is 0-100)",
				 (unsigned long long)m->swappiness);
	if (!err && m->has_swappiness)
		err = write_s64(dir, "memory.swappiness", (s64)m->swappiness, e);
	return err;
}

/* ---- cpu ---- */

/* The kernel takes shares outside of its range and cuts them: told, as runc does. */
static int write_shares(const char *dir, u64 shares, struct error *e)
{
	u64 is = shares;
	int err = cgfile_printf(dir, "cpu.shares", e, "%llu", (unsigned long long)shares);

	if (err)
		return err;
	cgfile_u64(dir, "cpu.shares", &is);
	if (shares > is)
		return error_set(e, "the maximum allowed cpu-shares is %llu",
				 (unsigned long long)is);
	if (shares < is)
		return error_set(e, "the minimum allowed cpu-shares is %llu",
				 (unsigned long long)is);
	return 0;
}

/* A period that does not go with the old quota goes with the new one. */
static int write_bandwidth(const char *dir, const struct spec_cpu *c, struct error *e)
{
	bool later = false;
	char text[32];
	int err = 0;

	if (c->period) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)c->period);
		later = cgfile_try(dir, "cpu.cfs_period_us", text) == -EINVAL && c->quota;
		if (!later)
			err = cgfile_write(dir, "cpu.cfs_period_us", text, e);
	}
	if (!err && c->quota)
		err = write_s64(dir, "cpu.cfs_quota_us", c->quota, e);
	if (!err && later)
		err = cgfile_write(dir, "cpu.cfs_period_us", text, e);
	if (!err && c->has_burst)
		err = write_s64(dir, "cpu.cfs_burst_us", (s64)c->burst, e);
	return err;
}

static int apply_cpu(struct cgroup *cg, const struct spec_cpu *c, struct error *e)
{
	bool wanted = c->shares || c->quota || c->period || c->has_burst || c->realtime_period ||
		      c->realtime_runtime || c->has_idle;
	const char *dir = place(cg, SUB_CPU, wanted, e);
	int err = 0;

	if (!dir)
		return e->text[0] ? -EINVAL : 0;
	if (c->realtime_period)
		err = write_s64(dir, "cpu.rt_period_us", (s64)c->realtime_period, e);
	if (!err && c->realtime_runtime)
		err = write_s64(dir, "cpu.rt_runtime_us", c->realtime_runtime, e);
	if (!err && c->shares)
		err = write_shares(dir, c->shares, e);
	if (!err)
		err = write_bandwidth(dir, c, e);
	if (!err && c->has_idle)
		err = write_s64(dir, "cpu.idle", c->idle, e);
	return err;
}

/* ---- pids, blkio, hugetlb, network, rdma ---- */

static int apply_pids(struct cgroup *cg, s64 limit, struct error *e)
{
	const char *dir = place(cg, SUB_PIDS, limit != 0, e);

	if (!dir)
		return e->text[0] ? -EINVAL : 0;
	if (limit < 0)
		return cgfile_write(dir, "pids.max", "max", e);
	return write_s64(dir, "pids.max", cgroup_tasks(cg, limit), e);
}

static int apply_blkio(struct cgroup *cg, const struct spec_blkio *b, struct error *e)
{
	static const char *const files[SPEC_THROTTLES] = {
		[SPEC_READ_BPS] = "blkio.throttle.read_bps_device",
		[SPEC_WRITE_BPS] = "blkio.throttle.write_bps_device",
		[SPEC_READ_IOPS] = "blkio.throttle.read_iops_device",
		[SPEC_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};
	bool wanted = b->weight || b->leaf_weight || b->weight_count;
	const char *dir, *weight;
	int err = 0;

	for (int i = 0; i < SPEC_THROTTLES; i++)
		wanted = wanted || b->throttle_count[i];
	dir = place(cg, SUB_BLKIO, wanted, e);
	if (!dir)
		return e->text[0] ? -EINVAL : 0;
	weight = cgfile_exists(dir, "blkio.weight") ? "blkio.weight" : "blkio.bfq.weight";
	if (b->weight)
		err = write_s64(dir, weight, b->weight, e);
	if (!err && b->leaf_weight)
		err = write_s64(dir, "blkio.leaf_weight", b->leaf_weight, e);
	for (u32 i = 0; i < b->weight_count && !err; i++)
		err = cgfile_printf(
			dir, weight[6] == 'b' ? "blkio.bfq.weight_device" : "blkio.weight_device",
			e, "%lld:%lld %llu", (long long)b->weights[i].major,
			(long long)b->weights[i].minor, (unsigned long long)b->weights[i].value);
	for (int k = 0; k < SPEC_THROTTLES; k++)
		for (u32 i = 0; i < b->throttle_count[k] && !err; i++)
			err = cgfile_printf(dir, files[k], e, "%lld:%lld %llu",
					    (long long)b->throttles[k][i].major,
					    (long long)b->throttles[k][i].minor,
					    (unsigned long long)b->throttles[k][i].value);
	return err;
}

static int apply_hugetlb(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	const char *dir = place(cg, SUB_HUGETLB, res->hugepage_count != 0, e);
	int err = 0;

	if (!dir)
		return e->text[0] ? -EINVAL : 0;
	for (u32 i = 0; i < res->hugepage_count && !err; i++) {
		char name[128];

		snprintf(name, sizeof(name), "hugetlb.%s.limit_in_bytes", res->hugepages[i].name);
		err = cgfile_printf(dir, name, e, "%llu",
				    (unsigned long long)res->hugepages[i].limit);
	}
	return err;
}

static int apply_network(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	const char *cls = place(cg, SUB_NET_CLS, res->has_class_id && res->class_id, e);
	const char *prio = place(cg, SUB_NET_PRIO, res->priority_count != 0, e);
	int err = 0;

	if (e->text[0])
		return -EINVAL;
	if (cls)
		err = write_s64(cls, "net_cls.classid", res->class_id, e);
	for (u32 i = 0; prio && i < res->priority_count && !err; i++)
		err = cgfile_printf(prio, "net_prio.ifpriomap", e, "%s %llu",
				    res->priorities[i].name,
				    (unsigned long long)res->priorities[i].limit);
	return err;
}

static int apply_rdma(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	const char *dir = place(cg, SUB_RDMA, res->rdma_count != 0, e);
	int err = 0;

	for (u32 i = 0; dir && i < res->rdma_count && !err; i++) {
		const struct spec_named_limit *l = &res->rdma[i];

		if (l->has_limit)
			err = cgfile_printf(dir, "rdma.max", e, "%s hca_handle=%llu", l->name,
					    (unsigned long long)l->limit);
		if (!err && l->has_objects)
			err = cgfile_printf(dir, "rdma.max", e, "%s hca_object=%llu", l->name,
					    (unsigned long long)l->objects);
	}
	return e->text[0] ? -EINVAL : err;
}

int apply_v1(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	int err = apply_cpuset(cg, &res->cpu, e);

	if (res->unified_count)
		return error_set(e, "invalid configuration: cgroup v1 is used, unified resources "
				    "need cgroup v2");
	if (!err)
		err = apply_memory(cg, &res->memory, e);
	if (!err)
		err = apply_cpu(cg, &res->cpu, e);
	if (!err)
		err = apply_pids(cg, res->pids_limit, e);
	if (!err)
		err = apply_blkio(cg, &res->blkio, e);
	if (!err)
		err = apply_hugetlb(cg, res, e);
	if (!err)
		err = apply_network(cg, res, e);
	if (!err)
		err = apply_rdma(cg, res, e);
	return err;
}
