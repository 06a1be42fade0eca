/* SPDX-License-Identifier: Apache-2.0 */
/* pipe.c - pipes and fifos: capacity, atomicity, ends, non-blocking, splice, tee, vmsplice */
#include "tests/lib/guest.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char g_big[1 << 20];

static void open_pipe(int *p, int flags)
{
	MUST(pipe2(p, flags));
}

static void close_pipe(int *p)
{
	close(p[0]);
	close(p[1]);
}

static void test_size(void)
{
	int p[2];

	CASE("64 KiB by default; a full pipe gives EAGAIN; FIONREAD")
	{
		open_pipe(p, O_NONBLOCK);
		CHECK_EQ(fcntl(p[1], F_GETPIPE_SZ), 65536);
		int n = 0;

		CHECK_EQ(write(p[1], g_big, sizeof(g_big)), 65536);
		CHECK_ERRNO(write(p[1], "x", 1), EAGAIN);
		CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
		CHECK_EQ(n, 65536);
		CHECK_EQ(read(p[0], g_big, 100), 100);
		CHECK_ERRNO(write(p[1], "x", 1), EAGAIN); /* no whole page free yet */
		CHECK_EQ(read(p[0], g_big, 4096), 4096);
		CHECK_EQ(write(p[1], "x", 1), 1);
		close_pipe(p);
	}
	CASE("F_SETPIPE_SZ rounds up to a power of two pages; smaller than content is EBUSY; "
	     "limits")
	{
		open_pipe(p, O_NONBLOCK);
		CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 5000), 8192);
		CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 8192);
		CHECK_EQ(write(p[1], g_big, 20000), 8192);
		CHECK_ERRNO(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
		CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
		CHECK_EQ(write(p[1], g_big, sizeof(g_big)), (1 << 20) - 8192);
		CHECK_ERRNO(fcntl(p[1], F_SETPIPE_SZ, -1), EINVAL);
		if (geteuid() != 0)
			CHECK_ERRNO(fcntl(p[1], F_SETPIPE_SZ, 4 << 20), EPERM);
		close_pipe(p);
	}
	CASE("writes up to PIPE_BUF are atomic: refused whole when they do not fit")
	{
		open_pipe(p, O_NONBLOCK);
		CHECK_EQ(write(p[1], g_big, 65536 - 4096), 65536 - 4096);
		CHECK_EQ(write(p[1], g_big, 10), 10);
		CHECK_ERRNO(write(p[1], g_big, 4096), EAGAIN);
		close_pipe(p);
	}
	CASE("four writers of 100-byte records do not mix them")
	{
		open_pipe(p, 0);
		pid_t w[4];
		char rec[100];

		for (int i = 0; i < 4; i++)
			w[i] = FORK(memset(rec, 'a' + i, sizeof(rec)); close(p[0]);
				    for (int k = 0; k < 500; k++) if (write(p[1], rec, 100) != 100)
					    _exit(1));
		close(p[1]);
		int n = 0, bad = 0;
		size_t have = 0;

		for (;;) {
			ssize_t r = read(p[0], rec + have, sizeof(rec) - have);

			if (r <= 0)
				break;
			have += (size_t)r;
			if (have == sizeof(rec)) {
				for (int k = 1; k < 100; k++)
					bad += rec[k] != rec[0];
				have = 0;
				n++;
			}
		}
		CHECK_EQ(n, 2000);
		CHECK_EQ(bad, 0);
		for (int i = 0; i < 4; i++)
			CHECK_EXIT(w[i], 0);
		close(p[0]);
	}
	CASE("a large blocking write passes through in order")
	{
		open_pipe(p, 0);
		pid_t w = FORK(for (unsigned i = 0; i < sizeof(g_big); i++) g_big[i] =
				       (char)(i * 31 >> 3);
			       CHECK_EQ(write(p[1], g_big, sizeof(g_big)), sizeof(g_big)));
		size_t got = 0;
		int bad = 0;

		close(p[1]);
		static char in[7777];
		ssize_t r;

		while ((r = read(p[0], in, sizeof(in))) > 0)
			for (ssize_t i = 0; i < r; i++, got++)
				bad += in[i] != (char)((unsigned)got * 31 >> 3);
		CHECK_EQ(got, sizeof(g_big));
		CHECK_EQ(bad, 0);
		CHECK_EXIT(w, 0);
		close(p[0]);
	}
}

