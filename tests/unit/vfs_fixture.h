/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_fixture.h - a caller in a mount namespace whose root is a fresh tmpfs, for tests of file
 * systems */
#ifndef TESTS_UNIT_VFS_FIXTURE_H
#define TESTS_UNIT_VFS_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs/vfs.h"
#include "sentry/arena/arena.h"
#include "sentry/mm/memfile.h"
#include "tests/lib/no_platform.h"

static struct caller g_c; /* root */
static struct caller g_u; /* user 1000, group 1000, no capabilities */
static const struct cred *g_root_cred, *g_user_cred;

static inline struct super_block *fixture_tmpfs(const char *options)
{
	struct super_block *sb;

	ck_assert_int_eq(tmpfs_type.mount(&g_c, &tmpfs_type, 0, "test", options, &sb), 0);
	return sb;
}

/* Once a process. */
static inline void fixture_boot(void)
{
	struct cred *u;

	ck_assert_int_eq(arena_init(1ul << 30), 0);
	ck_assert_int_eq(memfile_init(), 0);
	ck_assert_int_eq(vfs_init(), 0);
	file_system_register(&tmpfs_type);
	g_root_cred = cred_create();
	u = cred_create();
	u->uid = u->euid = u->suid = u->fsuid = 1000;
	u->gid = u->egid = u->sgid = u->fsgid = 1000;
	u->permitted = u->effective = 0;
	g_user_cred = u;
}

/* Takes over the reference on @root. */
static inline void fixture_enter(struct super_block *root)
{
	g_c = (struct caller){.cred = g_root_cred, .umask = 022, .fsize_limit = UINT64_MAX};
	g_c.mnt_ns = mnt_ns_create(root, 0, "root");
	sb_put(root);
	mnt_ns_root(g_c.mnt_ns, &g_c.root);
	g_c.cwd = g_c.root;
	g_u = g_c;
	g_u.cred = g_user_cred;
}

static inline void fixture_leave(void)
{
	path_put(&g_c.root);
	mnt_ns_put(g_c.mnt_ns);
}

static inline struct file *topen(struct caller *c, const char *name, u32 flags, u32 mode)
{
	struct open_how_in how = {.flags = flags, .mode = mode};

	return vfs_open(c, NULL, name, &how);
}

static inline int tcreate(struct caller *c, const char *name, u32 mode)
{
	struct file *f = topen(c, name, O_CREAT | O_EXCL | O_WRONLY, mode);

	if (IS_ERR(f))
		return PTR_ERR(f);
	file_put(f);
	return 0;
}

static inline ssize_t tpwrite(struct caller *c, struct file *f, const void *buf, size_t n, u64 pos)
{
	struct iov_iter it;

	iter_init_kernel(&it, (void *)(uintptr_t)buf, n);
	return vfs_write(c, f, &it, &pos);
}

static inline ssize_t tpread(struct caller *c, struct file *f, void *buf, size_t n, u64 pos)
{
	struct iov_iter it;

	iter_init_kernel(&it, buf, n);
	return vfs_read(c, f, &it, &pos);
}

static inline int twalk(struct caller *c, const char *name, u32 flags)
{
	struct path p;
	int err = vfs_walk(c, NULL, name, flags, &p);

	if (!err)
		path_put(&p);
	return err;
}

static inline int tstat(struct caller *c, const char *name, struct kstat *st)
{
	struct path p;
	int err = vfs_walk(c, NULL, name, 0, &p);

	if (err)
		return err;
	err = vfs_stat(c, &p, st);
	path_put(&p);
	return err;
}

/* Content of a file as text. */
static inline const char *tcat(struct caller *c, const char *name)
{
	static char buf[65536];
	struct file *f = topen(c, name, O_RDONLY, 0);
	ssize_t n;

	if (IS_ERR(f))
		return "(cannot open)";
	n = tpread(c, f, buf, sizeof(buf) - 1, 0);
	file_put(f);
	if (n < 0)
		return "(error)";
	buf[n] = 0;
	return buf;
}

static inline int tput(struct caller *c, const char *name, const char *text)
{
	struct file *f = topen(c, name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	ssize_t n;

	if (IS_ERR(f))
		return PTR_ERR(f);
	n = tpwrite(c, f, text, strlen(text), 0);
	file_put(f);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

/* Names of a directory, in its order, "a b c ", @step entries a call. */
struct tlist {
	struct dir_context dc;
	char *at, *end;
	int room;
};

static inline bool tlist_emit(struct dir_context *dc, const char *name, size_t len, u64 ino,
			      u32 dtype, u64 next)
{
	struct tlist *l = container_of(dc, struct tlist, dc);

	if (!l->room)
		return false;
	l->room--;
	ck_assert(l->end - l->at > (ssize_t)len + 2);
	memcpy(l->at, name, len);
	l->at += len;
	*l->at++ = ' ';
	*l->at = 0;
	return true;
}

static inline const char *tls(struct caller *c, const char *name, int step)
{
	static char buf[65536];
	struct tlist l = {.dc.emit = tlist_emit, .at = buf, .end = buf + sizeof(buf)};
	struct file *f = topen(c, name, O_RDONLY | O_DIRECTORY, 0);
	char *before;

	if (IS_ERR(f))
		return "(cannot open)";
	buf[0] = 0;
	do {
		before = l.at;
		l.room = step;
		ck_assert_int_eq(vfs_iterate(c, f, &l.dc), 0);
	} while (l.at != before);
	file_put(f);
	return buf;
}

/* Objects in use of the cache called @name. */
struct tcensus {
	const char *name;
	u64 in_use;
};

static inline void tcensus_fn(const struct slab_cache *c, void *arg)
{
	struct tcensus *t = arg;

	if (strcmp(c->name, t->name) == 0)
		t->in_use += c->in_use;
}

static inline u64 tin_use(const char *name)
{
	struct tcensus t = {.name = name};

	slab_census(tcensus_fn, &t);
	return t.in_use;
}

static inline int trun(const char *name, TCase *t)
{
	Suite *s = suite_create(name);
	SRunner *r;
	int failed;

	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

#endif
