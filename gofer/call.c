/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - decodes a request, runs its operation, makes the answer
 *
 * All decoding of what the client sent is done with the functions of this file: they never go
 * beyond the request's private copy, and every name passes call_name().
 */
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/server_internal.h"

typedef int op_fn(struct gofer_call *c);

static op_fn *const g_ops[] = {
	[GOFER_ATTACH] = op_attach,
	[GOFER_WALK] = op_walk,
	[GOFER_NOP] = op_nop,
	[GOFER_GETATTR] = op_getattr,
	[GOFER_SETATTR] = op_setattr,
	[GOFER_OPEN] = op_open,
	[GOFER_CREATE] = op_create,
	[GOFER_MKNOD] = op_mknod,
	[GOFER_SYMLINK] = op_symlink,
	[GOFER_LINK] = op_link,
	[GOFER_UNLINK] = op_unlink,
	[GOFER_RENAME] = op_rename,
	[GOFER_READLINK] = op_readlink,
	[GOFER_READDIR] = op_readdir,
	[GOFER_STATFS] = op_statfs,
	[GOFER_FSYNC] = op_fsync,
	[GOFER_FALLOCATE] = op_fallocate,
	[GOFER_GETXATTR] = op_getxattr,
	[GOFER_SETXATTR] = op_setxattr,
	[GOFER_LISTXATTR] = op_listxattr,
	[GOFER_REMOVEXATTR] = op_removexattr,
	[GOFER_TMPFILE] = op_tmpfile,
	[GOFER_OPEN_NAMES] = op_open_names,
};
static_assert(array_size(g_ops) == GOFER_OP_COUNT, "an operation without a function");

int call_take(struct gofer_call *c, void *p, size_t n)
{
	if ((size_t)(c->in_end - c->in) < n)
		return -EINVAL;
	memcpy(p, c->in, n);
	c->in += n;
	return 0;
}

int call_string(struct gofer_call *c, char *p, size_t max)
{
	u16 n;
	int err = call_take(c, &n, sizeof(n));

	if (err)
		return err;
	if (n > max)
		return -ENAMETOOLONG;
	err = call_take(c, p, n);
	if (err)
		return err;
	p[n] = 0;
	if (n == 0 || memchr(p, 0, n))
		return -EINVAL;
	return 0;
}

int call_name(struct gofer_call *c, char name[GOFER_NAME_MAX + 1])
{
	int err = call_string(c, name, GOFER_NAME_MAX);

	if (err)
		return err;
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	return 0;
}

int call_end(const struct gofer_call *c, u32 flags)
{
	return c->in != c->in_end || (c->req.flags & ~flags) ? -EINVAL : 0;
}

int call_put(struct gofer_call *c, const void *p, size_t n)
{
	if (c->out_max - c->out_len < n)
		return -EOVERFLOW;
	memcpy(c->out + c->out_len, p, n);
	c->out_len += (u32)n;
	return 0;
}

int call_slot(struct gofer_call *c, gofer_id id, bool write, struct slot **out)
{
	struct slot *slot;
	int err = slot_get(c->s, id, &slot);

	if (err)
		return err;
	if (write && c->s->trees[slot->tree].readonly) {
		slot_put(c->s, slot);
		return -EROFS;
	}
	*out = slot;
	return 0;
}

int call_dir(struct gofer_call *c, gofer_id id, bool write, struct slot **out)
{
	struct slot *slot;
	int err = call_slot(c, id, write, &slot);

	if (err)
		return err;
	if (slot->type != S_IFDIR) {
		slot_put(c->s, slot);
		return -ENOTDIR;
	}
	*out = slot;
	return 0;
}

int call_node(struct gofer_call *c, int fd, u32 tree, struct gofer_node *out)
{
	struct gofer_node node;
	int err = path_attr(fd, "", &node.attr);

	if (err) {
		close(fd);
		return err;
	}
	err = slot_create(c->s, fd, tree, node.attr.mode & S_IFMT, &node.id);
	if (err)
		return err;
	*out = node;
	return 0;
}

/* Takes the ids back that the request brings. */
static int release_ids(struct gofer_call *c)
{
	if (c->req.release > GOFER_RELEASE_MAX ||
	    (size_t)(c->in_end - c->in) < c->req.release * sizeof(gofer_id))
		return -EINVAL;
	for (u32 i = 0; i < c->req.release; i++) {
		gofer_id id = 0;

		call_take(c, &id, sizeof(id));
		slot_release(c->s, id);
	}
	return 0;
}

void call_donate(struct gofer_call *c, int fd)
{
	c->fds.fd[c->fds.count++] = fd;
}

u32 call_run(struct gofer_server *s, const void *req, size_t n, void *rsp,
	     struct gofer_fds *out_fds)
{
	struct gofer_call c = {.s = s,
			       .in = req,
			       .in_end = (const u8 *)req + n,
			       .out = (u8 *)rsp + sizeof(struct gofer_rsp),
			       .out_max = GOFER_RSP_MAX - sizeof(struct gofer_rsp)};
	struct gofer_rsp head = {0};

	head.result = call_take(&c, &c.req, sizeof(c.req));
	if (head.result == 0)
		head.result = release_ids(&c);
	if (head.result == 0) {
		if (c.req.op >= array_size(g_ops) || !g_ops[c.req.op])
			head.result = -ENOSYS;
		else
			head.result = g_ops[c.req.op](&c);
	}
	if (head.result) {
		c.out_len = 0;
		gofer_fds_close(&c.fds);
	}
	head.fds = c.fds.count;
	memcpy(rsp, &head, sizeof(head));
	*out_fds = c.fds;
	return (u32)sizeof(head) + c.out_len;
}
