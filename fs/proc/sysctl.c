/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl.c - /proc/sys: values that programs read; those that mean something here
 * can be written */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/proc/proc_internal.h"
#include "platform/host/host.h"
#include "sentry/kernel/ipc.h"

static int show_text(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s\n", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

static int show_hostname(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct uts_namespace *uts = c->task && c->task->ns ? c->task->ns->uts : NULL;

	if (!uts)
		return -ESRCH;
	mutex_lock(&uts->lock);
	strbuf_printf(s, "%s\n", n->entry->arg ? uts->domainname : uts->nodename);
	mutex_unlock(&uts->lock);
	return 0;
}

static long store_hostname(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	struct uts_namespace *uts = c->task && c->task->ns ? c->task->ns->uts : NULL;
	char *name;

	if (!uts || !cred_capable_in(c->cred, uts->ns.owner, 21)) /* CAP_SYS_ADMIN */
		return -EPERM;
	buf[strcspn(buf, "\n")] = 0;
	if (strlen(buf) > 64)
		return -EINVAL;
	mutex_lock(&uts->lock);
	name = n->entry->arg ? uts->domainname : uts->nodename;
	memset(name, 0, 65);
	memcpy(name, buf, strlen(buf));
	mutex_unlock(&uts->lock);
	return len;
}

static void random_uuid(struct strbuf *s)
{
	u8 b[16];

	host_getrandom(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		strbuf_printf(s, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	strbuf_printf(s, "\n");
}

static int show_uuid(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	random_uuid(s);
	return 0;
}

/* One for the life of the sandbox. */
static int show_boot_id(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	static struct mutex lock = MUTEX_INIT(LR_FSPRIV);
	static char id[40];
	struct strbuf b;

	mutex_lock(&lock);
	if (!id[0]) {
		strbuf_init(&b, id, sizeof(id));
		random_uuid(&b);
	}
	strbuf_add(s, id, strlen(id));
	mutex_unlock(&lock);
	return 0;
}

static int show_ipc_limit(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(
		s, "%llu\n",
		(unsigned long long)*(const u64 *)((const char *)&g_ipc_limits + n->entry->arg));
	return 0;
}

#define IPC(file, member)                                           \
	{                                                           \
		.name = file, .mode = 0444, .show = show_ipc_limit, \
		.arg = offsetof(struct ipc_limits, member)          \
	}
#define TEXT(file, text)                                                                     \
	{                                                                                    \
		.name = file, .mode = 0444, .show = show_text, .arg = (u64)(uintptr_t)(text) \
	}
#define SUBDIR(file, table)                                       \
	{                                                         \
		.name = file, .mode = PROC_DIR, .children = table \
	}

static const struct kernfs_entry random_entries[] = {
	{.name = "boot_id", .mode = 0444, .show = show_boot_id},
	TEXT("entropy_avail", "256"),
	TEXT("poolsize", "256"),
	{.name = "uuid", .mode = 0444, .show = show_uuid},
	ENTRY_END,
};
static const struct kernfs_entry kernel_entries[] = {
	TEXT("cap_last_cap", "40"),
	TEXT("core_pattern", "core"),
	TEXT("core_uses_pid", "0"),
	{.name = "domainname",
	 .mode = 0644,
	 .show = show_hostname,
	 .store = store_hostname,
	 .arg = 1},
	{.name = "hostname", .mode = 0644, .show = show_hostname, .store = store_hostname},
	IPC("msgmax", msgmax),
	IPC("msgmnb", msgmnb),
	TEXT("msgmni", "32000"),
	TEXT("ngroups_max", "65536"),
	TEXT("osrelease", KERNEL_RELEASE),
	TEXT("ostype", "Linux"),
	TEXT("overflowgid", "65534"),
	TEXT("overflowuid", "65534"),
	TEXT("perf_event_paranoid", "3"),
	TEXT("pid_max", "4194304"),
	TEXT("printk", "4\t4\t1\t7"),
	SUBDIR("random", random_entries),
	TEXT("randomize_va_space", "2"),
	TEXT("sched_child_runs_first", "0"),
	TEXT("sem", "32000\t1024000000\t500\t32000"),
	IPC("shmall", shmall),
	IPC("shmmax", shmmax),
	TEXT("shmmni", "4096"),
	TEXT("threads-max", "192734"),
	TEXT("version", KERNEL_VERSION),
	ENTRY_END,
};
static const struct kernfs_entry vm_entries[] = {
	TEXT("max_map_count", "65530"), TEXT("mmap_min_addr", "65536"),
	TEXT("overcommit_memory", "1"), TEXT("overcommit_ratio", "50"),
	TEXT("swappiness", "60"),	ENTRY_END,
};
static const struct kernfs_entry epoll_entries[] = {TEXT("max_user_watches", "5406289"), ENTRY_END};
static const struct kernfs_entry inotify_entries[] = {
	TEXT("max_queued_events", "16384"),
	TEXT("max_user_instances", "128"),
	TEXT("max_user_watches", "182890"),
	ENTRY_END,
};
static const struct kernfs_entry fs_entries[] = {
	SUBDIR("epoll", epoll_entries),
	TEXT("file-max", "9223372036854775807"),
	TEXT("file-nr", "1024\t0\t9223372036854775807"),
	SUBDIR("inotify", inotify_entries),
	TEXT("nr_open", "1048576"),
	TEXT("pipe-max-size", "1048576"),
	TEXT("protected_hardlinks", "0"),
	TEXT("protected_symlinks", "0"),
	ENTRY_END,
};
const struct kernfs_entry proc_sys[] = {
	SUBDIR("fs", fs_entries),    SUBDIR("kernel", kernel_entries),
	SUBDIR("net", proc_sys_net), SUBDIR("user", proc_sys_user),
	SUBDIR("vm", vm_entries),    ENTRY_END,
};
