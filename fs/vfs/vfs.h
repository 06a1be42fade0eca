/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.h - the contracts of the virtual file system: who implements a file system reads this
 *
 * Objects
 *	file_system_type  makes super blocks			const
 *	super_block	  one mounted instance			refcounted by its mounts
 *	inode		  one file				refcounted
 *	dentry		  one name in a directory; NULL inode: known not to exist	refcounted,
 *cached mount		  a super block's dentry at a place of a mount namespace path
 *mount + dentry			holds a reference on both file		  an open file
 *description		refcounted
 *
 * Rules
 * - No operation sleeps for a guest. What cannot be done now is -EAGAIN, and poll() tells whom to
 *wait for. Requests to the gofer are made inside an operation (they are short host calls).
 * - Locks: inode->lock (LR_INODE) of a directory is held by vfs over lookup, create, link, unlink,
 *symlink, mkdir, rmdir, mknod, tmpfile and rename (both directories, ancestors first, then address
 *order, under sb->rename_lock when they differ); of a file over setattr and truncate. read, write,
 *iterate lock themselves. An operation says below when it differs.
 * - Every operation gets a struct caller: who asks. Only these fields may be used.
 * - All results are 0 or positive, or -errno. Out-parameters are written only on success.
 * - Permission checks are vfs's (inode mode, owner, capabilities, read-only mounts, sticky bits); a
 *file system checks only what it alone knows.
 */
#ifndef FS_VFS_VFS_H
#define FS_VFS_VFS_H

#include <sys/statfs.h>
#include <time.h>

#include "sentry/auth/cred.h"
#include "sentry/auth/ns.h"
#include "sentry/base/list.h"
#include "sentry/base/lock.h"
#include "sentry/base/waitq.h"
#include "sentry/mm/iter.h"
#include "sentry/mm/mm.h"

struct dentry;
struct file;
struct inode;
struct mount;
struct mnt_namespace;
struct super_block;
struct task;

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* Who asks. Filled by the kernel for each call; borrowed pointers, valid for the call. */
struct caller {
	struct task *task; /* opaque here; file systems of L5 may look inside */
	const struct cred *cred;
	struct mm *mm;	       /* for ioctl arguments; NULL in the sentry's own calls */
	struct path root, cwd; /* borrowed */
	struct mnt_namespace *mnt_ns;
	u32 umask;
	u64 fsize_limit; /* RLIMIT_FSIZE */
	void *scratch;	 /* the worker's buffer */
	size_t scratch_size;
	/* The worker that asks, and how to say that it may block; NULL at boot. */
	void (*may_block)(struct platform *p, unsigned worker);
	struct platform *platform;
	unsigned worker;
};

/* A host call follows that may last (a disk): lets another worker take events meanwhile. No caller:
 * msync, write-back. */
static inline void caller_may_block(struct caller *c)
{
	if (c && c->may_block)
		c->may_block(c->platform, c->worker);
}

/* --- attributes ------------------------------------------------------------------------------ */

struct attr {
	u32 valid; /* ATTR_* : which fields setattr changes */
	u32 mode;  /* permission bits and type */
	u32 uid, gid;
	u64 size;
	struct timespec atime, mtime, ctime;
};
enum {
	ATTR_MODE = 1,
	ATTR_UID = 2,
	ATTR_GID = 4,
	ATTR_SIZE = 8,
	ATTR_ATIME = 16,
	ATTR_MTIME = 32,
	ATTR_CTIME = 64,
	ATTR_ATIME_NOW = 128,
	ATTR_MTIME_NOW = 256, /* the server's present time; atime/mtime are set too */
	ATTR_KILL_PRIV = 512, /* mode was changed only to strip setuid/setgid after a write */
};

struct kstat {
	u32 mode, nlink, uid, gid;
	u64 ino, size, blocks; /* blocks of 512 bytes */
	u32 blksize;
	u64 dev, rdev; /* as makedev() */
	struct timespec atime, mtime, ctime, btime;
	bool has_btime;
};

/* --- inode ------------------------------------------------------------------------------------ */

