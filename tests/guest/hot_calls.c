/* SPDX-License-Identifier: Apache-2.0 */
/* hot_calls.c - calls made very often from one place: registers, flags and stack around them,
 * signals, answers that change
 *
 * On Linux nothing here is remarkable. A kernel that turns busy call sites into something faster
 * must not let it show: each case warms its site up first.
 */
#include "tests/lib/guest.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>

#define WARM 300

struct regs {
	unsigned long rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rsp;
	unsigned long flags;
	unsigned long red[16];
};
static struct regs g_in, g_out;
extern char call_cmp[], call_ret[], behind_cmp[], behind_ret[], flags_cmp[];
void run_cmp(void), run_ret(void), enter_behind_cmp(void);

/* Loads g_in, makes a call by the site, stores g_out. Two sites, as libc has them. */
__asm__(".text\n"
	".macro LOAD\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"sub $256, %rsp\n"
	"mov %rsp, g_in+120(%rip)\n"
	"lea g_in+136(%rip), %rax\n"
	".set i, 0\n.rept 16\nmov i*8(%rax), %rcx\nmov %rcx, -128+i*8(%rsp)\n.set i, i+1\n.endr\n"
	"lea -256(%rsp), %rsp\n"
	"push g_in+128(%rip)\npopfq\n"
	"lea 256(%rsp), %rsp\n"
	"mov g_in+8(%rip), %rbx\nmov g_in+24(%rip), %rdx\n"
	"mov g_in+32(%rip), %rsi\nmov g_in+40(%rip), %rdi\nmov g_in+48(%rip), %rbp\n"
	"mov g_in+56(%rip), %r8\nmov g_in+64(%rip), %r9\nmov g_in+72(%rip), %r10\n"
	"mov g_in+88(%rip), %r12\nmov g_in+96(%rip), %r13\nmov g_in+104(%rip), %r14\n"
	"mov g_in+112(%rip), %r15\nmov g_in(%rip), %rax\n"
	".endm\n"
	".macro STORE\n"
	"mov %rax, g_out(%rip)\nmov %rbx, g_out+8(%rip)\nmov %rcx, g_out+16(%rip)\n"
	"mov %rdx, g_out+24(%rip)\nmov %rsi, g_out+32(%rip)\nmov %rdi, g_out+40(%rip)\n"
	"mov %rbp, g_out+48(%rip)\nmov %r8, g_out+56(%rip)\nmov %r9, g_out+64(%rip)\n"
	"mov %r10, g_out+72(%rip)\nmov %r11, g_out+80(%rip)\nmov %r12, g_out+88(%rip)\n"
	"mov %r13, g_out+96(%rip)\nmov %r14, g_out+104(%rip)\nmov %r15, g_out+112(%rip)\n"
	"mov %rsp, g_out+120(%rip)\n"
	"lea -256(%rsp), %rsp\npushfq\npop g_out+128(%rip)\nlea 256(%rsp), %rsp\n"
	"lea g_out+136(%rip), %rax\n"
	".set i, 0\n.rept 16\nmov -128+i*8(%rsp), %rcx\nmov %rcx, i*8(%rax)\n.set i, i+1\n.endr\n"
	"cld\n"
	"add $256, %rsp\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"ret\n"
	".endm\n"
	".globl run_cmp, run_ret, call_cmp, call_ret, behind_cmp, behind_ret, enter_behind_cmp\n"
	".balign 16\nrun_cmp:\nLOAD\njmp call_cmp\n"
	".balign 16\n"
	"call_cmp: syscall\nbehind_cmp: cmp $-4095, %rax\nflags_cmp:\nSTORE\n"
	".balign 16\nrun_ret:\nLOAD\n"
	"lea -136(%rsp), %rsp\ncall call_ret\nlea 136(%rsp), %rsp\nSTORE\n"
	".balign 16\n"
	"call_ret: syscall\nbehind_ret: ret\n.balign 16\n"
	"enter_behind_cmp:\nLOAD\njmp behind_cmp\n");

