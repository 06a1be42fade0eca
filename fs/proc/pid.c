/* SPDX-License-Identifier: Apache-2.0 */
/* pid.c - /proc/PID and /proc/PID/task/TID: who is there, and the small files */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/proc/proc_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"
#include "sentry/mm/copy.h"

struct task *proc_task(const struct kernfs_node *n)
{
	s32 tid = SUB_TID(n->sub);
	struct tgroup *tg;
	struct task *t;

	mutex_lock(&g_kernel->lock);
	tg = tgroup_find(n->id);
	t = tid ? task_find(tid) : tg ? tg->leader : NULL;
	if (!tg || !t || t->tg != tg)
		t = NULL;
	if (t)
		task_get(t);
	mutex_unlock(&g_kernel->lock);
	return t;
}

struct mm *proc_mm(const struct kernfs_node *n)
{
	struct task *t = proc_task(n), *live;
	struct mm *mm = NULL;

	if (!t)
		return NULL;
	mutex_lock(&g_kernel->lock);
	live = t;
	if (!t->mm) /* a leader that has exited before its threads */
		list_for_each_entry (live, &t->tg->tasks, group_link)
			if (live->mm)
				break;
	if (t->mm)
		mm = mm_get(t->mm);
	else if (&live->group_link != &t->tg->tasks)
		mm = mm_get(live->mm);
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return mm;
}

struct files *proc_files(struct task *t)
{
	struct files *f;

	mutex_lock(&g_kernel->lock);
	f = t->files;
	if (f)
		ref_get(&f->ref);
	mutex_unlock(&g_kernel->lock);
	return f;
}

int proc_owner(struct caller *c, const struct kernfs_node *n, u32 *uid, u32 *gid)
{
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	mutex_lock(&g_kernel->lock);
	*uid = t->cred ? t->cred->euid : 0;
	*gid = t->cred ? t->cred->egid : 0;
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return 0;
}

int proc_may_inspect(struct caller *c, const struct kernfs_node *n, u32 mask)
{
	struct task *t = proc_task(n);
	const struct cred *me = c->cred;
	bool ok = true;

	if (!t)
		return -ESRCH;
	mutex_lock(&g_kernel->lock);
	if (t->cred && c->task && c->task->tg != t->tg &&
	    !cred_capable_in(me, t->cred->user_ns, 19)) /* CAP_SYS_PTRACE */
		ok = me->user_ns == t->cred->user_ns && me->fsuid == t->cred->euid &&
		     me->fsuid == t->cred->suid && me->fsuid == t->cred->uid &&
		     (t->cred->permitted & ~me->permitted) == 0;
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return ok ? 0 : -EACCES;
}

/* --- links
 * ----------------------------------------------------------------------------------------- */

static int jump_fs(struct caller *c, const struct kernfs_node *n, struct path *out)
{
	struct task *t = proc_task(n);
	struct fs *fs = NULL;
	int err = proc_may_inspect(c, n, 0);

	if (!t)
		return -ENOENT;
	mutex_lock(&g_kernel->lock);
	if (!err && t->fs) {
		fs = t->fs;
		mutex_lock(&fs->lock);
		*out = n->entry->arg ? fs->root : fs->cwd;
		path_get(out);
		mutex_unlock(&fs->lock);
	}
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return err ? err : fs ? 0 : -ENOENT;
}

static int jump_exe(struct caller *c, const struct kernfs_node *n, struct path *out)
{
	struct mm *mm = proc_mm(n);
	struct file *exe;
	int err = -ENOENT;

	if (!mm)
		return err;
	mutex_lock(&mm->lock);
	exe = mm->exe_file;
	if (exe) {
		*out = exe->path;
		path_get(out);
		err = 0;
	}
	mutex_unlock(&mm->lock);
	mm_put(mm);
	return err;
}

static ssize_t readlink_jump(struct caller *c, const struct kernfs_node *n, char *buf, size_t size)
{
	struct path p;
	ssize_t len = n->entry->jump(c, n, &p);

	if (len < 0)
		return len;
	len = vfs_path_text(c, &p, buf, size);
	path_put(&p);
	return len;
}

/* --- small files
 * ------------------------------------------------------------------------------------ */

