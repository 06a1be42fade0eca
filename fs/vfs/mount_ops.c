/* SPDX-License-Identifier: Apache-2.0 */
/* mount_ops.c - mount(2), umount2(2), pivot_root(2) on the tree of mount.c */
#include "fs/vfs/mount_internal.h"

#include "sentry/arena/arena.h"

static bool may_mount(struct caller *c)
{
	return cred_capable_in(c->cred, c->mnt_ns->common.owner, CAP_SYS_ADMIN);
}

static bool in_my_ns(struct caller *c, const struct mount *m)
{
	return m->ns == c->mnt_ns && !m->detached;
}

/* Can something with root @root be mounted on @target? Lock held. */
static int check_target(struct caller *c, const struct path *target, const struct dentry *root)
{
	struct inode *on = dentry_inode(target->dentry), *what = dentry_inode(root);

	if (!in_my_ns(c, target->mnt))
		return -EINVAL;
	if ((target->dentry->flags & DENTRY_UNHASHED) && target->dentry->parent != target->dentry)
		return -ENOENT;
	if (!S_ISDIR(on->mode) != !S_ISDIR(what->mode))
		return -ENOTDIR;
	return g_mounts.count >= g_mounts.limit ? -ENOSPC : 0;
}

static int attach_new(struct caller *c, struct mount *m, const struct path *target)
{
	int err;

	rwlock_write(&g_mounts.lock);
	err = check_target(c, target, m->root);
	if (!err)
		mount_link(m, target->mnt, target->dentry, c->mnt_ns);
	rwlock_write_unlock(&g_mounts.lock);
	return err;
}

int mount_attach(struct caller *c, struct super_block *sb, const struct path *target, u32 mnt_flags,
		 const char *source)
{
	struct mount *m = mount_create(sb, sb->root, mnt_flags, source ? source : "none");
	int err;

	if (!m)
		return -ENOMEM;
	err = attach_new(c, m, target);
	if (err)
		mount_put(m);
	return err;
}

static int mount_new(struct caller *c, const char *source, const struct path *target,
		     const char *type, u32 flags, const char *options)
{
	const struct file_system_type *t = type ? file_system_find(type) : NULL;
	struct super_block *sb;
	int err;

	if (!type)
		return -EINVAL;
	if (!t || !t->mount)
		return -ENODEV;
	if (c->cred->user_ns) {
		if (!(t->flags & FS_USERNS))
			return -EPERM;
		if (!(t->flags & FS_DEVICES))
			flags |= MS_NODEV;
	}
	err = t->mount(c, t, flags & (MS_RDONLY | MS_NOATIME | MS_SYNCHRONOUS | MS_SILENT), source,
		       options, &sb);
	if (err)
		return err;
	err = mount_attach(c, sb, target, flags, source);
	sb_put(sb);
	return err;
}

/* --- bind, move, remount, propagation ----------------------------------------------------------
 */

static void drop_copies(struct list *copy)
{
	struct mount *m;

	while (!list_empty(copy)) {
		m = list_first(copy, struct mount, work);
		list_del(&m->work);
		m->mountpoint = NULL;
		mount_put(m);
	}
}

static int mount_bind(struct caller *c, const char *source, const struct path *target, bool all)
{
	struct list copy = LIST_INIT(copy);
	struct path from;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = vfs_walk(c, NULL, source, WALK_FOLLOW, &from);
	if (err)
		return err;
	rwlock_write(&g_mounts.lock);
	err = check_target(c, target, from.dentry);
	if (!err && ((!in_my_ns(c, from.mnt) && !(from.mnt->sb->type->flags & FS_BINDABLE)) ||
		     (from.mnt->propagation & MS_UNBINDABLE)))
		err = -EINVAL;
	if (!err)
		err = mount_copy_tree(from.mnt, from.dentry, all, &copy);
	if (!err)
		mount_link_tree(&copy, target->mnt, target->dentry, c->mnt_ns);
	rwlock_write_unlock(&g_mounts.lock);
	drop_copies(&copy);
	path_put(&from);
	return err;
}

static bool is_above(const struct mount *m, const struct mount *of)
{
	for (; of; of = of->parent)
		if (of == m)
			return true;
	return false;
}

static int mount_move(struct caller *c, const char *source, const struct path *target)
{
	struct list gone = LIST_INIT(gone);
	struct dentry *old = NULL;
	struct path from;
	struct mount *m;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = vfs_walk(c, NULL, source, WALK_FOLLOW, &from);
	if (err)
		return err;
	m = from.mnt;
	rwlock_write(&g_mounts.lock);
	if (!in_my_ns(c, m) || from.dentry != m->root || !m->parent)
		err = -EINVAL;
	if (!err)
		err = check_target(c, target, m->root);
	if (!err && is_above(m, target->mnt))
		err = -ELOOP;
	if (!err) {
		old = m->mountpoint;
		mount_unlink(m, &gone);
		list_del(&m->work);
		mount_link(m, target->mnt, target->dentry, c->mnt_ns);
	}
	rwlock_write_unlock(&g_mounts.lock);
	dentry_put(old);
	path_put(&from);
	return err;
}

static int mount_remount(struct caller *c, const struct path *target, u64 flags,
			 const char *options)
{
	struct mount *m = target->mnt;
	struct super_block *sb = m->sb;
	int err = 0;

	if (target->dentry != m->root || !in_my_ns(c, m))
		return -EINVAL;
	if (!(flags & MS_BIND)) {
		if (sb->op && sb->op->remount && options && *options)
			err = sb->op->remount(c, sb, options);
		if (err)
			return err;
		sb->flags = (sb->flags & ~(u32)MS_RDONLY) | (flags & MS_RDONLY);
	}
	rwlock_write(&g_mounts.lock);
	m->flags = flags & MOUNT_FLAGS;
	if (!(m->flags & (MS_NOATIME | MS_STRICTATIME)))
		m->flags |= MS_RELATIME;
	rwlock_write_unlock(&g_mounts.lock);
	return 0;
}

