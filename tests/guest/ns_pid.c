/* SPDX-License-Identifier: Apache-2.0 */
/* ns_pid.c - pid namespaces: numbers of each level, init and its end, proc (pid_namespaces(7)) */
#include "tests/lib/guest.h"

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

/* Rights for namespaces: root's, or those over an own user namespace. Once per program. */
static bool enter_user(void)
{
	char text[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	if (write_file("/proc/self/uid_map", text))
		return false;
	snprintf(text, sizeof(text), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", text) == 0;
}

/* A child that is the first of a new pid namespace. */
static pid_t fork_init(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
}

#define INIT(...)                                                             \
	__extension__({                                                       \
		pid_t init_pid_ = fork_init();                                \
		if (init_pid_ == 0) {                                         \
			__VA_ARGS__;                                          \
			_exit(0);                                             \
		}                                                             \
		check_that(init_pid_ > 0, __FILE__, __LINE__, "fork_init()"); \
		init_pid_;                                                    \
	})

static void test_numbers(void)
{
	CASE("the first process has number 1 and no parent, and a number outside")
	{
		pid_t p = INIT(CHECK_EQ(getpid(), 1); CHECK_EQ(gettid(), 1); CHECK_EQ(getppid(), 0);
			       CHECK_EQ(getpgrp(), 0); CHECK_EQ(getsid(0), 0);
			       pid_t c = FORK(CHECK_EQ(getpid(), 2); CHECK_EQ(getppid(), 1));
			       CHECK_EQ(c, 2); CHECK_EXIT(c, 0));

		CHECK(p > 1);
		CHECK_EXIT(p, 0);
	}
	CASE("sessions and groups by inner numbers")
	{
		CHECK_EXIT(INIT(CHECK_EQ(setsid(), 1); CHECK_EQ(getsid(0), 1);
				CHECK_EQ(getpgrp(), 1);
				pid_t c = FORK(CHECK_EQ(setpgid(0, 0), 0); CHECK_EQ(getpgrp(), 2));
				CHECK_EXIT(c, 0); CHECK_ERRNO(getpgid(getppid() + 77), ESRCH)),
			   0);
	}
	CASE("unshare: children only")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWPID)); CHECK(getpid() > 1);
				CHECK_ERRNO(unshare(CLONE_NEWPID), EINVAL);
				pid_t c = FORK(CHECK_EQ(getpid(), 1); sleep_ms(1)); CHECK(c > 1);
				CHECK_EXIT(c, 0);
				/* Its init is dead: nothing is born there any more. */
				CHECK_ERRNO(fork(), ENOMEM)),
			   0);
	}
	CASE("a namespace in a namespace")
	{
		CHECK_EXIT(INIT(pid_t c = INIT(CHECK_EQ(getpid(), 1)); CHECK_EQ(c, 2);
				CHECK_EXIT(c, 0)),
			   0);
	}
	CASE("nobody outside can be named")
	{
		pid_t me = getpid();

		CHECK_EXIT(INIT(CHECK(me == 1 || kill(me, 0) == -1);
				CHECK_ERRNO(kill(1 + 4000, 0), ESRCH);
				CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD)),
			   0);
	}
	CASE("clone3 with numbers for both levels")
	{
		struct {
			uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
				stack_size, tls, set_tid, set_tid_size, cgroup;
		} a = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
		pid_t want[2] = {1, 4190000}, p;

		if (geteuid() != 0)
			SKIP("needs root");
		a.set_tid = (uintptr_t)want;
		a.set_tid_size = 2;
		p = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
		if (p == 0)
			_exit(getpid() == 1 ? 0 : 1);
		if (p < 0 && errno == EPERM)
			SKIP("needs rights over the first namespace");
		if (p < 0 && errno == EINVAL)
			SKIP("pid_max is smaller");
		CHECK_EQ(p, 4190000);
		CHECK_EXIT(p, 0);
		want[0] = 2;
		a.set_tid_size = 1;
		CHECK_ERRNO(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	}
}

static void nothing(int sig)
{
}

static void test_init(void)
{
	CASE("init gets no signal of its own namespace without a handler")
	{
		CHECK_EXIT(INIT(kill(1, SIGTERM); kill(1, SIGKILL); raise(SIGINT);
				pid_t c = FORK(CHECK_EQ(kill(1, SIGKILL), 0);
					       CHECK_EQ(kill(1, SIGUSR1), 0));
				CHECK_EXIT(c, 0)),
			   0);
	}
	CASE("SIGKILL from outside ends it; other signals do not")
	{
		int gate[2];
		char c;
		pid_t p;

		MUST(pipe(gate));
		p = INIT(write(gate[1], "x", 1); for (;;) pause());
		MUST(read(gate[0], &c, 1));
		CHECK_EQ(kill(p, SIGTERM), 0);
		CHECK_EQ(waitpid(p, NULL, WNOHANG), 0);
		CHECK_EQ(kill(p, SIGKILL), 0);
		CHECK_KILLED(p, SIGKILL);
		close(gate[0]), close(gate[1]);
	}
	CASE("its death kills all, and it can be waited for when they are gone")
	{
		int gate[2], all[2];
		char c;
		pid_t p;

		MUST(pipe(gate));
		MUST(pipe(all));
		p = INIT(for (int i = 0; i < 3; i++) FORK(if (fork() == 0) i = 99;
							  write(gate[1], "x", 1); for (;;) pause());
			 for (int i = 0; i < 6; i++) read(gate[0], &c, 1); _exit(5));
		close(all[1]);
		CHECK_EXIT(p, 5);
		/* The others had the write end too: they are all gone by now. */
		CHECK_EQ(read(all[0], &c, 1), 0);
		close(all[0]), close(gate[0]), close(gate[1]);
	}
	CASE("orphans become its children")
	{
		CHECK_EXIT(INIT(int gate[2]; char c; MUST(pipe(gate));
				pid_t a = FORK(if (fork() == 0) {
					close(gate[1]);
					read(gate[0], &c, 1);
					CHECK_EQ(getppid(), 1);
					_exit(6);
				});
				CHECK_EXIT(a, 0); close(gate[1]); int st; pid_t o = wait(&st);
				CHECK_EQ(o, a + 1); CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 6)),
			   0);
	}
	CASE("a sender from outside has number 0 and an inner one its own")
	{
		int gate[2];
		char c;
		pid_t p;

		MUST(pipe(gate));
		p = INIT(sigset_t set; siginfo_t si; sigemptyset(&set); sigaddset(&set, SIGUSR1);
			 signal(SIGUSR1, nothing); sigprocmask(SIG_BLOCK, &set, NULL);
			 write(gate[1], "x", 1); CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR1);
			 CHECK_EQ(si.si_pid, 0); pid_t k = FORK(kill(1, SIGUSR1));
			 CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR1); CHECK_EQ(si.si_pid, k);
			 CHECK_EXIT(k, 0));
		MUST(read(gate[0], &c, 1));
		CHECK_EQ(kill(p, SIGUSR1), 0);
		CHECK_EXIT(p, 0);
		close(gate[0]), close(gate[1]);
	}
}

