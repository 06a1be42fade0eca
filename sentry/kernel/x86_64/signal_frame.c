/* SPDX-License-Identifier: Apache-2.0 */
/* signal_frame.c - the signal frame of x86-64 Linux: built for a handler, read back by rt_sigreturn
 *
 * Layout on the guest's stack, from low to high: return address (the restorer), ucontext, siginfo;
 * above them, aligned to 64, the extended state as the host itself would have saved it. Everything
 * above is the guest's own; the 128 bytes below its stack pointer (red zone) are left alone.
 */
#include "sentry/kernel/process.h"

#define RED_ZONE	     128
#define UC_FP_XSTATE	     1ull
#define UC_SIGCONTEXT_SS     2ull
#define UC_STRICT_RESTORE_SS 4ull
#define XSTATE_MAGIC1	     0x46505853u /* "FPXS" */
#define FP_SW_OFFSET	     464
#define FXSAVE_SIZE	     512
#define XSTATE_MAX	     (64 * 1024)
#define FIX_EFLAGS	     0x50dd5ull
#define SS_ONSTACK_K	     1
#define SS_DISABLE_K	     2
#define SS_AUTODISARM_K	     (1u << 31)

struct sigcontext_k {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
static_assert(sizeof(struct sigcontext_k) == 256, "struct sigcontext");

struct ucontext_k {
	u64 flags, link;
	struct stack_k stack;
	struct sigcontext_k mc;
	u64 sigmask;
};
static_assert(sizeof(struct ucontext_k) == 304, "struct ucontext");

struct rt_sigframe_k {
	u64 pretcode;
	struct ucontext_k uc;
	struct siginfo_k info;
};
static_assert(sizeof(struct rt_sigframe_k) == 440, "struct rt_sigframe");

/* --- the alternate stack ------------------------------------------------------------------------
 */

bool altstack_on(const struct task *t, u64 sp)
{
	if (t->altstack_flags & SS_AUTODISARM_K)
		return false;
	return sp > t->altstack_sp.v && sp - t->altstack_sp.v <= t->altstack_size;
}

int altstack_set(struct task *t, const struct stack_k *ss, u64 sp, u64 min_size)
{
	u32 mode = (u32)ss->flags & ~SS_AUTODISARM_K;

	if (altstack_on(t, sp))
		return -EPERM;
	if (mode != SS_DISABLE_K && mode != SS_ONSTACK_K && mode != 0)
		return -EINVAL;
	if (ss->sp == t->altstack_sp.v && ss->size == t->altstack_size &&
	    (u32)ss->flags == t->altstack_flags)
		return 0;
	signal_share_frame(t, 0);
	if (mode == SS_DISABLE_K) {
		t->altstack_sp = GVA(0);
		t->altstack_size = 0;
		t->altstack_flags = (u32)ss->flags;
		return 0;
	}
	if (ss->size < min_size)
		return -ENOMEM;
	t->altstack_sp = GVA(ss->sp);
	t->altstack_size = ss->size;
	t->altstack_flags = (u32)ss->flags;
	return 0;
}

void altstack_get(const struct task *t, struct stack_k *out, u64 sp)
{
	memset(out, 0, sizeof(*out));
	out->sp = t->altstack_sp.v;
	out->size = t->altstack_size;
	out->flags = !t->altstack_size ? SS_DISABLE_K : altstack_on(t, sp) ? SS_ONSTACK_K : 0;
	out->flags |= (s32)(t->altstack_flags & SS_AUTODISARM_K);
}

/* --- building -----------------------------------------------------------------------------------
 */

/* Where the stack pointer starts from for @ka. */
static u64 frame_base(const struct task *t, const struct pregs *regs, const struct ksigaction *ka,
		      bool *out_entering)
{
	*out_entering = false;
	if ((ka->flags & SA_ONSTACK) && t->altstack_size && !altstack_on(t, regs->rsp)) {
		*out_entering = true;
		return t->altstack_sp.v + t->altstack_size;
	}
	return regs->rsp - RED_ZONE;
}

static void fill_sigcontext(struct task *t, struct sigcontext_k *mc, const struct pregs *r,
			    u64 fpstate)
{
	mc->r8 = r->r8, mc->r9 = r->r9, mc->r10 = r->r10, mc->r11 = r->r11;
	mc->r12 = r->r12, mc->r13 = r->r13, mc->r14 = r->r14, mc->r15 = r->r15;
	mc->di = r->rdi, mc->si = r->rsi, mc->bp = r->rbp, mc->bx = r->rbx;
	mc->dx = r->rdx, mc->ax = r->rax, mc->cx = r->rcx, mc->sp = r->rsp;
	mc->ip = r->rip, mc->flags = r->eflags;
	mc->cs = 0x33, mc->ss = 0x2b;
	mc->err = t->fault_error, mc->trapno = t->fault_trapno, mc->cr2 = t->fault_addr;
	mc->fpstate = fpstate;
}

static void fill_frame(struct task *t, struct rt_sigframe_k *f, const struct pregs *regs,
		       const struct ksigaction *ka, const struct siginfo_k *info, u64 mask,
		       u64 fpstate)
{
	f->pretcode = ka->restorer;
	f->uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f->uc.stack.sp = t->altstack_sp.v;
	f->uc.stack.size = t->altstack_size;
	f->uc.stack.flags = (s32)t->altstack_flags;
	fill_sigcontext(t, &f->uc.mc, regs, fpstate);
	f->uc.mc.oldmask = mask;
	f->uc.sigmask = mask;
	f->info = *info;
}

int signal_frame_push(struct task *t, struct pregs *regs, const struct ksigaction *ka,
		      const struct siginfo_k *info, u64 mask)
{
	size_t xsize = platform_xstate_size(g_kernel->platform);
	bool entering, on_alt = altstack_on(t, regs->rsp);
	u64 base = frame_base(t, regs, ka, &entering), fp, sp;
	u8 *buf = t->worker->scratch;
	struct rt_sigframe_k *f = (void *)buf;
	size_t total;

	if (!(ka->flags & SA_RESTORER_FLAG) || xsize > XSTATE_MAX)
		return -EFAULT;
	fp = align_down(base - xsize, 64ull);
	sp = align_down(fp - sizeof(*f), 16ull) - 8;
	if (sp > base || ((entering || on_alt) &&
			  (sp <= t->altstack_sp.v || sp - t->altstack_sp.v > t->altstack_size)))
		return -EFAULT;
	memset(buf, 0, fp - sp);
	fill_frame(t, f, regs, ka, info, mask, fp);
	xsize = pctx_get_xstate(atomic_load(&t->ctx), buf + (fp - sp), xsize);
	total = fp - sp + xsize;
	if (copy_out(t->mm, GVA(sp), buf, total))
		return -EFAULT;
	signal_share_frame(t, t->altstack_flags & SS_AUTODISARM_K
				      ? 0
				      : sp + offsetof(struct rt_sigframe_k, uc));
	if (t->altstack_flags & SS_AUTODISARM_K) {
		t->altstack_sp = GVA(0);
		t->altstack_size = 0;
		t->altstack_flags = SS_DISABLE_K;
	}
	regs->rdi = (u64)info->si_signo;
	regs->rsi = sp + offsetof(struct rt_sigframe_k, info);
	regs->rdx = sp + offsetof(struct rt_sigframe_k, uc);
	regs->rax = 0;
	regs->rip = ka->handler;
	regs->rsp = sp;
	return 0;
}

/* --- reading back -------------------------------------------------------------------------------
 */

static void restore_regs(struct pregs *r, const struct sigcontext_k *mc)
{
	r->r8 = mc->r8, r->r9 = mc->r9, r->r10 = mc->r10, r->r11 = mc->r11;
	r->r12 = mc->r12, r->r13 = mc->r13, r->r14 = mc->r14, r->r15 = mc->r15;
	r->rdi = mc->di, r->rsi = mc->si, r->rbp = mc->bp, r->rbx = mc->bx;
	r->rdx = mc->dx, r->rax = mc->ax, r->rcx = mc->cx, r->rsp = mc->sp;
	r->rip = mc->ip;
	r->eflags = (r->eflags & ~FIX_EFLAGS) | (mc->flags & FIX_EFLAGS);
}

/* What is read of a guest's signal frame: as much of it as one copy brings, in the worker's scratch
 * memory. */
struct frame_copy {
	u64 base;
	size_t size;
	u8 *buf;
};

/* The frame at @sp, whole if it looks like one of ours. */
static int frame_copy_in(struct task *t, u64 sp, struct frame_copy *out)
{
	size_t whole =
		sizeof(struct rt_sigframe_k) + 2 * 64ul + platform_xstate_size(g_kernel->platform);

	*out = (struct frame_copy){.base = sp, .size = whole, .buf = t->worker->scratch};
	if (copy_in(t->mm, out->buf, GVA(sp), whole) == 0)
		return 0;
	out->size = sizeof(struct ucontext_k);
	return copy_in(t->mm, out->buf, GVA(sp), out->size);
}

/* @size bytes at @at, from the copy, or read behind it. */
static const u8 *frame_part(struct task *t, struct frame_copy *c, u64 at, size_t size)
{
	u64 off = at - c->base;
	u8 *room = c->buf + c->size;

	if (at >= c->base && off <= c->size && size <= c->size - off)
		return c->buf + off;
	return copy_in(t->mm, room, GVA(at), size) ? NULL : room;
}

/* Extended state at @at (0: that of a fresh program). */
static int restore_xstate(struct task *t, struct frame_copy *c, u64 at)
{
	struct pctx *ctx = atomic_load(&t->ctx);
	size_t size = FXSAVE_SIZE, max = platform_xstate_size(g_kernel->platform);
	u32 sw[4]; /* magic1, extended_size, xfeatures */
	const u8 *x;

	if (!at)
		return pctx_set_xstate(ctx, NULL, 0);
	x = frame_part(t, c, at, FXSAVE_SIZE);
	if (!x)
		return -EFAULT;
	memcpy(sw, x + FP_SW_OFFSET, sizeof(sw));
	if (sw[0] == XSTATE_MAGIC1 && sw[1] >= FXSAVE_SIZE && sw[1] <= max) {
		size = sw[1];
		x = frame_part(t, c, at, size);
		if (!x)
			return -EFAULT;
	}
	return pctx_set_xstate(ctx, x, size);
}

int signal_frame_pop(struct task *t, struct pregs *regs)
{
	struct frame_copy c;
	struct ucontext_k uc;

	/* The handler's return has popped the restorer's address. */
	if (frame_copy_in(t, regs->rsp, &c))
		return -EFAULT;
	memcpy(&uc, c.buf, sizeof(uc));
	if (restore_xstate(t, &c, uc.mc.fpstate))
		return -EFAULT;
	restore_regs(regs, &uc.mc);
	signal_set_blocked(t, uc.sigmask);
	altstack_set(t, &uc.stack, regs->rsp, 0);
	return 0;
}
