/* libs: vfs fs_tmpfs mm auth time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_walk.c - names: walking, links, "..", rights, creation and removal, mounts, on a tmpfs */
#include "tests/unit/vfs_fixture.h"

static void setup(void)
{
	fixture_boot();
	fixture_enter(fixture_tmpfs("mode=0755"));
}

START_TEST(plain)
{
	char longname[300];
	struct kstat st, st2;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/a", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/a/b/", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/a", 0755), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/", 0755), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/x/y", 0755), -ENOENT);
	ck_assert_int_eq(tcreate(&g_c, "/a/b/f", 0644), 0);
	ck_assert_int_eq(tcreate(&g_c, "/a/b/f", 0644), -EEXIST);
	ck_assert_int_eq(tcreate(&g_c, "/a/b/g/", 0644), -EISDIR);
	ck_assert_int_eq(twalk(&g_c, "/a/b/f", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "a/./b/../b//f", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/../../a", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/a/b/f/", 0), -ENOTDIR);
	ck_assert_int_eq(twalk(&g_c, "/a/b/f/x", 0), -ENOTDIR);
	ck_assert_int_eq(twalk(&g_c, "/a/b/f/..", 0), -ENOTDIR);
	ck_assert_int_eq(twalk(&g_c, "/a/b/", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "", 0), -ENOENT);
	ck_assert_int_eq(twalk(&g_c, "", WALK_EMPTY), 0);
	ck_assert_int_eq(twalk(&g_c, "/none", 0), -ENOENT);
	ck_assert_int_eq(twalk(&g_c, "/none/x", 0), -ENOENT);
	memset(longname, 'n', sizeof(longname));
	longname[256] = 0;
	ck_assert_int_eq(twalk(&g_c, longname, 0), -ENAMETOOLONG);
	longname[255] = 0;
	ck_assert_int_eq(twalk(&g_c, longname, 0), -ENOENT);
	ck_assert_int_eq(tcreate(&g_c, longname, 0644), 0);
	ck_assert_int_eq(twalk(&g_c, longname, 0), 0);
	ck_assert_int_eq(tstat(&g_c, "/a", &st), 0);
	ck_assert_int_eq(st.nlink, 3);
	ck_assert_int_eq(tstat(&g_c, "/a/b/..", &st2), 0);
	ck_assert_uint_eq(st.ino, st2.ino);
	ck_assert_str_eq(tls(&g_c, "/a", 1), ". .. b ");
}
END_TEST

START_TEST(links)
{
	char name[32], target[32], buf[64];
	struct path p;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/d", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/d/e", 0755), 0);
	ck_assert_int_eq(tput(&g_c, "/d/f", "hello"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/l", "d/f"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/ld", "d"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/d/up", "../ld/e"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/abs", "/d/up/.."), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/loop", "loop"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/dangling", "nowhere/x"), 0);
	ck_assert_str_eq(tcat(&g_c, "/l"), "hello");
	ck_assert_str_eq(tcat(&g_c, "/ld/f"), "hello");
	ck_assert_str_eq(tcat(&g_c, "/abs/up/../f"), "hello");
	ck_assert_str_eq(tcat(&g_c, "/ld/up/../../l"), "hello");
	ck_assert_int_eq(twalk(&g_c, "/l/", 0), -ENOTDIR);
	ck_assert_int_eq(twalk(&g_c, "/ld/", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/loop", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/loop", WALK_FOLLOW), -ELOOP);
	ck_assert_int_eq(twalk(&g_c, "/loop/x", 0), -ELOOP);
	ck_assert_int_eq(twalk(&g_c, "/dangling", WALK_FOLLOW), -ENOENT);
	ck_assert_int_eq(PTR_ERR(topen(&g_c, "/l", O_RDONLY | O_NOFOLLOW, 0)), -ELOOP);
	ck_assert_int_eq(PTR_ERR(topen(&g_c, "/l", O_CREAT | O_EXCL | O_RDWR, 0)), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/nowhere", 0755), 0);
	ck_assert_int_eq(tput(&g_c, "/dangling", "made"), 0);
	ck_assert_str_eq(tcat(&g_c, "/nowhere/x"), "made");
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/l", 0, &p), 0);
	ck_assert_int_eq(vfs_readlink(&g_c, &p, buf, sizeof(buf)), 3);
	path_put(&p);
	/* 40 links are walked, 41 are not. */
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/c0", "d/f"), 0);
	for (int i = 1; i <= 40; i++) {
		snprintf(name, sizeof(name), "/c%d", i);
		snprintf(target, sizeof(target), "c%d", i - 1);
		ck_assert_int_eq(vfs_symlink(&g_c, NULL, name, target), 0);
	}
	ck_assert_int_eq(twalk(&g_c, "/c39", WALK_FOLLOW), 0);
	ck_assert_int_eq(twalk(&g_c, "/c40", WALK_FOLLOW), -ELOOP);
}
END_TEST

