/* SPDX-License-Identifier: Apache-2.0 */
/* stub.S - the code of ours in each guest address space: a position-independent blob, one page
 *
 * The sentry never runs it; it copies [stub_text, stub_text_end) to the top of each stub. All
 * signals of a stub enter stub_signal, with all signals masked, on the alternate stack of the
 * thread's own area. rbx is the area in all code here; nothing else survives from one step to
 * the next. Every `syscall` below can be reached by the guest with registers of its choice: the
 * filter (unotify/filter.c) and the sentry's checks (unotify/order.c) reckon with that, this
 * code does not have to.
 */
#include "platform/arch/x86_64/stub.h"

	.section .rodata.stub, "a", @progbits
	.balign	64
	.globl	stub_text, stub_text_end, stub_signal, stub_resume, stub_event
	.globl	stub_restart, stub_restart_call, stub_restart_end
	.globl	stub_birth_event, stub_local, stub_local_end

stub_text:
/* (signal in edi, siginfo in rsi, ucontext in rdx) */
stub_signal:
	mov	UC_SS_SP(%rdx), %rbx
	sub	$CTL_SIZE, %rbx
	cmp	$31, %edi			/* SIGSYS */
	je	stub_local
stub_event:
	mov	$STUB_NR_EVENT, %eax
	syscall
stub_dispatch:
	test	%eax, %eax
	jz	stub_resume
	cmp	$STUB_RUN, %eax
	je	stub_run
	cmp	$STUB_PARK, %eax
	je	stub_park
	cmp	$STUB_RESTART, %eax
	je	stub_restart
	cmp	$STUB_EXIT, %eax
	je	stub_exit
	cmp	$STUB_EXIT_LEADER, %eax
	je	stub_exit_leader
/* -ENOSYS: nobody listens any more, the sentry is dead. */
stub_die:
	mov	$231, %eax			/* exit_group(127) */
	mov	$127, %edi
	syscall
	hlt

stub_resume:
	mov	CTL_FRAME(%rbx), %rsp
	mov	$15, %eax			/* rt_sigreturn */
	syscall
	jmp	stub_die

/* A trapped call that may be answered here (unotify/local.c): rdx stays the ucontext, and nothing
 * is changed before all memory of the guest has been touched. */
stub_local:
	cmpl	$0xc000003e, SI_ARCH(%rsi)	/* AUDIT_ARCH_X86_64 */
	jne	stub_event
	mov	SI_SYSCALL(%rsi), %eax
	cmp	$28, %eax
	je	stub_madvise
	testl	$CTL_L_SIGNALS, CTL_LOCAL(%rbx)
	jz	stub_event
	cmp	$14, %eax
	je	stub_sigmask
	cmp	$15, %eax
	je	stub_sigreturn
	cmp	$273, %eax
	jne	stub_event
	cmpq	$24, UC_RSI(%rdx)		/* set_robust_list */
	jne	stub_event
	mov	UC_RDI(%rdx), %rcx
	mov	%rcx, CTL_ROBUST(%rbx)
	movq	$0, UC_RAX(%rdx)
	jmp	stub_answered

/* madvise that forgets pages of the caller's, or says how large they may be. */
stub_madvise:
	testl	$CTL_L_MADVISE, CTL_LOCAL(%rbx)
	jz	stub_event
	mov	UC_RDX(%rdx), %rcx
	cmp	$31, %rcx
	ja	stub_event
	mov	$LOCAL_ADVICE, %eax
	bt	%ecx, %eax
	jnc	stub_event
	mov	%rdx, %r12
	mov	$28, %eax
	mov	UC_RDI(%rdx), %rdi
	mov	UC_RSI(%rdx), %rsi
	mov	%rcx, %rdx
	syscall
	mov	%r12, %rdx
	mov	%rax, UC_RAX(%rdx)
	jmp	stub_answered

