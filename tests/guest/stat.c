/* SPDX-License-Identifier: Apache-2.0 */
/* stat.c - stat, statx, times, statfs, access, modes and owners, extended attributes */
#include "tests/lib/guest.h"

#include <linux/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

static void test_stat(void)
{
	struct stat st, st2;

	CASE("size, blocks, links, ids, mode of a new file; stat, lstat, fstat, fstatat agree")
	{
		MUST(write_file("f", "hello"));
		MUST(symlink("f", "l"));
		int fd = MUST(open("f", O_RDONLY));

		CHECK_EQ(stat("f", &st), 0);
		CHECK_EQ(st.st_size, 5);
		CHECK_EQ(st.st_nlink, 1);
		CHECK_EQ(st.st_uid, geteuid());
		CHECK_EQ(st.st_mode, S_IFREG | 0644);
		CHECK(st.st_blksize > 0 && st.st_ino != 0);
		CHECK_EQ(fstat(fd, &st2), 0);
		CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
		CHECK_EQ(lstat("l", &st2), 0);
		CHECK(S_ISLNK(st2.st_mode) && st2.st_size == 1);
		CHECK_EQ(stat("l", &st2), 0);
		CHECK_EQ(st2.st_ino, st.st_ino);
		CHECK_EQ(fstatat(fd, "", &st2, AT_EMPTY_PATH), 0);
		CHECK_EQ(st2.st_ino, st.st_ino);
		CHECK_ERRNO(fstatat(AT_FDCWD, "f", &st2, 0x4000000), EINVAL);
		CHECK_ERRNO(fstatat(AT_FDCWD, "", &st2, 0), ENOENT);
		CHECK_ERRNO(stat("f/x", &st2), ENOTDIR);
		CHECK_ERRNO(stat("none", &st2), ENOENT);
		CHECK_ERRNO(syscall(SYS_stat, "f", BAD_PTR), EFAULT);
		close(fd);
	}
	CASE("statx: mask, birth time or none, size; errors")
	{
		struct statx sx;

		memset(&sx, 0xff, sizeof(sx));
		CHECK_EQ(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &sx), 0);
		CHECK((sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
		CHECK_EQ(sx.stx_size, 5);
		CHECK_EQ(sx.stx_ino, st.st_ino);
		CHECK_EQ(makedev(sx.stx_dev_major, sx.stx_dev_minor), st.st_dev);
		CHECK_EQ(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx), 0);
		CHECK(S_ISLNK(sx.stx_mode));
		CHECK_ERRNO(statx(AT_FDCWD, "f", 0x800000, 0, &sx), EINVAL);
		CHECK_ERRNO(statx(AT_FDCWD, "f", 0, 0x80000000u, &sx), EINVAL);
		CHECK_ERRNO(statx(AT_FDCWD, "f", 0, STATX_SIZE, BAD_PTR), EFAULT);
	}
	CASE("devices carry their numbers")
	{
		CHECK_EQ(stat("/dev/null", &st), 0);
		CHECK(S_ISCHR(st.st_mode));
		CHECK_EQ(st.st_rdev, makedev(1, 3));
		CHECK_EQ(stat("/dev/zero", &st), 0);
		CHECK_EQ(st.st_rdev, makedev(1, 5));
	}
	CASE("statfs and statvfs of the tree, /proc and /dev/shm")
	{
		struct statfs sf;
		struct statvfs sv;

		CHECK_EQ(statfs(".", &sf), 0);
		CHECK(sf.f_bsize > 0 && sf.f_namelen == 255 && sf.f_type != 0 &&
		      sf.f_blocks >= sf.f_bfree);
		CHECK_EQ(statvfs(".", &sv), 0);
		CHECK_EQ(statfs("/proc", &sf), 0);
		CHECK_EQ(sf.f_type, 0x9fa0);
		CHECK_EQ(statfs("/dev/shm", &sf), 0);
		CHECK_EQ(sf.f_type, 0x01021994);
		CHECK_ERRNO(statfs("none", &sf), ENOENT);
		CHECK_ERRNO(fstatfs(999, &sf), EBADF);
	}
}

