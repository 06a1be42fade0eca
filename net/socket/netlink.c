/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.c - AF_NETLINK with NETLINK_ROUTE: who asks what the network looks like is told
 * (netlink(7), rtnetlink(7))
 *
 * A socket is answered while it sends: the request is looked at here, the host asked in a form of
 * our own (rtnl.c), and its messages are made anew, attribute by attribute, in the socket's queue,
 * in pieces of the size that readers have room for. Changes are refused (EPERM) whoever asks: the
 * network belongs to who made the container. Who binds to groups is told of changes.
 */
#include "net/socket/netlink.h"

#include <linux/capability.h>
#include <linux/net_namespace.h>
#include <sys/epoll.h>

#include "net/socket/rtnl.h"
#include "net/socket/socket.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/task.h"

#define PIECE	    3776u      /* of an answer: what fits into a page of Linux's */
#define SEND_MAX    32768u     /* of one request */
#define QUEUE_MAX   (8u << 20) /* bytes that may wait in one socket */
#define PROTOCOLS   32	       /* MAX_LINKS */
#define IN_EVENTS   (EPOLLIN | EPOLLRDNORM)
#define OUT_EVENTS  (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)
#define SOL_NETLINK 270

struct nl_msg {
	struct list node;
	u32 len, room;
	u8 *data; /* kalloc of room */
};

struct nl_sock {
	struct socket sk;
	struct list all;	   /* in g_nl.socks; guarded by its lock */
	u32 port;		   /* 0: none yet; the same */
	struct net_namespace *net; /* const; reference */
	struct waitq q;
	struct mutex lock; /* LR_SOCKET; guards all below */
	struct list queue; /* nl_msg */
	u32 queued;	   /* bytes */
	bool overrun;	   /* ENOBUFS is to be told */
	u32 options;
	_Atomic u32 groups; /* RTMGRP_* */
};

static SLAB_CACHE(g_socks, struct nl_sock);
static SLAB_CACHE(g_msgs, struct nl_msg);
static struct {
	struct mutex lock; /* LR_INET_POLL: before the locks of sockets */
	struct list socks;
	u32 next_port;
} g_nl = {.lock = MUTEX_INIT(LR_INET_POLL), .socks = LIST_INIT(g_nl.socks)};

static inline struct nl_sock *nl_of(struct socket *s)
{
	return container_of(s, struct nl_sock, sk);
}

static void msgs_free(struct list *msgs)
{
	struct nl_msg *m, *next;

	list_for_each_entry_safe (m, next, msgs, node) {
		list_del(&m->node);
		kfree(m->data, m->room);
		slab_free(&g_msgs, m);
	}
}

/* --- building answers
 * --------------------------------------------------------------------------------------- */

/* An answer on its way into the queue of a socket. */
struct answer {
	struct list msgs;
	struct nl_msg *last;
	u32 port, seq, bytes;
	bool multi;
};

/* Room for @n bytes more, zeroed: NULL without memory, or when it is too much. */
static void *answer_room(struct answer *a, u32 n)
{
	struct nl_msg *m = a->last;
	void *at;

	n = NLMSG_ALIGN(n);
	if (!m || m->room - m->len < n) {
		u32 room = max(n, PIECE);

		if (a->bytes + room > QUEUE_MAX)
			return NULL;
		m = slab_alloc(&g_msgs);
		if (!m)
			return NULL;
		m->room = room;
		m->data = kalloc(room);
		if (!m->data) {
			slab_free(&g_msgs, m);
			return NULL;
		}
		list_append(&a->msgs, &m->node);
		a->last = m;
		a->bytes += room;
	}
	at = m->data + m->len;
	m->len += n;
	return at;
}

