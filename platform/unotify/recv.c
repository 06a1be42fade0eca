/* SPDX-License-Identifier: Apache-2.0 */
/* recv.c - from the host's notifications to events
 *
 * A notification says which host thread, which call, from where. From anywhere but the stub's
 * page it is a call of the guest, in plain form. From the stub's page it is a birth, an order
 * being carried out, or an event, whose arguments point at the signal frame in the thread's
 * area. Nothing in that frame is more than what the guest says about itself.
 */
#include "platform/unotify/internal.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/process.h"
#include "platform/host/stats.h"
#include "sentry/base/log.h"

#define SIGINFO_SIZE 128

/* A call of a thread that we do not know, or no longer. */
void stranger(struct platform *p, const struct seccomp_notif *q)
{
	atomic_fetch_sub(&p->outstanding, 1);
	log_info("call %d of unknown guest thread %u: killed", q->data.nr, q->pid);
	/* 0: it has ended meanwhile. */
	if (q->pid)
		(void)host_kill((int)q->pid, SIGKILL);
}

/* What was on order has been done, and was not to be reported. */
static void order_over(struct pctx *c)
{
	/* A poller may be looking whether it is over. */
	__atomic_store_n(&c->running, false, __ATOMIC_RELAXED);
	if (likely(!c->child && !c->forks))
		return;
	mutex_lock(&c->p->lock);
	rewrite_forked(c);
	c->child = NULL;
	mutex_unlock(&c->p->lock);
}

/* @c was not in the state that @why is about: its thread is not what it should be, or the context
 * has been given up meanwhile. No event. */
static bool out_of_turn(struct pctx *c, const char *why)
{
	if (ctx_state(c) != CTX_FREE)
		as_fatal(c, why);
	else
		notif_forget(c);
	return false;
}

static bool plain_call(struct pctx *c, const struct seccomp_notif *q, struct pevent *out)
{
	c->id = q->id;
	atomic_store_explicit(&c->pending, true, memory_order_relaxed);
	c->nr = q->data.nr;
	if (unlikely(c->running | c->exiting |
		     (atomic_load_explicit(&c->park, memory_order_relaxed) != PARK_NONE))) {
		if (c->exiting || atomic_load(&c->park) != PARK_NONE ||
		    !order_complete(c, c->count)) {
			as_fatal(c, "a call in the middle of an order");
			return false;
		}
		order_over(c);
	}
	c->restarting = false;
	out->kind = PEV_SYSCALL;
	out->ctx = c;
	out->owner = c->owner;
	out->has_regs = false;
	out->nr = q->data.nr;
	out->arch = q->data.arch;
	memcpy(out->args, q->data.args, sizeof(out->args));
	out->ip = q->data.instruction_pointer;
	out->hot = false;
	if (unlikely(c->p->rewrite))
		rewrite_seen(c, out);
	if (unlikely(!ctx_move(c, CTX_GUEST, CTX_CALL)))
		return out_of_turn(c, "a call out of turn");
	return true;
}

/* The call of a SIGSYS, from the registers. */
static void trapped_call(struct pctx *c, const u8 *info, struct pevent *out)
{
	const struct frame *f = c->frame;

	out->kind = PEV_SYSCALL;
	memcpy(&out->nr, info + 24, sizeof(out->nr));
	memcpy(&out->arch, info + 28, sizeof(out->arch));
	out->args[0] = f->rdi;
	out->args[1] = f->rsi;
	out->args[2] = f->rdx;
	out->args[3] = f->r10;
	out->args[4] = f->r8;
	out->args[5] = f->r9;
	out->ip = f->rip;
}

/* The thread stands before a futex wait that the kick interrupted? */
static bool at_native_wait(const struct pctx *c)
{
	struct pregs r;
	u16 insn = 0;
	u32 cmd;

	frame_get_regs(c->frame, &r);
	cmd = (u32)r.rsi & ~(u32)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	if (r.rax != SYS_futex || (cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET))
		return false;
	struct iovec local = {&insn, sizeof(insn)}, guest = {(void *)r.rip, sizeof(insn)};

	if (unlikely(rewrite_is_site(c->as, r.rip)))
		return true;
	return pas_readv(c->as, &local, 1, &guest, 1) == sizeof(insn) && insn == 0x050f;
}

/* A kick that came while the stub went on with an interrupted wait (stub_restart): what the guest
 * sees is the frame below. */
static void unnest(struct platform *p, struct pctx *c)
{
	u64 at = c->frame->rip - p->text;

	if (at >= PAGE_SIZE)
		return;
	if (at == (u64)(stub_restart_end - stub_text))
		c->outer->rax = c->frame->rax;
	c->frame = c->outer;
	c->area->frame = (u64)c->outer;
}

static bool signal_event(struct platform *p, struct pctx *c, int sig, const u8 *info,
			 struct pevent *out)
{
	u64 info_at;

