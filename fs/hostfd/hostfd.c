/* SPDX-License-Identifier: Apache-2.0 */
/* hostfd.c - files over descriptors of the host
 *
 * A stream (pipe, socket, character device) is watched edge-triggered in hostpoll: each edge wakes
 * the wait queue; whether it is ready now is asked with a poll of time-out 0. Regular files are
 * always ready, and keep the host's position, which the starter shares.
 *
 * The sentry cannot open files, so opening one of these again (/dev/stdout, /proc/self/fd/1) gives
 * another file over the same descriptor. Of a stream nobody can tell; of a regular file it has a
 * position of its own, and reads and writes name it. The inode holds the descriptor as every file
 * does.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/hostfd/hostfd.h"
#include "platform/host/host.h"
#include "platform/host/hostpoll.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/task.h"

struct hostfile {
	struct ref ref;	       /* of the inode and of each file */
	int fd;		       /* host table */
	u32 access;	       /* [const] O_ACCMODE of the descriptor */
	bool stream, nonblock; /* nonblock: the open description is ours alone */
	struct hostpoll_entry entry;
	struct waitq wait;
};
static SLAB_CACHE(hostfile_cache, struct hostfile);

static struct super_block *g_sb; /* of the inodes; never mounted */
static int g_procfd = -1;	 /* host table */

static void host_event(struct hostpoll_entry *e, u32 events)
{
	struct hostfile *h = e->arg;

	waitq_wake(&h->wait, events);
}

static u32 ready(struct hostfile *h, u32 events)
{
	return h->stream ? host_poll_now(h->fd, events) : events & (EPOLLIN | EPOLLOUT);
}

static void hostfile_put(struct hostfile *h)
{
	if (!ref_put(&h->ref))
		return;
	if (h->stream)
		hostpoll_del(&h->entry);
	host_close(h->fd);
	waitq_fini(&h->wait);
	slab_free(&hostfile_cache, h);
}

/* --- operations ---------------------------------------------------------------------------------
 */

/* Where to read or write: *@pos, or (false) where the host's position is. */
static bool positioned(const struct file *f, const u64 *pos)
{
	const struct hostfile *h = f->data;

	return !h->stream && (pos != &f->pos || (f->mode & FMODE_OWN_POS));
}

static ssize_t hostfile_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct hostfile *h = f->data;
	size_t want = min(to->left, c->scratch_size);
	bool at = positioned(f, pos);
	long n;

	if (want == 0)
		return 0;
	if (!h->nonblock && !ready(h, EPOLLIN | EPOLLHUP | EPOLLERR))
		return -EAGAIN;
	n = at ? host_pread(h->fd, c->scratch, want, *pos) : host_read(h->fd, c->scratch, want);
	if (n <= 0)
		return n == -EINTR ? -EAGAIN : n;
	if (at)
		*pos += (u64)n;
	return copy_to_iter(c->scratch, n, to) == n ? n : -EFAULT;
}

static u64 size_of(const struct hostfile *h)
{
	struct stat st;

	return host_fstat(h->fd, &st) == 0 ? (u64)st.st_size : 0;
}

static long write_piece(struct file *f, const void *buf, size_t n, bool at, u64 *pos)
{
	struct hostfile *h = f->data;
	long w;

	if (!at)
		return host_write(h->fd, buf, n);
	w = host_pwrite(h->fd, buf, n, *pos);
	if (w > 0)
		*pos += (u64)w;
	return w;
}

static ssize_t hostfile_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct hostfile *h = f->data;
	size_t limit = h->stream && !h->nonblock ? PIPE_BUF : c->scratch_size;
	bool at = positioned(f, pos);
	ssize_t done = 0;

	if (at && (f->flags & O_APPEND))
		*pos = size_of(h);
	while (from->left > 0) {
		struct iov_iter peek = *from;
		size_t n = min(from->left, limit);
		long w;

		if (copy_from_iter(c->scratch, n, &peek) != n)
			return done ? done : -EFAULT;
		if (h->stream && !h->nonblock && !ready(h, EPOLLOUT | EPOLLERR))
			return done ? done : -EAGAIN;
		w = write_piece(f, c->scratch, n, at, pos);
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
	s64 to;

	if (h->stream)
		return -ESPIPE;
	if (!(f->mode & FMODE_OWN_POS))
		return host_lseek(h->fd, off, whence);
	to = generic_seek(f->pos, size_of(h), off, whence);
	if (to >= 0)
		f->pos = (u64)to;
	return to;
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
	hostfile_put(f->data);
}

/* Again, through /proc: never more than what the descriptor allows. */
static int hostfile_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct hostfile *h = inode->data;

	if (((f->mode & FMODE_READ) && h->access == O_WRONLY) ||
	    ((f->mode & FMODE_WRITE) && h->access == O_RDONLY))
		return -EACCES;
	ref_get(&h->ref);
	f->data = h;
	f->mode |= FMODE_OWN_POS;
	return 0;
}

