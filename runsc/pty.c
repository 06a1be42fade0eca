/* SPDX-License-Identifier: Apache-2.0 */
/* pty.c - --console-socket: a terminal of the host whose master belongs to the client
 *
 * The line discipline that the guest sees is the sentry's (fs/devpts); the host's only carries
 * bytes, so it is raw. The client sets the size on the master.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "runsc/create.h"

static int open_pair(int *out_master, char *name, size_t size)
{
	struct termios t;
	int slave, unlock = 0;
	unsigned number;

	*out_master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*out_master < 0)
		return -errno;
	if (ioctl(*out_master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(*out_master, TIOCGPTN, &number) < 0)
		return -errno;
	snprintf(name, size, "/dev/pts/%u", number);
	slave = ioctl(*out_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (slave < 0)
		return -errno;
	if (tcgetattr(slave, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(slave, TCSANOW, &t);
	}
	return slave;
}

static int connect_to(const char *path, struct error *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return error_set_errno(e, errno, "socket");
	if (strlen(path) >= sizeof(a.sun_path)) {
		int dir = -1;
		const char *slash = strrchr(path, '/');
		char parent[4096];

		snprintf(parent, sizeof(parent), "%.*s", (int)(slash ? slash - path : 0), path);
		dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
		snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%.64s", dir,
			 slash ? slash + 1 : path);
	} else {
		snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	}
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	err = errno;
	close(fd);
	return error_set_errno(e, err, "--console-socket: %s", path);
}

/* runc sends the name of the terminal as the message. */
static int send_fd(int sock, int fd, const char *name)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = {0};
	struct iovec iov = {(void *)(uintptr_t)name, strlen(name)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int pty_send(const char *path, u32 rows, u32 columns, struct error *e)
{
	struct winsize w = {.ws_row = (u16)rows, .ws_col = (u16)columns};
	int master = -1, slave, sock, err;
	char name[32];

	sock = connect_to(path, e);
	if (sock < 0)
		return sock;
	slave = open_pair(&master, name, sizeof(name));
	if (slave >= 0 && rows && columns)
		ioctl(master, TIOCSWINSZ, &w);
	err = slave < 0 ? slave : send_fd(sock, master, name);
	close(sock);
	if (master >= 0)
		close(master);
	if (!err)
		return slave;
	if (slave >= 0)
		close(slave);
	return error_set_errno(e, err, "--console-socket: %s", path);
}
