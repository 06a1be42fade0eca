/* SPDX-License-Identifier: Apache-2.0 */
/* park.c - long blocked calls leave the host's list of notifications
 *
 * The host walks that list for each call of any thread, so only a few dozen may stay in it. A
 * call in CALL is parked by kicking its thread and answering it with anything: the thread comes
 * to the stub's event loop before any code of the guest runs, and is told to wait on the futex
 * word of its area. A context in REGS is in that loop already. The owner sees nothing of this:
 * its answer goes to the saved rax and the futex word instead of to a notification. An answer
 * that comes while the thread is on its way is left with the context, for the worker that gets
 * the event.
 */
#include "platform/unotify/internal.h"

#include "platform/arch/x86_64/stub.h"
#include "platform/host/stats.h"

void pctx_blocked(struct pctx *c)
{
	enum ctx_state s = ctx_state(c);

	if (unlikely(c->posted)) {
		posted_blocked(c);
		return;
	}
	if (atomic_load_explicit(&c->p->outstanding, memory_order_relaxed) <= PARK_ABOVE)
		return;
	if (atomic_load(&c->park) != PARK_NONE || c->at_birth)
		return;
	if (s == CTX_CALL) {
		stat_add(STAT_PARKED, 1);
		atomic_store(&c->park, PARK_GOING);
		ctx_kick_thread(c);
		notif_send(c, 0, 0);
	} else if (s == CTX_REGS) {
		stat_add(STAT_PARKED, 1);
		atomic_store(&c->area->park, 0);
		atomic_store(&c->park, PARK_PARKED);
		notif_send(c, STUB_PARK, 0);
	}
}

/* The owner's answer to a parked call: result @value, and a kick with it. */
void park_answer(struct pctx *c, long value, bool kick)
{
	u32 going = PARK_GOING;

	c->answer = value;
	c->return_kick = kick;
	if (atomic_compare_exchange_strong(&c->park, &going, PARK_ANSWERED))
		return;
	if (c->exiting) {
		exit_finish(c);
		return;
	}
	c->frame->rax = (u64)value;
	if (kick)
		atomic_store(&c->kicked, true);
	if (ctx_move(c, CTX_CALL, CTX_GUEST))
		ctx_tell(c, STUB_RESUME);
}

bool park_event(struct pctx *c, struct pevent *out)
{
	struct platform *p = c->p;
	u64 id = c->id;
	u32 going = PARK_GOING;

	atomic_store(&c->area->park, 0);
	/* From the exchange on the owner may answer and the context go on without us. */
	atomic_store_explicit(&c->pending, false, memory_order_relaxed);
	ctx_sent(c);
	if (atomic_compare_exchange_strong(&c->park, &going, PARK_PARKED)) {
		notif_reply(p, id, STUB_PARK, 0);
		return false;
	}
	atomic_store_explicit(&c->pending, true, memory_order_relaxed);
	atomic_store(&c->park, PARK_NONE);
	c->frame->rax = (u64)c->answer;
	if (c->return_kick) {
		atomic_store(&c->kicked, false);
		*out = (struct pevent){.kind = PEV_KICK, .ctx = c, .owner = c->owner};
		return ctx_move(c, CTX_CALL, CTX_REGS);
	}
	if (atomic_load(&c->kicked))
		ctx_kick_thread(c);
	if (ctx_move(c, CTX_CALL, CTX_GUEST))
		notif_resume(c);
	return false;
}
