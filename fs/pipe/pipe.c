/* SPDX-License-Identifier: Apache-2.0 */
/* pipe.c - pipes and FIFOs (pipe(7), fifo(7))
 *
 * Theory of operation: a pipe is a ring of bytes, allocated at the first write, and the counts of
 * its open ends. It hangs on the rendezvous field of its inode, so that a FIFO, or an anonymous
 * pipe opened again through /proc/self/fd, leads everyone to the same one; it lives as long as a
 * file refers to it. The ring starts over at its beginning whenever it runs empty: small traffic
 * stays in one page.
 *
 * A write of at most PIPE_BUF bytes is done whole or not at all. "Writable" for poll means room for
 * PIPE_BUF bytes, so that a writer that got -EAGAIN and waits for EPOLLOUT never spins.
 *
 * Opening a FIFO waits for the other end: the file counts as an end at once, and file->pos (which a
 * stream has no other use for) keeps one more than the count of opens of the other end as it was
 * then: the open is pending while that count stands still. The same tells a reader that never had a
 * writer (no EPOLLHUP) from one whose writers left.
 *
 * Packet mode (O_DIRECT at creation): each packet in the ring has its length before it.
 */
#include "fs/pipe/pipe.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "fs/pipe/pipe_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/base/bug.h"
#include "sentry/mm/copy.h"

static SLAB_CACHE(g_pipes, struct pipe);
/* guards inode->rendezvous of FIFOs and pipes, and pipe->files */
static struct mutex g_rendezvous_lock = MUTEX_INIT(LR_FSPRIV);

/* How many bytes fit: what Linux would say, whose pipes have a page as the smallest unit. Bytes of
 * the head's page that have been read become room only with the whole page. */
u32 pipe_room(const struct pipe *p)
{
	u32 tail = p->head + p->used;
	u64 pages = page_up(tail) - page_down(p->head);

	if (p->packets)
		return p->size - p->used;
	return (u32)(p->size - pages + (page_up(tail) - tail));
}

/* EPOLLOUT: a write of PIPE_BUF bytes would succeed. */
bool pipe_writable(const struct pipe *p)
{
	return pipe_room(p) >= PIPE_BUF + (p->packets ? sizeof(u32) : 0);
}

/* --- the ring; pipe->lock held ------------------------------------------------------------------
 */

static unsigned ring_order(u32 size)
{
	return (unsigned)__builtin_ctz(size) - PAGE_SHIFT;
}

bool pipe_make_ring(struct pipe *p)
{
	if (!p->buf)
		p->buf = page_alloc_dirty(ring_order(p->size));
	return p->buf != NULL;
}

/* @n bytes from @off behind the head, as at most two pieces; returns how many pieces. */
unsigned pipe_pieces(const struct pipe *p, u32 off, u32 n, struct iovec seg[2])
{
	u32 start = (p->head + off) & (p->size - 1);
	u32 first = min(n, p->size - start);

	seg[0] = (struct iovec){p->buf + start, first};
	seg[1] = (struct iovec){p->buf, n - first};
	return n > first ? 2 : 1;
}

void pipe_consume(struct pipe *p, u32 n)
{
	ASSERT(n <= p->used);
	p->used -= n;
	p->head = p->used == 0 && !p->write_busy ? 0 : (p->head + n) & (p->size - 1);
}

static u32 ring_put(struct pipe *p, struct iov_iter *from, u32 n)
{
	struct iovec seg[2];
	unsigned pieces = pipe_pieces(p, p->used, n, seg);
	u32 done = 0;

	for (unsigned i = 0; i < pieces; i++) {
		u32 got = (u32)copy_from_iter(seg[i].iov_base, seg[i].iov_len, from);

		done += got;
		if (got < seg[i].iov_len)
			break;
	}
	p->used += done;
	return done;
}

static u32 ring_get(struct pipe *p, struct iov_iter *to, u32 off, u32 n)
{
	struct iovec seg[2];
	unsigned pieces = pipe_pieces(p, off, n, seg);
	u32 done = 0;

	for (unsigned i = 0; i < pieces; i++) {
		u32 put = (u32)copy_to_iter(seg[i].iov_base, seg[i].iov_len, to);

		done += put;
		if (put < seg[i].iov_len)
			break;
	}
	return done;
}

