/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c - filters that programs put on themselves: actions, precedence, arguments, inheritance,
 * threads, strict mode, programs that must be refused */
#include "tests/lib/guest.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>

#define FIELD(field) offsetof(struct seccomp_data, field)
#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(field))
#define RET(value)   BPF_STMT(BPF_RET | BPF_K, (value))
/* Goes on behind the next instruction when the word is another. */
#define IF_EQ(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define CODE(...)    ((struct sock_filter[]){__VA_ARGS__})
#define PROG(...)    CODE(__VA_ARGS__), COUNT(CODE(__VA_ARGS__))

static long install(unsigned flags, struct sock_filter *code, size_t len)
{
	struct sock_fprog prog = {(unsigned short)len, code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* One call gets an answer of its own. */
static long on_call(int nr, uint32_t answer)
{
	return install(0, PROG(LOAD(nr), IF_EQ(nr), RET(answer), RET(SECCOMP_RET_ALLOW)));
}

static int status_number(const char *key)
{
	char text[4096], *at;

	if (read_file("/proc/self/status", text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, key);
	return at ? atoi(at + strlen(key)) : -1;
}

static siginfo_t g_info;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	g_info = *info;
}

static void test_actions(void)
{
	CASE("ERRNO answers, other calls go on")
	{
		CHECK_EXIT(FORK(CHECK_EQ(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 77), 0);
				CHECK_ERRNO(syscall(SYS_getppid), 77); CHECK(getpid() > 0)),
			   0);
	}
	CASE("ERRNO 0 is a success that did nothing; above 4095 it is cut")
	{
		CHECK_EXIT(FORK(MUST(on_call(SYS_unlink, SECCOMP_RET_ERRNO));
				CHECK_EQ(syscall(SYS_unlink, "/nope"), 0)),
			   0);
		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 0xffff));
				CHECK_ERRNO(syscall(SYS_getppid), 4095)),
			   0);
	}
	CASE("TRAP sends SIGSYS that tells the call")
	{
		struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};

		CHECK_EXIT(FORK(MUST(sigaction(SIGSYS, &sa, NULL));
				MUST(on_call(SYS_getppid, SECCOMP_RET_TRAP | 0x123));
				CHECK_EQ(syscall(SYS_getppid), SYS_getppid);
				CHECK_EQ(g_info.si_signo, SIGSYS); CHECK_EQ(g_info.si_code, 1);
				CHECK_EQ(g_info.si_errno, 0x123);
				CHECK_EQ(g_info.si_syscall, SYS_getppid);
				CHECK_EQ(g_info.si_arch, AUDIT_ARCH_X86_64);
				CHECK(g_info.si_call_addr != NULL)),
			   0);
	}
	CASE("TRAP kills when nobody handles it, also when it is ignored or blocked")
	{
		CHECK_KILLED(
			FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_TRAP)); syscall(SYS_getppid)),
			SIGSYS);
		CHECK_KILLED(FORK(signal(SIGSYS, SIG_IGN);
				  MUST(on_call(SYS_getppid, SECCOMP_RET_TRAP));
				  syscall(SYS_getppid)),
			     SIGSYS);
	}
	CASE("KILL_PROCESS and KILL_THREAD kill by SIGSYS")
	{
		CHECK_KILLED(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
				  syscall(SYS_getppid)),
			     SIGSYS);
		CHECK_KILLED(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_KILL_THREAD));
				  syscall(SYS_getppid)),
			     SIGSYS);
	}
	CASE("TRACE without a tracer and USER_NOTIF without a listener are ENOSYS; LOG goes on")
	{
		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_TRACE | 1));
				CHECK_ERRNO(syscall(SYS_getppid), ENOSYS)),
			   0);
		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_USER_NOTIF));
				CHECK_ERRNO(syscall(SYS_getppid), ENOSYS)),
			   0);
		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_LOG));
				CHECK(syscall(SYS_getppid) > 0)),
			   0);
	}
}

