/* SPDX-License-Identifier: Apache-2.0 */
/* memdata.h - the content of a regular file that lives in the memfile: of tmpfs, memfd, and
 * overlay's upper files
 *
 * All calls but memdata_init and the quota's are made with the lock of the file's inode held,
 * unless said otherwise.
 */
#ifndef FS_VFS_MEMDATA_H
#define FS_VFS_MEMDATA_H

#include "fs/vfs/vfs.h"
#include "sentry/base/rbtree.h"

/* How many pages may be used together; shared by the files of a super block. */
struct mem_quota {
	_Atomic u64 used, max; /* pages; max 0: no limit */
};

struct mem_extent;
struct memdata {
	struct rb_root extents;	 /* by page */
	struct mem_extent *last; /* found last, or NULL */
	u64 pages;		 /* in extents */
	u32 maps;		 /* mappings: while there are any, no extent is given back */
	struct mem_quota *quota;
};

void memdata_init(struct memdata *d, struct mem_quota *quota);
/* Gives all back. */
void memdata_fini(struct memdata *d);
/* Bytes moved at @pos of a file of @size; 0 at its end; -EFAULT. Does not move @pos. */
ssize_t memdata_read(struct memdata *d, u64 size, struct iov_iter *to, u64 pos);
/* Bytes moved, which may end behind the old size (the caller sets the new one); -ENOSPC, -EFAULT.
 */
ssize_t memdata_write(struct memdata *d, struct iov_iter *from, u64 pos);
/* Memory behind [pos, ...), allocated when there is none: *out_n bytes at most, up to the end of
 * its extent. ERR_PTR. */
void *memdata_room(struct memdata *d, u64 pos, size_t *out_n);
/* Frees or zeroes [from, to). */
void memdata_punch(struct memdata *d, u64 from, u64 to);
/* The file becomes @size bytes; what is behind reads as 0 should it grow again. */
void memdata_truncate(struct memdata *d, u64 size);
/* All of [off, off + len) gets memory. 0 or -ENOSPC. */
int memdata_allocate(struct memdata *d, u64 off, u64 len);
/* SEEK_DATA, SEEK_HOLE in a file of @size. */
s64 memdata_seek(struct memdata *d, u64 size, u64 off, int whence);
/* mappable_ops.extent. */
int memdata_extent(struct memdata *d, u64 size, u64 off, u64 len, struct map_extent *out);
void memdata_mapped(struct memdata *d);
void memdata_unmapped(struct memdata *d, u64 size);
/* st_blocks of a file of @size. */
u64 memdata_blocks(const struct memdata *d, u64 size);

/* --- extended attributes in memory (memxattr.c) ------------------------------------------------
 */

struct memxattrs {
	struct list names; /* struct memxattr, in order of creation */
	u32 bytes;
};

void memxattr_init(struct memxattrs *x);
void memxattr_fini(struct memxattrs *x);
ssize_t memxattr_get(struct memxattrs *x, const char *name, void *buf, size_t size);
int memxattr_set(struct memxattrs *x, const char *name, const void *buf, size_t size, int flags);
ssize_t memxattr_list(struct memxattrs *x, char *buf, size_t size);
int memxattr_remove(struct memxattrs *x, const char *name);

/* --- inodes whose content is memdata (memnode.c) -----------------------------------------------
 */

/* inode->data points to one, or to what begins with one. */
struct memnode {
	struct memdata data;
	struct memxattrs xattrs;
	u32 seals;		/* F_SEAL_*; guarded by the inode's lock */
	_Atomic s32 write_maps; /* shared mappings that may be written */
};

extern const struct file_ops memnode_file_ops; /* regular files */
extern const struct mappable_ops memnode_map_ops;
/* Prepares inode->data = @n and what a regular file needs. */
void memnode_init(struct inode *i, struct memnode *n, struct mem_quota *quota);
void memnode_fini(struct memnode *n);
/* For inode_ops. */
int memnode_getattr(struct caller *c, struct inode *i, struct kstat *out);
int memnode_setattr(struct caller *c, struct inode *i, const struct attr *a);
ssize_t memnode_getxattr(struct caller *c, struct inode *i, const char *name, void *buf,
			 size_t size);
int memnode_setxattr(struct caller *c, struct inode *i, const char *name, const void *buf,
		     size_t size, int flags);
ssize_t memnode_listxattr(struct caller *c, struct inode *i, char *buf, size_t size);
int memnode_removexattr(struct caller *c, struct inode *i, const char *name);

#endif
