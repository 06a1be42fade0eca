/* SPDX-License-Identifier: Apache-2.0 */
/* task_wait.c - waiting for children: who counts, what they report, and what is left of them */
#include <sys/resource.h>
#include <sys/wait.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/wait.h"

/* --- resource usage
 * ------------------------------------------------------------------------------- */

static void set_times(struct rusage_k *out, u64 user, u64 system)
{
	out->utime_sec = (s64)(user / NSEC_PER_SEC);
	out->utime_usec = (s64)(user % NSEC_PER_SEC / NSEC_PER_USEC);
	out->stime_sec = (s64)(system / NSEC_PER_SEC);
	out->stime_usec = (s64)(system % NSEC_PER_SEC / NSEC_PER_USEC);
}

/* Of the group with its waited-for children when @both. [T] */
static void group_usage(struct tgroup *tg, bool both, struct rusage_k *out)
{
	struct pas_stat st;
	struct task *t;
	u64 user, system, maxrss = tg->maxrss;

	memset(out, 0, sizeof(*out));
	tgroup_cputime(tg, &user, &system);
	out->minflt = (s64)tg->minflt;
	out->majflt = (s64)tg->majflt;
	list_for_each_entry (t, &tg->tasks, group_link) {
		struct pctx *ctx = atomic_load(&t->ctx);

		out->nvcsw += (s64)t->nvcsw;
		out->nivcsw += (s64)t->nivcsw;
		if (!ctx || pas_stat(pctx_as(ctx), &st))
			continue;
		maxrss = max(maxrss, st.rss_anon + st.rss_file + st.rss_shmem);
		out->minflt += (s64)st.minflt;
		out->majflt += (s64)st.majflt;
		break;
	}
	tg->maxrss = maxrss;
	if (both) {
		user += tg->cutime;
		system += tg->cstime;
		out->minflt += (s64)tg->cminflt;
		out->majflt += (s64)tg->cmajflt;
		maxrss = max(maxrss, tg->cmaxrss);
	}
	set_times(out, user, system);
	out->maxrss = (s64)(maxrss / 1024);
}

int task_rusage(struct task *t, int who, struct rusage_k *out)
{
	struct tgroup *tg = t->tg;
	u64 user, system;

	memset(out, 0, sizeof(*out));
	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	tasklist_lock();
	if (who == RUSAGE_CHILDREN) {
		set_times(out, tg->cutime, tg->cstime);
		out->minflt = (s64)tg->cminflt;
		out->majflt = (s64)tg->cmajflt;
		out->maxrss = (s64)(tg->cmaxrss / 1024);
	} else {
		group_usage(tg, false, out);
	}
	tasklist_unlock();
	if (who == RUSAGE_THREAD) {
		task_cputime(t, &user, &system);
		set_times(out, user, system);
		out->nvcsw = (s64)t->nvcsw;
		out->nivcsw = (s64)t->nivcsw;
	}
	return 0;
}

/* A child was waited for: its times become ours. [T] */
static void adopt_usage(struct tgroup *parent, struct tgroup *child)
{
	parent->cutime += child->utime + child->cutime;
	parent->cstime += child->stime + child->cstime;
	parent->cminflt += child->minflt + child->cminflt;
	parent->cmajflt += child->majflt + child->cmajflt;
	parent->cmaxrss = max(parent->cmaxrss, child->maxrss);
	parent->cmaxrss = max(parent->cmaxrss, child->cmaxrss);
}

/* --- who counts
 * ------------------------------------------------------------------------------------ */

static bool matches(const struct task *t, const struct wait_request *r, const struct tgroup *tg)
{
	switch (r->kind) {
	case WAITFOR_PID:
		return tgroup_nr_for(t, tg) == r->id;
	case WAITFOR_PGRP:
		return tg->pgrp && pid_nr_in(tg->pgrp->pid, t->tg->pid_ns) == r->id;
	case WAITFOR_GROUP:
		return tg == r->group;
	default:
		return true;
	}
}

static bool eligible(struct task *t, const struct wait_request *r, const struct tgroup *tg)
{
	bool clone_child = tg->exit_signal != SIGCHLD;

	if (!matches(t, r, tg))
		return false;
	if ((r->options & __WNOTHREAD) && tg->parent_task != t)
		return false;
	return (r->options & __WALL) || clone_child == !!(r->options & __WCLONE);
}

/* --- what they report
 * -------------------------------------------------------------------------------- */

static void fill(struct task *t, struct wait_result *out, struct tgroup *tg, int code, u32 status)
{
	out->pid = tgroup_nr_for(t, tg);
	out->uid = uid_out(t->cred, tg->leader->cred->uid);
	out->code = code;
	out->status = status;
	group_usage(tg, true, &out->usage);
}

static bool take_zombie(struct task *t, struct tgroup *tg, u32 options, struct wait_result *out)
{
	u32 code = tg->exit_code;

	if (!tg->zombie || !(options & WEXITED))
		return false;
	fill(t, out, tg, code & 0x7f ? (code & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED, code);
	if (!(options & WNOWAIT)) {
		adopt_usage(t->tg, tg);
		tgroup_unlink(tg);
	}
	return true;
}

static bool take_report(struct task *t, struct tgroup *tg, u32 options, struct wait_result *out)
{
	if (tg->zombie)
		return false;
	if (tg->stopped && tg->stop_report && (options & WSTOPPED)) {
		fill(t, out, tg, CLD_STOPPED, tg->stop_signal << 8 | 0x7f);
		if (!(options & WNOWAIT))
			tg->stop_report = false;
		return true;
	}
	if (tg->cont_report && (options & WCONTINUED)) {
		fill(t, out, tg, CLD_CONTINUED, 0xffff);
		if (!(options & WNOWAIT))
			tg->cont_report = false;
		return true;
	}
	return false;
}

/* [T] 0 with *out filled in, -EAGAIN: somebody may report later; -ECHILD. */
static long scan(struct task *t, const struct wait_request *r, struct wait_result *out)
{
	struct tgroup *child, *tmp;
	long result = -ECHILD;

	list_for_each_entry_safe (child, tmp, &t->tg->children, sibling) {
		if (!eligible(t, r, child))
			continue;
		result = -EAGAIN;
		if (take_zombie(t, child, r->options, out) ||
		    take_report(t, child, r->options, out))
			return 0;
	}
	return result;
}

long task_wait(struct task *t, const struct wait_request *r, struct wait_result *out)
{
	long err;

	memset(out, 0, sizeof(*out));
	if (!(r->options & WNOHANG))
		task_wait_on(t, &t->tg->wait_child, 0);
	tasklist_lock();
	err = scan(t, r, out);
	pid_ns_settle();
	tasklist_unlock();
	if (err != -EAGAIN)
		return err;
	return r->options & WNOHANG ? 0 : task_block(t, -ERESTARTSYS);
}
