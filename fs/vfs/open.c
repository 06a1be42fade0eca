/* SPDX-License-Identifier: Apache-2.0 */
/* open.c - open(2): walking with O_CREAT, checks, and making the file */
#include "fs/vfs/vfs_internal.h"

#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

static const struct file_ops g_no_ops = {0};

/* MAY_* that an open with @flags needs. */
static u32 open_mask(u32 flags)
{
	static const u32 masks[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
				    MAY_READ | MAY_WRITE};
	u32 mask = masks[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

/* What kind of file may be opened how; *flags may lose O_TRUNC. */
static int may_open_type(const struct path *p, const struct inode *inode, u32 *flags, u32 mask)
{
	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return mask & MAY_WRITE ? -EISDIR : 0;
	case S_IFSOCK:
		return -ENXIO;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mnt->flags & MS_NODEV)
			return -EACCES;
		break;
	case S_IFIFO:
		break;
	case S_IFREG:
		return 0;
	default:
		return -ENXIO;
	}
	*flags &= ~(u32)O_TRUNC;
	return 0;
}

static int may_open(struct caller *c, const struct path *p, u32 *flags)
{
	struct inode *inode = dentry_inode(p->dentry);
	u32 mask = open_mask(*flags);
	int err = may_open_type(p, inode, flags, mask);

	if (!err)
		err = vfs_permission(c, p, mask);
	if (err)
		return err;
	if ((inode_flags(inode) & INODE_APPEND) &&
	    ((*flags & O_TRUNC) || ((mask & MAY_WRITE) && !(*flags & O_APPEND))))
		return -EPERM;
	if ((*flags & O_NOATIME) && !inode_owner_or_capable(c, inode))
		return -EPERM;
	return 0;
}

static int write_access_get(struct inode *inode)
{
	s32 count = atomic_load(&inode->write_count);

	do {
		if (count < 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&inode->write_count, &count, count + 1));
	return 0;
}

static const struct file_ops *ops_for(const struct inode *inode)
{
	if (inode->flags & INODE_OWN_OPEN)
		return inode->fop;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		return inode->fop ? inode->fop : &g_no_ops;
	default:
		return special_file_ops(inode);
	}
}

/* Makes the file for @p, checks done. Takes over the reference on @p, also on failure. */
struct file *open_unchecked(struct caller *c, struct path *p, u32 flags)
{
	struct inode *inode = dentry_inode(p->dentry);
	const struct file_ops *op = ops_for(inode);
	struct file *f = NULL;
	int err = op ? 0 : -ENXIO;
	u32 mode = file_mode_of(flags);

	if (!err && (mode & FMODE_WRITE) && S_ISREG(inode->mode)) {
		err = write_access_get(inode);
		mode |= err ? 0 : FMODE_HOLDS_WRITE;
	}
	if (!err) {
		f = file_create(c, p, op, flags);
		if (!f)
			err = -ENOMEM;
	}
	if (!f) {
		if (mode & FMODE_HOLDS_WRITE)
			atomic_fetch_sub(&inode->write_count, 1);
		path_put(p);
		return ERR_PTR(err);
	}
	f->mode = mode;
	if (op->open)
		err = op->open(c, inode, f);
	f->flags &= ~(u32)O_NOCTTY;
	if (err) {
		f->op = &g_no_ops; /* nothing to release */
		f->mode |= FMODE_PATH;
		file_put(f);
		return ERR_PTR(err);
	}
	return f;
}

static struct file *open_o_path(struct caller *c, struct path *p, u32 flags)
{
	struct file *f = file_create(c, p, &g_no_ops, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));

	if (!f) {
		path_put(p);
		return ERR_PTR(-ENOMEM);
	}
	f->mode = FMODE_PATH;
	return f;
}

/* Opens what was found or made. Takes over the reference on @p. */
static struct file *open_found(struct caller *c, struct path *p, u32 flags, bool created)
{
	struct file *f;
	int err;

