/* SPDX-License-Identifier: Apache-2.0 */
/* inet_tcp.c - TCP over loopback, v4 and v6: connecting, ends, data, readiness, errors */
#include "tests/lib/guest.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

union addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(int family, int port, union addr *a)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
	a->v4.sin_port = htons(port);
	if (family == AF_INET6) {
		a->v6.sin6_addr = in6addr_loopback;
		return sizeof(a->v6);
	}
	a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(a->v4);
}

static int port_of(int s)
{
	union addr a;
	socklen_t len = sizeof(a);

	return getsockname(s, &a.sa, &len) == 0 ? ntohs(a.v4.sin_port) : -1;
}

static int listener(int family, int backlog)
{
	union addr a;
	int s = socket(family, SOCK_STREAM, 0);

	if (s < 0 || bind(s, &a.sa, loopback(family, 0, &a)) || listen(s, backlog))
		return -1;
	return s;
}

static int connect_to(int family, int port)
{
	union addr a;
	int s = socket(family, SOCK_STREAM, 0);

	if (s >= 0 && connect(s, &a.sa, loopback(family, port, &a)) == 0)
		return s;
	int err = errno;

	close(s);
	errno = err;
	return -1;
}

/* Two ends of a connection. */
static int pair(int family, int s[2])
{
	int l = listener(family, 5);

	s[0] = connect_to(family, port_of(l));
	s[1] = accept(l, NULL, NULL);
	close(l);
	return s[0] < 0 || s[1] < 0 ? -1 : 0;
}

static unsigned poll_now(int fd, int events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

static int wait_for(int fd, int events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 5000) > 0 ? p.revents : 0;
}

static void test_connect(int family)
{
	CASE("names of both ends")
	{
		union addr a, b;
		socklen_t len = sizeof(a);
		int l = MUST(listener(family, 5)), c = MUST(connect_to(family, port_of(l)));
		int s = MUST(accept4(l, &a.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK));

		CHECK_EQ(len, family == AF_INET ? sizeof(a.v4) : sizeof(a.v6));
		CHECK_EQ(fcntl(s, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
		CHECK_EQ(ntohs(a.v4.sin_port), port_of(c));
		CHECK_EQ(getpeername(c, &b.sa, &len), 0);
		CHECK_EQ(ntohs(b.v4.sin_port), port_of(l));
		CHECK_EQ(port_of(s), port_of(l));
		CHECK_ERRNO(getpeername(l, &b.sa, &len), ENOTCONN);
		CHECK_ERRNO(connect(c, &b.sa, len), EISCONN);
		close(c);
		close(s);
		close(l);
	}
	CASE("nobody listens: ECONNREFUSED; the port in use: EADDRINUSE")
	{
		union addr a;
		int l = MUST(listener(family, 5)), port = port_of(l);
		int s = MUST(socket(family, SOCK_STREAM, 0));

		CHECK_ERRNO(bind(s, &a.sa, loopback(family, port, &a)), EADDRINUSE);
		close(l);
		CHECK_ERRNO(connect_to(family, port), ECONNREFUSED);
		CHECK_EQ(bind(s, &a.sa, loopback(family, port, &a)), 0);
		CHECK_ERRNO(bind(s, &a.sa, loopback(family, 0, &a)), EINVAL);
		close(s);
	}
	CASE("a connect that does not wait")
	{
		union addr a;
		int l = MUST(listener(family, 5)), err = -1;
		int s = MUST(socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0));
		socklen_t len = sizeof(err);

		CHECK_ERRNO(connect(s, &a.sa, loopback(family, port_of(l), &a)), EINPROGRESS);
		CHECK_EQ(wait_for(s, POLLOUT), POLLOUT);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len), 0);
		CHECK_EQ(err, 0);
		close(s);
		int port = port_of(l);

		close(l);
		s = MUST(socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0));
		CHECK_ERRNO(connect(s, &a.sa, loopback(family, port, &a)), EINPROGRESS);
		CHECK(wait_for(s, POLLOUT) & POLLERR);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len), 0);
		CHECK_EQ(err, ECONNREFUSED);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len), 0);
		CHECK_EQ(err, 0);
		close(s);
	}
}

