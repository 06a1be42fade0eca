/* SPDX-License-Identifier: Apache-2.0 */
/* super.c - tmpfs mounts: options and limits (tmpfs(5)) */
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fs/tmpfs/tmpfs_internal.h"
#include "sentry/auth/userns.h"
#include "sentry/arena/arena.h"

static SLAB_CACHE(g_sb_cache, struct tmpfs_sb);

static u64 g_default_pages = (8ull << 30) / PAGE_SIZE;
static u64 g_default_inodes = 1 << 20;

void tmpfs_set_defaults(u64 pages, u64 inodes)
{
	g_default_pages = pages;
	g_default_inodes = inodes;
}

/* "64k", "10%": bytes. False: no number. */
static bool parse_size(const char *s, u64 *out)
{
	char *end;
	u64 n = strtoull(s, &end, 0);
	unsigned shift = 0;

	if (end == s || *s == '-')
		return false;
	if (*end == '%' && !end[1]) {
		*out = n * (g_default_pages * 2 / 100) * PAGE_SIZE;
		return n <= 10000;
	}
	switch (*end) {
	case 'g':
	case 'G':
		shift += 10; /* fall through */
	case 'm':
	case 'M':
		shift += 10; /* fall through */
	case 'k':
	case 'K':
		shift += 10;
		end++;
	}
	*out = n << shift;
	return !*end && *out >> shift == n;
}

static bool parse_u32(const char *s, int base, u32 *out)
{
	char *end;
	u64 n = strtoull(s, &end, base);

	*out = n;
	return end != s && !*end && n <= UINT32_MAX && *s != '-';
}

