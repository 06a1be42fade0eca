/* SPDX-License-Identifier: Apache-2.0 */
/* unix_dgram.c - AF_UNIX datagram and seqpacket sockets, SCM_RIGHTS and SCM_CREDENTIALS */
#include "tests/lib/guest.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	strcpy(un.sun_path, path);
	return un;
}

static void test_dgram(void)
{
	char b[64];

	CASE("messages keep their borders, name their sender, truncate with MSG_TRUNC")
	{
		struct sockaddr_un a = name_of("da"), c = name_of("dc"), from;
		socklen_t len = sizeof(from);
		int s = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)),
		    t = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));

		MUST(bind(s, (void *)&a, sizeof(a)));
		MUST(bind(t, (void *)&c, sizeof(c)));
		CHECK_EQ(sendto(t, "one", 3, 0, (void *)&a, sizeof(a)), 3);
		CHECK_EQ(sendto(t, "second", 6, 0, (void *)&a, sizeof(a)), 6);
		CHECK_EQ(sendto(t, "", 0, 0, (void *)&a, sizeof(a)), 0);
		CHECK_EQ(recvfrom(s, b, 64, 0, (void *)&from, &len), 3);
		CHECK_STR(from.sun_path, "dc");
		struct iovec v = {b, 3};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

		CHECK_EQ(recvmsg(s, &m, 0), 3);
		CHECK_EQ(m.msg_flags, MSG_TRUNC);
		CHECK_EQ(recv(s, b, 64, 0), 0);
		CHECK_ERRNO(recv(s, b, 64, MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(sendto(t, "second", 6, 0, (void *)&a, sizeof(a)), 6);
		CHECK_EQ(recv(s, b, 2, MSG_TRUNC), 6);
		close(s);
		close(t);
	}
	CASE("connected: others are refused with EPERM; disconnect by AF_UNSPEC; gone peer "
	     "ECONNREFUSED")
	{
		struct sockaddr_un a = name_of("ea"), c = name_of("ec");
		struct sockaddr un = {.sa_family = AF_UNSPEC};
		int s = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)),
		    t = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
		int u = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));

		CHECK_ERRNO(send(s, "x", 1, 0), ENOTCONN);
		MUST(bind(s, (void *)&a, sizeof(a)));
		MUST(bind(t, (void *)&c, sizeof(c)));
		MUST(connect(s, (void *)&c, sizeof(c)));
		CHECK_EQ(send(s, "x", 1, 0), 1);
		CHECK_ERRNO(sendto(u, "x", 1, 0, (void *)&a, sizeof(a)), EPERM);
		MUST(connect(s, &un, sizeof(un)));
		CHECK_EQ(sendto(u, "x", 1, 0, (void *)&a, sizeof(a)), 1);
		MUST(connect(s, (void *)&c, sizeof(c)));
		close(t);
		CHECK_ERRNO(send(s, "x", 1, 0), ECONNREFUSED);
		close(s);
		close(u);
	}
	CASE("a full queue: EAGAIN non-blocking, blocks else; poll says not writable")
	{
		int s[2], n = 0;

		MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
		while (send(s[0], b, 64, MSG_DONTWAIT) == 64)
			n++;
		CHECK_EQ(errno, EAGAIN);
		CHECK(n > 5);
		pid_t p = FORK(CHECK_EQ(send(s[0], b, 64, 0), 64));

		wait_sleeping(p);
		for (int i = 0; i < n; i++)
			CHECK_EQ(recv(s[1], b, 64, 0), 64);
		CHECK_EXIT(p, 0);
		close(s[0]);
		close(s[1]);
	}
	CASE("a message too long is EMSGSIZE")
	{
		int s[2];
		static char big[4 << 20];

		MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
		CHECK_ERRNO(send(s[0], big, sizeof(big), 0), EMSGSIZE);
		close(s[0]);
		close(s[1]);
	}
}

static void test_seqpacket(void)
{
	char b[64];
	int s[2];

	CASE("borders kept, MSG_EOR, end of file, listen and accept")
	{
		MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
		CHECK_EQ(send(s[0], "abc", 3, 0), 3);
		CHECK_EQ(send(s[0], "de", 2, 0), 2);
		CHECK_EQ(recv(s[1], b, 2, 0), 2);
		CHECK_EQ(recv(s[1], b, 64, 0), 2);
		CHECK(memcmp(b, "de", 2) == 0);
		close(s[0]);
		CHECK_EQ(recv(s[1], b, 64, 0), 0);
		CHECK_ERRNO(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
		close(s[1]);
		struct sockaddr_un a = name_of("sq");
		int l = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0)),
		    c = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));

		MUST(bind(l, (void *)&a, sizeof(a)));
		MUST(listen(l, 1));
		MUST(connect(c, (void *)&a, sizeof(a)));
		int x = MUST(accept(l, NULL, NULL));

		CHECK_EQ(send(x, "hi", 2, MSG_EOR), 2);
		CHECK_EQ(recv(c, b, 64, 0), 2);
		close(x);
		close(c);
		close(l);
	}
}

