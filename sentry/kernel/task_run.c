/* SPDX-License-Identifier: Apache-2.0 */
/* task_run.c - from an event at the border to the answer
 *
 * Theory of operation: one worker owns a task from its event until the answer (task.h). A system
 *call is run by its handler; what the handler returns says how it goes on:
 *
 *	a result	task_finish: answer at once, or, when there is work (signals, stop), with
 *registers first -EBLOCKED	published; somebody's wake-up brings the task to task_run_ready
 *	-ECOMMAND	the stub carries out a plan; PEV_DONE brings it back (or nobody:
 *PRUN_RESUME) -ECONTINUE	the host carries the call out
 *	-ENORETURN	registers are right as they stand
 *	-EGONE		there is no task any more
 *
 * Signals need registers. A plain call has none: it is answered "and come back" (pctx_return_kick);
 *the task keeps in_syscall and its wait state, and the kick's event goes on in task_deliver. So a
 *blocked call that turns out not to be interrupted goes on where it was.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "platform/host/host.h"
#include "platform/host/stats.h"
#include "sentry/base/bug.h"
#include "sentry/base/log.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/seccomp.h"
#include "sentry/kernel/sigio.h"
#include "sentry/kernel/task_internal.h"

#define SYSCALL_INSN_SIZE 2

static bool is_restart(long ret)
{
	return ret == -ERESTARTSYS || ret == -ERESTARTNOINTR || ret == -ERESTARTNOHAND ||
	       ret == -ERESTART_RESTARTBLOCK;
}

static u32 work_of(struct task *t)
{
	return atomic_load_explicit(&t->work, memory_order_acquire) &
	       (TW_SIGNAL | TW_STOP | TW_KILL);
}

/* Nobody owns the task from here on: the answer must be the last thing that touches it. */
static struct pctx *leave(struct task *t, enum task_state state)
{
	struct pctx *ctx = atomic_load_explicit(&t->ctx, memory_order_relaxed);

	t->worker = NULL;
	atomic_store_explicit(&t->wait.state, state, memory_order_release);
	return ctx;
}

static void trace_exit(struct task *t, long ret)
{
	const struct kernel_hooks *h = g_kernel->config.hooks;

	if (unlikely(h && h->sys_exit))
		h->sys_exit(t, ret);
}

/* --- back to the guest -------------------------------------------------------------------------
 */

static void task_run_call(struct task *t);
static void task_command(struct task *t);
static void task_finish_regs(struct task *t);
static bool refresh_mappings(struct task *t);
static bool rewrite_site(struct task *t);

/* A native futex wait that a kick has interrupted is, for the signal, a call that returns
 * -ERESTARTSYS: its registers are made to look so. Without a handler the wait is started again as
 * it stood. */
static void enter_wait(struct task *t, struct pctx *ctx)
{
	struct pregs regs;

	pctx_get_regs(ctx, &regs);
	t->sys.nr = SYS_futex;
	regs.rip += SYSCALL_INSN_SIZE;
	t->sys.ip = regs.rip;
	t->in_syscall = t->at_wait = true;
	pctx_set_regs(ctx, &regs);
}

static void leave_wait(struct task *t, struct pregs *regs)
{
	regs->rip -= SYSCALL_INSN_SIZE;
	regs->rax = SYS_futex;
}

/* With registers: delivers what there is to deliver, then goes back. @ret: of the call under way.
 */
static void task_deliver(struct task *t, long ret)
{
	struct pctx *ctx = atomic_load(&t->ctx);
	struct pregs regs;
	long r;

	pctx_get_regs(ctx, &regs);
	for (;;) {
		r = signal_deliver(t, &regs, ret);
		if (r != -EBLOCKED)
			break;
		pctx_set_regs(ctx, &regs);
		t->wait.used = t->wait.delivering = true;
		t->wait.intr = ret;
		if (task_publish_block(t))
			return;
		task_unregister(t);
	}
	if (r == -EGONE)
		return;
	t->wait.delivering = false;
	if (r == 1 && t->at_wait) {
		leave_wait(t, &regs);
	} else if (r == 1) {
		task_run_again(t);
		task_run_call(t);
		return;
	}
	pctx_set_regs(ctx, &regs);
	t->in_syscall = t->at_wait = false;
	task_end_call(t);
	pctx_resume(leave(t, TS_GUEST));
}