/* A message of the host's, with the asker's numbers and only whole attributes. */
static int answer_take(const struct nlmsghdr *h, void *arg)
{
	struct answer *a = arg;
	u32 body = rtnl_body(h->nlmsg_type), len = NLMSG_HDRLEN + NLMSG_ALIGN(body);
	struct nlmsghdr *out;
	u8 *to;

	for (const struct rtattr *t = rtnl_attr_first(h, body); t; t = rtnl_attr_next(h, t))
		len += RTA_ALIGN(t->rta_len);
	out = answer_room(a, len);
	if (!out)
		return -ENOBUFS;
	*out = (struct nlmsghdr){
		.nlmsg_len = len,
		.nlmsg_type = h->nlmsg_type,
		.nlmsg_flags = (h->nlmsg_flags & (NLM_F_DUMP_INTR | NLM_F_DUMP_FILTERED)) |
			       (a->multi ? NLM_F_MULTI : 0),
		.nlmsg_seq = a->seq,
		.nlmsg_pid = a->port,
	};
	memcpy(NLMSG_DATA(out), NLMSG_DATA(h), body);
	to = (u8 *)NLMSG_DATA(out) + NLMSG_ALIGN(body);
	for (const struct rtattr *t = rtnl_attr_first(h, body); t; t = rtnl_attr_next(h, t)) {
		memcpy(to, t, t->rta_len);
		to += RTA_ALIGN(t->rta_len);
	}
	return 0;
}

/* NLMSG_DONE, or NLMSG_ERROR about @req. @cap: without the request's body. */
static int answer_end(struct answer *a, u16 type, int err, const struct nlmsghdr *req, bool cap)
{
	u32 extra = 0, len;
	struct nlmsghdr *out;

	if (type == NLMSG_ERROR)
		extra = err && !cap ? req->nlmsg_len : sizeof(*req);
	len = (u32)(NLMSG_HDRLEN + sizeof(int)) + extra;
	out = answer_room(a, len);
	if (!out)
		return -ENOBUFS;
	*out = (struct nlmsghdr){
		.nlmsg_len = len,
		.nlmsg_type = type,
		.nlmsg_flags = type == NLMSG_DONE ? NLM_F_MULTI
			       : cap || !err	  ? NLM_F_CAPPED
						  : 0,
		.nlmsg_seq = a->seq,
		.nlmsg_pid = a->port,
	};
	memcpy(NLMSG_DATA(out), &err, sizeof(err));
	memcpy((u8 *)NLMSG_DATA(out) + sizeof(err), req, extra);
	return 0;
}

/* --- requests
 * -----------------------------------------------------------------------------------------------
 */

struct one_link {
	struct answer *a;
	s32 index;
	const char *name; /* NULL: by index */
	bool found;
};

static int take_one_link(const struct nlmsghdr *h, void *arg)
{
	struct one_link *o = arg;
	const struct ifinfomsg *i = NLMSG_DATA(h);
	const char *name = rtnl_attr(h, IFLA_IFNAME, 1);

	if (o->name ? !name || strncmp(name, o->name, 16) != 0 : i->ifi_index != o->index)
		return 0;
	o->found = true;
	return answer_take(h, o->a) ? -ENOBUFS : 1;
}

static int get_link(const struct nlmsghdr *h, struct answer *a)
{
	struct one_link o = {.a = a};
	struct ifinfomsg i;
	const struct rtattr *t;
	char name[16] = {0};
	int ret;

	if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(i))
		return -EINVAL;
	memcpy(&i, NLMSG_DATA(h), sizeof(i));
	o.index = i.ifi_index;
	for (t = rtnl_attr_first(h, sizeof(i)); t && i.ifi_index <= 0; t = rtnl_attr_next(h, t))
		if (t->rta_type == IFLA_IFNAME || t->rta_type == IFLA_ALT_IFNAME) {
			memcpy(name, RTA_DATA(t), min(t->rta_len - sizeof(*t), sizeof(name) - 1));
			o.name = name;
		}
	if (i.ifi_index <= 0 && !o.name)
		return -EINVAL;
	ret = rtnl_dump(RTM_GETLINK, AF_UNSPEC, take_one_link, &o);
	return ret < 0 ? ret : o.found ? 0 : -ENODEV;
}

