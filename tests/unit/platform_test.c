/* libs: unotify arch host seccomp base */
/* SPDX-License-Identifier: Apache-2.0 */
/* platform_test.c - platform/unotify alone: calls, kicks, commands, state, workers
 */
#include "tests/unit/platform_harness.h"

/* --- calls
 * ---------------------------------------------------------------------------------------- */

START_TEST(plain_call)
{
	struct pctx *c = START(g_plain);

	next_call(c, SYS_getpid);
	ck_assert(!g_ev.has_regs);
	ck_assert_uint_eq(g_ev.arch, AUDIT_ARCH_X86_64);
	ck_assert_uint_eq(g_ev.ip, CODE + 7);
	pctx_return(c, 1234);
	next_call(c, T_MARK);
	ck_assert_uint_eq(g_ev.args[0], 1234);
	for (unsigned i = 1; i < 6; i++)
		ck_assert_uint_eq(g_ev.args[i], i + 1);
	pctx_return(c, -EPERM);
	next_call(c, T_DONE);
	ck_assert_int_eq((long)g_ev.args[0], -EPERM);
	pctx_exit(c, GVA(0));
}
END_TEST

START_TEST(structural)
{
	struct pcmd map = cmd_map(0x300000, 4096, PROT_READ | PROT_WRITE);
	struct pctx *c = START(g_mmap);
	struct pregs r;

	next_call(c, SYS_mmap);
	ck_assert(g_ev.has_regs);
	ck_assert_uint_eq(g_ev.args[3], 0x32);
	pctx_get_regs(c, &r);
	ck_assert_uint_eq(r.rax, SYS_mmap);
	ck_assert_uint_eq(r.rip, g_ev.ip);
	pctx_run(c, &map, 1, PRUN_RESUME);
	next_call(c, T_DONE);
	ck_assert_uint_eq(g_ev.args[0], 0x300000);
	ck_assert_uint_eq((u32)get(c, 0x300000), 77);
	pctx_exit(c, GVA(0));
}
END_TEST

START_TEST(in_place)
{
	struct pctx *c = START(g_munmap);
	u64 v;
	struct iovec l = {&v, 8}, g = {(void *)DATA, 8};

	next_call(c, SYS_munmap);
	ck_assert(!g_ev.has_regs);
	pctx_continue(c);
	next_call(c, T_DONE);
	ck_assert_uint_eq(g_ev.args[0], 0);
	ck_assert_int_eq(pas_readv(pctx_as(c), &l, 1, &g, 1), -EFAULT);
	pctx_exit(c, GVA(0));
}
END_TEST

START_TEST(fault)
{
	struct pctx *c = START(g_fault);
	struct pregs r;

	next_is(c, PEV_FAULT);
	ck_assert_int_eq(g_ev.info.si_signo, SIGSEGV);
	ck_assert_ptr_eq(g_ev.info.si_addr, (void *)0x1234);
	pctx_get_regs(c, &r);
	ck_assert_uint_eq(r.rip, CODE);
	r.rip += 11;
	pctx_set_regs(c, &r);
	pctx_resume(c);
	next_is(c, PEV_FAULT);
	ck_assert_int_eq(g_ev.info.si_signo, SIGTRAP);
	pctx_resume(c);
	next_is(c, PEV_FAULT);
	ck_assert_int_eq(g_ev.info.si_signo, SIGILL);
	pctx_get_regs(c, &r);
	r.rip += 2;
	pctx_set_regs(c, &r);
	pctx_resume(c);
	finish(c);
}
END_TEST

START_TEST(foreign_abi)
{
	struct pctx *c = START(g_foreign);
	struct pregs r;

	next_call(c, 20);
	ck_assert_uint_eq(g_ev.arch, AUDIT_ARCH_I386);
	ck_assert(g_ev.has_regs);
	pctx_return(c, -ENOSYS);
	next_call(c, T_MARK);
	ck_assert_int_eq((int)g_ev.args[0], -ENOSYS);
	pctx_return(c, 0);
	next_call(c, 0x40000027);
	ck_assert(g_ev.has_regs);
	pctx_return(c, -ENOSYS);
	next_call(c, T_MARK);
	ck_assert_int_eq((long)g_ev.args[0], -ENOSYS);
	pctx_return(c, 0);
	next(); /* vsyscall: trapped, or a fault on hosts without it */
	if (g_ev.kind == PEV_SYSCALL) {
		ck_assert_int_eq(g_ev.nr, SYS_time);
		pctx_return(c, 99);
	} else {
		ck_assert_int_eq(g_ev.kind, PEV_FAULT);
		pctx_get_regs(c, &r);
		r.rip = get(c, r.rsp);
		r.rsp += 8;
		pctx_set_regs(c, &r);
		pctx_resume(c);
	}
	finish(c);
}
END_TEST

