/* SPDX-License-Identifier: Apache-2.0 */
/* op_dir.c - directories: listing, unlink, rename
 *
 * Theory of operation of a listing: the host's cookies (d_off) are the client's. A directory whose
 * listing did not fit one answer stays open in its slot with the place where it stands, because
 * some file systems keep the order of names only while it is open; when it is not open any more,
 * the place is sought. Entries of an answer are complete or not there.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server_internal.h"

#define READDIR_BUF (32u << 10)

struct linux_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};

/* Opens @slot's directory at @pos. */
static int dir_open(struct gofer_call *c, struct slot *slot, u64 pos)
{
	int fd = slot_take_dir(c->s, slot, pos), err;

	if (fd >= 0)
		return fd;
	fd = openat(slot->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pos != 0 && lseek(fd, (off_t)pos, SEEK_SET) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Appends one entry: 1, or 0 when @size does not hold it, 1 too for what is not to be listed. */
static int put_entry(struct gofer_call *c, const struct slot *dir, const struct linux_dirent64 *d,
		     u32 size, u32 *count)
{
	size_t n = strlen(d->d_name);
	struct gofer_dirent ent = {.ino = d->d_ino, .cookie = (u64)d->d_off, .type = d->d_type};
	struct gofer_attr attr;

	if (n == 0 || n > GOFER_NAME_MAX || strcmp(d->d_name, ".") == 0 ||
	    strcmp(d->d_name, "..") == 0)
		return 1;
	if (c->out_len + sizeof(ent) + sizeof(attr) + n > size)
		return 0;
	ent.name_size = (u8)n;
	if (c->req.flags & GOFER_READDIR_ATTR)
		ent.has_attr = path_attr(dir->fd, d->d_name, &attr) == 0;
	call_put(c, &ent, sizeof(ent));
	if (ent.has_attr)
		call_put(c, &attr, sizeof(attr));
	call_put(c, d->d_name, n);
	(*count)++;
	return 1;
}

/* Lists from @fd until @size is full or nothing is left. */
static int list(struct gofer_call *c, const struct slot *dir, int fd, u32 size,
		struct gofer_readdir_rsp *rsp)
{
	_Alignas(8) u8 buf[READDIR_BUF];

	for (;;) {
		long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		if (n == 0) {
			rsp->end = 1;
			return 0;
		}
		for (long at = 0; at < n;) {
			const struct linux_dirent64 *d = (const void *)(buf + at);

			if (!put_entry(c, dir, d, size, &rsp->count)) {
				/* back to where the last one that fitted said */
				return lseek(fd, (off_t)rsp->cookie, SEEK_SET) < 0 ? -errno : 0;
			}
			rsp->cookie = (u64)d->d_off;
			at += d->d_reclen;
		}
	}
}

/* The directory that is to be listed: req.id, or its entry of the name that follows, whose node is
 * put into the answer and *out_node. */
static int find_dir(struct gofer_call *c, struct slot **out, struct gofer_node *out_node)
{
	char name[GOFER_NAME_MAX + 1];
	struct slot *parent;
	bool named = c->req.flags & GOFER_READDIR_NAME;
	int err = named ? call_name(c, name) : 0, fd;

	if (!err)
		err = call_end(c, GOFER_READDIR_ALL);
	if (!err)
		err = call_dir(c, c->req.id, false, named ? &parent : out);
	if (err || !named)
		return err;
	fd = path_open(parent->fd, name);
	err = fd < 0 ? fd : call_node(c, fd, parent->tree, out_node);
	slot_put(c->s, parent);
	if (err)
		return err;
	err = call_dir(c, out_node->id, false, out);
	if (err)
		slot_release(c->s, out_node->id);
	else
		call_put(c, out_node, sizeof(*out_node));
	return err;
}

int op_readdir(struct gofer_call *c)
{
	struct gofer_readdir_req req;
	struct gofer_readdir_rsp rsp = {0};
	struct gofer_node node = {0};
	struct slot *slot;
	int err = call_take(c, &req, sizeof(req)), fd;

	if (err)
		return err;
	if (req.size < 4096 || req.cookie > INT64_MAX)
		return -EINVAL;
	c->out_len = sizeof(rsp);
	err = find_dir(c, &slot, &node);
	if (err)
		return err;
	rsp.cookie = req.cookie;
	fd = dir_open(c, slot, req.cookie);
	err = fd < 0 ? fd : list(c, slot, fd, min(req.size, c->out_max), &rsp);
	if (fd >= 0 && (err || rsp.end))
		close(fd);
	else if (fd >= 0)
		slot_keep_dir(c->s, slot, fd, rsp.cookie);
	slot_put(c->s, slot);
	if (err && node.id)
		slot_release(c->s, node.id);
	memcpy(c->out, &rsp, sizeof(rsp));
	return err;
}

int op_unlink(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1];
	struct slot *dir;
	int err = call_name(c, name);

	if (!err)
		err = call_end(c, GOFER_UNLINK_DIR);
	if (!err)
		err = call_dir(c, c->req.id, true, &dir);
	if (err)
		return err;
	if (unlinkat(dir->fd, name, c->req.flags & GOFER_UNLINK_DIR ? AT_REMOVEDIR : 0) < 0)
		err = -errno;
	slot_put(c->s, dir);
	return err;
}

int op_rename(struct gofer_call *c)
{
	u32 allowed =
		RENAME_NOREPLACE | RENAME_EXCHANGE | (c->s->allow_devices ? RENAME_WHITEOUT : 0);
	char from_name[GOFER_NAME_MAX + 1], to_name[GOFER_NAME_MAX + 1];
	struct gofer_rename_req req;
	struct slot *from, *to;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_name(c, from_name);
	if (!err)
		err = call_name(c, to_name);
	if (!err)
		err = call_end(c, allowed);
	if (!err)
		err = call_dir(c, c->req.id, true, &from);
	if (err)
		return err;
	err = call_dir(c, req.to_dir, true, &to);
	if (!err) {
		if (from->tree != to->tree)
			err = -EXDEV;
		else if (syscall(SYS_renameat2, from->fd, from_name, to->fd, to_name,
				 c->req.flags) <
			 0) /* libc's may be renameat, which is not listed */
			err = -errno;
		slot_put(c->s, to);
	}
	slot_put(c->s, from);
	return err;
}