static void test_ends(void)
{
	int p[2];

	CASE("no writer: end of file after the data; no reader: SIGPIPE or EPIPE")
	{
		open_pipe(p, 0);
		CHECK_EQ(write(p[1], "ab", 2), 2);
		close(p[1]);
		CHECK_EQ(read(p[0], g_big, 100), 2);
		CHECK_EQ(read(p[0], g_big, 100), 0);
		close(p[0]);
		CHECK_KILLED(FORK(open_pipe(p, 0); close(p[0]); CHECK_EQ(write(p[1], "x", 1), 1)),
			     SIGPIPE);
		open_pipe(p, 0);
		close(p[0]);
		on_signal(SIGPIPE, count_signal, 0);
		CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
		CHECK_EQ(g_signals, 1);
		signal(SIGPIPE, SIG_IGN);
		CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
		signal(SIGPIPE, SIG_DFL);
		close(p[1]);
	}
	CASE("a blocked writer gets EPIPE when the last reader goes")
	{
		open_pipe(p, 0);
		pid_t w = FORK(signal(SIGPIPE, SIG_IGN); close(p[0]);
			       ssize_t n = write(p[1], g_big, sizeof(g_big));
			       CHECK(n == 65536 || (n == -1 && errno == EPIPE)));

		close(p[1]);
		wait_sleeping(w);
		close(p[0]);
		CHECK_EXIT(w, 0);
	}
	CASE("wrong ends, seek, zero bytes, flags")
	{
		char c;

		open_pipe(p, O_CLOEXEC);
		CHECK_EQ(fcntl(p[0], F_GETFD) & fcntl(p[1], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fcntl(p[0], F_GETFL), O_RDONLY);
		CHECK_EQ(fcntl(p[1], F_GETFL), O_WRONLY);
		CHECK_ERRNO(read(p[1], &c, 1), EBADF);
		CHECK_ERRNO(write(p[0], "x", 1), EBADF);
		CHECK_ERRNO(lseek(p[0], 0, SEEK_SET), ESPIPE);
		CHECK_ERRNO(pread(p[0], &c, 1, 0), ESPIPE);
		CHECK_EQ(write(p[1], "", 0), 0);
		CHECK_EQ(read(p[0], &c, 0), 0);
		CHECK_ERRNO(pipe2(p + 0, 0x10), EINVAL);
		CHECK_ERRNO(pipe2(BAD_PTR, 0), EFAULT);
		CHECK_ERRNO(ftruncate(p[1], 0), EINVAL);
		close_pipe(p);
	}
	CASE("packet mode: each write is one read, the rest of a packet is dropped")
	{
		open_pipe(p, O_DIRECT);
		CHECK_EQ(write(p[1], "first", 5), 5);
		CHECK_EQ(write(p[1], "second", 6), 6);
		CHECK_EQ(read(p[0], g_big, 3), 3);
		CHECK_EQ(read(p[0], g_big, 100), 6);
		close_pipe(p);
	}
	CASE("a pipe opened again by /proc/self/fd never waits for the other end")
	{
		char path[32];

		open_pipe(p, 0);
		CHECK_EQ(write(p[1], "left", 4), 4);
		close(p[1]);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
		int r = MUST(open(path, O_RDONLY));

		CHECK_EQ(read(r, g_big, 100), 4);
		CHECK_EQ(read(r, g_big, 100), 0);
		int w = MUST(open(path, O_WRONLY | O_NONBLOCK));

		CHECK_EQ(write(w, "new", 3), 3);
		close(w);
		CHECK_EQ(read(p[0], g_big, 100), 3);
		close(r);
		close(p[0]);
	}
}

static void test_fifo(void)
{
	CASE("fifo: open blocks for the other end, O_NONBLOCK does not, ENXIO for a writer alone, "
	     "O_RDWR")
	{
		MUST(mkfifo("fifo", 0600));
		CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
		int r = MUST(open("fifo", O_RDONLY | O_NONBLOCK));

		CHECK_EQ(read(r, g_big, 1), 0);
		int w = MUST(open("fifo", O_WRONLY | O_NONBLOCK));

		CHECK_ERRNO(read(r, g_big, 1), EAGAIN);
		close(r);
		close(w);
		pid_t c = FORK(int fd = MUST(open("fifo", O_WRONLY));
			       CHECK_EQ(write(fd, "hi", 2), 2));

		r = MUST(open("fifo", O_RDONLY));
		CHECK_EQ(read(r, g_big, 10), 2);
		CHECK_EXIT(c, 0);
		close(r);
		int rw = MUST(open("fifo", O_RDWR));

		CHECK_EQ(write(rw, "a", 1), 1);
		CHECK_EQ(read(rw, g_big, 1), 1);
		close(rw);
	}
}

static void test_splice(void)
{
	int p[2], q[2];

	CASE("splice file to pipe to file; offsets move")
	{
		open_pipe(p, 0);
		int in = MUST(open("in", O_RDWR | O_CREAT, 0600)),
		    out = MUST(open("out", O_RDWR | O_CREAT, 0600));
		loff_t off = 3;

		CHECK_EQ(write(in, "0123456789", 10), 10);
		CHECK_EQ(splice(in, &off, p[1], NULL, 4, 0), 4);
		CHECK_EQ(off, 7);
		CHECK_EQ(lseek(in, 0, SEEK_CUR), 10);
		CHECK_EQ(splice(p[0], NULL, out, NULL, 100, 0), 4);
		char b[8] = "";

		CHECK_EQ(pread(out, b, 8, 0), 4);
		CHECK_STR(b, "3456");
		CHECK_EQ(splice(in, NULL, p[1], NULL, 10, 0), 0);
		CHECK_ERRNO(splice(in, NULL, out, NULL, 1, 0), EINVAL);
		CHECK_ERRNO(splice(p[0], &off, out, NULL, 1, 0), ESPIPE);
		CHECK_ERRNO(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
		close(in);
		close(out);
		close_pipe(p);
	}
	CASE("tee copies without taking; splice between pipes takes")
	{
		open_pipe(p, 0);
		open_pipe(q, 0);
		char b[8] = "";

		CHECK_EQ(write(p[1], "tee", 3), 3);
		CHECK_EQ(tee(p[0], q[1], 100, 0), 3);
		CHECK_EQ(read(q[0], b, 8), 3);
		CHECK_STR(b, "tee");
		CHECK_EQ(splice(p[0], NULL, q[1], NULL, 2, 0), 2);
		CHECK_EQ(read(q[0], b, 8), 2);
		CHECK_EQ(read(p[0], b, 8), 1);
		CHECK_EQ(b[0], 'e');
		CHECK_ERRNO(tee(p[0], p[1], 1, 0), EINVAL);
		CHECK_ERRNO(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
		close_pipe(p);
		close_pipe(q);
	}
	CASE("vmsplice both ways; splice to a socket")
	{
		open_pipe(p, 0);
		char a[] = "virtual", b[8] = "";
		struct iovec v = {a, 7}, w = {b, 7};
		int s[2];

		CHECK_EQ(vmsplice(p[1], &v, 1, 0), 7);
		CHECK_EQ(vmsplice(p[0], &w, 1, 0), 7);
		CHECK_STR(b, "virtual");
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		CHECK_EQ(write(p[1], "sock", 4), 4);
		CHECK_EQ(splice(p[0], NULL, s[0], NULL, 4, 0), 4);
		memset(b, 0, 8);
		CHECK_EQ(read(s[1], b, 8), 4);
		CHECK_STR(b, "sock");
		close_pipe(s);
		close_pipe(p);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_size();
	test_ends();
	test_fifo();
	test_splice();
	return test_end();
}
