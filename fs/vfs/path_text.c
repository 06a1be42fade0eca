/* SPDX-License-Identifier: Apache-2.0 */
/* path_text.c - the text of a path, for getcwd, /proc and error-free humans
 *
 * Built backwards, from the name to the root, under the mount lock and the name cache's lock, so
 * that no rename or mount changes it half-way.
 */
#include "fs/vfs/mount_internal.h"

struct text {
	char *buf;
	size_t at; /* the text starts here and ends at the buffer's end */
	bool cut;
};

static void prepend(struct text *t, const char *s, size_t n)
{
	if (n > t->at) {
		t->cut = true;
		return;
	}
	t->at -= n;
	memcpy(t->buf + t->at, s, n);
}

/* Prepends all components of @p up to @root. True: got there; false: ended at another root. */
static bool prepend_path(struct text *t, const struct path *p, const struct path *root)
{
	struct dentry *d = p->dentry;
	struct mount *m = p->mnt;

	while (!t->cut) {
		if (root && d == root->dentry && m == root->mnt)
			return true;
		if (d == m->root) {
			if (!m->parent)
				return !root && !m->detached;
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		if (d->parent == d)
			return false;
		prepend(t, d->name, d->name_len);
		prepend(t, "/", 1);
		d = d->parent;
	}
	return true;
}

/* Length, text at the start of @buf, with a 0 behind it. The mount lock is held. */
ssize_t path_text_locked(const struct path *p, const struct path *root, char *buf, size_t size)
{
	struct text t = {.buf = buf, .at = size};
	struct dentry *d = p->dentry;
	size_t end;
	bool reached;

	prepend(&t, "", 1);
	dcache_lock();
	if (d->flags & DENTRY_ANON) {
		prepend(&t, d->name, d->name_len);
		goto out;
	}
	if ((d->flags & DENTRY_UNHASHED) && d->parent != d)
		prepend(&t, " (deleted)", 10);
	end = t.at;
	reached = prepend_path(&t, p, root);
	if (t.at == end || (t.at < size && buf[t.at] != '/'))
		prepend(&t, "/", 1);
	if (!reached && root)
		prepend(&t, "(unreachable)", 13);
out:
	dcache_unlock();
	if (t.cut)
		return -ENAMETOOLONG;
	memmove(buf, buf + t.at, size - t.at);
	return size - t.at - 1;
}

static ssize_t path_text(const struct path *p, const struct path *root, char *buf, size_t size)
{
	ssize_t n;

	rwlock_read(&g_mounts.lock);
	n = path_text_locked(p, root, buf, size);
	rwlock_read_unlock(&g_mounts.lock);
	return n;
}

ssize_t vfs_path_text(struct caller *c, const struct path *p, char *buf, size_t size)
{
	return path_text(p, &c->root, buf, size);
}

void path_describe(const struct path *p, struct strbuf *s)
{
	ssize_t n;

	if (s->len + 1 >= s->size) {
		s->cut = true;
		return;
	}
	n = path_text(p, NULL, s->buf + s->len, s->size - s->len);
	if (n < 0)
		s->cut = true;
	else
		s->len += n;
}
