/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - calls that the stub answers by itself: signal masks, robust lists, returns of handlers
 *
 * Theory of operation: these calls only change what the kernel knows about the thread, and the
 * kernel needs to know it later, or when it looks at the thread. So it lies in the area
 * (struct pctx_share), and the stub's SIGSYS handler reads and writes it there (stub.S,
 * stub_local). What it can not do it reports like any trapped call; nothing has changed by then.
 * When it touches memory of the guest that is not there, it faults in the window
 * [stub_local, stub_local_end), and local_fault makes that fault the report of the call.
 *
 * Who unblocks a signal that is pending must come to the kernel: the stub stores the mask, then
 * looks at attention; who queues a signal sets attention, then looks at the mask. One of them sees
 * the other.
 *
 * madvise that only forgets pages needs nobody's knowledge, and the stub makes it itself.
 */
#include "platform/unotify/internal.h"

#include "platform/arch/x86_64/stub.h"

static_assert(offsetof(struct area, share) == CTL_LOCAL, "stub.h");
static_assert(SHARE_SIGNALS == CTL_L_SIGNALS && SHARE_MADVISE == CTL_L_MADVISE, "stub.h");
static_assert((LOCAL_ADVICE & ~ADVICE_OWN) == 0, "filter.c lets the stub do it");
static_assert(offsetof(struct pctx_share, attention) == CTL_ATTENTION - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, mask) == CTL_MASK - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, robust) == CTL_ROBUST - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, sigreturn) == CTL_SIGRETURN - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, alt_sp) == CTL_ALT_SP - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, alt_size) == CTL_ALT_SIZE - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, alt_flags) == CTL_ALT_FLAGS - CTL_LOCAL, "stub.h");
static_assert(offsetof(struct pctx_share, xsize) == CTL_XSIZE - CTL_LOCAL, "stub.h");

/* Where the host puts the siginfo: behind the ucontext. */
#define INFO_OFFSET sizeof(struct frame)

void local_init(struct pctx *c, const struct pctx *parent)
{
	const struct pctx_share *from = parent ? &parent->area->share : NULL;

	c->area->share = (struct pctx_share){
		.local = from ? from->local : 0,
		.attention = from ? from->attention : 1,
		.mask = from ? from->mask : 0,
		.xsize = (u32)frame_xstate_size(),
	};
}

struct pctx_share *pctx_share(struct pctx *c)
{
	return c->p->strict ? NULL : &c->area->share;
}

bool local_fault(struct pctx *c, u64 *out_info)
{
	u64 at = c->frame->rip - c->p->text, outer = c->frame->rdx;
	struct frame_bounds b = ctx_bounds(c);

	if (at < (u64)(stub_local - stub_text) || at >= (u64)(stub_local_end - stub_text))
		return false;
	if (!frame_ok(&b, outer) || outer > b.hi - INFO_OFFSET - sizeof(siginfo_t))
		return false;
	c->frame = (struct frame *)outer;
	c->area->frame = outer;
	*out_info = outer + INFO_OFFSET;
	return true;
}
