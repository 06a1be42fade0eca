/* libs: vfs fs_tmpfs fs_overlay mm auth time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* overlay_merge.c - overlay on a tmpfs: copies, whiteouts, renames, links, listings */
#include "fs/overlay/overlay.h"
#include "tests/unit/vfs_fixture.h"

static void link_to(const char *from, const char *to, int want)
{
	struct path p;

	ck_assert_int_eq(vfs_walk(&g_c, NULL, from, 0, &p), 0);
	ck_assert_int_eq(vfs_link(&g_c, &p, NULL, to), want);
	path_put(&p);
}

/* /d/{a,b,s -> a}, /d/sub/{x,y}, /h1 = /h2, /e (empty directory), below an overlay. */
static void setup(void)
{
	struct super_block *lower, *sb;

	fixture_boot();
	lower = fixture_tmpfs("mode=0755");
	lower->lock_rank = LR_INODE_LOWER;
	mutex_init(&dentry_inode(lower->root)->lock, LR_INODE_LOWER);
	ref_get(&lower->ref);
	fixture_enter(lower);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/d", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/d/sub", 0755), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/e", 0755), 0);
	ck_assert_int_eq(tput(&g_c, "/d/a", "lower a"), 0);
	ck_assert_int_eq(tput(&g_c, "/d/b", "lower b"), 0);
	ck_assert_int_eq(tput(&g_c, "/d/sub/x", "lower x"), 0);
	ck_assert_int_eq(tput(&g_c, "/d/sub/y", "lower y"), 0);
	ck_assert_int_eq(vfs_symlink(&g_c, NULL, "/d/s", "a"), 0);
	ck_assert_int_eq(tput(&g_c, "/h1", "hard"), 0);
	link_to("/h1", "/h2", 0);
	fixture_leave();
	ck_assert_int_eq(overlay_create(&g_c, lower, NULL, &sb), 0);
	fixture_enter(sb);
}

START_TEST(reads)
{
	ck_assert_str_eq(tcat(&g_c, "/d/a"), "lower a");
	ck_assert_str_eq(tcat(&g_c, "/d/s"), "lower a");
	ck_assert_str_eq(tcat(&g_c, "/d/sub/../sub/x"), "lower x");
	ck_assert_int_eq(twalk(&g_c, "/d/none", 0), -ENOENT);
	ck_assert_str_eq(tls(&g_c, "/d", 2), ". .. sub a b s ");
	ck_assert_uint_eq(memfile_in_use(), 4 * PAGE_SIZE + PAGE_SIZE);
}
END_TEST

START_TEST(copy_up)
{
	struct kstat before, after;
	struct file *r = topen(&g_c, "/d/a", O_RDONLY, 0), *w;
	struct attr a = {.valid = ATTR_MODE, .mode = 0600};
	struct path p;
	char buf[32] = "";

	ck_assert_int_eq(tstat(&g_c, "/d/a", &before), 0);
	w = topen(&g_c, "/d/a", O_RDWR, 0);
	ck_assert_uint_eq(memfile_in_use(), 5 * PAGE_SIZE); /* an open copies nothing */
	ck_assert_int_eq(tpwrite(&g_c, w, "UPPER", 5, 0), 5);
	ck_assert_int_eq(tpread(&g_c, r, buf, 31, 0), 7);
	ck_assert_str_eq(buf, "UPPER a");
	ck_assert_int_eq(tpread(&g_c, w, buf, 31, 0), 7);
	file_put(w);
	file_put(r);
	ck_assert_str_eq(tcat(&g_c, "/d/a"), "UPPER a");
	ck_assert_int_eq(tstat(&g_c, "/d/a", &after), 0);
	ck_assert_uint_eq(before.ino, after.ino);
	ck_assert_uint_eq(before.dev, after.dev);
	ck_assert_uint_eq(before.mode, after.mode);
	/* Attributes alone: the content stays lower's. */
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/d/b", 0, &p), 0);
	ck_assert_int_eq(vfs_setattr(&g_c, &p, &a), 0);
	path_put(&p);
	ck_assert_str_eq(tcat(&g_c, "/d/b"), "lower b");
	ck_assert_int_eq(tstat(&g_c, "/d/b", &after), 0);
	ck_assert_uint_eq(after.mode, S_IFREG | 0600);
	/* Truncation copies what stays. */
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/d/sub/x", 0, &p), 0);
	ck_assert_int_eq(vfs_truncate(&g_c, &p, NULL, 3), 0);
	path_put(&p);
	ck_assert_str_eq(tcat(&g_c, "/d/sub/x"), "low");
	ck_assert_int_eq(tput(&g_c, "/d/sub/y", "new"), 0);
	ck_assert_str_eq(tcat(&g_c, "/d/sub/y"), "new");
	/* A changed file keeps its place. */
	ck_assert_str_eq(tls(&g_c, "/d", 1), ". .. sub a b s ");
}
END_TEST

