/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - clean stubs, kept ready
 *
 * The zygote forks one stub at a time, on order. A stub is *spare* from the order until
 * pctx_spawn claims it, and may be claimed before it is born. A spawn that finds no spare one
 * makes a context that waits for the zygote (p->wanted). After each order the zygote gets the
 * next one, until nobody waits and POOL_TARGET are spare.
 */
#include "platform/unotify/internal.h"

#include <sched.h>

#include "sentry/base/log.h"

/* A context for a stub that is yet to be forked. */
static struct pctx *stub_plan(struct platform *p, void *owner, void *as_owner)
{
	struct pas *as = as_create(p, as_owner);
	struct frame_bounds b;
	struct pctx *c;

	mutex_assert_held(&p->lock);
	if (!as)
		return NULL;
	c = ctx_create(p, as, owner);
	if (!c) {
		as_free(as);
		return NULL;
	}
	b = ctx_bounds(c);
	c->spawned = true;
	c->frame = frame_make(&b);
	c->area->frame = (u64)c->frame;
	c->area->set_tid = 0;
	return c;
}

/* What the zygote should fork next, or NULL. */
static struct pctx *next_stub(struct platform *p)
{
	struct pctx *c;

	if (p->wanted_count) {
		c = p->wanted[0];
		memmove(p->wanted, p->wanted + 1, --p->wanted_count * sizeof(c));
		return c;
	}
	if (p->spares >= POOL_TARGET)
		return NULL;
	c = stub_plan(p, NULL, NULL);
	if (c)
		p->spare[p->spares++] = c;
	return c;
}

void pool_refill_locked(struct platform *p)
{
	struct pctx *c = NULL;

	mutex_assert_held(&p->lock);
	if (p->zygote && p->ready && ctx_state(p->zygote) == CTX_REGS)
		c = next_stub(p);
	if (c)
		birth_order(p->zygote, c, CLONE_PARENT | SIGCHLD, 0, 0);
}

void pool_refill(struct platform *p)
{
	mutex_lock(&p->lock);
	pool_refill_locked(p);
	mutex_unlock(&p->lock);
}

bool pool_born(struct pctx *c)
{
	return c->as->claimed;
}

void pool_lost(struct platform *p, struct pas *as)
{
	mutex_assert_held(&p->lock);
	if (as == p->zygote_as) {
		log_error("the process that clean stubs are copied from has died");
		p->zygote = NULL;
		while (p->wanted_count)
			as_stillborn(p->wanted[--p->wanted_count]->as);
		return;
	}
	for (unsigned i = 0; i < p->spares; i++) {
		struct pctx *c = p->spare[i];

		if (c->as != as)
			continue;
		p->spare[i--] = p->spare[--p->spares];
		ctx_forget(c);
	}
}

void pool_unwant(struct platform *p, struct pctx *c)
{
	mutex_assert_held(&p->lock);
	for (unsigned i = 0; i < p->wanted_count; i++)
		if (p->wanted[i] == c) {
			p->wanted_count--;
			memmove(p->wanted + i, p->wanted + i + 1,
				(p->wanted_count - i) * sizeof(c));
			return;
		}
}

/* A spare stub, the longest waiting first. */
static struct pctx *take_spare(struct platform *p)
{
	struct pctx *c = p->spare[0];

	memmove(p->spare, p->spare + 1, --p->spares * sizeof(c));
	return c;
}

int pctx_spawn(struct platform *p, void *owner, void *as_owner, struct pctx **out)
{
	struct pctx *c;
	int err = 0;

	mutex_lock(&p->lock);
	if (!p->zygote) {
		err = -EIO;
	} else if (p->spares) {
		c = take_spare(p);
		c->owner = owner;
		c->as->owner = as_owner;
	} else if (p->wanted_count == WANTED_MAX) {
		err = -EAGAIN;
	} else {
		c = stub_plan(p, owner, as_owner);
		if (c)
			p->wanted[p->wanted_count++] = c;
		else
			err = -EAGAIN;
	}
	if (!err) {
		c->as->claimed = true;
		*out = c;
		err = ctx_state(c) == CTX_REGS ? 0 : -EINPROGRESS;
	}
	mutex_unlock(&p->lock);
	pool_refill(p);
	return err;
}
