/* libs: unotify arch host seccomp base */
/* SPDX-License-Identifier: Apache-2.0 */
/* platform_test.c - drives platform/unotify alone, without a sentry
 *
 * The guests are pieces of assembly, copied to CODE of a fresh stub. They report by calls with invented
 * numbers (T_*), which reach us like any other call. Each test ends with the number of processes that it began with.
 */
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
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/arch/x86_64/frame.h"
#include "platform/arch/x86_64/stub.h"
#include "platform/platform.h"
#include "sentry/base/log.h"

#define CODE   0x100000ul
#define DATA   0x200000ul
#define SIZE   0x10000ul
#define T_MARK 5000
#define T_DONE 5001

#define GUEST(name, text) \
	extern const char name[], name##_end[]; \
	__asm__(".pushsection .rodata\n.globl " #name ", " #name "_end\n" #name ":\n" text "\n" #name \
		"_end:\n.popsection\n")
#define START(name) start(name, (size_t)(name##_end - name))

static struct platform *g_p;
static struct pevent g_ev;

/* Wakes platform_recv after @arg microseconds. */
static void *waker(void *arg)
{
	usleep((useconds_t)(u64)arg);
	platform_wake(g_p);
	return NULL;
}

static void setup_with(bool strict, unsigned workers)
{
	struct platform_config config = {.workers = workers, .strict = strict, .procfd = -1};

	config.procfd = open("/proc", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(platform_create("unotify", &config, &g_p), 0);
}

static void setup(void)
{
	setup_with(false, 1);
}

static void teardown(void)
{
	int status;

	platform_destroy(g_p);
	ck_assert_int_eq(waitpid(-1, &status, WNOHANG), -1);
}

static void next(void)
{
	ck_assert_int_eq(platform_recv(g_p, 0, &g_ev), 0);
}

static void next_is(struct pctx *c, enum pevent_kind kind)
{
	next();
	if (g_ev.kind != kind)
		fprintf(stderr, "event %d (nr %d, sig %d) instead of %d\n", g_ev.kind, g_ev.nr,
			g_ev.info.si_signo, kind);
	ck_assert_int_eq(g_ev.kind, kind);
	ck_assert_ptr_eq(g_ev.ctx, c);
}

static void next_call(struct pctx *c, int nr)
{
	next_is(c, PEV_SYSCALL);
	ck_assert_int_eq(g_ev.nr, nr);
}

static struct pctx *spawn(void)
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

static struct pcmd cmd_map(u64 at, u64 size, int prot)
{
	return (struct pcmd){SYS_mmap, -1, {at, size, (u64)prot,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ul, 0}};
}

static void run(struct pctx *c, const struct pcmd *cmds, unsigned n)
{
	pctx_run(c, cmds, n, 0);
	next_is(c, PEV_DONE);
}

static void put(struct pctx *c, u64 at, const void *buf, size_t n)
{
	struct iovec l = {(void *)buf, n}, g = {(void *)at, n};

	ck_assert_int_eq(pas_writev(pctx_as(c), &l, 1, &g, 1), (ssize_t)n);
}

static u64 get(struct pctx *c, u64 at)
{
	u64 v = 0;
	struct iovec l = {&v, 8}, g = {(void *)at, 8};

	ck_assert_int_eq(pas_readv(pctx_as(c), &l, 1, &g, 1), 8);
	return v;
}

static struct pctx *prepare(const char *code, size_t n)
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

static struct pctx *start(const char *code, size_t n)
{
	struct pctx *c = prepare(code, n);

	pctx_resume(c);
	return c;
}

/* The guest has said that it is done; its process goes. */
static void finish(struct pctx *c)
{
	next_call(c, T_DONE);
	pctx_exit(c, GVA(0));
}

#define CALL(nr) "mov $" #nr ", %eax\n\tsyscall\n\t"
#define DONE	 CALL(5001) "hlt\n\t"

/* --- calls ---------------------------------------------------------------------------------------- */

GUEST(g_plain, CALL(39) "mov %rax, %rdi\n\tmov $2, %esi\n\tmov $3, %edx\n\tmov $4, %r10d\n\t"
	       "mov $5, %r8d\n\tmov $6, %r9d\n\t" CALL(5000) "mov %rax, %rdi\n\t" DONE);

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

GUEST(g_mmap, "mov $0x300000, %edi\n\tmov $4096, %esi\n\tmov $3, %edx\n\tmov $0x32, %r10d\n\t"
	      "mov $-1, %r8\n\txor %r9d, %r9d\n\t" CALL(9) "movl $77, (%rax)\n\tmov %rax, %rdi\n\t" DONE);

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

GUEST(g_munmap, "mov $0x200000, %edi\n\tmov $0x1000, %esi\n\t" CALL(11) "mov %rax, %rdi\n\t" DONE);

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

GUEST(g_fault, "movl $1, 0x1234\n\tint3\n\tud2\n\t" DONE);

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

GUEST(g_foreign, "mov $20, %eax\n\tint $0x80\n\tmov %eax, %edi\n\t" CALL(5000)
		 "mov $0x40000027, %eax\n\tsyscall\n\tmov %rax, %rdi\n\t" CALL(5000)
		 "mov $0xffffffffff600400, %rax\n\tcall *%rax\n\tmov %rax, %rdi\n\t" DONE);

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

GUEST(g_native, "mov $24, %eax\n\tsyscall\n\tmov $0x1003, %edi\n\tmov %rbp, %rsi\n\t" CALL(158)
		"mov $228, %eax\n\tmov $1, %edi\n\tlea 16(%rbp), %rsi\n\tsyscall\n\t"
		"mov 16(%rbp), %rdi\n\t" DONE);

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

/* --- kicks ---------------------------------------------------------------------------------------- */

GUEST(g_spin, CALL(5000) "1:\tpause\n\tcmpl $0, (%rbp)\n\tje 1b\n\t" DONE);

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

/* Waits on the word at DATA: %s ops; then reports the result. */
#define WAIT_CODE(op, timeout) \
	CALL(5000) "mov $202, %eax\n\tmov %rbp, %rdi\n\tmov $" #op ", %esi\n\txor %edx, %edx\n\t" \
	"mov $" #timeout ", %r10d\n\tmov $-1, %r9d\n\tsyscall\n\tmov %rax, %rdi\n\t" DONE
GUEST(g_wait, WAIT_CODE(0, 0));
GUEST(g_wait_timed, WAIT_CODE(0, 0x200100));

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

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

/* --- commands ------------------------------------------------------------------------------------- */

START_TEST(commands)
{
	struct pctx *c = prepare(g_plain, (size_t)(g_plain_end - g_plain));
	struct pcmd cmds[] = {
		cmd_map(0x400000, 0x4000, PROT_READ | PROT_WRITE),
		{SYS_mprotect, -1, {0x401000, 0x1000, PROT_READ}},
		{SYS_munmap, -1, {0x402000, 0x1000}},
		{SYS_mremap, -1, {0x403000, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, 0x500000}},
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
		{SYS_mmap, other, {0x402000, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0, 0}},
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

/* --- threads and processes ------------------------------------------------------------------------ */

/* clone with whatever arguments; parent reports the result, child reports rax = 0 and its fs base. */
GUEST(g_clone, CALL(56) "test %rax, %rax\n\tjz 1f\n\tmov %rax, %rdi\n\t" CALL(5000) DONE
	       "1:\tmov $0x1003, %edi\n\tlea 8(%rbp), %rsi\n\t" CALL(158)
	       "mov 8(%rbp), %rsi\n\txor %edi, %edi\n\t" CALL(5002) "mov $60, %eax\n\tsyscall\n\thlt\n\t");

static struct pctx *clone_event(struct pctx *parent, unsigned flags, u64 tls, u64 set_tid, long *out)
{
	struct pctx *child = NULL;
	struct pregs r;

	pctx_get_regs(parent, &r);
	r.rax = 0;
	ck_assert_int_eq(pctx_clone(parent, flags, &r, tls, GVA(set_tid), 4711, &child, &child, &child),
			 0);
	*out = 1;
	return child;
}

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
GUEST(g_cloner, "1:\tmov $56, %eax\n\tsyscall\n\ttest %rax, %rax\n\tjnz 1b\n\tmov $60, %eax\n\tsyscall\n\t");

static double clone_many(unsigned flags, unsigned count)
{
	struct pctx *c = START(g_cloner), *child = NULL;
	unsigned begun = 0, ended = 0;
	double t = now();

	while (ended < count) {
		next();
		if (g_ev.kind == PEV_DONE) {
			ck_assert_int_eq(g_ev.result, 0);
			pctx_return(c, 5);
		} else if (g_ev.ctx == c) {
			struct pregs r;

			ck_assert_int_eq(g_ev.nr, SYS_clone);
			if (begun == count)
				continue;
			begun++;
			pctx_get_regs(c, &r);
			r.rax = 0;
			ck_assert_int_eq(pctx_clone(c, flags, &r, 0, GVA(0), 0, NULL, NULL, &child), 0);
		} else {
			ck_assert_int_eq(g_ev.nr, SYS_exit);
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

/* --- death ---------------------------------------------------------------------------------------- */

static void expect_death(struct pctx *c)
{
	struct pevent ev;
	double t = now();

	/* Whatever else comes is no event. */
	while (!platform_reap(g_p, &ev)) {
		pthread_t thread;

		ck_assert_msg(now() - t < 5, "the stub did not die");
		pthread_create(&thread, NULL, waker, (void *)1000);
		next_is(NULL, PEV_WAKE);
		pthread_join(thread, NULL);
	}
	ck_assert_int_eq(ev.kind, PEV_DIED);
	ck_assert_ptr_eq(ev.owner, &g_ev);
	ck_assert(WIFSIGNALED(ev.status));
	pctx_destroy(c);
}

GUEST(g_jump, CALL(5000) "mov (%rbp), %rax\n\tmov 8(%rbp), %rdi\n\tmov 16(%rbp), %rsi\n\tmov 24(%rbp), %rdx\n\t"
	      "mov 32(%rbp), %r10\n\tmov 40(%rbp), %r8\n\tmov 48(%rbp), %r9\n\tjmp *56(%rbp)\n\t");

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
			expect_death(c);
		}
		places++;
		at += 2;
	}
	ck_assert_uint_gt(places, 10);
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

/* --- state ---------------------------------------------------------------------------------------- */

GUEST(g_xstate, "movdqu (%rbp), %xmm7\n\tmov $0x5555, %r12\n\t" CALL(25)
		"movdqu %xmm7, 16(%rbp)\n\tmov %r12, %rdi\n\tvmovdqu 64(%rbp), %ymm5\n\t" CALL(56)
		"vmovdqu %ymm5, 96(%rbp)\n\t" CALL(5000) DONE);

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

/* --- parking -------------------------------------------------------------------------------------- */

#define PARKED 200

/* Clones threads that each call T_MARK and then T_DONE with its result. */
GUEST(g_blocker, "1:\tmov $56, %eax\n\tsyscall\n\ttest %rax, %rax\n\tjnz 1b\n\t" CALL(5000)
		 "mov %rax, %rdi\n\t" DONE);

/* What becomes of thread i: answered while it is on its way to be parked, answered when parked, answered with
 * a kick, kicked while blocked and then answered. */
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

/* --- speed and workers ---------------------------------------------------------------------------- */

GUEST(g_loop, "mov $200000, %r12d\n\t1:\tmov $110, %eax\n\tsyscall\n\tdec %r12d\n\tjnz 1b\n\t" DONE);
GUEST(g_maploop, "mov $20000, %r12d\n\t1:\tmov $0, %edi\n\tmov $65536, %esi\n\tmov $3, %edx\n\t"
		 "mov $0x22, %r10d\n\tmov $-1, %r8\n\txor %r9d, %r9d\n\t" CALL(9)
		 "mov %rax, %rdi\n\tmov $65536, %esi\n\t" CALL(11) "dec %r12d\n\tjnz 1b\n\t" DONE);

START_TEST(speed)
{
	struct pctx *c = START(g_loop);
	struct pcmd map = cmd_map(0x700000, 65536, 3);
	double t = now();

	for (;;) {
		next();
		if (g_ev.nr == T_DONE)
			break;
		pctx_return(c, 42);
	}
	printf("getppid: %.0f ns\n", (now() - t) / 200000 * 1e9);
	pctx_exit(c, GVA(0));
	c = START(g_maploop);
	t = now();
	for (;;) {
		next();
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
	unsigned i = (unsigned)(u64)arg;

	while (!platform_recv(g_p, i, &ev)) {
		if (ev.kind == PEV_WAKE)
			continue;
		if (ev.nr == T_DONE) {
			pctx_exit(ev.ctx, GVA(0));
			if (++g_ended == 4)
				platform_shutdown(g_p);
		} else {
			if (ev.args[0] % 64 == 0)
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

	for (u64 i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, worker, (void *)i);
	for (int i = 0; i < 3; i++)
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

/* Each test is a case of its own: CK_RUN_CASE=name runs one. */
static void add(Suite *s, const char *name, const TTest *test)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test);
	suite_add_tcase(s, t);
}

#define ADD(test) add(s, #test, test)

int main(void)
{
	Suite *s = suite_create("platform");
	SRunner *r;
	int failed;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (getenv("VERBOSE"))
		log_init(2, LOG_DEBUG, false);
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
	ADD(clone_thread);
	ADD(fork_process);
	ADD(thousand_forks);
	ADD(thousand_threads);
	ADD(leader_exits_first);
	ADD(exec_like);
	ADD(hostile_jumps);
	ADD(own_death);
	ADD(killed_as);
	ADD(xstate);
	ADD(parking);
	ADD(speed);
	ADD(workers);
	ADD(figures);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
