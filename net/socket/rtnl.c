/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl.c - requests to the host's NETLINK_ROUTE, and the checks of its answers
 *
 * The kernel answers within the calls that send and receive, so nothing waits: -EAGAIN in the midst
 * of an answer is an error.
 */
#include "net/socket/rtnl.h"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <sys/epoll.h>

#include "platform/host/hostpoll.h"
#include "platform/host/inet.h"
#include "sentry/arena/arena.h"

#define BUFFER_ORDER 3 /* 32 KiB: the most that a dump puts into one message */
#define BUFFER_SIZE  (4096u << BUFFER_ORDER)
#define ROUNDS_MAX   65536

static struct {
	struct mutex lock; /* LR_FSPRIV; guards all below, over a request and its answer */
	int fd;		   /* host table; const after boot */
	u8 *buffer;	   /* const after boot */
	u32 seq;
} g_rtnl = {.lock = MUTEX_INIT(LR_FSPRIV), .fd = -1};

/* The socket for changes: bound to groups when somebody wants to know. */
static struct {
	struct mutex lock; /* LR_FSPRIV; guards on */
	bool on;
	int fd;	    /* host table; const after boot */
	u8 *buffer; /* const after boot; the I/O worker's */
	rtnl_change_fn *fn;
	struct hostpoll_entry entry;
} g_changes = {.lock = MUTEX_INIT(LR_FSPRIV), .fd = -1};

int rtnl_init(void)
{
	int fd = host_netlink_open();

	if (fd < 0)
		return fd;
	g_rtnl.buffer = page_alloc(BUFFER_ORDER);
	g_changes.buffer = page_alloc(BUFFER_ORDER);
	if (!g_rtnl.buffer || !g_changes.buffer)
		return -ENOMEM;
	g_rtnl.fd = fd;
	g_changes.fd = host_netlink_open();
	return 0;
}

u32 rtnl_body(u16 type)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return sizeof(struct ifinfomsg);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return sizeof(struct ifaddrmsg);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return sizeof(struct rtmsg);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return sizeof(struct ndmsg);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return sizeof(struct fib_rule_hdr);
	}
	return 0;
}

/* --- attributes
 * --------------------------------------------------------------------------------------------- */

static const struct rtattr *attr_at(const struct nlmsghdr *h, size_t at)
{
	const struct rtattr *a;
	size_t left;

	if (at > h->nlmsg_len || h->nlmsg_len - at < sizeof(*a))
		return NULL;
	left = h->nlmsg_len - at;
	a = (const void *)((const u8 *)h + at);
	return a->rta_len >= sizeof(*a) && a->rta_len <= left ? a : NULL;
}

const struct rtattr *rtnl_attr_first(const struct nlmsghdr *h, u32 body)
{
	return attr_at(h, NLMSG_HDRLEN + NLMSG_ALIGN(body));
}

const struct rtattr *rtnl_attr_next(const struct nlmsghdr *h, const struct rtattr *a)
{
	return attr_at(h, (size_t)((const u8 *)a - (const u8 *)h) + RTA_ALIGN(a->rta_len));
}

const void *rtnl_attr(const struct nlmsghdr *h, u16 type, u32 size)
{
	const struct rtattr *a = rtnl_attr_first(h, rtnl_body(h->nlmsg_type));

	for (; a; a = rtnl_attr_next(h, a))
		if ((a->rta_type & NLA_TYPE_MASK) == type && a->rta_len - sizeof(*a) >= size)
			return RTA_DATA(a);
	return NULL;
}

/* --- requests
 * --------------------------------------------------------------------------------------------- */

/* One message of the kernel's, and of no other process. */
static long receive(int fd, u8 *buffer, u32 *out_groups)
{
	struct iovec iov = {buffer, BUFFER_SIZE};
	struct sockaddr_nl from = {0};
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
	long n = host_inet_recv(fd, &m, 0);

	if (n >= 0 && (m.msg_flags & MSG_TRUNC || from.nl_pid != 0))
		return -EIO;
	*out_groups = from.nl_groups;
	return n;
}

static int error_of(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(err))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err;
}

struct answer {
	rtnl_fn *fn;
	void *arg;
	int ret;
	bool done, dump;
};

/* One message of the buffer. */
static void take_message(const struct nlmsghdr *h, struct answer *a)
{
	u32 body = rtnl_body(h->nlmsg_type);

	if (h->nlmsg_seq != g_rtnl.seq)
		return; /* of an answer that was given up */
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
		if (!a->ret)
			a->ret = error_of(h);
		a->done = true;
		return;
	}
	if (body && h->nlmsg_len >= NLMSG_HDRLEN + body && !a->ret)
		a->ret = a->fn(h, a->arg);
	if (!a->dump)
		a->done = true;
}

