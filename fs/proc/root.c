/* SPDX-License-Identifier: Apache-2.0 */
/* root.c - the top of /proc: processes, self, and what is true of the whole machine that the guest
 * sees */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/proc/proc.h"
#include "fs/proc/proc_internal.h"
#include "platform/host/host.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/process.h"
#include "sentry/mm/memfile.h"

#define PROC_MAGIC    0x9fa0
#define CPUINFO_ORDER 6

static char *g_cpuinfo; /* pages of the arena; const after boot */
static size_t g_cpuinfo_len;

/* --- processes
 * -------------------------------------------------------------------------------------- */

static int root_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		       struct kernfs_node *out)
{
	s32 nr = proc_number(name);
	struct task *t;
	struct pid *p;

	if (nr <= 0)
		return -ENOENT;
	/* A thread's number works too, though no listing shows it. */
	*out = (struct kernfs_node){.entry = NULL};
	mutex_lock(&g_kernel->lock);
	p = pid_find_in(proc_view(dir), nr);
	t = p ? p->task : NULL;
	if (t) {
		bool leader = t->tg->leader == t;

		out->entry = leader ? &proc_pid_dir : &proc_task_dir;
		out->id = t->tg->tgid;
		out->sub = leader ? 0 : SUB(t->tid, -1);
	}
	mutex_unlock(&g_kernel->lock);
	return out->entry ? 0 : -ENOENT;
}

static s64 root_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
			struct dir_context *dc)
{
	char name[16];
	s32 nr = 0;

	for (;;) {
		struct kernfs_node n = {.entry = &proc_pid_dir};
		struct tgroup *tg;

		mutex_lock(&g_kernel->lock);
		tg = tgroup_next_in(proc_view(dir), (s32)index + 1, &nr);
		n.id = tg ? tg->tgid : 0;
		mutex_unlock(&g_kernel->lock);
		if (!tg)
			return -1;
		snprintf(name, sizeof(name), "%d", nr);
		if (!kernfs_emit(dc, name, &n, nr))
			return index;
		index = nr;
	}
}

static ssize_t readlink_self(struct caller *c, const struct kernfs_node *n, char *buf, size_t size)
{
	s32 tgid, tid;

	if (!c->task)
		return -ENOENT;
	mutex_lock(&g_kernel->lock);
	tgid = pid_nr_in(c->task->tg->leader->pid, proc_view(n));
	tid = pid_nr_in(c->task->pid, proc_view(n));
	mutex_unlock(&g_kernel->lock);
	if (!tgid)
		return -ENOENT;
	if (n->entry->arg)
		return snprintf(buf, size, "%d/task/%d", tgid, tid);
	return snprintf(buf, size, "%d", tgid);
}

static ssize_t readlink_text(struct caller *c, const struct kernfs_node *n, char *buf, size_t size)
{
	return snprintf(buf, size, "%s", (const char *)(uintptr_t)n->entry->arg);
}

/* --- the machine
 * ------------------------------------------------------------------------------------- */

static int show_text(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

static int show_cpuinfo(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	size_t len = 0;

	/* One paragraph a CPU; no more than are to be seen. */
	for (unsigned i = 0; i < g_kernel->config.cpus && len < g_cpuinfo_len; i++) {
		const char *end = memmem(g_cpuinfo + len, g_cpuinfo_len - len, "\n\n", 2);

		len = end ? (size_t)(end - g_cpuinfo) + 2 : g_cpuinfo_len;
	}
	strbuf_add(s, g_cpuinfo, len);
	return 0;
}

static int show_cgroups(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (unsigned i = 0; kernel_cgroup_names[i]; i++)
		if (!strchr(kernel_cgroup_names[i], '='))
			strbuf_printf(s, "%s\t%u\t1\t1\n", kernel_cgroup_names[i],
				      g_kernel->config.limits.cgroup_v1 ? i + 1 : 0);
	return 0;
}

static int show_version(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s,
		      "Linux version " KERNEL_RELEASE " (bulkhead@sandbox) " KERNEL_VERSION "\n");
	return 0;
}

