/* SPDX-License-Identifier: Apache-2.0 */
/* sys_path.c - names: mkdir, mknod, link, symlink, unlink, rename; working and root directory */
#include <sys/stat.h>

#include "syscalls/sys.h"

/* A dirfd and name pair, copied in; at() gives the start for vfs. */
struct name_at {
	struct path_arg arg;
	struct path start;
	bool has_start;
};

static void name_at_put(struct name_at *n)
{
	path_arg_put(&n->arg);
	if (n->has_start)
		path_put(&n->start);
}
#define scoped_name __attribute__((cleanup(name_at_put))) struct name_at

static int name_at_get(struct task *t, int dirfd, gva_t src, struct name_at *out)
{
	int ret = path_arg_get(t, src, &out->arg);

	if (!ret && !out->arg.name[0])
		ret = -ENOENT;
	if (ret)
		return ret;
	ret = dirfd_get(t, dirfd, out->arg.name, &out->start);
	out->has_start = ret > 0;
	return ret < 0 ? ret : 0;
}

static const struct path *at(const struct name_at *n)
{
	return n->has_start ? &n->start : NULL;
}

static long do_mkdir(struct task *t, int dirfd, gva_t name, u32 mode)
{
	scoped_name n = {{NULL}};
	int err = name_at_get(t, dirfd, name, &n);

	return err ? err : vfs_mkdir(task_caller(t), at(&n), n.arg.name, mode);
}

long sys_mkdir(struct task *t, const struct sys_args *a)
{
	return do_mkdir(t, AT_FDCWD, ARG_GVA(a, 0), ARG_UINT(a, 1));
}

long sys_mkdirat(struct task *t, const struct sys_args *a)
{
	return do_mkdir(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2));
}

static long do_mknod(struct task *t, int dirfd, gva_t name, u32 mode, u32 dev)
{
	/* new_decode_dev: 12 bits of major between 8 and 20 bits of minor */
	u64 rdev = ((u64)(dev & 0xfff00) >> 8) << 8 | (dev & 0xff) |
		   ((u64)(dev & 0xfff00000) >> 12 << 12);
	scoped_name n = {{NULL}};
	int err;

	if (mode & S_IFMT && !S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) &&
	    !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return S_ISDIR(mode) ? -EPERM : -EINVAL;
	err = name_at_get(t, dirfd, name, &n);
	if (err)
		return err;
	if (!S_ISCHR(mode) && !S_ISBLK(mode))
		rdev = 0;
	return vfs_mknod(task_caller(t), at(&n), n.arg.name, mode, rdev, NULL);
}

long sys_mknod(struct task *t, const struct sys_args *a)
{
	return do_mknod(t, AT_FDCWD, ARG_GVA(a, 0), ARG_UINT(a, 1), ARG_UINT(a, 2));
}

long sys_mknodat(struct task *t, const struct sys_args *a)
{
	return do_mknod(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2), ARG_UINT(a, 3));
}

static long do_unlink(struct task *t, int dirfd, gva_t name, bool dir)
{
	scoped_name n = {{NULL}};
	int err = name_at_get(t, dirfd, name, &n);

	if (err)
		return err;
	return dir ? vfs_rmdir(task_caller(t), at(&n), n.arg.name)
		   : vfs_unlink(task_caller(t), at(&n), n.arg.name);
}

long sys_unlink(struct task *t, const struct sys_args *a)
{
	return do_unlink(t, AT_FDCWD, ARG_GVA(a, 0), false);
}

long sys_rmdir(struct task *t, const struct sys_args *a)
{
	return do_unlink(t, AT_FDCWD, ARG_GVA(a, 0), true);
}

long sys_unlinkat(struct task *t, const struct sys_args *a)
{
	if (ARG_UINT(a, 2) & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	return do_unlink(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2) & AT_REMOVEDIR);
}

static long do_symlink(struct task *t, gva_t target, int dirfd, gva_t name)
{
	scoped_path text = {NULL};
	scoped_name n = {{NULL}};
	int err = path_arg_get(t, target, &text);

	if (!err && !text.name[0])
		err = -ENOENT;
	if (!err)
		err = name_at_get(t, dirfd, name, &n);
	return err ? err : vfs_symlink(task_caller(t), at(&n), n.arg.name, text.name);
}

long sys_symlink(struct task *t, const struct sys_args *a)
{
	return do_symlink(t, ARG_GVA(a, 0), AT_FDCWD, ARG_GVA(a, 1));
}

long sys_symlinkat(struct task *t, const struct sys_args *a)
{
	return do_symlink(t, ARG_GVA(a, 0), ARG_INT(a, 1), ARG_GVA(a, 2));
}

