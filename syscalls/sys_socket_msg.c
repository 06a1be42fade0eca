/* SPDX-License-Identifier: Apache-2.0 */
/* sys_socket_msg.c - sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg
 *
 * All six come down to one message: send_one and recv_one. What a blocking call has moved before it
 * waits stands in t->wait.moved; how many messages of a vector are done in t->wait.data[0].
 */
#include <signal.h>
#include <sys/epoll.h>

#include "syscalls/handlers.h"
#include "syscalls/sys_socket.h"

#define IOV_FAST	    8
#define CONTROL_MAX	    20480 /* net.core.optmem_max */
#define CONTROL_OUT	    2048  /* more than we ever have to say */
#define LENGTH_MAX	    0x7ffff000ul
#define VECTOR_MAX	    1024
#define MSG_CMSG_COMPAT_BIT 0x80000000u

struct msghdr_k { /* struct msghdr of the 64-bit ABI */
	u64 name;
	s32 namelen, pad0;
	u64 iov, iovlen, control, controllen;
	s32 flags, pad1;
};
static_assert(sizeof(struct msghdr_k) == 56, "struct msghdr");
#define MMSGHDR_SIZE 64 /* struct mmsghdr: msg_len stands behind the msghdr */

/* A message as the guest describes it, with everything copied in but the data. */
struct request {
	int fd;
	struct file *f; /* reference */
	struct socket *s;
	u32 flags;
	struct msghdr_k h;
	struct iovec fast[IOV_FAST], *iov;
	struct iov_iter it;
};

static bool nonblocking(const struct request *r)
{
	return (r->flags & MSG_DONTWAIT) || (r->f->flags & O_NONBLOCK);
}

/* The socket and the buffers of a message whose header is @r->h. */
static int request_begin(struct task *t, int fd, u32 flags, struct request *r)
{
	int ret;

	r->fd = fd;
	r->flags = flags;
	r->iov = r->fast;
	r->f = NULL;
	ret = socket_get(t, fd, &r->f, &r->s);
	if (ret)
		goto out_file;
	ret = -EMSGSIZE;
	if (r->h.iovlen > ITER_IOV_MAX)
		goto out_file;
	if (r->h.iovlen > IOV_FAST) {
		r->iov = kalloc(r->h.iovlen * sizeof(*r->iov));
		ret = -ENOMEM;
		if (!r->iov)
			goto out_file;
	}
	ret = (int)copy_in_iovec(t->mm, r->iov, GVA(r->h.iov), (unsigned)r->h.iovlen, &r->it,
				 t->worker->scratch, WORKER_SCRATCH);
	if (ret >= 0)
		return 0;
	if (r->iov != r->fast)
		kfree(r->iov, r->h.iovlen * sizeof(*r->iov));
out_file:
	if (r->f)
		file_put(r->f);
	return ret;
}

/* The same for one plain buffer (sendto, recvfrom). */
static int request_begin_buffer(struct task *t, const struct sys_args *a, struct request *r)
{
	size_t n = min(a->a[2], (u64)LENGTH_MAX);
	int ret;

	r->h = (struct msghdr_k){.name = a->a[4]};
	r->fd = ARG_INT(a, 0);
	r->flags = ARG_UINT(a, 3);
	r->iov = r->fast;
	r->f = NULL;
	ret = socket_get(t, r->fd, &r->f, &r->s);
	if (ret) {
		if (r->f)
			file_put(r->f);
		return ret;
	}
	iter_init_guest(&r->it, t->mm, ARG_GVA(a, 1), n, t->worker->scratch, WORKER_SCRATCH);
	return 0;
}

static void request_end(struct request *r)
{
	if (r->iov != r->fast)
		kfree(r->iov, r->h.iovlen * sizeof(*r->iov));
	file_put(r->f);
}

