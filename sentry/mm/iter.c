/* SPDX-License-Identifier: Apache-2.0 */
/* iter.c - a cursor over the buffers of one read or write
 *
 * Theory of operation: an iterator names a list of segments, of the guest's memory or of the
 * sentry's own. A copy moves as many bytes as it can with one host call per ITER_BATCH segments,
 * and advances by what was moved. After a fault the iterator stands at the byte that could not be
 * copied.
 */
#include "sentry/mm/iter.h"
#include "sentry/mm/mm.h"

#include <limits.h>

#define ITER_BATCH 16

static void iter_init_one(struct iov_iter *it, struct mm *mm, void *base, size_t n)
{
	it->mm = mm;
	it->append = false;
	it->append = false;
	it->iov = &it->one;
	it->count = n ? 1 : 0;
	it->offset = 0;
	it->left = min(n, (size_t)(INT_MAX & PAGE_MASK));
	it->one = (struct iovec){base, it->left};
}

void iter_init_guest(struct iov_iter *it, struct mm *mm, gva_t addr, size_t n, void *scratch,
		     size_t scratch_size)
{
	iter_init_one(it, mm, (void *)addr.v, n);
	it->scratch = scratch;
	it->scratch_size = scratch_size;
}

void iter_init_kernel(struct iov_iter *it, void *buf, size_t n)
{
	iter_init_one(it, NULL, buf, n);
	it->scratch = NULL;
	it->scratch_size = 0;
}

/* An iterator that was copied by value carries its single segment along. */
static const struct iovec *segments(const struct iov_iter *it)
{
	return it->count == 1 && it->iov != &it->one && it->one.iov_len ? &it->one : it->iov;
}

void iter_advance(struct iov_iter *it, size_t n)
{
	const struct iovec *iov = segments(it);

	if (n > it->left)
		n = it->left;
	it->left -= n;
	it->offset += n;
	while (it->count && it->offset >= iov->iov_len) {
		it->offset -= iov->iov_len;
		it->iov = ++iov;
		it->count--;
	}
}

void iter_truncate(struct iov_iter *it, size_t n)
{
	if (it->left > n)
		it->left = n;
}

/* The next up to ITER_BATCH segments, at most @n bytes: how many; *out_bytes in all. */
static unsigned iter_segments(const struct iov_iter *it, size_t n, struct iovec *out,
			      size_t *out_bytes)
{
	const struct iovec *iov = segments(it);
	size_t offset = it->offset, bytes = 0;
	unsigned used = 0;

	n = min(n, it->left);
	for (unsigned i = 0; i < it->count && used < ITER_BATCH && bytes < n; i++) {
		size_t len = min(iov[i].iov_len - offset, n - bytes);

		if (len) {
			/* the base may be a guest's NULL */
			out[used++] =
				(struct iovec){(void *)((uintptr_t)iov[i].iov_base + offset), len};
			bytes += len;
		}
		offset = 0;
	}
	*out_bytes = bytes;
	return used;
}

/* One host call over guest segments. Bytes moved. */
static size_t move_guest(struct mm *mm, void *buf, const struct iovec *seg, unsigned nseg,
			 size_t bytes, bool to_guest)
{
	struct iovec local = {buf, bytes};
	ssize_t done;

	for (unsigned i = 0; i < nseg; i++) {
		u64 base = (uintptr_t)seg[i].iov_base;

		if (base > GUEST_END || seg[i].iov_len > GUEST_END - base) {
			nseg = i;
			break;
		}
	}
	if (nseg == 0)
		return 0;
	done = to_guest ? pas_writev(mm->as, &local, 1, seg, nseg)
			: pas_readv(mm->as, &local, 1, seg, nseg);
	return done < 0 ? 0 : (size_t)done;
}

static size_t move_kernel(void *buf, const struct iovec *seg, unsigned nseg, bool to_seg)
{
	char *p = buf;

	for (unsigned i = 0; i < nseg; i++) {
		memcpy(to_seg ? seg[i].iov_base : p, to_seg ? p : seg[i].iov_base, seg[i].iov_len);
		p += seg[i].iov_len;
	}
	return (size_t)(p - (char *)buf);
}

static size_t iter_move(struct iov_iter *it, void *buf, size_t n, bool to_iter)
{
	struct iovec seg[ITER_BATCH];
	size_t done = 0;

	while (done < n && it->left) {
		size_t bytes, moved;
		unsigned nseg = iter_segments(it, n - done, seg, &bytes);
		char *p = (char *)buf + done;

		if (nseg == 0)
			break;
		moved = it->mm ? move_guest(it->mm, p, seg, nseg, bytes, to_iter)
			       : move_kernel(p, seg, nseg, to_iter);
		iter_advance(it, moved);
		done += moved;
		if (moved < bytes)
			break;
	}
	return done;
}

size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it)
{
	return iter_move(it, (void *)(uintptr_t)src, n, true);
}

size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it)
{
	return iter_move(it, dst, n, false);
}

size_t iter_zero(size_t n, struct iov_iter *it)
{
	static const char zeroes[4 * PAGE_SIZE];
	size_t done = 0;

	while (done < n) {
		size_t chunk = min(n - done, sizeof(zeroes));
		size_t moved = copy_to_iter(zeroes, chunk, it);

		done += moved;
		if (moved < chunk)
			break;
	}
	return done;
}
