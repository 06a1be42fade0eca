/* SPDX-License-Identifier: Apache-2.0 */
/* dir.c - open directories: getdents over a listing
 *
 * Places: 0 is ".", 1 is "..", 2 + p the record at place p of the listing. A file takes its listing
 * when it is at the start, and keeps it until it is there again (rewinddir) or closed.
 */
#include <dirent.h>

#include "fs/goferfs/goferfs_internal.h"

#define FIRST_PLACE 2

static u64 parent_ino(const struct file *f)
{
	const struct dentry *parent = __atomic_load_n(&f->path.dentry->parent, __ATOMIC_RELAXED);
	const struct inode *i = parent ? dentry_inode(parent) : NULL;

	return i ? i->ino : f->inode->ino;
}

/* "." and "..": false when there is no room. */
static bool emit_dots(struct file *f, struct dir_context *dc)
{
	if (dc->pos == 0) {
		if (!dc->emit(dc, ".", 1, f->inode->ino, DT_DIR, 1))
			return false;
		dc->pos = 1;
	}
	if (dc->pos == 1) {
		if (!dc->emit(dc, "..", 2, parent_ino(f), DT_DIR, FIRST_PLACE))
			return false;
		dc->pos = FIRST_PLACE;
	}
	return true;
}

/* f->pos_lock is held: it guards f->data, the file's listing. */
static int gdir_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	struct listing_entry e;
	struct listing *l = f->data;
	int err;

	if (dc->pos == 0 || !l) {
		err = listing_load(f->inode, &l);
		if (err)
			return err;
		listing_put(f->data);
		f->data = l;
	}
	if (!emit_dots(f, dc))
		return 0;
	while (dc->pos - FIRST_PLACE < UINT32_MAX &&
	       listing_next(l, (u32)(dc->pos - FIRST_PLACE), &e)) {
		if (!dc->emit(dc, e.name, e.name_size, e.ino, e.type, FIRST_PLACE + (u64)e.next))
			return 0;
		dc->pos = FIRST_PLACE + (u64)e.next;
	}
	return 0;
}

static void gdir_release(struct file *f)
{
	listing_put(f->data);
	f->data = NULL;
}

static int gdir_fsync(struct caller *c, struct file *f, bool data_only)
{
	struct gnode *g = gnode_of(f->inode);
	gofer_id id;
	int err = gnode_id(g, &id, NULL);

	return err ? err : gofer_fsync(gclient(g->gs), id, data_only ? GOFER_FSYNC_DATA : 0);
}

const struct file_ops gofer_dir_file_ops = {
	.iterate = gdir_iterate,
	.release = gdir_release,
	.fsync = gdir_fsync,
};