static void test_data(int family)
{
	CASE("data, peek, half close, end")
	{
		char buf[16] = {0};
		int s[2];

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(send(s[0], "hello", 5, 0), 5);
		CHECK_EQ(recv(s[1], buf, 2, MSG_PEEK), 2);
		CHECK_EQ(recv(s[1], buf, 5, MSG_WAITALL), 5);
		CHECK_STR(buf, "hello");
		CHECK_ERRNO(recv(s[1], buf, 1, MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
		CHECK_EQ(read(s[1], buf, 1), 0);
		CHECK_EQ(write(s[1], "back", 4), 4);
		CHECK_EQ(read(s[0], buf, 16), 4);
		signal(SIGPIPE, SIG_IGN);
		CHECK_ERRNO(write(s[0], "x", 1), EPIPE);
		close(s[0]);
		close(s[1]);
	}
	CASE("SIGPIPE, and MSG_NOSIGNAL")
	{
		int s[2];

		REQUIRE(pair(family, s) == 0);
		shutdown(s[0], SHUT_WR);
		on_signal(SIGPIPE, count_signal, 0);
		g_signals = 0;
		CHECK_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
		CHECK_EQ(g_signals, 0);
		CHECK_ERRNO(send(s[0], "x", 1, 0), EPIPE);
		CHECK_EQ(g_signals, 1);
		CHECK_ERRNO(write(s[0], "x", 1), EPIPE);
		CHECK_EQ(g_signals, 2);
		close(s[0]);
		close(s[1]);
	}
	CASE("close with data unread resets the other end")
	{
		char c;
		int s[2];

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(write(s[0], "x", 1), 1);
		CHECK_EQ(wait_for(s[1], POLLIN), POLLIN);
		close(s[1]);
		CHECK(wait_for(s[0], POLLIN) & POLLERR);
		CHECK_ERRNO(read(s[0], &c, 1), ECONNRESET);
		CHECK_EQ(read(s[0], &c, 1), 0);
		close(s[0]);
	}
	CASE("urgent byte")
	{
		char c = 0;
		int s[2], mark = 0;

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(send(s[0], "ab", 2, 0), 2);
		CHECK_EQ(send(s[0], "!", 1, MSG_OOB), 1);
		CHECK(wait_for(s[1], POLLPRI) & POLLPRI);
		CHECK_EQ(recv(s[1], &c, 1, MSG_OOB), 1);
		CHECK_EQ(c, '!');
		CHECK_ERRNO(recv(s[1], &c, 1, MSG_OOB), EINVAL);
		char two[8];

		CHECK_EQ(read(s[1], two, 8), 2);
		CHECK_EQ(ioctl(s[1], SIOCATMARK, &mark), 0);
		CHECK_EQ(mark, 1);
		close(s[0]);
		close(s[1]);
	}
	CASE("how much is there: FIONREAD, SIOCOUTQ, MSG_TRUNC throws away")
	{
		char buf[64];
		int s[2], n = -1;

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(write(s[0], "0123456789", 10), 10);
		wait_for(s[1], POLLIN);
		CHECK_EQ(ioctl(s[1], FIONREAD, &n), 0);
		CHECK_EQ(n, 10);
		CHECK_EQ(ioctl(s[0], TIOCOUTQ, &n), 0);
		CHECK_EQ(n, 0);
		memset(buf, '-', sizeof(buf));
		CHECK_EQ(recv(s[1], buf, 4, MSG_TRUNC), 4);
		CHECK_EQ(buf[0], '-');
		CHECK_EQ(read(s[1], buf, 64), 6);
		CHECK_EQ(memcmp(buf, "456789", 6), 0);
		close(s[0]);
		close(s[1]);
	}
}

#define BIG (24 << 20)
static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 2654435761u >> 13);
}

