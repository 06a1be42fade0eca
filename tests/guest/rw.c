/* SPDX-License-Identifier: Apache-2.0 */
/* rw.c - reading and writing files: vectors, positions, holes, truncation, fallocate, copying,
 * sendfile */
#include "tests/lib/guest.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char g_buf[70000];

static long long size_of(const char *p)
{
	struct stat st;

	return stat(p, &st) == 0 ? st.st_size : -1;
}

static void test_vectors(void)
{
	int fd = MUST(open("v", O_RDWR | O_CREAT, 0600));
	char a[4] = "", b[4] = "";
	struct iovec w[3] = {{"abc", 3}, {"", 0}, {"defg", 4}}, r[2] = {{a, 2}, {b, 3}};

	CASE("readv, writev, preadv, pwritev, and their version 2")
	{
		CHECK_EQ(writev(fd, w, 3), 7);
		CHECK_EQ(preadv(fd, r, 2, 1), 5);
		CHECK(memcmp(a, "bc", 2) == 0 && memcmp(b, "def", 3) == 0);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
		CHECK_EQ(pwritev(fd, w, 1, 10), 3);
		CHECK_EQ(size_of("v"), 13);
		CHECK_EQ(preadv2(fd, r, 2, -1, 0), 5);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 12);
		CHECK_EQ(pwritev2(fd, w, 1, 0, RWF_APPEND), 3);
		CHECK_EQ(size_of("v"), 16);
		CHECK_EQ(pwritev2(fd, w, 1, 0, RWF_DSYNC), 3);
	}
	CASE("vector errors: count, total length, pointers, unknown flags")
	{
		struct iovec big[2] = {{a, (size_t)LONG_MAX}, {b, 10}};

		CHECK_ERRNO(syscall(SYS_readv, fd, r, -1), EINVAL);
		CHECK_ERRNO(syscall(SYS_readv, fd, r, 1025), EINVAL);
		CHECK_EQ(readv(fd, r, 0), 0);
		CHECK_ERRNO(writev(fd, big, 2), EFAULT);
		big[0].iov_len = (size_t)-1;
		CHECK_ERRNO(writev(fd, big, 2), EINVAL);
		CHECK_ERRNO(readv(fd, BAD_PTR, 1), EFAULT);
		CHECK_ERRNO(preadv2(fd, r, 1, 0, 0x4000), EOPNOTSUPP);
		CHECK_ERRNO(preadv(fd, r, 1, -2), EINVAL);
		CHECK_ERRNO(pread(fd, a, 1, -1), EINVAL);
		CHECK_ERRNO(readv(999, r, 1), EBADF);
	}
	CASE("a vector that ends in bad memory gives what came before")
	{
		struct iovec part[2] = {{a, 2}, {BAD_PTR, 4}};
		int p[2];

		CHECK_EQ(preadv(fd, part, 2, 0), 2);
		MUST(pipe(p));
		CHECK_EQ(write(p[1], "xyz", 3), 3);
		ssize_t n = readv(p[0], part, 2);

		CHECK(n == 2 || (n == -1 && errno == EFAULT));
		close(p[0]);
		close(p[1]);
	}
	close(fd);
}

