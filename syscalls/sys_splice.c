/* SPDX-License-Identifier: Apache-2.0 */
/* sys_splice.c - splice, tee, vmsplice, sendfile, copy_file_range
 *
 * Data moves through a pipe's ring itself, or through the worker's buffer; nothing is taken from a
 * source before its destination has it: a pipe is held between pipe_*_begin and end, a file is read
 * at a position that moves only then.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "fs/pipe/pipe.h"
#include "syscalls/handlers.h"
#include "syscalls/sys.h"

#define SPLICE_FLAGS	15u /* MOVE, NONBLOCK, MORE, GIFT */
#define SPLICE_NONBLOCK 2u
#define LENGTH_MAX	0x7ffff000ul
#define IOV_FAST	8

static bool may_seek(const struct file *f)
{
	return f->inode && !(f->inode->flags & INODE_STREAM) && !file_is_pipe(f);
}

static long check_pipe_error(struct task *t, long err)
{
	if (err == -EPIPE)
		signal_send_self(t, SIGPIPE);
	return err;
}

/* Where the file stands; a file system may keep that elsewhere than in f->pos. */
static u64 position(struct task *t, struct file *f)
{
	s64 pos = vfs_llseek(task_caller(t), f, 0, SEEK_CUR);

	return pos < 0 ? f->pos : (u64)pos;
}

static void set_position(struct task *t, struct file *f, u64 pos)
{
	(void)vfs_llseek(task_caller(t), f, (s64)pos, SEEK_SET);
}

/* A position argument: @src 0: the file's own, *out NULL. */
static int pos_in(struct task *t, gva_t src, u64 *storage, u64 **out)
{
	*out = NULL;
	if (!src.v)
		return 0;
	if (copy_in_obj(t->mm, storage, src))
		return -EFAULT;
	if ((s64)*storage < 0)
		return -EINVAL;
	*out = storage;
	return 0;
}

static void iter_over(struct iov_iter *it, struct iovec *seg, size_t n)
{
	*it = (struct iov_iter){.iov = seg, .count = seg[1].iov_len ? 2 : 1, .left = n};
}

/* --- splice
 * ------------------------------------------------------------------------------------------ */

/* From file @in (at *pos) into pipe @out. -EAGAIN with *out_wait the file to wait for. */
static long file_to_pipe(struct task *t, struct file *in, u64 *pos, struct file *out, size_t n,
			 struct file **out_wait)
{
	struct iovec seg[2];
	struct iov_iter it;
	ssize_t room = pipe_write_begin(out, n, seg), got;

	*out_wait = out;
	if (room <= 0)
		return room;
	iter_over(&it, seg, (size_t)room);
	got = vfs_read(task_caller(t), in, &it, pos);
	pipe_write_end(out, got > 0 ? (size_t)got : 0);
	*out_wait = in;
	return got;
}

static long pipe_to_file(struct task *t, struct file *in, struct file *out, u64 *pos, size_t n,
			 struct file **out_wait)
{
	struct iovec seg[2];
	struct iov_iter it;
	ssize_t have = pipe_read_begin(in, n, seg), put;

	*out_wait = in;
	if (have <= 0)
		return have;
	iter_over(&it, seg, (size_t)have);
	put = vfs_write(task_caller(t), out, &it, pos);
	pipe_read_end(in, put > 0 ? (size_t)put : 0);
	*out_wait = out;
	return put;
}