static void *sender(void *arg)
{
	int fd = *(int *)arg;
	unsigned char *buf = malloc(1 << 20);

	for (size_t at = 0; at < BIG; at += 1 << 20) {
		for (size_t i = 0; i < 1 << 20; i++)
			buf[i] = pattern(at + i);
		for (size_t done = 0; done < 1 << 20;) {
			ssize_t n = write(fd, buf + done, (1 << 20) - done);

			if (!CHECK(n > 0))
				return NULL;
			done += (size_t)n;
		}
	}
	free(buf);
	shutdown(fd, SHUT_WR);
	return NULL;
}

static void test_big(int family)
{
	CASE("24 MiB arrive whole and in order")
	{
		static unsigned char buf[100000];
		size_t got = 0, wrong = 0;
		pthread_t th;
		int s[2];

		REQUIRE(pair(family, s) == 0);
		pthread_create(&th, NULL, sender, &s[0]);
		for (;;) {
			ssize_t n = read(s[1], buf, sizeof(buf));

			if (n <= 0)
				break;
			for (ssize_t i = 0; i < n; i++)
				wrong += buf[i] != pattern(got + (size_t)i);
			got += (size_t)n;
		}
		CHECK_EQ(got, BIG);
		CHECK_EQ(wrong, 0);
		pthread_join(th, NULL);
		close(s[0]);
		close(s[1]);
	}
	CASE("a full buffer: EAGAIN, room again, POLLOUT")
	{
		static char buf[1 << 16];
		int s[2];

		REQUIRE(pair(family, s) == 0);
		fcntl(s[0], F_SETFL, O_NONBLOCK);
		while (write(s[0], buf, sizeof(buf)) > 0)
			;
		CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(poll_now(s[0], POLLOUT), 0);
		pid_t pid = FORK({
			sleep_ms(50);
			fcntl(s[1], F_SETFL, 0);
			struct pollfd p = {.fd = s[1], .events = POLLIN};

			while (poll(&p, 1, 300) > 0 && read(s[1], buf, sizeof(buf)) > 0)
				;
		});
		CHECK_EQ(wait_for(s[0], POLLOUT), POLLOUT);
		CHECK_EXIT(pid, 0);
		close(s[0]);
		close(s[1]);
	}
	CASE("sendfile and splice")
	{
		char buf[32] = {0};
		int s[2], p[2], f = MUST(open("data", O_RDWR | O_CREAT | O_TRUNC, 0600));
		off_t off = 2;

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(write(f, "0123456789", 10), 10);
		CHECK_EQ(sendfile(s[0], f, &off, 100), 8);
		CHECK_EQ(recv(s[1], buf, 8, MSG_WAITALL), 8);
		CHECK_STR(buf, "23456789");
		CHECK_EQ(pipe(p), 0);
		CHECK_EQ(write(p[1], "through", 7), 7);
		CHECK_EQ(splice(p[0], NULL, s[1], NULL, 7, 0), 7);
		wait_for(s[0], POLLIN);
		CHECK_EQ(splice(s[0], NULL, p[1], NULL, 100, 0), 7);
		CHECK_EQ(read(p[0], buf, 32), 7);
		close(s[0]);
		close(s[1]);
		close(p[0]);
		close(p[1]);
		close(f);
	}
}

