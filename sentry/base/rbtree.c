/* SPDX-License-Identifier: Apache-2.0 */
/* rbtree.c - red-black tree
 *
 * Invariants: the root is black; a red node has no red child; each path from a node down to a NULL
 * passes the same number of black nodes. NULL counts as black.
 */
#include "sentry/base/rbtree.h"

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

/* Puts @to where @from is, as seen from above. */
static void replace(struct rb_root *root, struct rb_node *from, struct rb_node *to)
{
	struct rb_node *parent = from->parent;

	if (!parent)
		root->node = to;
	else if (parent->left == from)
		parent->left = to;
	else
		parent->right = to;
	if (to)
		to->parent = parent;
}

/* The right child of @n takes its place, @n becomes its left child. */
static void rotate_left(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *up = n->right;

	replace(root, n, up);
	n->right = up->left;
	if (n->right)
		n->right->parent = n;
	up->left = n;
	n->parent = up;
}

static void rotate_right(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *up = n->left;

	replace(root, n, up);
	n->left = up->right;
	if (n->left)
		n->left->parent = n;
	up->right = n;
	n->parent = up;
}

/* @n is red and its parent may be too. */
static void insert_repair(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *parent, *grand, *uncle;

	while (is_red(parent = n->parent)) {
		bool left = parent == parent->parent->left;

		grand = parent->parent;
		uncle = left ? grand->right : grand->left;
		if (is_red(uncle)) {
			parent->red = uncle->red = 0;
			grand->red = 1;
			n = grand;
			continue;
		}
		if (n == (left ? parent->right : parent->left)) {
			(left ? rotate_left : rotate_right)(root, parent);
			parent = n;
		}
		parent->red = 0;
		grand->red = 1;
		(left ? rotate_right : rotate_left)(root, grand);
		break;
	}
	root->node->red = 0;
}

void rb_insert(struct rb_root *root, struct rb_node *n, rb_cmp_fn *cmp)
{
	struct rb_node **slot = &root->node, *parent = NULL;

	while (*slot) {
		parent = *slot;
		slot = cmp(n, parent) < 0 ? &parent->left : &parent->right;
	}
	*n = (struct rb_node){.parent = parent, .red = 1};
	*slot = n;
	insert_repair(root, n);
}

/* The paths through @n (may be NULL; child of @parent) lack one black node. */
static void erase_repair(struct rb_root *root, struct rb_node *n, struct rb_node *parent)
{
	while (parent && !is_red(n)) {
		bool left = parent->left == n;
		void (*towards)(struct rb_root *, struct rb_node *) =
			left ? rotate_left : rotate_right;
		void (*away)(struct rb_root *, struct rb_node *) =
			left ? rotate_right : rotate_left;
		struct rb_node *sib = left ? parent->right : parent->left;

		if (sib->red) {
			sib->red = 0;
			parent->red = 1;
			towards(root, parent);
			sib = left ? parent->right : parent->left;
		}
		if (!is_red(sib->left) && !is_red(sib->right)) {
			sib->red = 1;
			n = parent;
			parent = n->parent;
			continue;
		}
		if (!is_red(left ? sib->right : sib->left)) {
			(left ? sib->left : sib->right)->red = 0;
			sib->red = 1;
			away(root, sib);
			sib = left ? parent->right : parent->left;
		}
		sib->red = parent->red;
		parent->red = 0;
		(left ? sib->right : sib->left)->red = 0;
		towards(root, parent);
		return;
	}
	if (n)
		n->red = 0;
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *child, *parent;
	bool black;

	if (n->left && n->right) {
		struct rb_node *heir = n->right; /* the next one takes n's place and colour */

		while (heir->left)
			heir = heir->left;
		child = heir->right;
		black = !heir->red;
		parent = heir->parent == n ? heir : heir->parent;
		if (heir->parent != n) {
			replace(root, heir, child);
			heir->right = n->right;
			heir->right->parent = heir;
		}
		replace(root, n, heir);
		heir->left = n->left;
		heir->left->parent = heir;
		heir->red = n->red;
	} else {
		child = n->left ? n->left : n->right;
		parent = n->parent;
		black = !n->red;
		replace(root, n, child);
	}
	if (black)
		erase_repair(root, child, parent);
	*n = (struct rb_node){0};
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	const struct rb_node *parent;

	if (n->right) {
		for (n = n->right; n->left;)
			n = n->left;
		return (struct rb_node *)(uintptr_t)n;
	}
	while ((parent = n->parent) && parent->right == n)
		n = parent;
	return (struct rb_node *)(uintptr_t)parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	const struct rb_node *parent;

	if (n->left) {
		for (n = n->left; n->right;)
			n = n->right;
		return (struct rb_node *)(uintptr_t)n;
	}
	while ((parent = n->parent) && parent->left == n)
		n = parent;
	return (struct rb_node *)(uintptr_t)parent;
}
