/* SPDX-License-Identifier: Apache-2.0 */
/* op_attr.c - attributes of one inode and of its file system */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server_internal.h"

int op_getattr(struct gofer_call *c)
{
	struct gofer_attr attr;
	struct slot *slot;
	int err = call_end(c, 0);

	if (!err)
		err = call_slot(c, c->req.id, false, &slot);
	if (err)
		return err;
	err = path_attr(slot->fd, "", &attr);
	slot_put(c->s, slot);
	return err ? err : call_put(c, &attr, sizeof(attr));
}

static int set_size(const struct gofer_server *s, const struct slot *slot, u64 size)
{
	int fd, err = 0;

	if (slot->type == S_IFDIR)
		return -EISDIR;
	if (slot->type != S_IFREG || size > INT64_MAX)
		return -EINVAL;
	fd = path_reopen(s, slot->fd, O_WRONLY);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) < 0)
		err = -errno;
	close(fd);
	return err;
}

int attr_set_mode(const struct gofer_server *s, const struct slot *slot, u32 mode)
{
	struct fd_name name = fd_name(slot->fd);

	if (slot->type == S_IFLNK)
		return -EOPNOTSUPP;
	return fchmodat(s->proc_fd, name.s, mode, 0) < 0 ? -errno : 0;
}

int attr_set_owner(const struct slot *slot, u32 uid, u32 gid)
{
	int err = owner_in(&uid, &gid);

	if (err)
		return err;
	return fchownat(slot->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											 : 0;
}

static struct timespec time_to(const struct gofer_time *t, bool set, bool now)
{
	if (now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (!set)
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	return (struct timespec){.tv_sec = t->sec, .tv_nsec = t->nsec};
}

static int set_times(const struct slot *slot, const struct gofer_setattr_req *req, u32 flags)
{
	struct timespec ts[2] = {
		time_to(&req->atime, flags & GOFER_SET_ATIME, flags & GOFER_SET_ATIME_NOW),
		time_to(&req->mtime, flags & GOFER_SET_MTIME, flags & GOFER_SET_MTIME_NOW)};

	if (utimensat(slot->fd, "", ts, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int set_all(const struct gofer_server *s, const struct slot *slot,
		   const struct gofer_setattr_req *req, u32 flags)
{
	int err = 0;

	if (flags & GOFER_SET_SIZE)
		err = set_size(s, slot, req->size);
	if (!err && (flags & GOFER_SET_OWNER))
		err = attr_set_owner(slot, req->uid, req->gid);
	if (!err && (flags & GOFER_SET_MODE))
		err = attr_set_mode(s, slot, req->mode);
	if (!err && (flags & ~(GOFER_SET_SIZE | GOFER_SET_OWNER | GOFER_SET_MODE)))
		err = set_times(slot, req, flags);
	return err;
}

int op_setattr(struct gofer_call *c)
{
	struct gofer_setattr_req req;
	struct gofer_attr attr;
	struct slot *slot;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_end(c, GOFER_SET_ALL);
	if (err)
		return err;
	if (req.mode > 07777 || req.atime.nsec >= NSEC_PER_SEC || req.mtime.nsec >= NSEC_PER_SEC)
		return -EINVAL;
	err = call_slot(c, c->req.id, true, &slot);
	if (err)
		return err;
	err = set_all(c->s, slot, &req, c->req.flags);
	if (!err)
		err = path_attr(slot->fd, "", &attr);
	slot_put(c->s, slot);
	return err ? err : call_put(c, &attr, sizeof(attr));
}

int op_statfs(struct gofer_call *c)
{
	struct gofer_statfs_rsp rsp;
	struct statfs st;
	struct slot *slot;
	int err = call_end(c, 0);

	if (!err)
		err = call_slot(c, c->req.id, false, &slot);
	if (err)
		return err;
	if (fstatfs(slot->fd, &st) < 0)
		err = -errno;
	slot_put(c->s, slot);
	if (err)
		return err;
	rsp = (struct gofer_statfs_rsp){.type = (u64)st.f_type,
					.bsize = (u64)st.f_bsize,
					.blocks = st.f_blocks,
					.bfree = st.f_bfree,
					.bavail = st.f_bavail,
					.files = st.f_files,
					.ffree = st.f_ffree,
					.namelen = (u64)st.f_namelen,
					.frsize = (u64)st.f_frsize,
					.flags = (u64)st.f_flags};
	static_assert(sizeof(st.f_fsid) == sizeof(rsp.fsid), "fsid");
	memcpy(&rsp.fsid, &st.f_fsid, sizeof(rsp.fsid));
	return call_put(c, &rsp, sizeof(rsp));
}
