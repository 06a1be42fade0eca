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

/* Offsets in the host's ucontext. */
#define UC_SS_SP 16
#define UC_RAX	 144

#endif
