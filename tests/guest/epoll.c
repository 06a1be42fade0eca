/* SPDX-License-Identifier: Apache-2.0 */
/* epoll.c - level, edge, one-shot, exclusive, nested; closing, duplicates, changes while waiting */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static int g_ep, g_p[2];

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = 0x1234567800000000ull + (unsigned)fd};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int mod(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = 0x1234567800000000ull + (unsigned)fd};

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* Number of events ready now; the first one's bits in *bits. */
static int ready(int ep, uint32_t *bits)
{
	struct epoll_event e[8];
	int n = epoll_wait(ep, e, 8, 0);

	if (bits)
		*bits = n > 0 ? e[0].events : 0;
	return n;
}

static void open_all(void)
{
	g_ep = MUST(epoll_create1(EPOLL_CLOEXEC));
	MUST(pipe(g_p));
}

static void close_all(void)
{
	close(g_ep);
	close(g_p[0]);
	close(g_p[1]);
}

static void put(void)
{
	CHECK_EQ(write(g_p[1], "x", 1), 1);
}

static void get(void)
{
	char c;

	CHECK_EQ(read(g_p[0], &c, 1), 1);
}

static void test_triggers(void)
{
	uint32_t bits;

	CASE("level: reported until drained; data returned")
	{
		open_all();
		MUST(add(g_ep, g_p[0], EPOLLIN));
		CHECK_EQ(ready(g_ep, NULL), 0);
		put();
		struct epoll_event e;

		CHECK_EQ(epoll_wait(g_ep, &e, 1, -1), 1);
		CHECK_EQ(e.events, EPOLLIN);
		CHECK_EQ(e.data.u64, 0x1234567800000000ull + (unsigned)g_p[0]);
		CHECK_EQ(ready(g_ep, NULL), 1);
		get();
		CHECK_EQ(ready(g_ep, NULL), 0);
		close_all();
	}
	CASE("edge: once per arrival")
	{
		open_all();
		MUST(add(g_ep, g_p[0], EPOLLIN | EPOLLET));
		put();
		CHECK_EQ(ready(g_ep, NULL), 1);
		CHECK_EQ(ready(g_ep, NULL), 0);
		put();
		CHECK_EQ(ready(g_ep, NULL), 1);
		get();
		CHECK_EQ(ready(g_ep, NULL), 0);
		MUST(mod(g_ep, g_p[0], EPOLLIN | EPOLLET));
		CHECK_EQ(ready(g_ep, NULL), 1);
		close_all();
	}
	CASE("one-shot: silent until armed again")
	{
		open_all();
		MUST(add(g_ep, g_p[0], EPOLLIN | EPOLLONESHOT));
		put();
		CHECK_EQ(ready(g_ep, NULL), 1);
		put();
		CHECK_EQ(ready(g_ep, NULL), 0);
		MUST(mod(g_ep, g_p[0], EPOLLIN | EPOLLONESHOT));
		CHECK_EQ(ready(g_ep, NULL), 1);
		CHECK_EQ(ready(g_ep, NULL), 0);
		close_all();
	}
	CASE("error and hang-up come unasked, also with no events wanted")
	{
		open_all();
		MUST(add(g_ep, g_p[0], 0));
		put();
		CHECK_EQ(ready(g_ep, NULL), 0);
		close(g_p[1]);
		CHECK_EQ(ready(g_ep, &bits), 1);
		CHECK_EQ(bits, EPOLLHUP);
		close_all();
	}
	CASE("a file ready when added is reported")
	{
		open_all();
		put();
		MUST(add(g_ep, g_p[0], EPOLLIN | EPOLLET));
		CHECK_EQ(ready(g_ep, NULL), 1);
		MUST(add(g_ep, g_p[1], EPOLLOUT | EPOLLET));
		CHECK_EQ(ready(g_ep, &bits), 1);
		CHECK_EQ(bits, EPOLLOUT);
		close_all();
	}
	CASE("several ready files rotate when maxevents is small")
	{
		open_all();
		int q[2];
		struct epoll_event a, b;

		MUST(pipe(q));
		CHECK_EQ(write(q[1], "x", 1), 1);
		put();
		MUST(add(g_ep, g_p[0], EPOLLIN));
		MUST(add(g_ep, q[0], EPOLLIN));
		CHECK_EQ(epoll_wait(g_ep, &a, 1, 0), 1);
		CHECK_EQ(epoll_wait(g_ep, &b, 1, 0), 1);
		CHECK(a.data.u64 != b.data.u64);
		close(q[0]);
		close(q[1]);
		close_all();
	}
}

