/* SPDX-License-Identifier: Apache-2.0 */
/* rename.c - rename, link, symlink, unlink, mkdir, rmdir, mknod: rules and refusals */
#include "tests/lib/guest.h"

#include <sys/sysmacros.h>

static ino_t ino(const char *p)
{
	struct stat st;

	return lstat(p, &st) == 0 ? st.st_ino : 0;
}

static nlink_t links(const char *p)
{
	struct stat st;

	return stat(p, &st) == 0 ? st.st_nlink : 0;
}

static void test_rename(void)
{
	CASE("file over file keeps the inode; the open target lives on")
	{
		char b[8] = "";

		MUST(write_file("a", "A"));
		MUST(write_file("b", "B"));
		ino_t i = ino("a");
		int fd = MUST(open("b", O_RDONLY));

		CHECK_EQ(rename("a", "b"), 0);
		CHECK_EQ(ino("b"), i);
		CHECK_EQ(ino("a"), 0);
		CHECK_EQ(read(fd, b, 8), 1);
		CHECK_STR(b, "B");
		close(fd);
	}
	CASE("two names of one file: nothing happens")
	{
		MUST(link("b", "b2"));
		CHECK_EQ(rename("b", "b2"), 0);
		CHECK(ino("b") && ino("b2"));
		CHECK_EQ(rename("b", "b"), 0);
	}
	CASE("directories: empty target replaced, full ENOTEMPTY, kinds must match, not into "
	     "itself")
	{
		MUST(mkdir("d", 0755));
		MUST(mkdir("e", 0755));
		MUST(write_file("d/f", "x"));
		CHECK_EQ(rename("d", "e"), 0);
		CHECK_EQ(access("e/f", F_OK), 0);
		MUST(mkdir("d", 0755));
		CHECK_ERRNO(rename("d", "e"), ENOTEMPTY);
		CHECK_ERRNO(rename("b", "d"), EISDIR);
		CHECK_ERRNO(rename("d", "b"), ENOTDIR);
		MUST(mkdir("e/sub", 0755));
		CHECK_ERRNO(rename("e", "e/sub/x"), EINVAL);
		CHECK_ERRNO(rename("e", "e/sub"), EINVAL);
		CHECK_ERRNO(rename("e/sub", "e"), ENOTEMPTY);
		CHECK_ERRNO(rename("b", "new/"), ENOTDIR);
		CHECK_EQ(rename("d", "new/"), 0);
		CHECK_ERRNO(rename(".", "x"), EBUSY);
		CHECK_ERRNO(rename("new/..", "x"), EBUSY);
		CHECK_ERRNO(rename("none", "x"), ENOENT);
		CHECK_ERRNO(rename("b", "none/x"), ENOENT);
	}
	CASE("a moved directory has a new parent")
	{
		char cwd[4096], want[5000];

		MUST(mkdir("m1", 0755));
		MUST(mkdir("m2", 0755));
		MUST(mkdir("m1/x", 0755));
		MUST(chdir("m1/x"));
		MUST(rename("../x", "../../m2/y"));
		snprintf(want, sizeof(want), "%s/m2/y", g_dir);
		CHECK_STR(getcwd(cwd, sizeof(cwd)), want);
		CHECK_EQ(access("../../m2/y", F_OK), 0);
		CHECK_EQ(ino(".."), ino("../../m2"));
		MUST(chdir(g_dir));
		CHECK_EQ(links("m1"), 2);
		CHECK_EQ(links("m2"), 3);
	}
}

