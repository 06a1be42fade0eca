/* SPDX-License-Identifier: Apache-2.0 */
/* task_exit.c - the end of a task, and of its group
 *
 * Theory of operation: a task exits only in the hands of its owner. Whoever wants another task to
 *end sets TW_KILL and notifies it; the task comes to the border (or its blocked call is given up)
 *and exits by itself. Stages (t->exit_stage):
 *
 *	EXIT_NO		lives
 *	EXIT_ROBUST	walks its robust futexes: each needs a command of the stub, so registers are
 *needed; a task that has none is sent away with pctx_return_kick and comes back. sys_exit continues
 *after PEV_DONE. EXIT_DONE	context, files and memory are gone; exit_tree() has taken it out of
 *the tree
 *
 * A thread that is not the leader vanishes at once. The group becomes a zombie when its last task
 *has exited, and then the parent is told; it is unlinked when the parent has waited, or at once
 *when the parent does not care. Children of an exiting task go to another thread of its group, else
 *to the nearest subreaper, else to process 1.
 */

#include "platform/host/host.h"
#include "sentry/kernel/futex.h"
#include "sentry/kernel/ipc.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/worker.h"

static void exit_by_proxy(struct worker *w, void *as_owner, u32 code);

#define KILL_PATIENCE (2 * NSEC_PER_SEC)

enum { EXIT_NO, EXIT_ROBUST, EXIT_DONE };

/* --- killing others -----------------------------------------------------------------------------
 */

void group_exit_locked(struct tgroup *tg, struct task *self, u32 code)
{
	bool others = false;
	struct task *t;

	mutex_assert_held(&g_kernel->lock);
	if (tg->exiting)
		return;
	tg->exiting = true;
	tg->exit_code = code;
	list_for_each_entry (t, &tg->tasks, group_link) {
		if (t == self || t->exited)
			continue;
		signal_wake(t, TW_KILL);
		others = true;
	}
	if (others)
		timer_set(&tg->kill_timer, TIME_MONOTONIC,
			  time_add(time_monotonic(), KILL_PATIENCE));
}

/* [T] Would the end of @mm's stub harm a group that lives? */
static bool used_by_others(const struct mm *mm)
{
	struct tgroup *tg;
	struct task *t;

	list_for_each_entry (tg, &g_kernel->groups, all_link) {
		if (tg->exiting)
			continue;
		list_for_each_entry (t, &tg->tasks, group_link)
			if (t->mm == mm && !t->exited)
				return true;
	}
	return false;
}

/* A guest can make itself deaf to kicks (it may jump into the stub with registers of its choice),
 * and keep its stub from ever ending a command. It cannot keep its host process from being killed;
 * the exit by proxy is task_as_died's. */
void group_kill_due(struct timer *timer, s64 now)
{
	struct tgroup *tg = timer->arg;
	void *gone = NULL;
	struct task *t;

	tasklist_lock();
	list_for_each_entry (t, &tg->tasks, group_link) {
		struct pctx *ctx = atomic_load(&t->ctx);
		u32 state = atomic_load(&t->wait.state);

		if (ctx && (state == TS_GUEST || state == TS_COMMAND) && !used_by_others(t->mm) &&
		    pas_abort(pctx_as(ctx)))
			gone = t->mm;
	}
	if (tg->live)
		timer_set(timer, TIME_MONOTONIC, time_add(now, KILL_PATIENCE));
	tasklist_unlock();
	if (gone)
		exit_by_proxy(worker_get(g_kernel->config.workers), gone, SIGKILL);
}

void vfork_complete(struct task *child)
{
	struct task *parent;

	tasklist_lock();
	parent = child->vfork_child_of;
	child->vfork_child_of = NULL;
	tasklist_unlock();
	if (!parent)
		return;
	waitq_wake(&parent->vfork_done, 0x1);
	task_put(parent);
}

/* --- telling the parent
 * --------------------------------------------------------------------------- */

