/* SPDX-License-Identifier: Apache-2.0 */
/* dir.c - listing a merged directory
 *
 * First our own names, by the places that memdir gives them, then lower's that are not hidden, by
 * the places of the lower file system with LOWER set: both stay what they are while names come and
 * go, so telldir and seekdir work. A file that is merely changed keeps its place among lower's
 * names.
 */
#include <fcntl.h>

#include "fs/overlay/overlay_internal.h"

#define LOWER (1ull << 62)

/* Lower's names as they are passed on. */
struct filter {
	struct dir_context dc; /* first */
	struct dir_context *out;
	const struct ovl_node *dir;
	bool any; /* a name was seen: ovl_dir_empty */
};

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool visible(const struct filter *f, const char *name, size_t len)
{
	return !is_dots(name, len) && !ovl_white_find(f->dir, name, len);
}

static bool filter_emit(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype,
			u64 next_off)
{
	struct filter *f = container_of(dc, struct filter, dc);

	if (!visible(f, name, len))
		return true;
	return f->out->emit(f->out, name, len, ino, dtype, LOWER | next_off);
}

/* The lower directory, opened along with @f when it is first needed. ERR_PTR. */
static struct file *lower_file(struct caller *c, struct file *f)
{
	struct path p = ovl_lower_path(f->inode);
	struct file *lf;

	if (!f->data) {
		lf = stack_open(c, &p, O_RDONLY | O_DIRECTORY);
		if (IS_ERR(lf))
			return lf;
		f->data = lf;
	}
	return f->data;
}

static int iterate_lower(struct caller *c, struct file *f, struct dir_context *dc)
{
	struct filter filter = {.dc.emit = filter_emit, .out = dc, .dir = ovl_node(f->inode)};
	struct file *lf = lower_file(c, f);
	int err;

	if (IS_ERR(lf))
		return PTR_ERR(lf);
	if (!lf->op->iterate)
		return -ENOTDIR;
	filter.dc.pos = dc->pos & ~LOWER;
	err = lf->op->iterate(c, lf, &filter.dc);
	dc->pos = LOWER | filter.dc.pos;
	return err;
}

static int ovl_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	struct ovl_node *n = ovl_node(f->inode);
	bool room = true;
	int err = 0;

	mutex_lock(&f->inode->lock);
	if (!(dc->pos & LOWER)) {
		room = memdir_emit_dots(f, dc) && memdir_emit(&n->dir, dc);
		if (room && n->lower)
			dc->pos = LOWER;
	}
	if (room && (dc->pos & LOWER))
		err = iterate_lower(c, f, dc);
	mutex_unlock(&f->inode->lock);
	return err;
}

static void ovl_dir_release(struct file *f)
{
	file_put(f->data);
}

const struct file_ops ovl_dir_fops = {
	.iterate = ovl_iterate,
	.release = ovl_dir_release,
};

static bool empty_emit(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype,
		       u64 next_off)
{
	struct filter *f = container_of(dc, struct filter, dc);

	if (!visible(f, name, len))
		return true;
	f->any = true;
	return false;
}

int ovl_dir_empty(struct caller *c, struct inode *dir)
{
	struct filter filter = {.dc.emit = empty_emit, .dir = ovl_node(dir)};
	struct path p = ovl_lower_path(dir);
	struct file *lf;
	u64 before;
	int err = 0;

	if (filter.dir->dir.count)
		return -ENOTEMPTY;
	if (!filter.dir->lower)
		return 0;
	lf = stack_open(c, &p, O_RDONLY | O_DIRECTORY);
	if (IS_ERR(lf))
		return PTR_ERR(lf);
	do {
		before = filter.dc.pos;
		err = lf->op->iterate ? lf->op->iterate(c, lf, &filter.dc) : -ENOTDIR;
	} while (!err && !filter.any && filter.dc.pos != before);
	file_put(lf);
	return err ? err : filter.any ? -ENOTEMPTY : 0;
}
