/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - procfs (proc(5)): what the guest sees of its processes and of the kernel */
#ifndef FS_PROC_PROC_H
#define FS_PROC_PROC_H

/* At boot, while the host's files can still be read (/proc/cpuinfo is taken from there): registers
 * type "proc". */
int proc_init(void);

#endif