static int get_route(const struct nlmsghdr *h, struct answer *a)
{
	struct rtmsg rt;
	const struct rtattr *t;
	u8 dst[16] = {0};
	u32 oif = 0;

	if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(rt))
		return -EINVAL;
	memcpy(&rt, NLMSG_DATA(h), sizeof(rt));
	for (t = rtnl_attr_first(h, sizeof(rt)); t; t = rtnl_attr_next(h, t)) {
		u32 n = (u32)(t->rta_len - sizeof(*t));

		if (t->rta_type == RTA_DST && n != (rt.rtm_family == AF_INET ? 4 : 16))
			return -EINVAL;
		if (t->rta_type == RTA_DST)
			memcpy(dst, RTA_DATA(t), n);
		else if (t->rta_type == RTA_OIF && n >= sizeof(oif))
			memcpy(&oif, RTA_DATA(t), sizeof(oif));
	}
	return rtnl_route_to(rt.rtm_family, dst, oif, answer_take, a);
}

/* No network namespace has a number in this one. */
static int get_nsid(struct answer *a)
{
	struct {
		struct rtgenmsg gen;
		struct rtattr a __attribute__((aligned(4)));
		s32 id;
	} r = {.a = {sizeof(r.a) + sizeof(r.id), NETNSA_NSID}, .id = NETNSA_NSID_NOT_ASSIGNED};
	struct nlmsghdr *out = answer_room(a, NLMSG_HDRLEN + sizeof(r));

	if (!out)
		return -ENOBUFS;
	*out = (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN + sizeof(r),
				 .nlmsg_type = RTM_NEWNSID,
				 .nlmsg_seq = a->seq,
				 .nlmsg_pid = a->port};
	memcpy(NLMSG_DATA(out), &r, sizeof(r));
	return 0;
}

static int handle_rtnl(const struct nlmsghdr *h, struct answer *a)
{
	u16 kind = h->nlmsg_type & 3;
	u8 family;

	if (h->nlmsg_type < RTM_BASE || h->nlmsg_type > RTM_MAX)
		return -EOPNOTSUPP;
	if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct rtgenmsg))
		return 0;
	if (kind != 2)
		return -EPERM;
	family = *(const u8 *)NLMSG_DATA(h);
	if (h->nlmsg_flags & NLM_F_DUMP) {
		a->multi = true;
		if (h->nlmsg_type == RTM_GETNSID)
			return 0;
		if (h->nlmsg_type == RTM_GETLINK && family != AF_UNSPEC && family != AF_BRIDGE)
			family = AF_UNSPEC;
		return rtnl_dump(h->nlmsg_type, family, answer_take, a);
	}
	if (h->nlmsg_type == RTM_GETLINK)
		return get_link(h, a);
	if (h->nlmsg_type == RTM_GETROUTE)
		return get_route(h, a);
	if (h->nlmsg_type == RTM_GETNSID)
		return get_nsid(a);
	return -EOPNOTSUPP;
}

/* In a namespace that has only a loopback interface: it is shown, and whoever may is told that what
 * one does to bring it up was done. There is nobody who could notice. */
static int handle_cut_off(struct caller *c, const struct net_namespace *net,
			  const struct nlmsghdr *h, struct answer *a)
{
	struct one_link lo = {.a = a, .index = 1};
	struct ifaddrmsg addr;
	struct ifinfomsg link;

	if (h->nlmsg_type < RTM_BASE || h->nlmsg_type > RTM_MAX)
		return -EOPNOTSUPP;
	if ((h->nlmsg_type & 3) == 2) {
		a->multi = h->nlmsg_flags & NLM_F_DUMP;
		return h->nlmsg_type == RTM_GETLINK
			       ? min(rtnl_dump(RTM_GETLINK, AF_UNSPEC, take_one_link, &lo), 0)
		       : a->multi ? 0
				  : -EOPNOTSUPP;
	}
	if (!cred_capable_in(c->cred, net->ns.owner, CAP_NET_ADMIN))
		return -EPERM;
	if (h->nlmsg_type == RTM_NEWADDR && h->nlmsg_len >= NLMSG_HDRLEN + sizeof(addr)) {
		memcpy(&addr, NLMSG_DATA(h), sizeof(addr));
		return addr.ifa_index == 1 ? 0 : -ENODEV;
	}
	if ((h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_SETLINK) &&
	    h->nlmsg_len >= NLMSG_HDRLEN + sizeof(link)) {
		memcpy(&link, NLMSG_DATA(h), sizeof(link));
		return link.ifi_index == 1 ? 0 : -EOPNOTSUPP;
	}
	return -EOPNOTSUPP;
}

