/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd.c - timerfd and eventfd: counting, blocking, polling, semantics of each flag */
#include "tests/lib/guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static int readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms);
}

static void test_timerfd(void)
{
	struct itimerspec it = {.it_value = {.tv_nsec = 5000000}}, got;
	struct itimerspec far = {.it_value = {.tv_sec = 3600}};
	uint64_t n = 0;

	CASE("one shot: polls, reads 1, then EAGAIN")
	{
		int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));

		CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
		CHECK_EQ(timerfd_settime(fd, 0, &far, NULL), 0);
		CHECK_EQ(readable(fd, 0), 0);
		CHECK_EQ(timerfd_settime(fd, 0, &it, NULL), 0);
		CHECK_EQ(readable(fd, 5000), 1);
		CHECK_EQ(read(fd, &n, 8), 8);
		CHECK_EQ(n, 1);
		CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
		CHECK_EQ(timerfd_gettime(fd, &got), 0);
		CHECK_EQ(got.it_value.tv_nsec + got.it_value.tv_sec, 0);
		close(fd);
	}
	CASE("periodic: counts expirations; blocking read waits; settime resets")
	{
		int fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));

		it.it_interval.tv_nsec = 2000000;
		timerfd_settime(fd, 0, &it, NULL);
		CHECK_EQ(read(fd, &n, 8), 8);
		CHECK(n >= 1);
		sleep_ms(12);
		CHECK_EQ(read(fd, &n, 8), 8);
		CHECK(n >= 4);
		sleep_ms(5);
		struct itimerspec off = {{0}, {0}}, old;

		CHECK_EQ(timerfd_settime(fd, 0, &off, &old), 0);
		CHECK_EQ(old.it_interval.tv_nsec, 2000000);
		CHECK_EQ(readable(fd, 0), 0);
		close(fd);
	}
	CASE("absolute time in the past fires at once")
	{
		int fd = MUST(timerfd_create(CLOCK_REALTIME, 0));
		struct itimerspec abs = {.it_value = {.tv_sec = 1000}};

		timerfd_settime(fd, TFD_TIMER_ABSTIME, &abs, NULL);
		CHECK_EQ(readable(fd, 0), 1);
		CHECK_EQ(read(fd, &n, 8), 8);
		CHECK_EQ(n, 1);
		close(fd);
	}
	CASE("errors")
	{
		int fd = MUST(timerfd_create(CLOCK_BOOTTIME, 0));

		CHECK_ERRNO(timerfd_create(99, 0), EINVAL);
		CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
		CHECK_ERRNO(timerfd_settime(fd, 64, &it, NULL), EINVAL);
		it.it_value.tv_nsec = 1000000000;
		CHECK_ERRNO(timerfd_settime(fd, 0, &it, NULL), EINVAL);
		CHECK_ERRNO(timerfd_settime(0, 0, &got, NULL), EINVAL);
		CHECK_ERRNO(timerfd_gettime(999, &got), EBADF);
		CHECK_ERRNO(timerfd_gettime(fd, BAD_PTR), EFAULT);
		CHECK_ERRNO(read(fd, &n, 4), EINVAL);
		CHECK_ERRNO(write(fd, &n, 8), EINVAL);
		CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
		close(fd);
	}
}

static void *add_later(void *arg)
{
	uint64_t v = 3;

	sleep_ms(3);
	return write(*(int *)arg, &v, 8) == 8 ? NULL : "bad";
}

