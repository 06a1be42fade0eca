/* libs: vfs fs_tmpfs mm auth time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_locks.c - file locks against a model of one owner per byte, deadlocks, flock; inotify;
 * credentials */
#include "sentry/abi/inotify.h"
#include "tests/unit/vfs_fixture.h"

#define BYTES  64
#define OWNERS 3

static struct file *g_f[OWNERS];
static int g_owner[OWNERS]; /* whose addresses stand for processes */

static void setup(void)
{
	fixture_boot();
	fixture_enter(fixture_tmpfs("mode=0755"));
	for (int i = 0; i < OWNERS; i++)
		g_f[i] = topen(&g_c, "/f", O_CREAT | O_RDWR, 0644);
}

static struct file_lock_request request(int owner, u32 type, u64 start, u64 end)
{
	return (struct file_lock_request){.kind = LOCK_KIND_POSIX,
					  .owner = &g_owner[owner],
					  .pid = owner + 1,
					  .type = type,
					  .start = start,
					  .end = end};
}

/* Who has which lock on a byte. */
static u32 g_model[BYTES][OWNERS];

static int model_set(int owner, u32 type, u64 start, u64 end)
{
	for (u64 b = start; b <= end && type != F_UNLCK; b++)
		for (int o = 0; o < OWNERS; o++)
			if (o != owner && g_model[b][o] != F_UNLCK &&
			    (g_model[b][o] == F_WRLCK || type == F_WRLCK))
				return -EAGAIN;
	for (u64 b = start; b <= end; b++)
		g_model[b][owner] = type;
	return 0;
}

START_TEST(posix_model)
{
	static const u32 types[] = {F_RDLCK, F_WRLCK, F_UNLCK};

	for (int b = 0; b < BYTES; b++)
		for (int o = 0; o < OWNERS; o++)
			g_model[b][o] = F_UNLCK;
	for (int i = 0; i < 20000; i++) {
		int o = random() % OWNERS;
		u64 start = random() % BYTES, end = start + random() % (BYTES - start);
		struct file_lock_request r = request(o, types[random() % 3], start, end);

		ck_assert_int_eq(lock_set(g_f[o], &r, NULL, NULL),
				 model_set(o, r.type, start, end));
		ck_assert_uint_le(tin_use("struct file_lock"), OWNERS * BYTES);
	}
	for (int o = 0; o < OWNERS; o++)
		locks_release_posix(g_f[o]->inode, &g_owner[o]);
	ck_assert_uint_eq(tin_use("struct file_lock"), 0);
}
END_TEST

START_TEST(deadlock)
{
	struct file_lock_request a0 = request(0, F_WRLCK, 0, 0), b1 = request(1, F_WRLCK, 1, 1),
				 c2 = request(2, F_WRLCK, 2, 2), want;
	struct lock_wait *w0 = NULL, *w1 = NULL, *w2 = NULL;
	struct waitq *q;

	ck_assert_int_eq(lock_set(g_f[0], &a0, NULL, NULL), 0);
	ck_assert_int_eq(lock_set(g_f[1], &b1, NULL, NULL), 0);
	ck_assert_int_eq(lock_set(g_f[2], &c2, NULL, NULL), 0);
	want = request(0, F_WRLCK, 1, 1);
	ck_assert_int_eq(lock_set(g_f[0], &want, &w0, &q), -EAGAIN);
	want = request(1, F_RDLCK, 2, 2);
	ck_assert_int_eq(lock_set(g_f[1], &want, &w1, &q), -EAGAIN);
	want = request(2, F_WRLCK, 0, 5);
	ck_assert_int_eq(lock_set(g_f[2], &want, &w2, &q), -EDEADLK);
	ck_assert_ptr_null(w2);
	/* The first one gives up: no circle any more. */
	lock_wait_end(w0);
	ck_assert_int_eq(lock_set(g_f[2], &want, &w2, &q), -EAGAIN);
	lock_wait_end(w1);
	lock_wait_end(w2);
	ck_assert_int_eq(lock_get(g_f[1], &want), 0);
}
END_TEST

