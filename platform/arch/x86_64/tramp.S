/* SPDX-License-Identifier: Apache-2.0 */
/* tramp.S - where rewritten call sites jump to: guest code of ours, without rights of its own
 *
 * A site's thunk stands for `syscall` and the guest's instruction behind it. It may use what a
 * call destroys, rcx and r11, and nothing else: no flags, no stack (128 bytes below rsp are the
 * guest's). The thread's area is found by the gs base, which the guest may have changed: the area
 * names itself (CTL_SELF). In doubt the thunk makes the call, from here instead of from there.
 *
 * A signal that finds a thread in here is put right by the sentry (unotify/rewrite_fix.c): the
 * guest stands before or behind its own instruction, never in between. So nothing here may have
 * an effect that cannot be taken back before THUNK_AFTER.
 */
#include "platform/arch/x86_64/tramp.h"

#define DATA(i, field) (tramp_text - TRAMP_TEXT + TRAMP_SITES + (i) * SITE_SIZE + (field))(%rip)

	.section .rodata.stub, "a", @progbits
	.balign	4096
	.globl	tramp_text, tramp_text_end, tramp_on_stack, tramp_flags_saved
	.globl	tramp_posted, tramp_posted_end, tramp_joined, tramp_calls

/* (area in r11, THUNK_AFTER's address in rcx, number in rax) */
tramp_text:
	mov	%rcx, CTL_T_AFTER(%r11)
	mov	%rax, CTL_T_NR(%r11)
	mov	%rsp, CTL_T_RSP(%r11)
	lea	CTL_T_STACK(%r11), %rsp
tramp_on_stack:
	pushfq
	pop	%rcx
	mov	%rcx, CTL_T_FLAGS(%r11)
tramp_flags_saved:
	cmp	$TRAMP_NR_MAX, %eax
	jae	2f
	mov	%eax, %eax
	lea	tramp_calls(%rip), %rcx
	movzbl	(%rcx,%rax), %ecx
	test	$TRAMP_POLLED, %ecx
	jnz	3f
	test	%ecx, %ecx
	jz	2f
	mov	(tramp_text - TRAMP_TEXT + TRAMP_TRUTH)(%rip), %rax
	cmp	%rax, CTL_T_GEN(%r11,%rcx,8)
	jne	2f
	mov	CTL_T_VALUE(%r11,%rcx,8), %rax
	pushq	CTL_T_FLAGS(%r11)
	popfq
	mov	CTL_T_AFTER(%r11), %rcx
	mov	CTL_T_RSP(%r11), %rsp
	mov	CTL_T_FLAGS(%r11), %r11
	jmp	*%rcx
2:	pushq	CTL_T_FLAGS(%r11)
	popfq
	mov	CTL_T_NR(%r11), %rax
	mov	CTL_T_AFTER(%r11), %rcx
	mov	CTL_T_RSP(%r11), %rsp
	lea	(THUNK_SLOW - THUNK_AFTER)(%rcx), %rcx
	jmp	*%rcx

/* Somebody polls: the call is posted. From tramp_posted on it may have been carried out. */
3:	cmpl	$0, CTL_T_POLL(%r11)
	je	2b
	mov	%rdi, CTL_T_ARGS(%r11)
	mov	%rsi, CTL_T_ARGS + 8(%r11)
	mov	%rdx, CTL_T_ARGS + 16(%r11)
	mov	%r10, CTL_T_ARGS + 24(%r11)
	mov	%r8, CTL_T_ARGS + 32(%r11)
	mov	%r9, CTL_T_ARGS + 40(%r11)
	mov	$SPIN_POSTED, %ecx
	movl	$REQ_POSTED, CTL_T_REQ(%r11)
tramp_posted:
	cmpl	$REQ_POSTED, CTL_T_REQ(%r11)
	jne	5f
	pause
	dec	%ecx
	jnz	tramp_posted
	mov	$REQ_POSTED, %eax
	lock cmpxchg %ecx, CTL_T_REQ(%r11)
	je	2b
5:	mov	$SPIN_TAKEN, %ecx
6:	mov	CTL_T_REQ(%r11), %eax
	cmp	$REQ_DONE, %eax
	je	8f
	cmp	$REQ_BLOCKED, %eax
	je	7f
	pause
	dec	%ecx
	jnz	6b
7:	mov	$TRAMP_NR_JOIN, %eax
	syscall
tramp_joined:
	rdgsbase %r11
	jmp	5b
8:	mov	CTL_T_RESULT(%r11), %rax
	pushq	CTL_T_FLAGS(%r11)
	popfq
	mov	CTL_T_AFTER(%r11), %rcx
	mov	CTL_T_RSP(%r11), %rsp
	mov	CTL_T_FLAGS(%r11), %r11
	jmp	*%rcx
tramp_posted_end:

