/* SPDX-License-Identifier: Apache-2.0 */
/* channel.c - shared memory and sockets of the two sides
 *
 * Used by the gofer and, inside the sentry, by the client: only raw host calls, no libc state.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/channel.h"
#include "gofer/server.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

int gofer_shm_create(u32 cpus)
{
	u64 count = (u64)cpus * GOFER_CHANNELS_PER_CPU;
	int fd, err;

	if (cpus == 0)
		return -EINVAL;
	if (count > GOFER_CHANNEL_MAX)
		count = GOFER_CHANNEL_MAX;
	fd = memfd_create("gofer-channels", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("gofer-channels", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)(count * sizeof(struct gofer_channel_shm))) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int gofer_shm_map(int shm_fd, struct gofer_channel_shm **out_channels, u32 *out_count)
{
	int seals = fcntl(shm_fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals < 0 || fstat(shm_fd, &st) < 0)
		return -errno;
	if (!(seals & F_SEAL_SHRINK) || st.st_size <= 0 ||
	    (u64)st.st_size % sizeof(struct gofer_channel_shm) != 0 ||
	    (u64)st.st_size / sizeof(struct gofer_channel_shm) > GOFER_CHANNEL_MAX)
		return -EINVAL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, shm_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*out_channels = p;
	*out_count = (u32)((u64)st.st_size / sizeof(struct gofer_channel_shm));
	return 0;
}

int gofer_sock_send_fds(int sock, const void *msg, size_t n, const struct gofer_fds *fds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)msg, .iov_len = n};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(GOFER_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fds->count) {
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(fds->count * sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), fds->fd, fds->count * sizeof(int));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(fds->count * sizeof(int));
	}
	/* HOST_CALL(sendmsg, a2 == (MSG_DONTWAIT | MSG_NOSIGNAL)) */
	if (sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

int gofer_sock_send(int sock, const void *msg, size_t n, int fd)
{
	struct gofer_fds fds = {.count = fd >= 0, .fd = {fd}};

	return gofer_sock_send_fds(sock, msg, n, &fds);
}

/* The descriptors of @mh; closes what is too many. */
static void take_fds(struct msghdr *mh, struct gofer_fds *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (out->count < GOFER_FDS_MAX)
				out->fd[out->count++] = one;
			else
				close(one);
		}
	}
}

long gofer_sock_recv_fds(int sock, void *msg, size_t n, struct gofer_fds *out, bool nowait)
{
	struct iovec iov = {.iov_base = msg, .iov_len = n};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(GOFER_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control)};
	long ret;

	out->count = 0;
	/* HOST_CALL(recvmsg, a2 & ~MSG_DONTWAIT == MSG_CMSG_CLOEXEC) HOST_CALL(close) */
	do
		ret = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC | (nowait ? MSG_DONTWAIT : 0));
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	take_fds(&mh, out);
	return ret;
}

void gofer_fds_close(struct gofer_fds *fds)
{
	for (u32 i = 0; i < fds->count; i++)
		close(fds->fd[i]);
	fds->count = 0;
}

long gofer_sock_recv(int sock, void *msg, size_t n, int *out_fd, bool nowait)
{
	struct gofer_fds fds;
	long ret = gofer_sock_recv_fds(sock, msg, n, &fds, nowait);

	*out_fd = -1;
	if (ret >= 0 && fds.count) {
		*out_fd = fds.fd[--fds.count];
		gofer_fds_close(&fds);
	}
	return ret;
}

bool gofer_sock_hung_up(int sock)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = sizeof(byte)};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	/* HOST_CALL(recvmsg, a2 == (MSG_PEEK | MSG_DONTWAIT)) */
	long n = recvmsg(sock, &mh, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
