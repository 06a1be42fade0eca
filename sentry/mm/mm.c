/* SPDX-License-Identifier: Apache-2.0 */
/* mm.c - life of an address space: creation, copies for fork, faults that are not the guest's, what
 * the host refused */
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "platform/host/host.h"
#include "sentry/mm/mm_internal.h"

u64 mm_min_addr = 0x10000;

#define STACK_GROW_STEP (64ul << 10)

static SLAB_CACHE(mm_cache, struct mm);
_Atomic u32 mm_truncations;

struct mm *mm_create(void)
{
	struct mm *mm = slab_alloc(&mm_cache);

	if (!mm)
		return NULL;
	ref_init(&mm->ref);
	mutex_init(&mm->lock, LR_MM);
	list_init(&mm->inflight);
	waitq_init(&mm->inflight_wait);
	mm->mmap_base = GUEST_END;
	mm->dumpable = 1;
	mm->truncations = atomic_load(&mm_truncations);
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	ref_get(&mm->ref);
	return mm;
}

void mm_put(struct mm *mm)
{
	if (!mm || !ref_put(&mm->ref))
		return;
	BUG_ON(!list_empty(&mm->inflight));
	vma_destroy_chain(mm->first);
	if (mm->exe_file)
		mm_file_ops.put(mm->exe_file);
	waitq_fini(&mm->inflight_wait);
	slab_free(&mm_cache, mm);
}

/* --- fork ------------------------------------------------------------------------------------- */

static void copy_layout(struct mm *to, const struct mm *from)
{
	to->mmap_base = from->mmap_base;
	to->start_code = from->start_code;
	to->end_code = from->end_code;
	to->start_data = from->start_data;
	to->end_data = from->end_data;
	to->start_brk = from->start_brk;
	to->brk = from->brk;
	to->start_stack = from->start_stack;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->exe_file = from->exe_file;
	if (to->exe_file)
		mm_file_ops.get(to->exe_file);
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->auxv_count = from->auxv_count;
	to->dumpable = from->dumpable;
	to->truncations = from->truncations;
}

/* Locked memory is not inherited. */
static int copy_vmas(struct mm *to, const struct mm *from)
{
	for (struct vma *v = from->first; v; v = v->next) {
		struct vma *n;

		if (v->flags & VMA_DONTFORK)
			continue;
		n = vma_dup(v);
		if (!n)
			return -ENOMEM;
		n->flags &= ~(u64)(VMA_LOCKED | VMA_ONFAULT);
		vma_tree_link(to, n);
		mm_account(to, n->flags, (s64)(n->end.v - n->start.v));
	}
	return 0;
}

struct mm *mm_fork(struct mm *mm)
{
	struct mm *copy = mm_create();
	long err;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&mm->lock);
	err = inflight_check(mm, 0, ~0ull);
	if (err == 0) {
		copy_layout(copy, mm);
		err = copy_vmas(copy, mm);
	}
	mutex_unlock(&mm->lock);
	if (err < 0) {
		mm_put(copy);
		return ERR_PTR(err);
	}
	return copy;
}

/* --- what the host refused -------------------------------------------------------------------- */

static void drop_range(struct mm *mm, u64 start, u64 end, struct vma **dead)
{
	if (vma_split_range(mm, start, end) == 0)
		vma_remove_range(mm, start, end, dead);
}

static void undo_brk(struct mm *mm, const struct mm_plan *plan, struct vma **dead)
{
	struct vma proto = {.start = plan->start,
			    .end = plan->end,
			    .flags = VMA_READ | VMA_WRITE | VMA_MAY | mm->def_flags};
	struct vma *spare = vma_create();

	if (plan->old_start.v < mm->brk) { /* it was to grow */
		drop_range(mm, plan->start.v, plan->end.v, dead);
		mm->brk = plan->old_start.v;
	} else if (spare && proto.start.v < proto.end.v) {
		vma_add(mm, &proto, &spare);
		mm->brk = plan->old_start.v;
	}
	if (spare)
		vma_destroy(spare);
}

/* The mapping goes back where it was. */
static void undo_mremap(struct mm *mm, const struct mm_plan *plan, struct vma **dead)
{
	struct vma *v = vma_tree_find(mm, plan->start.v), *spare = vma_create(), proto;

	if (v && v->start.v <= plan->start.v && spare && plan->old_size) {
		proto = *v;
		if (proto.map)
			proto.offset += plan->start.v - v->start.v;
		proto.start = plan->old_start;
		proto.end = gva_add(plan->old_start, plan->old_size);
		vma_add(mm, &proto, &spare);
	}
	drop_range(mm, plan->start.v, plan->end.v, dead);
	if (spare)
		vma_destroy(spare);
}

void mm_abort(struct mm *mm, struct mm_plan *plan, unsigned index)
{
	struct vma *dead = NULL;

	mutex_lock(&mm->lock);
	switch (plan->undo) {
	case MM_UNDO_UNMAP:
		/* A part of it is mapped: it stays, so that its backing is not given to others. */
		if (index == 0 && plan->more_pos == 0)
			drop_range(mm, plan->start.v, plan->end.v, &dead);
		break;
	case MM_UNDO_BRK:
		undo_brk(mm, plan, &dead);
		break;
	case MM_UNDO_MREMAP:
		if (index == 0 && plan->more_pos == 0)
			undo_mremap(mm, plan, &dead);
		break;
	case MM_UNDO_NONE:
		break;
	}
	mutex_unlock(&mm->lock);
	vma_destroy_chain(dead);
	mm_plan_init(plan);
}

/* --- faults ----------------------------------------------------------------------------------- */