static int header_in(struct task *t, gva_t src, struct msghdr_k *out)
{
	if (copy_in_obj(t->mm, out, src))
		return -EFAULT;
	if (out->namelen < 0)
		return -EINVAL;
	out->namelen = min(out->namelen, (s32)sizeof(struct sockaddr_storage));
	if (!out->name)
		out->namelen = 0;
	return 0;
}

/* What sendmsg and recvmsg begin with. */
static int message_begin(struct task *t, int fd, gva_t src, u32 flags, struct request *r)
{
	int ret;

	if (flags & MSG_CMSG_COMPAT_BIT) /* of 32-bit callers, which there are none of */
		return -EINVAL;
	ret = socket_get(t, fd, &r->f, &r->s);
	if (r->f)
		file_put(r->f);
	if (ret == 0)
		ret = header_in(t, src, &r->h);
	return ret ? ret : request_begin(t, fd, flags, r);
}

/* --- sending
 * ------------------------------------------------------------------------------------------- */

/* Sends what is left of @r's message, and goes on waiting until all is sent. */
static long send_data(struct task *t, struct request *r, struct sock_msg *m)
{
	struct caller *c = task_caller(t);
	bool wait = !nonblocking(r);
	long moved, n;

	m->may_wait = wait && !task_timed_out(t);
	iter_advance(&r->it, t->wait.moved);
	do {
		n = r->s->op->send(c, r->s, m);
		if (n > 0) {
			t->wait.moved += (u64)n;
			t->wait.used = true;
		}
	} while (n > 0 && r->it.left > 0);
	moved = (long)t->wait.moved;
	if (n == -EAGAIN && wait)
		return socket_block(t, r->fd, r->f, r->s, true, m, moved);
	if (moved)
		return moved;
	if (n == -EPIPE && !(r->flags & MSG_NOSIGNAL) && r->s->type != SOCK_DGRAM)
		signal_send_self(t, SIGPIPE);
	return n;
}

/* Control messages of a send into @m: parsed as scm, and as they are for the family (to be freed).
 */
static int control_in(struct task *t, const struct msghdr_k *h, struct sock_msg *m)
{
	void *buf;
	int ret;

	if (h->controllen > CONTROL_MAX)
		return -ENOBUFS;
	buf = kalloc_dirty(h->controllen);
	if (!buf)
		return -ENOMEM;
	ret = (int)copy_in(t->mm, buf, GVA(h->control), h->controllen);
	if (ret == 0)
		ret = scm_parse(t, buf, h->controllen, m->scm);
	if (ret) {
		kfree(buf, h->controllen);
		return ret;
	}
	m->control_in = buf;
	m->control_in_size = h->controllen;
	return 0;
}

static long send_one(struct task *t, struct request *r)
{
	struct sock_name name;
	struct scm scm = {0};
	struct sock_msg m = {.it = &r->it, .flags = r->flags, .scm = &scm};
	long ret;

	if (r->h.name && r->h.namelen) {
		ret = sockaddr_in_arg(t, GVA(r->h.name), r->h.namelen, &name);
		if (ret)
			return ret;
		m.name = &name;
	}
	/* what goes along went with the first byte */
	if (r->h.control && r->h.controllen && t->wait.moved == 0) {
		ret = control_in(t, &r->h, &m);
		if (ret)
			return ret;
	}
	ret = send_data(t, r, &m);
	if (m.control_in)
		kfree((void *)m.control_in, m.control_in_size);
	scm_drop(&scm);
	return ret;
}

long sys_sendto(struct task *t, const struct sys_args *a)
{
	struct request r;
	long ret = request_begin_buffer(t, a, &r);

	if (ret)
		return ret;
	r.h.namelen = ARG_INT(a, 5);
	ret = send_one(t, &r);
	request_end(&r);
	return ret;
}

static long do_sendmsg(struct task *t, int fd, gva_t src, u32 flags)
{
	struct request r;
	long ret = message_begin(t, fd, src, flags, &r);

	if (ret)
		return ret;
	ret = send_one(t, &r);
	request_end(&r);
	return ret;
}