static long long ns(struct timespec t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void test_times(void)
{
	struct stat a, b;

	CASE("write changes mtime and ctime, chmod ctime only, creating an entry the directory's "
	     "mtime")
	{
		MUST(mkdir("td", 0755));
		MUST(write_file("t", "1"));
		stat("t", &a);
		stat("td", &b);
		sleep_ms(15);
		int fd = MUST(open("t", O_WRONLY | O_APPEND));
		struct stat c;

		CHECK_EQ(write(fd, "2", 1), 1);
		close(fd);
		stat("t", &c);
		CHECK(ns(c.st_mtim) > ns(a.st_mtim) && ns(c.st_ctim) > ns(a.st_ctim));
		sleep_ms(15);
		MUST(chmod("t", 0600));
		stat("t", &a);
		CHECK(ns(a.st_mtim) == ns(c.st_mtim) && ns(a.st_ctim) > ns(c.st_ctim));
		MUST(write_file("td/x", ""));
		stat("td", &c);
		CHECK(ns(c.st_mtim) > ns(b.st_mtim));
	}
	CASE("utimensat: exact values, UTIME_NOW, UTIME_OMIT, symlinks, descriptor, errors")
	{
		struct timespec ts[2] = {{1000000000, 123456789}, {1234567890, 987654321}};

		CHECK_EQ(utimensat(AT_FDCWD, "t", ts, 0), 0);
		stat("t", &a);
		CHECK(a.st_atim.tv_sec == 1000000000 && a.st_atim.tv_nsec == 123456789);
		CHECK(a.st_mtim.tv_sec == 1234567890 && a.st_mtim.tv_nsec == 987654321);
		ts[0].tv_nsec = UTIME_OMIT;
		ts[1].tv_nsec = UTIME_NOW;
		CHECK_EQ(utimensat(AT_FDCWD, "t", ts, 0), 0);
		stat("t", &b);
		CHECK_EQ(ns(b.st_atim), ns(a.st_atim));
		CHECK(b.st_mtim.tv_sec > 1700000000);
		ts[0] = ts[1] = (struct timespec){77, 0};
		MUST(symlink("t", "tl"));
		CHECK_EQ(utimensat(AT_FDCWD, "tl", ts, AT_SYMLINK_NOFOLLOW), 0);
		lstat("tl", &a);
		CHECK_EQ(a.st_mtim.tv_sec, 77);
		stat("t", &a);
		CHECK(a.st_mtim.tv_sec > 1700000000);
		int fd = MUST(open("t", O_RDONLY));

		CHECK_EQ(futimens(fd, ts), 0);
		fstat(fd, &a);
		CHECK_EQ(a.st_mtim.tv_sec, 77);
		close(fd);
		ts[0].tv_nsec = 1000000000;
		CHECK_ERRNO(utimensat(AT_FDCWD, "t", ts, 0), EINVAL);
		CHECK_ERRNO(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
		CHECK_ERRNO(utimensat(AT_FDCWD, "t", NULL, 0x8000), EINVAL);
	}
	CASE("rights: NULL needs writing or owning, values need owning")
	{
		NEED_ROOT();
		struct timespec ts[2] = {{1, 0}, {1, 0}};

		MUST(chmod("t", 0666));
		MUST(chmod(".", 0755));
		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711));
				CHECK_EQ(utimensat(AT_FDCWD, "t", NULL, 0), 0);
				CHECK_ERRNO(utimensat(AT_FDCWD, "t", ts, 0), EPERM)),
			   0);
		MUST(chmod("t", 0644));
		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(utimensat(AT_FDCWD, "t", NULL, 0), EACCES)),
			   0);
	}
}

