/* libs: arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* arena_slab.c - pages and objects: zeroed, disjoint, merged again, counted, double frees caught */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "sentry/arena/arena.h"

struct thing {
	u64 a;
	u8 body[200];
};
struct big {
	u8 body[3000];
};
static SLAB_CACHE(g_things, struct thing);
static SLAB_CACHE(g_bigs, struct big);

static void setup(void)
{
	ck_assert_int_eq(arena_init(1ull << 30), 0);
}

static bool all_zero(const void *p, size_t n)
{
	const u8 *b = p;

	while (n && *b == 0)
		b++, n--;
	return n == 0;
}

START_TEST(pages_random)
{
	static struct {
		u8 *p;
		unsigned order;
	} got[300];
	void *whole;

	srand(11);
	for (int step = 0; step < 20000; step++) {
		int i = rand() % 300;

		if (got[i].p) {
			ck_assert_int_eq(got[i].p[0], i % 251);
			ck_assert_int_eq(got[i].p[(PAGE_SIZE << got[i].order) - 1], i % 251);
			page_free(got[i].p, got[i].order);
			got[i].p = NULL;
			continue;
		}
		got[i].order = (unsigned)(rand() % 32 ? rand() % 4 : rand() % 12);
		got[i].p = step % 2 ? page_alloc(got[i].order) : page_alloc_dirty(got[i].order);
		ck_assert_ptr_nonnull(got[i].p);
		ck_assert(arena_contains(got[i].p));
		ck_assert_uint_eq((uintptr_t)got[i].p % (PAGE_SIZE << got[i].order), 0);
		if (step % 2)
			ck_assert(all_zero(got[i].p, PAGE_SIZE << got[i].order));
		memset(got[i].p, i % 251, PAGE_SIZE << got[i].order);
	}
	for (int i = 0; i < 300; i++)
		page_free(got[i].p, got[i].order);
	ck_assert_uint_eq(arena_pages_in_use(), 0);
	/* everything has merged again */
	whole = page_alloc(16);
	ck_assert_ptr_nonnull(whole);
	page_free(whole, 16);
}
END_TEST

START_TEST(full_arena_says_so)
{
	void *p[64];
	int n = 0;

	while (n < 64 && (p[n] = page_alloc(13)))
		n++;
	ck_assert(n >= 28 && n < 32);
	ck_assert_ptr_null(page_alloc(18));
	ck_assert_ptr_null(page_alloc(40));
	ck_assert_ptr_null(kalloc(SIZE_MAX));
	ck_assert_ptr_null(kalloc(SIZE_MAX / 2));
	while (n-- > 0)
		page_free(p[n], 13);
}
END_TEST

static void find_things(const struct slab_cache *c, void *arg)
{
	if (c == &g_things)
		*(u64 *)arg = c->in_use;
}

START_TEST(objects)
{
	static struct thing *t[1000];
	static struct big *b[50];
	u64 in_use = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++) {
			t[i] = slab_alloc(&g_things);
			ck_assert(all_zero(t[i], sizeof(*t[i])));
			memset(t[i], 0xff, sizeof(*t[i]));
			t[i]->a = (u64)i;
		}
		for (int i = 0; i < 50; i++) {
			b[i] = slab_alloc(&g_bigs);
			ck_assert(all_zero(b[i], sizeof(*b[i])));
			memset(b[i], 0xff, sizeof(*b[i]));
		}
		slab_census(find_things, &in_use);
		ck_assert_uint_eq(in_use, 1000);
		for (int i = 0; i < 1000; i++) {
			ck_assert_uint_eq(t[i]->a, (u64)i);
			slab_free(&g_things, t[i]);
			ck_assert_uint_eq(t[i]->a, (u64)i); /* freeing touches nothing */
		}
		for (int i = 0; i < 50; i++)
			slab_free(&g_bigs, b[i]);
	}
	slab_census(find_things, &in_use);
	ck_assert_uint_eq(in_use, 0);
	ck_assert_uint_eq(g_things.total, 3000);
}
END_TEST

START_TEST(sizes)
{
	for (size_t n = 0; n < 40000; n = n * 5 / 4 + 1) {
		u8 *p = kalloc(n), *q = kalloc(n);

		ck_assert(p && q && p != q);
		ck_assert(all_zero(p, n) && all_zero(q, n));
		memset(p, 1, n);
		memset(q, 2, n);
		ck_assert(n == 0 || (p[n - 1] == 1 && q[0] == 2));
		kfree(p, n);
		kfree(q, n);
	}
}
END_TEST

START_TEST(double_free_dies)
{
	struct thing *t = slab_alloc(&g_things);

	slab_free(&g_things, t);
	slab_free(&g_things, t);
}
END_TEST

START_TEST(wrong_cache_dies)
{
	slab_free(&g_things, slab_alloc(&g_bigs));
}
END_TEST

START_TEST(wrong_order_dies)
{
	page_free(page_alloc(2), 1);
}
END_TEST

static void *churn(void *arg)
{
	struct thing *mine[16] = {0};

	for (int i = 0; i < 20000; i++) {
		struct thing **slot = &mine[i % 16];

		if (*slot && (*slot)->a != (u64)(uintptr_t)arg)
			return &g_things;
		slab_free(&g_things, *slot);
		*slot = slab_alloc(&g_things);
		(*slot)->a = (u64)(uintptr_t)arg;
	}
	for (int i = 0; i < 16; i++)
		slab_free(&g_things, mine[i]);
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	for (int i = 0; i < 4; i++) {
		void *bad;

		pthread_join(t[i], &bad);
		ck_assert_ptr_null(bad);
	}
	ck_assert_uint_eq(g_things.in_use, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("arena_slab");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, pages_random);
	tcase_add_test(tc, full_arena_says_so);
	tcase_add_test(tc, objects);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, threads);
	tcase_add_test_raise_signal(tc, double_free_dies, SIGABRT);
	tcase_add_test_raise_signal(tc, wrong_cache_dies, SIGABRT);
	tcase_add_test_raise_signal(tc, wrong_order_dies, SIGABRT);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
