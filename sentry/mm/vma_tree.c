/* SPDX-License-Identifier: Apache-2.0 */
/* vma_tree.c - the ordered set of VMAs of an address space
 *
 * Theory of operation: an AVL tree by address whose nodes also know their neighbours, and the
 * largest free gap in front of any VMA of their subtree. So a lookup and the search for free space
 * from the top down take a number of steps that grows with the logarithm of the count: a subtree
 * without a large enough gap is never entered, and one that lies within the bounds and has one ends
 * the search.
 *
 * The gap in front of a growing stack is smaller by its guard gap: nothing is placed there unasked.
 */
#include "sentry/mm/vma_tree.h"

static u32 height(const struct vma *v)
{
	return v ? v->height : 0;
}

static u64 gap_start(const struct vma *v)
{
	return v->prev ? v->prev->end.v : 0;
}

static u64 gap_end(const struct vma *v)
{
	u64 guard = v->flags & VMA_GROWSDOWN ? STACK_GUARD_GAP : 0;

	return v->start.v > guard ? v->start.v - guard : 0;
}

static u64 own_gap(const struct vma *v)
{
	u64 from = gap_start(v), to = gap_end(v);

	return to > from ? to - from : 0;
}

/* Recomputes what @v knows of its subtree. */
static void node_update(struct vma *v)
{
	u64 gap = own_gap(v);

	if (v->left)
		gap = max(gap, v->left->max_gap);
	if (v->right)
		gap = max(gap, v->right->max_gap);
	v->max_gap = gap;
	v->height = 1 + max(height(v->left), height(v->right));
}

static void replace_child(struct mm *mm, struct vma *parent, struct vma *old, struct vma *new)
{
	if (!parent)
		mm->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* The right child of @v, or the left one, takes its place, and @v goes below it to the other side.
 */
static struct vma *rotate(struct mm *mm, struct vma *v, bool left)
{
	struct vma **down = left ? &v->right : &v->left, *up = *down;
	struct vma **inner = left ? &up->left : &up->right;

	*down = *inner;
	if (*inner)
		(*inner)->parent = v;
	replace_child(mm, v->parent, v, up);
	*inner = v;
	v->parent = up;
	node_update(v);
	node_update(up);
	return up;
}

/* Restores balance, heights and gaps from @v up to the root. */
static void rebalance(struct mm *mm, struct vma *v)
{
	for (; v; v = v->parent) {
		s32 lean = (s32)height(v->left) - (s32)height(v->right);

		if (lean > 1) {
			if (height(v->left->left) < height(v->left->right))
				rotate(mm, v->left, true);
			v = rotate(mm, v, false);
		} else if (lean < -1) {
			if (height(v->right->right) < height(v->right->left))
				rotate(mm, v->right, false);
			v = rotate(mm, v, true);
		} else {
			node_update(v);
		}
	}
}

/* The gap in front of @v has changed. */
static void gap_changed(struct vma *v)
{
	for (; v; v = v->parent) {
		u64 before = v->max_gap;

		node_update(v);
		if (v->max_gap == before)
			return;
	}
}

void vma_tree_link(struct mm *mm, struct vma *v)
{
	struct vma *parent = NULL, *next = NULL, **link = &mm->root;

	while (*link) {
		parent = *link;
		if (v->start.v < parent->start.v) {
			next = parent;
			link = &parent->left;
		} else {
			link = &parent->right;
		}
	}
	*link = v;
	v->parent = parent;
	v->left = v->right = NULL;
	v->next = next;
	v->prev = next ? next->prev : mm->last;
	*(v->prev ? &v->prev->next : &mm->first) = v;
	*(next ? &next->prev : &mm->last) = v;
	mm->vma_count++;
	rebalance(mm, v);
	if (next)
		gap_changed(next);
}

void vma_tree_unlink(struct mm *mm, struct vma *v)
{
	struct vma *from; /* the lowest node whose subtree has changed */

	*(v->prev ? &v->prev->next : &mm->first) = v->next;
	*(v->next ? &v->next->prev : &mm->last) = v->prev;
	if (v->left && v->right) {
		struct vma *s = v->next; /* leftmost of the right subtree */

		from = s->parent == v ? s : s->parent;
		if (s->parent != v) {
			replace_child(mm, s->parent, s, s->right);
			s->right = v->right;
			s->right->parent = s;
		}
		s->left = v->left;
		s->left->parent = s;
		replace_child(mm, v->parent, v, s);
	} else {
		from = v->parent;
		replace_child(mm, v->parent, v, v->left ? v->left : v->right);
	}
	mm->vma_count--;
	rebalance(mm, from);
	if (v->next)
		gap_changed(v->next);
}

void vma_tree_resize(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	v->start = GVA(start);
	v->end = GVA(end);
	gap_changed(v);
	if (v->next)
		gap_changed(v->next);
}

struct vma *vma_tree_find(const struct mm *mm, u64 addr)
{
	struct vma *v = mm->root, *found = NULL;

	while (v) {
		if (addr < v->end.v) {
			found = v;
			if (addr >= v->start.v)
				break;
			v = v->left;
		} else {
			v = v->right;
		}
	}
	return found;
}

static u64 fit(u64 from, u64 to, u64 size, u64 lo, u64 hi)
{
	from = max(from, lo);
	to = min(to, hi);
	return to > from && to - from >= size ? to - size : 0;
}

static u64 subtree_gap(const struct vma *v, u64 size, u64 lo, u64 hi)
{
	u64 at;

	while (v && v->max_gap >= size) {
		if (v->right && v->end.v < hi) {
			at = subtree_gap(v->right, size, lo, hi);
			if (at)
				return at;
		}
		at = fit(gap_start(v), gap_end(v), size, lo, hi);
		if (at)
			return at;
		if (v->start.v <= lo)
			return 0;
		v = v->left;
	}
	return 0;
}

u64 vma_tree_gap(const struct mm *mm, u64 size, u64 lo, u64 hi)
{
	u64 at = fit(mm->last ? mm->last->end.v : 0, hi, size, lo, hi);

	return at ? at : subtree_gap(mm->root, size, lo, hi);
}

static bool subtree_valid(const struct vma *v, u32 *count)
{
	u64 gap;

	if (!v)
		return true;
	*count += 1;
	gap = own_gap(v);
	if (v->left)
		gap = max(gap, v->left->max_gap);
	if (v->right)
		gap = max(gap, v->right->max_gap);
	if (gap != v->max_gap || v->height != 1 + max(height(v->left), height(v->right)))
		return false;
	if (height(v->left) > height(v->right) + 1 || height(v->right) > height(v->left) + 1)
		return false;
	if ((v->left && v->left->parent != v) || (v->right && v->right->parent != v))
		return false;
	return subtree_valid(v->left, count) && subtree_valid(v->right, count);
}

bool vma_tree_valid(const struct mm *mm)
{
	const struct vma *prev = NULL;
	u32 in_list = 0, in_tree = 0;

	for (const struct vma *v = mm->first; v; prev = v, v = v->next, in_list++)
		if (v->start.v >= v->end.v || v->prev != prev || (prev && prev->end.v > v->start.v))
			return false;
	return mm->last == prev && subtree_valid(mm->root, &in_tree) && in_list == in_tree &&
	       in_list == mm->vma_count;
}
