/* SPDX-License-Identifier: Apache-2.0 */
/* tramp.h - what the code behind rewritten call sites (tramp.S) and the sentry agree on; read by
 * both, so only numbers
 *
 * Pages of the window behind the stub's, by their distance from it. For the filter they are guest
 * code: nothing in them may do more than the guest.
 */
#ifndef PLATFORM_ARCH_X86_64_TRAMP_H
#define PLATFORM_ARCH_X86_64_TRAMP_H

#define TRAMP_TEXT  0x1000 /* common code, then the thunks from the next page on */
#define TRAMP_SITES 0x4000 /* what the thunks must know: 32 bytes a site, private, writable */
#define TRAMP_TRUTH 0x5000 /* the sentry's page, read-only: generation of the local answers */
#define TRAMP_END   0x6000

#define THUNKS 128
#define THUNKS_CMP \
	96 /* the first so many: `syscall; cmp $imm32,%rax`; the others: `syscall; ret` */
#define THUNK_SIZE  64
#define THUNK_CODE  (TRAMP_TEXT + 0x1000)
#define THUNK_SLOW  26 /* the call itself */
#define THUNK_AFTER 28 /* behind it: as if the guest's own call had returned */
#define THUNK_TAIL  35 /* the guest's instruction behind its call */
#define THUNK_LEAVE 42 /* CMP: the jump back; RET has none */
#define THUNK_FAST  48 /* the thread has an area */

/* One site's data. */
#define SITE_RETURN 0  /* what a call leaves in rcx: the address behind it */
#define SITE_IMM    8  /* CMP: its immediate, sign-extended */
#define SITE_LEAVE  16 /* CMP: where the guest goes on */
#define SITE_SIZE   32

/* The table of jumps. A rewritten place is `jmp *entry` in the form ff 24 65 a0 a1 06 00, where
 * entry = 0006a1a0: the third byte, where the guest's own call would return to, is a GS prefix, and
 * a0 is one of eight instructions that 64-bit mode does not have. So whoever comes there faults. */
#define TRAMP_TABLE	0x60000
#define TRAMP_TABLE_END 0x61000
#define PATCH_SIZE	7

/* In the area's control page, behind what stub.h puts there. */
#define CTL_T_AFTER  0x100 /* u64: THUNK_AFTER of the site that is at work */
#define CTL_T_NR     0x108 /* u64: its rax, rsp and flags */
#define CTL_T_RSP    0x110
#define CTL_T_FLAGS  0x118
#define CTL_T_GEN    0x120 /* u64[8]: generation of an answer; 0: none */
#define CTL_T_VALUE  0x160 /* u64[8]: the answer */
#define CTL_T_STACK  0x200 /* top of a few words of stack */
#define CTL_T_REQ    0x208 /* u32: REQ_* */
#define CTL_T_POLL   0x20c /* u32: a worker looks at REQ */
#define CTL_T_RESULT 0x210
#define CTL_T_ARGS   0x218 /* u64[6] */
#define CTL_SELF     0x3f8 /* u64: complement of the area's address */

/* Calls that are answered in the trampoline; index of CTL_T_GEN and CTL_T_VALUE. */
#define LOCAL_GETPID  1
#define LOCAL_GETUID  2
#define LOCAL_GETGID  3
#define LOCAL_GETEUID 4
#define LOCAL_GETEGID 5
#define LOCAL_GETPPID 6
#define LOCAL_GETTID  7
#define TRAMP_POLLED  0x80 /* not answered here, but may be posted */
#define TRAMP_NR_MAX  336

/* A posted call. The thread: 0, DONE -> POSTED, POSTED -> 0; the sentry: the others. */
#define REQ_POSTED  1
#define REQ_TAKEN   2
#define REQ_DONE    3 /* the result is there */
#define REQ_BLOCKED 4 /* it will last: join */

/* The thread's call that says: I wait for the answer of what I have posted. */
#define TRAMP_NR_JOIN 0x1001
/* How often it looks before it takes its request back, and before it joins. */
#define SPIN_POSTED 200
#define SPIN_TAKEN  1000

#endif
