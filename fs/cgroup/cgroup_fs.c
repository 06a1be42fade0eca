/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_fs.c - what a container may know of its cgroup
 *
 * Theory of operation: the limits are the host's, handed down as struct kernel_limits; use is what
 * the sentry counts itself. Nothing can be changed and no cgroup can be made below: whoever starts
 * the sandbox rules over it. Programs that size themselves by their cgroup (JVMs, Go, node) find
 * files, mounts and /proc/self/cgroup as on a host of that version, the container being at the root
 * of a cgroup namespace.
 */
#include "fs/cgroup/cgroup_fs.h"

#include <sys/stat.h>

#include "fs/kernfs/kernfs.h"
#include "sentry/base/strbuf.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/process.h"

#define CGROUP_MAGIC	  0x27e0eb
#define CGROUP2_MAGIC	  0x63677270
#define V1_MEMORY_NOLIMIT 9223372036854771712ull

typedef unsigned long long ull;

static const struct kernel_limits *limits(void)
{
	return &g_kernel->config.limits;
}

/* --- generic ---------------------------------------------------------------------------------- */

static int show_text(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

static int show_procs(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct tgroup *tg;

	mutex_lock(&g_kernel->lock);
	for (tg = tgroup_next(1); tg; tg = tgroup_next(tg->tgid + 1))
		if (!tg->zombie)
			strbuf_printf(s, "%d\n", tg->tgid);
	mutex_unlock(&g_kernel->lock);
	return 0;
}

static int show_threads(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct tgroup *tg;
	struct task *t;

	mutex_lock(&g_kernel->lock);
	for (tg = tgroup_next(1); tg; tg = tgroup_next(tg->tgid + 1))
		list_for_each_entry (t, &tg->tasks, group_link)
			strbuf_printf(s, "%d\n", t->tid);
	mutex_unlock(&g_kernel->lock);
	return 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */

enum value {
	V1_LIMIT,
	V1_SOFT,
	V1_MEMSW,
	V1_NOLIMIT,
	USAGE,
	PEAK,
	V1_QUOTA,
	V1_PERIOD,
	V1_SHARES,
	CPU_USAGE,
	PIDS_CURRENT,
};

static u64 no_limit(u64 limit)
{
	return limit ? limit & ~(u64)(PAGE_SIZE - 1) : V1_MEMORY_NOLIMIT;
}

static long long number(enum value v)
{
	const struct kernel_limits *l = limits();
	u64 user, system;

	switch (v) {
	case V1_LIMIT:
		return (long long)no_limit(g_kernel->config.memory_limit);
	case V1_SOFT:
		return (long long)no_limit(l->memory_soft);
	case V1_MEMSW:
		return (long long)no_limit(l->memory_swap);
	case V1_NOLIMIT:
		return (long long)V1_MEMORY_NOLIMIT;
	case USAGE:
		return (long long)kernel_memory_used(NULL);
	case PEAK:
		kernel_memory_used(&user);
		return (long long)user;
	case V1_QUOTA:
		return l->cpu_quota > 0 ? l->cpu_quota : -1;
	case V1_PERIOD:
		return (long long)(l->cpu_period ? l->cpu_period : 100000);
	case V1_SHARES:
		return (long long)(l->cpu_shares ? l->cpu_shares : 1024);
	case CPU_USAGE:
		kernel_cputime(&user, &system);
		return (long long)(user + system);
	case PIDS_CURRENT:
		return g_kernel->task_count;
	}
	return 0;
}

/* entry->arg: which. */
static int show_number(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%lld\n", number((enum value)n->entry->arg));
	return 0;
}

static int show_cpus(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	if (g_kernel->config.cpus > 1)
		strbuf_printf(s, "0-%u\n", g_kernel->config.cpus - 1);
	else
		strbuf_printf(s, "0\n");
	return 0;
}

static int show_pids_max(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 max = limits()->tasks;

	if (max)
		strbuf_printf(s, "%llu\n", (ull)max);
	else
		strbuf_printf(s, "max\n");
	return 0;
}

static int show_memory_stat_v1(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 shared, used = kernel_memory_used(NULL);

	shared = min(kernel_shared_memory(), used);
	strbuf_printf(s, "cache %llu\nrss %llu\nrss_huge 0\nshmem %llu\nmapped_file 0\n",
		      (ull)shared, (ull)(used - shared), (ull)shared);
	strbuf_printf(s,
		      "swap 0\ninactive_anon 0\nactive_anon %llu\ninactive_file 0\n"
		      "active_file 0\nunevictable 0\n",
		      (ull)used);
	strbuf_printf(s, "hierarchical_memory_limit %lld\nhierarchical_memsw_limit %lld\n",
		      number(V1_LIMIT), number(V1_MEMSW));
	strbuf_printf(s,
		      "total_cache %llu\ntotal_rss %llu\ntotal_inactive_file 0\n"
		      "total_active_file 0\ntotal_swap 0\n",
		      (ull)shared, (ull)(used - shared));
	return 0;
}

static int show_cpuacct_stat(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 user, system;

	kernel_cputime(&user, &system);
	strbuf_printf(s, "user %llu\nsystem %llu\n", (ull)user / 10000000, (ull)system / 10000000);
	return 0;
}

/* The CPUs are not told apart: an even share. */
static int show_percpu(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	for (unsigned i = 0; i < g_kernel->config.cpus; i++)
		strbuf_printf(s, "%lld ", number(CPU_USAGE) / g_kernel->config.cpus);
	strbuf_printf(s, "\n");
	return 0;
}

/* --- v2's forms ------------------------------------------------------------------------------- */

enum { MAX_MEMORY, MAX_SWAP, LOW_MEMORY };

static int show_max(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	const struct kernel_limits *l = limits();
	u64 memory = g_kernel->config.memory_limit, value = memory;

	if (n->entry->arg == MAX_SWAP)
		value = l->memory_swap > memory ? l->memory_swap - memory : 0;
	if (n->entry->arg == LOW_MEMORY)
		strbuf_printf(s, "%llu\n", (ull)l->memory_soft);
	else if (value || (n->entry->arg == MAX_SWAP && l->memory_swap))
		strbuf_printf(s, "%llu\n", (ull)value);
	else
		strbuf_printf(s, "max\n");
	return 0;
}

static int show_cpu_max(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	const struct kernel_limits *l = limits();

	if (l->cpu_quota > 0)
		strbuf_printf(s, "%lld %lld\n", (long long)l->cpu_quota, number(V1_PERIOD));
	else
		strbuf_printf(s, "max %lld\n", number(V1_PERIOD));
	return 0;
}

static int show_cpu_weight(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 shares = limits()->cpu_shares;

	shares = shares < 2 ? 1024 : min(shares, 262144ull);
	strbuf_printf(s, "%llu\n",
		      limits()->cpu_shares ? (ull)(1 + (shares - 2) * 9999 / 262142) : 100ull);
	return 0;
}

static int show_cpu_stat(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 user, system;

	kernel_cputime(&user, &system);
	strbuf_printf(s, "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n",
		      (ull)(user + system) / 1000, (ull)user / 1000, (ull)system / 1000);
	strbuf_printf(s, "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
	return 0;
}

static int show_memory_stat_v2(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 shared, used = kernel_memory_used(NULL);

	shared = min(kernel_shared_memory(), used);
	strbuf_printf(s, "anon %llu\nfile %llu\nkernel 0\nshmem %llu\nfile_mapped 0\n",
		      (ull)(used - shared), (ull)shared, (ull)shared);
	strbuf_printf(s, "inactive_anon 0\nactive_anon %llu\ninactive_file 0\nactive_file 0\n",
		      (ull)used);
	strbuf_printf(s, "unevictable 0\nslab 0\npgfault 0\npgmajfault 0\n");
	return 0;
}

/* --- tables ----------------------------------------------------------------------------------- */

#define SHOW(file, fn)                                   \
	{                                                \
		.name = (file), .mode = 0444, .show = fn \
	}
#define VALUE(file, fn, which)                                                \
	{                                                                     \
		.name = (file), .mode = 0444, .show = fn, .arg = (u64)(which) \
	}
#define NUMBER(file, which) VALUE(file, show_number, which)
#define TEXT(file, text)    VALUE(file, show_text, (uintptr_t)(text "\n"))
#define END                  \
	{                    \
		.name = NULL \
	}
#define COMMON_V1                                                      \
	SHOW("cgroup.procs", show_procs), SHOW("tasks", show_threads), \
		TEXT("cgroup.clone_children", "0"), TEXT("notify_on_release", "0")

static const struct kernfs_entry memory_v1[] = {
	COMMON_V1,
	NUMBER("memory.limit_in_bytes", V1_LIMIT),
	NUMBER("memory.usage_in_bytes", USAGE),
	NUMBER("memory.max_usage_in_bytes", PEAK),
	TEXT("memory.failcnt", "0"),
	NUMBER("memory.memsw.limit_in_bytes", V1_MEMSW),
	NUMBER("memory.memsw.usage_in_bytes", USAGE),
	NUMBER("memory.memsw.max_usage_in_bytes", PEAK),
	TEXT("memory.memsw.failcnt", "0"),
	NUMBER("memory.soft_limit_in_bytes", V1_SOFT),
	NUMBER("memory.kmem.limit_in_bytes", V1_NOLIMIT),
	TEXT("memory.kmem.usage_in_bytes", "0"),
	SHOW("memory.stat", show_memory_stat_v1),
	TEXT("memory.swappiness", "60"),
	TEXT("memory.use_hierarchy", "1"),
	TEXT("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0"),
	END,
};
static const struct kernfs_entry cpu_v1[] = {
	COMMON_V1,
	NUMBER("cpu.cfs_quota_us", V1_QUOTA),
	NUMBER("cpu.cfs_period_us", V1_PERIOD),
	NUMBER("cpu.shares", V1_SHARES),
	TEXT("cpu.cfs_burst_us", "0"),
	TEXT("cpu.rt_period_us", "1000000"),
	TEXT("cpu.rt_runtime_us", "0"),
	TEXT("cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0"),
	END,
};
static const struct kernfs_entry cpuacct_v1[] = {
	COMMON_V1,
	NUMBER("cpuacct.usage", CPU_USAGE),
	SHOW("cpuacct.usage_percpu", show_percpu),
	SHOW("cpuacct.stat", show_cpuacct_stat),
	END,
};
static const struct kernfs_entry cpuset_v1[] = {
	COMMON_V1,
	SHOW("cpuset.cpus", show_cpus),
	SHOW("cpuset.effective_cpus", show_cpus),
	TEXT("cpuset.mems", "0"),
	TEXT("cpuset.effective_mems", "0"),
	TEXT("cpuset.cpu_exclusive", "0"),
	TEXT("cpuset.mem_exclusive", "0"),
	END,
};
static const struct kernfs_entry pids_v1[] = {
	COMMON_V1,
	NUMBER("pids.current", PIDS_CURRENT),
	SHOW("pids.max", show_pids_max),
	END,
};
static const struct kernfs_entry devices_v1[] = {
	COMMON_V1,
	TEXT("devices.list", "c *:* m\nb *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\n"
			     "c 1:9 rwm\nc 5:0 rwm\nc 5:2 rwm\nc 136:* rwm"),
	END,
};
static const struct kernfs_entry freezer_v1[] = {
	COMMON_V1,
	TEXT("freezer.state", "THAWED"),
	TEXT("freezer.self_freezing", "0"),
	TEXT("freezer.parent_freezing", "0"),
	END,
};
static const struct kernfs_entry plain_v1[] = {COMMON_V1, END};
static const struct kernfs_entry files_v2[] = {
	SHOW("cgroup.procs", show_procs),
	SHOW("cgroup.threads", show_threads),
	TEXT("cgroup.controllers", "cpuset cpu io memory pids"),
	TEXT("cgroup.subtree_control", ""),
	TEXT("cgroup.type", "domain"),
	TEXT("cgroup.events", "populated 1\nfrozen 0"),
	TEXT("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0"),
	TEXT("cgroup.max.depth", "max"),
	TEXT("cgroup.max.descendants", "max"),
	TEXT("cgroup.freeze", "0"),
	VALUE("memory.max", show_max, MAX_MEMORY),
	TEXT("memory.high", "max"),
	VALUE("memory.low", show_max, LOW_MEMORY),
	TEXT("memory.min", "0"),
	NUMBER("memory.current", USAGE),
	NUMBER("memory.peak", PEAK),
	VALUE("memory.swap.max", show_max, MAX_SWAP),
	TEXT("memory.swap.current", "0"),
	SHOW("memory.stat", show_memory_stat_v2),
	TEXT("memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0"),
	TEXT("memory.oom.group", "0"),
	SHOW("cpu.max", show_cpu_max),
	TEXT("cpu.max.burst", "0"),
	SHOW("cpu.weight", show_cpu_weight),
	SHOW("cpu.stat", show_cpu_stat),
	SHOW("cpuset.cpus", show_cpus),
	SHOW("cpuset.cpus.effective", show_cpus),
	TEXT("cpuset.mems", "0"),
	TEXT("cpuset.mems.effective", "0"),
	NUMBER("pids.current", PIDS_CURRENT),
	SHOW("pids.max", show_pids_max),
	TEXT("io.stat", ""),
	END,
};

/* Roots; arg: the option that /proc/mounts shows, and mount(2) wants. */
#define ROOT(option, files)                                              \
	{                                                                \
		.name = "", .mode = S_IFDIR | 0555, .children = (files), \
		.arg = (u64)(uintptr_t)(option)                          \
	}
static const struct kernfs_entry root_v2 = ROOT(NULL, files_v2);
static const struct kernfs_entry roots_v1[] = {
	ROOT("cpuset", cpuset_v1), ROOT("cpu", cpu_v1),		ROOT("cpuacct", cpuacct_v1),
	ROOT("blkio", plain_v1),   ROOT("memory", memory_v1),	ROOT("devices", devices_v1),
	ROOT("pids", pids_v1),	   ROOT("freezer", freezer_v1), ROOT("name=systemd", plain_v1),
};

/* --- types ------------------------------------------------------------------------------------ */

static int mount_root(const struct file_system_type *t, const struct kernfs_entry *root, u32 magic,
		      struct super_block **out)
{
	struct super_block *sb = kernfs_mount(t, root, magic, -EPERM);

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	*out = sb;
	return 0;
}

static int mount_v1(struct caller *c, const struct file_system_type *t, u32 flags,
		    const char *source, const char *options, struct super_block **out)
{
	for (size_t i = 0; i < array_size(roots_v1); i++)
		if (options && !strcmp(options, (const char *)(uintptr_t)roots_v1[i].arg))
			return mount_root(t, &roots_v1[i], CGROUP_MAGIC, out);
	return -EINVAL;
}

static int mount_v2(struct caller *c, const struct file_system_type *t, u32 flags,
		    const char *source, const char *options, struct super_block **out)
{
	return mount_root(t, &root_v2, CGROUP2_MAGIC, out);
}

static const struct file_system_type cgroup_type = {
	.name = "cgroup", .flags = FS_NODEV, .mount = mount_v1};
static const struct file_system_type cgroup2_type = {
	.name = "cgroup2", .flags = FS_NODEV, .mount = mount_v2};

int cgroup_fs_init(void)
{
	file_system_register(&cgroup_type);
	file_system_register(&cgroup2_type);
	return 0;
}