static void test_filters(void)
{
	CASE("arguments decide, both halves of them")
	{
		struct sock_filter code[] = {
			LOAD(nr),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 5),
			LOAD(args[1]),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 3),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				 offsetof(struct seccomp_data, args[1]) + 4),
			IF_EQ(1),
			RET(SECCOMP_RET_ERRNO | 5),
			RET(SECCOMP_RET_ALLOW),
		};

		CHECK_EXIT(FORK(MUST(install(0, code, COUNT(code)));
				CHECK_ERRNO(lseek(-1, 7, 0), EBADF);
				CHECK_ERRNO(lseek(-1, 0x100000007, 0), 5);
				CHECK_ERRNO(lseek(-1, 0x100000008, 0), EBADF)),
			   0);
	}
	CASE("of several filters the strictest answer counts, of equals the latest")
	{
		int before = status_number("Seccomp_filters:\t");

		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 1));
				MUST(on_call(SYS_getppid, SECCOMP_RET_LOG));
				CHECK_ERRNO(syscall(SYS_getppid), 1);
				MUST(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 2));
				CHECK_ERRNO(syscall(SYS_getppid), 2);
				MUST(on_call(SYS_getppid, SECCOMP_RET_TRACE));
				CHECK_ERRNO(syscall(SYS_getppid), 2);
				CHECK_EQ(status_number("Seccomp:\t"), 2);
				CHECK_EQ(status_number("Seccomp_filters:\t"), before + 4);
				CHECK_EQ(prctl(PR_GET_SECCOMP), 2)),
			   0);
	}
	CASE("arithmetic and memory: a division by zero kills")
	{
		struct sock_filter sum[] = {
			LOAD(nr),
			BPF_STMT(BPF_ST, 3),
			BPF_STMT(BPF_LDX | BPF_MEM, 3),
			BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0), /* 0 */
			BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
			BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),
			BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
			BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, SYS_getppid),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
			RET(SECCOMP_RET_ERRNO | 9),
			RET(SECCOMP_RET_ALLOW),
		};
		struct sock_filter divide[] = {
			LOAD(nr),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 2),
			BPF_STMT(BPF_LDX | BPF_IMM, 0),
			BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
			RET(SECCOMP_RET_ALLOW),
		};

		CHECK_EXIT(FORK(MUST(install(0, sum, COUNT(sum)));
				CHECK_ERRNO(syscall(SYS_getppid), 9); CHECK(getuid() + 1 > 0)),
			   0);
		CHECK_KILLED(FORK(MUST(install(0, divide, COUNT(divide))); syscall(SYS_getppid)),
			     SIGSYS);
	}
	CASE("children have them, and a new program keeps them")
	{
		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 66));
				CHECK_EXIT(FORK(CHECK_ERRNO(syscall(SYS_getppid), 66)), 0);
				execl(g_self, "x", "getppid", NULL)),
			   66);
	}
	CASE("a call that waits is asked for once")
	{
		int p[2];

		MUST(pipe(p));
		CHECK_EXIT(FORK(char c; MUST(on_call(SYS_getppid, SECCOMP_RET_ERRNO | 1));
				pid_t child = FORK(sleep_ms(50); MUST(write(p[1], "x", 1)));
				CHECK_EQ(read(p[0], &c, 1), 1); CHECK_EXIT(child, 0)),
			   0);
		close(p[0]);
		close(p[1]);
	}
}

static void test_refused(void)
{
	static const struct sock_filter bad[][3] = {
		{RET(SECCOMP_RET_ALLOW), RET(0), LOAD(nr)},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0), RET(0)},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0), RET(0)},
		{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(0), RET(0)},
		{BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(0), RET(0)},
		{BPF_STMT(BPF_LD | BPF_MEM, 0), RET(0), RET(0)},
		{BPF_STMT(BPF_ST, 16), RET(0), RET(0)},
		{BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0), RET(0)},
		{BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(0), RET(0)},
		{BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(0), RET(0)},
		{BPF_STMT(BPF_JMP | BPF_JA, 3), RET(0), RET(0)},
		{BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), RET(0), RET(0)},
		{BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3), RET(0), RET(0)},
		{BPF_STMT(0xffff, 0), RET(0), RET(0)},
		/* the word is written on one of two ways only */
		{BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 0),
		 BPF_STMT(BPF_LD | BPF_MEM, 0)},
	};
	struct sock_filter one = RET(SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {1, &one};

	CASE("programs that are none are EINVAL")
	{
		for (size_t i = 0; i < COUNT(bad); i++) {
			struct sock_filter code[4] = {bad[i][0], bad[i][1], bad[i][2], RET(0)};

			CHECK_EXIT(FORK(CHECK_ERRNO(install(0, code, i == 0 ? 3 : 4), EINVAL)), 0);
		}
		CHECK_EXIT(FORK(CHECK_ERRNO(install(0, &one, 0), EINVAL);
				CHECK_ERRNO(install(0, &one, 4097), EINVAL)),
			   0);
	}
	CASE("addresses and flags")
	{
		CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 20, &prog), EINVAL);
		CHECK_ERRNO(syscall(SYS_seccomp, 99, 0, &prog), EINVAL);
		CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
		CHECK_ERRNO(prctl(PR_SET_SECCOMP, 7, &prog), EINVAL);
		CHECK_EXIT(FORK(CHECK_ERRNO(install(0, (void *)16, 3), EFAULT)), 0);
	}
	CASE("an ordinary user needs no_new_privs")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(MUST(setresuid(NOBODY, NOBODY, NOBODY));
				CHECK_ERRNO(prctl(PR_SET_SECCOMP, 2, &prog), EACCES);
				MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
				CHECK_EQ(prctl(PR_SET_SECCOMP, 2, &prog), 0)),
			   0);
	}
	CASE("the instructions of all filters of a task have a limit")
	{
		static struct sock_filter big[4096];

		for (size_t i = 0; i < COUNT(big); i++)
			big[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
		/* A native run may have begun with some. */
		CHECK_EXIT(FORK(int n = 0; while (n < 9 && install(0, big, COUNT(big)) == 0) n++;
				CHECK_EQ(errno, ENOMEM); CHECK(n > 0 && n <= 7)),
			   0);
	}
}

