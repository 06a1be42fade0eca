/* SPDX-License-Identifier: Apache-2.0 */
/* efault.c - hostile arguments: bad pointers, memory that ends within an argument, huge lengths,
 * odd numbers */
#include "tests/lib/guest.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <termios.h>

/* Addresses that never hold memory of a program. */
static const unsigned long g_bad[] = {
	16, 0x7ffffffff000, 0x8000000000000000, 0xffffffffff600000, (unsigned long)-4096, -1ul};

static char *g_page; /* one page, followed by nothing */

static int takes_buffer(int call)
{
	return call == SYS_stat || call == SYS_lstat || call == SYS_readlink || call == SYS_statfs;
}

static void test_paths(void)
{
	static const int calls[] = {SYS_open,	  SYS_stat,   SYS_lstat,    SYS_access, SYS_chdir,
				    SYS_rmdir,	  SYS_unlink, SYS_readlink, SYS_chmod,	SYS_mkdir,
				    SYS_truncate, SYS_creat,  SYS_statfs,   SYS_chroot};

	CASE("every call that takes a path: each bad pointer gives EFAULT")
	{
		char buf[256];

		for (unsigned i = 0; i < COUNT(calls); i++)
			for (unsigned k = 0; k < COUNT(g_bad); k++)
				if (!CHECK_ERRNO(syscall(calls[i], g_bad[k],
							 takes_buffer(calls[i]) ? buf : NULL,
							 sizeof(buf)),
						 EFAULT))
					dprintf(1, "     call %d address %lx\n", calls[i],
						g_bad[k]);
	}
	CASE("a path at the end of memory: terminated within is fine, not terminated EFAULT")
	{
		memcpy(g_page + 4096 - 2, ".", 2);
		CHECK_EQ(access(g_page + 4094, F_OK), 0);
		memset(g_page + 4086, '/', 10);
		CHECK_ERRNO(access(g_page + 4086, F_OK), EFAULT);
	}
	CASE("two-path calls: either one")
	{
		CHECK_ERRNO(rename(BAD_PTR, "x"), EFAULT);
		CHECK_ERRNO(rename(".", BAD_PTR), EFAULT);
		CHECK_ERRNO(link(BAD_PTR, "x"), EFAULT);
		CHECK_ERRNO(symlink(BAD_PTR, "x"), EFAULT);
		CHECK_ERRNO(symlink("x", BAD_PTR), EFAULT);
	}
}

static void test_results(void)
{
	int p[2], s[2];

	MUST(pipe(p));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CASE("results that cannot be stored")
	{
		CHECK_ERRNO(syscall(SYS_fstat, 0, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_pipe, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_pipe2, 0, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_gettimeofday, BAD_PTR, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_getrusage, 0, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_times, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_getcwd, BAD_PTR, 4096), EFAULT);
		CHECK_ERRNO(syscall(SYS_getitimer, 0, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 128, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigpending, BAD_PTR, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_getsockname, s[0], BAD_PTR, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_getsockopt, s[0], SOL_SOCKET, SO_TYPE, BAD_PTR, BAD_PTR),
			    EFAULT);
		CHECK_ERRNO(ioctl(p[0], FIONREAD, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_statfs, "/", BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, BAD_PTR), EFAULT);
	}
	CASE("failed pipe and socketpair leave no descriptors")
	{
		int before = count_fds();

		CHECK_ERRNO(syscall(SYS_pipe2, BAD_PTR, 0), EFAULT);
		CHECK_ERRNO(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_PTR), EFAULT);
		CHECK_EQ(count_fds(), before);
	}
	CASE("a structure that straddles the end of memory")
	{
		CHECK_ERRNO(syscall(SYS_fstat, 0, g_page + 4096 - 16), EFAULT);
		CHECK_ERRNO(syscall(SYS_uname, g_page + 4096 - 64), EFAULT);
		CHECK_ERRNO(syscall(SYS_nanosleep, g_page + 4096 - 8, NULL), EFAULT);
		CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, g_page + 4096 - 8, NULL, 8), EFAULT);
		CHECK_ERRNO(syscall(SYS_clone3, g_page + 4096 - 64, 88), EFAULT);
	}
	CASE("data: bad buffers for read, write, send, recv; nothing is lost")
	{
		char c[4];

		CHECK_ERRNO(write(p[1], BAD_PTR, 4), EFAULT);
		CHECK_EQ(write(p[1], "abcd", 4), 4);
		CHECK_ERRNO(read(p[0], BAD_PTR, 4), EFAULT);
		CHECK_EQ(read(p[0], c, 4), 4);
		CHECK_ERRNO(send(s[0], BAD_PTR, 4, 0), EFAULT);
		CHECK_EQ(send(s[0], "wxyz", 4, 0), 4);
		CHECK_ERRNO(recv(s[1], BAD_PTR, 4, MSG_PEEK), EFAULT);
		CHECK_ERRNO(sendmsg(s[0], BAD_PTR, 0), EFAULT);
		CHECK_ERRNO(recvmsg(s[1], BAD_PTR, 0), EFAULT);
		CHECK_ERRNO(sendto(s[0], "x", 1, 0, BAD_PTR, 16), EFAULT);
		CHECK_ERRNO(connect(s[0], BAD_PTR, 16), EFAULT);
		CHECK_ERRNO(bind(s[0], BAD_PTR, 16), EFAULT);
		CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, BAD_PTR, 4), EFAULT);
	}
	CASE("half-good buffers: partial transfers stop at the border")
	{
		CHECK_EQ(write(p[1], g_page + 4096 - 10, 10), 10);
		ssize_t n = write(p[1], g_page + 4096 - 10, 100);

		CHECK(n == 10 || (n == -1 && errno == EFAULT));
		memset(g_page, 1, 4096);
		n = read(p[0], g_page + 4096 - 5, 10);
		CHECK(n == 5 || (n == -1 && errno == EFAULT));
	}
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
}

