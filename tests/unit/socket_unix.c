/* libs: socket fs_anon fs_pipe kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* socket_unix.c - AF_UNIX: streams, packets, names, descriptors in flight and their collection */
#include "tests/unit/events_test.h"

#include "net/socket/unix.h"

static u64 g_socks_left;

static void count_socks(const struct slab_cache *c, void *arg)
{
	if (strcmp(c->name, "struct unix_sock") == 0 || strcmp(c->name, "struct unix_msg") == 0 ||
	    strcmp(c->name, "struct unix_addr") == 0 || strcmp(c->name, "struct file") == 0)
		g_socks_left += c->in_use;
}

static void nothing_left(void)
{
	g_socks_left = 0;
	unix_collect();
	slab_census(count_socks, NULL);
	ck_assert_uint_eq(g_socks_left, 0);
}

static void pair(int type, struct file *s[2])
{
	ck_assert_int_eq(socket_create_pair(&g_caller, AF_UNIX, type, 0, O_NONBLOCK, s), 0);
}

/* Sends one byte with @count times @f. */
static ssize_t send_file(struct file *s, struct file *f, u32 count)
{
	struct scm scm = {.count = count, .files = kalloc(count * sizeof(f))};
	struct sock_msg m = {.scm = &scm};
	struct iov_iter it;
	ssize_t n;

	for (u32 i = 0; i < count; i++)
		scm.files[i] = file_get(f);
	iter_init_kernel(&it, "f", 1);
	m.it = &it;
	n = socket_of(s)->op->send(&g_caller, socket_of(s), &m);
	scm_drop(&scm);
	return n;
}

static ssize_t recv_file(struct file *s, struct scm *scm, u32 flags)
{
	struct sock_msg m = {.scm = scm, .flags = flags};
	struct iov_iter it;
	char c;

	*scm = (struct scm){0};
	iter_init_kernel(&it, &c, 1);
	m.it = &it;
	return socket_of(s)->op->recv(&g_caller, socket_of(s), &m);
}

START_TEST(streams)
{
	static u8 big[1 << 20];
	struct file *s[2];
	char b[16];
	ssize_t n, got = 0, r, bad = 0;

	socket_init();
	pair(SOCK_STREAM, s);
	ck_assert_int_eq(file_read(s[0], b, 16), -EAGAIN);
	ck_assert_int_eq(file_write(s[0], "abc", 3), 3);
	ck_assert_int_eq(file_write(s[0], "def", 3), 3);
	ck_assert_int_eq(file_read(s[1], b, 4), 4);
	ck_assert_int_eq(file_read(s[1], b + 4, 12), 2);
	ck_assert(memcmp(b, "abcdef", 6) == 0);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (u8)(i * 13 >> 5);
	n = file_write(s[0], big, sizeof(big));
	ck_assert(n > 4096 && n < (ssize_t)sizeof(big));
	ck_assert_int_eq(file_write(s[0], big, 1), -EAGAIN);
	ck_assert(!(s[0]->op->poll(s[0], NULL) & EPOLLOUT));
	memset(big, 0, sizeof(big));
	while ((r = file_read(s[1], big + got, 7777)) > 0)
		got += r;
	ck_assert_int_eq(got, n);
	for (ssize_t i = 0; i < got; i++)
		bad += big[i] != (u8)((size_t)i * 13 >> 5);
	ck_assert_int_eq(bad, 0);
	ck_assert(s[0]->op->poll(s[0], NULL) & EPOLLOUT);
	ck_assert_int_eq(file_write(s[0], "x", 1), 1);
	file_put(s[1]);
	ck_assert_int_eq(file_read(s[0], b, 1), -ECONNRESET);
	ck_assert_int_eq(file_read(s[0], b, 1), 0);
	ck_assert_int_eq(file_write(s[0], "x", 1), -EPIPE);
	file_put(s[0]);
	nothing_left();
}
END_TEST

