/* SPDX-License-Identifier: Apache-2.0 */
/* op_make.c - new inodes: create, tmpfile, mknod (directories too), symlink, link
 *
 * The host makes the node with the gofer's own ids; then owner and mode are made what the request
 * says, which the client had checked against its guest's rights. When that fails, the name is taken
 * away again.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "gofer/server_internal.h"

/* Gives a new inode its owner and mode where they differ, and brings @node->attr up to date. */
static int fix_new(struct gofer_call *c, struct gofer_node *node, const struct gofer_make_req *req)
{
	bool owner = node->attr.uid != req->uid || node->attr.gid != req->gid;
	bool link = (node->attr.mode & S_IFMT) == S_IFLNK, mode;
	struct slot *slot;
	int err = slot_get(c->s, node->id, &slot);

	if (err)
		return err;
	if (owner) {
		err = attr_set_owner(slot, req->uid, req->gid);
		if (err == -EPERM && c->s->drop_owner)
			err = 0;
	}
	/* a change of owner may take setuid and setgid away */
	mode = !link &&
	       ((node->attr.mode & 07777) != (req->mode & 07777) || (owner && (req->mode & 06000)));
	if (!err && mode)
		err = attr_set_mode(c->s, slot, req->mode & 07777);
	if (!err && (owner || mode))
		err = path_attr(slot->fd, "", &node->attr);
	slot_put(c->s, slot);
	return err;
}

/* Makes the answer for the new inode behind @fd (O_PATH, taken over), which is @name in @dir (NULL:
 * it has no name). */
static int finish_new(struct gofer_call *c, const struct slot *dir, const char *name, int fd,
		      const struct gofer_make_req *req)
{
	struct gofer_node node = {0};
	int err = fd < 0 ? fd : call_node(c, fd, dir->tree, &node);

	if (!err && (node.attr.mode & S_IFMT) != (req->mode & S_IFMT)) {
		slot_release(c->s, node.id); /* somebody on the host was faster */
		return -EEXIST;
	}
	if (!err) {
		err = fix_new(c, &node, req);
		if (err)
			slot_release(c->s, node.id);
	}
	if (err && name)
		unlinkat(dir->fd, name, S_ISDIR(req->mode) ? AT_REMOVEDIR : 0);
	return err ? err : call_put(c, &node, sizeof(node));
}

/* CREATE (@tmp false) and TMPFILE. */
static int create(struct gofer_call *c, bool tmp)
{
	int flags = open_flags(c->req.flags & (GOFER_OPEN_READ | GOFER_OPEN_WRITE)), fd;
	char name[GOFER_NAME_MAX + 1];
	struct gofer_make_req req;
	struct slot *dir;
	int err = call_take(c, &req, sizeof(req));

	if (!err && !tmp)
		err = call_name(c, name);
	if (!err)
		err = call_end(c, GOFER_OPEN_READ | GOFER_OPEN_WRITE);
	if (err || flags < 0)
		return err ? err : flags;
	if (req.mode > 07777)
		return -EINVAL;
	req.mode |= S_IFREG;
	err = call_dir(c, c->req.id, true, &dir);
	if (err)
		return err;
	if (tmp)
		fd = openat(dir->fd, ".", flags | O_TMPFILE | O_CLOEXEC, req.mode & 0777);
	else
		fd = openat(dir->fd, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    req.mode & 0777);
	if (fd < 0) {
		err = -errno;
	} else {
		err = finish_new(c, dir, tmp ? NULL : name, path_reopen(c->s, fd, O_PATH), &req);
		if (err)
			close(fd);
		else
			call_donate(c, fd);
	}
	slot_put(c->s, dir);
	return err;
}

int op_create(struct gofer_call *c)
{
	return create(c, false);
}

int op_tmpfile(struct gofer_call *c)
{
	return create(c, true);
}

/* Makes the node on the host. */
static int make_node(const struct gofer_call *c, const struct slot *dir, const char *name,
		     const struct gofer_make_req *req)
{
	dev_t dev = makedev(req->rdev_major, req->rdev_minor);
	int ret;

	switch (req->mode & S_IFMT) {
	case S_IFDIR:
		ret = mkdirat(dir->fd, name, req->mode & 01777);
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		ret = mknodat(dir->fd, name, req->mode & (S_IFMT | 0777), 0);
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!c->s->allow_devices)
			return -EPERM;
		ret = mknodat(dir->fd, name, req->mode & (S_IFMT | 0777), dev);
		break;
	default:
		return -EINVAL;
	}
	return ret < 0 ? -errno : 0;
}

int op_mknod(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1];
	struct gofer_make_req req;
	struct slot *dir;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_name(c, name);
	if (!err)
		err = call_end(c, 0);
	if (err)
		return err;
	if (req.mode & ~(u32)(S_IFMT | 07777))
		return -EINVAL;
	err = call_dir(c, c->req.id, true, &dir);
	if (err)
		return err;
	err = make_node(c, dir, name, &req);
	if (!err)
		err = finish_new(c, dir, name, path_open(dir->fd, name), &req);
	slot_put(c->s, dir);
	return err;
}

int op_symlink(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1], target[GOFER_LINK_MAX + 1];
	struct gofer_make_req make = {.mode = S_IFLNK};
	struct gofer_symlink_req req;
	struct slot *dir;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_name(c, name);
	if (!err)
		err = call_string(c, target, GOFER_LINK_MAX);
	if (!err)
		err = call_end(c, 0);
	if (!err)
		err = call_dir(c, c->req.id, true, &dir);
	if (err)
		return err;
	make.uid = req.uid;
	make.gid = req.gid;
	if (symlinkat(target, dir->fd, name) < 0)
		err = -errno;
	else
		err = finish_new(c, dir, name, path_open(dir->fd, name), &make);
	slot_put(c->s, dir);
	return err;
}

int op_link(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1];
	struct gofer_link_req req;
	struct slot *dir, *source;
	struct gofer_attr attr;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_name(c, name);
	if (!err)
		err = call_end(c, 0);
	if (!err)
		err = call_dir(c, c->req.id, true, &dir);
	if (err)
		return err;
	err = call_slot(c, req.source, true, &source);
	if (!err) {
		struct fd_name from = fd_name(source->fd);

		if (source->tree != dir->tree)
			err = -EXDEV;
		else if (source->type == S_IFDIR)
			err = -EPERM;
		else if (linkat(c->s->proc_fd, from.s, dir->fd, name, AT_SYMLINK_FOLLOW) < 0)
			err = -errno;
		else
			err = path_attr(source->fd, "", &attr);
		slot_put(c->s, source);
	}
	slot_put(c->s, dir);
	return err ? err : call_put(c, &attr, sizeof(attr));
}
