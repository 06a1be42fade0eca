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
	cmp	$LOCAL_NR_MAX, %eax
	jae	2f
	mov	%eax, %eax
	lea	tramp_local(%rip), %rcx
	movzbl	(%rcx,%rax), %ecx
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

tramp_local:
	.org	tramp_local + 39
	.byte	LOCAL_GETPID
	.org	tramp_local + 102
	.byte	LOCAL_GETUID
	.org	tramp_local + 104
	.byte	LOCAL_GETGID
	.org	tramp_local + 107
	.byte	LOCAL_GETEUID
	.org	tramp_local + 108
	.byte	LOCAL_GETEGID
	.org	tramp_local + 110
	.byte	LOCAL_GETPPID
	.org	tramp_local + 186
	.byte	LOCAL_GETTID
	.org	tramp_local + LOCAL_NR_MAX

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