static void fill_exit_info(struct siginfo_k *info, struct tgroup *tg)
{
	u32 code = tg->exit_code;

	memset(info, 0, sizeof(*info));
	info->si_signo = (s32)tg->exit_signal;
	siginfo_child(info, tg);
	info->chld.utime = (s64)(tg->utime / (NSEC_PER_SEC / 100));
	info->chld.stime = (s64)(tg->stime / (NSEC_PER_SEC / 100));
	if (code & 0x7f) {
		info->si_code = code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info->chld.status = (s32)(code & 0x7f);
	} else {
		info->si_code = CLD_EXITED;
		info->chld.status = (s32)(code >> 8 & 0xff);
	}
}

bool group_notify_parent(struct tgroup *tg)
{
	struct tgroup *parent = tg->parent;
	bool reap = false, quiet = false;
	struct siginfo_k info;

	mutex_assert_held(&g_kernel->lock);
	waitq_wake(&tg->pidfd, 0x1);
	if (!parent || !parent->live) {
		reap = tg != g_kernel->init;
	} else {
		const struct ksigaction *ka = &parent->leader->sighand->action[SIGCHLD - 1];

		if (tg->exit_signal == SIGCHLD &&
		    (ka->handler == 1 || (ka->flags & SA_NOCLDWAIT))) {
			reap = true;
			quiet = ka->handler == 1;
		}
		fill_exit_info(&info, tg);
		if (tg->exit_signal && !quiet)
			signal_send_locked(parent->leader, &info, true);
		waitq_wake(&parent->wait_child, 0x1);
	}
	if (reap)
		tgroup_unlink(tg);
	return reap;
}

/* --- children of the dead
 * ------------------------------------------------------------------------- */

static struct task *live_thread(struct tgroup *tg)
{
	struct task *t;

	list_for_each_entry (t, &tg->tasks, group_link)
		if (!t->exited && !t->exit_stage)
			return t;
	return NULL;
}

static struct tgroup *find_reaper(struct tgroup *dead)
{
	struct tgroup *tg = dead->parent, *init = dead->pid_ns->init;

	if (dead->has_subreaper_ancestor)
		for (; tg && tg != init && tg->pid_ns == dead->pid_ns; tg = tg->parent)
			if (tg->is_subreaper && live_thread(tg))
				return tg;
	return init != dead ? init : NULL;
}

static void send_pdeath(struct tgroup *child, struct task *sender)
{
	struct siginfo_k info;
	struct task *t;

	list_for_each_entry (t, &child->tasks, group_link) {
		if (!t->pdeath_signal || t->exited)
			continue;
		siginfo_user(&info, sender, (int)t->pdeath_signal, SI_USER);
		signal_send_from(sender, t, &info, true);
	}
}

static void reparent_child(struct tgroup *child, struct tgroup *to)
{
	struct tgroup *from = child->parent;

	child->parent = to;
	child->parent_task = to ? live_thread(to) : NULL;
	platform_forget(g_kernel->platform);
	list_del(&child->sibling);
	if (to)
		list_append(&to->children, &child->sibling);
	child->exit_signal = SIGCHLD;
	if (child->zombie)
		group_notify_parent(child);
	else if (to)
		pgrp_check_orphan(child, from);
}

/* @t exits: its children get another parent. */
static void forget_children(struct task *t, bool group_dead)
{
	struct tgroup *child, *tmp, *to = group_dead ? find_reaper(t->tg) : NULL;
	struct task *heir = group_dead ? NULL : live_thread(t->tg);

	list_for_each_entry (child, &t->tg->children, sibling)
		if (child->parent_task == t)
			send_pdeath(child, t);
	list_for_each_entry_safe (child, tmp, &t->tg->children, sibling) {
		if (group_dead)
			reparent_child(child, to);
		else if (child->parent_task == t)
			child->parent_task = heir;
	}
}

