/* SPDX-License-Identifier: Apache-2.0 */
/* sysvipc.c - /proc/sysvipc: System V objects of the reader's IPC namespace; /proc/locks */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fs/proc/proc_internal.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/ipc.h"
#include "sentry/kernel/process.h"

typedef unsigned long long ull;

static void show_owners(struct strbuf *s, const struct ipc_perm *p)
{
	strbuf_printf(s, "%5u %5u %5u %5u ", p->uid, p->gid, p->cuid, p->cgid);
}

static int show_shm(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct shm_info info;
	struct shmid_ds ds;
	long top, id;

	strbuf_printf(
		s, "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		   "gid  cuid  cgid      atime      dtime      ctime                   rss       "
		   "           swap\n");
	if (!c->task || !c->task->ns)
		return 0;
	top = shm_info(c->task, &info);
	for (s32 i = 0; i <= top; i++) {
		id = shm_stat(c->task, i, SHM_STAT_ANY, &ds);
		if (id < 0)
			continue;
		strbuf_printf(s, "%10d %10ld  %4o %21llu %5u %5u  %5llu ", ds.shm_perm.__key, id,
			      ds.shm_perm.mode, (ull)ds.shm_segsz, ds.shm_cpid, ds.shm_lpid,
			      (ull)ds.shm_nattch);
		show_owners(s, &ds.shm_perm);
		strbuf_printf(s, "%10llu %10llu %10llu %21llu %21u\n", (ull)ds.shm_atime,
			      (ull)ds.shm_dtime, (ull)ds.shm_ctime, (ull)page_up(ds.shm_segsz), 0u);
	}
	return 0;
}

static int show_sem(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct semid_ds ds;
	u32 sets, sems;
	long top, id;

	strbuf_printf(s, "       key      semid perms      nsems   uid   gid  cuid  cgid      "
			 "otime      ctime\n");
	if (!c->task || !c->task->ns)
		return 0;
	top = sem_info(c->task, &sets, &sems);
	for (s32 i = 0; i <= top; i++) {
		id = sem_stat(c->task, i, true, true, &ds);
		if (id < 0)
			continue;
		strbuf_printf(s, "%10d %10ld  %4o %10llu ", ds.sem_perm.__key, id, ds.sem_perm.mode,
			      (ull)ds.sem_nsems);
		show_owners(s, &ds.sem_perm);
		strbuf_printf(s, "%10llu %10llu\n", (ull)ds.sem_otime, (ull)ds.sem_ctime);
	}
	return 0;
}

static int show_msg(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct msqid_ds ds;
	u32 queues, messages;
	long top, id;
	u64 bytes;

	strbuf_printf(s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   "
			 "gid  cuid  cgid      stime      rtime      ctime\n");
	if (!c->task || !c->task->ns)
		return 0;
	top = msg_info(c->task, &queues, &messages, &bytes);
	for (s32 i = 0; i <= top; i++) {
		id = msg_stat(c->task, i, true, true, &ds);
		if (id < 0)
			continue;
		strbuf_printf(s, "%10d %10ld  %4o  %10llu %10llu %5u %5u ", ds.msg_perm.__key, id,
			      ds.msg_perm.mode, (ull)ds.__msg_cbytes, (ull)ds.msg_qnum,
			      ds.msg_lspid, ds.msg_lrpid);
		show_owners(s, &ds.msg_perm);
		strbuf_printf(s, "%10llu %10llu %10llu\n", (ull)ds.msg_stime, (ull)ds.msg_rtime,
			      (ull)ds.msg_ctime);
	}
	return 0;
}

const struct kernfs_entry proc_sysvipc[] = {
	{.name = "msg", .mode = 0444, .show = show_msg},
	{.name = "sem", .mode = 0444, .show = show_sem},
	{.name = "shm", .mode = 0444, .show = show_shm},
	ENTRY_END,
};

/* --- locks -------------------------------------------------------------------------------------
 */

/* As the mount's pid namespace sees the owner; 0: not there. */
static s32 number_of(void *arg, s32 pid)
{
	const struct kernfs_node *n = arg;
	s32 nr;

	if (pid <= 0 || !proc_view(n)->level)
		return pid;
	mutex_lock(&g_kernel->lock);
	nr = pid_nr_in(pid_find(pid), proc_view(n));
	mutex_unlock(&g_kernel->lock);
	return nr;
}

int show_locks(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct lock_shown l;
	char end[24];

	for (u32 i = 0; locks_at(i, &l); i++) {
		s32 pid = number_of((void *)(uintptr_t)n, l.r.kind == LOCK_KIND_OFD ? -1 : l.r.pid);
		struct strbuf e;

		if (!pid)
			continue;
		strbuf_init(&e, end, sizeof(end));
		if (l.r.end >= INT64_MAX)
			strbuf_printf(&e, "EOF");
		else
			strbuf_printf(&e, "%llu", (ull)l.r.end);
		strbuf_printf(s, "%u: %s  ADVISORY  %s %d %02x:%02x:%llu %llu %s\n", i + 1,
			      l.r.kind == LOCK_KIND_FLOCK ? "FLOCK"
			      : l.r.kind == LOCK_KIND_OFD ? "OFDLCK"
							  : "POSIX",
			      l.r.type == F_WRLCK ? "WRITE" : "READ", pid, major(l.dev),
			      minor(l.dev), (ull)l.ino, (ull)l.r.start, end);
	}
	return 0;
}
