/* SPDX-License-Identifier: Apache-2.0 */
/* hostfd.c - files over descriptors of the host
 *
 * A stream (pipe, socket, character device) is watched edge-triggered in hostpoll: each edge wakes
 * the wait queue; whether it is ready now is asked with a poll of time-out 0. Regular files are
 * always ready, and keep the host's position, which the starter shares.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/hostfd/hostfd.h"
#include "platform/host/host.h"
#include "platform/host/hostpoll.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/task.h"

struct hostfile {
	int fd;		       /* host table */
	bool stream, nonblock; /* nonblock: the open description is ours alone */
	struct hostpoll_entry entry;
	struct waitq wait;
};
static SLAB_CACHE(hostfile_cache, struct hostfile);

static void host_event(struct hostpoll_entry *e, u32 events)
{
	struct hostfile *h = e->arg;

	waitq_wake(&h->wait, events);
}

static u32 ready(struct hostfile *h, u32 events)
{
	return h->stream ? host_poll_now(h->fd, events) : events & (EPOLLIN | EPOLLOUT);
}

static ssize_t hostfile_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct hostfile *h = f->data;
	size_t want = min(to->left, c->scratch_size);
	long n;

	if (want == 0)
		return 0;
	if (!h->nonblock && !ready(h, EPOLLIN | EPOLLHUP | EPOLLERR))
		return -EAGAIN;
	n = host_read(h->fd, c->scratch, want);
	if (n <= 0)
		return n == -EINTR ? -EAGAIN : n;
	return copy_to_iter(c->scratch, n, to) == n ? n : -EFAULT;
}

static ssize_t hostfile_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct hostfile *h = f->data;
	size_t limit = h->stream && !h->nonblock ? PIPE_BUF : c->scratch_size;
	ssize_t done = 0;

	while (from->left > 0) {
		struct iov_iter peek = *from;
		size_t n = min(from->left, limit);
		long w;

		if (copy_from_iter(c->scratch, n, &peek) != n)
			return done ? done : -EFAULT;
		if (h->stream && !h->nonblock && !ready(h, EPOLLOUT | EPOLLERR))
			return done ? done : -EAGAIN;
		w = host_write(h->fd, c->scratch, n);
		if (w < 0)
			return done ? done : w == -EINTR ? -EAGAIN : w;
		iter_advance(from, w);
		done += w;
		if (w < n)
			return done;
	}
	return done;
}

static u32 hostfile_poll(struct file *f, struct poll_table *pt)
{
	struct hostfile *h = f->data;

	poll_wait(f, &h->wait, pt);
	return ready(h, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
}

static s64 hostfile_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	struct hostfile *h = f->data;

	return h->stream ? -ESPIPE : host_lseek(h->fd, off, whence);
}

static int hostfile_fsync(struct caller *c, struct file *f, bool data_only)
{
	struct hostfile *h = f->data;

	if (h->stream)
		return -EINVAL;
	caller_may_block(c);
	return host_fsync(h->fd, data_only);
}

static void hostfile_release(struct file *f)
{
	struct hostfile *h = f->data;

	if (h->stream)
		hostpoll_del(&h->entry);
	host_close(h->fd);
	waitq_fini(&h->wait);
	slab_free(&hostfile_cache, h);
}

static const struct file_ops hostfile_ops = {
	.release = hostfile_release,
	.read = hostfile_read,
	.write = hostfile_write,
	.poll = hostfile_poll,
	.llseek = hostfile_llseek,
	.fsync = hostfile_fsync,
};

static int g_procfd = -1; /* host table */

void hostfd_init(int procfd)
{
	g_procfd = procfd;
}

/* The same pipe by an open description of our own. */
static int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return openat(g_procfd, path, (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static struct inode *stat_inode(struct caller *c, struct file *f, const struct stat *st)
{
	struct inode *i = f->inode;

	i->mode = st->st_mode;
	i->uid = st->st_uid;
	i->gid = st->st_gid;
	i->rdev = st->st_rdev;
	i->size = S_ISREG(st->st_mode) ? st->st_size : 0;
	return i;
}

struct file *hostfd_create(struct caller *c, int fd, bool ours)
{
	struct hostfile *h = slab_alloc(&hostfile_cache);
	int flags = host_getfl(fd), own;
	struct stat st;
	struct file *f;

	if (!h)
		return ERR_PTR(-ENOMEM);
	if (flags < 0 || host_fstat(fd, &st) < 0) {
		slab_free(&hostfile_cache, h);
		return ERR_PTR(-EBADF);
	}
	h->fd = fd;
	h->nonblock = ours && flags & O_NONBLOCK;
	h->stream = !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode);
	h->entry = (struct hostpoll_entry){.fn = host_event, .arg = h};
	waitq_init(&h->wait);
	own = S_ISFIFO(st.st_mode) && !ours ? reopen(fd, flags) : -1;
	if (own >= 0) {
		host_close(fd);
		h->fd = own;
		h->nonblock = true;
	}
	h->entry.fd = h->fd;
	if (h->stream && hostpoll_add(&h->entry, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
		h->stream = false; /* always ready: /dev/null */
	f = file_anon(c, S_ISFIFO(st.st_mode) ? "pipe:" : "host:", &hostfile_ops, h,
		      flags & (O_ACCMODE | O_APPEND), NULL, st.st_mode);
	if (!IS_ERR(f) && f->inode)
		stat_inode(c, f, &st);
	return f;
}
