/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - system calls with any arguments, from inside a sandbox
 *
 * usage: calls SEED ROUNDS. Process 1 of a sandbox starts workers one after the other, some of them
 * without rights; each opens a descriptor of every kind and makes calls whose numbers and arguments
 * are drawn from its seed: small numbers, flags, descriptors, paths, pointers to memory that holds
 * the like, pointers to nothing. What becomes of a worker does not matter; the sandbox must go on.
 * Run by run.sh under the runsc with ASan; never to be run natively: it refuses unless it is
 * process 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE	   4
#define CALLS	   3000 /* of a worker */
#define FIRST_FD   3
#define LAST_FD	   40
#define POOL_WORDS 1024

static uint64_t g_random;
static uint64_t *g_pool; /* POOL_WORDS, and behind it nothing */

static uint64_t draw(void)
{
	g_random ^= g_random << 13;
	g_random ^= g_random >> 7;
	g_random ^= g_random << 17;
	return g_random;
}

static uint64_t below(uint64_t n)
{
	return (draw() >> 11) % n;
}

static const char *const g_paths[] = {
	"/tmp/a",
	"/tmp/b",
	"/tmp/d",
	"/tmp/d/x",
	"/tmp",
	"/",
	"",
	".",
	"..",
	"a",
	"/dev/null",
	"/dev/ptmx",
	"/dev/tty",
	"/proc/self/fd",
	"/proc/self/mem",
	"/proc/self/fd/5",
	"/proc/self/comm",
	"/proc/1/maps",
	"/proc/thread-self",
	"/proc/self/oom_score_adj",
	"/proc/sys/kernel/hostname",
	"/proc/self/uid_map",
	"/proc/self/ns/mnt",
	"/sys",
	"user.x",
	"trusted.y",
	"tmpfs",
	"proc",
	"/tmp/fifo",
	"/tmp/link",
	"size=1m,mode=7",
	"/bin/true",
};
#define PATHS (sizeof(g_paths) / sizeof(g_paths[0]))

static const unsigned g_ioctls[] = {
	TCGETS,	    TCSETS,    TCSETSW,	  TIOCGWINSZ,  TIOCSWINSZ, TIOCSCTTY,
	TIOCNOTTY,  TIOCGPGRP, TIOCSPGRP, TIOCGSID,    TCFLSH,	   TCXONC,
	FIONREAD,   FIONBIO,   FIOASYNC,  FIOCLEX,     TIOCOUTQ,   TIOCGPTN,
	TIOCSPTLCK, TIOCPKT,   TIOCSTI,	  TIOCGPTPEER, SIOCATMARK, SIOCGIFCONF,
	TIOCSIG,    0x8912,    0x8913,	  0x8927,      0x541B,	   0x5452,
};

static uint64_t number(void)
{
	static const uint64_t some[] = {0,	    1,		2,	    4095,	4096,
					4097,	    0x7fffffff, 0x80000000, 0xffffffff, ~0ull,
					1ull << 62, 1ull << 63, ~0ull >> 1, 8,		16};

	switch (below(5)) {
	case 0:
		return some[below(sizeof(some) / sizeof(some[0]))];
	case 1:
		return 1ull << below(64);
	case 2:
		return (1u << below(32)) | (1u << below(32)) | (1u << below(32));
	case 3:
		return g_ioctls[below(sizeof(g_ioctls) / sizeof(g_ioctls[0]))];
	default:
		return below(64);
	}
}

static uint64_t pointer(void)
{
	switch (below(10)) {
	case 0:
		return 0;
	case 1:
		return (uint64_t)(g_pool + POOL_WORDS) - below(64); /* runs into nothing */
	case 2:
		return draw();
	case 3:
	case 4:
	case 5:
		return (uint64_t)g_paths[below(PATHS)];
	default:
		return (uint64_t)(g_pool + below(POOL_WORDS - 64));
	}
}

static uint64_t descriptor(void)
{
	return below(12)  ? FIRST_FD + below(LAST_FD - FIRST_FD)
	       : below(2) ? (uint64_t)AT_FDCWD
			  : ~0ull;
}

static uint64_t argument(int i)
{
	switch (below(i == 0 ? 4 : 6)) {
	case 0:
	case 1:
		return i == 0 ? descriptor() : number();
	case 2:
		return descriptor();
	default:
		return pointer();
	}
}

static void fill_pool(void)
{
	for (int i = 0; i < 64; i++) {
		uint64_t v = below(3) == 0 ? pointer() : below(2) ? number() : descriptor();

		if (below(3) == 0) /* two halves */
			v = (v & 0xffffffff) | number() << 32;
		g_pool[below(POOL_WORDS)] = v;
	}
}

