/* SPDX-License-Identifier: Apache-2.0 */
/* signal_basic.c - sending, blocking, pending, ignoring; order and queueing of standard and
 * real-time signals */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { LOG = 128 };

static struct {
	int sig, code, value;
	pid_t pid;
	uid_t uid;
} g_log[LOG];
static volatile int g_n;

static void record(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	if (g_n >= LOG)
		return;
	g_log[g_n].sig = sig;
	g_log[g_n].code = si->si_code;
	g_log[g_n].value = si->si_value.sival_int;
	g_log[g_n].pid = si->si_pid;
	g_log[g_n].uid = si->si_uid;
	g_n++;
}

static void catch_all(int sig)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO};

	sa.sa_sigaction = record;
	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void block(int sig, int how)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	sigprocmask(how, &s, NULL);
}

static void test_send(void)
{
	CASE("kill: errors and signal 0")
	{
		CHECK_EQ(kill(getpid(), 0), 0);
		CHECK_ERRNO(kill(getpid(), 65), EINVAL);
		CHECK_ERRNO(kill(getpid(), -1), EINVAL);
		CHECK_ERRNO(kill(0x3fffff, SIGTERM), ESRCH);
		CHECK_ERRNO(kill((pid_t)0x80000000, SIGTERM), ESRCH);
		CHECK_ERRNO(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_tgkill, getpid(), 0x3fffff, SIGTERM), ESRCH);
		CHECK_ERRNO(syscall(SYS_tgkill, 0x3fffff, gettid(), SIGTERM), ESRCH);
		CHECK_EQ(syscall(SYS_tkill, gettid(), 0), 0);
	}
	CASE("an ordinary user may signal his own processes only; SIGCONT within a session")
	{
		NEED_ROOT();
		pid_t p = FORK(pause());

		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711)); CHECK_ERRNO(kill(p, 0), EPERM);
				CHECK_ERRNO(kill(p, SIGTERM), EPERM); CHECK_EQ(kill(p, SIGCONT), 0);
				CHECK_ERRNO(syscall(SYS_tgkill, p, p, SIGTERM), EPERM);
				CHECK_EQ(kill(getpid(), 0), 0)),
			   0);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
	}
	CASE("siginfo of kill, tgkill, sigqueue")
	{
		catch_all(SIGUSR1);
		g_n = 0;
		kill(getpid(), SIGUSR1);
		syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
		union sigval v = {.sival_int = 1234};

		sigqueue(getpid(), SIGUSR1, v);
		CHECK_EQ(g_n, 3);
		CHECK_EQ(g_log[0].code, SI_USER);
		CHECK_EQ(g_log[1].code, SI_TKILL);
		CHECK_EQ(g_log[2].code, SI_QUEUE);
		CHECK_EQ(g_log[2].value, 1234);
		for (int i = 0; i < 3; i++) {
			CHECK_EQ(g_log[i].pid, getpid());
			CHECK_EQ(g_log[i].uid, getuid());
		}
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("rt_sigqueueinfo: forged codes only to oneself")
	{
		siginfo_t si = {.si_signo = SIGUSR1, .si_code = SI_USER};

		CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid() ? getppid() : 1, 0, &si), EPERM);
		catch_all(SIGUSR1);
		g_n = 0;
		si.si_code = 77;
		CHECK_EQ(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si), 0);
		CHECK_EQ(g_n, 1);
		CHECK_EQ(g_log[0].code, 77);
		CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD_PTR), EFAULT);
		CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &si), 0);
		CHECK_EQ(g_n, 2);
		signal(SIGUSR1, SIG_DFL);
	}
}

static void test_queue(void)
{
	CASE("standard signals do not queue, real-time signals do, in order and with values")
	{
		int rt = SIGRTMIN + 3;

		catch_all(SIGUSR1);
		catch_all(rt);
		block(SIGUSR1, SIG_BLOCK);
		block(rt, SIG_BLOCK);
		g_n = 0;
		for (int i = 0; i < 10; i++) {
			union sigval v = {.sival_int = i};

			kill(getpid(), SIGUSR1);
			CHECK_EQ(sigqueue(getpid(), rt, v), 0);
		}
		block(SIGUSR1, SIG_UNBLOCK);
		CHECK_EQ(g_n, 1);
		block(rt, SIG_UNBLOCK);
		CHECK_EQ(g_n, 11);
		for (int i = 0; i < 10; i++)
			CHECK_EQ(g_log[i + 1].value, i);
		signal(rt, SIG_DFL);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("lower numbers are delivered first when unblocked together")
	{
		static const int sigs[] = {50, 40, 36, SIGUSR2, SIGUSR1, SIGHUP};
		sigset_t s, old;

		sigemptyset(&s);
		for (unsigned i = 0; i < COUNT(sigs); i++) {
			catch_all(sigs[i]);
			sigaddset(&s, sigs[i]);
		}
		sigprocmask(SIG_BLOCK, &s, &old);
		g_n = 0;
		for (unsigned i = 0; i < COUNT(sigs); i++)
			kill(getpid(), sigs[i]);
		sigprocmask(SIG_SETMASK, &old, NULL);
		CHECK_EQ(g_n, COUNT(sigs));
		/* every handler blocks all signals, so the last one set up, the highest, runs last
		 */
		for (unsigned i = 0; i + 1 < COUNT(sigs); i++)
			CHECK(g_log[i].sig < g_log[i + 1].sig);
		for (unsigned i = 0; i < COUNT(sigs); i++)
			signal(sigs[i], SIG_DFL);
	}
	CASE("SIGSEGV-like synchronous signals come before others; thread-directed before "
	     "process-directed")
	{
		sigset_t s;

		catch_all(SIGUSR2);
		g_n = 0;
		sigemptyset(&s);
		sigaddset(&s, SIGUSR2);
		sigprocmask(SIG_BLOCK, &s, NULL);
		kill(getpid(), SIGUSR2);
		syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
		sigprocmask(SIG_UNBLOCK, &s, NULL);
		CHECK_EQ(g_n, 2);
		CHECK_EQ(g_log[0].code, SI_TKILL);
		CHECK_EQ(g_log[1].code, SI_USER);
		signal(SIGUSR2, SIG_DFL);
	}
	CASE("RLIMIT_SIGPENDING bounds the queue with EAGAIN")
	{
		CHECK_EXIT(FORK(struct rlimit r = {0, 0}; MUST(setrlimit(RLIMIT_SIGPENDING, &r));
				block(SIGRTMIN, SIG_BLOCK); union sigval v = {0};
				CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, v), EAGAIN)),
			   0);
	}
	CASE("ignored signals are dropped also while blocked, and setting SIG_IGN discards pending "
	     "ones")
	{
		sigset_t p;

		signal(SIGUSR1, SIG_DFL);
		block(SIGUSR1, SIG_BLOCK);
		kill(getpid(), SIGUSR1);
		sigpending(&p);
		CHECK(sigismember(&p, SIGUSR1));
		signal(SIGUSR1, SIG_IGN);
		sigpending(&p);
		CHECK(!sigismember(&p, SIGUSR1));
		signal(SIGUSR1, SIG_DFL);
		block(SIGUSR1, SIG_UNBLOCK);
	}
}

