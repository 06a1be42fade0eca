/* libs: base */
/* SPDX-License-Identifier: Apache-2.0 */
/* base_waitq.c - who is woken by what; chains; removal while others wake; strbuf and log lines */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sentry/base/log.h"
#include "sentry/base/strbuf.h"
#include "sentry/base/waitq.h"

struct count {
	struct waiter w;
	_Atomic int calls;
	u32 last;
	bool uses;
};

static bool on_wake(struct waiter *w, u32 events)
{
	struct count *c = container_of(w, struct count, w);

	c->calls++;
	c->last = events;
	return c->uses;
}

static void counter(struct count *c, u32 events, bool exclusive)
{
	*c = (struct count){.w = {.events = events, .exclusive = exclusive, .wake = on_wake},
			    .uses = true};
}

START_TEST(events_and_exclusive)
{
	struct waitq q = WAITQ_INIT(q);
	struct count in, out, ex1, ex2, any;

	ck_assert(!waitq_active(&q));
	counter(&in, EPOLLIN, false);
	counter(&out, EPOLLOUT, false);
	counter(&ex1, EPOLLIN, true);
	counter(&ex2, EPOLLIN, true);
	counter(&any, 0, false);
	ex1.uses = false;
	waitq_add(&q, &in.w);
	waitq_add(&q, &ex1.w);
	waitq_add(&q, &ex2.w);
	waitq_add(&q, &out.w);
	waitq_add(&q, &any.w);
	waitq_wake(&q, EPOLLIN);
	ck_assert_int_eq(in.calls, 1);
	ck_assert_int_eq(out.calls, 0);
	ck_assert_int_eq(ex1.calls, 1); /* did not use it: the next one is asked too */
	ck_assert_int_eq(ex2.calls, 1);
	ck_assert_int_eq(any.calls, 1);
	ex1.uses = true;
	waitq_wake(&q, EPOLLIN | EPOLLOUT);
	ck_assert_int_eq(ex2.calls, 1);
	ck_assert_int_eq(out.calls, 1);
	waitq_del(&in.w);
	waitq_del(&in.w);
	waitq_wake(&q, EPOLLIN);
	ck_assert_int_eq(in.calls, 2);
	waitq_fini(&q);
	ck_assert(out.last & POLLFREE);
	ck_assert(!waitq_active(&q));
	waitq_del(&out.w);
}
END_TEST

START_TEST(chains_reach_the_end)
{
	struct waitq source = WAITQ_INIT(source);
	struct waitq_chain level[5];
	struct count link[5], end;

	for (int i = 0; i < 5; i++) {
		waitq_chain_init(&level[i]);
		counter(&link[i], EPOLLIN, false);
		link[i].w.chain = &level[i];
		waitq_add(i ? &level[i - 1].q : &source, &link[i].w);
	}
	counter(&end, EPOLLIN, false);
	waitq_add(&level[4].q, &end.w);
	waitq_wake(&source, EPOLLIN);
	ck_assert_int_eq(end.calls, 1);
	link[2].uses = false;
	waitq_wake(&source, EPOLLIN);
	ck_assert_int_eq(link[2].calls, 2);
	ck_assert_int_eq(end.calls, 1);
	waitq_fini(&source);
	for (int i = 0; i < 5; i++) {
		waitq_del(&link[i].w);
		waitq_chain_fini(&level[i]);
	}
	ck_assert(end.last & POLLFREE);
}
END_TEST

static struct waitq g_queue = WAITQ_INIT(g_queue);
static _Atomic bool g_stop;

static void *wake_all_the_time(void *arg)
{
	while (!g_stop)
		waitq_wake(&g_queue, EPOLLIN);
	return NULL;
}

/* After waitq_del and waitq_chain_fini nobody may touch waiter or chain: both are on the stack. */
START_TEST(removal_races)
{
	pthread_t t[2];
	int woken = 0;

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, wake_all_the_time, NULL);
	for (int i = 0; i < 50000; i++) {
		struct waitq_chain chain;
		struct count c, d;

		waitq_chain_init(&chain);
		counter(&c, EPOLLIN, i % 2);
		counter(&d, EPOLLIN, false);
		c.w.chain = &chain;
		waitq_add(&chain.q, &d.w);
		waitq_add(&g_queue, &c.w);
		waitq_del(&c.w);
		woken += d.calls;
		waitq_chain_fini(&chain);
		memset(&chain, 0x55, sizeof(chain));
		memset(&c, 0x55, sizeof(c));
		memset(&d, 0x55, sizeof(d));
	}
	g_stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_ge(woken, 0);
}
END_TEST

START_TEST(strbuf_never_overruns)
{
	char buf[8 + 1];
	struct strbuf s;

	buf[8] = '!';
	strbuf_init(&s, buf, 8);
	strbuf_printf(&s, "%d", 12345);
	ck_assert(!s.cut && s.len == 5);
	strbuf_add(&s, "abc", 3);
	ck_assert(s.cut && s.len == 7);
	ck_assert_str_eq(buf, "12345ab");
	strbuf_printf(&s, "%s", "more");
	ck_assert(s.len == 7 && buf[8] == '!');
}
END_TEST

START_TEST(log_lines)
{
	char got[4096], big[3000];
	int fds[2];
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	log_init(fds[1], LOG_INFO, false);
	log_info("a\nb %d", 1);
	log_debug("not this");
	n = read(fds[0], got, sizeof(got) - 1);
	got[n] = 0;
	ck_assert_str_eq(got, "runsc: info: a\\x0ab 1\n");
	log_init(fds[1], LOG_INFO, true);
	memset(big, '\n', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	log_error("\"%s", big);
	n = read(fds[0], got, sizeof(got) - 1);
	got[n] = 0;
	ck_assert_ptr_nonnull(strstr(got, "\"level\":\"error\",\"msg\":\"\\\"\\u000a"));
	ck_assert_str_eq(got + n - 9, "\\u000a\"}\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base_waitq");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, events_and_exclusive);
	tcase_add_test(tc, chains_reach_the_end);
	tcase_add_test(tc, removal_races);
	tcase_add_test(tc, strbuf_never_overruns);
	tcase_add_test(tc, log_lines);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