static void queue_answer(struct nl_sock *n, struct answer *a)
{
	mutex_lock(&n->lock);
	if (n->queued + a->bytes > QUEUE_MAX) {
		n->overrun = true;
	} else {
		struct nl_msg *m;

		list_for_each_entry (m, &a->msgs, node)
			n->queued += m->room;
		list_splice(&n->queue, &a->msgs);
	}
	mutex_unlock(&n->lock);
	msgs_free(&a->msgs);
	waitq_wake(&n->q, IN_EVENTS | EPOLLERR);
}

/* One message of a send. */
static void handle(struct caller *c, struct nl_sock *n, const struct nlmsghdr *h)
{
	struct answer a = {.msgs = LIST_INIT(a.msgs), .port = n->port, .seq = h->nlmsg_seq};
	bool cap = n->options & 1u << NETLINK_CAP_ACK;
	int err = 0, lost = 0;

	if (!(h->nlmsg_flags & NLM_F_REQUEST))
		goto ack;
	if (h->nlmsg_type < NLMSG_MIN_TYPE)
		goto ack;
	err = n->net->first ? handle_rtnl(h, &a) : handle_cut_off(c, n->net, h, &a);
	if (err) {
		msgs_free(&a.msgs);
		a.last = NULL;
		a.bytes = 0;
	} else if (a.multi) {
		lost = answer_end(&a, NLMSG_DONE, 0, h, false);
		goto out;
	}
ack:
	if (err || h->nlmsg_flags & NLM_F_ACK)
		lost = answer_end(&a, NLMSG_ERROR, err, h, cap);
out:
	if (lost) {
		mutex_lock(&n->lock);
		n->overrun = true;
		mutex_unlock(&n->lock);
	}
	queue_answer(n, &a);
}

/* --- changes
 * ------------------------------------------------------------------------------------------ */

/* A change of the network, for all who have joined one of @groups; NULL: some were lost. */
static void on_change(const struct nlmsghdr *h, u32 groups)
{
	struct nl_sock *n;

	mutex_lock(&g_nl.lock);
	list_for_each_entry (n, &g_nl.socks, all) {
		struct answer a = {.msgs = LIST_INIT(a.msgs)};

		if (!n->net->first || !(atomic_load(&n->groups) & groups))
			continue;
		if (!h || answer_take(h, &a)) {
			mutex_lock(&n->lock);
			n->overrun = true;
			mutex_unlock(&n->lock);
		}
		queue_answer(n, &a);
	}
	mutex_unlock(&g_nl.lock);
}

static int join_groups(struct nl_sock *n, u32 groups)
{
	int ret = groups && n->net->first ? rtnl_listen(on_change) : 0;

	if (ret == 0)
		atomic_store(&n->groups, groups);
	return ret;
}

/* NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP. */
static int change_group(struct nl_sock *n, u32 group, bool add)
{
	u32 bit;

	if (group < 1 || group > 32)
		return -EINVAL;
	bit = 1u << (group - 1);
	return join_groups(n, add ? atomic_load(&n->groups) | bit : atomic_load(&n->groups) & ~bit);
}

/* --- sockets
 * ------------------------------------------------------------------------------------------------
 */

static bool port_taken_locked(u32 port)
{
	struct nl_sock *n;

	mutex_assert_held(&g_nl.lock);
	list_for_each_entry (n, &g_nl.socks, all)
		if (n->port == port)
			return true;
	return false;
}

/* Gives @n the port @port, 0: one of the process's, or any. */
static int take_port(struct caller *c, struct nl_sock *n, u32 port)
{
	int ret = 0;

	mutex_lock(&g_nl.lock);
	if (n->port) {
		ret = port && port != n->port ? -EINVAL : 0;
	} else if (port && port_taken_locked(port)) {
		ret = -EADDRINUSE;
	} else {
		if (!port)
			port = c->task ? (u32)c->task->tg->tgid : 1;
		while (port_taken_locked(port))
			port = 0x80000000u | g_nl.next_port++;
		n->port = port;
	}
	mutex_unlock(&g_nl.lock);
	return ret;
}

