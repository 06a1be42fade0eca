/* SPDX-License-Identifier: Apache-2.0 */
/* deaf.c - a guest that masks the host's signals of its own thread, so that no kick reaches it, and
 * spins
 *
 * rt_sigreturn is allowed from the stub's text. A child jumps to each "syscall" there with a signal
 * frame of its own making that blocks everything. It must still die by SIGKILL, soon. Run inside by
 * deaf.sh; refuses to run unless it is process 1.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/confinement/places.h"

#define UC_SIZE 304 /* the kernel's struct ucontext */

static char g_frame[512] __attribute__((aligned(64)));
static char g_stack[65536] __attribute__((aligned(64)));

static void spin(void)
{
	for (;;)
		;
}

static void on_usr1(int sig, siginfo_t *info, void *uc)
{
	ucontext_t *u = (ucontext_t *)g_frame;

	memcpy(g_frame, uc, UC_SIZE);
	u->uc_mcontext.gregs[REG_RIP] = (long long)(uintptr_t)spin;
	u->uc_mcontext.gregs[REG_RSP] = (long long)(uintptr_t)(g_stack + sizeof(g_stack) - 8);
	u->uc_mcontext.fpregs = NULL;
	memset(g_frame + UC_SIZE - 8, 0xff, 8); /* uc_sigmask */
}

static void go_deaf(uintptr_t place)
{
	asm volatile("mov %0, %%r11\n\t"
		     "mov %1, %%rsp\n\t"
		     "mov $15, %%eax\n\t"
		     "jmp *%%r11\n\t"
		     :
		     : "r"(place), "r"(g_frame)
		     : "rax", "r11", "memory");
	__builtin_unreachable();
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), places[PLACES];
	unsigned count;
	int status, killed = 0;
	pid_t pids[PLACES];

	if (getpid() != 1 || vdso < WINDOW) {
		printf("only to be run as process 1 of a sandbox\n");
		return 77;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	count = find_places(vdso, places);
	for (unsigned i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			go_deaf(places[i]);
	}
	usleep(300000);
	for (unsigned i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	for (unsigned i = 0; i < count; i++) {
		while (waitpid(pids[i], &status, 0) < 0)
			;
		killed += WIFSIGNALED(status);
	}
	printf("%u places, %d killed\n", count, killed);
	return killed == (int)count ? 0 : 1;
}
