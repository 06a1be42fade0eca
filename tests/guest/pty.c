/* SPDX-License-Identifier: Apache-2.0 */
/* pty.c - pseudo-terminals: line discipline, signals from keys, job control, window size, hang-up
 */
#include "tests/lib/guest.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static int g_m, g_s;

static void open_pair(void)
{
	char name[64];

	g_m = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(grantpt(g_m));
	MUST(unlockpt(g_m));
	CHECK_EQ(ptsname_r(g_m, name, sizeof(name)), 0);
	g_s = MUST(open(name, O_RDWR | O_NOCTTY));
}

static void close_pair(void)
{
	close(g_s);
	close(g_m);
}

static void set(tcflag_t set_l, tcflag_t clear_l)
{
	struct termios t;

	MUST(tcgetattr(g_s, &t));
	t.c_lflag |= set_l;
	t.c_lflag &= ~clear_l;
	MUST(tcsetattr(g_s, TCSANOW, &t));
}

/* What the descriptor gives in one read within 200 ms. */
static const char *take(int fd)
{
	static char b[512];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, 200) == 1 ? read(fd, b, sizeof(b) - 1) : 0;

	b[n > 0 ? n : 0] = 0;
	return b;
}

static void put(int fd, const char *s)
{
	CHECK_EQ(write(fd, s, strlen(s)), strlen(s));
}

static void test_line(void)
{
	CASE("canonical: a line at a time, echo, output NL to CR NL")
	{
		open_pair();
		put(g_m, "ab");
		CHECK_STR(take(g_s), "");
		put(g_m, "c\n");
		CHECK_STR(take(g_s), "abc\n");
		CHECK_STR(take(g_m), "abc\r\n");
		put(g_s, "out\n");
		CHECK_STR(take(g_m), "out\r\n");
		put(g_m, "one\ntwo\n");
		CHECK_STR(take(g_s), "one\n");
		CHECK_STR(take(g_s), "two\n");
		close_pair();
	}
	CASE("erase, kill, end of file, literal next; CR becomes NL")
	{
		open_pair();
		set(0, ECHO);
		put(g_m, "abx\177c\n");
		CHECK_STR(take(g_s), "abc\n");
		put(g_m, "junk\025new\r");
		CHECK_STR(take(g_s), "new\n");
		put(g_m, "part\004");
		CHECK_STR(take(g_s), "part");
		char c;

		put(g_m, "\004");
		struct pollfd p = {.fd = g_s, .events = POLLIN};

		CHECK_EQ(poll(&p, 1, 1000), 1);
		CHECK_EQ(read(g_s, &c, 1), 0);
		put(g_m, "a\026\003b\n");
		CHECK_STR(take(g_s), "a\003b\n");
		close_pair();
	}
	CASE("a tab is erased, also when output is not processed any more")
	{
		struct termios t;

		open_pair();
		put(g_m, "\t");
		CHECK_EQ(tcgetattr(g_s, &t), 0);
		t.c_oflag &= ~(tcflag_t)OPOST;
		CHECK_EQ(tcsetattr(g_s, TCSANOW, &t), 0);
		put(g_m, "\177x\n");
		CHECK_STR(take(g_s), "x\n");
		close_pair();
	}
	CASE("echo of control characters as ^X; no echo when off, echo of NL alone with ECHONL")
	{
		open_pair();
		put(g_m, "\001\n");
		CHECK_STR(take(g_m), "^A\r\n");
		CHECK_STR(take(g_s), "\001\n");
		set(0, ECHO);
		put(g_m, "q\n");
		CHECK_STR(take(g_m), "");
		set(ECHONL, ECHO);
		put(g_m, "q\n");
		CHECK_STR(take(g_m), "\r\n");
		close_pair();
	}
}

