/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - sessions, process groups, orphans, subreaper, parent-death signal */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/prctl.h>

static void test_groups(void)
{
	CASE("setsid makes a leader of session and group; a leader cannot do it again")
	{
		CHECK_EXIT(FORK(CHECK_EQ(setsid(), getpid()); CHECK_EQ(getsid(0), getpid());
				CHECK_EQ(getpgrp(), getpid()); CHECK_ERRNO(setsid(), EPERM);
				CHECK_ERRNO(setpgid(0, 0), EPERM)),
			   0);
		CHECK_ERRNO(setsid(), EPERM);
	}
	CASE("setpgid: own group, join, leave; errors")
	{
		pid_t a = FORK(pause()), b = FORK(pause());

		CHECK_EQ(setpgid(a, 0), 0);
		CHECK_EQ(getpgid(a), a);
		CHECK_EQ(setpgid(b, a), 0);
		CHECK_EQ(getpgid(b), a);
		CHECK_EQ(setpgid(b, getpgrp()), 0);
		CHECK_EQ(getpgid(b), getpgrp());
		CHECK_ERRNO(setpgid(a, -1), EINVAL);
		CHECK_ERRNO(setpgid(getppid(), 0), ESRCH);
		CHECK_ERRNO(setpgid(b, 0x3ffffe), EPERM);
		CHECK_ERRNO(setpgid(0x3ffffe, 0), ESRCH);
		CHECK_ERRNO(getpgid(0x3ffffe), ESRCH);
		CHECK_ERRNO(getsid(0x3ffffe), ESRCH);
		kill(a, SIGKILL);
		kill(b, SIGKILL);
		CHECK_KILLED(a, SIGKILL);
		CHECK_KILLED(b, SIGKILL);
	}
	CASE("setpgid of a child after its exec is EACCES, in another session EPERM")
	{
		int fds[2];
		char c;

		MUST(pipe2(fds, O_CLOEXEC));
		pid_t p = FORK(execlp("sleep", "sleep", "60", NULL));

		close(fds[1]);
		CHECK_EQ(read(fds[0], &c, 1), 0);
		close(fds[0]);
		CHECK_ERRNO(setpgid(p, p), EACCES);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		MUST(pipe(fds));
		p = FORK(setsid(); CHECK_EQ(write(fds[1], "x", 1), 1); pause());
		CHECK_EQ(read(fds[0], &c, 1), 1);
		CHECK_ERRNO(setpgid(p, getpgrp()), EPERM);
		CHECK_EQ(getsid(p), p);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		close(fds[0]);
		close(fds[1]);
	}
	CASE("kill of a group reaches all its members and nobody else; an empty group is ESRCH")
	{
		pid_t out = FORK(pause()), a = FORK(pause()), b = FORK(pause());

		setpgid(a, a);
		setpgid(b, a);
		CHECK_EQ(kill(-a, SIGTERM), 0);
		CHECK_KILLED(a, SIGTERM);
		CHECK_KILLED(b, SIGTERM);
		CHECK_ERRNO(kill(-a, SIGTERM), ESRCH);
		CHECK_EQ(waitpid(out, NULL, WNOHANG), 0);
		kill(out, SIGKILL);
		CHECK_KILLED(out, SIGKILL);
	}
}

static void test_orphans(void)
{
	CASE("subreaper gets the orphan, and waits for it")
	{
		int fds[2];
		pid_t orphan = 0;
		int flag = 0;

		MUST(pipe(fds));
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
		MUST(prctl(PR_GET_CHILD_SUBREAPER, &flag));
		CHECK_EQ(flag, 1);
		pid_t me = getpid();
		pid_t p = FORK(prctl(PR_GET_CHILD_SUBREAPER, &flag); CHECK_EQ(flag, 0);
			       pid_t q = FORK(EVENTUALLY(getppid() == me); _exit(44));
			       CHECK_EQ(write(fds[1], &q, sizeof(q)), sizeof(q)));

		CHECK_EQ(read(fds[0], &orphan, sizeof(orphan)), sizeof(orphan));
		CHECK_EXIT(p, 0);
		CHECK_EXIT(orphan, 44);
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
		close(fds[0]);
		close(fds[1]);
	}
	CASE("PDEATHSIG arrives when the parent ends; fork clears it; bad signal EINVAL")
	{
		int fds[2], sig = -1;
		char c;

		CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
		MUST(prctl(PR_SET_PDEATHSIG, SIGUSR1));
		MUST(prctl(PR_GET_PDEATHSIG, &sig));
		CHECK_EQ(sig, SIGUSR1);
		MUST(pipe(fds));
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
		pid_t p = FORK(prctl(PR_GET_PDEATHSIG, &sig); CHECK_EQ(sig, 0);
			       pid_t q = FORK(prctl(PR_SET_PDEATHSIG, SIGTERM);
					      CHECK_EQ(write(fds[1], "x", 1), 1); for (;;) pause());
			       CHECK_EQ(read(fds[0], &c, 1), 1); _exit(q ? 0 : 1));

		CHECK_EXIT(p, 0);
		int st = 0;

		CHECK(wait(&st) > 0);
		CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
		MUST(prctl(PR_SET_PDEATHSIG, 0));
		close(fds[0]);
		close(fds[1]);
	}
	CASE("a stopped group that becomes orphaned gets SIGHUP and SIGCONT")
	{
		int fds[2];
		pid_t q = 0;

		MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
		MUST(pipe(fds));
		pid_t p = FORK(setsid(); pid_t s = FORK(setpgid(0, 0); signal(SIGHUP, SIG_DFL);
							raise(SIGSTOP); pause());
			       setpgid(s, s); int st; CHECK_EQ(waitpid(s, &st, WUNTRACED), s);
			       CHECK_EQ(write(fds[1], &s, sizeof(s)), sizeof(s)));

		CHECK_EQ(read(fds[0], &q, sizeof(q)), sizeof(q));
		CHECK_EXIT(p, 0);
		CHECK_KILLED(q, SIGHUP);
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
		close(fds[0]);
		close(fds[1]);
	}
	CASE("SIGTSTP does not stop a member of an orphaned group, SIGSTOP does")
	{
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
		int fds[2];
		pid_t q = 0;

		MUST(pipe(fds));
		pid_t p = FORK(setsid(); pid_t parent = getpid();
			       q = FORK(EVENTUALLY(getppid() != parent); raise(SIGTSTP); _exit(12));
			       CHECK_EQ(write(fds[1], &q, sizeof(q)), sizeof(q)));

		CHECK_EQ(read(fds[0], &q, sizeof(q)), sizeof(q));
		CHECK_EXIT(p, 0);
		CHECK_EXIT(q, 12);
		MUST(prctl(PR_SET_CHILD_SUBREAPER, 0));
		close(fds[0]);
		close(fds[1]);
	}
}

static pid_t g_child;

static void *fork_and_leave(void *arg)
{
	g_child = FORK(sleep_ms(10); _exit(getppid() == *(pid_t *)arg ? 0 : 1));
	return NULL;
}

static void test_threads(void)
{
	CASE("the child of a thread that ended stays the process's child")
	{
		pthread_t t;
		pid_t me = getpid();

		pthread_create(&t, NULL, fork_and_leave, &me);
		pthread_join(t, NULL);
		CHECK_EXIT(g_child, 0);
	}
	CASE("getppid is 0 or a live process")
	{
		CHECK(getppid() >= 0);
		CHECK(getppid() == 0 || kill(getppid(), 0) == 0 || errno == EPERM);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_groups();
	test_orphans();
	test_threads();
	return test_end();
}
