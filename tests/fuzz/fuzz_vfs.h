/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_vfs.h - mount namespaces for targets, and a look at what is left of them */
#ifndef TESTS_FUZZ_FUZZ_VFS_H
#define TESTS_FUZZ_FUZZ_VFS_H

#include <stdio.h>

#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs/vfs.h"
#include "sentry/arena/arena.h"
#include "sentry/mm/memfile.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/no_platform.h"

static struct caller g_c;

static inline void vfs_boot(void)
{
	check(arena_init(1ul << 30) == 0 && memfile_init() == 0 && vfs_init() == 0);
	file_system_register(&tmpfs_type);
	g_c.cred = cred_create();
	g_c.umask = 022;
	g_c.fsize_limit = UINT64_MAX;
}

static inline struct super_block *new_tmpfs(void)
{
	struct super_block *sb;

	check(tmpfs_type.mount(&g_c, &tmpfs_type, 0, "root", "mode=0755,size=1m", &sb) == 0);
	return sb;
}

/* The caller's root becomes a namespace of @root's; takes over the reference. */
static inline void vfs_enter(struct super_block *root)
{
	g_c.mnt_ns = mnt_ns_create(root, 0, "root");
	check(g_c.mnt_ns);
	sb_put(root);
	mnt_ns_root(g_c.mnt_ns, &g_c.root);
	g_c.cwd = g_c.root;
	path_get(&g_c.cwd);
}

static inline void vfs_leave(void)
{
	path_put(&g_c.cwd);
	path_put(&g_c.root);
	mnt_ns_put(g_c.mnt_ns);
}

/* How many objects of each kind there are, and pages of files. */
struct census {
	unsigned kinds;
	struct {
		const char *name;
		u64 count;
	} kind[64];
};

static inline void count_kind(const struct slab_cache *c, void *arg)
{
	struct census *all = arg;

	check(all->kinds < array_size(all->kind));
	all->kind[all->kinds].name = c->name;
	all->kind[all->kinds++].count = c->in_use;
}

static inline void census_take(struct census *out)
{
	*out = (struct census){.kinds = 1, .kind[0] = {"pages of files", memfile_in_use()}};
	slab_census(count_kind, out);
}

/* A kind that was not in use at @before's time is not in it. */
static inline u64 census_of(const struct census *all, const char *name)
{
	for (unsigned i = 0; i < all->kinds; i++)
		if (!strcmp(all->kind[i].name, name))
			return all->kind[i].count;
	return 0;
}

/* Nothing may be left that was not there before. */
static inline void census_check(const struct census *before)
{
	struct census now;
	bool same = true;

	census_take(&now);
	for (unsigned i = 0; i < now.kinds; i++) {
		u64 was = census_of(before, now.kind[i].name);

		/* The memfile keeps the chunks that it has cut into pages. */
		if (now.kind[i].count == was || !strcmp(now.kind[i].name, "struct chunk"))
			continue;
		fprintf(stderr, "%s: %llu, were %llu\n", now.kind[i].name,
			(unsigned long long)now.kind[i].count, (unsigned long long)was);
		same = false;
	}
	check(same);
}

#endif
