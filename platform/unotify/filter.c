/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - the seccomp filter of all stubs of a sandbox
 *
 * Sorts each call by where it comes from (the stub's page or anywhere else), architecture,
 * number and arguments. The lists below are the sandbox's only openings; README.md gives the
 * reason of every allowed line. The default is USER_NOTIF, so a call that nobody thought of is
 * the sentry's to answer.
 *
 * The program is put together at start because the stub's address is chosen then. Jumps go
 * forward to labels; emit_label() resolves what jumped there.
 */
#include "platform/unotify/internal.h"

#include <linux/audit.h>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <asm/prctl.h>

#include "platform/arch/x86_64/stub.h"

#define X32_BIT	   0x40000000u
#define FUTEX_OWN  0x63bu /* commands 0, 1, 3, 4, 5, 9, 10: see README.md */
#define CLOCK_LAST 11	  /* CLOCK_TAI: ids from 0 to here need no argument but the id */

enum label {
	NEXT,
	GUEST,
	FROM_STUB,
	ALLOW,
	TRAP,
	NOTIF,
	KILL,
	FUTEX,
	STUB_FUTEX,
	CLOCKS,
	ARCHPRCTL,
	GUEST_ARCHPRCTL,
	MADVISE,
	MMAP,
	PRCTL,
	HIGH,
	LABELS
};

struct program {
	struct sock_filter *code;
	unsigned n, max;
	u8 jt[FILTER_MAX], jf[FILTER_MAX]; /* labels; NEXT for none */
	unsigned at[LABELS];
};

static void emit(struct program *p, u16 op, u32 k, enum label jt, enum label jf)
{
	BUG_ON(p->n == p->max);
	p->jt[p->n] = (u8)jt;
	p->jf[p->n] = (u8)jf;
	p->code[p->n++] = (struct sock_filter){.code = op, .k = k};
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (u32)offset, NEXT, NEXT);
}

static void load_arg(struct program *p, unsigned i)
{
	load(p, offsetof(struct seccomp_data, args) + 8 * i);
}

static void if_eq(struct program *p, u32 k, enum label yes, enum label no)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, yes, no);
}

static void if_ge(struct program *p, u32 k, enum label yes, enum label no)
{
	emit(p, BPF_JMP | BPF_JGE | BPF_K, k, yes, no);
}

static void if_set(struct program *p, u32 k, enum label yes, enum label no)
{
	emit(p, BPF_JMP | BPF_JSET | BPF_K, k, yes, no);
}

static void ret(struct program *p, enum label l, u32 action)
{
	p->at[l] = p->n;
	emit(p, BPF_RET | BPF_K, action, NEXT, NEXT);
}

static void label(struct program *p, enum label l)
{
	p->at[l] = p->n;
}

/* A < 32 and bit A of @mask: to @yes, else to @no. */
static void if_member(struct program *p, u32 mask, enum label yes, enum label no)
{
	if_ge(p, 32, no, NEXT);
	emit(p, BPF_MISC | BPF_TAX, 0, NEXT, NEXT);
	emit(p, BPF_LD | BPF_IMM, 1, NEXT, NEXT);
	emit(p, BPF_ALU | BPF_LSH | BPF_X, 0, NEXT, NEXT);
	if_set(p, mask, yes, no);
}

static void futex_ops(struct program *p, enum label yes, enum label no)
{
	load_arg(p, 1);
	emit(p, BPF_ALU | BPF_AND | BPF_K, ~(u32)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), NEXT,
	     NEXT);
	if_member(p, FUTEX_OWN, yes, no);
}

static void resolve(struct program *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct sock_filter *f = &p->code[i];

		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		unsigned jt = p->jt[i] == NEXT ? 0 : p->at[p->jt[i]] - i - 1;
		unsigned jf = p->jf[i] == NEXT ? 0 : p->at[p->jf[i]] - i - 1;

		BUG_ON(jt > 255 || jf > 255);
		f->jt = (u8)jt;
		f->jf = (u8)jf;
	}
}

/* Structural calls: they need registers, or the stub's hands. So do those that send signals: the
 * caller's own is delivered before the call returns, in the same crossing. */
static const u16 g_trap_low[] = {
	SYS_mmap,  SYS_brk,   SYS_rt_sigreturn, SYS_mremap, SYS_msync,	SYS_mincore,
	SYS_shmat, SYS_clone, SYS_fork,		SYS_vfork,  SYS_execve, SYS_exit,
};
static const u16 g_trap_high[] = {
	SYS_shmdt,	     SYS_sigaltstack,
	SYS_mlock,	     SYS_munlock,
	SYS_mlockall,	     SYS_munlockall,
	SYS_execveat,	     SYS_mlock2,
	SYS_clone3,	     SYS_kill,
	SYS_tkill,	     SYS_tgkill,
	SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
};

/* The workload's own calls (README.md, "Allowed from the guest"). */
static void guest_own(struct program *p, bool strict, u32 notified)
{
	if_eq(p, SYS_futex, strict ? TRAP : FUTEX, NEXT);
	if (strict) {
		if_eq(p, SYS_arch_prctl, TRAP, NEXT); /* the stub has to set what the sentry says */
		return;
	}
	if (!(notified & POWN_YIELD))
		if_eq(p, SYS_sched_yield, ALLOW, NEXT);
	if (!(notified & POWN_RSEQ))
		if_eq(p, SYS_rseq, ALLOW, NEXT);
	if (!(notified & POWN_CPU))
		if_eq(p, SYS_getcpu, ALLOW, NEXT);
	if (!(notified & POWN_WAITV))
		if_eq(p, SYS_futex_waitv, ALLOW, NEXT);
	if (!(notified & POWN_TIME)) {
		if_eq(p, SYS_gettimeofday, ALLOW, NEXT);
		if_eq(p, SYS_time, ALLOW, NEXT);
		if_eq(p, SYS_clock_gettime, CLOCKS, NEXT);
		if_eq(p, SYS_clock_getres, CLOCKS, NEXT);
	}
	if_eq(p, SYS_arch_prctl, GUEST_ARCHPRCTL, NEXT);
}

