/* SPDX-License-Identifier: Apache-2.0 */
/* sys_mount.c - mount(2), umount(2), pivot_root(2) */
#include <sys/mount.h>

#include "syscalls/sys.h"

/* A string argument that may be NULL. */
static int opt_string(struct task *t, gva_t src, struct path_arg *out)
{
	return src.v ? path_arg_get(t, src, out) : 0;
}

/* Mount data: a page at most, 0-terminated by us; what is behind a fault is not part of it. */
static int mount_data(struct task *t, gva_t src, struct path_arg *out)
{
	size_t n;

	if (!src.v)
		return 0;
	out->name = page_alloc(0);
	if (!out->name)
		return -ENOMEM;
	n = copy_in_some(t->mm, out->name, src, PAGE_SIZE - 1);
	if (n == 0)
		return -EFAULT;
	out->name[n] = 0;
	return 0;
}

long sys_mount(struct task *t, const struct sys_args *a)
{
	scoped_path source = {NULL};
	scoped_path type = {NULL};
	scoped_path data = {NULL};
	scoped_walk target = {NULL, NULL};
	u64 flags = a->a[3];
	int err = opt_string(t, ARG_GVA(a, 2), &type);

	if (!err)
		err = opt_string(t, ARG_GVA(a, 0), &source);
	if (!err)
		err = mount_data(t, ARG_GVA(a, 4), &data);
	if (!err)
		err = path_at(t, AT_FDCWD, ARG_GVA(a, 1), WALK_FOLLOW, &target);
	if (err)
		return err;
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	return vfs_mount(task_caller(t), source.name, &target, type.name, flags, data.name);
}

long sys_umount2(struct task *t, const struct sys_args *a)
{
	scoped_walk target = {NULL, NULL};
	int flags = ARG_INT(a, 1);
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = path_at(t, AT_FDCWD, ARG_GVA(a, 0), flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW,
		      &target);
	if (!err &&
	    !cred_capable_in(t->cred, mnt_ns_common(t->mnt_ns)->owner, 21)) /* CAP_SYS_ADMIN */
		err = -EPERM;
	return err ? err : vfs_umount(task_caller(t), &target, flags);
}

/* Roots and working directories at the old root go to the new one. */
static void move_fs(struct fs *fs, const struct path *old, const struct path *new)
{
	struct path *slots[] = {&fs->root, &fs->cwd};

	mutex_lock(&fs->lock);
	for (size_t i = 0; i < array_size(slots); i++)
		if (slots[i]->mnt == old->mnt && slots[i]->dentry == old->dentry) {
			struct path was = *slots[i];

			*slots[i] = *new;
			path_get(new);
			path_put(&was);
		}
	mutex_unlock(&fs->lock);
}

long sys_pivot_root(struct task *t, const struct sys_args *a)
{
	scoped_walk new = {NULL, NULL};
	scoped_walk put_old = {NULL, NULL};
	scoped_walk old_root = {NULL, NULL};
	struct tgroup *tg;
	struct task *other;
	int err;

	if (!cred_capable_in(t->cred, mnt_ns_common(t->mnt_ns)->owner, 21))
		return -EPERM;
	err = path_at(t, AT_FDCWD, ARG_GVA(a, 0), WALK_FOLLOW | WALK_DIRECTORY, &new);
	if (!err)
		err = path_at(t, AT_FDCWD, ARG_GVA(a, 1), WALK_FOLLOW | WALK_DIRECTORY, &put_old);
	if (!err)
		err = vfs_pivot_root(task_caller(t), &new, &put_old, &old_root);
	if (err)
		return err;
	mutex_lock(&g_kernel->lock);
	for (tg = tgroup_next(1); tg; tg = tgroup_next(tg->tgid + 1))
		list_for_each_entry (other, &tg->tasks, group_link)
			if (other->fs)
				move_fs(other->fs, &old_root, &new);
	mutex_unlock(&g_kernel->lock);
	return 0;
}
