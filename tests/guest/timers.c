/* SPDX-License-Identifier: Apache-2.0 */
/* timers.c - itimers, alarm, POSIX timers with each way of notification, clocks, sleeping */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

static volatile int g_value, g_code, g_overrun;

static void on_timer(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	g_signals++;
	g_code = si->si_code;
	g_value = si->si_value.sival_int;
	g_overrun = si->si_overrun;
}

static void on_info(int sig)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_RESTART};

	sa.sa_sigaction = on_timer;
	sigaction(sig, &sa, NULL);
}

static void burn_until(volatile sig_atomic_t *n, int want)
{
	long long end = now_ms() + 3000;

	while (*n < want && now_ms() < end)
		;
}

static void test_itimers(void)
{
	struct itimerval it = {.it_value = {.tv_usec = 5000}}, old;

	CASE("ITIMER_REAL once, then periodic, then off; reading back")
	{
		on_signal(SIGALRM, count_signal, SA_RESTART);
		CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
		EVENTUALLY(g_signals == 1);
		CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
		CHECK_EQ(old.it_value.tv_sec + old.it_value.tv_usec, 0);
		it.it_interval.tv_usec = 2000;
		setitimer(ITIMER_REAL, &it, NULL);
		EVENTUALLY(g_signals >= 4);
		it = (struct itimerval){{0}, {0}};
		CHECK_EQ(setitimer(ITIMER_REAL, &it, &old), 0);
		CHECK_EQ(old.it_interval.tv_usec, 2000);
		int n = g_signals;

		sleep_ms(6);
		CHECK(g_signals <= n + 1);
	}
	CASE("alarm: seconds left, replaced by itimer, cancelled by 0")
	{
		CHECK_EQ(alarm(100), 0);
		unsigned left = alarm(50);

		CHECK(left == 100 || left == 99);
		CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
		CHECK(old.it_value.tv_sec >= 48 && old.it_value.tv_sec <= 50);
		CHECK(alarm(0) >= 49);
		CHECK_EQ(alarm(0), 0);
	}
	CASE("ITIMER_VIRTUAL and ITIMER_PROF count CPU time")
	{
		it = (struct itimerval){.it_value = {.tv_usec = 20000}};
		on_signal(SIGVTALRM, count_signal, SA_RESTART);
		on_signal(SIGPROF, count_signal, SA_RESTART);
		setitimer(ITIMER_VIRTUAL, &it, NULL);
		sleep_ms(30);
		CHECK_EQ(g_signals, 0);
		burn_until(&g_signals, 1);
		CHECK_EQ(g_signals, 1);
		setitimer(ITIMER_PROF, &it, NULL);
		burn_until(&g_signals, 2);
		CHECK_EQ(g_signals, 2);
	}
	CASE("errors")
	{
		CHECK_ERRNO(setitimer((__itimer_which_t)3, &it, NULL), EINVAL);
		CHECK_ERRNO(getitimer((__itimer_which_t)-1, &it), EINVAL);
		it.it_value.tv_usec = 1000000;
		CHECK_ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
		CHECK_ERRNO(getitimer(ITIMER_REAL, BAD_PTR), EFAULT);
	}
	signal(SIGALRM, SIG_DFL);
}

static volatile int g_thread_value;

static void in_thread(union sigval v)
{
	__atomic_store_n((int *)&g_thread_value, v.sival_int, __ATOMIC_SEQ_CST);
}

