/* SPDX-License-Identifier: Apache-2.0 */
/* jump.c - a guest that jumps to every system call instruction of the stub with registers of its
 * choice
 *
 * The stub's text lies in the window that also holds the vdso. For each "syscall" found there, and
 * for each of a list of calls, a child loads all registers and jumps to it. Whatever happens may
 * happen to the child only: it must die or go on, and the call must not have reached the host. Run
 * inside by jump.sh, which looks at the host's side. Never to be run natively: it refuses unless it
 * is process 1.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/confinement/places.h"

static void jump(uintptr_t to, const long *regs) __attribute__((noreturn));
static void jump(uintptr_t to, const long *regs)
{
	asm volatile("mov %0, %%r11\n\t"
		     "mov %1, %%r12\n\t"
		     "mov 0(%%r12), %%rax\n\t"
		     "mov 8(%%r12), %%rdi\n\t"
		     "mov 16(%%r12), %%rsi\n\t"
		     "mov 24(%%r12), %%rdx\n\t"
		     "mov 32(%%r12), %%r10\n\t"
		     "mov 40(%%r12), %%r8\n\t"
		     "mov 48(%%r12), %%r9\n\t"
		     "xor %%ebx, %%ebx\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "jmp *%%r11\n\t"
		     :
		     : "r"(to), "r"(regs)
		     : "rax", "rdi", "rsi", "rdx", "r10", "r8", "r9", "r11", "r12", "memory");
	__builtin_unreachable();
}

/* What a stub could do on the host if it were let. @mark: a host path that must not come to be. */
static void try_all(uintptr_t place, const char *mark)
{
	const long calls[][7] = {
		{SYS_openat, AT_FDCWD, (long)mark, O_CREAT | O_WRONLY, 0600, 0, 0},
		{SYS_mkdir, (long)mark, 0700, 0, 0, 0, 0},
		{SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0},
		/* The first stubs, in the host's numbers; inside, children that are gone. */
		{SYS_kill, 2, SIGKILL, 0, 0, 0, 0},
		{SYS_tgkill, 3, 3, SIGKILL, 0, 0, 0},
		{SYS_ptrace, PTRACE_SEIZE, 2, 0, 0, 0, 0},
		{SYS_unshare, 0x10000000, 0, 0, 0, 0, 0},
		{SYS_mmap, 0x10000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
		{SYS_mprotect, (long)(WINDOW), 1 << 30, PROT_READ | PROT_WRITE, 0, 0, 0},
		{SYS_memfd_create, (long)mark, 0, 0, 0, 0, 0},
		{SYS_prctl, 22, 0, 0, 0, 0, 0},
		{SYS_exit_group, 99, 0, 0, 0, 0, 0},
		{SYS_clone, 17, 0, 0, 0, 0, 0},
	};

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			alarm(2);
			jump(place, calls[i]);
		}
		while (waitpid(pid, &status, 0) < 0)
			;
	}
}

int main(int argc, char **argv)
{
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), places[PLACES];
	unsigned count;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc < 2 || getpid() != 1 || vdso < WINDOW) {
		printf("only to be run as process 1 of a sandbox\n");
		return 77;
	}
	count = find_places(vdso, places);
	printf("%u places\n", count);
	for (unsigned i = 0; i < count; i++)
		try_all(places[i], argv[1]);
	printf("survived\n");
	return 0;
}