/* rt_sigprocmask: r8 the old mask, r9 the new one. */
stub_sigmask:
	cmpl	$0, CTL_ATTENTION(%rbx)
	jne	stub_event
	cmpq	$8, UC_R10(%rdx)
	jne	stub_event
	mov	CTL_MASK(%rbx), %r8
	and	$~UNBLOCKABLE_MASK, %r8
	mov	%r8, %r9
	mov	UC_RSI(%rdx), %rcx
	test	%rcx, %rcx
	jz	3f
	mov	UC_RDI(%rdx), %eax
	cmp	$2, %eax
	ja	stub_event
	mov	(%rcx), %rcx
	and	$~UNBLOCKABLE_MASK, %rcx
	cmp	$1, %eax
	ja	2f
	je	1f
	or	%rcx, %r9
	jmp	3f
1:	not	%rcx
	and	%rcx, %r9
	jmp	3f
2:	mov	%rcx, %r9
3:	mov	UC_RDX(%rdx), %rcx
	test	%rcx, %rcx
	jz	4f
	mov	%r8, (%rcx)
4:	movq	$0, UC_RAX(%rdx)
	cmp	%r8, %r9
	je	stub_answered
	jmp	stub_set_mask

/* rt_sigreturn from the frame that the kernel has made last: r8 its ucontext. */
stub_sigreturn:
	mov	UC_RSP(%rdx), %r8
	cmp	%r8, CTL_SIGRETURN(%rbx)
	jne	stub_event
	mov	UC_SS_SP(%r8), %rax
	cmp	%rax, CTL_ALT_SP(%rbx)
	jne	stub_event
	mov	UC_SS_SIZE(%r8), %rax
	cmp	%rax, CTL_ALT_SIZE(%rbx)
	jne	stub_event
	mov	UC_SS_FLAGS(%r8), %eax
	cmp	%eax, CTL_ALT_FLAGS(%rbx)
	jne	stub_event
	mov	UC_SIGMASK(%r8), %r9
	and	$~UNBLOCKABLE_MASK, %r9
	mov	UC_EFLAGS(%r8), %r10
	mov	UC_FPSTATE(%r8), %r11
	test	%r11, %r11
	jz	stub_event
	mov	CTL_XSIZE(%rbx), %ecx
	cmpl	$FP_MAGIC1, FP_MAGIC(%r11)
	jne	stub_event
	cmp	%ecx, FP_SIZE(%r11)
	jne	stub_event
	testl	$~MXCSR_MASK, FP_MXCSR(%r11)
	jnz	stub_event
	mov	UC_FPSTATE(%rdx), %rdi
	mov	FP_FEATURES(%rdi), %rax
	not	%rax
	test	%rax, FP_HEADER(%r11)
	jnz	stub_event
	mov	FP_HEADER + 8(%r11), %rax
	or	FP_HEADER + 16(%r11), %rax
	or	FP_HEADER + 24(%r11), %rax
	or	FP_HEADER + 32(%r11), %rax
	or	FP_HEADER + 40(%r11), %rax
	or	FP_HEADER + 48(%r11), %rax
	or	FP_HEADER + 56(%r11), %rax
	jnz	stub_event
	mov	UC_EFLAGS(%rdx), %rax
	and	$~RETURN_EFLAGS, %rax
	and	$RETURN_EFLAGS, %r10
	or	%r10, %rax
	mov	%rsi, %r12
	lea	-(FP_HEADER + 4)(%rcx), %r10	/* all but the host's own description of it */
	mov	%r11, %rsi
	mov	$FP_MAGIC, %ecx
	rep movsb
	add	$FP_HEADER - FP_MAGIC, %rsi
	add	$FP_HEADER - FP_MAGIC, %rdi
	mov	%r10, %rcx
	rep movsb
	lea	UC_REGS(%r8), %rsi
	lea	UC_REGS(%rdx), %rdi
	mov	$17, %ecx
	rep movsq
	mov	%rax, UC_EFLAGS(%rdx)
	movq	$0, CTL_SIGRETURN(%rbx)
	mov	%r12, %rsi
