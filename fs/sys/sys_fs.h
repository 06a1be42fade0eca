/* SPDX-License-Identifier: Apache-2.0 */
/* sys_fs.h - sysfs: the few files that C libraries, JVMs, Go and node read (sysfs(5)) */
#ifndef FS_SYS_SYS_FS_H
#define FS_SYS_SYS_FS_H

/* At boot: registers type "sysfs". */
int sysfs_init(void);

#endif