/* The call has a result, and there is work before the guest goes on. */
static void task_finish_with_work(struct task *t, long ret)
{
	if (work_of(t) & TW_KILL) {
		task_exit_killed(t);
	} else if (t->has_regs) {
		task_deliver(t, ret);
	} else {
		t->wait.used = t->wait.delivering = true;
		t->wait.intr = ret;
		pctx_return_kick(leave(t, TS_COMMAND), is_restart(ret) ? -EINTR : ret);
	}
}

static void set_rax(struct pctx *ctx, long value)
{
	struct pregs regs;

	pctx_get_regs(ctx, &regs);
	regs.rax = (u64)value;
	pctx_set_regs(ctx, &regs);
}

/* A file that the guest may have mapped has been truncated: its stub has something to do first,
 * for which registers are needed. */
static void task_finish_stale(struct task *t, long ret)
{
	if (t->has_regs) {
		set_rax(atomic_load(&t->ctx), ret);
		task_finish_regs(t);
	} else {
		pctx_return_kick(leave(t, TS_GUEST), ret);
	}
}

static void task_finish(struct task *t, long ret)
{
	trace_exit(t, ret);
	if (unlikely(work_of(t))) {
		task_finish_with_work(t, ret);
		return;
	}
	if (unlikely(is_restart(ret))) {
		task_run_again(t);
		task_run_call(t);
		return;
	}
	t->in_syscall = false;
	task_end_call(t);
	if (unlikely(mm_stale(t->mm) || t->hot_ip))
		task_finish_stale(t, ret);
	else
		pctx_return(leave(t, TS_GUEST), ret);
}

void task_finish_call(struct task *t, long ret)
{
	task_finish(t, ret);
}

/* Registers at hand, no result to store (exec, sigreturn, fault, kick). */
static void task_finish_regs(struct task *t)
{
	t->in_syscall = false;
	task_end_call(t);
	if (unlikely(t->hot_ip) && rewrite_site(t))
		return;
	if (unlikely(mm_stale(t->mm)) && refresh_mappings(t))
		return;
	if (unlikely(work_of(t)))
		task_deliver(t, 0);
	else
		pctx_resume(leave(t, TS_GUEST));
}

/* True: the stub is at it; task_finish_regs follows. */
static bool refresh_mappings(struct task *t)
{
	mm_plan_init(&t->plan);
	t->inflight.ctx = atomic_load(&t->ctx);
	if (mm_refresh(t->mm, &t->inflight, &t->plan) < 0 || t->plan.count == 0)
		return false;
	t->wait.repairing = true;
	task_run_plan_again(t);
	task_command(t);
	return true;
}

/* The site of the call that has just ended becomes a jump, where that is possible. True: the stub
 * is at it; task_finish_regs follows. */
static bool rewrite_site(struct task *t)
{
	struct pctx *ctx = atomic_load(&t->ctx);
	struct pcmd patch[PREWRITE_CMDS];
	gva_t ip = GVA(t->hot_ip);
	int n;

	t->hot_ip = 0;
	n = pctx_rewrite(ctx, ip, patch);
	if (n <= 0)
		return false;
	mm_plan_init(&t->plan);
	t->inflight.ctx = ctx;
	if (mm_rewrite(t->mm, ip, patch, (unsigned)n, &t->inflight, &t->plan) < 0)
		return false;
	t->wait.repairing = true;
	task_run_plan_again(t);
	task_command(t);
	return true;
}

/* --- commands ----------------------------------------------------------------------------------
 */

long task_run_plan(struct task *t)
{
	BUG_ON(!t->has_regs);
	t->wait.command = CMD_PLAN;
	return -ECOMMAND;
}

long task_run_plan_again(struct task *t)
{
	t->wait.command = CMD_PLAN_AGAIN;
	t->wait.used = true;
	return -ECOMMAND;
}

/* Sends the plan to the stub. The call ends with it unless the handler wants to hear of it or there
 * is work. */
static void task_command(struct task *t)
{
	struct pctx *ctx = t->new_ctx ? t->new_ctx : atomic_load(&t->ctx);
	unsigned flags = 0;

	if (t->wait.command == CMD_NONE || t->wait.command == CMD_CLONE) {
		leave(t, TS_COMMAND);
		return;
	}
	if (t->plan.count == 0 && t->wait.command == CMD_PLAN) {
		t->wait.command = CMD_NONE;
		task_finish(t, t->plan.result);
		return;
	}
	if (t->wait.command == CMD_PLAN && (t->plan.flags & PRUN_RESUME) && !work_of(t)) {
		flags = t->plan.flags;
		if (flags & PRUN_RESUME_AS_IS)
			set_rax(ctx, t->plan.result);
		trace_exit(t, t->plan.result);
	}
	leave(t, TS_COMMAND);
	pctx_run(ctx, t->plan.cmds, t->plan.count, flags);
}

