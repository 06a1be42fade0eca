/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - shared memory by which requests and answers pass
 *
 * Theory of operation: the memory is an array of channels, GOFER_CHANNELS_PER_CPU for each CPU,
 * used from the front: channel `cpu + k * cpus`. A channel carries one request at a time. The
 * client, which holds the channel's lock, writes the request, its size and then counts req_seq up
 * and wakes it; the gofer's thread of that channel copies the request out, works, writes the
 * answer, its size, and counts rsp_seq up. The words are futexes of the shared flavour.
 *
 * Waking decides about speed: the gofer's thread is pinned to the CPU whose threads use the
 * channel, so that the wake-up never goes to an idle CPU (DESIGN 7). More than one channel for a
 * CPU is used when the first is busy, as it is while the gofer waits for a disk.
 *
 * Nothing read from here may be trusted, and nothing may be read twice. The descriptor of a request
 * comes over the channel's own socket, queued before rsp_seq changes.
 */
#ifndef GOFER_CHANNEL_H
#define GOFER_CHANNEL_H

#include "gofer/proto.h"

#define GOFER_CHANNELS_PER_CPU 4
#define GOFER_CHANNEL_MAX      4096

struct gofer_channel_shm {
	_Atomic u32 req_seq; /* futex: the gofer waits here */
	_Atomic u32 req_size;
	u8 pad1[56];
	_Atomic u32 rsp_seq; /* futex: the client waits here */
	_Atomic u32 rsp_size;
	u8 pad2[4096 - 72];
	u8 req[GOFER_REQ_MAX];
	u8 rsp[GOFER_RSP_MAX];
};
static_assert(sizeof(struct gofer_channel_shm) == 4096 + GOFER_REQ_MAX + GOFER_RSP_MAX, "wire");
static_assert(offsetof(struct gofer_channel_shm, rsp_seq) == 64, "wire");
static_assert(offsetof(struct gofer_channel_shm, req) == 4096, "wire");

/* Maps the memory of @shm_fd, which must be sealed against shrinking and hold a whole number of
 * channels (at most GOFER_CHANNEL_MAX). 0 or -errno. */
int gofer_shm_map(int shm_fd, struct gofer_channel_shm **out_channels, u32 *out_count);

/* Sends @n bytes and @fd (unless < 0) as one message; never blocks. 0 or -errno. */
int gofer_sock_send(int sock, const void *msg, size_t n, int fd);
/* The same with any number of descriptors. */
struct gofer_fds {
	u32 count;
	int fd[GOFER_FDS_MAX];
};
int gofer_sock_send_fds(int sock, const void *msg, size_t n, const struct gofer_fds *fds);
/* Receives one message with its descriptors, of which the host leaves out what does not fit this
 * process's table. Size, or as gofer_sock_recv. */
long gofer_sock_recv_fds(int sock, void *msg, size_t n, struct gofer_fds *out, bool nowait);
void gofer_fds_close(struct gofer_fds *fds);
/* Receives one message of at most @n bytes, and its descriptor into *@out_fd (-1 when there was
 * none; any more are closed). Size, 0 at the end of the connection, -EAGAIN with @nowait and
 * nothing there. */
long gofer_sock_recv(int sock, void *msg, size_t n, int *out_fd, bool nowait);
/* Has the other side hung up? Never blocks, takes no message. */
bool gofer_sock_hung_up(int sock);

#endif
