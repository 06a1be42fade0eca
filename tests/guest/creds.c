/* SPDX-License-Identifier: Apache-2.0 */
/* creds.c - user and group ids, supplementary groups, capabilities, keepcaps, no_new_privs,
 * set-user-id programs */
#include "tests/lib/guest.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* True when the ids are exactly these. */
static int uids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	return getresuid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}

static int gids(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;

	return getresgid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}

static uint64_t caps(char which)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	syscall(SYS_capget, &h, d);
	if (which == 'e')
		return d[0].effective | (uint64_t)d[1].effective << 32;
	if (which == 'p')
		return d[0].permitted | (uint64_t)d[1].permitted << 32;
	return d[0].inheritable | (uint64_t)d[1].inheritable << 32;
}

static int set_caps(uint64_t e, uint64_t p, uint64_t i)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {
		{(uint32_t)e, (uint32_t)p, (uint32_t)i},
		{(uint32_t)(e >> 32), (uint32_t)(p >> 32), (uint32_t)(i >> 32)},
	};

	return (int)syscall(SYS_capset, &h, d);
}

#define BIT(c) (1ull << (c))

static void test_root(void)
{
	CASE("setuid of root sets all three and drops the capabilities")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(CHECK_EQ(setuid(1000), 0); CHECK(uids(1000, 1000, 1000));
				CHECK_EQ(caps('e') | caps('p'), 0); CHECK_ERRNO(setuid(0), EPERM);
				CHECK_ERRNO(seteuid(0), EPERM)),
			   0);
	}
	CASE("seteuid drops the effective set only, and gets it back")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(uint64_t all = caps('p'); CHECK_EQ(seteuid(1000), 0);
				CHECK(uids(0, 1000, 0)); CHECK_EQ(caps('e'), 0);
				CHECK_EQ(caps('p'), all); CHECK_EQ(seteuid(0), 0);
				CHECK_EQ(caps('e'), all)),
			   0);
	}
	CASE("setreuid and setresuid rules; -1 keeps; saved id follows setreuid")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(CHECK_EQ(setresuid(1, 2, 3), 0); CHECK(uids(1, 2, 3));
				CHECK_EQ(setresuid(-1, 1, -1), 0); CHECK(uids(1, 1, 3));
				CHECK_EQ(setresuid(3, -1, 1), 0); CHECK(uids(3, 1, 1));
				CHECK_ERRNO(setresuid(9, -1, -1), EPERM);
				CHECK_ERRNO(setresuid(-1, -1, 0), EPERM)),
			   0);
		CHECK_EXIT(FORK(CHECK_EQ(setreuid(1, 2), 0); CHECK(uids(1, 2, 2));
				CHECK_EQ(setreuid(2, 1), 0); CHECK(uids(2, 1, 1))),
			   0);
	}
	CASE("group ids: the same rules, capabilities untouched")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(CHECK_EQ(setresgid(1, 2, 3), 0); CHECK(gids(1, 2, 3));
				CHECK(caps('e') != 0); CHECK_EQ(setgid(9), 0); CHECK(gids(9, 9, 9));
				CHECK_EQ(setregid(4, 5), 0); CHECK(gids(4, 5, 5));
				MUST(setresuid(1, 1, 1)); CHECK_ERRNO(setgid(0), EPERM);
				CHECK_EQ(setgid(4), 0); CHECK(gids(4, 4, 5))),
			   0);
	}
	CASE("fsuid and fsgid follow, and can differ")
	{
		NEED_ROOT();
		MUST(write_file("secret", "x"));
		MUST(chmod("secret", 0600));
		MUST(chmod(".", 0755));
		CHECK_EXIT(FORK(CHECK_EQ(setfsuid(4711), 0); CHECK_EQ(setfsuid(-1), 4711);
				CHECK_ERRNO(open("secret", O_RDONLY), EACCES);
				CHECK_EQ(setfsuid(0), 4711); CHECK(open("secret", O_RDONLY) >= 0);
				CHECK_EQ(setfsgid(5), 0); CHECK_EQ(setfsgid(-1), 5)),
			   0);
	}
	CASE("setgroups and getgroups; membership gives access")
	{
		NEED_ROOT();
		MUST(chown("secret", 0, 777));
		MUST(chmod("secret", 0640));
		CHECK_EXIT(FORK(gid_t g[3] = {777, 5, 6}; gid_t got[8];
				CHECK_EQ(setgroups(3, g), 0); CHECK_EQ(getgroups(0, NULL), 3);
				CHECK_EQ(getgroups(8, got), 3);
				CHECK_ERRNO(getgroups(2, got), EINVAL);
				MUST(setresuid(4711, 4711, 4711));
				CHECK(open("secret", O_RDONLY) >= 0);
				CHECK_ERRNO(open("secret", O_RDWR), EACCES);
				CHECK_ERRNO(setgroups(0, NULL), EPERM)),
			   0);
		CHECK_EXIT(FORK(CHECK_EQ(setgroups(0, NULL), 0); MUST(setresgid(4711, 4711, 4711));
				MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(open("secret", O_RDONLY), EACCES);
				CHECK_ERRNO(setgroups(-1, NULL), EPERM)),
			   0);
	}
}