/* PEV_DONE, PEV_READY: the stub has done, or failed, what it was told. */
static void task_done(struct task *t, long result, unsigned index)
{
	bool again = t->wait.command != CMD_PLAN;

	t->wait.command = CMD_NONE;
	if (t->wait.repairing) {
		if (result == 0 && mm_plan_next(&t->plan)) {
			task_run_plan_again(t);
			task_command(t);
			return;
		}
		t->wait.repairing = false;
		task_finish_regs(t);
		return;
	}
	if (again) {
		t->wait.cmd_result = result;
		t->wait.cmd_index = index;
		t->wait.used = true;
		task_run_again(t);
		task_run_call(t);
		return;
	}
	if (result < 0) {
		mm_abort(t->mm, &t->plan, index);
		task_finish(t, result == -ENOSYS ? -ENOMEM : result);
	} else if (mm_plan_next(&t->plan)) {
		task_run_plan(t);
		task_command(t);
	} else {
		task_finish(t, t->plan.result);
	}
}

/* --- the call ----------------------------------------------------------------------------------
 */

static long call_handler(struct task *t)
{
	const struct syscall_table *table = g_kernel->config.syscalls;
	unsigned nr = t->sys.nr;

	if (nr >= table->count || !table->handler[nr])
		return -ENOSYS;
	return table->handler[nr](t, &t->sys);
}

/* Does what others want of the task end a wait whose interruption is @intr? */
static bool must_interrupt(struct task *t, long intr)
{
	u32 work = work_of(t);

	if (likely(!work) || intr == INTR_NEVER)
		return false;
	if (work & TW_KILL)
		return true;
	return intr != INTR_KILL && (work & TW_STOP || signal_pending(t));
}

static void interrupt(struct task *t)
{
	task_unregister(t);
	if (work_of(t) & TW_KILL)
		task_exit_killed(t);
	else
		task_finish(t, t->wait.intr);
}

/* A call of the in-place class that was interrupted for nothing has registers by now: there is no
 * call left that the host could go on with, so the stub makes it. */
static void plan_of_call(struct task *t)
{
	mm_plan_init(&t->plan);
	t->plan.cmds[0] = (struct pcmd){.nr = t->sys.nr, .fd = -1};
	memcpy(t->plan.cmds[0].args, t->sys.a, 3 * sizeof(u64));
	t->plan.count = 1;
	t->plan.flags = PRUN_RESUME;
	t->wait.command = CMD_PLAN;
}

static void task_run_call(struct task *t)
{
	long ret;

	do {
		ret = call_handler(t);
		if (ret != -EBLOCKED)
			break;
		if (!must_interrupt(t, t->wait.intr)) {
			if (task_publish_block(t))
				return;
			if (!must_interrupt(t, t->wait.intr)) {
				task_run_again(t);
				continue;
			}
		}
		interrupt(t);
		return;
	} while (true);
	switch (ret) {
	case -ECOMMAND:
		task_command(t);
		break;
	case -ECONTINUE:
		if (t->has_regs) {
			plan_of_call(t);
			task_command(t);
			break;
		}
		trace_exit(t, 0);
		task_end_call(t);
		t->in_syscall = false;
		if (work_of(t))
			pctx_kick(atomic_load(&t->ctx));
		pctx_continue(leave(t, TS_GUEST));
		break;
	case -ENORETURN:
		trace_exit(t, 0);
		task_finish_regs(t);
		break;
	case -EGONE:
		break;
	default:
		task_finish(t, ret);
	}
}

void task_continue(struct worker *w, struct task *t)
{
	t->worker = w;
	t->in_syscall = true;
	task_run_call(t);
}

/* --- woken tasks -------------------------------------------------------------------------------
 */

static struct task *ready_pop(void)
{
	struct task *t = NULL;

	if (atomic_load_explicit(&g_kernel->ready_count, memory_order_acquire) == 0)
		return NULL;
	mutex_lock(&g_kernel->ready_lock);
	if (!list_empty(&g_kernel->ready)) {
		t = list_first(&g_kernel->ready, struct task, ready_link);
		list_del(&t->ready_link);
		atomic_fetch_sub(&g_kernel->ready_count, 1);
	}
	mutex_unlock(&g_kernel->ready_lock);
	return t;
}

