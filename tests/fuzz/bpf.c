/* libs: base */
/* SPDX-License-Identifier: Apache-2.0 */
/* bpf.c - libFuzzer target: seccomp programs of a guest
 *
 * What the check takes must run within its bounds and end, and where a call's answer is said not to
 * depend on its arguments it must not. Half of the codes are drawn from those that are known.
 */
#include <linux/filter.h>

#include "sentry/kernel/bpf.c"
#include "tests/fuzz/fuzz.h"

static const u16 g_codes[] = {
	BPF_LD | BPF_W | BPF_ABS,
	BPF_LD | BPF_MEM,
	BPF_LDX | BPF_MEM,
	BPF_ST,
	BPF_STX,
	BPF_LD | BPF_IMM,
	BPF_LDX | BPF_IMM,
	BPF_RET | BPF_K,
	BPF_RET | BPF_A,
	BPF_JMP | BPF_JA,
	BPF_JMP | BPF_JEQ | BPF_K,
	BPF_JMP | BPF_JGT | BPF_X,
	BPF_JMP | BPF_JSET | BPF_K,
	BPF_ALU | BPF_DIV | BPF_X,
	BPF_ALU | BPF_LSH | BPF_X,
	BPF_ALU | BPF_AND | BPF_K,
	BPF_MISC | BPF_TAX,
	BPF_LD | BPF_W | BPF_LEN,
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct bpf_insn_k prog[BPF_INSNS_MAX];
	struct input in = {data, data + size};
	struct bpf_call call = {.arch = 0xc000003e, .ip = 77};
	u32 len = 0, answer;

	call.nr = (s32)take(&in, 2);
	for (int i = 0; i < 6; i++)
		call.args[i] = take(&in, 8);
	while (more(&in) && len < BPF_INSNS_MAX) {
		u8 kind = (u8)take(&in, 1);

		prog[len].code =
			kind < 128 ? g_codes[kind % array_size(g_codes)] : (u16)take(&in, 2);
		prog[len].jt = (u8)take(&in, 1);
		prog[len].jf = (u8)take(&in, 1);
		prog[len++].k = (u32)take(&in, kind & 1 ? 4 : 1);
	}
	if (bpf_check(prog, len))
		return 0;
	bpf_run(prog, &call);
	if (bpf_constant(prog, len, call.nr, call.arch, &answer))
		check(bpf_run(prog, &call) == answer);
	return 0;
}