stub_local_end:
/* The mask first, then the look at attention: in this order. */
stub_set_mask:
	xchg	%r9, CTL_MASK(%rbx)
	cmpl	$0, CTL_ATTENTION(%rbx)
	jne	1f
stub_answered:
	mov	%rdx, %rsp
	mov	$15, %eax			/* rt_sigreturn */
	syscall
	jmp	stub_die
1:	mov	$STUB_KICK, %edi
	jmp	stub_event

/* Commands: r15 the next one, r12 how many are left. */
stub_run:
	lea	CTL_CMDS(%rbx), %r15
	mov	CTL_COUNT(%rbx), %r12
1:	mov	(%r15), %rax
	mov	8(%r15), %rdi
	mov	16(%r15), %rsi
	mov	24(%r15), %rdx
	mov	32(%r15), %r10
	mov	40(%r15), %r8
	mov	48(%r15), %r9
	cmp	$56, %eax
	je	stub_clone
	cmp	$STUB_NR_CMPXCHG, %eax
	je	3f
	cmp	$STUB_NR_PATCH, %eax
	je	7f
	syscall
2:	mov	%rax, %rsi
	cmp	$-4095, %rax
	jae	4f
	add	$64, %r15
	dec	%r12
	jnz	1b
	testl	$CTL_F_RESUME, CTL_FLAGS(%rbx)
	jz	4f
	testl	$CTL_F_AS_IS, CTL_FLAGS(%rbx)
	jnz	6f
	mov	CTL_FRAME(%rbx), %rdx
	mov	%rax, UC_RAX(%rdx)
6:	testl	$CTL_F_CLOSE, CTL_FLAGS(%rbx)
	jz	stub_resume
	mov	$3, %eax			/* close */
	mov	CTL_FD(%rbx), %edi
	syscall
	jmp	stub_resume
3:	mov	%esi, %eax
	lock cmpxchg %edx, (%rdi)
	mov	$0, %eax
	mov	$-11, %rcx			/* -EAGAIN */
	cmovne	%rcx, %rax
	jmp	2b
7:	mov	%rsi, %rax			/* old words in rdx:rax, new ones in rcx:rbx */
	mov	%rbx, %r13
	mov	%r10, %rbx
	mov	%r8, %rcx
	lock cmpxchg16b (%rdi)
	mov	%r13, %rbx
	xor	%eax, %eax
	jmp	2b
/* Report: result in rsi, index of the command in rdx. */
4:	testl	$CTL_F_CLOSE, CTL_FLAGS(%rbx)
	jz	5f
	mov	$3, %eax
	mov	CTL_FD(%rbx), %edi
	syscall
5:	mov	%r15, %rdx
	sub	%rbx, %rdx
	sub	$CTL_CMDS, %rdx
	shr	$6, %rdx
	xor	%edi, %edi
	jmp	stub_event

/* clone: what the child needs before it has memory of its own travels in registers. */
stub_clone:
	mov	CTL_CHILD_NR(%rbx), %rbp
	mov	CTL_CHILD_AREA(%rbx), %r12
	mov	CTL_CHILD_FD(%rbx), %r13
	mov	CTL_CHILD_OFF(%rbx), %r14
	syscall
	test	%rax, %rax
	jz	1f
	mov	%rax, %rsi
	cmp	$-4095, %rax
	jae	5b
	testl	$CTL_F_RESUME, CTL_FLAGS(%rbx)
	jz	5b
	jmp	stub_resume
/* The child. A quiet one has its area and is known by CTL_HOST_TID: it begins. */
1:	mov	%rbx, %r15			/* the parent's area */
	test	%ebp, %ebp
	jnz	6f
	cmpl	$0, CTL_KICKED(%r12)
	je	5f
	mov	$STUB_NR_EVENT, %ebp