struct inode_ops {
	/* Directory: fills in @d (negative when called): dentry_set_inode() when the name exists,
	 * nothing when it does not (the dentry stays, negative, if sb caches them). 0 or -errno
	 * other than -ENOENT. */
	int (*lookup)(struct caller *c, struct inode *dir, struct dentry *d);
	/* Called before a walk of several components below @dir, with what is left of the path
	 * ("a/b/c"): may put dentries in place ahead of lookups. @open: the last one will be opened
	 * for reading if it is a regular file; then it may be the only one. No lock held. NULL:
	 * nothing to gain. */
	void (*prefetch)(struct caller *c, struct dentry *dir, const char *rest, bool open);
	/* May a cached dentry (positive or negative) still be used? NULL: always. No lock held.
	 * false: vfs drops it and looks up again. */
	bool (*revalidate)(struct caller *c, struct dentry *d);

	/* Make @d (negative, name free of '/' and checked for length) exist, owned by attr->uid,
	 * gid, mode; set its inode. NULL: -EPERM (create: -EACCES for read-only pseudo file systems
	 * is the file system's). */
	int (*create)(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a);
	/* Optional: create and open in one message; else vfs calls create, then open. */
	int (*create_open)(struct caller *c, struct inode *dir, struct dentry *d,
			   const struct attr *a, struct file *f);
	int (*mkdir)(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a);
	int (*mknod)(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
		     u64 rdev);
	int (*symlink)(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
		       const char *target);
	int (*link)(struct caller *c, struct dentry *from, struct inode *dir, struct dentry *to);
	int (*unlink)(struct caller *c, struct inode *dir, struct dentry *d);
	int (*rmdir)(struct caller *c, struct inode *dir, struct dentry *d);
	/* flags: RENAME_NOREPLACE (checked by vfs), RENAME_EXCHANGE, RENAME_WHITEOUT. @new may be
	 * negative. */
	int (*rename)(struct caller *c, struct inode *old_dir, struct dentry *old,
		      struct inode *new_dir, struct dentry *new, unsigned flags);
	/* O_TMPFILE: a new inode without a name, linkable when @linkable. */
	int (*tmpfile)(struct caller *c, struct inode *dir, const struct attr *a, bool linkable,
		       struct inode **out);

	/* Symbolic link: its text into @buf, returns the length (without 0), at most PATH_MAX - 1.
	 */
	ssize_t (*readlink)(struct caller *c, struct inode *inode, char *buf, size_t size);
	/* Magic link (/proc/self/fd/3): a path to jump to (references given). NULL: an ordinary
	 * link. */
	int (*jump)(struct caller *c, struct inode *inode, struct path *out);

	/* NULL: from the inode's own fields. @sync: the caller asked for fresh ones (statx). */
	int (*getattr)(struct caller *c, struct inode *inode, struct kstat *out);
	/* Applies @a to the inode (and fields). NULL: only the inode's fields change. */
	int (*setattr)(struct caller *c, struct inode *inode, const struct attr *a);
	/* A check beyond mode bits (mask of MAY_*); NULL: generic_permission. */
	int (*permission)(struct caller *c, struct inode *inode, u32 mask);
	/* Extended attributes by full name ("user.x"): -ENODATA, -ERANGE (size too small; size 0
	 * asks the length), -EOPNOTSUPP. NULL: -EOPNOTSUPP. Name rules (namespaces, rights) are
	 * checked by vfs. */
	ssize_t (*getxattr)(struct caller *c, struct inode *i, const char *name, void *buf,
			    size_t size);
	int (*setxattr)(struct caller *c, struct inode *i, const char *name, const void *buf,
			size_t size, int flags);
	ssize_t (*listxattr)(struct caller *c, struct inode *i, char *buf, size_t size);
	int (*removexattr)(struct caller *c, struct inode *i, const char *name);
};
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4, MAY_APPEND = 8 };