START_TEST(native_calls)
{
	struct pctx *c = START(g_native);

	next_call(c, T_DONE);
	ck_assert_uint_ne(g_ev.args[0], 0);
	pctx_exit(c, GVA(0));
}
END_TEST

START_TEST(strict)
{
	struct pctx *c;

	teardown();
	setup_with(true, 1);
	c = START(g_native);
	next_call(c, SYS_sched_yield);
	pctx_return(c, 0);
	next_call(c, SYS_arch_prctl);
	pctx_return(c, 0);
	next_call(c, SYS_clock_gettime);
	pctx_return(c, 0);
	finish(c);
}
END_TEST

/* --- kicks
 * ---------------------------------------------------------------------------------------- */

START_TEST(kick)
{
	struct pctx *c = START(g_spin);
	struct pregs r;
	u32 one = 1;

	next_call(c, T_MARK);
	pctx_return(c, 0);
	for (int i = 0; i < 100; i++) {
		pctx_kick(c);
		next_is(c, PEV_KICK);
		pctx_get_regs(c, &r);
		ck_assert_uint_ge(r.rip, CODE);
		ck_assert_uint_lt(r.rip, CODE + SIZE);
		pctx_resume(c);
	}
	put(c, DATA, &one, 4);
	next_call(c, T_DONE);
	pctx_kick(c); /* at the border: comes after the answer */
	pctx_return(c, 7);
	next_is(c, PEV_KICK);
	pctx_get_regs(c, &r);
	ck_assert_uint_eq(r.rax, 7);
	pctx_exit(c, GVA(0));
}
END_TEST

START_TEST(return_kick)
{
	struct pctx *c = START(g_plain);
	struct pregs r;

	next_call(c, SYS_getpid);
	pctx_return_kick(c, -EINTR);
	next_is(c, PEV_KICK);
	pctx_get_regs(c, &r);
	ck_assert_int_eq((long)r.rax, -EINTR);
	pctx_resume(c); /* no native wait: nothing to go on with */
	next_call(c, T_MARK);
	ck_assert_int_eq((long)g_ev.args[0], -EINTR);
	pctx_return(c, 0);
	finish(c);
}
END_TEST

START_TEST(wait_kick)
{
	struct pctx *c = START(g_wait);
	struct pregs r;

	next_call(c, T_MARK);
	pctx_return(c, 0);
	for (int i = 0; i < 20; i++) {
		usleep(1000);
		pctx_kick(c);
		next_is(c, PEV_KICK);
		ck_assert(g_ev.at_wait);
		pctx_resume(c);
	}
	usleep(1000);
	pctx_kick(c);
	next_is(c, PEV_KICK);
	pctx_get_regs(c, &r);
	r.rax = (u64)-EINTR;
	r.rip += 2;
	pctx_set_regs(c, &r);
	pctx_resume(c);
	next_call(c, T_DONE);
	ck_assert_int_eq((long)g_ev.args[0], -EINTR);
	pctx_exit(c, GVA(0));
}
END_TEST

START_TEST(wait_timed_kick)
{
	struct pctx *c = prepare(g_wait_timed, (size_t)(g_wait_timed_end - g_wait_timed));
	u64 ts[2] = {0, 200000000};
	double t;

	put(c, 0x200100, ts, sizeof(ts));
	pctx_resume(c);
	next_call(c, T_MARK);
	t = now();
	pctx_return(c, 0);
	for (int i = 0; i < 12; i++) {
		struct pregs r;

		usleep(10000);
		pctx_kick(c);
		next_is(c, PEV_KICK);
		pctx_get_regs(c, &r);
		ck_assert_uint_lt(r.rip, GUEST_END);
		pctx_set_regs(c, &r);
		pctx_resume(c);
	}
	next_call(c, T_DONE);
	t = now() - t;
	ck_assert_int_eq((long)g_ev.args[0], -ETIMEDOUT);
	ck_assert_msg(t > 0.19 && t < 0.5, "waited %f s", t);
	pctx_exit(c, GVA(0));
}
END_TEST

/* --- commands
 * ------------------------------------------------------------------------------------- */

