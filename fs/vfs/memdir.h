/* SPDX-License-Identifier: Apache-2.0 */
/* memdir.h - directories whose names live only in the name cache: of tmpfs, and overlay's changes
 *
 * Each name is a pinned dentry with an entry that gives it a place which does not change while it
 * exists: what readdir and telldir go by. All calls are made with the lock of the directory's inode
 * held.
 */
#ifndef FS_VFS_MEMDIR_H
#define FS_VFS_MEMDIR_H

#include "fs/vfs/vfs.h"
#include "sentry/base/rbtree.h"

#define MEMDIR_FIRST 2 /* places 0 and 1 are "." and ".." */
/* What a name adds to the size of its directory, as Linux's tmpfs counts. */
#define MEMDIR_NAME_SIZE 20

struct memdir_entry {
	struct rb_node node;
	u64 place;
	struct dentry *d; /* pinned; d->data points back */
	bool hidden;	  /* the owner's: not shown by memdir_emit */
};

struct memdir {
	struct rb_root entries; /* by place */
	u64 next;
	u32 count; /* not hidden */
};

void memdir_init(struct memdir *m);
/* Frees the entries; the dentries are not touched (they are gone, or going). */
void memdir_fini(struct memdir *m);
/* Adds and pins @d. 0 or -ENOMEM. */
int memdir_add(struct memdir *m, struct dentry *d, bool hidden);
/* The same for a new name @d, which gets @i. The reference on @i is taken over, also on failure. */
int memdir_add_inode(struct memdir *m, struct dentry *d, struct inode *i);
/* Removes and unpins @d, which is an entry of @m. */
void memdir_remove(struct memdir *m, struct dentry *d);
static inline struct memdir_entry *memdir_entry(const struct dentry *d)
{
	return d->data;
}
/* @d, an entry of @from, becomes the last one of @to. Cannot fail. */
void memdir_move(struct memdir *from, struct memdir *to, struct dentry *d);
/* The entries of @a and @b change places (their names are about to). */
void memdir_swap(struct dentry *a, struct dentry *b);
/* "." and "..": false when there is no room. */
bool memdir_emit_dots(struct file *f, struct dir_context *dc);
/* The names from dc->pos on: false when there is no room. */
bool memdir_emit(struct memdir *m, struct dir_context *dc);

#endif
