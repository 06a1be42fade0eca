/* SPDX-License-Identifier: Apache-2.0 */
/* signal_mask.c - rt_sigprocmask and returns of handlers, with signals that come meanwhile: masks
 * that change on one CPU while others send */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <ucontext.h>

#define PAGE  4096
#define SENDS 500

static char g_alt[65536];
static volatile sig_atomic_t g_inside;
static _Atomic int g_received, g_stop;

static long mask(int how, const void *set, void *old, size_t size)
{
	return syscall(SYS_rt_sigprocmask, how, set, old, size);
}

static unsigned long bit(int sig)
{
	return 1ul << (sig - 1);
}

static unsigned long blocked(void)
{
	unsigned long old = 0;

	MUST(mask(SIG_BLOCK, NULL, &old, 8));
	return old;
}

static void test_calls(void)
{
	unsigned long set = bit(SIGUSR1) | bit(SIGKILL) | bit(SIGSTOP), old = 1;

	CASE("block, unblock, set; SIGKILL and SIGSTOP never are")
	{
		CHECK_EQ(mask(SIG_BLOCK, &set, &old, 8), 0);
		CHECK_EQ(blocked(), old | bit(SIGUSR1));
		CHECK_EQ(mask(SIG_UNBLOCK, &set, &old, 8), 0);
		CHECK_EQ(old & bit(SIGUSR1), bit(SIGUSR1));
		CHECK_EQ(blocked() & bit(SIGUSR1), 0);
		set = ~0ul;
		CHECK_EQ(mask(SIG_SETMASK, &set, &old, 8), 0);
		CHECK_EQ(blocked(), ~(bit(SIGKILL) | bit(SIGSTOP)));
		CHECK_EQ(mask(SIG_SETMASK, &old, NULL, 8), 0);
		CHECK_EQ(blocked(), old);
	}
	CASE("wrong arguments change nothing")
	{
		unsigned long was = blocked();

		set = bit(SIGUSR1);
		CHECK_ERRNO(mask(3, &set, NULL, 8), EINVAL);
		CHECK_EQ(mask(3, NULL, NULL, 8), 0);
		CHECK_ERRNO(mask(SIG_BLOCK, &set, NULL, 4), EINVAL);
		CHECK_ERRNO(mask(SIG_BLOCK, &set, NULL, 16), EINVAL);
		CHECK_ERRNO(mask(SIG_BLOCK, (void *)8, NULL, 8), EFAULT);
		CHECK_ERRNO(mask(SIG_BLOCK, (void *)-8l, NULL, 8), EFAULT);
		CHECK_ERRNO(mask(SIG_BLOCK, (void *)0x800000000000ul, NULL, 8), EFAULT);
		CHECK_EQ(blocked(), was);
	}
	CASE("memory that ends within the set, or cannot be written")
	{
		char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		unsigned long was = blocked();

		munmap(m + PAGE, PAGE);
		CHECK_ERRNO(mask(SIG_BLOCK, m + PAGE - 4, NULL, 8), EFAULT);
		CHECK_ERRNO(mask(SIG_BLOCK, NULL, m + PAGE - 4, 8), EFAULT);
		CHECK_EQ(mask(SIG_BLOCK, m + PAGE - 8, m + PAGE - 8, 8), 0);
		mprotect(m, PAGE, PROT_READ);
		CHECK_ERRNO(mask(SIG_BLOCK, m, m, 8), EFAULT);
		CHECK_EQ(blocked(), was);
		munmap(m, PAGE);
	}
	CASE("/proc, a new thread, a child and a new program see it")
	{
		char text[8192], *at;

		set = bit(SIGUSR2);
		mask(SIG_BLOCK, &set, NULL, 8);
		read_file("/proc/self/status", text, sizeof(text));
		at = strstr(text, "\nSigBlk:\t");
		CHECK(at && strtoull(at + 9, NULL, 16) & bit(SIGUSR2));
		CHECK_EXIT(FORK(CHECK_EQ(blocked() & bit(SIGUSR2), bit(SIGUSR2))), 0);
		CHECK_EXIT(FORK(execl("/bin/sh", "sh", "-c",
				      "while read a b; do case $a in SigBlk:) case $b in *800) "
				      "exit 7;; esac;; "
				      "esac; done < /proc/self/status",
				      NULL)),
			   7);
		mask(SIG_UNBLOCK, &set, NULL, 8);
	}
}