static void test_proc(void)
{
	CASE("a proc mounted inside shows the inner numbers")
	{
		char buf[4096], *at;

		mkdir("proc", 0755);
		pid_t p = fork_init();
		if (p == 0) {
			if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
				_exit(2);
			if (mount("proc", "proc", "proc", 0, NULL))
				_exit(77);
			memset(buf, 0, sizeof(buf));
			CHECK_EQ(readlink("proc/self", buf, sizeof(buf)), 1);
			CHECK_EQ(buf[0], '1');
			CHECK_EQ(access("proc/1/status", R_OK), 0);
			CHECK_ERRNO(access("proc/4100000", F_OK), ENOENT);
			CHECK(read_file("proc/1/status", buf, sizeof(buf)) > 0);
			CHECK(strstr(buf, "\nPid:\t1\n") != NULL);
			CHECK(strstr(buf, "\nPPid:\t0\n") != NULL);
			CHECK(strstr(buf, "\nNSpid:\t1\n") != NULL);
			umount("proc");
			_exit(0);
		}
		if (WEXITSTATUS(wait_status(p)) == 77)
			SKIP("proc may not be mounted here");
		p = INIT(sleep_ms(1); for (;;) pause());
		snprintf(buf, sizeof(buf), "/proc/%d/status", p);
		CHECK(read_file(buf, buf, sizeof(buf)) > 0);
		at = strstr(buf, "\nNSpid:");
		CHECK(at != NULL);
		if (at) {
			int outer = 0, inner = 0;

			CHECK_EQ(sscanf(at, "\nNSpid: %d %d", &outer, &inner), 2);
			CHECK_EQ(outer, p);
			CHECK_EQ(inner, 1);
		}
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		rmdir("proc");
	}
	CASE("setns: children are born in it")
	{
		int gate[2], fd;
		char c, file[64], a[64] = {0}, b[64] = {0};
		pid_t p;

		MUST(pipe(gate));
		p = INIT(write(gate[1], "x", 1); for (;;) pause());
		MUST(read(gate[0], &c, 1));
		snprintf(file, sizeof(file), "/proc/%d/ns/pid", p);
		fd = (int)MUST(open(file, O_RDONLY | O_CLOEXEC));
		MUST(readlink(file, a, sizeof(a) - 1));
		CHECK_EXIT(FORK(MUST(setns(fd, CLONE_NEWPID)); CHECK(getpid() > 1);
				CHECK(readlink("/proc/self/ns/pid_for_children", b, sizeof(b) - 1) >
				      0);
				CHECK_STR(b, a);
				pid_t k = FORK(CHECK_EQ(getppid(), 0); CHECK_EQ(getpid(), 2));
				CHECK_EXIT(k, 0)),
			   0);
		close(fd);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		close(gate[0]), close(gate[1]);
	}
	CASE("setns by pidfd")
	{
		int gate[2], fd;
		char c;
		pid_t p;

		MUST(pipe(gate));
		p = INIT(MUST(unshare(CLONE_NEWUTS)); MUST(sethostname("there", 5));
			 write(gate[1], "x", 1); for (;;) pause());
		MUST(read(gate[0], &c, 1));
		fd = (int)MUST(syscall(SYS_pidfd_open, p, 0));
		CHECK_ERRNO(setns(fd, 0), EINVAL);
		CHECK_ERRNO(setns(fd, CLONE_VM), EINVAL);
		CHECK_EXIT(FORK(char name[64] = "";
				CHECK_EQ(setns(fd, CLONE_NEWUTS | CLONE_NEWPID), 0);
				gethostname(name, sizeof(name)); CHECK_STR(name, "there")),
			   0);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_ERRNO(setns(fd, CLONE_NEWUTS), ESRCH);
		close(fd);
		close(gate[0]), close(gate[1]);
	}
}

int main(int argc, char **argv)
{
	bool may;

	test_begin(argc, argv);
	may = geteuid() == 0 && unshare(CLONE_NEWNS) == 0;
	if (may || enter_user()) {
		test_numbers();
		test_init();
		test_proc();
	}
	return test_end();
}