static long call_at(void (*run)(void), long nr)
{
	g_in.rax = (unsigned long)nr;
	run();
	return (long)g_out.rax;
}

static void fill(unsigned long flags)
{
	unsigned long *p = &g_in.rax;

	for (unsigned i = 0; i < 16; i++)
		p[i] = 0x1111111111111111ul * i;
	for (unsigned i = 0; i < 16; i++)
		g_in.red[i] = 0xabcd000000000000ul + i;
	g_in.flags = 0x202 | flags;
}

#define STATUS 0xcd5ul /* OF DF SF ZF AF PF CF */

/* Is everything that a call leaves alone as it was? */
static bool kept(void)
{
	return g_in.rbx == g_out.rbx && g_in.rdx == g_out.rdx && g_in.rsi == g_out.rsi &&
	       g_in.rdi == g_out.rdi && g_in.rbp == g_out.rbp && g_in.r8 == g_out.r8 &&
	       g_in.r9 == g_out.r9 && g_in.r10 == g_out.r10 && g_in.r12 == g_out.r12 &&
	       g_in.r13 == g_out.r13 && g_in.r14 == g_out.r14 && g_in.r15 == g_out.r15 &&
	       g_in.rsp == g_out.rsp;
}

static void test_registers(void)
{
	static const unsigned long flags[] = {0, 0x8d5, 0x400, 0x801, 0x40, 0x80, 0xcd5};

	CASE("a hot call changes rax, rcx and r11 only: rcx is where it returns, r11 the flags")
	{
		for (int i = 0; i < WARM * 7; i++) {
			fill(flags[i % 7]);
			CHECK_EQ(call_at(run_cmp, SYS_getpid), getpid());
			CHECK(kept());
			CHECK_EQ(g_out.rcx, (unsigned long)behind_cmp);
			CHECK_EQ(g_out.r11 & STATUS, flags[i % 7]);
			CHECK(!memcmp(g_in.red, g_out.red, sizeof(g_in.red)));
		}
	}
	CASE("its comparison sets the flags; without one they stay, and so does the red zone")
	{
		for (int i = 0; i < WARM * 7; i++) {
			fill(flags[i % 7]);
			call_at(run_cmp, i % 3 ? SYS_getpid : 100000);
			/* -ENOSYS - -4095 borrows not, a small number does. */
			CHECK_EQ(g_out.flags & 1, i % 3 ? 1ul : 0ul);
			CHECK_EQ(g_out.flags & 0x400, flags[i % 7] & 0x400);
			fill(flags[i % 7]);
			CHECK_EQ(call_at(run_ret, SYS_gettid), gettid());
			CHECK(kept());
			CHECK_EQ(g_out.rcx, (unsigned long)behind_ret);
		}
	}
	CASE("any number from a hot place: good, bad, with rubbish in the upper half")
	{
		for (int i = 0; i < WARM; i++) {
			fill(0);
			CHECK_EQ(call_at(run_cmp, -1), -ENOSYS);
			CHECK_EQ(call_at(run_cmp, 5000), -ENOSYS);
			CHECK_EQ(call_at(run_cmp, SYS_getpid | 1l << 40), getpid());
			CHECK_EQ(call_at(run_cmp, SYS_sched_yield), 0);
			g_in.rdi = 77;
			CHECK_EQ(call_at(run_cmp, SYS_close), -EBADF);
		}
	}
	CASE("a jump behind the call finds the instruction that stands there")
	{
		for (long i = -5; i < 5; i++) {
			fill(0);
			call_at(enter_behind_cmp, i * 2000);
			CHECK_EQ(g_out.rax, (unsigned long)(i * 2000));
			CHECK_EQ(!!(g_out.flags & 0x40), i * 2000 == -4095);
			CHECK_EQ(g_out.flags & 1, (unsigned long)(i * 2000) < -4095ul);
			CHECK(kept());
		}
	}
}

