/* SPDX-License-Identifier: Apache-2.0 */
/* mount_internal.h - the mount tree, for the files mount*.c */
#ifndef FS_VFS_MOUNT_INTERNAL_H
#define FS_VFS_MOUNT_INTERNAL_H

#include "fs/vfs/vfs_internal.h"

struct mnt_namespace {
	struct ns_common common; /* first */
	/* guarded by g_mounts.lock */
	struct list mounts; /* in_ns, oldest first */
	struct mount *root;
	u64 event;	   /* counts changes */
	struct waitq wait; /* woken at each */
};

#define MOUNT_BUCKETS 64
struct mounts {
	struct rwlock lock;		   /* LR_MOUNT: the trees of all namespaces */
	struct list bucket[MOUNT_BUCKETS]; /* by parent and mountpoint */
	u32 next_id, next_group, limit, count;
	u64 visit; /* number of the last walk of mount_prop.c */
};
extern struct mounts g_mounts;

/* Flags of a mount (not of its super block). */
#define MOUNT_FLAGS                                                                                \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | \
	 MS_STRICTATIME | MS_NOSYMFOLLOW)
#define ATIME_FLAGS	  (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)
#define LOCKED_FLAGS	  (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define PROPAGATION_FLAGS (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* All with g_mounts.lock held for writing. */
void mount_link(struct mount *m, struct mount *parent, struct dentry *mountpoint,
		struct mnt_namespace *ns);
/* Out of the tree and the namespace; onto @gone (work), whose members mounts_release() lets go. */
void mount_unlink(struct mount *m, struct list *gone);
void mount_unlink_tree(struct mount *m, struct list *gone);
/* Copies @m from @root on, with what is mounted below when @all: new mounts on @out (work), parents
 * first, not linked yet but with parent and mountpoint set. 0 or -errno. */
enum mount_tree { COPY_ONE, COPY_BINDABLE, COPY_ALL };
int mount_copy_tree(struct mount *m, struct dentry *root, enum mount_tree what, struct list *out);
void mounts_drop_copies(struct list *copy);
/* How a copy hears of things: as what it was copied from; of that; of that when it is shared,
 * else the same. */
enum mount_copy { COPY_SAME, COPY_SLAVE, COPY_DEMOTE };
/* Links a copied tree on @parent, @mountpoint (NULL: as root of @ns). */
void mount_link_tree(struct list *copy, struct mount *parent, struct dentry *mountpoint,
		     struct mnt_namespace *ns, enum mount_copy how);
/* What is mounted at that place, or NULL. Borrowed. */
struct mount *mount_find(struct mount *parent, struct dentry *d);
/* The next mount of the tree below @top, parents first; NULL: no more. */
struct mount *mount_next(struct mount *m, struct mount *top);
/* As umount: with what hears of it. */
void mount_unlink_told(struct mount *m, struct list *gone);

/* mount_prop.c */
void mount_set_propagation(struct mount *m, u32 type);
void mount_copied(struct mount *copy, struct mount *old, enum mount_copy how);
/* @src has been linked: copies for all that hear of it. -errno: there are none. */
int mount_spread(struct mount *src, struct list *gone);
void mount_share_tree(struct mount *top);
/* What comes from a more privileged user namespace: may not be taken apart. */
void mount_lock_tree(struct mount *top, bool itself);
bool mount_echoes_busy(struct mount *m);
void mount_unlink_echoes(struct mount *m, struct list *gone);
/* path_text.c: as vfs_path_text, from @root, with the lock held. */
ssize_t path_text_locked(const struct path *p, const struct path *root, char *buf, size_t size);
/* Without the lock. */
void mounts_release(struct list *gone);

#endif
