/* libs: unotify arch host seccomp base */
/* SPDX-License-Identifier: Apache-2.0 */
/* platform_threads.c - platform/unotify alone: threads, processes, hostile guests, parking
 */
#include "tests/unit/platform_harness.h"

/* --- threads and processes
 * ------------------------------------------------------------------------ */

/* clone with whatever arguments; parent reports the result, child reports rax = 0 and its fs
 * base. */

static void thread_test(unsigned flags)
{
	struct pctx *c = START(g_clone), *child;
	bool done = false, child_called = false, parent_called = false;
	long ok;

	next_call(c, SYS_clone);
	child = clone_event(c, flags | PCLONE_SETTLS, 0xabc000, DATA + 64, &ok);
	while (!done || !child_called || !parent_called) {
		next();
		if (g_ev.kind == PEV_DONE) {
			ck_assert_ptr_eq(g_ev.ctx, c);
			ck_assert_int_eq(g_ev.result, 0);
			done = true;
			pctx_return(c, 99);
		} else if (g_ev.ctx == c) {
			ck_assert_int_eq(g_ev.nr, T_MARK);
			ck_assert_uint_eq(g_ev.args[0], 99);
			parent_called = true;
		} else {
			ck_assert_ptr_eq(g_ev.ctx, child);
			ck_assert_int_eq(g_ev.nr, 5002);
			ck_assert_uint_eq(g_ev.args[1], 0xabc000);
			ck_assert_uint_eq((u32)get(child, DATA + 64), 4711);
			child_called = true;
		}
	}
	ck_assert_int_eq(pctx_as(child) == pctx_as(c), !(flags & PCLONE_NEWAS));
	pctx_return(child, 0);
	next_call(child, SYS_exit);
	pctx_exit(child, GVA(0));
	pctx_return(c, 0);
	finish(c);
}

START_TEST(clone_thread)
{
	thread_test(0);
}
END_TEST

START_TEST(fork_process)
{
	thread_test(PCLONE_NEWAS);
}
END_TEST

/* Clones for ever; the child ends at once. */
static double clone_many(unsigned flags, unsigned count)
{
	struct pctx *c = START(g_cloner), *child = NULL;
	unsigned begun = 0, ended = 0;
	double t = now();

	while (ended < count) {
		if (platform_recv(g_p, 0, &g_ev)) /* no ck_assert here: it writes to a file */
			ck_abort();
		if (g_ev.kind == PEV_DONE) {
			if (g_ev.result)
				ck_abort();
			pctx_return(c, 5);
		} else if (g_ev.ctx == c) {
			struct pregs r;
			if (begun == count)
				continue;
			begun++;
			pctx_get_regs(c, &r);
			r.rax = 0;
			if (pctx_clone(c, flags, &r, 0, GVA(0), 0, NULL, NULL, &child))
				ck_abort();
		} else {
			pctx_exit(g_ev.ctx, GVA(DATA + 128));
			ended++;
			platform_reap(g_p, &g_ev);
		}
	}
	t = now() - t;
	pas_kill(pctx_as(c));
	pctx_destroy(c);
	return t;
}

START_TEST(thousand_forks)
{
	printf("1000 forks: %.1f us each\n", clone_many(PCLONE_NEWAS, 1000) * 1e3);
}
END_TEST

START_TEST(thousand_threads)
{
	printf("1000 threads: %.1f us each\n", clone_many(0, 1000) * 1e3);
}
END_TEST

/* Threads that make no call of their own, kicked before anybody can know that they exist: each kick
 * arrives. The parents go on by themselves. */
START_TEST(kicked_unborn)
{
	struct pctx *c = START(g_breeder), *child = NULL;
	unsigned begun = 0, kicked = 0;
	struct pregs r;

	while (kicked < 500) {
		next();
		if (g_ev.ctx != c) {
			ck_assert_ptr_eq(g_ev.ctx, child);
			ck_assert_int_eq(g_ev.kind, PEV_KICK);
			kicked++;
			pctx_exit(child, GVA(0));
			continue;
		}
		ck_assert_int_eq(g_ev.nr, SYS_clone);
		if (begun > kicked) {
			pctx_return(c, 1); /* one after the other */
			continue;
		}
		begun++;
		pctx_get_regs(c, &r);
		r.rax = 7;
		pctx_set_regs(c, &r);
		r.rax = 0;
		ck_assert_int_eq(pctx_clone(c, PCLONE_RESUME, &r, 0, GVA(0), 0, NULL, NULL, &child),
				 0);
		pctx_kick(child);
	}
	pas_kill(pctx_as(c));
	pctx_destroy(c);
}
END_TEST

START_TEST(leader_exits_first)
{
	struct pctx *c = START(g_clone), *child;
	bool done = false, called = false;
	u32 word = 77;
	long ok;

	next_call(c, SYS_clone);
	child = clone_event(c, 0, 0, 0, &ok);
	while (!done || !called) {
		next();
		if (g_ev.kind == PEV_DONE)
			done = true;
		else
			called = g_ev.ctx == child;
	}
	put(c, DATA + 256, &word, 4);
	pctx_exit(c, GVA(DATA + 256));
	ck_assert_uint_eq((u32)get(child, DATA + 256), 0);
	pctx_return(child, 0);
	next_call(child, SYS_exit);
	ck_assert_uint_ne(get(child, CODE), 0);
	pctx_exit(child, GVA(0));
}
END_TEST