START_TEST(packets_and_full_queues)
{
	struct file *s[2];
	char b[64];
	int n = 0;

	socket_init();
	pair(SOCK_SEQPACKET, s);
	ck_assert_int_eq(file_write(s[0], "first", 5), 5);
	ck_assert_int_eq(file_write(s[0], "2nd", 3), 3);
	ck_assert_int_eq(file_read(s[1], b, 2), 2);
	ck_assert_int_eq(file_read(s[1], b, 64), 3);
	file_put(s[0]);
	ck_assert_int_eq(file_read(s[1], b, 64), 0);
	file_put(s[1]);
	pair(SOCK_DGRAM, s);
	while (file_write(s[0], b, 64) == 64)
		n++;
	ck_assert_int_gt(n, 10);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(file_read(s[1], b, 64), 64);
	ck_assert_int_eq(file_write(s[0], b, 0), 0);
	ck_assert_int_eq(file_read(s[1], b, 64), 0);
	file_put(s[0]);
	file_put(s[1]);
	nothing_left();
}
END_TEST

static void name_of(struct sock_name *n, const char *text)
{
	memset(n, 0, sizeof(*n));
	n->sa.sa_family = AF_UNIX;
	n->len = (u32)(3 + strlen(text));
	memcpy(n->raw + 3, text, strlen(text));
}

