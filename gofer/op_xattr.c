/* SPDX-License-Identifier: Apache-2.0 */
/* op_xattr.c - extended attributes
 *
 * The host has no fgetxattr for O_PATH descriptors, so the inode is named by its number in
 * /proc/self/fd, the gofer's working directory: the link there leads to the held inode itself, also
 * when that is a symbolic link.
 */
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "gofer/server_internal.h"

/* May the client name this attribute at all? What is left is the host's decision. */
static int name_check(const char *name)
{
	if (strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0 ||
	    strncmp(name, "system.posix_acl_", 17) == 0 || strncmp(name, "trusted.", 8) == 0)
		return 0;
	return -EOPNOTSUPP;
}

/* Ends GETXATTR and LISTXATTR: @n is what the host gave, the bytes are in place already. */
static int finish_read(struct gofer_call *c, long n, u32 asked)
{
	struct gofer_xattr_rsp rsp;

	if (n < 0)
		return -errno;
	rsp = (struct gofer_xattr_rsp){.size = (u32)n};
	memcpy(c->out, &rsp, sizeof(rsp));
	c->out_len = (u32)(sizeof(rsp) + (asked ? (size_t)n : 0));
	return 0;
}

int op_getxattr(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1], *value = (char *)c->out + sizeof(struct gofer_xattr_rsp);
	struct gofer_xattr_req req;
	struct slot *slot;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_string(c, name, GOFER_NAME_MAX);
	if (!err)
		err = call_end(c, 0);
	if (!err)
		err = name_check(name);
	if (!err)
		err = call_slot(c, c->req.id, false, &slot);
	if (err)
		return err;
	err = finish_read(
		c, getxattr(fd_name(slot->fd).s, name, value, min(req.size, GOFER_XATTR_MAX)),
		req.size);
	slot_put(c->s, slot);
	return err;
}

int op_listxattr(struct gofer_call *c)
{
	char *value = (char *)c->out + sizeof(struct gofer_xattr_rsp);
	struct gofer_xattr_req req;
	struct slot *slot;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_end(c, 0);
	if (!err)
		err = call_slot(c, c->req.id, false, &slot);
	if (err)
		return err;
	err = finish_read(c, listxattr(fd_name(slot->fd).s, value, min(req.size, GOFER_XATTR_MAX)),
			  req.size);
	slot_put(c->s, slot);
	return err;
}

int op_setxattr(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1];
	struct gofer_xattr_req req;
	struct slot *slot;
	int err = call_take(c, &req, sizeof(req));

	if (!err)
		err = call_string(c, name, GOFER_NAME_MAX);
	if (err)
		return err;
	if (req.size > GOFER_XATTR_MAX || (size_t)(c->in_end - c->in) != req.size ||
	    (c->req.flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE)))
		return -EINVAL;
	err = name_check(name);
	if (!err)
		err = call_slot(c, c->req.id, true, &slot);
	if (err)
		return err;
	if (setxattr(fd_name(slot->fd).s, name, c->in, req.size, (int)c->req.flags) < 0)
		err = -errno;
	slot_put(c->s, slot);
	return err;
}

int op_removexattr(struct gofer_call *c)
{
	char name[GOFER_NAME_MAX + 1];
	struct slot *slot;
	int err = call_string(c, name, GOFER_NAME_MAX);

	if (!err)
		err = call_end(c, 0);
	if (!err)
		err = name_check(name);
	if (!err)
		err = call_slot(c, c->req.id, true, &slot);
	if (err)
		return err;
	if (removexattr(fd_name(slot->fd).s, name) < 0)
		err = -errno;
	slot_put(c->s, slot);
	return err;
}