START_TEST(exec_like)
{
	struct pctx *old = START(g_plain), *c;

	next_call(old, SYS_getpid);
	for (int i = 0; i < 50; i++) {
		c = START(g_plain);
		pctx_exit(old, GVA(0));
		next_call(c, SYS_getpid);
		old = c;
	}
	pctx_exit(old, GVA(0));
}
END_TEST

/* --- death
 * ---------------------------------------------------------------------------------------- */

static void expect_end(struct pctx *c, bool may_fault)
{
	struct pevent ev;
	double t = now();

	while (!platform_reap(g_p, &ev)) {
		pthread_t thread;

		ck_assert_msg(now() - t < 5, "the stub did not die");
		pthread_create(&thread, NULL, waker, (void *)1000);
		next();
		pthread_join(thread, NULL);
		if (g_ev.kind == PEV_FAULT && may_fault) {
			pas_kill(pctx_as(c));
			pctx_destroy(c);
			next_is(NULL, PEV_WAKE);
			return;
		}
		ck_assert_int_eq(g_ev.kind, PEV_WAKE);
	}
	ck_assert_int_eq(ev.kind, PEV_DIED);
	ck_assert_ptr_eq(ev.owner, &g_ev);
	pctx_destroy(c);
}

static void expect_death(struct pctx *c)
{
	expect_end(c, false);
}

/* Jumps to every syscall instruction of the stub with calls that matter to the host. Each must be
 * refused by death, or have harmed only the guest. */
START_TEST(hostile_jumps)
{
	static const struct {
		u64 nr, args[6];
	} calls[] = {
		{SYS_getpid, {0}},
		{SYS_openat, {(u64)-100, CODE, 0}},
		{SYS_mprotect, {DATA, 4096, PROT_READ}},
		{SYS_mremap, {DATA, 4096, 8192, 0}},
		{SYS_mmap, {0, 4096, 3, MAP_SHARED, 100, 0}},
		{SYS_clone, {SIGCHLD}},
		{SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}},
		{SYS_exit_group, {3}},
		{SYS_kill, {1, 0}},
		{SYS_prctl, {PR_SET_DUMPABLE, 0}},
		{STUB_NR_EVENT, {0, 0, 0}},
		{STUB_NR_EVENT, {SIGSYS, 0x1000, 0x1000}},
		{STUB_NR_EVENT, {SIGUSR1, DATA, DATA}},
		{STUB_NR_EVENT, {SIGKILL, ~0ul, ~0ul}},
		{SYS_exit, {0}},
		{SYS_mmap, {0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ul, 0}},
		{SYS_rt_sigreturn, {0}},
		{0xffffffff, {0}},
		{0x40000001, {0}},
	};
	const char *at = stub_text;
	unsigned places = 0;

	while ((at = memmem(at, (size_t)(stub_text_end - at), "\x0f\x05", 2))) {
		for (unsigned i = 0; i < array_size(calls); i++) {
			struct pctx *c = START(g_jump);
			u64 data[8];

			next_call(c, T_MARK);
			memcpy(data, &calls[i], 56);
			gva_t start_of;
			u64 size;

			platform_vdso(g_p, &start_of, &size);
			data[7] = start_of.v - 0x10000 + (u64)(at - stub_text);
			put(c, DATA, data, 64);
			pctx_return(c, 0);
			expect_end(c, true);
		}
		places++;
		at += 2;
	}
	ck_assert_uint_gt(places, 10);
}
END_TEST

/* The area that the frame of a context lies in; only the platform knows it otherwise. */
static u64 area_of(struct pctx *c)
{
	char line[256], path[64];
	u64 start = 0, first = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pctx_hosttid(c));
	f = fopen(path, "r");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "memfd:areas") && sscanf(line, "%lx", &start) == 1 && !first)
			first = start;
	fclose(f);
	return first;
}

/* Another thread of the guest changes commands under way. What was ordered is done when the
 * platform says so, or the guest dies. */
START_TEST(spoilt_commands)
{
	struct pcmd map = cmd_map(0x400000, 0x1000, PROT_READ | PROT_WRITE);
	struct pcmd unmap = {SYS_munmap, -1, {0x400000, 0x1000}};
	struct pctx *c = START(g_scribbler), *child;
	struct iovec guest = {(void *)0x400000, 8}, local;
	u64 area = area_of(c), v;
	struct pevent died;
	unsigned rounds = 0;

	next_call(c, SYS_clone);
	put(c, DATA, &area, 8);
	child = clone_event(c, 0, 0, 0, &(long){0});
	next_is(c, PEV_DONE);
	pctx_return(c, 1);
	local = (struct iovec){&v, 8};
	while (!platform_reap(g_p, &died)) {
		pthread_t t;

		pthread_create(&t, NULL, waker, (void *)2000);
		for (next(); g_ev.kind != PEV_WAKE; next()) {
			ck_assert_ptr_eq(g_ev.ctx, c);
			if (g_ev.kind == PEV_SYSCALL) {
				pctx_run(c, rounds++ % 2 ? &unmap : &map, 1, 0);
				continue;
			}
			ck_assert_int_eq(g_ev.kind, PEV_DONE);
			if (rounds % 2 == 0)
				ck_assert_int_eq(pas_readv(pctx_as(c), &local, 1, &guest, 1),
						 -EFAULT);
			pctx_return(c, 0);
		}
		pthread_join(t, NULL);
	}
	ck_assert_int_eq(died.kind, PEV_DIED);
	pctx_destroy(child);
	pctx_destroy(c);
}
END_TEST

