/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - /proc/PID/{stat,statm,status} */
#include <sched.h>

#include "fs/proc/proc_internal.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/seccomp.h"

#define TICKS(ns) ((unsigned long long)((ns) / 10000000))

/* What the three files tell, taken at one moment. */
struct snapshot {
	struct task *task;
	struct mm *mm; /* reference or NULL */
	const struct cred *cred;
	bool thread;
	char comm[16], state;
	s32 tid, tgid, ppid, pgid, sid, tpgid;
	const struct pid_namespace *view;
	/* From the viewing namespace inwards: of group, thread, process group, session. */
	s32 numbers[4][PID_NS_LEVELS_MAX + 1];
	u32 levels;
	u32 tty_nr, threads, fd_size, umask;
	u64 pending, shared_pending, blocked, ignored, caught;
	u64 utime, stime, cutime, cstime;
	struct pas_stat pas;
};

static char state_of(struct task *t)
{
	u32 s = atomic_load(&t->wait.state);

	if (t->tg->zombie || t->exited)
		return 'Z';
	if (t->stopped || t->tg->stopped)
		return 'T';
	if (s == TS_GUEST && atomic_load(&t->ctx))
		return pctx_sleeping(atomic_load(&t->ctx)) ? 'S' : 'R';
	return s == TS_BLOCKED ? 'S' : 'R';
}

static void collect_signals(struct snapshot *st, struct task *t)
{
	st->pending = t->pending.mask;
	st->shared_pending = t->tg->pending.mask;
	st->blocked = task_blocked(t);
	for (int i = 0; t->sighand && i < NSIG_MAX; i++) {
		u64 h = t->sighand->action[i].handler;

		if (h == 1)
			st->ignored |= 1ull << i;
		else if (h != 0)
			st->caught |= 1ull << i;
	}
}

/* [T] */
static void collect_levels(struct snapshot *st, struct task *t)
{
	struct tgroup *tg = t->tg;
	const struct pid *pids[4] = {tg->leader->pid, st->thread ? t->pid : tg->leader->pid,
				     tg->pgrp ? tg->pgrp->pid : NULL,
				     tg->session ? tg->session->pid : NULL};
	const struct pid_namespace *ns = tg->pid_ns;
	u32 n = ns->level >= st->view->level ? ns->level - st->view->level + 1 : 0;

	st->levels = n;
	for (; n > 0; n--, ns = ns->parent)
		for (int i = 0; i < 4; i++)
			st->numbers[i][n - 1] = pid_nr_in(pids[i], ns);
}

/* [T] held. */
static void collect(struct snapshot *st, struct task *t, const struct pid_namespace *view)
{
	struct tgroup *tg = t->tg;
	const struct tty_hooks *hooks = kernel_tty_hooks();

	st->task = t;
	memcpy(st->comm, t->comm, sizeof(st->comm));
	st->state = state_of(t);
	st->tgid = pid_nr_in(tg->leader->pid, view);
	st->tid = st->thread ? pid_nr_in(t->pid, view) : st->tgid;
	st->ppid = tg->parent ? pid_nr_in(tg->parent->leader->pid, view) : 0;
	st->pgid = tg->pgrp ? pid_nr_in(tg->pgrp->pid, view) : 0;
	st->sid = tg->session ? pid_nr_in(tg->session->pid, view) : 0;
	collect_levels(st, t);
	st->tpgid = -1;
	if (tg->tty && hooks)
		hooks->ids(tg->tty, &st->tty_nr, &st->tpgid);
	if (st->tpgid > 0)
		st->tpgid = pid_nr_in(pid_find(st->tpgid), view);
	st->threads = tg->live;
	st->cred = t->cred ? cred_get(t->cred) : NULL;
	st->cutime = tg->cutime;
	st->cstime = tg->cstime;
	st->fd_size = t->files ? t->files->size : 0;
	st->umask = t->fs ? t->fs->umask : 0;
	collect_signals(st, t);
}

static int snapshot(const struct kernfs_node *n, struct snapshot *st)
{
	struct task *t = proc_task(n);

	*st = (struct snapshot){.thread = SUB_TID(n->sub) != 0};
	if (!t)
		return -ESRCH;
	mutex_lock(&g_kernel->lock);
	st->view = proc_view(n);
	collect(st, t, st->view);
	if (st->thread)
		task_cputime(t, &st->utime, &st->stime);
	else
		tgroup_cputime(t->tg, &st->utime, &st->stime);
	mutex_unlock(&g_kernel->lock);
	st->mm = proc_mm(n);
	if (st->mm && st->mm->as)
		pas_stat(st->mm->as, &st->pas);
	return 0;
}

