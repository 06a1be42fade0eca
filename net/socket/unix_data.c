/* SPDX-License-Identifier: Apache-2.0 */
/* unix_data.c - AF_UNIX sockets: messages from one to the other */
#include "net/socket/unix.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "sentry/base/bug.h"
#include "sentry/mm/copy.h"

#define CHUNK	   32768u /* longest message of a stream */
#define OVERHEAD   512u	  /* charged for a message beside its bytes */
#define OUT_EVENTS (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)
#define IN_EVENTS  (EPOLLIN | EPOLLRDNORM)

static SLAB_CACHE(g_msgs, struct unix_msg);

/* --- messages
 * ---------------------------------------------------------------------------------------- */

static bool has_space(struct unix_sock *u)
{
	return (u64)atomic_load(&u->sent) * 4 <= atomic_load(&u->sk.sndbuf);
}

/* Nobody sees @m any more, and its files are not in flight. */
static void msg_free(struct unix_msg *m)
{
	struct unix_sock *from = m->from;

	scm_drop(&m->scm);
	atomic_fetch_sub(&from->sent, m->charge);
	if (has_space(from))
		waitq_wake(&from->q, OUT_EVENTS);
	unix_addr_put(m->addr);
	if (m->data)
		kfree(m->data, m->len);
	slab_free(&g_msgs, m);
	unix_put(from);
}

/* Messages with files: dropping them may close sockets whose queues hold messages with files, and
 * so on without end. They are destroyed one after the other by whoever came first. */
static struct mutex g_dead_lock = MUTEX_INIT(LR_LEAF);
static struct list g_dead = LIST_INIT(g_dead); /* guarded by g_dead_lock, as the next */
static bool g_destroying;

void unix_msgs_destroy(struct list *msgs)
{
	struct unix_msg *m, *next;

	list_for_each_entry_safe (m, next, msgs, node) {
		if (m->scm.count)
			continue;
		list_del(&m->node);
		msg_free(m);
	}
	if (list_empty(msgs))
		return;
	mutex_lock(&g_dead_lock);
	list_splice(&g_dead, msgs);
	if (!g_destroying) {
		g_destroying = true;
		while (!list_empty(&g_dead)) {
			m = list_first(&g_dead, struct unix_msg, node);
			list_del(&m->node);
			mutex_unlock(&g_dead_lock);
			unix_inflight_end(&m->scm);
			msg_free(m);
			mutex_lock(&g_dead_lock);
		}
		g_destroying = false;
	}
	mutex_unlock(&g_dead_lock);
}

/* Takes @n bytes from the sender and what goes along with them (out of msg->scm, once). ERR_PTR on
 * failure, with msg->scm as it was. */
static struct unix_msg *msg_create(struct caller *c, struct unix_sock *u, struct sock_msg *msg,
				   u32 n)
{
	struct unix_msg *m = slab_alloc(&g_msgs);
	int ret = -ENOMEM;

	if (!m)
		return ERR_PTR(-ENOMEM);
	m->len = n;
	if (n) {
		m->data = kalloc_dirty(n);
		if (!m->data)
			goto out_free;
		m->len = (u32)copy_from_iter(m->data, n, msg->it);
		ret = -EFAULT;
		if (m->len < n)
			goto out_data;
	}
	if (msg->scm && msg->scm->count) {
		ret = unix_inflight_begin(c, msg->scm);
		if (ret)
			goto out_data;
	}
	if (msg->scm) {
		m->scm = *msg->scm;
		msg->scm->files = NULL;
		msg->scm->count = 0;
	}
	if (!m->scm.has_creds) {
		m->scm.pid = c->task->tg->tgid;
		m->scm.uid = c->cred->uid;
		m->scm.gid = c->cred->gid;
	}
	m->charge = OVERHEAD + align_up(n, 256u);
	m->from = unix_get(u);
	atomic_fetch_add(&u->sent, m->charge);
	return m;
out_data:
	if (m->data)
		kfree(m->data, n);
out_free:
	slab_free(&g_msgs, m);
	return ERR_PTR(ret);
}

/* A message that could not be delivered: its scm goes back to the sender's, whose files stay his.
 */
