/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - the gofer's seccomp allow-list
 *
 * The table is the policy: one line a call, often used ones first, with a check of one argument
 * where one can be made. The program is laid out from it at start, which takes microseconds. All
 * else kills the process, and with it the sandbox: a gofer that makes an unlisted call is no longer
 * ours.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server_internal.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

enum rule_kind {
	RULE_ANY,
	RULE_NONE_OF, /* argument @arg has no bit of @value */
	RULE_ALL_OF,  /* argument @arg has all bits of @value */
	RULE_EQUAL,   /* argument @arg is @value */
	RULE_ERRNO,   /* fails with @value instead of killing: libc has another way */
};

struct rule {
	u32 nr;
	u8 kind; /* enum rule_kind */
	u8 arg;
	u32 value;
};

static const struct rule g_rules[] = {
	/* channels */
	{SYS_futex, RULE_ANY},
	{SYS_sendmsg, RULE_ANY},
	{SYS_recvmsg, RULE_ANY},
	{SYS_close, RULE_ANY},
	/* files */
	{SYS_openat2, RULE_ANY},
	{SYS_statx, RULE_ANY},
	{SYS_openat, RULE_ANY},
	{SYS_readlinkat, RULE_ANY},
	{SYS_getdents64, RULE_ANY},
	{SYS_lseek, RULE_ANY},
	{SYS_mkdirat, RULE_ANY},
	{SYS_mknodat, RULE_ANY},
	{SYS_symlinkat, RULE_ANY},
	{SYS_linkat, RULE_ANY},
	{SYS_unlinkat, RULE_ANY},
	{SYS_renameat2, RULE_ANY},
	{SYS_fchmodat, RULE_ANY},
	{SYS_fchmodat2, RULE_ANY},
	{SYS_fchownat, RULE_ANY},
	{SYS_utimensat, RULE_ANY},
	{SYS_ftruncate, RULE_ANY},
	{SYS_fallocate, RULE_ANY},
	{SYS_fsync, RULE_ANY},
	{SYS_fdatasync, RULE_ANY},
	{SYS_fstatfs, RULE_ANY},
	{SYS_getxattr, RULE_ANY},
	{SYS_setxattr, RULE_ANY},
	{SYS_listxattr, RULE_ANY},
	{SYS_removexattr, RULE_ANY},
	{SYS_fcntl, RULE_EQUAL, 1, F_DUPFD_CLOEXEC},
	/* threads of channels */
	{SYS_socketpair, RULE_EQUAL, 0, AF_UNIX},
	{SYS_clone, RULE_ALL_OF, 0, CLONE_VM | CLONE_THREAD | CLONE_FILES},
	{SYS_clone3, RULE_ERRNO, 0, ENOSYS}, /* its flags lie in memory; libc goes on with clone */
	{SYS_set_robust_list, RULE_ANY},
	{SYS_rseq, RULE_ANY},
	{SYS_sched_setaffinity, RULE_EQUAL, 0, 0},
	{SYS_rt_sigprocmask, RULE_ANY},
	{SYS_rt_sigaction, RULE_EQUAL, 0, 33}, /* glibc's own, made with the first thread */
	/* memory and the end of libc */
	{SYS_mmap, RULE_NONE_OF, 2, PROT_EXEC},
	{SYS_mprotect, RULE_NONE_OF, 2, PROT_EXEC},
	{SYS_munmap, RULE_ANY},
	{SYS_madvise, RULE_ANY},
	{SYS_brk, RULE_ANY},
	{SYS_getrandom, RULE_ANY}, /* malloc */
	{SYS_write, RULE_EQUAL, 0, 2},
	{SYS_newfstatat, RULE_ANY},
	{SYS_gettid, RULE_ANY},
	{SYS_getpid, RULE_ANY},
	{SYS_tgkill, RULE_ANY},
	{SYS_rt_sigreturn, RULE_ANY},
	{SYS_exit, RULE_ANY},
	{SYS_exit_group, RULE_ANY},
#if defined(BUILT_WITH_ASAN) || defined(BUILT_WITH_TSAN)
	{SYS_sigaltstack, RULE_ANY},
	{SYS_sched_yield, RULE_ANY},
	{SYS_prctl, RULE_ANY},
	{SYS_readlink, RULE_ANY},
	{SYS_read, RULE_ANY},
	{SYS_getrlimit, RULE_ANY},
	{SYS_prlimit64, RULE_ANY},
	{SYS_sched_getaffinity, RULE_ANY},
	{SYS_clock_gettime, RULE_ANY},
	{SYS_gettimeofday, RULE_ANY},
	{SYS_ioctl, RULE_ANY},
	{SYS_nanosleep, RULE_ANY},
#endif
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(action) BPF_STMT(BPF_RET | BPF_K, action)
#define RULE_WORDS  6

/* Appends the instructions of one rule; the accumulator holds the call's number before and, when
 * the rule is not about it, after. Returns their count. */
static u32 put_rule(struct sock_filter *p, const struct rule *r)
{
	u32 low = (u32)(offsetof(struct seccomp_data, args) + r->arg * 8u);
	u32 n = 0;

	if (r->kind == RULE_ANY || r->kind == RULE_ERRNO) {
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, 1);
		p[n++] = (struct sock_filter)RET(
			r->kind == RULE_ANY ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | r->value);
		return n;
	}
	p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0,
					      r->kind == RULE_ALL_OF ? 5 : 4);
	p[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low);
	if (r->kind == RULE_ALL_OF)
		p[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, r->value);
	if (r->kind == RULE_NONE_OF)
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, r->value, 1, 0);
	else
		p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1);
	p[n++] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	p[n++] = (struct sock_filter)RET(SECCOMP_RET_KILL_PROCESS);
	return n;
}

int filter_install(void)
{
	static struct sock_filter code[8 + RULE_WORDS * array_size(g_rules)];
	struct sock_fprog prog = {.filter = code};
	u32 n = 0;

	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	code[n++] = (struct sock_filter)RET(SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)LOAD(nr);
	for (size_t i = 0; i < array_size(g_rules); i++)
		n += put_rule(code + n, &g_rules[i]);
	code[n++] = (struct sock_filter)RET(SECCOMP_RET_KILL_PROCESS);
	prog.len = (u16)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return -errno;
	return 0;
}
