/* SPDX-License-Identifier: Apache-2.0 */
/* mount.c - mount namespaces, tmpfs, bind mounts, umount, chroot, pivot_root */
#include "tests/lib/guest.h"

#include <sys/mount.h>
#include <sys/statfs.h>

/* Runs the statements in a child with a private mount namespace. */
#define IN_NEW_NS(...)                                                                         \
	CHECK_EXIT(FORK(if (unshare(CLONE_NEWNS)) _exit(77);                                   \
			MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)); __VA_ARGS__), \
		   0)

static int exists(const char *p)
{
	return access(p, F_OK) == 0;
}

static int may_unshare(void)
{
	pid_t p = FORK(_exit(unshare(CLONE_NEWNS) ? 1 : 0));

	return wait_status(p) == 0;
}

static void test_mounts(void)
{
	CASE("tmpfs: empty, own device, hides, options, gone after umount")
	{
		MUST(mkdir("m", 0755));
		MUST(write_file("m/hidden", "x"));
		IN_NEW_NS(MUST(mount("none", "m", "tmpfs", 0, "size=1m,mode=0700")); struct stat a;
			  struct stat b; CHECK(!exists("m/hidden")); stat("m", &a); stat(".", &b);
			  CHECK(a.st_dev != b.st_dev); CHECK_EQ(a.st_mode & 0777, 0700);
			  MUST(write_file("m/in", "y")); struct statfs f;
			  CHECK_EQ(statfs("m", &f), 0); CHECK_EQ(f.f_type, 0x01021994);
			  CHECK_EQ(f.f_blocks * (unsigned long)f.f_bsize, 1 << 20);
			  CHECK_ERRNO(rename("m/in", "out"), EXDEV);
			  CHECK_ERRNO(link("m/in", "out"), EXDEV); CHECK_ERRNO(rmdir("m"), EBUSY);
			  char mounts[8192];
			  CHECK(read_file("/proc/self/mounts", mounts, sizeof(mounts)) > 0);
			  CHECK(strstr(mounts, "/m tmpfs rw") != NULL); CHECK_EQ(umount("m"), 0);
			  CHECK(exists("m/hidden")); CHECK_ERRNO(umount("m"), EINVAL));
		CHECK(exists("m/hidden"));
	}
	CASE("tmpfs size limit gives ENOSPC")
	{
		IN_NEW_NS(MUST(mount("none", "m", "tmpfs", 0, "size=64k"));
			  static char big[128 << 10];
			  int fd = MUST(open("m/f", O_RDWR | O_CREAT, 0600));
			  ssize_t n = write(fd, big, sizeof(big));
			  CHECK(n == 65536 || (n == -1 && errno == ENOSPC));
			  CHECK_ERRNO(write(fd, big, 4096), ENOSPC));
	}
	CASE("bind: the same tree at two places; a file over a file; read-only remount")
	{
		MUST(mkdir("src", 0755));
		MUST(mkdir("dst", 0755));
		MUST(write_file("src/a", "1"));
		MUST(write_file("plain", "p"));
		IN_NEW_NS(MUST(mount("src", "dst", NULL, MS_BIND, NULL)); CHECK(exists("dst/a"));
			  MUST(write_file("dst/b", "2")); CHECK(exists("src/b"));
			  MUST(mount("src/a", "plain", NULL, MS_BIND, NULL)); char t[8];
			  CHECK_EQ(read_file("plain", t, 8), 1); CHECK_EQ(t[0], '1');
			  MUST(mount(NULL, "dst", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
			  CHECK_ERRNO(open("dst/c", O_RDWR | O_CREAT, 0600), EROFS);
			  CHECK_ERRNO(unlink("dst/a"), EROFS);
			  CHECK_ERRNO(chmod("dst/a", 0600), EROFS);
			  CHECK_ERRNO(access("dst/a", W_OK), EROFS); MUST(write_file("src/c", "3"));
			  CHECK(exists("dst/c")); CHECK_EQ(umount("plain"), 0);
			  CHECK_EQ(umount("dst"), 0));
		unlink("src/b");
		unlink("src/c");
	}
	CASE("umount: busy, lazy, errors")
	{
		IN_NEW_NS(MUST(mount("none", "m", "tmpfs", 0, NULL));
			  int fd = MUST(open("m/f", O_RDWR | O_CREAT, 0600));
			  CHECK_ERRNO(umount("m"), EBUSY); CHECK_EQ(umount2("m", MNT_DETACH), 0);
			  CHECK(!exists("m/f")); CHECK_EQ(write(fd, "x", 1), 1); close(fd);
			  CHECK_ERRNO(umount2("m", 0x100), EINVAL);
			  CHECK_ERRNO(umount("none"), ENOENT);
			  CHECK_ERRNO(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
			  CHECK_ERRNO(mount("none", "nodir", "tmpfs", 0, NULL), ENOENT);
			  CHECK_ERRNO(mount("none", "plain", "tmpfs", 0, NULL), ENOTDIR);
			  CHECK_ERRNO(mount("src", "plain", NULL, MS_BIND, NULL), ENOTDIR);
			  CHECK_ERRNO(mount("none", "m", BAD_PTR, 0, NULL), EFAULT));
	}
	CASE("noexec and nosuid and nodev")
	{
		IN_NEW_NS(MUST(mount("none", "m", "tmpfs", MS_NOEXEC | MS_NODEV, NULL));
			  MUST(write_file("m/s", "#!/bin/sh\n")); MUST(chmod("m/s", 0755));
			  CHECK_ERRNO(execl("m/s", "s", NULL), EACCES);
			  CHECK_ERRNO(access("m/s", X_OK), EACCES));
	}
	CASE("the parent's namespace sees nothing; a user may not mount")
	{
		int gate[2];
		char c;

		MUST(pipe(gate));
		pid_t p =
			FORK(MUST(unshare(CLONE_NEWNS));
			     MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
			     MUST(mount("none", "m", "tmpfs", 0, NULL)); CHECK(!exists("m/hidden"));
			     CHECK_EQ(write(gate[1], "x", 1), 1); pause());

		CHECK_EQ(read(gate[0], &c, 1), 1);
		CHECK(exists("m/hidden"));
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		close(gate[0]);
		close(gate[1]);
		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
				CHECK_ERRNO(umount("/proc"), EPERM)),
			   0);
	}
}

static void test_roots(void)
{
	CASE("chroot: the directory is /, .. stays inside, the old cwd stays outside until left")
	{
		char b[4096];

		MUST(mkdir("jail", 0755));
		MUST(mkdir("jail/etc", 0755));
		MUST(write_file("jail/etc/marker", "in"));
		MUST(symlink("/etc/marker", "jail/link"));
		CHECK_EXIT(FORK(MUST(chroot("jail")); CHECK(exists("/etc/marker"));
				CHECK(exists("/link")); CHECK(exists("/../../etc/marker"));
				CHECK(!exists("/proc/self")); CHECK(exists("jail"));
				MUST(chdir("/")); CHECK_STR(getcwd(b, sizeof(b)), "/");
				MUST(chdir("..")); CHECK(exists("etc/marker"))),
			   0);
		CHECK_EXIT(FORK(MUST(setresuid(4711, 4711, 4711)); CHECK_ERRNO(chroot("/"), EPERM)),
			   0);
		CHECK_ERRNO(chroot("plain"), ENOTDIR);
		CHECK_ERRNO(chroot("none"), ENOENT);
	}
	CASE("a directory descriptor kept over chroot leads out; getcwd says unreachable")
	{
		char b[4096] = "";

		CHECK_EXIT(FORK(int d = MUST(open("/", O_RDONLY)); MUST(chroot("jail"));
				MUST(fchdir(d)); CHECK(exists("proc"));
				long n = syscall(SYS_getcwd, b, sizeof(b));
				CHECK(n > 0 && strncmp(b, "(unreachable)", 13) == 0)),
			   0);
	}
	CASE("pivot_root onto a tmpfs, the old root unmounted")
	{
		IN_NEW_NS(MUST(mount("none", "m", "tmpfs", 0, NULL)); MUST(mkdir("m/old", 0755));
			  MUST(chdir("m")); CHECK_EQ(syscall(SYS_pivot_root, ".", "old"), 0);
			  MUST(chdir("/")); CHECK(exists("/old/proc")); CHECK(!exists("/proc"));
			  CHECK_EQ(umount2("/old", MNT_DETACH), 0); CHECK(!exists("/old/proc")));
	}
	CASE("pivot_root onto itself stacked (as containers do)")
	{
		IN_NEW_NS(MUST(mount("none", "m", "tmpfs", 0, NULL));
			  MUST(write_file("m/here", "x")); MUST(chdir("m"));
			  CHECK_EQ(syscall(SYS_pivot_root, ".", "."), 0);
			  CHECK_EQ(umount2(".", MNT_DETACH), 0); MUST(chdir("/"));
			  CHECK(exists("/here")); CHECK(!exists("/proc")));
	}
	CASE("pivot_root errors: not a mount point, not a directory")
	{
		IN_NEW_NS(CHECK(syscall(SYS_pivot_root, "src", "src") == -1 &&
				(errno == EBUSY || errno == EINVAL));
			  CHECK_ERRNO(syscall(SYS_pivot_root, "plain", "src"), ENOTDIR);
			  CHECK_ERRNO(syscall(SYS_pivot_root, "none", "src"), ENOENT));
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	if (geteuid() == 0 && may_unshare()) {
		test_mounts();
		test_roots();
	} else {
		CASE("mount namespaces")
		{
			SKIP("needs root with CAP_SYS_ADMIN");
		}
	}
	return test_end();
}