static mode_t mode_of(const char *p)
{
	struct stat st;

	return stat(p, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void test_rights(void)
{
	CASE("chmod and fchmod set twelve bits; fchmodat flags; owner only")
	{
		MUST(write_file("m", "x"));
		MUST(chmod("m", 07777));
		CHECK_EQ(mode_of("m"), 07777);
		int fd = MUST(open("m", O_RDONLY));

		MUST(fchmod(fd, 0123456));
		CHECK_EQ(mode_of("m"), 0123456 & 07777);
		close(fd);
		MUST(chmod("m", 0644));
		CHECK_ERRNO(syscall(SYS_fchmodat, AT_FDCWD, "none", 0644), ENOENT);
		CHECK_ERRNO(fchmod(999, 0), EBADF);
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(chmod("/etc/passwd", 0600), EPERM)),
			   0);
	}
	CASE("writing and chown strip set-user-id, and set-group-id with group x")
	{
		NEED_ROOT();
		MUST(chmod(".", 0777));
		MUST(chmod("m", 06777));
		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711));
				int fd = MUST(open("m", O_WRONLY)); CHECK_EQ(write(fd, "x", 1), 1)),
			   0);
		CHECK_EQ(mode_of("m"), 0777);
		MUST(chmod("m", 06777));
		MUST(chown("m", 1, 1));
		CHECK_EQ(mode_of("m"), 0777);
		MUST(chmod("m", 02644));
		CHECK_EXIT(FORK(MUST(setresuid(1, 1, 1)); MUST(chown("m", -1, -1))), 0);
		MUST(chmod("m", 06644));
		MUST(truncate("m", 0));
		MUST(chmod(".", 0755));
	}
	CASE("chown: root sets anything, -1 keeps; users change the group to one of theirs only")
	{
		NEED_ROOT();
		struct stat st;

		MUST(chown("m", 100, 200));
		stat("m", &st);
		CHECK(st.st_uid == 100 && st.st_gid == 200);
		MUST(chown("m", -1, 300));
		stat("m", &st);
		CHECK(st.st_uid == 100 && st.st_gid == 300);
		MUST(lchown("l", 7, 7));
		lstat("l", &st);
		CHECK_EQ(st.st_uid, 7);
		gid_t extra = 555;

		CHECK_EXIT(FORK(MUST(syscall(SYS_setgroups, 1, &extra));
				MUST(setresgid(300, 300, 300)); MUST(setresuid(100, 100, 100));
				CHECK_ERRNO(chown("m", 101, -1), EPERM);
				CHECK_ERRNO(chown("m", -1, 999), EPERM);
				CHECK_EQ(chown("m", -1, 555), 0);
				CHECK_EQ(chown("m", 100, 300), 0)),
			   0);
	}
	CASE("access uses real ids, faccessat2 AT_EACCESS effective ones; root needs an x bit")
	{
		CHECK_EQ(access("m", F_OK), 0);
		CHECK_ERRNO(access("none", F_OK), ENOENT);
		CHECK_ERRNO(access("m", 8), EINVAL);
		MUST(write_file("ax", "x"));
		MUST(chmod("ax", 0600));
		CHECK_ERRNO(access("ax", X_OK), EACCES);
		CHECK_EQ(access("ax", R_OK | W_OK), 0);
		CHECK_ERRNO(faccessat(AT_FDCWD, "ax", F_OK, 0x4000), EINVAL);
		CHECK_EQ(syscall(439 /* faccessat2 */, AT_FDCWD, "ax", R_OK, AT_EACCESS), 0);
		if (geteuid() != 0)
			SKIP("the rest needs root");
		MUST(chmod(".", 0755));
		CHECK_EXIT(FORK(MUST(setresuid(4711, 0, 0));
				CHECK_ERRNO(access("ax", R_OK), EACCES);
				CHECK_EQ(syscall(439, AT_FDCWD, "ax", R_OK, AT_EACCESS), 0)),
			   0);
		CHECK_EXIT(
			FORK(MUST(setresuid(0, 4711, 0)); CHECK_EQ(access("ax", R_OK), 0);
			     CHECK_ERRNO(syscall(439, AT_FDCWD, "ax", R_OK, AT_EACCESS), EACCES)),
			0);
	}
	CASE("umask is masked to nine bits and inherited")
	{
		umask(0777777);
		CHECK_EQ(umask(022), 0777);
	}
}

static void test_xattr(void)
{
	char b[256];

	CASE("user attributes: set, get, list, remove, create, replace")
	{
		MUST(write_file("xa", "x"));
		if (setxattr("xa", "user.one", "value", 5, 0) != 0 && errno == EOPNOTSUPP)
			SKIP("no user attributes here");
		CHECK_EQ(getxattr("xa", "user.one", b, sizeof(b)), 5);
		CHECK(memcmp(b, "value", 5) == 0);
		CHECK_EQ(getxattr("xa", "user.one", NULL, 0), 5);
		CHECK_ERRNO(getxattr("xa", "user.one", b, 3), ERANGE);
		CHECK_ERRNO(getxattr("xa", "user.none", b, 3), ENODATA);
		CHECK_ERRNO(setxattr("xa", "user.one", "v", 1, XATTR_CREATE), EEXIST);
		CHECK_ERRNO(setxattr("xa", "user.two", "v", 1, XATTR_REPLACE), ENODATA);
		CHECK_EQ(setxattr("xa", "user.two", "", 0, XATTR_CREATE), 0);
		ssize_t n = listxattr("xa", b, sizeof(b));

		CHECK(n >= 18);
		CHECK(memmem(b, (size_t)n, "user.one", 9) && memmem(b, (size_t)n, "user.two", 9));
		CHECK_ERRNO(listxattr("xa", b, 5), ERANGE);
		CHECK_EQ(removexattr("xa", "user.two"), 0);
		CHECK_ERRNO(removexattr("xa", "user.two"), ENODATA);
	}
	CASE("errors: namespaces, names, sizes, symlinks")
	{
		char name[300], *big = calloc(1, 65537);

		memset(name, 'n', 299);
		memcpy(name, "user.", 5);
		name[256] = 0;
		CHECK_ERRNO(setxattr("xa", name, "v", 1, 0), ERANGE);
		CHECK_ERRNO(setxattr("xa", "", "v", 1, 0), ERANGE);
		CHECK_ERRNO(setxattr("xa", "bogus.x", "v", 1, 0), EOPNOTSUPP);
		CHECK_ERRNO(setxattr("xa", "user.x", big, 65537, 0), E2BIG);
		CHECK_ERRNO(setxattr("xa", "user.x", "v", 1, 8), EINVAL);
		CHECK_ERRNO(lsetxattr("l", "user.x", "v", 1, 0), EPERM);
		CHECK_ERRNO(getxattr("none", "user.x", b, 1), ENOENT);
		free(big);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_stat();
	test_times();
	test_rights();
	test_xattr();
	return test_end();
}
