/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c - the only door to guest memory
 *
 * Theory of operation: every copy is a process_vm_readv or _writev of the platform. The host checks
 * the rights of each page; what is checked here is that no range leaves the guest's half of the
 * address space: behind GUEST_END lie the platform's own areas, which no system call of the guest
 * may reach.
 */
#include "sentry/mm/copy.h"
#include "sentry/mm/mm.h"

#include <limits.h>

/* How many of @n bytes lie before the guest's end. */
static size_t within(gva_t addr, size_t n)
{
	return addr.v >= GUEST_END ? 0 : min(n, GUEST_END - addr.v);
}

static bool range_ok(gva_t addr, size_t n)
{
	return n <= GUEST_END && addr.v <= GUEST_END - n;
}

size_t copy_in_some(struct mm *mm, void *dst, gva_t src, size_t n)
{
	struct iovec local = {dst, within(src, n)};
	struct iovec guest = {(void *)src.v, local.iov_len};
	ssize_t got;

	if (local.iov_len == 0)
		return 0;
	got = pas_readv(mm->as, &local, 1, &guest, 1);
	return got < 0 ? 0 : (size_t)got;
}

size_t copy_out_some(struct mm *mm, gva_t dst, const void *src, size_t n)
{
	struct iovec local = {(void *)(uintptr_t)src, within(dst, n)};
	struct iovec guest = {(void *)dst.v, local.iov_len};
	ssize_t got;

	if (local.iov_len == 0)
		return 0;
	got = pas_writev(mm->as, &local, 1, &guest, 1);
	return got < 0 ? 0 : (size_t)got;
}

long copy_in(struct mm *mm, void *dst, gva_t src, size_t n)
{
	return copy_in_some(mm, dst, src, n) == n ? 0 : -EFAULT;
}

long copy_out(struct mm *mm, gva_t dst, const void *src, size_t n)
{
	return copy_out_some(mm, dst, src, n) == n ? 0 : -EFAULT;
}

ssize_t copy_in_str(struct mm *mm, char *dst, gva_t src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		gva_t at = gva_add(src, done);
		size_t n = min(size - done, PAGE_SIZE - page_offset(at.v));
		size_t got = copy_in_some(mm, dst + done, at, n);
		const char *nul = memchr(dst + done, 0, got);

		if (nul)
			return nul - dst;
		if (got < n)
			return -EFAULT;
		done += n;
	}
	return -ENAMETOOLONG;
}

long copy_zero(struct mm *mm, gva_t dst, size_t n)
{
	static const char zeroes[PAGE_SIZE];

	while (n > 0) {
		size_t chunk = min(n, sizeof(zeroes));

		if (copy_out(mm, dst, zeroes, chunk) < 0)
			return -EFAULT;
		dst = gva_add(dst, chunk);
		n -= chunk;
	}
	return 0;
}

/* Checks @count segments as import_iovec does: the bytes in all (cut to the maximum) or -errno. */
static ssize_t check_iovec(struct iovec *iov, unsigned count)
{
	size_t total = 0, most = INT_MAX & PAGE_MASK;

	for (unsigned i = 0; i < count; i++) {
		gva_t base = GVA((uintptr_t)iov[i].iov_base);

		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		if (!range_ok(base, iov[i].iov_len))
			return -EFAULT;
		if (iov[i].iov_len > most - total)
			iov[i].iov_len = most - total;
		total += iov[i].iov_len;
	}
	return (ssize_t)total;
}

long copy_in_iovec(struct mm *mm, struct iovec *storage, gva_t iov, unsigned count,
		   struct iov_iter *out, void *scratch, size_t scratch_size)
{
	ssize_t total;

	if (count > ITER_IOV_MAX)
		return -EINVAL;
	if (count && copy_in(mm, storage, iov, count * sizeof(*storage)) < 0)
		return -EFAULT;
	total = check_iovec(storage, count);
	if (total < 0)
		return total;
	*out = (struct iov_iter){
		.mm = mm,
		.iov = storage,
		.count = count,
		.left = (size_t)total,
		.scratch = scratch,
		.scratch_size = scratch_size,
	};
	return 0;
}
