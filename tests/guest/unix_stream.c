/* SPDX-License-Identifier: Apache-2.0 */
/* unix_stream.c - AF_UNIX stream sockets: names, listening, ends, backlog, peek, options */
#include "tests/lib/guest.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int make(const char *path, int type, int doing_bind)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, type, 0);

	strcpy(un.sun_path, path);
	int r = doing_bind ? bind(s, (void *)&un, sizeof(un)) : connect(s, (void *)&un, sizeof(un));

	if (r == 0)
		return s;
	int err = errno;

	close(s);
	errno = err;
	return -1;
}

static void test_names(void)
{
	CASE("bind makes a socket file; address in use; getsockname")
	{
		struct stat st;
		struct sockaddr_un un;
		socklen_t len = sizeof(un);
		int s = MUST(make("a", SOCK_STREAM, 1));

		CHECK_EQ(stat("a", &st), 0);
		CHECK(S_ISSOCK(st.st_mode));
		CHECK_ERRNO(make("a", SOCK_STREAM, 1), EADDRINUSE);
		CHECK_EQ(getsockname(s, (void *)&un, &len), 0);
		CHECK_EQ(len, 2 + 2);
		CHECK_STR(un.sun_path, "a");
		CHECK_ERRNO(getpeername(s, (void *)&un, &len), ENOTCONN);
		CHECK_ERRNO(open("a", O_RDWR), ENXIO);
		close(s);
		CHECK_ERRNO(make("a", SOCK_STREAM, 0), ECONNREFUSED);
		CHECK_EQ(unlink("a"), 0);
		CHECK_ERRNO(make("a", SOCK_STREAM, 0), ENOENT);
	}
	CASE("abstract names: exact bytes, free at close; autobind")
	{
		struct sockaddr_un un = {.sun_family = AF_UNIX}, got;
		socklen_t len = 2 + 10, glen = sizeof(got);

		snprintf(un.sun_path + 1, 20, "gt%07d", getpid());
		int a = MUST(socket(AF_UNIX, SOCK_STREAM, 0)),
		    b = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

		CHECK_EQ(bind(a, (void *)&un, len), 0);
		CHECK_ERRNO(bind(b, (void *)&un, len), EADDRINUSE);
		CHECK_EQ(listen(a, 1), 0);
		CHECK_ERRNO(connect(b, (void *)&un, len + 1), ECONNREFUSED);
		CHECK_EQ(connect(b, (void *)&un, len), 0);
		close(a);
		close(b);
		a = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
		CHECK_EQ(bind(a, (void *)&un, 2), 0);
		CHECK_EQ(getsockname(a, (void *)&got, &glen), 0);
		CHECK_EQ(glen, 2 + 6);
		CHECK_EQ(got.sun_path[0], 0);
		close(a);
	}
	CASE("errors of bind, connect, listen, accept, socket")
	{
		struct sockaddr_un un = {.sun_family = AF_INET};
		int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

		CHECK_ERRNO(bind(s, (void *)&un, sizeof(un)), EINVAL);
		un.sun_family = AF_UNIX;
		CHECK_ERRNO(bind(s, (void *)&un, 1), EINVAL);
		CHECK_ERRNO(bind(s, (void *)&un, sizeof(un) + 50), EINVAL);
		CHECK_ERRNO(bind(s, BAD_PTR, sizeof(un)), EFAULT);
		strcpy(un.sun_path, "none/x");
		CHECK_ERRNO(bind(s, (void *)&un, sizeof(un)), ENOENT);
		CHECK_ERRNO(listen(s, 1), EINVAL);
		CHECK_ERRNO(accept(s, NULL, NULL), EINVAL);
		CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), ENOTCONN);
		CHECK_ERRNO(recv(s, &un, 1, 0), EINVAL);
		close(s);
		CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
		CHECK_ERRNO(socket(AF_UNIX, 99, 0), EINVAL);
		CHECK_ERRNO(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
		CHECK_ERRNO(listen(0, 1), ENOTSOCK);
		CHECK_ERRNO(listen(999, 1), EBADF);
		write_file("plain", "x");
		CHECK_ERRNO(make("plain", SOCK_STREAM, 0), ECONNREFUSED);
		int d = MUST(make("dg", SOCK_DGRAM, 1));

		CHECK_ERRNO(make("dg", SOCK_STREAM, 0), EPROTOTYPE);
		CHECK_ERRNO(listen(d, 1), EOPNOTSUPP);
		close(d);
	}
}

