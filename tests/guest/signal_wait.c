/* SPDX-License-Identifier: Apache-2.0 */
/* signal_wait.c - sigsuspend, pause, sigwaitinfo, sigtimedwait, signalfd */
#include "tests/lib/guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

static sigset_t set_of(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	if (sig)
		sigaddset(&s, sig);
	return s;
}

static void test_suspend(void)
{
	CASE("pause returns EINTR after a handler, also with SA_RESTART")
	{
		pid_t me = getpid();

		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t p = FORK(wait_sleeping(me); kill(me, SIGUSR1));

		CHECK_ERRNO(pause(), EINTR);
		CHECK_EQ(g_signals, 1);
		CHECK_EXIT(p, 0);
	}
	CASE("sigsuspend swaps the mask, delivers what is pending, restores the mask")
	{
		sigset_t usr1 = set_of(SIGUSR1), none = set_of(0), now;

		on_signal(SIGUSR1, count_signal, 0);
		sigprocmask(SIG_BLOCK, &usr1, NULL);
		raise(SIGUSR1);
		CHECK_EQ(g_signals, 0);
		CHECK_ERRNO(sigsuspend(&none), EINTR);
		CHECK_EQ(g_signals, 1);
		sigprocmask(SIG_BLOCK, NULL, &now);
		CHECK(sigismember(&now, SIGUSR1));
		sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	}
	CASE("an ignored signal and SIGCHLD by default do not end sigsuspend")
	{
		sigset_t none = set_of(0);
		pid_t me = getpid();

		signal(SIGUSR2, SIG_IGN);
		pid_t p = FORK(wait_sleeping(me); kill(me, SIGUSR2); kill(me, SIGCHLD); sleep_ms(3);
			       kill(me, SIGUSR1));

		CHECK_ERRNO(sigsuspend(&none), EINTR);
		CHECK_EQ(g_signals, 1);
		CHECK_EXIT(p, 0);
		signal(SIGUSR2, SIG_DFL);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("sigsuspend: size and pointer")
	{
		unsigned long s = 0;

		CHECK_ERRNO(syscall(SYS_rt_sigsuspend, &s, 4), EINVAL);
		CHECK_ERRNO(syscall(SYS_rt_sigsuspend, BAD_PTR, 8), EFAULT);
	}
}

static void test_sigwait(void)
{
	sigset_t s = set_of(SIGUSR1);
	siginfo_t si;

	sigaddset(&s, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	CASE("takes a pending signal with its info, lowest first, without its handler")
	{
		union sigval v = {.sival_int = 5};

		on_signal(SIGUSR1, count_signal, 0);
		sigqueue(getpid(), SIGRTMIN + 1, v);
		v.sival_int = 6;
		sigqueue(getpid(), SIGRTMIN + 1, v);
		kill(getpid(), SIGUSR1);
		CHECK_EQ(sigwaitinfo(&s, &si), SIGUSR1);
		CHECK_EQ(si.si_code, SI_USER);
		CHECK_EQ(si.si_pid, getpid());
		CHECK_EQ(sigwaitinfo(&s, &si), SIGRTMIN + 1);
		CHECK_EQ(si.si_value.sival_int, 5);
		CHECK_EQ(sigwaitinfo(&s, &si), SIGRTMIN + 1);
		CHECK_EQ(si.si_value.sival_int, 6);
		CHECK_EQ(g_signals, 0);
	}
	CASE("time-outs: EAGAIN, at once for zero, and not before the time")
	{
		struct timespec zero = {0}, ten = {.tv_nsec = 10000000},
				bad = {.tv_nsec = 1000000000};

		CHECK_ERRNO(sigtimedwait(&s, &si, &zero), EAGAIN);
		long long t = now_ns();

		CHECK_ERRNO(sigtimedwait(&s, &si, &ten), EAGAIN);
		CHECK(now_ns() - t >= 10000000);
		CHECK_ERRNO(sigtimedwait(&s, &si, &bad), EINVAL);
		bad = (struct timespec){.tv_sec = -1};
		CHECK_ERRNO(sigtimedwait(&s, &si, &bad), EINVAL);
	}
	CASE("another signal's handler interrupts it")
	{
		pid_t me = getpid();

		on_signal(SIGUSR2, count_signal, SA_RESTART);
		pid_t p = FORK(wait_sleeping(me); kill(me, SIGUSR2));

		CHECK_ERRNO(sigwaitinfo(&s, &si), EINTR);
		CHECK_EXIT(p, 0);
		signal(SIGUSR2, SIG_DFL);
	}
	CASE("wakes for a signal from another process; SIGKILL and SIGSTOP in the set are nothing")
	{
		sigset_t k = s;
		pid_t me = getpid();

		sigaddset(&k, SIGKILL);
		pid_t p = FORK(wait_sleeping(me); kill(me, SIGUSR1); _exit(0));

		CHECK_EQ(sigwaitinfo(&k, &si), SIGUSR1);
		CHECK_EQ(si.si_pid, p);
		CHECK_EXIT(p, 0);
	}
	CASE("sigtimedwait raw: size, pointers")
	{
		CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 4), EINVAL);
		CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, BAD_PTR, NULL, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &s, NULL, BAD_PTR, 8), EFAULT);
	}
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	signal(SIGUSR1, SIG_DFL);
}

