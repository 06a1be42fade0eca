/* SPDX-License-Identifier: Apache-2.0 */
/* exit.c - exit, exit_group and thread exit: statuses, who ends, what the kernel does on the way */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void *exit_process(void *arg)
{
	exit((int)(intptr_t)arg);
}

static void *raw_exit(void *arg)
{
	syscall(SYS_exit, (int)(intptr_t)arg);
	return NULL;
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *spinner(void *arg)
{
	for (;;)
		__asm__ volatile("pause");
	return arg;
}

static void *crash(void *arg)
{
	*(volatile int *)BAD_PTR = 1;
	return arg;
}

static void *late_exit(void *arg)
{
	sleep_ms(20);
	_exit((int)(intptr_t)arg);
}

static void test_status(void)
{
	CASE("the low eight bits arrive")
	{
		CHECK_EXIT(FORK(_exit(0)), 0);
		CHECK_EXIT(FORK(_exit(255)), 255);
		CHECK_EXIT(FORK(_exit(256)), 0);
		CHECK_EXIT(FORK(_exit(-1)), 255);
		CHECK_EXIT(FORK(_exit(0x1234)), 0x34);
		CHECK_EXIT(FORK(syscall(SYS_exit, 77)), 77);
		CHECK_EXIT(FORK(syscall(SYS_exit_group, 78)), 78);
	}
	CASE("each fatal signal is in the status, core bit only where a core may be")
	{
		static const int fatal[] = {SIGHUP,  SIGINT,  SIGKILL, SIGPIPE,	  SIGALRM,
					    SIGTERM, SIGUSR1, SIGUSR2, SIGSTKFLT, SIGVTALRM,
					    SIGPROF, SIGIO,   SIGPWR};
		static const int core[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
					   SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};

		for (unsigned i = 0; i < COUNT(fatal); i++) {
			pid_t p =
				FORK(signal(fatal[i], SIG_DFL); kill(getpid(), fatal[i]); pause());

			CHECK_EQ(wait_status(p), fatal[i]);
		}
		for (unsigned i = 0; i < COUNT(core); i++) { /* test_begin allows no core */
			pid_t p = FORK(signal(core[i], SIG_DFL); kill(getpid(), core[i]); pause());

			CHECK_EQ(wait_status(p), core[i]);
		}
		for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig += 7)
			CHECK_KILLED(FORK(kill(getpid(), sig); pause()), sig);
	}
	CASE("the core bit is set where a core is written, and only for a dumpable process")
	{
		char pattern[128];
		struct rlimit r;

		/* a helper of the host may take seconds, another folder may not be ours */
		if (read_file("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern)) < 0 ||
		    strcmp(pattern, "core\n") != 0)
			SKIP("needs the kernel's own core_pattern");
		getrlimit(RLIMIT_CORE, &r);
		if (r.rlim_max != RLIM_INFINITY)
			SKIP("needs the right to write cores");
		r.rlim_cur = r.rlim_max;
		for (int dumpable = 0; dumpable < 2; dumpable++) {
			pid_t p = FORK(setrlimit(RLIMIT_CORE, &r); prctl(PR_SET_DUMPABLE, dumpable);
				       kill(getpid(), SIGQUIT); pause());

			CHECK_EQ(wait_status(p), SIGQUIT | (dumpable ? 0x80 : 0));
		}
	}
	CASE("signals ignored by default do nothing")
	{
		CHECK_EXIT(FORK(raise(SIGCHLD); raise(SIGURG); raise(SIGWINCH); raise(SIGCONT)), 0);
	}
}

static void test_threads(void)
{
	pthread_t t;

	CASE("exit in a thread ends the whole process, sleeping and spinning threads too")
	{
		CHECK_EXIT(FORK(for (int i = 0; i < 3; i++) pthread_create(&t, NULL, sleeper, NULL);
				pthread_create(&t, NULL, spinner, NULL);
				pthread_create(&t, NULL, exit_process, (void *)5L); sleeper(NULL)),
			   5);
	}
	CASE("a raw exit ends one thread only")
	{
		CHECK_EXIT(
			FORK(pthread_create(&t, NULL, raw_exit, (void *)9L); sleep_ms(5); _exit(3)),
			3);
	}
	CASE("the leader leaves first: the process lives until the last thread, whose status "
	     "counts")
	{
		pid_t p = FORK(pthread_create(&t, NULL, late_exit, (void *)21L);
			       syscall(SYS_exit, 4));

		CHECK_EXIT(p, 21);
	}
	CASE("the leader leaves first by raw exit, then the last thread by raw exit: the leader's "
	     "status counts")
	{
		pid_t p = FORK(pthread_create(&t, NULL, raw_exit, (void *)8L); sleep_ms(5);
			       syscall(SYS_exit, 4));

		CHECK_EXIT(p, 4);
	}
	CASE("a leader that has left is a zombie for /proc while threads live")
	{
		pid_t p = FORK(pthread_create(&t, NULL, sleeper, NULL); syscall(SYS_exit, 0));

		EVENTUALLY(proc_state(p) == 'Z');
		CHECK_EQ(waitpid(p, NULL, WNOHANG), 0);
		kill(p, SIGTERM);
		CHECK_KILLED(p, SIGTERM);
	}
	CASE("a fault in a thread kills the process")
	{
		CHECK_KILLED(FORK(pthread_create(&t, NULL, crash, NULL); sleeper(NULL)), SIGSEGV);
	}
	CASE("SIGKILL ends a process of spinning threads")
	{
		pid_t p = FORK(for (int i = 0; i < 4; i++) pthread_create(&t, NULL, spinner, NULL);
			       spinner(NULL));

		sleep_ms(10);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
	}
}

static void count_up(void)
{
	dprintf(g_signals, "x");
}

static void test_end_of_life(void)
{
	CASE("atexit runs for exit, not for _exit")
	{
		int fds[2];
		char b[8];

		MUST(pipe(fds));
		CHECK_EXIT(FORK(g_signals = fds[1]; atexit(count_up); exit(1)), 1);
		CHECK_EXIT(FORK(g_signals = fds[1]; atexit(count_up); _exit(1)), 1);
		close(fds[1]);
		CHECK_EQ(read(fds[0], b, 8), 1);
		close(fds[0]);
	}
	CASE("descriptors close at exit: the pipe's reader sees the end before the parent waits")
	{
		int fds[2];
		char c;

		MUST(pipe(fds));
		pid_t p = FORK(sleep_ms(5));

		close(fds[1]);
		CHECK_EQ(read(fds[0], &c, 1), 0);
		CHECK_EXIT(p, 0);
		close(fds[0]);
	}
	CASE("a zombie: signals reach it, its files are gone, cmdline is empty")
	{
		pid_t p = FORK(_exit(0));
		char path[64], buf[64];

		EVENTUALLY(proc_state(p) == 'Z');
		CHECK_EQ(kill(p, 0), 0);
		CHECK_EQ(kill(p, SIGKILL), 0);
		snprintf(path, sizeof(path), "/proc/%d/cmdline", p);
		CHECK_EQ(read_file(path, buf, sizeof(buf)), 0);
		CHECK_EQ(getpgid(p), getpgrp());
		CHECK_EXIT(p, 0);
		CHECK_ERRNO(kill(p, 0), ESRCH);
	}
	CASE("RLIMIT_CPU sends SIGXCPU")
	{
		pid_t p = FORK(struct rlimit r = {1, 2}; setrlimit(RLIMIT_CPU, &r); r.rlim_cur = 0;
			       struct rlimit now; getrlimit(RLIMIT_CPU, &now);
			       CHECK_EQ(now.rlim_cur, 1); CHECK_EQ(now.rlim_max, 2));

		CHECK_EXIT(p, 0);
	}
	CASE("abort gives SIGABRT even when blocked or ignored")
	{
		CHECK_KILLED(FORK(signal(SIGABRT, SIG_IGN); abort()), SIGABRT);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_status();
	test_threads();
	test_end_of_life();
	return test_end();
}
