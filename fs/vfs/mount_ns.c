/* SPDX-License-Identifier: Apache-2.0 */
/* mount_ns.c - mount namespaces: made at boot, copied by clone and unshare */
#include "fs/vfs/mount_internal.h"

#include "sentry/arena/arena.h"

static SLAB_CACHE(g_ns_cache, struct mnt_namespace);
static _Atomic u64 g_next_ns = 0xf0000000ull;

static struct mnt_namespace *ns_alloc(void)
{
	struct mnt_namespace *ns = slab_alloc(&g_ns_cache);

	if (!ns)
		return NULL;
	ref_init(&ns->ref);
	ns->id = atomic_fetch_add(&g_next_ns, 1);
	list_init(&ns->mounts);
	waitq_init(&ns->wait);
	return ns;
}

struct mnt_namespace *mnt_ns_create(struct super_block *root_sb, u32 mnt_flags, const char *source)
{
	struct mnt_namespace *ns = ns_alloc();

	if (!ns)
		return NULL;
	ns->root = mount_create(root_sb, root_sb->root, mnt_flags, source ? source : "none");
	if (!ns->root) {
		slab_free(&g_ns_cache, ns);
		return NULL;
	}
	rwlock_write(&g_mounts.lock);
	mount_link(ns->root, NULL, NULL, ns);
	rwlock_write_unlock(&g_mounts.lock);
	return ns;
}

struct mnt_namespace *mnt_ns_get(struct mnt_namespace *ns)
{
	ref_get(&ns->ref);
	return ns;
}

void mnt_ns_put(struct mnt_namespace *ns)
{
	struct list gone = LIST_INIT(gone);

	if (!ns || !ref_put(&ns->ref))
		return;
	rwlock_write(&g_mounts.lock);
	mount_unlink_tree(ns->root, &gone);
	rwlock_write_unlock(&g_mounts.lock);
	mounts_release(&gone);
	waitq_fini(&ns->wait);
	slab_free(&g_ns_cache, ns);
}

void mnt_ns_root(struct mnt_namespace *ns, struct path *out)
{
	struct mount *top;

	rwlock_read(&g_mounts.lock);
	out->mnt = ns->root;
	out->dentry = ns->root->root;
	path_get(out);
	rwlock_read_unlock(&g_mounts.lock);
	/* What is mounted over the root counts. */
	while ((top = mount_lookup(out->mnt, out->dentry))) {
		path_put(out);
		out->mnt = top;
		out->dentry = dentry_get(top->root);
	}
}

/* Moves the paths that are in mounts which were copied to the copies. */
static void fix_paths(struct list *copy, struct path *fix, unsigned nfix)
{
	struct mount *m;

	for (unsigned i = 0; i < nfix; i++)
		list_for_each_entry (m, copy, work)
			if (fix[i].mnt == m->copy_of) {
				/* The namespace that is copied still holds the old one. */
				bool last = ref_put(&fix[i].mnt->ref);

				BUG_ON(last);
				fix[i].mnt = mount_get(m);
				break;
			}
}

struct mnt_namespace *mnt_ns_copy(struct caller *c, struct mnt_namespace *ns, struct path *fix,
				  unsigned nfix)
{
	struct mnt_namespace *new = ns_alloc();
	struct list copy = LIST_INIT(copy);
	int err;

	if (!new)
		return ERR_PTR(-ENOMEM);
	rwlock_write(&g_mounts.lock);
	err = mount_copy_tree(ns->root, ns->root->root, true, &copy);
	if (!err) {
		fix_paths(&copy, fix, nfix);
		new->root = list_first(&copy, struct mount, work);
		mount_link_tree(&copy, NULL, NULL, new);
	}
	rwlock_write_unlock(&g_mounts.lock);
	if (!err)
		return new;
	struct mount *m;

	while (!list_empty(&copy)) {
		m = list_first(&copy, struct mount, work);
		list_del(&m->work);
		m->mountpoint = NULL;
		mount_put(m);
	}
	slab_free(&g_ns_cache, new);
	return ERR_PTR(err);
}
