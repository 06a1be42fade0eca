/* SPDX-License-Identifier: Apache-2.0 */
/* overlay_internal.h - between the parts of overlay
 *
 * Theory of operation
 * Nothing of an on-disk format: the changes are objects of ours. An inode of overlay has all
 *attributes in its own fields. It may have a lower dentry, which its content comes from until that
 *is changed:
 *
 *	regular file	content: lower's, or (own_data) memory. Copied at the first write,
 *truncation, writable shared mapping: an open alone copies nothing attributes	the inode's own
 *fields, begun as lower's xattrs		lower's, or (own_xattrs) memory: copied at the first
 *change directory	lower's names, but those in `whites`; and the names in `dir`, which are
 *pinned dentries
 *
 * An inode that differs from lower's (changed content, attributes, names below) is *kept*: overlay
 *holds a reference until its last name goes, and finds it by the lower inode, whatever name leads
 *there. So hard links stay one file, inode numbers never change, and a directory that is renamed
 *takes its lower directory with it.
 *
 * Locks: all fields of a node are guarded by its inode's lock, save hash and kept (the super
 *block's lock, LR_FSPRIV) and own_data, which only ever turns true, under the inode's lock, and may
 *be read without.
 */
#ifndef FS_OVERLAY_OVERLAY_INTERNAL_H
#define FS_OVERLAY_OVERLAY_INTERNAL_H

#include <sys/stat.h>

#include "fs/overlay/overlay.h"
#include "fs/vfs/memdata.h"
#include "fs/vfs/memdir.h"
#include "fs/vfs/stack.h"

#define OVL_BUCKETS   4096
#define OVL_FIRST_INO (1ull << 48) /* of new files: above those that hosts use */

struct ovl_sb {
	struct mount *lower; /* in no namespace */
	struct super_block *upper;
	struct mutex lock; /* LR_FSPRIV; guards below */
	struct list *hash; /* OVL_BUCKETS heads (NULL: empty) of nodes by lower inode */
};

/* A name of the lower directory that is not seen. */
struct ovl_white {
	struct rb_node node;
	u32 len;
	char name[];
};

struct ovl_node {
	struct memnode mem;   /* first: content and xattrs, when own */
	struct inode *inode;  /* const, borrowed */
	struct dentry *lower; /* const, reference; NULL: made here */
	struct list hash;
	_Atomic bool kept;
	_Atomic bool own_data;
	bool own_xattrs;
	bool linkable;
	struct memdir dir;
	struct rb_root whites;
};

static inline struct ovl_sb *ovl_sb(const struct super_block *sb)
{
	return sb->data;
}
static inline struct ovl_node *ovl_node(const struct inode *i)
{
	return i->data;
}
static inline struct inode *ovl_lower(const struct inode *i)
{
	return dentry_inode(ovl_node(i)->lower);
}
static inline struct path ovl_lower_path(const struct inode *i)
{
	return (struct path){ovl_sb(i->sb)->lower, ovl_node(i)->lower};
}

/* node.c */
/* The inode on top of @lower (reference taken over, also on failure): reference, or ERR_PTR. */
struct inode *ovl_inode_get(struct caller *c, struct super_block *sb, struct dentry *lower);
/* A new one without a lower. NULL: no memory. */
struct inode *ovl_inode_new(struct super_block *sb, const struct attr *a);
/* @i differs from its lower: is to be found again as long as it has a name. */
void ovl_keep(struct inode *i);
/* @i has lost its last name. */
void ovl_unkeep(struct inode *i);
void ovl_evict(struct inode *i);

/* whites.c: the directory's lock is held */
bool ovl_white_find(const struct ovl_node *dir, const char *name, u32 len);
/* 0 or -ENOMEM. It may be there already. */
int ovl_white_add(struct ovl_node *dir, const char *name, u32 len);
void ovl_white_remove(struct ovl_node *dir, const char *name, u32 len);
void ovl_white_fini(struct ovl_node *dir);

/* file.c */
extern const struct file_ops ovl_file_fops;
/* Inode lock held: the content becomes memory, of which the first @upto bytes are copied. */
int ovl_copy_up(struct caller *c, struct inode *i, u64 upto);

/* dir.c, names.c, attr.c */
extern const struct file_ops ovl_dir_fops;
/* -ENOTEMPTY or 0. Locks of the directory held. */
int ovl_dir_empty(struct caller *c, struct inode *dir);
extern const struct inode_ops ovl_dir_ops, ovl_file_ops, ovl_link_ops;
int ovl_getattr(struct caller *c, struct inode *i, struct kstat *out);
int ovl_setattr(struct caller *c, struct inode *i, const struct attr *a);
ssize_t ovl_getxattr(struct caller *c, struct inode *i, const char *name, void *buf, size_t size);
int ovl_setxattr(struct caller *c, struct inode *i, const char *name, const void *buf, size_t size,
		 int flags);
ssize_t ovl_listxattr(struct caller *c, struct inode *i, char *buf, size_t size);
int ovl_removexattr(struct caller *c, struct inode *i, const char *name);

#endif