static int walk_below(const struct path *d, const char *name, u32 flags)
{
	struct path p;
	int err = vfs_walk(&g_c, d, name, WALK_FOLLOW | flags, &p);

	if (!err)
		path_put(&p);
	return err;
}

START_TEST(scoped)
{
	struct path d;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/s", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/s/t", 0755), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/s/abs", "/t"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/s/out", "../s"), 0);
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/s", 0, &d), 0);
	ck_assert_int_eq(walk_below(&d, "t", WALK_BENEATH), 0);
	ck_assert_int_eq(walk_below(&d, "t/../t", WALK_BENEATH), 0);
	ck_assert_int_eq(walk_below(&d, "..", WALK_BENEATH), -EXDEV);
	ck_assert_int_eq(walk_below(&d, "/s", WALK_BENEATH), -EXDEV);
	ck_assert_int_eq(walk_below(&d, "abs", WALK_BENEATH), -EXDEV);
	ck_assert_int_eq(walk_below(&d, "out", WALK_BENEATH), -EXDEV);
	ck_assert_int_eq(walk_below(&d, "abs", WALK_IN_ROOT), 0);
	ck_assert_int_eq(walk_below(&d, "out", WALK_IN_ROOT), -ENOENT);
	ck_assert_int_eq(walk_below(&d, "../../t", WALK_IN_ROOT), 0);
	ck_assert_int_eq(walk_below(&d, "/t", WALK_IN_ROOT), 0);
	ck_assert_int_eq(walk_below(&d, "abs", WALK_NO_SYMLINKS), -ELOOP);
	path_put(&d);
}
END_TEST

START_TEST(rights)
{
	struct attr a = {.valid = ATTR_MODE, .mode = 0700};
	struct path p;
	struct file *f;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/priv", 0700), 0);
	ck_assert_int_eq(tput(&g_c, "/priv/f", "x"), 0);
	ck_assert_int_eq(twalk(&g_u, "/priv/f", 0), -EACCES);
	ck_assert_int_eq(twalk(&g_u, "/priv", 0), 0);
	ck_assert_int_eq(vfs_mkdir(&g_u, NULL, "/u", 0755), -EACCES);
	g_c.umask = 0;
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/tmp", 01777), 0);
	g_c.umask = 022;
	ck_assert_int_eq(tput(&g_c, "/tmp/root", "r"), 0);
	ck_assert_int_eq(tput(&g_u, "/tmp/user", "u"), 0);
	ck_assert_int_eq(vfs_unlink(&g_u, NULL, "/tmp/root"), -EPERM);
	ck_assert_int_eq(vfs_rename(&g_u, NULL, "/tmp/user", NULL, "/tmp/root", 0), -EPERM);
	ck_assert_int_eq(PTR_ERR(topen(&g_u, "/tmp/root", O_RDWR, 0)), -EACCES);
	ck_assert_int_eq(vfs_walk(&g_u, NULL, "/tmp/root", 0, &p), 0);
	ck_assert_int_eq(vfs_setattr(&g_u, &p, &a), -EPERM);
	ck_assert_int_eq(vfs_access(&g_u, &p, MAY_READ, true), 0);
	ck_assert_int_eq(vfs_access(&g_u, &p, MAY_WRITE, true), -EACCES);
	ck_assert_int_eq(vfs_access(&g_c, &p, MAY_EXEC, true), -EACCES);
	path_put(&p);
	/* Writing takes setuid and setgid away. */
	ck_assert_int_eq(vfs_walk(&g_u, NULL, "/tmp/user", 0, &p), 0);
	a.mode = 06777;
	a.valid = ATTR_MODE;
	ck_assert_int_eq(vfs_setattr(&g_u, &p, &a), 0);
	ck_assert_int_eq(dentry_inode(p.dentry)->mode & 07777, 06777);
	f = topen(&g_u, "/tmp/user", O_WRONLY, 0);
	ck_assert_int_eq(tpwrite(&g_u, f, "zz", 2, 0), 2);
	ck_assert_int_eq(dentry_inode(p.dentry)->mode & 07777, 0777);
	file_put(f);
	path_put(&p);
	ck_assert_int_eq(vfs_unlink(&g_u, NULL, "/tmp/user"), 0);
}
END_TEST