static void ring_put_bytes(struct pipe *p, const void *src, u32 n)
{
	struct iov_iter it;

	iter_init_kernel(&it, (void *)(uintptr_t)src, n);
	ring_put(p, &it, n);
}

static u32 packet_length(struct pipe *p)
{
	struct iov_iter it;
	u32 length;

	iter_init_kernel(&it, &length, sizeof(length));
	ring_get(p, &it, 0, sizeof(length));
	return length;
}

/* --- read and write ------------------------------------------------------------------------------
 */

static ssize_t read_locked(struct pipe *p, struct iov_iter *to)
{
	u32 n, head = 0, drop;

	mutex_assert_held(&p->lock);
	if (p->read_busy)
		return -EAGAIN;
	if (p->used == 0)
		return p->writers ? -EAGAIN : 0;
	if (p->packets) {
		head = sizeof(u32);
		drop = packet_length(p);
	} else {
		drop = p->used;
	}
	n = ring_get(p, to, head, (u32)min((size_t)drop, to->left));
	if (n == 0)
		return -EFAULT;
	pipe_consume(p, p->packets ? head + drop : n);
	return n;
}

static ssize_t pipe_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct pipe *p = f->data;
	bool was_full;
	ssize_t n;

	if (to->left == 0)
		return 0;
	mutex_lock(&p->lock);
	was_full = !pipe_writable(p);
	n = read_locked(p, to);
	was_full &= pipe_writable(p);
	mutex_unlock(&p->lock);
	if (n > 0 && was_full)
		waitq_wake(&p->q, EPOLLOUT | EPOLLWRNORM);
	return n;
}

static ssize_t write_packets(struct pipe *p, struct iov_iter *from)
{
	ssize_t done = 0;

	while (from->left > 0 && pipe_writable(p)) {
		u8 packet[PIPE_BUF];
		u32 n = (u32)copy_from_iter(packet, min(from->left, sizeof(packet)), from);

		if (n == 0)
			return done ? done : -EFAULT;
		ring_put_bytes(p, &n, sizeof(n));
		ring_put_bytes(p, packet, n);
		done += n;
	}
	return done ? done : -EAGAIN;
}

static ssize_t write_locked(struct pipe *p, struct iov_iter *from)
{
	u32 n = (u32)min((size_t)pipe_room(p), from->left);

	mutex_assert_held(&p->lock);
	if (p->readers == 0)
		return -EPIPE;
	if (p->write_busy || n == 0 || (n < from->left && from->left <= PIPE_BUF))
		return -EAGAIN;
	if (!pipe_make_ring(p))
		return -ENOMEM;
	if (p->packets)
		return write_packets(p, from);
	n = ring_put(p, from, n);
	return n ? (ssize_t)n : -EFAULT;
}

static ssize_t pipe_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct pipe *p = f->data;
	ssize_t n;

	if (from->left == 0)
		return 0;
	mutex_lock(&p->lock);
	n = write_locked(p, from);
	mutex_unlock(&p->lock);
	if (n > 0)
		waitq_wake(&p->q, EPOLLIN | EPOLLRDNORM);
	return n;
}

/* --- ends ----------------------------------------------------------------------------------------
 */

/* The count of opens of the other end has not moved since @f was opened without one. */
static bool never_met(const struct pipe *p, const struct file *f)
{
	u32 opens = f->mode & FMODE_READ ? p->writer_opens : p->reader_opens;

	return f->pos != 0 && f->pos == (u64)opens + 1;
}

static u32 pipe_open_pending(struct file *f)
{
	struct pipe *p = f->data;
	bool pending;

	mutex_lock(&p->lock);
	pending = never_met(p, f) && !(f->flags & O_NONBLOCK);
	mutex_unlock(&p->lock);
	if (!pending)
		return 0;
	return f->mode & FMODE_READ ? EPOLLIN : EPOLLOUT;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->data;
	u32 mask = 0;

	poll_wait(f, &p->q, pt);
	mutex_lock(&p->lock);
	if (never_met(p, f) && !(f->flags & O_NONBLOCK)) {
		mutex_unlock(&p->lock);
		return 0; /* open(2) itself waits */
	}
	if (f->mode & FMODE_READ) {
		if (p->used > 0 && !p->read_busy)
			mask |= EPOLLIN | EPOLLRDNORM;
		if (p->writers == 0 && !never_met(p, f))
			mask |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (pipe_writable(p) && !p->write_busy)
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (p->readers == 0)
			mask |= EPOLLERR;
	}
	mutex_unlock(&p->lock);
	return mask;
}