static void msg_undo(struct unix_msg *m, struct sock_msg *msg)
{
	if (m->scm.count) {
		unix_inflight_end(&m->scm);
		*msg->scm = m->scm;
		m->scm.files = NULL;
		m->scm.count = 0;
	}
	msg_free(m);
}

/* --- sending
 * -------------------------------------------------------------------------------------------- */

/* Puts @m into @to's queue. -EPIPE, -ECONNREFUSED: it is gone; -EPERM: it hears another; -EAGAIN:
 * full. */
static int deliver(struct unix_sock *u, struct unix_sock *to, struct unix_msg *m)
{
	bool dgram = unix_is_dgram(u);
	int ret = 0;

	mutex_lock(&to->lock);
	if (to->closed)
		ret = dgram ? -ECONNREFUSED : -EPIPE;
	else if (dgram && to->peer && to->peer != u)
		ret = -EPERM;
	else if (to->shutdown & SHUT_RCV_BIT)
		ret = -EPIPE;
	else if (dgram && to->peer != u && to != u && to->queued > to->backlog)
		ret = -EAGAIN;
	if (ret == 0) {
		list_append(&to->queue, &m->node);
		to->queued++;
		to->queued_bytes += m->len;
	}
	mutex_unlock(&to->lock);
	if (ret == 0)
		waitq_wake(&to->q, IN_EVENTS);
	return ret;
}

static struct unix_sock *peer_get(struct unix_sock *u)
{
	struct unix_sock *peer;

	mutex_lock(&u->lock);
	peer = u->peer;
	if (peer)
		unix_get(peer);
	mutex_unlock(&u->lock);
	return peer;
}

static bool buffer_full(struct unix_sock *u)
{
	return atomic_load(&u->sent) >= atomic_load(&u->sk.sndbuf);
}

static ssize_t send_stream(struct caller *c, struct unix_sock *u, struct sock_msg *msg)
{
	u32 chunk = min(CHUNK, atomic_load(&u->sk.sndbuf) / 2);
	struct unix_sock *peer = peer_get(u);
	ssize_t done = 0;
	int ret = 0;

	if (msg->name)
		ret = peer ? -EISCONN : -EOPNOTSUPP;
	else if (!peer)
		ret = -ENOTCONN;
	while (ret == 0 && msg->it->left > 0) {
		u32 n = (u32)min((size_t)chunk, msg->it->left);
		struct unix_msg *m;

		if (u->shutdown & SHUT_SND_BIT)
			ret = -EPIPE;
		else if (buffer_full(u))
			ret = -EAGAIN;
		if (ret)
			break;
		m = msg_create(c, u, msg, n);
		if (IS_ERR(m)) {
			ret = (int)PTR_ERR(m);
			break;
		}
		ret = deliver(u, peer, m);
		if (ret)
			msg_undo(m, msg);
		else
			done += n;
	}
	unix_put(peer);
	return done ? done : ret;
}

/* Where a message goes: a reference, or ERR_PTR. */
static struct unix_sock *destination(struct caller *c, struct unix_sock *u,
				     const struct sock_name *name)
{
	struct unix_sock *to;

	if (name && unix_is_dgram(u))
		return unix_find(c, u->net, name, u->sk.type);
	to = peer_get(u);
	return to ? to : ERR_PTR(-ENOTCONN);
}

/* The peer of a datagram socket has gone: it has none any more. */
static void forget_peer(struct unix_sock *u, struct unix_sock *peer)
{
	bool ours;

	mutex_lock(&u->lock);
	ours = u->peer == peer;
	if (ours)
		u->peer = NULL;
	mutex_unlock(&u->lock);
	if (ours)
		unix_put(peer);
}

/* Registers the sending task for room in @to. */
static void wait_for_space(struct caller *c, struct unix_sock *to, struct sock_msg *msg)
{
	task_wait_on(c->task, &to->space, EPOLLOUT | EPOLLHUP);
	msg->registered = true;
}

static struct unix_addr *own_addr(struct unix_sock *u)
{
	mutex_lock(&u->lock);
	if (u->addr)
		ref_get(&u->addr->ref);
	mutex_unlock(&u->lock);
	return u->addr;
}

