/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - /dev/null, zero, full, random, urandom */
#include <sys/ioctl.h>
#include <linux/random.h>

#include "fs/dev/dev.h"
#include "platform/host/host.h"
#include "sentry/mm/copy.h"

#define MEM_MAJOR 1
enum { MINOR_NULL = 3, MINOR_ZERO = 5, MINOR_FULL = 7, MINOR_RANDOM = 8, MINOR_URANDOM = 9 };

static ssize_t null_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	return 0;
}

static ssize_t null_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	size_t n = from->left;

	iter_advance(from, n);
	return n;
}

static ssize_t zero_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	size_t want = to->left, n = iter_zero(want, to);

	return n == 0 && want > 0 ? -EFAULT : (ssize_t)n;
}

static ssize_t full_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	return from->left ? -ENOSPC : 0;
}

static ssize_t random_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	u8 buf[256];
	ssize_t done = 0;

	while (to->left > 0) {
		size_t n = min(to->left, sizeof(buf)), moved;

		host_getrandom(buf, n);
		moved = copy_to_iter(buf, n, to);
		done += moved;
		if (moved < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static long random_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	s32 bits = 256;

	if (cmd == RNDGETENTCNT)
		return copy_out_obj(c->mm, GVA(arg), &bits);
	if (cmd == RNDADDTOENTCNT || cmd == RNDADDENTROPY || cmd == RNDZAPENTCNT ||
	    cmd == RNDCLEARPOOL)
		return -EPERM; /* the pool is the host's */
	return -ENOTTY;
}

static s64 null_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	return f->pos = 0;
}

/* A private mapping of /dev/zero is anonymous memory; so is a shared one, with an object of its
 * own. */
static int zero_mmap(struct caller *c, struct file *f, struct mm_map_request *req)
{
	req->map = NULL;
	req->file = NULL;
	req->offset = 0;
	req->flags |= 0x20; /* MAP_ANONYMOUS */
	return 0;
}

static const struct file_ops null_ops = {
	.read = null_read, .write = null_write, .llseek = null_llseek};
static const struct file_ops zero_ops = {
	.read = zero_read, .write = null_write, .llseek = null_llseek, .mmap = zero_mmap};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .llseek = null_llseek};
static const struct file_ops random_ops = {
	.read = random_read, .write = null_write, .ioctl = random_ioctl, .llseek = null_llseek};

int dev_init(void)
{
	vfs_chrdev_register(MEM_MAJOR, MINOR_NULL, 1, &null_ops);
	vfs_chrdev_register(MEM_MAJOR, MINOR_ZERO, 1, &zero_ops);
	vfs_chrdev_register(MEM_MAJOR, MINOR_FULL, 1, &full_ops);
	vfs_chrdev_register(MEM_MAJOR, MINOR_RANDOM, 2, &random_ops);
	return 0;
}