static long pipe_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->data;
	int n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	n = (int)p->used;
	mutex_unlock(&p->lock);
	return copy_out_obj(c->mm, GVA(arg), &n);
}

/* The pipe of @inode, made when there is none, with one more file. */
static struct pipe *pipe_of_inode(struct inode *inode)
{
	struct pipe *p;

	mutex_lock(&g_rendezvous_lock);
	p = atomic_load(&inode->rendezvous);
	if (!p) {
		p = slab_alloc(&g_pipes);
		if (p) {
			mutex_init(&p->lock, LR_PIPE);
			waitq_init(&p->q);
			p->size = PIPE_SIZE_DEFAULT;
			atomic_store(&inode->rendezvous, p);
		}
	}
	if (p)
		p->files++;
	mutex_unlock(&g_rendezvous_lock);
	return p;
}

static void pipe_put(struct pipe *p, struct inode *inode)
{
	bool last;

	mutex_lock(&g_rendezvous_lock);
	last = --p->files == 0;
	if (last)
		atomic_store(&inode->rendezvous, NULL);
	mutex_unlock(&g_rendezvous_lock);
	if (!last)
		return;
	waitq_fini(&p->q);
	if (p->buf)
		page_free(p->buf, ring_order(p->size));
	slab_free(&g_pipes, p);
}

static int pipe_open(struct caller *c, struct inode *inode, struct file *f)
{
	bool r = f->mode & FMODE_READ, w = f->mode & FMODE_WRITE;
	struct pipe *p = pipe_of_inode(inode);

	if (!p)
		return -ENOMEM;
	mutex_lock(&p->lock);
	if (w && !r && (f->flags & O_NONBLOCK) && p->readers == 0 && !p->anonymous) {
		mutex_unlock(&p->lock);
		pipe_put(p, inode);
		return -ENXIO;
	}
	f->pos = 0;
	if (r && !w && p->writers == 0 && !p->anonymous)
		f->pos = (u64)p->writer_opens + 1;
	if (w && !r && p->readers == 0 && !p->anonymous)
		f->pos = (u64)p->reader_opens + 1;
	p->readers += r;
	p->writers += w;
	p->reader_opens += r;
	p->writer_opens += w;
	f->data = p;
	mutex_unlock(&p->lock);
	waitq_wake(&p->q, EPOLLIN | EPOLLOUT);
	return 0;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->data;

	mutex_lock(&p->lock);
	p->readers -= !!(f->mode & FMODE_READ);
	p->writers -= !!(f->mode & FMODE_WRITE);
	mutex_unlock(&p->lock);
	waitq_wake(&p->q, EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | EPOLLERR | EPOLLHUP);
	pipe_put(p, f->inode);
}

const struct file_ops pipe_ops = {
	.open = pipe_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.open_pending = pipe_open_pending,
};

int pipe_create(struct caller *c, u32 flags, struct file *out[2])
{
	struct file *r, *w;
	struct pipe *p;

	r = file_anon(c, "pipe:", &pipe_ops, NULL, O_RDONLY | flags, NULL, S_IFIFO | 0600);
	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	r->inode->flags |= INODE_STREAM;
	p = pipe_of_inode(r->inode);
	if (!p) {
		r->op = NULL; /* never opened: nothing to release */
		file_put(r);
		return -ENOMEM;
	}
	p->packets = flags & O_DIRECT;
	p->anonymous = true;
	p->readers = p->reader_opens = p->writer_opens = 1;
	r->data = p;
	w = file_anon(c, "pipe:", &pipe_ops, NULL, O_WRONLY | flags, inode_get(r->inode),
		      S_IFIFO | 0600);
	if (IS_ERR(w)) {
		file_put(r);
		return (int)PTR_ERR(w);
	}
	pipe_of_inode(w->inode);
	p->writers = 1;
	w->data = p;
	out[0] = r;
	out[1] = w;
	return 0;
}