static void test_flags(void)
{
	CASE("symbolic links are renamed themselves")
	{
		MUST(symlink("b", "s"));
		CHECK_EQ(rename("s", "s2"), 0);
		char b[8];

		CHECK_EQ(readlink("s2", b, 8), 1);
		MUST(write_file("plain", "x"));
		CHECK_EQ(rename("plain", "s2"), 0);
		CHECK_EQ(access("b", F_OK), 0);
		CHECK_ERRNO(readlink("s2", b, 8), EINVAL);
	}
	CASE("RENAME_NOREPLACE, RENAME_EXCHANGE, unknown flags")
	{
		MUST(write_file("x", "X"));
		MUST(mkdir("y", 0755));
		ino_t ix = ino("x"), iy = ino("y");

		CHECK_ERRNO(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_NOREPLACE), EEXIST);
		CHECK_EQ(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_EXCHANGE), 0);
		CHECK_EQ(ino("x"), iy);
		CHECK_EQ(ino("y"), ix);
		CHECK_ERRNO(renameat2(AT_FDCWD, "x", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
		CHECK_EQ(renameat2(AT_FDCWD, "y", AT_FDCWD, "z", RENAME_NOREPLACE), 0);
		CHECK_ERRNO(renameat2(AT_FDCWD, "x", AT_FDCWD, "z", 0x80), EINVAL);
		CHECK_ERRNO(
			renameat2(AT_FDCWD, "x", AT_FDCWD, "z", RENAME_NOREPLACE | RENAME_EXCHANGE),
			EINVAL);
	}
	CASE("sticky directory: only owners may rename or remove")
	{
		NEED_ROOT();
		MUST(mkdir("st", 0777));
		MUST(chmod("st", 01777));
		MUST(chmod(".", 0755));
		MUST(write_file("st/root", "x"));
		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711)); MUST(write_file("st/mine", "x"));
				CHECK_ERRNO(unlink("st/root"), EPERM);
				CHECK_ERRNO(rename("st/root", "st/r"), EPERM);
				CHECK_ERRNO(rename("st/mine", "st/root"), EPERM);
				CHECK_EQ(rename("st/mine", "st/m"), 0);
				CHECK_EQ(unlink("st/m"), 0)),
			   0);
	}
}

static void test_link(void)
{
	CASE("hard links: count, same inode, not for directories, not over names")
	{
		MUST(write_file("h", "x"));
		CHECK_EQ(link("h", "h2"), 0);
		CHECK_EQ(links("h"), 2);
		CHECK_EQ(ino("h"), ino("h2"));
		CHECK_ERRNO(link("h", "h2"), EEXIST);
		CHECK_ERRNO(link("y", "h3"), ENOENT);
		MUST(mkdir("hd", 0755));
		CHECK_ERRNO(link("hd", "hd2"), EPERM);
		CHECK_EQ(unlink("h"), 0);
		CHECK_EQ(links("h2"), 1);
	}
	CASE("linkat: symlinks as such, or followed; flags; empty path")
	{
		struct stat st;

		MUST(symlink("h2", "hs"));
		CHECK_EQ(linkat(AT_FDCWD, "hs", AT_FDCWD, "hs2", 0), 0);
		lstat("hs2", &st);
		CHECK(S_ISLNK(st.st_mode));
		CHECK_EQ(linkat(AT_FDCWD, "hs", AT_FDCWD, "hf", AT_SYMLINK_FOLLOW), 0);
		CHECK_EQ(ino("hf"), ino("h2"));
		CHECK_ERRNO(linkat(AT_FDCWD, "h2", AT_FDCWD, "q", 1), EINVAL);
		CHECK_ERRNO(linkat(AT_FDCWD, "", AT_FDCWD, "q", 0), ENOENT);
	}
	CASE("symlink: any text but the empty one; readlink cuts without terminator")
	{
		char b[8] = "zzzzzzz", big[4200];

		CHECK_EQ(symlink("/no/such/place", "sl"), 0);
		CHECK_EQ(readlink("sl", b, 4), 4);
		CHECK_STR(b, "/no/zzz");
		CHECK_ERRNO(symlink("x", "sl"), EEXIST);
		CHECK_ERRNO(symlink("", "se"), ENOENT);
		memset(big, 'x', 4199);
		big[4096] = 0;
		CHECK_ERRNO(symlink(big, "sb"), ENAMETOOLONG);
		CHECK_ERRNO(readlink("h2", b, 4), EINVAL);
		CHECK_ERRNO(readlink("sl", b, 0), EINVAL);
		CHECK_ERRNO(readlink("none", b, 4), ENOENT);
	}
}

