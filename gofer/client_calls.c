/* SPDX-License-Identifier: Apache-2.0 */
/* client_calls.c - the requests that a sentry makes: encode, send, take out, check
 *
 * What comes from the gofer is checked here, once: types of files, sizes that fit signed offsets,
 * nanoseconds, names without '/'. Past this file a gofer's values are plausible, though perhaps
 * lies.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/client_internal.h"

static bool time_ok(const struct gofer_time *t)
{
	return t->nsec < NSEC_PER_SEC;
}

static bool attr_ok(const struct gofer_attr *a)
{
	switch (a->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		break;
	default:
		return false;
	}
	return (a->mode & ~(u32)(S_IFMT | 07777)) == 0 && a->size <= INT64_MAX &&
	       a->blocks <= INT64_MAX / 512 && time_ok(&a->atime) && time_ok(&a->mtime) &&
	       time_ok(&a->ctime) && time_ok(&a->btime);
}

static int take_attr(struct rpc *k, struct gofer_attr *out)
{
	struct gofer_attr a;

	if (rpc_take(k, &a, sizeof(a)) || !attr_ok(&a))
		return rpc_broken(k);
	*out = a;
	return 0;
}

static int take_node(struct rpc *k, struct gofer_node *out)
{
	struct gofer_node n;

	if (rpc_take(k, &n, sizeof(n)) || n.id == 0 || !attr_ok(&n.attr))
		return rpc_broken(k);
	atomic_fetch_add_explicit(&k->c->ids, 1, memory_order_relaxed);
	*out = n;
	return 0;
}

static void put_name(struct rpc *k, const char *name)
{
	rpc_string(k, name, strlen(name), GOFER_NAME_MAX);
}

/* A whole call that has a fixed structure, perhaps a name, and no answer but the result. */
static int simple(struct gofer_client *c, u32 op, u32 flags, gofer_id id, const void *req, size_t n,
		  const char *name)
{
	struct rpc k;
	int err = rpc_begin(&k, c, op, flags, id);

	if (err)
		return err;
	rpc_put(&k, req, n);
	if (name)
		put_name(&k, name);
	err = rpc_send(&k);
	rpc_done(&k);
	return err;
}

int gofer_attach(struct gofer_client *c, u32 tree, struct gofer_attach_rsp *out)
{
	struct gofer_attach_rsp rsp;
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_ATTACH, 0, tree);

	if (err)
		return err;
	err = rpc_send(&k);
	if (!err && (rpc_take(&k, &rsp, sizeof(rsp)) || rsp.version != GOFER_VERSION ||
		     rsp.root.id == 0 || !attr_ok(&rsp.root.attr)))
		err = rpc_broken(&k);
	rpc_done(&k);
	if (err)
		return err;
	atomic_fetch_add_explicit(&c->ids, 1, memory_order_relaxed);
	c->id_max = rsp.id_max;
	*out = rsp;
	return 0;
}

/* Takes the answer of a walk for @count names. */
static int take_walk(struct rpc *k, u32 count, struct gofer_walk_result *out, char *target)
{
	struct gofer_walk_rsp rsp;

	if (rpc_take(k, &rsp, sizeof(rsp)) || rsp.count > count || rsp.error > 0 ||
	    rsp.error < -EHWPOISON || rsp.target_size > GOFER_LINK_MAX ||
	    (rsp.count == 0 && rsp.error == 0))
		return rpc_broken(k);
	for (u32 i = 0; i < rsp.count; i++) {
		int err = take_node(k, &out->nodes[i]);

		if (err)
			return err;
		if (i + 1 < rsp.count && !S_ISDIR(out->nodes[i].attr.mode))
			return rpc_broken(k);
	}
	if (rsp.target_size && (rsp.count == 0 || !S_ISLNK(out->nodes[rsp.count - 1].attr.mode)))
		return rpc_broken(k);
	out->target_size = target ? rsp.target_size : 0;
	if (target && rpc_take(k, target, rsp.target_size))
		return rpc_broken(k);
	if (target && memchr(target, 0, rsp.target_size))
		return rpc_broken(k);
	out->count = rsp.count;
	out->error = rsp.error;
	out->fd = rpc_take_fd(k);
	return 0;
}

