/* SPDX-License-Identifier: Apache-2.0 */
/* sys_rw.c - read(2), write(2) and their relatives, lseek(2)
 *
 * A write to something that can make one wait goes on until all is written, as Linux's does: what
 * has been moved so far stands in t->wait.moved, and is the result when a signal comes.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "syscalls/sys.h"

#define IOV_FAST 8

struct rw {
	bool write;
	u64 *pos; /* NULL: the file's own */
	int rwf;  /* RWF_* */
};

/* Signals that go with errors of writing (write(2)). */
static long write_error(struct task *t, long err)
{
	if (err == -EPIPE)
		signal_send_self(t, SIGPIPE);
	else if (err == -EFBIG)
		signal_send_self(t, SIGXFSZ);
	return err;
}

/* Waits for @events, as long as the file lets one wait (SO_RCVTIMEO). @moved: what a signal or the
 * time-out leaves as the result, if not 0. */
static long wait_file(struct task *t, int fd, struct file *f, bool write, u32 events, long moved)
{
	s64 ns = f->op->timeout ? f->op->timeout(f, write) : -1;
	long intr = ns < 0 ? -ERESTARTSYS : -EINTR;

	if (ns >= 0) {
		task_set_timeout(t, ns);
		if (ns == 0 || task_timed_out(t))
			return moved ? moved : -EAGAIN;
	}
	return task_block_file(t, fd, f, events, moved ? moved : intr);
}

static long do_read(struct task *t, int fd, struct file *f, struct iov_iter *it,
		    const struct rw *rw)
{
	long n = vfs_read(task_caller(t), f, it, rw->pos);

	if (n == -EAGAIN && !(f->flags & O_NONBLOCK) && !(rw->rwf & RWF_NOWAIT))
		return wait_file(t, fd, f, false, EPOLLIN | EPOLLRDHUP, 0);
	return n;
}

/* Can a write to it be cut short for want of room, and go on later? */
static bool goes_on(const struct file *f)
{
	u32 mode = f->inode->mode;

	return (f->inode->flags & INODE_STREAM) &&
	       (S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode));
}

static long do_write(struct task *t, int fd, struct file *f, struct iov_iter *it,
		     const struct rw *rw)
{
	size_t total = it->left;
	long n = 0;

	it->append = rw->rwf & RWF_APPEND;
	iter_advance(it, t->wait.moved);
	do {
		n = vfs_write(task_caller(t), f, it, rw->pos);
		if (n > 0)
			t->wait.moved += n;
	} while (n > 0 && t->wait.moved < total && goes_on(f));
	if (t->wait.moved)
		t->wait.used = true;
	if (n == -EAGAIN && !(f->flags & O_NONBLOCK) && !(rw->rwf & RWF_NOWAIT))
		return wait_file(t, fd, f, true, EPOLLOUT, (long)t->wait.moved);
	if (n < 0 && n != -EAGAIN)
		n = write_error(t, n);
	return t->wait.moved ? (long)t->wait.moved : n;
}

/* The open file that the call is about, with the right to it. */
static int rw_file(struct task *t, int fd, const struct rw *rw, struct file **out)
{
	struct file *f;

	if (rw->pos && (s64)*rw->pos < 0)
		return -EINVAL;
	*out = f = fd_lookup(t, fd);
	if (!f)
		return -EBADF;
	if (rw->pos && f->inode && f->inode->flags & INODE_STREAM)
		return -ESPIPE;
	return f->mode & (rw->write ? FMODE_WRITE : FMODE_READ) ? 0 : -EBADF;
}

static long do_rw(struct task *t, int fd, struct file *f, struct iov_iter *it, const struct rw *rw)
{
	return rw->write ? do_write(t, fd, f, it, rw) : do_read(t, fd, f, it, rw);
}

