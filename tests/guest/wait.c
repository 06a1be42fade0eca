/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c - wait4, waitpid and waitid with every option */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/pidfd.h>
#include <sys/resource.h>

static void test_which(void)
{
	CASE("no children: ECHILD; bad options: EINVAL; INT_MIN: ESRCH")
	{
		CHECK_ERRNO(wait(NULL), ECHILD);
		CHECK_ERRNO(waitpid(1, NULL, 0), ECHILD);
		CHECK_ERRNO(waitpid(-1, NULL, 0x100), EINVAL);
		CHECK_ERRNO(waitpid((pid_t)0x80000000, NULL, 0), ESRCH);
		CHECK_ERRNO(waitpid(getpid(), NULL, 0), ECHILD);
	}
	CASE("WNOHANG: 0 while it runs, the pid after")
	{
		int gate[2], st = 77;
		char c;

		MUST(pipe(gate));
		pid_t p = FORK(CHECK_EQ(read(gate[0], &c, 1), 1));

		CHECK_EQ(waitpid(p, &st, WNOHANG), 0);
		CHECK_EQ(st, 77);
		CHECK_EQ(write(gate[1], "x", 1), 1);
		EVENTUALLY(proc_state(p) == 'Z');
		CHECK_EQ(waitpid(p, &st, WNOHANG), p);
		CHECK_EQ(st, 0);
		close(gate[0]);
		close(gate[1]);
	}
	CASE("by process group: 0 and -pgid")
	{
		pid_t a = FORK(setpgid(0, 0); _exit(1));

		setpgid(a, a);
		pid_t b = FORK(_exit(2));
		int st;

		CHECK_EQ(waitpid(0, &st, 0), b);
		CHECK_EQ(WEXITSTATUS(st), 2);
		CHECK_ERRNO(waitpid(0, &st, 0), ECHILD);
		CHECK_EQ(waitpid(-a, &st, 0), a);
		CHECK_EQ(WEXITSTATUS(st), 1);
		CHECK_ERRNO(waitpid(-a, &st, 0), ECHILD);
	}
	CASE("a grandchild is no child")
	{
		int fds[2];
		pid_t g = 0;

		MUST(pipe(fds));
		pid_t p = FORK(pid_t q = FORK(pause());
			       CHECK_EQ(write(fds[1], &q, sizeof(q)), sizeof(q)); sleep_ms(10);
			       kill(q, SIGKILL); CHECK_KILLED(q, SIGKILL));

		CHECK_EQ(read(fds[0], &g, sizeof(g)), sizeof(g));
		CHECK_ERRNO(waitpid(g, NULL, WNOHANG), ECHILD);
		CHECK_EXIT(p, 0);
		close(fds[0]);
		close(fds[1]);
	}
	CASE("wait fills rusage; bad pointers give EFAULT and the child is gone all the same")
	{
		struct rusage ru;

		memset(&ru, 0xff, sizeof(ru));
		pid_t p = FORK(_exit(0));

		CHECK_EQ(wait4(p, NULL, 0, &ru), p);
		CHECK(ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_sec < 5);
		p = FORK(_exit(0));
		CHECK_ERRNO(wait4(p, BAD_PTR, 0, NULL), EFAULT);
		CHECK_ERRNO(wait4(p, NULL, 0, NULL), ECHILD);
	}
}