START_TEST(commands)
{
	struct pctx *c = prepare(g_plain, (size_t)(g_plain_end - g_plain));
	struct pcmd cmds[] = {
		cmd_map(0x400000, 0x4000, PROT_READ | PROT_WRITE),
		{SYS_mprotect, -1, {0x401000, 0x1000, PROT_READ}},
		{SYS_munmap, -1, {0x402000, 0x1000}},
		{SYS_mremap,
		 -1,
		 {0x403000, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, 0x500000}},
		{SYS_mprotect, -1, {0x10000000, 0x1000, PROT_READ}},
		{SYS_munmap, -1, {0x400000, 0x1000}},
	};
	struct pcmd swap = {PCMD_CMPXCHG, -1, {0x500000, 5, 9}};
	u32 five = 5;

	run(c, cmds, 6);
	ck_assert_int_eq(g_ev.result, -ENOMEM);
	ck_assert_uint_eq(g_ev.index, 4);
	put(c, 0x500000, &five, 4);
	get(c, 0x400000);
	get(c, 0x401000);
	run(c, &swap, 1);
	ck_assert_int_eq(g_ev.result, 0);
	ck_assert_uint_eq((u32)get(c, 0x500000), 9);
	run(c, &swap, 1);
	ck_assert_int_eq(g_ev.result, -EAGAIN);
	pctx_exit(c, GVA(0));
}
END_TEST

/* Host descriptors of the stub. */
static int count_fds(struct pctx *c)
{
	char path[64], cmd[128];
	FILE *f;
	int n = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd", pctx_hosttid(c));
	snprintf(cmd, sizeof(cmd), "ls %s | wc -l", path);
	f = popen(cmd, "r");
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	pclose(f);
	return n;
}

START_TEST(file_mapping)
{
	struct pctx *c = prepare(g_plain, (size_t)(g_plain_end - g_plain));
	int fd = memfd_create("file", 0), other = memfd_create("other", 0);
	struct pcmd cmds[] = {
		{SYS_mmap, fd, {0x400000, 0x1000, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0, 0}},
		{SYS_mmap, fd, {0x401000, 0x1000, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0, 0x1000}},
		{SYS_mmap,
		 other,
		 {0x402000, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0, 0}},
		cmd_map(0x403000, 0x1000, PROT_READ),
		{SYS_mmap, -1, {0x404000, 0x1000, PROT_READ, MAP_PRIVATE | MAP_FIXED, 555, 0}},
	};
	u64 v = 0;

	ck_assert_int_eq(pwrite(fd, "AAAAAAAA", 8, 0), 8);
	ck_assert_int_eq(pwrite(fd, "BBBBBBBB", 8, 4096), 8);
	ck_assert_int_eq(ftruncate(other, 4096), 0);
	run(c, cmds, 5);
	ck_assert_int_eq(g_ev.result, -EBADF);
	ck_assert_uint_eq(g_ev.index, 4);
	ck_assert_uint_eq(get(c, 0x400000), 0x4141414141414141);
	ck_assert_uint_eq(get(c, 0x401000), 0x4242424242424242);
	v = 42;
	put(c, 0x402000, &v, 8);
	ck_assert_int_eq(pread(other, &v, 8, 0), 8);
	ck_assert_uint_eq(v, 42);
	ck_assert_int_eq(count_fds(c), 0);
	pctx_run(c, cmds, 1, PRUN_RESUME);
	next_call(c, SYS_getpid);
	ck_assert_int_eq(count_fds(c), 0);
	pctx_exit(c, GVA(0));
	close(fd);
	close(other);
}
END_TEST

/* --- state
 * ---------------------------------------------------------------------------------------- */

START_TEST(xstate)
{
	struct pctx *c = prepare(g_xstate, (size_t)(g_xstate_end - g_xstate)), *child;
	size_t size = platform_xstate_size(g_p), n;
	u64 v[2] = {0x1122334455667788, 0x99aabbccddeeff00}, w[4] = {1, 2, 3, 4};
	u8 *x = malloc(size), *y = malloc(size);
	bool done = false, called = false;
	long ok;

	n = pctx_get_xstate(c, x, size); /* of a fresh program */
	ck_assert_uint_eq(n, size);
	ck_assert_int_eq(pctx_set_xstate(c, x, n), 0);
	put(c, DATA, v, 16);
	put(c, DATA + 64, w, 32);
	pctx_resume(c);
	next_call(c, SYS_mremap);
	ck_assert_uint_eq(pctx_get_xstate(c, y, size), size);
	ck_assert_mem_eq(y + 160 + 7 * 16, v, 16);
	y[160 + 7 * 16] ^= 0xff;
	ck_assert_int_eq(pctx_set_xstate(c, y, size), 0);
	y[512 + 8] = 1; /* compacted: not in a signal frame */
	ck_assert_int_eq(pctx_set_xstate(c, y, size), -EINVAL);
	pctx_return(c, 0);
	next_call(c, SYS_clone);
	child = clone_event(c, PCLONE_NEWAS, 0, 0, &ok);
	while (!done || !called) {
		next();
		if (g_ev.kind == PEV_DONE)
			done = true;
		else
			called = g_ev.ctx == child && g_ev.nr == T_MARK;
	}
	ck_assert_uint_eq(get(child, DATA + 16), v[0] ^ 0xff);
	ck_assert_uint_eq(get(child, DATA + 96), 1);
	ck_assert_uint_eq(get(child, DATA + 96 + 24), 4);
	pctx_exit(child, GVA(0));
	pctx_exit(c, GVA(0));
	free(x);
	free(y);
}
END_TEST