static void test_position(void)
{
	int fd = MUST(open("s", O_RDWR | O_CREAT, 0600));

	CASE("lseek: set, cur, end, beyond, negative, bad whence, overflow")
	{
		CHECK_EQ(write(fd, "0123456789", 10), 10);
		CHECK_EQ(lseek(fd, -3, SEEK_END), 7);
		CHECK_EQ(read(fd, g_buf, 100), 3);
		CHECK_EQ(read(fd, g_buf, 100), 0);
		CHECK_EQ(lseek(fd, 5, SEEK_CUR), 15);
		CHECK_EQ(read(fd, g_buf, 100), 0);
		CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
		CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
		CHECK_ERRNO(lseek(fd, LONG_MAX, SEEK_CUR), EINVAL);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 15);
		CHECK_EQ(write(fd, "x", 1), 1);
		CHECK_EQ(size_of("s"), 16);
		CHECK_EQ(pread(fd, g_buf, 16, 0), 16);
		CHECK_EQ(g_buf[12], 0);
	}
	CASE("zero-length calls and huge lengths")
	{
		CHECK_EQ(write(fd, BAD_PTR, 0), 0);
		CHECK_EQ(read(fd, g_buf, 0), 0);
		CHECK_ERRNO(write(fd, BAD_PTR, 4), EFAULT);
		CHECK_EQ(pread(fd, g_buf, sizeof(g_buf), 1000), 0);
	}
	CASE("RLIMIT_FSIZE: short write, then SIGXFSZ or EFBIG; also for ftruncate")
	{
		CHECK_EXIT(FORK(struct rlimit r = {20, 20}; setrlimit(RLIMIT_FSIZE, &r);
				on_signal(SIGXFSZ, count_signal, 0);
				CHECK_EQ(pwrite(fd, g_buf, 10, 15), 5);
				CHECK_ERRNO(pwrite(fd, g_buf, 1, 20), EFBIG);
				CHECK_EQ(g_signals, 1); CHECK_ERRNO(ftruncate(fd, 21), EFBIG)),
			   0);
		CHECK_KILLED(FORK(struct rlimit r = {20, 20}; setrlimit(RLIMIT_FSIZE, &r);
				  CHECK_EQ(pwrite(fd, g_buf, 1, 100), -1)),
			     SIGXFSZ);
	}
	CASE("truncate and ftruncate: grow with zeroes, shrink, errors")
	{
		CHECK_EQ(ftruncate(fd, 100000), 0);
		CHECK_EQ(size_of("s"), 100000);
		CHECK_EQ(pread(fd, g_buf, 1, 99999), 1);
		CHECK_EQ(g_buf[0], 0);
		CHECK_EQ(truncate("s", 4), 0);
		CHECK_EQ(pread(fd, g_buf, 100, 0), 4);
		CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
		CHECK_ERRNO(truncate("none", 0), ENOENT);
		CHECK_ERRNO(truncate(".", 0), EISDIR);
		int ro = MUST(open("s", O_RDONLY));

		CHECK_ERRNO(ftruncate(ro, 0), EINVAL);
		CHECK_ERRNO(ftruncate(999, 0), EBADF);
		close(ro);
	}
	close(fd);
}

static void test_holes(void)
{
	int fd = MUST(open("h", O_RDWR | O_CREAT, 0600));

	CASE("SEEK_DATA and SEEK_HOLE")
	{
		CHECK_EQ(pwrite(fd, "x", 1, 1 << 20), 1);
		CHECK_EQ(lseek(fd, 0, SEEK_DATA) >> 12, (1 << 20) >> 12);
		CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
		CHECK_EQ(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 1);
		CHECK_ERRNO(lseek(fd, 2 << 20, SEEK_DATA), ENXIO);
		CHECK_ERRNO(lseek(fd, 2 << 20, SEEK_HOLE), ENXIO);
		struct stat st;

		fstat(fd, &st);
		CHECK(st.st_blocks < 100);
	}
	CASE("fallocate: reserves, keeps the size, punches, errors")
	{
		CHECK_EQ(ftruncate(fd, 0), 0);
		CHECK_EQ(fallocate(fd, 0, 0, 8192), 0);
		CHECK_EQ(size_of("h"), 8192);
		CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192), 0);
		CHECK_EQ(size_of("h"), 8192);
		memset(g_buf, 'f', 8192);
		CHECK_EQ(pwrite(fd, g_buf, 8192, 0), 8192);
		CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
		CHECK_EQ(pread(fd, g_buf, 8192, 0), 8192);
		CHECK(g_buf[4095] == 'f' && g_buf[4096] == 0 && g_buf[8191] == 0);
		CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
		CHECK_ERRNO(fallocate(fd, 0, -1, 10), EINVAL);
		CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
		CHECK_ERRNO(fallocate(fd, 0x1000, 0, 10), EOPNOTSUPP);
		int ro = MUST(open("h", O_RDONLY)), p[2];

		MUST(pipe(p));
		CHECK_ERRNO(fallocate(ro, 0, 0, 10), EBADF);
		CHECK_ERRNO(fallocate(p[1], 0, 0, 10), ESPIPE);
		CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
		CHECK_EQ(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
		CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
		close(ro);
		close(p[0]);
		close(p[1]);
	}
	CASE("fsync, fdatasync, sync_file_range, syncfs")
	{
		CHECK_EQ(fsync(fd), 0);
		CHECK_EQ(fdatasync(fd), 0);
		CHECK_EQ(syncfs(fd), 0);
		CHECK_ERRNO(fsync(999), EBADF);
		int p[2];

		MUST(pipe(p));
		CHECK_ERRNO(fsync(p[0]), EINVAL);
		close(p[0]);
		close(p[1]);
	}
	close(fd);
}

