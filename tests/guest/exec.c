/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - execve and execveat: what survives, argument limits, threads, close-on-exec */
#include "tests/lib/guest.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern char **environ;

/* The program executed again, with argv[1] naming what to check; exit 0 when all is right. */
static int again(int argc, char **argv)
{
	const char *what = argv[1];

	if (!strcmp(what, "args")) {
		return !(argc == 5 && !strcmp(argv[2], "") && !strcmp(argv[3], "a b") &&
			 !strcmp(argv[4], "\xff\n") && argv[5] == NULL && environ[0] &&
			 !strcmp(environ[0], "K=V") && !environ[1]);
	} else if (!strcmp(what, "signals")) {
		struct sigaction s1, s2;
		sigset_t mask, pending;

		sigaction(SIGUSR1, NULL, &s1);
		sigaction(SIGUSR2, NULL, &s2);
		sigprocmask(SIG_BLOCK, NULL, &mask);
		sigpending(&pending);
		return !(s1.sa_handler == SIG_DFL && s2.sa_handler == SIG_IGN &&
			 sigismember(&mask, SIGTERM) && sigismember(&pending, SIGTERM));
	} else if (!strcmp(what, "fds")) {
		return !(fcntl(atoi(argv[2]), F_GETFD) == 0 && fcntl(atoi(argv[3]), F_GETFD) == -1);
	} else if (!strcmp(what, "long")) {
		return strlen(argv[2]) != 131071 || argv[2][131070] != 'x';
	} else if (!strcmp(what, "pid")) {
		char buf[4096];

		snprintf(buf, sizeof(buf), "/proc/self/task/%d", atoi(argv[2]));
		return !(getpid() == atoi(argv[2]) && gettid() == getpid() &&
			 access(buf, F_OK) == 0);
	} else if (!strcmp(what, "state")) {
		char name[17] = "";
		stack_t ss;

		prctl(PR_GET_NAME, name);
		sigaltstack(NULL, &ss);
		return !(!strncmp(name, "exec", 4) && ss.ss_flags == SS_DISABLE && alarm(0) > 90 &&
			 umask(0) == 037 && getppid() == atoi(argv[2]) &&
			 prctl(PR_GET_DUMPABLE) == 1);
	} else if (!strcmp(what, "auxv")) {
		return !(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_ENTRY) &&
			 getauxval(AT_RANDOM) && getauxval(AT_PHDR) &&
			 getauxval(AT_UID) == getuid() && getauxval(AT_SECURE) == 0 &&
			 getauxval(AT_CLKTCK) == 100 &&
			 !strcmp((char *)getauxval(AT_EXECFN), argv[2]) &&
			 !strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
	}
	return 2;
}

static void test_pass(void)
{
	CASE("arguments and environment arrive as they are")
	{
		char *av[] = {"x", "args", "", "a b", "\xff\n", NULL};
		char *ev[] = {"K=V", NULL};

		CHECK_EXIT(FORK(execve(g_self, av, ev)), 0);
	}
	CASE("handlers reset, ignored and mask and pending kept")
	{
		CHECK_EXIT(FORK(on_signal(SIGUSR1, count_signal, 0); signal(SIGUSR2, SIG_IGN);
				sigset_t s; sigemptyset(&s); sigaddset(&s, SIGTERM);
				sigprocmask(SIG_BLOCK, &s, NULL); raise(SIGTERM);
				execl(g_self, "x", "signals", NULL)),
			   0);
	}
	CASE("close-on-exec closes, others stay")
	{
		CHECK_EXIT(FORK(int a = open("/dev/null", O_RDONLY);
				int b = open("/dev/null", O_RDONLY | O_CLOEXEC); char sa[12];
				char sb[12]; snprintf(sa, 12, "%d", a); snprintf(sb, 12, "%d", b);
				execl(g_self, "x", "fds", sa, sb, NULL)),
			   0);
	}
	CASE("a failing exec closes nothing and keeps handlers")
	{
		CHECK_EXIT(FORK(int b = open("/dev/null", O_RDONLY | O_CLOEXEC);
				on_signal(SIGUSR1, count_signal, 0);
				execl("/nonexistent", "x", NULL); CHECK_EQ(errno, ENOENT);
				CHECK_EQ(fcntl(b, F_GETFD), 1); raise(SIGUSR1);
				CHECK_EQ(g_signals, 1)),
			   0);
	}
	CASE("name is the file's, alternate stack gone, alarm and umask and parent kept")
	{
		char ppid[12];

		snprintf(ppid, sizeof(ppid), "%d", getpid());
		CHECK_EXIT(FORK(static char st[16384];
				stack_t ss = {.ss_sp = st, .ss_size = sizeof(st)};
				sigaltstack(&ss, NULL); prctl(PR_SET_NAME, "other"); alarm(100);
				umask(037); prctl(PR_SET_DUMPABLE, 0);
				execl(g_self, "x", "state", ppid, NULL)),
			   0);
	}
	CASE("auxiliary vector")
	{
		CHECK_EXIT(FORK(execl(g_self, "x", "auxv", g_self, NULL)), 0);
	}
	CASE("empty argv gives argc 1 with an empty string")
	{
		int fds[2];
		char buf[64] = "";

		MUST(pipe(fds));
		pid_t p = FORK(dup2(fds[1], 1); char *av[] = {NULL}; char *ev[] = {NULL};
			       execve("/bin/sh", av, ev));

		CHECK_EXIT(p, 0); /* sh reads an empty stdin */
		close(fds[0]);
		close(fds[1]);
		(void)buf;
	}
}