static void test_stops(void)
{
	CASE("WUNTRACED and WCONTINUED, each reported once")
	{
		pid_t p = FORK(for (;;) pause());
		int st;

		kill(p, SIGSTOP);
		CHECK_EQ(waitpid(p, &st, WUNTRACED), p);
		CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
		CHECK_EQ(proc_state(p), 'T');
		CHECK_EQ(waitpid(p, &st, WUNTRACED | WNOHANG), 0);
		kill(p, SIGCONT);
		CHECK_EQ(waitpid(p, &st, WCONTINUED), p);
		CHECK(WIFCONTINUED(st));
		CHECK_EQ(st, 0xffff);
		CHECK_EQ(waitpid(p, &st, WCONTINUED | WUNTRACED | WNOHANG), 0);
		kill(p, SIGTERM);
		CHECK_KILLED(p, SIGTERM);
	}
	CASE("without WUNTRACED a stop is not seen; it can be fetched later")
	{
		pid_t p = FORK(for (;;) pause());
		int st;

		kill(p, SIGTSTP);
		EVENTUALLY(proc_state(p) == 'T');
		CHECK_EQ(waitpid(p, &st, WNOHANG), 0);
		CHECK_EQ(waitpid(p, &st, WUNTRACED | WNOHANG), p);
		CHECK_EQ(WSTOPSIG(st), SIGTSTP);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
	}
	CASE("waitid: CLD_STOPPED, CLD_CONTINUED, CLD_KILLED, CLD_EXITED")
	{
		siginfo_t si;
		pid_t p = FORK(for (;;) pause());

		kill(p, SIGSTOP);
		CHECK_EQ(waitid(P_PID, (id_t)p, &si, WSTOPPED), 0);
		CHECK_EQ(si.si_code, CLD_STOPPED);
		CHECK_EQ(si.si_status, SIGSTOP);
		CHECK_EQ(si.si_signo, SIGCHLD);
		CHECK_EQ(si.si_pid, p);
		CHECK_EQ(si.si_uid, getuid());
		kill(p, SIGCONT);
		CHECK_EQ(waitid(P_PID, (id_t)p, &si, WCONTINUED), 0);
		CHECK_EQ(si.si_code, CLD_CONTINUED);
		CHECK_EQ(si.si_status, SIGCONT);
		kill(p, SIGKILL);
		CHECK_EQ(waitid(P_ALL, 0, &si, WEXITED), 0);
		CHECK_EQ(si.si_code, CLD_KILLED);
		CHECK_EQ(si.si_status, SIGKILL);
		p = FORK(_exit(300));
		CHECK_EQ(waitid(P_PGID, 0, &si, WEXITED), 0);
		CHECK_EQ(si.si_code, CLD_EXITED);
		CHECK_EQ(si.si_pid, p);
		CHECK_EQ(si.si_status, 300 & 0xff);
	}
}

static void test_waitid(void)
{
	CASE("WNOWAIT leaves it waitable")
	{
		siginfo_t si;
		pid_t p = FORK(_exit(6));

		CHECK_EQ(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT), 0);
		CHECK_EQ(si.si_status, 6);
		CHECK_EQ(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT), 0);
		CHECK_EXIT(p, 6);
		CHECK_ERRNO(waitid(P_PID, (id_t)p, &si, WEXITED), ECHILD);
	}
	CASE("WNOHANG with nothing: success and si_pid 0")
	{
		siginfo_t si;
		pid_t p = FORK(pause());

		memset(&si, 0xff, sizeof(si));
		CHECK_EQ(waitid(P_ALL, 0, &si, WEXITED | WNOHANG), 0);
		CHECK_EQ(si.si_pid, 0);
		CHECK_EQ(si.si_signo, 0);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
	}
	CASE("errors")
	{
		siginfo_t si;

		CHECK_ERRNO(waitid(P_ALL, 0, &si, 0), EINVAL);
		CHECK_ERRNO(waitid(P_ALL, 0, &si, WNOHANG), EINVAL);
		CHECK_ERRNO(waitid(P_ALL, 0, &si, WEXITED | 0x100), EINVAL);
		CHECK_ERRNO(waitid((idtype_t)9, 0, &si, WEXITED), EINVAL);
		CHECK_ERRNO(waitid(P_PID, 0, &si, WEXITED), EINVAL);
		CHECK_ERRNO(waitid(P_PIDFD, 999, &si, WEXITED), EBADF);
		CHECK_ERRNO(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	}
	CASE("P_PIDFD, blocking and O_NONBLOCK")
	{
		siginfo_t si;
		int gate[2];
		char c;

		MUST(pipe(gate));
		pid_t p = FORK(CHECK_EQ(read(gate[0], &c, 1), 1); _exit(2));
		int fd = (int)MUST(syscall(SYS_pidfd_open, p, O_NONBLOCK));

		CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), EAGAIN);
		MUST(fcntl(fd, F_SETFL, 0));
		CHECK_EQ(write(gate[1], "x", 1), 1);
		CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), 0);
		CHECK_EQ(si.si_pid, p);
		CHECK_EQ(si.si_status, 2);
		close(fd);
		close(gate[0]);
		close(gate[1]);
	}
	CASE("pidfd_open: errors; pidfd_send_signal; fdinfo")
	{
		CHECK_ERRNO(syscall(SYS_pidfd_open, 0, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_pidfd_open, -1, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_pidfd_open, getpid(), 0x10000), EINVAL);
		CHECK_ERRNO(syscall(SYS_pidfd_open, 0x3fffff, 0), ESRCH);
		pid_t p = FORK(pause());
		int fd = (int)MUST(syscall(SYS_pidfd_open, p, 0));
		char path[64], buf[512];

		CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		CHECK(read_file(path, buf, sizeof(buf)) > 0);
		char want[32];

		snprintf(want, sizeof(want), "Pid:\t%d\n", p);
		CHECK(strstr(buf, want) != NULL);
		CHECK_EQ(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), 0);
		CHECK_KILLED(p, SIGTERM);
		close(fd);
	}
}

