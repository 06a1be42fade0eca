/* SPDX-License-Identifier: Apache-2.0 */
/* attr.c - stat, chmod and the like, extended attributes, symbolic links' text */
#include <limits.h>
#include <sys/xattr.h>

#include "fs/goferfs/goferfs_internal.h"
#include "platform/host/host.h"

int gattr_getattr(struct caller *c, struct inode *inode, struct kstat *out)
{
	struct gnode *g = gnode_of(inode);
	int err;

	if (g->gs->shared || g->mapped_writable ||
	    atomic_load_explicit(&g->stale, memory_order_relaxed)) {
		mutex_lock(&inode->lock);
		err = gnode_refresh_locked(g);
		mutex_unlock(&inode->lock);
		if (err)
			return err;
	}
	inode_fill_stat(inode, out);
	return 0;
}

static struct gofer_time time_to(const struct timespec *t)
{
	return (struct gofer_time){.sec = t->tv_sec, .nsec = (u32)t->tv_nsec};
}

/* Flags and structure of SETATTR. A size brings its times along on the host. */
static u32 encode(const struct attr *a, struct gofer_setattr_req *req)
{
	u32 flags = 0;

	*req = (struct gofer_setattr_req){.mode = a->mode & 07777,
					  .uid = a->valid & ATTR_UID ? a->uid : ~0u,
					  .gid = a->valid & ATTR_GID ? a->gid : ~0u,
					  .size = a->size};
	if (a->valid & ATTR_SIZE)
		return GOFER_SET_SIZE | (a->valid & ATTR_MODE ? GOFER_SET_MODE : 0);
	if (a->valid & (ATTR_UID | ATTR_GID))
		flags |= GOFER_SET_OWNER;
	if (a->valid & ATTR_MODE)
		flags |= GOFER_SET_MODE;
	if (a->valid & ATTR_ATIME_NOW) {
		flags |= GOFER_SET_ATIME_NOW;
	} else if (a->valid & ATTR_ATIME) {
		flags |= GOFER_SET_ATIME;
		req->atime = time_to(&a->atime);
	}
	if (a->valid & ATTR_MTIME_NOW) {
		flags |= GOFER_SET_MTIME_NOW;
	} else if (a->valid & ATTR_MTIME) {
		flags |= GOFER_SET_MTIME;
		req->mtime = time_to(&a->mtime);
	}
	return flags;
}

/* A new size by a descriptor that is there anyway. -EAGAIN when there is none. */
static int set_size(struct gnode *g, u64 size)
{
	int pinned = gfds_pin(g), fd = gfds_write(g), err = -EAGAIN;

	if (pinned < 0)
		return -EAGAIN;
	if (fd >= 0)
		err = host_ftruncate(fd, size);
	gfds_put(g);
	if (err)
		return err;
	g->inode->size = size;
	gnode_set_stale(g, STALE_ALL);
	return 0;
}

int gattr_setattr(struct caller *c, struct inode *inode, const struct attr *a)
{
	struct gnode *g = gnode_of(inode);
	struct gofer_setattr_req req;
	struct gofer_attr attr;
	gofer_id id;
	u32 flags = encode(a, &req);
	int err;

	if (flags == GOFER_SET_SIZE) {
		err = set_size(g, a->size);
		if (err != -EAGAIN)
			return err;
	}
	err = gnode_id(g, &id, NULL);
	if (!err)
		err = gofer_setattr(gclient(g->gs), id, flags, &req, &attr);
	if (err)
		return err;
	gnode_apply(inode, &attr);
	return 0;
}

/* What exec and ls ask of every file, nearly always in vain: g->xattrs remembers that. Two bits
 * each: the answer was -ENODATA, -EOPNOTSUPP. Above XATTR_CHANGE the word counts the changes, so an
 * answer that a change has overtaken is not remembered. */
static const char *const g_asked_often[] = {"security.capability", "security.selinux",
					    "system.posix_acl_access", "system.posix_acl_default"};