/* A woken task: dies, delivers, ends its call by a signal, or runs its call again. */
static void task_rerun(struct worker *w, struct task *t)
{
	long intr = t->wait.intr;

	atomic_store(&t->wait.state, TS_RUNNING);
	t->worker = w;
	if (t->wait.delivering) {
		task_unregister(t);
		if (work_of(t) & TW_KILL)
			task_exit_killed(t);
		else
			task_deliver(t, intr);
		return;
	}
	if (must_interrupt(t, intr)) {
		interrupt(t);
		return;
	}
	task_run_again(t);
	task_run_call(t);
}

void task_run_ready(struct worker *w)
{
	struct task *t;

	while ((t = ready_pop())) {
		w->task = t;
		task_rerun(w, t);
		lockrank_assert_none();
	}
	w->task = NULL;
	if (unlikely(atomic_load_explicit(&g_kernel->sigio_count, memory_order_relaxed))) {
		sigio_run();
		task_run_ready(w);
	}
}

/* --- events ------------------------------------------------------------------------------------
 */

void task_command_lost(struct worker *w, struct task *t)
{
	t->worker = w;
	w->task = t;
	task_done(t, -ENOMEM, 0);
	w->task = NULL;
}

/* The event may overtake the worker that is just finishing the order it belongs to (clone, spawn).
 * False: it is of a context whose stub has died meanwhile, and was already given up. */
static bool take(struct worker *w, struct task *t, const struct pevent *ev)
{
	enum pevent_kind kind = ev->kind;
	u32 state;

	while ((state = atomic_load_explicit(&t->wait.state, memory_order_acquire)) == TS_RUNNING ||
	       state == TS_WOKEN)
		host_yield();
	if (unlikely(ev->ctx != atomic_load_explicit(&t->ctx, memory_order_relaxed) &&
		     ev->ctx != t->new_ctx))
		return false;
	BUG_ON(state == TS_BLOCKED || state == TS_READY || state == TS_DEAD);
	signal_share_in(t);
	atomic_store_explicit(&t->wait.state, TS_RUNNING, memory_order_relaxed);
	t->worker = w;
	w->task = t;
	/* A plan of several rounds lands with the last one. */
	if (kind != PEV_DONE || t->plan.more_pos == t->plan.more_count)
		mm_landed(&t->inflight);
	return true;
}

void task_mm_limits(struct task *t, struct mm_limits *out)
{
	out->as = task_rlimit(t, RLIMIT_AS);
	out->data = task_rlimit(t, RLIMIT_DATA);
	out->stack = task_rlimit(t, RLIMIT_STACK);
	out->memlock = task_rlimit(t, RLIMIT_MEMLOCK);
	out->ipc_lock = task_capable(t, CAP_IPC_LOCK);
}

/* True: the access was right, the guest (or the plan that repairs it) is under way. */
static bool fault_repaired(struct task *t, const siginfo_t *info)
{
	struct mm_limits lim;
	long r;

	if (info->si_signo != SIGSEGV && info->si_signo != SIGBUS)
		return false;
	task_mm_limits(t, &lim);
	t->inflight.ctx = atomic_load(&t->ctx);
	mm_plan_init(&t->plan);
	r = mm_fault(t->mm, GVA(info->si_addr), info->si_signo, info->si_code, &lim, &t->inflight,
		     &t->plan);
	if (r != 0 && r != MM_BUSY)
		return false;
	if (r == MM_BUSY || t->plan.count == 0) {
		task_finish_regs(t); /* faults again if it must */
		return true;
	}
	stat_add(STAT_FAULT_SERVED, 1);
	t->wait.repairing = true;
	task_run_plan_again(t);
	task_command(t);
	return true;
}

static void fault(struct task *t, const siginfo_t *info)
{
	struct siginfo_k k = {
		.si_signo = info->si_signo,
		.si_code = info->si_code,
		.fault.addr = (u64)info->si_addr,
	};

	if (fault_repaired(t, info))
		return;
	signal_force(t, &k);
	task_finish_regs(t);
}

/* The filters of the task see the call as it came. False: it is over. */
static bool filters_pass(struct task *t, const struct pevent *ev)
{
	struct bpf_call data = {.nr = ev->nr, .arch = ev->arch, .ip = ev->ip};

	memcpy(data.args, t->sys.a, sizeof(data.args));
	return seccomp_enter(t, &data);
}

