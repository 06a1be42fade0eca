/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the client of the sentry's control socket
 *
 * The socket's name may be longer than an address has room for: it is reached through the
 * directory's descriptor.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runsc/container.h"

#define PATIENCE 60 /* s: a machine under load; a dead sentry is noticed at once */

static struct sockaddr_un address_of(const struct container *c)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/control", c->dir_fd);
	return a;
}

int control_listen(struct container *c, struct error *e)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct sockaddr_un a = address_of(c);

	unlinkat(c->dir_fd, "control", 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    fchmodat(c->dir_fd, "control", 0600, 0) == 0 && listen(fd, 64) == 0)
		return fd;
	err = errno;
	if (fd >= 0)
		close(fd);
	return error_set_errno(e, err, "control socket in %s", c->dir);
}

static int send_request(int fd, const struct control_request *req, const int *fds, unsigned count)
{
	union {
		char buf[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct control_request copy = *req;
	struct iovec iov = {&copy, sizeof(copy)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;

	if (count) {
		memset(&u, 0, sizeof(u));
		m.msg_control = u.buf;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(h), fds, count * sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int control_call(struct container *c, const struct control_request *req, const int *fds,
		 unsigned fd_count, s32 *out_value, struct error *e)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), err = 0;
	struct timeval patience = {.tv_sec = PATIENCE};
	struct sockaddr_un a = address_of(c);
	struct control_reply reply;
	ssize_t n;

	if (fd < 0)
		return error_set_errno(e, errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		err = error_set(e, "container not running");
	if (!err)
		err = send_request(fd, req, fds, fd_count);
	n = err ? 0 : recv(fd, &reply, sizeof(reply), 0);
	if (!err && n != sizeof(reply))
		err = error_set_errno(e, n < 0 ? errno : EPIPE, "the sentry does not answer");
	close(fd);
	if (err)
		return error_set_errno(e, err, "control socket");
	reply.text[sizeof(reply.text) - 1] = 0;
	if (reply.result < 0)
		error_set(e, "%s", reply.text);
	else if (out_value)
		*out_value = reply.value;
	return reply.result;
}
