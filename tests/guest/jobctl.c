/* SPDX-License-Identifier: Apache-2.0 */
/* jobctl.c - stop and continue, SIGCHLD with its flags, stopped threads and blocked calls */
#include "tests/lib/guest.h"

#include <pthread.h>

static volatile siginfo_t g_info;
static volatile sig_atomic_t g_count;

static void on_child(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	g_info.si_code = si->si_code;
	g_info.si_pid = si->si_pid;
	g_info.si_uid = si->si_uid;
	g_info.si_status = si->si_status;
	g_count++;
}

static void catch_children(int flags)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_RESTART | flags};

	sa.sa_sigaction = on_child;
	sigaction(SIGCHLD, &sa, NULL);
	g_count = 0;
}

static void test_sigchld(void)
{
	CASE("exit, kill, stop and continue each send SIGCHLD with code, pid, uid, status")
	{
		catch_children(0);
		pid_t p = FORK(_exit(17));

		EVENTUALLY(g_count == 1);
		CHECK_EQ(g_info.si_code, CLD_EXITED);
		CHECK_EQ(g_info.si_pid, p);
		CHECK_EQ(g_info.si_uid, getuid());
		CHECK_EQ(g_info.si_status, 17);
		CHECK_EXIT(p, 17);
		p = FORK(for (;;) pause());
		kill(p, SIGSTOP);
		EVENTUALLY(g_count == 2);
		CHECK_EQ(g_info.si_code, CLD_STOPPED);
		CHECK_EQ(g_info.si_status, SIGSTOP);
		kill(p, SIGCONT);
		EVENTUALLY(g_count == 3);
		CHECK_EQ(g_info.si_code, CLD_CONTINUED);
		CHECK_EQ(g_info.si_status, SIGCONT);
		kill(p, SIGKILL);
		EVENTUALLY(g_count == 4);
		CHECK_EQ(g_info.si_code, CLD_KILLED);
		CHECK_EQ(g_info.si_status, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
	}
	CASE("SA_NOCLDSTOP: none for stop and continue, waits still see them")
	{
		catch_children(SA_NOCLDSTOP);
		pid_t p = FORK(for (;;) pause());
		int st;

		kill(p, SIGSTOP);
		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		kill(p, SIGCONT);
		CHECK_EQ(waitpid(p, &st, WCONTINUED), p);
		CHECK_EQ(g_count, 0);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EQ(g_count, 1);
	}
	CASE("SA_NOCLDWAIT: no zombie, the signal is sent all the same")
	{
		catch_children(SA_NOCLDWAIT);
		pid_t p = FORK(_exit(0));

		EVENTUALLY(kill(p, 0) == -1 && errno == ESRCH);
		EVENTUALLY(g_count == 1);
		CHECK_ERRNO(waitpid(p, NULL, 0), ECHILD);
	}
	CASE("several children ending while SIGCHLD is blocked are one signal")
	{
		catch_children(0);
		sigset_t s;

		sigemptyset(&s);
		sigaddset(&s, SIGCHLD);
		sigprocmask(SIG_BLOCK, &s, NULL);
		pid_t p[5];

		for (int i = 0; i < 5; i++)
			p[i] = FORK(_exit(i));
		for (int i = 0; i < 5; i++)
			CHECK_EXIT(p[i], i);
		CHECK_EQ(g_count, 0);
		sigprocmask(SIG_UNBLOCK, &s, NULL);
		CHECK_EQ(g_count, 1);
	}
	signal(SIGCHLD, SIG_DFL);
}

static void test_stop(void)
{
	CASE("each stop signal stops by default; SIGCONT before makes it void")
	{
		static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
		int st;

		for (unsigned i = 0; i < COUNT(stops); i++) {
			pid_t p = FORK(for (;;) pause());

			kill(p, stops[i]);
			CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
			CHECK_EQ(WSTOPSIG(st), stops[i]);
			kill(p, SIGKILL);
			CHECK_KILLED(p, SIGKILL);
		}
	}
	CASE("a blocked stop signal stays pending and SIGCONT removes it; a stop signal removes "
	     "SIGCONT")
	{
		sigset_t s, pend;

		CHECK_EXIT(FORK(sigemptyset(&s); sigaddset(&s, SIGTSTP); sigaddset(&s, SIGCONT);
				sigprocmask(SIG_BLOCK, &s, NULL); raise(SIGTSTP); sigpending(&pend);
				CHECK(sigismember(&pend, SIGTSTP)); raise(SIGCONT);
				sigpending(&pend); CHECK(!sigismember(&pend, SIGTSTP));
				CHECK(sigismember(&pend, SIGCONT)); raise(SIGTSTP);
				sigpending(&pend); CHECK(!sigismember(&pend, SIGCONT));
				raise(SIGCONT)),
			   0);
	}
	CASE("handled SIGTSTP does not stop; a handled SIGCONT continues and then calls the "
	     "handler")
	{
		CHECK_EXIT(FORK(on_signal(SIGTSTP, count_signal, 0); raise(SIGTSTP);
				CHECK_EQ(g_signals, 1)),
			   0);
		pid_t p = FORK(on_signal(SIGCONT, count_signal, 0); raise(SIGSTOP);
			       CHECK_EQ(g_signals, 1); _exit(5));
		int st;

		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		kill(p, SIGCONT);
		CHECK_EXIT(p, 5);
	}
	CASE("a stopped process does not run handlers until it continues; SIGKILL needs no SIGCONT")
	{
		pid_t p = FORK(on_signal(SIGUSR1, _exit, 0); for (;;) pause());
		int st;

		wait_sleeping(p);
		kill(p, SIGSTOP);
		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		kill(p, SIGUSR1);
		sleep_ms(5);
		CHECK_EQ(waitpid(p, &st, WNOHANG), 0);
		kill(p, SIGCONT);
		CHECK_EXIT(p, SIGUSR1);
	}
	CASE("a stop in a blocking read or nanosleep is not seen by the program")
	{
		int fds[2], st;
		char c;

		MUST(pipe(fds));
		pid_t p = FORK(CHECK_EQ(read(fds[0], &c, 1), 1); CHECK_EQ(c, 'q'));

		wait_sleeping(p);
		kill(p, SIGSTOP);
		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		kill(p, SIGCONT);
		CHECK_EQ(waitpid(p, &st, WCONTINUED), p);
		CHECK_EQ(write(fds[1], "q", 1), 1);
		CHECK_EXIT(p, 0);
		p = FORK(struct timespec ts = {.tv_nsec = 50000000};
			 CHECK_EQ(nanosleep(&ts, NULL), 0));
		wait_sleeping(p);
		kill(p, SIGSTOP);
		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		kill(p, SIGCONT);
		CHECK_EXIT(p, 0);
		close(fds[0]);
		close(fds[1]);
	}
}

static int *g_progress;

static void *count_forever(void *arg)
{
	for (;;)
		__atomic_fetch_add(g_progress, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void test_threads(void)
{
	CASE("a stop stops all threads, SIGCONT starts all")
	{
		g_progress =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pid_t p = FORK(pthread_t t; pthread_create(&t, NULL, count_forever, NULL);
			       pthread_create(&t, NULL, count_forever, NULL); pause());
		int st;

		EVENTUALLY(__atomic_load_n(g_progress, __ATOMIC_SEQ_CST) > 1000);
		kill(p, SIGSTOP);
		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		int a = __atomic_load_n(g_progress, __ATOMIC_SEQ_CST);

		sleep_ms(20);
		CHECK_EQ(__atomic_load_n(g_progress, __ATOMIC_SEQ_CST), a);
		kill(p, SIGCONT);
		EVENTUALLY(__atomic_load_n(g_progress, __ATOMIC_SEQ_CST) > a);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		munmap(g_progress, 4096);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_sigchld();
	test_stop();
	test_threads();
	return test_end();
}
