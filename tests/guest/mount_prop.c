/* SPDX-License-Identifier: Apache-2.0 */
/* mount_prop.c - shared, slave, private and unbindable mounts (mount_namespaces(7)) */
#include "tests/lib/guest.h"

#include <sys/mount.h>

static bool enter(void)
{
	char text[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return false;
		write_file("/proc/self/setgroups", "deny");
		snprintf(text, sizeof(text), "0 %u 1", uid);
		if (write_file("/proc/self/uid_map", text))
			return false;
		snprintf(text, sizeof(text), "0 %u 1", gid);
		write_file("/proc/self/gid_map", text);
	} else if (unshare(CLONE_NEWNS)) {
		return false;
	}
	return mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* The optional fields of the mount at @name in the working directory: "" for a private one. */
static const char *fields(const char *name)
{
	static char out[128], buf[65536];
	char cwd[4096], want[4200], at[4200];
	const char *line;

	MUST(getcwd(cwd, sizeof(cwd)) != NULL);
	snprintf(want, sizeof(want), "%s/%s", cwd, name);
	strcpy(out, "none");
	CHECK(read_file("/proc/self/mountinfo", buf, sizeof(buf)) > 0);
	for (line = buf; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		int n = 0;

		if (sscanf(line, "%*d %*d %*s %*s %4199s %*s %n", at, &n) != 1 || strcmp(at, want))
			continue;
		snprintf(out, sizeof(out), "%.*s", (int)(strstr(line + n, "- ") - (line + n)),
			 line + n);
	}
	return out;
}

static bool mounted(const char *name)
{
	return strcmp(fields(name), "none") != 0;
}

static void tmpfs(const char *name)
{
	mkdir(name, 0755);
	MUST(mount("t", name, "tmpfs", 0, "size=64k"));
}

static void bind(const char *from, const char *to)
{
	mkdir(to, 0755);
	MUST(mount(from, to, NULL, MS_BIND, NULL));
}

static void type(const char *name, unsigned long flags)
{
	MUST(mount("", name, NULL, flags, NULL));
}

static void clean(void)
{
	static const char *const names[] = {"b/x", "a/x", "c/x", "d", "c", "b", "a"};

	for (size_t i = 0; i < COUNT(names); i++) {
		while (umount2(names[i], MNT_DETACH) == 0)
			;
		rmdir(names[i]);
	}
}

static void test_basic(void)
{
	int a, b;

	CASE("a shared mount and its copy are peers, and hear of each other")
	{
		tmpfs("a");
		CHECK_STR(fields("a"), "");
		type("a", MS_SHARED);
		CHECK_EQ(sscanf(fields("a"), "shared:%d", &a), 1);
		bind("a", "b");
		CHECK_EQ(sscanf(fields("b"), "shared:%d", &b), 1);
		CHECK_EQ(a, b);
		tmpfs("a/x");
		CHECK(mounted("b/x"));
		CHECK_EQ(sscanf(fields("a/x"), "shared:%d", &a), 1);
		CHECK_EQ(sscanf(fields("b/x"), "shared:%d", &b), 1);
		CHECK_EQ(a, b);
		CHECK_EQ(write_file("b/x/f", "x"), 0);
		CHECK_EQ(access("a/x/f", F_OK), 0);
		CHECK_EQ(umount("b/x"), 0);
		CHECK(!mounted("a/x"));
		clean();
	}
	CASE("a slave hears of its master, not the other way")
	{
		tmpfs("a");
		type("a", MS_SHARED);
		bind("a", "b");
		type("b", MS_SLAVE);
		CHECK_EQ(sscanf(fields("a"), "shared:%d", &a), 1);
		CHECK_EQ(sscanf(fields("b"), "master:%d", &b), 1);
		CHECK_EQ(a, b);
		tmpfs("a/x");
		CHECK(mounted("b/x"));
		CHECK_EQ(strncmp(fields("b/x"), "master:", 7), 0);
		CHECK_EQ(umount("a/x"), 0);
		CHECK(!mounted("b/x"));
		tmpfs("b/x");
		CHECK(!mounted("a/x"));
		clean();
	}
	CASE("a slave that is shared passes it on")
	{
		tmpfs("a");
		type("a", MS_SHARED);
		bind("a", "b");
		type("b", MS_SLAVE);
		type("b", MS_SHARED);
		bind("b", "c");
		CHECK_EQ(sscanf(fields("c"), "shared:%d master:%d", &a, &b), 2);
		CHECK(a != b);
		tmpfs("a/x");
		CHECK(mounted("b/x") && mounted("c/x"));
		CHECK_EQ(umount("a/x"), 0);
		CHECK(!mounted("b/x") && !mounted("c/x"));
		tmpfs("c/x");
		CHECK(mounted("b/x") && !mounted("a/x"));
		clean();
	}
	CASE("private and unbindable mounts hear nothing")
	{
		tmpfs("a");
		type("a", MS_SHARED);
		bind("a", "b");
		type("b", MS_PRIVATE);
		CHECK_STR(fields("b"), "");
		tmpfs("a/x");
		CHECK(!mounted("b/x"));
		type("b", MS_UNBINDABLE);
		CHECK_STR(fields("b"), "unbindable ");
		mkdir("d", 0755);
		CHECK_ERRNO(mount("b", "d", NULL, MS_BIND, NULL), EINVAL);
		clean();
	}
	CASE("what masters lose, their slaves lose with a master")
	{
		tmpfs("a");
		type("a", MS_SHARED);
		bind("a", "b");
		type("b", MS_SLAVE);
		type("a", MS_PRIVATE);
		CHECK_STR(fields("b"), "");
		tmpfs("a/x");
		CHECK(!mounted("b/x"));
		clean();
	}
	CASE("a mount below a shared one may not be moved; a bind of the whole tree to a part of "
	     "it ends")
	{
		tmpfs("a");
		type("a", MS_SHARED);
		tmpfs("a/x");
		mkdir("d", 0755);
		CHECK_ERRNO(mount("a/x", "d", NULL, MS_MOVE, NULL), EINVAL);
		umount("a/x");
		CHECK_EQ(mount("a", "a/x", NULL, MS_BIND | MS_REC, NULL), 0);
		CHECK(mounted("a/x") && !mounted("a/x/x"));
		clean();
	}
}

static void test_namespaces(void)
{
	CASE("a copy of the namespace is a peer")
	{
		int gate[2], back[2];
		char c;

		MUST(pipe(gate));
		MUST(pipe(back));
		tmpfs("a");
		type("a", MS_SHARED);
		mkdir("a/x", 0755);
		pid_t p = FORK(MUST(unshare(CLONE_NEWNS)); MUST(write(back[1], "x", 1));
			       MUST(read(gate[0], &c, 1)); CHECK(mounted("a/x"));
			       CHECK_EQ(umount("a/x"), 0));

		MUST(read(back[0], &c, 1));
		tmpfs("a/x");
		MUST(write(gate[1], "x", 1));
		CHECK_EXIT(p, 0);
		CHECK(!mounted("a/x"));
		clean();
		close(gate[0]), close(gate[1]), close(back[0]), close(back[1]);
	}
	CASE("one of another user namespace is a slave, and its mounts are locked")
	{
		int gate[2], back[2];
		char c;

		MUST(pipe(gate));
		MUST(pipe(back));
		tmpfs("a");
		type("a", MS_SHARED);
		tmpfs("b");
		MUST(mount("", "b", NULL, MS_BIND | MS_REMOUNT | MS_NOSUID | MS_RDONLY, NULL));
		mkdir("a/x", 0755);
		pid_t p = FORK(
			MUST(unshare(CLONE_NEWNS | CLONE_NEWUSER));
			CHECK_EQ(strncmp(fields("a"), "master:", 7), 0);
			CHECK_ERRNO(umount("b"), EINVAL);
			CHECK_ERRNO(mount("", "b", NULL, MS_BIND | MS_REMOUNT, NULL), EPERM);
			CHECK_EQ(mount("", "b", NULL,
				       MS_BIND | MS_REMOUNT | MS_NOSUID | MS_RDONLY | MS_NOEXEC,
				       NULL),
				 0);
			CHECK_ERRNO(mount("b", "a/x", NULL, MS_MOVE, NULL), EINVAL);
			CHECK_EQ(mount("t", "a/x", "tmpfs", 0, NULL), 0);
			CHECK_EQ(umount("a/x"), 0); MUST(write(back[1], "x", 1));
			MUST(read(gate[0], &c, 1)); CHECK(mounted("a/x")));

		MUST(read(back[0], &c, 1));
		tmpfs("a/x");
		MUST(write(gate[1], "x", 1));
		CHECK_EXIT(p, 0);
		CHECK(mounted("a/x"));
		clean();
		close(gate[0]), close(gate[1]), close(back[0]), close(back[1]);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	if (enter()) {
		test_basic();
		test_namespaces();
	}
	return test_end();
}
