/* SPDX-License-Identifier: Apache-2.0 */
/* mount_show.c - /proc/pid/mounts, mountinfo and mountstats (proc(5)) */
#include "fs/vfs/mount_internal.h"

#include <sys/sysmacros.h>

#include "sentry/arena/arena.h"

struct flag_name {
	u32 flag;
	const char *name;
};

static const struct flag_name g_mount_flags[] = {
	{MS_NOSUID, ",nosuid"},		  {MS_NODEV, ",nodev"},
	{MS_NOEXEC, ",noexec"},		  {MS_NOATIME, ",noatime"},
	{MS_NODIRATIME, ",nodiratime"},	  {MS_RELATIME, ",relatime"},
	{MS_NOSYMFOLLOW, ",nosymfollow"},
};

static void show_flags(struct strbuf *s, u32 flags)
{
	strbuf_printf(s, "%s", flags & MS_RDONLY ? "ro" : "rw");
	for (size_t i = 0; i < array_size(g_mount_flags); i++)
		if (flags & g_mount_flags[i].flag)
			strbuf_printf(s, "%s", g_mount_flags[i].name);
}

/* Text with blanks and backslashes as octal numbers. */
static void show_escaped(struct strbuf *s, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(" \t\n\\#", text[i]))
			strbuf_printf(s, "\\%03o", (u8)text[i]);
		else
			strbuf_add(s, text + i, 1);
}

static void show_options(struct strbuf *s, struct super_block *sb)
{
	if (sb->op && sb->op->show_options)
		sb->op->show_options(sb, s);
}

static void show_mounts_line(struct strbuf *s, struct mount *m, const char *at, size_t n)
{
	show_escaped(s, m->source, strlen(m->source));
	strbuf_add(s, " ", 1);
	show_escaped(s, at, n);
	strbuf_printf(s, " %s ", m->sb->type->name);
	show_flags(s, m->flags | (m->sb->flags & MS_RDONLY));
	show_options(s, m->sb);
	strbuf_printf(s, " 0 0\n");
}

/* Appends the path of @d inside its file system. */
static void show_root(struct strbuf *s, struct dentry *d, char *page)
{
	struct mount inside = {.root = d->sb->root};
	struct path p = {&inside, d}, top = {&inside, d->sb->root};
	ssize_t n = d == d->sb->root ? 1 : path_text_locked(&p, &top, page, PAGE_SIZE);

	if (d == d->sb->root)
		page[0] = '/';
	show_escaped(s, page, max(n, (ssize_t)0));
}

static void show_info_line(struct strbuf *s, struct mount *m, const char *at, size_t n, char *page)
{
	strbuf_printf(s, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : 0, major(m->sb->dev),
		      minor(m->sb->dev));
	show_root(s, m->root, page);
	strbuf_add(s, " ", 1);
	show_escaped(s, at, n);
	strbuf_add(s, " ", 1);
	show_flags(s, m->flags);
	if (m->peer_group)
		strbuf_printf(s, " shared:%u", m->peer_group);
	if (m->master)
		strbuf_printf(s, " master:%u", m->master->peer_group);
	if (m->propagation & MS_UNBINDABLE)
		strbuf_printf(s, " unbindable");
	strbuf_printf(s, " - %s ", m->sb->type->name);
	show_escaped(s, m->source, strlen(m->source));
	strbuf_printf(s, " %s", m->sb->flags & MS_RDONLY ? "ro" : "rw");
	show_options(s, m->sb);
	strbuf_add(s, "\n", 1);
}

static void show_stats_line(struct strbuf *s, struct mount *m, const char *at, size_t n)
{
	strbuf_printf(s, "device ");
	show_escaped(s, m->source, strlen(m->source));
	strbuf_printf(s, " mounted on ");
	show_escaped(s, at, n);
	strbuf_printf(s, " with fstype %s\n", m->sb->type->name);
}

/* One line; nothing for mounts that are not below the caller's root. @page: two pages. */
static void show_one(struct caller *c, struct strbuf *s, struct mount *m, int kind, char *page)
{
	struct path at = {m, m->root};
	ssize_t n = path_text_locked(&at, &c->root, page, PAGE_SIZE);

	if (n <= 0 || page[0] != '/')
		return;
	if (kind == 0)
		show_mounts_line(s, m, page, n);
	else if (kind == 1)
		show_info_line(s, m, page, n, page + PAGE_SIZE);
	else
		show_stats_line(s, m, page, n);
}

void mounts_show(struct caller *c, struct strbuf *s, u64 *cursor, int kind)
{
	char *page = page_alloc_dirty(1);
	struct mount *m;
	u64 index = 0;
	size_t before;

	if (!page)
		return;
	rwlock_read(&g_mounts.lock);
	list_for_each_entry (m, &c->mnt_ns->mounts, in_ns) {
		if (index++ < *cursor)
			continue;
		before = s->len;
		show_one(c, s, m, kind, page);
		if (s->cut && before) {
			s->len = before;
			s->buf[before] = 0;
			s->cut = false;
			*cursor = index - 1;
			goto out;
		}
	}
	*cursor = 0;
out:
	rwlock_read_unlock(&g_mounts.lock);
	page_free(page, 1);
}
