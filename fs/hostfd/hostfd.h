/* SPDX-License-Identifier: Apache-2.0 */
/* hostfd.h - files of the guest behind which stands a descriptor that runsc was started with: stdio */
#ifndef FS_HOSTFD_HOSTFD_H
#define FS_HOSTFD_HOSTFD_H

#include "fs/vfs/vfs.h"

/* A file for the host descriptor @fd, which stays open: pipe, socket, terminal, regular file or device. Access mode and
 * O_APPEND are the descriptor's. ERR_PTR on failure (-EBADF: not open). At boot, before the filter. */
struct file *hostfd_create(struct caller *c, int fd);

#endif
