/* libs: fs_anon fs_pipe kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* pipe_ring.c - pipes: order of bytes over many wraps, sizes, splice's pieces, ends */
#include "tests/unit/events_test.h"

START_TEST(bytes_in_order)
{
	static u8 in[70000], out[70000];
	struct file *p[2];
	u64 written = 0, seen = 0, bad = 0;

	srand(5);
	ck_assert_int_eq(pipe_create(&g_caller, O_NONBLOCK, p), 0);
	for (int step = 0; step < 20000; step++) {
		size_t n = (size_t)rand() % (rand() % 8 ? 300 : sizeof(in)) + 1;
		ssize_t r;

		if (rand() % 2) {
			for (size_t i = 0; i < n; i++)
				in[i] = (u8)((written + i) * 7 >> 2);
			r = file_write(p[1], in, n);
			ck_assert(r == -EAGAIN || (r > 0 && r <= (ssize_t)n));
			ck_assert(n > 4096 || r == -EAGAIN || r == (ssize_t)n);
			written += r > 0 ? (u64)r : 0;
		} else {
			r = file_read(p[0], out, n);
			ck_assert(r == -EAGAIN ? written == seen : r > 0);
			for (ssize_t i = 0; i < r; i++)
				bad += out[i] != (u8)((seen + (u64)i) * 7 >> 2);
			seen += r > 0 ? (u64)r : 0;
		}
		ck_assert_uint_le(written - seen, 65536);
	}
	ck_assert_uint_eq(bad, 0);
	file_put(p[1]);
	while (seen < written)
		seen += (u64)file_read(p[0], out, sizeof(out));
	ck_assert_int_eq(file_read(p[0], out, 1), 0);
	file_put(p[0]);
}
END_TEST

START_TEST(room_in_pages)
{
	static u8 buf[1 << 20];
	struct file *p[2];

	ck_assert_int_eq(pipe_create(&g_caller, O_NONBLOCK, p), 0);
	ck_assert_int_eq(file_write(p[1], buf, sizeof(buf)), 65536);
	ck_assert_int_eq(file_write(p[1], buf, 1), -EAGAIN);
	ck_assert_int_eq(file_read(p[0], buf, 100), 100);
	ck_assert_int_eq(file_write(p[1], buf, 1), -EAGAIN);
	ck_assert_uint_eq(p[1]->op->poll(p[1], NULL), 0);
	ck_assert_int_eq(file_read(p[0], buf, 3996), 3996);
	ck_assert_uint_eq(p[1]->op->poll(p[1], NULL), EPOLLOUT | EPOLLWRNORM);
	ck_assert_int_eq(file_write(p[1], buf, 1), 1);
	ck_assert_int_eq(pipe_set_size(p[0], 4096, false), -EBUSY);
	ck_assert_int_eq(pipe_set_size(p[0], 1 << 20, false), 1 << 20);
	ck_assert_int_eq(pipe_set_size(p[0], 4 << 20, false), -EPERM);
	ck_assert_int_eq(pipe_set_size(p[0], 1ull << 32, true), -EINVAL);
	ck_assert_int_eq(file_read(p[0], buf, sizeof(buf)), 61441);
	ck_assert_int_eq(pipe_set_size(p[0], 1, false), 4096);
	file_put(p[0]);
	ck_assert_int_eq(file_write(p[1], buf, 1), -EPIPE);
	ck_assert_uint_eq(p[1]->op->poll(p[1], NULL), EPOLLOUT | EPOLLWRNORM | EPOLLERR);
	file_put(p[1]);
}
END_TEST

START_TEST(pieces)
{
	struct file *p[2], *q[2], *wait;
	struct iovec seg[2];
	char buf[16] = "";

	ck_assert_int_eq(pipe_create(&g_caller, O_NONBLOCK, p), 0);
	ck_assert_int_eq(pipe_create(&g_caller, O_NONBLOCK, q), 0);
	ck_assert_int_eq(pipe_read_begin(p[0], 10, seg), -EAGAIN);
	ck_assert_int_eq(pipe_write_begin(p[1], 10, seg), 10);
	ck_assert_int_eq(file_write(p[1], "x", 1), -EAGAIN);
	memcpy(seg[0].iov_base, "splice", 6);
	pipe_write_end(p[1], 6);
	ck_assert_int_eq(pipe_to_pipe(p[0], q[1], 3, true, &wait), 3);
	ck_assert_int_eq(pipe_to_pipe(p[0], q[1], 100, false, &wait), 6);
	ck_assert_int_eq(pipe_to_pipe(p[0], q[1], 100, false, &wait), -EAGAIN);
	ck_assert_ptr_eq(wait, p[0]);
	ck_assert_int_eq(pipe_to_pipe(p[0], p[1], 1, false, &wait), -EINVAL);
	ck_assert_int_eq(pipe_read_begin(q[0], 4, seg), 4);
	ck_assert_int_eq(file_read(q[0], buf, 1), -EAGAIN);
	pipe_read_end(q[0], 3);
	ck_assert_int_eq(file_read(q[0], buf, 16), 6);
	ck_assert_str_eq(buf, "splice");
	for (int i = 0; i < 2; i++) {
		file_put(p[i]);
		file_put(q[i]);
	}
}
END_TEST

START_TEST(packets)
{
	struct file *p[2];
	char buf[16];

	ck_assert_int_eq(pipe_create(&g_caller, O_NONBLOCK | O_DIRECT, p), 0);
	ck_assert_int_eq(file_write(p[1], "first", 5), 5);
	ck_assert_int_eq(file_write(p[1], "second", 6), 6);
	ck_assert_int_eq(file_read(p[0], buf, 3), 3);
	ck_assert_int_eq(file_read(p[0], buf, 16), 6);
	ck_assert_int_eq(file_read(p[0], buf, 16), -EAGAIN);
	file_put(p[0]);
	file_put(p[1]);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, bytes_in_order);
	tcase_add_test(tc, room_in_pages);
	tcase_add_test(tc, pieces);
	tcase_add_test(tc, packets);
}

int main(void)
{
	return run_suite("pipe_ring", add);
}