START_TEST(removal)
{
	struct open_how_in how = {.flags = O_CREAT | O_WRONLY, .mode = 0644};
	struct file *f;
	char buf[64];

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/r", 0755), 0);
	ck_assert_int_eq(tput(&g_c, "/r/f", "data"), 0);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/r"), -ENOTEMPTY);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/r/f"), -ENOTDIR);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/r"), -EISDIR);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/r/."), -EINVAL);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/r/.."), -ENOTEMPTY);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/r/f/"), -ENOTDIR);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/r/none"), -ENOENT);
	f = topen(&g_c, "/r/f", O_RDWR, 0);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/r/f"), 0);
	ck_assert_int_eq(twalk(&g_c, "/r/f", 0), -ENOENT);
	ck_assert_int_eq(tpread(&g_c, f, buf, 4, 0), 4);
	ck_assert_int_eq(vfs_path_text(&g_c, &f->path, buf, sizeof(buf)), 14);
	ck_assert_str_eq(buf, "/r/f (deleted)");
	ck_assert_int_eq(f->inode->nlink, 0);
	ck_assert_int_eq(tput(&g_c, "/r/f", "new"), 0);
	ck_assert_str_eq(tcat(&g_c, "/r/f"), "new");
	file_put(f);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/r/f"), 0);
	f = topen(&g_c, "/r", O_RDONLY, 0);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/r/"), 0);
	ck_assert_int_eq(PTR_ERR(vfs_open(&g_c, &f->path, "x", &how)), -ENOENT);
	ck_assert_int_eq(vfs_path_text(&g_c, &f->path, buf, sizeof(buf)), 12);
	file_put(f);
}
END_TEST

#define LONG_NAME "/q/a_name_that_is_longer_than_forty_bytes_for_sure"

START_TEST(renames)
{
	char buf[64];
	struct kstat st;
	struct path p;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/p", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/q", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/p/sub", 0755), 0);
	ck_assert_int_eq(tput(&g_c, "/p/a", "A"), 0);
	ck_assert_int_eq(tput(&g_c, "/q/b", "B"), 0);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p/a", NULL, "/q/b", RENAME_NOREPLACE), -EEXIST);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p/a", NULL, "/q/b", RENAME_EXCHANGE), 0);
	ck_assert_str_eq(tcat(&g_c, "/p/a"), "B");
	ck_assert_str_eq(tcat(&g_c, "/q/b"), "A");
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p/a", NULL, "/q/b", 0), 0);
	ck_assert_str_eq(tcat(&g_c, "/q/b"), "B");
	ck_assert_int_eq(twalk(&g_c, "/p/a", 0), -ENOENT);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p", NULL, "/p/sub/x", 0), -EINVAL);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p/sub", NULL, "/p", 0), -ENOTEMPTY);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/q/b", NULL, "/p", 0), -EISDIR);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p", NULL, "/q/b", 0), -ENOTDIR);
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/p/sub", 0, &p), 0);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p", NULL, LONG_NAME, 0), 0);
	ck_assert_int_eq(vfs_path_text(&g_c, &p, buf, sizeof(buf)), sizeof(LONG_NAME "/sub") - 1);
	path_put(&p);
	ck_assert_int_eq(twalk(&g_c, "/p", 0), -ENOENT);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, LONG_NAME, NULL, "/p", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/p/sub/../../q/b", 0), 0);
	ck_assert_str_eq(tls(&g_c, "/q", 10), ". .. b ");
	ck_assert_int_eq(tstat(&g_c, "/q", &st), 0);
	ck_assert_int_eq(st.nlink, 2);
	/* Two links of one file. */
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/q/b", 0, &p), 0);
	ck_assert_int_eq(vfs_link(&g_c, &p, NULL, "/p/b2"), 0);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/p/b2", NULL, "/q/b", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/p/b2", 0), 0);
	ck_assert_int_eq(dentry_inode(p.dentry)->nlink, 2);
	path_put(&p);
}
END_TEST