static int check_name(const struct sock_name *name, struct sockaddr_nl *out)
{
	if (name->len < sizeof(*out))
		return -EINVAL;
	memcpy(out, name->raw, sizeof(*out));
	return out->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

static int nl_bind(struct caller *c, struct socket *s, const struct sock_name *name)
{
	struct nl_sock *n = nl_of(s);
	struct sockaddr_nl a;
	int ret = check_name(name, &a);

	if (ret == 0)
		ret = take_port(c, n, a.nl_pid);
	return ret ? ret : join_groups(n, a.nl_groups);
}

/* Whom a message may go to: the kernel. */
static int check_peer(struct caller *c, const struct sockaddr_nl *a)
{
	return a->nl_groups || a->nl_pid ? -EPERM : 0;
}

static int nl_connect(struct caller *c, struct socket *s, const struct sock_name *name,
		      struct sock_msg *wait)
{
	struct sockaddr_nl a;
	int ret;

	if (name->len < sizeof(sa_family_t))
		return -EINVAL;
	if (name->sa.sa_family == AF_UNSPEC)
		return 0;
	ret = check_name(name, &a);
	if (ret == 0)
		ret = check_peer(c, &a);
	return ret ? ret : take_port(c, nl_of(s), 0);
}

static int nl_getname(struct socket *s, bool peer, struct sock_name *out)
{
	struct nl_sock *n = nl_of(s);
	struct sockaddr_nl a = {.nl_family = AF_NETLINK};

	if (!peer) {
		a.nl_pid = n->port;
		a.nl_groups = n->groups;
	}
	memset(out, 0, sizeof(*out));
	memcpy(out->raw, &a, sizeof(a));
	out->len = sizeof(a);
	return 0;
}

static ssize_t nl_send(struct caller *c, struct socket *s, struct sock_msg *m)
{
	struct nl_sock *n = nl_of(s);
	size_t size = m->it->left, left = size;
	const struct nlmsghdr *h;
	struct sockaddr_nl a;
	u8 *buf;
	int ret = 0;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->name)
		ret = check_name(m->name, &a);
	if (ret == 0 && m->name)
		ret = check_peer(c, &a);
	if (ret == 0)
		ret = take_port(c, n, 0);
	if (ret)
		return ret;
	if (size > SEND_MAX)
		return -EMSGSIZE;
	if (size == 0)
		return 0;
	buf = kalloc_dirty(size);
	if (!buf)
		return -ENOBUFS;
	if (copy_from_iter(buf, size, m->it) != size) {
		kfree(buf, size);
		return -EFAULT;
	}
	h = (const void *)buf;
	while (left >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= left) {
		size_t step = min((size_t)NLMSG_ALIGN(h->nlmsg_len), left);

		handle(c, n, h);
		left -= step;
		h = (const void *)((const u8 *)h + step);
	}
	kfree(buf, size);
	return (ssize_t)size;
}

static ssize_t nl_recv(struct caller *c, struct socket *s, struct sock_msg *m)
{
	struct nl_sock *n = nl_of(s);
	struct list done = LIST_INIT(done);
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	struct nl_msg *msg;
	ssize_t ret = -EAGAIN;
	size_t want;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	mutex_lock(&n->lock);
	if (n->overrun) {
		n->overrun = false;
		ret = -ENOBUFS;
	} else if (!list_empty(&n->queue)) {
		msg = list_first(&n->queue, struct nl_msg, node);
		want = min((size_t)msg->len, m->it->left);
		ret = copy_to_iter(msg->data, want, m->it) == want ? (ssize_t)want : -EFAULT;
		if (want < msg->len)
			m->out_flags |= MSG_TRUNC;
		if (ret >= 0 && m->flags & MSG_TRUNC)
			ret = (ssize_t)msg->len;
		if (!(m->flags & MSG_PEEK)) {
			list_del(&msg->node);
			list_append(&done, &msg->node);
			n->queued -= msg->room;
		}
	}
	mutex_unlock(&n->lock);
	msgs_free(&done);
	if (ret >= 0 && m->name) {
		memset(m->name, 0, sizeof(*m->name));
		memcpy(m->name->raw, &from, sizeof(from));
		m->name->len = sizeof(from);
	}
	return ret;
}