struct inode {
	struct mappable map; /* first: mm refers to it */
	struct ref ref;
	struct super_block *sb;	    /* const */
	const struct inode_ops *op; /* const; tables: a constant of the program */
	const struct file_ops *fop; /* const: what open gives a file; tables */
	u64 ino;		    /* const */
	struct mutex lock;	    /* LR_INODE; guards below unless said otherwise */
	u32 mode, nlink, uid, gid;
	u64 rdev, size, blocks;
	struct timespec atime, mtime, ctime, btime;
	void *data;		 /* the file system's part, in the arena */
	_Atomic s32 write_count; /* > 0 writers, < 0 denied (being executed): ETXTBSY */
	struct list locks;	 /* struct file_lock; guarded by the global lock of locks.c */
	struct waitq lock_wait;	 /* woken when a lock of locks goes away */
	struct list watches;	 /* inotify; guarded by notify's lock */
	struct list dentries;	 /* aliases; guarded by the dcache lock */
	void *_Atomic
		rendezvous; /* pipe of a FIFO or bound unix socket; owned by fs/pipe, net/socket */
	u32 flags;
	/* Text of a symbolic link that never changes, or NULL: read by readlink(). vfs fills it in
	 * after the first readlink() where names are cached; a file system may set it before the
	 * inode is seen (kalloc of link_len + 1, freed with the inode). */
	char *_Atomic link;
	_Atomic u32 link_len;
};
enum {
	INODE_NO_ATIME = 1,
	INODE_IMMUTABLE = 2,
	INODE_STREAM = 4,     /* not seekable (ESPIPE) */
	INODE_MAGIC = 8,      /* a symlink with jump() */
	INODE_DEAD = 16,      /* a removed directory: nothing can be made in it */
	INODE_OWN_TIMES = 32, /* read and write of the file system move the times themselves */
	INODE_APPEND = 64,    /* append-only */
	INODE_OWN_OPEN = 128, /* opened by its own file_ops, whatever type it has */
};

/* --- dentry ----------------------------------------------------------------------------------- */

#define DENTRY_INLINE 40
/* The cache itself holds one reference on each hashed dentry. A positive dentry stays positive with
 * the same inode for ever: unlink unhashes it. So whoever holds a dentry may use its inode. */
struct dentry {
	struct ref ref;
	struct super_block *sb;
	struct dentry *parent; /* reference; itself for a root. Changes under rename_lock */
	struct inode *inode;   /* reference; NULL: negative. Written once; see dentry_inode() */
	char *name; /* short_name, or kalloc of name_len + 1. Changes by rename, under the dcache
		       lock */
	u32 name_len, hash;
	struct list bucket;    /* hash table; empty when unhashed */
	struct list child;     /* in parent->children */
	struct list children;  /* dcache lock */
	struct list alias;     /* in inode->dentries */
	struct list lru;       /* all hashed ones but pinned and transient, oldest first */
	u32 flags;	       /* DENTRY_*; written under the bucket's lock */
	_Atomic u8 in_lookup;  /* hashed, but not yet known what it is: only who holds the
				  directory's lock may say */
	_Atomic u8 referenced; /* scans of the LRU that it outlives */
	_Atomic u8 transient;  /* not kept when nobody holds it */
	bool pinned;	       /* dentry_pin() */
	_Atomic u32 mounts;    /* how many mounts sit here, in any namespace */
	u64 time;	       /* the file system's, for revalidation */
	void *data;
	char short_name[DENTRY_INLINE];
};
enum { DENTRY_UNHASHED = 1, DENTRY_DEAD = 2, DENTRY_ANON = 4 /* its name is its whole text */ };

/* NULL: negative (or not known yet). */
static inline struct inode *dentry_inode(const struct dentry *d)
{
	return __atomic_load_n(&d->inode, __ATOMIC_ACQUIRE);
}

struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
/* In lookup and create operations: @d becomes positive; takes over the caller's reference on
 * @inode. */
void dentry_set_inode(struct dentry *d, struct inode *inode);
/* The dentry of @name under @dir, a new one when it is not cached; *out_new: nobody has looked it
 * up yet, so the caller may say what it is by dentry_set_inode() or dentry_set_negative() (if it
 * says nothing, the next walk looks it up). Reference given; NULL: no memory. For prefetch and
 * readdir that want to fill the cache: the caller holds no dcache lock, and the directory's inode
 * lock from here until it has said what the dentry is. */
struct dentry *dentry_lookup_or_new(struct dentry *dir, const char *name, size_t len,
				    bool *out_new);
/* The name is known not to exist. */
void dentry_set_negative(struct dentry *d);
/* The same, and it stays until the lookup that is to come, where sb keeps no negative names. */
void dentry_set_negative_kept(struct dentry *d);
/* Holds @d in memory (a reference) until dentry_unpin: for file systems whose names live only in
 * dentries. */
