/* SPDX-License-Identifier: Apache-2.0 */
/* signal_fault.c - faults: signal number, si_code, si_addr, trap number and error code; fatal ones
 * kill */
#include "tests/lib/guest.h"

#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf g_jump;
static volatile siginfo_t g_si;
static volatile long g_trap, g_err, g_cr2, g_rip;

static void caught(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	g_si.si_code = si->si_code;
	g_si.si_addr = si->si_addr;
	g_trap = uc->uc_mcontext.gregs[REG_TRAPNO];
	g_err = uc->uc_mcontext.gregs[REG_ERR];
	g_cr2 = uc->uc_mcontext.gregs[REG_CR2];
	g_rip = uc->uc_mcontext.gregs[REG_RIP];
	siglongjmp(g_jump, sig);
}

static void catch_all(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	struct sigaction sa = {.sa_flags = SA_SIGINFO};

	sa.sa_sigaction = caught;
	for (unsigned i = 0; i < COUNT(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
}

/* Runs the statement; the value is the signal it raised, 0 for none. */
#define FAULT(stmt)                              \
	__extension__({                          \
		int sig_ = sigsetjmp(g_jump, 1); \
		if (sig_ == 0) {                 \
			stmt;                    \
		}                                \
		sig_;                            \
	})

static void test_segv(void)
{
	char *m = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char sink;

	memset(m, 1, 8192);
	munmap(m + 8192, 4096);
	mprotect(m + 4096, 4096, PROT_READ);
	CASE("unmapped: SEGV_MAPERR with the address; read, write and instruction bits")
	{
		CHECK_EQ(FAULT(sink = *(volatile char *)(m + 8195)), SIGSEGV);
		CHECK_EQ(g_si.si_code, SEGV_MAPERR);
		CHECK(g_si.si_addr == m + 8195);
		CHECK_EQ(g_trap, 14);
		CHECK_EQ(g_err & 7, 4);
		CHECK_EQ(g_cr2, (long)(m + 8195));
		CHECK_EQ(FAULT(*(volatile char *)(m + 8192) = 1), SIGSEGV);
		CHECK_EQ(g_err & 7, 6);
		CHECK_EQ(FAULT(*(volatile int *)NULL = 1), SIGSEGV);
		CHECK(g_si.si_addr == NULL);
	}
	CASE("protected: SEGV_ACCERR")
	{
		CHECK_EQ(FAULT(m[4096] = 1), SIGSEGV);
		CHECK_EQ(g_si.si_code, SEGV_ACCERR);
		CHECK(g_si.si_addr == m + 4096);
		CHECK_EQ(g_err & 7, 7);
		mprotect(m, 4096, PROT_NONE);
		CHECK_EQ(FAULT(sink = *(volatile char *)m), SIGSEGV);
		CHECK_EQ(g_si.si_code, SEGV_ACCERR);
		mprotect(m, 4096, PROT_READ | PROT_WRITE);
	}
	CASE("jump to data: SEGV_ACCERR at that address")
	{
		m[0] = (char)0xc3;
		CHECK_EQ(FAULT(((void (*)(void))(void *)m)()), SIGSEGV);
		CHECK_EQ(g_si.si_code, SEGV_ACCERR);
		CHECK_EQ(g_rip, (long)m);
	}
	CASE("non-canonical address and kernel address")
	{
		CHECK_EQ(FAULT(sink = *(volatile char *)0x8000000000000000ul), SIGSEGV);
		CHECK_EQ(g_si.si_code, SI_KERNEL);
		CHECK(g_si.si_addr == NULL);
		CHECK_EQ(g_trap, 13);
		CHECK_EQ(FAULT(sink = *(volatile char *)0xffffffff81000000ul), SIGSEGV);
		CHECK_EQ(g_si.si_code, SEGV_MAPERR);
	}
	CASE("privileged instructions: SIGSEGV from SI_KERNEL")
	{
		CHECK_EQ(FAULT(__asm__ volatile("hlt")), SIGSEGV);
		CHECK_EQ(g_si.si_code, SI_KERNEL);
		CHECK_EQ(FAULT(__asm__ volatile("inb $0x80, %%al" ::: "al")), SIGSEGV);
		CHECK_EQ(FAULT(__asm__ volatile("movq %%cr0, %%rax" ::: "rax")), SIGSEGV);
	}
	(void)sink;
	munmap(m, 8192);
}

static void test_others(void)
{
	CASE("division by zero: SIGFPE FPE_INTDIV at the instruction")
	{
		CHECK_EQ(FAULT(__asm__ volatile(
				 "xorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx" ::
					 : "eax", "ecx", "edx", "cc")),
			 SIGFPE);
		CHECK_EQ(g_si.si_code, FPE_INTDIV);
		CHECK_EQ((long)g_si.si_addr, g_rip);
		CHECK_EQ(g_trap, 0);
	}
	CASE("SSE exception when unmasked: FPE_FLTDIV")
	{
		unsigned mxcsr = 0x1f80 & ~0x200u, normal = 0x1f80;
		volatile double zero = 0, one = 1, r;

		CHECK_EQ(FAULT(__asm__ volatile("ldmxcsr %0" ::"m"(mxcsr)); r = one / zero),
			 SIGFPE);
		__asm__ volatile("ldmxcsr %0" ::"m"(normal));
		CHECK_EQ(g_si.si_code, FPE_FLTDIV);
		CHECK_EQ(g_trap, 19);
		(void)r;
	}
	CASE("ud2: SIGILL ILL_ILLOPN at the instruction")
	{
		CHECK_EQ(FAULT(__asm__ volatile("ud2")), SIGILL);
		CHECK_EQ(g_si.si_code, ILL_ILLOPN);
		CHECK_EQ((long)g_si.si_addr, g_rip);
	}
	CASE("int3: SIGTRAP from SI_KERNEL, after the instruction; single step TRAP_TRACE")
	{
		CHECK_EQ(FAULT(__asm__ volatile("int3")), SIGTRAP);
		CHECK_EQ(g_si.si_code, SI_KERNEL);
		CHECK_EQ(g_trap, 3);
		CHECK_EQ(*(unsigned char *)(g_rip - 1), 0xcc);
		CHECK_EQ(FAULT(__asm__ volatile(
				 "pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" ::
					 : "cc", "memory")),
			 SIGTRAP);
		CHECK_EQ(g_si.si_code, TRAP_TRACE);
		__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "cc", "memory");
	}
	CASE("beyond the end of a mapped file: SIGBUS BUS_ADRERR; within the last page zeroes")
	{
		int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(fd, 100));
		char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		CHECK_EQ(m[4095], 0);
		CHECK_EQ(FAULT(m[4096] = 1), SIGBUS);
		CHECK_EQ(g_si.si_code, BUS_ADRERR);
		CHECK(g_si.si_addr == m + 4096);
		munmap(m, 8192);
		close(fd);
	}
}