static int show_comm(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct task *t = proc_task(n);
	char comm[16];

	if (!t)
		return -ESRCH;
	mutex_lock(&g_kernel->lock);
	memcpy(comm, t->comm, sizeof(comm));
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	strbuf_printf(s, "%.15s\n", comm);
	return 0;
}

static long store_comm(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	struct task *t = proc_task(n);
	size_t m = min(len, sizeof(t->comm) - 1);

	if (!t)
		return -ESRCH;
	if (c->task && c->task->tg != t->tg) {
		task_put(t);
		return -EINVAL;
	}
	if (m > 0 && buf[m - 1] == '\n')
		m--;
	mutex_lock(&g_kernel->lock);
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, buf, m);
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return len;
}

static int show_mounts(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct task *t = proc_task(n);
	struct caller as = *c;
	struct fs *fs = NULL;
	u64 cursor = 0;

	if (!t)
		return -EINVAL;
	mutex_lock(&g_kernel->lock);
	as.mnt_ns = t->mnt_ns ? mnt_ns_get(t->mnt_ns) : NULL;
	if (t->fs) {
		fs = t->fs;
		mutex_lock(&fs->lock);
		as.root = fs->root;
		path_get(&as.root);
		mutex_unlock(&fs->lock);
	}
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	if (as.mnt_ns && fs)
		do
			mounts_show(&as, s, &cursor, n->entry->arg);
		while (cursor && !s->cut);
	if (fs)
		path_put(&as.root);
	if (as.mnt_ns)
		mnt_ns_put(as.mnt_ns);
	return fs ? 0 : -EINVAL;
}

static int show_limits(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	static const char *const names[RLIMITS][2] = {
		{"Max cpu time", "seconds"},	 {"Max file size", "bytes"},
		{"Max data size", "bytes"},	 {"Max stack size", "bytes"},
		{"Max core file size", "bytes"}, {"Max resident set", "bytes"},
		{"Max processes", "processes"},	 {"Max open files", "files"},
		{"Max locked memory", "bytes"},	 {"Max address space", "bytes"},
		{"Max file locks", "locks"},	 {"Max pending signals", "signals"},
		{"Max msgqueue size", "bytes"},	 {"Max nice priority", ""},
		{"Max realtime priority", ""},	 {"Max realtime timeout", "us"},
	};
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	strbuf_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIMITS; i++) {
		u64 v[2] = {t->tg->rlim[i].cur, t->tg->rlim[i].max};

		strbuf_printf(s, "%-25s ", names[i][0]);
		for (int k = 0; k < 2; k++)
			if (v[k] == UINT64_MAX)
				strbuf_printf(s, "%-20s ", "unlimited");
			else
				strbuf_printf(s, "%-20llu ", (unsigned long long)v[k]);
		strbuf_printf(s, "%-10s\n", names[i][1]);
	}
	task_put(t);
	return 0;
}

static int show_text(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

static int show_oom_adj(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	strbuf_printf(s, "%d\n", t->tg->oom_score_adj);
	task_put(t);
	return 0;
}

static long store_oom_adj(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	struct task *t = proc_task(n);
	char *end;
	long v = strtol(buf, &end, 10), ret = len;

	if (!t)
		return -ESRCH;
	if (end == buf || (*end && *end != '\n') || v < -1000 || v > 1000)
		ret = -EINVAL;
	else if (v < t->tg->oom_score_adj && !cred_capable(c->cred, 24)) /* CAP_SYS_RESOURCE */
		ret = -EACCES;
	else
		t->tg->oom_score_adj = v;
	task_put(t);
	return ret;
}

static int show_personality(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	strbuf_printf(s, "%08x\n", t->personality);
	task_put(t);
	return 0;
}

static int show_io(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
			 "cancelled_write_bytes: 0\n");
	return 0;
}

/* --- task/
 * ------------------------------------------------------------------------------------------ */

int proc_number(const char *name)
{
	char *end;
	unsigned long v;

	if (name[0] < '0' || name[0] > '9' || (name[0] == '0' && name[1]))
		return -1;
	v = strtoul(name, &end, 10);
	return *end || v > INT32_MAX ? -1 : (int)v;
}

static int tasks_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
			struct kernfs_node *out)
{
	struct kernfs_node n = {.entry = &proc_task_dir, .id = dir->id};
	struct task *t;
	struct pid *p;
	s32 tid = 0;