static void test_user(void)
{
	CASE("an ordinary user can set only what he has")
	{
		CHECK_EXIT(FORK(if (geteuid() == 0) {
				   MUST(setgroups(0, NULL));
				   MUST(setresgid(55, 55, 55));
				   MUST(setresuid(55, 55, 55));
			   } uid_t u = getuid();
				CHECK_ERRNO(setuid(u + 1), EPERM); CHECK_EQ(setuid(u), 0);
				CHECK_ERRNO(setreuid(-1, 0), EPERM);
				CHECK_EQ(setresuid(u, u, u), 0);
				CHECK_ERRNO(setgid(getgid() + 1), EPERM); gid_t g = 5;
				CHECK_ERRNO(setgroups(1, &g), EPERM)),
			   0);
	}
	CASE("bad pointers")
	{
		CHECK_ERRNO(syscall(SYS_getresuid, BAD_PTR, BAD_PTR, BAD_PTR), EFAULT);
		CHECK_ERRNO(syscall(SYS_setuid, -1), EINVAL);
		CHECK_ERRNO(syscall(SYS_getgroups, -1, NULL), EINVAL);
	}
}

static void test_caps(void)
{
	CASE("capset only lowers; effective within permitted")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(uint64_t keep = BIT(CAP_CHOWN) | BIT(CAP_KILL);
				CHECK_EQ(set_caps(keep, keep, 0), 0); CHECK_EQ(caps('p'), keep);
				CHECK_ERRNO(set_caps(keep, keep | BIT(CAP_SETUID), 0), EPERM);
				CHECK_ERRNO(set_caps(BIT(CAP_SETUID), keep, 0), EPERM);
				CHECK_ERRNO(setresuid(5, 5, 5), EPERM);
				CHECK_EQ(set_caps(0, keep, 0), 0); CHECK_EQ(caps('e'), 0);
				CHECK_EQ(set_caps(keep, keep, keep), 0); CHECK_EQ(caps('i'), keep)),
			   0);
	}
	CASE("capget and capset: versions, other pids, bad data")
	{
		struct __user_cap_header_struct h = {0x1234, 0};
		struct __user_cap_data_struct d[2];

		CHECK_ERRNO(syscall(SYS_capget, &h, d), EINVAL);
		CHECK_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
		h.pid = -1;
		CHECK_ERRNO(syscall(SYS_capget, &h, d), EINVAL);
		h.pid = 0x3fffff;
		CHECK_ERRNO(syscall(SYS_capget, &h, d), ESRCH);
		CHECK_ERRNO(syscall(SYS_capget, BAD_PTR, d), EFAULT);
	}
	CASE("PR_SET_KEEPCAPS keeps the permitted set over setuid")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(uint64_t all = caps('p'); CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
				CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1); MUST(setresuid(5, 5, 5));
				CHECK_EQ(caps('p'), all); CHECK_EQ(caps('e'), 0);
				CHECK_EQ(set_caps(all, all, 0), 0);
				CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL)),
			   0);
	}
	CASE("bounding set: read, drop, gone for good")
	{
		CHECK_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
		if (geteuid() != 0)
			SKIP("dropping needs root");
		CHECK_EXIT(FORK(CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 1);
				CHECK_EQ(prctl(PR_CAPBSET_DROP, CAP_CHOWN), 0);
				CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 0);
				execl("/bin/sh", "sh", "-c",
				      "touch ./bs && ! chown 1 ./bs 2>/dev/null", NULL)),
			   0);
	}
	CASE("ambient set needs permitted and inheritable, survives exec of a user")
	{
		NEED_ROOT();
		CHECK_EXIT(
			FORK(CHECK_ERRNO(
				     prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0),
				     EPERM);
			     MUST(prctl(PR_SET_KEEPCAPS, 1)); MUST(setresuid(5, 5, 5));
			     uint64_t c = BIT(CAP_CHOWN); MUST(set_caps(c, c, c));
			     CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0),
				      0);
			     CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0),
				      1);
			     execl("/bin/grep", "grep", "-q", "^CapEff:.0*1$", "/proc/self/status",
				   NULL)),
			0);
	}
	CASE("securebits need CAP_SETPCAP; NOROOT makes exec of root powerless")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(CHECK_EQ(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), 0);
				CHECK_EQ(prctl(PR_GET_SECUREBITS), SECBIT_NOROOT);
				execl("/bin/grep", "grep", "-q", "^CapEff:.0*$",
				      "/proc/self/status", NULL)),
			   0);
	}
}

