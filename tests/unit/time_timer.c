/* libs: time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* time_timer.c - order, re-arming, the hook, cancelling against a call that runs */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "sentry/time/timer.h"

static s64 g_armed;
static int g_hooks;

static void hook(s64 deadline)
{
	g_armed = deadline;
	g_hooks++;
}

static s64 g_last;
static int g_fired;

static void in_order(struct timer *t, s64 now)
{
	s64 *deadline = t->arg;

	ck_assert_int_ge(*deadline, g_last);
	ck_assert_int_le(*deadline, now);
	g_last = *deadline;
	*deadline = TIMER_NEVER;
	g_fired++;
}

START_TEST(random_order)
{
	static struct timer t[500];
	static s64 deadline[500];
	s64 now = 0;
	int queued = 0;

	srand(3);
	for (int i = 0; i < 500; i++) {
		timer_init(&t[i], in_order, &deadline[i]);
		deadline[i] = TIMER_NEVER;
	}
	for (int step = 0; step < 50000; step++) {
		int i = rand() % 500;
		bool was = deadline[i] != TIMER_NEVER;

		switch (rand() % 4) {
		case 0:
			ck_assert(timer_cancel(&t[i]) == was);
			deadline[i] = TIMER_NEVER;
			break;
		case 1: {
			s64 next = TIMER_NEVER;

			now += rand() % 50;
			g_last = INT64_MIN;
			s64 got = timer_run(now);

			for (int k = 0; k < 500; k++)
				next = min(next, deadline[k]);
			ck_assert(next > now && got == next);
			break;
		}
		default:
			deadline[i] = now + rand() % 2000;
			ck_assert(timer_set(&t[i], TIME_MONOTONIC, deadline[i]) == was);
			ck_assert_int_eq(timer_deadline(&t[i], NULL), deadline[i]);
			queued++;
		}
	}
	ck_assert_int_gt(g_fired, 1000);
}
END_TEST

static void periodic(struct timer *t, s64 now)
{
	if (++g_fired < 5)
		timer_set(t, TIME_MONOTONIC, now + 10);
}

static void free_itself(struct timer *t, s64 now)
{
	memset(t, 0xaa, sizeof(*t));
	free(t);
	g_fired++;
}

START_TEST(functions_may_do_anything)
{
	struct timer p, *f = malloc(sizeof(*f));
	s64 now = 100;

	timer_init(&p, periodic, NULL);
	timer_set(&p, TIME_MONOTONIC, 100);
	while (now != TIMER_NEVER) {
		s64 next = timer_run(now);

		ck_assert(next == TIMER_NEVER || next == now + 10);
		now = next;
	}
	ck_assert_int_eq(g_fired, 5);
	timer_init(f, free_itself, NULL);
	timer_set(f, TIME_MONOTONIC, 7);
	timer_run(7);
	ck_assert_int_eq(g_fired, 6);
}
END_TEST

START_TEST(hook_hears_earlier_ones)
{
	struct timer a, b, c;

	timer_set_rearm(hook);
	timer_init(&a, in_order, NULL);
	timer_init(&b, in_order, NULL);
	timer_init(&c, in_order, NULL);
	timer_set(&a, TIME_MONOTONIC, 1000);
	ck_assert_int_eq(g_armed, 1000);
	timer_set(&b, TIME_MONOTONIC, 2000);
	ck_assert_int_eq(g_hooks, 1);
	timer_set(&c, TIME_MONOTONIC, 500);
	ck_assert_int_eq(g_armed, 500);
	timer_cancel(&c);
	ck_assert_int_eq(g_hooks, 2);
	ck_assert_int_eq(timer_run(500), 1000);
	ck_assert_int_eq(g_armed, 1000);
	timer_cancel(&a);
	timer_cancel(&b);
	ck_assert_int_eq(timer_run(600), TIMER_NEVER);
	timer_set(&b, TIME_MONOTONIC, 3000);
	ck_assert_int_eq(g_armed, 3000);
	timer_cancel_sync(&b);
	/* one of the real-time clock: about as far away on the monotonic one */
	timer_set(&b, TIME_REALTIME, time_realtime() + NSEC_PER_SEC);
	timer_run(time_monotonic());
	ck_assert_int_gt(g_armed, time_monotonic() + NSEC_PER_SEC / 2);
	ck_assert_int_le(g_armed, time_monotonic() + NSEC_PER_SEC);
	timer_set(&b, TIME_MONOTONIC, TIMER_NEVER);
	ck_assert_int_eq(timer_deadline(&b, NULL), TIMER_NEVER);
}
END_TEST

static _Atomic bool g_running, g_stop;

static void slow(struct timer *t, s64 now)
{
	g_running = true;
	usleep(200);
	g_running = false;
}

static void *run_all_the_time(void *arg)
{
	while (!g_stop)
		timer_run(time_monotonic());
	return NULL;
}

START_TEST(cancel_sync_waits)
{
	pthread_t th[2];
	struct timer t;

	timer_init(&t, slow, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&th[i], NULL, run_all_the_time, NULL);
	for (int i = 0; i < 500; i++) {
		timer_set(&t, TIME_MONOTONIC, time_monotonic() + rand() % 100000);
		usleep((unsigned)rand() % 200);
		timer_cancel_sync(&t);
		ck_assert(!g_running);
	}
	g_stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
}
END_TEST

START_TEST(clock_names)
{
	ck_assert_int_eq(time_clock_of(CLOCK_MONOTONIC_COARSE), TIME_MONOTONIC);
	ck_assert_int_eq(time_clock_of(CLOCK_TAI), TIME_REALTIME);
	ck_assert_int_eq(time_clock_of(CLOCK_PROCESS_CPUTIME_ID), -EINVAL);
	ck_assert_int_eq(time_clock_of(-1), -EINVAL);
	ck_assert_int_eq(time_add(INT64_MAX - 1, 5), INT64_MAX);
	ck_assert_int_eq(time_add(INT64_MIN + 1, -5), INT64_MIN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("time_timer");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, random_order);
	tcase_add_test(tc, functions_may_do_anything);
	tcase_add_test(tc, hook_hears_earlier_ones);
	tcase_add_test(tc, cancel_sync_waits);
	tcase_add_test(tc, clock_names);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