/* --- the last steps
 * ------------------------------------------------------------------------------- */

/* The word where a joiner waits, for pctx_exit: the host stores its 0 and wakes when the thread has
 * really ended, not before (its rseq area is in memory that the joiner frees). When waits are not
 * native the joiner is ours, and so is the store. */
static gva_t clear_child_tid(struct task *t)
{
	u32 zero = 0;

	if (!t->clear_child_tid.v || ref_read(&t->mm->ref) == 1)
		return GVA(0);
	if (!platform_is_strict(g_kernel->platform))
		return t->clear_child_tid;
	if (copy_out(t->mm, t->clear_child_tid, &zero, sizeof(zero)) == 0)
		futex_wake_exit(t, t->clear_child_tid);
	return GVA(0);
}

/* Ends the context. */
static void drop_context(struct task *t, bool dead)
{
	struct pctx *ctx = atomic_load(&t->ctx);
	gva_t wake;

	mm_landed(&t->inflight);
	if (!ctx)
		return;
	wake = clear_child_tid(t);
	tasklist_lock();
	usage_end(t, dead);
	atomic_store(&t->ctx, NULL);
	tasklist_unlock();
	pctx_exit(ctx, wake);
}

/* Gives back what the task shared with others. */
static void drop_parts(struct task *t)
{
	struct files *files = t->files;
	struct fs *fs = t->fs;
	struct mnt_namespace *ns = t->mnt_ns;
	struct nsproxy *nsproxy = t->ns;
	struct mm *mm = t->mm;

	if (files)
		files_put(task_caller(t), files);
	task_end_call(t);
	tasklist_lock();
	t->files = NULL;
	t->fs = NULL;
	t->mnt_ns = NULL;
	t->ns = NULL;
	t->mm = NULL;
	tasklist_unlock();
	if (fs)
		fs_put(fs);
	if (ns)
		mnt_ns_put(ns);
	nsproxy_put(nsproxy);
	if (mm)
		mm_put(mm);
}

/* Takes the task out of the tree. True: it was the last of process 1. *@out_last: of its group. */
static bool exit_tree(struct task *t, bool *out_last, u32 *out_code)
{
	struct tgroup *tg = t->tg;
	bool last, init;

	tasklist_lock();
	t->exited = true;
	*out_last = last = --tg->present == 0;
	g_kernel->task_count--;
	if (!last)
		signal_retarget(t);
	if (t == tg->leader && !tg->exiting)
		tg->exit_code = t->exit_code;
	*out_code = tg->exit_code;
	forget_children(t, last);
	if (tg->exec_task && tg->present == 1)
		task_wake(tg->exec_task);
	init = last && tg == g_kernel->init;
	if (last)
		pgrp_check_orphan(tg, NULL);
	if (t != tg->leader)
		task_unlink(t);
	if (last && tg->pid_ns->level && tg->pid_ns->init == tg) {
		pid_ns_zap(tg->pid_ns);
		tg->zapping = true;
		g_kernel->zapped++;
	} else if (last) {
		__atomic_store_n(&tg->zombie, true, __ATOMIC_RELEASE); /* pidfd_poll looks */
		group_notify_parent(tg);
	}
	pid_ns_settle();
	tasklist_unlock();
	return init;
}

static long exit_finish(struct task *t)
{
	const struct kernel_hooks *hooks = g_kernel->config.hooks;
	struct tgroup *tg = t->tg;
	void *watch = tg->watch;
	bool dead, last;
	u32 code;

	tasklist_lock();
	t->exit_stage = EXIT_DONE;
	stop_leave(t);
	dead = --tg->live == 0;
	tasklist_unlock();
	drop_context(t, dead);
	vfork_complete(t);
	drop_parts(t);
	if (dead) {
		timers_drop(tg, true);
		sem_exit(tg);
		if (tg->session_leader)
			session_leader_exit(tg);
	}
	if (hooks && hooks->task_gone)
		hooks->task_gone(t, t->exit_code);
	atomic_store(&t->wait.state, TS_DEAD);
	if (exit_tree(t, &last, &code) && g_kernel->config.on_exit)
		g_kernel->config.on_exit(code);
	if (last && watch)
		g_kernel->config.on_watched_exit(watch, code);
	task_put(t);
	return -EGONE;
}

