/* SPDX-License-Identifier: Apache-2.0 */
/* hostfd.h - files of the guest behind which stands a descriptor that runsc was started with: stdio
 *
 * Terminals that the guest is to control do not come here (devpts/console.c). A stream that cannot
 * be reopened is read and written only when the host says that it is ready, in pieces that cannot
 * block.
 */
#ifndef FS_HOSTFD_HOSTFD_H
#define FS_HOSTFD_HOSTFD_H

#include "fs/vfs/vfs.h"

/* Boot: a directory of a proc of ours, through which pipes are reopened, so that our O_NONBLOCK is
 * not the starter's. */
void hostfd_init(int procfd);
/* A file for the host descriptor @fd, which stays open: pipe, socket, terminal, regular file or
 * device. Access mode and O_APPEND are the descriptor's. ERR_PTR on failure (-EBADF: not open). At
 * boot, before the filter. */
struct file *hostfd_create(struct caller *c, int fd);

#endif
