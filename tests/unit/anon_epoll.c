/* libs: fs_anon fs_pipe kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* anon_epoll.c - epoll over pipes and eventfds: triggers, nesting, files that go away, threads */
#include "tests/unit/events_test.h"

#include <pthread.h>
#include <sched.h>

static struct file *g_p[2], *g_ep;

static void open_all(void)
{
	ck_assert_int_eq(pipe_create(&g_caller, O_NONBLOCK, g_p), 0);
	g_ep = epoll_create_file(&g_caller, 0);
}

static int control(struct file *ep, int op, struct file *f, int fd, u32 events)
{
	struct epoll_event_k ev = {.events = events, .data = (u64)fd};

	return epoll_control(&g_task, ep, op, fd, f, &ev);
}

static int ready(struct file *ep, u32 *bits)
{
	struct epoll_event_k ev[8];
	int n = epoll_collect(&g_task, ep, ev, 8);

	if (bits)
		*bits = n ? ev[0].events : 0;
	return n;
}

START_TEST(triggers)
{
	u32 bits;
	char c;

	open_all();
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, g_p[0], 3, EPOLLIN | EPOLLET), 0);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, g_p[0], 4, EPOLLIN), 0);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, g_p[0], 5, EPOLLIN | EPOLLONESHOT), 0);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, g_p[0], 4, EPOLLIN), -EEXIST);
	ck_assert_int_eq(ready(g_ep, NULL), 0);
	ck_assert_int_eq(file_write(g_p[1], "x", 1), 1);
	ck_assert_int_eq(ready(g_ep, NULL), 3);
	ck_assert_int_eq(ready(g_ep, NULL), 1);
	ck_assert_int_eq(file_write(g_p[1], "x", 1), 1);
	ck_assert_int_eq(ready(g_ep, NULL), 2);
	ck_assert_int_eq(file_read(g_p[0], &c, 1), 1);
	ck_assert_int_eq(ready(g_ep, NULL), 1);
	ck_assert_int_eq(file_read(g_p[0], &c, 1), 1);
	ck_assert_int_eq(ready(g_ep, NULL), 0);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_MOD, g_p[0], 5, EPOLLIN), 0);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_DEL, g_p[0], 3, 0), 0);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_DEL, g_p[0], 3, 0), -ENOENT);
	file_put(g_p[1]);
	ck_assert_int_eq(ready(g_ep, &bits), 2);
	ck_assert_uint_eq(bits, EPOLLHUP);
	file_put(g_p[0]);
	ck_assert_int_eq(ready(g_ep, NULL), 0);
	file_put(g_ep);
}
END_TEST

START_TEST(nesting)
{
	struct file *ep[8];
	u32 bits;
	char c;
	int r = 0, n = 0;

	open_all();
	for (int i = 0; i < 8; i++)
		ep[i] = epoll_create_file(&g_caller, 0);
	ck_assert_int_eq(control(ep[0], EPOLL_CTL_ADD, g_p[0], 1, EPOLLIN), 0);
	while (n < 7 && (r = control(ep[n + 1], EPOLL_CTL_ADD, ep[n], 10 + n, EPOLLIN)) == 0)
		n++;
	ck_assert_int_eq(r, -ELOOP);
	ck_assert_int_eq(n, 4);
	ck_assert_int_eq(control(ep[0], EPOLL_CTL_ADD, ep[3], 5, EPOLLIN), -ELOOP);
	ck_assert_int_eq(control(ep[0], EPOLL_CTL_ADD, ep[0], 5, EPOLLIN), -EINVAL);
	ck_assert_int_eq(control(ep[4], EPOLL_CTL_ADD, ep[3], 6, EPOLLIN | EPOLLEXCLUSIVE),
			 -EINVAL);
	ck_assert_int_eq(ready(ep[4], NULL), 0);
	ck_assert_int_eq(file_write(g_p[1], "x", 1), 1);
	ck_assert_int_eq(ready(ep[4], &bits), 1);
	ck_assert_uint_eq(bits, EPOLLIN);
	ck_assert_int_eq(ready(ep[4], NULL), 1);
	ck_assert_int_eq(file_read(g_p[0], &c, 1), 1);
	ck_assert_int_eq(ready(ep[4], NULL), 0);
	for (int i = 0; i < 8; i++)
		file_put(ep[i]);
	file_put(g_p[0]);
	file_put(g_p[1]);
	file_put(g_ep);
}
END_TEST

static _Atomic bool g_stop;
static _Atomic u64 g_events;

static void *collect_all_the_time(void *arg)
{
	while (!g_stop)
		g_events += (u64)ready(g_ep, NULL);
	return NULL;
}

static void *write_all_the_time(void *arg)
{
	struct file *e = arg;
	u64 one = 1, v;

	while (!g_stop) {
		file_write(e, &one, 8);
		file_read(e, &v, 8);
	}
	return NULL;
}

