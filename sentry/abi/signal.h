/* SPDX-License-Identifier: Apache-2.0 */
/* signal.h - signal layouts of the x86-64 Linux ABI (signal(7), sigaction(2), sigaltstack(2)) */
#ifndef SENTRY_ABI_SIGNAL_H
#define SENTRY_ABI_SIGNAL_H

#include "sentry/base/types.h"

#define NSIG_MAX     64
#define SIGMASK(sig) (1ull << ((sig)-1))

struct ksigaction {
	u64 handler; /* SIG_DFL 0, SIG_IGN 1, or an address of the guest */
	u64 flags;
	u64 restorer;
	u64 mask;
};
static_assert(sizeof(struct ksigaction) == 32, "struct kernel_sigaction");

union sigval_k {
	s32 sival_int;
	u64 sival_ptr;
};

/* siginfo_t as the guest sees it: 128 bytes. */
struct siginfo_k {
	s32 si_signo, si_errno, si_code, pad0;
	union {
		struct {
			s32 pid;
			u32 uid;
			union sigval_k value; /* rt; for kill unused */
		} rt;
		struct {
			s32 timerid, overrun;
			union sigval_k value;
		} timer;
		struct {
			s32 pid;
			u32 uid;
			s32 status, pad;
			s64 utime, stime;
		} chld;
		struct {
			u64 addr;
			s16 addr_lsb, pad[3];
			u64 lower, upper;
		} fault;
		struct {
			s64 band;
			s32 fd;
		} poll;
		struct {
			u64 call_addr;
			s32 syscall;
			u32 arch;
		} sys;
		u8 raw[112];
	};
};
static_assert(sizeof(struct siginfo_k) == 128, "siginfo_t");

struct stack_k { /* stack_t */
	u64 sp;
	s32 flags, pad;
	u64 size;
};
static_assert(sizeof(struct stack_k) == 24, "stack_t");

#endif
