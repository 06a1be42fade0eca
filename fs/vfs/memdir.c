/* SPDX-License-Identifier: Apache-2.0 */
/* memdir.c - directories whose names live only in the name cache (see memdir.h) */
#include "fs/vfs/memdir.h"

#include "fs/vfs/vfs_internal.h"
#include "sentry/arena/arena.h"

static SLAB_CACHE(g_entry_cache, struct memdir_entry);

static struct memdir_entry *entry_of(const struct rb_node *n)
{
	return n ? rb_entry(n, struct memdir_entry, node) : NULL;
}

static int entry_cmp(const struct rb_node *a, const struct rb_node *b)
{
	u64 x = entry_of(a)->place, y = entry_of(b)->place;

	return x < y ? -1 : x > y;
}

void memdir_init(struct memdir *m)
{
	m->entries.node = NULL;
	m->next = MEMDIR_FIRST;
	m->count = 0;
}

void memdir_fini(struct memdir *m)
{
	struct memdir_entry *e;

	while (m->entries.node) {
		e = entry_of(m->entries.node);
		rb_erase(&m->entries, &e->node);
		slab_free(&g_entry_cache, e);
	}
}

static void insert_last(struct memdir *m, struct memdir_entry *e)
{
	e->place = m->next++;
	rb_insert(&m->entries, &e->node, entry_cmp);
	m->count += !e->hidden;
}

int memdir_add(struct memdir *m, struct dentry *d, bool hidden)
{
	struct memdir_entry *e = slab_alloc(&g_entry_cache);

	if (!e)
		return -ENOMEM;
	e->d = d;
	e->hidden = hidden;
	d->data = e;
	insert_last(m, e);
	dentry_pin(d);
	return 0;
}

void memdir_remove(struct memdir *m, struct dentry *d)
{
	struct memdir_entry *e = d->data;

	rb_erase(&m->entries, &e->node);
	m->count -= !e->hidden;
	d->data = NULL;
	slab_free(&g_entry_cache, e);
	dentry_unpin(d);
}

void memdir_move(struct memdir *from, struct memdir *to, struct dentry *d)
{
	struct memdir_entry *e = d->data;

	rb_erase(&from->entries, &e->node);
	from->count -= !e->hidden;
	insert_last(to, e);
}

void memdir_swap(struct dentry *a, struct dentry *b)
{
	struct memdir_entry *ea = a->data, *eb = b->data;

	ea->d = b;
	eb->d = a;
	a->data = eb;
	b->data = ea;
}

bool memdir_emit_dots(struct file *f, struct dir_context *dc)
{
	struct dentry *parent;
	bool ok;

	if (dc->pos == 0) {
		if (!dc->emit(dc, ".", 1, f->inode->ino, S_IFDIR >> 12, 1))
			return false;
		dc->pos = 1;
	}
	if (dc->pos == 1) {
		parent = dentry_parent(f->path.dentry);
		ok = dc->emit(dc, "..", 2, dentry_inode(parent)->ino, S_IFDIR >> 12, MEMDIR_FIRST);
		dentry_put(parent);
		if (!ok)
			return false;
		dc->pos = MEMDIR_FIRST;
	}
	return true;
}

/* The entry at @place or the first behind. */
int memdir_add_inode(struct memdir *m, struct dentry *d, struct inode *i)
{
	int err = memdir_add(m, d, false);

	if (err)
		inode_put(i);
	else
		dentry_set_inode(d, i);
	return err;
}

static struct memdir_entry *entry_at(struct memdir *m, u64 place)
{
	struct rb_node *n = m->entries.node;
	struct memdir_entry *best = NULL, *e;

	while (n) {
		e = entry_of(n);
		if (e->place >= place)
			best = e;
		n = e->place >= place ? n->left : n->right;
	}
	return best;
}

bool memdir_emit(struct memdir *m, struct dir_context *dc)
{
	struct memdir_entry *e;
	struct inode *i;

	for (e = entry_at(m, dc->pos); e; e = entry_of(rb_next(&e->node))) {
		i = dentry_inode(e->d);
		if (e->hidden || !i)
			continue;
		if (!dc->emit(dc, e->d->name, e->d->name_len, i->ino, i->mode >> 12, e->place + 1))
			return false;
		dc->pos = e->place + 1;
	}
	dc->pos = m->next;
	return true;
}
