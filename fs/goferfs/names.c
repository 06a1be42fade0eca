/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - directories: look up, make, remove, rename
 *
 * vfs caches names, also those that are not there; in an exclusive tree they stay right because
 * every change passes here, with the directory's lock held. In a shared tree each use of a cached
 * name asks (revalidate). After a change of names `changes` counts up before the directory is
 * unlocked, so that prefetch.c can tell that what it walked may be old.
 */
#include <linux/fs.h>

#include "fs/goferfs/goferfs_internal.h"
#include "platform/host/host.h"

static struct gsuper *super_of(const struct inode *dir)
{
	return dir->sb->data;
}

/* --- lookup --------------------------------------------------------------------------------------
 */

/* Walks one name of @dir. The inode (reference), or ERR_PTR. */
static struct inode *walk_one(struct inode *dir, const char *name, u32 size)
{
	struct gofer_name n = {.s = name, .size = size};
	struct gofer_node node;
	struct gofer_walk_result r = {.nodes = &node};
	char target[GOFER_LINK_MAX];
	struct inode *i;
	gofer_id id;
	int err;

	err = gnode_id(gnode_of(dir), &id, NULL);
	if (err)
		return ERR_PTR(err);
	do {
		err = gofer_walk(gclient(super_of(dir)), id, 0, 0, &n, 1, &r, target);
		if (!err)
			err = r.error;
	} while (err == -ENFILE && gnode_freed_ids(super_of(dir)));
	i = err ? ERR_PTR(err) : gnode_get(dir->sb, &node);
	if (!IS_ERR(i))
		gnode_keep_link(i, target, r.target_size);
	return i;
}

static int gdir_lookup(struct caller *c, struct inode *dir, struct dentry *d)
{
	struct gofer_attr attr;
	struct inode *i = NULL;

	switch (super_of(dir)->shared ? LISTING_UNKNOWN
				      : listing_ask(dir, d->name, d->name_len, &attr)) {
	case LISTING_ABSENT:
		return -ENOENT;
	case LISTING_ATTR:
		i = gnode_get_listed(dir, &attr, d->name, d->name_len);
		break;
	case LISTING_UNKNOWN:
		break;
	}
	if (!i) {
		i = walk_one(dir, d->name, d->name_len);
		/* what another inode of the file may have given back by now is older */
		listing_ask(dir, d->name, d->name_len, &attr);
	}
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	dentry_set_inode(d, i);
	return 0;
}

/* Shared trees: is @inode still behind the name? Its attributes become the host's. */
static bool still_there(struct gsuper *gs, gofer_id dir, const struct gofer_name *name,
			struct inode *inode)
{
	struct gofer_node node;
	struct gofer_walk_result r = {.nodes = &node};
	struct gnode *g = inode ? gnode_of(inode) : NULL;
	bool same = false;
	int err;

	err = gofer_walk(gclient(gs), dir, g ? g->id : 0, 0, name, 1, &r, NULL);
	if (!err && r.error == -ENOENT) {
		same = !g;
	} else if (!err && !r.error) {
		same = g && node.id == g->id;
		if (same) {
			/* rename holds its two directories, and may look up one below the other */
			if (mutex_trylock(&inode->lock)) {
				gnode_apply(inode, &node.attr);
				mutex_unlock(&inode->lock);
			} else {
				gnode_set_stale(g, STALE_ALL);
			}
		} else {
			gofer_release(gclient(gs), node.id, false);
		}
	}
	return same;
}

static bool gdir_revalidate(struct caller *c, struct dentry *d)
{
	struct dentry *parent = __atomic_load_n(&d->parent, __ATOMIC_RELAXED);
	struct inode *dir = dentry_inode(parent);
	u32 size = min(d->name_len, (u32)GOFER_NAME_MAX);
	char copy[GOFER_NAME_MAX];
	struct gofer_name name = {.s = copy, .size = size};

	if (!dir || size == 0)
		return false;
	memcpy(copy, d->name,
	       size); /* a rename at this moment makes it nonsense: looked up again then */
	return still_there(super_of(dir), gnode_of(dir)->id, &name, dentry_inode(d));
}

/* --- making ------------------------------------------------------------------------------------
 */

