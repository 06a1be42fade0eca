/* SPDX-License-Identifier: Apache-2.0 */
/* platform_harness.h - plays the sentry for the platform's tests
 *
 * The guests (platform_guests.h) are copied to CODE of a fresh stub. Each test ends with the
 * number of processes that it began with.
 */
#ifndef TESTS_UNIT_PLATFORM_HARNESS_H
#define TESTS_UNIT_PLATFORM_HARNESS_H

#include <check.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/arch/x86_64/frame.h"
#include "platform/arch/x86_64/stub.h"
#include "platform/platform.h"
#include "sentry/base/log.h"
#include "tests/unit/platform_guests.h"

#define CODE   0x100000ul
#define DATA   0x200000ul
#define SIZE   0x10000ul
#define T_MARK 5000
#define T_DONE 5001

#define START(name) start(name, (size_t)(name##_end - name))

static struct platform *g_p;
static struct pevent g_ev;

/* Wakes platform_recv after @arg microseconds. */
static inline void *waker(void *arg)
{
	usleep((useconds_t)(u64)arg);
	platform_wake(g_p);
	return NULL;
}

static inline void setup_with(bool strict, unsigned workers)
{
	struct platform_config config = {.workers = workers, .strict = strict, .procfd = -1};

	config.procfd = open("/proc", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(platform_create("unotify", &config, &g_p), 0);
}

static inline void setup(void)
{
	setup_with(false, 1);
}

static inline void teardown(void)
{
	int status;

	platform_destroy(g_p);
	ck_assert_int_eq(waitpid(-1, &status, WNOHANG), -1);
}

static inline void next(void)
{
	ck_assert_int_eq(platform_recv(g_p, 0, &g_ev), 0);
}

static inline void next_is(struct pctx *c, enum pevent_kind kind)
{
	next();
	if (g_ev.kind != kind)
		fprintf(stderr, "event %d (nr %d, sig %d) instead of %d\n", g_ev.kind, g_ev.nr,
			g_ev.info.si_signo, kind);
	ck_assert_int_eq(g_ev.kind, kind);
	ck_assert_ptr_eq(g_ev.ctx, c);
}

static inline void next_call(struct pctx *c, int nr)
{
	next_is(c, PEV_SYSCALL);
	ck_assert_int_eq(g_ev.nr, nr);
}

static inline struct pctx *spawn(void)
{
	struct pctx *c = NULL;
	int err = pctx_spawn(g_p, &g_p, &g_ev, &c);

	if (err == -EINPROGRESS) {
		next_is(c, PEV_READY);
		ck_assert_ptr_eq(g_ev.owner, &g_p);
		err = 0;
	}
	ck_assert_int_eq(err, 0);
	return c;
}

static inline struct pcmd cmd_map(u64 at, u64 size, int prot)
{
	return (struct pcmd){
		SYS_mmap,
		-1,
		{at, size, (u64)prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ul, 0}};
}

static inline void run(struct pctx *c, const struct pcmd *cmds, unsigned n)
{
	pctx_run(c, cmds, n, 0);
	next_is(c, PEV_DONE);
}

static inline void put(struct pctx *c, u64 at, const void *buf, size_t n)
{
	struct iovec l = {(void *)buf, n}, g = {(void *)at, n};

	ck_assert_int_eq(pas_writev(pctx_as(c), &l, 1, &g, 1), (ssize_t)n);
}

static inline u64 get(struct pctx *c, u64 at)
{
	u64 v = 0;
	struct iovec l = {&v, 8}, g = {(void *)at, 8};

	ck_assert_int_eq(pas_readv(pctx_as(c), &l, 1, &g, 1), 8);
	return v;
}

static inline struct pctx *prepare(const char *code, size_t n)
{
	struct pcmd cmds[] = {cmd_map(CODE, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC),
			      cmd_map(DATA, SIZE, PROT_READ | PROT_WRITE)};
	struct pregs r = {.rip = CODE, .rsp = DATA + SIZE - 64, .rbp = DATA};
	struct pctx *c = spawn();

	run(c, cmds, 2);
	ck_assert_int_eq(g_ev.result, 0);
	put(c, CODE, code, n);
	pctx_set_regs(c, &r);
	return c;
}

static inline struct pctx *start(const char *code, size_t n)
{
	struct pctx *c = prepare(code, n);

	pctx_resume(c);
	return c;
}

/* The guest has said that it is done; its process goes. */
static inline void finish(struct pctx *c)
{
	next_call(c, T_DONE);
	pctx_exit(c, GVA(0));
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static inline struct pctx *clone_event(struct pctx *parent, unsigned flags, u64 tls, u64 set_tid,
				       long *out)
{
	struct pctx *child = NULL;
	struct pregs r;

	pctx_get_regs(parent, &r);
	r.rax = 0;
	ck_assert_int_eq(
		pctx_clone(parent, flags, &r, tls, GVA(set_tid), 4711, &child, &child, &child), 0);
	*out = 1;
	return child;
}

/* Each test is a case of its own: CK_RUN_CASE=name runs one. */
static inline void add(Suite *s, const char *name, const TTest *test)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test);
	suite_add_tcase(s, t);
}

#define ADD(test) add(s, #test, test)

/* Runs a suite; the exit status. */
static inline int run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (getenv("VERBOSE"))
		log_init(2, LOG_DEBUG, false);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

#endif