/* By number: LOCAL_*, TRAMP_POLLED, or 0: always the slow way. */
tramp_calls:
	.org	tramp_calls + 0
	.byte	TRAMP_POLLED		/* read */
	.org	tramp_calls + 1
	.byte	TRAMP_POLLED		/* write */
	.org	tramp_calls + 2
	.byte	TRAMP_POLLED		/* open */
	.org	tramp_calls + 3
	.byte	TRAMP_POLLED		/* close */
	.org	tramp_calls + 4
	.byte	TRAMP_POLLED		/* stat */
	.org	tramp_calls + 5
	.byte	TRAMP_POLLED		/* fstat */
	.org	tramp_calls + 6
	.byte	TRAMP_POLLED		/* lstat */
	.org	tramp_calls + 8
	.byte	TRAMP_POLLED		/* lseek */
	.org	tramp_calls + 13
	.byte	TRAMP_POLLED		/* rt_sigaction */
	.org	tramp_calls + 14
	.byte	TRAMP_POLLED		/* rt_sigprocmask */
	.org	tramp_calls + 17
	.byte	TRAMP_POLLED		/* pread64 */
	.org	tramp_calls + 18
	.byte	TRAMP_POLLED		/* pwrite64 */
	.org	tramp_calls + 19
	.byte	TRAMP_POLLED		/* readv */
	.org	tramp_calls + 20
	.byte	TRAMP_POLLED		/* writev */
	.org	tramp_calls + 21
	.byte	TRAMP_POLLED		/* access */
	.org	tramp_calls + 32
	.byte	TRAMP_POLLED		/* dup */
	.org	tramp_calls + 33
	.byte	TRAMP_POLLED		/* dup2 */
	.org	tramp_calls + 39
	.byte	LOCAL_GETPID
	.org	tramp_calls + 44
	.byte	TRAMP_POLLED		/* sendto */
	.org	tramp_calls + 45
	.byte	TRAMP_POLLED		/* recvfrom */
	.org	tramp_calls + 46
	.byte	TRAMP_POLLED		/* sendmsg */
	.org	tramp_calls + 47
	.byte	TRAMP_POLLED		/* recvmsg */
	.org	tramp_calls + 63
	.byte	TRAMP_POLLED		/* uname */
	.org	tramp_calls + 72
	.byte	TRAMP_POLLED		/* fcntl */
	.org	tramp_calls + 77
	.byte	TRAMP_POLLED		/* ftruncate */
	.org	tramp_calls + 79
	.byte	TRAMP_POLLED		/* getcwd */
	.org	tramp_calls + 80
	.byte	TRAMP_POLLED		/* chdir */
	.org	tramp_calls + 82
	.byte	TRAMP_POLLED		/* rename */
	.org	tramp_calls + 83
	.byte	TRAMP_POLLED		/* mkdir */
	.org	tramp_calls + 84
	.byte	TRAMP_POLLED		/* rmdir */
	.org	tramp_calls + 87
	.byte	TRAMP_POLLED		/* unlink */
	.org	tramp_calls + 89
	.byte	TRAMP_POLLED		/* readlink */
	.org	tramp_calls + 95
	.byte	TRAMP_POLLED		/* umask */
	.org	tramp_calls + 98
	.byte	TRAMP_POLLED		/* getrusage */
	.org	tramp_calls + 102
	.byte	LOCAL_GETUID
	.org	tramp_calls + 104
	.byte	LOCAL_GETGID
	.org	tramp_calls + 107
	.byte	LOCAL_GETEUID
	.org	tramp_calls + 108
	.byte	LOCAL_GETEGID
	.org	tramp_calls + 110
	.byte	LOCAL_GETPPID
	.org	tramp_calls + 186
	.byte	LOCAL_GETTID
	.org	tramp_calls + 217
	.byte	TRAMP_POLLED		/* getdents64 */
	.org	tramp_calls + 257
	.byte	TRAMP_POLLED		/* openat */
	.org	tramp_calls + 262
	.byte	TRAMP_POLLED		/* newfstatat */
	.org	tramp_calls + 263
	.byte	TRAMP_POLLED		/* unlinkat */
	.org	tramp_calls + 267
	.byte	TRAMP_POLLED		/* readlinkat */
	.org	tramp_calls + 269
	.byte	TRAMP_POLLED		/* faccessat */
	.org	tramp_calls + 292
	.byte	TRAMP_POLLED		/* dup3 */
	.org	tramp_calls + 318
	.byte	TRAMP_POLLED		/* getrandom */
	.org	tramp_calls + 332
	.byte	TRAMP_POLLED		/* statx */
	.org	tramp_calls + TRAMP_NR_MAX

	.macro	ENTER
	rdgsbase %rcx
	jrcxz	1f
	mov	%gs:CTL_SELF, %r11
	lea	1(%rcx,%r11), %r11
	xchg	%rcx, %r11
	jrcxz	2f
1:	syscall
	.endm

	.macro	FAST i
	.org	tramp_text + 0x1000 + \i * THUNK_SIZE + THUNK_FAST
2:	lea	(tramp_text + 0x1000 + \i * THUNK_SIZE + THUNK_AFTER)(%rip), %rcx
	jmp	tramp_text
	.org	tramp_text + 0x1000 + (\i + 1) * THUNK_SIZE
	.endm

	.org	tramp_text + 0x1000
	.set	i, 0
	.rept	THUNKS_CMP
	ENTER
	mov	DATA(i, SITE_RETURN), %rcx
	cmp	DATA(i, SITE_IMM), %rax
	jmp	*DATA(i, SITE_LEAVE)
	FAST	i
	.set	i, i + 1
	.endr
	.rept	THUNKS - THUNKS_CMP
	ENTER
	mov	DATA(i, SITE_RETURN), %rcx
	ret
	FAST	i
	.set	i, i + 1
	.endr
tramp_text_end:
	.section .note.GNU-stack, "", @progbits