int gofer_walk(struct gofer_client *c, gofer_id dir, gofer_id known, u32 flags,
	       const struct gofer_name *names, u32 count, struct gofer_walk_result *out,
	       char *target)
{
	struct gofer_walk_req req = {.known = known, .count = count};
	struct rpc k;
	int err;

	if (count == 0 || count > GOFER_WALK_MAX)
		return -EINVAL;
	err = rpc_begin(&k, c, GOFER_WALK, flags, dir);
	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	for (u32 i = 0; i < count; i++)
		rpc_string(&k, names[i].s, names[i].size, GOFER_NAME_MAX);
	err = rpc_send(&k);
	if (!err)
		err = take_walk(&k, count, out, target);
	if (!err && known && out->count > 0 && out->nodes[0].id == known)
		atomic_fetch_sub_explicit(&c->ids, 1, memory_order_relaxed);
	rpc_done(&k);
	return err;
}

int gofer_getattr(struct gofer_client *c, gofer_id id, struct gofer_attr *out)
{
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_GETATTR, 0, id);

	if (err)
		return err;
	err = rpc_send(&k);
	if (!err)
		err = take_attr(&k, out);
	rpc_done(&k);
	return err;
}

int gofer_setattr(struct gofer_client *c, gofer_id id, u32 flags,
		  const struct gofer_setattr_req *req, struct gofer_attr *out)
{
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_SETATTR, flags, id);

	if (err)
		return err;
	rpc_put(&k, req, sizeof(*req));
	err = rpc_send(&k);
	if (!err)
		err = take_attr(&k, out);
	rpc_done(&k);
	return err;
}

int gofer_open(struct gofer_client *c, gofer_id id, u32 flags, struct gofer_attr *out, int *out_fd)
{
	struct gofer_attr attr;
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_OPEN, flags, id);

	if (err)
		return err;
	err = rpc_send(&k);
	if (!err)
		err = take_attr(&k, &attr);
	if (!err && k.fds.count == 0)
		err = rpc_broken(&k);
	if (!err) {
		*out = attr;
		*out_fd = rpc_take_fd(&k);
	}
	rpc_done(&k);
	return err;
}

/* Takes the answers for @count names. */
static int take_opened(struct rpc *k, u32 count, struct gofer_opened *out, int *out_fds)
{
	u32 with = 0;

	for (u32 i = 0; i < count; i++) {
		if (rpc_take(k, &out[i], sizeof(out[i])) || out[i].has_fd > 1)
			return rpc_broken(k);
		with += out[i].has_fd;
	}
	if (with != k->fds.count)
		return rpc_broken(k);
	for (u32 i = 0; i < count; i++)
		out_fds[i] = out[i].has_fd ? rpc_take_fd(k) : -1;
	return 0;
}

int gofer_open_names(struct gofer_client *c, gofer_id dir, const struct gofer_name *names,
		     u32 count, struct gofer_opened *out, int *out_fds)
{
	struct gofer_open_names_req req = {.count = count};
	struct rpc k;
	int err;

	if (count == 0 || count > GOFER_FDS_MAX)
		return -EINVAL;
	err = rpc_begin(&k, c, GOFER_OPEN_NAMES, 0, dir);
	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	for (u32 i = 0; i < count; i++)
		rpc_string(&k, names[i].s, names[i].size, GOFER_NAME_MAX);
	err = rpc_send(&k);
	if (!err)
		err = take_opened(&k, count, out, out_fds);
	rpc_done(&k);
	return err;
}

int gofer_create(struct gofer_client *c, gofer_id dir, const char *name, u32 flags,
		 const struct gofer_make_req *req, struct gofer_node *out, int *out_fd)
{
	struct gofer_node node;
	struct rpc k;
	int err = rpc_begin(&k, c, name ? GOFER_CREATE : GOFER_TMPFILE, flags, dir);

	if (err)
		return err;
	rpc_put(&k, req, sizeof(*req));
	if (name)
		put_name(&k, name);
	err = rpc_send(&k);
	if (!err)
		err = take_node(&k, &node);
	if (!err && (k.fds.count == 0 || !S_ISREG(node.attr.mode)))
		err = rpc_broken(&k);
	if (!err) {
		*out = node;
		*out_fd = rpc_take_fd(&k);
	}
	rpc_done(&k);
	return err;
}

