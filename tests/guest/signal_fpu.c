/* SPDX-License-Identifier: Apache-2.0 */
/* signal_fpu.c - SSE, AVX and x87 state across handlers, context switches, fork and system calls */
#include "tests/lib/guest.h"

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <ucontext.h>

static void clobber(int sig)
{
	double zero[4] = {0, 0, 0, 0};

	(void)sig;
	g_signals++;
	__asm__ volatile(
		"movupd %0, %%xmm0\n\tmovupd %0, %%xmm7\n\tmovupd %0, %%xmm15\n\tfninit" ::"m"(zero)
		: "xmm0", "xmm7", "xmm15");
}

__attribute__((target("avx"))) static void clobber_avx(int sig)
{
	(void)sig;
	g_signals++;
	__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm15");
}

/* Loads xmm0, xmm7, xmm15, makes a system call, and tells whether they are unchanged. */
static int sse_across_call(long nr, long a, long b, long c)
{
	uint64_t in[2] = {0x1122334455667788, 0x99aabbccddeeff00}, out[6];
	long ret;

	__asm__ volatile("movupd %[in], %%xmm0\n\tmovupd %[in], %%xmm7\n\tmovupd %[in], %%xmm15\n\t"
			 "syscall\n\t"
			 "movupd %%xmm0, %[o0]\n\tmovupd %%xmm7, %[o1]\n\tmovupd %%xmm15, %[o2]"
			 : "=a"(ret), [o0] "=m"(*(__m128d *)&out[0]),
			   [o1] "=m"(*(__m128d *)&out[2]), [o2] "=m"(*(__m128d *)&out[4])
			 : "a"(nr), "D"(a), "S"(b), "d"(c), [in] "m"(*(__m128d *)in)
			 : "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
	for (int i = 0; i < 6; i++)
		if (out[i] != in[i & 1])
			return 0;
	return 1;
}

__attribute__((target("avx"))) static int avx_across_call(long nr, long a, long b, long c)
{
	uint64_t in[4] = {1, 2, 3, 4}, out[8];
	long ret;

	__asm__ volatile("vmovupd %[in], %%ymm1\n\tvmovupd %[in], %%ymm15\n\t"
			 "syscall\n\t"
			 "vmovupd %%ymm1, %[o0]\n\tvmovupd %%ymm15, %[o1]\n\tvzeroupper"
			 : "=a"(ret), [o0] "=m"(*(__m256d *)&out[0]), [o1] "=m"(*(__m256d *)&out[4])
			 : "a"(nr), "D"(a), "S"(b), "d"(c), [in] "m"(*(__m256d *)in)
			 : "rcx", "r11", "memory", "xmm1", "xmm15");
	for (int i = 0; i < 8; i++)
		if (out[i] != in[i & 3])
			return 0;
	return 1;
}

static void test_calls(void)
{
	CASE("system calls of every class leave vector registers alone")
	{
		CHECK(sse_across_call(SYS_getpid, 0, 0, 0));
		CHECK(sse_across_call(SYS_mmap, 0, 0, 0));
		CHECK(sse_across_call(SYS_munmap, 4096, 4096, 0));
		CHECK(sse_across_call(SYS_brk, 0, 0, 0));
		CHECK(sse_across_call(SYS_sched_yield, 0, 0, 0));
		if (__builtin_cpu_supports("avx")) {
			CHECK(avx_across_call(SYS_getpid, 0, 0, 0));
			CHECK(avx_across_call(SYS_brk, 0, 0, 0));
			CHECK(avx_across_call(SYS_sched_yield, 0, 0, 0));
		}
	}
	CASE("integer registers but rax, rcx, r11 survive a call")
	{
		unsigned long r[8] = {0};

		__asm__ volatile(
			"movq $11, %%r8\n\tmovq $12, %%r9\n\tmovq $13, %%r10\n\tmovq $14, %%r12\n\t"
			"movq $15, %%r13\n\tmovq $16, %%r14\n\tmovq $17, %%r15\n\tmovq $18, "
			"%%rdi\n\t"
			"movl %1, %%eax\n\tsyscall\n\t"
			"movq %%r8, 0(%0)\n\tmovq %%r9, 8(%0)\n\tmovq %%r10, 16(%0)\n\tmovq %%r12, "
			"24(%0)\n\t"
			"movq %%r13, 32(%0)\n\tmovq %%r14, 40(%0)\n\tmovq %%r15, 48(%0)\n\tmovq "
			"%%rdi, 56(%0)"
			:
			: "b"(r), "i"(SYS_getuid)
			: "rax", "rcx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			  "memory");
		for (int i = 0; i < 8; i++)
			CHECK_EQ(r[i], 11 + i);
	}
}

static void test_handlers(void)
{
	CASE("SSE registers survive a handler that destroys them")
	{
		on_signal(SIGUSR1, clobber, 0);
		CHECK(sse_across_call(SYS_tgkill, getpid(), gettid(), SIGUSR1));
		CHECK_EQ(g_signals, 1);
	}
	CASE("AVX registers survive a handler that destroys them")
	{
		if (!__builtin_cpu_supports("avx"))
			SKIP("no AVX");
		on_signal(SIGUSR1, clobber_avx, 0);
		CHECK(avx_across_call(SYS_tgkill, getpid(), gettid(), SIGUSR1));
		CHECK_EQ(g_signals, 1);
	}
	CASE("x87 stack and control word survive a handler with fninit")
	{
		volatile long double a = 1.25L, b = 0;
		unsigned short cw = 0x27f, cw2 = 0, normal = 0x37f;

		on_signal(SIGUSR1, clobber, 0);
		__asm__ volatile("fldcw %2\n\tfldt %3\n\tsyscall\n\tfstpt %0\n\tfnstcw %1"
				 : "=m"(b), "=m"(cw2)
				 : "m"(cw), "m"(a), "a"((long)SYS_tgkill), "D"((long)getpid()),
				   "S"((long)gettid()), "d"((long)SIGUSR1)
				 : "rcx", "r11", "memory");
		__asm__ volatile("fldcw %0" ::"m"(normal));
		CHECK(b == a);
		CHECK_EQ(cw2, cw);
		CHECK_EQ(g_signals, 1);
	}
	CASE("MXCSR is per context and kept over a handler")
	{
		unsigned in = 0x1f80 | 0x6000, out = 0, normal = 0x1f80;

		on_signal(SIGUSR1, clobber, 0);
		__asm__ volatile("ldmxcsr %0" ::"m"(in));
		raise(SIGUSR1);
		__asm__ volatile("stmxcsr %0" : "=m"(out));
		__asm__ volatile("ldmxcsr %0" ::"m"(normal));
		CHECK_EQ(out & 0xffc0, in);
	}
	signal(SIGUSR1, SIG_DFL);
}

static void edit_xmm(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)si;
	g_signals++;
	uc->uc_mcontext.fpregs->_xmm[3].element[0] = 0xabcd;
}

static void *spin_fpu(void *arg)
{
	double seed = (double)(intptr_t)arg, x = seed;

	for (int i = 0; i < 2000000; i++) {
		x = x * 1.0000001 + seed;
		x = (x - seed) / 1.0000001;
	}
	return x > seed * 0.999 && x < seed * 1.001 ? NULL : "bad";
}

static void test_context(void)
{
	CASE("a handler can change vector registers through its context; the frame has the xstate "
	     "magic")
	{
		struct sigaction sa = {.sa_flags = SA_SIGINFO};
		unsigned v = 0;

		sa.sa_sigaction = edit_xmm;
		sigaction(SIGUSR1, &sa, NULL);
		__asm__ volatile("pxor %%xmm3, %%xmm3\n\tsyscall\n\tmovd %%xmm3, %0"
				 : "=r"(v)
				 : "a"((long)SYS_tgkill), "D"((long)getpid()), "S"((long)gettid()),
				   "d"((long)SIGUSR1)
				 : "rcx", "r11", "memory", "xmm3");
		CHECK_EQ(v, 0xabcd);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("threads that compute while signals arrive keep their registers")
	{
		pthread_t t[3];

		on_signal(SIGUSR1, clobber, SA_RESTART);
		for (int i = 0; i < 3; i++)
			pthread_create(&t[i], NULL, spin_fpu, (void *)(intptr_t)(i + 3));
		for (int i = 0; i < 100; i++) {
			pthread_kill(t[i % 3], SIGUSR1);
			usleep(50);
		}
		for (int i = 0; i < 3; i++) {
			void *r;

			pthread_join(t[i], &r);
			CHECK(r == NULL);
		}
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("fork copies vector registers and rounding mode")
	{
		unsigned in = 0x1f80 | 0x2000, normal = 0x1f80;

		__asm__ volatile("ldmxcsr %0" ::"m"(in));
		pid_t p = FORK(unsigned out = 0; __asm__ volatile("stmxcsr %0"
								  : "=m"(out));
			       CHECK_EQ(out & 0xffc0, in));

		__asm__ volatile("ldmxcsr %0" ::"m"(normal));
		CHECK_EXIT(p, 0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_calls();
	test_handlers();
	test_context();
	return test_end();
}