static void test_mask(void)
{
	CASE("SIGKILL and SIGSTOP can be neither blocked nor caught")
	{
		sigset_t s;

		sigfillset(&s);
		sigprocmask(SIG_BLOCK, &s, NULL);
		sigprocmask(SIG_BLOCK, NULL, &s);
		CHECK(!sigismember(&s, SIGKILL) && !sigismember(&s, SIGSTOP) &&
		      sigismember(&s, SIGTERM));
		sigemptyset(&s);
		sigprocmask(SIG_SETMASK, &s, NULL);
		struct sigaction sa = {.sa_handler = SIG_IGN};

		CHECK_ERRNO(sigaction(SIGKILL, &sa, NULL), EINVAL);
		CHECK_ERRNO(sigaction(SIGSTOP, &sa, NULL), EINVAL);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
	}
	CASE("raw calls check the size of the set, and pointers")
	{
		unsigned long set = 0;

		CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 16), EINVAL);
		CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8), EINVAL);
		CHECK_EQ(syscall(SYS_rt_sigprocmask, 9, NULL, &set, 8), 0);
		CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_PTR, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, BAD_PTR, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigpending, &set, 16), EINVAL);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, BAD_PTR, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	}
	CASE("masks are per thread; a process signal goes to a thread that has it open")
	{
		catch_all(SIGUSR1);
		g_n = 0;
		block(SIGUSR1, SIG_BLOCK);
		CHECK_EXIT(FORK(kill(getpid(), SIGUSR1); CHECK_EQ(g_n, 0)), 0);
		block(SIGUSR1, SIG_UNBLOCK);
		signal(SIGUSR1, SIG_DFL);
	}
}

static volatile pid_t g_tid;
static volatile int g_stop;

static void who(int sig)
{
	(void)sig;
	g_tid = gettid();
	g_stop = 1;
}

static void *open_thread(void *arg)
{
	block(SIGUSR1, SIG_UNBLOCK);
	*(pid_t *)arg = gettid();
	while (!g_stop)
		usleep(200);
	return NULL;
}

static void *blocked_thread(void *arg)
{
	__atomic_store_n((pid_t *)arg, gettid(), __ATOMIC_SEQ_CST);
	while (!g_stop)
		usleep(200);
	sigset_t p;

	sigpending(&p);
	return sigismember(&p, SIGUSR1) ? "pending" : NULL;
}

static void test_threads(void)
{
	CASE("kill: only the thread without the block runs the handler")
	{
		pthread_t t;
		volatile pid_t tid = 0;

		g_stop = 0;
		on_signal(SIGUSR1, who, 0);
		block(SIGUSR1, SIG_BLOCK);
		pthread_create(&t, NULL, open_thread, (void *)&tid);
		EVENTUALLY(tid != 0);
		kill(getpid(), SIGUSR1);
		EVENTUALLY(g_stop);
		pthread_join(t, NULL);
		CHECK_EQ(g_tid, tid);
		block(SIGUSR1, SIG_UNBLOCK);
	}
	CASE("tgkill to a thread that blocks it stays with that thread")
	{
		pthread_t t;
		pid_t tid = 0;
		void *r;

		g_stop = 0;
		g_tid = 0;
		block(SIGUSR1, SIG_BLOCK);
		pthread_create(&t, NULL, blocked_thread, &tid);
		block(SIGUSR1, SIG_UNBLOCK);
		EVENTUALLY(__atomic_load_n(&tid, __ATOMIC_SEQ_CST) != 0);
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
		sleep_ms(2);
		CHECK_EQ(g_tid, 0);
		g_stop = 1;
		pthread_join(t, &r);
		CHECK(r != NULL);
		signal(SIGUSR1, SIG_DFL);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_send();
	test_queue();
	test_mask();
	test_threads();
	return test_end();
}
