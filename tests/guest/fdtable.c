/* SPDX-License-Identifier: Apache-2.0 */
/* fdtable.c - dup family, fcntl, close_range, limits, sharing, /proc/self/fd and fdinfo, special
 * devices */
#include "tests/lib/guest.h"

#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int fd_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_dup(void)
{
	int fd = MUST(open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	CASE("dup takes the lowest, drops close-on-exec, shares offset and flags")
	{
		int d = MUST(dup(fd));

		CHECK_EQ(d, fd + 1);
		CHECK_EQ(fcntl(d, F_GETFD), 0);
		CHECK_EQ(write(d, "abc", 3), 3);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
		MUST(fcntl(d, F_SETFL, O_APPEND));
		CHECK(fcntl(fd, F_GETFL) & O_APPEND);
		close(d);
		CHECK_ERRNO(dup(999), EBADF);
	}
	CASE("dup2: onto itself, onto an open one, out of range; dup3 flags")
	{
		CHECK_EQ(dup2(fd, fd), fd);
		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_ERRNO(dup2(999, 999), EBADF);
		int o = MUST(open("/dev/null", O_RDWR));

		CHECK_EQ(dup2(fd, o), o);
		CHECK_EQ(lseek(o, 0, SEEK_CUR), 3);
		CHECK_ERRNO(dup2(fd, -1), EBADF);
		CHECK_ERRNO(dup2(fd, 1 << 30), EBADF);
		CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
		CHECK_ERRNO(dup3(fd, 50, 1), EINVAL);
		CHECK_EQ(dup3(fd, o, O_CLOEXEC), o);
		CHECK_EQ(fcntl(o, F_GETFD), FD_CLOEXEC);
		close(o);
	}
	CASE("F_DUPFD and F_DUPFD_CLOEXEC with a minimum")
	{
		int d = MUST(fcntl(fd, F_DUPFD, 100));

		CHECK_EQ(d, 100);
		CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 100), 101);
		CHECK_EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
		close(100);
		close(101);
		CHECK_ERRNO(fcntl(fd, F_DUPFD, -1), EINVAL);
		CHECK_ERRNO(fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
		CHECK_ERRNO(fcntl(fd, 12345, 0), EINVAL);
		CHECK_ERRNO(fcntl(999, F_GETFD), EBADF);
	}
	CASE("close: EBADF, negative; FIOCLEX, FIONCLEX, FIONBIO")
	{
		int one = 1;

		CHECK_ERRNO(close(999), EBADF);
		CHECK_ERRNO(close(-1), EBADF);
		int d = MUST(dup(fd));

		CHECK_EQ(ioctl(d, FIOCLEX), 0);
		CHECK_EQ(fcntl(d, F_GETFD), FD_CLOEXEC);
		CHECK_EQ(ioctl(d, FIONCLEX), 0);
		CHECK_EQ(fcntl(d, F_GETFD), 0);
		CHECK_EQ(ioctl(d, FIONBIO, &one), 0);
		CHECK(fcntl(d, F_GETFL) & O_NONBLOCK);
		CHECK_ERRNO(ioctl(d, 0x12345678), ENOTTY);
		close(d);
	}
	close(fd);
}

static void *open_in_thread(void *arg)
{
	*(int *)arg = open("/dev/null", O_RDONLY);
	return NULL;
}

static void test_table(void)
{
	CASE("close_range: closes, marks, unshares, errors")
	{
		CHECK_EXIT(FORK(for (int i = 50; i < 60; i++) MUST(dup2(0, i));
				CHECK_EQ(close_range(52, 55, 0), 0); CHECK(fd_open(51));
				CHECK(!fd_open(52)); CHECK(!fd_open(55)); CHECK(fd_open(56));
				CHECK_EQ(close_range(56, ~0u, CLOSE_RANGE_CLOEXEC), 0);
				CHECK_EQ(fcntl(59, F_GETFD), FD_CLOEXEC);
				CHECK_EQ(fcntl(51, F_GETFD), 0);
				CHECK_ERRNO(close_range(5, 4, 0), EINVAL);
				CHECK_ERRNO(close_range(3, 4, 64), EINVAL);
				CHECK_EQ(close_range(50, ~0u, CLOSE_RANGE_UNSHARE), 0);
				CHECK(!fd_open(51))),
			   0);
	}
	CASE("RLIMIT_NOFILE: EMFILE for each way of making descriptors; numbers below stay usable")
	{
		CHECK_EXIT(FORK(int p[2]; struct rlimit r = {20, 20};
				MUST(setrlimit(RLIMIT_NOFILE, &r));
				while (open("/dev/null", O_RDONLY) >= 0); CHECK_EQ(errno, EMFILE);
				CHECK_ERRNO(dup(0), EMFILE); CHECK_ERRNO(pipe(p), EMFILE);
				CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
				CHECK_ERRNO(fcntl(0, F_DUPFD, 10), EMFILE);
				CHECK_ERRNO(dup2(0, 20), EBADF); close(19);
				CHECK_ERRNO(pipe(p), EMFILE);
				CHECK_EQ(open("/dev/null", O_RDONLY), 19)),
			   0);
	}
	CASE("threads share the table; a forked child's is its own")
	{
		int fd = -1;
		pthread_t t;

		pthread_create(&t, NULL, open_in_thread, &fd);
		pthread_join(t, NULL);
		CHECK(fd_open(fd));
		CHECK_EXIT(FORK(close(fd)), 0);
		CHECK(fd_open(fd));
		close(fd);
	}
	CASE("2,000 descriptors at once")
	{
		struct rlimit r;

		getrlimit(RLIMIT_NOFILE, &r);
		if (r.rlim_max < 3000)
			SKIP("hard limit too low");
		CHECK_EXIT(FORK(r.rlim_cur = 3000; MUST(setrlimit(RLIMIT_NOFILE, &r)); int last = 0;
				for (int i = 0; i < 2000; i++) last = dup(0); CHECK(last >= 2000);
				CHECK(fd_open(last));
				struct pollfd p = {.fd = last, .events = POLLIN};
				CHECK(poll(&p, 1, 0) >= 0)),
			   0);
	}
	CASE("F_SETOWN, F_GETOWN, F_SETSIG, O_ASYNC on a pipe raise SIGIO")
	{
		int p[2];

		MUST(pipe(p));
		on_signal(SIGIO, count_signal, 0);
		CHECK_EQ(fcntl(p[0], F_SETOWN, getpid()), 0);
		CHECK_EQ(fcntl(p[0], F_GETOWN), getpid());
		CHECK_EQ(fcntl(p[0], F_SETFL, O_ASYNC), 0);
		CHECK_EQ(write(p[1], "x", 1), 1);
		EVENTUALLY(g_signals >= 1);
		close(p[0]);
		close(p[1]);
		signal(SIGIO, SIG_DFL);
	}
}

