/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_build.h - a seccomp profile as rules, and the BPF program that they become */
#ifndef RUNSC_SPEC_SECCOMP_BUILD_H
#define RUNSC_SPEC_SECCOMP_BUILD_H

#include "runsc/spec/spec.h"

/* What a program returns: SECCOMP_RET_* of Linux. */
#define SECCOMP_ANSWER_KILL_PROCESS 0x80000000u
#define SECCOMP_ANSWER_KILL_THREAD  0x00000000u
#define SECCOMP_ANSWER_TRAP	    0x00030000u
#define SECCOMP_ANSWER_ERRNO	    0x00050000u
#define SECCOMP_ANSWER_TRACE	    0x7ff00000u
#define SECCOMP_ANSWER_LOG	    0x7ffc0000u
#define SECCOMP_ANSWER_ALLOW	    0x7fff0000u
#define SECCOMP_ANSWER_DATA	    0x0000ffffu

enum seccomp_op {
	SECCOMP_NE,
	SECCOMP_LT,
	SECCOMP_LE,
	SECCOMP_EQ,
	SECCOMP_GE,
	SECCOMP_GT,
	SECCOMP_MASKED_EQ, /* (argument & value) == value_two */
};
struct seccomp_arg {
	u32 index; /* 0..5 */
	enum seccomp_op op;
	u64 value, value_two;
};

struct seccomp_build;
/* Begins with what calls without a rule get. Ends the process without memory. */
struct seccomp_build *seccomp_build_start(u32 default_answer);
/* All of @args must hold. A name that x86-64 does not have is ignored. */
void seccomp_build_rule(struct seccomp_build *b, const char *name, u32 answer,
			const struct seccomp_arg *args, u32 count);
/* The program, which lives as long as @b; NULL: it would be longer than Linux allows. */
const struct spec_bpf *seccomp_build_program(struct seccomp_build *b, u32 *out_len);
void seccomp_build_end(struct seccomp_build *b);

#endif