START_TEST(own_death)
{
	struct pctx *c = START(g_spin);

	next_call(c, T_MARK);
	pctx_return(c, 0);
	kill(pctx_hosttid(c), SIGKILL);
	expect_death(c);
}
END_TEST

START_TEST(killed_as)
{
	for (int i = 0; i < 20; i++) {
		struct pctx *c = START(g_spin);

		next_call(c, T_MARK);
		if (i & 1)
			pctx_return(c, 0);
		pas_kill(pctx_as(c));
		pctx_kick(c);
		pctx_return(c, 0);
		pctx_destroy(c);
	}
}
END_TEST

/* --- parking
 * -------------------------------------------------------------------------------------- */

#define PARKED 200

/* Clones threads that each call T_MARK and then T_DONE with its result. */
/* What becomes of thread i: answered while it is on its way to be parked, answered when parked,
 * answered with a kick, kicked while blocked and then answered. */
enum { AT_ONCE, LATER, WITH_KICK, KICKED };

static struct {
	struct pctx *parent, *threads[PARKED];
	unsigned born, marked, ended, kicks;
	bool parent_waits;
} g_park;

static unsigned index_of(const struct pctx *c)
{
	unsigned i = 0;

	while (i < g_park.marked && g_park.threads[i] != c)
		i++;
	return i;
}

static void park_parent(void)
{
	struct pctx *c = g_park.parent, *child;
	struct pregs r;

	if (g_ev.kind == PEV_DONE) {
		pctx_return(c, 1);
	} else if (g_park.born < PARKED) {
		g_park.born++;
		pctx_get_regs(c, &r);
		r.rax = 0;
		ck_assert_int_eq(pctx_clone(c, 0, &r, 0, GVA(0), 0, NULL, NULL, &child), 0);
	} else {
		g_park.parent_waits = true;
		pctx_blocked(c);
	}
}

static void park_thread(void)
{
	unsigned i = index_of(g_ev.ctx);
	struct pregs r;

	if (g_ev.kind == PEV_KICK) {
		g_park.kicks++;
		pctx_get_regs(g_ev.ctx, &r);
		ck_assert_uint_eq(r.rax, i);
		ck_assert_uint_ge(i % 4, WITH_KICK);
		pctx_resume(g_ev.ctx);
	} else if (g_ev.nr == T_MARK) {
		ck_assert_uint_eq(i, g_park.marked);
		g_park.threads[g_park.marked++] = g_ev.ctx;
		if (i % 4 == KICKED)
			pctx_kick(g_ev.ctx);
		pctx_blocked(g_ev.ctx);
		if (i % 4 == AT_ONCE)
			pctx_return(g_ev.ctx, i);
	} else {
		ck_assert_int_eq(g_ev.kind, PEV_SYSCALL);
		ck_assert_int_eq(g_ev.nr, T_DONE);
		ck_assert_uint_eq(g_ev.args[0], i);
		g_park.threads[i] = NULL;
		g_park.ended++;
		pctx_exit(g_ev.ctx, GVA(0));
	}
}

START_TEST(parking)
{
	pthread_t t;

	memset(&g_park, 0, sizeof(g_park));
	g_park.parent = START(g_blocker);
	while (!g_park.parent_waits || g_park.marked < PARKED) {
		next();
		(g_ev.ctx == g_park.parent ? park_parent : park_thread)();
	}
	pthread_create(&t, NULL, waker, (void *)50000);
	for (next(); g_ev.kind != PEV_WAKE; next())
		park_thread();
	pthread_join(t, NULL);
	for (unsigned i = 0; i < PARKED; i++)
		if (i % 4 == WITH_KICK)
			pctx_return_kick(g_park.threads[i], i);
		else if (g_park.threads[i])
			pctx_return(g_park.threads[i], i);
	while (g_park.ended < PARKED) {
		next();
		park_thread();
	}
	ck_assert_uint_eq(g_park.kicks, PARKED / 2);
	pas_kill(pctx_as(g_park.parent));
	pctx_destroy(g_park.parent);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("platform_threads");

	ADD(clone_thread);
	ADD(fork_process);
	ADD(thousand_forks);
	ADD(thousand_threads);
	ADD(kicked_unborn);
	ADD(leader_exits_first);
	ADD(exec_like);
	ADD(hostile_jumps);
	ADD(spoilt_commands);
	ADD(own_death);
	ADD(killed_as);
	ADD(parking);
	return run_suite(s);
}
