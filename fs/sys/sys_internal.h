/* SPDX-License-Identifier: Apache-2.0 */
/* sys_internal.h - between the files of fs/sys */
#ifndef FS_SYS_SYS_INTERNAL_H
#define FS_SYS_SYS_INTERNAL_H

#include "fs/kernfs/kernfs.h"

/* net.c: the directory /sys/class/net. */
int sys_net_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		   struct kernfs_node *out);
s64 sys_net_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
		    struct dir_context *dc);

#endif