	mutex_lock(&g_kernel->lock);
	p = pid_find_in(proc_view(dir), proc_number(name));
	if (p && p->task)
		tid = p->task->tid;
	mutex_unlock(&g_kernel->lock);
	n.sub = SUB(tid, -1);
	t = tid ? proc_task(&n) : NULL;
	if (!t)
		return -ENOENT;
	task_put(t);
	*out = n;
	return 0;
}

/* The thread ids of a group above @after, smallest first, at most @max. */
static unsigned collect_tids(s64 tgid, s32 after, s32 *out, unsigned room)
{
	struct tgroup *tg;
	struct task *t;
	unsigned n = 0;

	mutex_lock(&g_kernel->lock);
	tg = tgroup_find(tgid);
	if (tg)
		list_for_each_entry (t, &tg->tasks, group_link) {
			unsigned i;

			if (t->tid <= after)
				continue;
			for (i = n; i > 0 && out[i - 1] > t->tid; i--)
				if (i < room)
					out[i] = out[i - 1];
			if (i < room) {
				out[i] = t->tid;
				n = min(n + 1, room);
			}
		}
	mutex_unlock(&g_kernel->lock);
	return n;
}

static s32 number_in_view(const struct kernfs_node *n, s32 tid)
{
	s32 nr;

	if (!proc_view(n)->level)
		return tid;
	mutex_lock(&g_kernel->lock);
	nr = pid_nr_in(pid_find(tid), proc_view(n));
	mutex_unlock(&g_kernel->lock);
	return nr;
}

static s64 tasks_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
			 struct dir_context *dc)
{
	s32 tids[64];
	char name[16];
	unsigned n;

	while ((n = collect_tids(dir->id, (s32)index, tids, array_size(tids))) > 0)
		for (unsigned i = 0; i < n; i++) {
			struct kernfs_node node = {
				.entry = &proc_task_dir, .id = dir->id, .sub = SUB(tids[i], -1)};

			snprintf(name, sizeof(name), "%d", number_in_view(dir, tids[i]));
			if (!kernfs_emit(dc, name, &node, tids[i]))
				return index;
			index = tids[i];
		}
	return -1;
}

/* --- tables
 * ----------------------------------------------------------------------------------------- */

#define TEXT(file, perm, text)                                                                \
	{                                                                                     \
		.name = file, .mode = perm, .show = show_text, .arg = (u64)(uintptr_t)(text), \
		.owner = proc_owner                                                           \
	}
#define FILE_(file, perm, fn)                                               \
	{                                                                   \
		.name = file, .mode = perm, .show = fn, .owner = proc_owner \
	}
#define SECRET(file, perm, fn)                                               \
	{                                                                    \
		.name = file, .mode = perm, .show = fn, .owner = proc_owner, \
		.permission = proc_may_inspect                               \
	}
#define ID_MAP(file, kind)                                                              \
	{                                                                               \
		.name = file, .mode = 0644, .show = show_id_map, .store = store_id_map, \
		.arg = kind, .owner = proc_owner                                        \
	}

static int show_cgroup(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	unsigned count = 0;

	while (g_kernel->config.limits.cgroup_v1 && kernel_cgroup_names[count])
		count++;
	while (count-- > 0)
		strbuf_printf(s, "%u:%s:/\n", count + 1, kernel_cgroup_names[count]);
	strbuf_printf(s, "0::/\n");
	return 0;
}