void dentry_pin(struct dentry *d);
void dentry_unpin(struct dentry *d);
/* Gives up to @count names back that nobody uses, oldest first: for file systems whose inodes hold
 * something scarce. May be called with inode locks held. */
void dcache_trim(u32 count);
/* Forgets a name: further walks look it up anew (the file vanished behind our back). */
void dentry_drop(struct dentry *d);

/* --- file ------------------------------------------------------------------------------------- */

struct poll_table;
/* In poll(): the caller wants to hear of @q. Does nothing when @pt is NULL (only the state is
 * asked). */
void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt);
/* Whoever polls fills in queue: registers a waiter of its own on @q. */
struct poll_table {
	void (*queue)(struct poll_table *pt, struct file *f, struct waitq *q);
	u32 events;	   /* wanted */
	struct task *task; /* who polls: a signalfd is ready for its reader. NULL: the opener */
	bool blocked; /* a call that got -EAGAIN: an error it was not told does not end its wait */
};

/* One directory entry for iterate(): false when there is no room: stop, and come back at @off. */
struct dir_context {
	bool (*emit)(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype,
		     u64 next_off);
	u64 pos; /* where to start; set to where to go on */
};

struct file_ops {
	/* After permission checks; sets f->data. NULL: nothing to do. */
	int (*open)(struct caller *c, struct inode *inode, struct file *f);
	/* Last reference gone. */
	void (*release)(struct file *f);
	/* close(2) of one descriptor (flush of locks is vfs's). NULL: nothing. */
	void (*flush)(struct caller *c, struct file *f);
	/* *pos is the place (ignored by streams) and is moved. Bytes moved (0: end of file),
	 * -EAGAIN when it would have to wait: whether it may is the caller's business (O_NONBLOCK,
	 * RWF_NOWAIT). -EFAULT when nothing could be copied. O_APPEND is handled by write under its
	 * own lock. NULL: -EINVAL. */
	ssize_t (*read)(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos);
	ssize_t (*write)(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos);
	/* EPOLL* bits that are true now; registers with poll_wait. NULL: always EPOLLIN | EPOLLOUT
	 * (regular). */
	u32 (*poll)(struct file *f, struct poll_table *pt);
	/* NULL: generic over inode->size (-ESPIPE for INODE_STREAM). Called with f->pos_lock held.
	 */
	s64 (*llseek)(struct caller *c, struct file *f, s64 off, int whence);
	int (*iterate)(struct caller *c, struct file *f, struct dir_context *dc);
	/* -ENOTTY (also when NULL) for what it does not know. */
	long (*ioctl)(struct caller *c, struct file *f, u32 cmd, u64 arg);
	/* What mm maps; NULL: the inode's map when that has ops, else -ENODEV. */
	int (*mmap)(struct caller *c, struct file *f, struct mm_map_request *req);
	int (*fsync)(struct caller *c, struct file *f, bool data_only);
	int (*fallocate)(struct caller *c, struct file *f, int mode, u64 off, u64 len);
	/* F_SETFL changed flags (f->flags is already new); NULL: fine. -errno refuses. */
	int (*set_flags)(struct caller *c, struct file *f, u32 old_flags);
	/* Text for /proc/pid/fdinfo beyond pos, flags, mnt_id. */
	void (*show_fdinfo)(struct file *f, struct strbuf *s);
	/* After open(2) of a FIFO: EPOLL* bits of its poll queue that open still has to wait for
	 * (the other end is not there yet), 0 when done. NULL: done. The file counts as an end of
	 * the FIFO from open() on. */
	u32 (*open_pending)(struct file *f);
	/* How long a blocking read (or write) waits: ns; < 0: for ever (SO_RCVTIMEO). NULL: for
	 * ever. */
	s64 (*timeout)(struct file *f, bool write);
	/* Host descriptor for direct data (regular goferfs files): fd or -1. */
	int (*hostfd)(struct file *f);
};