static void test_ready(int family)
{
	CASE("poll bits over the life of a connection")
	{
		int l = MUST(listener(family, 5)), c = MUST(socket(family, SOCK_STREAM, 0)), s;
		union addr a;
		char ch;

		CHECK_EQ(poll_now(c, POLLIN | POLLOUT), POLLOUT | POLLHUP);
		CHECK_EQ(poll_now(l, POLLIN | POLLOUT), 0);
		CHECK_EQ(connect(c, &a.sa, loopback(family, port_of(l), &a)), 0);
		CHECK_EQ(wait_for(l, POLLIN), POLLIN);
		s = MUST(accept(l, NULL, NULL));
		CHECK_EQ(poll_now(c, POLLIN | POLLOUT | POLLRDHUP), POLLOUT);
		CHECK_EQ(write(s, "x", 1), 1);
		CHECK_EQ(wait_for(c, POLLIN), POLLIN);
		shutdown(s, SHUT_WR);
		CHECK_EQ(wait_for(c, POLLRDHUP), POLLRDHUP);
		CHECK_EQ(poll_now(c, POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
		CHECK_EQ(read(c, &ch, 1), 1);
		shutdown(c, SHUT_WR);
		CHECK(wait_for(s, POLLIN) & POLLHUP);
		close(c);
		close(s);
		close(l);
	}
	CASE("epoll, edge-triggered: one report an edge")
	{
		struct epoll_event ev = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP}, got;
		int s[2], ep = MUST(epoll_create1(0));
		char buf[16];

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev), 0);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(write(s[0], "x", 1), 1);
			CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
			CHECK_EQ(got.events, EPOLLIN);
			CHECK_EQ(epoll_wait(ep, &got, 1, 5), 0);
			CHECK_EQ(read(s[1], buf, 16), 1);
		}
		close(s[0]);
		CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
		CHECK_EQ(got.events, EPOLLIN | EPOLLRDHUP);
		close(s[1]);
		close(ep);
	}
	CASE("epoll, added when it is ready: reported once")
	{
		struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET}, got;
		int s[2], ep = MUST(epoll_create1(0));

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(write(s[0], "x", 1), 1);
		wait_for(s[1], POLLIN);
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev), 0);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
		CHECK_EQ(got.events, EPOLLIN | EPOLLOUT);
		CHECK_EQ(epoll_wait(ep, &got, 1, 20), 0);
		CHECK_EQ(write(s[0], "y", 1), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
		close(s[0]);
		close(s[1]);
		close(ep);
	}
	CASE("epoll, level-triggered and EPOLLONESHOT")
	{
		struct epoll_event ev = {.events = EPOLLIN}, got;
		int s[2], ep = MUST(epoll_create1(0));
		char c;

		REQUIRE(pair(family, s) == 0);
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev), 0);
		CHECK_EQ(write(s[0], "x", 1), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
		CHECK_EQ(read(s[1], &c, 1), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
		ev.events = EPOLLIN | EPOLLONESHOT;
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, s[1], &ev), 0);
		CHECK_EQ(write(s[0], "x", 1), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
		CHECK_EQ(epoll_wait(ep, &got, 1, 20), 0);
		close(s[0]);
		close(s[1]);
		close(ep);
	}
}

static int timed_read(int fd, long ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return (int)read(fd, &c, 1);
}

static void *other_reader(void *arg)
{
	char c;

	return (void *)(intptr_t)read(*(int *)arg, &c, 1);
}

static void test_waiting(int family)
{
	CASE("SO_RCVTIMEO")
	{
		struct timeval tv;
		socklen_t len = sizeof(tv);
		long long before = now_ms();
		int s[2];

		REQUIRE(pair(family, s) == 0);
		CHECK_ERRNO(timed_read(s[0], 60), EAGAIN);
		CHECK(now_ms() - before >= 50);
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
		CHECK_EQ(tv.tv_usec, 60000);
		close(s[0]);
		close(s[1]);
	}
}