static int answer_locked(struct answer *a)
{
	mutex_assert_held(&g_rtnl.lock);
	for (u32 round = 0; round < ROUNDS_MAX && !a->done; round++) {
		const struct nlmsghdr *h = (const void *)g_rtnl.buffer;
		u32 groups;
		long left = receive(g_rtnl.fd, g_rtnl.buffer, &groups);

		if (left < 0)
			return left == -EAGAIN ? -EIO : (int)left;
		while (left >= (long)sizeof(*h) && h->nlmsg_len >= sizeof(*h) &&
		       h->nlmsg_len <= left) {
			u32 step = NLMSG_ALIGN(h->nlmsg_len);

			take_message(h, a);
			left -= step;
			h = (const void *)((const u8 *)h + step);
		}
	}
	return a->ret;
}

/* Sends @h (with its body) and takes the answer. */
static int request(struct nlmsghdr *h, rtnl_fn *fn, void *arg)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	struct iovec iov = {h, h->nlmsg_len};
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1};
	struct answer a = {.fn = fn, .arg = arg, .dump = h->nlmsg_flags & NLM_F_DUMP};
	long ret;

	if (g_rtnl.fd < 0)
		return -EOPNOTSUPP;
	mutex_lock(&g_rtnl.lock);
	h->nlmsg_seq = ++g_rtnl.seq;
	ret = host_inet_send(g_rtnl.fd, &m, 0);
	if (ret >= 0)
		ret = answer_locked(&a);
	mutex_unlock(&g_rtnl.lock);
	return (int)ret;
}

int rtnl_dump(u16 type, u8 family, rtnl_fn *fn, void *arg)
{
	struct {
		struct nlmsghdr h;
		u8 body[16];
	} r = {.h = {.nlmsg_len = NLMSG_HDRLEN + NLMSG_ALIGN(rtnl_body(type - 2)),
		     .nlmsg_type = type,
		     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	       .body = {family}};

	static_assert(sizeof(r.body) >= sizeof(struct ifinfomsg), "the largest body");
	if (rtnl_body(type - 2) == 0)
		return -EOPNOTSUPP;
	return request(&r.h, fn, arg);
}

int rtnl_route_to(u8 family, const void *dst, u32 oif, rtnl_fn *fn, void *arg)
{
	u32 size = family == AF_INET ? 4 : 16;
	struct {
		struct nlmsghdr h;
		struct rtmsg rt;
		struct rtattr a;
		u8 dst[16];
		struct rtattr oif_a;
		u32 oif;
	} r = {.h = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
	       .rt = {.rtm_family = family, .rtm_dst_len = (u8)(size * 8)},
	       .a = {.rta_len = (u16)(sizeof(r.a) + size), .rta_type = RTA_DST}};
	u32 len = offsetof(__typeof__(r), dst) + size;

	if (family != AF_INET && family != AF_INET6)
		return -EOPNOTSUPP;
	memcpy(r.dst, dst, size);
	if (oif) {
		struct rtattr a = {sizeof(a) + sizeof(oif), RTA_OIF};

		memcpy((u8 *)&r + len, &a, sizeof(a));
		memcpy((u8 *)&r + len + sizeof(a), &oif, sizeof(oif));
		len += (u32)(sizeof(a) + sizeof(oif));
	}
	r.h.nlmsg_len = len;
	return request(&r.h, fn, arg);
}

/* --- changes
 * ------------------------------------------------------------------------------------------ */

#define ALL_GROUPS                                                                                \
	(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE | \
	 RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE)

static void tell_changes(long left, u32 groups)
{
	const struct nlmsghdr *h = (const void *)g_changes.buffer;

	while (left >= (long)sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= left) {
		u32 step = NLMSG_ALIGN(h->nlmsg_len), body = rtnl_body(h->nlmsg_type);

		if (body && h->nlmsg_len >= NLMSG_HDRLEN + body)
			g_changes.fn(h, groups);
		left -= step;
		h = (const void *)((const u8 *)h + step);
	}
}

static void on_changes(struct hostpoll_entry *e, u32 events)
{
	u32 groups = 0;
	long n;

	for (;;) {
		n = receive(g_changes.fd, g_changes.buffer, &groups);
		if (n >= 0)
			tell_changes(n, groups);
		else if (n == -ENOBUFS || n == -EIO)
			g_changes.fn(NULL, ALL_GROUPS);
		else
			return;
	}
}

int rtnl_listen(rtnl_change_fn *fn)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = ALL_GROUPS};
	int ret = 0;

	mutex_lock(&g_changes.lock);
	if (!g_changes.on && g_changes.fd < 0)
		ret = -EOPNOTSUPP;
	if (!g_changes.on && ret == 0) {
		g_changes.fn = fn;
		g_changes.entry = (struct hostpoll_entry){.fd = g_changes.fd, .fn = on_changes};
		ret = host_inet_bind(g_changes.fd, &a, sizeof(a));
		if (ret == 0)
			ret = hostpoll_add(&g_changes.entry, EPOLLIN | EPOLLET);
		g_changes.on = ret == 0;
	}
	mutex_unlock(&g_changes.lock);
	return ret;
}