struct file {
	struct ref ref;
	struct path path;	   /* reference; of anonymous files: on the anon mount */
	struct inode *inode;	   /* = path.dentry->inode at open */
	const struct file_ops *op; /* tables */
	_Atomic u32 flags;	   /* O_* : access mode and status flags, without creation flags */
	u32 mode;		   /* FMODE_* */
	struct mutex pos_lock;	   /* LR_FILE_POS: guards pos */
	u64 pos;
	const struct cred *cred; /* of the opener */
	void *data;		 /* the file system's */
	u32 owner_type;		 /* F_SETOWN_EX */
	s32 owner_pid, owner_sig;
	struct list epoll_links; /* guarded by the global epoll link lock of fs/anon; empty in a new
				    file */
	_Atomic u32 inflight;	 /* SCM_RIGHTS messages that hold it; net/socket */
	void *async;		 /* O_ASYNC; owned by the kernel */
};
enum {
	FMODE_READ = 1,
	FMODE_WRITE = 2,
	FMODE_PATH = 4,
	FMODE_EXEC = 8,
	FMODE_DENYWRITE = 16,
	FMODE_OWN_POS = 64, /* hostfd: the position is the file's, not the host's */
};

/* Does a write of @it go to the end of the file? O_APPEND is 02000. */
static inline bool write_appends(const struct file *f, const struct iov_iter *it)
{
	return it->append || f->flags & 02000;
}

/* Boot: what to do with file->async when the last reference is gone. */
void vfs_set_async_release(void (*fn)(struct file *f));

struct file *file_get(struct file *f);
void file_put(struct file *f);
/* A file on a dentry-less inode of the anon mount: eventfd, pipe, socket. @name is what
 * /proc/pid/fd shows
 * ("anon_inode:[eventfd]", "pipe:" gets its number added when it ends with ':'). Takes over the
 * reference on @inode when given, else makes one of @mode. ERR_PTR on failure. */
struct file *file_anon(struct caller *c, const char *name, const struct file_ops *op, void *data,
		       u32 flags, struct inode *inode, u32 mode);

/* --- super block, mounts ---------------------------------------------------------------------- */

struct super_ops {
	/* The last reference on @inode is gone: frees data. */
	void (*evict)(struct inode *inode);
	int (*statfs)(struct caller *c, struct super_block *sb, struct statfs *out);
	void (*put_super)(struct super_block *sb);
	/* Options after the generic ones for /proc/mounts: ",size=65536k". NULL: none. */
	void (*show_options)(struct super_block *sb, struct strbuf *s);
	int (*remount)(struct caller *c, struct super_block *sb, const char *options);
};

struct file_system_type {
	const char *name;
	u32 flags; /* FS_* */
	/* Makes a super block with its root dentry. @source, @options: as of mount(2), may be NULL.
	 */
	int (*mount)(struct caller *c, const struct file_system_type *t, u32 sb_flags,
		     const char *source, const char *options, struct super_block **out);
};
enum {
	FS_NODEV = 1,
	FS_USERNS = 2,	 /* root of a user namespace may mount it */
	FS_BINDABLE = 4, /* its files may be bound though it is mounted in no namespace */
	FS_VISIBLE = 16, /* only where one is seen whole already, when in a user namespace */
	FS_DEVICES = 8,	 /* its device nodes work even if root of a user namespace has mounted it */
};

struct super_block {
	struct ref ref;
	const struct file_system_type *type; /* tables */
	const struct super_ops *op;	     /* tables */
	u64 dev;			     /* makedev(0, n), unique */
	struct dentry *root;
	u32 flags; /* MS_RDONLY, MS_NOATIME ... of the super block */
	u32 magic, blksize;
	struct user_namespace *user_ns; /* of who has mounted it; reference */
	bool no_dcache;	  /* lookups are cheap or change: do not cache names nobody holds */
	bool no_negative; /* do not cache names that are not there */
	struct mutex rename_lock;
	u32 lock_rank; /* LR_INODE or LR_INODE_LOWER: of its inodes */
	void *data;
	_Atomic u64 next_ino;
};

struct super_block *sb_create(const struct file_system_type *t, const struct super_ops *op,
			      void *data);
void sb_put(struct super_block *sb);
/* A new inode with one reference: mode, and the times of now; ino 0 takes the next number. NULL: no
 * memory. */
struct inode *inode_create(struct super_block *sb, const struct inode_ops *op,
			   const struct file_ops *fop, u32 mode, u64 ino);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);