static void test_eventfd(void)
{
	uint64_t v = 0;

	CASE("counter: adds, read takes all, EAGAIN at zero; starts at its argument")
	{
		int fd = MUST(eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC));

		v = 7;
		CHECK_EQ(write(fd, &v, 8), 8);
		CHECK_EQ(readable(fd, 0), 1);
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 12);
		CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
		CHECK_EQ(readable(fd, 0), 0);
		close(fd);
	}
	CASE("semaphore: read takes one")
	{
		int fd = MUST(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));

		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 1);
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 1);
		CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
		close(fd);
	}
	CASE("overflow: EAGAIN or blocks; not writable at the top; all ones is EINVAL")
	{
		int fd = MUST(eventfd(0, EFD_NONBLOCK));
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		v = UINT64_MAX - 1;
		CHECK_EQ(write(fd, &v, 8), 8);
		CHECK_EQ(poll(&p, 1, 0), 0);
		v = 1;
		CHECK_ERRNO(write(fd, &v, 8), EAGAIN);
		v = UINT64_MAX;
		CHECK_ERRNO(write(fd, &v, 8), EINVAL);
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, UINT64_MAX - 1);
		CHECK_EQ(poll(&p, 1, 0), 1);
		close(fd);
	}
	CASE("a blocked read wakes for a thread and for a child's write")
	{
		int fd = MUST(eventfd(0, 0));
		pthread_t t;
		void *r;

		pthread_create(&t, NULL, add_later, &fd);
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 3);
		pthread_join(t, &r);
		CHECK(r == NULL);
		pid_t p = FORK(v = 9; sleep_ms(2); CHECK_EQ(write(fd, &v, 8), 8));

		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 9);
		CHECK_EXIT(p, 0);
		close(fd);
	}
}

static void test_eventfd_more(void)
{
	uint64_t v = 0;

	CASE("a blocked write wakes when a reader makes room")
	{
		int fd = MUST(eventfd(0, 0));

		v = UINT64_MAX - 1;
		CHECK_EQ(write(fd, &v, 8), 8);
		pid_t p = FORK(v = 5; CHECK_EQ(write(fd, &v, 8), 8));

		wait_sleeping(p);
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EXIT(p, 0);
		CHECK_EQ(read(fd, &v, 8), 8);
		CHECK_EQ(v, 5);
		close(fd);
	}
	CASE("sizes and flags are checked")
	{
		int fd = MUST(eventfd(1, 0));
		char big[16];

		CHECK_ERRNO(read(fd, &v, 7), EINVAL);
		CHECK_ERRNO(write(fd, &v, 4), EINVAL);
		CHECK_EQ(read(fd, big, 16), 8);
		CHECK_ERRNO(eventfd(0, 0x10), EINVAL);
		CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
		close(fd);
	}
	CASE("eventfd and epoll ping-pong, 500 rounds")
	{
		int a = MUST(eventfd(0, 0)), b = MUST(eventfd(0, 0)), ep = MUST(epoll_create1(0));
		struct epoll_event e = {.events = EPOLLIN};

		MUST(epoll_ctl(ep, EPOLL_CTL_ADD, b, &e));
		pid_t p = FORK(for (int i = 0; i < 500; i++) {
			uint64_t x;
			if (read(a, &x, 8) != 8 || write(b, &x, 8) != 8)
				_exit(1);
		});

		for (int i = 0; i < 500; i++) {
			v = (uint64_t)i + 1;
			CHECK_EQ(write(a, &v, 8), 8);
			CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
			CHECK_EQ(read(b, &v, 8), 8);
			CHECK_EQ(v, i + 1);
		}
		CHECK_EXIT(p, 0);
		close(a);
		close(b);
		close(ep);
	}
}

static void test_cancel(void)
{
	CASE("TFD_TIMER_CANCEL_ON_SET: with a clock that is not set timers expire")
	{
		static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
		uint64_t v = 0;

		for (size_t i = 0; i < COUNT(clocks); i++) {
			int fd = (int)MUST(timerfd_create(clocks[i], 0));
			struct itimerspec its = {.it_value = {1, 1}};

			CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
						 &its, NULL),
				 0);
			CHECK_EQ(read(fd, &v, 8), 8);
			CHECK_EQ(v, 1);
			its.it_value = (struct timespec){0, 1000000};
			CHECK_EQ(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &its, NULL), 0);
			CHECK_EQ(read(fd, &v, 8), 8);
			CHECK_ERRNO(timerfd_settime(fd, 4, &its, NULL), EINVAL);
			close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_timerfd();
	test_cancel();
	test_eventfd();
	test_eventfd_more();
	return test_end();
}
