/* SPDX-License-Identifier: Apache-2.0 */
/* ns_user.c - user namespaces: ids, maps, capabilities (user_namespaces(7)) */
#include "tests/lib/guest.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#ifndef NS_GET_USERNS
#define NS_GET_USERNS	 _IO(0xb7, 1)
#define NS_GET_PARENT	 _IO(0xb7, 2)
#define NS_GET_NSTYPE	 _IO(0xb7, 3)
#define NS_GET_OWNER_UID _IO(0xb7, 4)
#endif

static uid_t g_uid;
static gid_t g_gid;

static bool can_unshare(int flags)
{
	pid_t p = fork();

	if (p == 0)
		_exit(unshare(flags) ? 1 : 0);
	return wait_status(p) == 0;
}

static uint64_t effective(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];

	MUST(syscall(SYS_capget, &h, d));
	return d[0].effective | (uint64_t)d[1].effective << 32;
}

/* One write(2): 0 or errno. */
static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY), err;

	if (fd < 0)
		return errno;
	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int map_ids(void)
{
	char text[64];

	if (put("/proc/self/setgroups", "deny"))
		return 1;
	snprintf(text, sizeof(text), "0 %u 1", g_uid);
	if (put("/proc/self/uid_map", text))
		return 2;
	snprintf(text, sizeof(text), "0 %u 1\n", g_gid);
	return put("/proc/self/gid_map", text) ? 3 : 0;
}

/* Root needs CAP_SETFCAP to map itself. */
static bool can_map(void)
{
	pid_t p = fork();

	if (p == 0)
		_exit(unshare(CLONE_NEWUSER) || map_ids() ? 1 : 0);
	return wait_status(p) == 0;
}

static void test_entering(void)
{
	CASE("without a map all ids are the overflow id, and all capabilities are there")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(getuid(), 65534);
				CHECK_EQ(getegid(), 65534);
				CHECK_EQ(effective() & 0x3fffffffff, 0x3fffffffff);
				CHECK_ERRNO(setuid(0), EINVAL)),
			   0);
	}
	CASE("a map of the own id")
	{
		char buf[128];

		CHECK_EXIT(
			FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(map_ids(), 0);
			     CHECK_EQ(getuid(), 0); CHECK_EQ(geteuid(), 0); CHECK_EQ(getgid(), 0);
			     read_file("/proc/self/uid_map", buf, sizeof(buf)); unsigned in, out, n;
			     CHECK_EQ(sscanf(buf, "%u %u %u", &in, &out, &n), 3); CHECK_EQ(in, 0);
			     CHECK_EQ(out, g_uid); CHECK_EQ(n, 1);
			     CHECK_EQ(put("/proc/self/uid_map", "0 0 1"), EPERM);
			     CHECK_ERRNO(setgroups(0, NULL), EPERM); CHECK_EQ(setuid(0), 0);
			     CHECK_ERRNO(setuid(5), EINVAL)),
			0);
	}
	CASE("clone makes one, and the parent writes its map")
	{
		int gate[2], go[2];
		char c, file[64], text[64];
		pid_t p;

		MUST(pipe(gate));
		MUST(pipe(go));
		p = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
		if (p == 0) {
			write(gate[1], "x", 1);
			read(go[0], &c, 1);
			_exit(getuid() == 7 && geteuid() == 7 ? 0 : 1);
		}
		CHECK(p > 0);
		CHECK_EQ(read(gate[0], &c, 1), 1);
		snprintf(file, sizeof(file), "/proc/%d/uid_map", p);
		snprintf(text, sizeof(text), "7 %u 1", g_uid);
		CHECK_EQ(put(file, text), 0);
		write(go[1], "x", 1);
		CHECK_EXIT(p, 0);
		for (int i = 0; i < 2; i++)
			close(gate[i]), close(go[i]);
	}
	CASE("not with a shared root directory, nor for a thread")
	{
		CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0),
			    EINVAL);
		CHECK_ERRNO(syscall(SYS_clone,
				    CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0,
				    0, 0),
			    EINVAL);
	}
}

