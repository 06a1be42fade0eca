/* SPDX-License-Identifier: Apache-2.0 */
/* errno_order.c - calls with more than one thing wrong: which of them Linux tells
 *
 * Found by making every call with a few hundred combinations of arguments, natively and inside.
 */
#include "tests/lib/guest.h"

#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static char g_buf[64];
static char *g_edge; /* four bytes, and nothing behind them */
static int g_file, g_out, g_sub, g_pipe[2], g_sock[2];

static void open_all(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + 4096, 4096, PROT_NONE);
	g_edge = p + 4092;
	g_out = MUST(open("file", O_CREAT | O_WRONLY, 0644));
	g_file = MUST(open("file", O_RDONLY));
	MUST(mkdir("dir", 0755));
	g_sub = MUST(open("dir", O_RDONLY));
	MUST(pipe(g_pipe));
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, g_sock));
}

static void close_all(void)
{
	int fds[] = {g_file, g_out, g_sub, g_pipe[0], g_pipe[1], g_sock[0], g_sock[1]};

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	munmap(g_edge - 4092, 8192);
	unlink("file");
	rmdir("dir");
}

static void test_io(void)
{
	struct iovec bad[2] = {{g_buf, (size_t)-1}}, none = {NULL, 0};
	const size_t huge = 1ul << 62;

	CASE("reads and writes: offset, descriptor, seeking, right, buffers")
	{
		open_all();
		CHECK_ERRNO(syscall(SYS_pread64, -1, g_buf, 1, -1l), EINVAL);
		CHECK_ERRNO(syscall(SYS_pread64, g_pipe[1], g_buf, 1, 0l), ESPIPE);
		CHECK_ERRNO(syscall(SYS_read, -1, g_buf, -1l), EBADF);
		CHECK_ERRNO(syscall(SYS_read, g_out, g_buf, -1l), EBADF);
		CHECK_ERRNO(syscall(SYS_read, g_file, g_buf, huge), EFAULT);
		CHECK_ERRNO(syscall(SYS_read, g_sub, g_buf, huge), EFAULT);
		CHECK_ERRNO(syscall(SYS_write, g_file, g_buf, huge), EBADF);
		CHECK_ERRNO(syscall(SYS_write, g_pipe[1], g_buf, huge), EFAULT);
		CHECK_ERRNO(syscall(SYS_readv, -1, NULL, 1), EBADF);
		CHECK_ERRNO(syscall(SYS_readv, g_out, NULL, 1), EBADF);
		CHECK_ERRNO(syscall(SYS_readv, -1, bad, 5000), EBADF);
		CHECK_ERRNO(syscall(SYS_readv, g_file, bad, 1), EINVAL);
		CHECK_EQ(syscall(SYS_readv, g_sub, &none, 1), 0);
		CHECK_ERRNO(syscall(SYS_preadv, g_pipe[0], bad, 1, 0l, 0l), ESPIPE);
		CHECK_ERRNO(syscall(SYS_preadv, -1, bad, 1, -1l, 0l), EINVAL);
		CHECK_ERRNO(syscall(SYS_preadv2, -1, bad, 1, 0l, 0l, ~0), EBADF);
		CHECK_EQ(syscall(SYS_preadv2, g_file, &none, 1, 0l, 0l, ~0), 0);
		CHECK_ERRNO(syscall(SYS_lseek, g_pipe[0], 0l, 9), EINVAL);
		CHECK_ERRNO(syscall(SYS_lseek, g_pipe[0], 0l, 0), ESPIPE);
		CHECK_ERRNO(syscall(SYS_getdents64, g_pipe[1], g_buf, 64), ENOTDIR);
		CHECK_ERRNO(syscall(SYS_getdents64, g_out, g_buf, 64), ENOTDIR);
		CHECK_ERRNO(syscall(SYS_getdents64, g_sub, g_buf, -1), EINVAL);
		CHECK_EQ(syscall(SYS_fadvise64, g_sock[0], 0l, 0l, 0), 0);
		CHECK_ERRNO(syscall(SYS_fadvise64, g_pipe[0], 0l, 0l, 0), ESPIPE);
		CHECK_ERRNO(syscall(SYS_readahead, g_file, 0l, -1l), EINVAL);
		CHECK_EQ(syscall(SYS_flock, -1, LOCK_MAND), 0);
		close_all();
	}
	CASE("moving data: nothing to move, descriptors, offsets, flags")
	{
		open_all();
		CHECK_EQ(syscall(SYS_splice, -1, NULL, -1, NULL, 0l, ~0), 0);
		CHECK_ERRNO(syscall(SYS_splice, -1, NULL, -1, NULL, 1l, ~0), EINVAL);
		CHECK_ERRNO(syscall(SYS_copy_file_range, -1, NULL, -1, NULL, 1l, 1), EBADF);
		CHECK_ERRNO(syscall(SYS_copy_file_range, g_file, g_edge, g_out, NULL, 1l, 1),
			    EFAULT);
		CHECK_ERRNO(syscall(SYS_copy_file_range, g_file, NULL, g_out, NULL, 1l, 1), EINVAL);
		close_all();
	}
}

