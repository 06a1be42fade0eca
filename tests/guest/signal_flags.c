/* SPDX-License-Identifier: Apache-2.0 */
/* signal_flags.c - each SA_* flag, masks during handlers, alternate stacks, nesting, leaving by
 * longjmp */
#include "tests/lib/guest.h"

#include <setjmp.h>
#include <ucontext.h>

static volatile int g_depth, g_max, g_order[16], g_norder;
static char g_alt[65536];
static sigjmp_buf g_jump;

static int mask_has(int sig)
{
	sigset_t s;

	sigprocmask(SIG_BLOCK, NULL, &s);
	return sigismember(&s, sig);
}

static void set(int sig, void (*h)(int), int flags, int blocked)
{
	struct sigaction sa = {.sa_handler = h, .sa_flags = flags};

	if (blocked)
		sigaddset(&sa.sa_mask, blocked);
	sigaction(sig, &sa, NULL);
}

static void nest(int sig)
{
	g_depth++;
	if (g_depth > g_max)
		g_max = g_depth;
	if (g_depth < 3)
		raise(sig);
	g_depth--;
}

static void serial(int sig)
{
	g_depth++;
	if (g_depth > g_max)
		g_max = g_depth;
	if (g_signals++ < 3)
		raise(sig);
	g_depth--;
}

static void check_masked(int sig)
{
	g_order[g_norder++] = mask_has(sig);
	g_order[g_norder++] = mask_has(SIGUSR2);
}

static void order(int sig)
{
	g_order[g_norder++] = sig;
}

static void raise_two(int sig)
{
	raise(SIGUSR2);
	g_order[g_norder++] = sig;
}

static void test_masks(void)
{
	CASE("the signal itself and sa_mask are blocked in the handler, and restored after")
	{
		g_norder = 0;
		set(SIGUSR1, check_masked, 0, SIGUSR2);
		raise(SIGUSR1);
		CHECK_EQ(g_order[0], 1);
		CHECK_EQ(g_order[1], 1);
		CHECK(!mask_has(SIGUSR1) && !mask_has(SIGUSR2));
	}
	CASE("SA_NODEFER leaves it open and handlers nest; without it they run one after the other")
	{
		g_max = 0;
		set(SIGUSR1, nest, SA_NODEFER, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_max, 3);
		g_max = 0;
		g_depth = 0;
		set(SIGUSR1, serial, 0, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_max, 1);
		CHECK_EQ(g_signals, 4);
	}
	CASE("a signal blocked by sa_mask runs right after the handler")
	{
		g_norder = 0;
		set(SIGUSR1, raise_two, 0, SIGUSR2);
		set(SIGUSR2, order, 0, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_norder, 2);
		CHECK_EQ(g_order[0], SIGUSR1);
		CHECK_EQ(g_order[1], SIGUSR2);
		g_norder = 0;
		set(SIGUSR1, raise_two, 0, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_order[0], SIGUSR2);
		CHECK_EQ(g_order[1], SIGUSR1);
	}
	CASE("SA_RESETHAND gives the default back before the handler runs")
	{
		struct sigaction sa;

		set(SIGUSR1, count_signal, (int)SA_RESETHAND, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_signals, 1);
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == SIG_DFL);
		CHECK_KILLED(FORK(set(SIGUSR1, count_signal, (int)SA_RESETHAND, 0); raise(SIGUSR1);
				  raise(SIGUSR1)),
			     SIGUSR1);
	}
	CASE("sigaction reads back what was set")
	{
		struct sigaction sa;

		set(SIGUSR1, count_signal, SA_RESTART | SA_NODEFER | SA_ONSTACK, SIGHUP);
		sigaction(SIGUSR1, NULL, &sa);
		CHECK_EQ(sa.sa_flags & ~0x04000000, SA_RESTART | SA_NODEFER | SA_ONSTACK);
		CHECK(sigismember(&sa.sa_mask, SIGHUP) && !sigismember(&sa.sa_mask, SIGINT));
		signal(SIGUSR1, SIG_DFL);
		signal(SIGUSR2, SIG_DFL);
	}
}

static volatile int g_on_alt, g_ss_flags;

static void where(int sig)
{
	char here;
	stack_t ss;

	(void)sig;
	g_on_alt = &here >= g_alt && &here < g_alt + sizeof(g_alt);
	sigaltstack(NULL, &ss);
	g_ss_flags = ss.ss_flags;
}

static void change_alt(int sig)
{
	stack_t ss = {.ss_sp = g_alt, .ss_size = sizeof(g_alt)};

	(void)sig;
	g_on_alt = sigaltstack(&ss, NULL) == -1 ? errno : 0;
}

static int overflow(volatile int n)
{
	volatile char pad[4096];

	pad[0] = (char)n;
	return n > 1 << 28 ? 0 : overflow(n + 1) + pad[0];
}

static void leave(int sig)
{
	siglongjmp(g_jump, sig);
}

