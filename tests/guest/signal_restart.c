/* SPDX-License-Identifier: Apache-2.0 */
/* signal_restart.c - blocking calls interrupted by a signal: which restart and which give EINTR
 *
 * Each call runs in a child that blocks in it. The parent waits until the child sleeps, sends
 * SIGUSR1 and looks: with SA_RESTART a restartable call must sleep again (and then end when it is
 * let go); every other gives EINTR.
 */
#include "tests/lib/guest.h"

#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static int g_pipe[2], g_sock[2], g_full[2], g_event, g_epoll, g_timer, g_lock, g_listen;
static int *g_word;

static long do_read(void)
{
	char c;

	return read(g_pipe[0], &c, 1);
}

static long do_readv_sock(void)
{
	char c;

	return recv(g_sock[0], &c, 1, 0);
}

static long do_recvmsg(void)
{
	char c;
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	return recvmsg(g_sock[0], &m, 0);
}

static long do_write(void)
{
	return write(g_full[1], "x", 1);
}

static long do_accept(void)
{
	return accept(g_listen, NULL, NULL);
}

static long do_flock(void)
{
	int fd = open("lock", O_RDWR);

	return flock(fd, LOCK_EX);
}

static long do_setlkw(void)
{
	struct flock fl = {.l_type = F_WRLCK};
	int fd = open("lock", O_RDWR);

	return fcntl(fd, F_SETLKW, &fl);
}

static long do_ofd_setlkw(void)
{
	struct flock fl = {.l_type = F_WRLCK, .l_start = 10, .l_len = 1};
	int fd = open("lock", O_RDWR);

	return fcntl(fd, F_OFD_SETLKW, &fl);
}

static long do_futex(void)
{
	return syscall(SYS_futex, g_word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static long do_futex_timed(void)
{
	struct timespec ts = {.tv_sec = 60};

	return syscall(SYS_futex, g_word, FUTEX_WAIT, 0, &ts, NULL, 0);
}

static long do_eventfd(void)
{
	uint64_t v;

	return read(g_event, &v, sizeof(v));
}

static long do_timerfd(void)
{
	uint64_t v;

	return read(g_timer, &v, sizeof(v));
}

static long do_fifo(void)
{
	return open("fifo", O_RDONLY);
}

static long do_poll(void)
{
	struct pollfd p = {.fd = g_pipe[0], .events = POLLIN};

	return poll(&p, 1, 60000);
}

static long do_ppoll(void)
{
	struct pollfd p = {.fd = g_pipe[0], .events = POLLIN};

	return ppoll(&p, 1, NULL, NULL);
}

static long do_select(void)
{
	fd_set r;

	FD_ZERO(&r);
	FD_SET(g_pipe[0], &r);
	return select(g_pipe[0] + 1, &r, NULL, NULL, NULL);
}

static long do_pselect(void)
{
	struct timespec ts = {.tv_sec = 60};

	return pselect(0, NULL, NULL, NULL, &ts, NULL);
}

static long do_epoll(void)
{
	struct epoll_event e;

	return epoll_wait(g_epoll, &e, 1, -1);
}

static long do_nanosleep(void)
{
	struct timespec ts = {.tv_sec = 60};

	return nanosleep(&ts, &ts);
}

static long do_clock_abs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 60;
	int r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);

	errno = r;
	return r ? -1 : 0;
}

static long do_sigtimedwait(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	return sigwaitinfo(&s, NULL);
}

