/* SPDX-License-Identifier: Apache-2.0 */
/* clone_flags.c - clone(2): what each flag shares, and which combinations are refused */
#include "tests/lib/guest.h"

#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>

enum { STACK = 65536 };

static int g_shared;
static int g_fd;
static char g_stack[STACK] __attribute__((aligned(16)));

static pid_t run(int (*fn)(void *), int flags, void *arg)
{
	return clone(fn, g_stack + STACK, flags, arg);
}

static int set_shared(void *arg)
{
	(void)arg;
	g_shared = 99;
	return 7;
}

static int change_fs(void *arg)
{
	(void)arg;
	return chdir("/") || umask(077) != 022;
}

static int change_files(void *arg)
{
	(void)arg;
	close(g_fd);
	return open("/dev/null", O_RDONLY) < 0;
}

static int change_handler(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_IGN);
	return 0;
}

static int same_ppid(void *arg)
{
	return getppid() == *(pid_t *)arg ? 0 : 1;
}

static void test_sharing(void)
{
	CASE("CLONE_VM shares memory, without it memory is copied")
	{
		g_shared = 1;
		pid_t p = MUST(run(set_shared, SIGCHLD, NULL));

		CHECK_EXIT(p, 7);
		CHECK_EQ(g_shared, 1);
		p = MUST(run(set_shared, CLONE_VM | SIGCHLD, NULL));
		CHECK_EXIT(p, 7);
		CHECK_EQ(g_shared, 99);
	}
	CASE("CLONE_VM|CLONE_VFORK waits")
	{
		g_shared = 1;
		pid_t p = MUST(run(set_shared, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));

		CHECK_EQ(g_shared, 99);
		CHECK_EXIT(p, 7);
	}
	CASE("CLONE_FS shares cwd and umask")
	{
		char b[4096];
		pid_t p = MUST(run(change_fs, SIGCHLD, NULL));

		CHECK_EXIT(p, 0);
		CHECK_STR(getcwd(b, sizeof(b)), g_dir);
		p = MUST(run(change_fs, CLONE_FS | SIGCHLD, NULL));
		CHECK_EXIT(p, 0);
		CHECK_STR(getcwd(b, sizeof(b)), "/");
		CHECK_EQ(umask(022), 077);
		MUST(chdir(g_dir));
	}
	CASE("CLONE_FILES shares the descriptor table")
	{
		g_fd = MUST(open("f", O_RDWR | O_CREAT, 0600));
		pid_t p = MUST(run(change_files, SIGCHLD, NULL));

		CHECK_EXIT(p, 0);
		CHECK_EQ(write(g_fd, "x", 1), 1);
		p = MUST(run(change_files, CLONE_FILES | SIGCHLD, NULL));
		CHECK_EXIT(p, 0);
		CHECK_ERRNO(write(g_fd, "x", 1), EBADF);
		CHECK_EQ(close(g_fd), 0);
	}
	CASE("CLONE_SIGHAND shares handlers, CLONE_CLEAR_SIGHAND is for clone3")
	{
		struct sigaction sa;

		on_signal(SIGUSR1, count_signal, 0);
		pid_t p = MUST(run(change_handler, SIGCHLD, NULL));

		CHECK_EXIT(p, 0);
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == count_signal);
		p = MUST(run(change_handler, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL));
		CHECK_EXIT(p, 0);
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == SIG_IGN);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("CLONE_PARENT makes a sibling")
	{
		pid_t me = getpid();
		int fds[2];

		MUST(pipe(fds));
		pid_t p = FORK(pid_t sib = run(same_ppid, CLONE_PARENT | SIGCHLD, &me);
			       CHECK_EQ(write(fds[1], &sib, sizeof(sib)), sizeof(sib));
			       CHECK_ERRNO(waitpid(sib, NULL, 0), ECHILD));
		pid_t sib = -1;

		CHECK_EQ(read(fds[0], &sib, sizeof(sib)), sizeof(sib));
		CHECK_EXIT(p, 0);
		CHECK_EXIT(sib, 0);
		close(fds[0]);
		close(fds[1]);
	}
}

static int thread_body(void *arg)
{
	*(pid_t *)arg = gettid();
	g_shared = getpid();
	syscall(SYS_exit, 0);
	return 0;
}

static int store_tid(void *arg)
{
	return *(pid_t *)arg == gettid() ? 0 : 1;
}

static int tls_body(void *arg)
{
	unsigned long fs = 0;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(fs));
	return fs == *(unsigned long *)arg ? 0 : 1;
}

