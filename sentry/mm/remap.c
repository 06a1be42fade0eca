/* SPDX-License-Identifier: Apache-2.0 */
/* remap.c - mremap: shrink, grow in place, move
 *
 * Theory of operation: the host moves pages (and private copies of file pages) by its own mremap. A
 * file that lies in several extents is several mappings of the host, which are moved one by one;
 * what a mapping grows by is mapped anew.
 */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

struct remap {
	u64 addr, old_size, new_size, flags, to; /* sizes page aligned */
	struct vma *v;
};

static long remap_check_args(const struct remap *r, u64 raw_old)
{
	if (r->flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && r->old_size != r->new_size)
		return -EINVAL;
	if (page_offset(r->addr) || r->new_size == 0 || r->new_size > GUEST_END)
		return -EINVAL;
	if (raw_old && r->old_size == 0)
		return -EINVAL;
	if (!(r->flags & MREMAP_FIXED))
		return 0;
	if (page_offset(r->to) || r->to > GUEST_END - r->new_size)
		return -EINVAL;
	if (r->to < MM_MIN_ADDR)
		return -EPERM;
	if (r->addr + r->old_size > r->to && r->to + r->new_size > r->addr)
		return -EINVAL;
	return 0;
}

static long remap_check_vma(struct mm *mm, struct remap *r, const struct mm_limits *lim)
{
	u64 more = r->new_size > r->old_size ? r->new_size - r->old_size : 0;
	struct vma *v = vma_tree_find(mm, r->addr);

	if (!v || v->start.v > r->addr)
		return -EFAULT;
	r->v = v;
	if (r->old_size == 0 && !(v->flags & VMA_SHARED))
		return -EINVAL;
	if (r->old_size > v->end.v - r->addr &&
	    (r->new_size > r->old_size || r->flags & MREMAP_FIXED))
		return -EFAULT;
	if (r->flags & MREMAP_DONTUNMAP)
		more = r->new_size;
	if (v->flags & VMA_LOCKED && mm_may_lock(mm, more, lim, -EAGAIN) < 0)
		return -EAGAIN;
	return mm_may_expand(mm, v->flags, more, lim) ? 0 : -ENOMEM;
}

/* --- in place --------------------------------------------------------------------------------- */

static long remap_shrink(struct mm *mm, struct remap *r, struct mm_inflight *me,
			 struct mm_plan *plan)
{
	u64 from = r->addr + r->new_size, to = r->addr + r->old_size;
	long err = inflight_check(mm, r->addr, to);

	if (err == 0)
		err = vma_split_range(mm, from, to);
	if (err == 0)
		err = plan_add_mremap(plan, r->addr, r->old_size, r->new_size, 0, 0);
	if (err < 0)
		return err;
	vma_remove_range(mm, from, to, &me->dead);
	inflight_add(mm, me, r->addr, to);
	plan_resume_as_is(plan);
	return 0;
}

static bool can_grow_in_place(struct mm *mm, const struct remap *r)
{
	u64 end = r->addr + r->new_size;
	const struct vma *next = r->v->next;
	u64 guard = next && next->flags & VMA_GROWSDOWN ? STACK_GUARD_GAP : 0;

	if (r->addr + r->old_size != r->v->end.v || end < r->addr || end > GUEST_END)
		return false;
	if (next && next->start.v < end + guard)
		return false;
	return !inflight_overlap(mm, r->v->end.v, end);
}

static long remap_grow(struct mm *mm, struct remap *r, struct mm_inflight *me, struct mm_plan *plan)
{
	u64 from = r->v->end.v, end = r->addr + r->new_size;
	struct vma *v = r->v;
	long err;

	if (v->map)
		err = plan_add_map(plan, v, from, end - from, 0);
	else
		err = plan_add_mremap(plan, r->addr, r->old_size, r->new_size, 0, 0);
	if (err < 0)
		return err;
	plan_resume_as_is(plan);
	plan->undo = MM_UNDO_UNMAP;
	plan->start = GVA(from);
	plan->end = GVA(end);
	mm_account(mm, v->flags, (s64)(end - from));
	vma_tree_resize(mm, v, v->start.v, end);
	vma_merge(mm, v);
	inflight_add(mm, me, r->addr, end);
	return 0;
}

/* --- moves ------------------------------------------------------------------------------------ */

static u64 find_target(struct mm *mm, u64 size)
{
	u64 at = mm_find_free(mm, size, MM_MIN_ADDR, mm->mmap_base);

	return at ? at : mm_find_free(mm, size, MM_MIN_ADDR, GUEST_END);
}

/* One host mremap per mapping that the host has of what moves. */
static long plan_move_pieces(struct mm_plan *plan, const struct remap *r, u64 size)
{
	u64 how = MREMAP_MAYMOVE | MREMAP_FIXED | (r->flags & MREMAP_DONTUNMAP);
	u64 off = r->v->offset + (r->addr - r->v->start.v);
	bool write = (r->v->flags & (VMA_SHARED | VMA_MAYWRITE)) == (VMA_SHARED | VMA_MAYWRITE);

	for (u64 done = 0; done < size;) {
		struct mappable *m = r->v->map;
		struct map_extent e = {.fd = -1}, f;
		u64 piece;
		long err = m->ops->extent(m, off + done, size - done, write, &e);

		if (err < 0)
			return err;
		piece = min(e.size, size - done);
		while (piece < size - done &&
		       m->ops->extent(m, off + done + piece, size - done - piece, write, &f) == 0 &&
		       f.fd == e.fd && f.offset == e.offset + piece)
			piece += min(f.size, size - done - piece);
		err = plan_add_mremap(plan, r->addr + done, piece, piece, how, r->to + done);
		if (err < 0)
			return err;
		done += piece;
	}
	return 0;
}

