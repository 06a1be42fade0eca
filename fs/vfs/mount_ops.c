/* SPDX-License-Identifier: Apache-2.0 */
/* mount_ops.c - mount(2), umount2(2), pivot_root(2) on the tree of mount.c */
#include "fs/vfs/mount_internal.h"

#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"

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

/* @m has been linked: the others hear of it, or it goes again. */
static int tell_others(struct mount *m, struct list *gone)
{
	int err = mount_spread(m, gone);

	if (err)
		mount_unlink_tree(m, gone);
	return err;
}

/* Takes over @m, also when it fails. */
static int attach_new(struct caller *c, struct mount *m, const struct path *target)
{
	struct list gone = LIST_INIT(gone);
	int err;

	rwlock_write(&g_mounts.lock);
	err = check_target(c, target, m->root);
	if (!err) {
		mount_link(m, target->mnt, target->dentry, c->mnt_ns);
		err = tell_others(m, &gone);
		m = NULL;
	}
	rwlock_write_unlock(&g_mounts.lock);
	mounts_release(&gone);
	mount_put(m);
	return err;
}

int mount_attach(struct caller *c, struct super_block *sb, const struct path *target, u32 mnt_flags,
		 const char *source)
{
	struct mount *m = mount_create(sb, sb->root, mnt_flags, source ? source : "none");

	return m ? attach_new(c, m, target) : -ENOMEM;
}

/* Root of a user namespace may mount proc or sysfs only where one of them is seen already with
 * nothing hidden below locked mounts, and not with more rights. */
static bool seen_already(struct caller *c, const struct file_system_type *t, u32 *flags)
{
	struct mount *m, *child;
	bool found = false;

	rwlock_read(&g_mounts.lock);
	list_for_each_entry (m, &c->mnt_ns->mounts, in_ns) {
		bool hidden = m->sb->type != t || m->root != m->sb->root;

		list_for_each_entry (child, &m->children, sibling)
			hidden |= child->locked;
		if (hidden || (m->locked_flags & MS_RDONLY & ~*flags))
			continue;
		found = true;
		*flags |= m->locked_flags & MS_RDONLY;
		break;
	}
	rwlock_read_unlock(&g_mounts.lock);
	return found;
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
		if ((t->flags & FS_VISIBLE) && !seen_already(c, t, &flags))
			return -EPERM;
	}
	err = t->mount(c, t, flags & (MS_RDONLY | MS_NOATIME | MS_SYNCHRONOUS | MS_SILENT), source,
		       options, &sb);
	if (err)
		return err;
	if (c->cred->user_ns && !sb->user_ns && ref_read(&sb->ref) == 1)
		sb->user_ns = user_ns_get(c->cred->user_ns);
	err = mount_attach(c, sb, target, flags, source);
	sb_put(sb);
	return err;
}

/* --- bind, move, remount, propagation ----------------------------------------------------------
 */

/* Is there anything at or below @root that may not be uncovered? */
static bool hides(struct mount *m, struct dentry *root)
{
	struct mount *child;

	list_for_each_entry (child, &m->children, sibling)
		if (child->locked && dentry_is_below(child->mountpoint, root))
			return true;
	return false;
}

static int mount_bind(struct caller *c, const char *source, const struct path *target, bool all)
{
	struct list copy = LIST_INIT(copy), gone = LIST_INIT(gone);
	struct path from;
	struct mount *m;
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
	if (!err && !all && hides(from.mnt, from.dentry))
		err = -EINVAL;
	if (!err)
		err = mount_copy_tree(from.mnt, from.dentry, all ? COPY_BINDABLE : COPY_ONE, &copy);
	if (!err) {
		m = list_first(&copy, struct mount, work);
		m->locked = false;
		mount_link_tree(&copy, target->mnt, target->dentry, c->mnt_ns, COPY_SAME);
		err = tell_others(m, &gone);
	}
	rwlock_write_unlock(&g_mounts.lock);
	mounts_drop_copies(&copy);
	mounts_release(&gone);
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

static bool has_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top))
		if (m->propagation & MS_UNBINDABLE)
			return true;
	return false;
}

/* Takes @m from its place and puts it on @parent. */
static void relink(struct mount *m, struct mount *parent, struct dentry *on)
{
	struct mnt_namespace *ns = m->ns;
	struct list gone = LIST_INIT(gone);
	struct dentry *old = m->mountpoint;

	mount_unlink(m, &gone);
	list_del(&m->work);
	mount_link(m, parent, on, ns);
	dentry_put(old);
}

/* As relink, and the others hear of it; or all is as it was. */
static int move_locked(struct mount *m, const struct path *target, struct list *gone)
{
	struct mount *parent = m->parent;
	struct dentry *on = dentry_get(m->mountpoint);
	int err;

	relink(m, target->mnt, target->dentry);
	err = mount_spread(m, gone);
	if (err)
		relink(m, parent, on);
	dentry_put(on);
	return err;
}

static int mount_move(struct caller *c, const char *source, const struct path *target)
{
	struct list gone = LIST_INIT(gone);
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
	if (!in_my_ns(c, m) || from.dentry != m->root || !m->parent || m->locked ||
	    m->parent->peer_group)
		err = -EINVAL;
	else if (target->mnt->peer_group && has_unbindable(m))
		err = -EINVAL;
	if (!err)
		err = check_target(c, target, m->root);
	if (!err && is_above(m, target->mnt))
		err = -ELOOP;
	if (!err)
		err = move_locked(m, target, &gone);
	rwlock_write_unlock(&g_mounts.lock);
	mounts_release(&gone);
	path_put(&from);
	return err;
}

/* Flags that came from above may only grow stricter. */
static bool unlocks(const struct mount *m, u32 flags)
{
	u32 atime = (m->flags ^ flags) & ATIME_FLAGS;

	return (m->locked_flags & ~flags) || (m->atime_locked && atime);
}

static int mount_remount(struct caller *c, const struct path *target, u64 flags,
			 const char *options)
{
	struct mount *m = target->mnt;
	struct super_block *sb = m->sb;
	int err = 0;

	u32 new = flags &MOUNT_FLAGS;

	if (target->dentry != m->root || !in_my_ns(c, m))
		return -EINVAL;
	if (!(new &(MS_NOATIME | MS_STRICTATIME)))
		new |= MS_RELATIME;
	if (!(flags & MS_BIND) && !cred_capable_in(c->cred, sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (unlocks(m, new))
		return -EPERM;
	if (!(flags & MS_BIND)) {
		if (sb->op && sb->op->remount && options && *options)
			err = sb->op->remount(c, sb, options);
		if (err)
			return err;
		sb->flags = (sb->flags & ~(u32)MS_RDONLY) | (flags & MS_RDONLY);
	}
	rwlock_write(&g_mounts.lock);
	m->flags = new;
	rwlock_write_unlock(&g_mounts.lock);
	return 0;
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
		mount_set_propagation(top, type);
	} else {
		list_for_each_entry (m, &c->mnt_ns->mounts, in_ns)
			if (is_above(top, m))
				mount_set_propagation(m, type);
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
	else if (m->locked)
		err = -EINVAL;
	else if (!m->parent)
		err = flags & MNT_DETACH ? -EINVAL : -EBUSY;
	else if (!(flags & MNT_DETACH) &&
		 (ref_read(&m->ref) > known || !list_empty(&m->children) || mount_echoes_busy(m)))
		err = -EBUSY;
	else
		mount_unlink_told(m, &gone);
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
	else if (new->locked || parent->peer_group || put_old->mnt->peer_group)
		err = -EINVAL;
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
