/* SPDX-License-Identifier: Apache-2.0 */
/* memxattr.c - extended attributes kept in memory: a list, as files have few */
#include <sys/xattr.h>

#include "fs/vfs/memdata.h"
#include "sentry/arena/arena.h"

#define XATTR_BYTES_MAX 65536u

struct memxattr {
	struct list node;
	u32 name_len, size;
	char data[]; /* name with its 0, value */
};

static size_t entry_size(u32 name_len, u32 size)
{
	return sizeof(struct memxattr) + name_len + 1 + size;
}

void memxattr_init(struct memxattrs *x)
{
	list_init(&x->names);
	x->bytes = 0;
}

static void entry_free(struct memxattrs *x, struct memxattr *e)
{
	list_del(&e->node);
	x->bytes -= entry_size(e->name_len, e->size);
	kfree(e, entry_size(e->name_len, e->size));
}

void memxattr_fini(struct memxattrs *x)
{
	while (!list_empty(&x->names))
		entry_free(x, list_first(&x->names, struct memxattr, node));
}

static struct memxattr *entry_find(struct memxattrs *x, const char *name)
{
	struct memxattr *e;

	list_for_each_entry (e, &x->names, node)
		if (strcmp(e->data, name) == 0)
			return e;
	return NULL;
}

ssize_t memxattr_get(struct memxattrs *x, const char *name, void *buf, size_t size)
{
	struct memxattr *e = entry_find(x, name);

	if (!e)
		return -ENODATA;
	if (!size)
		return e->size;
	if (e->size > size)
		return -ERANGE;
	memcpy(buf, e->data + e->name_len + 1, e->size);
	return e->size;
}

int memxattr_set(struct memxattrs *x, const char *name, const void *buf, size_t size, int flags)
{
	struct memxattr *old = entry_find(x, name), *e;
	u32 len = strlen(name), was = old ? entry_size(old->name_len, old->size) : 0;

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (size > XATTR_BYTES_MAX || x->bytes - was + entry_size(len, size) > XATTR_BYTES_MAX)
		return -ENOSPC;
	e = kalloc(entry_size(len, size));
	if (!e)
		return -ENOMEM;
	e->name_len = len;
	e->size = size;
	memcpy(e->data, name, len + 1);
	if (size)
		memcpy(e->data + len + 1, buf, size);
	if (old)
		entry_free(x, old);
	list_append(&x->names, &e->node);
	x->bytes += entry_size(len, size);
	return 0;
}

ssize_t memxattr_list(struct memxattrs *x, char *buf, size_t size)
{
	struct memxattr *e;
	size_t n = 0;

	list_for_each_entry (e, &x->names, node) {
		if (size && n + e->name_len + 1 > size)
			return -ERANGE;
		if (size)
			memcpy(buf + n, e->data, e->name_len + 1);
		n += e->name_len + 1;
	}
	return n;
}

int memxattr_remove(struct memxattrs *x, const char *name)
{
	struct memxattr *e = entry_find(x, name);

	if (!e)
		return -ENODATA;
	entry_free(x, e);
	return 0;
}