static void test_proc(void)
{
	char path[64], link[4200], want[4200], info[1024];

	CASE("/proc/self/fd names files, pipes, sockets, anonymous inodes")
	{
		struct {
			int fd;
			const char *starts;
		} v[4];
		int p[2], s[2];

		MUST(pipe(p));
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		v[0].fd = MUST(open("f", O_RDONLY));
		snprintf(want, sizeof(want), "%s/f", g_dir);
		v[0].starts = want;
		v[1].fd = p[0];
		v[1].starts = "pipe:[";
		v[2].fd = s[0];
		v[2].starts = "socket:[";
		v[3].fd = (int)MUST(syscall(SYS_epoll_create1, 0));
		v[3].starts = "anon_inode:[eventpoll]";
		for (int i = 0; i < 4; i++) {
			snprintf(path, sizeof(path), "/proc/self/fd/%d", v[i].fd);
			ssize_t n = readlink(path, link, sizeof(link) - 1);

			link[n > 0 ? n : 0] = 0;
			CHECK(strncmp(link, v[i].starts, strlen(v[i].starts)) == 0);
			if (strncmp(link, v[i].starts, strlen(v[i].starts)))
				dprintf(1, "     got %s, want %s\n", link, v[i].starts);
		}
		close(v[0].fd);
		close(v[3].fd);
		close(p[0]);
		close(p[1]);
		close(s[0]);
		close(s[1]);
	}
	CASE("opening /proc/self/fd/N of a file is a new description; of a pipe end the pipe")
	{
		int fd = MUST(open("f", O_RDWR)), p[2];
		char c;

		lseek(fd, 2, SEEK_SET);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int n = MUST(open(path, O_RDONLY));

		CHECK_EQ(lseek(n, 0, SEEK_CUR), 0);
		close(n);
		MUST(pipe(p));
		snprintf(path, sizeof(path), "/dev/fd/%d", p[0]);
		n = MUST(open(path, O_RDONLY));
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(read(n, &c, 1), 1);
		close(n);
		close(p[0]);
		close(p[1]);
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		CHECK(read_file(path, info, sizeof(info)) > 0);
		CHECK(strstr(info, "pos:\t2\n") && strstr(info, "flags:\t0100002\n"));
		close(fd);
	}
	CASE("/dev/null, zero, full, random, urandom, tty without a terminal")
	{
		char b[16];
		int n = MUST(open("/dev/null", O_RDWR)), z = MUST(open("/dev/zero", O_RDWR));
		int f = MUST(open("/dev/full", O_RDWR)), r = MUST(open("/dev/urandom", O_RDONLY));

		CHECK_EQ(read(n, b, 16), 0);
		CHECK_EQ(write(n, b, 16), 16);
		memset(b, 1, 16);
		CHECK_EQ(read(z, b, 16), 16);
		CHECK(b[0] == 0 && b[15] == 0);
		CHECK_EQ(write(z, b, 16), 16);
		CHECK_EQ(read(f, b, 16), 16);
		CHECK_ERRNO(write(f, b, 1), ENOSPC);
		CHECK_EQ(read(r, b, 16), 16);
		CHECK_EXIT(FORK(setsid(); CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO)), 0);
		CHECK_EQ(lseek(n, 100, SEEK_SET) >= 0, 1);
		close(n);
		close(z);
		close(f);
		close(r);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_dup();
	test_table();
	test_proc();
	return test_end();
}