	if (flags & O_PATH)
		return open_o_path(c, p, flags);
	if (!created) {
		err = may_open(c, p, &flags);
		if (err) {
			path_put(p);
			return ERR_PTR(err);
		}
	}
	f = open_unchecked(c, p, flags);
	if (IS_ERR(f))
		return f;
	if ((flags & O_TRUNC) && !created && S_ISREG(f->inode->mode)) {
		err = vfs_truncate_opened(c, f);
		if (err) {
			file_put(f);
			return ERR_PTR(err);
		}
	}
	notify_dentry(f->path.dentry, IN_OPEN, 0);
	return f;
}

/* --- O_CREAT -----------------------------------------------------------------------------------
 */

/* Makes @d in the locked directory of @w; by one message where the file system can: *out_file is
 * then open. */
static int create_locked(struct walk *w, struct dentry *d, u32 flags, u32 mode,
			 struct file **out_file)
{
	struct inode *dir = dentry_inode(w->at.dentry);
	struct path p = {w->at.mnt, d};
	struct attr a;
	int err = mount_want_write(w->at.mnt);

	if (!err)
		err = may_create(w->c, dir);
	if (err)
		return err;
	attr_for_new(w->c, dir, S_IFREG | (mode & 07777 & ~w->c->umask), &a);
	if (!dir->op->create_open)
		return dir->op->create ? dir->op->create(w->c, dir, d, &a) : -EACCES;
	path_get(&p);
	*out_file = file_create(w->c, &p, &g_no_ops, flags & ~(u32)O_NOCTTY);
	if (!*out_file) {
		path_put(&p);
		return -ENOMEM;
	}
	err = dir->op->create_open(w->c, dir, d, &a, *out_file);
	if (err) {
		(*out_file)->op = &g_no_ops;
		file_put(*out_file);
		*out_file = NULL;
		return err;
	}
	struct file *f = *out_file;

	f->inode = dentry_inode(d);
	if (f->op == &g_no_ops)
		f->op = f->inode->fop ? f->inode->fop : &g_no_ops;
	f->mode = file_mode_of(flags);
	if ((f->mode & FMODE_WRITE) && !write_access_get(f->inode))
		f->mode |= FMODE_HOLDS_WRITE;
	return 0;
}

/* The last component of an open with O_CREAT was not there when we looked: makes it. *d may be
 * replaced by what somebody else made meanwhile. */
static int open_create(struct walk *w, struct dentry **d, u32 flags, u32 mode, bool *out_created,
		       struct file **out_file)
{
	struct inode *dir = dentry_inode(w->at.dentry);
	struct dentry *again;
	int err = 0;

	inode_lock(dir);
	again = lookup_one(w->c, w->at.dentry, w->last, w->last_len, w->last_hash, true);
	if (IS_ERR(again)) {
		err = PTR_ERR(again);
	} else {
		dentry_put(*d);
		*d = again;
		if (!dentry_inode(again)) {
			err = create_locked(w, again, flags, mode, out_file);
			*out_created = !err;
		}
	}
	inode_unlock(dir);
	if (*out_created)
		notify_name(w->at.dentry, w->last, w->last_len, IN_CREATE, 0);
	return err;
}

/* The last component, w->at being its directory. *more: a link's text to go on with. */
static int open_last(struct walk *w, u32 flags, u32 mode, bool *created, struct file **out_file,
		     const char **more)
{
	struct dentry *d;
	struct inode *inode;
	int err = 0;

	*more = NULL;
	if (w->kind != LAST_NORM) {
		err = walk_last(w, false, more);
		return err ? err : flags & O_EXCL ? -EEXIST : -EISDIR;
	}
	if (w->slash)
		return -EISDIR;
	d = walk_lookup_last(w);
	if (IS_ERR(d))
		return PTR_ERR(d);
	if (!dentry_inode(d))
		err = open_create(w, &d, flags, mode, created, out_file);
	inode = dentry_inode(d);
	if (!err && !*created) {
		if (flags & O_EXCL)
			err = -EEXIST;
		else if (S_ISLNK(inode->mode) && (flags & O_NOFOLLOW))
			err = -ELOOP;
		else if (S_ISLNK(inode->mode))
			return walk_link(w, d, more);
		else if (S_ISDIR(inode->mode))
			err = -EISDIR;
	}
	if (err) {
		dentry_put(d);
		return err;
	}
	return walk_step(w, d);
}

