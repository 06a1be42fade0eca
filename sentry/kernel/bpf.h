/* SPDX-License-Identifier: Apache-2.0 */
/* bpf.h - classic BPF as seccomp filters use it: checked once, then run */
#ifndef SENTRY_KERNEL_BPF_H
#define SENTRY_KERNEL_BPF_H

#include "sentry/base/types.h"

#define BPF_INSNS_MAX 4096

struct bpf_insn_k { /* struct sock_filter */
	u16 code;
	u8 jt, jf;
	u32 k;
};
static_assert(sizeof(struct bpf_insn_k) == 8, "struct sock_filter");

/* struct seccomp_data: what a program sees. */
struct bpf_call {
	s32 nr;
	u32 arch;
	u64 ip;
	u64 args[6];
};
static_assert(sizeof(struct bpf_call) == 64, "struct seccomp_data");

/* Is this a program that Linux would take as a filter? 0 or -EINVAL. After that bpf_run ends, and
 * stays within the program, its 16 words of memory and the data. */
int bpf_check(const struct bpf_insn_k *prog, u32 len);
/* The word that the program returns. */
u32 bpf_run(const struct bpf_insn_k *prog, const struct bpf_call *data);
/* Does the program return the same for call @nr of @arch, whatever its arguments and place are?
 * True: that word is in *out. False: it depends, or is too hard to say. */
bool bpf_constant(const struct bpf_insn_k *prog, u32 len, s32 nr, u32 arch, u32 *out);

#endif
