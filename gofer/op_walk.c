/* SPDX-License-Identifier: Apache-2.0 */
/* op_walk.c - from trees and names to ids: attach, walk, readlink, nothing */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/server_internal.h"

int op_attach(struct gofer_call *c)
{
	struct gofer_server *s = c->s;
	struct gofer_attach_rsp rsp = {
		.version = GOFER_VERSION, .tree_count = s->tree_count, .id_max = s->id_max};
	int err = call_end(c, 0), fd;

	if (err)
		return err;
	if (c->req.id >= s->tree_count)
		return -ENOENT;
	fd = fcntl(s->trees[c->req.id].root_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rsp.readonly = s->trees[c->req.id].readonly;
	err = call_node(c, fd, (u32)c->req.id, &rsp.root);
	return err ? err : call_put(c, &rsp, sizeof(rsp));
}

/* Opens @name below @dir and appends its node, with the id @known if it is still the same inode. */
static int walk_one(struct gofer_call *c, const struct slot *dir, const char *name, gofer_id known,
		    struct gofer_node *out)
{
	struct gofer_attr a, b;
	struct slot *slot;
	int fd, err;

	if (known && slot_get(c->s, known, &slot) == 0) {
		bool same = path_attr(dir->fd, name, &a) == 0 && path_attr(slot->fd, "", &b) == 0 &&
			    a.ino == b.ino && a.dev == b.dev;

		slot_put(c->s, slot);
		if (same) {
			*out = (struct gofer_node){.id = known, .attr = b};
			return 0;
		}
	}
	fd = path_open(dir->fd, name);
	if (fd < 0)
		return fd;
	err = call_node(c, fd, dir->tree, out);
	return err;
}

/* Appends what makes a further message needless: a symbolic link's target, or the descriptor of a
 * regular file. Failing is no error: the client asks by name then. */
static void walk_finish(struct gofer_call *c, const struct gofer_node *last, bool whole,
			struct gofer_walk_rsp *rsp)
{
	struct slot *slot;
	long n;

	if (slot_get(c->s, last->id, &slot) < 0)
		return;
	if (slot->type == S_IFLNK) {
		n = readlinkat(slot->fd, "", (char *)c->out + c->out_len, GOFER_LINK_MAX);
		if (n > 0) {
			rsp->target_size = (u32)n;
			c->out_len += (u32)n;
		}
	} else if (whole && slot->type == S_IFREG && (c->req.flags & GOFER_WALK_OPEN_READ)) {
		int fd = path_reopen(c->s, slot->fd, O_RDONLY);

		if (fd >= 0)
			call_donate(c, fd);
	}
	slot_put(c->s, slot);
}

int op_walk(struct gofer_call *c)
{
	struct gofer_walk_req req;
	struct gofer_walk_rsp rsp = {0};
	struct gofer_node node = {0};
	char name[GOFER_NAME_MAX + 1];
	struct gofer_call probe;
	struct slot *dir;
	int err = call_take(c, &req, sizeof(req));

	if (err)
		return err;
	if (req.count == 0 || req.count > GOFER_WALK_MAX)
		return -EINVAL;
	probe = *c; /* all names are checked before anything is done */
	for (u32 i = 0; i < req.count && !err; i++)
		err = call_name(&probe, name);
	if (!err)
		err = call_end(&probe, GOFER_WALK_OPEN_READ);
	if (!err)
		err = call_dir(c, c->req.id, false, &dir);
	if (err)
		return err;
	c->out_len = sizeof(rsp);
	while (rsp.count < req.count) {
		call_name(c, name);
		rsp.error = walk_one(c, dir, name, rsp.count == 0 ? req.known : 0, &node);
		slot_put(c->s, dir);
		dir = NULL;
		if (rsp.error)
			break;
		call_put(c, &node, sizeof(node));
		rsp.count++;
		if (rsp.count == req.count || call_dir(c, node.id, false, &dir) < 0)
			break;
	}
	if (rsp.count > 0 && rsp.error == 0)
		walk_finish(c, &node, rsp.count == req.count, &rsp);
	memcpy(c->out, &rsp, sizeof(rsp));
	return 0;
}

int op_nop(struct gofer_call *c)
{
	return c->req.id != 0 ? -EINVAL : call_end(c, 0);
}

int op_readlink(struct gofer_call *c)
{
	struct slot *slot;
	int err = call_end(c, 0);
	long n;

	if (!err)
		err = call_slot(c, c->req.id, false, &slot);
	if (err)
		return err;
	n = slot->type == S_IFLNK ? readlinkat(slot->fd, "", (char *)c->out, GOFER_LINK_MAX) : -1;
	if (n < 0)
		err = slot->type == S_IFLNK ? -errno : -EINVAL;
	else
		c->out_len = (u32)n;
	slot_put(c->s, slot);
	return err;
}
