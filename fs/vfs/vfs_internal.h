/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_internal.h - what the files of fs/vfs share among themselves */
#ifndef FS_VFS_VFS_INTERNAL_H
#define FS_VFS_VFS_INTERNAL_H

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fs/vfs/stack.h"
#include "fs/vfs/vfs.h"
#include "sentry/abi/inotify.h"

#define NAME_MAX_LEN  255
#define PATH_MAX_SIZE 4096

/* --- dcache.c ----------------------------------------------------------------------------------
 */

void dcache_init(void);
u32 dentry_hash(const struct dentry *parent, const char *name, size_t len);
/* The cached dentry of a name (reference), or NULL. May still be in lookup. */
struct dentry *dentry_find(const struct dentry *parent, const char *name, size_t len, u32 hash);
/* Drops all unused names below @d: its directory is gone. */
void dentry_prune_children(struct dentry *d);
/* A dentry in no directory and no cache, with @inode (reference taken over). NULL: no memory. */
struct dentry *dentry_create_anon(struct super_block *sb, const char *name, struct inode *inode);
/* A dentry below @dir that is in no directory: of a file made by O_TMPFILE. Takes over the
 * reference on @inode. */
struct dentry *dentry_create_unlinked(struct dentry *dir, struct inode *inode);
/* Room for the names that dentry_move gives: before the file system commits. 0 or -ENOMEM. */
struct dentry_names {
	char *spare[2];
	u32 size[2];
};
int dentry_move_prepare(struct dentry_names *n, struct dentry *from, struct dentry *to,
			bool exchange);
/* Renames: @from takes the place of @to, which is forgotten, or (exchange) takes that of @from. */
void dentry_move(struct dentry_names *n, struct dentry *from, struct dentry *to, bool exchange);
void dentry_move_abort(struct dentry_names *n);
/* The parent of @d, with a reference. */
struct dentry *dentry_parent(struct dentry *d);
/* Is @ancestor @d itself or above it? Under sb->rename_lock, or the answer may be old. */
bool dentry_is_below(struct dentry *d, const struct dentry *ancestor);
/* Takes apart the name tree of a super block that nobody uses any more. */
void dentry_destroy_tree(struct super_block *sb);
void dcache_lock(void);
void dcache_unlock(void);

/* --- inode.c, file.c ---------------------------------------------------------------------------
 */

void inode_lock(struct inode *i);
/* As they are just now. */
READS_UNLOCKED static inline u32 inode_flags(const struct inode *i)
{
	return i->flags;
}
READS_UNLOCKED static inline u32 inode_nlink(const struct inode *i)
{
	return i->nlink;
}
void inode_unlock(struct inode *i);
/* Takes over the reference on @p, unless it returns NULL (no memory). */
struct file *file_create(struct caller *c, const struct path *p, const struct file_ops *op,
			 u32 flags);
/* In file->mode: counted in inode->write_count. */
#define FMODE_HOLDS_WRITE 0x100u
u32 file_mode_of(u32 flags);
struct super_block *sb_get(struct super_block *sb);
int anon_mount_init(void);
struct mount *anon_mount(void);

/* --- perm.c ------------------------------------------------------------------------------------
 */

/* The file system's check and the generic one; no look at the mount. */
int inode_permission(struct caller *c, struct inode *inode, u32 mask);
bool inode_owner_or_capable(struct caller *c, const struct inode *inode);
/* -EROFS when nothing may be written below this mount. */
int mount_want_write(const struct mount *m);
int may_create(struct caller *c, struct inode *dir);
/* May @victim be removed from @dir (lock held)? @isdir: by rmdir; -1: either (rename). */
int may_delete(struct caller *c, struct inode *dir, struct dentry *victim, int isdir);
/* Owner, group and mode of something new in @dir. */
void attr_for_new(struct caller *c, const struct inode *dir, u32 mode, struct attr *out);
/* setuid and setgid go when somebody without CAP_FSETID writes. Inode lock not held. */
int file_strip_privs(struct caller *c, const struct path *p);

/* --- walk.c ------------------------------------------------------------------------------------
 */

#define WALK_LINKS_MAX 40

/* What must be let go when a link's text is no longer read. */
struct walk_hold {
	struct inode *inode;
	char *page;
};

struct walk {
	struct caller *c;
	struct path at;	  /* where we are: references */
	struct path root; /* ".." stops here, absolute links start here; borrowed */
	struct path base; /* reference, IN_ROOT and BENEATH only: what root points to */
	u32 flags;
	unsigned links, depth;
	bool jumped; /* by a magic link: the last component has no parent */
	/* the last component, after walk_to_last */
	const char *last;
	u32 last_len, last_hash;
	enum last_kind kind;
	bool slash;
	const char *rest[WALK_LINKS_MAX];
	struct walk_hold hold[WALK_LINKS_MAX];
};

/* Starts a walk; must be followed by walk_end whatever it returns. */
int walk_start(struct walk *w, struct caller *c, const struct path *start, const char *name,
	       u32 flags);
/* Walks all but the last component: w->at is its directory. */
int walk_to_last(struct walk *w, const char *name);
/* Steps into the last component. When it is a link to follow, *more is its text: on to
 * walk_to_last. */
int walk_last(struct walk *w, bool follow, const char **more);
/* Follows @link, which was found as the last component: as walk_last. Takes over the reference. */
int walk_link(struct walk *w, struct dentry *link, const char **more);
/* The name @w->last in directory w->at: a dentry (reference), perhaps negative. ERR_PTR. */
struct dentry *walk_lookup_last(struct walk *w);
/* w->at = d (reference taken over), below whatever is mounted there. */
int walk_step(struct walk *w, struct dentry *d);
void walk_end(struct walk *w);
/* Looks @name up in @dir; @dir's lock must be held when @locked. Perhaps negative; ERR_PTR. */
struct dentry *lookup_one(struct caller *c, struct dentry *dir, const char *name, u32 len, u32 hash,
			  bool locked);

/* --- mount.c -----------------------------------------------------------------------------------
 */

void mount_init(void);
struct mount *mount_get(struct mount *m);
/* What is mounted on @d as seen in @m: reference, or NULL. */
struct mount *mount_lookup(struct mount *m, struct dentry *d);
/* Where @m is mounted (references); false: nowhere. */
bool mount_parent(struct mount *m, struct path *out);
struct mount *mount_create(struct super_block *sb, struct dentry *root, u32 flags,
			   const char *source);

/* --- attr.c, vfs.c -----------------------------------------------------------------------------
 */

void touch_atime(struct file *f);

/* Appends the path as seen from the root of its own namespace. */
void path_describe(const struct path *p, struct strbuf *s);
/* open.c: makes the file for @p without checks. Takes over the reference on @p, also on failure. */
struct file *open_unchecked(struct caller *c, struct path *p, u32 flags);
/* O_TRUNC of a file just opened. */
int vfs_truncate_opened(struct caller *c, struct file *f);
const struct file_ops *special_file_ops(const struct inode *i);

/* --- notify.c ----------------------------------------------------------------------------------
 */

void notify_inode(struct inode *i, u32 mask, u32 cookie, const char *name, u32 len);
void notify_name(struct dentry *parent, const char *name, u32 len, u32 mask, u32 cookie);
/* The inode is going. */
void notify_inode_gone(struct inode *i);
/* The last name of @i is gone: watches no longer hold it. No lock held. */
void notify_unpin(struct inode *i);
u32 notify_cookie(void);

void locks_init(void);
int memfd_init(void);
void notify_init(void);

#endif
