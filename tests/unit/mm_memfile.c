/* libs: mm arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* mm_memfile.c - extents of the memory file: disjoint, aligned, zeroed, given back to the host, not
 * executable */
#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sentry/arena/arena.h"
#include "sentry/mm/memfile.h"
#include "sentry/mm/mm.h"
#include "tests/lib/no_platform.h"

struct extent {
	u64 offset;
	unsigned order;
	u8 mark;
};

static bool filled_with(u64 offset, size_t size, u8 value)
{
	const u8 *p = memfile_ptr(offset);

	for (size_t i = 0; i < size; i += 64)
		if (p[i] != value)
			return false;
	return true;
}

START_TEST(random_extents)
{
	static struct extent e[400];
	unsigned n = 0;
	u64 bytes = 0;

	srand(3);
	for (unsigned i = 0; i < 20000; i++) {
		if (n < array_size(e) && rand() % 2) {
			unsigned order = (unsigned)rand() % (rand() % 8 ? 3 : 10);
			s64 offset = memfile_alloc(order);
			u64 size = PAGE_SIZE << order;

			ck_assert_int_ge(offset, 0);
			ck_assert_uint_eq((u64)offset % size, 0);
			ck_assert(filled_with((u64)offset, size, 0));
			e[n] = (struct extent){(u64)offset, order, (u8)(1 + rand() % 255)};
			memset(memfile_ptr((u64)offset), e[n++].mark, size);
			bytes += size;
		} else if (n) {
			unsigned k = (unsigned)rand() % n;
			u64 size = PAGE_SIZE << e[k].order;

			ck_assert(filled_with(e[k].offset, size, e[k].mark));
			memfile_free(e[k].offset, e[k].order);
			e[k] = e[--n];
			bytes -= size;
		}
		ck_assert_uint_eq(memfile_in_use(), bytes);
	}
	while (n) {
		n--;
		memfile_free(e[n].offset, e[n].order);
	}
	ck_assert_uint_eq(memfile_in_use(), 0);
}
END_TEST

START_TEST(given_back)
{
	struct stat st;
	s64 offset[64];

	for (unsigned i = 0; i < 64; i++) {
		offset[i] = memfile_alloc(9);
		ck_assert_int_ge(offset[i], 0);
		memset(memfile_ptr((u64)offset[i]), 1, 2ul << 20);
	}
	for (unsigned i = 0; i < 64; i++)
		memfile_free((u64)offset[i], 9);
	ck_assert_int_eq(fstat(memfile_fd(), &st), 0);
	ck_assert_int_lt(st.st_blocks * 512, 16l << 20);
}
END_TEST

START_TEST(runs)
{
	s64 a = memfile_run_alloc(5 * PAGE_SIZE), b = memfile_run_alloc(1ul << 40), c;
	u8 *p;

	ck_assert_int_gt(a, 0);
	ck_assert_int_gt(b, 0);
	p = mmap(NULL, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfile_fd(), a);
	ck_assert_ptr_ne(p, MAP_FAILED);
	memset(p, 7, 8 * PAGE_SIZE);
	memfile_run_free((u64)a, 5 * PAGE_SIZE);
	ck_assert_uint_eq(p[0], 0);
	c = memfile_run_alloc(8 * PAGE_SIZE);
	ck_assert_int_eq(a, c);
	ck_assert_int_lt(memfile_run_alloc(1ul << 62), 0);
	munmap(p, 8 * PAGE_SIZE);
}
END_TEST

START_TEST(empty_file)
{
	struct stat st;

	ck_assert_int_eq(fstat(memfile_empty_fd(), &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_lt(ftruncate(memfile_empty_fd(), 4096), 0);
	ck_assert_int_lt(ftruncate(memfile_fd(), 4096), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mm_memfile");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	if (arena_init(1ul << 30) < 0 || memfile_init() < 0)
		return 1;
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, random_extents);
	tcase_add_test(tc, given_back);
	tcase_add_test(tc, runs);
	tcase_add_test(tc, empty_file);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
