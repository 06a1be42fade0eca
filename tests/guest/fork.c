/* SPDX-License-Identifier: Apache-2.0 */
/* fork.c - fork and vfork: what a child shares, what it copies, and what it does not inherit */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>

static int g_value = 1;
static _Thread_local int g_tls = 5;

static void test_memory(void)
{
	CASE("child gets 0, another pid and the right parent")
	{
		pid_t me = getpid();
		pid_t p = FORK(CHECK(getpid() != me); CHECK_EQ(getppid(), me);
			       CHECK_EQ(gettid(), getpid()));

		CHECK(p != me);
		CHECK_EXIT(p, 0);
	}
	CASE("memory is copied both ways")
	{
		int local = 7, pipe_fd[2];
		char c;

		MUST(pipe(pipe_fd));
		pid_t p = FORK(CHECK_EQ(read(pipe_fd[0], &c, 1), 1); CHECK_EQ(g_value, 1);
			       CHECK_EQ(local, 7); g_value = 2; g_tls = 6);
		g_value = 3;
		local = 8;
		CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
		CHECK_EXIT(p, 0);
		CHECK_EQ(g_value, 3);
		CHECK_EQ(g_tls, 5);
		g_value = 1;
		close(pipe_fd[0]);
		close(pipe_fd[1]);
	}
	CASE("shared anonymous memory is shared, private is copied, over three generations")
	{
		int *shared =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		int *priv = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);

		*priv = 1;
		pid_t p = FORK(*priv = 2;
			       pid_t q = FORK(*shared += 10; CHECK_EQ(*priv, 2); *priv = 3);
			       CHECK_EXIT(q, 0); CHECK_EQ(*priv, 2); *shared += 1);

		CHECK_EXIT(p, 0);
		CHECK_EQ(*shared, 11);
		CHECK_EQ(*priv, 1);
		munmap(shared, 4096);
		munmap(priv, 4096);
	}
	CASE("a large dirty heap survives in the child")
	{
		enum { N = 4 << 20 };
		unsigned char *m = malloc(N);

		for (int i = 0; i < N; i++)
			m[i] = (unsigned char)(i * 7);
		pid_t p = FORK(int bad = 0;
			       for (int i = 0; i < N; i++) bad += m[i] != (unsigned char)(i * 7);
			       CHECK_EQ(bad, 0); memset(m, 0, N));

		CHECK_EXIT(p, 0);
		CHECK_EQ(m[4097], (unsigned char)(4097 * 7));
		free(m);
	}
	CASE("MADV_DONTFORK is not there and MADV_WIPEONFORK is zero in the child")
	{
		char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		memset(m, 'a', 8192);
		MUST(madvise(m, 4096, MADV_DONTFORK));
		MUST(madvise(m + 4096, 4096, MADV_WIPEONFORK));
		pid_t p = FORK(CHECK_EQ(m[4096], 0); CHECK_ERRNO(msync(m, 4096, MS_ASYNC), ENOMEM));

		CHECK_EXIT(p, 0);
		CHECK_EQ(m[0], 'a');
		CHECK_EQ(m[4096], 'a');
		munmap(m, 8192);
	}
}

static void test_inherited(void)
{
	CASE("descriptors share their offset, not their table")
	{
		int fd = MUST(open("f", O_RDWR | O_CREAT, 0600));

		MUST(ftruncate(fd, 100));
		pid_t p = FORK(CHECK_EQ(lseek(fd, 42, SEEK_SET), 42); close(fd));

		CHECK_EXIT(p, 0);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 42);
		close(fd);
	}
	CASE("signal mask, handlers, ignored signals, cwd, umask, groups are inherited")
	{
		sigset_t set, now;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		on_signal(SIGUSR1, count_signal, 0);
		signal(SIGHUP, SIG_IGN);
		umask(031);
		pid_t pgrp = getpgrp(), sid = getsid(0);
		pid_t p =
			FORK(sigprocmask(SIG_BLOCK, NULL, &now); CHECK(sigismember(&now, SIGUSR2));
			     raise(SIGUSR1); CHECK_EQ(g_signals, 1); raise(SIGHUP); char b[4096];
			     CHECK_STR(getcwd(b, sizeof(b)), g_dir); CHECK_EQ(umask(0), 031);
			     CHECK_EQ(getpgrp(), pgrp); CHECK_EQ(getsid(0), sid));

		CHECK_EXIT(p, 0);
		umask(022);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		signal(SIGUSR1, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
	}
	CASE("pending signals, alarms and CPU times are not inherited")
	{
		sigset_t set, pending;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGUSR1);
		pid_t p = FORK(sigpending(&pending); CHECK(!sigismember(&pending, SIGUSR1));
			       CHECK_EQ(alarm(0), 0); struct tms t; times(&t);
			       CHECK(t.tms_utime <= 2));

		CHECK_EXIT(p, 0);
		sigpending(&pending);
		CHECK(sigismember(&pending, SIGUSR1));
		signal(SIGUSR1, SIG_IGN);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("record locks are not inherited")
	{
		int fd = MUST(open("lock", O_RDWR | O_CREAT, 0600));
		struct flock fl = {.l_type = F_WRLCK};

		MUST(fcntl(fd, F_SETLK, &fl));
		pid_t p = FORK(struct flock c = {.l_type = F_WRLCK};
			       CHECK_ERRNO(fcntl(fd, F_SETLK, &c), EAGAIN);
			       CHECK_EQ(fcntl(fd, F_GETLK, &c), 0); CHECK_EQ(c.l_type, F_WRLCK);
			       CHECK_EQ(c.l_pid, getppid()));

		CHECK_EXIT(p, 0);
		close(fd);
	}
}