static void warm(void)
{
	for (int i = 0; i < WARM; i++)
		(void)(getpid() + getppid() + (int)getuid() + gettid() + (int)syscall(SYS_getuid) +
		       (int)syscall(SYS_getppid) + (int)syscall(SYS_geteuid) +
		       (int)syscall(SYS_gettid));
}

static void *thread_ids(void *arg)
{
	pid_t me = (pid_t)syscall(SYS_gettid);

	for (int i = 0; i < WARM; i++)
		if (syscall(SYS_gettid) != me || getpid() != *(pid_t *)arg)
			return (void *)1;
	return me == *(pid_t *)arg ? (void *)1 : NULL;
}

static void test_answers(void)
{
	CASE("threads have their own number and one process")
	{
		pthread_t t[8];
		pid_t pid = getpid();
		void *bad;

		warm();
		for (int i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, thread_ids, &pid);
		for (int i = 0; i < 8; i++) {
			pthread_join(t[i], &bad);
			CHECK(!bad);
		}
	}
	CASE("a child is another process, and so is its child")
	{
		pid_t me = getpid();

		warm();
		pid_t p = fork();

		if (p == 0) {
			pid_t own = (pid_t)syscall(SYS_getpid);

			if (own == me || syscall(SYS_gettid) != own || syscall(SYS_getppid) != me)
				_exit(1);
			warm();
			p = vfork();
			if (p == 0)
				_exit(syscall(SYS_getppid) == own && getpid() != own ? 0 : 1);
			int status = 1;

			waitpid(p, &status, 0);
			_exit(status || getpid() != own);
		}
		CHECK_EXIT(p, 0);
		CHECK_EQ(getpid(), me);
	}
	CASE("a child whose parent dies learns of the other one")
	{
		int end[2];

		CHECK(pipe(end) == 0);
		pid_t p = fork();

		if (p == 0) {
			pid_t mother = getpid();

			if (fork())
				_exit(0);
			warm();
			for (int i = 0; getppid() == mother && i < 10000; i++)
				usleep(1000);
			_exit(write(end[1], getppid() == mother ? "n" : "y", 1) != 1);
		}
		char c = 0;

		CHECK_EXIT(p, 0);
		CHECK(read(end[0], &c, 1) == 1);
		CHECK_EQ(c, 'y');
		close(end[0]);
		close(end[1]);
	}
}

static void test_ids(void)
{
	if (getuid() != 0)
		return;
	CASE("ids are those of now, in the thread that changed them")
	{
		pid_t p = fork();

		if (p == 0) {
			for (int i = 1; i < 50; i++) {
				warm();
				if (syscall(SYS_setresgid, i, i + 1, 0) ||
				    syscall(SYS_setresuid, i, i + 1, 0))
					_exit(1);
				if (getuid() != (uid_t)i || geteuid() != (uid_t)i + 1 ||
				    getgid() != (gid_t)i || getegid() != (gid_t)i + 1)
					_exit(2);
				if (syscall(SYS_setresuid, 0, 0, 0) ||
				    syscall(SYS_setresgid, 0, 0, 0) || getuid() || getegid())
					_exit(3);
			}
			_exit(0);
		}
		CHECK_EXIT(p, 0);
	}
}

static volatile int g_hits, g_wrong;

static void on_alarm(int sig, siginfo_t *info, void *uc)
{
	ucontext_t *u = uc;
	unsigned long rip = (unsigned long)u->uc_mcontext.gregs[REG_RIP];

	g_hits++;
	/* In the program or a library, not in something that only we know of. */
	if (rip >= 0x7fc000000000ul && *(unsigned char *)rip != 0x0f &&
	    (rip - (unsigned long)getauxval(AT_SYSINFO_EHDR)) > 0x10000)
		g_wrong++;
}

