/* SPDX-License-Identifier: Apache-2.0 */
/* inet.h - host calls on internet sockets: those of the guest, in the container's network namespace
 *
 * Like host.h: each wrapper has a tag for the filter, returns -errno and leaves errno alone. The
 * tags are HOST_CALL_NET: only the filter of a sentry with internet sockets has them. No call here
 * waits: sockets are non-blocking, and messages go with MSG_DONTWAIT, which the filter demands.
 */
#ifndef PLATFORM_HOST_INET_H
#define PLATFORM_HOST_INET_H

#include <sys/socket.h>

#include "sentry/base/types.h"

/* What a send or receive may ask for, beside what the wrappers add. */
#define INET_SEND_FLAGS (MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE)
#define INET_RECV_FLAGS (MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE)

/* A row of a table of options: the tag of getsockopt and setsockopt for that option (gen.py reads
 * the rows). */
#define HOST_OPTION(level, name, size, ...)      \
	{                                        \
		level, name, size, ##__VA_ARGS__ \
	}

/* AF_INET or AF_INET6; SOCK_STREAM with IPPROTO_TCP, SOCK_DGRAM with IPPROTO_UDP, UDPLITE or ICMP:
 * a descriptor. */
int host_inet_socket(int family, int type, int protocol);
int host_inet_bind(int fd, const void *name, u32 len);
int host_inet_connect(int fd, const void *name, u32 len);
int host_inet_listen(int fd, int backlog);
int host_inet_accept(int fd); /* a descriptor */
int host_inet_getname(int fd, bool peer, void *name, u32 *len);
int host_inet_shutdown(int fd, int how);
/* @flags: of INET_SEND_FLAGS, INET_RECV_FLAGS. No SIGPIPE. */
long host_inet_send(int fd, const struct msghdr *m, u32 flags);
long host_inet_recv(int fd, struct msghdr *m, u32 flags);
int host_inet_setsockopt(int fd, int level, int name, const void *val, u32 len);
int host_inet_getsockopt(int fd, int level, int name, void *val, u32 *len);
/* FIONREAD, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK. */
int host_inet_ioctl(int fd, u32 request, int *out);

/* Boot, before the filter: a NETLINK_ROUTE socket in the present network namespace, which
 * host_inet_send and host_inet_recv work on. */
int host_netlink_open(void);

#endif
