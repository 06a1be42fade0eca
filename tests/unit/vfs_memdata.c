/* libs: vfs fs_tmpfs mm auth time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_memdata.c - content in memory against a model: writes, holes, truncation, seeking, limits,
 * extents */
#include <linux/falloc.h>

#include "fs/vfs/memdata.h"
#include "tests/unit/vfs_fixture.h"

#define SPAN (64 * PAGE_SIZE)

static u8 g_model[SPAN], g_buf[SPAN];

static void setup(void)
{
	fixture_boot();
	fixture_enter(fixture_tmpfs("mode=0755,size=4m"));
}

static void compare(struct file *f, u64 size)
{
	memset(g_buf, 0xaa, sizeof(g_buf));
	ck_assert_int_eq(tpread(&g_c, f, g_buf, SPAN, 0), (ssize_t)size);
	ck_assert_int_eq(memcmp(g_buf, g_model, size), 0);
}

static void random_step(struct file *f, u64 *size)
{
	u64 off = random() % SPAN, n = 1 + random() % (SPAN - off), end = off + n;

	switch (random() % 4) {
	case 0:
	case 1:
		n = random() % 3 ? 1 + n % 5000 : n;
		end = min(off + n, (u64)SPAN);
		n = end - off;
		memset(g_buf, random(), n);
		ck_assert_int_eq(tpwrite(&g_c, f, g_buf, n, off), (ssize_t)n);
		memcpy(g_model + off, g_buf, n);
		*size = max(*size, end);
		break;
	case 2:
		ck_assert_int_eq(vfs_truncate(&g_c, NULL, f, off), 0);
		if (off < *size)
			memset(g_model + off, 0, SPAN - off);
		*size = off;
		break;
	case 3:
		ck_assert_int_eq(
			vfs_fallocate(&g_c, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, n),
			0);
		memset(g_model + off, 0, n);
		break;
	}
}

START_TEST(model)
{
	struct file *f = topen(&g_c, "/f", O_CREAT | O_RDWR, 0644);
	u64 size = 0;

	for (int i = 0; i < 4000; i++) {
		u64 off = random() % SPAN, n = 1 + random() % (SPAN - off);

		if (random() % 8 == 0) {
			ck_assert_int_eq(vfs_fallocate(&g_c, f, FALLOC_FL_ZERO_RANGE, off, n), 0);
			memset(g_model + off, 0, n);
			size = max(size, off + n);
		} else if (random() % 8 == 0) {
			ck_assert_int_eq(vfs_fallocate(&g_c, f, FALLOC_FL_KEEP_SIZE, off, n), 0);
		} else {
			random_step(f, &size);
		}
		compare(f, size);
	}
	file_put(f);
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/f"), 0);
	ck_assert_uint_eq(memfile_in_use(), 0);
}
END_TEST

START_TEST(holes)
{
	struct file *f = topen(&g_c, "/f", O_CREAT | O_RDWR, 0644);
	struct kstat st;

	ck_assert_int_eq(tpwrite(&g_c, f, "x", 1, 10 * PAGE_SIZE), 1);
	ck_assert_int_eq(tpwrite(&g_c, f, "y", 1, 20 * PAGE_SIZE + 5), 1);
	ck_assert_int_eq(vfs_llseek(&g_c, f, 0, SEEK_DATA), 10 * PAGE_SIZE);
	ck_assert_int_eq(vfs_llseek(&g_c, f, 0, SEEK_HOLE), 0);
	ck_assert_int_eq(vfs_llseek(&g_c, f, 10 * PAGE_SIZE, SEEK_HOLE), 11 * PAGE_SIZE);
	ck_assert_int_eq(vfs_llseek(&g_c, f, 11 * PAGE_SIZE, SEEK_DATA), 20 * PAGE_SIZE);
	ck_assert_int_eq(vfs_llseek(&g_c, f, 20 * PAGE_SIZE, SEEK_HOLE), 20 * PAGE_SIZE + 6);
	ck_assert_int_eq(vfs_llseek(&g_c, f, 20 * PAGE_SIZE + 6, SEEK_DATA), -ENXIO);
	ck_assert_int_eq(tstat(&g_c, "/f", &st), 0);
	ck_assert_uint_eq(st.blocks, 16);
	ck_assert_int_eq(vfs_fallocate(&g_c, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				       15 * PAGE_SIZE),
			 0);
	ck_assert_int_eq(tstat(&g_c, "/f", &st), 0);
	ck_assert_uint_eq(st.blocks, 8);
	file_put(f);
}
END_TEST

