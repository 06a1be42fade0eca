/* SPDX-License-Identifier: Apache-2.0 */
/* inet_opt.c - options and ioctls of internet sockets
 *
 * One table says which options reach the host; the filter is generated from the same rows
 * (HOST_OPTION, platform/seccomp/gen.py). Time-outs and SO_LINGER's wait are the sentry's: it is
 * the sentry that waits. What is in neither place is ENOPROTOOPT.
 */
#include <linux/capability.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "net/socket/inet_host.h"
#include "platform/host/inet.h"
#include "sentry/mm/copy.h"

#define VALUE_MAX 256

enum { GET = 1, SET = 2 };

static const struct inet_option {
	int level, name;
	u32 size; /* most that is given to the host */
	u32 dir;
} options[] = {
	HOST_OPTION(SOL_SOCKET, SO_REUSEADDR, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_ERROR, 4, GET),
	HOST_OPTION(SOL_SOCKET, SO_DONTROUTE, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_BROADCAST, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_SNDBUF, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_RCVBUF, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_KEEPALIVE, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_OOBINLINE, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_NO_CHECK, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_PRIORITY, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_REUSEPORT, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_RCVLOWAT, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_LINGER, 8, SET), /* without a wait: set_linger */
	HOST_OPTION(SOL_SOCKET, SO_BINDTODEVICE, 16, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_TIMESTAMP, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_TIMESTAMPNS, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_TIMESTAMP_NEW, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_TIMESTAMPNS_NEW, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_RXQ_OVFL, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_PEEK_OFF, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_SELECT_ERR_QUEUE, 4, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_INCOMING_CPU, 4, GET),
	HOST_OPTION(SOL_SOCKET, SO_MAX_PACING_RATE, 8, GET | SET),
	HOST_OPTION(SOL_SOCKET, SO_MEMINFO, 36, GET),
	HOST_OPTION(SOL_SOCKET, SO_COOKIE, 8, GET),

	HOST_OPTION(IPPROTO_IP, IP_TOS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_TTL, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_PKTINFO, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MTU_DISCOVER, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_RECVERR, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_RECVOPTS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_RETOPTS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_RECVTTL, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_RECVTOS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MTU, 4, GET),
	HOST_OPTION(IPPROTO_IP, IP_FREEBIND, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_RECVORIGDSTADDR, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MINTTL, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MULTICAST_IF, 12, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MULTICAST_TTL, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MULTICAST_LOOP, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_MULTICAST_ALL, 4, GET | SET),
	HOST_OPTION(IPPROTO_IP, IP_ADD_MEMBERSHIP, 12, SET),
	HOST_OPTION(IPPROTO_IP, IP_DROP_MEMBERSHIP, 12, SET),
	HOST_OPTION(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, 12, SET),
	HOST_OPTION(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, 12, SET),
	HOST_OPTION(IPPROTO_IP, IP_BLOCK_SOURCE, 12, SET),
	HOST_OPTION(IPPROTO_IP, IP_UNBLOCK_SOURCE, 12, SET),
	HOST_OPTION(IPPROTO_IP, MCAST_JOIN_GROUP, 136, SET),
	HOST_OPTION(IPPROTO_IP, MCAST_LEAVE_GROUP, 136, SET),
	HOST_OPTION(IPPROTO_IP, IP_UNICAST_IF, 4, GET | SET),

	HOST_OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_MULTICAST_IF, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_JOIN_GROUP, 20, SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_LEAVE_GROUP, 20, SET),
	HOST_OPTION(IPPROTO_IPV6, MCAST_JOIN_GROUP, 136, SET),
	HOST_OPTION(IPPROTO_IPV6, MCAST_LEAVE_GROUP, 136, SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_MTU, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_RECVERR, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_V6ONLY, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_RECVTCLASS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_TCLASS, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_DONTFRAG, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_RECVPATHMTU, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_MINHOPCOUNT, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_UNICAST_IF, 4, GET | SET),
	HOST_OPTION(IPPROTO_IPV6, IPV6_FREEBIND, 4, GET | SET),

	HOST_OPTION(IPPROTO_TCP, TCP_NODELAY, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_MAXSEG, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_CORK, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_KEEPIDLE, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_KEEPINTVL, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_KEEPCNT, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_SYNCNT, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_LINGER2, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_INFO, 0, GET),
	HOST_OPTION(IPPROTO_TCP, TCP_QUICKACK, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_CONGESTION, 16, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_CC_INFO, 0, GET),
	HOST_OPTION(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_FASTOPEN, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_TIMESTAMP, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_SAVE_SYN, 4, GET | SET),
	HOST_OPTION(IPPROTO_TCP, TCP_SAVED_SYN, 0, GET),
	HOST_OPTION(IPPROTO_TCP, TCP_INQ, 4, GET | SET),

	HOST_OPTION(IPPROTO_UDP, UDP_CORK, 4, GET | SET),
	HOST_OPTION(IPPROTO_UDP, UDP_SEGMENT, 4, GET | SET),
	HOST_OPTION(IPPROTO_UDP, UDP_GRO, 4, GET | SET),
	HOST_OPTION(IPPROTO_UDP, UDP_NO_CHECK6_TX, 4, GET | SET),
	HOST_OPTION(IPPROTO_UDP, UDP_NO_CHECK6_RX, 4, GET | SET),
	HOST_OPTION(IPPROTO_UDPLITE, 10, 4, GET | SET), /* UDPLITE_SEND_CSCOV, RECV_CSCOV */
	HOST_OPTION(IPPROTO_UDPLITE, 11, 4, GET | SET),
};