static void test_interrupted(int family)
{
	CASE("a signal ends accept, read and connect with EINTR; SA_RESTART does not")
	{
		int l = MUST(listener(family, 5)), s[2];
		pid_t self = getpid(), pid;
		char c;

		REQUIRE(pair(family, s) == 0);
		on_signal(SIGUSR1, count_signal, 0);
		pid = FORK({
			wait_sleeping(self);
			sleep_ms(20);
			kill(self, SIGUSR1);
		});
		CHECK_ERRNO(accept(l, NULL, NULL), EINTR);
		CHECK_EXIT(pid, 0);
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		pid = FORK({
			sleep_ms(30);
			kill(self, SIGUSR1);
			sleep_ms(30);
			if (write(s[1], "x", 1) != 1)
				_exit(1);
		});
		CHECK_EQ(read(s[0], &c, 1), 1);
		CHECK_EXIT(pid, 0);
		close(s[0]);
		close(s[1]);
		close(l);
	}
	CASE("shutdown wakes a reader of the same socket, and one in accept")
	{
		pthread_t th;
		void *ret;
		int s[2], l = MUST(listener(family, 5));

		REQUIRE(pair(family, s) == 0);
		pthread_create(&th, NULL, other_reader, &s[0]);
		sleep_ms(30);
		CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
		pthread_join(th, &ret);
		CHECK_EQ((intptr_t)ret, 0);
		pid_t pid = FORK({
			if (accept(l, NULL, NULL) != -1 || errno != EINVAL)
				_exit(1);
		});
		sleep_ms(30);
		shutdown(l, SHUT_RDWR);
		CHECK_EXIT(pid, 0);
		close(s[0]);
		close(s[1]);
		close(l);
	}
	CASE("two processes accept from one listener")
	{
		int l = MUST(listener(family, 64)), served = 0;
		pid_t pid[2];

		for (int i = 0; i < 2; i++)
			pid[i] = FORK({
				for (;;) {
					char c;
					int s = accept(l, NULL, NULL);

					if (s < 0 || read(s, &c, 1) != 1 || c == 'q')
						_exit(0);
					if (write(s, &c, 1) != 1)
						_exit(1);
					close(s);
				}
			});
		for (int i = 0; i < 40; i++) {
			char c = 'a';
			int s = connect_to(family, port_of(l));

			served += write(s, &c, 1) == 1 && read(s, &c, 1) == 1;
			close(s);
		}
		CHECK_EQ(served, 40);
		for (int i = 0; i < 2; i++) {
			int s = connect_to(family, port_of(l));

			CHECK_EQ(write(s, "q", 1), 1);
			wait_for(s, POLLIN);
			close(s);
		}
		CHECK_EXIT(pid[0], 0);
		CHECK_EXIT(pid[1], 0);
		close(l);
	}
}

static void test_many(void)
{
	CASE("200 connections, each served")
	{
		enum { N = 200 };
		int l = MUST(listener(AF_INET, N)), c[N], ep = MUST(epoll_create1(0));
		int port = port_of(l), answers = 0;
		pid_t pid = FORK({
			int e = epoll_create1(0), left = N;
			struct epoll_event ev = {.events = EPOLLIN, .data.fd = l};

			epoll_ctl(e, EPOLL_CTL_ADD, l, &ev);
			while (left > 0 && epoll_wait(e, &ev, 1, 10000) == 1) {
				char b[8];

				if (ev.data.fd == l) {
					int s = accept(l, NULL, NULL);

					ev = (struct epoll_event){.events = EPOLLIN, .data.fd = s};
					epoll_ctl(e, EPOLL_CTL_ADD, s, &ev);
				} else if (read(ev.data.fd, b, 8) <= 0) {
					close(ev.data.fd);
					left--;
				} else if (write(ev.data.fd, b, 4) != 4) {
					_exit(1);
				}
			}
			_exit(left);
		});

		close(l);
		for (int i = 0; i < N; i++) {
			struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (unsigned)i};

			c[i] = MUST(connect_to(AF_INET, port));
			epoll_ctl(ep, EPOLL_CTL_ADD, c[i], &ev);
			CHECK_EQ(write(c[i], &i, 4), 4);
		}
		while (answers < N) {
			struct epoll_event ev;
			unsigned got = ~0u;

			if (!CHECK_EQ(epoll_wait(ep, &ev, 1, 10000), 1))
				break;
			CHECK_EQ(read(c[ev.data.u32], &got, 4), 4);
			CHECK_EQ(got, ev.data.u32);
			close(c[ev.data.u32]);
			answers++;
		}
		CHECK_EXIT(pid, 0);
		close(ep);
	}
}