static struct gofer_make_req make_req(const struct attr *a, u32 mode, u64 rdev)
{
	return (struct gofer_make_req){
		.mode = mode,
		.uid = a->uid,
		.gid = a->gid,
		.rdev_major = (u32)(rdev >> 8 & 0xfff) | (u32)(rdev >> 32 & ~0xfffull),
		.rdev_minor = (u32)(rdev & 0xff) | (u32)(rdev >> 12 & ~0xffull)};
}

/* Names in @dir have changed on the host. */
static void dir_changed(struct inode *dir)
{
	gnode_set_stale(gnode_of(dir), STALE_ALL);
	atomic_fetch_add(&super_of(dir)->changes, 1);
}

/* @node was made as @d: d gets its inode. */
static int made(struct inode *dir, struct dentry *d, const struct gofer_node *node,
		struct inode **out)
{
	struct inode *i = gnode_get(dir->sb, node);

	listing_added(dir);
	dir_changed(dir);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	if (out)
		*out = i;
	dentry_set_inode(d, i);
	return 0;
}

/* Makes a regular file, and its descriptor. */
static int make_file(struct inode *dir, struct dentry *d, const struct attr *a, struct inode **out,
		     int *out_fd)
{
	struct gofer_make_req req = make_req(a, a->mode & 07777, 0);
	struct gofer_node node;
	gofer_id id;
	int err = gnode_id(gnode_of(dir), &id, NULL), fd;

	if (!err)
		err = gofer_create(gclient(super_of(dir)), id, d->name,
				   GOFER_OPEN_READ | GOFER_OPEN_WRITE, &req, &node, &fd);
	if (err)
		return err;
	err = made(dir, d, &node, out);
	if (err)
		host_close(fd);
	else
		*out_fd = fd;
	return err;
}

static int gdir_create(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	struct inode *i;
	int fd, err = make_file(dir, d, a, &i, &fd);

	if (!err)
		gfds_donate(gnode_of(i), FD_RDWR, fd);
	return err;
}

static int gdir_create_open(struct caller *c, struct inode *dir, struct dentry *d,
			    const struct attr *a, struct file *f)
{
	struct inode *i;
	int fd, err = make_file(dir, d, a, &i, &fd);

	if (!err)
		gfds_get_created(gnode_of(i), FD_RDWR, fd);
	return err;
}

static int gdir_tmpfile(struct caller *c, struct inode *dir, const struct attr *a, bool linkable,
			struct inode **out)
{
	struct gofer_make_req req = make_req(a, a->mode & 07777, 0);
	struct gofer_node node;
	struct inode *i;
	gofer_id id;
	int err = gnode_id(gnode_of(dir), &id, NULL), fd;

	if (!err)
		err = gofer_create(gclient(super_of(dir)), id, NULL,
				   GOFER_OPEN_READ | GOFER_OPEN_WRITE, &req, &node, &fd);
	if (err)
		return err;
	i = gnode_get(dir->sb, &node);
	if (IS_ERR(i)) {
		host_close(fd);
		return (int)PTR_ERR(i);
	}
	gnode_of(i)->nameless = !linkable;
	gfds_donate(gnode_of(i), FD_RDWR, fd);
	*out = i;
	return 0;
}

static int make_node(struct inode *dir, struct dentry *d, const struct attr *a, u32 mode, u64 rdev)
{
	struct gofer_make_req req = make_req(a, mode, rdev);
	struct gofer_node node;
	gofer_id id;
	int err = gnode_id(gnode_of(dir), &id, NULL);

	if (!err)
		err = gofer_mknod(gclient(super_of(dir)), id, d->name, &req, &node);
	return err ? err : made(dir, d, &node, NULL);
}

static int gdir_mkdir(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a)
{
	return make_node(dir, d, a, S_IFDIR | (a->mode & 07777), 0);
}

static int gdir_mknod(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
		      u64 rdev)
{
	return make_node(dir, d, a, a->mode, rdev);
}

static int gdir_symlink(struct caller *c, struct inode *dir, struct dentry *d, const struct attr *a,
			const char *target)
{
	struct gofer_node node;
	struct inode *i = NULL;
	gofer_id id;
	int err = gnode_id(gnode_of(dir), &id, NULL);

	if (!err)
		err = gofer_symlink(gclient(super_of(dir)), id, d->name, target, a->uid, a->gid,
				    &node);
	if (!err)
		err = made(dir, d, &node, &i);
	if (!err)
		gnode_keep_link(i, target, (u32)strlen(target));
	return err;
}

