/* SPDX-License-Identifier: Apache-2.0 */
/* inet_host.c - internet sockets over the host's: life, names, connections (ip(7), tcp(7), udp(7))
 */
#include "net/socket/inet_host.h"

#include <linux/capability.h>
#include <netinet/in.h>

#include "net/socket/inet.h"
#include "net/socket/netdev.h"
#include "net/socket/netlink.h"
#include "platform/host/host.h"
#include "platform/host/inet.h"
#include "platform/host/inetpoll.h"
#include "sentry/base/bug.h"
#include "sentry/base/log.h"
#include "sentry/kernel/task.h"

#define PROTOCOL_MAX 263 /* IPPROTO_MAX */

static SLAB_CACHE(g_socks, struct inet_sock);

struct inet_host g_inet = {
	.lock = MUTEX_INIT(LR_FSPRIV),
	.socks = LIST_INIT(g_inet.socks),
	.port_start = 1024,
	.ping_high = INT32_MAX,
};

static const struct socket_ops inet_ops;

/* --- life
 * --------------------------------------------------------------------------------------------- */

/* Too many of the sandbox's own is the machine's limit, not the caller's. */
static int host_error(int err)
{
	return err == -EMFILE ? -ENFILE : err;
}

static void inet_free(struct hostpoll_entry *e)
{
	struct inet_sock *i = container_of(e, struct inet_sock, entry);

	waitq_fini(&i->q);
	slab_free(&g_socks, i);
}

/* A place among the sandbox's sockets: each takes a descriptor, of which the sentry needs some. */
static bool reserve(void)
{
	bool ok;

	mutex_lock(&g_inet.lock);
	ok = g_inet.count < g_inet.max;
	g_inet.count += ok;
	mutex_unlock(&g_inet.lock);
	return ok;
}

static void unreserve(void)
{
	mutex_lock(&g_inet.lock);
	g_inet.count--;
	mutex_unlock(&g_inet.lock);
}

static void inet_release(struct socket *s)
{
	struct inet_sock *i = inet_of(s);
	int fd = i->fd;

	mutex_lock(&g_inet.lock);
	g_inet.count--;
	list_del(&i->all);
	mutex_unlock(&g_inet.lock);
	inet_poll_end(i, inet_free); /* from here on @i may be another socket */
	host_close(fd);
}

/* The file of a socket behind which stands @fd, with a place reserved; all are gone on failure. */
static int inet_wrap(struct caller *c, int fd, int family, int type, int protocol, u32 flags,
		     struct file **out)
{
	struct inet_sock *i = slab_alloc(&g_socks);
	struct file *f;

	if (!i) {
		unreserve();
		host_close(fd);
		return -ENOMEM;
	}
	socket_setup(&i->sk, &inet_ops, family, type, protocol);
	i->fd = fd;
	i->uid = c->cred->fsuid;
	list_init(&i->all);
	mutex_init(&i->lock, LR_SOCKET);
	waitq_init(&i->q);
	inet_poll_init(i);
	f = socket_file(c, &i->sk, flags);
	if (IS_ERR(f)) {
		unreserve();
		host_close(fd);
		inet_free(&i->entry);
		return (int)PTR_ERR(f);
	}
	i->ino = f->inode->ino;
	mutex_lock(&g_inet.lock);
	list_append(&g_inet.socks, &i->all);
	mutex_unlock(&g_inet.lock);
	*out = f;
	return 0;
}

static bool in_ping_group(const struct cred *c)
{
	u32 low = atomic_load(&g_inet.ping_low), high = atomic_load(&g_inet.ping_high);

	if (c->fsgid >= low && c->fsgid <= high)
		return true;
	for (u32 n = 0; c->groups && n < c->groups->count; n++)
		if (c->groups->gids[n] >= low && c->groups->gids[n] <= high)
			return true;
	return false;
}

/* What type and protocol mean; *protocol becomes the real one. Errors as inet_create of Linux. */
static int check_kind(struct caller *c, int family, int type, int *protocol)
{
	int icmp = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	if (*protocol < 0 || *protocol >= PROTOCOL_MAX)
		return -EINVAL;
	switch (type) {
	case SOCK_STREAM:
		if (*protocol == 0)
			*protocol = IPPROTO_TCP;
		return *protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		if (*protocol == 0)
			*protocol = IPPROTO_UDP;
		if (*protocol == icmp)
			return in_ping_group(c->cred) ? 0 : -EACCES;
		return *protocol == IPPROTO_UDP || *protocol == IPPROTO_UDPLITE ? 0
										: -EPROTONOSUPPORT;
	case SOCK_RAW:
		return cred_capable(c->cred, CAP_NET_RAW) ? -EPROTONOSUPPORT : -EPERM;
	}
	return -ESOCKTNOSUPPORT;
}

static int inet_create(struct caller *c, int family, int type, int protocol, u32 flags,
		       struct file **out)
{
	int ret = check_kind(c, family, type, &protocol), fd;

	if (ret)
		return ret;
	inetpoll_run(); /* gives back what was closed */
	if (!reserve())
		return -ENFILE;
	fd = host_inet_socket(family, type, protocol);
	if (fd < 0) {
		unreserve();
		return host_error(fd);
	}
	return inet_wrap(c, fd, family, type, protocol, flags, out);
}

static int inet4_create(struct caller *c, int type, int protocol, u32 flags, struct file **out)
{
	return inet_create(c, AF_INET, type, protocol, flags, out);
}

static int inet6_create(struct caller *c, int type, int protocol, u32 flags, struct file **out)
{
	return inet_create(c, AF_INET6, type, protocol, flags, out);
}