static int show_uptime(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	s64 up = (time_monotonic() - g_kernel->boot_monotonic) / 10000000;

	strbuf_printf(s, "%lld.%02lld %lld.%02lld\n", (long long)up / 100, (long long)up % 100,
		      (long long)up / 100 * g_kernel->config.cpus, (long long)up % 100);
	return 0;
}

/* Runnable and all tasks. */
static void count_tasks(u32 *out_running, u32 *out_all)
{
	struct tgroup *tg;
	struct task *t;

	*out_running = *out_all = 0;
	mutex_lock(&g_kernel->lock);
	for (tg = tgroup_next(1); tg; tg = tgroup_next(tg->tgid + 1))
		list_for_each_entry (t, &tg->tasks, group_link) {
			++*out_all;
			*out_running += atomic_load(&t->wait.state) < TS_BLOCKED;
		}
	mutex_unlock(&g_kernel->lock);
}

static int show_loadavg(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u32 running, all, load[3];

	kernel_loadavg(load);
	count_tasks(&running, &all);
	for (int i = 0; i < 3; i++)
		strbuf_printf(s, "%u.%02u ", load[i] >> 16, (load[i] & 0xffff) * 100 >> 16);
	strbuf_printf(s, "%u/%u %d\n", running, all, proc_view(n)->last_pid);
	return 0;
}