#define COMMON_ENTRIES                                                                           \
	SECRET("auxv", 0400, show_auxv), FILE_("cgroup", 0444, show_cgroup),                     \
		FILE_("cmdline", 0444, show_cmdline),                                            \
		{.name = "comm",                                                                 \
		 .mode = 0644,                                                                   \
		 .show = show_comm,                                                              \
		 .store = store_comm,                                                            \
		 .owner = proc_owner},                                                           \
		{.name = "cwd",                                                                  \
		 .mode = PROC_LINK,                                                              \
		 .jump = jump_fs,                                                                \
		 .readlink = readlink_jump,                                                      \
		 .owner = proc_owner},                                                           \
		SECRET("environ", 0400, show_environ),                                           \
		{.name = "exe",                                                                  \
		 .mode = PROC_LINK,                                                              \
		 .jump = jump_exe,                                                               \
		 .readlink = readlink_jump,                                                      \
		 .owner = proc_owner},                                                           \
		{.name = "fd",                                                                   \
		 .mode = S_IFDIR | 0500,                                                         \
		 .lookup = fd_dir_lookup,                                                        \
		 .iterate = fd_dir_iterate,                                                      \
		 .owner = proc_owner,                                                            \
		 .permission = proc_may_inspect},                                                \
		{.name = "fdinfo",                                                               \
		 .mode = S_IFDIR | 0555,                                                         \
		 .lookup = fdinfo_dir_lookup,                                                    \
		 .iterate = fdinfo_dir_iterate,                                                  \
		 .owner = proc_owner,                                                            \
		 .permission = proc_may_inspect},                                                \
		ID_MAP("gid_map", ID_GROUP), FILE_("io", 0400, show_io),                         \
		FILE_("limits", 0444, show_limits), TEXT("loginuid", 0644, "4294967295"),        \
		SECRET("maps", 0444, show_maps),                                                 \
		{.name = "mem",                                                                  \
		 .mode = 0600,                                                                   \
		 .fop = &proc_mem_ops,                                                           \
		 .owner = proc_owner,                                                            \
		 .permission = proc_may_inspect},                                                \
		{.name = "mountinfo",                                                            \
		 .mode = 0444,                                                                   \
		 .show = show_mounts,                                                            \
		 .arg = 1,                                                                       \
		 .owner = proc_owner},                                                           \
		{.name = "mounts",                                                               \
		 .mode = 0444,                                                                   \
		 .show = show_mounts,                                                            \
		 .arg = 0,                                                                       \
		 .owner = proc_owner},                                                           \
		{.name = "net", .mode = PROC_DIR, .children = proc_net, .owner = proc_owner},    \
		{.name = "ns",                                                                   \
		 .mode = S_IFDIR | 0511,                                                         \
		 .children = proc_ns_links,                                                      \
		 .owner = proc_owner},                                                           \
		TEXT("oom_score", 0444, "0\n"),                                                  \
		{.name = "oom_score_adj",                                                        \
		 .mode = 0644,                                                                   \
		 .show = show_oom_adj,                                                           \
		 .store = store_oom_adj,                                                         \
		 .owner = proc_owner},                                                           \
		SECRET("personality", 0400, show_personality), ID_MAP("projid_map", ID_PROJECT), \
		{.name = "root",                                                                 \
		 .mode = PROC_LINK,                                                              \
		 .jump = jump_fs,                                                                \
		 .arg = 1,                                                                       \
		 .readlink = readlink_jump,                                                      \
		 .owner = proc_owner},                                                           \
		TEXT("sessionid", 0444, "4294967295"),                                           \
		{.name = "setgroups",                                                            \
		 .mode = 0644,                                                                   \
		 .show = show_setgroups,                                                         \
		 .store = store_setgroups,                                                       \
		 .owner = proc_owner},                                                           \
		SECRET("smaps", 0444, show_smaps),                                               \
		SECRET("smaps_rollup", 0444, show_smaps_rollup), FILE_("stat", 0444, show_stat), \
		FILE_("statm", 0444, show_statm), FILE_("status", 0444, show_status),            \
		ID_MAP("uid_map", ID_USER), TEXT("wchan", 0444, "0")

static const struct kernfs_entry pid_entries[] = {
	COMMON_ENTRIES,
	{.name = "mountstats", .mode = 0400, .show = show_mounts, .arg = 2, .owner = proc_owner},
	{.name = "task",
	 .mode = PROC_DIR,
	 .lookup = tasks_lookup,
	 .iterate = tasks_iterate,
	 .owner = proc_owner},
	ENTRY_END,
};
static const struct kernfs_entry task_entries[] = {COMMON_ENTRIES, ENTRY_END};

const struct kernfs_entry proc_pid_dir = {
	.name = "pid", .mode = PROC_DIR, .children = pid_entries, .owner = proc_owner};
const struct kernfs_entry proc_task_dir = {
	.name = "tid", .mode = PROC_DIR, .children = task_entries, .owner = proc_owner};