/* --- names, connections
 * ----------------------------------------------------------------------------------- */

/* The port that @name asks for, 0: none, or not a name of ours. sin_port and sin6_port are at the
 * same place. */
static u32 port_of(const struct sock_name *name)
{
	struct sockaddr_in in;

	if (name->len < sizeof(in) ||
	    (name->sa.sa_family != AF_INET && name->sa.sa_family != AF_INET6))
		return 0;
	memcpy(&in, name->raw, sizeof(in));
	return ntohs(in.sin_port);
}

static int inet_bind(struct caller *c, struct socket *s, const struct sock_name *name)
{
	u32 port = port_of(name);

	if (s->protocol != IPPROTO_ICMP && s->protocol != IPPROTO_ICMPV6 && port &&
	    port < atomic_load(&g_inet.port_start) && !cred_capable(c->cred, CAP_NET_BIND_SERVICE))
		return -EACCES;
	return host_inet_bind(inet_of(s)->fd, name->raw, name->len);
}

/* Linux's answers to a second connect are what a blocking one needs when it is woken: 0, the error,
 * or that it is still under way. */
static int inet_connect(struct caller *c, struct socket *s, const struct sock_name *name,
			struct sock_msg *wait)
{
	struct inet_sock *i = inet_of(s);
	int ret;

	inet_touch(i);
	ret = host_inet_connect(i->fd, name->raw, name->len);
	inetpoll_run();
	return ret;
}

static int inet_listen(struct caller *c, struct socket *s, int backlog)
{
	int ret = host_inet_listen(inet_of(s)->fd, backlog);

	if (ret == 0)
		atomic_fetch_or(&s->flags, SOCKF_ACCEPTCONN);
	return ret;
}

static int inet_accept(struct caller *c, struct socket *s, u32 flags, struct file **out)
{
	struct inet_sock *i = inet_of(s);
	struct socket *new;
	int fd, ret;

	inet_touch(i);
	if (!reserve())
		return -ENFILE;
	fd = host_inet_accept(i->fd);
	inetpoll_run();
	if (fd < 0) {
		unreserve();
		return fd == -EINTR ? -EAGAIN : host_error(fd);
	}
	ret = inet_wrap(c, fd, s->family, s->type, (int)s->protocol, flags, out);
	if (ret)
		return ret;
	new = socket_of(*out);
	atomic_store(&new->rcvtimeo, atomic_load(&s->rcvtimeo));
	atomic_store(&new->sndtimeo, atomic_load(&s->sndtimeo));
	atomic_store(&new->linger, atomic_load(&s->linger));
	return 0;
}

static int inet_getname(struct socket *s, bool peer, struct sock_name *out)
{
	u32 len = sizeof(out->raw);
	int ret;

	memset(out, 0, sizeof(*out));
	ret = host_inet_getname(inet_of(s)->fd, peer, out->raw, &len);
	if (ret == 0)
		out->len = min(len, (u32)sizeof(out->raw));
	return ret;
}

static int inet_shutdown(struct socket *s, int how)
{
	struct inet_sock *i = inet_of(s);
	int ret = host_inet_shutdown(i->fd, how);

	inet_touch(i);
	/* Linux ends the readers of an unconnected datagram socket too, whatever it says */
	if ((ret == 0 || ret == -ENOTCONN) && how != SHUT_WR)
		atomic_store(&i->no_more, true);
	inetpoll_run();
	return ret;
}

static const struct socket_ops inet_ops = {
	.bind = inet_bind,
	.connect = inet_connect,
	.listen = inet_listen,
	.accept = inet_accept,
	.getname = inet_getname,
	.send = inet_send,
	.recv = inet_recv,
	.shutdown = inet_shutdown,
	.poll = inet_poll,
	.setsockopt = inet_setsockopt,
	.getsockopt = inet_getsockopt,
	.ioctl = inet_ioctl,
	.release = inet_release,
};

/* Packets past the stack: there is none of ours to go past. */
static int packet_create(struct caller *c, int type, int protocol, u32 flags, struct file **out)
{
	return cred_capable(c->cred, CAP_NET_RAW) ? -EPROTONOSUPPORT : -EPERM;
}

static const struct socket_family packet_family = {.family = AF_PACKET, .create = packet_create};
static const struct socket_family inet4_family = {.family = AF_INET, .create = inet4_create};
static const struct socket_family inet6_family = {.family = AF_INET6, .create = inet6_create};

static int inet_sysctl(enum net_sysctl which, bool set, u32 v[2])
{
	_Atomic u32 *low = which == NET_PORT_START ? &g_inet.port_start : &g_inet.ping_low;

	if (set && (which == NET_PORT_START ? v[0] > 65535 : v[0] > INT32_MAX || v[1] > INT32_MAX))
		return -EINVAL;
	if (set) {
		atomic_store(low, v[0]);
		if (which == NET_PING_RANGE)
			atomic_store(&g_inet.ping_high, v[1]);
	} else {
		v[0] = atomic_load(low);
		v[1] = atomic_load(&g_inet.ping_high);
	}
	return 0;
}

static const struct net_info_ops info_ops = {
	.show = inet_show, .link = netdev_link, .sysctl = inet_sysctl};

void inet_host_init(u32 max_sockets)
{
	int err = rtnl_init();

	if (err)
		log_warning("no netlink socket: %d", err);
	BUG_ON(inetpoll_init());
	g_inet.max = max_sockets;
	kernel_set_net_info(&info_ops);
	netlink_init();
	socket_family_register(&inet4_family);
	socket_family_register(&inet6_family);
	socket_family_register(&packet_family);
}