/* A file written from front to back is few extents. */
START_TEST(growth)
{
	struct file *f = topen(&g_c, "/f", O_CREAT | O_RDWR, 0644);
	struct map_extent e;
	struct kstat st;
	u64 off = 0;
	int count = 0;

	for (int i = 0; i < 700; i++)
		ck_assert_int_eq(tpwrite(&g_c, f, g_buf, 4000, i * 4000ul), 4000);
	ck_assert_int_eq(tstat(&g_c, "/f", &st), 0);
	ck_assert_uint_eq(st.blocks, page_up(2800000) / 512);
	while (off < page_up(st.size)) {
		ck_assert_int_eq(
			f->inode->map.ops->extent(&f->inode->map, off, st.size - off, false, &e),
			0);
		off += e.size;
		count++;
	}
	ck_assert_int_lt(count, 14);
	ck_assert_int_eq(f->inode->map.ops->extent(&f->inode->map, off, PAGE_SIZE, false, &e), 0);
	ck_assert_int_eq(e.fd, memfile_empty_fd());
	file_put(f);
}
END_TEST

START_TEST(limits)
{
	struct file *f = topen(&g_c, "/f", O_CREAT | O_RDWR, 0644);
	ssize_t n = 0, got;

	while ((got = tpwrite(&g_c, f, g_buf, 65536, n)) > 0)
		n += got;
	ck_assert_int_eq(got, -ENOSPC);
	ck_assert_int_eq(n, 4 << 20);
	ck_assert_int_eq(vfs_truncate(&g_c, NULL, f, 1000), 0);
	ck_assert_int_eq(tpwrite(&g_c, f, g_buf, 65536, 2000), 65536);
	file_put(f);
	g_c.fsize_limit = 100;
	f = topen(&g_c, "/g", O_CREAT | O_RDWR, 0644);
	ck_assert_int_eq(tpwrite(&g_c, f, g_buf, 200, 50), 50);
	ck_assert_int_eq(tpwrite(&g_c, f, g_buf, 200, 100), -EFBIG);
	ck_assert_int_eq(vfs_truncate(&g_c, NULL, f, 101), -EFBIG);
	ck_assert_int_eq(tpwrite(&g_c, f, g_buf, 200, (u64)INT64_MAX + 1), -EINVAL);
	file_put(f);
}
END_TEST

/* What a guest has mapped is not given to others while it is mapped. */
START_TEST(mapped)
{
	struct file *f = topen(&g_c, "/f", O_CREAT | O_RDWR, 0644);
	struct map_extent before, after;
	struct mappable *m = &f->inode->map;

	memset(g_buf, 1, sizeof(g_buf));
	ck_assert_int_eq(tpwrite(&g_c, f, g_buf, SPAN, 0), SPAN);
	m->ops->get(m);
	ck_assert_int_eq(m->ops->extent(m, 0, SPAN, true, &before), 0);
	ck_assert_int_eq(vfs_truncate(&g_c, NULL, f, 0), 0);
	ck_assert_uint_ge(memfile_in_use(), SPAN);
	ck_assert_int_eq(*(char *)memfile_ptr(before.offset), 0);
	ck_assert_int_eq(tpwrite(&g_c, f, "again", 5, 0), 5);
	ck_assert_int_eq(m->ops->extent(m, 0, SPAN, true, &after), 0);
	ck_assert_uint_eq(before.offset, after.offset);
	m->ops->put(m);
	ck_assert_uint_le(memfile_in_use(), PAGE_SIZE);
	file_put(f);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("memdata");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, model);
	tcase_add_test(t, holes);
	tcase_add_test(t, growth);
	tcase_add_test(t, limits);
	tcase_add_test(t, mapped);
	return trun("vfs_memdata", t);
}
