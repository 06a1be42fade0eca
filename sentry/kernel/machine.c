/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - sums over all processes: what /proc/stat and meminfo show */
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/process.h"
#include "sentry/mm/memfile.h"

const char *const kernel_cgroup_names[] = {
	"cpuset",  "cpu",     "cpuacct", "blkio",	 "memory",
	"devices", "freezer", "pids",	 "name=systemd", NULL,
};

void kernel_cputime(u64 *out_user, u64 *out_system)
{
	struct tgroup *tg;
	u64 user, system;

	*out_user = *out_system = 0;
	mutex_lock(&g_kernel->lock);
	for (tg = tgroup_next(1); tg; tg = tgroup_next(tg->tgid + 1)) {
		tgroup_cputime(tg, &user, &system);
		*out_user += user + tg->cutime;
		*out_system += system + tg->cstime;
	}
	mutex_unlock(&g_kernel->lock);
}

/* The address space of the first group from *tgid on, with a reference; moves *tgid behind it. */
static struct mm *next_mm(s32 *tgid)
{
	struct mm *mm = NULL;
	struct tgroup *tg;

	mutex_lock(&g_kernel->lock);
	for (tg = tgroup_next(*tgid); tg && !mm; tg = tgroup_next(*tgid)) {
		*tgid = tg->tgid + 1;
		if (tg->leader && tg->leader->mm && tg->leader->mm->as)
			mm = mm_get(tg->leader->mm);
	}
	mutex_unlock(&g_kernel->lock);
	return mm;
}

u64 kernel_rss(void)
{
	struct pas_stat st;
	struct mm *mm;
	s32 tgid = 1;
	u64 sum = 0;

	while ((mm = next_mm(&tgid))) {
		if (pas_stat(mm->as, &st) == 0)
			sum += st.rss_anon + st.rss_file + st.rss_shmem;
		mm_put(mm);
	}
	return sum;
}

u64 kernel_shared_memory(void)
{
	return memfile_in_use();
}

u64 kernel_memory_used(u64 *out_peak)
{
	u64 used = kernel_rss() + memfile_in_use(), peak = atomic_load(&g_kernel->memory_peak);

	while (used > peak && !atomic_compare_exchange_weak(&g_kernel->memory_peak, &peak, used))
		;
	if (out_peak)
		*out_peak = max(peak, used);
	return used;
}

void kernel_set_limits(u64 memory, const struct kernel_limits *l)
{
	memfile_set_limit(memory);
	mutex_lock(&g_kernel->lock);
	g_kernel->config.memory_limit = memory;
	g_kernel->config.limits = *l;
	mutex_unlock(&g_kernel->lock);
}

/* --- load averages ------------------------------------------------------------------------------
 */

#define LOAD_STEP (5 * NSEC_PER_SEC)
#define LOAD_ONE  65536u

static struct {
	struct mutex lock; /* LR_LEAF; guards below */
	s64 last;	   /* monotonic */
	u64 cpu;	   /* time used until then, ns */
	u32 load[3];	   /* 16.16 */
} g_load = {.lock = MUTEX_INIT(LR_LEAF)};

/* @base (16.16, below 1) to the power of @n. */
static u32 power(u32 base, u64 n)
{
	u64 result = LOAD_ONE, b = base;

	for (; n; n >>= 1) {
		if (n & 1)
			result = result * b >> 16;
		b = b * b >> 16;
	}
	return (u32)result;
}

void kernel_loadavg(u32 out[3])
{
	/* e to the power of -5s / 1, 5, 15 minutes */
	static const u32 decay[3] = {60296, 64453, 65173};
	s64 now = time_monotonic();
	u64 user, system, steps, used;

	kernel_cputime(&user, &system);
	mutex_lock(&g_load.lock);
	steps = (u64)max((now - g_load.last) / LOAD_STEP, (s64)0);
	if (!g_load.last)
		steps = (u64)max((now - g_kernel->boot_monotonic) / LOAD_STEP, (s64)0);
	if (steps) {
		s64 since = g_load.last ? now - g_load.last : now - g_kernel->boot_monotonic;

		used = user + system > g_load.cpu ? user + system - g_load.cpu : 0;
		/* the average number of CPUs in use, 16.16 */
		used = min(used, (u64)since * 1024) / 1024 * LOAD_ONE / ((u64)since / 1024);
		for (int i = 0; i < 3; i++) {
			u64 keep = power(decay[i], steps);

			g_load.load[i] =
				(u32)((g_load.load[i] * keep + used * (LOAD_ONE - keep)) >> 16);
		}
		g_load.last = now;
		g_load.cpu = user + system;
	}
	memcpy(out, g_load.load, sizeof(g_load.load));
	mutex_unlock(&g_load.lock);
}