static const struct file_ops hostfile_ops = {
	.open = hostfile_open,
	.release = hostfile_release,
	.read = hostfile_read,
	.write = hostfile_write,
	.poll = hostfile_poll,
	.llseek = hostfile_llseek,
	.fsync = hostfile_fsync,
};

/* --- inodes -------------------------------------------------------------------------------------
 */

static int host_getattr(struct caller *c, struct inode *i, struct kstat *out)
{
	const struct hostfile *h = i->data;
	struct stat st;
	int err;

	inode_fill_stat(i, out);
	if (!S_ISREG(i->mode))
		return 0;
	err = host_fstat(h->fd, &st);
	if (err)
		return err;
	out->size = (u64)st.st_size;
	out->blocks = (u64)st.st_blocks;
	out->mtime = st.st_mtim;
	out->ctime = st.st_ctim;
	return 0;
}

/* The file is the starter's: its length may change, what else it is stays as it is. */
static int host_setattr(struct caller *c, struct inode *i, const struct attr *a)
{
	const struct hostfile *h = i->data;

	if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) && !(a->valid & ATTR_KILL_PRIV))
		return -EPERM;
	if (a->valid & ATTR_SIZE)
		return host_ftruncate(h->fd, a->size);
	return 0;
}

static void host_evict(struct inode *i)
{
	if (i->data)
		hostfile_put(i->data);
}

static const struct super_ops g_super_ops = {.evict = host_evict};
static const struct file_system_type g_type = {.name = "hostfd"};
static const struct inode_ops g_inode_ops = {.getattr = host_getattr, .setattr = host_setattr};

int hostfd_init(int procfd)
{
	g_procfd = procfd;
	g_sb = sb_create(&g_type, &g_super_ops, NULL);
	return g_sb ? 0 : -ENOMEM;
}

/* --- creation -----------------------------------------------------------------------------------
 */

/* The same pipe by an open description of our own. */
static int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "self/fd/%d", fd);
	return openat(g_procfd, path, (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

/* What is known of @fd; watches it when it is a stream. Takes over @fd on success. */
static struct hostfile *hostfile_create(int fd, int flags, const struct stat *st, bool ours)
{
	struct hostfile *h = slab_alloc(&hostfile_cache);
	int own = h && S_ISFIFO(st->st_mode) && !ours ? reopen(fd, flags) : -1;

	if (!h)
		return NULL;
	ref_init(&h->ref);
	h->fd = fd;
	h->access = (u32)flags & O_ACCMODE;
	h->nonblock = ours && flags & O_NONBLOCK;
	h->stream = !S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode);
	waitq_init(&h->wait);
	if (own >= 0) {
		host_close(fd);
		h->fd = own;
		h->nonblock = true;
	}
	h->entry = (struct hostpoll_entry){.fd = h->fd, .fn = host_event, .arg = h};
	if (h->stream && hostpoll_add(&h->entry, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
		h->stream = false; /* always ready: /dev/null */
	return h;
}

/* Takes over a reference on @h on success. */
static struct inode *host_inode(struct hostfile *h, const struct stat *st)
{
	struct inode *i = inode_create(g_sb, &g_inode_ops, &hostfile_ops, st->st_mode, 0);

	if (!i)
		return NULL;
	i->flags = INODE_NO_ATIME | (S_ISREG(st->st_mode) ? 0 : INODE_STREAM);
	/* /dev/null and its like: opened again, they are the guest's own. */
	if (!S_ISCHR(st->st_mode) || major(st->st_rdev) != 1)
		i->flags |= INODE_OWN_OPEN;
	i->uid = st->st_uid;
	i->gid = st->st_gid;
	i->rdev = st->st_rdev;
	i->size = S_ISREG(st->st_mode) ? (u64)st->st_size : 0;
	i->data = h;
	return i;
}

struct file *hostfd_create(struct caller *c, int fd, bool ours)
{
	int flags = host_getfl(fd);
	struct hostfile *h;
	struct inode *i;
	struct stat st;
	struct file *f;

	if (flags < 0 || host_fstat(fd, &st) < 0)
		return ERR_PTR(-EBADF);
	h = hostfile_create(fd, flags, &st, ours);
	if (!h)
		return ERR_PTR(-ENOMEM);
	i = host_inode(h, &st);
	if (!i) {
		hostfile_put(h);
		return ERR_PTR(-ENOMEM);
	}
	ref_get(&h->ref); /* the file's: with a failure the inode goes, and what it holds */
	f = file_anon(c, S_ISFIFO(st.st_mode) ? "pipe:" : "host:", &hostfile_ops, h,
		      (u32)flags & (O_ACCMODE | O_APPEND), i, 0);
	if (IS_ERR(f))
		hostfile_put(h);
	return f;
}
