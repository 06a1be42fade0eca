/* SPDX-License-Identifier: Apache-2.0 */
/* memnode.c - regular files whose content is in the memfile: the operations that tmpfs and memfd
 * have in common */
#include <linux/falloc.h>
#include <sys/mman.h>

#include "fs/vfs/memdata.h"
#include "fs/vfs/vfs_internal.h"

static struct memnode *node_of(const struct inode *i)
{
	return i->data;
}

void memnode_init(struct inode *i, struct memnode *n, struct mem_quota *quota)
{
	memdata_init(&n->data, quota);
	memxattr_init(&n->xattrs);
	n->seals = F_SEAL_SEAL;
	i->data = n;
	if (S_ISREG(i->mode)) {
		i->map.ops = &memnode_map_ops;
		i->flags |= INODE_OWN_TIMES;
	}
}

void memnode_fini(struct memnode *n)
{
	memdata_fini(&n->data);
	memxattr_fini(&n->xattrs);
}

/* --- data --------------------------------------------------------------------------------------
 */

static ssize_t memnode_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct inode *i = f->inode;
	ssize_t n;

	inode_lock(i);
	n = memdata_read(&node_of(i)->data, i->size, to, *pos);
	inode_unlock(i);
	if (n > 0)
		*pos += n;
	return n;
}

/* What the seals leave of a write at @at: 0 or -EPERM. */
static int write_sealed(const struct memnode *n, const struct inode *i, struct iov_iter *from,
			u64 at)
{
	if (likely(!(n->seals & ~(u32)F_SEAL_SEAL)))
		return 0;
	if (n->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (!(n->seals & F_SEAL_GROW) || at + from->left <= i->size)
		return 0;
	if (at >= i->size)
		return -EPERM;
	iter_truncate(from, i->size - at);
	return 0;
}

/* The file grows: what a guest's mapping may have left behind the old end must read as 0. */
static void grow(struct inode *i, u64 size)
{
	struct memdata *d = &node_of(i)->data;

	if (d->maps && page_offset(i->size))
		memdata_punch(d, i->size, min(page_up(i->size), size));
	i->size = size;
}

static ssize_t memnode_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct inode *i = f->inode;
	struct memnode *node = node_of(i);
	ssize_t n;
	u64 at;

	inode_lock(i);
	at = write_appends(f, from) ? i->size : *pos;
	n = write_sealed(node, i, from, at);
	if (!n && at > i->size && page_offset(i->size) && node->data.maps)
		memdata_punch(&node->data, i->size, page_up(i->size));
	if (!n)
		n = memdata_write(&node->data, from, at);
	if (n > 0) {
		if (at + n > i->size)
			i->size = at + n;
		i->mtime = i->ctime = vfs_now();
		*pos = at + n;
	}
	inode_unlock(i);
	return n;
}

static s64 memnode_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	struct inode *i = f->inode;
	s64 to;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_seek(f->pos, i->size, off, whence);
	if (off < 0)
		return -ENXIO;
	inode_lock(i);
	to = memdata_seek(&node_of(i)->data, i->size, off, whence);
	inode_unlock(i);
	return to;
}

static int fallocate_locked(struct inode *i, int mode, u64 off, u64 len)
{
	struct memnode *n = node_of(i);
	int err = 0;

	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (n->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			return -EPERM;
		memdata_punch(&n->data, off, off + len);
	} else {
		if (off + len > i->size && !(mode & FALLOC_FL_KEEP_SIZE) &&
		    (n->seals & F_SEAL_GROW))
			return -EPERM;
		if (mode & FALLOC_FL_ZERO_RANGE)
			memdata_punch(&n->data, off, off + len);
		err = memdata_allocate(&n->data, off, len);
		if (!err && off + len > i->size && !(mode & FALLOC_FL_KEEP_SIZE))
			grow(i, off + len);
	}
	if (!err)
		i->mtime = i->ctime = vfs_now();
	return err;
}

static int memnode_fallocate(struct caller *c, struct file *f, int mode, u64 off, u64 len)
{
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	inode_lock(f->inode);
	err = fallocate_locked(f->inode, mode, off, len);
	inode_unlock(f->inode);
	return err;
}

static int memnode_mmap(struct caller *c, struct file *f, struct mm_map_request *req)
{
	struct inode *i = f->inode;
	u32 seals = node_of(i)->seals;

	if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) &&
	    (req->flags & MAP_TYPE) != MAP_PRIVATE) {
		if (req->prot & PROT_WRITE)
			return -EPERM;
		req->file_writable = false;
	}
	req->map = &i->map;
	return 0;
}