static void test_pending(void)
{
	unsigned long set = bit(SIGUSR1);

	CASE("a pending signal runs before the call that unblocks it returns")
	{
		on_signal(SIGUSR1, count_signal, 0);
		g_signals = 0;
		for (int i = 1; i <= 300; i++) {
			mask(SIG_BLOCK, &set, NULL, 8);
			raise(SIGUSR1);
			raise(SIGUSR1);
			if (g_signals != i - 1)
				break;
			mask(SIG_UNBLOCK, &set, NULL, 8);
			if (g_signals != i)
				break;
		}
		CHECK_EQ(g_signals, 300);
	}
	CASE("a signal ignored while it is pending does not come")
	{
		g_signals = 0;
		mask(SIG_BLOCK, &set, NULL, 8);
		raise(SIGUSR1);
		signal(SIGUSR1, SIG_IGN);
		on_signal(SIGUSR1, count_signal, 0);
		mask(SIG_UNBLOCK, &set, NULL, 8);
		CHECK_EQ(g_signals, 0);
	}
}

/* ---- handlers ---------------------------------------------------------------------------------
 */

static void edit_mask(int sig, siginfo_t *info, void *uc)
{
	sigaddset(&((ucontext_t *)uc)->uc_sigmask, SIGUSR2);
}

