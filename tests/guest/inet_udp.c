/* SPDX-License-Identifier: Apache-2.0 */
/* inet_udp.c - UDP over loopback, ping sockets, options and control messages */
#include "tests/lib/guest.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
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

static int bound(int family)
{
	union addr a;
	int s = socket(family, SOCK_DGRAM, 0);

	if (s >= 0 && bind(s, &a.sa, loopback(family, 0, &a)) == 0)
		return s;
	close(s);
	return -1;
}

static int port_of(int s)
{
	union addr a;
	socklen_t len = sizeof(a);

	return getsockname(s, &a.sa, &len) == 0 ? ntohs(a.v4.sin_port) : -1;
}

static int connect_to(int s, int family, int port)
{
	union addr a;

	return connect(s, &a.sa, loopback(family, port, &a));
}

static int wait_for(int fd, int events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 5000) > 0 ? p.revents : 0;
}

static void test_messages(int family)
{
	CASE("boundaries, names, truncation, peek, empty messages")
	{
		union addr to, from;
		socklen_t len = sizeof(from), tolen;
		int a = MUST(bound(family)), b = MUST(bound(family)), n = -1;
		char buf[32] = {0};

		tolen = loopback(family, port_of(b), &to);
		CHECK_EQ(sendto(a, "first", 5, 0, &to.sa, tolen), 5);
		CHECK_EQ(sendto(a, "", 0, 0, &to.sa, tolen), 0);
		CHECK_EQ(sendto(a, "third one", 9, 0, &to.sa, tolen), 9);
		CHECK_EQ(ioctl(b, FIONREAD, &n), 0);
		CHECK_EQ(n, 5);
		CHECK_EQ(recvfrom(b, buf, 32, MSG_PEEK, &from.sa, &len), 5);
		CHECK_EQ(ntohs(from.v4.sin_port), port_of(a));
		CHECK_EQ(recv(b, buf, 32, 0), 5);
		CHECK_STR(buf, "first");
		CHECK_EQ(recv(b, buf, 32, 0), 0);
		CHECK_EQ(recv(b, buf, 3, MSG_TRUNC), 9);
		CHECK_ERRNO(recv(b, buf, 3, MSG_DONTWAIT), EAGAIN);
		CHECK_ERRNO(send(a, "x", 1, 0), EDESTADDRREQ);
		close(a);
		close(b);
	}
	CASE("connected: the peer only, errors told once, AF_UNSPEC dissolves")
	{
		union addr none = {.sa.sa_family = AF_UNSPEC}, to;
		int a = MUST(bound(family)), b = MUST(bound(family)), c = MUST(bound(family));
		char buf[8];

		CHECK_EQ(connect_to(a, family, port_of(b)), 0);
		sendto(c, "no", 2, 0, &to.sa, loopback(family, port_of(a), &to));
		CHECK_ERRNO(recv(a, buf, 8, MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(send(a, "yes", 3, 0), 3);
		CHECK_EQ(recv(b, buf, 8, 0), 3);
		close(b);
		CHECK_EQ(send(a, "x", 1, 0), 1);
		CHECK(wait_for(a, POLLIN) & POLLERR);
		CHECK_ERRNO(recv(a, buf, 8, 0), ECONNREFUSED);
		CHECK_ERRNO(recv(a, buf, 8, MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(connect(a, &none.sa, sizeof(none.v4)), 0);
		CHECK_ERRNO(send(a, "x", 1, 0), EDESTADDRREQ);
		close(a);
		close(c);
	}
}

static void test_sizes(int family)
{
	CASE("sizes: 60,000 bytes go, more than a datagram is EMSGSIZE")
	{
		static char big[70000], back[70000];
		int a = MUST(bound(family)), b = MUST(bound(family));

		for (size_t i = 0; i < sizeof(big); i++)
			big[i] = (char)(i * 7 >> 3);
		CHECK_EQ(connect_to(a, family, port_of(b)), 0);
		CHECK_EQ(send(a, big, 60000, 0), 60000);
		CHECK_EQ(recv(b, back, sizeof(back), 0), 60000);
		CHECK_EQ(memcmp(big, back, 60000), 0);
		CHECK_ERRNO(send(a, big, 70000, 0), EMSGSIZE);
		CHECK_ERRNO(send(a, big, 65530, 0), EMSGSIZE);
		close(a);
		close(b);
	}
	CASE("sendmmsg, recvmmsg, vectors")
	{
		int a = MUST(bound(family)), b = MUST(bound(family));
		char text[4][4] = {"aaa", "bb", "c", ""}, buf[4][8];
		struct iovec iov[8];
		struct mmsghdr m[4];

		memset(m, 0, sizeof(m));
		CHECK_EQ(connect_to(a, family, port_of(b)), 0);
		for (int i = 0; i < 4; i++) {
			iov[2 * i] = (struct iovec){text[i], strlen(text[i])};
			iov[2 * i + 1] = (struct iovec){"!", 1};
			m[i].msg_hdr.msg_iov = &iov[2 * i];
			m[i].msg_hdr.msg_iovlen = 2;
		}
		CHECK_EQ(sendmmsg(a, m, 4, 0), 4);
		CHECK_EQ(m[0].msg_len, 4);
		memset(m, 0, sizeof(m));
		for (int i = 0; i < 4; i++) {
			iov[i] = (struct iovec){buf[i], 8};
			m[i].msg_hdr.msg_iov = &iov[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		CHECK_EQ(recvmmsg(b, m, 4, MSG_WAITFORONE, NULL), 4);
		CHECK_EQ(m[3].msg_len, 1);
		CHECK_EQ(memcmp(buf[1], "bb!", 3), 0);
		close(a);
		close(b);
	}
	CASE("shutdown ends a reader")
	{
		int a = MUST(bound(family));
		char c;

		CHECK_EQ(connect_to(a, family, port_of(a)), 0);
		pid_t pid = FORK(_exit(recv(a, &c, 1, 0) != 0));

		wait_sleeping(pid);
		sleep_ms(20);
		CHECK_EQ(shutdown(a, SHUT_RD), 0);
		CHECK_EXIT(pid, 0);
		CHECK_EQ(recv(a, &c, 1, 0), 0);
		CHECK_ERRNO(recv(a, &c, 1, MSG_DONTWAIT), EAGAIN);
		close(a);
	}
}

static void test_control(void)
{
	CASE("IP_PKTINFO, IP_TTL and time stamps of a message")
	{
		int a = MUST(bound(AF_INET)), b = MUST(bound(AF_INET)), on = 1, seen = 0;
		char data[4], control[256];
		struct iovec iov = {data, 4};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};

		CHECK_EQ(setsockopt(b, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), 0);
		CHECK_EQ(setsockopt(b, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)), 0);
		CHECK_EQ(setsockopt(b, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)), 0);
		CHECK_EQ(connect_to(a, AF_INET, port_of(b)), 0);
		CHECK_EQ(send(a, "data", 4, 0), 4);
		CHECK_EQ(recvmsg(b, &m, 0), 4);
		CHECK_EQ(m.msg_flags, 0);
		for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
			if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
				struct in_pktinfo *p = (void *)CMSG_DATA(h);

				seen |= 1;
				CHECK_EQ(ntohl(p->ipi_addr.s_addr), INADDR_LOOPBACK);
				CHECK_EQ(p->ipi_ifindex, 1);
			} else if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_TTL) {
				seen |= 2;
				CHECK_EQ(*(int *)CMSG_DATA(h), 64);
			} else if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_TIMESTAMP) {
				struct timeval *tv = (void *)CMSG_DATA(h);

				seen |= 4;
				CHECK(labs(tv->tv_sec - time(NULL)) < 10);
			}
		}
		CHECK_EQ(seen, 7);
		m.msg_controllen = 8;
		CHECK_EQ(send(a, "data", 4, 0), 4);
		CHECK_EQ(recvmsg(b, &m, 0), 4);
		CHECK_EQ(m.msg_flags, MSG_CTRUNC);
		close(a);
		close(b);
	}
	CASE("control messages of a send: TTL, TOS; nonsense is EINVAL")
	{
		int a = MUST(bound(AF_INET)), b = MUST(bound(AF_INET)), on = 1;
		char data[4], control[64] __attribute__((aligned(8))) = {0}, in[64];
		struct iovec iov = {data, 4};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
		struct cmsghdr *h = (void *)control;
		union addr to;

		m.msg_name = &to;
		m.msg_namelen = loopback(AF_INET, port_of(b), &to);
		CHECK_EQ(setsockopt(b, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)), 0);
		*h = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(4), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL};
		*(int *)CMSG_DATA(h) = 7;
		m.msg_controllen = CMSG_SPACE(4);
		CHECK_EQ(sendmsg(a, &m, 0), 4);
		struct msghdr r = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = in};

		r.msg_controllen = sizeof(in);
		CHECK_EQ(recvmsg(b, &r, 0), 4);
		REQUIRE(CMSG_FIRSTHDR(&r) != NULL);
		CHECK_EQ(*(int *)CMSG_DATA(CMSG_FIRSTHDR(&r)), 7);
		h->cmsg_type = 99;
		CHECK_ERRNO(sendmsg(a, &m, 0), EINVAL);
		h->cmsg_type = IP_TTL;
		h->cmsg_len = 4000;
		CHECK_ERRNO(sendmsg(a, &m, 0), EINVAL);
		close(a);
		close(b);
	}
}

