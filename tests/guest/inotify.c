/* SPDX-License-Identifier: Apache-2.0 */
/* inotify.c - events for files and directories, cookies, masks, removal, overflow of a buffer */
#include "tests/lib/guest.h"

#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int g_fd;
static char g_buf[8192] __attribute__((aligned(8)));
static long g_len, g_pos;

/* The next event, reading more when the buffer is empty; NULL when there is none. */
static struct inotify_event *next(void)
{
	if (g_pos >= g_len) {
		g_pos = 0;
		g_len = read(g_fd, g_buf, sizeof(g_buf));
		if (g_len <= 0) {
			g_len = 0;
			return NULL;
		}
	}
	struct inotify_event *e = (void *)(g_buf + g_pos);

	g_pos += (long)sizeof(*e) + e->len;
	return e;
}

static bool expect(int wd, uint32_t mask, const char *name)
{
	struct inotify_event *e = next();

	if (!e)
		return CHECK(e != NULL);
	if (e->wd != wd || e->mask != mask ||
	    (name ? strcmp(e->len ? e->name : "", name) : e->len != 0)) {
		dprintf(1, "     got wd %d mask 0x%x name %s, want wd %d mask 0x%x name %s\n",
			e->wd, e->mask, e->len ? e->name : "-", wd, mask, name ? name : "-");
		return CHECK(!"the expected event");
	}
	return true;
}

static void start(void)
{
	g_fd = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	g_len = g_pos = 0;
}

static void test_dir(void)
{
	CASE("create, open, modify, close, attrib, delete in a directory")
	{
		start();
		MUST(mkdir("d", 0700));
		int wd = MUST(inotify_add_watch(g_fd, "d", IN_ALL_EVENTS));
		int f = MUST(open("d/a", O_RDWR | O_CREAT, 0600));
		char c;

		expect(wd, IN_CREATE, "a");
		expect(wd, IN_OPEN, "a");
		CHECK_EQ(write(f, "x", 1), 1);
		expect(wd, IN_MODIFY, "a");
		CHECK_EQ(pread(f, &c, 1, 0), 1);
		expect(wd, IN_ACCESS, "a");
		MUST(fchmod(f, 0644));
		expect(wd, IN_ATTRIB, "a");
		close(f);
		expect(wd, IN_CLOSE_WRITE, "a");
		f = MUST(open("d/a", O_RDONLY));
		close(f);
		expect(wd, IN_OPEN, "a");
		expect(wd, IN_CLOSE_NOWRITE, "a");
		MUST(unlink("d/a"));
		expect(wd, IN_DELETE, "a");
		CHECK(next() == NULL);
		close(g_fd);
	}
	CASE("directories carry IN_ISDIR; removing the watched one: DELETE_SELF and IGNORED")
	{
		start();
		MUST(mkdir("e", 0700));
		int wd = MUST(inotify_add_watch(g_fd, "e", IN_CREATE | IN_DELETE | IN_DELETE_SELF));

		MUST(mkdir("e/sub", 0700));
		expect(wd, IN_CREATE | IN_ISDIR, "sub");
		MUST(rmdir("e/sub"));
		expect(wd, IN_DELETE | IN_ISDIR, "sub");
		MUST(rmdir("e"));
		expect(wd, IN_DELETE_SELF, NULL);
		expect(wd, IN_IGNORED, NULL);
		CHECK_ERRNO(inotify_rm_watch(g_fd, wd), EINVAL);
		close(g_fd);
	}
	CASE("rename: MOVED_FROM and MOVED_TO with one cookie, MOVE_SELF")
	{
		start();
		MUST(mkdir("m", 0700));
		MUST(mkdir("n", 0700));
		MUST(write_file("m/x", "1"));
		int m = MUST(inotify_add_watch(g_fd, "m", IN_MOVE)),
		    n = MUST(inotify_add_watch(g_fd, "n", IN_MOVE));
		int self = MUST(inotify_add_watch(g_fd, "m/x", IN_MOVE_SELF));

		MUST(rename("m/x", "n/y"));
		struct inotify_event *a = next();
		uint32_t cookie = a ? a->cookie : 0;

		CHECK(a && a->wd == m && a->mask == IN_MOVED_FROM && !strcmp(a->name, "x") &&
		      cookie != 0);
		a = next();
		CHECK(a && a->wd == n && a->mask == IN_MOVED_TO && !strcmp(a->name, "y") &&
		      a->cookie == cookie);
		expect(self, IN_MOVE_SELF, NULL);
		close(g_fd);
	}
	CASE("link and symlink create; truncate modifies")
	{
		start();
		MUST(mkdir("l", 0700));
		MUST(write_file("l/f", "123"));
		int wd = MUST(inotify_add_watch(g_fd, "l", IN_CREATE | IN_MODIFY));

		MUST(link("l/f", "l/g"));
		expect(wd, IN_CREATE, "g");
		MUST(symlink("f", "l/s"));
		expect(wd, IN_CREATE, "s");
		MUST(truncate("l/f", 1));
		expect(wd, IN_MODIFY, "f");
		close(g_fd);
	}
}

