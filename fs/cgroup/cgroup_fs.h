/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_fs.h - types "cgroup" and "cgroup2": the container's own limits and use, read-only */
#ifndef FS_CGROUP_CGROUP_FS_H
#define FS_CGROUP_CGROUP_FS_H

/* At boot: registers both types. "cgroup" takes the name of a v1 controller (or a named hierarchy)
 * as its option, and is mounted once for each, as on a host. */
int cgroup_fs_init(void);

#endif