static void test_errqueue(void)
{
	CASE("IP_RECVERR: the error queue, and a reader that sleeps beside it")
	{
		int a = MUST(bound(AF_INET)), b = MUST(bound(AF_INET)), on = 1;
		char data[8], control[256];
		struct iovec iov = {data, 8};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		struct timeval tv = {0, 100000};

		CHECK_ERRNO(recvmsg(a, &m, MSG_ERRQUEUE), EAGAIN);
		CHECK_EQ(setsockopt(a, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
		CHECK_EQ(connect_to(a, AF_INET, port_of(b)), 0);
		close(b);
		CHECK_EQ(send(a, "lost", 4, 0), 4);
		CHECK(wait_for(a, POLLIN) & POLLERR);
		CHECK_ERRNO(recv(a, data, 8, 0), ECONNREFUSED);
		/* still queued, and still EPOLLERR: who reads data waits all the same */
		CHECK(wait_for(a, POLLIN) & POLLERR);
		CHECK_EQ(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
		CHECK_ERRNO(recv(a, data, 8, 0), EAGAIN);
		m.msg_controllen = sizeof(control);
		CHECK_EQ(recvmsg(a, &m, MSG_ERRQUEUE), 4);
		CHECK_EQ(m.msg_flags & MSG_ERRQUEUE, MSG_ERRQUEUE);
		REQUIRE(CMSG_FIRSTHDR(&m) != NULL);
		struct sock_extended_err *e = (void *)CMSG_DATA(CMSG_FIRSTHDR(&m));

		CHECK_EQ(e->ee_errno, ECONNREFUSED);
		CHECK_EQ(e->ee_origin, SO_EE_ORIGIN_ICMP);
		close(a);
	}
}

static int set_get(int s, int level, int name, int v)
{
	int got = -1;
	socklen_t len = sizeof(got);

	if (setsockopt(s, level, name, &v, sizeof(v)) < 0)
		return -errno;
	if (getsockopt(s, level, name, &got, &len) < 0)
		return -errno;
	return got;
}

static void test_options(void)
{
	CASE("options that everybody sets")
	{
		int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), v = -1;
		struct linger l = {1, 7}, lg = {0};
		socklen_t len = sizeof(v);
		char name[16] = "reno";

		CHECK_EQ(set_get(s, SOL_SOCKET, SO_REUSEADDR, 1), 1);
		CHECK_EQ(set_get(s, SOL_SOCKET, SO_REUSEPORT, 1), 1);
		CHECK_EQ(set_get(s, SOL_SOCKET, SO_KEEPALIVE, 1), 1);
		CHECK_EQ(set_get(s, SOL_SOCKET, SO_SNDBUF, 50000), 100000);
		CHECK_EQ(set_get(s, SOL_SOCKET, SO_RCVBUF, 50000), 100000);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_NODELAY, 1), 1);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_CORK, 1), 1);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_KEEPIDLE, 33), 33);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_KEEPINTVL, 11), 11);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_KEEPCNT, 4), 4);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234), 1234);
		CHECK_EQ(set_get(s, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1), 1);
		CHECK_EQ(set_get(s, IPPROTO_IP, IP_TOS, 0x10), 0x10);
		CHECK_EQ(set_get(s, IPPROTO_IP, IP_TTL, 12), 12);
		CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
		len = sizeof(lg);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_LINGER, &lg, &len), 0);
		CHECK_EQ(lg.l_linger, 7);
		CHECK_EQ(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, 4), 0);
		len = sizeof(name);
		CHECK_EQ(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
		CHECK_STR(name, "reno");
		len = sizeof(v);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len), 0);
		CHECK_EQ(v, SOCK_STREAM);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_DOMAIN, &v, &len), 0);
		CHECK_EQ(v, AF_INET);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &v, &len), 0);
		CHECK_EQ(v, IPPROTO_TCP);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &v, &len), 0);
		CHECK_EQ(v, 0);
		CHECK_EQ(listen(s, 1), 0);
		CHECK_EQ(getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &v, &len), 0);
		CHECK_EQ(v, 1);
		close(s);
	}
	CASE("TCP_INFO; options that are wrong")
	{
		int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), v = 1;
		struct tcp_info info;
		socklen_t len = sizeof(info);

		CHECK_EQ(getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
		CHECK_EQ(info.tcpi_state, TCP_CLOSE);
		CHECK_ERRNO(setsockopt(s, SOL_SOCKET, 4711, &v, sizeof(v)), ENOPROTOOPT);
		CHECK_ERRNO(setsockopt(s, IPPROTO_TCP, 4711, &v, sizeof(v)), ENOPROTOOPT);
		CHECK_ERRNO(getsockopt(s, IPPROTO_TCP, 4711, &v, &len), ENOPROTOOPT);
		CHECK_ERRNO(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 2), EINVAL);
		CHECK_ERRNO(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, BAD_PTR, 4), EFAULT);
		CHECK_ERRNO(setsockopt(s, SOL_SOCKET, SO_ERROR, &v, 4), ENOPROTOOPT);
		close(s);
	}
}