static void test_posix(void)
{
	struct itimerspec it = {.it_value = {.tv_nsec = 5000000}}, got;
	timer_t id;

	CASE("SIGEV_SIGNAL carries its value; SI_TIMER")
	{
		struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
				      .sigev_signo = SIGUSR1,
				      .sigev_value.sival_int = 77};

		on_info(SIGUSR1);
		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
		CHECK_EQ(timer_settime(id, 0, &it, NULL), 0);
		EVENTUALLY(g_signals == 1);
		CHECK_EQ(g_value, 77);
		CHECK_EQ(g_code, SI_TIMER);
		CHECK_EQ(timer_gettime(id, &got), 0);
		CHECK_EQ(got.it_value.tv_nsec, 0);
		CHECK_EQ(timer_delete(id), 0);
		CHECK_ERRNO(syscall(SYS_timer_delete, 12345), EINVAL);
	}
	CASE("default is SIGALRM with the timer id; SIGEV_NONE counts silently; absolute times")
	{
		on_info(SIGALRM);
		CHECK_EQ(timer_create(CLOCK_REALTIME, NULL, &id), 0);
		struct itimerspec abs = {{0}, {0}};

		clock_gettime(CLOCK_REALTIME, &abs.it_value);
		CHECK_EQ(timer_settime(id, TIMER_ABSTIME, &abs, NULL), 0);
		EVENTUALLY(g_signals == 1);
		timer_delete(id);
		struct sigevent ev = {.sigev_notify = SIGEV_NONE};

		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
		it.it_value.tv_sec = 100;
		CHECK_EQ(timer_settime(id, 0, &it, NULL), 0);
		CHECK_EQ(timer_gettime(id, &got), 0);
		CHECK(got.it_value.tv_sec == 99 || got.it_value.tv_sec == 100);
		timer_delete(id);
		it.it_value.tv_sec = 0;
	}
	CASE("SIGEV_THREAD and SIGEV_THREAD_ID")
	{
		struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 5};

		ev.sigev_notify_function = in_thread;
		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
		CHECK_EQ(timer_settime(id, 0, &it, NULL), 0);
		EVENTUALLY(__atomic_load_n((int *)&g_thread_value, __ATOMIC_SEQ_CST) == 5);
		timer_delete(id);
		memset(&ev, 0, sizeof(ev));
		ev.sigev_notify = SIGEV_THREAD_ID;
		ev.sigev_signo = SIGUSR1;
		ev._sigev_un._tid = gettid();
		CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
		CHECK_EQ(timer_settime(id, 0, &it, NULL), 0);
		EVENTUALLY(g_signals == 1);
		timer_delete(id);
	}
	CASE("overruns while the signal is blocked")
	{
		struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
		sigset_t s;

		sigemptyset(&s);
		sigaddset(&s, SIGUSR1);
		sigprocmask(SIG_BLOCK, &s, NULL);
		timer_create(CLOCK_MONOTONIC, &ev, &id);
		struct itimerspec fast = {{.tv_nsec = 1000000}, {.tv_nsec = 1000000}};

		timer_settime(id, 0, &fast, NULL);
		sleep_ms(20);
		sigprocmask(SIG_UNBLOCK, &s, NULL);
		CHECK(g_signals >= 1);
		CHECK(g_overrun >= 5);
		CHECK(timer_getoverrun(id) >= 0);
		timer_delete(id);
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("timers are not inherited and end with exec; process CPU clock; errors")
	{
		struct sigevent ev = {.sigev_notify = 77};

		timer_create(CLOCK_MONOTONIC, NULL, &id);
		CHECK_EXIT(FORK(CHECK_ERRNO(timer_gettime(id, &got), EINVAL)), 0);
		timer_delete(id);
		CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
		CHECK_ERRNO(timer_create(99, NULL, &id), EINVAL);
		on_info(SIGUSR2);
		ev = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
		CHECK_EQ(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &id), 0);
		timer_settime(id, 0, &it, NULL);
		burn_until(&g_signals, 1);
		CHECK_EQ(g_signals, 1);
		timer_delete(id);
		signal(SIGUSR2, SIG_DFL);
	}
}

