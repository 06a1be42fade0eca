/* SPDX-License-Identifier: Apache-2.0 */
/* stack.h - what a file system on top of another one uses of vfs: the lower one's files without
 * checks and notifications
 *
 * The lower super block's inodes have locks of rank LR_INODE_LOWER: the upper one may hold its own
 * (LR_INODE) meanwhile.
 */
#ifndef FS_VFS_STACK_H
#define FS_VFS_STACK_H

#include "fs/vfs/vfs.h"

/* Makes @sb a lower one, before anything but its root is known, and a mount of it that is in no
 * namespace. NULL: no memory. Give back with mount_put. */
struct mount *stack_mount(struct super_block *sb);
void mount_put(struct mount *m);
/* The name below @dir: a positive dentry (reference), NULL, or ERR_PTR. No lock of the lower file
 * system held. */
struct dentry *stack_lookup(struct caller *c, struct dentry *dir, const char *name, u32 len);
/* Opens @p as it is. ERR_PTR. */
/* The lower's inode_ops.prefetch, unless the first name is cached: then it was called before. */
void stack_prefetch(struct caller *c, struct dentry *dir, const char *rest, bool open);
struct file *stack_open(struct caller *c, const struct path *p, u32 flags);
/* Attributes as the file system has them. */
int stack_stat(struct caller *c, struct inode *i, struct kstat *out);

#endif
