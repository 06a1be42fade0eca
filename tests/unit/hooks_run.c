/* libs: spec */
/* SPDX-License-Identifier: Apache-2.0 */
/* hooks_run.c - hooks: order, state on stdin, args, environment, failures, timeouts, descendants */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "runsc/hooks.c"

static char g_file[64];
static struct error g_e;

static void setup(void)
{
	int fd;

	strcpy(g_file, "/tmp/hooks-test-XXXXXX");
	fd = mkstemp(g_file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	setenv("OUT", g_file, 1);
	g_e.text[0] = 0;
}

static void teardown(void)
{
	unlink(g_file);
}

static const char *written(void)
{
	static char text[4096];
	FILE *f = fopen(g_file, "r");
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[n] = 0;
	return text;
}

static struct spec_hook shell(const char *script, s64 timeout)
{
	char **args = calloc(4, sizeof(*args));

	args[0] = "hook";
	args[1] = "-c";
	args[2] = (char *)(uintptr_t)script;
	return (struct spec_hook){.path = "/bin/sh", .args = args, .timeout = timeout};
}

static int run(enum spec_hook_kind kind, struct spec_hook *hooks, u32 count)
{
	struct spec_annotation note = {"a\"b", "c"};
	struct spec spec = {.oci_version = "1.0.2-dev",
			    .bundle = "/bundle",
			    .annotations = &note,
			    .annotation_count = 1};
	struct hook_context c = {.spec = &spec, .id = "c1", .status = "creating", .pid = 77};

	spec.hooks[kind] = hooks;
	spec.hook_counts[kind] = count;
	return hooks_run(kind, &c, &g_e);
}

START_TEST(state_on_stdin)
{
	struct spec_hook h = shell("cat >>$OUT; echo out; echo err >&2", 5);
	json_t *o;

	ck_assert_msg(run(SPEC_HOOK_PRESTART, &h, 1) == 0, "%s", g_e.text);
	o = json_loads(written(), 0, NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(json_string_value(json_object_get(o, "id")), "c1");
	ck_assert_str_eq(json_string_value(json_object_get(o, "status")), "creating");
	ck_assert_str_eq(json_string_value(json_object_get(o, "bundle")), "/bundle");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "pid")), 77);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_object_get(o, "annotations"), "a\"b")), "c");
	json_decref(o);
}
END_TEST

START_TEST(in_order_until_one_fails)
{
	struct spec_hook h[3] = {shell("echo 1 >>$OUT", 0),
				 shell("echo 2 >>$OUT; echo no; echo why >&2; exit 3", 0),
				 shell("echo 3 >>$OUT", 0)};

	ck_assert_int_lt(run(SPEC_HOOK_CREATE_RUNTIME, h, 3), 0);
	ck_assert_str_eq(g_e.text, "error running hook #1: error running hook: exit status 3, "
				   "stdout: no\n, stderr: why\n");
	ck_assert_str_eq(written(), "1\n2\n");
}
END_TEST

START_TEST(poststop_goes_on)
{
	struct spec_hook h[2] = {shell("exit 1", 0), shell("echo 2 >>$OUT", 0)};

	ck_assert_int_eq(run(SPEC_HOOK_POSTSTOP, h, 2), 0);
	ck_assert_str_eq(written(), "2\n");
}
END_TEST

START_TEST(own_environment)
{
	char *env[] = {"A=1", NULL},
	     *args[] = {"x", "-c", "env >/tmp/none 2>&1; echo $A$OUT", NULL};
	struct spec_hook h = {.path = "/bin/sh", .args = args, .env = env};

	args[2] = "test \"$A$OUT\" = 1";
	ck_assert_msg(run(SPEC_HOOK_POSTSTART, &h, 1) == 0, "%s", g_e.text);
}
END_TEST

START_TEST(nothing_else_is_open)
{
	struct spec_hook h = shell("ls /proc/self/fd | wc -l >>$OUT", 0);
	int fd = dup(0);

	ck_assert_int_eq(run(SPEC_HOOK_PRESTART, &h, 1), 0);
	close(fd);
	ck_assert_int_eq(atoi(written()), 4); /* one is the directory itself */
}
END_TEST

START_TEST(timeout_kills)
{
	struct spec_hook h = shell("exec sleep 100", 1);

	ck_assert_int_lt(run(SPEC_HOOK_PRESTART, &h, 1), 0);
	ck_assert_ptr_nonnull(strstr(g_e.text, "hook ran past specified timeout of 1.0s"));
}
END_TEST

START_TEST(descendants_do_not_delay)
{
	struct spec_hook h = shell("sleep 5 & echo $! >$OUT; head -c 100000 /dev/zero", 60);
	s64 start = now_ms();

	ck_assert_int_eq(run(SPEC_HOOK_PRESTART, &h, 1), 0);
	ck_assert_int_lt(now_ms() - start, 4500);
	kill(atoi(written()), SIGKILL);
}
END_TEST

START_TEST(not_there)
{
	struct spec_hook h = {.path = "/nope/hook"};

	ck_assert_int_lt(run(SPEC_HOOK_PRESTART, &h, 1), 0);
	ck_assert_ptr_nonnull(strstr(g_e.text, "no such file or directory"));
	g_e.text[0] = 0;
	ck_assert_int_lt(run(SPEC_HOOK_START_CONTAINER, &h, 1), 0);
}
END_TEST

START_TEST(in_other_namespaces)
{
	struct spec spec = {.oci_version = "", .bundle = "/"};
	struct spec_hook h = shell("readlink /proc/self/ns/uts >>$OUT", 0);
	struct hook_context c = {.spec = &spec, .id = "c1", .status = "creating"};
	char want[64] = "", path[64];
	int go[2];
	char byte;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(pipe(go), 0);
	c.enter = fork();
	if (c.enter == 0) {
		if (unshare(CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC) < 0 ||
		    write(go[1], "g", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(go[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", (int)c.enter);
	ck_assert_int_gt(readlink(path, want, sizeof(want) - 1), 0);
	spec.hooks[SPEC_HOOK_CREATE_CONTAINER] = &h;
	spec.hook_counts[SPEC_HOOK_CREATE_CONTAINER] = 1;
	ck_assert_msg(hooks_run(SPEC_HOOK_CREATE_CONTAINER, &c, &g_e) == 0, "%s", g_e.text);
	kill(c.enter, SIGKILL);
	waitpid(c.enter, NULL, 0);
	ck_assert_int_eq(strncmp(written(), want, strlen(want)), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hooks");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, state_on_stdin);
	tcase_add_test(t, in_order_until_one_fails);
	tcase_add_test(t, poststop_goes_on);
	tcase_add_test(t, own_environment);
	tcase_add_test(t, nothing_else_is_open);
	tcase_add_test(t, timeout_kills);
	tcase_add_test(t, descendants_do_not_delay);
	tcase_add_test(t, not_there);
	tcase_add_test(t, in_other_namespaces);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
