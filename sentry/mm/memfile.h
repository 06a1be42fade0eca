/* SPDX-License-Identifier: Apache-2.0 */
/* memfile.h - one host memory file that holds the content of all files of the sentry's own
 *
 * tmpfs, overlay's upper layer, memfd and shared anonymous memory take extents of it. The sentry
 * has all of it mapped (memfile_ptr), guests map extents by descriptor and offset. Allocation is in
 * pages, buddy-like, extents are naturally aligned powers of two up to 2 MiB; freed extents are
 * punched out of the host file.
 */
#ifndef SENTRY_MM_MEMFILE_H
#define SENTRY_MM_MEMFILE_H

#include "sentry/base/types.h"

int memfile_init(void);
int memfile_fd(void);	    /* the descriptor that guests' mappings use */
int memfile_empty_fd(void); /* an empty file: mappings of it are SIGBUS */
/* 2^order zeroed pages (order <= 9): the offset, or -ENOSPC. */
s64 memfile_alloc(unsigned order);
void memfile_free(u64 offset, unsigned order);
/* Where the sentry sees [offset, ...) of an allocated extent. */
void *memfile_ptr(u64 offset);
u64 memfile_in_use(void); /* bytes */
/* The host's cgroup leaves the sandbox @limit bytes; 0: no limit. Extents then end with -ENOSPC
 * before they fill it: the host would kill the sentry, who has all of them mapped, and not a guest.
 * Any thread. */
void memfile_set_limit(u64 limit);
/* A run of any size for memory that only guests look at (shared anonymous memory): contiguous in
 * the file, not in memfile_ptr's range, sparse until it is touched. Offset or -ENOMEM. */
s64 memfile_run_alloc(u64 size);
void memfile_run_free(u64 offset, u64 size);
/* Makes [offset, offset + size) read as zeroes, and gives its memory back. */
int memfile_punch(u64 offset, u64 size);

#endif