	if (unlikely((sig == SIGSEGV || sig == SIGBUS) && local_fault(c, &info_at))) {
		sig = SIGSYS;
		info = (const u8 *)info_at;
	}
	switch (sig) {
	case SIGSYS:
		trapped_call(c, info, out);
		break;
	case STUB_KICK:
		if (c->restarting)
			unnest(p, c);
		atomic_store(&c->kicked, false);
		c->eintr = c->frame->rax == (u64)-EINTR;
		out->kind = PEV_KICK;
		out->at_wait = at_native_wait(c);
		break;
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
		out->kind = PEV_FAULT;
		memcpy(&out->info, info, sizeof(out->info));
		out->info.si_signo = sig;
		out->trapno = c->frame->trapno;
		out->error_code = c->frame->err;
		break;
	default:
		as_fatal(c, "an event with a signal that is none");
		return false;
	}
	c->restarting = false;
	if (!ctx_move(c, CTX_GUEST, CTX_REGS))
		return out_of_turn(c, "an event out of turn");
	return true;
}

/* An exiting or parked context has come. True: handled, *out_event says whether *out is an
 * event. */
static bool detour(struct platform *p, struct pctx *c, struct pevent *out, bool *out_event)
{
	*out_event = false;
	if (c->exiting) {
		mutex_lock(&p->lock);
		atomic_store(&c->park, PARK_NONE);
		if (ctx_state(c) != CTX_FREE)
			exit_finish(c);
		else
			notif_forget(c);
		mutex_unlock(&p->lock);
		return true;
	}
	if (atomic_load(&c->park) == PARK_NONE)
		return false;
	*out_event = park_event(c, out);
	return true;
}

static bool done_event(struct platform *p, struct pctx *c, const __u64 *args, struct pevent *out)
{
	long result = (long)args[1];
	u64 index = args[2];

	if (!c->running || index > c->count || !order_complete(c, (unsigned)index)) {
		as_fatal(c, "an order reported before it was done");
		return false;
	}
	c->running = false;
	if (result < -4095 || result >= (long)PIDS_MAX)
		result = 0;
	if (c->child)
		birth_ordered(c, &result);
	result = min(result, 0l);
	out->kind = PEV_DONE;
	out->result = result;
	out->index = (unsigned)index;
	if (!ctx_move(c, c->resume ? CTX_GUEST : CTX_COMMAND, CTX_REGS))
		return out_of_turn(c, "an order reported out of turn");
	if (c->as == p->zygote_as) {
		/* After a failure spare stubs wait for better times. */
		mutex_lock(&p->lock);
		if (result == 0 || p->wanted_count)
			pool_refill_locked(p);
		mutex_unlock(&p->lock);
		return false;
	}
	return true;
}

static bool event(struct platform *p, struct pctx *c, const struct seccomp_notif *q,
		  struct pevent *out)
{
	struct frame_bounds b = ctx_bounds(c);
	const __u64 *args = q->data.args;
	bool is_event;

	c->id = q->id;
	atomic_store_explicit(&c->pending, true, memory_order_relaxed);
	c->eintr = false;
	*out = (struct pevent){.ctx = c, .owner = c->owner, .has_regs = true};
	if (args[0] == 0)
		return done_event(p, c, args, out);
	if (!frame_ok(&b, args[2]) || args[1] < b.lo || args[1] > b.hi - SIGINFO_SIZE) {
		as_fatal(c, "an event with a frame elsewhere");
		return false;
	}
	if (c->running && !order_complete(c, c->count)) {
		as_fatal(c, "an event in the middle of an order");
		return false;
	}
	order_over(c);
	if (unlikely(ctx_state(c) == CTX_FREE))
		return false; /* died meanwhile: the area may soon be another's */
	c->frame = (struct frame *)args[2];
	c->area->frame = args[2];
	c->shown = 0;
	if (unlikely(p->rewrite) && posted_event(c))
		return false;
	if (unlikely(p->rewrite) && rewrite_fix(c, (int)args[0])) {
		stat_add(STAT_REPAIRED, 1);
		notif_resume(c);
		return false;
	}
	if (args[0] == STUB_KICK && detour(p, c, out, &is_event))
		return is_event;
	if (c->exiting || atomic_load(&c->park) != PARK_NONE) {
		as_fatal(c, "an event of a thread that should not run");
		return false;
	}
	return signal_event(p, c, (int)args[0], (const u8 *)args[1], out);
}

bool receive(struct platform *p, const struct seccomp_notif *q, struct pevent *out)
{
	struct pctx *c = ctx_by_tid(p, q->pid);
	u64 at = q->data.instruction_pointer - p->text;

	atomic_fetch_add_explicit(&p->outstanding, 1, memory_order_relaxed);
	if (unlikely(at == (u64)(stub_birth_event - stub_text)))
		return birth(p, q, out);
	if (unlikely(!c) && !(c = birth_adopt(p, q))) {
		stranger(p, q);
		return false;
	}
	ctx_received(c);
	if (unlikely(c->chunk_new)) {
		mutex_lock(&p->lock);
		chunk_mapped(c);
		mutex_unlock(&p->lock);
	}
	if (unlikely(q->data.nr == TRAMP_NR_JOIN) &&
	    at == TRAMP_TEXT + (u64)(tramp_joined - tramp_text)) {
		posted_join(c, q);
		return false;
	}
	if (likely(at >= PAGE_SIZE))
		return plain_call(c, q, out);
	if (q->data.nr == STUB_NR_EVENT)
		return event(p, c, q, out);
	order_seen(c, q);
	return false;
}