static u32 nl_poll(struct file *f, struct socket *s, struct poll_table *pt)
{
	struct nl_sock *n = nl_of(s);
	u32 mask = OUT_EVENTS;

	poll_wait(f, &n->q, pt);
	mutex_lock(&n->lock);
	if (!list_empty(&n->queue))
		mask |= IN_EVENTS;
	if (n->overrun)
		mask |= EPOLLERR;
	mutex_unlock(&n->lock);
	return mask;
}

static int nl_shutdown(struct socket *s, int how)
{
	return -EOPNOTSUPP;
}

static bool is_flag(int name)
{
	return name == NETLINK_PKTINFO || name == NETLINK_BROADCAST_ERROR ||
	       name == NETLINK_NO_ENOBUFS || name == NETLINK_CAP_ACK || name == NETLINK_EXT_ACK;
}

static int nl_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
			 u32 len)
{
	struct nl_sock *n = nl_of(s);
	u32 v;

	bool group = name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP;

	if (level != SOL_NETLINK || !(group || is_flag(name)))
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	if (group)
		return change_group(n, v, name == NETLINK_ADD_MEMBERSHIP);
	mutex_lock(&n->lock);
	n->options = v ? n->options | 1u << name : n->options & ~(1u << name);
	mutex_unlock(&n->lock);
	return 0;
}

static int nl_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val,
			 u32 *len)
{
	u32 v;

	if (level != SOL_NETLINK || !is_flag(name))
		return -ENOPROTOOPT;
	if (*len < sizeof(v))
		return -EINVAL;
	v = nl_of(s)->options >> name & 1;
	*len = sizeof(v);
	memcpy(val, &v, sizeof(v));
	return 0;
}

static void nl_release(struct socket *s)
{
	struct nl_sock *n = nl_of(s);

	mutex_lock(&g_nl.lock);
	list_del(&n->all);
	mutex_unlock(&g_nl.lock);
	msgs_free(&n->queue);
	waitq_fini(&n->q);
	ns_put(&n->net->ns);
	slab_free(&g_socks, n);
}

static const struct socket_ops nl_ops = {
	.bind = nl_bind,
	.connect = nl_connect,
	.getname = nl_getname,
	.send = nl_send,
	.recv = nl_recv,
	.shutdown = nl_shutdown,
	.poll = nl_poll,
	.setsockopt = nl_setsockopt,
	.getsockopt = nl_getsockopt,
	.release = nl_release,
};

static int nl_create(struct caller *c, int type, int protocol, u32 flags, struct file **out)
{
	struct nl_sock *n;
	struct file *f;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol < 0 || protocol >= PROTOCOLS || protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	n = slab_alloc(&g_socks);
	if (!n)
		return -ENOMEM;
	socket_setup(&n->sk, &nl_ops, AF_NETLINK, type, protocol);
	list_init(&n->all);
	list_init(&n->queue);
	mutex_init(&n->lock, LR_SOCKET);
	waitq_init(&n->q);
	n->net = c->task->ns->net;
	ns_get(&n->net->ns);
	f = socket_file(c, &n->sk, flags);
	if (IS_ERR(f)) {
		waitq_fini(&n->q);
		ns_put(&n->net->ns);
		slab_free(&g_socks, n);
		return (int)PTR_ERR(f);
	}
	mutex_lock(&g_nl.lock);
	list_append(&g_nl.socks, &n->all);
	mutex_unlock(&g_nl.lock);
	*out = f;
	return 0;
}

static const struct socket_family nl_family = {.family = AF_NETLINK, .create = nl_create};

void netlink_init(void)
{
	socket_family_register(&nl_family);
}