static void *fork_in_thread(void *arg)
{
	pid_t p = FORK(CHECK_EQ(gettid(), getpid()); char b[256]; long n = 0;
		       n = read_file("/proc/self/status", b, sizeof(b)); CHECK(n > 0));

	CHECK_EXIT(p, 0);
	return arg;
}

static int g_prepare, g_parent, g_child;
static void prepare(void)
{
	g_prepare++;
}
static void parent(void)
{
	g_parent++;
}
static void child(void)
{
	g_child++;
}

static void test_threads(void)
{
	CASE("fork in a thread copies that thread only, which becomes the leader")
	{
		pthread_t th;

		CHECK_EQ(pthread_create(&th, NULL, fork_in_thread, NULL), 0);
		pthread_join(th, NULL);
	}
	CASE("atfork handlers run")
	{
		pthread_atfork(prepare, parent, child);
		pid_t p = FORK(CHECK_EQ(g_prepare, 1); CHECK_EQ(g_child, 1); CHECK_EQ(g_parent, 0));

		CHECK_EXIT(p, 0);
		CHECK_EQ(g_parent, 1);
		CHECK_EQ(g_child, 0);
	}
}

static void test_many(void)
{
	CASE("100 children at once have 100 pids")
	{
		pid_t p[100];
		int gate[2];
		char c;

		MUST(pipe(gate));
		for (int i = 0; i < 100; i++)
			p[i] = FORK(close(gate[1]); CHECK_EQ(read(gate[0], &c, 1), 0); _exit(i));
		close(gate[1]);
		for (int i = 0; i < 100; i++)
			for (int j = 0; j < i; j++)
				CHECK(p[i] != p[j]);
		for (int i = 99; i >= 0; i--)
			CHECK_EXIT(p[i], i);
		close(gate[0]);
	}
	CASE("a chain of 20 forks")
	{
		int depth = 0, status;
		pid_t top = getpid();

		while (depth < 20 && fork() == 0)
			depth++;
		wait(&status);
		if (getpid() != top)
			_exit(depth == 20 ? 20 : WEXITSTATUS(status));
		CHECK_EQ(WEXITSTATUS(status), 20);
	}
	CASE("RLIMIT_NPROC stops an ordinary user with EAGAIN")
	{
		pid_t p = FORK(if (geteuid() == 0 && setresuid(4711, 4711, 4711)) _exit(0);
			       struct rlimit r = {0, 0}; MUST(setrlimit(RLIMIT_NPROC, &r));
			       CHECK_ERRNO(fork(), EAGAIN));

		CHECK_EXIT(p, 0);
	}
}

static void test_vfork(void)
{
	CASE("vfork shares memory and stops the parent until _exit")
	{
		volatile int seen = 0;
		pid_t p = vfork();

		if (p == 0) {
			seen = 1;
			usleep(20000);
			seen = 2;
			_exit(3);
		}
		CHECK_EQ(seen, 2);
		CHECK_EXIT(p, 3);
	}
	CASE("vfork then exec lets the parent go on")
	{
		pid_t p = vfork();

		if (p == 0) {
			execl("/bin/sh", "sh", "-c", "exit 9", NULL);
			_exit(1);
		}
		CHECK_EXIT(p, 9);
	}
	CASE("vfork then a failing exec, then _exit")
	{
		volatile int err = 0;
		pid_t p = vfork();

		if (p == 0) {
			execl("/nonexistent/x", "x", NULL);
			err = errno;
			_exit(4);
		}
		CHECK_EQ(err, ENOENT);
		CHECK_EXIT(p, 4);
	}
	CASE("a vfork child that is killed frees its parent")
	{
		pid_t p = vfork();

		if (p == 0) {
			kill(getpid(), SIGKILL);
			_exit(0);
		}
		CHECK_KILLED(p, SIGKILL);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_memory();
	test_inherited();
	test_threads();
	test_many();
	test_vfork();
	return test_end();
}