static void test_kinds(void)
{
	CASE("what socket() refuses")
	{
		CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
		CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
		CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
		CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 1000), EINVAL);
		CHECK_ERRNO(socket(AF_INET, 9, 0), ESOCKTNOSUPPORT);
		CHECK_ERRNO(socket(AF_INET, 11, 0), EINVAL);
		CHECK_ERRNO(socket(4711, SOCK_STREAM, 0), EAFNOSUPPORT);
		int sv[2];

		CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, sv), EOPNOTSUPP);
		if (geteuid() != 0) {
			CHECK_ERRNO(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
			CHECK_ERRNO(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
		}
	}
	CASE("bad names")
	{
		union addr a;
		int s = MUST(socket(AF_INET, SOCK_STREAM, 0));

		loopback(AF_INET, 0, &a);
		CHECK_ERRNO(bind(s, &a.sa, 8), EINVAL);
		a.v4.sin_addr.s_addr = htonl(0x01020304);
		CHECK_ERRNO(bind(s, &a.sa, sizeof(a.v4)), EADDRNOTAVAIL);
		CHECK_ERRNO(bind(s, BAD_PTR, sizeof(a.v4)), EFAULT);
		loopback(AF_INET6, 0, &a);
		CHECK_ERRNO(bind(s, &a.sa, sizeof(a.v6)), EAFNOSUPPORT);
		CHECK_ERRNO(connect(s, &a.sa, sizeof(a.v6)), EAFNOSUPPORT);
		CHECK_ERRNO(listen(-1, 1), EBADF);
		CHECK_ERRNO(accept(s, NULL, NULL), EINVAL);
		CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
		char c;

		CHECK_ERRNO(recv(s, &c, 1, 0), ENOTCONN);
		CHECK_ERRNO(shutdown(s, SHUT_WR), ENOTCONN);
		close(s);
	}
	CASE("a low port needs a right")
	{
		union addr a;
		int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;

		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (geteuid() == 0) {
			int r = bind(s, &a.sa, loopback(AF_INET, 993, &a));

			CHECK(r == 0 || errno == EADDRINUSE);
			pid_t pid = FORK({
				int t = socket(AF_INET, SOCK_STREAM, 0);

				if (setresuid(NOBODY, NOBODY, NOBODY))
					_exit(2);
				_exit(!(bind(t, &a.sa, loopback(AF_INET, 994, &a)) == -1 &&
					errno == EACCES));
			});

			CHECK_EXIT(pid, 0);
		} else {
			CHECK_ERRNO(bind(s, &a.sa, loopback(AF_INET, 993, &a)), EACCES);
		}
		close(s);
	}
}

static void test_mixed(void)
{
	CASE("faults while data moves")
	{
		int s[2];

		REQUIRE(pair(AF_INET, s) == 0);
		CHECK_ERRNO(write(s[0], BAD_PTR, 10), EFAULT);
		CHECK_EQ(write(s[0], "x", 1), 1);
		wait_for(s[1], POLLIN);
		CHECK_ERRNO(read(s[1], BAD_PTR, 1), EFAULT);
		close(s[0]);
		close(s[1]);
	}
	CASE("a v6 socket takes v4 connections, unless v6only")
	{
		union addr a;
		socklen_t len = sizeof(a);
		int on = 1, s, c, l = MUST(socket(AF_INET6, SOCK_STREAM, 0));

		memset(&a, 0, sizeof(a));
		a.v6.sin6_family = AF_INET6;
		CHECK_EQ(bind(l, &a.sa, sizeof(a.v6)), 0);
		CHECK_EQ(listen(l, 5), 0);
		c = MUST(connect_to(AF_INET, port_of(l)));
		s = MUST(accept(l, &a.sa, &len));
		CHECK(IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr));
		close(c);
		close(s);
		close(l);
		l = MUST(socket(AF_INET6, SOCK_STREAM, 0));
		CHECK_EQ(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
		memset(&a, 0, sizeof(a));
		a.v6.sin6_family = AF_INET6;
		CHECK_EQ(bind(l, &a.sa, sizeof(a.v6)), 0);
		CHECK_EQ(listen(l, 5), 0);
		CHECK_ERRNO(connect_to(AF_INET, port_of(l)), ECONNREFUSED);
		close(l);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET, s = socket(family, SOCK_STREAM, 0);

		close(s);
		if (i && (s = listener(family, 1)) < 0)
			continue; /* a machine without IPv6 */
		if (i)
			close(s);
		test_connect(family);
		test_data(family);
		test_ready(family);
		test_waiting(family);
		test_interrupted(family);
		test_big(family);
	}
	test_many();
	test_kinds();
	test_mixed();
	return test_end();
}