static void set_propagation(struct mount *m, u32 type)
{
	if (type == MS_SLAVE) {
		if (!m->peer_group)
			return; /* a private mount stays private */
		m->master_group = m->peer_group;
		m->peer_group = 0;
	} else if (type == MS_SHARED) {
		if (!m->peer_group)
			m->peer_group = g_mounts.next_group++;
	} else {
		m->peer_group = m->master_group = 0;
	}
	m->propagation = type;
}

static int mount_propagation(struct caller *c, const struct path *target, u64 flags)
{
	u32 type = flags & PROPAGATION_FLAGS;
	struct mount *m, *top = target->mnt;
	int err = 0;

	if ((type & (type - 1)) || (flags & ~(u64)(PROPAGATION_FLAGS | MS_REC | MS_SILENT)))
		return -EINVAL;
	rwlock_write(&g_mounts.lock);
	if (target->dentry != top->root || !in_my_ns(c, top)) {
		err = -EINVAL;
	} else if (!(flags & MS_REC)) {
		set_propagation(top, type);
	} else {
		list_for_each_entry (m, &c->mnt_ns->mounts, in_ns)
			if (is_above(top, m))
				set_propagation(m, type);
	}
	rwlock_write_unlock(&g_mounts.lock);
	return err;
}

int vfs_mount(struct caller *c, const char *source, const struct path *target, const char *type,
	      u64 flags, const char *options)
{
	if ((flags & 0xffff0000) == 0xc0ed0000) /* MS_MGC_VAL, of old */
		flags &= 0xffff;
	if (!may_mount(c))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return mount_remount(c, target, flags, options);
	if (flags & MS_BIND)
		return mount_bind(c, source, target, flags & MS_REC);
	if (flags & PROPAGATION_FLAGS)
		return mount_propagation(c, target, flags);
	if (flags & MS_MOVE)
		return mount_move(c, source, target);
	return mount_new(c, source, target, type, flags, options);
}

/* --- umount ------------------------------------------------------------------------------------
 */

/* What is mounted on top at @target: reference. */
static struct mount *topmost(const struct path *target)
{
	struct mount *m = mount_get(target->mnt), *top;
	struct dentry *d = target->dentry;

	while ((top = mount_lookup(m, d))) {
		mount_put(m);
		m = top;
		d = m->root;
	}
	return m;
}

static int umount_one(struct caller *c, struct mount *m, const struct path *target, int flags)
{
	struct list gone = LIST_INIT(gone);
	/* References that say nothing: the namespace's, ours, and the caller's path. */
	u32 known = m == target->mnt ? 3 : 2;
	int err = 0;

	rwlock_write(&g_mounts.lock);
	if ((m == target->mnt && target->dentry != m->root) || !in_my_ns(c, m))
		err = -EINVAL;
	else if (!m->parent)
		err = flags & MNT_DETACH ? -EINVAL : -EBUSY;
	else if (!(flags & MNT_DETACH) && (ref_read(&m->ref) > known || !list_empty(&m->children)))
		err = -EBUSY;
	else
		mount_unlink_tree(m, &gone);
	rwlock_write_unlock(&g_mounts.lock);
	mounts_release(&gone);
	return err;
}

int vfs_umount(struct caller *c, const struct path *target, int flags)
{
	struct mount *m;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!may_mount(c))
		return -EPERM;
	if (flags & MNT_EXPIRE)
		return flags & (MNT_FORCE | MNT_DETACH) ? -EINVAL : -EAGAIN;
	m = topmost(target);
	err = umount_one(c, m, target, flags);
	mount_put(m);
	return err;
}

int vfs_pivot_root(struct caller *c, const struct path *new_root, const struct path *put_old,
		   struct path *out_old_root)
{
	struct mount *new = new_root->mnt, *root = c->root.mnt;
	struct list gone = LIST_INIT(gone);
	struct dentry *mountpoint = NULL;
	struct mount *parent;
	int err = 0;

	if (!may_mount(c))
		return -EPERM;
	rwlock_write(&g_mounts.lock);
	parent = new->parent;
	if (!in_my_ns(c, new) || !in_my_ns(c, put_old->mnt) || !in_my_ns(c, root))
		err = -EINVAL;
	else if (new == root || put_old->mnt == root)
		err = -EBUSY;
	else if (new_root->dentry != new->root || c->root.dentry != root->root || !parent)
		err = -EINVAL;
	else if (!S_ISDIR(dentry_inode(put_old->dentry)->mode))
		err = -ENOTDIR;
	else if (!is_above(new, put_old->mnt))
		err = -EINVAL;
	else if (root->parent || root != c->mnt_ns->root)
		err = -EINVAL; /* only the root of the namespace itself */
	if (!err) {
		*out_old_root = c->root;
		path_get(out_old_root);
		mountpoint = new->mountpoint;
		mount_unlink(new, &gone);
		list_del(&new->work);
		new->mountpoint = NULL;
		mount_unlink(root, &gone);
		list_del(&root->work);
		mount_link(new, NULL, NULL, c->mnt_ns);
		mount_link(root, put_old->mnt, put_old->dentry, c->mnt_ns);
		c->mnt_ns->root = new;
	}
	rwlock_write_unlock(&g_mounts.lock);
	dentry_put(mountpoint);
	return err;
}