START_TEST(mounts)
{
	char text[4096];
	struct strbuf s;
	u64 cursor = 0;
	struct path p;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/m", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/b", 0755), 0);
	ck_assert_int_eq(tput(&g_c, "/m/under", "1"), 0);
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/m", 0, &p), 0);
	ck_assert_int_eq(vfs_mount(&g_u, "none", &p, "tmpfs", 0, NULL), -EPERM);
	ck_assert_int_eq(vfs_mount(&g_c, "none", &p, "nofs", 0, NULL), -ENODEV);
	ck_assert_int_eq(vfs_mount(&g_c, "none", &p, "tmpfs", MS_NOSUID, "size=1m,mode=700"), 0);
	path_put(&p);
	ck_assert_int_eq(twalk(&g_c, "/m/under", 0), -ENOENT);
	ck_assert_int_eq(tput(&g_c, "/m/over", "2"), 0);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/m/over", NULL, "/x", 0), -EXDEV);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/m"), -EBUSY);
	ck_assert_int_eq(twalk(&g_c, "/m/../m/over", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/m/over", WALK_NO_XDEV), -EXDEV);
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/b", 0, &p), 0);
	ck_assert_int_eq(vfs_mount(&g_c, "/", &p, NULL, MS_BIND | MS_REC, NULL), 0);
	path_put(&p);
	ck_assert_str_eq(tcat(&g_c, "/b/m/over"), "2");
	strbuf_init(&s, text, sizeof(text));
	mounts_show(&g_c, &s, &cursor, 0);
	ck_assert_str_eq(text, "root / tmpfs rw,relatime,mode=755 0 0\n"
			       "none /m tmpfs rw,nosuid,relatime,size=1024k,mode=700 0 0\n"
			       "root /b tmpfs rw,relatime,mode=755 0 0\n"
			       "none /b/m tmpfs rw,nosuid,relatime,size=1024k,mode=700 0 0\n");
	/* Read-only bind. */
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/b", 0, &p), 0);
	ck_assert_int_eq(vfs_mount(&g_c, NULL, &p, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
			 0);
	ck_assert_int_eq(tput(&g_c, "/b/new", "x"), -EROFS);
	ck_assert_int_eq(tput(&g_c, "/new", "x"), 0);
	ck_assert_int_eq(vfs_umount(&g_c, &p, 0), -EBUSY);
	ck_assert_int_eq(vfs_umount(&g_c, &p, MNT_DETACH), 0);
	path_put(&p);
	ck_assert_int_eq(twalk(&g_c, "/b/m", 0), -ENOENT);
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/m", 0, &p), 0);
	ck_assert_int_eq(vfs_umount(&g_c, &p, 0), 0);
	path_put(&p);
	ck_assert_str_eq(tcat(&g_c, "/m/under"), "1");
	ck_assert_int_eq(tin_use("struct mount"), 3); /* root, anon, memfd */
}
END_TEST

/* Everything is given back when the namespace goes. */
START_TEST(census)
{
	u64 dentries, inodes;
	char name[64];

	fixture_leave();
	dentries = tin_use("struct dentry");
	inodes = tin_use("struct inode");
	fixture_enter(fixture_tmpfs(NULL));
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "/d%d", i);
		ck_assert_int_eq(vfs_mkdir(&g_c, NULL, name, 0755), 0);
		snprintf(name, sizeof(name), "/d%d/a file with a name that is longer than forty",
			 i);
		ck_assert_int_eq(tput(&g_c, name, "text"), 0);
		snprintf(name, sizeof(name), "/d%d/none", i);
		ck_assert_int_eq(twalk(&g_c, name, 0), -ENOENT);
	}
	fixture_leave();
	ck_assert_uint_eq(tin_use("struct dentry"), dentries);
	ck_assert_uint_eq(tin_use("struct inode"), inodes);
	ck_assert_uint_eq(tin_use("struct file"), 0);
	ck_assert_uint_eq(memfile_in_use(), 0);
}
END_TEST

/* The cache stays within its limit. */
START_TEST(shrinks)
{
	char name[64];

	for (int i = 0; i < 60000; i++) {
		snprintf(name, sizeof(name), "/none%d", i);
		ck_assert_int_eq(twalk(&g_c, name, 0), -ENOENT);
	}
	ck_assert_uint_lt(tin_use("struct dentry"), 41000);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("walk");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, plain);
	tcase_add_test(t, links);
	tcase_add_test(t, scoped);
	tcase_add_test(t, rights);
	tcase_add_test(t, removal);
	tcase_add_test(t, renames);
	tcase_add_test(t, mounts);
	tcase_add_test(t, census);
	tcase_add_test(t, shrinks);
	return trun("vfs_walk", t);
}