static void test_raw(void)
{
	CASE("raw: bytes at once, VMIN and VTIME")
	{
		struct termios t;
		char b[16];

		open_pair();
		MUST(tcgetattr(g_s, &t));
		cfmakeraw(&t);
		MUST(tcsetattr(g_s, TCSANOW, &t));
		put(g_m, "x\003\r");
		CHECK_STR(take(g_s), "x\003\r");
		put(g_s, "a\nb");
		CHECK_STR(take(g_m), "a\nb");
		t.c_cc[VMIN] = 0;
		t.c_cc[VTIME] = 0;
		MUST(tcsetattr(g_s, TCSANOW, &t));
		CHECK_EQ(read(g_s, b, 16), 0);
		t.c_cc[VTIME] = 1;
		MUST(tcsetattr(g_s, TCSANOW, &t));
		long long s = now_ms();

		CHECK_EQ(read(g_s, b, 16), 0);
		CHECK(now_ms() - s >= 90);
		t.c_cc[VMIN] = 3;
		t.c_cc[VTIME] = 0;
		MUST(tcsetattr(g_s, TCSANOW, &t));
		pid_t p = FORK(put(g_m, "a"); sleep_ms(2); put(g_m, "bc"));

		CHECK_EQ(read(g_s, b, 16), 3);
		CHECK_EXIT(p, 0);
		close_pair();
	}
	CASE("non-blocking reads, FIONREAD, TCFLSH, isatty, ttyname")
	{
		int n = 0;
		char b[64], want[64];

		open_pair();
		set(0, ECHO);
		MUST(fcntl(g_s, F_SETFL, O_RDWR | O_NONBLOCK));
		CHECK_ERRNO(read(g_s, b, 1), EAGAIN);
		put(g_m, "four\n");
		EVENTUALLY(ioctl(g_s, FIONREAD, &n) == 0 && n == 5);
		CHECK_EQ(tcflush(g_s, TCIFLUSH), 0);
		CHECK_ERRNO(read(g_s, b, 1), EAGAIN);
		CHECK(isatty(g_s) && isatty(g_m));
		CHECK_EQ(ptsname_r(g_m, want, sizeof(want)), 0);
		CHECK_EQ(ttyname_r(g_s, b, sizeof(b)), 0);
		CHECK_STR(b, want);
		CHECK_EQ(ioctl(g_m, TIOCGPTN, &n), 0);
		CHECK_EQ(n, atoi(strrchr(want, '/') + 1));
		close_pair();
	}
}

static void test_size(void)
{
	CASE("window size: set, get from both ends, SIGWINCH to the foreground group")
	{
		struct winsize w = {.ws_row = 33, .ws_col = 77}, got;
		int gate[2];
		char c;

		open_pair();
		MUST(pipe(gate));
		CHECK_EQ(ioctl(g_s, TIOCGWINSZ, &got), 0);
		CHECK_EQ(got.ws_row + got.ws_col, 0);
		pid_t p = FORK(setsid(); MUST(ioctl(g_s, TIOCSCTTY, 0));
			       on_signal(SIGWINCH, count_signal, 0);
			       CHECK_EQ(write(gate[1], "x", 1), 1); EVENTUALLY(g_signals == 1);
			       MUST(ioctl(g_s, TIOCGWINSZ, &got)); CHECK_EQ(got.ws_col, 77));

		CHECK_EQ(read(gate[0], &c, 1), 1);
		CHECK_EQ(ioctl(g_m, TIOCSWINSZ, &w), 0);
		CHECK_EXIT(p, 0);
		CHECK_EQ(ioctl(g_m, TIOCGWINSZ, &got), 0);
		CHECK_EQ(got.ws_row, 33);
		close(gate[0]);
		close(gate[1]);
		close_pair();
	}
}

/* In a session of its own with the terminal as its controlling one. */
static void session(void)
{
	setsid();
	MUST(ioctl(g_s, TIOCSCTTY, 0));
}