static void test_behaviour(void)
{
	CASE("SO_LINGER with no time resets")
	{
		struct linger l = {1, 0};
		union addr a;
		int ls = MUST(socket(AF_INET, SOCK_STREAM, 0)), c, s;
		char ch;

		CHECK_EQ(bind(ls, &a.sa, loopback(AF_INET, 0, &a)), 0);
		CHECK_EQ(listen(ls, 1), 0);
		c = MUST(socket(AF_INET, SOCK_STREAM, 0));
		CHECK_EQ(connect_to(c, AF_INET, port_of(ls)), 0);
		s = MUST(accept(ls, NULL, NULL));
		CHECK_EQ(setsockopt(c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
		close(c);
		CHECK_ERRNO(read(s, &ch, 1), ECONNRESET);
		close(s);
		close(ls);
	}
	CASE("SO_REUSEPORT: two sockets share a port, others do not")
	{
		int a = MUST(socket(AF_INET, SOCK_DGRAM, 0)),
		    b = MUST(socket(AF_INET, SOCK_DGRAM, 0));
		int c = MUST(socket(AF_INET, SOCK_DGRAM, 0)), on = 1;
		union addr n;
		socklen_t len = loopback(AF_INET, 0, &n);

		setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		CHECK_EQ(bind(a, &n.sa, len), 0);
		n.v4.sin_port = htons(port_of(a));
		CHECK_EQ(bind(b, &n.sa, len), 0);
		CHECK_ERRNO(bind(c, &n.sa, len), EADDRINUSE);
		close(a);
		close(b);
		close(c);
	}
	CASE("multicast membership over loopback")
	{
		int s = MUST(bound(AF_INET)), ttl = 3;
		struct ip_mreqn m = {.imr_ifindex = 1};

		m.imr_multiaddr.s_addr = htonl(0xe1010203);
		CHECK_EQ(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)), 0);
		CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)),
			    EADDRINUSE);
		CHECK_EQ(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)), 0);
		CHECK_ERRNO(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)),
			    EADDRNOTAVAIL);
		CHECK_EQ(set_get(s, IPPROTO_IP, IP_MULTICAST_TTL, ttl), ttl);
		CHECK_EQ(set_get(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
		close(s);
	}
	CASE("UDP_SEGMENT cuts one buffer into datagrams")
	{
		int a = MUST(bound(AF_INET)), b = MUST(bound(AF_INET)), size = 100;
		char buf[250] = {0};

		REQUIRE(setsockopt(a, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
		CHECK_EQ(connect_to(a, AF_INET, port_of(b)), 0);
		CHECK_EQ(send(a, buf, 250, 0), 250);
		CHECK_EQ(recv(b, buf, 250, 0), 100);
		CHECK_EQ(recv(b, buf, 250, 0), 100);
		CHECK_EQ(recv(b, buf, 250, 0), 50);
		close(a);
		close(b);
	}
}

static void test_ping(void)
{
	CASE("a ping socket, where groups may have one")
	{
		struct icmphdr h = {.type = ICMP_ECHO};
		struct icmphdr back;
		union addr a;
		int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

		if (s < 0)
			SKIP("ping_group_range");
		CHECK_EQ(sendto(s, &h, sizeof(h), 0, &a.sa, loopback(AF_INET, 0, &a)), sizeof(h));
		REQUIRE(wait_for(s, POLLIN) == POLLIN);
		CHECK_EQ(recv(s, &back, sizeof(back), 0), sizeof(back));
		CHECK_EQ(back.type, ICMP_ECHOREPLY);
		close(s);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_messages(AF_INET);
	test_sizes(AF_INET);
	int v6 = bound(AF_INET6);

	if (v6 >= 0) {
		close(v6);
		test_messages(AF_INET6);
		test_sizes(AF_INET6);
	}
	test_control();
	test_errqueue();
	test_options();
	test_behaviour();
	test_ping();
	return test_end();
}