START_TEST(whiteouts)
{
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/a"), 0);
	ck_assert_int_eq(twalk(&g_c, "/d/a", 0), -ENOENT);
	ck_assert_str_eq(tls(&g_c, "/d", 1), ". .. sub b s ");
	ck_assert_int_eq(tcreate(&g_c, "/d/a", 0644), 0);
	ck_assert_str_eq(tcat(&g_c, "/d/a"), "");
	ck_assert_str_eq(tls(&g_c, "/d", 1), ". .. a sub b s ");
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/a"), 0);
	ck_assert_int_eq(twalk(&g_c, "/d/a", 0), -ENOENT);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/d/sub"), -ENOTEMPTY);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/sub/x"), 0);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/d/sub"), -ENOTEMPTY);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/sub/y"), 0);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/d/sub"), 0);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/d/sub", 0755), 0);
	ck_assert_str_eq(tls(&g_c, "/d/sub", 1), ". .. ");
	ck_assert_int_eq(twalk(&g_c, "/d/sub/x", 0), -ENOENT);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/e"), 0);
	ck_assert_str_eq(tls(&g_c, "/", 9), ". .. d h1 h2 ");
}
END_TEST

/* Names are forgotten by the cache; what was changed is not. */
START_TEST(remembers)
{
	char name[32];

	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/b"), 0);
	ck_assert_int_eq(tput(&g_c, "/d/a", "changed"), 0);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/sub/x"), 0);
	for (int i = 0; i < 120000; i++) {
		snprintf(name, sizeof(name), "/none%d", i);
		ck_assert_int_eq(twalk(&g_c, name, 0), -ENOENT);
	}
	ck_assert_int_eq(twalk(&g_c, "/d/b", 0), -ENOENT);
	ck_assert_int_eq(twalk(&g_c, "/d/sub/x", 0), -ENOENT);
	ck_assert_str_eq(tcat(&g_c, "/d/a"), "changed");
	ck_assert_str_eq(tcat(&g_c, "/d/sub/y"), "lower y");
}
END_TEST

