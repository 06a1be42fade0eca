/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h - the only door to guest memory
 *
 * Copy once, then check the copy: the guest can change its memory between two copies. All calls
 * return 0 (or a count) or -EFAULT; a partial copy counts as a fault, except where said.
 */
#ifndef SENTRY_MM_COPY_H
#define SENTRY_MM_COPY_H

#include "sentry/mm/iter.h"

long copy_in(struct mm *mm, void *dst, gva_t src, size_t n) must_check;
long copy_out(struct mm *mm, gva_t dst, const void *src, size_t n) must_check;
/* Bytes copied before a fault, which may be 0. */
size_t copy_in_some(struct mm *mm, void *dst, gva_t src, size_t n);
size_t copy_out_some(struct mm *mm, gva_t dst, const void *src, size_t n);
/* A 0-terminated string of at most @size bytes with the 0: its length without it; -ENAMETOOLONG
 * when there is no 0 in @size bytes. Never reads into a page behind the one with the 0. */
ssize_t copy_in_str(struct mm *mm, char *dst, gva_t src, size_t size) must_check;
long copy_zero(struct mm *mm, gva_t dst, size_t n) must_check;
/* iovec array of a readv-like call: validates count (<= 1024, else -EINVAL) and total. @storage has
 * room for
 * @count entries. */
long copy_in_iovec(struct mm *mm, struct iovec *storage, gva_t iov, unsigned count,
		   struct iov_iter *out, void *scratch, size_t scratch_size) must_check;

#define copy_in_obj(mm, ptr, src)  copy_in(mm, ptr, src, sizeof(*(ptr)))
#define copy_out_obj(mm, dst, ptr) copy_out(mm, dst, ptr, sizeof(*(ptr)))

#endif
