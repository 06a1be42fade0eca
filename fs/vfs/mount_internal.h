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
};
extern struct mounts g_mounts;

/* Flags of a mount (not of its super block). */
#define MOUNT_FLAGS                                                                                \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | \
	 MS_STRICTATIME | MS_NOSYMFOLLOW)
#define PROPAGATION_FLAGS (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* All with g_mounts.lock held for writing. */
void mount_link(struct mount *m, struct mount *parent, struct dentry *mountpoint,
		struct mnt_namespace *ns);
/* Out of the tree and the namespace; onto @gone (work), whose members mounts_release() lets go. */
void mount_unlink(struct mount *m, struct list *gone);
void mount_unlink_tree(struct mount *m, struct list *gone);
/* Copies @m from @root on, with what is mounted below when @all: new mounts on @out (work), parents
 * first, not linked yet but with parent and mountpoint set. 0 or -errno. */
int mount_copy_tree(struct mount *m, struct dentry *root, bool all, struct list *out);
/* Links a copied tree on @parent, @mountpoint (NULL: as root of @ns). */
void mount_link_tree(struct list *copy, struct mount *parent, struct dentry *mountpoint,
		     struct mnt_namespace *ns);
/* path_text.c: as vfs_path_text, from @root, with the lock held. */
ssize_t path_text_locked(const struct path *p, const struct path *root, char *buf, size_t size);
/* Without the lock. */
void mounts_release(struct list *gone);

#endif
