/* SPDX-License-Identifier: Apache-2.0 */
/* bpf.c - checks and runs classic BPF programs
 *
 * Theory of operation: jumps only lead forward, so that a program of n instructions ends after n
 * steps at most. The check makes sure of that, that the last instruction returns, that loads are
 * aligned words of the data, and that no word of memory is read before it has been written on every
 * way there. Everything else a program might do is arithmetic on two words.
 */
#include "sentry/kernel/bpf.h"

#include <errno.h>
#include <linux/filter.h>

#define WORDS BPF_MEMWORDS

static bool known(u16 code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_ALU | BPF_ADD | BPF_K:
	case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K:
	case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K:
	case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_K:
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:
	case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K:
	case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	default:
		return false;
	}
}

/* One instruction by itself; @left: instructions behind it. */
static bool insn_ok(const struct bpf_insn_k *i, u32 left)
{
	if (!known(i->code))
		return false;
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return i->k < sizeof(struct bpf_call) && i->k % 4 == 0;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return i->k < WORDS;
	case BPF_ALU | BPF_DIV | BPF_K:
		return i->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return i->k < 32;
	case BPF_JMP | BPF_JA:
		return i->k < left;
	default:
		return BPF_CLASS(i->code) != BPF_JMP || (i->jt < left && i->jf < left);
	}
}

/* @written: which words are written on every way to each instruction that a jump has reached. */
static bool memory_ok(const struct bpf_insn_k *prog, u32 len, u16 *written)
{
	u16 now = 0;

	for (u32 pc = 0; pc < len; pc++) {
		const struct bpf_insn_k *i = &prog[pc];

		now &= written[pc];
		switch (i->code) {
		case BPF_ST:
		case BPF_STX:
			now |= (u16)(1u << i->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			if (!(now >> i->k & 1))
				return false;
			break;
		case BPF_JMP | BPF_JA:
			written[pc + 1 + i->k] &= now;
			now = UINT16_MAX;
			break;
		default:
			if (BPF_CLASS(i->code) != BPF_JMP)
				break;
			written[pc + 1 + i->jt] &= now;
			written[pc + 1 + i->jf] &= now;
			now = UINT16_MAX;
		}
	}
	return true;
}

int bpf_check(const struct bpf_insn_k *prog, u32 len)
{
	u16 written[BPF_INSNS_MAX];

	if (len == 0 || len > BPF_INSNS_MAX || BPF_CLASS(prog[len - 1].code) != BPF_RET)
		return -EINVAL;
	for (u32 pc = 0; pc < len; pc++)
		if (!insn_ok(&prog[pc], len - pc - 1))
			return -EINVAL;
	memset(written, 0xff, len * sizeof(written[0]));
	return memory_ok(prog, len, written) ? 0 : -EINVAL;
}

struct machine {
	u32 a, x, pc;
	u32 mem[WORDS];
};

/* False: a division by zero ends the program. */
static bool run_alu(struct machine *m, const struct bpf_insn_k *i)
{
	u32 with = BPF_SRC(i->code) == BPF_X ? m->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		m->a += with;
		break;
	case BPF_SUB:
		m->a -= with;
		break;
	case BPF_MUL:
		m->a *= with;
		break;
	case BPF_DIV:
		if (with == 0)
			return false;
		m->a /= with;
		break;
	case BPF_AND:
		m->a &= with;
		break;
	case BPF_OR:
		m->a |= with;
		break;
	case BPF_XOR:
		m->a ^= with;
		break;
	case BPF_LSH:
		m->a <<= with & 31;
		break;
	case BPF_RSH:
		m->a >>= with & 31;
		break;
	case BPF_NEG:
		m->a = -m->a;
		break;
	}
	return true;
}

static void run_jump(struct machine *m, const struct bpf_insn_k *i)
{
	u32 with = BPF_SRC(i->code) == BPF_X ? m->x : i->k;
	bool yes = false;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		m->pc += i->k;
		return;
	case BPF_JEQ:
		yes = m->a == with;
		break;
	case BPF_JGE:
		yes = m->a >= with;
		break;
	case BPF_JGT:
		yes = m->a > with;
		break;
	case BPF_JSET:
		yes = m->a & with;
		break;
	}
	m->pc += yes ? i->jt : i->jf;
}

static u32 loaded(const struct machine *m, const struct bpf_insn_k *i, const struct bpf_call *data)
{
	u32 word;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		memcpy(&word, (const u8 *)data + i->k, sizeof(word));
		return word;
	case BPF_LEN:
		return sizeof(*data);
	case BPF_MEM:
		return m->mem[i->k];
	default:
		return i->k;
	}
}

u32 bpf_run(const struct bpf_insn_k *prog, const struct bpf_call *data)
{
	struct machine m = {0};

	for (;;) {
		const struct bpf_insn_k *i = &prog[m.pc++];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			m.a = loaded(&m, i, data);
			break;
		case BPF_LDX:
			m.x = loaded(&m, i, data);
			break;
		case BPF_ST:
			m.mem[i->k] = m.a;
			break;
		case BPF_STX:
			m.mem[i->k] = m.x;
			break;
		case BPF_ALU:
			if (!run_alu(&m, i))
				return 0;
			break;
		case BPF_JMP:
			run_jump(&m, i);
			break;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? m.a : i->k;
		}
	}
}

bool bpf_constant(const struct bpf_insn_k *prog, u32 len, s32 nr, u32 arch, u32 *out)
{
	struct machine m = {0};

	while (m.pc < len) {
		const struct bpf_insn_k *i = &prog[m.pc++];

		if (i->code == (BPF_LD | BPF_W | BPF_ABS) && i->k < 8) {
			m.a = i->k ? arch : (u32)nr;
		} else if (i->code == (BPF_RET | BPF_K)) {
			*out = i->k;
			return true;
		} else if (BPF_CLASS(i->code) == BPF_JMP && BPF_SRC(i->code) == BPF_K) {
			run_jump(&m, i);
		} else if (i->code != (BPF_ALU | BPF_AND | BPF_K) || !run_alu(&m, i)) {
			return false;
		}
	}
	return false;
}