static void test_numbers(void)
{
	static const int fds[] = {-1, -100, INT_MIN, INT_MAX, 99999};
	static const int calls[] = {
		SYS_read,    SYS_write,	    SYS_close,	   SYS_fstat,  SYS_lseek,      SYS_dup,
		SYS_fsync,   SYS_ftruncate, SYS_fchdir,	   SYS_fchmod, SYS_getdents64, SYS_fcntl,
		SYS_flock,   SYS_ioctl,	    SYS_pread64,   SYS_readv,  SYS_listen,     SYS_shutdown,
		SYS_fstatfs, SYS_fdatasync, SYS_epoll_wait};

	CASE("descriptors that do not exist: EBADF everywhere")
	{
		char buf[64];

		for (unsigned i = 0; i < COUNT(calls); i++)
			for (unsigned k = 0; k < COUNT(fds); k++)
				if (!CHECK_ERRNO(syscall(calls[i], fds[k],
							 calls[i] == SYS_flock	 ? (void *)1L
							 : calls[i] == SYS_fcntl ? (void *)1L
										 : (void *)buf,
							 1L, 0L),
						 EBADF))
					dprintf(1, "     call %d descriptor %d\n", calls[i],
						fds[k]);
	}
	CASE("huge lengths end in an error or a short count, never in harm")
	{
		int p[2];
		struct iovec v = {g_page, (size_t)-1};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
		int s[2];

		MUST(pipe2(p, O_NONBLOCK));
		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
		CHECK_ERRNO(syscall(SYS_write, p[1], g_page, -1L), EFAULT);
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_ERRNO(syscall(SYS_read, p[0], g_page, -1L), EFAULT);
		CHECK_ERRNO(syscall(SYS_writev, p[1], &v, 1), EINVAL);
		CHECK_ERRNO(syscall(SYS_sendmsg, s[0], &m, 0), EINVAL);
		m.msg_iovlen = 100000;
		CHECK_ERRNO(syscall(SYS_sendmsg, s[0], &m, 0), EMSGSIZE);
		CHECK_ERRNO(syscall(SYS_poll, g_page, -1L, 0), EINVAL);
		CHECK_EQ(syscall(SYS_getgroups, INT_MAX, BAD_PTR) <= 0, 1);
		CHECK_ERRNO(syscall(SYS_sethostname, g_page, -1L), geteuid() ? EPERM : EINVAL);
		CHECK_ERRNO(syscall(SYS_munmap, g_page, -4096L), EINVAL);
		CHECK_ERRNO(syscall(SYS_mprotect, g_page, -4096L, 0), ENOMEM);
		CHECK_ERRNO(syscall(SYS_epoll_wait, 0, g_page, INT_MAX, 0), EINVAL);
		CHECK_ERRNO(syscall(SYS_bind, s[0], g_page, INT_MAX), EINVAL);
		close(p[0]);
		close(p[1]);
		close(s[0]);
		close(s[1]);
	}
	CASE("every unused number up to 1,000 is ENOSYS")
	{
		for (long n = 600; n <= 1000; n++)
			CHECK_ERRNO(syscall(n, -1, -1, -1, -1, -1, -1), ENOSYS);
		CHECK_ERRNO(syscall(0x40000000L | SYS_getpid), ENOSYS);
		CHECK_ERRNO(syscall(0x7fffffffL), ENOSYS);
	}
	CASE("the old 32-bit entry does not give a shell nor crash anything but the caller")
	{
		pid_t p = FORK(long r; __asm__ volatile("int $0x80"
							: "=a"(r)
							: "a"(20L)
							: "memory");
			       (void)r);
		int st = wait_status(p);

		CHECK(st == 0 || WIFSIGNALED(st));
	}
	CASE("vsyscall page: gettimeofday works or faults, nothing else")
	{
		pid_t p =
			FORK(struct timeval tv;
			     ((int (*)(struct timeval *, void *))0xffffffffff600000ul)(&tv, NULL));
		int st = wait_status(p);

		CHECK(st == 0 || (st & 0x7f) == SIGSEGV);
	}
}

static int toggle(void *m)
{
	for (;;) {
		syscall(SYS_mprotect, m, 4096, PROT_NONE);
		syscall(SYS_mprotect, m, 4096, PROT_READ | PROT_WRITE);
	}
	return 0;
}

static void test_races(void)
{
	CASE("memory changed by another process while it is an argument: no crash, one of both "
	     "results")
	{
		char *shared =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		strcpy(shared, "/dev/null");
		pid_t p = FORK(for (;;) {
			shared[1] = 'x';
			shared[1] = 'd';
		});

		for (int i = 0; i < 500; i++) {
			int fd = open(shared, O_RDONLY);

			CHECK(fd >= 0 || errno == ENOENT);
			if (fd >= 0)
				close(fd);
		}
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		munmap(shared, 4096);
	}
	CASE("memory unmapped by a sharing task during calls")
	{
		CHECK_EXIT(FORK(char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
				pid_t q = clone(toggle, g_page + 4096, CLONE_VM | SIGCHLD, m);
				int fd = open("/dev/zero", O_RDONLY);
				for (int i = 0; i < 500; i++) {
					ssize_t n = read(fd, m, 4096);
					if (n < 0 && errno != EFAULT) /* a part may be read */
						_exit(1);
				} kill(q, SIGKILL);
				CHECK_KILLED(q, SIGKILL)),
			   0);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	g_page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(g_page + 4096, 4096);
	test_paths();
	test_results();
	test_numbers();
	test_races();
	return test_end();
}