static void test_signals(void)
{
	static const struct {
		const char *key;
		int sig;
	} keys[] = {{"\003", SIGINT}, {"\034", SIGQUIT}, {"\032", SIGTSTP}};

	CASE("^C, ^\\ and ^Z signal the foreground group")
	{
		for (unsigned i = 0; i < COUNT(keys); i++) {
			int gate[2];
			char c;

			open_pair();
			MUST(pipe(gate));
			pid_t p = FORK(session(); on_signal(keys[i].sig, count_signal, 0);
				       CHECK_EQ(write(gate[1], "x", 1), 1);
				       EVENTUALLY(g_signals == 1));

			CHECK_EQ(read(gate[0], &c, 1), 1);
			put(g_m, keys[i].key);
			CHECK_EXIT(p, 0);
			close(gate[0]);
			close(gate[1]);
			close_pair();
		}
	}
	CASE("without ISIG they are bytes")
	{
		open_pair();
		set(0, ISIG | ECHO);
		CHECK_EXIT(FORK(session(); on_signal(SIGINT, count_signal, 0); put(g_m, "\003\n");
				CHECK_STR(take(g_s), "\003\n"); CHECK_EQ(g_signals, 0)),
			   0);
		close_pair();
	}
	CASE("background: reading stops with SIGTTIN; EIO when ignored; writing stops only with "
	     "TOSTOP")
	{
		open_pair();
		CHECK_EXIT(FORK(session(); int st; char c;
				pid_t q = FORK(setpgid(0, 0); CHECK_EQ(write(g_s, "w", 1), 1);
					       read(g_s, &c, 1) < 0 ? _exit(1) : _exit(2));
				CHECK_EQ(waitpid(q, &st, WUNTRACED), q);
				CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTIN); kill(q, SIGKILL);
				CHECK_KILLED(q, SIGKILL);
				q = FORK(setpgid(0, 0); signal(SIGTTIN, SIG_IGN);
					 CHECK_ERRNO(read(g_s, &c, 1), EIO));
				CHECK_EXIT(q, 0); set(TOSTOP, 0);
				q = FORK(setpgid(0, 0); CHECK_EQ(write(g_s, "w", 1), 1));
				CHECK_EQ(waitpid(q, &st, WUNTRACED), q);
				CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTOU); kill(q, SIGKILL);
				CHECK_KILLED(q, SIGKILL);
				q = FORK(setpgid(0, 0); signal(SIGTTOU, SIG_IGN);
					 CHECK_EQ(write(g_s, "w", 1), 1));
				CHECK_EXIT(q, 0)),
			   0);
		close_pair();
	}
	CASE("tcsetpgrp, tcgetpgrp, tcgetsid; from the background SIGTTOU")
	{
		open_pair();
		CHECK_EXIT(FORK(session(); CHECK_EQ(tcgetpgrp(g_s), getpgrp());
				CHECK_EQ(tcgetsid(g_s), getpid()); pid_t q = FORK(pause());
				setpgid(q, q); CHECK_EQ(tcsetpgrp(g_s, q), 0);
				CHECK_EQ(tcgetpgrp(g_s), q); signal(SIGTTOU, SIG_IGN);
				CHECK_EQ(tcsetpgrp(g_s, getpgrp()), 0);
				CHECK_ERRNO(tcsetpgrp(g_s, 0x3ffffe), ESRCH); kill(q, SIGKILL);
				CHECK_KILLED(q, SIGKILL)),
			   0);
		CHECK_ERRNO(tcgetpgrp(g_s), ENOTTY);
		close_pair();
	}
	CASE("a controlling terminal: /dev/tty opens it, TIOCNOTTY gives it up, others cannot "
	     "steal it")
	{
		open_pair();
		CHECK_EXIT(
			FORK(session(); int t = MUST(open("/dev/tty", O_RDWR)); put(t, "via");
			     CHECK_STR(take(g_m), "via");
			     pid_t q = FORK(setsid(); CHECK_ERRNO(ioctl(g_s, TIOCSCTTY, 0), EPERM));
			     CHECK_EXIT(q, 0); signal(SIGHUP, SIG_IGN);
			     CHECK_EQ(ioctl(t, TIOCNOTTY), 0);
			     CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO)),
			0);
		close_pair();
	}
}