static ssize_t send_packet(struct caller *c, struct unix_sock *u, struct sock_msg *msg)
{
	size_t n = msg->it->left;
	struct unix_sock *to;
	struct unix_msg *m;
	int ret;

	if (n > atomic_load(&u->sk.sndbuf) - 32)
		return -EMSGSIZE;
	if (unix_is_dgram(u) && (atomic_load(&u->sk.flags) & SOCKF_PASSCRED)) {
		ret = unix_autobind(u);
		if (ret)
			return ret;
	}
	to = destination(c, u, msg->name);
	if (IS_ERR(to))
		return PTR_ERR(to);
	ret = u->shutdown & SHUT_SND_BIT ? -EPIPE : buffer_full(u) ? -EAGAIN : 0;
	m = ret ? ERR_PTR(ret) : msg_create(c, u, msg, (u32)n);
	if (IS_ERR(m)) {
		unix_put(to);
		return PTR_ERR(m);
	}
	m->addr = own_addr(u);
	ret = deliver(u, to, m);
	if (ret == -EAGAIN && msg->may_wait) {
		wait_for_space(c, to, msg);
		ret = deliver(u, to, m); /* registered first, looked at again then */
	}
	if (ret == -ECONNREFUSED && unix_is_dgram(u))
		forget_peer(u, to);
	if (ret)
		msg_undo(m, msg);
	unix_put(to);
	return ret ? ret : (ssize_t)n;
}

ssize_t unix_send(struct caller *c, struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	return s->type == SOCK_STREAM ? send_stream(c, u, m) : send_packet(c, u, m);
}

/* --- receiving
 * ------------------------------------------------------------------------------------------ */