static void copy_self(const char *to, mode_t mode)
{
	char buf[65536];
	int in = MUST(open(g_self, O_RDONLY)),
	    out = MUST(open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755));
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
	MUST(chmod(to, mode));
}

static void test_exec(void)
{
	CASE("no_new_privs: sticks, inherited, cannot be cleared, shown in status")
	{
		CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
		CHECK_EXIT(FORK(CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
				CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
				CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
				execl("/bin/grep", "grep", "-q", "^NoNewPrivs:.1$",
				      "/proc/self/status", NULL)),
			   0);
	}
	CASE("a set-user-id program runs as its owner, not with no_new_privs")
	{
		NEED_ROOT();
		struct stat st;

		MUST(chmod(".", 0755));
		copy_self("suid", 04755);
		MUST(chown("suid", 222, 333));
		MUST(chmod("suid", 06755));
		stat("suid", &st);
		pid_t p = FORK(MUST(setresgid(7, 7, 7)); MUST(setresuid(7, 7, 7));
			       execl("./suid", "x", "ids", NULL));
		int status = wait_status(p);

		if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
			SKIP("set-user-id programs are not honoured here");
		CHECK_EQ(status, 0);
		CHECK_EXIT(FORK(MUST(setresgid(7, 7, 7)); MUST(setresuid(7, 7, 7));
				MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
				execl("./suid", "x", "ids", NULL)),
			   3);
	}
	CASE("exec as root gains all of the bounding set; as a user loses the lot")
	{
		NEED_ROOT();
		CHECK_EXIT(FORK(MUST(set_caps(0, 0, 0));
				execl("/bin/grep", "grep", "-q", "^CapEff:.0*$",
				      "/proc/self/status", NULL)),
			   1);
		CHECK_EXIT(FORK(MUST(prctl(PR_SET_KEEPCAPS, 1)); MUST(setresuid(5, 5, 5));
				execl("/bin/grep", "grep", "-q", "^CapPrm:.0*$",
				      "/proc/self/status", NULL)),
			   0);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return uids(7, 222, 222) && gids(7, 333, 333) ? 0 : uids(7, 7, 7) ? 3 : 1;
	test_begin(argc, argv);
	test_root();
	test_user();
	test_caps();
	test_exec();
	return test_end();
}