/* A descriptor of every kind. */
static void open_all(void)
{
	static const char *const files[] = {"/proc/self/comm",
					    "/proc/self/oom_score_adj",
					    "/proc/sys/kernel/hostname",
					    "/proc/self/uid_map",
					    "/dev/zero",
					    "/dev/full",
					    "/proc/self/maps"};
	sigset_t set;
	int p[2];

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	open("/tmp/a", O_RDWR | O_CREAT, 0666);
	mkdir("/tmp/d", 0777);
	open("/tmp/d", O_RDONLY | O_DIRECTORY);
	mkfifo("/tmp/fifo", 0666);
	open("/tmp/fifo", O_RDWR | O_NONBLOCK);
	open("/tmp", O_PATH);
	(void)!pipe2(p, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
	socket(AF_UNIX, SOCK_STREAM, 0);
	socket(AF_INET, SOCK_STREAM, 0);
	socket(AF_INET6, SOCK_DGRAM, 0);
	socket(AF_NETLINK, SOCK_RAW, 0);
	epoll_create1(0);
	eventfd(0, EFD_NONBLOCK);
	timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	signalfd(-1, &set, SFD_NONBLOCK);
	inotify_init1(IN_NONBLOCK);
	memfd_create("m", MFD_ALLOW_SEALING);
	p[0] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	unlockpt(p[0]);
	ioctl(p[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (open(files[i], O_RDWR | O_NONBLOCK) < 0)
			open(files[i], O_RDONLY | O_NONBLOCK);
}

/* Would it end the sandbox rightly, or only fill the machine? */
static int is_left_out(long nr)
{
	return nr == SYS_reboot || (getuid() == 0 && (nr == SYS_clone || nr == SYS_clone3 ||
						      nr == SYS_fork || nr == SYS_vfork));
}

/* Calls that mostly end the worker, or leave it nothing to work with: now and then only. */
static int is_last(long nr)
{
	static const short calls[] = {
		SYS_exit,
		SYS_exit_group,
		SYS_rt_sigreturn,
		SYS_munmap,
		SYS_mprotect,
		SYS_mremap,
		SYS_execve,
		SYS_execveat,
		SYS_kill,
		SYS_tkill,
		SYS_tgkill,
		SYS_pause,
		SYS_rt_sigsuspend,
		SYS_rt_sigprocmask,
		SYS_seccomp,
		SYS_prctl,
		SYS_setrlimit,
		SYS_prlimit64,
		SYS_close_range,
		SYS_chroot,
		SYS_arch_prctl,
		SYS_mmap,
		SYS_shmat,
		SYS_madvise,
		SYS_rt_sigaction,
		SYS_rt_sigqueueinfo,
		SYS_rt_tgsigqueueinfo,
		SYS_setitimer,
		SYS_brk,
		SYS_alarm,
		SYS_modify_ldt,
		SYS_iopl,
		SYS_rseq,
		SYS_sigaltstack,
		SYS_mlockall,
		335 /* uretprobe: SIGILL */,
		SYS_fork,
		SYS_vfork,
		SYS_clone,
		SYS_clone3,
	};

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return below(60) != 0;
	return 0;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void limit(int what, rlim_t n)
{
	struct rlimit r = {n, n};

	setrlimit(what, &r);
}

static void worker(uint64_t seed, int has_rights)
{
	struct itimerval tick = {{0, 20000}, {0, 20000}};
	struct sigaction sa = {.sa_handler = on_alarm};

	g_random = seed * 0x9e3779b97f4a7c15ull | 1;
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_AS, 1ul << 30);
	limit(RLIMIT_CORE, 0);
	if (!has_rights) {
		limit(RLIMIT_NPROC, 40);
		(void)!setgid(1000);
		(void)!setuid(1000);
	}
	open_all();
	sigaction(SIGALRM, &sa, NULL);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setitimer(ITIMER_REAL, &tick, NULL);
	for (int i = 0; i < CALLS; i++) {
		long nr = (long)below(470);

		fill_pool();
		if (!is_left_out(nr) && !is_last(nr))
			syscall(nr, argument(0), argument(1), argument(2), argument(3), argument(4),
				argument(5));
	}
	_exit(0);
}

/* Ends what is left of the workers: they may have children, and block every signal. */
static void reap_all(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	int rounds = argc > 2 ? atoi(argv[2]) : 4;

	if (getpid() != 1) {
		printf("only to be run as process 1 of a sandbox\n");
		return 77;
	}
	g_pool = mmap(NULL, POOL_WORDS * 8 + 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(g_pool + POOL_WORDS, 4096, PROT_NONE);
	chmod("/tmp", 0777);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			if (fork() == 0)
				worker(seed++, i % 2);
		usleep(2000000);
		reap_all();
	}
	printf("survived %d rounds\n", rounds);
	return 0;
}