static void test_copy(void)
{
	int in = MUST(open("in", O_RDWR | O_CREAT, 0600)),
	    out = MUST(open("out", O_RDWR | O_CREAT, 0600));

	for (unsigned i = 0; i < sizeof(g_buf); i++)
		g_buf[i] = (char)(i * 13 >> 2);
	CHECK_EQ(write(in, g_buf, sizeof(g_buf)), sizeof(g_buf));
	CASE("copy_file_range with offsets and positions; end of file; errors")
	{
		loff_t a = 100, b = 5;

		CHECK_EQ(copy_file_range(in, &a, out, &b, 1000, 0), 1000);
		CHECK(a == 1100 && b == 1005);
		char c[1000];

		CHECK_EQ(pread(out, c, 1000, 5), 1000);
		CHECK(memcmp(c, g_buf + 100, 1000) == 0);
		CHECK_EQ(lseek(in, 0, SEEK_CUR), sizeof(g_buf));
		CHECK_EQ(copy_file_range(in, NULL, out, NULL, 1000, 0), 0);
		a = 0;
		b = 10;
		CHECK_ERRNO(copy_file_range(in, &a, in, &b, 100, 0), EINVAL);
		CHECK_ERRNO(copy_file_range(in, &a, out, &b, 100, 1), EINVAL);
		int ap = MUST(open("out", O_WRONLY | O_APPEND)), d = MUST(open(".", O_RDONLY));

		CHECK_ERRNO(copy_file_range(in, &a, ap, NULL, 1, 0), EBADF);
		CHECK_ERRNO(copy_file_range(d, &a, out, NULL, 1, 0), EISDIR);
		close(ap);
		close(d);
	}
	CASE("sendfile from a named pipe is refused")
	{
		int fd;

		CHECK(mkfifo("sendfile.fifo", 0600) == 0);
		fd = open("sendfile.fifo", O_RDWR);
		CHECK_ERRNO(sendfile(1, fd, NULL, 10), EINVAL);
		close(fd);
		CHECK(unlink("sendfile.fifo") == 0);
	}
	CASE("sendfile to a file, a pipe, a socket; with and without an offset")
	{
		off_t off = 10;
		int p[2], s[2];
		char c[64];

		CHECK_EQ(ftruncate(out, 0), 0);
		lseek(out, 0, SEEK_SET);
		CHECK_EQ(sendfile(out, in, &off, 50000), 50000);
		CHECK_EQ(off, 50010);
		CHECK_EQ(size_of("out"), 50000);
		lseek(in, 20, SEEK_SET);
		MUST(pipe(p));
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(sendfile(p[1], in, NULL, 64), 64);
		CHECK_EQ(lseek(in, 0, SEEK_CUR), 84);
		CHECK_EQ(read(p[0], c, 64), 64);
		CHECK(memcmp(c, g_buf + 20, 64) == 0);
		off = 0;
		CHECK_EQ(sendfile(s[0], in, &off, 64), 64);
		CHECK_EQ(read(s[1], c, 64), 64);
		CHECK(memcmp(c, g_buf, 64) == 0);
		off = (off_t)sizeof(g_buf);
		CHECK_EQ(sendfile(out, in, &off, 10), 0);
		off = -1;
		CHECK_ERRNO(sendfile(out, in, &off, 10), EINVAL);
		CHECK_ERRNO(sendfile(out, 999, NULL, 10), EBADF);
		CHECK_ERRNO(sendfile(out, in, BAD_PTR, 10), EFAULT);
		close(p[0]);
		close(p[1]);
		close(s[0]);
		close(s[1]);
	}
	CASE("O_APPEND: two processes' records all arrive")
	{
		pid_t c[3];

		for (int i = 0; i < 3; i++)
			c[i] = FORK(int f = MUST(open("app", O_WRONLY | O_CREAT | O_APPEND, 0600));
				    char r[16]; memset(r, 'a' + i, 16);
				    for (int k = 0; k < 300; k++) if (write(f, r, 16) != 16)
					    _exit(1));
		for (int i = 0; i < 3; i++)
			CHECK_EXIT(c[i], 0);
		CHECK_EQ(size_of("app"), 3 * 300 * 16);
		int f = MUST(open("app", O_RDONLY)), bad = 0;
		char r[16];

		while (read(f, r, 16) == 16)
			for (int k = 1; k < 16; k++)
				bad += r[k] != r[0];
		CHECK_EQ(bad, 0);
		close(f);
	}
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_vectors();
	test_position();
	test_holes();
	test_copy();
	return test_end();
}