/* Gives a new inode the text of its symbolic link, which never changes. 0 or -ENOMEM. */
int inode_set_link(struct inode *i, const char *text);
/* The root dentry of a super block; takes over the reference on @inode. */
struct dentry *dentry_make_root(struct super_block *sb, struct inode *inode);

struct mount {
	struct ref ref;
	struct super_block *sb; /* reference */
	struct dentry *root;	/* reference: what of sb is mounted */
	struct mount
		*parent; /* NULL: root of its namespace or detached. Guarded by the mount lock */
	struct dentry *mountpoint; /* in parent; reference */
	struct mnt_namespace *ns;
	struct list in_ns, children, sibling, bucket;
	u32 flags; /* MNT_* = MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME... per mount */
	u32 id;
	u32 propagation;      /* MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE */
	u32 peer_group;	      /* 0: not shared. All below: mount_prop.c */
	struct list peers;    /* ring of those that share */
	struct list slaves;   /* mount.slave of those that hear of us */
	struct mount *master; /* whom we hear of */
	struct list slave;    /* in master->slaves */
	u64 visit;	      /* the last walk that came here */
	u64 born;	  /* the walk that it was made or mounted in: it does not hear of itself */
	struct list ring; /* work of a walk */
	struct mount *source_tree; /* the same */
	bool locked, atime_locked; /* came from a user namespace above: may not be taken away */
	u32 locked_flags;	   /* nor these MS_* */
	char *source;		   /* device name as of mount(2) */
	u32 source_size;
	bool detached;
	struct mount *copy_of; /* only while a tree is copied, as work */
	struct list work;
};

/* What open gives to FIFOs of any file system (fs/pipe), and to character devices by number (@count
 * minors from
 * @minor on; a device without it uses its inode's fop, or is -ENXIO). At boot. */
void vfs_set_fifo_ops(const struct file_ops *ops);
/* What file_put calls, before op->release, for a file whose epoll_links is not empty (fs/anon). At
 * boot. */
void vfs_set_epoll_release(void (*fn)(struct file *f));
void vfs_chrdev_register(u32 major, u32 minor, u32 count, const struct file_ops *ops);

void file_system_register(const struct file_system_type *t);
const struct file_system_type *file_system_find(const char *name);
/* The types in order of registration (for /proc/filesystems); NULL: no more. */
const struct file_system_type *file_system_at(unsigned index);
void path_get(const struct path *p);
void path_put(const struct path *p);

/* --- walking ---------------------------------------------------------------------------------- */

/* Flags of a walk. */
enum {
	WALK_FOLLOW = 1,    /* a final symbolic link is followed */
	WALK_DIRECTORY = 2, /* the result must be a directory */
	WALK_EMPTY = 4,	    /* AT_EMPTY_PATH: "" is the starting point itself */
	WALK_NO_XDEV = 8,
	WALK_NO_MAGICLINKS = 16,
	WALK_NO_SYMLINKS = 32,
	WALK_BENEATH = 64,
	WALK_IN_ROOT = 128,
	WALK_CACHED = 256, /* openat2's RESOLVE_* */
	WALK_OPEN = 512,   /* a hint: a regular file at the end will be opened for reading */
};
/* Walks @name from @start (NULL: c->cwd; absolute names from c->root). Reference in *out given. */
int vfs_walk(struct caller *c, const struct path *start, const char *name, u32 flags,
	     struct path *out);
/* The directory that holds the last component; *out_last points into @name (with *out_len; trailing
 * slashes are reported by *out_slash). "." and ".." and "/" as last component are told by *out_len
 * == 0 with -EBUSY/-EEXIST left to the caller via *out_kind. */
enum last_kind { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };
int vfs_walk_parent(struct caller *c, const struct path *start, const char *name, u32 flags,
		    struct path *out, const char **out_last, size_t *out_len,
		    enum last_kind *out_kind, bool *out_slash);

/* --- operations, permission checks and notifications included (one per system call) ------------
 */

struct open_how_in {
	u32 flags; /* O_* */
	u32 mode;  /* permission bits, umask not yet applied */
	u32 walk;  /* WALK_* beyond what the flags say */
};
/* ERR_PTR or a file with one reference. FIFOs come back at once: whether open(2) still has to wait
 * for the other end says op->open_pending. */
