/* SPDX-License-Identifier: Apache-2.0 */
/* recv.S - a blocking ioctl that a signal can call off without a race
 *
 * long arch_ioctl_unless(int fd, unsigned long request, void *arg, const _Atomic u32 *flag)
 * does ioctl(fd, request, arg) unless *flag is not 0, then -EINTR. A signal handler that finds
 * the thread between begin and end (the call has not begun) moves it to arch_ioctl_called_off.
 */
	.text
	.globl	arch_ioctl_unless, arch_ioctl_begin, arch_ioctl_end, arch_ioctl_called_off
	.type	arch_ioctl_unless, @function
	.balign	16
arch_ioctl_unless:
	.cfi_startproc
	endbr64
arch_ioctl_begin:
	cmpl	$0, (%rcx)
	jne	arch_ioctl_called_off
	mov	$16, %eax
	syscall
arch_ioctl_end:
	ret
arch_ioctl_called_off:
	mov	$-4, %rax
	ret
	.cfi_endproc
	.size	arch_ioctl_unless, . - arch_ioctl_unless
	.section .note.GNU-stack, "", @progbits
