/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - how names are resolved: dots, slashes, links on the way, deep trees, races with renames
 */
#include "tests/lib/guest.h"

#include <dirent.h>

static int same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static void test_forms(void)
{
	MUST(mkdir("d", 0755));
	MUST(mkdir("d/e", 0755));
	MUST(write_file("d/f", "x"));
	CASE("dots and slashes")
	{
		CHECK(same("d/f", "./d/./f") && same("d/f", "d//f") && same("d/f", "d/e/../f"));
		CHECK(same("d/f", "d/e/../../d/f") && same(".", "d/.."));
		CHECK(same("/", "/..") && same("/", "/../../.") && same("/", "//"));
		CHECK(same("d", "d/") && same("d", "d//") && same("d", "d/."));
		CHECK_ERRNO(access("d/f/", F_OK), ENOTDIR);
		CHECK_ERRNO(access("d/f/.", F_OK), ENOTDIR);
		CHECK_ERRNO(access("d/f/..", F_OK), ENOTDIR);
		CHECK_ERRNO(access("d/none/..", F_OK), ENOENT);
	}
	CASE("links on the way: relative to their own directory, absolute, to a directory with "
	     "slash")
	{
		char abs[5000];

		MUST(symlink("f", "d/l"));
		MUST(symlink("../f", "d/e/up"));
		snprintf(abs, sizeof(abs), "%s/d", g_dir);
		MUST(symlink(abs, "abs"));
		MUST(symlink("d", "ld"));
		MUST(symlink("ld/e", "le"));
		CHECK(same("d/f", "d/l") && same("d/f", "d/e/up") && same("d/f", "abs/f") &&
		      same("d/f", "ld/l"));
		CHECK(same("d/f", "le/up") && same("d", "le/.."));
		CHECK(same("d", "ld/") && same("d/e", "ld/e"));
		MUST(symlink("f/", "d/ls"));
		CHECK_ERRNO(access("d/ls", F_OK), ENOTDIR);
		MUST(symlink("none", "d/dangling"));
		CHECK_ERRNO(access("d/dangling", F_OK), ENOENT);
		CHECK_ERRNO(access("d/dangling/x", F_OK), ENOENT);
	}
	CASE("trailing slash on a link: follows for stat, mkdir, rmdir; lstat of link/ is the "
	     "directory")
	{
		struct stat st;

		CHECK_EQ(lstat("ld/", &st), 0);
		CHECK(S_ISDIR(st.st_mode));
		CHECK_ERRNO(rmdir("ld"), ENOTDIR);
		CHECK_ERRNO(rmdir("ld/"), ENOTDIR);
		CHECK_ERRNO(unlink("ld/"), ENOTDIR);
		CHECK_ERRNO(mkdir("ld/", 0755), EEXIST);
		CHECK_ERRNO(mkdir("d/dangling", 0755), EEXIST);
		char b[8];

		CHECK_ERRNO(readlink("ld/", b, 8), EINVAL);
	}
	CASE("names may hold anything but slash and zero")
	{
		const char *names[] = {" ",   "...", "\n",	 "\xff\xfe", "a\\b",
				       "-rf", "*",   "\xc3\xa9", "..a",	     "a."};
		int n = 0;

		MUST(mkdir("odd", 0755));
		MUST(chdir("odd"));
		for (unsigned i = 0; i < COUNT(names); i++)
			MUST(write_file(names[i], "x"));
		DIR *d = opendir(".");

		while (readdir(d))
			n++;
		closedir(d);
		CHECK_EQ(n, COUNT(names) + 2);
		for (unsigned i = 0; i < COUNT(names); i++)
			CHECK_EQ(unlink(names[i]), 0);
		MUST(chdir(".."));
		CHECK_EQ(rmdir("odd"), 0);
	}
}

static void test_deep(void)
{
	CASE("a tree 300 deep, longer than PATH_MAX: relative names work, getcwd is ENAMETOOLONG")
	{
		char name[] = "a-directory-name", b[8192];
		int depth = 0;

		while (depth < 300 && mkdir(name, 0755) == 0 && chdir(name) == 0)
			depth++;
		CHECK_EQ(depth, 300);
		CHECK_ERRNO(syscall(SYS_getcwd, b, 4096), ENAMETOOLONG);
		MUST(write_file("bottom", "x"));
		CHECK_EQ(access("bottom", F_OK), 0);
		CHECK_EQ(unlink("bottom"), 0);
		while (depth-- > 0) {
			MUST(chdir(".."));
			MUST(rmdir(name));
		}
		MUST(chdir(g_dir));
	}
	CASE("renames of a directory on the way, while others walk it: always one or the other")
	{
		MUST(mkdir("A", 0755));
		MUST(write_file("A/x", "1"));
		pid_t p = FORK(for (;;) {
			rename("A", "B");
			rename("B", "A");
		});
		int found = 0, bad = 0;

		for (int i = 0; i < 1000; i++) {
			int r = access(i & 1 ? "A/x" : "B/x", F_OK);

			found += r == 0;
			bad += r != 0 && errno != ENOENT;
		}
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EQ(bad, 0);
		CHECK(found > 0);
	}
	CASE("two processes create and remove the same name: exactly one wins each time")
	{
		int *wins =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pid_t p[3];

		for (int k = 0; k < 3; k++)
			p[k] = FORK(for (int i = 0; i < 150; i++) {
				char n[32];

				snprintf(n, sizeof(n), "race-%d", i);
				int fd = open(n, O_CREAT | O_EXCL | O_WRONLY, 0600);

				if (fd >= 0)
					__atomic_fetch_add(wins, 1, __ATOMIC_SEQ_CST);
				else if (errno != EEXIST)
					_exit(1);
				close(fd);
			});
		for (int k = 0; k < 3; k++)
			CHECK_EXIT(p[k], 0);
		CHECK_EQ(*wins, 150);
		munmap(wins, 4096);
	}
	CASE("a file seen, removed, made again: no stale answer, also negative ones")
	{
		for (int i = 0; i < 200; i++) {
			CHECK_ERRNO(access("flip", F_OK), ENOENT);
			MUST(write_file("flip", "x"));
			CHECK_EQ(access("flip", F_OK), 0);
			MUST(rename("flip", "flop"));
			CHECK_ERRNO(access("flip", F_OK), ENOENT);
			CHECK_EQ(unlink("flop"), 0);
			CHECK_ERRNO(access("flop", F_OK), ENOENT);
		}
	}
	CASE("a child's changes are seen by its parent at once, and the other way round")
	{
		CHECK_ERRNO(access("fromchild", F_OK), ENOENT);
		CHECK_EXIT(FORK(MUST(write_file("fromchild", "y")); MUST(mkdir("cd", 0755));
				MUST(chdir("cd"))),
			   0);
		CHECK_EQ(access("fromchild", F_OK), 0);
		MUST(unlink("fromchild"));
		CHECK_EXIT(FORK(CHECK_ERRNO(access("fromchild", F_OK), ENOENT); MUST(rmdir("cd"))),
			   0);
		CHECK_ERRNO(access("cd", F_OK), ENOENT);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_forms();
	test_deep();
	return test_end();
}