static void *take(void *arg)
{
	siginfo_t si;

	int r;

	/* Linux may wake a thread for a signal that another one then takes. */
	do
		r = sigwaitinfo(arg, &si);
	while (r < 0 && errno == EINTR);
	return r == SIGUSR1 ? "got" : NULL;
}

static void test_signalfd(void)
{
	sigset_t s = set_of(SIGUSR1);
	struct signalfd_siginfo fi[4];

	sigaddset(&s, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	CASE("reads signals in order, several in one read, EAGAIN when empty")
	{
		int fd = MUST(signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC));
		struct pollfd p = {.fd = fd, .events = POLLIN};
		union sigval v = {.sival_int = 9};

		CHECK_EQ(sizeof(fi[0]), 128);
		CHECK_ERRNO(read(fd, fi, sizeof(fi)), EAGAIN);
		CHECK_EQ(poll(&p, 1, 0), 0);
		sigqueue(getpid(), SIGRTMIN + 1, v);
		kill(getpid(), SIGUSR1);
		CHECK_EQ(poll(&p, 1, 0), 1);
		CHECK_ERRNO(read(fd, fi, 127), EINVAL);
		CHECK_EQ(read(fd, fi, sizeof(fi)), 256);
		CHECK_EQ(fi[0].ssi_signo, SIGUSR1);
		CHECK_EQ(fi[0].ssi_pid, getpid());
		CHECK_EQ(fi[0].ssi_uid, getuid());
		CHECK_EQ(fi[1].ssi_signo, SIGRTMIN + 1);
		CHECK_EQ(fi[1].ssi_code, SI_QUEUE);
		CHECK_EQ(fi[1].ssi_int, 9);
		CHECK_EQ(poll(&p, 1, 0), 0);
		close(fd);
	}
	CASE("the mask can be changed; a blocked read wakes; write is EINVAL")
	{
		sigset_t other = set_of(SIGUSR2);
		int fd = MUST(signalfd(-1, &other, 0));
		pid_t me = getpid();

		CHECK_EQ(signalfd(fd, &s, 0), fd);
		pid_t p = FORK(wait_sleeping(me); kill(me, SIGUSR1));

		CHECK_EQ(read(fd, fi, sizeof(fi)), 128);
		CHECK_EQ(fi[0].ssi_pid, p);
		CHECK_EXIT(p, 0);
		CHECK_ERRNO(write(fd, fi, 128), EINVAL);
		close(fd);
	}
	CASE("errors: bad descriptor, wrong descriptor, flags, size")
	{
		CHECK_ERRNO(signalfd(999, &s, 0), EBADF);
		CHECK_ERRNO(signalfd(0, &s, 0), EINVAL);
		CHECK_ERRNO(signalfd(-1, &s, 0x10), EINVAL);
		CHECK_ERRNO(syscall(SYS_signalfd4, -1, &s, 4, 0), EINVAL);
	}
	CASE("a reader in a child gets the child's signals")
	{
		int fd = MUST(signalfd(-1, &s, SFD_NONBLOCK));

		kill(getpid(), SIGUSR1);
		CHECK_EXIT(FORK(CHECK_ERRNO(read(fd, fi, sizeof(fi)), EAGAIN);
				kill(getpid(), SIGUSR1); CHECK_EQ(read(fd, fi, sizeof(fi)), 128);
				CHECK_EQ(fi[0].ssi_pid, getpid())),
			   0);
		CHECK_EQ(read(fd, fi, sizeof(fi)), 128);
		close(fd);
	}
	CASE("of several waiting threads one gets it")
	{
		pthread_t a, b;
		void *ra, *rb;
		sigset_t one = set_of(SIGUSR1);

		pthread_create(&a, NULL, take, &one);
		pthread_create(&b, NULL, take, &one);
		sleep_ms(2);
		kill(getpid(), SIGUSR1);
		sleep_ms(2);
		kill(getpid(), SIGUSR1);
		pthread_join(a, &ra);
		pthread_join(b, &rb);
		CHECK(ra && rb);
	}
	sigprocmask(SIG_UNBLOCK, &s, NULL);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_suspend();
	test_sigwait();
	test_signalfd();
	return test_end();
}
