/* SPDX-License-Identifier: Apache-2.0 */
/* rbtree.h - intrusive balanced tree; the owner brings comparison and lock */
#ifndef SENTRY_BASE_RBTREE_H
#define SENTRY_BASE_RBTREE_H

#include "sentry/base/types.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	u32 red;
};
struct rb_root {
	struct rb_node *node;
};

#define rb_entry(p, type, member) container_of(p, type, member)

/* Compares for the order of the tree: negative when @a comes before @b. */
typedef int rb_cmp_fn(const struct rb_node *a, const struct rb_node *b);

/* Puts @n at its place; equal elements go after those that are there. */
void rb_insert(struct rb_root *root, struct rb_node *n, rb_cmp_fn *cmp);
void rb_erase(struct rb_root *root, struct rb_node *n);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

#endif
