/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - mmap: flags, rights and limits, the choice of an address, the new mapping */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#define LEGACY_MAP_MASK                                                                          \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | \
	 MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |  \
	 MAP_HUGETLB | MAP_32BIT | MAP_HUGE_2MB | MAP_HUGE_1GB)
#define MAP_HUGE_2MB  (21u << 26)
#define MAP_HUGE_1GB  (30u << 26)
#define HUGE_SIZE     (2ul << 20)
#define AREA_32BIT_LO 0x40000000ul
#define AREA_32BIT_HI 0x80000000ul

u64 mm_find_free(struct mm *mm, u64 size, u64 lo, u64 hi)
{
	for (;;) {
		u64 at = vma_tree_gap(mm, size, lo, hi), busy;

		if (!at)
			return 0;
		busy = inflight_overlap(mm, at, at + size);
		if (!busy)
			return at;
		hi = busy;
	}
}

/* Large anonymous mappings are placed so that huge pages fit. */
static u64 find_huge_gap(struct mm *mm, u64 size)
{
	u64 at;

	if (size < HUGE_SIZE || size % HUGE_SIZE)
		return 0;
	at = mm_find_free(mm, size + HUGE_SIZE - PAGE_SIZE, MM_MIN_ADDR, mm->mmap_base);
	return at ? align_up(at, HUGE_SIZE) : 0;
}

static bool hint_usable(struct mm *mm, u64 addr, u64 size)
{
	struct vma *v;

	if (addr < MM_MIN_ADDR || size > GUEST_END || addr > GUEST_END - size)
		return false;
	v = vma_tree_find(mm, addr);
	if (v) {
		u64 guard = v->flags & VMA_GROWSDOWN ? STACK_GUARD_GAP : 0;

		if (v->start.v < addr + size + guard)
			return false;
	}
	return !inflight_overlap(mm, addr, addr + size);
}

static long choose_address(struct mm *mm, u64 hint, u64 size, u32 flags, bool anon)
{
	u64 at = 0;

	if (size > GUEST_END)
		return -ENOMEM;
	hint = page_up(hint);
	if (hint && hint < MM_MIN_ADDR)
		hint = MM_MIN_ADDR;
	if (hint && hint_usable(mm, hint, size) &&
	    (!(flags & MAP_32BIT) || hint + size <= AREA_32BIT_HI))
		return (long)hint;
	if (flags & MAP_32BIT) {
		at = mm_find_free(mm, size, AREA_32BIT_LO, AREA_32BIT_HI);
		return at ? (long)at : -ENOMEM;
	}
	if (anon)
		at = find_huge_gap(mm, size);
	if (!at)
		at = mm_find_free(mm, size, MM_MIN_ADDR, mm->mmap_base);
	if (!at)
		at = mm_find_free(mm, size, MM_MIN_ADDR, GUEST_END);
	return at ? (long)at : -ENOMEM;
}

/* The address that is meant by a fixed request, checked; or a free one. */
static long place(struct mm *mm, const struct mm_map_request *req, u64 size)
{
	bool fixed = req->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (!fixed)
		return choose_address(mm, req->addr.v, size, req->flags,
				      !req->map && !(req->flags & MAP_STACK));
	if (size > GUEST_END || req->addr.v > GUEST_END - size)
		return -ENOMEM;
	if (page_offset(req->addr.v))
		return -EINVAL;
	if (req->addr.v < MM_MIN_ADDR)
		return -EPERM;
	if ((req->flags & MAP_FIXED_NOREPLACE) &&
	    vma_bytes_mapped(mm, req->addr.v, req->addr.v + size))
		return -EEXIST;
	return (long)req->addr.v;
}

