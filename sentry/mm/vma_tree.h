/* SPDX-License-Identifier: Apache-2.0 */
/* vma_tree.h - the ordered set of VMAs of an address space, and the free gaps between them
 *
 * Everything here is called with mm->lock held (save by tests).
 */
#ifndef SENTRY_MM_VMA_TREE_H
#define SENTRY_MM_VMA_TREE_H

#include "sentry/mm/mm.h"

#define STACK_GUARD_GAP (256 * PAGE_SIZE)

/* Puts @v, whose range is free, at its place; counts it. */
void vma_tree_link(struct mm *mm, struct vma *v);
/* Takes @v out; prev and next of @v stay as they were. */
void vma_tree_unlink(struct mm *mm, struct vma *v);
/* Changes the range of @v; its order among its neighbours stays. Also after a change of
 * VMA_GROWSDOWN. */
void vma_tree_resize(struct mm *mm, struct vma *v, u64 start, u64 end);
/* The VMA that holds @addr, or the first behind it, or NULL. */
struct vma *vma_tree_find(const struct mm *mm, u64 addr);
/* The highest address of @size free bytes within [lo, hi), page aligned; 0: there are none. */
u64 vma_tree_gap(const struct mm *mm, u64 size, u64 lo, u64 hi);
/* Checks order, balance and gaps: for tests. */
bool vma_tree_valid(const struct mm *mm);

#endif
