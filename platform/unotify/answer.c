/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - the ways back from the border
 *
 * Each answer moves the state first and replies afterwards: from the reply on, the next event
 * may be on another worker. A context whose process has died meanwhile is in FREE: its answer
 * does nothing.
 */
#include "platform/unotify/internal.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/process.h"
#include "platform/host/stats.h"

void notif_reply(struct platform *p, u64 id, s64 value, u32 flags)
{
	struct seccomp_notif_resp r = {.id = id, .flags = flags};

	if (value < 0 && value >= -4095)
		r.error = (s32)value;
	else
		r.val = value;
	atomic_fetch_sub_explicit(&p->outstanding, 1, memory_order_relaxed);
	/* A thread that was killed is no longer there: nothing to do about it.
	 * HOST_CALL(ioctl, a1 == SECCOMP_IOCTL_NOTIF_SEND) */
	(void)host_ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

void notif_send(struct pctx *c, s64 value, u32 flags)
{
	struct platform *p = c->p;
	u64 id = c->id;

	atomic_store_explicit(&c->pending, false, memory_order_relaxed);
	ctx_sent(c);
	notif_reply(p, id, value, flags);
}

/* Of a thread that has not been heard of we know what the host's clone has stored in its area, or
 * what the guest has made of that: tgkill refuses threads of other processes. */
int ctx_tid(struct pctx *c)
{
	int tid = atomic_load(&c->tid), tgid = atomic_load(&c->as->tgid);

	if (likely(tid) || ctx_state(c) != CTX_UNBORN)
		return tid;
	tid = (int)atomic_load(&c->area->host_tid);
	return tid > 0 && tgid && host_tgkill(tgid, tid, 0) == 0 ? tid : 0;
}

void ctx_kick_thread(struct pctx *c)
{
	int tid = ctx_tid(c), tgid = atomic_load(&c->as->tgid);

	if (!tid || !tgid)
		return;
	stat_add(STAT_KICKS, 1);
	(void)host_tgkill(tgid, tid, STUB_KICK);
}

void notif_resume(struct pctx *c)
{
	rewrite_resume(c);
	notif_send(c, STUB_RESUME, 0);
}

void ctx_tell(struct pctx *c, unsigned what)
{
	if (what == STUB_RESUME)
		rewrite_resume(c);
	if (atomic_load(&c->park) == PARK_PARKED) {
		atomic_store(&c->park, PARK_NONE);
		if (atomic_load(&c->kicked))
			ctx_kick_thread(c);
		ctx_sent(c);
		atomic_store_explicit(&c->area->park, what + 1, memory_order_release);
		(void)host_futex_wake(&c->area->park, 1);
	} else if (c->at_birth) {
		c->at_birth = false;
		c->area->start = what;
		birth_finish(c);
	} else {
		notif_send(c, what, 0);
	}
}

/* rax = @value and on with it, from REGS. */
static void resume_with(struct pctx *c, long value)
{
	c->frame->rax = (u64)value;
	if (ctx_move(c, CTX_REGS, CTX_GUEST))
		ctx_tell(c, STUB_RESUME);
}

void pctx_return(struct pctx *c, long value)
{
	if (unlikely(ctx_state(c) != CTX_CALL)) {
		if (ctx_state(c) == CTX_REGS)
			resume_with(c, value);
		return;
	}
	if (unlikely(c->posted))
		posted_answer(c, value, false);
	else if (unlikely(atomic_load_explicit(&c->park, memory_order_relaxed) != PARK_NONE))
		park_answer(c, value, false);
	else if (likely(ctx_move(c, CTX_CALL, CTX_GUEST))) {
		if (unlikely(c->local))
			rewrite_keep(c, value);
		notif_send(c, value, 0);
	}
}

void pctx_return_kick(struct pctx *c, long value)
{
	if (c->posted) {
		posted_answer(c, value, true);
	} else if (atomic_load(&c->park) != PARK_NONE) {
		park_answer(c, value, true);
	} else if (ctx_move(c, CTX_CALL, CTX_GUEST)) {
		ctx_kick_thread(c);
		notif_send(c, value, 0);
	}
}

void pctx_continue(struct pctx *c)
{
	BUG_ON(atomic_load(&c->park) != PARK_NONE);
	BUG_ON(c->nr != SYS_munmap && c->nr != SYS_mprotect && c->nr != SYS_madvise &&
	       c->nr != SYS_pkey_mprotect);
	if (ctx_move(c, CTX_CALL, CTX_GUEST))
		notif_send(c, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

void pctx_resume(struct pctx *c)
{
	bool restart = c->eintr;

	if (!ctx_move(c, CTX_REGS, CTX_GUEST))
		return;
	if (restart) {
		c->restarting = true;
		c->outer = c->frame;
	}
	ctx_tell(c, restart ? STUB_RESTART : STUB_RESUME);
}

void pctx_run(struct pctx *c, const struct pcmd *cmds, unsigned count, unsigned flags)
{
	if (ctx_state(c) != CTX_REGS)
		return;
	order_write(c, cmds, count, flags);
	if (ctx_move(c, CTX_REGS, flags & PRUN_RESUME ? CTX_GUEST : CTX_COMMAND))
		ctx_tell(c, STUB_RUN);
}

void pctx_kick(struct pctx *c)
{
	/* The order matters against birth: whoever comes second sees the other's store. A quiet
	 * child looks at its area when the host has stored its id there. */
	atomic_store(&c->kicked, true);
	if (ctx_state(c) == CTX_UNBORN)
		atomic_store(&c->area->kicked, 1);
	ctx_kick_thread(c);
}
