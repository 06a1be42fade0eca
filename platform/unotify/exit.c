/* SPDX-License-Identifier: Apache-2.0 */
/* exit.c - threads that end
 *
 * pctx_exit takes the context away from its owner at once; what is left belongs to this folder:
 *
 *	exiting, GUEST	the thread was kicked out of its call and is on its way to the event loop
 *	exiting, FREE	gone, its area idle
 *	exiting, REGS	the leader, parked until its process ends:
 *			process_vm_readv and kill know the process by it
 *
 * All of it happens under the platform's lock, since the process may be killed meanwhile.
 */
#include "platform/unotify/internal.h"

#include "platform/arch/x86_64/stub.h"
#include "platform/host/process.h"

void exit_finish(struct pctx *c)
{
	struct platform *p = c->p;

	mutex_assert_held(&p->lock);
	c->area->clear_tid = c->clear_tid;
	if (c->leader) {
		c->area->park = 0;
		ctx_tell(c, STUB_EXIT_LEADER);
		return;
	}
	/* The number may name another thread as soon as this one is told. */
	struct pctx *self = c;

	atomic_compare_exchange_strong(&p->tids[atomic_load(&c->tid)], &self, NULL);
	ctx_tell(c, STUB_EXIT);
	ctx_forget(c);
}

/* The word that a joiner waits for. The host stores it when a thread ends; a leader's does not. */
static void clear_word(struct pctx *c)
{
	u32 zero = 0;
	struct iovec local = {&zero, sizeof(zero)}, guest = {(void *)c->clear_tid, sizeof(zero)};

	(void)pas_writev(c->as, &local, 1, &guest, 1);
}

static void exit_locked(struct pctx *c, u64 clear_tid)
{
	struct pas *as = c->as;

	c->clear_tid = clear_tid;
	c->exiting = true;
	if (!--as->live) {
		as_kill_locked(as);
		as_forget_if_done(as);
		return;
	}
	if (clear_tid && c->leader)
		clear_word(c);
	if (ctx_state(c) == CTX_REGS) {
		exit_finish(c);
	} else if (atomic_load(&c->park) != PARK_NONE) {
		c->posted = false;
		park_answer(c, 0, false);
	} else if (c->posted) {
		posted_exit(c);
	} else if (ctx_move(c, CTX_CALL, CTX_GUEST)) {
		ctx_kick_thread(c);
		notif_send(c, 0, 0);
	}
}

void pctx_exit(struct pctx *c, gva_t clear_tid)
{
	struct platform *p = c->p;

	mutex_lock(&p->lock);
	if (ctx_state(c) == CTX_FREE) {
		mutex_unlock(&p->lock);
		pctx_destroy(c);
		return;
	}
	exit_locked(c, clear_tid.v);
	mutex_unlock(&p->lock);
}
