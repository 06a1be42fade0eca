/* libs: gofer_proto */
/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_landlock.c - the rights that a gofer's rule set grants, and, where the host has Landlock,
 * what they do */
#include <check.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gofer/server_internal.h"

#define VERSIONS 8

START_TEST(handled)
{
	ck_assert_uint_eq(landlock_handled(-1), 0);
	ck_assert_uint_eq(landlock_handled(1), 0);
	ck_assert_uint_eq(landlock_handled(2), (1u << 14) - 1);
	ck_assert_uint_eq(landlock_handled(3), (1u << 15) - 1);
	ck_assert_uint_eq(landlock_handled(4), (1u << 15) - 1);
	for (long v = 5; v < VERSIONS; v++)
		ck_assert_uint_eq(landlock_handled(v), (1u << 16) - 1);
}
END_TEST

START_TEST(rights)
{
	const u64 file = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | 1u << 14;
	const u64 read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

	for (long v = 2; v < VERSIONS; v++) {
		u64 all = landlock_handled(v);

		for (int i = 0; i < 4; i++) {
			u64 r = landlock_rights(all, i & 1, i & 2);

			ck_assert_uint_ne(r, 0); /* the host refuses empty rules */
			ck_assert_uint_eq(r & ~all, 0);
			ck_assert_uint_eq(r & LANDLOCK_ACCESS_FS_EXECUTE, 0);
			ck_assert_uint_eq(r & 1u << 15, 0);
			if (i & 1)
				ck_assert_uint_eq(r & ~read, 0);
			if (!(i & 2))
				ck_assert_uint_eq(r & ~file, 0);
		}
		/* a tree that may be changed: everything but programs and devices */
		ck_assert_uint_eq(landlock_rights(all, false, true), all & ~(1u << 15) & ~1u);
	}
}
END_TEST

/* In a child: what may be opened, with a tree to change, one to read, and one file. */
static int confined(const char *dir)
{
	struct gofer_tree trees[3];
	char name[3][128];
	int fd;

	for (int i = 0; i < 3; i++) {
		snprintf(name[i], sizeof(name[i]), "%s/%d", dir, i);
		trees[i] =
			(struct gofer_tree){.root_fd = open(name[i], O_PATH), .readonly = i == 1};
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_confine(trees, 3) < 0)
		return 1;
	fd = openat(trees[0].root_fd, "new", O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || mkdirat(trees[0].root_fd, "d", 0700) < 0 ||
	    renameat(trees[0].root_fd, "new", trees[0].root_fd, "d/moved") < 0)
		return 2;
	if (openat(trees[1].root_fd, ".", O_RDONLY) < 0 ||
	    openat(trees[1].root_fd, "new", O_CREAT | O_WRONLY, 0600) >= 0 || errno != EACCES)
		return 3;
	if (open(name[2], O_RDWR) < 0)
		return 4;
	if (open(dir, O_RDONLY) >= 0 || errno != EACCES || open("/etc/passwd", O_RDONLY) >= 0)
		return 5;
	return 0;
}

START_TEST(effect)
{
	char dir[] = "/tmp/gofer-landlock-XXXXXX", cmd[128];
	int status;
	pid_t pid;

	if (landlock_handled(syscall(SYS_landlock_create_ruleset, NULL, 0, 1)) == 0)
		return; /* not on this host */
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "cd %s && mkdir 0 1 && touch 2", dir);
	ck_assert_int_eq(system(cmd), 0);
	pid = fork();
	if (pid == 0)
		_exit(confined(dir));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gofer_landlock");
	TCase *tc = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(tc, handled);
	tcase_add_test(tc, rights);
	tcase_add_test(tc, effect);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