static bool same_creds(const struct scm *a, const struct scm *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* What goes along with @m, for the receiver: files are taken over (or copied when peeking). */
static int take_scm(struct unix_msg *m, struct sock_msg *msg)
{
	struct scm *out = msg->scm;

	if (!out)
		return 0;
	if (msg->flags & MSG_PEEK)
		return unix_scm_dup(&m->scm, out);
	*out = m->scm;
	if (m->scm.count) {
		unix_inflight_end(&m->scm);
		m->scm.files = NULL;
		m->scm.count = 0;
	}
	return 0;
}

/* Bytes of @m from @off on into the receiver's buffers. */
static u32 copy_msg(struct unix_msg *m, u32 off, struct sock_msg *msg)
{
	u32 n = (u32)min((size_t)(m->len - off), msg->it->left);

	return n ? (u32)copy_to_iter(m->data + off, n, msg->it) : 0;
}

/* What an empty queue means. */
static ssize_t nothing_there(struct unix_sock *u)
{
	int err = atomic_exchange(&u->sk.error, 0);

	if (err)
		return err;
	return u->shutdown & SHUT_RCV_BIT ? 0 : -EAGAIN;
}

/* Lock order: the collector's lock, which take_scm may take, comes before a socket's. So a message
 * with files is taken off the queue under the socket's lock, and opened without. Streams are read
 * by one at a time: reader. */
struct stream_read {
	struct unix_sock *u;
	struct sock_msg *msg;
	struct list done;	 /* messages read to their end */
	struct unix_msg *rights; /* whose files are to be taken; still in the queue or in done */
	ssize_t bytes;
	bool fault;
};

/* SO_PEEK_OFF after @n bytes were looked at, or taken. */
static void move_peek_locked(struct unix_sock *u, bool peek, u32 n)
{
	mutex_assert_held(&u->lock);
	if (u->peek_off < 0)
		return;
	if (peek)
		u->peek_off = (s32)min((u32)INT32_MAX, (u32)u->peek_off + n);
	else
		u->peek_off = (u32)u->peek_off > n ? u->peek_off - (s32)n : 0;
}

/* Copies out of the queue until the buffers are full, a message with files has been touched, or the
 * sender changes and the receiver wants to know senders. */
static void read_queue_locked(struct stream_read *r)
{
	bool peek = r->msg->flags & MSG_PEEK;
	u32 skip = peek && r->u->peek_off > 0 ? (u32)r->u->peek_off : 0;
	bool creds = atomic_load(&r->u->sk.flags) & SOCKF_PASSCRED;
	struct unix_msg *m, *next, *first = NULL;

	mutex_assert_held(&r->u->lock);
	list_for_each_entry_safe (m, next, &r->u->queue, node) {
		u32 n, want;

		if (skip >= m->len - m->off && skip) {
			skip -= m->len - m->off;
			continue;
		}
		want = (u32)min((size_t)(m->len - m->off - skip), r->msg->it->left);
		if (r->msg->it->left == 0 || (first && creds && !same_creds(&first->scm, &m->scm)))
			break;
		n = copy_msg(m, m->off + skip, r->msg);
		skip = 0;
		r->bytes += n;
		r->fault = n < want;
		if (!first) {
			first = m;
			if (r->msg->scm) {
				r->msg->scm->pid = m->scm.pid;
				r->msg->scm->uid = m->scm.uid;
				r->msg->scm->gid = m->scm.gid;
			}
		}
		if (!peek) {
			m->off += n;
			r->u->queued_bytes -= n;
		}
		if (m->scm.count && n)
			r->rights = m;
		if (!peek && m->off == m->len) {
			list_del(&m->node);
			list_append(&r->done, &m->node);
			r->u->queued--;
		}
		if (r->fault || r->rights)
			break;
	}
	move_peek_locked(r->u, peek, (u32)r->bytes);
}

/* The files of r->rights leave the message, which may be in the queue still: only its scm is
 * touched. */
static int take_rights_locked(struct stream_read *r, struct scm *out)
{
	struct unix_msg *m = r->rights;
	int ret = 0;

	if (r->msg->flags & MSG_PEEK) {
		ret = unix_scm_dup(&m->scm, out);
	} else {
		*out = m->scm;
		m->scm.files = NULL;
		m->scm.count = 0;
	}
	return ret;
}

static ssize_t recv_stream(struct unix_sock *u, struct sock_msg *msg)
{
	struct stream_read r = {.u = u, .msg = msg, .done = LIST_INIT(r.done)};
	struct scm files = {0};
	ssize_t ret = 0;

	mutex_lock(&u->lock);
	if (u->state != US_CONNECTED) {
		mutex_unlock(&u->lock);
		return -EINVAL;
	}
	if (msg->name && u->peer && u->peer->addr)
		unix_name_out(u->peer->addr, msg->name);
	if (!list_empty(&u->queue))
		read_queue_locked(&r);
	if (r.bytes == 0 && !r.fault &&
	    (list_empty(&u->queue) || (msg->flags & MSG_PEEK && msg->it->left)))
		ret = nothing_there(u);
	if (r.rights)
		ret = take_rights_locked(&r, &files);
	mutex_unlock(&u->lock);

	if (files.count && !(msg->flags & MSG_PEEK))
		unix_inflight_end(&files);
	if (files.count && msg->scm) {
		msg->scm->files = files.files;
		msg->scm->count = files.count;
	} else {
		scm_drop(&files);
	}
	unix_msgs_destroy(&r.done);
	if (r.bytes)
		return r.bytes;
	return r.fault ? -EFAULT : ret;
}

/* The message that a packet socket receives, or looks at from *out_off on; NULL: none. */
static struct unix_msg *next_packet_locked(struct unix_sock *u, bool peek, u32 *out_off)
{
	u32 skip = peek && u->peek_off > 0 ? (u32)u->peek_off : 0;
	struct unix_msg *m;

	mutex_assert_held(&u->lock);
	list_for_each_entry (m, &u->queue, node) {
		*out_off = skip;
		if (skip == 0 || skip < m->len)
			return m;
		skip -= m->len;
	}
	return NULL;
}

static ssize_t recv_packet(struct unix_sock *u, struct sock_msg *msg)
{
	struct list done = LIST_INIT(done);
	bool peek = msg->flags & MSG_PEEK, was_full = false;
	struct unix_msg *m;
	u32 n, want, off = 0;
	ssize_t ret;

	mutex_lock(&u->lock);
	if (u->sk.type == SOCK_SEQPACKET && u->state != US_CONNECTED) {
		mutex_unlock(&u->lock);
		return -ENOTCONN;
	}
	m = next_packet_locked(u, peek, &off);
	if (!m) {
		ret = nothing_there(u);
		mutex_unlock(&u->lock);
		return ret;
	}
	want = (u32)min((size_t)(m->len - off), msg->it->left);
	n = copy_msg(m, off, msg);
	if (m->len - off > want)
		msg->out_flags |= MSG_TRUNC;
	ret = n < want ? -EFAULT : msg->flags & MSG_TRUNC ? (ssize_t)(m->len - off) : (ssize_t)n;
	move_peek_locked(u, peek, peek ? n : m->len);
	if (msg->name && m->addr)
		unix_name_out(m->addr, msg->name);
	if (!peek) {
		was_full = u->queued > u->backlog;
		list_del(&m->node);
		list_append(&done, &m->node);
		u->queued--;
		u->queued_bytes -= m->len;
	} else if (take_scm(m, msg)) {
		ret = -ENOMEM;
	}
	mutex_unlock(&u->lock);
	if (was_full)
		waitq_wake(&u->space, OUT_EVENTS);
	if (!peek && ret >= 0)
		take_scm(m, msg);
	unix_msgs_destroy(&done);
	return ret;
}

ssize_t unix_recv(struct caller *c, struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	if (m->flags & MSG_OOB)
		return s->type == SOCK_STREAM ? -EINVAL : -EOPNOTSUPP;
	return s->type == SOCK_STREAM ? recv_stream(u, m) : recv_packet(u, m);
}

/* --- state ---------------------------------------------------------------- */

/* A datagram socket whose peer's queue is full is not writable; the peer's space is what to wait
 * for. */
static bool peer_full(struct unix_sock *u, struct file *f, struct poll_table *pt)
{
	struct unix_sock *peer = unix_is_dgram(u) ? peer_get(u) : NULL;
	bool full;

	if (!peer)
		return false;
	poll_wait(f, &peer->space, pt);
	full = peer->peer != u && peer->queued > peer->backlog && !peer->closed;
	unix_put(peer);
	return full;
}

u32 unix_poll(struct file *f, struct socket *s, struct poll_table *pt)
{
	struct unix_sock *u = unix_of(s);
	u32 mask = 0;

	poll_wait(f, &u->q, pt);
	mutex_lock(&u->lock);
	if (atomic_load(&s->error))
		mask |= EPOLLERR;
	if (u->shutdown == (SHUT_RCV_BIT | SHUT_SND_BIT))
		mask |= EPOLLHUP;
	if (u->shutdown & SHUT_RCV_BIT)
		mask |= EPOLLRDHUP | IN_EVENTS;
	if (!list_empty(&u->queue))
		mask |= IN_EVENTS;
	if (!unix_is_dgram(u) && u->state == US_NEW)
		mask |= EPOLLHUP;
	if (u->state != US_LISTEN && has_space(u))
		mask |= OUT_EVENTS;
	mutex_unlock(&u->lock);
	if ((mask & EPOLLOUT) && peer_full(u, f, pt))
		mask &= ~(u32)OUT_EVENTS;
	return mask;
}

long unix_ioctl(struct caller *c, struct socket *s, u32 cmd, u64 arg)
{
	struct unix_sock *u = unix_of(s);
	int n;

	switch (cmd) {
	case SIOCINQ: /* FIONREAD */
		mutex_lock(&u->lock);
		n = (int)u->queued_bytes;
		if (u->state == US_LISTEN)
			n = -EINVAL;
		else if (s->type != SOCK_STREAM)
			n = list_empty(&u->queue)
				    ? 0
				    : (int)list_first(&u->queue, struct unix_msg, node)->len;
		mutex_unlock(&u->lock);
		if (n < 0)
			return n;
		break;
	case SIOCOUTQ:
		n = (int)atomic_load(&u->sent);
		break;
	default:
		return -ENOTTY;
	}
	return copy_out_obj(c->mm, GVA(arg), &n);
}
