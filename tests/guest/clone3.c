/* SPDX-License-Identifier: Apache-2.0 */
/* clone3.c - clone3: size rules of its argument, pidfd, set_tid, clear_sighand, errors */
#include "tests/lib/guest.h"

#include <linux/sched.h>
#include <poll.h>

static long clone3(struct clone_args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

static void test_size(void)
{
	struct clone_args a = {.exit_signal = SIGCHLD};

	CASE("sizes: too small EINVAL, larger with zeroes works, with a bit set E2BIG, over a page "
	     "E2BIG")
	{
		char big[256];

		CHECK_ERRNO(clone3(&a, 0), EINVAL);
		CHECK_ERRNO(clone3(&a, 63), EINVAL);
		CHECK_ERRNO(clone3(&a, 4097), E2BIG);
		memset(big, 0, sizeof(big));
		memcpy(big, &a, sizeof(a));
		long p = clone3((struct clone_args *)(void *)big, sizeof(big));

		if (p == 0)
			_exit(4);
		CHECK(p > 0);
		CHECK_EXIT((pid_t)p, 4);
		big[200] = 1;
		CHECK_ERRNO(clone3((struct clone_args *)(void *)big, sizeof(big)), E2BIG);
	}
	CASE("the first version's size works")
	{
		long p = clone3(&a, CLONE_ARGS_SIZE_VER0);

		if (p == 0)
			_exit(5);
		CHECK_EXIT((pid_t)p, 5);
	}
	CASE("bad pointer gives EFAULT")
	{
		CHECK_ERRNO(clone3((void *)1, sizeof(a)), EFAULT);
	}
}

static void test_checks(void)
{
	CASE("fields are checked")
	{
		struct clone_args a = {.exit_signal = 65};

		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.flags = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.flags = CLONE_DETACHED, .exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.flags = 1ull << 50, .exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.stack = 0x10000, .exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.stack_size = 0x10000, .exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
					.exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){.set_tid_size = 1, .exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		a = (struct clone_args){
			.set_tid_size = 33, .set_tid = (uintptr_t)&a, .exit_signal = SIGCHLD};
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
	}
	CASE("set_tid needs rights and a free pid")
	{
		pid_t want = getpid();
		struct clone_args a = {
			.set_tid = (uintptr_t)&want, .set_tid_size = 1, .exit_signal = SIGCHLD};

		if (geteuid() != 0) {
			CHECK_ERRNO(clone3(&a, sizeof(a)), EPERM);
			break;
		}
		CHECK_ERRNO(clone3(&a, sizeof(a)), EEXIST);
		want = 0;
		CHECK_ERRNO(clone3(&a, sizeof(a)), EINVAL);
		for (want = 29999; kill(want, 0) == 0 || errno == EPERM; want--)
			;
		long p = clone3(&a, sizeof(a));

		if (p == 0)
			_exit(getpid() == want ? 0 : 1);
		CHECK_EQ(p, want);
		CHECK_EXIT((pid_t)p, 0);
	}
}

static void test_work(void)
{
	CASE("pidfd and tid stores")
	{
		int pidfd = -1;
		static pid_t ptid, ctid;
		struct clone_args a = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID |
						CLONE_CHILD_SETTID,
				       .pidfd = (uintptr_t)&pidfd,
				       .parent_tid = (uintptr_t)&ptid,
				       .child_tid = (uintptr_t)&ctid,
				       .exit_signal = SIGCHLD};
		long p = clone3(&a, sizeof(a));

		if (p == 0)
			_exit(ctid == getpid() ? 0 : 1);
		CHECK(p > 0);
		CHECK_EQ(ptid, p);
		CHECK_EQ(ctid, 0);
		siginfo_t si = {0};

		CHECK_EQ(waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED), 0);
		CHECK_EQ(si.si_pid, p);
		CHECK_EQ(si.si_status, 0);
		close(pidfd);
	}
	CASE("CLONE_CLEAR_SIGHAND resets handlers and keeps ignored signals")
	{
		struct clone_args a = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};

		on_signal(SIGUSR1, count_signal, 0);
		signal(SIGUSR2, SIG_IGN);
		long p = clone3(&a, sizeof(a));

		if (p == 0) {
			struct sigaction s1, s2;

			sigaction(SIGUSR1, NULL, &s1);
			sigaction(SIGUSR2, NULL, &s2);
			_exit(s1.sa_handler == SIG_DFL && s2.sa_handler == SIG_IGN ? 0 : 1);
		}
		CHECK_EXIT((pid_t)p, 0);
		signal(SIGUSR1, SIG_DFL);
		signal(SIGUSR2, SIG_DFL);
	}
	CASE("CLONE_VFORK waits")
	{
		int *m =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		struct clone_args a = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
		long p = clone3(&a, sizeof(a));

		if (p == 0) {
			usleep(10000);
			*m = 1;
			_exit(0);
		}
		CHECK_EQ(*m, 1);
		CHECK_EXIT((pid_t)p, 0);
		munmap(m, 4096);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_size();
	test_checks();
	test_work();
	return test_end();
}
