/* SPDX-License-Identifier: Apache-2.0 */
/* sysfs.c - /sys: CPUs, huge page settings, empty classes */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/kernfs/kernfs.h"
#include "fs/sys/sys_fs.h"
#include "fs/sys/sys_internal.h"
#include "sentry/base/strbuf.h"
#include "sentry/kernel/kernel.h"

#define SYSFS_MAGIC 0x62656572
#define DIR	    (S_IFDIR | 0755)

static int show_cpu_range(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	unsigned cpus = g_kernel->config.cpus;

	if (cpus > 1)
		strbuf_printf(s, "0-%u\n", cpus - 1);
	else
		strbuf_printf(s, "0\n");
	return 0;
}

/* entry->arg: a constant text. */
static int show_text(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s\n", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

static int show_cpu_number(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%lld\n", (long long)n->id);
	return 0;
}

static int show_cpu_mask(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%llx\n", 1ull << (n->id % 64));
	return 0;
}

#define TEXT(file, text)                                                                     \
	{                                                                                    \
		.name = file, .mode = 0444, .show = show_text, .arg = (u64)(uintptr_t)(text) \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct kernfs_entry topology_files[] = {
	{.name = "core_id", .mode = 0444, .show = show_cpu_number},
	{.name = "core_siblings_list", .mode = 0444, .show = show_cpu_range},
	TEXT("physical_package_id", "0"),
	{.name = "thread_siblings", .mode = 0444, .show = show_cpu_mask},
	{.name = "thread_siblings_list", .mode = 0444, .show = show_cpu_number},
	END,
};
static const struct kernfs_entry cpu_files[] = {
	{.name = "topology", .mode = DIR, .children = topology_files},
	END,
};
static const struct kernfs_entry cpu_dir = {.name = "cpu", .mode = DIR, .children = cpu_files};

static int cpus_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		       struct kernfs_node *out)
{
	char *end;
	unsigned long n;

	if (strncmp(name, "cpu", 3) || name[3] < '0' || name[3] > '9')
		return -ENOENT;
	n = strtoul(name + 3, &end, 10);
	if (*end || n >= g_kernel->config.cpus || (name[3] == '0' && name[4]))
		return -ENOENT;
	*out = (struct kernfs_node){.entry = &cpu_dir, .id = n};
	return 0;
}

static s64 cpus_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
			struct dir_context *dc)
{
	char name[16];

	for (; index < g_kernel->config.cpus; index++) {
		struct kernfs_node n = {.entry = &cpu_dir, .id = index};

		snprintf(name, sizeof(name), "cpu%llu", (unsigned long long)index);
		if (!kernfs_emit(dc, name, &n, index + 1))
			return index;
	}
	return -1;
}

static const struct kernfs_entry empty[] = {END};
static const struct kernfs_entry cpu_range_files[] = {
	{.name = "online", .mode = 0444, .show = show_cpu_range},
	{.name = "possible", .mode = 0444, .show = show_cpu_range},
	{.name = "present", .mode = 0444, .show = show_cpu_range},
	TEXT("offline", ""),
	TEXT("kernel_max", "8191"),
	END,
};
static const struct kernfs_entry node0[] = {
	{.name = "cpulist", .mode = 0444, .show = show_cpu_range},
	END,
};
static const struct kernfs_entry nodes[] = {
	TEXT("online", "0"),
	TEXT("possible", "0"),
	{.name = "node0", .mode = DIR, .children = node0},
	END,
};
static const struct kernfs_entry system_dirs[] = {
	{.name = "cpu",
	 .mode = DIR,
	 .children = cpu_range_files,
	 .lookup = cpus_lookup,
	 .iterate = cpus_iterate},
	{.name = "node", .mode = DIR, .children = nodes},
	END,
};
static const struct kernfs_entry devices[] = {
	{.name = "system", .mode = DIR, .children = system_dirs},
	{.name = "virtual", .mode = DIR, .children = empty},
	END,
};
static const struct kernfs_entry thp[] = {
	TEXT("enabled", "always [madvise] never"),
	TEXT("defrag", "always defer defer+madvise [madvise] never"),
	TEXT("shmem_enabled", "always within_size advise [never] deny force"),
	TEXT("hpage_pmd_size", "2097152"),
	TEXT("use_zero_page", "1"),
	END,
};
static const struct kernfs_entry mm_dirs[] = {
	{.name = "hugepages", .mode = DIR, .children = empty},
	{.name = "transparent_hugepage", .mode = DIR, .children = thp},
	END,
};
static const struct kernfs_entry kernel_dirs[] = {
	{.name = "mm", .mode = DIR, .children = mm_dirs},
	{.name = "security", .mode = DIR, .children = empty},
	END,
};
static const struct kernfs_entry fs_dirs[] = {
	{.name = "cgroup", .mode = DIR, .children = empty},
	END,
};
static const struct kernfs_entry class_dirs[] = {
	{.name = "net",
	 .mode = DIR,
	 .children = empty,
	 .lookup = sys_net_lookup,
	 .iterate = sys_net_iterate},
	{.name = "block", .mode = DIR, .children = empty},
	END,
};
static const struct kernfs_entry root_dirs[] = {
	{.name = "block", .mode = DIR, .children = empty},
	{.name = "bus", .mode = DIR, .children = empty},
	{.name = "class", .mode = DIR, .children = class_dirs},
	{.name = "dev", .mode = DIR, .children = empty},
	{.name = "devices", .mode = DIR, .children = devices},
	{.name = "firmware", .mode = DIR, .children = empty},
	{.name = "fs", .mode = DIR, .children = fs_dirs},
	{.name = "kernel", .mode = DIR, .children = kernel_dirs},
	{.name = "module", .mode = DIR, .children = empty},
	{.name = "power", .mode = DIR, .children = empty},
	END,
};
static const struct kernfs_entry root = {.name = "", .mode = S_IFDIR | 0555, .children = root_dirs};

static int sysfs_mount(struct caller *c, const struct file_system_type *t, u32 flags,
		       const char *source, const char *options, struct super_block **out)
{
	struct super_block *sb = kernfs_mount(t, &root, SYSFS_MAGIC, -EPERM);

	if (IS_ERR(sb))
		return PTR_ERR(sb);
	*out = sb;
	return 0;
}

static const struct file_system_type sysfs_type = {
	.name = "sysfs", .flags = FS_NODEV | FS_USERNS | FS_VISIBLE, .mount = sysfs_mount};

int sysfs_init(void)
{
	file_system_register(&sysfs_type);
	return 0;
}