static void test_strict(void)
{
	CASE("strict mode allows four calls")
	{
		char c = 0;
		int p[2];

		if (prctl(PR_GET_SECCOMP) != 0)
			SKIP("filters are there already");
		MUST(pipe(p));
		CHECK_EXIT(FORK(MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
				(void)!write(p[1], "x", 1); syscall(SYS_exit, 9)),
			   9);
		CHECK_EQ(read(p[0], &c, 1), 1);
		CHECK_KILLED(
			FORK(MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); syscall(SYS_getpid)),
			SIGKILL);
		close(p[0]);
		close(p[1]);
	}
	CASE("a task with filters cannot become strict")
	{
		CHECK_EXIT(FORK(MUST(on_call(SYS_getppid, SECCOMP_RET_ALLOW));
				CHECK_ERRNO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), EINVAL)),
			   0);
	}
}

static pthread_barrier_t g_barrier;
static volatile long g_first, g_second;

static void *two_calls(void *arg)
{
	if (arg)
		MUST(on_call(SYS_getuid, SECCOMP_RET_ERRNO | 3));
	g_first = syscall(SYS_gettid);
	pthread_barrier_wait(&g_barrier);
	pthread_barrier_wait(&g_barrier);
	g_second = syscall(SYS_getppid) < 0 ? errno : 0;
	return NULL;
}

/* A child with a second thread, which has a filter of its own (@diverged) or not. */
static void with_thread(bool diverged, unsigned flags, long want_result, int want_errno,
			long want_second)
{
	struct sock_filter code[] = {LOAD(nr), IF_EQ(SYS_getppid), RET(SECCOMP_RET_ERRNO | 44),
				     RET(SECCOMP_RET_ALLOW)};
	pthread_t thread;
	long result;

	pthread_barrier_init(&g_barrier, NULL, 2);
	pthread_create(&thread, NULL, two_calls, diverged ? "" : NULL);
	pthread_barrier_wait(&g_barrier);
	result = install(flags, code, COUNT(code));
	if (want_result < 0)
		CHECK(result == -1 && errno == want_errno);
	else
		CHECK_EQ(result, want_result ? g_first : 0);
	pthread_barrier_wait(&g_barrier);
	pthread_join(thread, NULL);
	CHECK_EQ(g_second, want_second);
}

static void *dies(void *arg)
{
	syscall(SYS_getppid);
	return NULL;
}

static void test_threads(void)
{
	CASE("a filter is its thread's alone, unless TSYNC gives it to all")
	{
		CHECK_EXIT(FORK(with_thread(false, 0, 0, 0, 0)), 0);
		CHECK_EXIT(FORK(with_thread(false, SECCOMP_FILTER_FLAG_TSYNC, 0, 0, 44)), 0);
	}
	CASE("TSYNC names a thread that has gone another way")
	{
		CHECK_EXIT(FORK(with_thread(true, SECCOMP_FILTER_FLAG_TSYNC, 1, 0, 0)), 0);
		CHECK_EXIT(FORK(with_thread(true,
					    SECCOMP_FILTER_FLAG_TSYNC |
						    SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
					    -1, ESRCH, 0)),
			   0);
	}
	CASE("KILL_THREAD ends one thread, KILL_PROCESS all")
	{
		CHECK_EXIT(FORK(pthread_t thread;
				MUST(on_call(SYS_getppid, SECCOMP_RET_KILL_THREAD));
				pthread_create(&thread, NULL, dies, NULL);
				pthread_join(thread, NULL); _exit(5)),
			   5);
		CHECK_KILLED(FORK(pthread_t thread;
				  MUST(on_call(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
				  pthread_create(&thread, NULL, dies, NULL);
				  pthread_join(thread, NULL); _exit(5)),
			     SIGSYS);
	}
}

static void test_questions(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	CASE("which actions there are")
	{
		CHECK_EQ(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
		action = 0x12340000;
		CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action), EOPNOTSUPP);
		CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action), EINVAL);
	}
	CASE("without a filter")
	{
		CHECK(status_number("Seccomp:\t") >= 0);
		CHECK_EQ(prctl(PR_GET_SECCOMP), status_number("Seccomp:\t"));
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "getppid"))
		return syscall(SYS_getppid) < 0 ? errno : 0;
	test_begin(argc, argv);
	test_actions();
	test_filters();
	test_refused();
	test_strict();
	test_threads();
	test_questions();
	return test_end();
}