struct file *vfs_open(struct caller *c, const struct path *start, const char *name,
		      const struct open_how_in *how);
struct file *vfs_open_path(struct caller *c, const struct path *p, u32 flags);
/* For exec: reads a file that its caller may execute but perhaps not read. No checks. */
struct file *vfs_open_exec(struct caller *c, const struct path *p);
int vfs_stat(struct caller *c, const struct path *p, struct kstat *out);
int vfs_setattr(struct caller *c, const struct path *p,
		struct attr *a); /* chmod, chown, utimes with checks */
/* What getattr gives without an op of the file system's. */
void inode_fill_stat(const struct inode *i, struct kstat *out);
/* What setattr does to the inode's own fields (inode lock held). */
void inode_apply_attr(struct inode *i, const struct attr *a);
struct timespec vfs_now(void);
/* Where lseek(2) leads in a file without holes, from @pos. */
s64 generic_seek(u64 pos, u64 size, s64 off, int whence);
int vfs_truncate(struct caller *c, const struct path *p, struct file *f, u64 size);
int vfs_access(struct caller *c, const struct path *p, u32 mask, bool real_ids);
int vfs_mkdir(struct caller *c, const struct path *start, const char *name, u32 mode);
int vfs_mknod(struct caller *c, const struct path *start, const char *name, u32 mode, u64 rdev,
	      struct path *out_or_null);
int vfs_symlink(struct caller *c, const struct path *start, const char *name, const char *target);
int vfs_link(struct caller *c, const struct path *from, const struct path *start, const char *name);
int vfs_unlink(struct caller *c, const struct path *start, const char *name);
int vfs_rmdir(struct caller *c, const struct path *start, const char *name);
int vfs_rename(struct caller *c, const struct path *from_start, const char *from,
	       const struct path *to_start, const char *to, unsigned flags);
ssize_t vfs_readlink(struct caller *c, const struct path *p, char *buf, size_t size);
/* Absolute text of a path as seen from c->root ("(unreachable)..." when outside, " (deleted)"
 * added): length or -errno. */
ssize_t vfs_path_text(struct caller *c, const struct path *p, char *buf, size_t size);
/* With a position of the file's own (under pos_lock for seekable files) or a given one. Handles
 * O_APPEND, RLIMIT_FSIZE (-EFBIG), setuid stripping, times, inotify. */
ssize_t vfs_read(struct caller *c, struct file *f, struct iov_iter *it, u64 *pos_or_null);
ssize_t vfs_write(struct caller *c, struct file *f, struct iov_iter *it, u64 *pos_or_null);
s64 vfs_llseek(struct caller *c, struct file *f, s64 off, int whence);
int vfs_iterate(struct caller *c, struct file *f, struct dir_context *dc);
u32 vfs_poll(struct file *f, struct poll_table *pt);
int vfs_permission(struct caller *c, const struct path *p, u32 mask);
int generic_permission(struct caller *c, struct inode *inode, u32 mask);
int vfs_fallocate(struct caller *c, struct file *f, int mode, s64 off, s64 len);
int vfs_fsync(struct caller *c, struct file *f, bool data_only);
int vfs_statfs(struct caller *c, const struct path *p, struct statfs *out);
/* Extended attributes, name rules and rights included. */
ssize_t vfs_getxattr(struct caller *c, const struct path *p, const char *name, void *buf,
		     size_t size);
int vfs_setxattr(struct caller *c, const struct path *p, const char *name, const void *buf,
		 size_t size, int flags);
ssize_t vfs_listxattr(struct caller *c, const struct path *p, char *buf, size_t size);
int vfs_removexattr(struct caller *c, const struct path *p, const char *name);
/* ETXTBSY: exec denies writers (0 or -ETXTBSY) until inode_allow_write. */
int inode_deny_write(struct inode *i);
void inode_allow_write(struct inode *i);
/* The generic describe() of mappables: by the struct file of the mapping. */
void vfs_describe(struct mappable *m, void *file, u64 *dev, u64 *ino, struct strbuf *path);

/* memfd.c: memory of the sentry's own with a name but no place: memfd_create(2), and shared
 * anonymous memory and SysV segments (@name "dev/zero", "SYSV00000000"; then size by vfs_truncate).
 * @flags: MFD_*. */