static void *wait_in_thread(void *arg)
{
	return (void *)(intptr_t)waitpid(*(pid_t *)arg, NULL, 0);
}

static void *wait_nothread(void *arg)
{
	return (void *)(intptr_t)(waitpid(*(pid_t *)arg, NULL, __WNOTHREAD) == -1 ? errno : 0);
}

static void test_threads(void)
{
	CASE("any thread may wait for the process's children; __WNOTHREAD only for its own")
	{
		pthread_t t;
		void *r;
		pid_t p = FORK(_exit(0));

		pthread_create(&t, NULL, wait_nothread, &p);
		pthread_join(t, &r);
		CHECK_EQ((intptr_t)r, ECHILD);
		pthread_create(&t, NULL, wait_in_thread, &p);
		pthread_join(t, &r);
		CHECK_EQ((intptr_t)r, p);
	}
	CASE("a blocked wait is interrupted (EINTR) or restarted (SA_RESTART)")
	{
		pid_t p = FORK(pause()), me = getpid();

		on_signal(SIGUSR1, count_signal, 0);
		pid_t k = FORK(wait_sleeping(me); kill(me, SIGUSR1));

		CHECK_ERRNO(waitpid(p, NULL, 0), EINTR);
		CHECK_EXIT(k, 0);
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		k = FORK(wait_sleeping(me); kill(me, SIGUSR1); sleep_ms(5); kill(p, SIGKILL));
		CHECK_EQ(waitpid(p, NULL, 0), p);
		CHECK_EQ(g_signals, 2);
		CHECK_EXIT(k, 0);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("ECHILD when SIGCHLD is ignored, after all have ended")
	{
		signal(SIGCHLD, SIG_IGN);
		pid_t p = FORK(sleep_ms(5));

		CHECK_ERRNO(waitpid(p, NULL, 0), ECHILD);
		signal(SIGCHLD, SIG_DFL);
	}
	CASE("RUSAGE_CHILDREN counts waited children only")
	{
		struct rusage a, b;

		getrusage(RUSAGE_CHILDREN, &a);
		pid_t p = FORK(long long end = now_ms() + 30; while (now_ms() < end););

		CHECK_EXIT(p, 0);
		getrusage(RUSAGE_CHILDREN, &b);
		CHECK((b.ru_utime.tv_sec - a.ru_utime.tv_sec) * 1000000L + b.ru_utime.tv_usec -
			      a.ru_utime.tv_usec +
			      (b.ru_stime.tv_sec - a.ru_stime.tv_sec) * 1000000L +
			      b.ru_stime.tv_usec - a.ru_stime.tv_usec >
		      3000);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_which();
	test_stops();
	test_waitid();
	test_threads();
	return test_end();
}