static void test_ids(void)
{
	enum {
		THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM
	};

	CASE("CLONE_THREAD: same pid, own tid, CHILD_CLEARTID wakes a futex")
	{
		pid_t seen = 0, ptid = 0, ctid = -1;
		pid_t t = clone(thread_body, g_stack + STACK,
				THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
					CLONE_CHILD_CLEARTID,
				&seen, &ptid, NULL, &ctid);

		CHECK(t > 0);
		while (__atomic_load_n(&ctid, __ATOMIC_SEQ_CST) != 0)
			syscall(SYS_futex, &ctid, 0 /* FUTEX_WAIT, shared */, t, NULL, NULL, 0);
		CHECK_EQ(seen, t);
		CHECK_EQ(ptid, t);
		CHECK_EQ(g_shared, getpid());
		CHECK_ERRNO(waitpid(t, NULL, __WALL), ECHILD);
	}
	CASE("CLONE_PARENT_SETTID and CLONE_CHILD_SETTID of a process")
	{
		static pid_t ctid;
		pid_t ptid = 0;

		ctid = 0;
		pid_t p = clone(store_tid, g_stack + STACK,
				CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &ctid, &ptid,
				NULL, &ctid);

		CHECK(p > 0);
		CHECK_EQ(ptid, p);
		CHECK_EXIT(p, 0);
		CHECK_EQ(ctid, 0);
	}
	CASE("CLONE_SETTLS sets the fs base")
	{
		static unsigned long area[32];
		unsigned long want = (unsigned long)area;

		area[0] = want;
		pid_t p = clone(tls_body, g_stack + STACK, CLONE_SETTLS | SIGCHLD, &want, NULL,
				area, NULL);

		CHECK(p > 0);
		CHECK_EXIT(p, 0);
	}
	CASE("CLONE_PIDFD gives a descriptor that polls readable at the end")
	{
		int pidfd = -1, gate[2];
		char c;

		MUST(pipe(gate));
		pid_t p = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);

		if (p == 0) {
			_exit(read(gate[0], &c, 1) != 1);
		}
		struct pollfd pfd = {.fd = pidfd, .events = POLLIN};

		CHECK(pidfd >= 0);
		CHECK(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
		CHECK_EQ(poll(&pfd, 1, 0), 0);
		CHECK_EQ(write(gate[1], "x", 1), 1);
		CHECK_EQ(poll(&pfd, 1, 5000), 1);
		CHECK_EXIT(p, 0);
		CHECK_ERRNO(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
		close(pidfd);
		close(gate[0]);
		close(gate[1]);
	}
}

static int exit0(void *arg)
{
	(void)arg;
	return 0;
}

static void test_errors(void)
{
	CASE("forbidden combinations give EINVAL")
	{
		static const int bad[] = {
			CLONE_SIGHAND,
			CLONE_THREAD,
			CLONE_THREAD | CLONE_VM,
			CLONE_FS | CLONE_NEWNS,
			CLONE_NEWUSER | CLONE_FS,
			CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWPID,
		};

		for (unsigned i = 0; i < COUNT(bad); i++)
			CHECK_ERRNO(run(exit0, bad[i] | SIGCHLD, NULL), EINVAL);
		CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, NULL,
				    0, 0),
			    EINVAL);
	}
	CASE("exit signal other than SIGCHLD: __WCLONE or __WALL only")
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t p = MUST(run(exit0, SIGUSR1, NULL));

		EVENTUALLY(g_signals == 1);
		CHECK_ERRNO(waitpid(p, NULL, 0), ECHILD);
		CHECK_EQ(waitpid(p, NULL, __WCLONE), p);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("exit signal 0 sends nothing")
	{
		on_signal(SIGCHLD, count_signal, SA_RESTART);
		pid_t p = MUST(run(exit0, 0, NULL));

		CHECK_EQ(waitpid(p, NULL, __WALL), p);
		CHECK_EQ(g_signals, 0);
		signal(SIGCHLD, SIG_DFL);
	}
	CASE("new namespaces need rights")
	{
		if (geteuid() == 0)
			SKIP("root may");
		CHECK_ERRNO(run(exit0, CLONE_NEWNS | SIGCHLD, NULL), EPERM);
		CHECK_ERRNO(run(exit0, CLONE_NEWUTS | SIGCHLD, NULL), EPERM);
		CHECK_ERRNO(unshare(CLONE_NEWIPC), EPERM);
	}
	CASE("unshare of files and fs undoes sharing; unknown flags EINVAL")
	{
		CHECK_EQ(unshare(CLONE_FILES | CLONE_FS), 0);
		CHECK_EQ(unshare(0), 0);
		CHECK_ERRNO(unshare(0x1000000 | SIGCHLD), EINVAL);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_sharing();
	test_ids();
	test_errors();
	return test_end();
}
