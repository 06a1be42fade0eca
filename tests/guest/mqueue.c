/* SPDX-License-Identifier: Apache-2.0 */
/* mqueue.c - POSIX message queues: order, limits, waiting, time-outs, notification, names */
#include "tests/lib/guest.h"

#include <mqueue.h>
#include <poll.h>

#define NAME "/bulkhead-mq-test"

static mqd_t make(int flags, long maxmsg, long msgsize)
{
	struct mq_attr a = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};

	mq_unlink(NAME);
	return mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &a);
}

static volatile sig_atomic_t g_value, g_code;

static void on_message(int sig, siginfo_t *info, void *context)
{
	g_value = info->si_value.sival_int;
	g_code = info->si_code;
}

static void test_order(void)
{
	char buf[64];
	unsigned prio;
	mqd_t q;

	CASE("highest priority first, oldest first among equals")
	{
		q = make(0, 10, 16);
		CHECK(q >= 0);
		CHECK_EQ(mq_send(q, "a", 1, 1), 0);
		CHECK_EQ(mq_send(q, "b", 1, 5), 0);
		CHECK_EQ(mq_send(q, "c", 1, 1), 0);
		CHECK_EQ(mq_send(q, "", 0, 5), 0);
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), &prio), 1);
		CHECK(buf[0] == 'b' && prio == 5);
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), &prio), 0);
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), &prio), 1);
		CHECK(buf[0] == 'a' && prio == 1);
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), NULL), 1);
		CHECK(buf[0] == 'c');
		mq_close(q);
	}
	CASE("sizes and priorities that are wrong")
	{
		q = make(O_NONBLOCK, 2, 16);
		CHECK_ERRNO(mq_send(q, buf, 17, 0), EMSGSIZE);
		CHECK_ERRNO(mq_receive(q, buf, 15, NULL), EMSGSIZE);
		CHECK_ERRNO(mq_send(q, buf, 1, 32768), EINVAL);
		CHECK_ERRNO(mq_receive(q, buf, 16, NULL), EAGAIN);
		CHECK_EQ(mq_send(q, "x", 1, 0), 0);
		CHECK_EQ(mq_send(q, "x", 1, 0), 0);
		CHECK_ERRNO(mq_send(q, "x", 1, 0), EAGAIN);
		CHECK_ERRNO(mq_send(999, "x", 1, 0), EBADF);
		mq_close(q);
	}
}

static void test_names(void)
{
	struct mq_attr a = {.mq_maxmsg = 0, .mq_msgsize = 16};
	mqd_t q, p;

	CASE("exclusive creation, missing names, attributes that are wrong")
	{
		q = make(0, 3, 32);
		CHECK_ERRNO(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
		CHECK_ERRNO(mq_open("/bulkhead-none", O_RDWR), ENOENT);
		CHECK_ERRNO(mq_open("/bulkhead-zero", O_CREAT | O_RDWR, 0600, &a), EINVAL);
		CHECK_EQ(mq_unlink(NAME), 0);
		CHECK_ERRNO(mq_unlink(NAME), ENOENT);
		CHECK_EQ(mq_getattr(q, &a), 0);
		CHECK(a.mq_maxmsg == 3 && a.mq_msgsize == 32 && a.mq_curmsgs == 0);
		mq_close(q);
	}
	CASE("a queue outlives its name; rights of the descriptor; O_NONBLOCK is set by mq_setattr")
	{
		q = make(0, 3, 32);
		p = mq_open(NAME, O_RDONLY);
		CHECK_EQ(mq_unlink(NAME), 0);
		CHECK_EQ(mq_send(q, "hi", 2, 0), 0);
		CHECK_ERRNO(mq_send(p, "hi", 2, 0), EBADF);
		char buf[32];
		CHECK_EQ(mq_receive(p, buf, sizeof(buf), NULL), 2);
		a.mq_flags = O_NONBLOCK;
		CHECK_EQ(mq_setattr(p, &a, NULL), 0);
		CHECK_ERRNO(mq_receive(p, buf, sizeof(buf), NULL), EAGAIN);
		CHECK_EQ(mq_getattr(p, &a), 0);
		CHECK_EQ(a.mq_flags, O_NONBLOCK);
		mq_close(p);
		mq_close(q);
	}
}

static void test_wait(void)
{
	struct timespec past = {1, 0}, soon;
	char buf[32];
	int status;
	mqd_t q;

	CASE("a time-out")
	{
		q = make(0, 1, 16);
		CHECK_ERRNO(mq_timedreceive(q, buf, sizeof(buf), NULL, &past), ETIMEDOUT);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 50000000;
		soon.tv_sec += soon.tv_nsec / 1000000000;
		soon.tv_nsec %= 1000000000;
		CHECK_ERRNO(mq_timedreceive(q, buf, sizeof(buf), NULL, &soon), ETIMEDOUT);
		past.tv_nsec = -1;
		CHECK_ERRNO(mq_timedreceive(q, buf, sizeof(buf), NULL, &past), EINVAL);
		mq_close(q);
	}
	CASE("100 messages between processes through a queue of one; poll")
	{
		q = make(0, 1, 16);
		pid_t pid = fork();

		if (pid == 0) {
			for (int i = 0; i < 100; i++)
				if (mq_send(q, (char *)&i, sizeof(i), 0) != 0)
					_exit(1);
			_exit(0);
		}
		for (int i = 0; i < 100; i++) {
			struct pollfd p = {.fd = q, .events = POLLIN};
			int got = -1;

			CHECK_EQ(poll(&p, 1, 5000), 1);
			CHECK_EQ(mq_receive(q, buf, sizeof(buf), NULL), sizeof(i));
			memcpy(&got, buf, sizeof(got));
			CHECK_EQ(got, i);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		mq_close(q);
	}
}

static void test_notify(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct sigaction sa = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	char buf[32];
	mqd_t q;

	CASE("a message in an empty queue sends the signal, once")
	{
		sigaction(SIGUSR1, &sa, NULL);
		ev.sigev_value.sival_int = 42;
		q = make(0, 5, 16);
		CHECK_EQ(mq_notify(q, &ev), 0);
		CHECK_ERRNO(mq_notify(q, &ev), EBUSY);
		CHECK_EQ(mq_send(q, "x", 1, 0), 0);
		CHECK_EQ(g_value, 42);
		CHECK_EQ(g_code, SI_MESGQ);
		g_value = 0;
		CHECK_EQ(mq_send(q, "x", 1, 0), 0);
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), NULL), 1);
		CHECK_EQ(mq_receive(q, buf, sizeof(buf), NULL), 1);
		CHECK_EQ(mq_send(q, "x", 1, 0), 0);
		CHECK_EQ(g_value, 0);
		mq_close(q);
	}
	CASE("a registration is taken back by NULL, and by close")
	{
		q = make(0, 5, 16);
		CHECK_EQ(mq_notify(q, &ev), 0);
		CHECK_EQ(mq_notify(q, NULL), 0);
		CHECK_EQ(mq_notify(q, &ev), 0);
		mqd_t p = mq_open(NAME, O_RDWR);
		mq_close(q);
		CHECK_EQ(mq_notify(p, &ev), 0);
		mq_close(p);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_order();
	test_names();
	test_wait();
	test_notify();
	mq_unlink(NAME);
	return test_end();
}