static void syscall_event(struct task *t, const struct pevent *ev)
{
	const struct kernel_hooks *h = g_kernel->config.hooks;

	t->sys.nr = ev->arch == 0xc000003e ? ev->nr : -1; /* AUDIT_ARCH_X86_64 */
	memcpy(t->sys.a, ev->args, sizeof(t->sys.a));
	t->sys.ip = ev->ip;
	t->hot_ip = ev->hot ? ev->ip : 0;
	t->worker->recent[t->worker->recent_next++ % WORKER_RECENT] =
		(struct worker_call){t->tid, t->sys.nr};
	t->in_syscall = true;
	t->wait.command = CMD_NONE; /* left over when the stub resumed the guest by itself */
	t->has_regs = ev->has_regs;
	if (unlikely(h && h->sys_enter))
		h->sys_enter(t);
	if (unlikely(work_of(t) & TW_KILL))
		task_exit_killed(t);
	else if (likely(!seccomp_mode(t)) || filters_pass(t, ev))
		task_run_call(t);
}

static void kick_event(struct task *t, const struct pevent *ev)
{
	t->has_regs = true;
	signal_share_recheck(t);
	if (work_of(t) & TW_KILL) {
		task_exit_killed(t);
	} else if (t->in_syscall && t->wait.delivering) {
		task_deliver(t, t->wait.intr);
	} else if (ev->at_wait && work_of(t)) {
		enter_wait(t, ev->ctx);
		task_deliver(t, -ERESTARTSYS);
	} else {
		task_finish_regs(t);
	}
}

/* An order that was to resume the guest by itself has done so: its call is over. */
static void plan_over(struct task *t)
{
	t->wait.command = CMD_NONE;
	t->in_syscall = false;
	task_end_call(t);
}

static void count_event(const struct pevent *ev)
{
	static const u8 counter[] = {
		[PEV_SYSCALL] = STAT_PLAIN, [PEV_FAULT] = STAT_FAULT, [PEV_KICK] = STAT_KICK,
		[PEV_DONE] = STAT_DONE,	    [PEV_READY] = STAT_READY, [PEV_DIED] = STAT_DIED,
		[PEV_WAKE] = STAT_WAKE,
	};

	if (likely(ev->kind == PEV_SYSCALL)) {
		stat_add(ev->has_regs ? STAT_REGS : STAT_PLAIN, 1);
		stat_guest_call(ev->nr);
	} else {
		stat_add(counter[ev->kind], 1);
	}
}

void task_handle_event(struct worker *w, struct pevent *ev)
{
	struct task *t = ev->owner;

	count_event(ev);
	if (unlikely(ev->kind == PEV_DIED)) {
		task_as_died(w, ev->owner, ev->status);
		return;
	}
	if (unlikely(ev->kind == PEV_WAKE))
		return;
	if (unlikely(!take(w, t, ev)))
		return;
	if ((t->wait.command == CMD_PLAN || t->wait.command == CMD_CLONE) && ev->kind != PEV_DONE)
		plan_over(t);
	switch (ev->kind) {
	case PEV_SYSCALL:
		syscall_event(t, ev);
		break;
	case PEV_FAULT:
		t->has_regs = true;
		t->in_syscall = false;
		t->fault_addr = (u64)ev->info.si_addr;
		t->fault_trapno = ev->trapno;
		t->fault_error = ev->error_code;
		fault(t, &ev->info);
		break;
	case PEV_KICK:
		kick_event(t, ev);
		break;
	case PEV_DONE:
		task_done(t, ev->result, ev->index);
		break;
	case PEV_READY:
		task_done(t, 0, 0);
		break;
	default:
		BUG("event kind %d", ev->kind);
	}
	w->task = NULL;
	lockrank_assert_none();
}

struct caller *task_caller(struct task *t)
{
	struct caller *c = &t->caller;
	struct fs *fs = t->fs;

	if (t->caller_held) {
		path_put(&c->root);
		path_put(&c->cwd);
		t->caller_held = false;
	}
	c->task = t;
	c->cred = t->cred;
	c->mm = t->mm;
	c->mnt_ns = t->mnt_ns;
	c->fsize_limit = task_rlimit(t, RLIMIT_FSIZE);
	c->scratch = t->worker->scratch;
	c->scratch_size = WORKER_SCRATCH;
	c->may_block = platform_may_block;
	c->platform = g_kernel->platform;
	c->worker = t->worker->index;
	if (ref_read(&fs->ref) == 1) {
		c->root = fs->root;
		c->cwd = fs->cwd;
		c->umask = fs->umask;
		return c;
	}
	mutex_lock(&fs->lock);
	c->root = fs->root;
	c->cwd = fs->cwd;
	c->umask = fs->umask;
	path_get(&c->root);
	path_get(&c->cwd);
	mutex_unlock(&fs->lock);
	t->caller_held = true;
	return c;
}
