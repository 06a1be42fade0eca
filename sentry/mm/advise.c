/* SPDX-License-Identifier: Apache-2.0 */
/* advise.c - madvise, mincore's and msync's checks, names of anonymous memory
 *
 * Advice that concerns only the guest's own pages goes to the host as it stands; what the host must
 * not do to the memfile or what only we know about is done here.
 */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#define MADV_COLLAPSE_	    25
#define MADV_GUARD_INSTALL_ 102
#define MADV_GUARD_REMOVE_  103

struct advice {
	int advice;
	u64 set, clear;	   /* VMA flags that it changes */
	bool private_anon; /* only for private anonymous memory */
	bool not_locked;   /* refused for locked memory */
	bool not_shared;   /* forbidden by us for what lies in the memfile or a file */
};

static const struct advice g_advice[] = {
	{.advice = MADV_NORMAL},
	{.advice = MADV_RANDOM},
	{.advice = MADV_SEQUENTIAL},
	{.advice = MADV_WILLNEED},
	{.advice = MADV_DONTNEED, .not_locked = true},
	{.advice = MADV_FREE, .private_anon = true, .not_locked = true},
	{.advice = MADV_DONTFORK, .set = VMA_DONTFORK},
	{.advice = MADV_DOFORK, .clear = VMA_DONTFORK},
	{.advice = MADV_WIPEONFORK, .set = VMA_WIPEONFORK, .private_anon = true},
	{.advice = MADV_KEEPONFORK, .clear = VMA_WIPEONFORK},
	{.advice = MADV_HUGEPAGE},
	{.advice = MADV_NOHUGEPAGE},
	{.advice = MADV_DONTDUMP, .set = VMA_DONTDUMP},
	{.advice = MADV_DODUMP, .clear = VMA_DONTDUMP},
	{.advice = MADV_COLD, .not_locked = true, .not_shared = true},
	{.advice = MADV_PAGEOUT, .not_locked = true, .not_shared = true},
	{.advice = MADV_POPULATE_READ},
	{.advice = MADV_POPULATE_WRITE},
	{.advice = MADV_COLLAPSE_, .not_shared = true},
	{.advice = MADV_GUARD_INSTALL_, .private_anon = true, .not_locked = true},
	{.advice = MADV_GUARD_REMOVE_, .private_anon = true},
};

static const struct advice *advice_find(int advice)
{
	for (unsigned i = 0; i < array_size(g_advice); i++)
		if (g_advice[i].advice == advice)
			return &g_advice[i];
	return NULL;
}

/* 0: nothing forbids it (holes are the host's to report); 1: a part is not for the host; or -errno.
 */
static long advice_check(struct mm *mm, u64 start, u64 end, const struct advice *a)
{
	long result = 0;

	for (struct vma *v = vma_tree_find(mm, start); v && v->start.v < end; v = v->next) {
		if (a->private_anon && v->map)
			return -EINVAL;
		if (a->not_locked && v->flags & VMA_LOCKED)
			return -EINVAL;
		if (a->not_shared && v->flags & VMA_SHARED)
			result = 1;
	}
	return result;
}

static void advice_record(struct mm *mm, u64 start, u64 end, const struct advice *a)
{
	struct vma *v = vma_tree_find(mm, start);

	while (v && v->start.v < end) {
		v->flags = (v->flags | a->set) & ~a->clear;
		v = vma_merge(mm, v)->next;
	}
	if (v)
		vma_merge(mm, v);
}

static long advise_locked(struct mm *mm, u64 start, u64 end, const struct advice *a,
			  struct mm_inflight *me)
{
	long err = inflight_check(mm, start, end);
	bool mapped = vma_bytes_mapped(mm, start, end) == end - start;

	if (err == 0)
		err = advice_check(mm, start, end, a);
	if (err == 0 && a->set | a->clear) {
		err = vma_split_range(mm, start, end);
		if (err == 0)
			advice_record(mm, start, end, a);
	}
	if (err < 0)
		return err;
	if (err > 0) /* a hint that nobody has to follow */
		return mapped ? 0 : -ENOMEM;
	inflight_add(mm, me, start, end);
	return MM_CONTINUE;
}

/* One shared mapping of the range for MADV_REMOVE, with references: its file's range in *out_off.
 */
