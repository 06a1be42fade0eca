/* SPDX-License-Identifier: Apache-2.0 */
/* unix.h - AF_UNIX, between unix.c (life, names, connections), unix_data.c (messages), unix_opt.c
 * (options) and unix_gc.c (cycles)
 *
 * Theory of operation
 * -------------------
 * A struct unix_sock is held by its file, by its peer, by messages it has sent (for the accounting
 *of its send buffer), and while it waits in a listener's queue. States of stream and seqpacket
 *sockets:
 *
 *	US_NEW		bind, connect, listen
 *	US_LISTEN	queue holds connected sockets not yet accepted; accept
 *	US_CONNECTED	peer is set and does not change until release; queue holds messages received
 *
 * Datagram sockets stay in US_NEW; peer is where send() goes, and may change. In any state *closed*
 *says that the file is gone: nobody reads the queue any more, senders see EPIPE or ECONNREFUSED.
 *
 * Each socket's lock guards its own queue and state; a sender takes only the receiver's. Where two
 *locks are needed (connecting, pairing) they are taken in address order. Messages are destroyed
 *with no lock held: they may hold files whose release leads back here.
 *
 * Send buffer: a message is charged to its sender until it is read; the sender's own queue is woken
 *when enough is free.
 */
#ifndef NET_SOCKET_UNIX_H
#define NET_SOCKET_UNIX_H

#include <sys/un.h>

#include "net/socket/socket.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/task.h"

struct unix_addr {
	struct ref ref;
	struct list bucket; /* abstract names: in the table; guarded by the name lock */
	const struct net_namespace *net; /* whose name it is; the socket holds it. const */
	struct unix_sock *sock;		 /* who is bound to an abstract name; the same */
	u32 hash;
	u32 len; /* of un, with the family */
	struct sockaddr_un un;
};

/* Who was at the other end when it was connected: references, or NULL. */
struct unix_who {
	struct tgroup *tg;
	const struct cred *cred;
};

enum unix_state { US_NEW, US_LISTEN, US_CONNECTED };

struct unix_sock {
	struct socket sk;
	struct ref ref;
	struct mutex lock;	   /* LR_SOCKET; guards all below unless said otherwise */
	struct net_namespace *net; /* const; reference */
	enum unix_state state;
	bool closed, binding;
	_Atomic u32 shutdown;	/* 1: we read no more, 2: we send no more */
	struct unix_sock *peer; /* reference */
	struct unix_addr *addr; /* reference; written once */
	struct path path;	/* where bound, references; empty: nowhere */
	struct list queue;	/* struct unix_msg; US_LISTEN: unix_sock.embryo */
	struct list embryo;	/* in the listener's queue; guarded by the listener's lock */
	_Atomic u32 queued;	/* how many in queue */
	u32 queued_bytes;
	u32 backlog;
	struct unix_who peer_who; /* SO_PEERCRED and its kin; of a listener: who listens */
	s32 peek_off;		  /* SO_PEEK_OFF; < 0: off */
	struct waitq q;		  /* own events */
	struct waitq space;	  /* datagram, listener: there is room in queue again */
	_Atomic u32 sent;	  /* bytes charged to us */
	/* unix_gc.c; guarded by its lock */
	struct list all;   /* in g_unix_all; guarded by its lock */
	_Atomic u64 ino;   /* of the file; 0: none yet */
	struct file *file; /* of the socket, borrowed; NULL: none yet. Written once */
	u32 inflight;	   /* messages that carry our file */
	u32 gc_refs;
	bool gc_candidate, gc_reachable;
	struct list gc_link; /* in the list of sockets in flight */
};

struct unix_msg {
	struct list node;
	struct unix_sock *from; /* reference */
	struct unix_addr *addr; /* the sender's name, reference or NULL */
	struct scm scm;		/* credentials always, files maybe */
	u32 charge;
	u32 len, off; /* bytes, and how many of them are read */
	u8 *data;     /* kalloc_dirty of len */
};

#define SHUT_RCV_BIT 1u
#define SHUT_SND_BIT 2u

extern const struct socket_family unix_family;

/* All of them, for /proc/net/unix. */
struct unix_all {
	struct mutex lock; /* LR_LEAF; guards socks */
	struct list socks;
};
extern struct unix_all g_unix_all;

/* unix.c */
static inline struct unix_sock *unix_of(struct socket *s)
{
	return container_of(s, struct unix_sock, sk);
}
static inline bool unix_is_dgram(const struct unix_sock *u)
{
	return u->sk.type == SOCK_DGRAM;
}
struct unix_sock *unix_get(struct unix_sock *u);
void unix_put(struct unix_sock *u);
void unix_addr_put(struct unix_addr *a);
/* The socket that @name leads to, a reference; ERR_PTR: -ECONNREFUSED, -EPROTOTYPE (another type
 * than @type), errors of the walk. */
struct unix_sock *unix_find(struct caller *c, const struct net_namespace *net,
			    const struct sock_name *name, int type);
int unix_autobind(struct unix_sock *u);
void unix_name_out(const struct unix_addr *a, struct sock_name *out);

/* unix_opt.c: options; *to gives up what it had. */
void unix_who_set(struct unix_who *to, struct tgroup *tg, const struct cred *cred);
int unix_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val, u32 *len);
int unix_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
		    u32 len);

/* unix_data.c */
ssize_t unix_send(struct caller *c, struct socket *s, struct sock_msg *m);
ssize_t unix_recv(struct caller *c, struct socket *s, struct sock_msg *m);
u32 unix_poll(struct file *f, struct socket *s, struct poll_table *pt);
long unix_ioctl(struct caller *c, struct socket *s, u32 cmd, u64 arg);
/* Destroys messages taken off a queue. No lock held. */
void unix_msgs_destroy(struct list *msgs);

/* unix_gc.c */
/* The files of @scm begin, or cease, to be in flight. begin: 0 or -ETOOMANYREFS. */
int unix_inflight_begin(struct caller *c, const struct scm *scm);
void unix_inflight_end(const struct scm *scm);
/* A copy of @scm's files for MSG_PEEK: 0 or -ENOMEM. */
int unix_scm_dup(const struct scm *scm, struct scm *out);
/* Destroys what is only reachable through its own messages. No lock held. */
void unix_collect(void);
/* A descriptor of a socket is being closed: that may have made garbage. Collects a little later. */
void unix_collect_soon(void);
void unix_gc_init(void);

#endif
