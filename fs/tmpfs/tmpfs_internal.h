/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs_internal.h - between tmpfs.c (names, inodes) and super.c (options, limits) */
#ifndef FS_TMPFS_TMPFS_INTERNAL_H
#define FS_TMPFS_TMPFS_INTERNAL_H

#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs/memdata.h"
#include "fs/vfs/memdir.h"

struct tmpfs_sb {
	struct mem_quota pages;
	_Atomic u64 inodes, max_inodes; /* max 0: no limit */
	u64 size_given, inodes_given;	/* what the options said, for /proc/mounts; 0: nothing */
	u32 mode, uid, gid;
};

struct tmpfs_node {
	struct memnode mem; /* first */
	struct memdir dir;  /* directories */
	bool linkable;	    /* made by O_TMPFILE: link may give it its first name */
};

static inline struct tmpfs_sb *tmpfs_sb(const struct super_block *sb)
{
	return sb->data;
}
static inline struct tmpfs_node *tmpfs_node(const struct inode *i)
{
	return i->data;
}

/* A new inode as @a says; NULL: no memory, or no inode left (ENOSPC). */
struct inode *tmpfs_inode(struct super_block *sb, const struct attr *a);
void tmpfs_evict(struct inode *i);

#endif
