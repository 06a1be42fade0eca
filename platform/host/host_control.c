/* SPDX-License-Identifier: Apache-2.0 */
/* host_control.c - what a server of a local socket needs: connections, messages with descriptors */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "platform/host/host.h"
#include "platform/host/raw.h"

int host_accept(int fd)
{
	/* HOST_CALL(accept4, a1 == 0, a3 == (SOCK_CLOEXEC | SOCK_NONBLOCK)) */
	return (int)host_call(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

long host_receive(int fd, void *buf, size_t n, int *fds)
{
	union {
		char buf[CMSG_SPACE(HOST_RECEIVE_FDS * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = {buf, n};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	struct cmsghdr *c;
	long r;

	/* HOST_CALL(recvmsg, a2 == (MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) */
	r = host_call(SYS_recvmsg, fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	for (int i = 0; i < HOST_RECEIVE_FDS; i++)
		fds[i] = -1;
	c = r >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c),
		       min(c->cmsg_len - CMSG_LEN(0), HOST_RECEIVE_FDS * sizeof(int)));
	return r;
}
