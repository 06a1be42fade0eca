/* libs: cgroup spec */
/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_fake.c - cgroups of all kinds of hosts in a temporary directory, and real ones as root */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/cgroup/cgroup_internal.h"

static char g_top[64];
static struct error g_e;
static struct region *g_r;
static int g_region_fd;

static void put(const char *name, const char *text)
{
	char path[512], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", g_top, name);
	slash = strrchr(path, '/');
	*slash = 0;
	ck_assert_int_eq(cgfile_mkdirs(path), 0);
	*slash = '/';
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* The text of a file below the top; "" when it is empty or missing. */
static const char *get(const char *name)
{
	static char text[4][512];
	static unsigned which;
	char *got = cgfile_read(g_top, name);

	which = (which + 1) % 4;
	snprintf(text[which], sizeof(text[0]), "%s", got ? got : "");
	free(got);
	return text[which];
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void setup(void)
{
	strcpy(g_top, "/tmp/cgroup-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(g_top));
	g_e.text[0] = 0;
	ck_assert_int_eq(region_create(&g_r, &g_region_fd), 0);
}

static void teardown(void)
{
	nftw(g_top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void hybrid_host(void)
{
	put("proc/self/mountinfo",
	    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
	    "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
	    "35 31 0:32 /box /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	    "37 31 0:34 / /sys/fs/cgroup/fre\\040ezer rw,relatime - cgroup cgroup rw,freezer\n"
	    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
	    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
	    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
	put("proc/self/cgroup", "9:name=systemd:/sd\n8:pids:/\n6:freezer:/\n4:memory:/box/me\n"
				"3:cpuset:/\n2:cpu,cpuacct:/own\n0::/\n");
	put("sys/fs/cgroup/cpuset/cpuset.cpus", "0-1\n");
	put("sys/fs/cgroup/cpuset/cpuset.mems", "0\n");
}

static struct cgroup *locate(const char *path, bool rootless)
{
	struct cgroup_options o = {.id = "c1", .path = path, .prefix = g_top, .rootless = rootless};
	struct cgroup *cg = NULL;

	ck_assert_msg(cgroup_locate(&o, &cg, &g_e) == 0, "%s", g_e.text);
	return cg;
}

static const char *below_top(const struct cgroup *cg, enum cgroup_sub sub)
{
	return cg->paths[sub] ? cg->paths[sub] + strlen(g_top) : "(none)";
}

START_TEST(places_v1)
{
	struct cgroup *cg;

	hybrid_host();
	cg = locate(NULL, false);
	ck_assert(!cg->v2);
	ck_assert_str_eq(below_top(cg, SUB_CPU), "/sys/fs/cgroup/cpu,cpuacct/own/c1");
	ck_assert_str_eq(below_top(cg, SUB_CPUACCT), "/sys/fs/cgroup/cpu,cpuacct/own/c1");
	ck_assert_str_eq(below_top(cg, SUB_MEMORY), "/sys/fs/cgroup/memory/me/c1");
	ck_assert_str_eq(below_top(cg, SUB_FREEZER), "/sys/fs/cgroup/fre ezer/c1");
	ck_assert_str_eq(below_top(cg, SUB_SYSTEMD), "/sys/fs/cgroup/systemd/sd/c1");
	ck_assert_str_eq(below_top(cg, SUB_UNIFIED), "/sys/fs/cgroup/unified/c1");
	ck_assert_ptr_null(cg->paths[SUB_DEVICES]);
	cgroup_destroy(cg);
	cg = locate("/a/../../b//./c", false);
	ck_assert_str_eq(below_top(cg, SUB_MEMORY), "/sys/fs/cgroup/memory/b/c");
	cgroup_destroy(cg);
	cg = locate("../../x", false);
	ck_assert_str_eq(below_top(cg, SUB_MEMORY), "/sys/fs/cgroup/memory/me/x");
	cgroup_destroy(cg);
}
END_TEST

START_TEST(the_top_is_refused)
{
	struct cgroup_options o = {.id = "c1", .path = "/..", .prefix = g_top};
	struct cgroup *cg = NULL;

	hybrid_host();
	ck_assert_int_eq(cgroup_locate(&o, &cg, &g_e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(g_e.text, "cgroup path /.."));
}
END_TEST

START_TEST(places_v2)
{
	struct cgroup *cg;

	/* The v1 hierarchies are hidden by what came later. */
	put("proc/self/mountinfo",
	    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	    "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 none rw\n");
	put("proc/self/cgroup", "4:memory:/box\n0::/user.slice/me.scope\n");
	cg = locate(NULL, false);
	ck_assert(cg->v2);
	ck_assert_str_eq(below_top(cg, SUB_UNIFIED), "/sys/fs/cgroup/user.slice/c1");
	ck_assert_ptr_null(cg->paths[SUB_MEMORY]);
	cgroup_destroy(cg);
}
END_TEST

static int apply(struct cgroup *cg, const char *json)
{
	struct spec_resources *res = region_alloc(g_r, sizeof(*res));
	json_t *v = json_loads(json, 0, NULL);
	int err;

	ck_assert_ptr_nonnull(v);
	err = spec_resources_parse(g_r, v, "resources", res, &g_e);
	json_decref(v);
	return err ? err : cgroup_apply(cg, res, &g_e);
}

START_TEST(limits_v1)
{
	struct cgroup *cg, *again;
	json_t *saved;

	hybrid_host();
	put("sys/fs/cgroup/memory/k/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/k/memory.memsw.limit_in_bytes", "");
	put("sys/fs/cgroup/cpu,cpuacct/k/cpu.shares", "");
	put("sys/fs/cgroup/cpu,cpuacct/k/cpu.cfs_quota_us", "");
	put("sys/fs/cgroup/cpu,cpuacct/k/cpu.cfs_period_us", "");
	put("sys/fs/cgroup/pids/k/pids.max", "");
	put("sys/fs/cgroup/pids/k/cgroup.procs", "");
	put("sys/fs/cgroup/cpuset/k/cpuset.cpus", "");
	put("sys/fs/cgroup/cpuset/k/cpuset.mems", "");
	cg = locate("/k", false);
	ck_assert_msg(cgroup_create(cg, &g_e) == 0, "%s", g_e.text);
	ck_assert_str_eq(get("sys/fs/cgroup/cpuset/k/cpuset.cpus"), "0-1");
	ck_assert_msg(apply(cg, "{\"memory\":{\"limit\":67108864,\"swap\":134217728},"
				"\"cpu\":{\"shares\":512,\"quota\":150000,\"period\":100000,"
				"\"cpus\":\"1\"},\"pids\":{\"limit\":-1},\"x\":[1]}") == 0,
		      "%s", g_e.text);
	ck_assert_str_eq(get("sys/fs/cgroup/memory/k/memory.limit_in_bytes"), "67108864");
	ck_assert_str_eq(get("sys/fs/cgroup/memory/k/memory.memsw.limit_in_bytes"), "134217728");
	ck_assert_str_eq(get("sys/fs/cgroup/cpu,cpuacct/k/cpu.shares"), "512");
	ck_assert_str_eq(get("sys/fs/cgroup/cpuset/k/cpuset.cpus"), "1");
	ck_assert_str_eq(get("sys/fs/cgroup/pids/k/pids.max"), "max");
	ck_assert_uint_eq(cgroup_cpu_limit(cg), 2);
	saved = cgroup_save(cg);
	ck_assert_int_eq(cgroup_load(saved, &again), 0);
	for (int i = 0; i < SUB_COUNT; i++)
		ck_assert_pstr_eq(cg->paths[i], again->paths[i]);
	/* Zeros of docker's update leave all as it was. */
	ck_assert_int_eq(apply(again,
			       "{\"memory\":{\"limit\":0,\"kernel\":0},\"cpu\":{\"shares\":0,"
			       "\"quota\":0},\"pids\":{\"limit\":7}}"),
			 0);
	ck_assert_str_eq(get("sys/fs/cgroup/memory/k/memory.limit_in_bytes"), "67108864");
	ck_assert_str_eq(get("sys/fs/cgroup/pids/k/pids.max"), "7");
	json_decref(saved);
	cgroup_destroy(cg);
	cgroup_destroy(again);
}
END_TEST

START_TEST(limits_that_cannot_be)
{
	struct cgroup *cg;

	hybrid_host();
	cg = locate("/k", false);
	ck_assert_int_lt(apply(cg, "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}]}"), 0);
	ck_assert_str_eq(g_e.text,
			 "cannot set hugetlb limit: container could not join or create cgroup");
	g_e.text[0] = 0;
	ck_assert_int_lt(apply(cg, "{\"pids\":{\"limit\":5}}"), 0);
	ck_assert_ptr_nonnull(strstr(g_e.text, "pids.max: no such file or directory"));
	g_e.text[0] = 0;
	ck_assert_int_lt(apply(cg, "{\"unified\":{\"memory.max\":\"1\"}}"), 0);
	g_e.text[0] = 0;
	ck_assert_int_lt(apply(cg, "{\"unified\":{\"../x\":\"1\"}}"), 0);
	ck_assert_ptr_nonnull(strstr(g_e.text, "unified"));
	g_e.text[0] = 0;
	ck_assert_int_eq(apply(cg, "{}"), 0);
	cgroup_destroy(cg);
}
END_TEST

START_TEST(limits_v2)
{
	static const char *const files[] = {
		"memory.max", "memory.swap.max", "memory.low", "cpu.weight", "cpu.max",
		"pids.max",   "cpuset.cpus",	 "io.weight",  "io.max",     "hugetlb.2MB.max"};
	struct cgroup *cg;
	char name[128];

	put("proc/self/mountinfo", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 none rw\n");
	put("proc/self/cgroup", "0::/\n");
	for (size_t i = 0; i < array_size(files); i++) {
		snprintf(name, sizeof(name), "sys/fs/cgroup/p/k/%s", files[i]);
		put(name, "");
	}
	put("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
	put("sys/fs/cgroup/cgroup.subtree_control", "");
	put("sys/fs/cgroup/p/cgroup.subtree_control", "");
	cg = locate("/p/k", false);
	ck_assert_int_eq(cgroup_create(cg, &g_e), 0);
	ck_assert_str_eq(get("sys/fs/cgroup/p/cgroup.subtree_control"), "+pids");
	ck_assert_msg(apply(cg, "{\"memory\":{\"limit\":1048576,\"swap\":3145728,"
				"\"reservation\":4096},\"cpu\":{\"shares\":1024,\"quota\":50000},"
				"\"pids\":{\"limit\":9},\"blockIO\":{\"weight\":100,"
				"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":7}]},"
				"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":5}],"
				"\"unified\":{\"cpuset.cpus\":\"0\"}}") == 0,
		      "%s", g_e.text);
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/memory.max"), "1048576");
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/memory.swap.max"), "2097152");
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/cpu.weight"), "39");
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/cpu.max"), "50000 100000");
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/io.weight"), "default 910");
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/io.max"), "8:0 rbps=7");
	ck_assert_str_eq(get("sys/fs/cgroup/p/k/cpuset.cpus"), "0");
	ck_assert_uint_eq(cgroup_memory_limit(cg), 1048576);
	ck_assert_uint_eq(cgroup_cpu_limit(cg), 1);
	g_e.text[0] = 0;
	ck_assert_int_lt(apply(cg, "{\"memory\":{\"limit\":2,\"swap\":1}}"), 0);
	cgroup_destroy(cg);
}
END_TEST

START_TEST(paths_are_cleaned)
{
	static const char *const pairs[][2] = {
		{"", ""},	 {"/", "/"},	     {"a", "a"},
		{"a/b/", "a/b"}, {"/..", "/"},	     {"..", ""},
		{"a/../..", ""}, {"a/../b", "b"},    {"/a/./b/..", "/a"},
		{"//a", "/a"},	 {"../a/../b", "b"}, {"/a/../../b", "/b"},
	};

	for (size_t i = 0; i < array_size(pairs); i++) {
		char *got = cgpath_clean(pairs[i][0]);

		ck_assert_str_eq(got, pairs[i][1]);
		free(got);
	}
}
END_TEST

/* On the host itself, when it is v1 and we are root. */
START_TEST(real_v1)
{
	struct cgroup_options o = {.id = "bulkhead-unit-test"};
	struct cgroup *cg = NULL;
	size_t count = 0;
	pid_t pid, *pids;
	int status;

	if (geteuid() != 0 || access("/sys/fs/cgroup/pids/pids.max", F_OK) == 0 ||
	    access("/sys/fs/cgroup/pids/cgroup.procs", W_OK) < 0)
		return;
	ck_assert_msg(cgroup_locate(&o, &cg, &g_e) == 0, "%s", g_e.text);
	ck_assert_msg(cgroup_create(cg, &g_e) == 0, "%s", g_e.text);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	ck_assert_msg(cgroup_enter(cg, pid, &g_e) == 0, "%s", g_e.text);
	ck_assert_msg(apply(cg, "{\"pids\":{\"limit\":5},\"memory\":{\"limit\":67108864},"
				"\"cpu\":{\"quota\":50000,\"period\":100000},"
				"\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}") == 0,
		      "%s", g_e.text);
	ck_assert_int_eq(cgroup_pids(cg, &pids, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(pids[0], pid);
	free(pids);
	ck_assert_uint_eq(cgroup_memory_limit(cg), 67108864);
	ck_assert_uint_eq(cgroup_cpu_limit(cg), 1);
	ck_assert_msg(cgroup_freeze(cg, true, &g_e) == 0, "%s", g_e.text);
	ck_assert(cgroup_is_frozen(cg));
	ck_assert_int_eq(cgroup_freeze(cg, false, &g_e), 0);
	ck_assert(!cgroup_is_frozen(cg));
	ck_assert_int_eq(cgroup_kill(cg, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_msg(cgroup_remove(cg, &g_e) == 0, "%s", g_e.text);
	ck_assert(!cgroup_exists(cg));
	cgroup_destroy(cg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cgroup");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, places_v1);
	tcase_add_test(t, the_top_is_refused);
	tcase_add_test(t, places_v2);
	tcase_add_test(t, limits_v1);
	tcase_add_test(t, limits_that_cannot_be);
	tcase_add_test(t, limits_v2);
	tcase_add_test(t, paths_are_cleaned);
	tcase_add_test(t, real_v1);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