START_TEST(renames)
{
	struct kstat before, after;

	ck_assert_int_eq(tstat(&g_c, "/d/sub", &before), 0);
	ck_assert_int_eq(tput(&g_c, "/d/sub/new", "n"), 0);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/sub/x"), 0);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/d/sub", NULL, "/moved", 0), 0);
	ck_assert_int_eq(twalk(&g_c, "/d/sub", 0), -ENOENT);
	ck_assert_str_eq(tcat(&g_c, "/moved/y"), "lower y");
	ck_assert_str_eq(tcat(&g_c, "/moved/new"), "n");
	ck_assert_str_eq(tls(&g_c, "/moved", 1), ". .. new y ");
	ck_assert_int_eq(tstat(&g_c, "/moved", &after), 0);
	ck_assert_uint_eq(before.ino, after.ino);
	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/d/sub", 0755), 0);
	ck_assert_str_eq(tls(&g_c, "/d/sub", 1), ". .. ");
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/moved", NULL, "/d/sub", 0), 0);
	ck_assert_str_eq(tls(&g_c, "/d/sub", 1), ". .. new y ");
	/* Files: over one of lower's, exchanged. */
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/d/a", NULL, "/d/b", 0), 0);
	ck_assert_str_eq(tcat(&g_c, "/d/b"), "lower a");
	ck_assert_int_eq(twalk(&g_c, "/d/a", 0), -ENOENT);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/d/b", NULL, "/h1", RENAME_EXCHANGE), 0);
	ck_assert_str_eq(tcat(&g_c, "/h1"), "lower a");
	ck_assert_str_eq(tcat(&g_c, "/d/b"), "hard");
	ck_assert_str_eq(tls(&g_c, "/d", 1), ". .. sub b s ");
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/e", NULL, "/d", 0), -ENOTEMPTY);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/d", NULL, "/e", 0), 0);
	ck_assert_str_eq(tcat(&g_c, "/e/b"), "hard");
}
END_TEST

START_TEST(hard_links)
{
	struct kstat st;

	ck_assert_int_eq(tput(&g_c, "/h1", "changed"), 0);
	ck_assert_str_eq(tcat(&g_c, "/h2"), "changed");
	ck_assert_int_eq(tstat(&g_c, "/h2", &st), 0);
	ck_assert_uint_eq(st.nlink, 2);
	link_to("/h2", "/h3", 0);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/h1"), 0);
	ck_assert_int_eq(tstat(&g_c, "/h3", &st), 0);
	ck_assert_uint_eq(st.nlink, 2);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/h2"), 0);
	ck_assert_str_eq(tcat(&g_c, "/h3"), "changed");
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/h3"), 0);
	link_to("/d/a", "/d/sub/a2", 0);
	ck_assert_int_eq(tput(&g_c, "/d/sub/a2", "both"), 0);
	ck_assert_str_eq(tcat(&g_c, "/d/a"), "both");
}
END_TEST

START_TEST(xattrs)
{
	struct path p;
	char buf[64];

	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/d/a", 0, &p), 0);
	ck_assert_int_eq(vfs_getxattr(&g_c, &p, "user.k", buf, sizeof(buf)), -ENODATA);
	ck_assert_int_eq(vfs_setxattr(&g_c, &p, "user.k", "v", 1, 0), 0);
	ck_assert_int_eq(vfs_getxattr(&g_c, &p, "user.k", buf, sizeof(buf)), 1);
	ck_assert_int_eq(vfs_listxattr(&g_c, &p, buf, sizeof(buf)), 7);
	ck_assert_int_eq(vfs_removexattr(&g_c, &p, "user.k"), 0);
	ck_assert_int_eq(vfs_removexattr(&g_c, &p, "user.k"), -ENODATA);
	path_put(&p);
}
END_TEST

START_TEST(census)
{
	ck_assert_int_eq(tput(&g_c, "/d/a", "changed"), 0);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/d/b"), 0);
	ck_assert_int_eq(vfs_rename(&g_c, NULL, "/d/sub", NULL, "/moved", 0), 0);
	ck_assert_int_eq(tput(&g_c, "/moved/z", "z"), 0);
	fixture_leave();
	ck_assert_uint_eq(tin_use("struct ovl_node"), 0);
	ck_assert_uint_eq(tin_use("struct tmpfs_node"), 0);
	ck_assert_uint_eq(tin_use("struct super_block"), 2); /* anon, memfd */
	ck_assert_uint_eq(tin_use("struct dentry"), 2);
	ck_assert_uint_eq(memfile_in_use(), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("overlay");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, reads);
	tcase_add_test(t, copy_up);
	tcase_add_test(t, whiteouts);
	tcase_add_test(t, remembers);
	tcase_add_test(t, renames);
	tcase_add_test(t, hard_links);
	tcase_add_test(t, xattrs);
	tcase_add_test(t, census);
	return trun("overlay_merge", t);
}
