/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_fix.c - what a signal shows of a rewritten call site
 *
 * The guest must see itself before or behind its own instruction. Where a signal may find it:
 *
 *	thunk, before the call		before `syscall`: all registers but rcx and r11 are its own
 *	common code			the same; rax, rsp and flags are in the area
 *	thunk, behind the call		behind `syscall`, or behind the instruction that follows
 *	the site, behind the jump's	it came back from a call that it made before the site was
 *	first two bytes			rewritten, or the sentry has put it there (the lines above):
 *					the jump's third byte faults, and the thunk does the rest
 *
 * A fault in the trampoline (the gs base is the guest's own and points nowhere) makes the thunk
 * take its slow way. Values from the area are what the guest says about itself.
 */
#include "platform/unotify/internal.h"

#include "platform/arch/x86_64/stub.h"

static u64 area_word(const struct pctx *c, unsigned offset)
{
	return *(volatile u64 *)((u8 *)c->area + offset);
}

/* A signal of the guest's own instruction, not from outside. */
static bool is_fault(int sig)
{
	return sig != STUB_KICK && sig != SIGSYS;
}

bool rewrite_is_site(const struct pas *as, u64 ip)
{
	u8 want[PATCH_SIZE], have[PATCH_SIZE];
	struct iovec local = {have, PATCH_SIZE}, guest = {(void *)ip, PATCH_SIZE};

	if (!ip || !atomic_load_explicit(&as->rewritten, memory_order_relaxed))
		return false;
	for (unsigned i = 0; i < THUNKS; i++) {
		if (atomic_load(&as->sites[i]) != ip)
			continue;
		rewrite_patch(i, want);
		return pas_readv((struct pas *)as, &local, 1, &guest, 1) == PATCH_SIZE &&
		       !memcmp(want, have, PATCH_SIZE);
	}
	return false;
}

static u64 thunk_at(const struct pctx *c, unsigned thunk, unsigned offset)
{
	return c->p->text + THUNK_CODE + thunk * THUNK_SIZE + offset;
}

void rewrite_shown(struct pctx *c, unsigned thunk, u64 ip)
{
	c->shown = ip;
	c->tail = thunk_at(c, thunk, THUNK_TAIL);
}

/* Before the call: shown there, or sent the slow way when it was the thunk that faulted. */
static bool fix_before(struct pctx *c, unsigned thunk, u64 site, bool slow)
{
	c->frame->rip = slow ? thunk_at(c, thunk, THUNK_SLOW) : site;
	return slow;
}

static bool fix_thunk(struct pctx *c, u64 at, int sig)
{
	unsigned thunk = (unsigned)(at / THUNK_SIZE), offset = at % THUNK_SIZE;
	u64 site = atomic_load(&c->as->sites[thunk]);

	if (!site)
		return false; /* the guest has jumped here by itself */
	if (offset < THUNK_SLOW || offset >= THUNK_FAST)
		return fix_before(c, thunk, site, is_fault(sig));
	if (offset == THUNK_SLOW)
		return fix_before(c, thunk, site, false);
	if (offset == THUNK_AFTER)
		c->frame->rcx = site + 2;
	c->frame->rip = site + (offset < THUNK_LEAVE ? 2 : 8);
	if (offset < THUNK_LEAVE)
		rewrite_shown(c, thunk, site + 2);
	return false;
}

bool rewrite_ip(const struct pctx *c, u64 *out, unsigned *out_thunk)
{
	u64 offset = area_word(c, CTL_T_AFTER) - thunk_at(c, 0, THUNK_AFTER), site;

	if (offset % THUNK_SIZE || offset / THUNK_SIZE >= THUNKS)
		return false;
	site = atomic_load(&c->as->sites[offset / THUNK_SIZE]);
	*out = site + 2;
	*out_thunk = (unsigned)(offset / THUNK_SIZE);
	return site != 0;
}

static bool fix_common(struct pctx *c, u64 at, int sig)
{
	bool on_stack = at >= (u64)(tramp_on_stack - tramp_text);
	u64 after = on_stack ? area_word(c, CTL_T_AFTER) : c->frame->rcx;
	u64 offset = after - thunk_at(c, 0, THUNK_AFTER), site;

	if (offset % THUNK_SIZE || offset / THUNK_SIZE >= THUNKS)
		return false;
	site = atomic_load(&c->as->sites[offset / THUNK_SIZE]);
	if (!site)
		return false;
	if (on_stack) {
		c->frame->rax = area_word(c, CTL_T_NR);
		c->frame->rsp = area_word(c, CTL_T_RSP);
	}
	if (at >= (u64)(tramp_flags_saved - tramp_text))
		c->frame->eflags = area_word(c, CTL_T_FLAGS);
	return fix_before(c, (unsigned)(offset / THUNK_SIZE), site, is_fault(sig));
}

/* It came to the third byte of a site's jump. */
static bool fix_site(struct pctx *c)
{
	u64 site = c->frame->rip - 2;

	if (!rewrite_is_site(c->as, site))
		return false;
	for (unsigned i = 0; i < THUNKS; i++)
		if (atomic_load(&c->as->sites[i]) == site)
			c->frame->rip = thunk_at(c, i, THUNK_TAIL);
	return true;
}

bool rewrite_fix(struct pctx *c, int sig)
{
	u64 at = c->frame->rip - c->p->text;
	bool again;

	if (at - THUNK_CODE < THUNKS * THUNK_SIZE)
		again = fix_thunk(c, at - THUNK_CODE, sig);
	else if (at - TRAMP_TEXT < (u64)(tramp_text_end - tramp_text))
		again = fix_common(c, at - TRAMP_TEXT, sig);
	else
		again = sig == SIGILL && fix_site(c);
	return again && !c->exiting && atomic_load(&c->park) == PARK_NONE;
}
