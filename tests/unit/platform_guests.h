/* SPDX-License-Identifier: Apache-2.0 */
/* platform_guests.h - the guests of the platform's tests: assembly that is copied into a stub
 *
 * A guest finds DATA in rbp, and reports by calls with invented numbers:
 * 5000 is "here", 5001 "done".
 */
#ifndef TESTS_UNIT_PLATFORM_GUESTS_H
#define TESTS_UNIT_PLATFORM_GUESTS_H

/* clang-format off */
#define GUEST(name, text) \
	extern const char name[], name##_end[]; \
	__asm__(".pushsection .rodata\n.globl " #name ", " #name "_end\n" #name ":\n" text "\n" \
		#name "_end:\n.popsection\n")
#define CALL(nr) "mov $" #nr ", %eax\nsyscall\n"
#define DONE	 CALL(5001) "hlt\n"
/* Waits on the word at DATA, and reports the result. */
#define WAIT_CODE(op, timeout) \
	CALL(5000) \
	"mov %rbp, %rdi\nmov $" #op ", %esi\nxor %edx, %edx\n" \
	"mov $" #timeout ", %r10d\nmov $-1, %r9d\n" CALL(202) \
	"mov %rax, %rdi\n" DONE

GUEST(g_plain,
	CALL(39)
	"mov %rax, %rdi\n"
	"mov $2, %esi\n"
	"mov $3, %edx\n"
	"mov $4, %r10d\n"
	"mov $5, %r8d\n"
	"mov $6, %r9d\n"
	CALL(5000)
	"mov %rax, %rdi\n"
	DONE);

GUEST(g_mmap,
	"mov $0x300000, %edi\n"
	"mov $4096, %esi\n"
	"mov $3, %edx\n"
	"mov $0x32, %r10d\n"
	"mov $-1, %r8\n"
	"xor %r9d, %r9d\n"
	CALL(9)
	"movl $77, (%rax)\n"
	"mov %rax, %rdi\n"
	DONE);

GUEST(g_munmap,
	"mov $0x200000, %edi\n"
	"mov $0x1000, %esi\n"
	CALL(11)
	"mov %rax, %rdi\n"
	DONE);

GUEST(g_fault,
	"movl $1, 0x1234\n"
	"int3\n"
	"ud2\n"
	DONE);

GUEST(g_foreign,
	"mov $20, %eax\n"
	"int $0x80\n"
	"mov %eax, %edi\n"
	CALL(5000)
	"mov $0x40000027, %eax\n"
	"syscall\n"
	"mov %rax, %rdi\n"
	CALL(5000)
	"mov $0xffffffffff600400, %rax\n"
	"call *%rax\n"
	"mov %rax, %rdi\n"
	DONE);

GUEST(g_native,
	"mov $24, %eax\n"
	"syscall\n"
	"mov $0x1003, %edi\n"
	"mov %rbp, %rsi\n"
	CALL(158)
	"mov $228, %eax\n"
	"mov $1, %edi\n"
	"lea 16(%rbp), %rsi\n"
	"syscall\n"
	"mov 16(%rbp), %rdi\n"
	DONE);

GUEST(g_spin,
	CALL(5000)
	"1:\tpause\n"
	"cmpl $0, (%rbp)\n"
	"je 1b\n"
	DONE);

GUEST(g_wait,
	WAIT_CODE(0, 0));

GUEST(g_wait_timed,
	WAIT_CODE(0, 0x200100));

GUEST(g_clone,
	CALL(56)
	"test %rax, %rax\n"
	"jz 1f\n"
	"mov %rax, %rdi\n"
	CALL(5000)
	DONE
	"1:\tmov $0x1003, %edi\n"
	"lea 8(%rbp), %rsi\n"
	CALL(158)
	"mov 8(%rbp), %rsi\n"
	"xor %edi, %edi\n"
	CALL(5002)
	"mov $60, %eax\n"
	"syscall\n"
	"hlt\n");

GUEST(g_cloner,
	"1:\tmov $56, %eax\n"
	"syscall\n"
	"test %rax, %rax\n"
	"jnz 1b\n"
	"mov $60, %eax\n"
	"syscall\n");

GUEST(g_breeder,
	"1:\tmov $56, %eax\n"
	"syscall\n"
	"test %rax, %rax\n"
	"jnz 1b\n"
	"2:\tpause\n"
	"jmp 2b\n");

GUEST(g_jump,
	CALL(5000)
	"mov (%rbp), %rax\n"
	"mov 8(%rbp), %rdi\n"
	"mov 16(%rbp), %rsi\n"
	"mov 24(%rbp), %rdx\n"
	"mov 32(%rbp), %r10\n"
	"mov 40(%rbp), %r8\n"
	"mov 48(%rbp), %r9\n"
	"jmp *56(%rbp)\n");

GUEST(g_xstate,
	"movdqu (%rbp), %xmm7\n"
	"mov $0x5555, %r12\n"
	CALL(25)
	"movdqu %xmm7, 16(%rbp)\n"
	"mov %r12, %rdi\n"
	"vmovdqu 64(%rbp), %ymm5\n"
	CALL(56)
	"vmovdqu %ymm5, 96(%rbp)\n"
	CALL(5000)
	DONE);

GUEST(g_blocker,
	"1:\tmov $56, %eax\n"
	"syscall\n"
	"test %rax, %rax\n"
	"jnz 1b\n"
	CALL(5000)
	"mov %rax, %rdi\n"
	DONE);

GUEST(g_loop,
	"mov $200000, %r12d\n"
	"1:\tmov $110, %eax\n"
	"syscall\n"
	"dec %r12d\n"
	"jnz 1b\n"
	DONE);

GUEST(g_maploop,
	"mov $20000, %r12d\n"
	"1:\tmov $0, %edi\n"
	"mov $65536, %esi\n"
	"mov $3, %edx\n"
	"mov $0x22, %r10d\n"
	"mov $-1, %r8\n"
	"xor %r9d, %r9d\n"
	CALL(9)
	"mov %rax, %rdi\n"
	"mov $65536, %esi\n"
	CALL(11)
	"dec %r12d\n"
	"jnz 1b\n"
	DONE);
/* The child spoils the first command of the parent's area, whose address is at DATA, for ever;
 * the parent makes structural calls. */
GUEST(g_scribbler,
	CALL(56)
	"test %rax, %rax\n"
	"jz 2f\n"
	"1: mov $25, %eax\n"
	"syscall\n"
	"jmp 1b\n"
	"2: mov (%rbp), %rbx\n"
	"3: movq $39, 0x400(%rbx)\n"
	"movq $11, 0x400(%rbx)\n"
	"movq $0x250000, 0x408(%rbx)\n"
	"movq $0x400000, 0x408(%rbx)\n"
	"jmp 3b\n");
/* clang-format on */

#endif
