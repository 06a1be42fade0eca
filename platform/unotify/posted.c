/* SPDX-License-Identifier: Apache-2.0 */
/* posted.c - calls that came by the shared area to a polling worker, and their way back
 *
 * Theory of operation: the trampoline posts a call (CTL_T_REQ) and watches the word. When a poller
 * takes it, the context is in CALL as after a notification, but there is none to answer: the
 * thread spins, and may at any moment stop doing so. c->post says where it is:
 *
 *	NONE	 nothing is posted, or it has been answered
 *	TAKEN	 it watches the word: the answer is RESULT and REQ_DONE
 *	JOINED	 it waits in the call TRAMP_NR_JOIN: the same, and a reply
 *	HELD	 a kick has brought it to the event loop, its frame shows it behind the call: the
 *		 answer is rax in the frame, and a reply
 *	KICKED	 answered with a kick that has not arrived: c->answer is for the frame that comes
 *
 * post_lock makes the moves atomic against the thread's arrivals, which other workers receive. A
 *thread that joins and finds NONE is sent back to look at the word. A kick that finds the thread
 *with a request that nobody has taken takes it back; with an answer, shows it behind the call.
 *
 * What the guest writes to its words can make it wait for ever or see results that are none. A call
 * out of turn is noticed by the state of its context, as everywhere.
 */
#include "platform/unotify/internal.h"

#include <linux/audit.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/stats.h"

static u8 *at(const struct pctx *c, unsigned offset)
{
	return (u8 *)c->area + offset;
}

static _Atomic u32 *req(const struct pctx *c)
{
	return (_Atomic u32 *)at(c, CTL_T_REQ);
}

static u64 word(const struct pctx *c, unsigned offset)
{
	return *(volatile u64 *)at(c, offset);
}

static bool crowded(const struct pctx *c)
{
	return atomic_load_explicit(&c->p->outstanding, memory_order_relaxed) > PARK_ABOVE;
}

/* --- there ------------------------------------------------------------------------------------ */

static void set_result(struct pctx *c, long value)
{
	*(volatile long *)at(c, CTL_T_RESULT) = value;
	ctx_sent(c);
	atomic_store_explicit(req(c), REQ_DONE, memory_order_release);
}

/* Is the request ours now? */
static bool claim(struct pctx *c)
{
	u32 posted = REQ_POSTED;

	if (c->post != POST_NONE || ctx_state(c) != CTX_GUEST || c->exiting ||
	    __atomic_load_n(&c->running, __ATOMIC_RELAXED) || c->chunk_new ||
	    atomic_load(&c->park) != PARK_NONE)
		return false;
	/* The word first: a thread that has taken it back is on its way by notification. */
	if (!atomic_compare_exchange_strong(req(c), &posted, REQ_TAKEN))
		return false;
	ctx_received(c);
	return ctx_move(c, CTX_GUEST, CTX_CALL);
}

/* What is posted, read once. Not before it is claimed: until then the thread may take it back and
 * post something else. */
static bool read_request(struct pctx *c, struct pevent *out)
{
	u32 nr = (u32)word(c, CTL_T_NR);
	unsigned thunk;
	u64 ip;

	if (nr >= TRAMP_NR_MAX || tramp_calls[nr] != TRAMP_POLLED || !rewrite_ip(c, &ip, &thunk))
		return false;
	*out = (struct pevent){.kind = PEV_SYSCALL,
			       .ctx = c,
			       .owner = c->owner,
			       .nr = (int)nr,
			       .arch = AUDIT_ARCH_X86_64,
			       .ip = ip};
	for (unsigned i = 0; i < 6; i++)
		out->args[i] = word(c, CTL_T_ARGS + 8 * i);
	return true;
}

static bool take_locked(struct pctx *c, struct pevent *out)
{
	if (!claim(c))
		return false;
	if (!read_request(c, out)) {
		/* Nobody honest posts this. */
		if (ctx_move(c, CTX_CALL, CTX_GUEST))
			set_result(c, -ENOSYS);
		return false;
	}
	c->post = POST_TAKEN;
	c->posted = true;
	c->blocked = false;
	c->restarting = false;
	c->local = 0;
	c->nr = out->nr;
	return true;
}

bool posted_take(struct pctx *c, struct pevent *out)
{
	bool taken;

	if (atomic_load_explicit(req(c), memory_order_relaxed) != REQ_POSTED ||
	    !mutex_trylock(&c->post_lock))
		return false;
	taken = take_locked(c, out);
	mutex_unlock(&c->post_lock);
	if (taken)
		stat_add(STAT_POSTED, 1);
	return taken;
}

/* --- and back --------------------------------------------------------------------------------- */

