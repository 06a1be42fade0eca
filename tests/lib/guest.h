/* SPDX-License-Identifier: Apache-2.0 */
/* guest.h - what every guest test program is made of
 *
 * A guest test is one program about one area, made of many small cases. It must pass natively on
 * Linux before it may judge a sandbox. Failures are counted in memory shared with forked children,
 * so a CHECK in a child counts for the case that forked it.
 *
 *	int main(int argc, char **argv)
 *	{
 *		test_begin(argc, argv);
 *		CASE("close of a closed descriptor") {
 *			CHECK_ERRNO(close(999), EBADF);
 *		}
 *		return test_end();
 *	}
 */
#ifndef TESTS_LIB_GUEST_H
#define TESTS_LIB_GUEST_H

/* Hostile arguments are the point: glibc must not look at them first. */
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The macros below nest, and so do their local names. */
#pragma GCC diagnostic ignored "-Wshadow"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Opens a case; the body runs once. `break` at the top level of the body leaves the case. */
#define CASE(name) for (int once_ = case_begin(name, __FILE__, __LINE__); once_; once_ = 0)

/* Leaves the case (top level of its body only), counted as skipped, with the reason shown. */
#define SKIP(why)               \
	{                       \
		case_skip(why); \
		break;          \
	}
#define NEED_ROOT()         \
	if (geteuid() != 0) \
	SKIP("needs root")

/* Records a failure when the condition is false, and goes on. */
#define CHECK(cond) check_that(!!(cond), __FILE__, __LINE__, #cond)
/* Like CHECK, and leaves the case (top level of its body only) when it is false. */
#define REQUIRE(cond)     \
	if (!CHECK(cond)) \
	break
#define CHECK_EQ(a, b)	check_eq((long long)(a), (long long)(b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_STR(a, b) check_str((a), (b), __FILE__, __LINE__, #a)
/* The call must return -1 with this errno. */
#define CHECK_ERRNO(call, err) check_errno((long long)(call), (err), __FILE__, __LINE__, #call)
/* The value of the call, which must not be -1. */
#define MUST(call) must((long long)(call), __FILE__, __LINE__, #call)

/* Forks; the child runs the statements and then leaves with status 0. The value is the child's pid.
 */
#define FORK(...)                                                        \
	__extension__({                                                  \
		pid_t fork_pid_ = fork();                                \
		if (fork_pid_ == 0) {                                    \
			__VA_ARGS__;                                     \
			_exit(0);                                        \
		}                                                        \
		check_that(fork_pid_ > 0, __FILE__, __LINE__, "fork()"); \
		fork_pid_;                                               \
	})

/* Waits for the child, which must have exited with this status / been killed by this signal. */
#define CHECK_EXIT(pid, code)  check_exit((pid), (code), __FILE__, __LINE__)
#define CHECK_KILLED(pid, sig) check_killed((pid), (sig), __FILE__, __LINE__)

/* Evaluates the condition every millisecond until it holds, at most five seconds. */
#define EVENTUALLY(cond)                                                       \
	__extension__({                                                        \
		long long until_ = now_ms() + 5000;                            \
		while (!(cond) && now_ms() < until_)                           \
			sleep_ms(1);                                           \
		check_that(!!(cond), __FILE__, __LINE__, "eventually " #cond); \
	})

/* Absolute path of this program, for cases that execute it again. */
extern char g_self[4096];
/* The program's temporary directory, which is its working directory too. */
extern char g_dir[4096];

/* Starts: makes a temporary directory and enters it, arms the time-out. */
void test_begin(int argc, char **argv);
/* Ends: removes the directory, checks that nothing is left over, prints the closing line. */
int test_end(void);
/* Gives SIGALRM and ITIMER_REAL to the program; the runner's time-out is then the only one. */
void test_no_alarm(void);

int case_begin(const char *name, const char *file, int line);
void case_skip(const char *why);
bool check_that(bool ok, const char *file, int line, const char *what);
bool check_eq(long long a, long long b, const char *file, int line, const char *what);
bool check_str(const char *a, const char *b, const char *file, int line, const char *what);
bool check_errno(long long r, int err, const char *file, int line, const char *what);
long long must(long long r, const char *file, int line, const char *what);
bool check_exit(pid_t pid, int code, const char *file, int line);
bool check_killed(pid_t pid, int sig, const char *file, int line);

void sleep_ms(long ms);
long long now_ms(void);
long long now_ns(void);
/* Waits for a child and gives its raw status, -1 when there is none. */
int wait_status(pid_t pid);
/* The state letter of /proc/PID/stat (or of one of its threads), 0 when it does not exist. */
char proc_state(pid_t pid);
/* Waits until the process (or thread) sleeps in a system call. */
bool wait_sleeping(pid_t pid);
/* Reads a whole file into buf, always terminated. Gives the length or -1. */
long read_file(const char *path, char *buf, size_t size);
/* Creates or replaces a file. Gives 0 or -1. */
int write_file(const char *path, const char *text);
/* Number of open descriptors of this process. */
int count_fds(void);
/* A handler that counts its calls, and the counter. */
void count_signal(int sig);
extern volatile sig_atomic_t g_signals;
/* Installs the handler with these flags. */
void on_signal(int sig, void (*handler)(int), int flags);
/* A pointer to nothing that the compiler does not know. */
extern volatile uintptr_t g_bad_address;
#define BAD_PTR ((void *)g_bad_address)
/* An ordinary user for cases where root drops its rights. */
#define NOBODY 65534

#endif
