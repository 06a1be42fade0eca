/* SPDX-License-Identifier: Apache-2.0 */
/* stub.h - what the stub's code (stub.S) and the sentry agree on; read by both, so only numbers
 *
 * Layout of an *area*, the memory that one thread of a guest shares with the sentry: one control
 * page, then the alternate signal stack, on which the host kernel writes the thread's registers.
 */
#ifndef PLATFORM_ARCH_X86_64_STUB_H
#define PLATFORM_ARCH_X86_64_STUB_H

/* The invalid call number by which the stub says "here I am": (signal, siginfo, ucontext) with a
 * signal, (0, result, index) at the end of commands. */
#define STUB_NR_EVENT	0x1000
#define STUB_NR_CMPXCHG 0x2000 /* = PCMD_CMPXCHG */
#define STUB_NR_PATCH	0x2001 /* = PCMD_PATCH */
#define STUB_KICK	10     /* the signal that fetches a thread: SIGUSR1 */

/* Answers to an event. */
#define STUB_RESUME	 0 /* load the frame's registers */
#define STUB_RUN	 1 /* carry out the commands */
#define STUB_PARK	 2 /* wait until the park word is an answer + 1 */
#define STUB_RESTART	 3 /* go on with the native wait that a kick interrupted */
#define STUB_EXIT	 4 /* the thread ends */
#define STUB_EXIT_LEADER 5 /* it ends for the guest, but the host thread stays */

/* Offsets in the control page. */
#define CTL_FRAME      0x00 /* u64: address of the ucontext to return to */
#define CTL_START      0x08 /* u32: answer that holds after birth */
#define CTL_PARK       0x0c /* u32: 0 parked, else answer + 1 */
#define CTL_COUNT      0x10 /* u64: commands */
#define CTL_FLAGS      0x18 /* u64: CTL_F_* */
#define CTL_SET_TID    0x20 /* u64: address, or 0 */
#define CTL_TID	       0x28 /* u32: stored there */
#define CTL_ALIVE      0x2c /* u32: 0 when an ended thread has left the area */
#define CTL_CLEAR_TID  0x30 /* u64: address, or 0 */
#define CTL_BIRTH      0x38 /* u64: CTL_B_*, for the child itself */
#define CTL_CHILD_NR   0x40 /* u64: in the parent's page: the child's birth call, or 0 */
#define CTL_CHILD_AREA 0x48 /* u64 */
#define CTL_CHILD_FD   0x50 /* u64: cookie << 32 | the child's descriptor number */
#define CTL_CHILD_OFF  0x58 /* u64 */
#define CTL_FD	       0x60 /* u32: number under which this thread gets a descriptor for a moment */
#define CTL_HOST_TID   0x64 /* u32: a quiet child's host thread, stored by the host's clone */
#define CTL_KICKED     0x68 /* u32: a quiet child must not begin before it has been to the border */
#define CTL_LOCAL      0x70 /* struct pctx_share: u32: CTL_L_*, what to answer here */
#define CTL_ATTENTION  0x74 /* u32 */
#define CTL_MASK       0x78 /* u64: blocked signals */
#define CTL_ROBUST     0x80 /* u64: head of the robust list */
#define CTL_SIGRETURN  0x88 /* u64: the frame that may be returned from */
#define CTL_ALT_SP     0x90 /* u64, u64, u32: alternate stack at that frame */
#define CTL_ALT_SIZE   0x98
#define CTL_ALT_FLAGS  0xa0
#define CTL_XSIZE      0xa4  /* u32: bytes of extended state in a frame */
#define CTL_CMDS       0x400 /* the commands, 64 bytes each: nr, six arguments, nothing */
#define CTL_SIZE       0x1000

#define CTL_F_RESUME 1 /* after success: rax = last result, resume */
#define CTL_F_CLOSE  2 /* close the descriptor at the end */
#define CTL_F_AS_IS  4 /* with RESUME: rax stays as it is in the frame */
#define CTL_B_MAPPED                                                                              \
	1 /* birth has mapped the area: close the descriptor, keep the area out of forks; cleared \
	     then */
#define CTL_B_GS      4 /* the gs base is the area's address, unless the parent's was not its own */
#define CTL_B_PROCESS 2 /* the child is a process: die with the sentry */

/* Offsets in the host's ucontext; a guest's signal frame has the same layout. */
#define UC_SS_SP    16
#define UC_SS_FLAGS 24
#define UC_SS_SIZE  32
#define UC_REGS	    40 /* r8 first, rip last: 17 words, then eflags */
#define UC_R10	    56
#define UC_RDI	    104
#define UC_RSI	    112
#define UC_RDX	    136
#define UC_RAX	    144
#define UC_RSP	    160
#define UC_EFLAGS   176
#define UC_FPSTATE  224
#define UC_SIGMASK  296
#define FP_MXCSR    24	/* in the extended state */
#define FP_MAGIC    464 /* the kernel's description: FP_XSTATE_MAGIC1, size, components */
#define FP_SIZE	    468
#define FP_FEATURES 472
#define FP_HEADER   512 /* XSAVE's: components, seven words of zeros */
#define MXCSR_MASK  0xffff
#define FP_MAGIC1   0x46505853
#define SI_SYSCALL  24 /* in the siginfo of a SIGSYS */
#define SI_ARCH	    28

#define CTL_L_SIGNALS 1 /* masks, robust lists, returns of handlers */
#define CTL_L_MADVISE 2

#define LOCAL_ADVICE	 0xc110	 /* DONTNEED, FREE, HUGEPAGE, NOHUGEPAGE */
#define UNBLOCKABLE_MASK 0x40100 /* SIGKILL, SIGSTOP */
#define RETURN_EFLAGS	 0x50dd5 /* what a handler's return may change */

#endif
