/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs.h - the file system in memory */
#ifndef FS_TMPFS_TMPFS_H
#define FS_TMPFS_TMPFS_H

#include "fs/vfs/vfs.h"

/* Options: size, nr_blocks, nr_inodes, mode, uid, gid (tmpfs(5)). */
extern const struct file_system_type tmpfs_type;
/* Limits of mounts that name none, in pages and inodes. At boot. */
void tmpfs_set_defaults(u64 pages, u64 inodes);

#endif
