/* SPDX-License-Identifier: Apache-2.0 */
/* goferfs.h - files of the container's image and of bind mounts, through a gofer */
#ifndef FS_GOFERFS_GOFERFS_H
#define FS_GOFERFS_GOFERFS_H

#include "fs/vfs/vfs.h"

/* Options: "client=N,tree=M" (gofer/client.h, index of the tree), and ",shared" for a tree that the
 * host may change at the same time. Only boot mounts it: mount(2) of a guest gets -ENODEV. */
extern const struct file_system_type goferfs_type;

/* At most @max descriptors of files that nobody has open are kept for the next open. */
void goferfs_limit_fds(u32 max);

#endif
