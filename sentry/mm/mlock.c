/* SPDX-License-Identifier: Apache-2.0 */
/* mlock.c - locked memory: recorded and limited; the host's pages are not pinned, as the host's
 * limit is not ours */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

static u64 bytes_locked(struct mm *mm, u64 start, u64 end)
{
	u64 bytes = 0;

	for (struct vma *v = vma_tree_find(mm, start); v && v->start.v < end; v = v->next)
		if (v->flags & VMA_LOCKED)
			bytes += min(v->end.v, end) - max(v->start.v, start);
	return bytes;
}

static void lock_apply(struct mm *mm, u64 start, u64 end, u64 bits)
{
	struct vma *v = vma_tree_find(mm, start);

	while (v && v->start.v < end) {
		s64 bytes = (s64)(v->end.v - v->start.v);

		mm_account(mm, v->flags, -bytes);
		v->flags = (v->flags & ~(u64)(VMA_LOCKED | VMA_ONFAULT)) | bits;
		mm_account(mm, v->flags, bytes);
		v = vma_merge(mm, v)->next;
	}
	if (v)
		vma_merge(mm, v);
}

static u64 lock_bits(u32 onfault)
{
	return VMA_LOCKED | (onfault ? VMA_ONFAULT : 0);
}

static long mlock_locked(struct mm *mm, u64 start, u64 end, u32 flags, bool lock,
			 const struct mm_limits *lim)
{
	long err = 0;

	if (lock)
		err = mm_may_lock(mm, end - start - bytes_locked(mm, start, end), lim, -ENOMEM);
	if (err == 0 && vma_bytes_mapped(mm, start, end) != end - start)
		err = -ENOMEM;
	if (err == 0)
		err = vma_split_range(mm, start, end);
	if (err == 0)
		lock_apply(mm, start, end, lock ? lock_bits(flags & MLOCK_ONFAULT) : 0);
	return err;
}

long mm_mlock(struct mm *mm, gva_t addr, u64 size, u32 flags, bool lock,
	      const struct mm_limits *lim)
{
	u64 start = page_down(addr.v), end;
	long err;

	if (flags & ~(u32)MLOCK_ONFAULT)
		return -EINVAL;
	if (lock && !lim->ipc_lock && lim->memlock == 0)
		return -EPERM;
	if (addr.v + size < addr.v || page_up(addr.v + size) < addr.v)
		return -EINVAL;
	end = page_up(addr.v + size);
	if (size == 0)
		return 0;
	if (end > GUEST_END)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	err = mlock_locked(mm, start, end, flags, lock, lim);
	mutex_unlock(&mm->lock);
	return err;
}

long mm_mlockall(struct mm *mm, u32 flags, const struct mm_limits *lim)
{
	long err = 0;

	if (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	mutex_lock(&mm->lock);
	if (flags && !lim->ipc_lock) {
		if (lim->memlock == 0)
			err = -EPERM;
		else if (flags & MCL_CURRENT && mm->total_vm > lim->memlock)
			err = -ENOMEM;
	}
	if (err == 0) {
		mm->def_flags = flags & MCL_FUTURE ? lock_bits(flags & MCL_ONFAULT) : 0;
		if (flags == 0 || flags & MCL_CURRENT)
			lock_apply(mm, 0, GUEST_END, flags ? lock_bits(flags & MCL_ONFAULT) : 0);
	}
	mutex_unlock(&mm->lock);
	return err;
}
