/* SPDX-License-Identifier: Apache-2.0 */
/* inet.c - wrappers of host calls on internet sockets
 *
 * The tags of options stand in the table of net/socket/inet_opt.c.
 */
#include "platform/host/inet.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "platform/host/raw.h"

#define OWN_TYPE (SOCK_NONBLOCK | SOCK_CLOEXEC)

int host_inet_socket(int family, int type, int protocol)
{
	/* HOST_CALL_NET(socket, a0 == AF_INET, a1 == (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_TCP)
	 * HOST_CALL_NET(socket, a0 == AF_INET6, a1 == (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_TCP)
	 * HOST_CALL_NET(socket, a0 == AF_INET, a1 == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_UDP)
	 * HOST_CALL_NET(socket, a0 == AF_INET6, a1 == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_UDP)
	 * HOST_CALL_NET(socket, a0 == AF_INET, a1 == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_UDPLITE)
	 * HOST_CALL_NET(socket, a0 == AF_INET6, a1 == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_UDPLITE)
	 * HOST_CALL_NET(socket, a0 == AF_INET, a1 == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_ICMP)
	 * HOST_CALL_NET(socket, a0 == AF_INET6, a1 == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	 * a2 == IPPROTO_ICMPV6) */
	return (int)host_call(SYS_socket, family, type | OWN_TYPE, protocol);
}

int host_inet_bind(int fd, const void *name, u32 len)
{
	/* HOST_CALL_NET(bind) */
	return (int)host_call(SYS_bind, fd, name, len);
}

int host_inet_connect(int fd, const void *name, u32 len)
{
	/* HOST_CALL_NET(connect) */
	return (int)host_call(SYS_connect, fd, name, len);
}

int host_inet_listen(int fd, int backlog)
{
	/* HOST_CALL_NET(listen) */
	return (int)host_call(SYS_listen, fd, backlog);
}

int host_inet_accept(int fd)
{
	/* HOST_CALL_NET(accept4, a3 == (SOCK_NONBLOCK | SOCK_CLOEXEC)) */
	return (int)host_call(SYS_accept4, fd, NULL, NULL, OWN_TYPE);
}

int host_inet_getname(int fd, bool peer, void *name, u32 *len)
{
	/* HOST_CALL_NET(getsockname) HOST_CALL_NET(getpeername) */
	return (int)host_call(peer ? SYS_getpeername : SYS_getsockname, fd, name, len);
}

int host_inet_shutdown(int fd, int how)
{
	/* HOST_CALL_NET(shutdown) */
	return (int)host_call(SYS_shutdown, fd, how);
}

long host_inet_send(int fd, const struct msghdr *m, u32 flags)
{
	/* HOST_CALL_NET(sendmsg, a2 & ~(MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE)
	 * == (MSG_DONTWAIT | MSG_NOSIGNAL)) */
	return host_call(SYS_sendmsg, fd, m,
			 (flags & INET_SEND_FLAGS) | MSG_DONTWAIT | MSG_NOSIGNAL);
}

long host_inet_recv(int fd, struct msghdr *m, u32 flags)
{
	/* HOST_CALL_NET(recvmsg, a2 & ~(MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE) ==
	 * MSG_DONTWAIT) */
	return host_call(SYS_recvmsg, fd, m, (flags & INET_RECV_FLAGS) | MSG_DONTWAIT);
}

int host_inet_setsockopt(int fd, int level, int name, const void *val, u32 len)
{
	return (int)host_call(SYS_setsockopt, fd, level, name, val, len);
}

int host_inet_getsockopt(int fd, int level, int name, void *val, u32 *len)
{
	return (int)host_call(SYS_getsockopt, fd, level, name, val, len);
}

int host_inet_ioctl(int fd, u32 request, int *out)
{
	/* HOST_CALL_NET(ioctl, a1 == FIONREAD) HOST_CALL_NET(ioctl, a1 == SIOCOUTQ)
	 * HOST_CALL_NET(ioctl, a1 == SIOCOUTQNSD) HOST_CALL_NET(ioctl, a1 == SIOCATMARK) */
	return (int)host_call(SYS_ioctl, fd, (unsigned long)request, out);
}

int host_netlink_open(void)
{
	return (int)host_call(SYS_socket, AF_NETLINK, SOCK_RAW | OWN_TYPE, NETLINK_ROUTE);
}