static void test_signals(void)
{
	CASE("a storm of signals into hot calls: each returns its result, each signal is seen "
	     "whole")
	{
		struct sigaction sa = {.sa_sigaction = on_alarm,
				       .sa_flags = SA_SIGINFO | SA_RESTART};
		struct itimerval on = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};

		CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
		CHECK(setitimer(ITIMER_REAL, &on, NULL) == 0);
		pid_t me = getpid();

		for (int i = 0; g_hits < 200 && i < 20000000; i++) {
			fill(0x8d5);
			CHECK_EQ(call_at(i & 1 ? run_cmp : run_ret, SYS_getpid), me);
			CHECK(kept());
		}
		CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
		CHECK(g_hits >= 200);
		CHECK_EQ(g_wrong, 0);
	}
}

static int g_pipe[2];

static void on_usr1(int sig)
{
	g_hits++;
}

static void test_restart(void)
{
	CASE("a blocked hot call restarts, or says EINTR, and then goes on")
	{
		for (int restart = 0; restart < 2; restart++) {
			struct sigaction sa = {.sa_handler = on_usr1,
					       .sa_flags = restart ? SA_RESTART : 0};
			char c;

			CHECK(pipe(g_pipe) == 0);
			CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
			for (int i = 0; i < WARM; i++) {
				fill(0);
				g_in.rdi = (unsigned long)g_pipe[0];
				g_in.rsi = (unsigned long)&c;
				g_in.rdx = 0;
				CHECK_EQ(call_at(run_cmp, SYS_read), 0);
			}
			g_hits = 0;
			pid_t main_pid = getpid(), p = fork();

			if (p == 0) {
				for (int i = 0; i < 3; i++) {
					usleep(20000);
					kill(main_pid, SIGUSR1);
				}
				usleep(20000);
				_exit(write(g_pipe[1], "x", 1) != 1);
			}
			long r;

			do {
				fill(0);
				g_in.rdi = (unsigned long)g_pipe[0];
				g_in.rsi = (unsigned long)&c;
				g_in.rdx = 1;
				r = call_at(run_cmp, SYS_read);
				CHECK(kept());
				CHECK(r == 1 || (!restart && r == -EINTR));
			} while (r == -EINTR);
			CHECK_EXIT(p, 0);
			CHECK(g_hits >= 1);
			close(g_pipe[0]);
			close(g_pipe[1]);
		}
	}
}

/* Bytes through a pipe, each counted, with a signal now and then. */
static void *reader(void *arg)
{
	const int *fd = arg;
	unsigned char c;
	long n = 0;

	for (;;) {
		ssize_t r = read(fd[0], &c, 1);

		if (r == 0)
			return (void *)n;
		if (r == 1 && c != (unsigned char)n)
			return (void *)-1;
		if (r == 1)
			n++;
		else if (errno != EINTR)
			return (void *)-2;
	}
}

#define BYTES 3000

static void test_pipes(void)
{
	CASE("busy pipes between threads under signals lose and double nothing")
	{
		struct sigaction sa = {.sa_handler = on_usr1};
		pthread_t t[3];
		int fd[3][2];
		void *n;

		CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
		for (int i = 0; i < 3; i++) {
			CHECK(pipe(fd[i]) == 0);
			CHECK(pthread_create(&t[i], NULL, reader, fd[i]) == 0);
		}
		for (int k = 0; k < BYTES; k++)
			for (int i = 0; i < 3; i++) {
				unsigned char c = (unsigned char)k;

				CHECK(write(fd[i][1], &c, 1) == 1);
				if (k % 50 == i)
					pthread_kill(t[i], SIGUSR1);
			}
		for (int i = 0; i < 3; i++) {
			close(fd[i][1]);
			pthread_join(t[i], &n);
			CHECK_EQ((long)n, BYTES);
			close(fd[i][0]);
		}
	}
	CASE("the same between processes, with an answer for each byte")
	{
		int there[2], back[2];
		unsigned char c;

		CHECK(pipe(there) == 0);
		CHECK(pipe(back) == 0);
		pid_t p = fork();

		if (p == 0) {
			close(there[1]);
			while (read(there[0], &c, 1) == 1) {
				c++;
				if (write(back[1], &c, 1) != 1)
					_exit(1);
			}
			_exit(0);
		}
		close(there[0]);
		for (int i = 0; i < BYTES; i++) {
			c = (unsigned char)i;
			CHECK(write(there[1], &c, 1) == 1);
			CHECK(read(back[0], &c, 1) == 1);
			CHECK_EQ(c, (unsigned char)(i + 1));
		}
		close(there[1]);
		CHECK_EXIT(p, 0);
		close(back[0]);
		close(back[1]);
	}
}

