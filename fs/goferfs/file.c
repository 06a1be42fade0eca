/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - open regular files: data passes by the donated descriptor, not through the gofer
 *
 * Writes hold the inode's lock over the host call, so that appends and the size agree; reads take
 * none.
 */
#include "fs/goferfs/goferfs_internal.h"
#include "platform/host/host.h"

#define BOUNCE 4096 /* bytes, for callers without a scratch buffer */

static int gfile_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct gnode *g = gnode_of(inode);
	u32 mode = f->mode & (FMODE_READ | FMODE_WRITE);

	return gfds_get(g, mode ? mode : FMODE_READ);
}

static void gfile_release(struct file *f)
{
	gfds_put(gnode_of(f->inode));
}

/* Where data is passed through: the worker's buffer, or @small. */
static void *bounce(const struct iov_iter *it, u8 small[BOUNCE], size_t *out_size)
{
	*out_size = it->scratch ? it->scratch_size : BOUNCE;
	return it->scratch ? it->scratch : small;
}

/* From the host's memory at once, from its disk with another worker at the border. May be short. */
static long read_now(struct caller *c, int fd, void *buf, size_t n, u64 pos)
{
	long got = host_pread_nowait(fd, buf, n, pos);

	if (likely(got != -EAGAIN && got != -EOPNOTSUPP))
		return got;
	caller_may_block(c);
	return host_pread(fd, buf, n, pos);
}

static ssize_t gfile_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct gnode *g = gnode_of(f->inode);
	int fd = gfds_read(g);
	u8 small[BOUNCE];
	size_t size, done = 0;
	void *buf = bounce(to, small, &size);

	if (fd < 0)
		return -EIO;
	while (to->left) {
		size_t want = min(to->left, size), moved;
		long n = read_now(c, fd, buf, want, *pos);

		if (n <= 0)
			return done ? (ssize_t)done : n;
		moved = copy_to_iter(buf, (size_t)n, to);
		*pos += moved;
		done += moved;
		if (moved < (size_t)n)
			return done ? (ssize_t)done : -EFAULT;
		if ((size_t)n < want && *pos >= f->inode->size)
			break;
	}
	gnode_set_stale(g, STALE_ATIME);
	return (ssize_t)done;
}

/* Writes all of @n bytes at @at unless the host fails or is full: bytes or -errno. */
static long write_all(int fd, const u8 *buf, size_t n, u64 at)
{
	size_t done = 0;

	while (done < n) {
		long ret = host_pwrite(fd, buf + done, n - done, at + done);

		if (ret <= 0)
			return done ? (long)done : ret;
		done += (size_t)ret;
	}
	return (long)done;
}

/* The inode's lock is held. */
static ssize_t write_locked(struct file *f, int fd, struct iov_iter *from, u64 *pos)
{
	struct inode *i = f->inode;
	u8 small[BOUNCE];
	size_t size, done = 0;
	void *buf = bounce(from, small, &size);

	while (from->left) {
		size_t want = min(from->left, size), have = copy_from_iter(buf, want, from);
		long n = have ? write_all(fd, buf, have, *pos) : -EFAULT;

		if (n < 0)
			return done ? (ssize_t)done : n;
		*pos += (u64)n;
		done += (size_t)n;
		if (*pos > i->size)
			i->size = *pos;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}

static ssize_t gfile_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct gnode *g = gnode_of(f->inode);
	u32 flags = atomic_load(&f->flags);
	int fd = gfds_write(g), err = 0;
	ssize_t n;

	if (fd < 0)
		return -EIO;
	mutex_lock(&f->inode->lock);
	if (write_appends(f, from)) {
		if (g->gs->shared)
			err = gnode_refresh_locked(g);
		*pos = f->inode->size;
	}
	n = err ? err : write_locked(f, fd, from, pos);
	gnode_set_stale(g, STALE_ALL);
	mutex_unlock(&f->inode->lock);
	if (n > 0 && (flags & O_DSYNC)) { /* O_SYNC holds that bit too */
		caller_may_block(c);
		err = host_fsync(fd, (flags & O_SYNC) != O_SYNC);
		if (err)
			return err;
	}
	return n;
}

static s64 gfile_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	struct gnode *g = gnode_of(f->inode);
	s64 base, to;
	int err;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (s64)f->pos;
		break;
	case SEEK_END:
		if (g->gs->shared) {
			mutex_lock(&f->inode->lock);
			err = gnode_refresh_locked(g);
			mutex_unlock(&f->inode->lock);
			if (err)
				return err;
		}
		base = (s64)f->inode->size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0)
			return -ENXIO;
		return host_lseek(gfds_read(g) >= 0 ? gfds_read(g) : gfds_write(g), off, whence);
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &to))
		return -EINVAL;
	return to < 0 ? -EINVAL : to;
}

static int gfile_fsync(struct caller *c, struct file *f, bool data_only)
{
	struct gnode *g = gnode_of(f->inode);
	int fd = gfds_write(g);

	if (fd < 0)
		fd = gfds_read(g);
	if (fd < 0)
		return -EIO;
	caller_may_block(c);
	return host_fsync(fd, data_only);
}

static int gfile_fallocate(struct caller *c, struct file *f, int mode, u64 off, u64 len)
{
	struct gnode *g = gnode_of(f->inode);
	int fd = gfds_write(g), err;

	if (fd < 0)
		return -EIO;
	mutex_lock(&f->inode->lock);
	err = host_fallocate(fd, mode, off, len);
	gnode_set_stale(g, STALE_ALL);
	if (!err)
		gnode_refresh_locked(g); /* the size */
	mutex_unlock(&f->inode->lock);
	return err;
}

static int gfile_hostfd(struct file *f)
{
	struct gnode *g = gnode_of(f->inode);

	return f->mode & FMODE_WRITE ? gfds_write(g) : gfds_read(g);
}

const struct file_ops gofer_file_ops = {
	.open = gfile_open,
	.release = gfile_release,
	.read = gfile_read,
	.write = gfile_write,
	.llseek = gfile_llseek,
	.fsync = gfile_fsync,
	.fallocate = gfile_fallocate,
	.hostfd = gfile_hostfd,
};

/* --- mapping
 * ----------------------------------------------------------------------------------------- */

static struct inode *inode_of(struct mappable *m)
{
	return container_of(m, struct inode, map);
}

/* One extent is the whole file: the host gives SIGBUS behind its end, and the pages that it grows
 * by. The mapping holds an open file, so the descriptor stays. */
static int gmap_extent(struct mappable *m, u64 off, u64 size, bool write, struct map_extent *out)
{
	struct gnode *g = gnode_of(inode_of(m));
	int fd = write ? g->fd[FD_RDWR] : gfds_read(g);

	if (fd < 0)
		return -EACCES;
	if (write)
		g->mapped_writable = 1;
	else
		gnode_set_stale(g, STALE_ATIME);
	*out = (struct map_extent){.fd = fd, .offset = off, .size = size};
	return 0;
}

static void gmap_get(struct mappable *m)
{
	inode_get(inode_of(m));
}

static void gmap_put(struct mappable *m)
{
	inode_put(inode_of(m));
}

static int gmap_sync(struct mappable *m, void *file)
{
	return gfile_fsync(NULL, file, true);
}

const struct mappable_ops gofer_map_ops = {
	.extent = gmap_extent,
	.get = gmap_get,
	.put = gmap_put,
	.describe = vfs_describe,
	.sync = gmap_sync,
};