static const struct inet_option *option_find(int level, int name, u32 dir)
{
	for (size_t i = 0; i < array_size(options); i++)
		if (options[i].level == level && options[i].name == name && options[i].dir & dir)
			return &options[i];
	return NULL;
}

/* The host is told only of the abortive close (no time): a close that waits would hold up a worker.
 */
static int set_linger(struct inet_sock *i, const void *val, u32 len)
{
	struct linger l, host = {0};

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, val, sizeof(l));
	host.l_onoff = l.l_onoff && l.l_linger == 0;
	return host_inet_setsockopt(i->fd, SOL_SOCKET, SO_LINGER, &host, sizeof(host));
}

int inet_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
		    u32 len)
{
	struct inet_sock *i = inet_of(s);
	const struct inet_option *o;
	int ret;

	if (level == SOL_SOCKET && name == SO_LINGER) {
		ret = set_linger(i, val, len);
		return ret ? ret : -ENOPROTOOPT; /* the common part keeps it */
	}
	/* beyond the host's limit nobody gets */
	if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE)) {
		if (!cred_capable(c->cred, CAP_NET_ADMIN))
			return -EPERM;
		name = name == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF;
	}
	o = option_find(level, name, SET);
	if (!o)
		return -ENOPROTOOPT;
	inet_touch(i);
	return host_inet_setsockopt(i->fd, level, name, val, min(len, o->size));
}

int inet_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val, u32 *len)
{
	struct inet_sock *i = inet_of(s);
	u32 host_len = min(*len, (u32)VALUE_MAX);
	int ret;

	if (!option_find(level, name, GET))
		return -ENOPROTOOPT;
	ret = host_inet_getsockopt(i->fd, level, name, val, &host_len);
	if (ret == 0)
		*len = min(host_len, (u32)VALUE_MAX);
	return ret;
}

long inet_ioctl(struct caller *c, struct socket *s, u32 cmd, u64 arg)
{
	int v = 0, ret;

	switch (cmd) {
	case FIONREAD:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
	case SIOCATMARK:
		ret = host_inet_ioctl(inet_of(s)->fd, cmd, &v);
		return ret ? ret : copy_out_obj(c->mm, GVA(arg), &v);
	}
	return -ENOTTY;
}