/* A stack that grows: *@v begins above @addr. */
static long grow_stack(struct mm *mm, struct vma *v, u64 addr, const struct mm_limits *lim,
		       struct mm_inflight *me, struct mm_plan *plan)
{
	u64 start = align_down(addr, STACK_GROW_STEP), lowest = v->prev ? v->prev->end.v : 0,
	    old = v->start.v;
	long err;

	if (v->prev && v->prev->flags & VMA_PROT)
		lowest += STACK_GUARD_GAP;
	lowest = max(lowest, MM_MIN_ADDR);
	start = max(start, lowest);
	if (page_down(addr) < start || v->end.v - page_down(addr) > lim->stack)
		return -EFAULT;
	if (v->end.v - start > lim->stack)
		start = page_down(addr);
	if (!mm_may_expand(mm, v->flags, old - start, lim))
		return -EFAULT;
	err = inflight_check(mm, start, old);
	if (err == 0) {
		struct vma proto = {.start = GVA(start), .end = GVA(old), .flags = v->flags};

		err = plan_add_map(plan, &proto, start, old - start, 0);
	}
	if (err < 0)
		return err == MM_BUSY ? err : -EFAULT;
	vma_tree_resize(mm, v, start, v->end.v);
	mm_account(mm, v->flags, (s64)(old - start));
	inflight_add(mm, me, start, old);
	return 0;
}

/* A page behind the end that the file had when it was mapped, and has no longer? Private mappings
 * are repaired page by page: behind it may be pages that the guest has written since. */
static long map_grown(struct mm *mm, struct vma *v, u64 addr, struct mm_inflight *me,
		      struct mm_plan *plan)
{
	bool shared = v->flags & VMA_SHARED, write = shared && v->flags & VMA_MAYWRITE;
	u64 page = page_down(addr), size = shared ? v->end.v - page : PAGE_SIZE;
	struct map_extent e;
	struct stat st;
	long err = inflight_check(mm, page, page + size);

	if (err < 0)
		return err;
	if (v->map->ops->extent(v->map, v->offset + (page - v->start.v), size, write, &e) < 0)
		return -EFAULT;
	if (host_fstat(e.fd, &st) < 0 || (u64)st.st_size <= e.offset)
		return -EFAULT;
	size = min(size, e.size);
	if (plan_add_map(plan, v, page, size, 0) < 0)
		return -EFAULT;
	inflight_add(mm, me, page, page + size);
	return 0;
}

static long fault_locked(struct mm *mm, u64 addr, int signo, int code, const struct mm_limits *lim,
			 struct mm_inflight *me, struct mm_plan *plan)
{
	struct vma *v = vma_tree_find(mm, addr);

	if (!v)
		return -EFAULT;
	if (signo == SIGSEGV && code == SEGV_MAPERR && addr < v->start.v &&
	    v->flags & VMA_GROWSDOWN)
		return grow_stack(mm, v, addr, lim, me, plan);
	if (signo == SIGBUS && code == BUS_ADRERR && addr >= v->start.v && v->map)
		return map_grown(mm, v, addr, me, plan);
	return -EFAULT;
}

long mm_fault(struct mm *mm, gva_t addr, int signo, int code, const struct mm_limits *lim,
	      struct mm_inflight *me, struct mm_plan *plan)
{
	long err;

	if ((signo != SIGSEGV && signo != SIGBUS) || addr.v >= GUEST_END)
		return -EFAULT;
	mm_plan_init(plan);
	mutex_lock(&mm->lock);
	err = fault_locked(mm, addr.v, signo, code, lim, me, plan);
	mutex_unlock(&mm->lock);
	return err;
}

/* --- truncation --------------------------------------------------------------------------------
 */

/* The part of @v behind the end of its file becomes a mapping of nothing (SIGBUS). */
static long drop_tail(struct vma *v, struct mm_plan *plan, u64 *from, u64 *to)
{
	u64 size, at = v->start.v;
	long err;

	if (!v->map || !v->map->ops->size)
		return 0;
	size = page_up(v->map->ops->size(v->map));
	if (size > v->offset)
		at += size - v->offset;
	if (at >= v->end.v || at < v->start.v)
		return 0;
	err = plan_add_map(plan, v, at, v->end.v - at, 0);
	*from = min(*from, at);
	*to = v->end.v;
	return err;
}

long mm_refresh(struct mm *mm, struct mm_inflight *me, struct mm_plan *plan)
{
	u32 seen = atomic_load(&mm_truncations);
	u64 from = GUEST_END, to = 0;
	long err;

	mutex_lock(&mm->lock);
	err = inflight_check(mm, 0, GUEST_END);
	for (struct vma *v = mm->first; v && err == 0; v = v->next)
		err = drop_tail(v, plan, &from, &to);
	if (err == 0) {
		atomic_store(&mm->truncations, seen);
		if (from < to)
			inflight_add(mm, me, from, to);
	}
	mutex_unlock(&mm->lock);
	return err;
}

/* --- questions -------------------------------------------------------------------------------- */

struct vma *mm_find_vma(struct mm *mm, gva_t addr)
{
	mutex_assert_held(&mm->lock);
	return vma_tree_find(mm, addr.v);
}

bool mm_access_ok(struct mm *mm, gva_t addr, u64 size, u64 vma_flags)
{
	u64 at = addr.v, end = addr.v + size;
	struct vma *v;

	if (end < addr.v || end > GUEST_END)
		return false;
	mutex_lock(&mm->lock);
	v = vma_tree_find(mm, at);
	for (; v && at < end && v->start.v <= at && (v->flags & vma_flags) == vma_flags;
	     v = v->next)
		at = v->end.v;
	mutex_unlock(&mm->lock);
	return at >= end;
}
