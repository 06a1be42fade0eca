/* SPDX-License-Identifier: Apache-2.0 */
/* overlay.h - a file system that is not changed, with its changes in memory on top */
#ifndef FS_OVERLAY_OVERLAY_H
#define FS_OVERLAY_OVERLAY_H

#include "fs/vfs/vfs.h"

/* @lower must not be mounted anywhere else, and nothing but its root known. The references on both
 * are taken over on success. @upper may be NULL (its limits would count; now nothing limits changes
 * but memory). */
int overlay_create(struct caller *c, struct super_block *lower, struct super_block *upper,
		   struct super_block **out);

#endif