long sys_sendmsg(struct task *t, const struct sys_args *a)
{
	return do_sendmsg(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2));
}

/* One message of a vector is done with result @ret: true to go on with the next. */
static bool vector_next(struct task *t, gva_t hdr, long ret, unsigned *done)
{
	u32 length = (u32)ret;

	if (ret < 0 || copy_out_obj(t->mm, gva_add(hdr, sizeof(struct msghdr_k)), &length))
		return false;
	t->wait.moved = 0;
	t->wait.data[0] = ++*done;
	t->wait.used = true;
	return true;
}

/* The result of a vector that ended after @done messages with @ret. */
static long vector_result(struct task *t, unsigned done, long ret)
{
	if (ret == -EBLOCKED && done && t->wait.intr < 0)
		t->wait.intr = done; /* a signal leaves what is done */
	if (ret == -EBLOCKED)
		return ret;
	return done ? (long)done : ret < 0 ? ret : -EFAULT;
}

/* What is wrong with a call of no messages. */
static long vector_check(struct task *t, int fd, u32 flags)
{
	scoped_file f = NULL;
	struct socket *s;

	return flags & MSG_CMSG_COMPAT_BIT ? -EINVAL : socket_get(t, fd, &f, &s);
}

long sys_sendmmsg(struct task *t, const struct sys_args *a)
{
	unsigned count = min(ARG_UINT(a, 2), (unsigned)VECTOR_MAX),
		 done = (unsigned)t->wait.data[0];
	gva_t hdr;
	long ret = count ? 0 : vector_check(t, ARG_INT(a, 0), ARG_UINT(a, 3));

	if (ret)
		return ret;
	while (done < count) {
		hdr = gva_add(ARG_GVA(a, 1), (u64)done * MMSGHDR_SIZE);
		ret = do_sendmsg(t, ARG_INT(a, 0), hdr, ARG_UINT(a, 3));
		if (!vector_next(t, hdr, ret, &done))
			return vector_result(t, done, ret);
	}
	return done;
}

/* --- receiving
 * ------------------------------------------------------------------------------------------- */

/* The urgent byte and the error queue are there or not: nobody waits for them. */
static bool recv_waits(const struct request *r)
{
	return !nonblocking(r) && !(r->flags & (MSG_OOB | MSG_ERRQUEUE));
}

/* Receives one message; with MSG_WAITALL from a stream until the buffers are full. */
static long recv_data(struct task *t, struct request *r, struct sock_msg *m)
{
	bool all = (r->flags & MSG_WAITALL) && !(r->flags & MSG_PEEK) && r->s->type == SOCK_STREAM;
	long moved, n;

	m->may_wait = recv_waits(r);
	iter_advance(&r->it, t->wait.moved);
	for (;;) {
		n = r->s->op->recv(task_caller(t), r->s, m);
		if (n > 0 && all) {
			t->wait.moved += (u64)n;
			t->wait.used = true;
		}
		if (n <= 0 || !all || r->it.left == 0 || (m->scm && m->scm->count))
			break;
	}
	moved = (long)t->wait.moved;
	if (n == -EAGAIN && m->may_wait)
		return socket_block(t, r->fd, r->f, r->s, false, NULL, moved);
	return moved ? moved : n;
}

long sys_recvfrom(struct task *t, const struct sys_args *a)
{
	struct sock_name name = {0};
	struct sock_msg m = {0};
	struct request r;
	long ret = request_begin_buffer(t, a, &r);
	int err;

	if (ret)
		return ret;
	m.it = &r.it;
	m.flags = r.flags;
	m.name = r.h.name ? &name : NULL;
	ret = recv_data(t, &r, &m);
	request_end(&r);
	if (ret >= 0 && r.h.name) {
		err = sockaddr_out_arg(t, GVA(r.h.name), ARG_GVA(a, 5), &name);
		if (err)
			return err;
	}
	return ret;
}

