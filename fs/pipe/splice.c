/* SPDX-License-Identifier: Apache-2.0 */
/* splice.c - the insides of a pipe for splice(2), tee(2); its size (F_SETPIPE_SZ) */
#include <limits.h>
#include <sys/epoll.h>

#include "fs/pipe/pipe_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/base/bug.h"

ssize_t pipe_read_begin(struct file *f, size_t want, struct iovec seg[2])
{
	struct pipe *p = f->data;
	ssize_t n = -EAGAIN;

	mutex_lock(&p->lock);
	if (p->packets) {
		n = -EINVAL;
	} else if (!p->read_busy && p->used > 0) {
		n = (ssize_t)min(want, (size_t)p->used);
		pipe_pieces(p, 0, (u32)n, seg);
		p->read_busy = true;
	} else if (!p->read_busy && p->writers == 0) {
		n = 0;
	}
	mutex_unlock(&p->lock);
	return n;
}

void pipe_read_end(struct file *f, size_t consumed)
{
	struct pipe *p = f->data;

	mutex_lock(&p->lock);
	BUG_ON(!p->read_busy);
	p->read_busy = false;
	pipe_consume(p, (u32)consumed);
	mutex_unlock(&p->lock);
	waitq_wake(&p->q, EPOLLOUT | EPOLLWRNORM | EPOLLIN | EPOLLRDNORM);
}

ssize_t pipe_write_begin(struct file *f, size_t want, struct iovec seg[2])
{
	struct pipe *p = f->data;
	u32 room;
	ssize_t n = -EAGAIN;

	mutex_lock(&p->lock);
	room = pipe_room(p);
	if (p->packets) {
		n = -EINVAL;
	} else if (p->readers == 0) {
		n = -EPIPE;
	} else if (!p->write_busy && pipe_writable(p)) {
		n = -ENOMEM;
		if (pipe_make_ring(p)) {
			n = (ssize_t)min(want, (size_t)room);
			pipe_pieces(p, p->used, (u32)n, seg);
			p->write_busy = true;
		}
	}
	mutex_unlock(&p->lock);
	return n;
}

void pipe_write_end(struct file *f, size_t produced)
{
	struct pipe *p = f->data;

	mutex_lock(&p->lock);
	BUG_ON(!p->write_busy);
	p->write_busy = false;
	p->used += (u32)produced;
	ASSERT(p->used <= p->size);
	mutex_unlock(&p->lock);
	waitq_wake(&p->q, EPOLLOUT | EPOLLWRNORM | EPOLLIN | EPOLLRDNORM);
}

/* Copies @n bytes from the front of @from behind the end of @to. Both locks are held. */
static void copy_ring(struct pipe *from, struct pipe *to, u32 n)
{
	struct iovec src[2], dst[2];
	u32 done = 0;

	pipe_pieces(from, 0, n, src);
	pipe_pieces(to, to->used, n, dst);
	for (unsigned s = 0, d = 0; done < n;) {
		size_t step = min(src[s].iov_len, dst[d].iov_len);

		memcpy(dst[d].iov_base, src[s].iov_base, step);
		done += (u32)step;
		src[s].iov_base = (u8 *)src[s].iov_base + step;
		dst[d].iov_base = (u8 *)dst[d].iov_base + step;
		if ((src[s].iov_len -= step) == 0)
			s++;
		if ((dst[d].iov_len -= step) == 0)
			d++;
	}
	to->used += n;
}

ssize_t pipe_to_pipe(struct file *from, struct file *to, size_t n, bool tee, struct file **out_wait)
{
	struct pipe *a = from->data, *b = to->data;
	u32 room;
	ssize_t r;

	if (a == b || a->packets || b->packets)
		return -EINVAL;
	mutex_lock_pair(&a->lock, &b->lock);
	room = pipe_room(b);
	*out_wait = from;
	r = -EAGAIN;
	if (b->readers == 0) {
		r = -EPIPE;
	} else if (a->read_busy || a->used == 0) {
		r = a->writers || a->read_busy ? -EAGAIN : 0;
	} else if (b->write_busy || !pipe_writable(b)) {
		*out_wait = to;
	} else if (!pipe_make_ring(b)) {
		r = -ENOMEM;
	} else {
		room = min(a->used, room);
		r = (ssize_t)min(n, (size_t)room);
		copy_ring(a, b, (u32)r);
		if (!tee)
			pipe_consume(a, (u32)r);
	}
	mutex_unlock_pair(&a->lock, &b->lock);
	if (r > 0) {
		waitq_wake(&b->q, EPOLLIN | EPOLLRDNORM);
		if (!tee)
			waitq_wake(&a->q, EPOLLOUT | EPOLLWRNORM);
	}
	return r;
}

long pipe_get_size(struct file *f)
{
	struct pipe *p = f->data;
	u32 size;

	if (!file_is_pipe(f))
		return -EBADF;
	mutex_lock(&p->lock);
	size = p->size;
	mutex_unlock(&p->lock);
	return size;
}

/* Moves what is in the ring to a new one of @size bytes. */
static long resize_locked(struct pipe *p, u32 size)
{
	unsigned order = (unsigned)__builtin_ctz(size) - PAGE_SHIFT;
	struct iovec seg[2];
	u8 *buf;

	mutex_assert_held(&p->lock);
	if (p->used > size || p->read_busy || p->write_busy)
		return -EBUSY;
	if (p->buf) {
		buf = page_alloc_dirty(order);
		if (!buf)
			return -ENOMEM;
		pipe_pieces(p, 0, p->used, seg);
		memcpy(buf, seg[0].iov_base, seg[0].iov_len);
		memcpy(buf + seg[0].iov_len, seg[1].iov_base, seg[1].iov_len);
		page_free(p->buf, (unsigned)__builtin_ctz(p->size) - PAGE_SHIFT);
		p->buf = buf;
	}
	p->head = 0;
	p->size = size;
	return size;
}

long pipe_set_size(struct file *f, u64 size, bool privileged)
{
	struct pipe *p = f->data;
	u32 rounded = PAGE_SIZE;
	long r;

	if (!file_is_pipe(f))
		return -EBADF;
	if (size > 1u << 31)
		return -EINVAL;
	while (rounded < size)
		rounded *= 2;
	mutex_lock(&p->lock);
	if (rounded > p->size && rounded > PIPE_SIZE_MAX && !privileged)
		r = -EPERM;
	else if (rounded > 1u << 30)
		r = -ENOMEM;
	else
		r = rounded == p->size ? (long)rounded : resize_locked(p, rounded);
	mutex_unlock(&p->lock);
	if (r > 0)
		waitq_wake(&p->q, EPOLLOUT | EPOLLWRNORM);
	return r;
}