/* Files come and go while their events fly: nothing may be touched after its end. */
START_TEST(life_races)
{
	struct file *shared;
	pthread_t t[3];

	open_all();
	shared = eventfd_create(&g_caller, 0, false, O_NONBLOCK);
	ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, shared, 1, EPOLLIN | EPOLLET), 0);
	pthread_create(&t[0], NULL, collect_all_the_time, NULL);
	pthread_create(&t[1], NULL, write_all_the_time, shared);
	pthread_create(&t[2], NULL, write_all_the_time, shared);
	for (int i = 0; i < 20000; i++) {
		struct file *inner = epoll_create_file(&g_caller, 0);
		struct file *e = eventfd_create(&g_caller, 1, false, O_NONBLOCK);

		ck_assert_int_eq(control(inner, EPOLL_CTL_ADD, shared, 2, EPOLLIN), 0);
		ck_assert_int_eq(control(inner, EPOLL_CTL_ADD, e, 3, EPOLLIN), 0);
		ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, e, 4, EPOLLIN | EPOLLONESHOT), 0);
		ck_assert_int_eq(control(g_ep, EPOLL_CTL_ADD, inner, 5, EPOLLIN | EPOLLET), 0);
		if (i % 3 == 0)
			control(g_ep, EPOLL_CTL_DEL, inner, 5, 0);
		file_put(i % 2 ? e : inner);
		file_put(i % 2 ? inner : e);
	}
	g_stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_gt(g_events, 0);
	file_put(g_ep);
	file_put(shared);
}
END_TEST

START_TEST(eventfd_counts)
{
	struct file *e = eventfd_create(&g_caller, 3, false, O_NONBLOCK);
	struct file *s = eventfd_create(&g_caller, 2, true, O_NONBLOCK);
	u64 v = UINT64_MAX;

	ck_assert_int_eq(file_write(e, &v, 8), -EINVAL);
	v = UINT64_MAX - 4;
	ck_assert_int_eq(file_write(e, &v, 8), 8);
	v = 1;
	ck_assert_int_eq(file_write(e, &v, 8), -EAGAIN);
	ck_assert_uint_eq(e->op->poll(e, NULL), EPOLLIN);
	ck_assert_int_eq(file_read(e, &v, 7), -EINVAL);
	ck_assert_int_eq(file_read(e, &v, 8), 8);
	ck_assert_uint_eq(v, UINT64_MAX - 1);
	ck_assert_int_eq(file_read(e, &v, 8), -EAGAIN);
	ck_assert_int_eq(file_read(s, &v, 8), 8);
	ck_assert_uint_eq(v, 1);
	ck_assert_int_eq(file_read(s, &v, 8), 8);
	ck_assert_int_eq(file_read(s, &v, 8), -EAGAIN);
	file_put(e);
	file_put(s);
}
END_TEST

/* TFD_TIMER_CANCEL_ON_SET */
START_TEST(clock_was_set)
{
	struct file *f = timerfd_create_file(&g_caller, CLOCK_REALTIME, O_NONBLOCK);
	struct file *other = timerfd_create_file(&g_caller, CLOCK_REALTIME, O_NONBLOCK);
	struct timerfd_spec far = {.value = INT64_MAX / 2};
	struct poll_table pt = {0};
	u64 ticks;

	ck_assert(!IS_ERR(f) && !IS_ERR(other));
	ck_assert_int_eq(timerfd_set(f, true, true, &far, NULL), 0);
	ck_assert_int_eq(timerfd_set(other, true, false, &far, NULL), 0);
	ck_assert_uint_eq(f->op->poll(f, &pt), 0);
	timerfd_clock_set();
	ck_assert_uint_eq(f->op->poll(f, &pt), EPOLLIN);
	ck_assert_uint_eq(other->op->poll(other, &pt), 0);
	ck_assert_int_eq(file_read(f, &ticks, sizeof(ticks)), -ECANCELED);
	ck_assert_int_eq(file_read(f, &ticks, sizeof(ticks)), -EAGAIN);
	timerfd_clock_set();
	ck_assert_int_eq(timerfd_set(f, true, true, &far, NULL), -ECANCELED);
	ck_assert_int_eq(file_read(f, &ticks, sizeof(ticks)), -EAGAIN);
	timerfd_clock_set();
	/* a relative deadline is not cancelled */
	ck_assert_int_eq(timerfd_set(f, false, true, &far, NULL), -ECANCELED);
	timerfd_clock_set();
	ck_assert_int_eq(file_read(f, &ticks, sizeof(ticks)), -EAGAIN);
	file_put(f);
	file_put(other);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, triggers);
	tcase_add_test(tc, nesting);
	tcase_add_test(tc, life_races);
	tcase_add_test(tc, eventfd_counts);
	tcase_add_test(tc, clock_was_set);
}

int main(void)
{
	return run_suite("anon_epoll", add);
}
