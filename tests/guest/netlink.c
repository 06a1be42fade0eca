/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.c - NETLINK_ROUTE, SIOCGIF*, and what /proc/net tells, looked at through the loopback
 * interface */
#include "tests/lib/guest.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

struct request {
	struct nlmsghdr h;
	unsigned char body[64];
};

static int open_rtnl(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

static ssize_t ask(int s, int type, int flags, const void *body, size_t n)
{
	struct request r = {.h = {.nlmsg_len = (unsigned)(NLMSG_LENGTH(n)),
				  .nlmsg_type = (unsigned short)type,
				  .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags),
				  .nlmsg_seq = 77}};
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};

	memcpy(r.body, body, n);
	return sendto(s, &r, r.h.nlmsg_len, 0, (void *)&to, sizeof(to));
}

/* Receives until NLMSG_DONE: how many messages of @type came; < 0: an error message, as -errno. */
static int count_answers(int s, int type, unsigned want_port)
{
	static char buf[65536];
	int count = 0;

	for (;;) {
		struct sockaddr_nl from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s, buf, sizeof(buf), 0, (void *)&from, &len);

		if (n <= 0 || from.nl_pid != 0)
			return -1000;
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_seq != 77 || h->nlmsg_pid != want_port)
				return -1001;
			if (h->nlmsg_type == NLMSG_DONE)
				return count;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			count += h->nlmsg_type == type;
			if (!(h->nlmsg_flags & NLM_F_MULTI))
				return count;
		}
	}
}

static unsigned port_of(int s)
{
	struct sockaddr_nl a;
	socklen_t len = sizeof(a);

	return getsockname(s, (void *)&a, &len) ? 0 : a.nl_pid;
}

static void test_dumps(void)
{
	static const struct {
		int ask, get;
		size_t size;
	} kinds[] = {
		{RTM_GETLINK, RTM_NEWLINK, sizeof(struct ifinfomsg)},
		{RTM_GETADDR, RTM_NEWADDR, sizeof(struct ifaddrmsg)},
		{RTM_GETROUTE, RTM_NEWROUTE, sizeof(struct rtmsg)},
		{RTM_GETRULE, RTM_NEWRULE, sizeof(struct rtmsg)},
	};

	CASE("dumps of links, addresses, routes and rules")
	{
		unsigned char zero[16] = {0};
		int s = MUST(open_rtnl());

		for (size_t i = 0; i < COUNT(kinds); i++) {
			CHECK(ask(s, kinds[i].ask, NLM_F_DUMP, zero, kinds[i].size) > 0);
			CHECK(count_answers(s, kinds[i].get, port_of(s)) >= 1);
		}
		CHECK(ask(s, RTM_GETNEIGH, NLM_F_DUMP, zero, 12) > 0);
		CHECK(count_answers(s, RTM_NEWNEIGH, port_of(s)) >= 0);
		close(s);
	}
	CASE("one link, by index and by name; none")
	{
		struct {
			struct ifinfomsg i;
			struct rtattr a;
			char name[4];
		} r = {.i = {.ifi_index = 1}, .a = {sizeof(r.a) + 3, IFLA_IFNAME}, .name = "lo"};
		int s = MUST(open_rtnl());

		CHECK(ask(s, RTM_GETLINK, 0, &r.i, sizeof(r.i)) > 0);
		CHECK_EQ(count_answers(s, RTM_NEWLINK, port_of(s)), 1);
		r.i.ifi_index = 0;
		CHECK(ask(s, RTM_GETLINK, 0, &r, sizeof(r)) > 0);
		CHECK_EQ(count_answers(s, RTM_NEWLINK, port_of(s)), 1);
		strcpy(r.name, "xy");
		CHECK(ask(s, RTM_GETLINK, 0, &r, sizeof(r)) > 0);
		CHECK_EQ(count_answers(s, RTM_NEWLINK, port_of(s)), -ENODEV);
		r.i.ifi_index = 77777;
		CHECK(ask(s, RTM_GETLINK, 0, &r.i, sizeof(r.i)) > 0);
		CHECK_EQ(count_answers(s, RTM_NEWLINK, port_of(s)), -ENODEV);
		close(s);
	}
	CASE("the route to 127.0.0.1")
	{
		struct {
			struct rtmsg rt;
			struct rtattr a;
			unsigned char dst[4];
		} r = {.rt = {.rtm_family = AF_INET, .rtm_dst_len = 32},
		       .a = {8, RTA_DST},
		       .dst = {127, 0, 0, 1}};
		int s = MUST(open_rtnl());

		CHECK(ask(s, RTM_GETROUTE, 0, &r, sizeof(r)) > 0);
		CHECK_EQ(count_answers(s, RTM_NEWROUTE, port_of(s)), 1);
		close(s);
	}
	CASE("changes need a right; a request that is not one is passed over")
	{
		struct ifinfomsg i = {.ifi_index = 1};
		pid_t pid = FORK({
			int s = open_rtnl();

			if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY))
				_exit(2);
			if (ask(s, RTM_DELLINK, NLM_F_ACK, &i, sizeof(i)) < 0)
				_exit(3);
			_exit(count_answers(s, RTM_NEWLINK, port_of(s)) != -EPERM);
		});

		CHECK_EXIT(pid, 0);
		int s = MUST(open_rtnl());
		struct nlmsghdr noop = {
			.nlmsg_len = sizeof(noop), .nlmsg_type = NLMSG_NOOP, .nlmsg_seq = 77};
		char c;

		CHECK_EQ(send(s, &noop, sizeof(noop), 0), sizeof(noop));
		CHECK_ERRNO(recv(s, &c, 1, MSG_DONTWAIT), EAGAIN);
		noop.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		CHECK_EQ(send(s, &noop, sizeof(noop), 0), sizeof(noop));
		CHECK_EQ(count_answers(s, 0, port_of(s)), 0);
		CHECK_EQ(send(s, "short", 5, 0), 5);
		CHECK_ERRNO(recv(s, &c, 1, MSG_DONTWAIT), EAGAIN);
		close(s);
	}
}

