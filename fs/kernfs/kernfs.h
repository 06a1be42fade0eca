/* SPDX-License-Identifier: Apache-2.0 */
/* kernfs.h - pseudo file systems out of constant tables: proc, sys
 *
 * A tree is described by struct kernfs_entry tables of the program. An inode is an entry plus a
 * number (id: a task, a descriptor) and a second one (sub). Text files are generated whole when
 * they are read from their start, so that a reader sees one moment; what does not fit into
 * KERNFS_TEXT_MAX is cut.
 */
#ifndef FS_KERNFS_KERNFS_H
#define FS_KERNFS_KERNFS_H

#include "fs/vfs/vfs.h"

#define KERNFS_TEXT_MAX	 (32u << 20)
#define KERNFS_STORE_MAX 4096

struct kernfs_node;

struct kernfs_entry {
	const char *name;		     /* NULL ends a table */
	u32 mode;			     /* type and permissions; 0 type bits: a regular file */
	const struct kernfs_entry *children; /* of a directory: the constant names */
	u64 arg;
	/* Regular file: its text. 0 or -errno. Called again with a larger buffer when it was cut:
	 * no side effects. */
	int (*show)(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
	/* write(2): @buf is a copy, 0-terminated. Bytes taken or -errno. NULL: -EINVAL at write. */
	long (*store)(struct caller *c, const struct kernfs_node *n, char *buf, size_t len);
	/* Directory: names beyond children. lookup: 0 with *out (entry, id, sub) or -ENOENT. */
	int (*lookup)(struct caller *c, const struct kernfs_node *dir, const char *name,
		      struct kernfs_node *out);
	/* Emits them from @index (0, 1, ... as it likes) on: returns the index to go on at, or a
	 * negative when done. */
	s64 (*iterate)(struct caller *c, const struct kernfs_node *dir, u64 index,
		       struct dir_context *dc);
	/* Symbolic link: text, or a magic one. */
	ssize_t (*readlink)(struct caller *c, const struct kernfs_node *n, char *buf, size_t size);
	int (*jump)(struct caller *c, const struct kernfs_node *n, struct path *out);
	/* Does what the node stands for still exist, and whose is it? -errno: gone. NULL: root's,
	 * for ever. */
	int (*owner)(struct caller *c, const struct kernfs_node *n, u32 *uid, u32 *gid);
	/* Extra check at open and lookup (ptrace-like rights). NULL: mode bits alone. */
	int (*permission)(struct caller *c, const struct kernfs_node *n, u32 mask);
	const struct file_ops *fop; /* a file with operations of its own; else NULL */
};

struct kernfs_node {
	const struct kernfs_entry *entry;
	s64 id;
	u64 sub;
	void *view; /* the super block's; see kernfs_mount_view */
};

/* A super block whose root is @root (a directory entry; its name is not used, its arg, when not 0,
 * is the text of an option for /proc/mounts). @create_error: what making a name in it gives
 * (-ENOENT, -EPERM). ERR_PTR on failure. */
struct super_block *kernfs_mount(const struct file_system_type *t, const struct kernfs_entry *root,
				 u32 magic, int create_error);
/* The same with something that all of its nodes know; @drop gives it back at the end. On failure it
 * has been given back. */
struct super_block *kernfs_mount_view(const struct file_system_type *t,
				      const struct kernfs_entry *root, u32 magic, int create_error,
				      void *view, void (*drop)(void *view));
/* Of an inode of kernfs. */
const struct kernfs_node *kernfs_node_of(const struct inode *i);
/* For iterate: emits one name of a child that is @entry. False when there is no room. */
bool kernfs_emit(struct dir_context *dc, const char *name, const struct kernfs_node *n, u64 next);

#endif
