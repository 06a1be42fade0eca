/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - regular files with a lower one: passed through until they are changed, then memory
 *
 * f->data is the lower file, opened along. Once the content is our own, all open files use that,
 * and new ones are opened with the plain operations of memory.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "fs/overlay/overlay_internal.h"

static bool own_data(const struct inode *i)
{
	return atomic_load_explicit(&ovl_node(i)->own_data, memory_order_acquire);
}

/* The first @upto bytes of @lf into memory. */
static int copy_content(struct caller *c, struct inode *i, struct file *lf, u64 upto)
{
	struct memdata *d = &ovl_node(i)->mem.data;
	struct iov_iter it;
	u64 pos = 0, at;
	ssize_t got;
	size_t n;
	void *p;

	while (pos < upto) {
		n = min(upto - pos, (u64)2 << 20);
		p = memdata_room(d, pos, &n);
		if (IS_ERR(p))
			return PTR_ERR(p);
		iter_init_kernel(&it, p, n);
		at = pos;
		got = lf->op->read ? lf->op->read(c, lf, &it, &at) : -EIO;
		if (got < 0)
			return got;
		if (got == 0)
			break;
		pos += got;
	}
	return 0;
}

int ovl_copy_up(struct caller *c, struct inode *i, u64 upto)
{
	struct ovl_node *n = ovl_node(i);
	struct path p = ovl_lower_path(i);
	struct file *lf;
	int err = 0;

	mutex_assert_held(&i->lock);
	if (own_data(i))
		return 0;
	upto = min(upto, i->size);
	if (upto) {
		lf = stack_open(c, &p, O_RDONLY);
		if (IS_ERR(lf))
			return PTR_ERR(lf);
		err = copy_content(c, i, lf, upto);
		file_put(lf);
	}
	if (err) {
		memdata_fini(&n->mem.data);
		return err;
	}
	ovl_keep(i);
	atomic_store_explicit(&n->own_data, true, memory_order_release);
	i->fop = &memnode_file_ops;
	return 0;
}

/* The whole content becomes our own. */
static int copy_up_all(struct caller *c, struct inode *i)
{
	int err;

	if (own_data(i))
		return 0;
	mutex_lock(&i->lock);
	err = ovl_copy_up(c, i, UINT64_MAX);
	mutex_unlock(&i->lock);
	return err;
}

static int ovl_open(struct caller *c, struct inode *i, struct file *f)
{
	struct path p = ovl_lower_path(i);
	struct file *lf;

	if (own_data(i) || !(f->mode & FMODE_READ))
		return 0;
	lf = stack_open(c, &p, O_RDONLY);
	if (IS_ERR(lf))
		return PTR_ERR(lf);
	f->data = lf;
	return 0;
}

static void ovl_release(struct file *f)
{
	file_put(f->data);
}

static ssize_t ovl_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct file *lf = f->data;

	if (own_data(f->inode))
		return memnode_file_ops.read(c, f, to, pos);
	return lf->op->read ? lf->op->read(c, lf, to, pos) : -EINVAL;
}

static ssize_t ovl_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	int err = copy_up_all(c, f->inode);

	return err ? err : memnode_file_ops.write(c, f, from, pos);
}

static s64 ovl_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	struct file *lf = f->data;

	if (own_data(f->inode) || (whence != SEEK_DATA && whence != SEEK_HOLE))
		return memnode_file_ops.llseek(c, f, off, whence);
	if (lf && lf->op->llseek)
		return lf->op->llseek(c, lf, off, whence);
	return generic_seek(f->pos, f->inode->size, off, whence);
}

static int ovl_fallocate(struct caller *c, struct file *f, int mode, u64 off, u64 len)
{
	int err = copy_up_all(c, f->inode);

	return err ? err : memnode_file_ops.fallocate(c, f, mode, off, len);
}

/* A shared mapping of a file that may be written could be made writable later: it must not be
 * lower's. */
static int ovl_mmap(struct caller *c, struct file *f, struct mm_map_request *req)
{
	bool shared = (req->flags & MAP_TYPE) != MAP_PRIVATE;
	struct file *lf = f->data;
	int err = 0;

	if (shared && req->file_writable)
		err = copy_up_all(c, f->inode);
	if (err)
		return err;
	if (own_data(f->inode))
		return memnode_file_ops.mmap(c, f, req);
	if (lf->op->mmap)
		return lf->op->mmap(c, lf, req);
	if (!lf->inode->map.ops)
		return -ENODEV;
	req->map = &lf->inode->map;
	return 0;
}

static int ovl_hostfd(struct file *f)
{
	struct file *lf = f->data;

	return !own_data(f->inode) && lf && lf->op->hostfd ? lf->op->hostfd(lf) : -1;
}

const struct file_ops ovl_file_fops = {
	.open = ovl_open,
	.release = ovl_release,
	.read = ovl_read,
	.write = ovl_write,
	.llseek = ovl_llseek,
	.fallocate = ovl_fallocate,
	.mmap = ovl_mmap,
	.hostfd = ovl_hostfd,
};
