/* SPDX-License-Identifier: Apache-2.0 */
/* super.c - the names of message queues: one flat directory for each IPC namespace, shown by every
 * mount of it */
#include <fcntl.h>
#include <linux/capability.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fs/mqueue/mqueue_internal.h"
#include "fs/vfs/memdir.h"
#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/ipc.h"

#define QUEUES_MAX	256u /* /proc/sys/fs/mqueue */
#define MSG_DEFAULT	10u
#define MSGSIZE_DEFAULT 8192u
#define MSG_MAX		10u
#define MSGSIZE_MAX	8192u
#define HARD_MSG_MAX	65536u /* with CAP_SYS_RESOURCE */
#define HARD_MSGSIZE	(16u << 20)
#define BYTES_MAX	(256ull << 20)

/* Of one IPC namespace, which holds it; made when it is first asked for. */
struct mqueue_ns {
	struct super_block *sb;	  /* const: reference; its data is this */
	struct mnt_namespace *ns; /* const: its root is where queues are opened */
	struct memdir dir;	  /* guarded by the root inode's lock, as below */
	u32 count;
};
static SLAB_CACHE(g_mqueue_ns_cache, struct mqueue_ns);
static struct mutex g_make_lock = MUTEX_INIT(LR_EXEC); /* one is made at a time */
static const struct file_system_type mqueue_type;
static struct mqueue_ns *g_first; /* const after boot: the first namespace's */

static const struct inode_ops g_queue_ops;

static int add_queue(struct inode *dir, struct dentry *d, const struct attr *a, u32 maxmsg,
		     u32 msgsize)
{
	struct mqueue_ns *mq = dir->sb->data;
	struct inode *i;
	int err;

	if (mq->count >= QUEUES_MAX)
		return -ENOSPC;
	i = inode_create(dir->sb, &g_queue_ops, &mqueue_file_ops, a->mode, 0);
	if (!i)
		return -ENOMEM;
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = 1;
	i->size = MQUEUE_STATE_SIZE;
	i->data = mqueue_create(maxmsg, msgsize);
	err = i->data ? memdir_add(&mq->dir, d, false) : -ENOMEM;
	if (err) {
		inode_put(i);
		return err;
	}
	mq->count++;
	dentry_set_inode(d, i);
	dir->mtime = dir->ctime = vfs_now();
	return 0;
}

static int mqueue_lookup(struct caller *c, struct inode *dir, struct dentry *d)
{
	return 0; /* what exists is pinned */
}

static int mqueue_new(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	return add_queue(dir, d, a, MSG_DEFAULT, MSGSIZE_DEFAULT);
}

static int mqueue_unlink(struct caller *c, struct inode *dir, struct dentry *d)
{
	struct mqueue_ns *mq = dir->sb->data;
	struct inode *i = dentry_inode(d);

	mutex_lock_nested(&i->lock);
	i->nlink = 0;
	i->ctime = vfs_now();
	mutex_unlock(&i->lock);
	memdir_remove(&mq->dir, d);
	mq->count--;
	dir->mtime = dir->ctime = vfs_now();
	return 0;
}

static int mqueue_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	struct mqueue_ns *mq = f->inode->sb->data;

	mutex_lock(&f->inode->lock);
	if (memdir_emit_dots(f, dc))
		memdir_emit(&mq->dir, dc);
	mutex_unlock(&f->inode->lock);
	return 0;
}

static void mqueue_evict(struct inode *i)
{
	if (i->data)
		mqueue_destroy(i->data);
}

static const struct inode_ops g_dir_ops = {
	.lookup = mqueue_lookup,
	.create = mqueue_new,
	.unlink = mqueue_unlink,
};
static const struct file_ops g_dir_fops = {.iterate = mqueue_iterate};
static void mqueue_put_super(struct super_block *sb)
{
	struct mqueue_ns *mq = sb->data;

	memdir_fini(&mq->dir);
	slab_free(&g_mqueue_ns_cache, sb->data);
}

static const struct super_ops g_super_ops = {.evict = mqueue_evict, .put_super = mqueue_put_super};

static struct mqueue_ns *mqueue_ns_create(u32 uid, u32 gid)
{
	struct mqueue_ns *mq = slab_alloc(&g_mqueue_ns_cache);
	struct super_block *sb = mq ? sb_create(&mqueue_type, &g_super_ops, mq) : NULL;
	struct inode *root;

	if (!sb) {
		if (mq)
			slab_free(&g_mqueue_ns_cache, mq);
		return NULL;
	}
	sb->magic = 0x19800202;
	sb->blksize = PAGE_SIZE;
	memdir_init(&mq->dir);
	root = inode_create(sb, &g_dir_ops, &g_dir_fops, S_IFDIR | 01777, 0);
	if (root) {
		root->nlink = 2;
		root->uid = uid;
		root->gid = gid;
		sb->root = dentry_make_root(sb, root);
	}
	if (!sb->root) {
		sb_put(sb);
		return NULL;
	}
	ref_get(&sb->ref); /* the mount namespace takes one over */
	mq->sb = sb;
	mq->ns = mnt_ns_create(sb, 0, "mqueue");
	if (!mq->ns) {
		sb_put(sb);
		sb_put(sb);
		return NULL;
	}
	return mq;
}