/* --- entering
 * -------------------------------------------------------------------------------------- */

/* No registers, but commands are needed: answered, the task comes back with PEV_KICK and TW_KILL.
 */
static long come_back(struct task *t)
{
	struct pctx *ctx = atomic_load(&t->ctx);

	atomic_fetch_or(&t->work, TW_KILL);
	t->in_syscall = false;
	t->worker = NULL;
	atomic_store_explicit(&t->wait.state, TS_COMMAND, memory_order_release);
	pctx_return_kick(ctx, -EINTR);
	return -EGONE;
}

/* The stub carries out t->plan; PEV_DONE runs sys_exit, which continues here. */
static long run_command(struct task *t)
{
	struct pctx *ctx = atomic_load(&t->ctx);

	t->sys.nr = 60;
	t->in_syscall = true;
	t->wait.command = CMD_PLAN_AGAIN;
	t->worker = NULL;
	atomic_store_explicit(&t->wait.state, TS_COMMAND, memory_order_release);
	pctx_run(ctx, t->plan.cmds, t->plan.count, 0);
	return -EGONE;
}

static long exit_go(struct task *t)
{
	if (t->robust_list.v && atomic_load(&t->ctx)) {
		if (!t->has_regs && robust_any(t))
			return come_back(t);
		if (t->has_regs && robust_step(t))
			return run_command(t);
		t->robust_list = GVA(0);
	}
	return exit_finish(t);
}

long task_exit(struct task *t, u32 code, bool group)
{
	struct tgroup *tg = t->tg;

	if (t->exit_stage != EXIT_NO)
		return exit_go(t);
	task_end_call(t);
	t->robust_list = task_robust_list(t);
	tasklist_lock();
	if (tg->exec_task && tg->exec_task != t)
		code = 0;
	else if (tg->exiting)
		code = tg->exit_code;
	else if (group)
		group_exit_locked(tg, t, code);
	t->exit_code = code;
	t->exit_stage = EXIT_ROBUST;
	tasklist_unlock();
	return exit_go(t);
}

long task_exit_killed(struct task *t)
{
	return task_exit(t, 0, false); /* the group has the code */
}

/* --- a dead stub
 * ------------------------------------------------------------------------------------ */

/* Takes the ownership of @t, whose context will give no events any more; false: its owner will find
 * out. [T] */
static bool seize(struct task *t)
{
	u32 state = atomic_load(&t->wait.state);

	while (state == TS_GUEST || state == TS_COMMAND)
		if (atomic_compare_exchange_weak(&t->wait.state, &state, TS_RUNNING))
			return true;
	return false;
}

/* [T] Tells the groups whose tasks run in the dead stub to exit. The first task that nobody owns is
 * seized. */
static struct task *seize_one(void *as_owner, u32 code)
{
	struct tgroup *tg;
	struct task *t;

	list_for_each_entry (tg, &g_kernel->groups, all_link) {
		list_for_each_entry (t, &tg->tasks, group_link) {
			if (t->exited || (void *)t->mm != as_owner)
				continue;
			group_exit_locked(tg, NULL, code);
			if (seize(t))
				return t;
		}
	}
	return NULL;
}

static void exit_by_proxy(struct worker *w, void *as_owner, u32 code)
{
	struct task *t;

	for (;;) {
		tasklist_lock();
		t = seize_one(as_owner, code);
		tasklist_unlock();
		if (!t)
			return;
		t->worker = w;
		t->has_regs = true;
		t->robust_list = GVA(0);
		task_exit_killed(t);
	}
}