/* Options without effect here. */
static bool ignored(const char *name)
{
	static const char *const names[] = {
		"huge", "mpol",	    "inode32",		"inode64", "noswap", "rw",
		"ro",	"seclabel", "nr_blocks_unused", "context", "x-"};

	for (size_t i = 0; i < array_size(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int parse_option(const struct cred *cred, struct tmpfs_sb *s, const char *name,
			const char *value)
{
	u64 n;

	if (!strcmp(name, "size") || !strcmp(name, "nr_blocks")) {
		if (!value || !parse_size(value, &n))
			return -EINVAL;
		n = name[0] == 's' ? page_up(n) >> PAGE_SHIFT : n;
		s->size_given = n;
		atomic_store(&s->pages.max, n);
	} else if (!strcmp(name, "nr_inodes")) {
		if (!value || !parse_size(value, &n))
			return -EINVAL;
		s->inodes_given = n;
		atomic_store(&s->max_inodes, n);
	} else if (!strcmp(name, "mode")) {
		if (!value || !parse_u32(value, 8, &s->mode))
			return -EINVAL;
		s->mode &= 07777;
	} else if (!strcmp(name, "uid")) {
		if (!value || !parse_u32(value, 0, &s->uid))
			return -EINVAL;
		s->uid = cred ? uid_in(cred, s->uid) : s->uid;
		return s->uid == NO_ID ? -EINVAL : 0;
	} else if (!strcmp(name, "gid")) {
		if (!value || !parse_u32(value, 0, &s->gid))
			return -EINVAL;
		s->gid = cred ? gid_in(cred, s->gid) : s->gid;
		return s->gid == NO_ID ? -EINVAL : 0;
	} else if (*name && !ignored(name)) {
		return -EINVAL;
	}
	return 0;
}

static int parse_options(const struct cred *cred, struct tmpfs_sb *s, const char *options)
{
	char item[256], *value;
	size_t n;
	int err;

	while (options && *options) {
		n = strcspn(options, ",");
		if (n >= sizeof(item))
			return -EINVAL;
		memcpy(item, options, n);
		item[n] = 0;
		value = strchr(item, '=');
		if (value)
			*value++ = 0;
		err = parse_option(cred, s, item, value);
		if (err)
			return err;
		options += n + (options[n] == ',');
	}
	return 0;
}

static int tmpfs_statfs(struct caller *c, struct super_block *sb, struct statfs *out)
{
	struct tmpfs_sb *s = tmpfs_sb(sb);
	u64 max = atomic_load(&s->pages.max), used = atomic_load(&s->pages.used);
	u64 max_inodes = atomic_load(&s->max_inodes), inodes = atomic_load(&s->inodes);

	if (max) {
		out->f_blocks = max;
		out->f_bfree = out->f_bavail = max > used ? max - used : 0;
	}
	if (max_inodes) {
		out->f_files = max_inodes;
		out->f_ffree = max_inodes > inodes ? max_inodes - inodes : 0;
	}
	return 0;
}

static void tmpfs_put_super(struct super_block *sb)
{
	slab_free(&g_sb_cache, sb->data);
}

static void tmpfs_show(struct super_block *sb, struct strbuf *b)
{
	struct tmpfs_sb *s = tmpfs_sb(sb);

	if (s->size_given)
		strbuf_printf(b, ",size=%lluk",
			      (unsigned long long)s->size_given * (PAGE_SIZE / 1024));
	if (s->inodes_given)
		strbuf_printf(b, ",nr_inodes=%llu", (unsigned long long)s->inodes_given);
	if (s->mode != 01777)
		strbuf_printf(b, ",mode=%03o", s->mode);
	if (s->uid)
		strbuf_printf(b, ",uid=%u", s->uid);
	if (s->gid)
		strbuf_printf(b, ",gid=%u", s->gid);
}

static int tmpfs_remount(struct caller *c, struct super_block *sb, const char *options)
{
	struct tmpfs_sb *s = tmpfs_sb(sb), trial = {.mode = s->mode, .uid = s->uid, .gid = s->gid};
	int err = parse_options(c ? c->cred : NULL, &trial, options);

	if (err)
		return err;
	if (trial.size_given) {
		if (trial.size_given < atomic_load(&s->pages.used))
			return -EINVAL;
		s->size_given = trial.size_given;
		atomic_store(&s->pages.max, trial.size_given);
	}
	if (trial.inodes_given) {
		if (trial.inodes_given < atomic_load(&s->inodes))
			return -EINVAL;
		s->inodes_given = trial.inodes_given;
		atomic_store(&s->max_inodes, trial.inodes_given);
	}
	return 0;
}

static const struct super_ops g_super_ops = {
	.evict = tmpfs_evict,
	.statfs = tmpfs_statfs,
	.put_super = tmpfs_put_super,
	.show_options = tmpfs_show,
	.remount = tmpfs_remount,
};

static int make_root(struct super_block *sb)
{
	struct tmpfs_sb *s = tmpfs_sb(sb);
	struct attr a = {.mode = S_IFDIR | s->mode, .uid = s->uid, .gid = s->gid};
	struct inode *root = tmpfs_inode(sb, &a);

	if (!root)
		return -ENOMEM;
	sb->root = dentry_make_root(sb, root);
	if (sb->root)
		return 0;
	inode_put(root);
	return -ENOMEM;
}

static int tmpfs_mount(struct caller *c, const struct file_system_type *t, u32 sb_flags,
		       const char *source, const char *options, struct super_block **out)
{
	struct tmpfs_sb *s = slab_alloc(&g_sb_cache);
	struct super_block *sb;
	int err;

	if (!s)
		return -ENOMEM;
	s->mode = 01777;
	s->uid = c && c->cred ? c->cred->fsuid : 0;
	s->gid = c && c->cred ? c->cred->fsgid : 0;
	atomic_store(&s->pages.max, g_default_pages);
	atomic_store(&s->max_inodes, g_default_inodes);
	err = parse_options(c ? c->cred : NULL, s, options);
	sb = err ? NULL : sb_create(t, &g_super_ops, s);
	if (!sb) {
		slab_free(&g_sb_cache, s);
		return err ? err : -ENOMEM;
	}
	sb->magic = 0x01021994;
	sb->flags = sb_flags & MS_RDONLY;
	err = make_root(sb);
	if (err) {
		sb_put(sb);
		return err;
	}
	*out = sb;
	return 0;
}

const struct file_system_type tmpfs_type = {
	.name = "tmpfs",
	.flags = FS_NODEV | FS_USERNS,
	.mount = tmpfs_mount,
};
