/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - host calls about other processes and threads: what platform/ needs
 *
 * Like host.h: each wrapper has a tag for the filter, returns -errno and leaves errno alone.
 */
#ifndef PLATFORM_HOST_PROCESS_H
#define PLATFORM_HOST_PROCESS_H

#include <sys/uio.h>

#include "sentry/base/types.h"

int host_kill(int pid, int sig);
int host_tgkill(int tgid, int tid, int sig);
int host_getpid(void);
/* Any child, without waiting: its pid, 0 when none has ended, or -ECHILD. */
int host_reap(int *out_status);
long host_vm_readv(int pid, const struct iovec *local, unsigned long nlocal,
		   const struct iovec *remote, unsigned long nremote);
long host_vm_writev(int pid, const struct iovec *local, unsigned long nlocal,
		    const struct iovec *remote, unsigned long nremote);
/* Affinity masks in bytes; get: bytes written. */
long host_sched_getaffinity(int tid, size_t size, void *mask);
int host_sched_setaffinity(int tid, size_t size, const void *mask);
int host_setnice(int tid, int nice);
/* CPU time of all threads, also ended ones, of process @pid in ns, or -errno. */
s64 host_cpu_clock(int pid);
/* Opens a file of a directory that we hold, read-only, reads up to @n bytes of it. */
/* Opens @name below @dirfd for reading; no symbolic link as last component. */
int host_open_at(int dirfd, const char *name);
long host_read_at(int dirfd, const char *name, void *buf, size_t n);

#endif
