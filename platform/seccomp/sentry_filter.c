/* SPDX-License-Identifier: Apache-2.0 */
/* sentry_filter.c - installs one of the two filters that the build compiled
 *
 * What libc does by itself in the sentry, beside the calls that our code asks for, is tagged here.
 *
 * Threads: HOST_CALL(clone, a0 & (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND) == CLONE_VM |
 * CLONE_THREAD | CLONE_SIGHAND) (no processes), HOST_CALL(clone3, errno ENOSYS) (its flags lie
 * in memory: libc goes on with clone), HOST_CALL(set_robust_list) HOST_CALL(rseq)
 * HOST_CALL(exit) HOST_CALL(sched_getaffinity) HOST_CALL(mprotect, a2 & PROT_EXEC == 0) (stacks
 * begin as PROT_NONE) HOST_CALL(rt_sigaction) HOST_CALL(rt_sigprocmask). Signal handlers end:
 * HOST_CALL(rt_sigreturn), and interrupted waits go on: HOST_CALL(restart_syscall). malloc in
 * libraries that start-up leaves behind: HOST_CALL(brk). The end of the process:
 * HOST_CALL(exit_group).
 */
#include "platform/seccomp/sentry_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct sock_filter g_plain[] = {
#include "seccomp_sentry.inc"
};
static const struct sock_filter g_net[] = {
#include "seccomp_net.inc"
};

int seccomp_install_sentry(bool net)
{
	struct sock_fprog prog = {
		.len = net ? array_size(g_net) : array_size(g_plain),
		.filter = (struct sock_filter *)(net ? g_net : g_plain),
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		return -errno;
	return 0;
}