/* What splice checks of the two ends before it looks at offsets. */
static int splice_check(const struct file *in, const struct file *out, u32 flags)
{
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!in || !out || !(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	return 0;
}

/* Blocks on @wait, one of the two files of a call, unless something forbids it. */
static long splice_block(struct task *t, const struct sys_args *a, int out_arg, struct file *in,
			 struct file *wait)
{
	int fd = ARG_INT(a, wait == in ? 0 : out_arg);

	return task_block_file(t, fd, wait, wait == in ? EPOLLIN : EPOLLOUT, -ERESTARTSYS);
}

/* Offsets with pipes, and offsets in what has none. */
static int splice_offsets(const struct sys_args *a, const struct file *in, const struct file *out)
{
	if ((a->a[1] && file_is_pipe(in)) || (a->a[3] && file_is_pipe(out)))
		return -ESPIPE;
	if (!file_is_pipe(in) && !file_is_pipe(out))
		return -EINVAL;
	if ((a->a[1] && !may_seek(in)) || (a->a[3] && !may_seek(out)))
		return -EINVAL;
	if (!file_is_pipe(out) && (out->flags & O_APPEND))
		return -EINVAL;
	return 0;
}

long sys_splice(struct task *t, const struct sys_args *a)
{
	size_t n = min(a->a[4], (u64)LENGTH_MAX);
	u64 in_pos, out_pos, *in_at = NULL, *out_at = NULL;
	struct file *wait = NULL;
	scoped_file in = NULL;
	scoped_file out = NULL;
	long ret;

	if (n == 0)
		return 0;
	in = fd_lookup(t, ARG_INT(a, 0));
	out = fd_lookup(t, ARG_INT(a, 2));
	ret = splice_check(in, out, ARG_UINT(a, 5));
	if (ret == 0)
		ret = splice_offsets(a, in, out);
	if (ret == 0)
		ret = pos_in(t, ARG_GVA(a, 1), &in_pos, &in_at);
	if (ret == 0)
		ret = pos_in(t, ARG_GVA(a, 3), &out_pos, &out_at);
	if (ret)
		return ret;
	if (file_is_pipe(in) && file_is_pipe(out))
		ret = pipe_to_pipe(in, out, n, false, &wait);
	else if (file_is_pipe(in))
		ret = pipe_to_file(t, in, out, out_at, n, &wait);
	else
		ret = file_to_pipe(t, in, in_at, out, n, &wait);
	if (ret == -EAGAIN && !(ARG_UINT(a, 5) & SPLICE_NONBLOCK) && !(wait->flags & O_NONBLOCK))
		return splice_block(t, a, 2, in, wait);
	if (ret > 0 && ((in_at && copy_out_obj(t->mm, ARG_GVA(a, 1), in_at)) ||
			(out_at && copy_out_obj(t->mm, ARG_GVA(a, 3), out_at))))
		return -EFAULT;
	return check_pipe_error(t, ret);
}

long sys_tee(struct task *t, const struct sys_args *a)
{
	size_t n = min(a->a[2], (u64)LENGTH_MAX);
	struct file *wait = NULL;
	scoped_file in = NULL;
	scoped_file out = NULL;
	long ret;

	if (ARG_UINT(a, 3) & ~SPLICE_FLAGS)
		return -EINVAL;
	if (n == 0)
		return 0;
	in = fd_lookup(t, ARG_INT(a, 0));
	out = fd_lookup(t, ARG_INT(a, 1));
	ret = splice_check(in, out, ARG_UINT(a, 3));
	if (ret)
		return ret;
	if (!file_is_pipe(in) || !file_is_pipe(out))
		return -EINVAL;
	ret = pipe_to_pipe(in, out, n, true, &wait);
	if (ret == -EAGAIN && !(ARG_UINT(a, 3) & SPLICE_NONBLOCK) && !(wait->flags & O_NONBLOCK))
		return splice_block(t, a, 1, in, wait);
	return check_pipe_error(t, ret);
}

/* The bytes are copied: pages of a guest are never shared with a pipe. */
static long vmsplice_iter(struct task *t, const struct sys_args *a, struct file *f,
			  struct iov_iter *it)
{
	bool write = f->mode & FMODE_WRITE;
	size_t total = it->left;
	long n;

	iter_advance(it, t->wait.moved);
	do {
		n = write ? vfs_write(task_caller(t), f, it, NULL)
			  : vfs_read(task_caller(t), f, it, NULL);
		if (n > 0) {
			t->wait.moved += (u64)n;
			t->wait.used = true;
		}
	} while (write && n > 0 && t->wait.moved < total);
	if (n == -EAGAIN && (write || !t->wait.moved) && !(f->flags & O_NONBLOCK) &&
	    !(ARG_UINT(a, 3) & SPLICE_NONBLOCK))
		return task_block_file(t, ARG_INT(a, 0), f, write ? EPOLLOUT : EPOLLIN,
				       t->wait.moved ? (long)t->wait.moved : -ERESTARTSYS);
	return t->wait.moved ? (long)t->wait.moved : check_pipe_error(t, n);
}

long sys_vmsplice(struct task *t, const struct sys_args *a)
{
	struct iovec fast[IOV_FAST], *iov = fast;
	u64 count = a->a[2];
	struct iov_iter it;
	scoped_file f = NULL;
	long ret;

	if (ARG_UINT(a, 3) & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f || !file_is_pipe(f))
		return -EBADF;
	if (count > ITER_IOV_MAX)
		return -EINVAL;
	if (count > IOV_FAST && !(iov = kalloc(count * sizeof(*iov))))
		return -ENOMEM;
	ret = copy_in_iovec(t->mm, iov, ARG_GVA(a, 1), (unsigned)count, &it, t->worker->scratch,
			    WORKER_SCRATCH);
	if (ret >= 0)
		ret = it.left ? vmsplice_iter(t, a, f, &it) : 0;
	if (iov != fast)
		kfree(iov, count * sizeof(*iov));
	return ret;
}

/* --- sendfile, copy_file_range
 * --------------------------------------------------------------------------- */

/* Copies up to @n bytes through the worker's buffer, from @in at *pos to @out (at *out_pos, or its
 * own position). *pos moves by what @out has taken. Bytes, or the error of the first piece. */
static long copy_files(struct task *t, struct file *in, u64 *pos, struct file *out, u64 *out_pos,
		       size_t n)
{
	struct caller *c = task_caller(t);
	/* the file systems may use the worker's buffer themselves: this is one of our own */
	size_t size = min(n, (size_t)65536), done = 0;
	u8 *buf = kalloc_dirty(size);
	long ret = 0;

	if (!buf)
		return -ENOMEM;
	while (done < n) {
		struct iov_iter it;
		u64 at = *pos;
		ssize_t got;

		iter_init_kernel(&it, buf, min(n - done, size));
		got = vfs_read(c, in, &it, &at);
		ret = got;
		if (got <= 0)
			break;
		iter_init_kernel(&it, buf, (size_t)got);
		ret = vfs_write(c, out, &it, out_pos);
		if (ret <= 0)
			break;
		done += (size_t)ret;
		*pos += (u64)ret;
		if (t->work & (TW_SIGNAL | TW_KILL))
			break;
	}
	kfree(buf, size);
	return done ? (long)done : ret;
}

long sys_sendfile(struct task *t, const struct sys_args *a)
{
	size_t total = min(a->a[3], (u64)LENGTH_MAX);
	u64 given, own, *pos = NULL;
	scoped_file in = NULL;
	scoped_file out = NULL;
	long n;

	in = fd_lookup(t, ARG_INT(a, 1));
	out = fd_lookup(t, ARG_INT(a, 0));
	if (!in || !out || !(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!may_seek(in))
		return a->a[2] ? -ESPIPE : -EINVAL;
	if (out->flags & O_APPEND && !file_is_pipe(out))
		return -EINVAL;
	n = pos_in(t, ARG_GVA(a, 2), &given, &pos);
	if (n)
		return n;
	own = position(t, in);
	pos = pos ? pos : &own;
	do {
		n = copy_files(t, in, pos, out, NULL, total - t->wait.moved);
		if (n > 0) {
			t->wait.moved += (u64)n;
			t->wait.used = true;
		}
	} while (n > 0 && t->wait.moved < total && !(t->work & (TW_SIGNAL | TW_KILL)));
	if (!a->a[2])
		set_position(t, in, own);
	else if (copy_out_obj(t->mm, ARG_GVA(a, 2), pos))
		return -EFAULT;
	if (n == -EAGAIN && !(out->flags & O_NONBLOCK))
		return task_block_file(t, ARG_INT(a, 0), out, EPOLLOUT,
				       t->wait.moved ? (long)t->wait.moved : -ERESTARTSYS);
	return t->wait.moved ? (long)t->wait.moved : check_pipe_error(t, n);
}

static int copy_range_check(const struct file *in, const struct file *out, u64 from, u64 to,
			    size_t n)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	if (from + n < from || to + n < to)
		return -EOVERFLOW;
	if (in->inode == out->inode && from < to + n && to < from + n)
		return -EINVAL;
	return 0;
}

long sys_copy_file_range(struct task *t, const struct sys_args *a)
{
	size_t n = min(a->a[4], (u64)LENGTH_MAX);
	u64 from, to, *in_at, *out_at;
	scoped_file in = NULL;
	scoped_file out = NULL;
	long ret;

	in = fd_lookup(t, ARG_INT(a, 0));
	out = fd_lookup(t, ARG_INT(a, 2));
	if (!in || !out)
		return -EBADF;
	ret = pos_in(t, ARG_GVA(a, 1), &from, &in_at);
	if (ret == 0)
		ret = pos_in(t, ARG_GVA(a, 3), &to, &out_at);
	if (ret)
		return ret;
	if (ARG_UINT(a, 5))
		return -EINVAL;
	from = in_at ? from : position(t, in);
	to = out_at ? to : position(t, out);
	ret = copy_range_check(in, out, from, to, n);
	if (ret || n == 0)
		return ret;
	ret = copy_files(t, in, &from, out, &to, n);
	if (ret <= 0)
		return ret;
	if (!in_at)
		set_position(t, in, from);
	if (!out_at)
		set_position(t, out, to);
	if ((in_at && copy_out_obj(t->mm, ARG_GVA(a, 1), &from)) ||
	    (out_at && copy_out_obj(t->mm, ARG_GVA(a, 3), &to)))
		return -EFAULT;
	return ret;
}