static void test_sockets(void)
{
	CASE("names, peek with MSG_TRUNC, poll")
	{
		struct sockaddr_nl a = {.nl_family = AF_NETLINK};
		struct pollfd p = {.events = POLLIN | POLLOUT};
		unsigned char zero[16] = {0};
		int s = MUST(open_rtnl()), t = MUST(open_rtnl());
		char c, buf[8192];

		CHECK_EQ(port_of(s), 0);
		CHECK_EQ(bind(s, (void *)&a, sizeof(a)), 0);
		CHECK_EQ(port_of(s), getpid());
		CHECK_EQ(bind(t, (void *)&a, sizeof(a)), 0);
		CHECK(port_of(t) != port_of(s) && port_of(t) != 0);
		close(t);
		t = MUST(open_rtnl());
		a.nl_pid = (unsigned)getpid();
		CHECK_ERRNO(bind(t, (void *)&a, sizeof(a)), EADDRINUSE);
		CHECK_ERRNO(bind(t, (void *)&a, 4), EINVAL);
		p.fd = s;
		CHECK_EQ(poll(&p, 1, 0), 1);
		CHECK_EQ(p.revents, POLLOUT);
		CHECK(ask(s, RTM_GETLINK, NLM_F_DUMP, zero, 16) > 0);
		CHECK_EQ(poll(&p, 1, 5000), 1);
		CHECK_EQ(p.revents, POLLIN | POLLOUT);
		ssize_t n = recv(s, &c, 1, MSG_PEEK | MSG_TRUNC);

		CHECK(n > 100);
		CHECK_EQ(recv(s, buf, sizeof(buf), 0), n);
		close(s);
		close(t);
	}
	CASE("groups: by bind, and joined and left by number")
	{
		struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
		int s = MUST(open_rtnl()), group = RTNLGRP_IPV4_IFADDR;
		socklen_t len = sizeof(a);
		char c;

		CHECK_EQ(bind(s, (void *)&a, sizeof(a)), 0);
		CHECK_EQ(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)),
			 0);
		CHECK_EQ(getsockname(s, (void *)&a, &len), 0);
		CHECK_EQ(a.nl_groups, RTMGRP_LINK | RTMGRP_IPV4_IFADDR);
		CHECK_EQ(setsockopt(s, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof(group)),
			 0);
		CHECK_EQ(getsockname(s, (void *)&a, &len), 0);
		CHECK_EQ(a.nl_groups, RTMGRP_LINK);
		group = 0;
		CHECK_ERRNO(
			setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)),
			EINVAL);
		(void)!recv(s, &c, 1, MSG_DONTWAIT);
		close(s);
	}
	CASE("what is not there")
	{
		CHECK_ERRNO(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
		CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 99), EPROTONOSUPPORT);
		CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
		int s = MUST(open_rtnl());

		CHECK_ERRNO(listen(s, 1), EOPNOTSUPP);
		CHECK_ERRNO(accept(s, NULL, NULL), EOPNOTSUPP);
		CHECK_ERRNO(shutdown(s, SHUT_RD), EOPNOTSUPP);
		close(s);
	}
}

