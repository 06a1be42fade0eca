/* SPDX-License-Identifier: Apache-2.0 */
/* task_usage.c - CPU time of tasks and groups
 *
 * Theory of operation: the host counts. Its clock of a whole process costs one call and knows the
 * threads that have ended; the figures of one thread are files to open and read. So what a thread
 * leaves is not looked up when it ends: it is in the clock of its stub, and the group is
 * *unbanked*. A group's time is tg->utime (earlier stubs, and what was banked) and that of its
 * stub.
 *
 * In an address space that tasks of several groups share (vfork, CLONE_VM without CLONE_THREAD) the
 * clock is nobody's: it is *mixed* from the first such clone on, when what ended threads left is
 * banked, and every task is counted for itself.
 */
#include "sentry/kernel/process.h"

void task_cputime(struct task *t, u64 *out_user, u64 *out_system)
{
	struct pctx *ctx = atomic_load(&t->ctx);

	if (!ctx || pctx_cputime(ctx, out_user, out_system))
		*out_user = *out_system = 0;
}

/* [T] The tasks of @tg that live, or their stub when it is theirs alone. */
static void live_cputime(struct tgroup *tg, bool each, u64 *out_user, u64 *out_system)
{
	struct task *t;
	u64 u, s;

	*out_user = *out_system = 0;
	list_for_each_entry (t, &tg->tasks, group_link) {
		struct pctx *ctx = atomic_load(&t->ctx);

		if (t->exited || !ctx || !t->mm)
			continue;
		if (!each && !t->mm->mixed) {
			if (pas_cputime(pctx_as(ctx), out_user, out_system))
				*out_user = *out_system = 0;
			return;
		}
		task_cputime(t, &u, &s);
		*out_user += u;
		*out_system += s;
	}
}

void tgroup_cputime(struct tgroup *tg, u64 *out_user, u64 *out_system)
{
	mutex_assert_held(&g_kernel->lock);
	*out_user = *out_system = 0;
	if (tg->live)
		live_cputime(tg, false, out_user, out_system);
	*out_user += tg->utime;
	*out_system += tg->stime;
}

/* [T] What the context of @t, or all of its stub, has used becomes the group's. */
static void bank(struct task *t)
{
	struct pctx *ctx = atomic_load(&t->ctx);
	u64 user = 0, system = 0;

	if (t->mm->mixed)
		task_cputime(t, &user, &system);
	else if (pas_cputime(pctx_as(ctx), &user, &system))
		user = system = 0;
	t->tg->utime += user;
	t->tg->stime += system;
	t->tg->unbanked = false;
}

void usage_end(struct task *t, bool last)
{
	struct tgroup *tg = t->tg;
	struct pas_stat st;

	mutex_assert_held(&g_kernel->lock);
	if (!t->mm->mixed && !last) {
		tg->unbanked = true;
		return;
	}
	bank(t);
	if (!last || !tg->did_exec || pas_stat(pctx_as(atomic_load(&t->ctx)), &st))
		return;
	tg->minflt += st.minflt;
	tg->majflt += st.majflt;
	tg->maxrss = max(tg->maxrss, st.rss_anon + st.rss_file + st.rss_shmem);
}

void usage_exec(struct task *t)
{
	mutex_assert_held(&g_kernel->lock);
	/* What a child of vfork uses before it execs is not worth the reading. */
	if (t->mm && !t->mm->mixed && atomic_load(&t->ctx))
		bank(t);
}

void usage_mix(struct task *t)
{
	struct tgroup *tg = t->tg;
	u64 all[2], live[2];

	tasklist_lock();
	if (!t->mm->mixed && tg->unbanked) {
		live_cputime(tg, false, &all[0], &all[1]);
		live_cputime(tg, true, &live[0], &live[1]);
		tg->utime += all[0] > live[0] ? all[0] - live[0] : 0;
		tg->stime += all[1] > live[1] ? all[1] - live[1] : 0;
		tg->unbanked = false;
	}
	t->mm->mixed = true;
	tasklist_unlock();
}