void posted_answer(struct pctx *c, long value, bool kick)
{
	enum post old;

	mutex_lock(&c->post_lock);
	c->posted = false;
	old = c->post;
	if (old == POST_NONE || !ctx_move(c, CTX_CALL, CTX_GUEST)) {
		c->post = POST_NONE;
		mutex_unlock(&c->post_lock);
		if (old == POST_NONE) /* it was parked */
			park_answer(c, value, kick);
		return;
	}
	c->post = kick && old != POST_HELD ? POST_KICKED : POST_NONE;
	c->answer = value;
	if (old == POST_HELD)
		c->frame->rax = (u64)value;
	else if (!kick)
		set_result(c, value);
	mutex_unlock(&c->post_lock);
	if (old == POST_HELD && kick)
		atomic_store(&c->kicked, true);
	if (kick || (old == POST_HELD && atomic_load(&c->kicked)))
		ctx_kick_thread(c);
	if (old == POST_HELD)
		notif_resume(c);
	else if (old == POST_JOINED)
		notif_send(c, 0, 0);
}

/* The thread that has come to the event loop leaves the list of notifications. */
static void park_held(struct pctx *c)
{
	stat_add(STAT_PARKED, 1);
	c->post = POST_NONE;
	atomic_store(&c->area->park, 0);
	atomic_store(&c->park, PARK_PARKED);
}

void posted_blocked(struct pctx *c)
{
	u32 taken = REQ_TAKEN;
	enum post old;

	mutex_lock(&c->post_lock);
	c->blocked = true;
	old = c->post;
	if (old == POST_TAKEN)
		atomic_compare_exchange_strong(req(c), &taken, REQ_BLOCKED);
	else if (old == POST_JOINED && crowded(c))
		c->post = POST_TAKEN;
	else if (old == POST_HELD && crowded(c))
		park_held(c);
	else
		old = POST_NONE;
	mutex_unlock(&c->post_lock);
	if (old == POST_JOINED) {
		ctx_kick_thread(c);
		notif_send(c, 0, 0);
	} else if (old == POST_HELD) {
		notif_send(c, STUB_PARK, 0);
	}
}

void posted_exit(struct pctx *c)
{
	enum post old;

	mutex_assert_held(&c->p->lock);
	mutex_lock(&c->post_lock);
	old = c->post;
	c->post = POST_NONE;
	c->posted = false;
	mutex_unlock(&c->post_lock);
	if (old == POST_HELD) {
		exit_finish(c);
		return;
	}
	if (!ctx_move(c, CTX_CALL, CTX_GUEST))
		return;
	ctx_kick_thread(c);
	if (old == POST_JOINED)
		notif_send(c, 0, 0);
}

/* --- arrivals --------------------------------------------------------------------------------- */

void posted_join(struct pctx *c, const struct seccomp_notif *q)
{
	bool joined, kick = false;

	mutex_lock(&c->post_lock);
	joined = c->post == POST_TAKEN && ctx_state(c) == CTX_CALL;
	if (joined && c->blocked && crowded(c)) {
		joined = false;
		kick = true;
	}
	if (joined) {
		c->post = POST_JOINED;
		c->id = q->id;
		atomic_store_explicit(&c->pending, true, memory_order_relaxed);
	}
	mutex_unlock(&c->post_lock);
	if (kick)
		ctx_kick_thread(c);
	if (!joined)
		notif_reply(c->p, q->id, 0, 0);
}

/* The frame shows the guest behind its call (@done), or before it. */
static void show(struct pctx *c, bool done, u64 rax)
{
	unsigned thunk;
	u64 ip;

	if (!rewrite_ip(c, &ip, &thunk))
		return; /* the guest's own doing */
	if (done)
		rewrite_shown(c, thunk, ip);
	c->frame->rip = done ? ip : ip - 2;
	c->frame->rax = rax;
	c->frame->rcx = ip;
	c->frame->rsp = word(c, CTL_T_RSP);
	c->frame->eflags = word(c, CTL_T_FLAGS);
}

/* Nothing of the thread's is with a worker: has its call been carried out? */
static void settle(struct pctx *c)
{
	u32 posted = REQ_POSTED;

	if (atomic_load(req(c)) == REQ_DONE) {
		show(c, true, word(c, CTL_T_RESULT));
		return;
	}
	atomic_compare_exchange_strong(req(c), &posted, 0);
	show(c, false, word(c, CTL_T_NR));
}

bool posted_event(struct pctx *c)
{
	bool held = false, parked = false;

	if (c->frame->rip - c->p->text - TRAMP_TEXT - (u64)(tramp_posted - tramp_text) >=
	    (u64)(tramp_posted_end - tramp_posted))
		return false;
	mutex_lock(&c->post_lock);
	if (c->exiting) {
		c->post = POST_NONE;
	} else if (c->post == POST_TAKEN) {
		show(c, true, 0);
		c->post = POST_HELD;
		held = true;
		parked = c->blocked && crowded(c);
		if (parked)
			park_held(c);
	} else if (c->post == POST_KICKED) {
		show(c, true, (u64)c->answer);
		c->post = POST_NONE;
	} else {
		settle(c);
	}
	mutex_unlock(&c->post_lock);
	if (parked)
		notif_send(c, STUB_PARK, 0);
	return held;
}