static void snapshot_put(struct snapshot *st)
{
	if (st->mm)
		mm_put(st->mm);
	if (st->cred)
		cred_put(st->cred);
	task_put(st->task);
}

static u64 rss(const struct snapshot *st)
{
	return st->pas.rss_anon + st->pas.rss_file + st->pas.rss_shmem;
}

READS_UNLOCKED int show_stat(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct snapshot st;
	int err = snapshot(n, &st);
	struct task *t = st.task;
	struct mm *mm;

	if (err)
		return err;
	mm = st.mm;
	strbuf_printf(s, "%d (%.15s) %c %d %d %d %d %d %u ", st.tid, st.comm, st.state, st.ppid,
		      st.pgid, st.sid, (int)st.tty_nr, st.tpgid,
		      t->tg->did_exec ? 4194304u : 4194368u);
	strbuf_printf(s, "%llu %llu %llu %llu ",
		      (unsigned long long)(t->tg->minflt + st.pas.minflt),
		      (unsigned long long)t->tg->cminflt,
		      (unsigned long long)(t->tg->majflt + st.pas.majflt),
		      (unsigned long long)t->tg->cmajflt);
	strbuf_printf(s, "%llu %llu %llu %llu %d %d %u 0 %llu ", TICKS(st.utime), TICKS(st.stime),
		      TICKS(st.cutime), TICKS(st.cstime), 20 + t->nice, t->nice, st.threads,
		      TICKS(t->start_time));
	strbuf_printf(s, "%llu %llu %llu ", mm ? (unsigned long long)mm->total_vm : 0ull,
		      (unsigned long long)rss(&st) >> PAGE_SHIFT,
		      (unsigned long long)t->tg->rlim[5].cur);
	strbuf_printf(s, "%llu %llu %llu 0 0 ", mm ? (unsigned long long)mm->start_code : 0ull,
		      mm ? (unsigned long long)mm->end_code : 0ull,
		      mm ? (unsigned long long)mm->start_stack : 0ull);
	strbuf_printf(s, "%llu %llu %llu %llu 0 0 0 %d 0 %u %u 0 0 0 ",
		      (unsigned long long)(st.pending & 0x7fffffff),
		      (unsigned long long)(st.blocked & 0x7fffffff),
		      (unsigned long long)(st.ignored & 0x7fffffff),
		      (unsigned long long)(st.caught & 0x7fffffff),
		      st.thread ? -1 : (int)t->tg->exit_signal, t->sched_priority, t->sched_policy);
	strbuf_printf(s, "%llu %llu %llu %llu %llu %llu %llu %u\n",
		      mm ? (unsigned long long)mm->start_data : 0ull,
		      mm ? (unsigned long long)mm->end_data : 0ull,
		      mm ? (unsigned long long)mm->start_brk : 0ull,
		      mm ? (unsigned long long)mm->arg_start : 0ull,
		      mm ? (unsigned long long)mm->arg_end : 0ull,
		      mm ? (unsigned long long)mm->env_start : 0ull,
		      mm ? (unsigned long long)mm->env_end : 0ull,
		      st.state == 'Z' ? t->tg->exit_code : 0);
	snapshot_put(&st);
	return 0;
}

READS_UNLOCKED int show_statm(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct snapshot st;
	int err = snapshot(n, &st);
	struct mm *mm;

	if (err)
		return err;
	mm = st.mm;
	strbuf_printf(
		s, "%llu %llu %llu %llu 0 %llu 0\n",
		mm ? (unsigned long long)mm->total_vm >> PAGE_SHIFT : 0ull,
		(unsigned long long)rss(&st) >> PAGE_SHIFT,
		(unsigned long long)(st.pas.rss_file + st.pas.rss_shmem) >> PAGE_SHIFT,
		mm ? (unsigned long long)(page_up(mm->end_code) - page_down(mm->start_code)) >>
				PAGE_SHIFT
		   : 0ull,
		mm ? (unsigned long long)(mm->data_vm + mm->stack_vm) >> PAGE_SHIFT : 0ull);
	snapshot_put(&st);
	return 0;
}

