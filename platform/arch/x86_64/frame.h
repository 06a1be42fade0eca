/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - the host's signal frame as it lies in a thread's area: registers and extended state
 *
 * The host writes a frame when a signal enters the stub, and loads it at rt_sigreturn; the
 * sentry edits it in between. All of it is in memory that the guest can write: each value is
 * read once, and pointers in it are never followed before they are checked to lie in the area.
 */
#ifndef PLATFORM_ARCH_X86_64_FRAME_H
#define PLATFORM_ARCH_X86_64_FRAME_H

#include "platform/platform.h"

/* The stub's code and places in it (stub.S); it is copied, never called. */
extern const char stub_text[], stub_text_end[], stub_signal[], stub_resume[], stub_event[];
extern const char stub_local[], stub_local_end[];
extern const char stub_restart[], stub_restart_call[], stub_restart_end[], stub_birth_event[];

/* The code behind rewritten call sites (tramp.S, tramp.h). */
extern const char tramp_text[], tramp_text_end[], tramp_on_stack[], tramp_flags_saved[];
extern const char tramp_posted[], tramp_posted_end[], tramp_joined[];
extern const unsigned char tramp_calls[];

/* struct ucontext as the host kernel lays it out on x86-64. */
struct frame {
	u64 flags;
	u64 link;
	u64 ss_sp, ss_flags, ss_size;
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate;
	u64 reserved[8];
	u64 sigmask;
};

/* Where a frame may lie: [lo, hi), the stack of one area. */
struct frame_bounds {
	u64 lo, hi;
};

/* Finds out the size of the extended state. Once, before the rest. */
void frame_setup(void);
/* Bytes of extended state in a frame, with the trailing magic number. */
size_t frame_xstate_size(void);
/* Bytes of stack that one signal needs. */
size_t frame_stack_size(void);
/* A whole frame at @at? */
bool frame_ok(const struct frame_bounds *b, u64 at);
/* Makes a frame with all registers zero and the extended state of a fresh program, at the top of
 * the stack; returns it. */
struct frame *frame_make(const struct frame_bounds *b);
/* The same, with the extended state of @from, which lies in @from_bounds. */
struct frame *frame_make_copy(const struct frame_bounds *b, const struct frame *from,
			      const struct frame_bounds *from_bounds);
void frame_get_regs(const struct frame *f, struct pregs *out);
/* True when something changed. */
bool frame_set_regs(struct frame *f, const struct pregs *in);
size_t frame_get_xstate(const struct frame *f, const struct frame_bounds *b, void *buf,
			size_t size);
int frame_set_xstate(struct frame *f, const struct frame_bounds *b, const void *buf, size_t size);

/* A clock for comparing short durations, in its own unit. */
static inline u64 arch_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

long arch_ioctl_unless(int fd, unsigned long request, void *arg, const _Atomic u32 *flag);
extern const char arch_ioctl_begin[], arch_ioctl_end[], arch_ioctl_called_off[];

#endif