static long do_link(struct task *t, int fd_from, gva_t from, int fd_to, gva_t to, u32 flags)
{
	scoped_walk old = {NULL, NULL};
	scoped_name n = {{NULL}};
	u32 walk = flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0;
	int err;

	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!task_capable(t, 2)) /* CAP_DAC_READ_SEARCH */
			return -ENOENT;
		walk |= WALK_EMPTY;
	}
	err = path_at(t, fd_from, from, walk, &old);
	if (!err)
		err = name_at_get(t, fd_to, to, &n);
	return err ? err : vfs_link(task_caller(t), &old, at(&n), n.arg.name);
}

long sys_link(struct task *t, const struct sys_args *a)
{
	return do_link(t, AT_FDCWD, ARG_GVA(a, 0), AT_FDCWD, ARG_GVA(a, 1), 0);
}

long sys_linkat(struct task *t, const struct sys_args *a)
{
	return do_link(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_INT(a, 2), ARG_GVA(a, 3),
		       ARG_UINT(a, 4));
}

static long do_rename(struct task *t, int fd_from, gva_t from, int fd_to, gva_t to, u32 flags)
{
	scoped_name old = {{NULL}};
	scoped_name new = {{NULL}};
	int err = name_at_get(t, fd_from, from, &old);

	if (!err)
		err = name_at_get(t, fd_to, to, &new);
	if (err)
		return err;
	return vfs_rename(task_caller(t), at(&old), old.arg.name, at(&new), new.arg.name, flags);
}

long sys_rename(struct task *t, const struct sys_args *a)
{
	return do_rename(t, AT_FDCWD, ARG_GVA(a, 0), AT_FDCWD, ARG_GVA(a, 1), 0);
}

long sys_renameat(struct task *t, const struct sys_args *a)
{
	return do_rename(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_INT(a, 2), ARG_GVA(a, 3), 0);
}

long sys_renameat2(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 4);

	/* RENAME_NOREPLACE 1, EXCHANGE 2, WHITEOUT 4 */
	if (flags & ~7u || (flags & 2 && flags & 5))
		return -EINVAL;
	return do_rename(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_INT(a, 2), ARG_GVA(a, 3), flags);
}

/* --- working and root directory
 * ---------------------------------------------------------------------- */

/* Puts @p (reference taken over) into the fs as working or root directory. */
static void set_fs_path(struct fs *fs, struct path *slot, struct path *p)
{
	struct path old;

	mutex_lock(&fs->lock);
	old = *slot;
	*slot = *p;
	mutex_unlock(&fs->lock);
	path_put(&old);
}

static long enter(struct task *t, struct path *p, bool root)
{
	int err = vfs_permission(task_caller(t), p, MAY_EXEC);

	if (!err && root && !cred_capable_own(t->cred, 18)) /* CAP_SYS_CHROOT */
		err = -EPERM;
	if (err) {
		path_put(p);
		return err;
	}
	set_fs_path(t->fs, root ? &t->fs->root : &t->fs->cwd, p);
	return 0;
}

long sys_chdir(struct task *t, const struct sys_args *a)
{
	struct path p;
	int err = path_at(t, AT_FDCWD, ARG_GVA(a, 0), WALK_FOLLOW | WALK_DIRECTORY, &p);

	return err ? err : enter(t, &p, false);
}

long sys_chroot(struct task *t, const struct sys_args *a)
{
	struct path p;
	int err = path_at(t, AT_FDCWD, ARG_GVA(a, 0), WALK_FOLLOW | WALK_DIRECTORY, &p);

	return err ? err : enter(t, &p, true);
}

long sys_fchdir(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup_path(t, ARG_INT(a, 0));
	struct path p;

	if (!f)
		return -EBADF;
	if (!f->inode || !S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	p = f->path;
	path_get(&p);
	return enter(t, &p, false);
}

long sys_getcwd(struct task *t, const struct sys_args *a)
{
	struct caller *c = task_caller(t);
	scoped_path text = {page_alloc(0)};
	ssize_t n;

	if (!text.name)
		return -ENOMEM;
	if (c->cwd.dentry->flags & DENTRY_UNHASHED && c->cwd.dentry->parent != c->cwd.dentry)
		return -ENOENT;
	n = vfs_path_text(c, &c->cwd, text.name, PATH_MAX);
	if (n < 0)
		return n;
	if ((u64)n + 1 > a->a[1])
		return -ERANGE;
	text.name[n] = 0;
	return copy_out(t->mm, ARG_GVA(a, 0), text.name, n + 1) ? -EFAULT : n + 1;
}

long sys_umask(struct task *t, const struct sys_args *a)
{
	u32 old;

	mutex_lock(&t->fs->lock);
	old = t->fs->umask;
	t->fs->umask = ARG_UINT(a, 0) & 0777;
	mutex_unlock(&t->fs->lock);
	return old;
}