static void test_connect(void)
{
	CASE("connect, accept, data, names of both ends, accept4 flags")
	{
		struct sockaddr_un un;
		socklen_t len = sizeof(un);
		char b[8] = "";
		int l = MUST(make("l", SOCK_STREAM, 1));

		MUST(listen(l, 5));
		int c = MUST(make("l", SOCK_STREAM, 0));

		CHECK_EQ(write(c, "early", 5), 5);
		int s = MUST(accept4(l, (void *)&un, &len, SOCK_CLOEXEC | SOCK_NONBLOCK));

		CHECK_EQ(len, 2);
		CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
		CHECK(fcntl(s, F_GETFL) & O_NONBLOCK);
		CHECK_EQ(read(s, b, 8), 5);
		CHECK_STR(b, "early");
		CHECK_ERRNO(read(s, b, 8), EAGAIN);
		len = sizeof(un);
		CHECK_EQ(getpeername(c, (void *)&un, &len), 0);
		CHECK_STR(un.sun_path, "l");
		CHECK_ERRNO(connect(c, (void *)&un, sizeof(un)), EISCONN);
		CHECK_ERRNO(accept4(l, NULL, NULL, 7), EINVAL);
		close(s);
		close(c);
		close(l);
	}
	CASE("backlog: a full queue blocks, or EAGAIN when non-blocking; accepting makes room")
	{
		int l = MUST(make("bl", SOCK_STREAM, 1)), c[8], n = 0;

		MUST(listen(l, 2));
		while (n < 8 && (c[n] = make("bl", SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0)
			n++;
		CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(n, 3);
		pid_t p = FORK(int x = make("bl", SOCK_STREAM, 0); CHECK(x >= 0));

		wait_sleeping(p);
		int s = MUST(accept(l, NULL, NULL));

		CHECK_EXIT(p, 0);
		close(s);
		for (int i = 0; i < n; i++)
			close(c[i]);
		close(l);
	}
	CASE("closing the listener resets what waits in the queue")
	{
		int l = MUST(make("rs", SOCK_STREAM, 1));
		char b;

		MUST(listen(l, 2));
		int c = MUST(make("rs", SOCK_STREAM, 0));

		close(l);
		CHECK_ERRNO(read(c, &b, 1), ECONNRESET);
		close(c);
	}
	CASE("SO_PEERCRED, SO_ERROR, SO_TYPE, SO_ACCEPTCONN, SO_DOMAIN")
	{
		int s[2], v = 7;
		socklen_t len = sizeof(v);
		struct ucred u;

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		socklen_t ul = sizeof(u);

		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &ul), 0);
		CHECK(u.pid == getpid() && u.uid == geteuid() && u.gid == getegid());
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &len), 0);
		CHECK_EQ(v, 0);
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len), 0);
		CHECK_EQ(v, SOCK_STREAM);
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &v, &len), 0);
		CHECK_EQ(v, AF_UNIX);
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &v, &len), 0);
		CHECK_EQ(v, 0);
		CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
		v = 4096;
		CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)), 0);
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, &len), 0);
		CHECK_EQ(v, 8192);
		close(s[0]);
		close(s[1]);
	}
}

static char g_big[1 << 20];