struct file *memfd_create_file(struct caller *c, const char *name, u32 flags);
/* F_ADD_SEALS, F_GET_SEALS: -EINVAL for other files. */
int memfd_add_seals(struct file *f, u32 seals);
int memfd_get_seals(struct file *f);
/* Adds to a mapping request what the file has to say (rights, mappable). */
int vfs_mmap(struct caller *c, struct file *f, struct mm_map_request *req);

/* mount.c */
int vfs_mount(struct caller *c, const char *source, const struct path *target, const char *type,
	      u64 flags, const char *options);
int vfs_umount(struct caller *c, const struct path *target, int flags);
/* The tree at @new_root becomes the root of the namespace, the old one is moved to @put_old. The
 * roots and working directories of tasks are the caller's business: those at *out_old_root
 * (reference) go to @new_root. */
int vfs_pivot_root(struct caller *c, const struct path *new_root, const struct path *put_old,
		   struct path *out_old_root);
/* Boot: a namespace whose root is @sb; sets nothing in any task. */
struct mnt_namespace *mnt_ns_create(struct super_block *root_sb, u32 mnt_flags, const char *source);
struct mnt_namespace *mnt_ns_copy(struct caller *c, struct mnt_namespace *ns, struct path *fix,
				  unsigned nfix);
struct mnt_namespace *mnt_ns_get(struct mnt_namespace *ns);
void mnt_ns_put(struct mnt_namespace *ns);
/* Is the mount in the tree of @ns? */
bool mount_in_ns(const struct mount *m, const struct mnt_namespace *ns);
struct ns_common *mnt_ns_common(struct mnt_namespace *ns);
struct mnt_namespace *mnt_ns_of(struct ns_common *ns);
/* A mount of @sb in no namespace (reference), and a path on it to @inode (taken over on success)
 * whose whole text is @name. */
struct mount *mount_pseudo(struct super_block *sb);
int path_anon(struct mount *m, const char *name, struct inode *inode, struct path *out);
void mnt_ns_root(struct mnt_namespace *ns, struct path *out); /* reference given */
/* Boot: puts a ready super block on @target without checks. */
int mount_attach(struct caller *c, struct super_block *sb, const struct path *target, u32 mnt_flags,
		 const char *source);
void mounts_show(struct caller *c, struct strbuf *s, u64 *cursor,
		 int kind); /* 0 mounts, 1 mountinfo, 2 mountstats */

/* locks.c: owner is the thread group (POSIX), the file (OFD, flock). -EAGAIN with *out_wait to wait
 * on when it may wait; -EDEADLK. */
struct file_lock_request {
	enum { LOCK_KIND_POSIX, LOCK_KIND_OFD, LOCK_KIND_FLOCK } kind;
	const void *owner;
	s32 pid;
	u32 type;	/* F_RDLCK, F_WRLCK, F_UNLCK */
	u64 start, end; /* inclusive */
};
/* @wait NULL: does not wait. Else, at -EAGAIN, *wait is a record of who waits for whom (for
 * -EDEADLK), to be given back with lock_wait_end when the call ends, however it ends; pass it in
 * again when trying again. */
struct lock_wait;
int lock_set(struct file *f, const struct file_lock_request *r, struct lock_wait **wait,
	     struct waitq **out_wait);
void lock_wait_end(struct lock_wait *w);
int lock_get(struct file *f, struct file_lock_request *r); /* F_GETLK */
void locks_release_posix(struct inode *i, const void *owner);
void locks_release_file(struct file *f);
/* The lock at place @i of all there are, for /proc/locks; false: there are no more. */
struct lock_shown {
	struct file_lock_request r;
	u64 dev, ino;
};
bool locks_at(u32 i, struct lock_shown *out);

/* notify.c (inotify): vfs calls these itself after its operations. */
void notify_dentry(struct dentry *d, u32 mask, u32 cookie);
struct file *inotify_create(struct caller *c, u32 flags);
bool file_is_inotify(const struct file *f);
int inotify_add_watch(struct caller *c, struct file *f, const struct path *p, u32 mask);
int inotify_rm_watch(struct file *f, s32 wd);

/* Must be called once at boot. */
int vfs_init(void);

#endif