/* The IPC namespace has gone. Mounts of it may show what is left for a while. */
static void mqueue_ns_free(struct mqueue_ns *mq)
{
	struct super_block *sb = mq->sb;

	mnt_ns_put(mq->ns);
	sb_put(sb);
}

/* The caller's; NULL: no memory. */
static struct mqueue_ns *mqueue_ns_of(struct caller *c)
{
	struct ipc_namespace *ipc = c->task->ns->ipc;
	struct mqueue_ns *mq = __atomic_load_n(&ipc->mqueue, __ATOMIC_ACQUIRE);
	u32 uid = root_uid_of(ipc->ns.owner);

	if (likely(mq))
		return mq;
	mutex_lock(&g_make_lock);
	mq = ipc->mqueue;
	if (!mq) {
		mq = mqueue_ns_create(uid == NO_ID ? 0 : uid, uid == NO_ID ? 0 : c->cred->egid);
		__atomic_store_n(&ipc->mqueue, mq, __ATOMIC_RELEASE);
	}
	mutex_unlock(&g_make_lock);
	return mq;
}

/* One super block for all mounts of an IPC namespace; @c without a task: of a new one (boot). */
static int mqueue_mount(struct caller *c, const struct file_system_type *t, u32 sb_flags,
			const char *source, const char *options, struct super_block **out)
{
	struct mqueue_ns *mq = c->task ? mqueue_ns_of(c) : g_first;

	if (!mq)
		return -ENOMEM;
	ref_get(&mq->sb->ref);
	*out = mq->sb;
	return 0;
}

static const struct file_system_type mqueue_type = {
	.name = "mqueue", .flags = FS_NODEV | FS_USERNS, .mount = mqueue_mount};

int mqueue_init(void)
{
	g_first = mqueue_ns_create(0, 0);
	if (!g_first)
		return -ENOMEM;
	ipc_set_mqueue(g_first, mqueue_ns_free);
	file_system_register(&mqueue_type);
	return 0;
}

/* --- mq_open, mq_unlink
 * ----------------------------------------------------------------------------- */

static int check_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0)
		return -ENOENT;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

static int check_attr(struct caller *c, const struct mq_attr_k *a)
{
	bool privileged = cred_capable(c->cred, CAP_SYS_RESOURCE);
	u64 limit = task_rlimit(c->task, RLIMIT_MSGQUEUE), bytes;

	if (a->maxmsg <= 0 || a->msgsize <= 0 ||
	    a->maxmsg > (privileged ? HARD_MSG_MAX : MSG_MAX) ||
	    a->msgsize > (privileged ? HARD_MSGSIZE : MSGSIZE_MAX))
		return -EINVAL;
	bytes = (u64)a->maxmsg * ((u64)a->msgsize + 48);
	if (bytes > BYTES_MAX)
		return -ENOMEM;
	return bytes > limit && !privileged ? -EMFILE : 0;
}

/* The queue's dentry, made when it is missing and O_CREAT says so; root inode's lock held. */
static int find_or_make(struct caller *c, struct inode *dir, struct dentry *d, u32 flags, u32 mode,
			const struct mq_attr_k *attr, bool *out_made)
{
	struct attr a = {
		.mode = S_IFREG | (mode & 07777 & ~c->umask),
		.uid = c->cred->fsuid,
		.gid = c->cred->fsgid,
	};

	*out_made = false;
	if (dentry_inode(d))
		return flags & O_CREAT && flags & O_EXCL ? -EEXIST : 0;
	if (!(flags & O_CREAT))
		return -ENOENT;
	*out_made = true;
	return add_queue(dir, d, &a, attr ? (u32)attr->maxmsg : MSG_DEFAULT,
			 attr ? (u32)attr->msgsize : MSGSIZE_DEFAULT);
}

struct file *mq_open_file(struct caller *c, const char *name, u32 flags, u32 mode,
			  const struct mq_attr_k *attr)
{
	struct mqueue_ns *mq = mqueue_ns_of(c);
	struct inode *dir = mq ? dentry_inode(mq->sb->root) : NULL;
	struct path root, p;
	struct file *f;
	bool unused, made;
	int err = check_name(name);

	if (!err && attr && flags & O_CREAT)
		err = check_attr(c, attr);
	if (!err && !mq)
		err = -ENOMEM;
	if (err)
		return ERR_PTR(err);
	mnt_ns_root(mq->ns, &root);
	mutex_lock(&dir->lock);
	p = (struct path){root.mnt,
			  dentry_lookup_or_new(mq->sb->root, name, strlen(name), &unused)};
	err = p.dentry ? find_or_make(c, dir, p.dentry, flags, mode, attr, &made) : -ENOMEM;
	mutex_unlock(&dir->lock);
	/* The rights of a new queue do not concern who makes it: opened as its owner would be by
	 * root. */
	if (err)
		f = ERR_PTR(err);
	else
		f = vfs_open_path(c, &p, flags & (O_ACCMODE | O_NONBLOCK));
	if (p.dentry)
		dentry_put(p.dentry);
	path_put(&root);
	return f;
}

int mq_unlink_name(struct caller *c, const char *name)
{
	struct mqueue_ns *mq = mqueue_ns_of(c);
	struct path root;
	int err = check_name(name);

	if (!err && !mq)
		err = -ENOMEM;
	if (err)
		return err;
	mnt_ns_root(mq->ns, &root);
	err = vfs_unlink(c, &root, name);
	path_put(&root);
	return err;
}