static void edit_result(int sig, siginfo_t *info, void *uc)
{
	((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX] = 77;
}

static void edit_altstack(int sig, siginfo_t *info, void *uc)
{
	((ucontext_t *)uc)->uc_stack =
		(stack_t){.ss_sp = g_alt, .ss_size = sizeof(g_alt) / 2, .ss_flags = 0};
}

static void new_altstack(int sig)
{
	stack_t s = {.ss_sp = g_alt, .ss_size = sizeof(g_alt)};

	g_inside = sigaltstack(&s, NULL) == 0;
}

static void fork_inside(int sig)
{
	g_inside = fork();
}

static void act(int sig, void (*h)(int, siginfo_t *, void *))
{
	struct sigaction sa = {.sa_sigaction = h, .sa_flags = SA_SIGINFO};

	sigaction(sig, &sa, NULL);
}

static void test_returns(void)
{
	unsigned long set = bit(SIGUSR2);
	stack_t none = {.ss_flags = SS_DISABLE}, now;

	CASE("what a handler writes into its frame holds after it: mask, registers")
	{
		act(SIGUSR1, edit_mask);
		raise(SIGUSR1);
		CHECK_EQ(blocked() & set, set);
		mask(SIG_UNBLOCK, &set, NULL, 8);
		act(SIGUSR1, edit_result);
		CHECK_EQ(syscall(SYS_kill, getpid(), SIGUSR1), 77);
	}
	CASE("a pending signal that the return unblocks comes at once")
	{
		struct sigaction sa = {.sa_handler = count_signal};

		on_signal(SIGUSR2, count_signal, 0);
		g_signals = 0;
		sigaddset(&sa.sa_mask, SIGUSR2);
		sigaction(SIGUSR1, &sa, NULL);
		mask(SIG_BLOCK, &set, NULL, 8);
		raise(SIGUSR2);
		raise(SIGUSR1);
		CHECK_EQ(g_signals, 1);
		mask(SIG_UNBLOCK, &set, NULL, 8);
		CHECK_EQ(g_signals, 2);
	}
	CASE("the alternate stack is that of the frame")
	{
		sigaltstack(&none, NULL);
		on_signal(SIGUSR1, new_altstack, 0);
		raise(SIGUSR1);
		CHECK_EQ(g_inside, 1);
		sigaltstack(NULL, &now);
		CHECK_EQ(now.ss_flags, SS_DISABLE);
		act(SIGUSR1, edit_altstack);
		raise(SIGUSR1);
		sigaltstack(NULL, &now);
		CHECK(now.ss_sp == g_alt && now.ss_size == sizeof(g_alt) / 2);
		sigaltstack(&none, NULL);
	}
	CASE("a child made in a handler returns from it too")
	{
		on_signal(SIGUSR1, fork_inside, 0);
		raise(SIGUSR1);
		if (g_inside == 0)
			_exit(blocked() & bit(SIGUSR1) ? 1 : 5);
		CHECK_EXIT(g_inside, 5);
		CHECK_EQ(blocked() & bit(SIGUSR1), 0);
	}
	CASE("floating point state survives a handler, and changes of it in the frame")
	{
		double x = 1.5, y = 0;

		on_signal(SIGUSR1, count_signal, 0);
		__asm__ volatile("movsd %1, %%xmm5\n\tsyscall\n\tmovsd %%xmm5, %0"
				 : "=m"(y)
				 : "m"(x), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
				 : "rcx", "r11", "xmm5", "memory");
		CHECK(y == x);
	}
}

/* ---- senders and receivers on several CPUs -----------------------------------------------------
 */

static void receive(int sig)
{
	atomic_fetch_add(&g_received, 1);
}

/* Blocks and unblocks as fast as it can. */
static void *toggle(void *arg)
{
	unsigned long set = bit(SIGRTMIN), old;

	while (!atomic_load(&g_stop)) {
		mask(SIG_BLOCK, &set, &old, 8);
		mask(SIG_SETMASK, &old, NULL, 8);
	}
	return arg;
}

static void *sleep_blocked(void *arg)
{
	unsigned long set = bit(SIGRTMIN);

	mask(SIG_BLOCK, &set, NULL, 8);
	while (!atomic_load(&g_stop))
		sleep_ms(1);
	return arg;
}

static bool all_received(int want)
{
	long long until = now_ms() + 20000;

	while (atomic_load(&g_received) < want && now_ms() < until)
		sched_yield();
	return atomic_load(&g_received) == want;
}

static void test_senders(void)
{
	unsigned long set = bit(SIGRTMIN);
	union sigval v = {0};
	pthread_t a, b;

	on_signal(SIGRTMIN, receive, 0);
	CASE("none is lost that a thread gets while it changes its mask")
	{
		g_received = g_stop = 0;
		pthread_create(&a, NULL, toggle, NULL);
		for (int i = 1; i <= SENDS; i++) {
			pthread_kill(a, SIGRTMIN);
			if (i % 50 == 0)
				CHECK(all_received(i));
		}
		g_stop = 1;
		pthread_join(a, NULL);
		CHECK_EQ(g_received, SENDS);
	}
	CASE("nor one for the process, whoever takes it")
	{
		g_received = g_stop = 0;
		mask(SIG_BLOCK, &set, NULL, 8);
		pthread_create(&b, NULL, sleep_blocked, NULL);
		mask(SIG_UNBLOCK, &set, NULL, 8);
		pthread_create(&a, NULL, toggle, NULL);
		mask(SIG_BLOCK, &set, NULL, 8);
		for (int i = 1; i <= SENDS; i++) {
			sigqueue(getpid(), SIGRTMIN, v);
			if (i % 50 == 0)
				CHECK(all_received(i));
		}
		g_stop = 1;
		pthread_join(a, NULL);
		pthread_join(b, NULL);
		mask(SIG_UNBLOCK, &set, NULL, 8);
		CHECK_EQ(g_received, SENDS);
	}
	CASE("a child that only counts gets all from its parent")
	{
		int go[2];
		char c;

		MUST(pipe(go));
		g_received = g_stop = 0;
		pid_t p = FORK(g_stop = write(go[1], "x", 1) != 1;
			       for (unsigned long old; atomic_load(&g_received) < SENDS;) {
				       mask(SIG_BLOCK, &set, &old, 8);
				       mask(SIG_SETMASK, &old, NULL, 8);
			       });

		MUST(read(go[0], &c, 1));
		for (int i = 0; i < SENDS; i++)
			sigqueue(p, SIGRTMIN, v);
		CHECK_EXIT(p, 0);
		close(go[0]);
		close(go[1]);
	}
}

/* ---- robust lists ------------------------------------------------------------------------------
 */

static void test_robust(void)
{
	CASE("set_robust_list and get_robust_list, and a new program begins without")
	{
		void *head = NULL, *own = NULL;
		size_t size = 0;

		MUST(syscall(SYS_get_robust_list, 0, &own, &size));
		CHECK_EQ(size, 24);
		CHECK_ERRNO(syscall(SYS_set_robust_list, (void *)8, 23), EINVAL);
		CHECK_EQ(syscall(SYS_set_robust_list, g_alt, 24), 0);
		MUST(syscall(SYS_get_robust_list, 0, &head, &size));
		CHECK(head == g_alt);
		MUST(syscall(SYS_get_robust_list, getpid(), &head, &size));
		CHECK(head == g_alt);
		MUST(syscall(SYS_set_robust_list, own, 24));
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_calls();
	test_pending();
	test_returns();
	test_senders();
	test_robust();
	return test_end();
}
