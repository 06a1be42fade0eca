/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c - the bookkeeping behind guest.h
 *
 * Theory of operation: a page shared with all forked children holds the failure counter of the
 * current case and its name. case_begin() closes the case before it. An alarm, armed again by each
 * case, ends a program that hangs together with its process group.
 */
#include "tests/lib/guest.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { CASE_SECONDS = 20, NAME_SIZE = 160 };

struct shared_state {
	int failures; /* atomic: of the current case */
	char name[NAME_SIZE];
};

char g_self[4096];
char g_dir[4096];
volatile sig_atomic_t g_signals;
volatile uintptr_t g_bad_address = 16;

static struct shared_state *g_state;
static const char *g_program = "?";
static int g_passed, g_failed, g_skipped;
static bool g_in_case, g_case_skipped, g_use_alarm = true, g_verbose;
static int g_first_fds;
static pid_t g_main_pid;

static void on_alarm(int sig)
{
	(void)sig;
	if (getpid() != g_main_pid)
		_exit(99);
	dprintf(1, "FAIL %s: %s: time-out\n", g_program, g_state->name);
	kill(0, SIGKILL);
	_exit(1);
}

static void case_finish(void)
{
	if (!g_in_case)
		return;
	g_in_case = false;
	int bad = __atomic_load_n(&g_state->failures, __ATOMIC_SEQ_CST);

	if (bad)
		g_failed++;
	else if (g_case_skipped)
		g_skipped++;
	else
		g_passed++;
	if (g_verbose && !g_case_skipped)
		dprintf(1, "%s %s: %s\n", bad ? "FAIL" : "ok  ", g_program, g_state->name);
}

/* Process 1 of a container, the leader of a session and a process whose parent is in another
 * session are no ordinary processes: signals are ignored, or their process group is orphaned and
 * does not stop. The test runs in a child of such a one; its status is passed on. */
static void become_ordinary(void)
{
	int status;
	pid_t pid;

	if (getpid() != 1 && getsid(0) != getpid() && getsid(getppid()) == getsid(0))
		return;
	pid = fork();
	if (pid == 0)
		return;
	while (waitpid(-1, &status, 0) != pid)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Writing cores takes time, and a helper that the host's core_pattern names may take seconds. A
 * limit of 1 is the only one that keeps Linux from starting that helper. */
static void allow_no_core(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max >= 1) {
		r.rlim_cur = 1;
		setrlimit(RLIMIT_CORE, &r);
	}
}

