/* libs: fs_goferfs gofer_proto vfs mm auth time arena unotify arch host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_fs.c - goferfs under vfs, over a real gofer: what the host has then, and how many messages
 * it took */
#include <dirent.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "fs/goferfs/goferfs.h"
#include "sentry/arena/arena.h"
#include "tests/lib/no_platform.h"
#include "tests/unit/gofer_test.h"

static struct test_gofer g;
static struct caller c;
static struct super_block *g_sb;

static void mount_tree(const char *options)
{
	char text[64];
	struct mnt_namespace *ns;

	snprintf(text, sizeof(text), "client=%u,%s", g.index, options);
	ck_assert_int_eq(goferfs_type.mount(&c, &goferfs_type, 0, "/", text, &g_sb), 0);
	ns = mnt_ns_create(g_sb, 0, "/");
	ck_assert_ptr_nonnull(ns);
	mnt_ns_root(ns, &c.root);
	c.cwd = c.root;
	c.mnt_ns = ns;
}

static void setup(void)
{
	test_gofer_start(&g);
	ck_assert_int_eq(arena_init(1ull << 30), 0);
	ck_assert_int_eq(vfs_init(), 0);
	file_system_register(&goferfs_type);
	c = (struct caller){.cred = cred_create(), .umask = 022, .fsize_limit = UINT64_MAX};
	mount_tree("tree=0");
}

static void setup_shared(void)
{
	setup();
	mount_tree("tree=0,shared");
}

static void teardown(void)
{
	test_gofer_stop(&g);
}

static struct file *open_file(const char *name, u32 flags)
{
	struct open_how_in how = {.flags = flags, .mode = 0666};

	return vfs_open(&c, NULL, name, &how);
}

static ssize_t file_io(struct file *f, char *buf, size_t n, bool write)
{
	struct iov_iter it;

	iter_init_kernel(&it, buf, n);
	return write ? vfs_write(&c, f, &it, NULL) : vfs_read(&c, f, &it, NULL);
}

static int stat_name(const char *name, struct kstat *st)
{
	struct path p;
	int err = vfs_walk(&c, NULL, name, 0, &p);

	if (err)
		return err;
	err = vfs_stat(&c, &p, st);
	path_put(&p);
	return err;
}

static const char *host(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", g.dir, name);
	return path;
}

static u64 g_mark;
static u64 messages(void)
{
	u64 n = gofer_client_requests(g.c) - g_mark;

	g_mark += n;
	return n;
}

START_TEST(read_and_write)
{
	char buf[100] = {0};
	struct kstat st;
	struct stat hst;
	struct file *f;

	f = open_file("/file", O_RDWR);
	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(file_io(f, buf, sizeof(buf), false), 6);
	ck_assert_str_eq(buf, "hello\n");
	ck_assert_int_eq(file_io(f, "world\n", 6, true), 6);
	ck_assert_uint_eq(f->inode->size, 12);
	ck_assert_int_eq(vfs_llseek(&c, f, 0, SEEK_END), 12);
	ck_assert_int_eq(stat_name("/file", &st), 0);
	ck_assert_int_eq(stat(host("file"), &hst), 0);
	ck_assert_uint_eq(st.size, 12);
	ck_assert_int_eq(st.mtime.tv_nsec, hst.st_mtim.tv_nsec);
	ck_assert_int_eq(vfs_fsync(&c, f, false), 0);
	file_put(f);
	f = open_file("/file", O_WRONLY | O_APPEND | O_TRUNC);
	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(file_io(f, "x", 1, true), 1);
	file_put(f);
	ck_assert_int_eq(stat(host("file"), &hst), 0);
	ck_assert_int_eq(hst.st_size, 1);
	ck_assert_int_eq(PTR_ERR(open_file("/none", O_RDONLY)), -ENOENT);
	ck_assert_int_eq(PTR_ERR(open_file("/file/x", O_RDONLY)), -ENOTDIR);
	ck_assert_int_eq(PTR_ERR(open_file("/a", O_WRONLY)), -EISDIR);
}
END_TEST

