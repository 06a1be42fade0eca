/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h - sockets as files: what each family brings, and what the system calls ask
 *
 * Theory of operation: a socket file's data is a struct socket, the first member of the family's
 * own. Everything goes through its ops; like files, sockets never sleep: -EAGAIN, and poll tells
 * whom to wait for. Families stand in a table that boot fills; asking for another one is
 * EAFNOSUPPORT.
 */
#ifndef NET_SOCKET_SOCKET_H
#define NET_SOCKET_SOCKET_H

#include <sys/socket.h>

#include "fs/vfs/vfs.h"

struct socket;

/* An address as the guest gave it or gets it: @len bytes, of which only sizeof(raw) are kept. */
struct sock_name {
	u32 len; /* 0: none */
	union {
		struct sockaddr sa;
		u8 raw[128];
	};
};

#define SCM_MAX_FDS 253
/* What travels beside the data of one message (SOL_SOCKET control messages). */
struct scm {
	struct file **files; /* references; kalloc of count pointers, or NULL */
	u32 count;
	bool has_creds; /* the sender named them; checked */
	s32 pid;
	u32 uid, gid;
};

struct sock_msg {
	struct iov_iter *it;
	u32 flags;		/* MSG_* */
	struct sock_name *name; /* send: destination or NULL; receive: filled in unless NULL */
	struct scm *scm; /* send: to go along, may be NULL; receive: filled in unless NULL (then
			    dropped) */
	u32 out_flags;	 /* receive: MSG_TRUNC, MSG_EOR ... */
	/* Control messages, for families that have other ones than scm: as the sender gave them
	 * (checked by nobody); and room for those of a receive, of which the family uses some. */
	const void *control_in;
	size_t control_in_size;
	void *control_out;
	size_t control_room, control_used;
	/* A send or connect that has to wait for another socket than its own registers c->task
	 * there itself, when may_wait is set, says so in registered, and returns -EAGAIN. */
	bool may_wait, registered;
};

struct socket_ops {
	int (*bind)(struct caller *c, struct socket *s, const struct sock_name *name);
	/* -EINPROGRESS and -EALREADY of families whose connect takes time: poll for EPOLLOUT. msg:
	 * flags, may_wait. */
	int (*connect)(struct caller *c, struct socket *s, const struct sock_name *name,
		       struct sock_msg *wait);
	int (*listen)(struct caller *c, struct socket *s, int backlog);
	/* -EAGAIN when none is there. @flags: of the new file (O_NONBLOCK). */
	int (*accept)(struct caller *c, struct socket *s, u32 flags, struct file **out);
	int (*getname)(struct socket *s, bool peer, struct sock_name *out);
	ssize_t (*send)(struct caller *c, struct socket *s, struct sock_msg *m);
	ssize_t (*recv)(struct caller *c, struct socket *s, struct sock_msg *m);
	int (*shutdown)(struct socket *s, int how); /* SHUT_* */
	u32 (*poll)(struct file *f, struct socket *s, struct poll_table *pt);
	/* Options beyond the common ones: -ENOPROTOOPT. set: value is copied in (@len <= 256); get:
	 * *len is the room and becomes the size. */
	int (*setsockopt)(struct caller *c, struct socket *s, int level, int name, const void *val,
			  u32 len);
	int (*getsockopt)(struct caller *c, struct socket *s, int level, int name, void *val,
			  u32 *len);
	long (*ioctl)(struct caller *c, struct socket *s, u32 cmd, u64 arg);
	void (*release)(struct socket *s); /* the file is gone */
};

struct socket {
	const struct socket_ops *op; /* const, as the next three; tables */
	u16 family, type;
	u32 protocol;
	_Atomic s32 error;		/* SO_ERROR: reported once */
	_Atomic u32 flags;		/* SOCKF_* */
	_Atomic u32 sndbuf, rcvbuf;	/* bytes */
	_Atomic s64 sndtimeo, rcvtimeo; /* ns; < 0: for ever */
	_Atomic u32 rcvlowat, priority, mark;
	_Atomic u64 linger; /* struct linger: l_onoff | l_linger << 32 */
};
enum { /* on-off options of SOL_SOCKET */
       SOCKF_PASSCRED = 1,
       SOCKF_REUSEADDR = 2,
       SOCKF_KEEPALIVE = 4,
       SOCKF_BROADCAST = 8,
       SOCKF_OOBINLINE = 16,
       SOCKF_REUSEPORT = 32,
       SOCKF_DONTROUTE = 64,
       SOCKF_TIMESTAMP = 128,
       SOCKF_DEBUG = 256,
       SOCKF_ACCEPTCONN = 512,
       SOCKF_TIMESTAMPNS = 1024,
       SOCKF_PASSSEC = 2048,
       SOCKF_NO_CHECK = 4096,
       SOCKF_RXQ_OVFL = 8192,
       SOCKF_PASSPIDFD = 16384,
};

struct socket_family {
	int family; /* AF_* */
	/* A new socket: -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EPERM... */
	int (*create)(struct caller *c, int type, int protocol, u32 flags, struct file **out);
	int (*pair)(struct caller *c, int type, int protocol, u32 flags,
		    struct file *out[2]); /* NULL: -EOPNOTSUPP */
};

/* At boot: AF_UNIX is there; others are added. */
void socket_init(void);
void socket_family_register(const struct socket_family *f);

/* socket(2), socketpair(2): @type without SOCK_NONBLOCK and SOCK_CLOEXEC; @flags: O_NONBLOCK. */
int socket_create(struct caller *c, int family, int type, int protocol, u32 flags,
		  struct file **out);
int socket_create_pair(struct caller *c, int family, int type, int protocol, u32 flags,
		       struct file *out[2]);
/* The socket of @f, borrowed; NULL: not a socket. */
struct socket *socket_of(struct file *f);

/* getsockopt, setsockopt with the common options of SOL_SOCKET. As in socket_ops. */
int socket_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
		      u32 len);
int socket_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val, u32 *len);

/* --- for families
 * --------------------------------------------------------------------------------- */

/* Sets the common fields to their defaults. */
void socket_setup(struct socket *s, const struct socket_ops *op, int family, int type,
		  int protocol);
/* The file of @s ("socket:[ino]"). ERR_PTR on failure: @s stays the caller's. */
struct file *socket_file(struct caller *c, struct socket *s, u32 flags);

/* --- control messages (scm.c)
 * ------------------------------------------------------------------------ */

/* Parses @n bytes of control messages of a send: SCM_RIGHTS and SCM_CREDENTIALS, checked against
 * @t. What is of other levels is left to the family. 0 or -errno, with nothing held. */
int scm_parse(struct task *t, const void *control, size_t n, struct scm *out);
/* Gives up what @scm holds. */
void scm_drop(struct scm *scm);
/* Writes what was received as control messages into @control (room for @size), installing
 * descriptors in @t's table; *out_flags gets MSG_CTRUNC. Takes over @scm. Bytes used. */
size_t scm_deliver(struct task *t, struct scm *scm, bool creds_wanted, bool cloexec, void *control,
		   size_t size, u32 *out_flags);

#endif
