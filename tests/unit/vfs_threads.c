/* libs: vfs fs_tmpfs fs_overlay mm auth time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_threads.c - many threads at once on few names, of a tmpfs and of an overlay; then all must be
 * given back */
#include <pthread.h>

#include "fs/overlay/overlay.h"
#include "tests/unit/vfs_fixture.h"

#define THREADS 4
#define STEPS	40000

static void one_name(char *name, size_t size, unsigned *seed)
{
	unsigned r = rand_r(seed);

	if (r % 4 == 0)
		snprintf(name, size, "/d%u", r / 4 % 3);
	else
		snprintf(name, size, "/d%u/%s%u", r / 4 % 3,
			 r / 16 % 5 ? "n" : "a name of more than forty bytes, which is not inline ",
			 r / 80 % 4);
}

static void use_file(struct caller *c, const char *name, unsigned r)
{
	struct file *f = topen(c, name, r % 2 ? O_RDWR | O_CREAT : O_RDONLY, 0644);
	char buf[100] = "";

	if (IS_ERR(f))
		return;
	if (f->mode & FMODE_WRITE)
		tpwrite(c, f, buf, sizeof(buf), r % 9000);
	tpread(c, f, buf, sizeof(buf), r % 9000);
	vfs_path_text(c, &f->path, buf, sizeof(buf));
	if (r % 7 == 0)
		vfs_truncate(c, NULL, f, r % 5000);
	file_put(f);
}

static bool drop_emit(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype,
		      u64 next)
{
	return true;
}

static void list_dir(struct caller *c, const char *name)
{
	struct dir_context dc = {.emit = drop_emit};
	struct file *f = topen(c, name, O_RDONLY, 0);

	if (IS_ERR(f))
		return;
	vfs_iterate(c, f, &dc);
	file_put(f);
}

static void step(struct caller *c, unsigned *seed)
{
	char a[96], b[96];
	struct kstat st;
	struct path p;
	unsigned r = rand_r(seed);

	one_name(a, sizeof(a), seed);
	one_name(b, sizeof(b), seed);
	switch (r % 10) {
	case 0:
		vfs_mkdir(c, NULL, a, 0755);
		break;
	case 1:
		vfs_rmdir(c, NULL, a);
		break;
	case 2:
		vfs_unlink(c, NULL, a);
		break;
	case 3:
		vfs_rename(c, NULL, a, NULL, b, r % 30 == 3 ? RENAME_EXCHANGE : 0);
		break;
	case 4:
		if (!vfs_walk(c, NULL, a, 0, &p)) {
			vfs_link(c, &p, NULL, b);
			path_put(&p);
		}
		break;
	case 5:
		list_dir(c, a);
		break;
	case 6:
		vfs_symlink(c, NULL, a, b + 1);
		break;
	case 7:
		tstat(c, a, &st);
		twalk(c, b, WALK_FOLLOW);
		break;
	default:
		use_file(c, a, r / 10);
	}
}

static void *run(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct caller c = g_c;

	for (int i = 0; i < STEPS; i++)
		step(&c, &seed);
	return NULL;
}

static void run_all(void)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, run, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void nothing_left(void)
{
	ck_assert_uint_eq(tin_use("struct file"), 0);
	ck_assert_uint_eq(tin_use("struct dentry"), 2); /* roots of the two internal mounts */
	ck_assert_uint_eq(tin_use("struct inode"), 2);
	ck_assert_uint_eq(memfile_in_use(), 0);
}

START_TEST(on_tmpfs)
{
	fixture_enter(fixture_tmpfs("mode=0755"));
	run_all();
	fixture_leave();
	nothing_left();
}
END_TEST

START_TEST(on_overlay)
{
	struct super_block *lower = fixture_tmpfs("mode=0755"), *sb;
	char name[64];

	lower->lock_rank = LR_INODE_LOWER;
	mutex_init(&dentry_inode(lower->root)->lock, LR_INODE_LOWER);
	ref_get(&lower->ref);
	fixture_enter(lower);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "/d%d", i);
		vfs_mkdir(&g_c, NULL, name, 0755);
		for (int k = 0; k < 4; k++) {
			snprintf(name, sizeof(name), "/d%d/n%d", i, k);
			tput(&g_c, name, "content of the lower file");
		}
	}
	fixture_leave();
	ck_assert_int_eq(overlay_create(&g_c, lower, NULL, &sb), 0);
	fixture_enter(sb);
	run_all();
	fixture_leave();
	nothing_left();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("threads");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, fixture_boot, NULL);
	tcase_add_test(t, on_tmpfs);
	tcase_add_test(t, on_overlay);
	return trun("vfs_threads", t);
}