static void test_names(void)
{
	CASE("the empty name comes before a bad descriptor, a kind of file before its name")
	{
		CHECK_ERRNO(openat(-1, "", O_RDONLY), ENOENT);
		CHECK_ERRNO(mkdirat(-1, "", 0755), ENOENT);
		CHECK_ERRNO(fchmodat(-1, "", 0755, 0), ENOENT);
		CHECK_ERRNO(symlinkat("x", -1, ""), ENOENT);
		CHECK_ERRNO(syscall(SYS_mknodat, -1, NULL, S_IFLNK | 0644, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_mknodat, -1, NULL, S_IFDIR | 0755, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_mknodat, -1, NULL, S_IFREG | 0644, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_umount2, "nowhere", 0), ENOENT);
	}
}

static void test_events(void)
{
	struct epoll_event ev;

	CASE("epoll, signalfd, inotify")
	{
		open_all();
		CHECK_ERRNO(syscall(SYS_epoll_wait, -1, &ev, 0, 0), EBADF);
		CHECK_ERRNO(syscall(SYS_epoll_wait, g_file, &ev, 0, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_signalfd4, -1, NULL, 8l, 1), EFAULT);
		CHECK_ERRNO(syscall(SYS_signalfd4, -1, NULL, 4l, 1), EINVAL);
		CHECK_ERRNO(inotify_add_watch(g_file, "nowhere", IN_OPEN), EINVAL);
		CHECK_ERRNO(syscall(SYS_inotify_add_watch, g_file, NULL, IN_OPEN), EINVAL);
		CHECK_ERRNO(inotify_add_watch(-1, "nowhere", IN_OPEN), EBADF);
		close_all();
	}
}

static void test_sockets(void)
{
	const unsigned compat = 0x80000000u; /* MSG_CMSG_COMPAT */
	socklen_t zero = 0;

	CASE("sockets: descriptors before buffers, kinds, a name that nobody has room for")
	{
		open_all();
		CHECK_ERRNO(syscall(SYS_sendmsg, -1, NULL, 0), EBADF);
		CHECK_ERRNO(syscall(SYS_sendmsg, g_file, NULL, 0), ENOTSOCK);
		CHECK_ERRNO(syscall(SYS_sendmsg, -1, NULL, compat), EINVAL);
		CHECK_ERRNO(syscall(SYS_recvmsg, g_file, NULL, 0), ENOTSOCK);
		CHECK_ERRNO(syscall(SYS_sendmmsg, -1, NULL, 0, 0), EBADF);
		CHECK_ERRNO(syscall(SYS_recvmmsg, g_file, NULL, 0, 0, NULL), ENOTSOCK);
		CHECK_ERRNO(syscall(SYS_connect, g_file, NULL, 1), EFAULT);
		CHECK_ERRNO(syscall(SYS_connect, g_file, NULL, -1), EINVAL);
		CHECK_ERRNO(syscall(SYS_connect, -1, NULL, -1), EBADF);
		CHECK_ERRNO(syscall(SYS_accept4, -1, NULL, NULL, 1), EBADF);
		CHECK_ERRNO(syscall(SYS_accept4, g_sock[0], NULL, NULL, 1), EINVAL);
		CHECK_ERRNO(syscall(SYS_setsockopt, -1, 0, 0, NULL, -1), EBADF);
		CHECK_ERRNO(syscall(SYS_setsockopt, g_file, 0, 0, NULL, -1), ENOTSOCK);
		CHECK_ERRNO(socket(AF_UNIX, 0, 0), ESOCKTNOSUPPORT);
		CHECK_ERRNO(socket(AF_UNIX, 0, -1), EPROTONOSUPPORT);
		CHECK_EQ(syscall(SYS_getsockname, g_sock[0], NULL, &zero), 0);
		CHECK(zero > 0);
		close_all();
	}
}

static void test_rest(void)
{
	struct rlimit r = {0, 0};
	stack_t ss = {0};
	siginfo_t si;
	timer_t tm;

	CASE("memory, signals, timers, limits, waiting")
	{
		open_all();
		CHECK_EQ(syscall(SYS_mprotect, g_edge - 4092, 0l, 0x80000000l), 0);
		CHECK_ERRNO(syscall(SYS_mprotect, g_edge - 4092, 4096l, 0x80000000l), EINVAL);
		CHECK_ERRNO(syscall(SYS_mprotect, g_edge - 4092, 0l, -1l), EINVAL);
		CHECK_EQ(syscall(SYS_sigaltstack, &ss, NULL) == 0 || errno == ENOMEM, 1);
		CHECK_ERRNO(timer_create(CLOCK_REALTIME_COARSE, NULL, &tm), EOPNOTSUPP);
		CHECK_ERRNO(timer_create(CLOCK_MONOTONIC_RAW, NULL, &tm), EOPNOTSUPP);
		CHECK_ERRNO(syscall(SYS_prlimit64, 0x7fffffff, 99, NULL, NULL), ESRCH);
		CHECK_ERRNO(syscall(SYS_prlimit64, 0, 99, NULL, NULL), EINVAL);
		CHECK_ERRNO(syscall(SYS_waitid, P_ALL, 0, g_edge, 0, NULL), EFAULT);
		memset(&si, 0xff, sizeof(si));
		CHECK_ERRNO(syscall(SYS_waitid, P_ALL, 0, &si, 0, NULL), EINVAL);
		CHECK_EQ(si.si_signo, 0);
		pid_t pid = FORK(CHECK_EQ(setrlimit(RLIMIT_CPU, &r), 0));

		CHECK_EXIT(pid, 0); /* no time at all is a second */
		close_all();
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_io();
	test_names();
	test_events();
	test_sockets();
	test_rest();
	return test_end();
}