START_TEST(message_counts)
{
	struct kstat st;
	struct file *f;

	messages();
	ck_assert_int_eq(stat_name("/a/b/c", &st), 0);
	ck_assert_uint_eq(messages(), 1);
	ck_assert_int_eq(stat_name("/a/b/c", &st), 0);
	ck_assert_int_eq(stat_name("/a/b", &st), 0);
	ck_assert_uint_eq(messages(), 0);
	ck_assert_int_eq(stat_name("/a/b/none", &st), -ENOENT);
	ck_assert_uint_eq(messages(), 1);
	ck_assert_int_eq(stat_name("/a/b/none", &st), -ENOENT);
	ck_assert_uint_eq(messages(), 0);
	ck_assert_int_eq(stat_name("/file", &st), 0);
	ck_assert_uint_eq(messages(), 1);
	f = open_file("/file", O_RDONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_uint_eq(messages(), 1);
	file_put(f);
	f = open_file("/file", O_RDONLY);
	ck_assert(!IS_ERR(f));
	file_put(f);
	ck_assert_uint_eq(messages(), 0);
	f = open_file("/a/new", O_CREAT | O_WRONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_uint_le(messages(), 2);
	ck_assert_int_eq(file_io(f, "abc", 3, true), 3);
	file_put(f);
	ck_assert_int_eq(stat_name("/a/new", &st), 0);
	ck_assert_uint_eq(st.size, 3);
	ck_assert_uint_eq(messages(), 0);
	ck_assert_int_eq(vfs_unlink(&c, NULL, "/a/new"), 0);
	ck_assert_uint_eq(messages(), 1);
	ck_assert_int_ne(access(host("a/new"), F_OK), 0);
}
END_TEST

START_TEST(one_message_for_an_open)
{
	struct file *f;

	messages();
	ck_assert_int_eq(mknod(host("a/b/c/deep"), S_IFREG | 0644, 0), 0);
	f = open_file("/a/b/c/deep", O_RDONLY);
	ck_assert(!IS_ERR(f));
	file_put(f);
	ck_assert_uint_eq(messages(), 1);
	f = open_file("/file", O_RDONLY);
	ck_assert(!IS_ERR(f));
	file_put(f);
	ck_assert_uint_eq(messages(), 1);
	ck_assert_int_eq(PTR_ERR(open_file("/a/b/none", O_RDONLY)), -ENOENT);
	ck_assert_uint_eq(messages(), 1);
	f = open_file("/link", O_RDONLY); /* a link is walked, what it leads to is open already */
	ck_assert(!IS_ERR(f));
	file_put(f);
	ck_assert_uint_eq(messages(), 1);
}
END_TEST

struct names {
	struct dir_context dc;
	u32 count, room;
	char last[256];
	char all[4096];
};

static bool emit(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype, u64 next)
{
	struct names *n = container_of(dc, struct names, dc);

	if (n->count == n->room)
		return false;
	ck_assert_uint_gt(next, dc->pos);
	memcpy(n->last, name, len);
	n->last[len] = 0;
	if (strlen(n->all) + len + 2 < sizeof(n->all)) {
		strcat(n->all, n->last);
		strcat(n->all, "/");
	}
	n->count++;
	return true;
}

static u32 list_all(struct file *f, struct names *n, u32 room)
{
	u32 total = 0;

	memset(n, 0, sizeof(*n));
	n->dc.emit = emit;
	do {
		n->count = 0;
		n->room = room;
		ck_assert_int_eq(vfs_iterate(&c, f, &n->dc), 0);
		total += n->count;
	} while (n->count);
	return total;
}

START_TEST(listings_answer_lookups)
{
	static struct names n;
	struct file *d = open_file("/", O_RDONLY | O_DIRECTORY), *f;
	struct kstat st;

	ck_assert(!IS_ERR(d));
	messages();
	ck_assert_uint_eq(list_all(d, &n, 3), 7);
	ck_assert_ptr_nonnull(strstr(n.all, "fifo/"));
	ck_assert_uint_eq(messages(), 1);
	ck_assert_int_eq(stat_name("/file", &st), 0);
	ck_assert_uint_eq(st.size, 6);
	ck_assert_int_eq(stat_name("/none", &st), -ENOENT);
	ck_assert_uint_eq(messages(), 0);
	f = open_file("/file", O_RDONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_uint_eq(messages(), 1);
	file_put(f);
	f = open_file("/a", O_RDONLY | O_DIRECTORY);
	ck_assert(!IS_ERR(f));
	ck_assert_uint_eq(list_all(f, &n, 3), 3);
	file_put(f);
	ck_assert_uint_eq(messages(), 1);
	/* names come, go and move; the listing follows */
	ck_assert_int_eq(vfs_mkdir(&c, NULL, "/made", 0755), 0);
	ck_assert_int_eq(stat_name("/made", &st), 0);
	ck_assert_int_eq(vfs_unlink(&c, NULL, "/fifo"), 0);
	ck_assert_int_eq(stat_name("/fifo", &st), -ENOENT);
	ck_assert_int_eq(vfs_rename(&c, NULL, "/a", NULL, "/made/z", 0), 0);
	ck_assert_int_eq(stat_name("/made/z/b/c", &st), 0);
	ck_assert_int_eq(stat_name("/a", &st), -ENOENT);
	ck_assert_int_eq(vfs_llseek(&c, d, 0, SEEK_SET), 0);
	ck_assert_uint_eq(list_all(d, &n, 100), 6);
	ck_assert_ptr_nonnull(strstr(n.all, "made/"));
	ck_assert_ptr_null(strstr(n.all, "fifo/"));
	file_put(d);
}
END_TEST

START_TEST(names_without_ids)
{
	static struct names n;
	struct file *d = open_file("/", O_RDONLY | O_DIRECTORY), *f;
	struct kstat st;
	struct path p;
	char buf[64];

	list_all(d, &n, 100);
	file_put(d);
	/* rename of what is known from the listing only, then open it: the right file */
	ck_assert_int_eq(vfs_rename(&c, NULL, "/file", NULL, "/a/moved", 0), 0);
	f = open_file("/a/moved", O_RDONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(file_io(f, buf, sizeof(buf), false), 6);
	file_put(f);
	/* an inode held while its name goes: its attributes stay */
	ck_assert_int_eq(vfs_walk(&c, NULL, "/fifo", 0, &p), 0);
	ck_assert_int_eq(vfs_unlink(&c, NULL, "/fifo"), 0);
	ck_assert_int_eq(vfs_stat(&c, &p, &st), 0);
	ck_assert_uint_eq(st.nlink, 0);
	path_put(&p);
	/* symbolic links: text and way */
	ck_assert_int_eq(vfs_walk(&c, NULL, "/link", 0, &p), 0);
	ck_assert_int_eq(vfs_readlink(&c, &p, buf, sizeof(buf)), 4);
	path_put(&p);
	ck_assert_int_eq(stat_name("/out/passwd", &st),
			 -ENOENT); /* /etc of the tree, not of the host */
}
END_TEST

#define AHEAD 50

/* The number that the file was made with. */
static int content(const char *name)
{
	struct file *f = open_file(name, O_RDONLY);
	char buf[16] = "";

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	file_io(f, buf, sizeof(buf) - 1, false);
	file_put(f);
	return atoi(buf);
}

/* Makes d/0 to d/49, each with its number in it, and lists them: names in the listing's order. */
static void make_many(char names[AHEAD][16])
{
	static struct names n;
	char text[16], *save, *name;
	struct file *d;
	int count = 0;

	ck_assert_int_eq(mkdir(host("d"), 0755), 0);
	for (int i = 0; i < AHEAD; i++) {
		FILE *f;

		snprintf(text, sizeof(text), "d/%d", i);
		f = fopen(host(text), "w");
		ck_assert_ptr_nonnull(f);
		fprintf(f, "%d\n", i);
		fclose(f);
	}
	d = open_file("/d", O_RDONLY | O_DIRECTORY);
	ck_assert(!IS_ERR(d));
	list_all(d, &n, 100);
	file_put(d);
	for (name = strtok_r(n.all, "/", &save); name; name = strtok_r(NULL, "/", &save))
		if (name[0] != '.')
			snprintf(names[count++], 16, "/d/%.8s", name);
	ck_assert_int_eq(count, AHEAD);
}

static int by_number(const void *a, const void *b)
{
	struct stat x, y;
	char path[256];

	snprintf(path, sizeof(path), "%s", host((const char *)a + 1));
	ck_assert_int_eq(stat(path, &x), 0);
	ck_assert_int_eq(stat(host((const char *)b + 1), &y), 0);
	return x.st_ino < y.st_ino ? -1 : x.st_ino > y.st_ino;
}

static u32 open_fds(void)
{
	u32 count = 0;

	for (int i = 0; i < 1024; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

START_TEST(opened_ahead)
{
	char names[AHEAD][16];

	make_many(names);
	messages();
	if (_i == 1)
		qsort(names, AHEAD, sizeof(names[0]), by_number);
	for (int i = 0; i < AHEAD; i++)
		ck_assert_int_eq(content(names[i]), atoi(names[i] + 3));
	ck_assert_uint_le(messages(), 5); /* 8 + 16 + 16 + 10 */
}
END_TEST

START_TEST(ahead_of_what_changes)
{
	char names[AHEAD][16], out[32];
	u32 fds;

	make_many(names);
	fds = open_fds();
	ck_assert_int_eq(content(names[0]), atoi(names[0] + 3));
	ck_assert_uint_eq(open_fds(), fds + 8);
	/* open already, for nobody: removed, renamed, replaced, moved away */
	ck_assert_int_eq(vfs_unlink(&c, NULL, names[1]), 0);
	ck_assert_int_eq(content(names[1]), -ENOENT);
	ck_assert_int_eq(vfs_rename(&c, NULL, names[2], NULL, names[3], 0), 0);
	ck_assert_int_eq(content(names[2]), -ENOENT);
	ck_assert_int_eq(content(names[3]), atoi(names[2] + 3));
	snprintf(out, sizeof(out), "/a/%.8s", names[4] + 3);
	ck_assert_int_eq(vfs_rename(&c, NULL, names[4], NULL, out, 0), 0);
	ck_assert_int_eq(content(out), atoi(names[4] + 3));
	ck_assert_int_eq(content(names[4]), -ENOENT);
	/* a new file by an old name */
	ck_assert_int_eq(vfs_unlink(&c, NULL, names[5]), 0);
	file_put(open_file(names[5], O_CREAT | O_RDWR));
	ck_assert_int_eq(content(names[5]), 0);
	ck_assert_int_eq(content(names[6]), atoi(names[6] + 3));
}
END_TEST

START_TEST(listing_remembers)
{
	struct attr a = {.valid = ATTR_MODE, .mode = 0600};
	struct file *dir, *f;
	char names[AHEAD][16];
	struct kstat st;
	struct path p;

	make_many(names);
	dir = open_file("/d", O_RDONLY | O_DIRECTORY); /* stays, and its listing with it */
	ck_assert(!IS_ERR(dir));
	ck_assert_int_eq(vfs_walk(&c, NULL, names[1], 0, &p), 0);
	ck_assert_int_eq(vfs_setattr(&c, &p, &a), 0);
	path_put(&p);
	f = open_file(names[2], O_WRONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(file_io(f, "longer than before", 18, true), 18);
	file_put(f);
	messages();
	for (int pass = 0; pass < 3; pass++) {
		for (int i = 0; i < AHEAD; i++) {
			ck_assert_int_eq(stat_name(names[i], &st), 0);
			ck_assert_uint_eq(st.mode, S_IFREG | (i == 1 ? 0600 : 0644));
			ck_assert_uint_eq(st.size, i == 2 ? 18 : atoi(names[i] + 3) < 10 ? 2 : 3);
		}
		dcache_trim(100000);
	}
	ck_assert_uint_le(messages(), 3); /* what was written */
	ck_assert_int_eq(vfs_unlink(&c, NULL, names[3]), 0);
	dcache_trim(100000);
	ck_assert_int_eq(stat_name(names[3], &st), -ENOENT);
	file_put(dir);
}
END_TEST

START_TEST(open_file_without_a_name)
{
	struct attr a = {.valid = ATTR_MODE, .mode = 0640};
	char names[AHEAD][16];
	struct kstat st;
	struct file *f;

	make_many(names);
	f = open_file(names[0], O_RDONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(vfs_unlink(&c, NULL, names[0]), 0);
	ck_assert_int_eq(vfs_setattr(&c, &f->path, &a), 0);
	ck_assert_int_eq(vfs_stat(&c, &f->path, &st), 0);
	ck_assert_uint_eq(st.mode, S_IFREG | 0640);
	file_put(f);
	f = open_file(names[1], O_RDONLY);
	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(vfs_rename(&c, NULL, names[2], NULL, names[1], 0), 0);
	ck_assert_int_eq(vfs_setattr(&c, &f->path, &a), 0);
	file_put(f);
}
END_TEST

START_TEST(attributes)
{
	struct attr a = {.valid = ATTR_MODE, .mode = 0600};
	struct timespec t = {.tv_sec = 12345, .tv_nsec = 678};
	struct kstat st;
	struct stat hst;
	struct path p;
	char buf[16];

	ck_assert_int_eq(vfs_walk(&c, NULL, "/file", 0, &p), 0);
	ck_assert_int_eq(vfs_setattr(&c, &p, &a), 0);
	a = (struct attr){.valid = ATTR_MTIME, .mtime = t};
	ck_assert_int_eq(vfs_setattr(&c, &p, &a), 0);
	ck_assert_int_eq(vfs_truncate(&c, &p, NULL, 3), 0);
	ck_assert_int_eq(vfs_stat(&c, &p, &st), 0);
	ck_assert_int_eq(stat(host("file"), &hst), 0);
	ck_assert_uint_eq(st.size, 3);
	ck_assert_int_eq(hst.st_size, 3);
	ck_assert_uint_eq(hst.st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(st.mode, S_IFREG | 0600);
	ck_assert(st.has_btime);
	ck_assert_int_eq(vfs_setxattr(&c, &p, "user.x", "1", 1, 0), 0);
	ck_assert_int_eq(vfs_getxattr(&c, &p, "user.x", buf, sizeof(buf)), 1);
	ck_assert_int_eq(vfs_removexattr(&c, &p, "user.x"), 0);
	ck_assert_int_eq(vfs_getxattr(&c, &p, "user.x", buf, sizeof(buf)), -ENODATA);
	path_put(&p);
}
END_TEST

START_TEST(new_names)
{
	struct kstat st, st2;
	struct path p;

	ck_assert_int_eq(vfs_symlink(&c, NULL, "/sym", "a/b"), 0);
	ck_assert_int_eq(stat_name("/sym/c", &st), 0);
	ck_assert_int_eq(vfs_mknod(&c, NULL, "/pipe", S_IFIFO | 0644, 0, NULL), 0);
	ck_assert_int_eq(vfs_mknod(&c, NULL, "/sock", S_IFSOCK | 0644, 0, NULL), 0);
	ck_assert_int_eq(vfs_mknod(&c, NULL, "/reg", S_IFREG | 0644, 0, NULL), 0);
	ck_assert_int_eq(vfs_mknod(&c, NULL, "/chr", S_IFCHR | 0644, makedev(1, 3), NULL), -EPERM);
	ck_assert_int_eq(vfs_walk(&c, NULL, "/reg", 0, &p), 0);
	ck_assert_int_eq(vfs_link(&c, &p, NULL, "/reg2"), 0);
	path_put(&p);
	ck_assert_int_eq(stat_name("/reg", &st), 0);
	ck_assert_int_eq(stat_name("/reg2", &st2), 0);
	ck_assert_uint_eq(st.ino, st2.ino);
	ck_assert_uint_eq(st.nlink, 2);
	ck_assert_int_eq(vfs_unlink(&c, NULL, "/reg"), 0);
	ck_assert_int_eq(stat_name("/reg2", &st2), 0);
	ck_assert_uint_eq(st2.nlink, 1);
	ck_assert_int_eq(vfs_mkdir(&c, NULL, "/d", 0755), 0);
	ck_assert_int_eq(vfs_rmdir(&c, NULL, "/a"), -ENOTEMPTY);
	ck_assert_int_eq(vfs_rename(&c, NULL, "/reg2", NULL, "/file", 0), 0);
	ck_assert_int_eq(stat_name("/file", &st), 0);
	ck_assert_uint_eq(st.size, 0);
	ck_assert_int_eq(vfs_rmdir(&c, NULL, "/d"), 0);
}
END_TEST

START_TEST(unnamed)
{
	struct file *f = open_file("/a", O_TMPFILE | O_RDWR);
	struct stat hst;

	ck_assert(!IS_ERR(f));
	ck_assert_int_eq(file_io(f, "12345", 5, true), 5);
	ck_assert_uint_eq(f->inode->nlink, 0);
	ck_assert_int_eq(vfs_link(&c, &f->path, NULL, "/a/named"), 0);
	file_put(f);
	ck_assert_int_eq(stat(host("a/named"), &hst), 0);
	ck_assert_int_eq(hst.st_size, 5);
}
END_TEST

START_TEST(shared_sees_the_host)
{
	struct kstat st;

	ck_assert_int_eq(stat_name("/file", &st), 0);
	ck_assert_int_eq(stat_name("/later", &st), -ENOENT);
	ck_assert_int_eq(truncate(host("file"), 100), 0);
	ck_assert_int_eq(symlink("x", host("later")), 0);
	ck_assert_int_eq(stat_name("/file", &st), 0);
	ck_assert_uint_eq(st.size, 100);
	ck_assert_int_eq(stat_name("/later", &st), 0);
	ck_assert_int_eq(unlink(host("file")), 0);
	ck_assert_int_eq(stat_name("/file", &st), -ENOENT);
}
END_TEST

START_TEST(many_files)
{
	static struct names n;
	char name[64];
	struct file *f, *d;

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "/a/file%d", i);
		f = open_file(name, O_CREAT | O_RDWR);
		ck_assert(!IS_ERR(f)); /* 1,000 ids are enough: old names give theirs back */
		ck_assert_int_eq(file_io(f, name, 10, true), 10);
		file_put(f);
	}
	d = open_file("/a", O_RDONLY | O_DIRECTORY);
	ck_assert(!IS_ERR(d));
	ck_assert_uint_eq(list_all(d, &n, 50), 3003);
	file_put(d);
}
END_TEST

/* More directories than there are ids: those that nobody uses give theirs back. */
START_TEST(many_directories)
{
	static struct names n;
	char name[64];
	struct file *d;

	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "a/dir%d", i);
		ck_assert_int_eq(mkdir(host(name), 0755), 0);
	}
	d = open_file("/a", O_RDONLY | O_DIRECTORY);
	ck_assert(!IS_ERR(d));
	ck_assert_uint_eq(list_all(d, &n, 50), 1203);
	for (int i = 0; i < 1200; i++) {
		struct file *f;

		snprintf(name, sizeof(name), "/a/dir%d", i);
		f = open_file(name, O_RDONLY | O_DIRECTORY);
		ck_assert(!IS_ERR(f));
		ck_assert_uint_eq(list_all(f, &n, 50), 2);
		file_put(f);
	}
	file_put(d);
}
END_TEST

static TCase *make_case(const char *name, void (*start)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, start, teardown);
	tcase_add_test(t, read_and_write);
	tcase_add_test(t, attributes);
	tcase_add_test(t, new_names);
	tcase_add_test(t, unnamed);
	tcase_set_timeout(t, 30);
	return t;
}

int main(void)
{
	Suite *s = suite_create("gofer_fs");
	TCase *exclusive = make_case("exclusive", setup),
	      *shared = make_case("shared", setup_shared);
	SRunner *r;
	int failed;

	tcase_add_test(exclusive, message_counts);
	tcase_add_test(exclusive, listings_answer_lookups);
	tcase_add_test(exclusive, names_without_ids);
	tcase_add_test(exclusive, many_files);
	tcase_add_test(exclusive, many_directories);
	tcase_add_test(exclusive, one_message_for_an_open);
	tcase_add_loop_test(exclusive, opened_ahead, 0, 2);
	tcase_add_test(exclusive, ahead_of_what_changes);
	tcase_add_test(exclusive, open_file_without_a_name);
	tcase_add_test(exclusive, listing_remembers);
	tcase_add_test(shared, shared_sees_the_host);
	suite_add_tcase(s, exclusive);
	suite_add_tcase(s, shared);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
