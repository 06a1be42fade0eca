/* SPDX-License-Identifier: Apache-2.0 */
/* kernfs_internal.h - between kernfs.c and text.c */
#ifndef FS_KERNFS_KERNFS_INTERNAL_H
#define FS_KERNFS_KERNFS_INTERNAL_H

#include "fs/vfs/vfs.h"

extern const struct file_ops kernfs_file_ops;
int kernfs_iterate(struct caller *c, struct file *f, struct dir_context *dc);

#endif