static struct file *open_with_create(struct caller *c, const struct path *start, const char *name,
				     const struct open_how_in *how)
{
	struct file *f = NULL;
	bool created = false;
	struct path p;
	struct walk w;
	int err = walk_start(&w, c, start, name, how->walk & ~(u32)WALK_EMPTY);

	while (!err && name) {
		err = walk_to_last(&w, name);
		if (!err)
			err = open_last(&w, how->flags, how->mode, &created, &f, &name);
	}
	if (err) {
		walk_end(&w);
		return ERR_PTR(err);
	}
	p = w.at;
	w.at.dentry = NULL;
	walk_end(&w);
	if (!f)
		return open_found(c, &p, how->flags, created);
	path_put(&p);
	notify_dentry(f->path.dentry, IN_OPEN, 0);
	return f;
}

/* O_TMPFILE: @dir is the directory (reference taken over). */
static struct file *open_tmpfile(struct caller *c, struct path *dir, const struct open_how_in *how)
{
	struct inode *inode = dentry_inode(dir->dentry), *new;
	struct path p = {.mnt = dir->mnt};
	struct attr a;
	int err = mount_want_write(dir->mnt);

	if (!err)
		err = inode_permission(c, inode, MAY_WRITE | MAY_EXEC);
	if (!err && !inode->op->tmpfile)
		err = -EOPNOTSUPP;
	if (!err) {
		attr_for_new(c, inode, S_IFREG | (how->mode & 07777 & ~c->umask), &a);
		inode_lock(inode);
		err = inode->op->tmpfile(c, inode, &a, !(how->flags & O_EXCL), &new);
		inode_unlock(inode);
	}
	if (!err) {
		p.dentry = dentry_create_unlinked(dir->dentry, new);
		if (!p.dentry) {
			inode_put(new);
			err = -ENOMEM;
		}
	}
	if (err) {
		path_put(dir);
		return ERR_PTR(err);
	}
	dentry_put(dir->dentry);
	return open_found(c, &p, how->flags & ~(u32)(O_TMPFILE | O_CREAT | O_EXCL), true);
}

struct file *vfs_open(struct caller *c, const struct path *start, const char *name,
		      const struct open_how_in *how)
{
	u32 walk = how->walk | (how->flags & O_NOFOLLOW ? 0 : WALK_FOLLOW) |
		   (how->flags & O_DIRECTORY ? WALK_DIRECTORY : 0);
	struct path p;
	int err;

	if (!(how->flags & (O_ACCMODE | O_PATH | O_DIRECTORY)))
		walk |= WALK_OPEN;
	if ((how->flags & O_CREAT) && !(how->flags & (O_PATH | TMPFILE_BIT)))
		return open_with_create(c, start, name, how);
	err = vfs_walk(c, start, name, walk, &p);
	if (err)
		return ERR_PTR(err);
	if ((how->flags & TMPFILE_BIT) && !(how->flags & O_PATH))
		return open_tmpfile(c, &p, how);
	return open_found(c, &p, how->flags, false);
}

struct file *vfs_open_exec(struct caller *c, const struct path *path)
{
	struct path p = *path;

	path_get(&p);
	return open_unchecked(c, &p, O_RDONLY);
}

struct file *vfs_open_path(struct caller *c, const struct path *path, u32 flags)
{
	struct path p = *path;

	path_get(&p);
	return open_found(c, &p, flags, false);
}
