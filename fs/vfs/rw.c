/* SPDX-License-Identifier: Apache-2.0 */
/* rw.c - what is done with an open file: read, write, seek, list, poll, map, allocate, sync
 *
 * The position of a seekable file is moved under pos_lock, which is held over the file system's
 * read and write: two threads that share a file never read the same bytes twice (POSIX, and Linux
 * since 3.14).
 */
#include "fs/vfs/vfs_internal.h"

#include <linux/falloc.h>
#include <sys/epoll.h>
#include <sys/mman.h>

static bool is_stream(const struct file *f)
{
	return inode_flags(f->inode) & INODE_STREAM;
}

/* Position @pos or the file's own (locked): returns where it is. */
static u64 *position_get(struct file *f, u64 *pos, u64 *none)
{
	if (pos)
		return pos;
	if (is_stream(f)) {
		*none = 0;
		return none;
	}
	mutex_lock(&f->pos_lock);
	return &f->pos;
}

static void position_put(struct file *f, u64 *pos)
{
	if (!pos && !is_stream(f))
		mutex_unlock(&f->pos_lock);
}

ssize_t vfs_read(struct caller *c, struct file *f, struct iov_iter *it, u64 *pos_or_null)
{
	u64 *pos, none;
	ssize_t n;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->op->read)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	pos = position_get(f, pos_or_null, &none);
	if (unlikely(*pos > INT64_MAX)) {
		n = -EINVAL;
	} else {
		iter_truncate(it, min((u64)it->left, (u64)INT64_MAX - *pos));
		n = f->op->read(c, f, it, pos);
	}
	position_put(f, pos_or_null);
	if (n >= 0 && !is_stream(f)) {
		touch_atime(f);
		if (n > 0)
			notify_dentry(f->path.dentry, IN_ACCESS, 0);
	}
	return n;
}

/* Bounds by RLIMIT_FSIZE and the largest offset. Regular files. The end that others move meanwhile
 * is as good as the one before. */
READS_UNLOCKED static int write_limit(struct caller *c, struct file *f, struct iov_iter *it,
				      u64 pos)
{
	u64 limit = min(c->fsize_limit, (u64)INT64_MAX);

	if (write_appends(f, it))
		pos = f->inode->size;
	if (!it->left)
		return 0;
	if (pos >= limit)
		return -EFBIG;
	iter_truncate(it, min((u64)it->left, limit - pos));
	return 0;
}

static void written(struct file *f)
{
	struct inode *i = f->inode;

	if (!(i->flags & INODE_OWN_TIMES) && S_ISREG(i->mode)) {
		inode_lock(i);
		i->mtime = i->ctime = vfs_now();
		inode_unlock(i);
	}
	notify_dentry(f->path.dentry, IN_MODIFY, 0);
}

ssize_t vfs_write(struct caller *c, struct file *f, struct iov_iter *it, u64 *pos_or_null)
{
	u64 *pos, none;
	ssize_t n = 0;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->op->write)
		return -EINVAL;
	pos = position_get(f, pos_or_null, &none);
	if (unlikely(*pos > INT64_MAX))
		n = -EINVAL;
	else if (S_ISREG(f->inode->mode))
		n = write_limit(c, f, it, *pos);
	if (!n && S_ISREG(f->inode->mode))
		n = file_strip_privs(c, &f->path);
	if (!n)
		n = f->op->write(c, f, it, pos);
	position_put(f, pos_or_null);
	if (n > 0 && !is_stream(f))
		written(f);
	return n;
}

/* The place that @off and @whence mean in a file of @size, without moving. */
s64 generic_seek(u64 pos, u64 size, s64 off, int whence)
{
	s64 to;

	switch (whence) {
	case SEEK_SET:
		to = off;
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow((s64)pos, off, &to))
			return -EINVAL;
		break;
	case SEEK_END:
		if (__builtin_add_overflow((s64)size, off, &to))
			return -EINVAL;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0 || (u64)off >= size)
			return -ENXIO;
		to = whence == SEEK_DATA ? off : (s64)size;
		break;
	default:
		return -EINVAL;
	}
	return to < 0 ? -EINVAL : to;
}

s64 vfs_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	s64 to;

	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return -EINVAL;
	if (is_stream(f) && !f->op->llseek)
		return -ESPIPE;
	mutex_lock(&f->pos_lock);
	to = f->op->llseek ? f->op->llseek(c, f, off, whence)
			   : generic_seek(f->pos, f->inode->size, off, whence);
	if (to >= 0)
		f->pos = to;
	mutex_unlock(&f->pos_lock);
	return to;
}

int vfs_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	int err;

	if (!S_ISDIR(f->inode->mode) || !f->op->iterate)
		return -ENOTDIR;
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (inode_flags(f->inode) & INODE_DEAD)
		return -ENOENT;
	mutex_lock(&f->pos_lock);
	dc->pos = f->pos;
	err = f->op->iterate(c, f, dc);
	f->pos = dc->pos;
	mutex_unlock(&f->pos_lock);
	touch_atime(f);
	notify_dentry(f->path.dentry, IN_ACCESS, 0);
	return err;
}

void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(pt, f, q);
}

u32 vfs_poll(struct file *f, struct poll_table *pt)
{
	if (!f->op->poll)
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	return f->op->poll(f, pt);
}

int vfs_mmap(struct caller *c, struct file *f, struct mm_map_request *req)
{
	req->file = f;
	req->file_readable = f->mode & FMODE_READ;
	req->file_writable = f->mode & FMODE_WRITE;
	req->noexec = f->path.mnt->flags & MS_NOEXEC;
	if (!req->file_readable)
		return -EACCES;
	if (!req->file_writable && (req->prot & PROT_WRITE) &&
	    (req->flags & MAP_TYPE) != MAP_PRIVATE)
		return -EACCES;
	if (f->op->mmap)
		return f->op->mmap(c, f, req);
	if (!f->inode->map.ops)
		return -ENODEV;
	req->map = &f->inode->map;
	return 0;
}

int vfs_fallocate(struct caller *c, struct file *f, int mode, s64 off, s64 len)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
			  FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE;
	s64 end;
	int err;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~known)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((inode_flags(f->inode) & INODE_APPEND) && (mode & ~FALLOC_FL_KEEP_SIZE))
		return -EPERM;
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (S_ISDIR(f->inode->mode))
		return -EISDIR;
	if (!S_ISREG(f->inode->mode))
		return -ENODEV;
	if (__builtin_add_overflow(off, len, &end))
		return -EFBIG;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && (u64)end > c->fsize_limit)
		return -EFBIG;
	if (!f->op->fallocate)
		return -EOPNOTSUPP;
	err = file_strip_privs(c, &f->path);
	if (!err)
		err = f->op->fallocate(c, f, mode, off, len);
	if (!err)
		notify_dentry(f->path.dentry, IN_MODIFY, 0);
	return err;
}

int vfs_fsync(struct caller *c, struct file *f, bool data_only)
{
	if (f->op->fsync)
		return f->op->fsync(c, f, data_only);
	return S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode) ? 0 : -EINVAL;
}

void vfs_describe(struct mappable *m, void *file, u64 *dev, u64 *ino, struct strbuf *path)
{
	struct file *f = file;
	struct kstat st;

	inode_fill_stat(f->inode, &st);
	*dev = st.dev;
	*ino = st.ino;
	path_describe(&f->path, path);
}