int gofer_mknod(struct gofer_client *c, gofer_id dir, const char *name,
		const struct gofer_make_req *req, struct gofer_node *out)
{
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_MKNOD, 0, dir);

	if (err)
		return err;
	rpc_put(&k, req, sizeof(*req));
	put_name(&k, name);
	err = rpc_send(&k);
	if (!err)
		err = take_node(&k, out);
	rpc_done(&k);
	return err;
}

int gofer_symlink(struct gofer_client *c, gofer_id dir, const char *name, const char *target,
		  u32 uid, u32 gid, struct gofer_node *out)
{
	struct gofer_symlink_req req = {.uid = uid, .gid = gid};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_SYMLINK, 0, dir);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	put_name(&k, name);
	rpc_string(&k, target, strlen(target), GOFER_LINK_MAX);
	err = rpc_send(&k);
	if (!err)
		err = take_node(&k, out);
	rpc_done(&k);
	return err;
}

int gofer_link(struct gofer_client *c, gofer_id source, gofer_id dir, const char *name,
	       struct gofer_attr *out)
{
	struct gofer_link_req req = {.source = source};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_LINK, 0, dir);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	put_name(&k, name);
	err = rpc_send(&k);
	if (!err)
		err = take_attr(&k, out);
	rpc_done(&k);
	return err;
}

int gofer_unlink(struct gofer_client *c, gofer_id dir, const char *name, u32 flags)
{
	return simple(c, GOFER_UNLINK, flags, dir, NULL, 0, name);
}

int gofer_rename(struct gofer_client *c, gofer_id dir, const char *name, gofer_id to_dir,
		 const char *to_name, u32 flags)
{
	struct gofer_rename_req req = {.to_dir = to_dir};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_RENAME, flags, dir);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	put_name(&k, name);
	put_name(&k, to_name);
	err = rpc_send(&k);
	rpc_done(&k);
	return err;
}

ssize_t gofer_readlink(struct gofer_client *c, gofer_id id, char *buf)
{
	struct rpc k;
	ssize_t ret = rpc_begin(&k, c, GOFER_READLINK, 0, id);

	if (ret)
		return ret;
	ret = rpc_send(&k);
	if (ret == 0) {
		u32 n = k.in_size - k.in;

		if (n == 0 || n > GOFER_LINK_MAX || rpc_take(&k, buf, n) || memchr(buf, 0, n))
			ret = rpc_broken(&k);
		else
			ret = n;
	}
	rpc_done(&k);
	return ret;
}

static bool name_ok(const char *name, size_t n)
{
	return n > 0 && !memchr(name, '/', n) && !memchr(name, 0, n) &&
	       !(n == 1 && name[0] == '.') && !(n == 2 && name[0] == '.' && name[1] == '.');
}

/* Takes one entry and hands it on. */
static int take_entry(struct rpc *k, gofer_entry_fn *fn, void *arg)
{
	char name[GOFER_NAME_MAX + 1];
	struct gofer_dirent ent;
	struct gofer_attr attr;

	static_assert(UINT8_MAX == GOFER_NAME_MAX, "any name_size fits");
	if (rpc_take(k, &ent, sizeof(ent)) || ent.has_attr > 1)
		return rpc_broken(k);
	if (ent.has_attr && take_attr(k, &attr))
		return -EIO;
	if (rpc_take(k, name, ent.name_size) || !name_ok(name, ent.name_size))
		return rpc_broken(k);
	name[ent.name_size] = 0;
	return fn(arg, &ent, ent.has_attr ? &attr : NULL, name);
}

/* Sends the request, whose structure is there, and takes the answer; with @node, that comes first.
 */
static int list(struct rpc *k, struct gofer_node *node, u64 *out_cookie, gofer_entry_fn *fn,
		void *arg, bool *out_end)
{
	struct gofer_readdir_rsp rsp;
	bool held = false; /* the id of @node */
	int err = rpc_send(k);

	if (!err && (rpc_take(k, &rsp, sizeof(rsp)) || (rsp.count == 0 && !rsp.end)))
		err = rpc_broken(k);
	if (!err && node) {
		err = take_node(k, node);
		held = !err;
	}
	for (u32 i = 0; !err && i < rsp.count; i++)
		err = take_entry(k, fn, arg);
	rpc_done(k);
	if (err && held)
		gofer_release(k->c, node->id, false);
	if (err)
		return err;
	*out_cookie = rsp.cookie;
	*out_end = rsp.end;
	return 0;
}