6:	mov	%r12, %rdi			/* birth: mmap of the area, or an event like it */
	mov	%r9, %rsi
	mov	$3, %edx			/* PROT_READ | PROT_WRITE */
	mov	$0x11, %r10d			/* MAP_SHARED | MAP_FIXED */
	mov	%r13, %r8
	mov	%r14, %r9
	mov	%rbp, %rax
	syscall
stub_birth_event:
	cmp	$-4095, %rax
	jae	stub_die
	mov	%r12, %rbx
	mov	CTL_BIRTH(%rbx), %r12
	test	$CTL_B_MAPPED, %r12d
	jz	2f
	mov	$3, %eax			/* close */
	mov	CTL_FD(%rbx), %edi
	syscall
	mov	$28, %eax			/* madvise(area, size, MADV_DONTFORK) */
	mov	%rbx, %rdi
	mov	$10, %edx
	syscall
	andq	$~CTL_B_MAPPED, CTL_BIRTH(%rbx)	/* now others may use the chunk */
2:	test	$CTL_B_PROCESS, %r12d
	jz	3f
	mov	$436, %eax			/* close_range(0, ~0, 0) */
	xor	%edi, %edi
	mov	$-1, %esi
	xor	%edx, %edx
	syscall
	mov	$157, %eax			/* prctl(PR_SET_PDEATHSIG, SIGKILL) */
	mov	$1, %edi
	mov	$9, %esi
	syscall
	jmp	3f
5:	mov	%r12, %rbx
3:	testl	$CTL_B_GS, CTL_BIRTH(%rbx)
	jz	7f
	rdgsbase %rax
	cmp	%r15, %rax
	jne	7f
	wrgsbase %rbx
7:	mov	CTL_SET_TID(%rbx), %rdi
	test	%rdi, %rdi
	jz	4f
	mov	CTL_TID(%rbx), %eax
	mov	%eax, (%rdi)
4:	mov	CTL_START(%rbx), %eax
	jmp	stub_dispatch

/* Parked: nothing of us is outstanding at the sentry until it writes the word. */
stub_park:
	mov	CTL_PARK(%rbx), %eax
	test	%eax, %eax
	jnz	1f
	mov	$202, %eax			/* futex(&park, FUTEX_WAIT, 0) */
	lea	CTL_PARK(%rbx), %rdi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	syscall
	jmp	stub_park
1:	dec	%eax
	jmp	stub_dispatch

/* A timed futex wait of the guest was interrupted by a kick that came to nothing. The host still
 * knows how to go on with it (restart_syscall), until the next rt_sigreturn. Kicks must be able to
 * interrupt it again: they come in a second frame below this one. */
stub_restart:
	mov	CTL_FRAME(%rbx), %rsp
	mov	$14, %eax			/* rt_sigprocmask(SIG_UNBLOCK, kick) */
	mov	$1, %edi
	lea	stub_kick_mask(%rip), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	syscall
	mov	$219, %eax			/* restart_syscall */
stub_restart_call:
	syscall
stub_restart_end:
	mov	%rax, UC_RAX(%rsp)
	jmp	stub_resume

/* The host clears the word at clear_tid and wakes a waiter when the thread has really ended, so
 * that nothing of it touches memory that a joiner frees. After ALIVE = 0 the area may get
 * another thread. */
stub_exit:
	mov	$218, %eax			/* set_tid_address */
	mov	CTL_CLEAR_TID(%rbx), %rdi
	syscall
	movl	$0, CTL_ALIVE(%rbx)
	mov	$60, %eax			/* exit */
	xor	%edi, %edi
	syscall
	jmp	stub_die

stub_exit_leader:
	mov	CTL_CLEAR_TID(%rbx), %rdi
	test	%rdi, %rdi
	jz	stub_park
	mov	$202, %eax			/* futex(clear_tid, FUTEX_WAKE, 1) */
	mov	$1, %esi
	mov	$1, %edx
	syscall
	jmp	stub_park

	.balign	8
stub_kick_mask:
	.quad	1 << (STUB_KICK - 1)
stub_text_end:
	.section .note.GNU-stack, "", @progbits