static void *busy(void *arg)
{
	struct stat st;
	char c;

	for (;;) {
		(void)lseek(*(int *)arg, 0, SEEK_CUR);
		(void)fstat(*(int *)arg, &st);
		(void)read(*(int *)arg, &c, 1);
	}
	return NULL;
}

static void test_ends(void)
{
	CASE("a process ends, is killed or becomes another program while its threads are busy")
	{
		for (int i = 0; i < 12; i++) {
			pid_t p = fork();

			if (p == 0) {
				int fd = open("/dev/zero", O_RDONLY);
				pthread_t t;

				for (int k = 0; k < 3; k++)
					pthread_create(&t, NULL, busy, &fd);
				usleep(3000 + 500 * (useconds_t)i);
				if (i % 3 == 0)
					_exit(9);
				if (i % 3 == 1)
					kill(getpid(), SIGKILL);
				execl("/bin/sh", "sh", "-c", "exit 9", NULL);
				_exit(1);
			}
			if (i % 3 == 1)
				CHECK_KILLED(p, SIGKILL);
			else
				CHECK_EXIT(p, 9);
		}
	}
	CASE("copies of a process whose threads are busy")
	{
		int fd = open("/dev/zero", O_RDONLY);
		pthread_t t;
		pid_t p = fork();

		if (p == 0) {
			for (int k = 0; k < 2; k++)
				pthread_create(&t, NULL, busy, &fd);
			for (int i = 0; i < 20; i++) {
				pid_t q = fork();
				int status = 1;

				if (q == 0) {
					char c = 1;

					for (int k = 0; k < 100; k++)
						if (read(fd, &c, 1) != 1 || c)
							_exit(1);
					_exit(0);
				}
				waitpid(q, &status, 0);
				if (status)
					_exit(1);
			}
			_exit(0);
		}
		CHECK_EXIT(p, 0);
		close(fd);
	}
}

static void test_gs(void)
{
	static unsigned long block[200];

	CASE("the gs base is the program's own: 0, or what it has set")
	{
		unsigned long base = 1;

		warm();
		CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0);
		CHECK_EQ(base, 0ul);
		CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_GET_GS, 8), EFAULT);
		CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, block) == 0);
		warm();
		CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0);
		CHECK_EQ(base, (unsigned long)block);
		block[3] = 42;
		__asm__ volatile("mov %%gs:24, %0" : "=r"(base));
		CHECK_EQ(base, 42ul);
		pid_t p = fork();

		if (p == 0) {
			warm();
			__asm__ volatile("mov %%gs:24, %0" : "=r"(base));
			_exit(base == 42 && getppid() > 0 ? 0 : 1);
		}
		CHECK_EXIT(p, 0);
		/* Points nowhere. */
		CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456780000ul) == 0);
		warm();
		fill(0);
		CHECK_EQ(call_at(run_cmp, SYS_getpid), getpid());
		CHECK(kept());
		CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0ul) == 0);
		warm();
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_no_alarm();
	test_registers();
	test_answers();
	test_ids();
	test_signals();
	test_restart();
	test_pipes();
	test_ends();
	test_gs();
	return test_end();
}