/* --- speed and workers
 * ---------------------------------------------------------------------------- */

START_TEST(speed)
{
	struct pctx *c = START(g_loop);
	struct pcmd map = cmd_map(0x700000, 65536, 3);
	double t = now();

	for (;;) {
		if (platform_recv(g_p, 0, &g_ev)) /* no ck_assert here: it writes to a file */
			ck_abort();
		if (g_ev.nr == T_DONE)
			break;
		pctx_return(c, 42);
	}
	printf("getppid: %.0f ns\n", (now() - t) / 200000 * 1e9);
	pctx_exit(c, GVA(0));
	c = START(g_maploop);
	t = now();
	for (;;) {
		if (platform_recv(g_p, 0, &g_ev)) /* no ck_assert here: it writes to a file */
			ck_abort();
		if (g_ev.nr == T_DONE)
			break;
		if (g_ev.nr == SYS_mmap)
			pctx_run(c, &map, 1, PRUN_RESUME);
		else
			pctx_continue(c);
	}
	printf("mmap+munmap: %.0f ns\n", (now() - t) / 20000 * 1e9);
	pctx_exit(c, GVA(0));
}
END_TEST

static _Atomic int g_ended;

static void *worker(void *arg)
{
	struct pevent ev;
	unsigned i = (unsigned)(u64)arg, calls = 0;

	while (!platform_recv(g_p, i, &ev)) {
		if (ev.kind == PEV_WAKE)
			continue;
		if (ev.nr == T_DONE) {
			pctx_exit(ev.ctx, GVA(0));
			if (++g_ended == 4)
				platform_shutdown(g_p);
		} else {
			if (++calls % 64 == 0)
				platform_may_block(g_p, i);
			pctx_return(ev.ctx, 1);
		}
	}
	return NULL;
}

START_TEST(workers)
{
	pthread_t t[3];
	struct pctx *c[4];

	teardown();
	setup_with(false, 3);
	g_ended = 0;
	for (int i = 0; i < 4; i++)
		c[i] = prepare(g_loop, (size_t)(g_loop_end - g_loop));
	for (int i = 0; i < 4; i++)
		pctx_resume(c[i]);
	double start_time = now();

	for (u64 i = 1; i < 3; i++)
		pthread_create(&t[i], NULL, worker, (void *)i);
	worker(NULL); /* index 0 is this thread's */
	for (int i = 1; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("4 guests, 3 workers: %.0f ns a call\n", (now() - start_time) / 800000 * 1e9);
	ck_assert_int_eq(g_ended, 4);
}
END_TEST

START_TEST(figures)
{
	struct pctx *c = START(g_spin);
	struct pas_stat st;
	u64 user, sys, mask[16], one = 1;

	next_call(c, T_MARK);
	ck_assert_int_eq(pas_stat(pctx_as(c), &st), 0);
	ck_assert_uint_gt(st.rss_anon, 0);
	ck_assert_uint_lt(st.rss_anon, 1 << 20);
	ck_assert_int_eq(pctx_cputime(c, &user, &sys), 0);
	ck_assert_int_eq(pctx_setaffinity(c, &one, 1), 0);
	ck_assert_int_eq(pctx_getaffinity(c, mask, 16), 0);
	ck_assert_uint_eq(mask[0], 1);
	ck_assert_int_eq(pctx_setnice(c, 5), 0);
	pctx_exit(c, GVA(0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("platform_test");

	ADD(plain_call);
	ADD(structural);
	ADD(in_place);
	ADD(fault);
	ADD(foreign_abi);
	ADD(native_calls);
	ADD(strict);
	ADD(kick);
	ADD(return_kick);
	ADD(wait_kick);
	ADD(wait_timed_kick);
	ADD(commands);
	ADD(file_mapping);
	ADD(xstate);
	ADD(speed);
	ADD(workers);
	ADD(figures);
	return run_suite(s);
}