static void test_life(void)
{
	CASE("closing the last descriptor removes it, a duplicate keeps it")
	{
		open_all();
		MUST(add(g_ep, g_p[0], EPOLLIN));
		put();
		int d = MUST(dup(g_p[0]));

		close(g_p[0]);
		CHECK_EQ(ready(g_ep, NULL), 1);
		g_p[0] = d;
		CHECK_EQ(MUST(add(g_ep, d, EPOLLIN)), 0);
		CHECK_EQ(ready(g_ep, NULL), 2);
		close(d);
		CHECK_EQ(ready(g_ep, NULL), 0);
		close(g_ep);
		close(g_p[1]);
	}
	CASE("the key is descriptor and file: the same number again may be added")
	{
		open_all();
		MUST(add(g_ep, g_p[0], EPOLLIN));
		int saved = MUST(dup(g_p[0])), q[2];

		MUST(pipe(q));
		MUST(dup2(q[0], g_p[0]));
		CHECK_EQ(add(g_ep, g_p[0], EPOLLIN), 0);
		CHECK_ERRNO(add(g_ep, g_p[0], EPOLLIN), EEXIST);
		close(saved);
		close(q[0]);
		close(q[1]);
		close_all();
	}
	CASE("delete, modify, add while another thread waits")
	{
		open_all();
		pid_t p = FORK(sleep_ms(3); struct epoll_event e = {.events = EPOLLIN};
			       MUST(epoll_ctl(g_ep, EPOLL_CTL_ADD, g_p[0], &e)); put());
		struct epoll_event e;

		CHECK_EQ(epoll_wait(g_ep, &e, 1, 5000), 1);
		CHECK_EXIT(p, 0);
		CHECK_EQ(epoll_ctl(g_ep, EPOLL_CTL_DEL, g_p[0], NULL), 0);
		CHECK_EQ(ready(g_ep, NULL), 0);
		CHECK_ERRNO(epoll_ctl(g_ep, EPOLL_CTL_DEL, g_p[0], NULL), ENOENT);
		CHECK_ERRNO(mod(g_ep, g_p[0], EPOLLIN), ENOENT);
		close_all();
	}
	CASE("errors")
	{
		open_all();
		struct epoll_event e = {.events = EPOLLIN};
		int f = MUST(open("f", O_RDWR | O_CREAT, 0600));

		CHECK_ERRNO(add(g_ep, f, EPOLLIN), EPERM);
		CHECK_ERRNO(add(g_ep, g_ep, EPOLLIN), EINVAL);
		CHECK_ERRNO(add(g_ep, 999, EPOLLIN), EBADF);
		CHECK_ERRNO(add(999, g_p[0], EPOLLIN), EBADF);
		CHECK_ERRNO(add(f, g_p[0], EPOLLIN), EINVAL);
		CHECK_ERRNO(epoll_ctl(g_ep, 77, g_p[0], &e), EINVAL);
		CHECK_ERRNO(epoll_ctl(g_ep, EPOLL_CTL_ADD, g_p[0], BAD_PTR), EFAULT);
		CHECK_ERRNO(epoll_wait(g_ep, &e, 0, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_epoll_wait, g_ep, &e, -1, 0), EINVAL);
		CHECK_ERRNO(epoll_wait(f, &e, 1, 0), EINVAL);
		CHECK_ERRNO(epoll_create(0), EINVAL);
		CHECK_ERRNO(epoll_create1(1), EINVAL);
		MUST(add(g_ep, g_p[1], EPOLLOUT));
		CHECK_ERRNO(epoll_wait(g_ep, BAD_PTR, 1, 0), EFAULT);
		close(f);
		close_all();
	}
}