static long do_sock_timeout(void)
{
	struct timeval tv = {.tv_sec = 60};
	char c;

	setsockopt(g_sock[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return recv(g_sock[0], &c, 1, 0);
}

static long do_waitpid(void)
{
	pid_t p = fork();

	if (p == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	long r = waitpid(p, NULL, 0);

	kill(p, SIGKILL);
	return r;
}

static const struct {
	const char *name;
	long (*call)(void);
	bool restarts;
} g_calls[] = {
	{"read of a pipe", do_read, true},
	{"write to a full pipe", do_write, true},
	{"recv", do_readv_sock, true},
	{"recvmsg", do_recvmsg, true},
	{"accept", do_accept, true},
	{"flock", do_flock, true},
	{"fcntl F_SETLKW", do_setlkw, true},
	{"fcntl F_OFD_SETLKW", do_ofd_setlkw, true},
	{"futex wait", do_futex, true},
	{"futex wait with time-out", do_futex_timed, false},
	{"read of an eventfd", do_eventfd, true},
	{"read of a timerfd", do_timerfd, true},
	{"open of a fifo", do_fifo, true},
	{"waitpid", do_waitpid, true},
	{"poll", do_poll, false},
	{"ppoll", do_ppoll, false},
	{"select", do_select, false},
	{"pselect", do_pselect, false},
	{"epoll_wait", do_epoll, false},
	{"nanosleep", do_nanosleep, false},
	{"clock_nanosleep absolute", do_clock_abs, false},
	{"sigwaitinfo", do_sigtimedwait, false},
	{"recv with SO_RCVTIMEO", do_sock_timeout, false},
};

static void prepare(void)
{
	char block[4096] = "";
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "sock"};

	MUST(pipe(g_pipe));
	MUST(pipe2(g_full, O_NONBLOCK));
	while (write(g_full[1], block, sizeof(block)) > 0)
		;
	MUST(fcntl(g_full[1], F_SETFL, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, g_sock));
	g_event = MUST(eventfd(0, 0));
	g_epoll = MUST(epoll_create1(0));
	struct itimerspec it = {.it_value = {.tv_sec = 60}};

	g_timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	MUST(timerfd_settime(g_timer, 0, &it, NULL));
	g_lock = MUST(open("lock", O_RDWR | O_CREAT, 0600));
	struct flock fl = {.l_type = F_WRLCK};

	MUST(flock(g_lock, LOCK_EX));
	MUST(fcntl(g_lock, F_SETLK, &fl));
	g_listen = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(g_listen, (void *)&un, sizeof(un)));
	MUST(listen(g_listen, 1));
	MUST(mkfifo("fifo", 0600));
	g_word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void finish(void)
{
	int fds[] = {g_pipe[0], g_pipe[1], g_full[0], g_full[1], g_sock[0], g_sock[1],
		     g_event,	g_epoll,   g_timer,   g_lock,	 g_listen};

	for (unsigned i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	munmap(g_word, 4096);
}

int main(int argc, char **argv)
{
	char name[96];

	test_begin(argc, argv);
	prepare();
	for (unsigned i = 0; i < COUNT(g_calls); i++) {
		snprintf(name, sizeof(name), "%s: EINTR without SA_RESTART", g_calls[i].name);
		CASE(name)
		{
			pid_t p = FORK(on_signal(SIGUSR1, count_signal, 0);
				       long r = g_calls[i].call(); CHECK_ERRNO(r, EINTR);
				       CHECK_EQ(g_signals, 1));

			wait_sleeping(p);
			kill(p, SIGUSR1);
			CHECK_EXIT(p, 0);
		}
		snprintf(name, sizeof(name), "%s: %s with SA_RESTART", g_calls[i].name,
			 g_calls[i].restarts ? "goes on" : "EINTR");
		CASE(name)
		{
			int *seen = g_word + 1;

			*seen = 0;
			pid_t p = FORK(on_signal(SIGUSR1, count_signal, SA_RESTART);
				       long r = g_calls[i].call();
				       if (!g_calls[i].restarts) CHECK_ERRNO(r, EINTR); *seen = 1);

			wait_sleeping(p);
			kill(p, SIGUSR1);
			if (g_calls[i].restarts) {
				sleep_ms(4);
				CHECK(wait_sleeping(p));
				CHECK_EQ(*seen, 0);
				kill(p, SIGTERM);
				CHECK_KILLED(p, SIGTERM);
			} else {
				CHECK_EXIT(p, 0);
			}
		}
	}
	finish();
	return test_end();
}