static void test_watch(void)
{
	CASE("a file: DELETE_SELF only when the last name and descriptor are gone; ATTRIB for the "
	     "link count")
	{
		start();
		MUST(write_file("w", "x"));
		MUST(link("w", "w2"));
		int wd = MUST(inotify_add_watch(g_fd, "w", IN_ATTRIB | IN_DELETE_SELF));

		MUST(unlink("w"));
		expect(wd, IN_ATTRIB, NULL);
		CHECK(next() == NULL);
		MUST(unlink("w2"));
		expect(wd, IN_ATTRIB, NULL);
		expect(wd, IN_DELETE_SELF, NULL);
		expect(wd, IN_IGNORED, NULL);
		close(g_fd);
	}
	CASE("the same inode has one watch: masks replaced, IN_MASK_ADD adds, IN_MASK_CREATE "
	     "refuses")
	{
		start();
		MUST(write_file("o", "x"));
		MUST(link("o", "o2"));
		int wd = MUST(inotify_add_watch(g_fd, "o", IN_MODIFY));

		CHECK_EQ(inotify_add_watch(g_fd, "o2", IN_ATTRIB), wd);
		MUST(write_file("o", "y"));
		CHECK(next() == NULL);
		CHECK_EQ(inotify_add_watch(g_fd, "o", IN_MODIFY | IN_MASK_ADD), wd);
		MUST(truncate("o", 0));
		expect(wd, IN_MODIFY, NULL);
		CHECK_ERRNO(inotify_add_watch(g_fd, "o", IN_MODIFY | IN_MASK_CREATE), EEXIST);
		CHECK_EQ(inotify_rm_watch(g_fd, wd), 0);
		expect(wd, IN_IGNORED, NULL);
		close(g_fd);
	}
	CASE("IN_ONESHOT, IN_ONLYDIR, IN_DONT_FOLLOW")
	{
		start();
		MUST(write_file("q", "x"));
		MUST(symlink("q", "qs"));
		int wd = MUST(inotify_add_watch(g_fd, "q", IN_OPEN | IN_ONESHOT));

		close(MUST(open("q", O_RDONLY)));
		expect(wd, IN_OPEN, NULL);
		expect(wd, IN_IGNORED, NULL);
		close(MUST(open("q", O_RDONLY)));
		CHECK(next() == NULL);
		CHECK_ERRNO(inotify_add_watch(g_fd, "q", IN_OPEN | IN_ONLYDIR), ENOTDIR);
		int a = MUST(inotify_add_watch(g_fd, "q", IN_OPEN));
		int b = MUST(inotify_add_watch(g_fd, "qs", IN_OPEN | IN_DONT_FOLLOW));

		CHECK(a != b);
		close(g_fd);
	}
}

static void test_reading(void)
{
	CASE("identical consecutive events merge; FIONREAD; small buffer EINVAL; poll")
	{
		start();
		MUST(write_file("r", "x"));
		MUST(inotify_add_watch(g_fd, "r", IN_MODIFY));
		int f = MUST(open("r", O_WRONLY)), n = 0;
		struct pollfd p = {.fd = g_fd, .events = POLLIN};

		CHECK_EQ(poll(&p, 1, 0), 0);
		for (int i = 0; i < 5; i++)
			CHECK_EQ(write(f, "y", 1), 1);
		CHECK_EQ(poll(&p, 1, 0), 1);
		CHECK_EQ(ioctl(g_fd, FIONREAD, &n), 0);
		CHECK_EQ(n, sizeof(struct inotify_event));
		CHECK_ERRNO(read(g_fd, g_buf, 8), EINVAL);
		CHECK(next() != NULL);
		CHECK(next() == NULL);
		close(f);
		close(g_fd);
	}
	CASE("a blocked read wakes for another process")
	{
		start();
		MUST(fcntl(g_fd, F_SETFL, 0));
		MUST(write_file("b", "x"));
		int wd = MUST(inotify_add_watch(g_fd, "b", IN_MODIFY));
		pid_t me = getpid(), p = FORK(wait_sleeping(me); MUST(truncate("b", 0)));

		expect(wd, IN_MODIFY, NULL);
		CHECK_EXIT(p, 0);
		close(g_fd);
	}
	CASE("errors")
	{
		start();
		CHECK_ERRNO(inotify_init1(1), EINVAL);
		CHECK_ERRNO(inotify_add_watch(g_fd, "none", IN_OPEN), ENOENT);
		CHECK_ERRNO(inotify_add_watch(g_fd, ".", 0), EINVAL);
		CHECK_ERRNO(inotify_add_watch(0, ".", IN_OPEN), EINVAL);
		CHECK_ERRNO(inotify_add_watch(999, ".", IN_OPEN), EBADF);
		CHECK_ERRNO(inotify_rm_watch(g_fd, 77), EINVAL);
		CHECK_ERRNO(write(g_fd, "x", 1), EBADF);
		CHECK_ERRNO(read(g_fd, g_buf, sizeof(g_buf)), EAGAIN);
		close(g_fd);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_dir();
	test_watch();
	test_reading();
	return test_end();
}
