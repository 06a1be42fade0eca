/* SPDX-License-Identifier: Apache-2.0 */
/* mount.c - the mount tree: what is mounted where
 *
 * Theory of operation
 * g_mounts.lock guards the trees of all namespaces: parent, mountpoint, lists, flags. Walks take it
 * for reading, and only at dentries that have something mounted on them somewhere (d->mounts). A
 * mount in a namespace holds one reference for being there; paths hold the others, so a mount is
 * busy when it has more. Detached mounts live on until their last path goes.
 */
#include "fs/vfs/mount_internal.h"

#include "sentry/arena/arena.h"

#define MOUNT_LIMIT 10000

static SLAB_CACHE(g_mount_cache, struct mount);

struct mounts g_mounts;

void mount_init(void)
{
	rwlock_init(&g_mounts.lock, LR_MOUNT);
	for (unsigned i = 0; i < MOUNT_BUCKETS; i++)
		list_init(&g_mounts.bucket[i]);
	g_mounts.next_id = 1;
	g_mounts.next_group = 1;
	g_mounts.limit = MOUNT_LIMIT;
	g_mounts.count = 0;
}

static struct list *bucket_of(const struct mount *parent, const struct dentry *d)
{
	u64 h = (u64)(uintptr_t)parent / 64 ^ (u64)(uintptr_t)d / 64 * 0x9e3779b97f4a7c15ull;

	return &g_mounts.bucket[h >> 32 & (MOUNT_BUCKETS - 1)];
}

struct mount *mount_create(struct super_block *sb, struct dentry *root, u32 flags,
			   const char *source)
{
	struct mount *m = slab_alloc(&g_mount_cache);

	if (!m)
		return NULL;
	m->source_size = strlen(source) + 1;
	m->source = kalloc(m->source_size);
	if (!m->source) {
		slab_free(&g_mount_cache, m);
		return NULL;
	}
	memcpy(m->source, source, m->source_size);
	ref_init(&m->ref);
	m->sb = sb_get(sb);
	m->root = dentry_get(root);
	m->flags = flags & MOUNT_FLAGS;
	if (!(m->flags & (MS_NOATIME | MS_STRICTATIME)))
		m->flags |= MS_RELATIME;
	m->propagation = MS_PRIVATE;
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave);
	list_init(&m->ring);
	list_init(&m->in_ns);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->bucket);
	list_init(&m->work);
	m->id = __atomic_fetch_add(&g_mounts.next_id, 1, __ATOMIC_RELAXED);
	return m;
}

struct mount *mount_get(struct mount *m)
{
	ref_get(&m->ref);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || !ref_put(&m->ref))
		return;
	dentry_put(m->root);
	sb_put(m->sb);
	kfree(m->source, m->source_size);
	slab_free(&g_mount_cache, m);
}