static void test_noctty(void)
{
	char name[64];

	CASE("a session leader's open takes the terminal, unless with O_NOCTTY, also by "
	     "TIOCGPTPEER")
	{
		open_pair();
		CHECK_EQ(ptsname_r(g_m, name, sizeof(name)), 0);
		CHECK_EXIT(FORK(setsid(); int s = MUST(open(name, O_RDWR | O_NOCTTY));
				CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
				CHECK_EQ(fcntl(s, F_GETFL) & O_NOCTTY, 0);
				MUST(ioctl(g_m, TIOCGPTPEER, O_RDWR | O_NOCTTY));
				CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO); int a; int b;
				CHECK_EQ(openpty(&a, &b, NULL, NULL, NULL), 0);
				CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
				MUST(open(name, O_RDWR)); MUST(open("/dev/tty", O_RDWR))),
			   0);
		close_pair();
	}
}

static void test_hangup(void)
{
	char c;

	CASE("master closed: slave reads end of file, writes EIO, polls hang-up; SIGHUP to the "
	     "session leader")
	{
		int gate[2];

		open_pair();
		MUST(pipe(gate));
		pid_t p = FORK(close(g_m); session(); on_signal(SIGHUP, count_signal, 0);
			       CHECK_EQ(write(gate[1], "x", 1), 1); EVENTUALLY(g_signals == 1);
			       CHECK_EQ(read(g_s, &c, 1), 0); CHECK_ERRNO(write(g_s, "x", 1), EIO);
			       struct pollfd f = {.fd = g_s, .events = POLLIN};
			       CHECK_EQ(poll(&f, 1, 0), 1); CHECK(f.revents & POLLHUP));

		CHECK_EQ(read(gate[0], &c, 1), 1);
		close_pair();
		CHECK_EXIT(p, 0);
		close(gate[0]);
		close(gate[1]);
	}
	CASE("slave closed: master reads what is left, then EIO; works again when opened anew")
	{
		char name[64];

		open_pair();
		put(g_s, "rest");
		close(g_s);
		CHECK_STR(take(g_m), "rest");
		CHECK_ERRNO(read(g_m, &c, 1), EIO);
		CHECK_EQ(ptsname_r(g_m, name, sizeof(name)), 0);
		g_s = MUST(open(name, O_RDWR | O_NOCTTY));
		put(g_s, "again");
		CHECK_STR(take(g_m), "again");
		close_pair();
		CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), ENOENT);
	}
	CASE("forkpty runs a shell with a terminal")
	{
		char out[256] = "";
		int m, n, got = 0;
		pid_t p = forkpty(&m, NULL, NULL, NULL);

		if (p == 0) {
			execl("/bin/sh", "sh", "-c",
			      "test -t 0 && test -t 1 && echo yes; stty size 2>/dev/null; exit 5",
			      NULL);
			_exit(1);
		}
		while (got < 250 &&
		       (n = (int)read(m, out + got, sizeof(out) - 1 - (size_t)got)) > 0)
			got += n;
		CHECK(strncmp(out, "yes\r\n", 5) == 0);
		CHECK_EXIT(p, 5);
		close(m);
	}
	CASE("a locked slave cannot be opened; TIOCSTI and others refuse nonsense")
	{
		int m = MUST(posix_openpt(O_RDWR | O_NOCTTY)), n = 0;
		char path[32];

		MUST(ioctl(m, TIOCGPTN, &n));
		snprintf(path, sizeof(path), "/dev/pts/%d", n);
		CHECK_ERRNO(open(path, O_RDWR | O_NOCTTY), EIO);
		CHECK_EQ(unlockpt(m), 0);
		CHECK_ERRNO(ioctl(m, 0x1234567), ENOTTY);
		CHECK_ERRNO(tcgetattr(0x3ff, (struct termios *)(void *)path), EBADF);
		close(m);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTOU, SIG_DFL);
	test_line();
	test_raw();
	test_size();
	test_signals();
	test_noctty();
	test_hangup();
	return test_end();
}