static void test_libc(void)
{
	CASE("getifaddrs, if_nameindex, getaddrinfo")
	{
		struct ifaddrs *list = NULL;
		int v4 = 0, link = 0;

		REQUIRE(getifaddrs(&list) == 0);
		for (struct ifaddrs *i = list; i; i = i->ifa_next) {
			if (strcmp(i->ifa_name, "lo") != 0 || !i->ifa_addr)
				continue;
			link += i->ifa_addr->sa_family == AF_PACKET;
			if (i->ifa_addr->sa_family == AF_INET) {
				struct sockaddr_in *in = (void *)i->ifa_addr;

				v4 += in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
			}
		}
		freeifaddrs(list);
		CHECK_EQ(link, 1);
		CHECK_EQ(v4, 1);
		struct if_nameindex *names = if_nameindex();

		REQUIRE(names != NULL);
		CHECK_STR(names[0].if_name, "lo");
		if_freenameindex(names);
		struct addrinfo *ai = NULL;

		CHECK_EQ(getaddrinfo("localhost", "80", NULL, &ai), 0);
		if (ai)
			freeaddrinfo(ai);
	}
	CASE("SIOCGIF*")
	{
		struct ifreq r = {.ifr_name = "lo"};
		struct ifreq all[16];
		struct ifconf conf = {.ifc_len = sizeof(all), .ifc_req = all};
		int s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), seen = 0;

		CHECK_EQ(ioctl(s, SIOCGIFINDEX, &r), 0);
		CHECK_EQ(r.ifr_ifindex, 1);
		CHECK_EQ(ioctl(s, SIOCGIFFLAGS, &r), 0);
		CHECK(r.ifr_flags & IFF_LOOPBACK && r.ifr_flags & IFF_UP);
		CHECK_EQ(ioctl(s, SIOCGIFMTU, &r), 0);
		CHECK(r.ifr_mtu >= 1500);
		CHECK_EQ(ioctl(s, SIOCGIFHWADDR, &r), 0);
		CHECK_EQ(r.ifr_hwaddr.sa_family, 772);
		CHECK_EQ(ioctl(s, SIOCGIFADDR, &r), 0);
		CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr,
			 htonl(INADDR_LOOPBACK));
		CHECK_EQ(ioctl(s, SIOCGIFNETMASK, &r), 0);
		CHECK_EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(0xff000000));
		CHECK_EQ(ioctl(s, SIOCGIFCONF, &conf), 0);
		for (size_t i = 0; i < (size_t)conf.ifc_len / sizeof(r); i++)
			seen += strcmp(all[i].ifr_name, "lo") == 0;
		CHECK_EQ(seen, 1);
		r.ifr_ifindex = 1;
		CHECK_EQ(ioctl(s, SIOCGIFNAME, &r), 0);
		CHECK_STR(r.ifr_name, "lo");
		strcpy(r.ifr_name, "nothere");
		CHECK_ERRNO(ioctl(s, SIOCGIFINDEX, &r), ENODEV);
		CHECK_ERRNO(ioctl(s, SIOCGIFMTU, BAD_PTR), EFAULT);
		close(s);
	}
}

/* Is @text in the file? */
static int file_has(const char *path, const char *text)
{
	static char buf[1 << 20];

	return read_file(path, buf, sizeof(buf)) > 0 && strstr(buf, text) != NULL;
}

static void test_proc(void)
{
	CASE("/proc/net lists sockets and links")
	{
		struct sockaddr_in in = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		socklen_t len = sizeof(in);
		int s = MUST(socket(AF_INET, SOCK_STREAM, 0)), u;
		struct stat st;
		char text[64];

		CHECK_EQ(bind(s, (void *)&in, len), 0);
		CHECK_EQ(listen(s, 7), 0);
		getsockname(s, (void *)&in, &len);
		snprintf(text, sizeof(text), "0100007F:%04X 00000000:0000 0A 00000000:00000000",
			 ntohs(in.sin_port));
		CHECK(file_has("/proc/net/tcp", text));
		CHECK_EQ(fstat(s, &st), 0);
		snprintf(text, sizeof(text), " %lu 1 ", (unsigned long)st.st_ino);
		CHECK(file_has("/proc/net/tcp", text));
		close(s);
		s = MUST(socket(AF_INET, SOCK_DGRAM, 0));
		in.sin_port = 0;
		CHECK_EQ(bind(s, (void *)&in, len), 0);
		getsockname(s, (void *)&in, &len);
		snprintf(text, sizeof(text), "0100007F:%04X 00000000:0000 07", ntohs(in.sin_port));
		CHECK(file_has("/proc/net/udp", text));
		close(s);
		u = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
		snprintf(un.sun_path + 1, 32, "netlink-test-%d", getpid());
		CHECK_EQ(bind(u, (void *)&un, (socklen_t)(3 + strlen(un.sun_path + 1))), 0);
		un.sun_path[0] = '@';
		CHECK(file_has("/proc/net/unix", un.sun_path));
		close(u);
		CHECK(!file_has("/proc/net/unix", un.sun_path));
		CHECK(file_has("/proc/net/dev", "    lo:"));
		CHECK(file_has("/proc/net/route", "Iface\tDestination\tGateway"));
	}
	CASE("/sys/class/net")
	{
		char buf[64];

		CHECK(read_file("/sys/class/net/lo/ifindex", buf, sizeof(buf)) > 0);
		CHECK_STR(buf, "1\n");
		CHECK(read_file("/sys/class/net/lo/address", buf, sizeof(buf)) > 0);
		CHECK_STR(buf, "00:00:00:00:00:00\n");
		CHECK(read_file("/sys/class/net/lo/statistics/rx_bytes", buf, sizeof(buf)) > 0);
		CHECK_ERRNO(open("/sys/class/net/nothere/mtu", O_RDONLY), ENOENT);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_dumps();
	test_sockets();
	test_libc();
	test_proc();
	return test_end();
}