static long check_anonymous(const struct mm_map_request *req)
{
	switch (req->flags & MAP_TYPE) {
	case MAP_SHARED:
		return req->flags & MAP_GROWSDOWN ? -EINVAL : 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

static long check_file(const struct mm_map_request *req)
{
	u32 type = req->flags & MAP_TYPE;

	if (type == MAP_SHARED_VALIDATE && (req->flags & ~(LEGACY_MAP_MASK | MAP_SHARED_VALIDATE)))
		return -EOPNOTSUPP;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type != MAP_PRIVATE && (req->prot & PROT_WRITE) && !req->file_writable)
		return -EACCES;
	if (!req->file_readable)
		return -EACCES;
	if (req->noexec && (req->prot & PROT_EXEC))
		return -EPERM;
	return req->flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

static long check_request(const struct mm_map_request *req)
{
	u64 size = page_up(req->size);

	if (req->size == 0)
		return -EINVAL;
	if (size == 0)
		return -ENOMEM;
	if (page_offset(req->offset))
		return -EINVAL;
	if (req->map && req->offset + size < req->offset)
		return -EOVERFLOW;
	if (req->map && (s64)(req->offset + size) < 0)
		return -EOVERFLOW;
	if (!req->map && (req->flags & MAP_HUGETLB)) {
		u32 which = req->flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

		return which == 0 || which == 21 || which == 30 ? -ENOMEM : -EINVAL;
	}
	return req->map ? check_file(req) : check_anonymous(req);
}

static u64 request_vma_flags(const struct mm *mm, const struct mm_map_request *req)
{
	u64 flags = (req->prot & VMA_PROT) | VMA_MAY | mm->def_flags;

	if ((req->flags & MAP_TYPE) != MAP_PRIVATE) {
		flags |= VMA_SHARED;
		if (req->map && !req->file_writable)
			flags &= ~(u64)VMA_MAYWRITE;
	}
	if (req->noexec)
		flags &= ~(u64)VMA_MAYEXEC;
	if (req->flags & MAP_GROWSDOWN)
		flags |= VMA_GROWSDOWN;
	if (req->flags & MAP_LOCKED)
		flags |= VMA_LOCKED;
	if (req->flags & MAP_NORESERVE)
		flags |= VMA_NORESERVE;
	return flags;
}

static long check_limits(struct mm *mm, const struct vma *proto, const struct mm_map_request *req,
			 const struct mm_limits *lim)
{
	u64 size = proto->end.v - proto->start.v, old = 0;
	long err;

	if (req->flags & MAP_FIXED)
		old = vma_bytes_mapped(mm, proto->start.v, proto->end.v);
	if (!mm_may_expand(mm, proto->flags, size - min(old, size), lim))
		return -ENOMEM;
	if (mm->vma_count >= MM_MAP_COUNT_MAX)
		return -ENOMEM;
	if (!(proto->flags & VMA_LOCKED))
		return 0;
	err = mm_may_lock(mm, size, lim, -EAGAIN);
	return err == -EPERM && !(req->flags & MAP_LOCKED) ? -EAGAIN : err;
}

/* Host flags beyond the type. */
static u32 host_flags(const struct mm_map_request *req, u64 vma_flags)
{
	u32 extra = req->flags & MAP_STACK;

	if ((req->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
	    (vma_flags & (VMA_LOCKED | VMA_ONFAULT)) == VMA_LOCKED)
		extra |= vma_flags & VMA_PROT ? MAP_POPULATE : 0;
	return extra;
}

/* Decided: makes room, and adds the mapping. Can only fail before anything has changed. */
static long commit(struct mm *mm, const struct vma *proto, struct mm_inflight *me)
{
	u64 start = proto->start.v, end = proto->end.v;
	bool replaces = vma_bytes_mapped(mm, start, end) > 0;
	struct vma *spare = NULL;

	if (replaces || vma_add_needs_one(mm, proto)) {
		spare = vma_create();
		if (!spare)
			return -ENOMEM;
	}
	if (replaces) {
		if (vma_split_range(mm, start, end) < 0) {
			vma_destroy(spare);
			return -ENOMEM;
		}
		vma_remove_range(mm, start, end, &me->dead);
	}
	vma_add(mm, proto, &spare);
	if (spare)
		vma_destroy(spare);
	inflight_add(mm, me, start, end);
	return 0;
}

static long map_locked(struct mm *mm, const struct mm_map_request *req, const struct mm_limits *lim,
		       struct mm_inflight *me, struct mm_plan *plan)
{
	struct vma proto = {
		.map = req->map, .file = req->file, .offset = req->map ? req->offset : 0};
	u64 size = page_up(req->size);
	unsigned first = plan->count;
	long err, at = place(mm, req, size);

	if (at < 0)
		return at;
	proto.start = GVA(at);
	proto.end = gva_add(proto.start, size);
	proto.flags = request_vma_flags(mm, req);
	err = check_limits(mm, &proto, req, lim);
	if (err < 0)
		return err;
	if (req->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		err = inflight_check(mm, proto.start.v, proto.end.v);
	if (err == 0)
		err = plan_add_map(plan, &proto, proto.start.v, size, host_flags(req, proto.flags));
	if (err == 0)
		err = commit(mm, &proto, me);
	if (err < 0)
		return err;
	/* The piece at the start comes last: its address is the result of the call. */
	plan_reverse(plan, first);
	plan->flags = plan->more_count ? 0 : PRUN_RESUME;
	plan->result = at;
	plan->undo = MM_UNDO_UNMAP;
	plan->start = proto.start;
	plan->end = proto.end;
	return 0;
}

long mm_mmap(struct mm *mm, const struct mm_map_request *req, const struct mm_limits *lim,
	     struct mm_inflight *me, struct mm_plan *plan)
{
	struct mm_map_request shm;
	struct mappable *own = NULL;
	long err = check_request(req);

	if (err < 0)
		return err;
	if (!req->map && (req->flags & MAP_TYPE) == MAP_SHARED) {
		own = anonshm_create(page_up(req->size), "/dev/zero (deleted)", 0);
		if (!own)
			return -ENOMEM;
		shm = *req;
		shm.map = own;
		shm.file = NULL;
		shm.offset = 0;
		shm.file_readable = shm.file_writable = true;
		req = &shm;
	}
	mutex_lock(&mm->lock);
	err = map_locked(mm, req, lim, me, plan);
	mutex_unlock(&mm->lock);
	inflight_settle(me);
	if (own)
		own->ops->put(own);
	return err;
}
