/* SPDX-License-Identifier: Apache-2.0 */
/* poll.c - poll, ppoll, select, pselect: events per kind of file, time-outs, masks, errors */
#include "tests/lib/guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

static int events_of(int fd, int want)
{
	struct pollfd p = {.fd = fd, .events = (short)want};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void fill(int fd)
{
	char b[4096] = "";
	int fl = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, fl | O_NONBLOCK);
	while (write(fd, b, sizeof(b)) > 0)
		;
	fcntl(fd, F_SETFL, fl);
}

static void test_events(void)
{
	enum { ALL = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	CASE("pipe: empty, data, full, writer gone, reader gone")
	{
		int p[2];

		MUST(pipe(p));
		CHECK_EQ(events_of(p[0], ALL), 0);
		CHECK_EQ(events_of(p[1], ALL), POLLOUT);
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(events_of(p[0], ALL), POLLIN);
		CHECK_EQ(events_of(p[0], 0), 0);
		fill(p[1]);
		CHECK_EQ(events_of(p[1], ALL), 0);
		close(p[1]);
		CHECK_EQ(events_of(p[0], ALL), POLLIN | POLLHUP);
		close(p[0]);
		MUST(pipe(p));
		close(p[1]);
		CHECK_EQ(events_of(p[0], ALL), POLLHUP);
		close(p[0]);
		MUST(pipe(p));
		close(p[0]);
		CHECK_EQ(events_of(p[1], ALL), POLLOUT | POLLERR);
		CHECK_EQ(events_of(p[1], 0), POLLERR);
		close(p[1]);
	}
	CASE("regular files, directories, /dev/null are always ready")
	{
		int f = MUST(open("f", O_RDWR | O_CREAT, 0600)),
		    n = MUST(open("/dev/null", O_RDWR));

		CHECK_EQ(events_of(f, POLLIN | POLLOUT), POLLIN | POLLOUT);
		CHECK_EQ(events_of(n, POLLIN | POLLOUT), POLLIN | POLLOUT);
		close(f);
		close(n);
	}
	CASE("sockets: half close gives POLLRDHUP, full close POLLHUP")
	{
		int s[2];

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(events_of(s[0], ALL), POLLOUT);
		shutdown(s[1], SHUT_WR);
		CHECK_EQ(events_of(s[0], ALL), POLLIN | POLLOUT | POLLRDHUP);
		close(s[1]);
		CHECK_EQ(events_of(s[0], ALL), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
		close(s[0]);
	}
	CASE("bad descriptor POLLNVAL, negative skipped, counts")
	{
		int p[2];

		MUST(pipe(p));
		struct pollfd v[3] = {{.fd = 999, .events = POLLIN},
				      {.fd = -1, .events = POLLIN, .revents = 77},
				      {.fd = p[1], .events = POLLOUT}};

		CHECK_EQ(poll(v, 3, 1000), 2);
		CHECK_EQ(v[0].revents, POLLNVAL);
		CHECK_EQ(v[1].revents, 0);
		CHECK_EQ(v[2].revents, POLLOUT);
		close(p[0]);
		close(p[1]);
	}
}

static void *write_later(void *arg)
{
	sleep_ms(3);
	return write(*(int *)arg, "x", 1) == 1 ? NULL : "bad";
}

static void test_wait(void)
{
	int p[2];

	MUST(pipe(p));
	CASE("time-outs: 0 at once, positive not early, nothing to watch")
	{
		struct pollfd v = {.fd = p[0], .events = POLLIN};
		long long t = now_ns();

		CHECK_EQ(poll(&v, 1, 10), 0);
		CHECK(now_ns() - t >= 10000000);
		CHECK_EQ(poll(NULL, 0, 5), 0);
		struct timespec ts = {.tv_nsec = 5000000}, bad = {.tv_nsec = -1};

		t = now_ns();
		CHECK_EQ(ppoll(&v, 1, &ts, NULL), 0);
		CHECK(now_ns() - t >= 5000000);
		CHECK_ERRNO(ppoll(&v, 1, &bad, NULL), EINVAL);
	}
	CASE("wakes for data that comes while waiting")
	{
		struct pollfd v = {.fd = p[0], .events = POLLIN};
		pthread_t t;
		char c;

		pthread_create(&t, NULL, write_later, &p[1]);
		CHECK_EQ(poll(&v, 1, -1), 1);
		CHECK_EQ(v.revents, POLLIN);
		CHECK_EQ(read(p[0], &c, 1), 1);
		pthread_join(t, NULL);
	}
	CASE("ppoll and pselect swap the mask for the wait only")
	{
		sigset_t usr1, none, now;

		sigemptyset(&none);
		sigemptyset(&usr1);
		sigaddset(&usr1, SIGUSR1);
		on_signal(SIGUSR1, count_signal, 0);
		sigprocmask(SIG_BLOCK, &usr1, NULL);
		raise(SIGUSR1);
		struct pollfd v = {.fd = p[0], .events = POLLIN};

		CHECK_EQ(poll(&v, 1, 1), 0);
		CHECK_ERRNO(ppoll(&v, 1, NULL, &none), EINTR);
		CHECK_EQ(g_signals, 1);
		raise(SIGUSR1);
		CHECK_ERRNO(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
		CHECK_EQ(g_signals, 2);
		sigprocmask(SIG_BLOCK, NULL, &now);
		CHECK(sigismember(&now, SIGUSR1));
		raise(SIGUSR1);
		v.fd = p[1];
		v.events = POLLOUT;
		CHECK_EQ(ppoll(&v, 1, NULL, &none), 1);
		sigprocmask(SIG_UNBLOCK, &usr1, NULL);
		CHECK_EQ(g_signals, 3);
		signal(SIGUSR1, SIG_DFL);
	}
	CASE("errors: count over RLIMIT_NOFILE, bad pointers")
	{
		struct pollfd v = {.fd = p[0], .events = POLLIN};
		struct rlimit r;

		CHECK_ERRNO(poll(BAD_PTR, 1, 0), EFAULT);
		getrlimit(RLIMIT_NOFILE, &r);
		CHECK_ERRNO(poll(&v, r.rlim_cur + 1, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_ppoll, &v, 1, BAD_PTR, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_ppoll, &v, 1, NULL, &v, 4), EINVAL);
	}
	close(p[0]);
	close(p[1]);
}

static void test_select(void)
{
	int p[2];

	MUST(pipe(p));
	fd_set r, w, e;

	CASE("sets are replaced by what is ready; the count is of bits")
	{
		FD_ZERO(&r);
		FD_ZERO(&w);
		FD_ZERO(&e);
		FD_SET(p[0], &r);
		FD_SET(p[1], &w);
		FD_SET(p[0], &e);
		CHECK_EQ(select(p[1] + 1, &r, &w, &e, NULL), 1);
		CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &e));
		CHECK_EQ(write(p[1], "x", 1), 1);
		FD_SET(p[0], &r);
		CHECK_EQ(select(p[1] + 1, &r, &w, NULL, NULL), 2);
	}
	CASE("Linux writes the time left; bits above nfds are left alone")
	{
		struct timeval tv = {.tv_sec = 50};

		FD_ZERO(&r);
		FD_SET(p[0], &r);
		FD_SET(1000, &r);
		CHECK_EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 1);
		CHECK(tv.tv_sec == 49 || (tv.tv_sec == 50 && tv.tv_usec == 0));
		CHECK(FD_ISSET(1000, &r));
		tv = (struct timeval){.tv_usec = 3000};
		CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0);
		CHECK_EQ(tv.tv_usec + tv.tv_sec, 0);
	}
	CASE("hang-up is readable, error is writable")
	{
		int q[2], s[2];

		MUST(pipe(q));
		MUST(pipe(s));
		close(q[1]);
		close(s[0]);
		FD_ZERO(&r);
		FD_ZERO(&w);
		FD_SET(q[0], &r);
		FD_SET(s[1], &w);
		CHECK_EQ(select(s[1] + 1, &r, &w, NULL, NULL), 2);
		close(q[0]);
		close(s[1]);
	}
	CASE("errors: closed descriptor EBADF, negative count EINVAL, bad time EINVAL, bad pointer "
	     "EFAULT")
	{
		struct timeval bad = {.tv_sec = -1};

		FD_ZERO(&r);
		FD_SET(p[1] + 1, &r);
		CHECK_ERRNO(select(p[1] + 2, &r, NULL, NULL, NULL), EBADF);
		CHECK_ERRNO(select(-1, NULL, NULL, NULL, NULL), EINVAL);
		CHECK_ERRNO(select(0, NULL, NULL, NULL, &bad), EINVAL);
		CHECK_ERRNO(select(1, BAD_PTR, NULL, NULL, NULL), EFAULT);
	}
	close(p[0]);
	close(p[1]);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_events();
	test_wait();
	test_select();
	return test_end();
}
