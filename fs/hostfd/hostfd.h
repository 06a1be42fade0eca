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
 * not the starter's. 0 or -errno. */
int hostfd_init(int procfd);
/* A file for the host descriptor @fd, which is taken over: pipe, socket, terminal,
 * regular file or device. Access mode and O_APPEND are the descriptor's. ERR_PTR on failure
 * (-EBADF: not open). @ours: nobody else has this open description; what can be non-blocking is so
 * already. Otherwise only at boot, before the filter: a pipe is opened anew. */
struct file *hostfd_create(struct caller *c, int fd, bool ours);

#endif
