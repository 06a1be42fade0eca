/* SPDX-License-Identifier: Apache-2.0 */
/* open.c - open and openat: each flag and each refusal; openat2 with RESOLVE_*; O_TMPFILE, O_PATH
 */
#include "tests/lib/guest.h"

#include <linux/openat2.h>
#include <sys/xattr.h>

static int open2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static int closed(int fd)
{
	return fd < 0 ? fd : close(fd);
}

static void test_flags(void)
{
	struct stat st;
	char b[16];

	CASE("O_CREAT with mode and umask, O_EXCL, O_TRUNC, O_APPEND")
	{
		umask(027);
		CHECK_EQ(closed(open("a", O_RDWR | O_CREAT, 0666)), 0);
		umask(022);
		stat("a", &st);
		CHECK_EQ(st.st_mode & 07777, 0640);
		CHECK_ERRNO(open("a", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
		write_file("a", "12345");
		CHECK_EQ(closed(open("a", O_RDWR | O_CREAT, 0777)), 0);
		stat("a", &st);
		CHECK_EQ(st.st_size, 5);
		CHECK_EQ(st.st_mode & 07777, 0640);
		int fd = MUST(open("a", O_WRONLY | O_APPEND));

		CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
		CHECK_EQ(write(fd, "6", 1), 1);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
		CHECK_EQ(pwrite(fd, "7", 1, 0), 1);
		fstat(fd, &st);
		CHECK_EQ(st.st_size, 7);
		close(fd);
		CHECK_EQ(closed(open("a", O_WRONLY | O_TRUNC)), 0);
		stat("a", &st);
		CHECK_EQ(st.st_size, 0);
	}
	CASE("a file created read-only can be written by its creator's descriptor")
	{
		int fd = MUST(open("ro", O_RDWR | O_CREAT | O_EXCL, 0400));

		CHECK_EQ(write(fd, "x", 1), 1);
		close(fd);
		if (geteuid() != 0)
			CHECK_ERRNO(open("ro", O_WRONLY), EACCES);
	}
	CASE("O_DIRECTORY, O_NOFOLLOW, directories for writing")
	{
		MUST(mkdir("d", 0755));
		MUST(symlink("a", "la"));
		MUST(symlink("d", "ld"));
		CHECK_ERRNO(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
		CHECK_EQ(closed(open("d", O_RDONLY | O_DIRECTORY)), 0);
		CHECK_ERRNO(open("la", O_RDONLY | O_NOFOLLOW), ELOOP);
		CHECK_ERRNO(open("ld", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
		CHECK_EQ(closed(open("ld/.", O_RDONLY | O_NOFOLLOW)), 0);
		CHECK_ERRNO(open("d", O_WRONLY), EISDIR);
		CHECK_ERRNO(open("d", O_RDWR), EISDIR);
		CHECK_ERRNO(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
		CHECK_ERRNO(open("new/", O_RDWR | O_CREAT, 0600), EISDIR);
		CHECK_ERRNO(open("a/", O_RDONLY), ENOTDIR);
		CHECK_ERRNO(open("d", O_RDONLY | O_CREAT | O_DIRECTORY, 0600), EINVAL);
		int fd = MUST(open("d", O_RDONLY));

		CHECK_ERRNO(read(fd, b, 1), EISDIR);
		CHECK_ERRNO(write(fd, b, 1), EBADF);
		close(fd);
	}
	CASE("O_CREAT through a dangling link creates its target; O_EXCL does not follow")
	{
		MUST(symlink("target", "dang"));
		CHECK_ERRNO(open("dang", O_RDONLY), ENOENT);
		CHECK_ERRNO(open("dang", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
		CHECK_EQ(closed(open("dang", O_RDWR | O_CREAT, 0600)), 0);
		CHECK_EQ(access("target", F_OK), 0);
	}
	CASE("fcntl F_GETFL shows what was asked, F_SETFL changes only what it may")
	{
		int fd =
			MUST(open("a", O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600));

		CHECK_EQ(fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000,
			 O_RDWR | O_APPEND | O_NONBLOCK);
		CHECK_EQ(fcntl(fd, F_SETFL, O_RDONLY | O_TRUNC), 0);
		CHECK_EQ(fcntl(fd, F_GETFL) & ~0100000, O_RDWR);
		close(fd);
	}
	CASE("lowest descriptor; access mode 3; creat; EBADF by mode")
	{
		int a = MUST(open("a", O_RDONLY)), c = MUST(open("a", O_WRONLY));

		CHECK_EQ(c, a + 1);
		close(a);
		CHECK_EQ(open("a", O_RDONLY), a);
		CHECK_ERRNO(write(a, "x", 1), EBADF);
		CHECK_ERRNO(read(c, b, 1), EBADF);
		close(a);
		close(c);
		int fd = MUST(creat("cr", 0600));

		CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
		close(fd);
	}
}

static void test_refusals(void)
{
	char name[300], path[5000];

	CASE("names: too long, empty, missing, through a file, loops, bad pointer")
	{
		memset(name, 'n', 299);
		name[256] = 0;
		CHECK_ERRNO(open(name, O_RDONLY | O_CREAT, 0600), ENAMETOOLONG);
		name[255] = 0;
		CHECK_EQ(closed(open(name, O_RDWR | O_CREAT, 0600)), 0);
		memset(path, '/', 4999);
		path[4095] = 0;
		CHECK_EQ(closed(open(path, O_RDONLY)), 0);
		path[4095] = '/';
		path[4096] = 0;
		CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
		CHECK_ERRNO(open("", O_RDONLY), ENOENT);
		CHECK_ERRNO(open("none/x", O_RDWR | O_CREAT, 0600), ENOENT);
		CHECK_ERRNO(open("a/x", O_RDONLY), ENOTDIR);
		MUST(symlink("l1", "l2"));
		MUST(symlink("l2", "l1"));
		CHECK_ERRNO(open("l1", O_RDONLY), ELOOP);
		CHECK_ERRNO(open(BAD_PTR, O_RDONLY), EFAULT);
		CHECK_ERRNO(openat(999, "x", O_RDONLY), EBADF);
		int fd = MUST(open("a", O_RDONLY));

		CHECK_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
		CHECK_EQ(closed(openat(999, "/", O_RDONLY)), 0);
		close(fd);
	}
	CASE("40 links in a row work, 41 do not")
	{
		MUST(write_file("t0", "x"));
		MUST(symlink("t0", "k1"));
		for (int i = 2; i <= 41; i++) {
			char from[16], to[16];

			snprintf(from, sizeof(from), "k%d", i - 1);
			snprintf(to, sizeof(to), "k%d", i);
			MUST(symlink(from, to));
		}
		CHECK_EQ(closed(open("k40", O_RDONLY)), 0);
		CHECK_ERRNO(open("k41", O_RDONLY), ELOOP);
	}
	CASE("permissions: no r, no w, no x on the way")
	{
		MUST(mkdir("nox", 0755));
		MUST(write_file("nox/f", "x"));
		MUST(write_file("p", "x"));
		MUST(chmod("p", 0200));
		MUST(chmod("nox", 0644));
		MUST(chmod(".", 0755));
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(open("p", O_RDONLY), EACCES);
				CHECK_ERRNO(open("nox/f", O_RDONLY), EACCES);
				CHECK_ERRNO(open("nox/none", O_RDONLY), EACCES);
				if (getuid() == 4711)
					CHECK_ERRNO(open("q", O_WRONLY | O_CREAT, 0600), EACCES)),
			   0);
		MUST(chmod("nox", 0755));
	}
}

static void test_special(void)
{
	struct stat st;
	char b[16], path[64];

	CASE("O_PATH: names a file without opening it")
	{
		int fd = MUST(open("a", O_PATH)), dir = MUST(open("d", O_PATH | O_DIRECTORY));

		CHECK_ERRNO(read(fd, b, 1), EBADF);
		CHECK_ERRNO(write(fd, b, 1), EBADF);
		CHECK_ERRNO(fchmod(fd, 0600), EBADF);
		CHECK_ERRNO(ftruncate(fd, 0), EBADF);
		CHECK_ERRNO(fgetxattr(fd, "user.x", b, 1), EBADF);
		CHECK_EQ(fstat(fd, &st), 0);
		CHECK_EQ(closed(openat(dir, ".", O_RDONLY)), 0);
		CHECK_EQ(fchdir(dir), 0);
		CHECK_EQ(chdir(g_dir), 0);
		CHECK_EQ(fcntl(fd, F_GETFL), O_PATH);
		int l = MUST(open("la", O_PATH | O_NOFOLLOW));

		CHECK_EQ(fstat(l, &st), 0);
		CHECK(S_ISLNK(st.st_mode));
		CHECK_EQ(readlinkat(l, "", b, 16), 1);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		CHECK_EQ(closed(open(path, O_RDONLY)), 0);
		close(l);
		close(fd);
		close(dir);
	}
	CASE("O_TMPFILE: nameless, linkable by linkat; not with O_EXCL; needs writing")
	{
		int fd = open(".", O_RDWR | O_TMPFILE, 0640);

		if (fd < 0 && errno == EOPNOTSUPP)
			SKIP("file system without O_TMPFILE");
		CHECK_EQ(write(fd, "tmp", 3), 3);
		fstat(fd, &st);
		CHECK_EQ(st.st_nlink, 0);
		CHECK_EQ(st.st_mode & 0777, 0640);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		CHECK_EQ(linkat(AT_FDCWD, path, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW), 0);
		fstat(fd, &st);
		CHECK_EQ(st.st_nlink, 1);
		close(fd);
		CHECK_EQ(read_file("linked", b, sizeof(b)), 3);
		CHECK_ERRNO(open(".", O_RDONLY | O_TMPFILE, 0600), EINVAL);
		CHECK_ERRNO(open("a", O_RDWR | O_TMPFILE, 0600), ENOTDIR);
		fd = MUST(open(".", O_RDWR | O_TMPFILE | O_EXCL, 0600));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "linked2", AT_SYMLINK_FOLLOW), ENOENT);
		close(fd);
	}
	CASE("a deleted file lives on in its descriptor")
	{
		int fd = MUST(open("gone", O_RDWR | O_CREAT, 0600));

		CHECK_EQ(write(fd, "data", 4), 4);
		MUST(unlink("gone"));
		fstat(fd, &st);
		CHECK_EQ(st.st_nlink, 0);
		CHECK_EQ(pread(fd, b, 16, 0), 4);
		CHECK_EQ(write(fd, "more", 4), 4);
		MUST(write_file("gone", "other"));
		CHECK_EQ(pread(fd, b, 16, 0), 8);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		char link[4200];
		ssize_t n = readlink(path, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = 0;
		CHECK(strstr(link, "/gone (deleted)") != NULL);
		close(fd);
	}
	CASE("O_NOATIME belongs to the owner")
	{
		CHECK_EQ(closed(open("a", O_RDONLY | O_NOATIME)), 0);
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				MUST(chdir("/"));
				CHECK_ERRNO(open("/etc/passwd", O_RDONLY | O_NOATIME), EPERM)),
			   0);
	}
}

static void test_openat2(void)
{
	MUST(mkdir("root", 0755));
	MUST(mkdir("root/sub", 0755));
	MUST(write_file("root/f", "in"));
	MUST(symlink("../f", "root/sub/up"));
	MUST(symlink("/f", "root/abs"));
	MUST(symlink("../a", "root/out"));
	int d = MUST(open("root", O_RDONLY | O_DIRECTORY));

	CASE("RESOLVE_BENEATH: EXDEV for everything that leaves")
	{
		CHECK_EQ(closed(open2(d, "f", O_RDONLY, 0, RESOLVE_BENEATH)), 0);
		CHECK_EQ(closed(open2(d, "sub/../f", O_RDONLY, 0, RESOLVE_BENEATH)), 0);
		CHECK_EQ(closed(open2(d, "sub/up", O_RDONLY, 0, RESOLVE_BENEATH)), 0);
		CHECK_ERRNO(open2(d, "../a", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
		CHECK_ERRNO(open2(d, "out", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
		CHECK_ERRNO(open2(d, "abs", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
		CHECK_ERRNO(open2(d, "/f", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	}
	CASE("RESOLVE_IN_ROOT: the directory is the root")
	{
		CHECK_EQ(closed(open2(d, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT)), 0);
		CHECK_EQ(closed(open2(d, "abs", O_RDONLY, 0, RESOLVE_IN_ROOT)), 0);
		CHECK_EQ(closed(open2(d, "../../f", O_RDONLY, 0, RESOLVE_IN_ROOT)), 0);
		CHECK_ERRNO(open2(d, "out", O_RDONLY, 0, RESOLVE_IN_ROOT), ENOENT);
	}
	CASE("RESOLVE_NO_SYMLINKS, NO_MAGICLINKS, NO_XDEV")
	{
		CHECK_ERRNO(open2(d, "sub/up", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
		CHECK_EQ(closed(open2(d, "f", O_RDONLY, 0, RESOLVE_NO_SYMLINKS)), 0);
		CHECK_ERRNO(open2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS),
			    ELOOP);
		CHECK_ERRNO(open2(AT_FDCWD, "/proc/version", O_RDONLY, 0, RESOLVE_NO_XDEV), EXDEV);
	}
	CASE("the structure is checked")
	{
		struct open_how how = {.flags = O_RDONLY};
		char big[64] = {0};

		CHECK_ERRNO(open2(d, "f", O_RDONLY, 0600, 0), EINVAL);
		CHECK_ERRNO(open2(d, "f", 1ull << 40, 0, 0), EINVAL);
		CHECK_ERRNO(open2(d, "n", O_RDWR | O_CREAT, 010000, 0), EINVAL);
		CHECK_ERRNO(open2(d, "f", O_RDONLY, 0, 0x1000), EINVAL);
		CHECK_ERRNO(open2(d, "f", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
		CHECK_ERRNO(syscall(SYS_openat2, d, "f", &how, 8), EINVAL);
		CHECK_ERRNO(syscall(SYS_openat2, d, "f", BAD_PTR, sizeof(how)), EFAULT);
		CHECK_EQ(closed((int)syscall(SYS_openat2, d, "f", big, sizeof(big))), 0);
		big[50] = 1;
		CHECK_ERRNO(syscall(SYS_openat2, d, "f", big, sizeof(big)), E2BIG);
	}
	close(d);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_flags();
	test_refusals();
	test_special();
	test_openat2();
	return test_end();
}