static void test_maps(void)
{
	CASE("what a map may say")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER));
				CHECK_EQ(put("/proc/self/uid_map", "\n"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "x"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "0 0"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "0 0 0"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "0 0 1 1"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "0 0 5\n4 9 1\n"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "0 0 5\n9 4 1\n"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "4294967295 0 1"), EINVAL);
				CHECK_EQ(put("/proc/self/uid_map", "1 1 4294967295"), EINVAL)),
			   0);
	}
	CASE("gid_map of an ordinary user needs setgroups denied")
	{
		char text[64];

		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER));
				snprintf(text, sizeof(text), "0 %u 1", g_gid);
				CHECK_EQ(put("/proc/self/gid_map", text), EPERM);
				CHECK_EQ(put("/proc/self/setgroups", "nonsense"), EINVAL);
				CHECK_EQ(put("/proc/self/setgroups", "no"), EINVAL);
				CHECK_EQ(put("/proc/self/setgroups", "deny"), 0);
				CHECK_EQ(put("/proc/self/setgroups", "allow"), EPERM);
				CHECK_EQ(put("/proc/self/gid_map", text), 0);
				CHECK_EQ(put("/proc/self/setgroups", "deny"), EPERM)),
			   0);
	}
	CASE("another id than the own one needs a capability outside")
	{
		char text[64];

		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER));
				snprintf(text, sizeof(text), "0 %u 1", g_uid + 1);
				CHECK_EQ(put("/proc/self/uid_map", text), EPERM)),
			   0);
	}
	CASE("files of others belong to the overflow id")
	{
		struct stat st;

		CHECK_EXIT(FORK(MUST(write_file("mine", "")); MUST(unshare(CLONE_NEWUSER));
				CHECK_EQ(map_ids(), 0); MUST(stat("mine", &st));
				CHECK_EQ(st.st_uid, 0); CHECK_EQ(st.st_gid, 0);

				CHECK_ERRNO(chown("mine", 5, 5), EINVAL);
				CHECK_EQ(chown("mine", 0, 0), 0)),
			   0);
		unlink("mine");
	}
}

static void test_capabilities(void)
{
	struct utsname u;

	CASE("they do not reach what belongs to the parent")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(map_ids(), 0);
				CHECK_ERRNO(sethostname("x", 1), EPERM);
				CHECK_ERRNO(mount("t", "/", "tmpfs", 0, NULL), EPERM)),
			   0);
	}
	CASE("they do reach what was made with it")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
				CHECK_EQ(sethostname("inner", 5), 0); uname(&u);
				CHECK_STR(u.nodename, "inner")),
			   0);
		uname(&u);
		CHECK(strcmp(u.nodename, "inner") != 0);
	}
	CASE("and a mount namespace")
	{
		struct stat st;

		mkdir("mnt", 0755);
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS)); CHECK_EQ(map_ids(), 0);
				CHECK_EQ(mount("t", "mnt", "tmpfs", 0, "size=64k"), 0);
				CHECK_EQ(write_file("mnt/f", "x"), 0); MUST(stat("mnt/f", &st));
				CHECK_EQ(st.st_uid, 0); MUST(stat("mnt", &st));
				CHECK_EQ(st.st_uid, 0); CHECK_EQ(umount("mnt"), 0)),
			   0);
		CHECK_EQ(rmdir("mnt"), 0);
	}
	CASE("a child namespace of the namespace")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(map_ids(), 0);
				MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(getuid(), 65534);
				CHECK_EQ(put("/proc/self/uid_map", "3 0 1"), 0);
				CHECK_EQ(getuid(), 3)),
			   0);
	}
	CASE("exec as root of the namespace keeps them, as another user it does not")
	{
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(map_ids(), 0);
				execl(g_self, g_self, "caps", "all", NULL); _exit(9)),
			   0);
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER));
				execl(g_self, g_self, "caps", "none", NULL); _exit(9)),
			   0);
	}
}

static int ns_fd(const char *name)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/self/ns/%s", name);
	return (int)MUST(open(file, O_RDONLY | O_CLOEXEC));
}

