/* SPDX-License-Identifier: Apache-2.0 */
/* inet_msg.c - messages of internet sockets
 *
 * Data passes through the worker's buffer: one copy between it and the guest, one by the host. A
 * stream takes at most CHUNK at a time, so that little is copied in vain when the host has less
 * room; the caller comes again for the rest.
 *
 * Control messages of a send are parsed, those known taken over into a buffer of our own; those of
 * a receive are what the host says about the message, in the guest's own layout.
 */
#include <netinet/in.h>
#include <netinet/udp.h>

#include "net/socket/inet_host.h"
#include "platform/host/inet.h"
#include "platform/host/inetpoll.h"

#define CHUNK	    (128 * 1024)
#define CONTROL_MAX 512

struct cmsghdr_k { /* struct cmsghdr */
	u64 len;
	s32 level, type;
};
static_assert(sizeof(struct cmsghdr_k) == 16, "struct cmsghdr");

struct control {
	u8 data[CONTROL_MAX] __attribute__((aligned(8)));
	size_t used;
};

/* --- control messages of a send
 * ---------------------------------------------------------------------------- */

/* What may go to the host: exactly so many bytes. */
static const struct {
	int level, type;
	u32 size;
} known[] = {
	{IPPROTO_IP, IP_PKTINFO, 12},	  {IPPROTO_IP, IP_TTL, 4},
	{IPPROTO_IP, IP_TOS, 4},	  {IPPROTO_IP, IP_TOS, 1},
	{IPPROTO_IPV6, IPV6_PKTINFO, 20}, {IPPROTO_IPV6, IPV6_HOPLIMIT, 4},
	{IPPROTO_IPV6, IPV6_TCLASS, 4},	  {IPPROTO_IPV6, IPV6_DONTFRAG, 4},
	{IPPROTO_UDP, UDP_SEGMENT, 2},
};

static bool is_known(const struct cmsghdr_k *h)
{
	for (size_t i = 0; i < array_size(known); i++)
		if (known[i].level == h->level && known[i].type == h->type &&
		    known[i].size == h->len - sizeof(*h))
			return true;
	return false;
}

/* One message of the sender's: taken over into @out, or passed by (SOL_SOCKET, which scm.c has
 * seen). */
static int take_control(const struct cmsghdr_k *h, const u8 *data, struct control *out)
{
	size_t size = align_up((size_t)h->len, sizeof(u64));

	if (h->level == SOL_SOCKET)
		return 0;
	if (!is_known(h))
		return -EINVAL;
	if (size > sizeof(out->data) - out->used)
		return -EINVAL;
	memset(out->data + out->used, 0, size);
	memcpy(out->data + out->used, h, sizeof(*h));
	memcpy(out->data + out->used + sizeof(*h), data, h->len - sizeof(*h));
	out->used += size;
	return 0;
}

static int make_control(const struct sock_msg *m, struct control *out)
{
	const u8 *p = m->control_in;
	size_t n = m->control_in_size;
	struct cmsghdr_k h;
	int ret = 0;

	out->used = 0;
	for (size_t at = 0; ret == 0 && n - at >= sizeof(h);
	     at += min(align_up((size_t)h.len, sizeof(u64)), n - at)) {
		memcpy(&h, p + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > n - at)
			return -EINVAL;
		ret = take_control(&h, p + at + sizeof(h), out);
	}
	return ret;
}

/* --- send and receive
 * --------------------------------------------------------------------------------------- */

ssize_t inet_send(struct caller *c, struct socket *s, struct sock_msg *m)
{
	struct inet_sock *i = inet_of(s);
	bool stream = s->type == SOCK_STREAM;
	size_t room = min(c->scratch_size, (size_t)CHUNK), want = min(m->it->left, room);
	struct iov_iter peek = *m->it;
	struct control control;
	struct iovec iov = {c->scratch};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	long n;

	if (m->flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	if (!stream && m->it->left > room)
		return -EMSGSIZE;
	if (m->control_in_size) {
		int ret = make_control(m, &control);

		if (ret)
			return ret;
		h.msg_control = control.used ? control.data : NULL;
		h.msg_controllen = control.used;
	}
	if (m->name) {
		h.msg_name = m->name->raw;
		h.msg_namelen = m->name->len;
	}
	iov.iov_len = copy_from_iter(c->scratch, want, &peek);
	if (iov.iov_len < want && (!stream || iov.iov_len == 0))
		return -EFAULT;
	inet_touch(i);
	n = host_inet_send(i->fd, &h, m->flags);
	inetpoll_run();
	if (n == -EINTR)
		return -EAGAIN;
	if (n > 0)
		iter_advance(m->it, (size_t)n);
	return n;
}

/* Bytes received into @buf on their way to the guest; @n may say more than there is (MSG_TRUNC). */
static ssize_t hand_over(struct sock_msg *m, const void *buf, size_t n, size_t room)
{
	size_t there = min(n, room);

	if (there && copy_to_iter(buf, there, m->it) != there)
		return -EFAULT;
	return (ssize_t)n;
}

ssize_t inet_recv(struct caller *c, struct socket *s, struct sock_msg *m)
{
	struct inet_sock *i = inet_of(s);
	size_t want = min(m->it->left, c->scratch_size);
	struct iovec iov = {c->scratch, want};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = m->control_room ? m->control_out : NULL,
			   .msg_controllen = m->control_room};
	long n;

	if (m->name) {
		h.msg_name = m->name->raw;
		h.msg_namelen = sizeof(m->name->raw);
	}
	inet_touch(i);
	n = host_inet_recv(i->fd, &h, m->flags);
	if (n > 0)
		inetpoll_run();
	if (n == -EINTR)
		return -EAGAIN;
	if (n == -EAGAIN && m->may_wait && s->type != SOCK_STREAM && atomic_load(&i->no_more))
		return 0; /* what Linux says to a reader that would wait */
	if (n < 0)
		return n;
	m->out_flags = (u32)h.msg_flags & ~(u32)MSG_CMSG_CLOEXEC;
	m->control_used = m->control_room ? h.msg_controllen : 0;
	if (m->name)
		m->name->len = h.msg_name ? min((u32)h.msg_namelen, (u32)sizeof(m->name->raw)) : 0;
	if (s->type == SOCK_STREAM && m->flags & MSG_TRUNC && !(m->flags & MSG_ERRQUEUE))
		return n; /* thrown away: there is nothing in the buffer */
	return hand_over(m, c->scratch, (size_t)n, want);
}