static void test_fatal(void)
{
	CASE("without a handler, ignored or blocked, a fault kills")
	{
		CHECK_EXIT(FORK(signal(SIGSEGV, SIG_DFL);
				pid_t p = FORK(*(volatile int *)BAD_PTR = 1);
				CHECK_KILLED(p, SIGSEGV)),
			   0);
		CHECK_KILLED(FORK(signal(SIGSEGV, SIG_IGN); *(volatile int *)BAD_PTR = 1), SIGSEGV);
		CHECK_KILLED(FORK(sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL);
				  *(volatile int *)BAD_PTR = 1),
			     SIGSEGV);
	}
	CASE("a fault in its own handler kills")
	{
		CHECK_KILLED(FORK(signal(SIGSEGV, (void (*)(int))(uintptr_t)64);
				  *(volatile int *)BAD_PTR = 1),
			     SIGSEGV);
	}
	CASE("an asynchronous SIGSEGV is caught like any other and may be blocked")
	{
		CHECK_EXIT(FORK(on_signal(SIGSEGV, count_signal, 0); kill(getpid(), SIGSEGV);
				CHECK_EQ(g_signals, 1)),
			   0);
	}
	CASE("a handler that repairs the mapping lets the instruction go on")
	{
		CHECK_EXIT(FORK(int n = 0; char *m = mmap(NULL, 4096, PROT_NONE,
							  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
				if (sigsetjmp(g_jump, 1)) {
					n++;
					mprotect(m, 4096, PROT_READ | PROT_WRITE);
				} * (volatile char *)m = 5;
				CHECK_EQ(m[0], 5); (void)n),
			   0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	catch_all();
	test_segv();
	test_others();
	test_fatal();
	return test_end();
}