static long rw_buffer(struct task *t, const struct sys_args *a, const struct rw *rw)
{
	scoped_file f = NULL;
	struct iov_iter it;
	int err = rw_file(t, ARG_INT(a, 0), rw, &f);

	if (err)
		return err;
	if (a->a[2] > GUEST_END || a->a[1] > GUEST_END - a->a[2]) /* no memory there at all */
		return a->a[2] ? -EFAULT : 0;
	iter_init_guest(&it, t->mm, ARG_GVA(a, 1), min(a->a[2], (u64)0x7ffff000),
			t->worker->scratch, WORKER_SCRATCH);
	return do_rw(t, ARG_INT(a, 0), f, &it, rw);
}

static long rw_iovec(struct task *t, const struct sys_args *a, const struct rw *rw, struct file *f,
		     struct iovec *iov)
{
	struct iov_iter it;
	long ret = copy_in_iovec(t->mm, iov, ARG_GVA(a, 1), ARG_UINT(a, 2), &it, t->worker->scratch,
				 WORKER_SCRATCH);

	if (ret < 0)
		return ret;
	if (it.left == 0)
		return 0;
	if (rw->rwf & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	return do_rw(t, ARG_INT(a, 0), f, &it, rw);
}

static long rw_vector(struct task *t, const struct sys_args *a, const struct rw *rw)
{
	struct iovec fast[IOV_FAST], *iov = fast;
	unsigned count = ARG_UINT(a, 2);
	scoped_file f = NULL;
	long ret = rw_file(t, ARG_INT(a, 0), rw, &f);

	if (ret)
		return ret;
	if (a->a[2] > ITER_IOV_MAX)
		return -EINVAL;
	if (count > IOV_FAST && !(iov = kalloc(count * sizeof(*iov))))
		return -ENOMEM;
	ret = rw_iovec(t, a, rw, f, iov);
	if (iov != fast)
		kfree(iov, count * sizeof(*iov));
	return ret;
}

long sys_read(struct task *t, const struct sys_args *a)
{
	return rw_buffer(t, a, &(struct rw){.write = false});
}

long sys_write(struct task *t, const struct sys_args *a)
{
	return rw_buffer(t, a, &(struct rw){.write = true});
}

long sys_pread64(struct task *t, const struct sys_args *a)
{
	u64 pos = a->a[3];

	return rw_buffer(t, a, &(struct rw){.write = false, .pos = &pos});
}

long sys_pwrite64(struct task *t, const struct sys_args *a)
{
	u64 pos = a->a[3];

	return rw_buffer(t, a, &(struct rw){.write = true, .pos = &pos});
}

long sys_readv(struct task *t, const struct sys_args *a)
{
	return rw_vector(t, a, &(struct rw){.write = false});
}

long sys_writev(struct task *t, const struct sys_args *a)
{
	return rw_vector(t, a, &(struct rw){.write = true});
}

long sys_preadv(struct task *t, const struct sys_args *a)
{
	u64 pos = a->a[3];

	return rw_vector(t, a, &(struct rw){.write = false, .pos = &pos});
}

long sys_pwritev(struct task *t, const struct sys_args *a)
{
	u64 pos = a->a[3];

	return rw_vector(t, a, &(struct rw){.write = true, .pos = &pos});
}

static long rw_flags(struct task *t, const struct sys_args *a, bool write)
{
	u64 pos = a->a[3];
	struct rw rw = {.write = write, .pos = (s64)pos == -1 ? NULL : &pos, .rwf = ARG_INT(a, 5)};

	return rw_vector(t, a, &rw);
}

long sys_preadv2(struct task *t, const struct sys_args *a)
{
	return rw_flags(t, a, false);
}

long sys_pwritev2(struct task *t, const struct sys_args *a)
{
	return rw_flags(t, a, true);
}

long sys_lseek(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	if (!f)
		return -EBADF;
	return vfs_llseek(task_caller(t), f, (s64)a->a[1], ARG_INT(a, 2));
}
