/* SPDX-License-Identifier: Apache-2.0 */
/* whites.c - names of a lower directory that are not seen any more: a tree by name */
#include "fs/overlay/overlay_internal.h"
#include "sentry/arena/arena.h"

static struct ovl_white *white_of(const struct rb_node *n)
{
	return rb_entry(n, struct ovl_white, node);
}

static int compare(const char *a, u32 alen, const char *b, u32 blen)
{
	if (alen != blen)
		return alen < blen ? -1 : 1;
	return memcmp(a, b, alen);
}

static int white_cmp(const struct rb_node *a, const struct rb_node *b)
{
	const struct ovl_white *x = white_of(a), *y = white_of(b);

	return compare(x->name, x->len, y->name, y->len);
}

static struct ovl_white *find(const struct ovl_node *dir, const char *name, u32 len)
{
	struct rb_node *n = dir->whites.node;

	while (n) {
		int c = compare(name, len, white_of(n)->name, white_of(n)->len);

		if (!c)
			return white_of(n);
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

bool ovl_white_find(const struct ovl_node *dir, const char *name, u32 len)
{
	return find(dir, name, len);
}

int ovl_white_add(struct ovl_node *dir, const char *name, u32 len)
{
	struct ovl_white *w;

	if (find(dir, name, len))
		return 0;
	w = kalloc(sizeof(*w) + len);
	if (!w)
		return -ENOMEM;
	w->len = len;
	memcpy(w->name, name, len);
	rb_insert(&dir->whites, &w->node, white_cmp);
	return 0;
}

static void destroy(struct ovl_node *dir, struct ovl_white *w)
{
	rb_erase(&dir->whites, &w->node);
	kfree(w, sizeof(*w) + w->len);
}

void ovl_white_remove(struct ovl_node *dir, const char *name, u32 len)
{
	struct ovl_white *w = find(dir, name, len);

	if (w)
		destroy(dir, w);
}

void ovl_white_fini(struct ovl_node *dir)
{
	while (dir->whites.node)
		destroy(dir, white_of(dir->whites.node));
}
