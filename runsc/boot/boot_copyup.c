/* SPDX-License-Identifier: Apache-2.0 */
/* boot_copyup.c - "tmpcopyup": a tmpfs begins with what its mount point holds */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "runsc/boot/boot_internal.h"
#include "sentry/arena/arena.h"

#define DEPTH_MAX  64
#define NAMES_SIZE 65536

/* A part of a directory's names, one after the other, each with its 0. */
struct names {
	struct dir_context dc;
	u32 used;
	char text[NAMES_SIZE];
};

static bool take_name(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype,
		      u64 next_off)
{
	struct names *n = container_of(dc, struct names, dc);

	if (n->used + len + 1 > sizeof(n->text))
		return false;
	memcpy(n->text + n->used, name, len);
	n->text[n->used + len] = 0;
	n->used += (u32)len + 1;
	return true;
}

static int copy_data(struct boot *b, const struct path *from, const struct path *to,
		     const char *name, u32 mode)
{
	struct open_how_in read_how = {.flags = O_RDONLY | O_NOFOLLOW};
	struct open_how_in write_how = {.flags = O_WRONLY | O_CREAT | O_EXCL, .mode = mode & 07777};
	struct file *in = vfs_open(&b->caller, from, name, &read_how), *out;
	char *buf = kalloc(NAMES_SIZE);
	struct iov_iter it;
	ssize_t n = 1;

	if (IS_ERR(in) || !buf) {
		if (!IS_ERR(in))
			file_put(in);
		return IS_ERR(in) ? (int)PTR_ERR(in) : -ENOMEM;
	}
	out = vfs_open(&b->caller, to, name, &write_how);
	if (IS_ERR(out))
		n = PTR_ERR(out);
	while (n > 0) {
		iter_init_kernel(&it, buf, NAMES_SIZE);
		n = vfs_read(&b->caller, in, &it, NULL);
		if (n <= 0)
			break;
		iter_init_kernel(&it, buf, (size_t)n);
		if (vfs_write(&b->caller, out, &it, NULL) != n)
			n = -ENOSPC;
	}
	if (!IS_ERR(out))
		file_put(out);
	file_put(in);
	kfree(buf, NAMES_SIZE);
	return n < 0 ? (int)n : 0;
}

static int copy_link(struct boot *b, const struct path *link, const struct path *to,
		     const char *name)
{
	char target[PATH_MAX];
	ssize_t n = vfs_readlink(&b->caller, link, target, sizeof(target) - 1);

	if (n < 0)
		return (int)n;
	target[n] = 0;
	return vfs_symlink(&b->caller, to, name, target);
}

static int copy_owner(struct boot *b, const struct inode *of, const struct path *to,
		      const char *name)
{
	struct attr a = {.valid = ATTR_UID | ATTR_GID, .uid = of->uid, .gid = of->gid};
	struct path p;
	int err = vfs_walk(&b->caller, to, name, 0, &p);

	if (err)
		return err;
	err = vfs_setattr(&b->caller, &p, &a);
	path_put(&p);
	return err;
}

static int copy_dir(struct boot *b, const struct path *from, const struct path *to, int depth);

static int copy_subdir(struct boot *b, const struct path *from, const struct path *to,
		       const char *name, u32 mode, int depth)
{
	struct path below;
	int err = vfs_mkdir(&b->caller, to, name, mode & 07777);

	if (!err)
		err = vfs_walk(&b->caller, to, name, WALK_DIRECTORY, &below);
	if (err)
		return err;
	err = copy_dir(b, from, &below, depth + 1);
	path_put(&below);
	return err;
}

static int copy_one(struct boot *b, const struct path *from, const struct path *to,
		    const char *name, int depth)
{
	const struct inode *i;
	struct path p;
	int err = vfs_walk(&b->caller, from, name, 0, &p);

	if (err)
		return err;
	i = p.dentry->inode;
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		err = copy_subdir(b, &p, to, name, i->mode, depth);
		break;
	case S_IFLNK:
		err = copy_link(b, &p, to, name);
		break;
	case S_IFREG:
		err = copy_data(b, from, to, name, i->mode);
		break;
	default:
		path_put(&p);
		return 0; /* devices and sockets stay where they are */
	}
	if (!err)
		err = copy_owner(b, i, to, name);
	path_put(&p);
	return err;
}

static int copy_names(struct boot *b, const struct names *n, const struct path *from,
		      const struct path *to, int depth)
{
	int err = 0;

	for (u32 at = 0; at < n->used && !err; at += (u32)strlen(n->text + at) + 1) {
		const char *name = n->text + at;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			err = copy_one(b, from, to, name, depth);
	}
	return err;
}

static int copy_dir(struct boot *b, const struct path *from, const struct path *to, int depth)
{
	struct names *n = depth < DEPTH_MAX ? kalloc(sizeof(*n)) : NULL;
	struct file *dir;
	int err = 0;

	if (!n)
		return depth < DEPTH_MAX ? -ENOMEM : -ELOOP;
	dir = vfs_open_path(&b->caller, from, O_RDONLY | O_DIRECTORY);
	if (IS_ERR(dir))
		err = (int)PTR_ERR(dir);
	n->dc.emit = take_name;
	do {
		n->used = 0;
		if (!err)
			err = vfs_iterate(&b->caller, dir, &n->dc);
		if (!err)
			err = copy_names(b, n, from, to, depth);
	} while (!err && n->used);
	if (!IS_ERR(dir))
		file_put(dir);
	kfree(n, sizeof(*n));
	return err;
}

int boot_copy_up(struct boot *b, const struct path *from, const char *to)
{
	struct path p;
	u32 umask = b->caller.umask;
	int err = vfs_walk(&b->caller, NULL, to, WALK_FOLLOW | WALK_DIRECTORY, &p);

	if (err)
		return err;
	b->caller.umask = 0;
	err = copy_dir(b, from, &p, 0);
	b->caller.umask = umask;
	path_put(&p);
	return err;
}
