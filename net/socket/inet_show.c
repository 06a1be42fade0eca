/* SPDX-License-Identifier: Apache-2.0 */
/* inet_show.c - /proc/net: tcp, udp, sockstat and the like, of the sandbox's own sockets
 *
 * What the host keeps after a close (TIME_WAIT) is not listed.
 */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "net/socket/inet_host.h"
#include "net/socket/netdev.h"
#include "platform/host/inet.h"

typedef unsigned long long ull;

struct ends {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} local, remote;
	u32 state, rx, tx;
};

static u32 ioctl_value(int fd, u32 request)
{
	int v = 0;

	return host_inet_ioctl(fd, request, &v) < 0 || v < 0 ? 0 : (u32)v;
}

static void look_at(struct inet_sock *i, struct ends *e)
{
	struct tcp_info info = {0};
	u32 len = sizeof(e->local);

	*e = (struct ends){0};
	host_inet_getname(i->fd, false, &e->local, &len);
	len = sizeof(e->remote);
	host_inet_getname(i->fd, true, &e->remote, &len);
	if (i->sk.type == SOCK_STREAM) {
		len = sizeof(info);
		host_inet_getsockopt(i->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
		e->state = info.tcpi_state;
	} else {
		e->state = e->remote.sa.sa_family ? TCP_ESTABLISHED : TCP_CLOSE;
	}
	if (e->state == TCP_LISTEN) {
		e->rx = info.tcpi_unacked; /* waiting to be accepted */
		return;
	}
	e->rx = ioctl_value(i->fd, FIONREAD);
	e->tx = ioctl_value(i->fd, SIOCOUTQ);
}

static void put_address(struct strbuf *s, int family, const void *p)
{
	const struct sockaddr_in *v4 = p;
	const struct sockaddr_in6 *v6 = p;
	u32 a[4];

	if (family == AF_INET) {
		strbuf_printf(s, "%08X:%04X", v4->sin_addr.s_addr, ntohs(v4->sin_port));
		return;
	}
	memcpy(a, &v6->sin6_addr, sizeof(a));
	strbuf_printf(s, "%08X%08X%08X%08X:%04X", a[0], a[1], a[2], a[3], ntohs(v6->sin6_port));
}

static void show_sockets(struct strbuf *s, int family, int type)
{
	struct inet_sock *i;
	struct ends e;
	u32 n = 0;

	mutex_lock(&g_inet.lock);
	list_for_each_entry (i, &g_inet.socks, all) {
		if (i->sk.family != family || i->sk.type != type || s->cut ||
		    (type == SOCK_DGRAM && i->sk.protocol != IPPROTO_UDP))
			continue;
		look_at(i, &e);
		/* a socket without a port is in none of Linux's tables */
		if (e.local.v4.sin_port == 0)
			continue;
		strbuf_printf(s, type == SOCK_STREAM ? "%4u: " : "%5u: ", n++);
		put_address(s, family, &e.local);
		strbuf_printf(s, " ");
		put_address(s, family, &e.remote);
		strbuf_printf(s, " %02X %08X:%08X 00:00000000 00000000 %5u        0 %llu %s\n",
			      e.state, e.tx, e.rx, i->uid, (ull)i->ino,
			      type == SOCK_STREAM ? "1 0000000000000000 100 0 0 10 0"
						  : "2 0000000000000000 0");
	}
	mutex_unlock(&g_inet.lock);
}

static u32 count_of(int family, int type)
{
	struct inet_sock *i;
	u32 n = 0;

	mutex_lock(&g_inet.lock);
	list_for_each_entry (i, &g_inet.socks, all)
		n += i->sk.family == family && i->sk.type == type;
	mutex_unlock(&g_inet.lock);
	return n;
}

static void show_sockstat(struct strbuf *s)
{
	u32 tcp = count_of(AF_INET, SOCK_STREAM), udp = count_of(AF_INET, SOCK_DGRAM);

	strbuf_printf(s, "sockets: used %u\n",
		      tcp + udp + count_of(AF_INET6, SOCK_STREAM) + count_of(AF_INET6, SOCK_DGRAM));
	strbuf_printf(s, "TCP: inuse %u orphan 0 tw 0 alloc %u mem 0\nUDP: inuse %u mem 0\n", tcp,
		      tcp, udp);
	strbuf_printf(s, "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n");
}

int inet_show(enum net_text which, struct strbuf *s)
{
	switch (which) {
	case NET_TCP:
		show_sockets(s, AF_INET, SOCK_STREAM);
		return 0;
	case NET_TCP6:
		show_sockets(s, AF_INET6, SOCK_STREAM);
		return 0;
	case NET_UDP:
		show_sockets(s, AF_INET, SOCK_DGRAM);
		return 0;
	case NET_UDP6:
		show_sockets(s, AF_INET6, SOCK_DGRAM);
		return 0;
	case NET_SOCKSTAT:
		show_sockstat(s);
		return 0;
	case NET_SOCKSTAT6:
		strbuf_printf(s,
			      "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse 0\n"
			      "FRAG6: inuse 0 memory 0\n",
			      count_of(AF_INET6, SOCK_STREAM), count_of(AF_INET6, SOCK_DGRAM));
		return 0;
	case NET_UNIX:
		return unix_show(s);
	default:
		return netdev_show(which, s);
	}
}