/* Sends n descriptors with one byte. */
static ssize_t send_fds(int s, const int *fds, int n)
{
	char byte = 'f';
	struct iovec v = {&byte, 1};
	union {
		char buf[CMSG_SPACE(300 * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	memset(&u, 0, sizeof(u));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	return sendmsg(s, &m, 0);
}

/* Receives up to n descriptors; gives their number, the message flags in *flags. */
static int recv_fds(int s, int *fds, int n, int recv_flags, int *flags)
{
	char byte;
	struct iovec v = {&byte, 1};
	union {
		char buf[CMSG_SPACE(300 * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = CMSG_LEN((size_t)n * sizeof(int))};

	if (recvmsg(s, &m, recv_flags) != 1)
		return -1;
	if (flags)
		*flags = m.msg_flags;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (!c || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(c), (size_t)n * sizeof(int));
	return n;
}

static void test_rights(void)
{
	int s[2], got[300], flags;
	char b[16] = "";

	CASE("a descriptor arrives as a new one on the same file; MSG_CMSG_CLOEXEC")
	{
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		int f = MUST(open("r", O_RDWR | O_CREAT, 0600));

		CHECK_EQ(write(f, "shared", 6), 6);
		CHECK_EQ(send_fds(s[0], &f, 1), 1);
		close(f);
		CHECK_EQ(recv_fds(s[1], got, 1, MSG_CMSG_CLOEXEC, NULL), 1);
		CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(lseek(got[0], 0, SEEK_CUR), 6);
		CHECK_EQ(pread(got[0], b, 16, 0), 6);
		CHECK_STR(b, "shared");
		close(got[0]);
		close(s[0]);
		close(s[1]);
	}
	CASE("between processes; a pipe end in flight keeps the pipe open")
	{
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		int p[2];

		MUST(pipe(p));
		CHECK_EQ(send_fds(s[0], &p[1], 1), 1);
		close(p[1]);
		CHECK_EXIT(FORK(CHECK_EQ(recv_fds(s[1], got, 1, 0, NULL), 1);
				CHECK_EQ(write(got[0], "ok", 2), 2)),
			   0);
		CHECK_EQ(read(p[0], b, 16), 2);
		CHECK_EQ(read(p[0], b, 16), 0);
		close(p[0]);
		close(s[0]);
		close(s[1]);
	}
	CASE("control buffer too small: MSG_CTRUNC and the rest closed; discarded messages close "
	     "theirs")
	{
		int p[2];

		MUST(pipe(p));
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		int three[3] = {p[1], p[1], p[1]};

		CHECK_EQ(send_fds(s[0], three, 3), 1);
		CHECK_EQ(recv_fds(s[1], got, 1, 0, &flags), 1);
		CHECK(flags & MSG_CTRUNC);
		close(got[0]);
		CHECK_EQ(send_fds(s[0], three, 3), 1);
		CHECK_EQ(read(s[1], b, 1), 1);
		CHECK_EQ(send_fds(s[0], three, 3), 1);
		close(s[0]);
		close(s[1]);
		close(p[1]);
		struct pollfd q = {.fd = p[0], .events = POLLIN};

		CHECK_EQ(poll(&q, 1, 5000), 1);
		CHECK_EQ(q.revents, POLLHUP);
		close(p[0]);
	}
	CASE("errors: bad descriptor EBADF, more than 253 EINVAL, peek gives copies")
	{
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		int bad = 999, many[254];

		CHECK_ERRNO(send_fds(s[0], &bad, 1), EBADF);
		for (int i = 0; i < 254; i++)
			many[i] = s[0];
		CHECK_ERRNO(send_fds(s[0], many, 254), EINVAL);
		CHECK_EQ(send_fds(s[0], many, 253), 1);
		CHECK_EQ(recv_fds(s[1], got, 253, MSG_PEEK, NULL), 253);
		for (int i = 0; i < 253; i++)
			CHECK_EQ(close(got[i]), 0);
		CHECK_EQ(recv_fds(s[1], got, 253, 0, NULL), 253);
		for (int i = 0; i < 253; i++)
			CHECK_EQ(close(got[i]), 0);
		close(s[0]);
		close(s[1]);
	}
	CASE("a socket sent over itself and closed is collected")
	{
		for (int i = 0; i < 20; i++) {
			MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
			CHECK_EQ(send_fds(s[0], &s[0], 1), 1);
			CHECK_EQ(send_fds(s[1], &s[0], 1), 1);
			close(s[0]);
			close(s[1]);
		}
	}
}

static void test_creds(void)
{
	int s[2], on = 1;
	char byte = 'c';
	struct iovec v = {&byte, 1};
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} u;
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	struct ucred cr;

	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	CASE("SO_PASSCRED adds the sender's ids")
	{
		CHECK_EQ(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
		pid_t p = FORK(CHECK_EQ(send(s[0], "c", 1, 0), 1));

		CHECK_EQ(recvmsg(s[1], &m, 0), 1);
		CHECK_EXIT(p, 0);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		REQUIRE(c != NULL);
		CHECK_EQ(c->cmsg_type, SCM_CREDENTIALS);
		memcpy(&cr, CMSG_DATA(c), sizeof(cr));
		CHECK(cr.pid == p && cr.uid == getuid() && cr.gid == getgid());
	}
	CASE("claimed ids are checked")
	{
		struct cmsghdr *c = &u.align;

		memset(&u, 0, sizeof(u));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_CREDENTIALS;
		c->cmsg_len = CMSG_LEN(sizeof(cr));
		cr = (struct ucred){getpid(), getuid(), getgid()};
		memcpy(CMSG_DATA(c), &cr, sizeof(cr));
		m.msg_controllen = sizeof(u.buf);
		CHECK_EQ(sendmsg(s[0], &m, 0), 1);
		CHECK_EQ(recv(s[1], &byte, 1, 0), 1);
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711)); cr.uid = 1;
				memcpy(CMSG_DATA(c), &cr, sizeof(cr));
				CHECK_ERRNO(sendmsg(s[0], &m, 0), EPERM)),
			   0);
	}
	close(s[0]);
	close(s[1]);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_dgram();
	test_seqpacket();
	test_rights();
	test_creds();
	return test_end();
}