/* [T] The task whose exec was to run in the stub. */
static struct task *exec_in(void *as_owner)
{
	struct tgroup *tg;
	struct task *t;

	list_for_each_entry (tg, &g_kernel->groups, all_link)
		list_for_each_entry (t, &tg->tasks, group_link)
			if ((void *)t->new_mm == as_owner)
				return t;
	return NULL;
}

/* The stub that an exec was to go on in has died: the exec is told when it looks next, or now when
 * it waits for that stub. */
static void exec_stub_died(struct worker *w, void *as_owner)
{
	struct task *t;
	bool seized = false, runs = false;

	do {
		if (runs)
			host_yield(); /* its worker may just be going to wait for the stub */
		tasklist_lock();
		t = exec_in(as_owner);
		if (t) {
			u32 state = atomic_load(&t->wait.state);

			t->new_died = true;
			runs = state == TS_RUNNING || state == TS_WOKEN;
			seized = seize(t);
		}
		if (seized && !task_exec_waits_for_stub(t)) {
			atomic_store(&t->wait.state, TS_COMMAND);
			seized = false;
		}
		tasklist_unlock();
	} while (t && runs && !seized);
	if (seized)
		task_command_lost(w, t);
}

void task_as_died(struct worker *w, void *as_owner, int status)
{
	exit_by_proxy(w, as_owner, status & 0x7f ? (u32)status & 0x7f : SIGKILL);
	exec_stub_died(w, as_owner);
}

/* --- what exec needs
 * ---------------------------------------------------------------------------------- */

long task_exec_dethread(struct task *t)
{
	struct tgroup *tg = t->tg;
	struct task *other;
	long r = 0;

	tasklist_lock();
	if (tg->exiting || (tg->exec_task && tg->exec_task != t)) {
		r = -EAGAIN;
	} else if (tg->present > 1) {
		if (!tg->exec_task) {
			tg->exec_task = t;
			stop_end(tg, false);
			list_for_each_entry (other, &tg->tasks, group_link)
				if (other != t && !other->exited)
					signal_wake(other, TW_KILL);
		}
		r = task_block(t, INTR_KILL);
	} else {
		tg->exec_task = NULL;
		if (tg->leader != t)
			task_take_leader(t);
	}
	tasklist_unlock();
	return r;
}

long task_exec_robust(struct task *t)
{
	struct pctx *ctx = atomic_load(&t->ctx);

	if (!t->robust.started)
		t->robust_list = task_robust_list(t);
	if (!t->robust_list.v || !t->has_regs || !ctx)
		return 0;
	if (!robust_step(t)) {
		task_set_robust_list(t, GVA(0));
		memset(&t->robust, 0, sizeof(t->robust));
		return 0;
	}
	t->wait.used = true;
	pctx_run(ctx, t->plan.cmds, t->plan.count, 0);
	return -ECOMMAND;
}

/* Handlers of its own, all default or ignored. */
static void reset_handlers(struct task *t)
{
	struct sighand *old = t->sighand, *own = NULL;

	if (ref_read(&old->ref) > 1)
		own = sighand_create(old);
	tasklist_lock();
	if (own)
		t->sighand = own;
	sighand_reset(t->sighand);
	tasklist_unlock();
	if (own)
		sighand_put(old);
}

gva_t task_exec_release(struct task *t, bool privileged)
{
	gva_t wake = clear_child_tid(t);

	t->clear_child_tid = t->robust_list = GVA(0);
	t->altstack_sp = GVA(0);
	t->altstack_size = t->altstack_flags = 0;
	vfork_complete(t);
	reset_handlers(t);
	timers_drop(t->tg, false);
	tasklist_lock();
	t->tg->exit_signal = SIGCHLD;
	t->tg->did_exec = true;
	if (privileged)
		t->pdeath_signal = 0;
	tasklist_unlock();
	return wake;
}