#define XATTR_CHANGE (1u << 2 * array_size(g_asked_often))

/* The first of the two bits of @name; 0: not one of those. */
static u32 xattr_bit(const char *name)
{
	for (u32 k = 0; k < array_size(g_asked_often); k++)
		if (strcmp(name, g_asked_often[k]) == 0)
			return 1u << 2 * k;
	return 0;
}

/* Attributes were changed: nothing is known. */
static void xattrs_changed(struct gnode *g)
{
	u32 old = atomic_load(&g->xattrs);

	while (!atomic_compare_exchange_weak(&g->xattrs, &old,
					     (old & ~(XATTR_CHANGE - 1)) + XATTR_CHANGE))
		;
}

ssize_t gattr_getxattr(struct caller *c, struct inode *i, const char *name, void *buf, size_t size)
{
	struct gnode *g = gnode_of(i);
	u32 known = atomic_load(&g->xattrs), bit = g->gs->shared ? 0 : xattr_bit(name);
	gofer_id id;
	ssize_t n;

	if (known & bit)
		return -ENODATA;
	if (known & bit << 1)
		return -EOPNOTSUPP;
	n = gnode_id(g, &id, NULL);
	if (n == 0)
		n = gofer_getxattr(gclient(g->gs), id, name, buf, size);
	if (n == -ENODATA || n == -EOPNOTSUPP)
		atomic_compare_exchange_strong(&g->xattrs, &known,
					       known | (n == -ENODATA ? bit : bit << 1));
	return n;
}

ssize_t gattr_listxattr(struct caller *c, struct inode *i, char *buf, size_t size)
{
	struct gnode *g = gnode_of(i);
	gofer_id id;
	int err = gnode_id(g, &id, NULL);

	return err ? err : gofer_listxattr(gclient(g->gs), id, buf, size);
}

int gattr_setxattr(struct caller *c, struct inode *i, const char *name, const void *buf,
		   size_t size, int flags)
{
	struct gnode *g = gnode_of(i);
	gofer_id id;
	int err = gnode_id(g, &id, NULL);

	if (!err)
		err = gofer_setxattr(gclient(g->gs), id, name, buf, size, (u32)flags);
	xattrs_changed(g);
	gnode_set_stale(g, STALE_ALL); /* ctime; mode, when it was an ACL */
	return err;
}

int gattr_removexattr(struct caller *c, struct inode *i, const char *name)
{
	struct gnode *g = gnode_of(i);
	gofer_id id;
	int err = gnode_id(g, &id, NULL);

	if (!err)
		err = gofer_removexattr(gclient(g->gs), id, name);
	xattrs_changed(g);
	gnode_set_stale(g, STALE_ALL);
	return err;
}

ssize_t gattr_readlink(struct caller *c, struct inode *i, char *buf, size_t size)
{
	struct gnode *g = gnode_of(i);
	char *text = atomic_load_explicit(&i->link, memory_order_acquire);
	gofer_id id;
	ssize_t n;

	if (text) {
		n = min((ssize_t)strlen(text), (ssize_t)size);
		memcpy(buf, text, (size_t)n);
		return n;
	}
	text = kalloc(GOFER_LINK_MAX);
	if (!text)
		return -ENOMEM;
	n = gnode_id(g, &id, NULL);
	if (n == 0)
		n = gofer_readlink(gclient(g->gs), id, text);
	if (n > 0) {
		gnode_keep_link(i, text, (u32)n);
		n = min(n, (ssize_t)size);
		memcpy(buf, text, (size_t)n);
	}
	kfree(text, GOFER_LINK_MAX);
	return n;
}

const struct inode_ops gofer_inode_ops = {
	.getattr = gattr_getattr,
	.setattr = gattr_setattr,
	.getxattr = gattr_getxattr,
	.setxattr = gattr_setxattr,
	.listxattr = gattr_listxattr,
	.removexattr = gattr_removexattr,
	.readlink = gattr_readlink,
};
