/* SPDX-License-Identifier: Apache-2.0 */
/* stress_tasks.c - many tasks that start, signal, stop, kill, execute and wait for each other at
 * once */
#include "tests/lib/guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static void *fork_wait(void *arg)
{
	for (int i = 0; i < 12; i++) {
		pid_t p = fork();

		if (p == 0)
			_exit((int)(intptr_t)arg);
		if (p < 0 || wait_status(p) != (int)(intptr_t)arg << 8)
			return "wrong status";
	}
	return NULL;
}

static void *spawn_wait(void *arg)
{
	for (int i = 0; i < 8; i++) {
		pid_t p = vfork();

		if (p == 0) {
			execl("/bin/true", "true", NULL);
			_exit(9);
		}
		if (p < 0 || wait_status(p) != 0)
			return "wrong status";
	}
	(void)arg;
	return NULL;
}

static void *create_join(void *arg)
{
	pthread_t t;
	void *r;

	for (int i = 0; i < 30; i++)
		if (pthread_create(&t, NULL, (void *(*)(void *))arg, NULL) != 0 ||
		    pthread_join(t, &r) != 0)
			return "thread";
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void join_all(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++) {
		void *r;

		pthread_join(t[i], &r);
		if (!CHECK(r == NULL))
			dprintf(1, "     thread %d: %s\n", i, (char *)r);
	}
}

static void test_create(void)
{
	pthread_t t[6];

	CASE("six threads fork and wait, each for its own")
	{
		for (long i = 0; i < 6; i++)
			pthread_create(&t[i], NULL, fork_wait, (void *)(i + 1));
		join_all(t, 6);
	}
	CASE("four threads vfork and execute, two create threads")
	{
		for (long i = 0; i < 6; i++)
			pthread_create(&t[i], NULL, i < 4 ? spawn_wait : create_join,
				       (void *)nothing);
		join_all(t, 6);
	}
	CASE("50 children execute at once")
	{
		pid_t p[50];

		for (int i = 0; i < 50; i++)
			p[i] = FORK(execl("/bin/sh", "sh", "-c", "exit 7", NULL));
		for (int i = 0; i < 50; i++)
			CHECK_EXIT(p[i], 7);
	}
	CASE("a tree: each of 4 makes 4 makes 4, leaves exit, all counted")
	{
		int *n =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		int depth = 0, root = getpid();

		for (int i = 0; depth < 3 && i < 4; i++)
			if (fork() == 0) {
				depth++;
				i = -1;
				__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
			}
		while (wait(NULL) > 0)
			;
		if (getpid() != root)
			_exit(0);
		CHECK_EQ(*n, 4 + 16 + 64);
		munmap(n, 4096);
	}
}