static void *waiter(void *arg)
{
	struct epoll_event e;
	long n = epoll_wait(*(int *)arg, &e, 1, 300);

	return (void *)n;
}

static void test_nested(void)
{
	CASE("an epoll inside an epoll is readable when it has events")
	{
		open_all();
		int outer = MUST(epoll_create1(0));

		MUST(add(outer, g_ep, EPOLLIN));
		MUST(add(g_ep, g_p[0], EPOLLIN));
		CHECK_EQ(ready(outer, NULL), 0);
		put();
		CHECK_EQ(ready(outer, NULL), 1);
		get();
		CHECK_EQ(ready(outer, NULL), 0);
		CHECK_ERRNO(add(g_ep, outer, EPOLLIN), ELOOP);
		close(outer);
		close_all();
	}
	CASE("nesting deeper than five is ELOOP or EINVAL")
	{
		int ep[8], r = 0;

		for (int i = 0; i < 8; i++)
			ep[i] = MUST(epoll_create1(0));
		for (int i = 0; i < 7 && r == 0; i++)
			r = add(ep[i + 1], ep[i], EPOLLIN);
		CHECK(r == -1 && (errno == EINVAL || errno == ELOOP));
		for (int i = 0; i < 8; i++)
			close(ep[i]);
	}
	CASE("EPOLLEXCLUSIVE: one of two waiting epolls wakes at least; mod is refused")
	{
		open_all();
		int other = MUST(epoll_create1(0));
		pthread_t a, b;
		void *ra, *rb;

		MUST(add(g_ep, g_p[0], EPOLLIN | EPOLLEXCLUSIVE));
		MUST(add(other, g_p[0], EPOLLIN | EPOLLEXCLUSIVE));
		CHECK_ERRNO(mod(g_ep, g_p[0], EPOLLIN), EINVAL);
		CHECK_ERRNO(add(g_ep, g_p[1], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
		pthread_create(&a, NULL, waiter, &g_ep);
		pthread_create(&b, NULL, waiter, &other);
		sleep_ms(5);
		put();
		pthread_join(a, &ra);
		pthread_join(b, &rb);
		CHECK((long)ra + (long)rb >= 1);
		close(other);
		close_all();
	}
	CASE("two threads waiting on one epoll: an edge wakes one")
	{
		open_all();
		pthread_t a, b;
		void *ra, *rb;

		MUST(add(g_ep, g_p[0], EPOLLIN | EPOLLET));
		pthread_create(&a, NULL, waiter, &g_ep);
		pthread_create(&b, NULL, waiter, &g_ep);
		sleep_ms(5);
		put();
		pthread_join(a, &ra);
		pthread_join(b, &rb);
		CHECK_EQ((long)ra + (long)rb, 1);
		close_all();
	}
	CASE("time-outs and epoll_pwait2; mask")
	{
		open_all();
		struct epoll_event e;
		struct timespec ts = {.tv_nsec = 5000000};
		sigset_t none, usr1;
		long long t = now_ns();

		CHECK_EQ(epoll_wait(g_ep, &e, 1, 5), 0);
		CHECK(now_ns() - t >= 5000000);
		t = now_ns();
		CHECK_EQ(epoll_pwait2(g_ep, &e, 1, &ts, NULL), 0);
		CHECK(now_ns() - t >= 5000000);
		sigemptyset(&none);
		sigemptyset(&usr1);
		sigaddset(&usr1, SIGUSR1);
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		sigprocmask(SIG_BLOCK, &usr1, NULL);
		raise(SIGUSR1);
		CHECK_EQ(epoll_wait(g_ep, &e, 1, 0), 0);
		CHECK_ERRNO(epoll_pwait(g_ep, &e, 1, -1, &none), EINTR);
		CHECK_EQ(g_signals, 1);
		sigprocmask(SIG_UNBLOCK, &usr1, NULL);
		signal(SIGUSR1, SIG_DFL);
		close_all();
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_triggers();
	test_life();
	test_nested();
	return test_end();
}
