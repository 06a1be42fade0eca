/* libs: gofer_proto */
/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_calls.c - client and gofer together: each operation once, and what read-only trees refuse
 */
#include <pthread.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/unit/gofer_test.h"

static struct test_gofer g;
static struct gofer_attach_rsp g_root;

static void setup(void)
{
	test_gofer_start(&g);
	ck_assert_int_eq(gofer_attach(g.c, 0, &g_root), 0);
	ck_assert(S_ISDIR(g_root.root.attr.mode));
	ck_assert_uint_eq(g_root.tree_count, 3);
}

static void teardown(void)
{
	test_gofer_stop(&g);
}

/* Walks names separated by '/', the result of the last one in *out. */
static int walk(gofer_id dir, const char *path, struct gofer_node *out)
{
	static struct gofer_node nodes[GOFER_WALK_MAX];
	struct gofer_walk_result r = {.nodes = nodes};
	struct gofer_name names[GOFER_WALK_MAX];
	u32 count = 0;
	int err;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		names[count++] = (struct gofer_name){p, (u32)n};
		p += n + (p[n] == '/');
	}
	err = gofer_walk(g.c, dir, 0, 0, names, count, &r, NULL);
	if (err || r.error)
		return err ? err : r.error;
	for (u32 i = 0; i + 1 < r.count; i++)
		gofer_release(g.c, r.nodes[i].id, false);
	*out = r.nodes[r.count - 1];
	return r.count == count ? 0 : -ELOOP;
}

START_TEST(walk_and_open)
{
	static struct gofer_node nodes[GOFER_WALK_MAX];
	struct gofer_walk_result r = {.nodes = nodes};
	struct gofer_name names[3] = {{"a", 1}, {"b", 1}, {"c", 1}}, link = {"link", 4},
			  file = {"file", 4};
	char target[GOFER_LINK_MAX], buf[8];
	struct gofer_attr attr;
	struct gofer_node n;
	int fd;

	ck_assert_int_eq(gofer_walk(g.c, g_root.root.id, 0, 0, names, 3, &r, target), 0);
	ck_assert_int_eq(r.error, 0);
	ck_assert_uint_eq(r.count, 3);
	names[2] = (struct gofer_name){"none", 4};
	ck_assert_int_eq(gofer_walk(g.c, g_root.root.id, r.nodes[0].id, 0, names, 3, &r, target),
			 0);
	ck_assert_int_eq(r.error, -ENOENT);
	ck_assert_uint_eq(r.count, 2);
	ck_assert_int_eq(gofer_walk(g.c, g_root.root.id, 0, 0, &link, 1, &r, target), 0);
	ck_assert_uint_eq(r.target_size, 4);
	ck_assert_mem_eq(target, "file", 4);
	ck_assert_int_eq(gofer_readlink(g.c, r.nodes[0].id, target), 4);
	ck_assert_int_eq(
		gofer_walk(g.c, g_root.root.id, 0, GOFER_WALK_OPEN_READ, &file, 1, &r, target), 0);
	ck_assert_int_ge(r.fd, 0);
	ck_assert_int_eq(read(r.fd, buf, sizeof(buf)), 6);
	close(r.fd);
	ck_assert_int_eq(walk(g_root.root.id, "file", &n), 0);
	ck_assert_int_eq(gofer_open(g.c, n.id, GOFER_OPEN_READ | GOFER_OPEN_WRITE, &attr, &fd), 0);
	ck_assert_int_eq(pwrite(fd, "HE", 2, 0), 2);
	close(fd);
	ck_assert_uint_eq(attr.size, 6);
	ck_assert_int_eq(gofer_getattr(g.c, n.id, &attr), 0);
	ck_assert_int_gt(attr.btime.sec, 0);
	ck_assert_int_eq(walk(g_root.root.id, "fifo", &n), 0);
	ck_assert_int_eq(gofer_open(g.c, n.id, GOFER_OPEN_READ, &attr, &fd), -ENXIO);
	ck_assert_int_eq(walk(g_root.root.id, "out/passwd", &n), -ELOOP);
}
END_TEST