static int show_meminfo(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 total, free_, swap, swap_free, limit = g_kernel->config.memory_limit;

	host_memory(&total, &free_, &swap, &swap_free);
	if (limit && limit < total) {
		u64 used = kernel_rss();

		total = limit;
		free_ = min(free_, used < limit ? limit - used : 0);
		swap = swap_free = 0;
	}
	strbuf_printf(
		s, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\n",
		(unsigned long long)total / 1024, (unsigned long long)free_ / 1024,
		(unsigned long long)free_ / 1024);
	strbuf_printf(s, "Buffers:        %8u kB\nCached:         %8u kB\nSwapCached:     %8u kB\n",
		      0u, 0u, 0u);
	strbuf_printf(s, "Active:         %8u kB\nInactive:       %8u kB\n", 0u, 0u);
	strbuf_printf(s, "SwapTotal:      %8llu kB\nSwapFree:       %8llu kB\n",
		      (unsigned long long)swap / 1024, (unsigned long long)swap_free / 1024);
	strbuf_printf(s,
		      "Dirty:          %8u kB\nWriteback:      %8u kB\nAnonPages:      %8llu kB\n",
		      0u, 0u, (unsigned long long)kernel_rss() / 1024);
	strbuf_printf(s,
		      "Mapped:         %8u kB\nShmem:          %8llu kB\nSlab:           %8u kB\n",
		      0u, (unsigned long long)memfile_in_use() / 1024, 0u);
	strbuf_printf(s,
		      "CommitLimit:    %8llu kB\nCommitted_AS:   %8u kB\nVmallocTotal:   "
		      "34359738367 kB\n",
		      (unsigned long long)total / 2048, 0u);
	strbuf_printf(
		s, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
		   "HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
	return 0;
}

static int show_stat_root(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u64 user, system;
	u32 running, all;

	kernel_cputime(&user, &system);
	user /= 10000000;
	system /= 10000000;
	count_tasks(&running, &all);
	strbuf_printf(s, "cpu  %llu 0 %llu 0 0 0 0 0 0 0\n", (unsigned long long)user,
		      (unsigned long long)system);
	for (unsigned i = 0; i < g_kernel->config.cpus; i++)
		strbuf_printf(s, "cpu%u %llu 0 %llu 0 0 0 0 0 0 0\n", i,
			      (unsigned long long)user / g_kernel->config.cpus,
			      (unsigned long long)system / g_kernel->config.cpus);
	strbuf_printf(s,
		      "intr 0\nctxt 0\nbtime %lld\nprocesses %llu\nprocs_running "
		      "%u\nprocs_blocked 0\n",
		      (long long)(g_kernel->boot_time / NSEC_PER_SEC),
		      (unsigned long long)g_kernel->total_forks, max(running, 1u));
	return 0;
}

#define TEXT(file, text)                                                                     \
	{                                                                                    \
		.name = file, .mode = 0444, .show = show_text, .arg = (u64)(uintptr_t)(text) \
	}
#define SHOW(file, fn)                                 \
	{                                              \
		.name = file, .mode = 0444, .show = fn \
	}
#define LINK(file, target)                                                  \
	{                                                                   \
		.name = file, .mode = PROC_LINK, .readlink = readlink_text, \
		.arg = (u64)(uintptr_t)(target)                             \
	}

const struct kernfs_entry proc_root_files[] = {
	SHOW("cgroups", show_cgroups),
	TEXT("cmdline", "\n"),
	SHOW("cpuinfo", show_cpuinfo),
	TEXT("devices", "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 "
			"/dev/ptmx\n136 pts\n\nBlock devices:\n"),
	TEXT("filesystems",
	     "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tdevpts\nnodev\toverlay\n"),
	TEXT("interrupts", ""),
	SHOW("loadavg", show_loadavg),
	SHOW("locks", show_locks),
	SHOW("meminfo", show_meminfo),
	TEXT("modules", ""),
	LINK("mounts", "self/mounts"),
	LINK("net", "self/net"),
	TEXT("partitions", "major minor  #blocks  name\n\n"),
	{.name = "self", .mode = PROC_LINK, .readlink = readlink_self},
	SHOW("stat", show_stat_root),
	TEXT("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
	{.name = "sys", .mode = PROC_DIR, .children = proc_sys},
	{.name = "sysvipc", .mode = PROC_DIR, .children = proc_sysvipc},
	{.name = "thread-self", .mode = PROC_LINK, .readlink = readlink_self, .arg = 1},
	SHOW("uptime", show_uptime),
	SHOW("version", show_version),
	TEXT("vmstat", "nr_free_pages 0\npgfault 0\npgmajfault 0\npswpin 0\npswpout 0\n"),
	ENTRY_END,
};
static const struct kernfs_entry root = {.name = "",
					 .mode = PROC_DIR,
					 .children = proc_root_files,
					 .lookup = root_lookup,
					 .iterate = root_iterate};

static void drop_view(void *view)
{
	pid_ns_put(view);
}

static int proc_mount(struct caller *c, const struct file_system_type *t, u32 flags,
		      const char *source, const char *options, struct super_block **out)
{
	struct pid_namespace *ns = c && c->task ? pid_ns_get(c->task->tg->pid_ns) : NULL;
	struct super_block *sb = kernfs_mount_view(t, &root, PROC_MAGIC, -ENOENT, ns, drop_view);

	if (IS_ERR(sb))
		return PTR_ERR(sb);
	*out = sb;
	return 0;
}

static const struct file_system_type proc_type = {
	.name = "proc", .flags = FS_NODEV | FS_USERNS | FS_VISIBLE, .mount = proc_mount};

static void read_cpuinfo(void)
{
	int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
	size_t size = PAGE_SIZE << CPUINFO_ORDER;
	ssize_t n;

	while (fd >= 0 && g_cpuinfo_len < size &&
	       (n = read(fd, g_cpuinfo + g_cpuinfo_len, size - g_cpuinfo_len)) > 0)
		g_cpuinfo_len += n;
	if (fd >= 0)
		close(fd);
}

int proc_init(void)
{
	g_cpuinfo = page_alloc(CPUINFO_ORDER);
	if (!g_cpuinfo)
		return -ENOMEM;
	read_cpuinfo();
	proc_net_init();
	file_system_register(&proc_type);
	return 0;
}
