/* SPDX-License-Identifier: Apache-2.0 */
/* attr.c - attributes and extended attributes of overlay's inodes, and the text of links */
#include "fs/overlay/overlay_internal.h"
#include "sentry/arena/arena.h"

#define BUFFER_ORDER 4
#define BUFFER_SIZE  (PAGE_SIZE << BUFFER_ORDER)

int ovl_getattr(struct caller *c, struct inode *i, struct kstat *out)
{
	if (ovl_node(i)->own_data)
		return memnode_getattr(c, i, out);
	inode_fill_stat(i, out);
	return 0;
}

int ovl_setattr(struct caller *c, struct inode *i, const struct attr *a)
{
	int err;

	mutex_assert_held(&i->lock);
	ovl_keep(i);
	if ((a->valid & ATTR_SIZE) && S_ISREG(i->mode)) {
		err = ovl_copy_up(c, i, a->size);
		return err ? err : memnode_setattr(c, i, a);
	}
	inode_apply_attr(i, a);
	return 0;
}

/* --- extended attributes -----------------------------------------------------------------------
 */

ssize_t ovl_getxattr(struct caller *c, struct inode *i, const char *name, void *buf, size_t size)
{
	struct inode *lower;

	if (ovl_node(i)->own_xattrs)
		return memnode_getxattr(c, i, name, buf, size);
	lower = ovl_lower(i);
	return lower->op->getxattr ? lower->op->getxattr(c, lower, name, buf, size) : -ENODATA;
}

ssize_t ovl_listxattr(struct caller *c, struct inode *i, char *buf, size_t size)
{
	struct inode *lower;
	ssize_t n;

	if (ovl_node(i)->own_xattrs)
		return memnode_listxattr(c, i, buf, size);
	lower = ovl_lower(i);
	n = lower->op->listxattr ? lower->op->listxattr(c, lower, buf, size) : 0;
	return n == -EOPNOTSUPP ? 0 : n;
}

/* Lower's attributes, whose @n bytes of names are in @names, into memory; @value: BUFFER_SIZE. */
static int copy_values(struct caller *c, struct inode *i, const char *names, ssize_t n, void *value)
{
	struct inode *lower = ovl_lower(i);
	ssize_t size;
	size_t len;
	int err = 0;

	for (ssize_t at = 0; at < n && !err; at += len + 1) {
		len = strnlen(names + at, n - at);
		if (at + (ssize_t)len >= n)
			break;
		size = lower->op->getxattr(c, lower, names + at, value, BUFFER_SIZE);
		if (size >= 0)
			err = memxattr_set(&ovl_node(i)->mem.xattrs, names + at, value, size, 0);
	}
	return err;
}

/* The attributes become our own. Inode lock held. */
static int copy_up_xattrs(struct caller *c, struct inode *i)
{
	struct ovl_node *node = ovl_node(i);
	struct inode *lower;
	char *buf;
	ssize_t n;
	int err;

	if (node->own_xattrs)
		return 0;
	lower = ovl_lower(i);
	if (lower->op->listxattr && lower->op->getxattr) {
		buf = page_alloc_dirty(BUFFER_ORDER + 1);
		if (!buf)
			return -ENOMEM;
		n = lower->op->listxattr(c, lower, buf, BUFFER_SIZE);
		err = copy_values(c, i, buf, n, buf + BUFFER_SIZE);
		page_free(buf, BUFFER_ORDER + 1);
		if (err) {
			memxattr_fini(&node->mem.xattrs);
			return err;
		}
	}
	node->own_xattrs = true;
	ovl_keep(i);
	return 0;
}

int ovl_setxattr(struct caller *c, struct inode *i, const char *name, const void *buf, size_t size,
		 int flags)
{
	int err = copy_up_xattrs(c, i);

	return err ? err : memnode_setxattr(c, i, name, buf, size, flags);
}

int ovl_removexattr(struct caller *c, struct inode *i, const char *name)
{
	int err = copy_up_xattrs(c, i);

	return err ? err : memnode_removexattr(c, i, name);
}

/* --- tables ------------------------------------------------------------------------------------
 */

static ssize_t ovl_readlink(struct caller *c, struct inode *i, char *buf, size_t size)
{
	struct inode *lower;
	size_t n;

	if (!ovl_node(i)->lower) {
		n = min((size_t)i->link_len, size);
		memcpy(buf, atomic_load(&i->link), n);
		return n;
	}
	lower = ovl_lower(i);
	return lower->op->readlink ? lower->op->readlink(c, lower, buf, size) : -EINVAL;
}

#define ATTR_OPS                                                                  \
	.getattr = ovl_getattr, .setattr = ovl_setattr, .getxattr = ovl_getxattr, \
	.setxattr = ovl_setxattr, .listxattr = ovl_listxattr, .removexattr = ovl_removexattr

const struct inode_ops ovl_file_ops = {ATTR_OPS};
const struct inode_ops ovl_link_ops = {ATTR_OPS, .readlink = ovl_readlink};