static void test_limits(void)
{
	CASE("one argument of 128 KiB less one fits, one more is E2BIG")
	{
		char *arg = malloc(131073);

		memset(arg, 'x', 131072);
		arg[131072] = 0;
		CHECK_EXIT(
			FORK(execl(g_self, "x", "long", arg, NULL); _exit(errno == E2BIG ? 0 : 1)),
			0);
		arg[131071] = 0;
		CHECK_EXIT(FORK(execl(g_self, "x", "long", arg, NULL)), 0);
		free(arg);
	}
	CASE("total over a quarter of the stack limit is E2BIG")
	{
		enum { N = 200 };
		static char *av[N + 2];
		char *arg = malloc(16384);

		memset(arg, 'y', 16383);
		arg[16383] = 0;
		av[0] = "true";
		for (int i = 1; i <= N; i++)
			av[i] = arg;
		CHECK_EXIT(FORK(struct rlimit r = {8 << 20, 8 << 20}; getrlimit(RLIMIT_STACK, &r);
				r.rlim_cur = 8 << 20; setrlimit(RLIMIT_STACK, &r);
				execv("/bin/true", av); CHECK_EQ(errno, E2BIG)),
			   0);
		av[100] = NULL;
		CHECK_EXIT(FORK(execv("/bin/true", av)), 0);
		free(arg);
	}
	CASE("bad pointers give EFAULT")
	{
		char *av[] = {"x", BAD_PTR, NULL};
		char *ok[] = {"x", NULL};

		CHECK_ERRNO(execve(g_self, av, NULL), EFAULT);
		CHECK_ERRNO(execve(g_self, BAD_PTR, NULL), EFAULT);
		CHECK_ERRNO(execve(BAD_PTR, ok, NULL), EFAULT);
		CHECK_ERRNO(execve(g_self, ok, BAD_PTR), EFAULT);
	}
}

static pthread_barrier_t g_barrier;

static void *exec_here(void *arg)
{
	char pid[12];

	pthread_barrier_wait(&g_barrier);
	snprintf(pid, sizeof(pid), "%d", getpid());
	execl(g_self, "x", "pid", pid, NULL);
	return arg;
}

static void *wait_here(void *arg)
{
	pthread_barrier_wait(&g_barrier);
	pause();
	return arg;
}

static void test_threads(void)
{
	CASE("exec from a thread ends all others and takes the leader's id")
	{
		CHECK_EXIT(FORK(pthread_t t; pthread_barrier_init(&g_barrier, NULL, 6);
				for (int i = 0; i < 5; i++) pthread_create(
					&t, NULL, i == 3 ? exec_here : wait_here, NULL);
				wait_here(NULL)),
			   0);
	}
	CASE("exec from the leader ends the threads")
	{
		CHECK_EXIT(FORK(pthread_t t; pthread_barrier_init(&g_barrier, NULL, 5);
				for (int i = 0; i < 4; i++)
					pthread_create(&t, NULL, wait_here, NULL);
				exec_here(NULL)),
			   0);
	}
	CASE("exec from a thread after the leader has gone")
	{
		CHECK_EXIT(FORK(pthread_t t; pthread_barrier_init(&g_barrier, NULL, 2);
				pthread_create(&t, NULL, exec_here, NULL);
				pthread_barrier_wait(&g_barrier); pthread_exit(NULL)),
			   0);
	}
}

static void test_execveat(void)
{
	char *av[] = {"x", "args", "", "a b", "\xff\n", NULL};
	char *ev[] = {"K=V", NULL};

	CASE("by descriptor with AT_EMPTY_PATH, relative to a directory, fexecve")
	{
		int fd = MUST(open(g_self, O_RDONLY)),
		    dir = MUST(open("/bin", O_RDONLY | O_DIRECTORY));

		CHECK_EXIT(FORK(syscall(SYS_execveat, fd, "", av, ev, AT_EMPTY_PATH)), 0);
		CHECK_EXIT(FORK(fexecve(fd, av, ev)), 0);
		char *tv[] = {"true", NULL};

		CHECK_EXIT(FORK(syscall(SYS_execveat, dir, "true", tv, ev, 0); _exit(9)), 0);
		CHECK_ERRNO(syscall(SYS_execveat, fd, "", av, ev, 0), ENOENT);
		CHECK_ERRNO(syscall(SYS_execveat, fd, "x", av, ev, 0), ENOTDIR);
		CHECK_ERRNO(syscall(SYS_execveat, -5, "x", av, ev, 0), EBADF);
		CHECK_ERRNO(syscall(SYS_execveat, dir, "", av, ev, AT_EMPTY_PATH), EACCES);
		CHECK_ERRNO(syscall(SYS_execveat, AT_FDCWD, g_self, av, ev, 0x8000), EINVAL);
		close(fd);
		close(dir);
	}
	CASE("AT_SYMLINK_NOFOLLOW refuses a link with ELOOP")
	{
		MUST(symlink(g_self, "link"));
		CHECK_ERRNO(syscall(SYS_execveat, AT_FDCWD, "link", av, ev, AT_SYMLINK_NOFOLLOW),
			    ELOOP);
		CHECK_EXIT(FORK(syscall(SYS_execveat, AT_FDCWD, "link", av, ev, 0)), 0);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return again(argc, argv);
	test_begin(argc, argv);
	test_pass();
	test_limits();
	test_threads();
	test_execveat();
	return test_end();
}