static int gdir_link(struct caller *c, struct dentry *from, struct inode *dir, struct dentry *to)
{
	struct inode *i = dentry_inode(from);
	struct gofer_attr attr;
	gofer_id id, source;
	int err = gnode_of(i)->nameless ? -ENOENT : gnode_id(gnode_of(dir), &id, NULL);

	if (!err)
		err = gnode_id(gnode_of(i), &source, NULL);
	if (!err)
		err = gofer_link(gclient(super_of(dir)), source, id, to->name, &attr);
	if (err)
		return err;
	listing_added(dir);
	dir_changed(dir);
	mutex_lock_nested(&i->lock);
	gnode_apply(i, &attr);
	mutex_unlock(&i->lock);
	dentry_set_inode(to, inode_get(i));
	return 0;
}

/* --- removing and renaming -----------------------------------------------------------------------
 */

static int remove_name(struct inode *dir, struct dentry *d, u32 flags)
{
	gofer_id id;
	struct gnode *victim = gnode_of(dentry_inode(d));
	int err = gnode_id(gnode_of(dir), &id, NULL);

	if (err)
		return err;
	gfds_before_removal(victim);
	err = gofer_unlink(gclient(super_of(dir)), id, d->name, flags);
	if (err) {
		gfds_removal_failed(victim);
		return err;
	}
	listing_removed(dir, d->name, d->name_len);
	dir_changed(dir);
	gnode_unlinked(dentry_inode(d));
	return 0;
}

static int gdir_unlink(struct caller *c, struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d, 0);
}

static int gdir_rmdir(struct caller *c, struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d, GOFER_UNLINK_DIR);
}

/* Names that lead to inodes without an id must not change: fetches the ids of what moves. */
static int ids_for_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
			  struct dentry *new, unsigned flags, gofer_id *out_from, gofer_id *out_to)
{
	gofer_id id;
	int err = gnode_id(gnode_of(old_dir), out_from, NULL);

	if (!err)
		err = gnode_id(gnode_of(new_dir), out_to, NULL);
	if (!err)
		err = gnode_id(gnode_of(dentry_inode(old)), &id, NULL);
	if (!err && (flags & RENAME_EXCHANGE))
		err = gnode_id(gnode_of(dentry_inode(new)), &id, NULL);
	return err;
}

static int gdir_rename(struct caller *c, struct inode *old_dir, struct dentry *old,
		       struct inode *new_dir, struct dentry *new, unsigned flags)
{
	struct inode *victim = dentry_inode(new);
	gofer_id from, to;
	int err = ids_for_rename(old_dir, old, new_dir, new, flags, &from, &to);

	if (err)
		return err;
	if (victim)
		gfds_before_removal(gnode_of(victim));
	err = gofer_rename(gclient(super_of(old_dir)), from, old->name, to, new->name, flags);
	if (err && victim)
		gfds_removal_failed(gnode_of(victim));
	if (err)
		return err;
	listing_removed(old_dir, old->name, old->name_len);
	listing_removed(new_dir, new->name, new->name_len);
	listing_added(new_dir);
	if (flags & (RENAME_EXCHANGE | RENAME_WHITEOUT))
		listing_added(old_dir);
	dir_changed(old_dir);
	dir_changed(new_dir);
	gnode_set_stale(gnode_of(dentry_inode(old)), STALE_ALL);
	if (victim && (flags & RENAME_EXCHANGE))
		gnode_set_stale(gnode_of(victim), STALE_ALL);
	else if (victim)
		gnode_unlinked(victim);
	return 0;
}

#define DIR_OPS                                                                               \
	.lookup = gdir_lookup, .create = gdir_create, .create_open = gdir_create_open,        \
	.mkdir = gdir_mkdir, .mknod = gdir_mknod, .symlink = gdir_symlink, .link = gdir_link, \
	.unlink = gdir_unlink, .rmdir = gdir_rmdir, .rename = gdir_rename,                    \
	.tmpfile = gdir_tmpfile, .getattr = gattr_getattr, .setattr = gattr_setattr,          \
	.getxattr = gattr_getxattr, .setxattr = gattr_setxattr, .listxattr = gattr_listxattr, \
	.removexattr = gattr_removexattr

const struct inode_ops gofer_dir_ops = {DIR_OPS, .prefetch = gnames_prefetch};
/* revalidate is asked of the directory's operations, for the names in it */
const struct inode_ops gofer_dir_shared_ops = {DIR_OPS, .revalidate = gdir_revalidate};