const struct file_ops memnode_file_ops = {
	.read = memnode_read,
	.write = memnode_write,
	.llseek = memnode_llseek,
	.fallocate = memnode_fallocate,
	.mmap = memnode_mmap,
};

/* --- mappings ----------------------------------------------------------------------------------
 */

static struct inode *inode_of(struct mappable *m)
{
	return container_of(m, struct inode, map);
}

static int memnode_extent(struct mappable *m, u64 off, u64 size, bool write, struct map_extent *out)
{
	struct inode *i = inode_of(m);
	int err;

	inode_lock(i);
	err = memdata_extent(&node_of(i)->data, i->size, off, size, out);
	inode_unlock(i);
	return err;
}

static void memnode_map_get(struct mappable *m)
{
	struct inode *i = inode_get(inode_of(m));

	sb_get(i->sb);
	inode_lock(i);
	memdata_mapped(&node_of(i)->data);
	inode_unlock(i);
}

static void memnode_map_put(struct mappable *m)
{
	struct inode *i = inode_of(m);
	struct super_block *sb = i->sb;

	inode_lock(i);
	memdata_unmapped(&node_of(i)->data, i->size);
	inode_unlock(i);
	inode_put(i);
	sb_put(sb);
}

static int memnode_punch(struct mappable *m, void *file, u64 off, u64 size)
{
	struct inode *i = inode_of(m);
	int err = 0;

	inode_lock(i);
	if (node_of(i)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		err = -EPERM;
	else
		memdata_punch(&node_of(i)->data, off, min(off + size, (u64)INT64_MAX & PAGE_MASK));
	inode_unlock(i);
	return err;
}

static u64 memnode_map_size(struct mappable *m)
{
	return __atomic_load_n(&inode_of(m)->size, __ATOMIC_RELAXED);
}

static void memnode_write_mapped(struct mappable *m, int delta)
{
	atomic_fetch_add(&node_of(inode_of(m))->write_maps, delta);
}

const struct mappable_ops memnode_map_ops = {
	.extent = memnode_extent,
	.get = memnode_map_get,
	.put = memnode_map_put,
	.describe = vfs_describe,
	.punch = memnode_punch,
	.write_mapped = memnode_write_mapped,
	.size = memnode_map_size,
};

/* --- attributes --------------------------------------------------------------------------------
 */

int memnode_getattr(struct caller *c, struct inode *i, struct kstat *out)
{
	if (!S_ISREG(i->mode)) {
		inode_fill_stat(i, out);
		return 0;
	}
	inode_lock(i);
	inode_fill_stat(i, out);
	out->blocks = memdata_blocks(&node_of(i)->data, i->size);
	inode_unlock(i);
	return 0;
}

int memnode_setattr(struct caller *c, struct inode *i, const struct attr *a)
{
	struct memnode *n = node_of(i);
	bool shrunk = false;

	mutex_assert_held(&i->lock);
	if (a->valid & ATTR_SIZE) {
		if ((a->size < i->size && (n->seals & F_SEAL_SHRINK)) ||
		    (a->size > i->size && (n->seals & F_SEAL_GROW)))
			return -EPERM;
		shrunk = a->size < i->size && n->data.maps;
		if (a->size < i->size)
			memdata_truncate(&n->data, a->size);
		else if (a->size > i->size)
			grow(i, a->size);
	}
	inode_apply_attr(i, a);
	if (shrunk)
		mm_note_truncation();
	return 0;
}

ssize_t memnode_getxattr(struct caller *c, struct inode *i, const char *name, void *buf,
			 size_t size)
{
	ssize_t n;

	inode_lock(i);
	n = memxattr_get(&node_of(i)->xattrs, name, buf, size);
	inode_unlock(i);
	return n;
}

int memnode_setxattr(struct caller *c, struct inode *i, const char *name, const void *buf,
		     size_t size, int flags)
{
	return memxattr_set(&node_of(i)->xattrs, name, buf, size, flags);
}

ssize_t memnode_listxattr(struct caller *c, struct inode *i, char *buf, size_t size)
{
	ssize_t n;

	inode_lock(i);
	n = memxattr_list(&node_of(i)->xattrs, buf, size);
	inode_unlock(i);
	return n;
}

int memnode_removexattr(struct caller *c, struct inode *i, const char *name)
{
	return memxattr_remove(&node_of(i)->xattrs, name);
}