START_TEST(flocks)
{
	struct file_lock_request r = {.kind = LOCK_KIND_FLOCK, .end = INT64_MAX, .type = F_RDLCK};

	for (int i = 0; i < 2; i++) {
		r.owner = g_f[i];
		ck_assert_int_eq(lock_set(g_f[i], &r, NULL, NULL), 0);
	}
	r.type = F_WRLCK;
	ck_assert_int_eq(lock_set(g_f[1], &r, NULL, NULL), -EAGAIN);
	file_put(g_f[0]);
	ck_assert_int_eq(lock_set(g_f[1], &r, NULL, NULL), 0);
	file_put(g_f[1]);
	ck_assert_uint_eq(tin_use("struct file_lock"), 0);
}
END_TEST

/* The next event of @f: its mask, *name when there is one. */
static u32 next_event(struct file *f, s32 *wd, char name[256])
{
	char buf[300];
	struct inotify_event_k *e = (void *)buf;
	struct iov_iter it;
	ssize_t n;

	/* Room for one: a second would be taken too, so offer just enough for any name used here.
	 */
	iter_init_kernel(&it, buf, 32);
	n = vfs_read(&g_c, f, &it, NULL);
	if (n <= 0)
		return 0;
	*wd = e->wd;
	strcpy(name, e->len ? buf + sizeof(*e) : "");
	return e->mask;
}

START_TEST(notify)
{
	struct file *in = inotify_create(&g_c, O_NONBLOCK);
	char name[256];
	struct path p;
	s32 wd, got;

	ck_assert_int_eq(vfs_mkdir(&g_c, NULL, "/w", 0755), 0);
	ck_assert_int_eq(vfs_walk(&g_c, NULL, "/w", 0, &p), 0);
	wd = inotify_add_watch(&g_c, in, &p, IN_CREATE | IN_DELETE | IN_DELETE_SELF);
	ck_assert_int_eq(wd, 1);
	path_put(&p);
	ck_assert_int_eq(tcreate(&g_c, "/w/some", 0644), 0);
	ck_assert_uint_eq(next_event(in, &got, name), IN_CREATE);
	ck_assert_str_eq(name, "some");
	ck_assert_int_eq(vfs_unlink(&g_c, NULL, "/w/some"), 0);
	ck_assert_uint_eq(next_event(in, &got, name), IN_DELETE);
	ck_assert_uint_eq(next_event(in, &got, name), 0);
	ck_assert_int_eq(vfs_rmdir(&g_c, NULL, "/w"), 0);
	ck_assert_int_eq(inotify_rm_watch(in, wd), -EINVAL);
	file_put(in);
	ck_assert_uint_eq(tin_use("struct watch"), 0);
	ck_assert_uint_eq(tin_use("struct instance"), 0);
}
END_TEST

START_TEST(creds)
{
	u32 gids[] = {50, 7, 99, 7, 1};
	struct cred *old = cred_create(), *new = cred_dup(old);

	ck_assert_int_eq(cred_set_groups(new, gids, 5), 0);
	ck_assert(cred_in_group(new, 99) && cred_in_group(new, 1) && cred_in_group(new, 0));
	ck_assert(!cred_in_group(new, 8) && !cred_in_group(old, 99));
	new->uid = new->euid = new->suid = new->fsuid = 1000;
	cred_fix_caps(new, old);
	ck_assert_uint_eq(new->effective | new->permitted, 0);
	ck_assert_uint_eq(new->bounding, CAP_FULL);
	cred_put(old);
	cred_put(new);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("locks");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, posix_model);
	tcase_add_test(t, deadlock);
	tcase_add_test(t, flocks);
	tcase_add_test(t, notify);
	tcase_add_test(t, creds);
	return trun("vfs_locks", t);
}