void test_begin(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");

	if (argc < 1 || !realpath(argv[0], g_self))
		snprintf(g_self, sizeof(g_self), "/proc/self/exe");
	become_ordinary();
	g_program = argc > 0 && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : "guest test";
	g_verbose = getenv("GUEST_VERBOSE") != NULL;
	g_main_pid = getpid();
	g_state = mmap(NULL, sizeof(*g_state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (g_state == MAP_FAILED) {
		perror("guest test: shared page");
		exit(2);
	}
	snprintf(g_dir, sizeof(g_dir), "%s/guest.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(g_dir) || chdir(g_dir) != 0) {
		perror("guest test: temporary directory");
		exit(2);
	}
	umask(022);
	setpgid(0, 0);
	allow_no_core();
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < NSIG; sig++) /* what started us may have ignored some */
		signal(sig, SIG_DFL);
	on_signal(SIGALRM, on_alarm, SA_RESTART);
	alarm(CASE_SECONDS);
	g_first_fds = count_fds();
}

void test_no_alarm(void)
{
	g_use_alarm = false;
	alarm(0);
	signal(SIGALRM, SIG_DFL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

int test_end(void)
{
	CASE("leaves nothing behind")
	{
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
		CHECK_EQ(count_fds(), g_first_fds);
		CHECK(chdir("/") == 0);
		CHECK(nftw(g_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0);
		CHECK_ERRNO(access(g_dir, F_OK), ENOENT);
	}
	case_finish();
	if (g_skipped)
		dprintf(1, "%d passed, %d failed, %d skipped\n", g_passed, g_failed, g_skipped);
	else
		dprintf(1, "%d passed, %d failed\n", g_passed, g_failed);
	return g_failed ? 1 : 0;
}

/* Closes the case before and opens this one; always 1. */
int case_begin(const char *name, const char *file, int line)
{
	(void)file;
	(void)line;
	case_finish();
	snprintf(g_state->name, NAME_SIZE, "%s", name);
	__atomic_store_n(&g_state->failures, 0, __ATOMIC_SEQ_CST);
	g_in_case = true;
	g_case_skipped = false;
	g_signals = 0;
	if (g_use_alarm)
		alarm(CASE_SECONDS);
	return 1;
}

/* Counts the case as skipped unless a check of it failed. */
void case_skip(const char *why)
{
	g_case_skipped = true;
	dprintf(1, "SKIP %s: %s: %s\n", g_program, g_state->name, why);
}

static void fail_at(const char *file, int line, const char *detail)
{
	const char *base = strrchr(file, '/');

	__atomic_fetch_add(&g_state->failures, 1, __ATOMIC_SEQ_CST);
	dprintf(1, "FAIL %s: %s: %s:%d: %s\n", g_program, g_state->name, base ? base + 1 : file,
		line, detail);
}

bool check_that(bool ok, const char *file, int line, const char *what)
{
	int err = errno;

	if (!ok) {
		char text[512];

		snprintf(text, sizeof(text), "%s (errno %d)", what, err);
		fail_at(file, line, text);
		errno = err;
	}
	return ok;
}

bool check_eq(long long a, long long b, const char *file, int line, const char *what)
{
	int err = errno;

	if (a == b)
		return true;
	char text[512];

	snprintf(text, sizeof(text), "%s: %lld (0x%llx), want %lld (0x%llx), errno %d", what, a, a,
		 b, b, err);
	fail_at(file, line, text);
	return false;
}

bool check_str(const char *a, const char *b, const char *file, int line, const char *what)
{
	if (a && b && strcmp(a, b) == 0)
		return true;
	char text[512];

	snprintf(text, sizeof(text), "%s: \"%.160s\", want \"%.160s\"", what, a ? a : "(null)",
		 b ? b : "(null)");
	fail_at(file, line, text);
	return false;
}

bool check_errno(long long r, int err, const char *file, int line, const char *what)
{
	int got = errno;

	if (r == -1 && got == err)
		return true;
	char text[512];

	if (r == -1)
		snprintf(text, sizeof(text), "%s: errno %d (%s), want %d (%s)", what, got,
			 strerrorname_np(got), err, strerrorname_np(err));
	else
		snprintf(text, sizeof(text), "%s: gave %lld, want -1 with errno %d (%s)", what, r,
			 err, strerrorname_np(err));
	fail_at(file, line, text);
	return false;
}

long long must(long long r, const char *file, int line, const char *what)
{
	int err = errno;

	if (r == -1) {
		char text[512];

		snprintf(text, sizeof(text), "%s: errno %d (%s)", what, err, strerrorname_np(err));
		fail_at(file, line, text);
		errno = err;
	}
	return r;
}

int wait_status(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static bool check_status(pid_t pid, int want, const char *file, int line)
{
	int status = wait_status(pid);

	if ((status & ~0x80) == want)
		return true;
	char text[160];

	snprintf(text, sizeof(text), "status of child %d is 0x%x, want 0x%x", (int)pid, status,
		 want);
	fail_at(file, line, text);
	return false;
}

bool check_exit(pid_t pid, int code, const char *file, int line)
{
	return check_status(pid, code << 8, file, line);
}

bool check_killed(pid_t pid, int sig, const char *file, int line)
{
	return check_status(pid, sig, file, line);
}

void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

long long now_ms(void)
{
	return now_ns() / 1000000;
}

char proc_state(pid_t pid)
{
	char path[64], buf[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	char *p = strrchr(buf, ')');

	return p && p[1] ? p[2] : 0;
}

bool wait_sleeping(pid_t pid)
{
	long long until = now_ms() + 5000;

	while (proc_state(pid) != 'S') {
		if (now_ms() > until)
			return false;
		sleep_ms(1);
	}
	return true;
}

long read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = 0;
	close(fd);
	return n < 0 ? -1 : (long)len;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, len);

	close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

void count_signal(int sig)
{
	(void)sig;
	g_signals++;
}

void on_signal(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};

	sigaction(sig, &sa, NULL);
}