static void status_ids(const struct cred *me, const struct snapshot *st, struct strbuf *s)
{
	static const char *const names[4] = {"NStgid", "NSpid", "NSpgid", "NSsid"};
	const struct cred *cr = st->cred;

	if (!cr)
		return;
	strbuf_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", uid_out(me, cr->uid), uid_out(me, cr->euid),
		      uid_out(me, cr->suid), uid_out(me, cr->fsuid));
	strbuf_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", gid_out(me, cr->gid), gid_out(me, cr->egid),
		      gid_out(me, cr->sgid), gid_out(me, cr->fsgid));
	strbuf_printf(s, "FDSize:\t%u\nGroups:\t", st->fd_size);
	for (u32 i = 0; cr->groups && i < cr->groups->count; i++)
		strbuf_printf(s, "%u ", gid_out(me, cr->groups->gids[i]));
	for (int i = 0; i < 4; i++) {
		strbuf_printf(s, "\n%s:", names[i]);
		for (u32 k = 0; k < st->levels; k++)
			strbuf_printf(s, "\t%d", st->numbers[i][k]);
	}
	strbuf_printf(s, "\n");
}

READS_UNLOCKED static void status_memory(const struct snapshot *st, struct strbuf *s)
{
	struct mm *mm = st->mm;
	unsigned long long text = (page_up(mm->end_code) - page_down(mm->start_code)) / 1024;
	unsigned long long exec = mm->exec_vm / 1024;

	strbuf_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\n",
		      (unsigned long long)mm->total_vm / 1024,
		      (unsigned long long)mm->total_vm / 1024);
	strbuf_printf(s, "VmLck:\t%8llu kB\nVmPin:\t%8u kB\n",
		      (unsigned long long)mm->locked_vm / 1024, 0u);
	strbuf_printf(s, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n", (unsigned long long)rss(st) / 1024,
		      (unsigned long long)rss(st) / 1024);
	strbuf_printf(s, "RssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t%8llu kB\n",
		      (unsigned long long)st->pas.rss_anon / 1024,
		      (unsigned long long)st->pas.rss_file / 1024,
		      (unsigned long long)st->pas.rss_shmem / 1024);
	strbuf_printf(s,
		      "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n",
		      (unsigned long long)mm->data_vm / 1024,
		      (unsigned long long)mm->stack_vm / 1024, text, exec > text ? exec - text : 0);
	strbuf_printf(s, "VmPTE:\t%8u kB\nVmSwap:\t%8llu kB\nHugetlbPages:\t%8u kB\n", 0u,
		      (unsigned long long)st->pas.swap / 1024, 0u);
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	default:
		return "Z (zombie)";
	}
}

int show_status(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct snapshot st;
	int err = snapshot(n, &st);
	const struct cred *cr = st.cred;
	struct task *t = st.task;
	u64 cpus = g_kernel->config.cpus;

	if (err)
		return err;
	strbuf_printf(s,
		      "Name:\t%.15s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:"
		      "\t%d\nTracerPid:\t0\n",
		      st.comm, st.umask, state_name(st.state), st.tgid, st.tid, st.ppid);
	status_ids(c->cred, &st, s);
	strbuf_printf(s, "Kthread:\t0\n");
	if (st.mm)
		status_memory(&st, s);
	strbuf_printf(s, "CoreDumping:\t0\nTHP_enabled:\t1\nThreads:\t%u\nSigQ:\t0/%llu\n",
		      st.threads, (unsigned long long)t->tg->rlim[11].cur);
	strbuf_printf(s,
		      "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%"
		      "016llx\nSigCgt:\t%016llx\n",
		      (unsigned long long)st.pending, (unsigned long long)st.shared_pending,
		      (unsigned long long)st.blocked, (unsigned long long)st.ignored,
		      (unsigned long long)st.caught);
	if (cr)
		strbuf_printf(s,
			      "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%"
			      "016llx\nCapAmb:\t%016llx\n",
			      (unsigned long long)cr->inheritable,
			      (unsigned long long)cr->permitted, (unsigned long long)cr->effective,
			      (unsigned long long)cr->bounding, (unsigned long long)cr->ambient);
	strbuf_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", t->no_new_privs,
		      seccomp_mode(t), seccomp_filter_count(t));
	strbuf_printf(s,
		      "Cpus_allowed:\t%llx\nCpus_allowed_list:\t0-%llu\nMems_allowed:\t1\nMems_"
		      "allowed_list:\t0\n",
		      cpus >= 64 ? ~0ull : (1ull << cpus) - 1, (unsigned long long)cpus - 1);
	strbuf_printf(s, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		      (unsigned long long)t->nvcsw, (unsigned long long)t->nivcsw);
	snapshot_put(&st);
	return 0;
}
