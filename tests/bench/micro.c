/* SPDX-License-Identifier: Apache-2.0 */
/* micro.c - time per operation of the system calls and mechanisms that programs are made of
 *
 * usage:
 *	micro [-t MS] [ROW...]	     times these rows (all when none is named), for each a line
 *				     "ROW<tab>NANOSECONDS"
 *	micro -n COUNT ROW	     does the row's operation so many times: the same line
 *	micro --list		     names of the rows
 *	micro --time N CMD [ARG...]  runs a command N times: "time<tab>NANOSECONDS" of the fastest
 *
 * Theory of operation: a row is a function that does its operation n times. n is doubled until a
 * batch lasts a fifth of the row's time (100 ms, or -t); then batches run until the time is over,
 * and the median batch counts. Rows that need two sides (ping-pong) count one round trip as one
 * operation. BENCH_FILE names a file of at least 4 MiB, for faults of file pages; the working
 * directory must be writable.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, BIG = 65536, MAX_BATCHES = 1000, THREADS = 8, FAULT_PAGES = 1024 };

static char g_buf[BIG];
static const char *g_file = "/proc/self/exe";

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The value, which must not be negative. */
static int need(int value, const char *what)
{
	if (value < 0)
		die(what);
	return value;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void row_getppid(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void row_clock_gettime(long n)
{
	struct timespec ts;

	while (n--)
		clock_gettime(CLOCK_REALTIME, &ts);
}

static void transfer(const char *path, size_t size, int writing, long n)
{
	int fd = need(open(path, O_RDWR), path);

	while (n--)
		if ((writing ? write(fd, g_buf, size) : read(fd, g_buf, size)) != (ssize_t)size)
			die(path);
	close(fd);
}

static void row_zero_read_1(long n)
{
	transfer("/dev/zero", 1, 0, n);
}

static void row_zero_read_64k(long n)
{
	transfer("/dev/zero", BIG, 0, n);
}

static void row_zero_write_1(long n)
{
	transfer("/dev/zero", 1, 1, n);
}

static void row_zero_write_64k(long n)
{
	transfer("/dev/zero", BIG, 1, n);
}

static void through_pipe(size_t size, long n)
{
	int p[2];

	need(pipe(p), "pipe");
	while (n--)
		if (write(p[1], g_buf, size) != (ssize_t)size ||
		    read(p[0], g_buf, size) != (ssize_t)size)
			die("pipe");
	close(p[0]);
	close(p[1]);
}

static void row_pipe_1(long n)
{
	through_pipe(1, n);
}

static void row_pipe_64k(long n)
{
	through_pipe(BIG, n);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* A file of 1 MiB, made by the first call. */
static int data_file(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	fd = need(open("micro.data", O_RDWR | O_CREAT | O_TRUNC, 0600), "micro.data");
	for (int i = 0; i < 1 << 20; i += BIG)
		if (write(fd, g_buf, BIG) != BIG)
			die("micro.data");
	unlink("micro.data");
	return fd;
}

static void row_pread_4k(long n)
{
	int fd = data_file();

	for (long i = 0; i < n; i++)
		if (pread(fd, g_buf, PAGE, (i & 255) * PAGE) != PAGE)
			die("pread");
}

static void row_pwrite_4k(long n)
{
	int fd = data_file();

	for (long i = 0; i < n; i++)
		if (pwrite(fd, g_buf, PAGE, (i & 255) * PAGE) != PAGE)
			die("pwrite");
}

static void row_open_close(long n)
{
	while (n--)
		close(need(open("/etc/passwd", O_RDONLY), "/etc/passwd"));
}

static void row_open_missing(long n)
{
	while (n--)
		if (open("/etc/no-such-file", O_RDONLY) >= 0)
			die("/etc/no-such-file");
}

static void row_stat(long n)
{
	struct stat st;

	while (n--)
		need(stat("/etc/passwd", &st), "/etc/passwd");
}

static void row_create_unlink(long n)
{
	while (n--) {
		close(need(open("micro.new", O_WRONLY | O_CREAT | O_EXCL, 0600), "micro.new"));
		need(unlink("micro.new"), "micro.new");
	}
}

static void row_readdir(long n)
{
	while (n--) {
		DIR *d = opendir("/usr/bin");

		if (!d)
			die("/usr/bin");
		while (readdir(d))
			;
		closedir(d);
	}
}

/* ---- memory --------------------------------------------------------------------------------- */

static char *map(size_t size, int flags, int fd)
{
	char *m = mmap(NULL, size, PROT_READ | (fd < 0 ? PROT_WRITE : 0), flags, fd, 0);

	if (m == MAP_FAILED)
		die("mmap");
	return m;
}

static void row_mmap_munmap(long n)
{
	while (n--)
		munmap(map(16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1), 16 * PAGE);
}

static void row_mprotect(long n)
{
	char *m = map(16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	m[0] = 1;
	for (long i = 0; i < n; i++)
		need(mprotect(m, 16 * PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ),
		     "mprotect");
	munmap(m, 16 * PAGE);
}

/* First touches of n pages. The mapping's cost is spread over 1,024 of them. */
static void touch(long n, int fd)
{
	volatile char sink = 0;

	while (n > 0) {
		char *m = map(FAULT_PAGES * PAGE,
			      fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE, fd);

		for (int i = 0; i < FAULT_PAGES && n > 0; i++, n--)
			if (fd < 0)
				m[i * PAGE] = 1;
			else
				sink = m[i * PAGE];
		munmap(m, FAULT_PAGES * PAGE);
	}
	(void)sink;
}

static void row_fault_anonymous(long n)
{
	touch(n, -1);
}

static void row_fault_file(long n)
{
	int fd = need(open(g_file, O_RDONLY), g_file);

	touch(n, fd);
	close(fd);
}

/* ---- threads and processes --------------------------------------------------------------------
 */

static void *nothing(void *arg)
{
	return arg;
}

static void row_thread(long n)
{
	pthread_t t;

	while (n--) {
		if (pthread_create(&t, NULL, nothing, NULL) != 0)
			die("pthread_create");
		pthread_join(t, NULL);
	}
}

static int g_turn;
static long g_rounds;

static void futex_pass(int mine)
{
	int other = 1 - mine;

	__atomic_store_n(&g_turn, other, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &g_turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (__atomic_load_n(&g_turn, __ATOMIC_SEQ_CST) == other)
		syscall(SYS_futex, &g_turn, FUTEX_WAIT_PRIVATE, other, NULL, NULL, 0);
}

static void *futex_side(void *arg)
{
	while (__atomic_load_n(&g_turn, __ATOMIC_SEQ_CST) == 0)
		syscall(SYS_futex, &g_turn, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	for (long i = 1; i < g_rounds; i++)
		futex_pass(1);
	__atomic_store_n(&g_turn, 0, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &g_turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return arg;
}

static void row_futex(long n)
{
	pthread_t t;

	g_turn = 0;
	g_rounds = n;
	if (pthread_create(&t, NULL, futex_side, NULL) != 0)
		die("pthread_create");
	while (n--)
		futex_pass(0);
	pthread_join(t, NULL);
}

/* One byte to and fro between two processes, over these descriptors. */
static void bounce(long n, int to[2], int from[2])
{
	char c = 0;
	pid_t p = need(fork(), "fork");

	if (p == 0) {
		for (long i = 0; i < n; i++)
			if (read(to[0], &c, 1) != 1 || write(from[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	while (n--)
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			die("ping-pong");
	waitpid(p, NULL, 0);
}

static void row_pipe_ping(long n)
{
	int a[2], b[2];

	need(pipe(a), "pipe");
	need(pipe(b), "pipe");
	bounce(n, a, b);
	for (int i = 0; i < 2; i++)
		close(a[i]), close(b[i]);
}

static void row_unix_ping(long n)
{
	int s[2];

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, s), "socketpair");
	int there[2] = {s[0], s[1]}, back[2] = {s[1], s[0]};

	bounce(n, there, back);
	close(s[0]);
	close(s[1]);
}

/* Waits by epoll for the event, then takes it. */
static void epoll_take(int ep, int fd)
{
	struct epoll_event e;
	uint64_t v;

	if (epoll_wait(ep, &e, 1, -1) != 1 || read(fd, &v, 8) != 8)
		die("epoll");
}

static void row_epoll_ping(long n)
{
	int fd[2] = {need(eventfd(0, 0), "eventfd"), need(eventfd(0, 0), "eventfd")}, ep[2];
	uint64_t one = 1;

	for (int i = 0; i < 2; i++) {
		struct epoll_event e = {.events = EPOLLIN};

		ep[i] = need(epoll_create1(0), "epoll");
		need(epoll_ctl(ep[i], EPOLL_CTL_ADD, fd[i], &e), "epoll_ctl");
	}
	pid_t p = need(fork(), "fork");

	if (p == 0) {
		for (long i = 0; i < n; i++) {
			epoll_take(ep[0], fd[0]);
			if (write(fd[1], &one, 8) != 8)
				_exit(1);
		}
		_exit(0);
	}
	while (n--) {
		if (write(fd[0], &one, 8) != 8)
			die("eventfd");
		epoll_take(ep[1], fd[1]);
	}
	waitpid(p, NULL, 0);
	for (int i = 0; i < 2; i++)
		close(ep[i]), close(fd[i]);
}

static pthread_barrier_t g_barrier;

static void *barrier_side(void *arg)
{
	for (long i = 0; i < g_rounds; i++)
		pthread_barrier_wait(&g_barrier);
	return arg;
}

static void row_barrier(long n)
{
	pthread_t t[THREADS];

	g_rounds = n;
	pthread_barrier_init(&g_barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, barrier_side, NULL) != 0)
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&g_barrier);
}

static void row_fork(long n)
{
	while (n--) {
		pid_t p = need(fork(), "fork");

		if (p == 0)
			_exit(0);
		waitpid(p, NULL, 0);
	}
}

static void row_vfork_exec(long n)
{
	while (n--) {
		pid_t p = vfork();

		if (p == 0) {
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		int status = 0;

		waitpid(p, &status, 0);
		if (status != 0)
			die("/bin/true");
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

static void row_signal(long n)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &sa, NULL);
	while (n--)
		kill(getpid(), SIGUSR1);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct row {
	const char *name;
	void (*run)(long n);
} g_rows[] = {
	{"getppid", row_getppid},
	{"clock_gettime", row_clock_gettime},
	{"read /dev/zero 1 B", row_zero_read_1},
	{"read /dev/zero 64 KiB", row_zero_read_64k},
	{"write /dev/zero 1 B", row_zero_write_1},
	{"write /dev/zero 64 KiB", row_zero_write_64k},
	{"pipe write+read 1 B", row_pipe_1},
	{"pipe write+read 64 KiB", row_pipe_64k},
	{"pread 4 KiB", row_pread_4k},
	{"pwrite 4 KiB", row_pwrite_4k},
	{"open+close", row_open_close},
	{"open missing name", row_open_missing},
	{"stat", row_stat},
	{"create+unlink", row_create_unlink},
	{"readdir /usr/bin", row_readdir},
	{"mmap+munmap", row_mmap_munmap},
	{"mprotect", row_mprotect},
	{"fault anonymous", row_fault_anonymous},
	{"fault file", row_fault_file},
	{"thread create+join", row_thread},
	{"futex ping-pong", row_futex},
	{"pipe ping-pong", row_pipe_ping},
	{"eventfd+epoll ping-pong", row_epoll_ping},
	{"AF_UNIX ping-pong", row_unix_ping},
	{"barrier of 8 threads", row_barrier},
	{"fork+exit+wait", row_fork},
	{"vfork+exec+wait", row_vfork_exec},
	{"signal to oneself", row_signal},
};

enum { ROWS = sizeof(g_rows) / sizeof(g_rows[0]) };

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void time_row(const struct row *row, long long budget)
{
	static double ns[MAX_BATCHES];
	long long took = 0, end;
	long n = 1;
	int batches = 0;

	for (;; n *= 2) {
		long long start = now();

		row->run(n);
		took = now() - start;
		if (took >= budget / 10 || n >= 1L << 30)
			break;
	}
	for (end = now() + budget; batches < MAX_BATCHES && (batches < 3 || now() < end);
	     batches++) {
		long long start = now();

		row->run(n);
		ns[batches] = (double)(now() - start) / (double)n;
	}
	qsort(ns, (size_t)batches, sizeof(ns[0]), compare);
	printf("%s\t%.1f\n", row->name, ns[batches / 2]);
	fflush(stdout);
}

/* One batch of a given size: for who counts what an operation costs the sentry. */
static void count_row(const struct row *row, long n)
{
	long long start = now();

	row->run(n);
	printf("%s\t%.1f\n", row->name, (double)(now() - start) / (double)n);
}

/* Runs a command some times; the fastest run counts. */
static int time_command(int rounds, char **argv)
{
	long long best = -1;

	while (rounds-- > 0) {
		long long start = now();
		int status = 0;
		pid_t p = need(fork(), "fork");

		if (p == 0) {
			execvp(argv[0], argv);
			_exit(127);
		}
		waitpid(p, &status, 0);
		if (status != 0) {
			fprintf(stderr, "micro: %s: status 0x%x\n", argv[0], (unsigned)status);
			return 1;
		}
		if (best < 0 || now() - start < best)
			best = now() - start;
	}
	printf("time\t%lld\n", best);
	return 0;
}

int main(int argc, char **argv)
{
	long long budget = 100000000;
	long count = 0;
	int i = 1, wrong = 0;

	if (getenv("BENCH_FILE"))
		g_file = getenv("BENCH_FILE");
	if (argc > 3 && strcmp(argv[1], "--time") == 0)
		return time_command(atoi(argv[2]), argv + 3);
	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		for (int k = 0; k < ROWS; k++)
			puts(g_rows[k].name);
		return 0;
	}
	if (argc > 2 && strcmp(argv[1], "-t") == 0) {
		budget = atoll(argv[2]) * 1000000;
		i = 3;
	}
	if (argc > 3 && strcmp(argv[1], "-n") == 0) {
		count = atol(argv[2]);
		i = 3;
	}
	for (int k = 0; k < ROWS && i == argc; k++)
		time_row(&g_rows[k], budget);
	for (; i < argc; i++) {
		int k = 0;

		while (k < ROWS && strcmp(g_rows[k].name, argv[i]) != 0)
			k++;
		if (k < ROWS && count > 0)
			count_row(&g_rows[k], count);
		else if (k < ROWS)
			time_row(&g_rows[k], budget);
		else
			wrong = fprintf(stderr, "micro: no row \"%s\" (--list tells)\n", argv[i]);
	}
	return wrong ? 2 : 0;
}
