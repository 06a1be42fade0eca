/* SPDX-License-Identifier: Apache-2.0 */
/* unix_opt.c - options of AF_UNIX sockets: SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD, SO_PEEK_OFF */
#include "tests/lib/guest.h"

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int peek_off(int s)
{
	int v = -7;
	socklen_t len = sizeof(v);

	return getsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &v, &len) ? -errno : v;
}

static int set_peek_off(int s, int v)
{
	return setsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &v, sizeof(v));
}

static void test_peer(void)
{
	CASE("SO_PEERGROUPS: the peer's groups, or how much room they take")
	{
		gid_t groups[64];
		socklen_t len = sizeof(groups);
		int s[2];

		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
		int want = getgroups(0, NULL);

		CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len), 0);
		CHECK_EQ(len, want * sizeof(gid_t));
		close(s[0]);
		close(s[1]);
		if (geteuid() != 0)
			break;
		pid_t pid = FORK({
			gid_t set[3] = {11, 12, 13};

			if (setgroups(3, set) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
				_exit(1);
			len = 4;
			if (getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len) != -1 ||
			    errno != ERANGE || len != 12)
				_exit(2);
			len = sizeof(groups);
			if (getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len) ||
			    len != 12 || groups[2] != 13)
				_exit(3);
		});

		CHECK_EXIT(pid, 0);
	}
	CASE("no peer: SO_PEERGROUPS is ENODATA, SO_PEERCRED says nobody")
	{
		struct ucred c;
		gid_t g;
		socklen_t len = sizeof(g);
		int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

		CHECK_ERRNO(getsockopt(s, SOL_SOCKET, SO_PEERGROUPS, &g, &len), ENODATA);
		len = sizeof(c);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &c, &len), 0);
		CHECK_EQ(c.pid, 0);
		CHECK_EQ(c.uid, (uid_t)-1);
		close(s);
	}
	CASE("SO_PEERPIDFD: a descriptor of who connected, which stays when he has gone")
	{
		struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "sock"};
		struct pollfd p = {.events = POLLIN};
		int l = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd = -1, go[2];
		socklen_t len = sizeof(fd);
		struct ucred c;
		char ch;

		REQUIRE(pipe(go) == 0);
		REQUIRE(bind(l, (void *)&un, sizeof(un)) == 0 && listen(l, 1) == 0);
		pid_t pid = FORK({
			int s = socket(AF_UNIX, SOCK_STREAM, 0);

			if (connect(s, (void *)&un, sizeof(un)) || read(go[0], &ch, 1) != 1)
				_exit(1);
		});
		int s = MUST(accept(l, NULL, NULL));

		if (getsockopt(s, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) && errno == ENOPROTOOPT) {
			kill(pid, SIGKILL);
			wait_status(pid);
			SKIP("an older kernel");
		}
		CHECK(fd >= 0);
		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		p.fd = fd;
		CHECK_EQ(poll(&p, 1, 0), 0);
		CHECK_EQ(write(go[1], "g", 1), 1);
		CHECK_EQ(poll(&p, 1, 5000), 1);
		CHECK_EXIT(pid, 0);
		len = sizeof(c);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &c, &len), 0);
		CHECK_EQ(c.pid, pid);
		close(fd);
		close(s);
		close(l);
		close(go[0]);
		close(go[1]);
		unlink("sock");
	}
}

static void test_peek(int type)
{
	CASE("SO_PEEK_OFF moves with peeks and back with reads")
	{
		char buf[16] = {0};
		int s[2];

		REQUIRE(socketpair(AF_UNIX, type, 0, s) == 0);
		CHECK_EQ(peek_off(s[1]), -1);
		CHECK_EQ(send(s[0], "abcd", 4, 0), 4);
		CHECK_EQ(send(s[0], "efgh", 4, 0), 4);
		CHECK_EQ(set_peek_off(s[1], 1), 0);
		CHECK_EQ(recv(s[1], buf, 2, MSG_PEEK), 2);
		CHECK_EQ(memcmp(buf, "bc", 2), 0);
		CHECK_EQ(peek_off(s[1]), 3);
		CHECK_EQ(recv(s[1], buf, 16, MSG_PEEK), type == SOCK_STREAM ? 5 : 1);
		CHECK_EQ(buf[0], 'd');
		CHECK_EQ(peek_off(s[1]), type == SOCK_STREAM ? 8 : 4);
		if (type == SOCK_DGRAM)
			CHECK_EQ(recv(s[1], buf, 16, MSG_PEEK), 4);
		CHECK_ERRNO(recv(s[1], buf, 16, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(recv(s[1], buf, 4, 0), 4);
		CHECK_EQ(memcmp(buf, "abcd", 4), 0);
		CHECK_EQ(peek_off(s[1]), 4);
		CHECK_EQ(set_peek_off(s[1], -1), 0);
		CHECK_EQ(recv(s[1], buf, 2, MSG_PEEK), 2);
		CHECK_EQ(recv(s[1], buf, 4, 0), 4);
		CHECK_EQ(memcmp(buf, "efgh", 4), 0);
		close(s[0]);
		close(s[1]);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_peer();
	test_peek(SOCK_STREAM);
	test_peek(SOCK_DGRAM);
	return test_end();
}
