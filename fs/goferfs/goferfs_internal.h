/* SPDX-License-Identifier: Apache-2.0 */
/* goferfs_internal.h - between the parts of goferfs */
#ifndef FS_GOFERFS_GOFERFS_INTERNAL_H
#define FS_GOFERFS_GOFERFS_INTERNAL_H

#include <fcntl.h>
#include <sys/stat.h>

#include "fs/goferfs/goferfs.h"
#include "gofer/client.h"
#include "sentry/arena/arena.h"

struct listing;

/* One mounted tree. */
struct gsuper {
	u32 client, tree; /* const; the client itself is a host resource and not in the arena */
	bool shared;	  /* const: the host changes files too, nothing cached is believed */
	bool readonly;	  /* const */
	u64 root_dev;	  /* const */
	gofer_id root_id; /* const */
	_Atomic u64 evictions; /* counts inodes that went */
	_Atomic u64 changes;   /* counts changes of names, after they were made: prefetch.c */
	struct mutex lock;     /* LR_FSPRIV; guards below */
	struct list *hash;     /* nodes by device and inode number of the host */
	u32 hash_order;	       /* const: 1 << hash_order heads */
};

enum { FD_READ, FD_RDWR, FD_WRITE, FD_COUNT }; /* descriptors of one file, by rights */

/* What goferfs knows of an inode (inode->data). */
struct gnode {
	struct inode *inode;	/* const */
	struct gsuper *gs;	/* const */
	struct list hash;	/* gs->lock */
	u64 host_ino, host_dev; /* const */
	_Atomic u64 id; /* written once; 0: known by a listing only, and walked to when needed: */
	struct inode *parent; /* const, reference: the directory of the listing; NULL when id was
				 there at once */
	char *name;	      /* const, kalloc of name_size + 1 */
	u32 name_size;
	_Atomic u32 going; /* about to be removed: fds.c */
	_Atomic u32 gone;  /* removed before it had an id: there is nothing to walk to */
	_Atomic u32 stale; /* STALE_*: the host may know newer attributes than inode does */
	_Atomic u32 mapped_writable; /* stale for ever */
	_Atomic u32 xattrs;	  /* which are not there, and how often they were changed: attr.c */
	_Atomic s32 fd[FD_COUNT]; /* host descriptors; written under the lock of fds.c, stay while
				     opens > 0 */
	u32 opens;		  /* open files; lock of fds.c, as is lru */
	struct list lru;	  /* descriptors that no file uses, oldest first */
	struct listing *listing;  /* reference; lock of listing.c, as is list_lru */
	struct list list_lru;
	bool nameless; /* const: O_TMPFILE with O_EXCL, never gets a name */
};

static inline struct gnode *gnode_of(const struct inode *i)
{
	return i->data;
}
static inline struct gofer_client *gclient(const struct gsuper *gs)
{
	return gofer_client_at(gs->client);
}
/* STALE_ATIME: perhaps a newer access time, which is not worth a message. */
enum { STALE_ATIME = 1, STALE_ALL = 2 };
/* Something changed on the host that inode does not show yet. */
static inline void gnode_set_stale(struct gnode *g, u32 what)
{
	if (!(atomic_load_explicit(&g->stale, memory_order_relaxed) & what))
		atomic_fetch_or_explicit(&g->stale, what, memory_order_relaxed);
}

/* node.c */
/* The inode of @node (its id is taken over, in all cases), or ERR_PTR. Reference given. */
struct inode *gnode_get(struct super_block *sb, const struct gofer_node *node);
/* The same for an entry of a listing of @dir: without an id. NULL when it is not worth it or no
 * memory: ask the gofer. */
struct inode *gnode_get_listed(struct inode *dir, const struct gofer_attr *attr, const char *name,
			       u32 size);
/* Is there an inode of that number now? */
bool gnode_exists(struct gsuper *gs, const struct gofer_attr *a);
/* The id, walked to when there is none yet. With @out_fd (not NULL): a descriptor for reading may
 * come along (-1). */
int gnode_id(struct gnode *g, gofer_id *out_id, int *out_fd);
/* Before there are too many ids: names that nobody uses go, and their inodes. */
void gnode_make_room(struct gsuper *gs);
/* The gofer has no id left (-ENFILE): gives names back until there is one. false: all are in use.
 */
bool gnode_freed_ids(struct gsuper *gs);
/* @g was walked to: @node, whose id is taken over, must be the same inode (-ESTALE). *@out_id: the
 * id to use. */
