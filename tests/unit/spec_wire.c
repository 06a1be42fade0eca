/* libs: spec */
/* SPDX-License-Identifier: Apache-2.0 */
/* spec_wire.c - a process specification as bytes and back; and bytes that are none */
#include <check.h>
#include <stdlib.h>

#include "runsc/spec/wire.h"

static char *args[] = {"prog", "", "two words", NULL};
static char *env[] = {"A=1", "PATH=/bin", NULL};
static u32 groups[] = {5, 6, 7};

static struct spec_process example(void)
{
	struct spec_process p = {
		.uid = 1,
		.gid = 2,
		.umask = 027,
		.terminal = true,
		.no_new_privileges = true,
		.groups = groups,
		.group_count = 3,
		.args = args,
		.arg_count = 3,
		.env = env,
		.env_count = 2,
		.cwd = "/tmp",
		.bounding = 3,
		.effective = 1,
		.permitted = 1,
	};

	p.rlimits[7] = (struct spec_rlimit){true, 10, 20};
	return p;
}

START_TEST(there_and_back)
{
	struct spec_process p = example(), q;
	size_t n = wire_size(&p);
	void *buf = malloc(n);

	wire_encode(&p, buf);
	ck_assert_int_eq(wire_decode(buf, n, &q), 0);
	ck_assert_uint_eq(q.uid, 1);
	ck_assert_uint_eq(q.gid, 2);
	ck_assert_uint_eq(q.umask, 027);
	ck_assert(q.terminal && q.no_new_privileges);
	ck_assert_uint_eq(q.group_count, 3);
	ck_assert_uint_eq(q.groups[2], 7);
	ck_assert_str_eq(q.args[1], "");
	ck_assert_str_eq(q.args[2], "two words");
	ck_assert_ptr_null(q.args[3]);
	ck_assert_str_eq(q.env[1], "PATH=/bin");
	ck_assert_ptr_null(q.env[2]);
	ck_assert_str_eq(q.cwd, "/tmp");
	ck_assert(q.rlimits[7].set && q.rlimits[7].soft == 10 && q.rlimits[7].hard == 20);
	ck_assert(!q.rlimits[6].set);
	ck_assert_uint_eq(q.bounding, 3);
	free(buf);
}
END_TEST

/* Each shorter message is refused. */
START_TEST(cut_short)
{
	struct spec_process p = example(), q;
	size_t n = wire_size(&p);

	for (size_t cut = 0; cut < n; cut++) {
		char *whole = malloc(n), *buf = malloc(cut + 1);

		wire_encode(&p, whole);
		memcpy(buf, whole, cut);
		ck_assert_int_lt(wire_decode(buf, cut, &q), 0);
		free(buf);
		free(whole);
	}
}
END_TEST

/* Bytes changed at random are refused, or give something whose strings all end inside. */
START_TEST(changed_bytes)
{
	struct spec_process p = example(), q;
	size_t n = wire_size(&p);
	char *buf = malloc(n);

	srand(1);
	for (int round = 0; round < 20000; round++) {
		wire_encode(&p, buf);
		for (int i = 0; i < 1 + round % 4; i++)
			buf[(size_t)rand() % n] = (char)rand();
		if (wire_decode(buf, n, &q) < 0)
			continue;
		ck_assert(q.cwd[0] == '/' && q.cwd + strlen(q.cwd) < buf + n);
		for (u32 i = 0; i < q.arg_count; i++)
			ck_assert(q.args[i] > buf && q.args[i] + strlen(q.args[i]) < buf + n);
		for (u32 i = 0; i < q.env_count; i++)
			ck_assert(q.env[i] > buf && q.env[i] + strlen(q.env[i]) < buf + n);
	}
	free(buf);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spec_wire");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, there_and_back);
	tcase_add_test(t, cut_short);
	tcase_add_test(t, changed_bytes);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