static void test_altstack(void)
{
	stack_t ss = {.ss_sp = g_alt, .ss_size = sizeof(g_alt)}, old;

	CASE("SA_ONSTACK uses it, others do not; SS_ONSTACK inside; no change while on it")
	{
		MUST(sigaltstack(&ss, NULL));
		set(SIGUSR1, where, SA_ONSTACK, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_on_alt, 1);
		CHECK_EQ(g_ss_flags, SS_ONSTACK);
		set(SIGUSR1, where, 0, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_on_alt, 0);
		CHECK_EQ(g_ss_flags, 0);
		set(SIGUSR1, change_alt, SA_ONSTACK, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_on_alt, EPERM);
	}
	CASE("SS_AUTODISARM disarms during the handler and arms again after")
	{
		stack_t s = ss;

		s.ss_flags = (int)(1u << 31);
		MUST(sigaltstack(&s, NULL));
		set(SIGUSR1, where, SA_ONSTACK, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_on_alt, 1);
		CHECK(g_ss_flags & SS_DISABLE);
		sigaltstack(NULL, &old);
		CHECK(old.ss_sp == g_alt);
		CHECK_EQ((unsigned)old.ss_flags, 1u << 31);
	}
	CASE("too small ENOMEM, bad flags EINVAL, disable, read back")
	{
		stack_t s = {.ss_sp = g_alt, .ss_size = 1024};

		MUST(sigaltstack(&ss, NULL));
		CHECK_ERRNO(sigaltstack(&s, NULL), ENOMEM);
		s.ss_size = sizeof(g_alt);
		s.ss_flags = 64;
		CHECK_ERRNO(sigaltstack(&s, NULL), EINVAL);
		CHECK_ERRNO(sigaltstack(BAD_PTR, NULL), EFAULT);
		s.ss_flags = SS_DISABLE;
		MUST(sigaltstack(&s, &old));
		CHECK(old.ss_sp == g_alt && old.ss_size == sizeof(g_alt));
		sigaltstack(NULL, &old);
		CHECK_EQ(old.ss_flags, SS_DISABLE);
	}
	CASE("stack overflow is caught on the alternate stack, and kills without one")
	{
		MUST(sigaltstack(&ss, NULL));
		set(SIGSEGV, leave, SA_ONSTACK, 0);
		int r = sigsetjmp(g_jump, 1);

		if (r == 0)
			overflow(0);
		CHECK_EQ(r, SIGSEGV);
		CHECK_EXIT(FORK(int q = sigsetjmp(g_jump, 1); if (!q) overflow(0); _exit(q)),
			   SIGSEGV);
		ss.ss_flags = SS_DISABLE;
		sigaltstack(&ss, NULL);
		CHECK_KILLED(FORK(overflow(0)), SIGSEGV);
		signal(SIGSEGV, SIG_DFL);
	}
}

static volatile uint64_t g_seen_mask;

static void edit_context(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)si;
	g_seen_mask = *(uint64_t *)&uc->uc_sigmask;
	sigaddset(&uc->uc_sigmask, SIGHUP);
	uc->uc_mcontext.gregs[REG_RBX] = 0x1234567;
}

static void test_context(void)
{
	CASE("the handler may change registers and mask in its ucontext")
	{
		struct sigaction sa = {.sa_flags = SA_SIGINFO};
		unsigned long rbx = 1;

		sa.sa_sigaction = edit_context;
		sigaction(SIGUSR1, &sa, NULL);
		register long r10 __asm__("r10") = 0;

		__asm__ volatile("movq $1, %%rbx\n\tsyscall\n\tmovq %%rbx, %0"
				 : "=r"(rbx)
				 : "a"((long)SYS_tgkill), "D"((long)getpid()), "S"((long)gettid()),
				   "d"((long)SIGUSR1), "r"(r10)
				 : "rbx", "rcx", "r11", "memory");
		CHECK_EQ(rbx, 0x1234567);
		CHECK(mask_has(SIGHUP));
		CHECK_EQ(g_seen_mask & 1, 0);
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	CASE("siglongjmp out of a handler restores the mask; 1,000 times")
	{
		volatile int n = 0;

		set(SIGUSR1, leave, 0, SIGUSR2);
		if (sigsetjmp(g_jump, 1) != 0)
			n++;
		if (n < 1000)
			raise(SIGUSR1);
		CHECK_EQ(n, 1000);
		CHECK(!mask_has(SIGUSR1) && !mask_has(SIGUSR2));
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("registers survive a handler at any instruction")
	{
		CHECK_EXIT(FORK(pid_t me = getpid(); on_signal(SIGUSR1, count_signal, 0);
				pid_t p = FORK(for (int i = 0; i < 200; i++) {
					kill(me, SIGUSR1);
					usleep(50);
				});
				unsigned long a = 1; unsigned long b = 2; double d = 1;
				while (waitpid(p, NULL, WNOHANG) == 0) {
					a = a * 6364136223846793005ul + 1;
					b ^= a;
					b ^= a;
					d = d * 1.0 + 0.0;
				} CHECK_EQ(b, 2);
				CHECK(d == 1.0); CHECK(g_signals > 0)),
			   0);
	}
	CASE("a frame that does not fit kills with SIGSEGV")
	{
		CHECK_KILLED(FORK(on_signal(SIGUSR1, count_signal, 0); __asm__ volatile(
					  "movq %0, %%rdi\n\tmovq %1, %%rsi\n\tmovl %2, %%eax\n\t"
					  "movq $64, %%rsp\n\tsyscall\n\thlt"
					  :
					  : "r"((long)getpid()), "r"((long)SIGUSR1), "i"(SYS_kill)
					  : "rdi", "rsi", "rax", "rcx", "r11", "memory")),
			     SIGSEGV);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_masks();
	test_altstack();
	test_context();
	return test_end();
}
