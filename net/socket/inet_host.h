/* SPDX-License-Identifier: Apache-2.0 */
/* inet_host.h - AF_INET and AF_INET6 over the host's stack, between inet_host.c (life, names,
 * connections), inet_msg.c (messages), inet_poll.c (waiting), inet_opt.c (options) and inet_show.c
 * (/proc/net)
 *
 * Theory of operation
 * -------------------
 * Behind each guest socket stands one non-blocking socket of the host, made by the sentry in the
 * network namespace it lives in: the container's, or one of the sandbox's own that has a loopback
 * interface and nothing else. The host keeps all protocol state, so states and the order of errors
 * are Linux's own; the sentry adds what belongs to the guest: blocking, time-outs, rights,
 * SO_LINGER's wait.
 *
 * What reaches the host is decided here and, again, by the filter: four kinds of sockets, options
 * of one table (inet_opt.c), control messages that are parsed and made anew, never a pointer or a
 * length of the guest's.
 *
 * Waiting (inet_poll.c). A call that would wait gets -EAGAIN, and the socket's wait queue is fed by
 * inetpoll: by the I/O worker, and by every worker that has just done something to a socket of the
 * host, for that is what makes other sockets of the sandbox ready. A socket nobody waits for is not
 *watched, so that data that comes while it is read wakes no thread of ours:
 *
 *	WATCH_NONE	not in the set, or in it for no event
 *	WATCH_ONCE	for the events in armed, once: some task waits
 *	WATCH_EDGE	for all, edge-triggered: an epoll file or a signal's owner listens
 *
 * State that a checkpoint would lose: connections, and what the host has buffered.
 */
#ifndef NET_SOCKET_INET_HOST_H
#define NET_SOCKET_INET_HOST_H

#include "net/socket/socket.h"
#include "platform/host/hostpoll.h"
#include "sentry/arena/arena.h"

enum inet_watch { WATCH_NONE, WATCH_ONCE, WATCH_EDGE };

struct inet_sock {
	struct socket sk;
	int fd; /* host table; const */
	struct waitq q;
	struct list all;      /* in g_inet.socks; guarded by its lock */
	u64 ino;	      /* of the file; const once it exists */
	u32 uid;	      /* who made it; const */
	_Atomic bool no_more; /* SHUT_RD */
	_Atomic u32 fresh;    /* events that the host tells again only because it began to watch */
	struct mutex lock;    /* LR_SOCKET; guards all below */
	enum inet_watch watch;
	u32 armed; /* WATCH_ONCE: EPOLL* */
	bool added, closed;
	struct hostpoll_entry entry;
};

struct inet_host {
	struct mutex lock; /* LR_FSPRIV; guards socks and count */
	struct list socks;
	u32 count, max; /* max: const after boot */
	/* net.ipv4.*: what the guest sees; the host's namespace is at least as generous */
	_Atomic u32 port_start;		 /* ip_unprivileged_port_start */
	_Atomic u32 ping_low, ping_high; /* ping_group_range */
};
extern struct inet_host g_inet;

static inline struct inet_sock *inet_of(struct socket *s)
{
	return container_of(s, struct inet_sock, sk);
}

/* inet_msg.c */
ssize_t inet_send(struct caller *c, struct socket *s, struct sock_msg *m);
ssize_t inet_recv(struct caller *c, struct socket *s, struct sock_msg *m);

/* inet_poll.c */
u32 inet_poll(struct file *f, struct socket *s, struct poll_table *pt);
/* The guest does something with the socket: what the host tells from now on is news. */
static inline void inet_touch(struct inet_sock *i)
{
	atomic_store_explicit(&i->fresh, 0, memory_order_relaxed);
}
void inet_poll_init(struct inet_sock *i);
/* The socket goes: no event comes any more, and @gone is called when none is under way. */
void inet_poll_end(struct inet_sock *i, void (*gone)(struct hostpoll_entry *e));

/* inet_opt.c */
int inet_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
		    u32 len);
int inet_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val, u32 *len);
long inet_ioctl(struct caller *c, struct socket *s, u32 cmd, u64 arg);

#endif
