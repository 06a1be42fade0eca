/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - where a guest finds the stub's system call instructions */
#ifndef TESTS_CONFINEMENT_PLACES_H
#define TESTS_CONFINEMENT_PLACES_H

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#define WINDOW 0x7fc000000000ul
#define REACH  (2ul << 20) /* of the window, below and above the vdso */
#define PLACES 256

static sigjmp_buf g_back;

static void on_fault(int sig)
{
	siglongjmp(g_back, 1);
}

/* Collects the addresses of "syscall" in the readable pages around the vdso: PLACES at most. */
static unsigned find_places(uintptr_t vdso, uintptr_t *out)
{
	volatile unsigned count = 0;
	struct sigaction sa = {.sa_handler = on_fault};

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	for (volatile uintptr_t page = vdso - REACH; page < vdso + REACH; page += 4096) {
		const unsigned char *p = (const unsigned char *)page;

		if (page < WINDOW || sigsetjmp(g_back, 1))
			continue;
		for (unsigned i = 0; i + 1 < 4096 && count < PLACES; i++)
			if (p[i] == 0x0f && p[i + 1] == 0x05)
				out[count++] = page + i;
	}
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return count;
}

#endif
