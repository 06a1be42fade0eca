/* libs: base */
/* SPDX-License-Identifier: Apache-2.0 */
/* base_lock.c - mutual exclusion, readers and writers, lock ranks (debug builds) */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "sentry/base/lock.h"

#define THREADS 8
#define ROUNDS	20000

static struct mutex g_mutex = MUTEX_INIT(LR_MM);
static struct rwlock g_rwlock = RWLOCK_INIT(LR_MM);
static u64 g_counter, g_twin;

static void *add_with_mutex(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 16 == 0)
			while (!mutex_trylock(&g_mutex))
				sched_yield();
		else
			mutex_lock(&g_mutex);
		g_counter++;
		if (i % 1024 == 0)
			sched_yield();
		mutex_unlock(&g_mutex);
	}
	return NULL;
}

static void *add_with_rwlock(void *arg)
{
	u64 *torn = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			rwlock_write(&g_rwlock);
			g_counter++;
			if (i % 1024 == 0)
				sched_yield();
			g_twin++;
			rwlock_write_unlock(&g_rwlock);
		} else {
			rwlock_read(&g_rwlock);
			*torn += g_counter != g_twin;
			rwlock_read_unlock(&g_rwlock);
		}
	}
	return NULL;
}

START_TEST(mutex_excludes)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, add_with_mutex, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(g_counter, THREADS * ROUNDS);
	ck_assert_uint_eq(g_mutex.word, 0);
}
END_TEST

START_TEST(rwlock_excludes)
{
	pthread_t t[THREADS];
	u64 torn[THREADS] = {0};

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, add_with_rwlock, &torn[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		ck_assert_uint_eq(torn[i], 0);
	}
	ck_assert_uint_eq(g_counter, THREADS * ROUNDS / 4);
	ck_assert_uint_eq(g_rwlock.word, 0);
}
END_TEST

START_TEST(pair_takes_both_once)
{
	struct mutex m[2];

	mutex_init(&m[0], LR_PIPE);
	mutex_init(&m[1], LR_PIPE);
	mutex_lock_pair(&m[1], &m[0]);
	ck_assert(!mutex_trylock(&m[0]) && !mutex_trylock(&m[1]));
	mutex_unlock_pair(&m[1], &m[0]);
	mutex_lock_pair(&m[0], &m[0]);
	ck_assert(!mutex_trylock(&m[0]));
	mutex_unlock_pair(&m[0], &m[0]);
	ck_assert(mutex_trylock(&m[0]));
	mutex_unlock(&m[0]);
	lockrank_assert_none();
}
END_TEST

#ifdef DEBUG
START_TEST(wrong_order_dies)
{
	struct mutex a = MUTEX_INIT(LR_PIPE), b = MUTEX_INIT(LR_MM);

	mutex_lock(&a);
	mutex_lock(&b);
}
END_TEST

START_TEST(twice_dies)
{
	mutex_lock(&g_mutex);
	mutex_lock_nested(&g_mutex);
}
END_TEST

START_TEST(foreign_unlock_dies)
{
	struct mutex a = MUTEX_INIT(LR_PIPE);

	mutex_unlock(&a);
}
END_TEST

START_TEST(forgotten_lock_dies)
{
	mutex_lock(&g_mutex);
	lockrank_assert_none();
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base_lock");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, mutex_excludes);
	tcase_add_test(tc, rwlock_excludes);
	tcase_add_test(tc, pair_takes_both_once);
#ifdef DEBUG
	tcase_add_test_raise_signal(tc, wrong_order_dies, SIGABRT);
	tcase_add_test_raise_signal(tc, twice_dies, SIGABRT);
	tcase_add_test_raise_signal(tc, foreign_unlock_dies, SIGABRT);
	tcase_add_test_raise_signal(tc, forgotten_lock_dies, SIGABRT);
#endif
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
