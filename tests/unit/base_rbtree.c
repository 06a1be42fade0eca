/* libs: base */
/* SPDX-License-Identifier: Apache-2.0 */
/* base_rbtree.c - order and invariants after random insertions and removals */
#include <check.h>
#include <stdlib.h>

#include "sentry/base/rbtree.h"

struct item {
	struct rb_node node;
	int key, serial;
	bool in;
};

static int cmp(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key - rb_entry(b, struct item, node)->key;
}

/* Black height of the tree below @n, after checking it. */
static int check_below(const struct rb_node *n, const struct rb_node *parent)
{
	int left, right;

	if (!n)
		return 0;
	ck_assert(n->parent == parent);
	ck_assert(!(n->red && parent && parent->red));
	left = check_below(n->left, n);
	right = check_below(n->right, n);
	ck_assert_int_eq(left, right);
	return left + !n->red;
}

static void check_tree(const struct rb_root *root, int count)
{
	const struct item *last = NULL;
	int forward = 0, backward = 0;

	ck_assert(!root->node || !root->node->red);
	check_below(root->node, NULL);
	for (struct rb_node *n = rb_first(root); n; n = rb_next(n), forward++) {
		const struct item *it = rb_entry(n, struct item, node);

		ck_assert(it->in);
		if (last)
			ck_assert(last->key < it->key ||
				  (last->key == it->key && last->serial < it->serial));
		last = it;
	}
	for (struct rb_node *n = rb_last(root); n; n = rb_prev(n))
		backward++;
	ck_assert_int_eq(forward, count);
	ck_assert_int_eq(backward, count);
}

START_TEST(random_walk)
{
	static struct item items[400];
	struct rb_root root = {0};
	int count = 0, serial = 0;

	srand(7);
	for (int step = 0; step < 20000; step++) {
		struct item *it = &items[rand() % 400];

		if (it->in) {
			rb_erase(&root, &it->node);
			count--;
		} else {
			it->key = rand() % 100;
			it->serial = serial++;
			rb_insert(&root, &it->node, cmp);
			count++;
		}
		it->in = !it->in;
		if (step % 16 == 0)
			check_tree(&root, count);
	}
	for (int i = 0; i < 400; i++)
		if (items[i].in) {
			rb_erase(&root, &items[i].node);
			items[i].in = false;
			check_tree(&root, --count);
		}
	ck_assert_ptr_null(root.node);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base_rbtree");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, random_walk);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