static void test_data(void)
{
	int s[2];
	char b[64];

	CASE("a byte stream: borders vanish; MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, FIONREAD")
	{
		int n = 0;

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(write(s[0], "abc", 3), 3);
		CHECK_EQ(write(s[0], "def", 3), 3);
		CHECK_EQ(ioctl(s[1], FIONREAD, &n), 0);
		CHECK_EQ(n, 6);
		CHECK_EQ(recv(s[1], b, 4, MSG_PEEK), 4);
		CHECK_EQ(recv(s[1], b, 64, 0), 6);
		CHECK(memcmp(b, "abcdef", 6) == 0);
		CHECK_ERRNO(recv(s[1], b, 1, MSG_DONTWAIT), EAGAIN);
		pid_t p = FORK(for (int i = 0; i < 5; i++) {
			sleep_ms(1);
			CHECK_EQ(write(s[0], "xy", 2), 2);
		});

		CHECK_EQ(recv(s[1], b, 10, MSG_WAITALL), 10);
		CHECK_EXIT(p, 0);
		close(s[0]);
		close(s[1]);
	}
	CASE("shutdown: reader sees the end, writer EPIPE; the other way still works")
	{
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(write(s[0], "last", 4), 4);
		CHECK_EQ(shutdown(s[0], SHUT_WR), 0);
		CHECK_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
		CHECK_EQ(read(s[1], b, 64), 4);
		CHECK_EQ(read(s[1], b, 64), 0);
		CHECK_EQ(write(s[1], "back", 4), 4);
		CHECK_EQ(read(s[0], b, 64), 4);
		CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
		CHECK_ERRNO(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
		CHECK_ERRNO(shutdown(s[0], 7), EINVAL);
		close(s[0]);
		close(s[1]);
		CHECK_KILLED(FORK(MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s)); close(s[1]);
				  write(s[0], "x", 1) < 0 ? (void)0 : (void)0),
			     SIGPIPE);
	}
	CASE("unread data at close gives ECONNRESET to the peer")
	{
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(write(s[0], "x", 1), 1);
		close(s[1]);
		CHECK_ERRNO(read(s[0], b, 1), ECONNRESET);
		CHECK_EQ(read(s[0], b, 1), 0);
		close(s[0]);
	}
	CASE("a megabyte through, in order; partial write when non-blocking")
	{
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		pid_t p = FORK(close(s[1]); memset(g_big, 'z', sizeof(g_big));
			       g_big[sizeof(g_big) - 1] = '!';
			       CHECK_EQ(write(s[0], g_big, sizeof(g_big)), sizeof(g_big)));
		size_t got = 0;
		ssize_t n;

		close(s[0]);
		while ((n = read(s[1], g_big, sizeof(g_big))) > 0)
			got += (size_t)n;
		CHECK_EQ(got, sizeof(g_big));
		CHECK_EXIT(p, 0);
		close(s[1]);
		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
		n = write(s[0], g_big, sizeof(g_big));
		CHECK(n > 4096 && n < (ssize_t)sizeof(g_big));
		CHECK_ERRNO(write(s[0], g_big, sizeof(g_big)), EAGAIN);
		close(s[0]);
		close(s[1]);
	}
}

static void test_calls(void)
{
	int s[2];
	char b[64];

	CASE("SO_RCVTIMEO and SO_SNDTIMEO")
	{
		struct timeval tv = {.tv_usec = 8000}, back;
		socklen_t len = sizeof(back);
		long long t = now_ns();

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
		CHECK_ERRNO(read(s[0], b, 1), EAGAIN);
		CHECK(now_ns() - t >= 8000000);
		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &back, &len), 0);
		CHECK(back.tv_usec >= 8000 && back.tv_usec <= 12000);
		CHECK_EQ(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
		CHECK(write(s[0], g_big, sizeof(g_big)) < (ssize_t)sizeof(g_big));
		close(s[0]);
		close(s[1]);
	}
	CASE("sendmmsg and recvmmsg, readv and writev")
	{
		struct iovec v[2] = {{"ab", 2}, {"cde", 3}}, w = {b, 64};
		struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}},
				       {.msg_hdr = {.msg_iov = v + 1, .msg_iovlen = 1}}};
		struct mmsghdr r = {.msg_hdr = {.msg_iov = &w, .msg_iovlen = 1}};

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(sendmmsg(s[0], m, 2, 0), 2);
		CHECK_EQ(m[1].msg_len, 3);
		CHECK_EQ(recvmmsg(s[1], &r, 1, 0, NULL), 1);
		CHECK_EQ(r.msg_len, 5);
		CHECK_EQ(writev(s[0], v, 2), 5);
		CHECK_EQ(readv(s[1], &w, 1), 5);
		close(s[0]);
		close(s[1]);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_names();
	test_connect();
	test_data();
	test_calls();
	return test_end();
}