/* Writes name, control messages and flags of a received message back. */
static int results_out(struct task *t, gva_t dst, struct request *r, struct sock_msg *m)
{
	bool inet = r->s->family == AF_INET || r->s->family == AF_INET6;
	bool creds = !inet && atomic_load(&r->s->flags) & SOCKF_PASSCRED;
	size_t used = m->control_used;
	struct sock_name *name = m->name;
	u32 n;

	used += scm_deliver(t, m->scm, creds, r->flags & MSG_CMSG_CLOEXEC,
			    (u8 *)m->control_out + used, m->control_room - used, &m->out_flags);
	if (used && copy_out(t->mm, GVA(r->h.control), m->control_out, used))
		return -EFAULT;
	if (r->h.name) {
		n = min(name->len, (u32)sizeof(name->raw));
		n = min((u32)r->h.namelen, n);
		if (n && copy_out(t->mm, GVA(r->h.name), name->raw, n))
			return -EFAULT;
		r->h.namelen = (s32)name->len;
		if (copy_out_obj(t->mm, gva_add(dst, offsetof(struct msghdr_k, namelen)),
				 &r->h.namelen))
			return -EFAULT;
	}
	r->h.flags = (s32)(m->out_flags | (r->flags & MSG_CMSG_CLOEXEC));
	r->h.controllen = used;
	return (int)(copy_out_obj(t->mm, gva_add(dst, offsetof(struct msghdr_k, controllen)),
				  &r->h.controllen) |
		     copy_out_obj(t->mm, gva_add(dst, offsetof(struct msghdr_k, flags)),
				  &r->h.flags));
}

static long do_recvmsg(struct task *t, int fd, gva_t dst, u32 flags)
{
	struct sock_name name = {0};
	struct scm scm = {0};
	struct sock_msg m = {.name = &name, .scm = &scm, .flags = flags};
	struct request r;
	long ret = message_begin(t, fd, dst, flags, &r);
	u8 control[CONTROL_OUT];
	int err;

	if (ret)
		return ret;
	m.it = &r.it;
	m.control_out = control;
	m.control_room = r.h.control ? min(r.h.controllen, (u64)sizeof(control)) : 0;
	ret = recv_data(t, &r, &m);
	if (ret >= 0) {
		err = results_out(t, dst, &r, &m);
		if (err)
			ret = err;
	}
	scm_drop(&scm);
	request_end(&r);
	return ret;
}

long sys_recvmsg(struct task *t, const struct sys_args *a)
{
	return do_recvmsg(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2));
}

long sys_recvmmsg(struct task *t, const struct sys_args *a)
{
	unsigned count = min(ARG_UINT(a, 2), (unsigned)VECTOR_MAX),
		 done = (unsigned)t->wait.data[0];
	u32 flags = ARG_UINT(a, 3);
	s64 timeout = -1;
	gva_t hdr;
	long ret = count ? 0 : vector_check(t, ARG_INT(a, 0), flags);

	if (ret)
		return ret;
	if (a->a[4] && !t->wait.again) {
		ret = timespec_in(t, ARG_GVA(a, 4), &timeout);
		if (ret)
			return ret;
		t->wait.used = true;
		t->wait.data[1] = (u64)time_add(time_monotonic(), timeout);
	}
	while (done < count) {
		u32 now = flags & ~(u32)MSG_WAITFORONE;

		if (done && (flags & MSG_WAITFORONE))
			now |= MSG_DONTWAIT;
		hdr = gva_add(ARG_GVA(a, 1), (u64)done * MMSGHDR_SIZE);
		ret = do_recvmsg(t, ARG_INT(a, 0), hdr, now);
		if (!vector_next(t, hdr, ret, &done))
			return vector_result(t, done, ret);
		/* as on Linux, the time is looked at between messages only */
		if (a->a[4] && time_monotonic() >= (s64)t->wait.data[1])
			break;
	}
	return done;
}