static void test_end_of_tasks(void)
{
	CASE("processes killed at any moment: in calls, faults, forks, execs")
	{
		for (int i = 0; i < 40; i++) {
			pid_t p = FORK(for (;;) {
				char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

				m[4096] = 1;
				pid_t q = fork();

				if (q == 0)
					_exit(0);
				waitpid(q, NULL, 0);
				munmap(m, 65536);
			});

			usleep((useconds_t)(i * 97 % 3000));
			kill(p, SIGKILL);
			CHECK_KILLED(p, SIGKILL);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	CASE("threads of a process that ends meanwhile: exit_group, exec, kill")
	{
		for (int i = 0; i < 15; i++) {
			pid_t p = FORK(pthread_t t; for (int k = 0; k < 4; k++) {
				pthread_create(&t, NULL, create_join, (void *)nothing);
			} usleep((useconds_t)(i * 211 % 2000));
				       if (i % 3 == 0) _exit(5);
				       if (i % 3 == 1) execl("/bin/sh", "sh", "-c", "exit 5", NULL);
				       kill(getpid(), SIGKILL));
			int st = wait_status(p);

			CHECK_EQ(st, i % 3 == 2 ? SIGKILL : 5 << 8);
		}
	}
	CASE("stop and continue 100 times, then it still counts")
	{
		int *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0),
		    st;
		pid_t p = FORK(for (;;) {
			getppid();
			__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
		});

		for (int i = 0; i < 100; i++) {
			kill(p, SIGSTOP);
			CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
			kill(p, SIGCONT);
		}
		int was = __atomic_load_n(n, __ATOMIC_SEQ_CST);

		EVENTUALLY(__atomic_load_n(n, __ATOMIC_SEQ_CST) > was);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		munmap(n, 4096);
	}
}

static void test_signals(void)
{
	CASE("a storm of signals over blocking reads that restart: no byte lost or doubled")
	{
		int fds[2];
		unsigned char c, want = 0;
		pid_t me = getpid();

		MUST(pipe(fds));
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t storm = FORK(close(fds[1]); for (;;) {
			kill(me, SIGUSR1);
			usleep(150);
		});
		pid_t writer = FORK(for (int i = 0; i < 600; i++) {
			unsigned char b = (unsigned char)i;

			if (write(fds[1], &b, 1) != 1)
				_exit(1);
			if (i % 10 == 0)
				usleep(300);
		});

		close(fds[1]);
		int n = 0, bad = 0;

		while (read(fds[0], &c, 1) == 1) {
			bad += c != want++;
			n++;
		}
		kill(storm, SIGKILL);
		CHECK_KILLED(storm, SIGKILL);
		CHECK_EXIT(writer, 0);
		CHECK_EQ(n, 600);
		CHECK_EQ(bad, 0);
		CHECK(g_signals > 0);
		close(fds[0]);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("an interval timer over getppid, open, close, pipe: every call right")
	{
		struct itimerspec it = {{.tv_nsec = 200000}, {.tv_nsec = 200000}};
		struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
		timer_t id;
		pid_t parent = getppid();

		on_signal(SIGUSR1, count_signal, SA_RESTART);
		MUST(timer_create(CLOCK_MONOTONIC, &ev, &id));
		MUST(timer_settime(id, 0, &it, NULL));
		for (int i = 0; i < 2000; i++) {
			int fds[2];

			CHECK_EQ(getppid(), parent);
			REQUIRE(pipe(fds) == 0);
			REQUIRE(write(fds[1], "x", 1) == 1);
			close(fds[1]);
			close(fds[0]);
		}
		timer_delete(id);
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("ten processes signal one another in a ring, 30 rounds")
	{
		enum { N = 10 };
		pid_t *ring =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		sigset_t s;

		sigemptyset(&s);
		sigaddset(&s, SIGRTMIN);
		sigprocmask(SIG_BLOCK, &s, NULL);
		for (int i = 0; i < N; i++)
			ring[i] = FORK(for (int k = 0; k < 30; k++) {
				if (sigwaitinfo(&s, NULL) != SIGRTMIN)
					_exit(1);
				if (i + 1 < N || k < 29)
					kill(ring[(i + 1) % N], SIGRTMIN);
			});
		kill(ring[0], SIGRTMIN);
		for (int i = 0; i < N; i++)
			CHECK_EXIT(ring[i], 0);
		sigprocmask(SIG_UNBLOCK, &s, NULL);
		munmap(ring, 4096);
	}
}

static void *blocker(void *arg)
{
	uint64_t v;

	return read(*(int *)arg, &v, 8) == 8 ? NULL : "read";
}

static void test_blocked(void)
{
	CASE("150 threads blocked in reads, woken by one writer each")
	{
		static pthread_t t[150];
		static int fds[150];
		uint64_t one = 1;

		for (int i = 0; i < 150; i++) {
			fds[i] = MUST(eventfd(0, 0));
			CHECK_EQ(pthread_create(&t[i], NULL, blocker, &fds[i]), 0);
		}
		sleep_ms(20);
		for (int i = 149; i >= 0; i--)
			CHECK_EQ(write(fds[i], &one, 8), 8);
		join_all(t, 150);
		for (int i = 0; i < 150; i++)
			close(fds[i]);
	}
	CASE("100 processes blocked in poll, all woken by one close")
	{
		int fds[2];
		pid_t p[100];

		MUST(pipe(fds));
		for (int i = 0; i < 100; i++)
			p[i] = FORK(close(fds[1]);
				    struct pollfd f = {.fd = fds[0], .events = POLLIN};
				    _exit(poll(&f, 1, 10000) == 1 ? 0 : 1));
		sleep_ms(10);
		close(fds[1]);
		for (int i = 0; i < 100; i++)
			CHECK_EXIT(p[i], 0);
		close(fds[0]);
	}
	CASE("an epoll over 500 sockets finds the one that is ready, 200 times")
	{
		static int s[250][2];
		int ep = MUST(epoll_create1(0)), bad = 0;
		char c;

		for (int i = 0; i < 250; i++) {
			struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

			MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]));
			MUST(epoll_ctl(ep, EPOLL_CTL_ADD, s[i][0], &e));
		}
		for (int k = 0; k < 200; k++) {
			struct epoll_event e;
			int i = k * 37 % 250;

			bad += write(s[i][1], "x", 1) != 1;
			bad += epoll_wait(ep, &e, 1, 5000) != 1 || e.data.u32 != (uint32_t)i;
			bad += read(s[i][0], &c, 1) != 1;
		}
		CHECK_EQ(bad, 0);
		for (int i = 0; i < 250; i++) {
			close(s[i][0]);
			close(s[i][1]);
		}
		close(ep);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_create();
	test_end_of_tasks();
	test_signals();
	test_blocked();
	return test_end();
}