int gofer_readdir(struct gofer_client *c, gofer_id dir, u32 flags, u64 *cookie, gofer_entry_fn *fn,
		  void *arg, bool *out_end)
{
	struct gofer_readdir_req req = {.cookie = *cookie, .size = GOFER_RSP_MAX};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_READDIR, flags, dir);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	return list(&k, NULL, cookie, fn, arg, out_end);
}

int gofer_readdir_name(struct gofer_client *c, gofer_id dir, const struct gofer_name *name,
		       u32 flags, struct gofer_node *out, u64 *out_cookie, gofer_entry_fn *fn,
		       void *arg, bool *out_end)
{
	struct gofer_readdir_req req = {.size = GOFER_RSP_MAX};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_READDIR, flags | GOFER_READDIR_NAME, dir);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	rpc_string(&k, name->s, name->size, GOFER_NAME_MAX);
	return list(&k, out, out_cookie, fn, arg, out_end);
}

int gofer_statfs(struct gofer_client *c, gofer_id id, struct gofer_statfs_rsp *out)
{
	struct gofer_statfs_rsp rsp;
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_STATFS, 0, id);

	if (err)
		return err;
	err = rpc_send(&k);
	if (!err && rpc_take(&k, &rsp, sizeof(rsp)))
		err = rpc_broken(&k);
	rpc_done(&k);
	if (!err)
		*out = rsp;
	return err;
}

int gofer_fsync(struct gofer_client *c, gofer_id id, u32 flags)
{
	return simple(c, GOFER_FSYNC, flags, id, NULL, 0, NULL);
}

int gofer_fallocate(struct gofer_client *c, gofer_id id, u32 mode, u64 offset, u64 size)
{
	struct gofer_fallocate_req req = {.offset = offset, .size = size, .mode = mode};

	return simple(c, GOFER_FALLOCATE, 0, id, &req, sizeof(req), NULL);
}

/* Ends GETXATTR and LISTXATTR, whose request is ready to go. */
static ssize_t xattr_read(struct rpc *k, void *buf, size_t size)
{
	struct gofer_xattr_rsp rsp;
	ssize_t ret = rpc_send(k);

	if (ret == 0) {
		if (rpc_take(k, &rsp, sizeof(rsp)) || rsp.size > GOFER_XATTR_MAX ||
		    (size && (rsp.size > size || rpc_take(k, buf, rsp.size))))
			ret = rpc_broken(k);
		else
			ret = rsp.size;
	}
	rpc_done(k);
	return ret;
}

ssize_t gofer_getxattr(struct gofer_client *c, gofer_id id, const char *name, void *buf,
		       size_t size)
{
	struct gofer_xattr_req req = {.size = (u32)min(size, (size_t)GOFER_XATTR_MAX)};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_GETXATTR, 0, id);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	put_name(&k, name);
	return xattr_read(&k, buf, size);
}

ssize_t gofer_listxattr(struct gofer_client *c, gofer_id id, char *buf, size_t size)
{
	struct gofer_xattr_req req = {.size = (u32)min(size, (size_t)GOFER_XATTR_MAX)};
	struct rpc k;
	int err = rpc_begin(&k, c, GOFER_LISTXATTR, 0, id);

	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	return xattr_read(&k, buf, size);
}

int gofer_setxattr(struct gofer_client *c, gofer_id id, const char *name, const void *value,
		   size_t size, u32 flags)
{
	struct gofer_xattr_req req = {.size = (u32)size};
	struct rpc k;
	int err;

	if (size > GOFER_XATTR_MAX)
		return -E2BIG;
	err = rpc_begin(&k, c, GOFER_SETXATTR, flags, id);
	if (err)
		return err;
	rpc_put(&k, &req, sizeof(req));
	put_name(&k, name);
	rpc_put(&k, value, size);
	err = rpc_send(&k);
	rpc_done(&k);
	return err;
}

int gofer_removexattr(struct gofer_client *c, gofer_id id, const char *name)
{
	return simple(c, GOFER_REMOVEXATTR, 0, id, NULL, 0, name);
}
