/* SPDX-License-Identifier: Apache-2.0 */
/* unmap.c - munmap and mprotect: recorded here, carried out by the host as they stand
 *
 * The guest's own call goes on to the host with the arguments in its registers. So a call that the
 * host would only half do must be half done here, too (mprotect up to a hole), and one that we must
 * forbid is forbidden whole.
 */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

#define PROT_SEM_BIT 8u

static long unmap_locked(struct mm *mm, u64 start, u64 end, struct mm_inflight *me)
{
	long err = inflight_check(mm, start, end);

	if (err == 0)
		err = vma_split_range(mm, start, end);
	if (err < 0)
		return err;
	vma_remove_range(mm, start, end, &me->dead);
	inflight_add(mm, me, start, end);
	return 0;
}

static long munmap_common(struct mm *mm, gva_t addr, u64 size, struct mm_inflight *me)
{
	long err = 0;

	if (page_offset(addr.v) || size == 0 || size > GUEST_END || addr.v > GUEST_END - size)
		return -EINVAL;
	size = page_up(size);
	mutex_lock(&mm->lock);
	err = unmap_locked(mm, addr.v, addr.v + size, me);
	mutex_unlock(&mm->lock);
	inflight_settle(me);
	return err;
}

long mm_munmap(struct mm *mm, gva_t addr, u64 size, struct mm_inflight *me)
{
	long err = munmap_common(mm, addr, size, me);

	return err < 0 ? err : MM_CONTINUE;
}

long mm_unmap_plan(struct mm *mm, gva_t addr, u64 size, struct mm_inflight *me,
		   struct mm_plan *plan)
{
	long err = munmap_common(mm, addr, size, me);

	if (err == 0)
		err = plan_add_munmap(plan, addr.v, page_up(size));
	return err;
}

/* How far the range is mapped without a hole, and whether the rights may be had: *out_end, or
 * -errno. */
static long protect_check(struct mm *mm, u64 start, u64 end, u32 prot, const struct mm_limits *lim,
			  u64 *out_end)
{
	u64 at = start, more = 0;

	for (struct vma *v = vma_tree_find(mm, start); v && v->start.v <= at && at < end;
	     v = v->next) {
		if ((prot & VMA_PROT) & ~(v->flags >> 4))
			return -EACCES;
		if ((prot & PROT_WRITE) && !(v->flags & (VMA_WRITE | VMA_SHARED | VMA_GROWSDOWN)))
			more += min(v->end.v, end) - at;
		at = min(v->end.v, end);
	}
	if (at == start)
		return -ENOMEM;
	if (more && (more > lim->data || mm->data_vm > lim->data - more))
		return -ENOMEM;
	*out_end = at;
	return 0;
}

static void protect_apply(struct mm *mm, u64 start, u64 end, u64 prot)
{
	struct vma *v = vma_tree_find(mm, start);

	while (v && v->start.v < end) {
		u64 bytes = v->end.v - v->start.v;

		if ((v->flags & VMA_PROT) != prot) {
			mm_account(mm, v->flags, -(s64)bytes);
			v->flags = (v->flags & ~(u64)VMA_PROT) | prot;
			mm_account(mm, v->flags, (s64)bytes);
		}
		v = vma_merge(mm, v)->next;
	}
	if (v)
		vma_merge(mm, v);
}

static long protect_locked(struct mm *mm, u64 start, u64 end, u32 prot, const struct mm_limits *lim,
			   struct mm_inflight *me)
{
	u64 upto = start;
	long err = inflight_check(mm, start, end);

	if (err == 0)
		err = protect_check(mm, start, end, prot, lim, &upto);
	if (err == 0)
		err = vma_split_range(mm, start, upto);
	if (err < 0)
		return err;
	protect_apply(mm, start, upto, prot & VMA_PROT);
	inflight_add(mm, me, start, upto);
	return MM_CONTINUE;
}

long mm_mprotect(struct mm *mm, gva_t addr, u64 size, u32 prot, const struct mm_limits *lim,
		 struct mm_inflight *me)
{
	u64 end;
	long err;

	/* PROT_GROWSDOWN: our growing mappings are not the host's, which would refuse. */
	if ((prot & PROT_GROWSDOWN && prot & PROT_GROWSUP) || page_offset(addr.v))
		return -EINVAL;
	if (size == 0)
		return 0;
	end = addr.v + page_up(size);
	if (page_up(size) < size || end <= addr.v)
		return -ENOMEM;
	if (prot & ~(VMA_PROT | PROT_SEM_BIT))
		return -EINVAL;
	/* The host would go on behind our end, where the platform lives. */
	if (end > GUEST_END)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	err = protect_locked(mm, addr.v, end, prot, lim, me);
	mutex_unlock(&mm->lock);
	return err;
}