void path_get(const struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

struct mount *mount_find(struct mount *parent, struct dentry *d)
{
	struct mount *m;

	list_for_each_entry (m, bucket_of(parent, d), bucket)
		if (m->parent == parent && m->mountpoint == d)
			return m;
	return NULL;
}

struct mount *mount_lookup(struct mount *parent, struct dentry *d)
{
	struct mount *m;

	rwlock_read(&g_mounts.lock);
	m = mount_find(parent, d);
	if (m)
		mount_get(m);
	rwlock_read_unlock(&g_mounts.lock);
	return m;
}

bool mount_parent(struct mount *m, struct path *out)
{
	bool found = false;

	rwlock_read(&g_mounts.lock);
	if (m->parent) {
		out->mnt = m->parent;
		out->dentry = m->mountpoint;
		path_get(out);
		found = true;
	}
	rwlock_read_unlock(&g_mounts.lock);
	return found;
}

bool mount_in_ns(const struct mount *m, const struct mnt_namespace *ns)
{
	return m->ns == ns && !m->detached;
}

void mount_link(struct mount *m, struct mount *parent, struct dentry *mountpoint,
		struct mnt_namespace *ns)
{
	m->parent = parent;
	m->ns = ns;
	m->detached = false;
	list_append(&ns->mounts, &m->in_ns);
	g_mounts.count++;
	if (parent) {
		m->mountpoint = dentry_get(mountpoint);
		atomic_fetch_add(&mountpoint->mounts, 1);
		list_push(bucket_of(parent, mountpoint), &m->bucket);
		list_append(&parent->children, &m->sibling);
	}
	ns->event++;
	waitq_wake(&ns->wait, 0x0002 | 0x0008); /* POLLPRI, POLLERR */
}

void mount_unlink(struct mount *m, struct list *gone)
{
	if (m->ns) {
		m->ns->event++;
		waitq_wake(&m->ns->wait, 0x0002 | 0x0008);
		g_mounts.count--;
	}
	list_del(&m->in_ns);
	list_del(&m->bucket);
	list_del(&m->sibling);
	m->ns = NULL;
	m->parent = NULL;
	m->detached = true;
	if (m->mountpoint)
		atomic_fetch_sub(&m->mountpoint->mounts, 1);
	list_append(gone, &m->work);
}

void mount_unlink_tree(struct mount *m, struct list *gone)
{
	struct mount *leaf = m, *up;

	for (;;) {
		while (!list_empty(&leaf->children))
			leaf = list_first(&leaf->children, struct mount, sibling);
		up = leaf->parent;
		mount_set_propagation(leaf, MS_PRIVATE);
		mount_unlink(leaf, gone);
		if (leaf == m)
			return;
		leaf = up;
	}
}

void mount_unlink_told(struct mount *m, struct list *gone)
{
	struct mount *leaf = m, *up;

	for (;;) {
		while (!list_empty(&leaf->children))
			leaf = list_first(&leaf->children, struct mount, sibling);
		up = leaf->parent;
		mount_unlink_echoes(leaf, gone);
		mount_set_propagation(leaf, MS_PRIVATE);
		mount_unlink(leaf, gone);
		if (leaf == m)
			return;
		leaf = up;
	}
}

struct mount *mount_next(struct mount *m, struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first(&m->children, struct mount, sibling);
	while (m != top) {
		if (m->sibling.next != &m->parent->children)
			return list_entry(m->sibling.next, struct mount, sibling);
		m = m->parent;
	}
	return NULL;
}

void mounts_release(struct list *gone)
{
	struct mount *m;

	while (!list_empty(gone)) {
		m = list_first(gone, struct mount, work);
		list_del(&m->work);
		if (m->mountpoint)
			dentry_put(m->mountpoint);
		m->mountpoint = NULL;
		mount_put(m);
	}
}

static struct mount *copy_one(struct mount *m, struct dentry *root)
{
	struct mount *copy = mount_create(m->sb, root, m->flags, m->source);

	if (!copy)
		return NULL;
	copy->copy_of = m;
	copy->locked = m->locked;
	copy->locked_flags = m->locked_flags;
	copy->atime_locked = m->atime_locked;
	return copy;
}

int mount_copy_tree(struct mount *m, struct dentry *root, enum mount_tree what, struct list *out)
{
	struct mount *copy = copy_one(m, root), *child, *top = copy;

	if (!copy)
		return -ENOMEM;
	list_append(out, &copy->work);
	if (what == COPY_ONE)
		return 0;
	list_for_each_entry (copy, out, work) {
		list_for_each_entry (child, &copy->copy_of->children, sibling) {
			struct mount *n;

			if (copy == top && !dentry_is_below(child->mountpoint, root))
				continue;
			if (what == COPY_BINDABLE && (child->propagation & MS_UNBINDABLE))
				continue;
			n = copy_one(child, child->root);
			if (!n || g_mounts.count >= g_mounts.limit) {
				mount_put(n);
				return n ? -ENOSPC : -ENOMEM;
			}
			n->parent = copy;
			n->mountpoint = child->mountpoint;
			list_append(out, &n->work);
			g_mounts.count++;
		}
	}
	list_for_each_entry (copy, out, work)
		if (copy != top)
			g_mounts.count--;
	return 0;
}

void mount_link_tree(struct list *copy, struct mount *parent, struct dentry *mountpoint,
		     struct mnt_namespace *ns, enum mount_copy how)
{
	struct mount *m, *old;
	bool top = true;

	while (!list_empty(copy)) {
		m = list_first(copy, struct mount, work);
		list_del(&m->work);
		old = m->copy_of;
		m->copy_of = NULL;
		mount_link(m, top ? parent : m->parent, top ? mountpoint : m->mountpoint, ns);
		mount_copied(m, old, how);
		top = false;
	}
}

void mounts_drop_copies(struct list *copy)
{
	struct mount *m;

	while (!list_empty(copy)) {
		m = list_first(copy, struct mount, work);
		list_del(&m->work);
		m->mountpoint = NULL;
		m->parent = NULL;
		mount_put(m);
	}
}
