/* libs: spec -lseccomp */
/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_profile.c - profiles as programs, against what libseccomp makes of the same rules */
#include <check.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runsc/spec/seccomp_build.h"
#include "sentry/kernel/bpf.c"

struct both {
	struct seccomp_build *ours;
	scmp_filter_ctx theirs;
};

static u64 g_seed = 88172645463325252ull;

static u64 dice(void)
{
	g_seed ^= g_seed << 13;
	g_seed ^= g_seed >> 7;
	g_seed ^= g_seed << 17;
	return g_seed;
}

static u64 interesting(void)
{
	static const u64 values[] = {0,
				     1,
				     2,
				     7,
				     0x80000000,
				     0xffffffff,
				     0x100000000,
				     0x100000007,
				     0x7fffffffffffffff,
				     0x8000000000000000,
				     UINT64_MAX};

	return values[dice() % array_size(values)] + dice() % 2;
}

static void add(struct both *b, const char *name, u32 answer, const struct seccomp_arg *args,
		u32 count)
{
	static const enum scmp_compare ops[] = {
		[SECCOMP_NE] = SCMP_CMP_NE,
		[SECCOMP_LT] = SCMP_CMP_LT,
		[SECCOMP_LE] = SCMP_CMP_LE,
		[SECCOMP_EQ] = SCMP_CMP_EQ,
		[SECCOMP_GE] = SCMP_CMP_GE,
		[SECCOMP_GT] = SCMP_CMP_GT,
		[SECCOMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	struct scmp_arg_cmp cmp[6];
	int nr = seccomp_syscall_resolve_name(name);

	ck_assert_int_ge(nr, 0);
	for (u32 i = 0; i < count; i++)
		cmp[i] = (struct scmp_arg_cmp){args[i].index, ops[args[i].op], args[i].value,
					       args[i].value_two};
	if (seccomp_rule_add_array(b->theirs, answer, nr, count, cmp) == 0)
		seccomp_build_rule(b->ours, name, answer, args, count);
}

static struct bpf_insn_k *export(scmp_filter_ctx ctx, u32 *out_len)
{
	static struct bpf_insn_k prog[8192];
	FILE *f = tmpfile();
	long size;

	ck_assert_int_eq(seccomp_export_bpf(ctx, fileno(f)), 0);
	size = lseek(fileno(f), 0, SEEK_END);
	ck_assert_int_eq(pread(fileno(f), prog, sizeof(prog), 0), size);
	fclose(f);
	*out_len = (u32)size / sizeof(prog[0]);
	return prog;
}

/* Numbers that neither names differ on purpose: ENOSYS here. */
static void compare_programs(struct both *b, int last)
{
	u32 our_len, their_len;
	const struct spec_bpf *ours = seccomp_build_program(b->ours, &our_len);
	struct bpf_insn_k *theirs = export(b->theirs, &their_len);

	ck_assert_ptr_nonnull(ours);
	ck_assert_int_eq(bpf_check((const struct bpf_insn_k *)ours, our_len), 0);
	ck_assert_int_eq(bpf_check(theirs, their_len), 0);
	for (int round = 0; round < 200; round++)
		for (int nr = 0; nr <= last; nr++) {
			struct bpf_call call = {.nr = nr, .arch = 0xc000003e};
			u32 x, y;

			for (int i = 0; i < 6; i++)
				call.args[i] = interesting();
			x = bpf_run((const struct bpf_insn_k *)ours, &call);
			y = bpf_run(theirs, &call);
			ck_assert_msg(x == y, "call %d(%#llx, %#llx, %#llx): %#x, libseccomp %#x",
				      nr, (unsigned long long)call.args[0],
				      (unsigned long long)call.args[1],
				      (unsigned long long)call.args[2], x, y);
		}
	seccomp_build_end(b->ours);
	seccomp_release(b->theirs);
}

START_TEST(random_rules)
{
	static const char *const names[] = {"read",   "write", "openat", "personality",
					    "socket", "clone", "prctl",	 "ioctl",
					    "futex",  "mmap",  "statx",	 "renameat2"};
	struct both b = {seccomp_build_start(SECCOMP_ANSWER_ERRNO | 1),
			 seccomp_init(SCMP_ACT_ERRNO(1))};
	int last = 0;

	g_seed += (u64)_i * 7919;
	for (size_t i = 0; i < array_size(names); i++) {
		u32 answer = dice() % 2 ? SECCOMP_ANSWER_ALLOW : SECCOMP_ANSWER_ERRNO | 38;
		u32 rules = (u32)(dice() % 4);

		if (rules)
			last = max(last, seccomp_syscall_resolve_name(names[i]));
		for (u32 k = 0; k < rules; k++) {
			struct seccomp_arg args[3];
			/* Of alternatives libseccomp gets right what profiles write: values of
			 * one argument. */
			u32 count = rules > 1 ? 1 : (u32)(dice() % 4);

			for (u32 n = 0; n < count; n++)
				args[n] = (struct seccomp_arg){
					n * 2,
					rules > 1 ? SECCOMP_EQ : (enum seccomp_op)(dice() % 7),
					interesting(), interesting()};
			add(&b, names[i], answer, args, count);
		}
	}
	if (last)
		compare_programs(&b, last);
}
END_TEST

START_TEST(newer_calls)
{
	struct seccomp_build *b = seccomp_build_start(SECCOMP_ANSWER_ERRNO | 1);
	struct bpf_call call = {.nr = 2, .arch = 0xc000003e};
	const struct bpf_insn_k *prog;
	u32 len;

	seccomp_build_rule(b, "statx", SECCOMP_ANSWER_ALLOW, NULL, 0);
	seccomp_build_rule(b, "no_such_call", SECCOMP_ANSWER_ALLOW, NULL, 0);
	prog = (const struct bpf_insn_k *)seccomp_build_program(b, &len);
	ck_assert_uint_eq(bpf_run(prog, &call), SECCOMP_ANSWER_ERRNO | 1);
	call.nr = 332;
	ck_assert_uint_eq(bpf_run(prog, &call), SECCOMP_ANSWER_ALLOW);
	call.nr = 333;
	ck_assert_uint_eq(bpf_run(prog, &call), SECCOMP_ANSWER_ERRNO | 38);
	call.nr = 0x40000000;
	ck_assert_uint_eq(bpf_run(prog, &call), SECCOMP_ANSWER_ERRNO | 38);
	call = (struct bpf_call){.nr = 332, .arch = 0x40000003};
	ck_assert_uint_eq(bpf_run(prog, &call), SECCOMP_ANSWER_ERRNO | 38);
	seccomp_build_end(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("seccomp_profile");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_rules, 0, 40);
	tcase_add_test(t, newer_calls);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
