/* SPDX-License-Identifier: Apache-2.0 */
/* scribble.c - a guest that writes nonsense into what it shares with the sentry
 *
 * With rewritten call sites the gs base names the thread's area. Children scribble over the words
 * of the fast path (requests, arguments, results, answers, where sites return to) from one thread
 * while others make calls, jump into the trampoline, and die. Only they may suffer: process 1 goes
 * on and says so. Run inside by scribble.sh; it refuses unless it is process 1.
 */
#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAST_FIRST 0x100 /* of the area's control page: the words of the fast path */
#define FAST_LAST  0x400
#define REQ	   0x208
#define THREADS	   3

static volatile uintptr_t g_areas[THREADS];
static volatile int g_fd;

static unsigned g_seed;

static unsigned dice(void)
{
	g_seed = g_seed * 1103515245 + 12345;
	return g_seed >> 8;
}

static uintptr_t gs_base(void)
{
	uintptr_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

static void *caller(void *arg)
{
	char c;

	g_areas[(long)arg] = gs_base();
	for (;;) {
		(void)syscall(SYS_getpid);
		(void)read(g_fd, &c, 1);
		(void)syscall(SYS_lseek, g_fd, 0, 1);
		(void)write(g_fd, &c, 0);
	}
	return NULL;
}

static uint64_t nonsense(void)
{
	switch (dice() % 6) {
	case 0:
		return dice() % 6;
	case 1:
		return 0;
	case 2:
		return ~0ul;
	case 3:
		return g_areas[0] + dice() % 0x8000;
	case 4:
		return (uint64_t)dice() << 32 | dice();
	default:
		return dice() % 400;
	}
}

/* One word somewhere: most often the request, sometimes anything of the fast path. */
static void scribble(void)
{
	uintptr_t area = g_areas[dice() % THREADS];
	unsigned at = dice() % 2 ? REQ + 4 * (dice() % 2)
				 : FAST_FIRST + dice() % (FAST_LAST - FAST_FIRST) / 8 * 8;

	if (!area)
		return;
	if (at / 8 * 8 == REQ)
		*(volatile uint32_t *)(area + at) = dice() % 6;
	else
		*(volatile uint64_t *)(area + at) = nonsense();
}

static void child(unsigned seed)
{
	pthread_t t;

	g_seed = seed * 7919 + 1;
	g_fd = open("/dev/zero", O_RDWR);
	alarm(2);
	for (long i = 1; i < THREADS; i++)
		pthread_create(&t, NULL, caller, (void *)i);
	for (int i = 0; i < 500; i++) /* warm, so that sites are rewritten and a worker polls */
		(void)syscall(SYS_lseek, g_fd, 0, 1);
	g_areas[0] = gs_base();
	if (!g_areas[0])
		_exit(77);
	for (unsigned i = 0; i < 100000; i++) {
		scribble();
		if (i % 64 == 0)
			(void)syscall(i % 128 ? SYS_lseek : SYS_getpid, g_fd, 0, 1);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned lived = 0, died = 0, without = 0;

	if (getpid() != 1) {
		fprintf(stderr, "only as process 1 of a sandbox\n");
		return 2;
	}
	for (unsigned i = 0; i < 60; i++) {
		int status;
		pid_t p = fork();

		if (p == 0)
			child(i + (argc > 1 ? (unsigned)atoi(argv[1]) : 0));
		/* It may have made itself deaf. */
		for (int k = 0; k < 5000 && waitpid(p, &status, WNOHANG) == 0; k++) {
			if (k == 2500)
				kill(p, SIGKILL);
			usleep(1000);
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			without++;
		else if (WIFEXITED(status))
			lived++;
		else
			died++;
	}
	printf("%u lived, %u died, %u without\n", lived, died, without);
	/* Whoever scribbled has harmed nobody else. */
	for (int i = 0; i < 1000; i++)
		if (syscall(SYS_getpid) != 1 || syscall(SYS_lseek, 99, 0, 0) != -1)
			return 1;
	printf("survived\n");
	return 0;
}