static long plan_move(struct mm_plan *plan, const struct remap *r, const struct vma *proto)
{
	u64 moved = min(r->old_size, r->new_size);
	long err = 0;

	if (!r->v->map)
		return plan_add_mremap(
			plan, r->addr, r->old_size, r->new_size,
			MREMAP_MAYMOVE | MREMAP_FIXED | (r->flags & MREMAP_DONTUNMAP), r->to);
	if (r->old_size == 0) /* a second mapping of shared memory */
		return plan_add_map(plan, proto, r->to, r->new_size, 0);
	err = plan_move_pieces(plan, r, moved);
	if (err == 0 && r->new_size > moved)
		err = plan_add_map(plan, proto, r->to + moved, r->new_size - moved, 0);
	if (err == 0 && r->old_size > moved)
		err = plan_add_munmap(plan, r->addr + moved, r->old_size - moved);
	return err;
}

/* The tree's part of a move, which cannot fail once the borders are split. */
static void move_commit(struct mm *mm, const struct remap *r, const struct vma *proto,
			struct vma *spare, struct mm_inflight *me)
{
	struct vma *old = NULL;

	vma_remove_range(mm, r->to, r->to + r->new_size, &me->dead);
	if (r->old_size && !(r->flags & MREMAP_DONTUNMAP))
		vma_remove_range(mm, r->addr, r->addr + r->old_size, &old);
	vma_add(mm, proto, &spare);
	vma_destroy_chain(old); /* the new one holds the same references */
	if (spare)
		vma_destroy(spare);
	/* Both places, and what is between them: rare enough. */
	inflight_add(mm, me, min(r->addr, r->to), max(r->addr + r->old_size, r->to + r->new_size));
}

static long remap_move(struct mm *mm, struct remap *r, struct mm_inflight *me, struct mm_plan *plan)
{
	struct vma proto = *r->v, *spare;
	long err = 0;

	if (!(r->flags & MREMAP_FIXED))
		r->to = find_target(mm, r->new_size);
	if (!r->to)
		return -ENOMEM;
	err = inflight_check(mm, r->addr, r->addr + max(r->old_size, 1ul));
	if (err == 0)
		err = inflight_check(mm, r->to, r->to + r->new_size);
	if (err < 0)
		return err;
	proto.start = GVA(r->to);
	proto.end = GVA(r->to + r->new_size);
	proto.offset = r->v->map ? r->v->offset + (r->addr - r->v->start.v) : 0;
	err = plan_move(plan, r, &proto);
	spare = err == 0 ? vma_create() : NULL;
	if (err == 0 && !spare)
		err = -ENOMEM;
	if (err == 0)
		err = vma_split_range(mm, r->to, r->to + r->new_size);
	if (err == 0 && r->old_size)
		err = vma_split_range(mm, r->addr, r->addr + r->old_size);
	if (err < 0) {
		if (spare)
			vma_destroy(spare);
		return err;
	}
	plan->undo = r->old_size ? MM_UNDO_MREMAP : MM_UNDO_UNMAP;
	plan->start = proto.start;
	plan->end = proto.end;
	plan->old_start = GVA(r->addr);
	plan->old_size = r->flags & MREMAP_DONTUNMAP ? 0 : r->old_size;
	move_commit(mm, r, &proto, spare, me);
	return 0;
}

static long remap_locked(struct mm *mm, struct remap *r, const struct mm_limits *lim,
			 struct mm_inflight *me, struct mm_plan *plan)
{
	long err = remap_check_vma(mm, r, lim);

	plan->result = (long)r->addr;
	if (err < 0)
		return err;
	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && r->old_size) {
		if (r->new_size == r->old_size)
			return 0;
		if (r->new_size < r->old_size)
			return remap_shrink(mm, r, me, plan);
		if (can_grow_in_place(mm, r))
			return remap_grow(mm, r, me, plan);
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	err = remap_move(mm, r, me, plan);
	plan_resume_as_is(plan);
	plan->result = (long)r->to;
	return err;
}

long mm_mremap(struct mm *mm, gva_t addr, u64 old_size, u64 new_size, u32 flags, gva_t new_addr,
	       const struct mm_limits *lim, struct mm_inflight *me, struct mm_plan *plan)
{
	struct remap r = {.addr = addr.v,
			  .old_size = page_up(old_size),
			  .new_size = page_up(new_size),
			  .flags = flags,
			  .to = flags & MREMAP_FIXED ? new_addr.v : 0};
	long err = remap_check_args(&r, old_size);

	if (err < 0)
		return err;
	if (r.old_size > GUEST_END || r.addr > GUEST_END - r.old_size)
		return -EFAULT;
	mutex_lock(&mm->lock);
	err = remap_locked(mm, &r, lim, me, plan);
	mutex_unlock(&mm->lock);
	inflight_settle(me);
	return err;
}