static void test_files(void)
{
	CASE("what a namespace's file tells")
	{
		struct stat a, b;
		char link[64] = {0}, want[64];
		int fd = ns_fd("user");

		CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUSER);
		MUST(fstat(fd, &a));
		MUST(readlink("/proc/self/ns/user", link, sizeof(link) - 1));
		snprintf(want, sizeof(want), "user:[%lu]", (unsigned long)a.st_ino);
		CHECK_STR(link, want);
		CHECK_ERRNO(ioctl(fd, 0x5401), ENOTTY);
		close(fd);
		fd = ns_fd("uts");
		CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWUTS);
		CHECK_ERRNO(ioctl(fd, NS_GET_PARENT), EINVAL);
		CHECK_ERRNO(ioctl(fd, NS_GET_OWNER_UID, &a), EINVAL);
		close(fd);
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER | CLONE_NEWUTS)); int u = ns_fd("uts");
				int owner = (int)MUST(ioctl(u, NS_GET_USERNS));
				int self = ns_fd("user"); uid_t uid = 1; MUST(fstat(owner, &a));
				MUST(fstat(self, &b)); CHECK_EQ(a.st_ino, b.st_ino);
				CHECK_EQ(ioctl(owner, NS_GET_OWNER_UID, &uid), 0);
				CHECK_EQ(uid, 65534);
				CHECK_ERRNO(ioctl(owner, NS_GET_PARENT), EPERM)),
			   0);
	}
	CASE("setns to the own user namespace is refused, to the parent too")
	{
		int fd = ns_fd("user");

		CHECK_ERRNO(setns(fd, CLONE_NEWUSER), EINVAL);
		CHECK_ERRNO(setns(fd, CLONE_NEWUTS), EINVAL);
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_ERRNO(setns(fd, 0), EPERM)), 0);
		CHECK_ERRNO(setns(-1, 0), EBADF);
		close(fd);
		fd = open("/dev/null", O_RDONLY);
		CHECK_ERRNO(setns(fd, 0), EINVAL);
		close(fd);
	}
	CASE("setns into a child's user namespace makes root of it")
	{
		int gate[2], stop[2], fd;
		char c, file[64];
		pid_t p;

		MUST(pipe(gate));
		MUST(pipe(stop));
		p = FORK(MUST(unshare(CLONE_NEWUSER)); map_ids(); write(gate[1], "x", 1);
			 close(stop[1]); read(stop[0], &c, 1));
		MUST(read(gate[0], &c, 1));
		snprintf(file, sizeof(file), "/proc/%d/ns/user", p);
		fd = (int)MUST(open(file, O_RDONLY));
		CHECK_EXIT(FORK(CHECK_EQ(setns(fd, CLONE_NEWUSER), 0); CHECK_EQ(getuid(), 0);
				CHECK_EQ(effective() & 0x3fffffffff, 0x3fffffffff)),
			   0);
		close(fd);
		close(stop[1]);
		CHECK_EXIT(p, 0);
		close(stop[0]), close(gate[0]), close(gate[1]);
	}
	CASE("limits")
	{
		char buf[64];

		CHECK(read_file("/proc/sys/user/max_user_namespaces", buf, sizeof(buf)) > 0);
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWUSER)); CHECK_EQ(map_ids(), 0);
				CHECK_EQ(put("/proc/sys/user/max_uts_namespaces", "1"), 0);
				CHECK_EQ(unshare(CLONE_NEWUTS), 0);
				pid_t p = FORK(CHECK_ERRNO(unshare(CLONE_NEWUTS), ENOSPC));
				CHECK_EXIT(p, 0)),
			   0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "caps") == 0) {
		uint64_t want = strcmp(argv[2], "all") ? 0 : 0x3fffffffff, have;
		struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct d[2];

		if (syscall(SYS_capget, &h, d))
			return 2;
		have = d[0].effective | (uint64_t)d[1].effective << 32;
		return (have & 0x3fffffffff) == want ? 0 : 1;
	}
	test_begin(argc, argv);
	g_uid = geteuid();
	g_gid = getegid();
	if (can_unshare(CLONE_NEWUSER) && can_map()) {
		test_entering();
		test_maps();
		test_capabilities();
		test_files();
	}
	return test_end();
}