int gnode_adopt(struct gnode *g, const struct gofer_node *node, gofer_id *out_id);
/* The text of a symbolic link, which comes along with walks, into the inode, where vfs reads it. */
void gnode_keep_link(struct inode *i, const char *text, u32 size);
/* The host's attributes into the inode; its lock is held or it is new. */
void gnode_apply(struct inode *i, const struct gofer_attr *a);
/* Brings the inode's attributes up to date when they may be stale. Inode lock held. */
int gnode_refresh_locked(struct gnode *g);
/* A name of @i was removed on the host. */
void gnode_unlinked(struct inode *i);
void gnode_evict(struct inode *i);
struct list *gnode_hash_alloc(u32 order);
void gnode_hash_free(struct list *hash, u32 order);

/* listing.c */
struct listing_entry {
	u64 ino;
	u8 type; /* DT_* */
	const char *name;
	u32 name_size;
	u32 next; /* place of the following entry */
};
enum listing_answer { LISTING_UNKNOWN, LISTING_ABSENT, LISTING_ATTR };
/* The whole directory @dir, from the cache or the gofer: reference in *out. dir's inode lock is NOT
 * held. */
int listing_load(struct inode *dir, struct listing **out);
void listing_put(struct listing *l);
/* The entry at or after @place: false at the end. Names that were removed meanwhile are left out.
 */
bool listing_next(const struct listing *l, u32 place, struct listing_entry *out);
/* What the cached listing of @dir (its inode lock held) says about a name. LISTING_ATTR: *out_attr,
 * and only once. */
enum listing_answer listing_ask(struct inode *dir, const char *name, u32 size,
				struct gofer_attr *out_attr);
/* The listing that @g keeps, with a reference, or NULL. */
struct listing *listing_get(struct gnode *g);
/* @g goes, and no other inode is made of its file meanwhile: if @l tells of it, it gets its
 * attributes. */
void listing_give_back(struct listing *l, const struct gnode *g);
/* Will a lookup of the name be answered from the listing? Asks no more than that. */
bool listing_knows(struct inode *dir, const char *name, u32 size);
/* dir's inode lock held: a name went, or came (which the listing does not learn). */
void listing_removed(struct inode *dir, const char *name, u32 size);
void listing_added(struct inode *dir);
/* dir is evicted. */
void listing_forget(struct gnode *dir);

/* ahead.c */
/* A descriptor for reading the file of @g, which is known from a listing only: the caller's. -1:
 * another way is needed. */
int ahead_open(struct gnode *g);

/* At most @max descriptors wait, but never more than 512. */
void ahead_limit(u32 max);

/* fds.c */
/* A file is opened for @mode (FMODE_*): sees to it that there is a descriptor. Pair with gfds_put.
 */
int gfds_get(struct gnode *g, u32 mode);
/* The same when the descriptor @fd (rights @kind) came with creation: taken over. */
void gfds_get_created(struct gnode *g, int kind, int fd);
void gfds_put(struct gnode *g);
/* Keeps @fd for later opens, or closes it. */
void gfds_donate(struct gnode *g, int kind, int fd);
/* A name of @g is about to go: if the file is open, it gets its id, without which nothing but its
 * data could be reached. */
void gfds_before_removal(struct gnode *g);
/* The removal did not happen. */
void gfds_removal_failed(struct gnode *g);
/* Keeps the descriptors that are there until gfds_put: one of them, or -1 (then no gfds_put). */
int gfds_pin(struct gnode *g);
/* A descriptor to read from, to write to; -1 when there is none. Stable while the file is open. */
int gfds_read(const struct gnode *g);
int gfds_write(const struct gnode *g);
void gfds_close_all(struct gnode *g);

/* names.c, attr.c, dir.c, file.c, prefetch.c */
extern const struct inode_ops gofer_dir_ops, gofer_dir_shared_ops, gofer_inode_ops;
extern const struct file_ops gofer_file_ops, gofer_dir_file_ops;
extern const struct mappable_ops gofer_map_ops;
int gattr_getattr(struct caller *c, struct inode *inode, struct kstat *out);
int gattr_setattr(struct caller *c, struct inode *inode, const struct attr *a);
ssize_t gattr_getxattr(struct caller *c, struct inode *i, const char *name, void *buf, size_t size);
int gattr_setxattr(struct caller *c, struct inode *i, const char *name, const void *buf,
		   size_t size, int flags);
ssize_t gattr_listxattr(struct caller *c, struct inode *i, char *buf, size_t size);
int gattr_removexattr(struct caller *c, struct inode *i, const char *name);
ssize_t gattr_readlink(struct caller *c, struct inode *i, char *buf, size_t size);
void gnames_prefetch(struct caller *c, struct dentry *dir, const char *rest, bool open);

#endif
