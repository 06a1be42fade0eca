/* SPDX-License-Identifier: Apache-2.0 */
/* dev.h - character devices that need no hardware */
#ifndef FS_DEV_DEV_H
#define FS_DEV_DEV_H

#include "fs/vfs/vfs.h"

/* At boot: registers null, zero, full, random, urandom (null(4), full(4), random(4)). */
int dev_init(void);

#endif