START_TEST(known_id_is_kept)
{
	static struct gofer_node nodes[GOFER_WALK_MAX];
	struct gofer_walk_result r = {.nodes = nodes};
	struct gofer_name a = {"a", 1};
	gofer_id id;

	ck_assert_int_eq(gofer_walk(g.c, g_root.root.id, 0, 0, &a, 1, &r, NULL), 0);
	id = r.nodes[0].id;
	ck_assert_int_eq(gofer_walk(g.c, g_root.root.id, id, 0, &a, 1, &r, NULL), 0);
	ck_assert(r.nodes[0].id == id);
	ck_assert_int_eq(gofer_rename(g.c, g_root.root.id, "a", g_root.root.id, "z", 0), 0);
	ck_assert_int_eq(gofer_walk(g.c, g_root.root.id, id, 0, &a, 1, &r, NULL), 0);
	ck_assert_int_eq(r.error, -ENOENT);
}
END_TEST

START_TEST(make_and_remove)
{
	struct gofer_make_req req = {.mode = 0640, .uid = 12, .gid = 34};
	struct gofer_node n, d, s;
	struct gofer_attr attr;
	gofer_id root = g_root.root.id;
	int fd, flags = GOFER_OPEN_READ | GOFER_OPEN_WRITE;

	if (getuid() != 0)
		req.uid = getuid(), req.gid = getgid();
	ck_assert_int_eq(gofer_create(g.c, root, "new", (u32)flags, &req, &n, &fd), 0);
	ck_assert_uint_eq(n.attr.uid, req.uid);
	ck_assert_uint_eq(n.attr.gid, req.gid);
	ck_assert_uint_eq(n.attr.mode, S_IFREG | 0640);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	ck_assert_int_eq(gofer_create(g.c, root, "new", (u32)flags, &req, &n, &fd), -EEXIST);
	req.mode = S_IFDIR | 02755;
	ck_assert_int_eq(gofer_mknod(g.c, root, "dir", &req, &d), 0);
	ck_assert_uint_eq(d.attr.mode, S_IFDIR | 02755);
	req.mode = S_IFREG | 04711;
	ck_assert_int_eq(gofer_mknod(g.c, d.id, "suid", &req, &s), 0);
	ck_assert_uint_eq(s.attr.mode, S_IFREG | 04711);
	req.mode = S_IFSOCK | 0600;
	ck_assert_int_eq(gofer_mknod(g.c, d.id, "sock", &req, &s), 0);
	req.mode = S_IFIFO | 0600;
	ck_assert_int_eq(gofer_mknod(g.c, d.id, "fifo", &req, &s), 0);
	req.mode = S_IFCHR | 0600;
	ck_assert_int_eq(gofer_mknod(g.c, d.id, "chr", &req, &s), -EPERM);
	ck_assert_int_eq(gofer_symlink(g.c, d.id, "sym", "../file", 1, 1, &s),
			 getuid() ? -EPERM : 0);
	ck_assert_int_eq(gofer_link(g.c, n.id, d.id, "hard", &attr), 0);
	ck_assert_uint_eq(attr.nlink, 2);
	ck_assert_int_eq(gofer_unlink(g.c, root, "dir", GOFER_UNLINK_DIR), -ENOTEMPTY);
	ck_assert_int_eq(gofer_unlink(g.c, root, "dir", 0), -EISDIR);
	ck_assert_int_eq(gofer_rename(g.c, d.id, "hard", root, "hard2", 0), 0);
	ck_assert_int_eq(gofer_unlink(g.c, root, "hard2", 0), 0);
	ck_assert_int_eq(gofer_getattr(g.c, n.id, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 1);
}
END_TEST

START_TEST(unnamed_files)
{
	struct gofer_make_req req = {.mode = 0600};
	struct gofer_node n;
	struct gofer_attr attr;
	int fd;

	req.uid = getuid();
	req.gid = getgid();
	ck_assert_int_eq(gofer_create(g.c, g_root.root.id, NULL, GOFER_OPEN_READ | GOFER_OPEN_WRITE,
				      &req, &n, &fd),
			 0);
	ck_assert_uint_eq(n.attr.nlink, 0);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	close(fd);
	ck_assert_int_eq(gofer_link(g.c, n.id, g_root.root.id, "named", &attr), 0);
	ck_assert_uint_eq(attr.nlink, 1);
	ck_assert_uint_eq(attr.size, 3);
}
END_TEST

static void *hammer(void *arg)
{
	struct gofer_node n;
	struct gofer_attr attr;
	long errors = 0;
	int fd;

	for (int i = 0; i < 2000; i++) {
		static struct gofer_name file = {"file", 4};
		struct gofer_walk_result r = {.nodes = &n};

		if (gofer_walk(g.c, g_root.root.id, 0, 0, &file, 1, &r, NULL) || r.error) {
			errors++;
		} else {
			if (gofer_open(g.c, n.id, GOFER_OPEN_READ, &attr, &fd) || close(fd))
				errors++;
			if (attr.ino != n.attr.ino)
				errors++;
			gofer_release(g.c, n.id, false);
		}
	}
	return (void *)errors;
}

START_TEST(many_threads)
{
	pthread_t t[6];
	void *errors;

	for (size_t i = 0; i < array_size(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, hammer, NULL), 0);
	for (size_t i = 0; i < array_size(t); i++) {
		pthread_join(t[i], &errors);
		ck_assert_ptr_null(errors);
	}
}
END_TEST

START_TEST(set_attributes)
{
	struct gofer_setattr_req req = {.mode = 0600, .size = 3, .mtime = {.sec = 1000, .nsec = 5}};
	struct gofer_attr attr;
	struct gofer_node n;

	ck_assert_int_eq(walk(g_root.root.id, "file", &n), 0);
	ck_assert_int_eq(gofer_setattr(g.c, n.id, GOFER_SET_SIZE | GOFER_SET_MODE | GOFER_SET_MTIME,
				       &req, &attr),
			 0);
	ck_assert_uint_eq(attr.size, 3);
	ck_assert_uint_eq(attr.mode, S_IFREG | 0600);
	ck_assert_int_eq(attr.mtime.sec, 1000);
	ck_assert_uint_eq(attr.mtime.nsec, 5);
	ck_assert_int_eq(walk(g_root.root.id, "link", &n), 0);
	ck_assert_int_eq(gofer_setattr(g.c, n.id, GOFER_SET_MODE, &req, &attr), -EOPNOTSUPP);
	ck_assert_int_eq(gofer_setattr(g.c, n.id, GOFER_SET_MTIME_NOW, &req, &attr), 0);
	req.mtime.nsec = 1000000000;
	ck_assert_int_eq(gofer_setattr(g.c, n.id, GOFER_SET_MTIME, &req, &attr), -EINVAL);
}
END_TEST

START_TEST(readonly_tree)
{
	struct gofer_make_req make = {.mode = 0644};
	struct gofer_setattr_req set = {0};
	struct gofer_attach_rsp root;
	struct gofer_attr attr;
	struct gofer_node n, m;
	int fd;

	ck_assert_int_eq(gofer_attach(g.c, 1, &root), 0);
	ck_assert_uint_eq(root.readonly, 1);
	ck_assert_int_eq(walk(root.root.id, "file", &n), 0);
	ck_assert_int_eq(gofer_open(g.c, n.id, GOFER_OPEN_WRITE, &attr, &fd), -EROFS);
	ck_assert_int_eq(gofer_open(g.c, n.id, GOFER_OPEN_READ, &attr, &fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	ck_assert_int_eq(gofer_create(g.c, root.root.id, "x", GOFER_OPEN_READ, &make, &m, &fd),
			 -EROFS);
	ck_assert_int_eq(gofer_setattr(g.c, n.id, GOFER_SET_SIZE, &set, &attr), -EROFS);
	ck_assert_int_eq(gofer_unlink(g.c, root.root.id, "file", 0), -EROFS);
	ck_assert_int_eq(gofer_link(g.c, n.id, g_root.root.id, "l", &attr), -EROFS);
	ck_assert_int_eq(gofer_rename(g.c, root.root.id, "file", root.root.id, "g", 0), -EROFS);
	ck_assert_int_eq(gofer_setxattr(g.c, n.id, "user.a", "1", 1, 0), -EROFS);
	ck_assert_int_eq(gofer_attach(g.c, 2, &root), 0);
	ck_assert(S_ISREG(root.root.attr.mode));
	ck_assert_int_eq(walk(root.root.id, "file", &n), -ENOTDIR);
	ck_assert_int_eq(gofer_attach(g.c, 3, &root), -ENOENT);
}
END_TEST

START_TEST(xattrs)
{
	struct gofer_node n;
	char buf[100];

	ck_assert_int_eq(walk(g_root.root.id, "file", &n), 0);
	ck_assert_int_eq(gofer_setxattr(g.c, n.id, "user.color", "green", 5, XATTR_CREATE), 0);
	ck_assert_int_eq(gofer_setxattr(g.c, n.id, "user.color", "green", 5, XATTR_CREATE),
			 -EEXIST);
	ck_assert_int_eq(gofer_getxattr(g.c, n.id, "user.color", NULL, 0), 5);
	ck_assert_int_eq(gofer_getxattr(g.c, n.id, "user.color", buf, 3), -ERANGE);
	ck_assert_int_eq(gofer_getxattr(g.c, n.id, "user.color", buf, sizeof(buf)), 5);
	ck_assert_mem_eq(buf, "green", 5);
	ck_assert_int_eq(gofer_listxattr(g.c, n.id, buf, sizeof(buf)), 11);
	ck_assert_str_eq(buf, "user.color");
	ck_assert_int_eq(gofer_removexattr(g.c, n.id, "user.color"), 0);
	ck_assert_int_eq(gofer_getxattr(g.c, n.id, "user.color", buf, 100), -ENODATA);
	ck_assert_int_eq(gofer_setxattr(g.c, n.id, "security.selinux", "x", 1, 0), -EOPNOTSUPP);
	ck_assert_int_eq(walk(g_root.root.id, "link", &n), 0);
	ck_assert_int_eq(gofer_setxattr(g.c, n.id, "user.color", "green", 5, 0), -EPERM);
}
END_TEST

struct listing {
	u32 count, attrs;
	bool seen[3000];
};

static int count_entry(void *arg, const struct gofer_dirent *ent, const struct gofer_attr *attr,
		       const char *name)
{
	struct listing *l = arg;
	int i;

	l->count++;
	l->attrs += attr != NULL;
	if (sscanf(name, "n%d", &i) == 1) {
		ck_assert(!l->seen[i]);
		l->seen[i] = true;
	}
	return 0;
}

START_TEST(list_directories)
{
	static struct listing l;
	struct gofer_node n, made;
	struct gofer_make_req req = {.mode = S_IFREG | 0600};
	u64 cookie = 0, resume = 0;
	u32 messages = 0;
	bool end = false;

	ck_assert_int_eq(gofer_readdir(g.c, g_root.root.id, GOFER_READDIR_ATTR, &cookie,
				       count_entry, &l, &end),
			 0);
	ck_assert(end);
	ck_assert_uint_eq(l.count, 5);
	ck_assert_uint_eq(l.attrs, 5);
	ck_assert_int_eq(walk(g_root.root.id, "a/b", &n), 0);
	for (int i = 0; i < 3000; i++) {
		char name[300];

		snprintf(name, sizeof(name), "n%d-%0*d", i, 1 + i % 200, 7);
		ck_assert_int_eq(gofer_mknod(g.c, n.id, name, &req, &made), 0);
		gofer_release(g.c, made.id, false);
	}
	memset(&l, 0, sizeof(l));
	for (cookie = 0, end = false; !end; messages++) {
		ck_assert_int_eq(gofer_readdir(g.c, n.id, GOFER_READDIR_ATTR, &cookie, count_entry,
					       &l, &end),
				 0);
		if (messages == 1)
			resume = cookie;
	}
	ck_assert_uint_gt(messages, 3);
	ck_assert_uint_eq(l.count, 3001);
	/* a second listing from the middle on */
	end = false;
	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(gofer_readdir(g.c, n.id, 0, &resume, count_entry, &l, &end), 0);
	ck_assert_uint_gt(l.count, 0);
	ck_assert_uint_eq(l.attrs, 0);
}
END_TEST

START_TEST(others)
{
	struct gofer_statfs_rsp st;
	struct gofer_attr attr;
	struct gofer_node n;

	ck_assert_int_eq(walk(g_root.root.id, "file", &n), 0);
	ck_assert_int_eq(gofer_statfs(g.c, n.id, &st), 0);
	ck_assert_uint_gt(st.blocks, 0);
	ck_assert_int_eq(gofer_fsync(g.c, n.id, 0), 0);
	ck_assert_int_eq(gofer_fsync(g.c, g_root.root.id, GOFER_FSYNC_DATA), 0);
	ck_assert_int_eq(gofer_fallocate(g.c, n.id, 0, 0, 8192), 0);
	ck_assert_int_eq(gofer_getattr(g.c, n.id, &attr), 0);
	ck_assert_uint_eq(attr.size, 8192);
}
END_TEST

START_TEST(ids_are_bounded)
{
	struct gofer_node n = {0};
	int i, err = 0;

	for (i = 0; i < 2000 && !err; i++)
		err = walk(g_root.root.id, "file", &n);
	ck_assert_int_eq(err, -ENFILE);
	ck_assert_int_eq(i, 1000);
	gofer_release(g.c, n.id, true);
	ck_assert_int_eq(gofer_getattr(g.c, n.id, &g_root.root.attr), -ESTALE);
	ck_assert_int_eq(walk(g_root.root.id, "file", &n), 0);
}
END_TEST

static int g_deaths;

static void count_death(void *arg, const char *why)
{
	(*(int *)arg)++;
}

START_TEST(death_is_told)
{
	struct gofer_attr attr;
	int status;

	gofer_client_on_death(g.c, count_death, &g_deaths);
	kill(g.pid, SIGKILL);
	ck_assert_int_eq(gofer_getattr(g.c, g_root.root.id, &attr), -EIO);
	ck_assert_int_eq(gofer_getattr(g.c, g_root.root.id, &attr), -EIO);
	gofer_client_hangup(g.c);
	ck_assert_int_eq(g_deaths, 1);
	ck_assert(gofer_client_dead(g.c));
	gofer_client_destroy(g.index);
	waitpid(g.pid, &status, 0);
	ck_assert(WIFSIGNALED(status));
}
END_TEST

#define BENCH_ROUNDS 20000
#define BENCH(what, call)                                                                        \
	do {                                                                                     \
		struct timespec a, b;                                                            \
		clock_gettime(CLOCK_MONOTONIC, &a);                                              \
		for (int i = 0; i < BENCH_ROUNDS; i++)                                           \
			ck_assert_int_eq(call, 0);                                               \
		clock_gettime(CLOCK_MONOTONIC, &b);                                              \
		printf("%-28s %6.2f us\n", what,                                                 \
		       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / \
			       BENCH_ROUNDS / 1000);                                             \
	} while (0)

static int bench_open(gofer_id id)
{
	struct gofer_attr attr;
	int fd, err = gofer_open(g.c, id, GOFER_OPEN_READ, &attr, &fd);

	return err ? err : close(fd);
}

static int bench_walk(const char *path)
{
	struct gofer_node n;
	int err = walk(g_root.root.id, path, &n);

	if (err == 0)
		gofer_release(g.c, n.id, false);
	return err;
}

static int bench_readdir(void)
{
	static struct listing l;
	u64 cookie = 0;
	bool end;

	return gofer_readdir(g.c, g_root.root.id, GOFER_READDIR_ATTR, &cookie, count_entry, &l,
			     &end);
}

START_TEST(bench)
{
	struct gofer_attr attr;
	struct gofer_node n;

	ck_assert_int_eq(walk(g_root.root.id, "file", &n), 0);
	BENCH("getattr", gofer_getattr(g.c, n.id, &attr));
	BENCH("open, donated descriptor", bench_open(n.id));
	BENCH("walk of 1 name", bench_walk("file"));
	BENCH("walk of 3 names", bench_walk("a/b/c"));
	BENCH("missing name", bench_walk("none") + ENOENT);
	BENCH("listing, 5 with attributes", bench_readdir());
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("gofer_calls");
	TCase *t = tcase_create("calls"), *dead = tcase_create("death");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	if (argc > 1) {
		tcase_add_test(t, bench);
		goto run;
	}
	tcase_add_test(t, walk_and_open);
	tcase_add_test(t, known_id_is_kept);
	tcase_add_test(t, make_and_remove);
	tcase_add_test(t, unnamed_files);
	tcase_add_test(t, many_threads);
	tcase_add_test(t, set_attributes);
	tcase_add_test(t, readonly_tree);
	tcase_add_test(t, xattrs);
	tcase_add_test(t, list_directories);
	tcase_add_test(t, others);
	tcase_add_test(t, ids_are_bounded);
	tcase_add_checked_fixture(dead, setup, NULL);
	tcase_add_test(dead, death_is_told);
	suite_add_tcase(s, dead);
run:
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
