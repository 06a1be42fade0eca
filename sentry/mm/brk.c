/* SPDX-License-Identifier: Apache-2.0 */
/* brk.c - the program break */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

static long shrink(struct mm *mm, u64 from, u64 to, struct mm_inflight *me, struct mm_plan *plan)
{
	long err = inflight_check(mm, to, from);

	if (err == 0)
		err = vma_split_range(mm, to, from);
	if (err == 0)
		err = plan_add_munmap(plan, to, from - to);
	if (err < 0)
		return err;
	vma_remove_range(mm, to, from, &me->dead);
	inflight_add(mm, me, to, from);
	return 0;
}

static long grow(struct mm *mm, u64 from, u64 to, const struct mm_limits *lim,
		 struct mm_inflight *me, struct mm_plan *plan)
{
	struct vma proto = {.start = GVA(from),
			    .end = GVA(to),
			    .flags = VMA_READ | VMA_WRITE | VMA_MAY | mm->def_flags};
	struct vma *next = vma_tree_find(mm, from), *spare = NULL;
	u64 guard = next && next->flags & VMA_GROWSDOWN ? STACK_GUARD_GAP : 0;
	long err;

	if (to > GUEST_END || (next && next->start.v < to + guard))
		return -ENOMEM;
	if (!mm_may_expand(mm, proto.flags, to - from, lim) || mm->vma_count >= MM_MAP_COUNT_MAX)
		return -ENOMEM;
	if (proto.flags & VMA_LOCKED && mm_may_lock(mm, to - from, lim, -EAGAIN) < 0)
		return -ENOMEM;
	err = inflight_check(mm, from, to);
	if (err == 0 && vma_add_needs_one(mm, &proto)) {
		spare = vma_create();
		err = spare ? 0 : -ENOMEM;
	}
	if (err == 0)
		err = plan_add_map(plan, &proto, from, to - from, 0);
	if (err == 0) {
		vma_add(mm, &proto, &spare);
		inflight_add(mm, me, from, to);
	}
	if (spare)
		vma_destroy(spare);
	return err;
}

static long brk_locked(struct mm *mm, u64 addr, const struct mm_limits *lim, struct mm_inflight *me,
		       struct mm_plan *plan)
{
	u64 old = page_up(mm->brk), new = page_up(addr);
	long err = 0;

	if (addr < mm->start_brk || new < addr || addr > GUEST_END)
		return -ENOMEM;
	/* Linux counts the program's data segment, too. */
	if (addr - mm->start_brk > lim->data ||
	    mm->end_data - mm->start_data > lim->data - (addr - mm->start_brk))
		return -ENOMEM;
	if (new < old)
		err = shrink(mm, old, new, me, plan);
	else if (new > old)
		err = grow(mm, old, new, lim, me, plan);
	if (err < 0)
		return err;
	plan_resume_as_is(plan);
	plan->undo = MM_UNDO_BRK;
	plan->old_start = GVA(mm->brk);
	plan->start = GVA(min(old, new));
	plan->end = GVA(max(old, new));
	mm->brk = addr;
	return 0;
}

long mm_brk(struct mm *mm, gva_t addr, const struct mm_limits *lim, struct mm_inflight *me,
	    struct mm_plan *plan)
{
	long err;

	mutex_lock(&mm->lock);
	err = brk_locked(mm, addr.v, lim, me, plan);
	plan->result = (long)mm->brk;
	mutex_unlock(&mm->lock);
	inflight_settle(me);
	return err == MM_BUSY ? MM_BUSY : 0;
}