static long remove_target(struct mm *mm, u64 start, u64 end, struct vma **out, u64 *out_off,
			  u64 *out_end)
{
	struct vma *v = vma_tree_find(mm, start);

	if (!v || v->start.v > start)
		return -ENOMEM;
	if (v->flags & VMA_LOCKED || !v->map)
		return -EINVAL;
	if ((v->flags & (VMA_SHARED | VMA_MAYWRITE)) != (VMA_SHARED | VMA_MAYWRITE))
		return -EACCES;
	*out = vma_dup(v);
	if (!*out)
		return -ENOMEM;
	*out_off = v->offset + (start - v->start.v);
	*out_end = min(v->end.v, end);
	return 0;
}

static long advise_remove(struct mm *mm, u64 start, u64 end)
{
	while (start < end) {
		struct vma *v;
		u64 off, upto;
		long err;

		mutex_lock(&mm->lock);
		err = remove_target(mm, start, end, &v, &off, &upto);
		mutex_unlock(&mm->lock);
		if (err < 0)
			return err;
		err = v->map->ops->punch ? v->map->ops->punch(v->map, v->file, off, upto - start)
					 : -EOPNOTSUPP;
		vma_destroy(v);
		if (err < 0)
			return err;
		start = upto;
	}
	return 0;
}

long mm_madvise(struct mm *mm, gva_t addr, u64 size, int advice, struct mm_inflight *me)
{
	const struct advice *a = advice_find(advice);
	u64 end = addr.v + page_up(size);
	long err;

	if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE)
		return -EPERM;
	if (!a && advice != MADV_REMOVE)
		return -EINVAL;
	if (page_offset(addr.v) || (size && page_up(size) == 0) || end < addr.v)
		return -EINVAL;
	if (end == addr.v)
		return 0;
	if (end > GUEST_END)
		return -ENOMEM;
	if (!a)
		return advise_remove(mm, addr.v, end);
	mutex_lock(&mm->lock);
	err = advise_locked(mm, addr.v, end, a, me);
	mutex_unlock(&mm->lock);
	return err;
}

long mm_check_mapped(struct mm *mm, gva_t addr, u64 size)
{
	u64 end = addr.v + page_up(size);
	bool all;

	if (page_up(size) < size || end < addr.v || end > GUEST_END)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	all = vma_bytes_mapped(mm, addr.v, end) == end - addr.v;
	mutex_unlock(&mm->lock);
	return all ? 0 : -ENOMEM;
}

long mm_msync(struct mm *mm, gva_t addr, u64 size, u32 flags)
{
	u64 at = addr.v, end = addr.v + page_up(size);
	long err = 0, hole = 0;

	if (flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || page_offset(addr.v) ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (end < addr.v || (size && page_up(size) == 0))
		return -ENOMEM;
	while (at < end && err == 0) {
		struct vma *v, *dup = NULL;

		mutex_lock(&mm->lock);
		v = vma_tree_find(mm, at);
		if (!v || v->start.v > at)
			hole = -ENOMEM;
		if (!v || v->start.v >= end) {
			mutex_unlock(&mm->lock);
			break;
		}
		at = v->end.v;
		if (flags & MS_INVALIDATE && v->flags & VMA_LOCKED)
			err = -EBUSY;
		else if (flags & MS_SYNC && v->flags & VMA_SHARED && v->map->ops->sync)
			dup = vma_dup(v);
		mutex_unlock(&mm->lock);
		if (dup) {
			err = dup->map->ops->sync(dup->map, dup->file);
			vma_destroy(dup);
		}
	}
	return err < 0 ? err : hole;
}

long mm_set_name(struct mm *mm, gva_t addr, u64 size, const char *name)
{
	u64 start = addr.v, end = addr.v + page_up(size);
	struct vma *v;
	long err = 0;

	if (page_offset(start) || page_up(size) < size || end < start || end > GUEST_END)
		return -EINVAL;
	if (end == start)
		return 0;
	mutex_lock(&mm->lock);
	if (vma_bytes_mapped(mm, start, end) != end - start)
		err = -ENOMEM;
	for (v = vma_tree_find(mm, start); err == 0 && v && v->start.v < end; v = v->next)
		if (v->file)
			err = -EBADF;
	if (err == 0)
		err = vma_split_range(mm, start, end);
	for (v = vma_tree_find(mm, start); err == 0 && v && v->start.v < end;) {
		memset(v->name, 0, sizeof(v->name));
		if (name)
			memcpy(v->name, name, min(strlen(name), sizeof(v->name) - 1));
		v = vma_merge(mm, v)->next;
	}
	mutex_unlock(&mm->lock);
	return err;
}