/* Calls that the stub answers by itself where it can (local.c). */
static void local_call(struct program *p, u32 nr, bool strict)
{
	if_eq(p, nr, strict ? NOTIF : TRAP, NEXT);
}

static void guest_part(struct program *p, bool strict, u32 notified, bool rewrite)
{
	label(p, GUEST);
	load(p, offsetof(struct seccomp_data, arch));
	if_eq(p, AUDIT_ARCH_X86_64, NEXT, TRAP);
	load(p, offsetof(struct seccomp_data, nr));
	if_ge(p, SYS_execve + 2, HIGH,
	      NEXT); /* most calls of most programs are below or just above */
	local_call(p, SYS_rt_sigprocmask, strict);
	local_call(p, SYS_madvise, strict);
	for (unsigned i = 0; i < array_size(g_trap_low); i++)
		if_eq(p, g_trap_low[i], TRAP, NEXT);
	if_eq(p, SYS_sched_yield, strict || notified & POWN_YIELD ? NOTIF : ALLOW, NOTIF);
	label(p, HIGH);
	guest_own(p, strict, notified);
	local_call(p, SYS_set_robust_list, strict);
	for (unsigned i = 0; i < array_size(g_trap_high); i++)
		if_eq(p, g_trap_high[i], TRAP, NEXT);
	if_set(p, X32_BIT, TRAP, NOTIF);
	label(p, GUEST_ARCHPRCTL);
	load_arg(p, 0);
	if_eq(p, ARCH_GET_GS, rewrite ? TRAP : ALLOW, ARCHPRCTL); /* not ours to be seen */
}

static void stub_part(struct program *p)
{
	label(p, FROM_STUB);
	load(p, offsetof(struct seccomp_data, arch));
	if_eq(p, AUDIT_ARCH_X86_64, NEXT, KILL);
	load(p, offsetof(struct seccomp_data, nr));
	if_eq(p, STUB_NR_EVENT, NOTIF, NEXT);
	if_eq(p, SYS_rt_sigreturn, ALLOW, NEXT);
	if_eq(p, SYS_mmap, MMAP, NEXT);
	if_eq(p, SYS_futex, STUB_FUTEX, NEXT);
	if_eq(p, SYS_madvise, MADVISE, NEXT);
	if_eq(p, SYS_set_tid_address, ALLOW, NEXT);
	if_eq(p, SYS_exit, ALLOW, NEXT);
	if_eq(p, SYS_exit_group, ALLOW, NEXT);
	if_eq(p, SYS_close, ALLOW, NEXT);
	if_eq(p, SYS_close_range, ALLOW, NEXT);
	if_eq(p, SYS_prctl, PRCTL, NEXT);
	if_eq(p, SYS_rt_sigprocmask, ALLOW, NEXT);
	if_eq(p, SYS_restart_syscall, ALLOW, NEXT);
	if_eq(p, SYS_arch_prctl, ARCHPRCTL, NOTIF);

	label(p, MMAP);
	load_arg(p, 3);
	if_set(p, ~(u32)MAP_OWN, NOTIF, NEXT);
	if_set(p, MAP_ANONYMOUS, ALLOW, NOTIF);
	label(p, MADVISE);
	load_arg(p, 2);
	if_member(p, ADVICE_OWN, ALLOW, NOTIF);
	label(p, PRCTL);
	load_arg(p, 0);
	if_eq(p, PR_SET_PDEATHSIG, NEXT, NOTIF);
	load_arg(p, 1);
	if_eq(p, SIGKILL, ALLOW, NOTIF);
	label(p, STUB_FUTEX);
	futex_ops(p, ALLOW, NOTIF);
}

static void shared_part(struct program *p)
{
	label(p, CLOCKS);
	load_arg(p, 0);
	if_ge(p, CLOCK_LAST + 1, NOTIF, ALLOW);
	label(p, ARCHPRCTL);
	load_arg(p, 0);
	if_ge(p, ARCH_SET_GS, NEXT, NOTIF); /* SET_GS, SET_FS, GET_FS, GET_GS in a row */
	if_ge(p, ARCH_GET_GS + 1, NOTIF, ALLOW);
	label(p, FUTEX);
	futex_ops(p, ALLOW, TRAP);
	ret(p, ALLOW, SECCOMP_RET_ALLOW);
	ret(p, TRAP, SECCOMP_RET_TRAP);
	ret(p, NOTIF, SECCOMP_RET_USER_NOTIF);
	ret(p, KILL, SECCOMP_RET_KILL_PROCESS);
}

unsigned filter_build(struct sock_filter code[FILTER_MAX], u64 text, bool strict, u32 notified,
		      bool rewrite)
{
	struct program p = {.code = code, .max = FILTER_MAX};

	load(&p, offsetof(struct seccomp_data, instruction_pointer) + 4);
	if_eq(&p, ~0u, TRAP, NEXT); /* the vsyscall page */
	if_eq(&p, (u32)(text >> 32), NEXT, GUEST);
	load(&p, offsetof(struct seccomp_data, instruction_pointer));
	if_ge(&p, (u32)text, NEXT, GUEST);
	if_ge(&p, (u32)text + PAGE_SIZE, GUEST, FROM_STUB);
	stub_part(&p);
	guest_part(&p, strict, notified, rewrite);
	shared_part(&p);
	resolve(&p);
	return p.n;
}
