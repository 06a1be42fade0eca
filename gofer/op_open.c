/* SPDX-License-Identifier: Apache-2.0 */
/* op_open.c - regular files: descriptors for the client, and what is done without one
 *
 * Only regular files are opened. A device, FIFO or socket of the host is never: -ENXIO, which is
 * what open(2) gives for a node without something behind it.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/server_internal.h"

/* Host flags for GOFER_OPEN_*; -EINVAL for a combination that makes no sense. */
int open_flags(u32 flags)
{
	int ret;

	if (!(flags & (GOFER_OPEN_READ | GOFER_OPEN_WRITE)) ||
	    (flags & (GOFER_OPEN_TRUNC | GOFER_OPEN_WRITE)) == GOFER_OPEN_TRUNC)
		return -EINVAL;
	if (!(flags & GOFER_OPEN_WRITE))
		ret = O_RDONLY;
	else
		ret = flags & GOFER_OPEN_READ ? O_RDWR : O_WRONLY;
	return flags & GOFER_OPEN_TRUNC ? ret | O_TRUNC : ret;
}

int op_open(struct gofer_call *c)
{
	int flags = open_flags(c->req.flags), err = call_end(c, GOFER_OPEN_ALL), fd;
	struct gofer_attr attr;
	struct slot *slot;

	if (err || flags < 0)
		return -EINVAL;
	err = call_slot(c, c->req.id, c->req.flags & GOFER_OPEN_WRITE, &slot);
	if (err)
		return err;
	if (slot->type == S_IFREG)
		fd = path_reopen(c->s, slot->fd, flags);
	else if (slot->type == S_IFDIR)
		fd = -EISDIR;
	else
		fd = slot->type == S_IFLNK ? -ELOOP : -ENXIO;
	if (fd >= 0)
		call_donate(c, fd);
	err = fd < 0 ? fd : path_attr(slot->fd, "", &attr);
	slot_put(c->s, slot);
	return err ? err : call_put(c, &attr, sizeof(attr));
}

/* Opens the regular file @name of @dir for reading, and tells what it is. */
static void open_name(struct gofer_call *c, int dir, const char *name, struct gofer_opened *out)
{
	int fd = path_open(dir, name), data = -1;
	struct gofer_attr attr;

	if (fd < 0)
		return;
	if (path_attr(fd, "", &attr) == 0 && S_ISREG(attr.mode))
		data = path_reopen(c->s, fd, O_RDONLY);
	if (data >= 0) {
		*out = (struct gofer_opened){.ino = attr.ino, .dev = attr.dev, .has_fd = 1};
		call_donate(c, data);
	}
	close(fd);
}

int op_open_names(struct gofer_call *c)
{
	struct gofer_open_names_req req;
	char name[GOFER_NAME_MAX + 1];
	struct gofer_call probe;
	struct slot *dir;
	int err = call_take(c, &req, sizeof(req));

	if (err)
		return err;
	if (req.count == 0 || req.count > GOFER_FDS_MAX || req.zero)
		return -EINVAL;
	probe = *c; /* all names are checked before anything is done */
	for (u32 i = 0; i < req.count && !err; i++)
		err = call_name(&probe, name);
	if (!err)
		err = call_end(&probe, 0);
	if (!err)
		err = call_dir(c, c->req.id, false, &dir);
	if (err)
		return err;
	for (u32 i = 0; i < req.count; i++) {
		struct gofer_opened opened = {0};

		call_name(c, name);
		open_name(c, dir->fd, name, &opened);
		call_put(c, &opened, sizeof(opened));
	}
	slot_put(c->s, dir);
	return 0;
}

/* Opens the file or directory of the request for a short while. */
static int open_briefly(struct gofer_call *c, bool write, int *out_fd)
{
	struct slot *slot;
	int err = call_slot(c, c->req.id, write, &slot), fd;

	if (err)
		return err;
	if (slot->type == S_IFREG)
		fd = path_reopen(c->s, slot->fd, write ? O_WRONLY : O_RDONLY);
	else if (slot->type == S_IFDIR)
		fd = write ? -EISDIR : path_reopen(c->s, slot->fd, O_RDONLY | O_DIRECTORY);
	else
		fd = -EINVAL;
	slot_put(c->s, slot);
	if (fd < 0)
		return fd;
	*out_fd = fd;
	return 0;
}

int op_fsync(struct gofer_call *c)
{
	int err = call_end(c, GOFER_FSYNC_DATA), fd;

	if (!err)
		err = open_briefly(c, false, &fd);
	if (err)
		return err;
	if ((c->req.flags & GOFER_FSYNC_DATA ? fdatasync(fd) : fsync(fd)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int op_fallocate(struct gofer_call *c)
{
	struct gofer_fallocate_req req;
	int err = call_take(c, &req, sizeof(req)), fd;

	if (!err)
		err = call_end(c, 0);
	if (err)
		return err;
	if (req.zero || req.offset > INT64_MAX || req.size > INT64_MAX || req.mode > INT32_MAX)
		return -EINVAL;
	err = open_briefly(c, true, &fd);
	if (err)
		return err;
	if (fallocate(fd, (int)req.mode, (off_t)req.offset, (off_t)req.size) < 0)
		err = -errno;
	close(fd);
	return err;
}