static void test_sleep(void)
{
	CASE("clock_nanosleep sleeps long enough, relative and absolute; a past time returns at "
	     "once")
	{
		struct timespec ts = {.tv_nsec = 10000000};
		long long t = now_ns();

		CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), 0);
		CHECK(now_ns() - t >= 10000000);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_sec -= 1;
		t = now_ns();
		CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
		CHECK(now_ns() - t < 1000000000);
		CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
	}
	CASE("interrupted: EINTR and the remainder, which adds up; absolute leaves it alone")
	{
		struct timespec ts = {.tv_sec = 50}, rem = {.tv_sec = 7};
		pid_t me = getpid();

		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid_t p = FORK(wait_sleeping(me); sleep_ms(5); kill(me, SIGUSR1));

		CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &rem), EINTR);
		CHECK_EXIT(p, 0);
		CHECK(rem.tv_sec >= 44 && rem.tv_sec < 50);
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_sec += 50;
		rem.tv_sec = 7;
		p = FORK(wait_sleeping(me); kill(me, SIGUSR1));
		CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &rem), EINTR);
		CHECK_EQ(rem.tv_sec, 7);
		CHECK_EXIT(p, 0);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("errors")
	{
		struct timespec bad = {.tv_nsec = 1000000000}, neg = {.tv_sec = -1};

		CHECK_ERRNO(nanosleep(&bad, NULL), EINVAL);
		CHECK_ERRNO(nanosleep(&neg, NULL), EINVAL);
		CHECK_ERRNO(syscall(SYS_nanosleep, BAD_PTR, NULL), EFAULT);
		CHECK_EQ(clock_nanosleep(99, 0, &bad, NULL), EINVAL);
		CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &neg, NULL), EINVAL);
	}
}

static void test_clocks(void)
{
	CASE("all clocks exist, move on, have a resolution")
	{
		static const clockid_t ids[] = {
			CLOCK_REALTIME,		 CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
			CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
			CLOCK_MONOTONIC_COARSE,	 CLOCK_BOOTTIME,      CLOCK_TAI};

		for (unsigned i = 0; i < COUNT(ids); i++) {
			struct timespec a, b, r;

			CHECK_EQ(clock_gettime(ids[i], &a), 0);
			CHECK_EQ(clock_gettime(ids[i], &b), 0);
			CHECK(b.tv_sec > a.tv_sec ||
			      (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
			CHECK_EQ(clock_getres(ids[i], &r), 0);
			CHECK(r.tv_sec == 0 && r.tv_nsec > 0 && r.tv_nsec <= 10000000);
			CHECK_EQ(syscall(SYS_clock_gettime, ids[i], &b), 0);
		}
		struct timespec ts;

		CHECK_ERRNO(clock_gettime(99, &ts), EINVAL);
		CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD_PTR), EFAULT);
	}
	CASE("system call and vdso agree; time and gettimeofday too")
	{
		struct timespec v, s;
		struct timeval tv;

		clock_gettime(CLOCK_REALTIME, &v);
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &s);
		CHECK(s.tv_sec - v.tv_sec <= 1);
		CHECK_EQ(gettimeofday(&tv, NULL), 0);
		CHECK(tv.tv_sec - v.tv_sec <= 1);
		CHECK(time(NULL) - v.tv_sec <= 1);
	}
	CASE("CPU clocks of another process and thread")
	{
		clockid_t id;
		struct timespec ts;
		pid_t p = FORK(while (clock() < CLOCKS_PER_SEC / 100); pause());

		wait_sleeping(p);
		CHECK_EQ(clock_getcpuclockid(p, &id), 0);
		CHECK_EQ(clock_gettime(id, &ts), 0);
		CHECK(ts.tv_sec == 0 && ts.tv_nsec > 3000000);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EQ(pthread_getcpuclockid(pthread_self(), &id), 0);
		CHECK_EQ(clock_gettime(id, &ts), 0);
	}
	CASE("setting the clock needs CAP_SYS_TIME")
	{
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				struct timespec ts; clock_gettime(CLOCK_REALTIME, &ts);
				CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &ts), EPERM);
				CHECK_ERRNO(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL)),
			   0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_no_alarm();
	test_itimers();
	test_posix();
	test_sleep();
	test_clocks();
	return test_end();
}