static void test_remove(void)
{
	CASE("unlink and rmdir and their wrong objects")
	{
		MUST(mkdir("rd", 0755));
		MUST(write_file("rf", "x"));
		CHECK_ERRNO(unlink("rd"), EISDIR);
		CHECK_ERRNO(rmdir("rf"), ENOTDIR);
		CHECK_ERRNO(unlink("rf/"), ENOTDIR);
		CHECK_ERRNO(rmdir("rd/."), EINVAL);
		CHECK_ERRNO(rmdir("rd/.."), ENOTEMPTY);
		CHECK_ERRNO(rmdir("/"), EBUSY);
		MUST(write_file("rd/x", "x"));
		CHECK_ERRNO(rmdir("rd"), ENOTEMPTY);
		MUST(unlink("rd/x"));
		CHECK_EQ(rmdir("rd/"), 0);
		CHECK_ERRNO(unlinkat(AT_FDCWD, "rf", 0x100), EINVAL);
		CHECK_ERRNO(unlinkat(AT_FDCWD, "rf", AT_REMOVEDIR), ENOTDIR);
		CHECK_EQ(unlinkat(AT_FDCWD, "rf", 0), 0);
		CHECK_ERRNO(unlink("rf"), ENOENT);
		CHECK_ERRNO(unlink(""), ENOENT);
	}
	CASE("mkdir: umask, existing, trailing slash, link count, set-group-id inherited")
	{
		struct stat st;

		umask(077);
		CHECK_EQ(mkdir("md", 0777), 0);
		umask(022);
		stat("md", &st);
		CHECK_EQ(st.st_mode & 07777, 0700);
		CHECK_ERRNO(mkdir("md", 0777), EEXIST);
		CHECK_ERRNO(mkdir("h2", 0777), EEXIST);
		CHECK_ERRNO(mkdir("none/x", 0777), ENOENT);
		CHECK_EQ(mkdir("md/sub/", 0777), 0);
		CHECK_EQ(links("md"), 3);
		MUST(chmod("md", 02755));
		MUST(mkdir("md/g", 0755));
		stat("md/g", &st);
		CHECK(st.st_mode & S_ISGID);
	}
	CASE("a removed working directory: getcwd and creating give ENOENT, .. too")
	{
		char b[4096];

		MUST(mkdir("wd", 0755));
		MUST(chdir("wd"));
		MUST(rmdir("../wd"));
		CHECK_ERRNO(syscall(SYS_getcwd, b, sizeof(b)), ENOENT);
		CHECK_ERRNO(open("x", O_RDWR | O_CREAT, 0600), ENOENT);
		CHECK_ERRNO(mkdir("x", 0700), ENOENT);
		int fd = MUST(open(".", O_RDONLY));

		close(fd);
		MUST(chdir(g_dir));
	}
	CASE("mknod: regular files and fifos for all, devices for root")
	{
		struct stat st;

		CHECK_EQ(mknod("nf", S_IFREG | 0600, 0), 0);
		CHECK_EQ(mknod("np", S_IFIFO | 0600, 0), 0);
		CHECK_EQ(mknod("ns", S_IFSOCK | 0600, 0), 0);
		stat("np", &st);
		CHECK(S_ISFIFO(st.st_mode));
		stat("ns", &st);
		CHECK(S_ISSOCK(st.st_mode));
		CHECK_ERRNO(mknod("nf", S_IFREG | 0600, 0), EEXIST);
		CHECK_ERRNO(mknod("nd", S_IFDIR | 0700, 0), EPERM);
		CHECK_ERRNO(mknod("nx", 0170000 | 0700, 0), EINVAL);
		if (geteuid() != 0)
			CHECK_ERRNO(mknod("nc", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	}
	CASE("chdir, fchdir, getcwd")
	{
		char b[4096];
		int fd = MUST(open("h2", O_RDONLY)), d = MUST(open("md", O_RDONLY));

		CHECK_ERRNO(chdir("h2"), ENOTDIR);
		CHECK_ERRNO(chdir("none"), ENOENT);
		CHECK_ERRNO(fchdir(fd), ENOTDIR);
		CHECK_EQ(fchdir(d), 0);
		CHECK_ERRNO(syscall(SYS_getcwd, b, 3), ERANGE);
		CHECK_EQ(syscall(SYS_getcwd, b, sizeof(b)), strlen(g_dir) + 3 + 1);
		CHECK_ERRNO(syscall(SYS_getcwd, BAD_PTR, 4096), EFAULT);
		MUST(chdir(g_dir));
		close(fd);
		close(d);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_rename();
	test_flags();
	test_link();
	test_remove();
	return test_end();
}
