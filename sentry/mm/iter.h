/* SPDX-License-Identifier: Apache-2.0 */
/* iter.h - a cursor over the buffers of one read or write: the guest's memory or the sentry's */
#ifndef SENTRY_MM_ITER_H
#define SENTRY_MM_ITER_H

#include <sys/uio.h>

#include "sentry/base/types.h"

struct mm;

#define ITER_IOV_MAX 1024

struct iov_iter {
	struct mm *mm; /* the guest whose memory it is; NULL: the sentry's own */
	const struct iovec
		*iov;	     /* copied in and checked; bases are guest addresses when mm is set */
	unsigned count;	     /* segments left, the first is partly used */
	size_t offset;	     /* into the first segment */
	size_t left;	     /* bytes in all, <= INT_MAX & PAGE_MASK */
	void *scratch;	     /* buffer of the worker's to pass host data through */
	size_t scratch_size; /* 256 KiB, or less */
	bool append;	     /* of a write: at the end, whatever the position (RWF_APPEND) */
	struct iovec one;    /* storage for a single segment */
};

void iter_init_guest(struct iov_iter *it, struct mm *mm, gva_t addr, size_t n, void *scratch,
		     size_t scratch_size);
void iter_init_kernel(struct iov_iter *it, void *buf, size_t n);
/* Copy and advance; bytes moved: fewer than @n at the end or at a fault (iter_faulted tells which
 * by left). */
size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it);
size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it);
size_t iter_zero(size_t n, struct iov_iter *it);
void iter_advance(struct iov_iter *it, size_t n);
void iter_truncate(struct iov_iter *it, size_t n);

#endif
