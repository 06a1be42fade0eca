/* SPDX-License-Identifier: Apache-2.0 */
/* events_test.h - a caller without a sandbox around it, for tests of pipes, event files and sockets
 */
#ifndef TESTS_UNIT_EVENTS_TEST_H
#define TESTS_UNIT_EVENTS_TEST_H

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "fs/anon/anon.h"
#include "fs/pipe/pipe.h"
#include "sentry/kernel/pidns.h"
#include "sentry/kernel/task.h"

static struct pid_namespace g_pids;
static struct net_namespace g_net = {.first = true};
static struct nsproxy g_ns = {.net = &g_net, .pid_children = &g_pids};
static struct tgroup g_tg;
static struct task g_task;
static struct caller g_caller;

static void events_setup(void)
{
	ck_assert_int_eq(arena_init(1ull << 30), 0);
	ck_assert_int_eq(vfs_init(), 0);
	anon_init();
	ref_init(&g_tg.ref);
	ref_init(&g_net.ns.ref);
	g_tg.tgid = g_tg.vtgid = 42;
	g_tg.pid_ns = &g_pids;
	for (int i = 0; i < RLIMITS; i++)
		g_tg.rlim[i] = (struct rlimit64_pair){1024, 1024};
	g_task.tg = &g_tg;
	g_task.ns = &g_ns;
	g_task.cred = cred_create();
	g_caller.task = &g_task;
	g_caller.cred = g_task.cred;
}

static inline ssize_t file_write(struct file *f, const void *buf, size_t n)
{
	struct iov_iter it;

	iter_init_kernel(&it, (void *)(uintptr_t)buf, n);
	return f->op->write(&g_caller, f, &it, NULL);
}

static inline ssize_t file_read(struct file *f, void *buf, size_t n)
{
	struct iov_iter it;

	iter_init_kernel(&it, buf, n);
	return f->op->read(&g_caller, f, &it, NULL);
}

static inline int run_suite(const char *name, void (*add)(TCase *tc))
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, events_setup, NULL);
	add(tc);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