START_TEST(abstract_connections)
{
	struct file *l, *c[4], *a;
	struct sock_msg wait = {0};
	struct sock_name n;
	char b[8];

	socket_init();
	name_of(&n, "listener");
	ck_assert_int_eq(socket_create(&g_caller, AF_UNIX, SOCK_STREAM, 0, O_NONBLOCK, &l), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			socket_create(&g_caller, AF_UNIX, SOCK_STREAM, 0, O_NONBLOCK, &c[i]), 0);
	const struct socket_ops *op = socket_of(l)->op;

	ck_assert_int_eq(op->connect(&g_caller, socket_of(c[0]), &n, &wait), -ECONNREFUSED);
	ck_assert_int_eq(op->listen(&g_caller, socket_of(l), 2), -EINVAL);
	ck_assert_int_eq(op->bind(&g_caller, socket_of(l), &n), 0);
	ck_assert_int_eq(op->bind(&g_caller, socket_of(c[0]), &n), -EADDRINUSE);
	ck_assert_int_eq(op->connect(&g_caller, socket_of(c[0]), &n, &wait), -ECONNREFUSED);
	ck_assert_int_eq(op->listen(&g_caller, socket_of(l), 2), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(op->connect(&g_caller, socket_of(c[i]), &n, &wait), 0);
	ck_assert_int_eq(op->connect(&g_caller, socket_of(c[3]), &n, &wait), -EAGAIN);
	ck_assert_int_eq(op->connect(&g_caller, socket_of(c[0]), &n, &wait), -EISCONN);
	ck_assert_int_eq(file_write(c[0], "early", 5), 5);
	ck_assert_int_eq(op->accept(&g_caller, socket_of(l), 0, &a), 0);
	ck_assert_int_eq(file_read(a, b, 8), 5);
	ck_assert_int_eq(op->getname(socket_of(c[0]), true, &n), 0);
	ck_assert_uint_eq(n.len, 3 + strlen("listener"));
	file_put(l);
	ck_assert_int_eq(file_read(c[1], b, 1), -ECONNRESET);
	file_put(a);
	for (int i = 0; i < 4; i++)
		file_put(c[i]);
	nothing_left();
}
END_TEST

START_TEST(rights)
{
	struct file *s[2], *e = NULL;
	struct scm scm;

	socket_init();
	pair(SOCK_STREAM, s);
	e = eventfd_create(&g_caller, 0, false, 0);
	ck_assert_int_eq(send_file(s[0], e, 2), 1);
	ck_assert_uint_eq(ref_read(&e->ref), 3);
	ck_assert_int_eq(recv_file(s[1], &scm, MSG_PEEK), 1);
	ck_assert_uint_eq(ref_read(&e->ref), 5);
	scm_drop(&scm);
	ck_assert_int_eq(recv_file(s[1], &scm, 0), 1);
	ck_assert_uint_eq(scm.count, 2);
	ck_assert_ptr_eq(scm.files[0], e);
	scm_drop(&scm);
	ck_assert_uint_eq(ref_read(&e->ref), 1);
	ck_assert_int_eq(send_file(s[0], e, 1), 1); /* unread at close */
	file_put(s[1]);
	ck_assert_uint_eq(ref_read(&e->ref), 1);
	ck_assert_int_eq(send_file(s[0], e, 1), -EPIPE);
	ck_assert_uint_eq(ref_read(&e->ref), 1);
	file_put(s[0]);
	file_put(e);
	nothing_left();
}
END_TEST

START_TEST(cycles)
{
	struct file *s[2], *t[2];
	struct scm scm;

	socket_init();
	for (int kind = 0; kind < 20; kind++) {
		int type = kind % 2 ? SOCK_STREAM : SOCK_DGRAM;

		pair(type, s);
		pair(type, t);
		switch (kind % 5) {
		case 0: /* itself */
			ck_assert_int_eq(send_file(s[0], s[1], 1), 1);
			break;
		case 1: /* both ends, both ways */
			ck_assert_int_eq(send_file(s[0], s[0], 2), 1);
			ck_assert_int_eq(send_file(s[1], s[0], 1), 1);
			break;
		case 2: /* a ring of two pairs */
			ck_assert_int_eq(send_file(s[0], t[1], 1), 1);
			ck_assert_int_eq(send_file(t[0], s[1], 1), 1);
			break;
		case 3: /* a chain that leads out: nothing is garbage until the end goes */
			ck_assert_int_eq(send_file(s[0], t[0], 1), 1);
			ck_assert_int_eq(send_file(s[0], t[1], 1), 1);
			file_put(t[0]);
			ck_assert_int_eq(recv_file(s[1], &scm, 0), 1);
			ck_assert_uint_eq(scm.count, 1);
			t[0] = file_get(scm.files[0]);
			scm_drop(&scm);
			break;
		default: /* a self-holding pair inside the queue of one that is open */
			ck_assert_int_eq(send_file(s[0], t[0], 1), 1);
			ck_assert_int_eq(send_file(t[0], t[1], 1), 1);
			file_put(t[0]);
			file_put(t[1]);
			ck_assert_int_eq(recv_file(s[1], &scm, 0), 1);
			t[0] = file_get(scm.files[0]);
			scm_drop(&scm);
			ck_assert_uint_eq(ref_read(&t[0]->ref), 1);
			t[1] = file_get(s[0]);
		}
		file_put(t[0]);
		file_put(t[1]);
		file_put(s[0]);
		file_put(s[1]);
		nothing_left();
	}
}
END_TEST

/* Each socket holds the next one in its queue: closing the first must not recurse. */
START_TEST(long_chain)
{
	struct file *prev[2], *next[2];

	socket_init();
	pair(SOCK_STREAM, prev);
	struct file *first = prev[0];

	for (int i = 0; i < 20000; i++) {
		pair(SOCK_STREAM, next);
		ck_assert_int_eq(send_file(next[0], prev[1], 1), 1);
		if (i)
			file_put(prev[0]);
		file_put(prev[1]);
		memcpy(prev, next, sizeof(next));
	}
	file_put(prev[0]);
	file_put(prev[1]);
	file_put(first);
	nothing_left();
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, streams);
	tcase_add_test(tc, packets_and_full_queues);
	tcase_add_test(tc, abstract_connections);
	tcase_add_test(tc, rights);
	tcase_add_test(tc, cycles);
	tcase_add_test(tc, long_chain);
}

int main(void)
{
	return run_suite("socket_unix", add);
}
