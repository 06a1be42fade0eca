/* SPDX-License-Identifier: Apache-2.0 */
/* pipe.h - pipes and FIFOs, and what splice needs of them */
#ifndef FS_PIPE_PIPE_H
#define FS_PIPE_PIPE_H

#include "fs/vfs/vfs.h"

#define PIPE_SIZE_DEFAULT 65536u
#define PIPE_SIZE_MAX	  (1u << 20) /* /proc/sys/fs/pipe-max-size */

/* Operations of both ends of pipes and of FIFOs; given to vfs_set_fifo_ops() at boot. */
extern const struct file_ops pipe_ops;

/* pipe2(2): out[0] to read, out[1] to write. @flags: O_NONBLOCK, O_DIRECT. 0 or -errno. */
int pipe_create(struct caller *c, u32 flags, struct file *out[2]);
static inline bool file_is_pipe(const struct file *f)
{
	return f->op == &pipe_ops;
}
/* F_GETPIPE_SZ, F_SETPIPE_SZ: bytes, -EBADF when @f is no pipe; set: -EINVAL, -EBUSY (holds more),
 * -EPERM (above the maximum and not @privileged), -ENOMEM. */
long pipe_get_size(struct file *f);
long pipe_set_size(struct file *f, u64 size, bool privileged);

/* For splice: the data (or the room) as one or two pieces of memory, which stay as they are until
 * the matching end: meanwhile other readers (writers) get -EAGAIN, and are woken by the end. @want
 * > 0. begin: bytes in @seg, at most
 * @want; 0: end of file (read); -EAGAIN, -EPIPE (write). No end after a result <= 0. */
ssize_t pipe_read_begin(struct file *f, size_t want, struct iovec seg[2]);
void pipe_read_end(struct file *f, size_t consumed);
ssize_t pipe_write_begin(struct file *f, size_t want, struct iovec seg[2]);
void pipe_write_end(struct file *f, size_t produced);
/* Copies up to @n bytes from one pipe to the other; tee leaves them in @from. Bytes; 0: end of file
 * of @from; -EAGAIN with *out_wait the file to wait for; -EPIPE; -EINVAL when both are the same
 * pipe. */
ssize_t pipe_to_pipe(struct file *from, struct file *to, size_t n, bool tee,
		     struct file **out_wait);

#endif
