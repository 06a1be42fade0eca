/* SPDX-License-Identifier: Apache-2.0 */
/* mount_ns.c - mount namespaces: made at boot, copied by clone and unshare */
#include "fs/vfs/mount_internal.h"

#include "sentry/arena/arena.h"

static SLAB_CACHE(g_ns_cache, struct mnt_namespace);

static void ns_destroy(struct ns_common *n);
static const struct ns_ops mnt_ns_ops = {NS_MNT, ns_destroy};

struct ns_common *mnt_ns_common(struct mnt_namespace *ns)
{
	return &ns->common;
}

struct mnt_namespace *mnt_ns_of(struct ns_common *ns)
{
	return container_of(ns, struct mnt_namespace, common);
}

/* @cred NULL: one that boot makes. */
static struct mnt_namespace *ns_alloc(const struct cred *cred)
{
	struct mnt_namespace *ns = slab_alloc(&g_ns_cache);
	int err = 0;

	if (!ns)
		return ERR_PTR(-ENOMEM);
	if (cred)
		err = ns_init(&ns->common, &mnt_ns_ops, cred);
	else
		ns_init_first(&ns->common, &mnt_ns_ops, 0);
	if (err) {
		slab_free(&g_ns_cache, ns);
		return ERR_PTR(err);
	}
	list_init(&ns->mounts);
	waitq_init(&ns->wait);
	return ns;
}

struct mnt_namespace *mnt_ns_create(struct super_block *root_sb, u32 mnt_flags, const char *source)
{
	struct mnt_namespace *ns = ns_alloc(NULL);

	if (IS_ERR(ns))
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
	ns_get(&ns->common);
	return ns;
}

void mnt_ns_put(struct mnt_namespace *ns)
{
	if (ns)
		ns_put(&ns->common);
}

static void ns_destroy(struct ns_common *n)
{
	struct mnt_namespace *ns = mnt_ns_of(n);
	struct list gone = LIST_INIT(gone);

	rwlock_write(&g_mounts.lock);
	mount_unlink_tree(ns->root, &gone);
	rwlock_write_unlock(&g_mounts.lock);
	mounts_release(&gone);
	waitq_fini(&ns->wait);
	ns_fini(n);
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
	struct mnt_namespace *new = ns_alloc(c->cred);
	struct list copy = LIST_INIT(copy);
	int err;

	if (IS_ERR(new))
		return new;
	rwlock_write(&g_mounts.lock);
	err = mount_copy_tree(ns->root, ns->root->root, COPY_ALL, &copy);
	if (!err) {
		bool demote = new->common.owner != ns->common.owner;

		fix_paths(&copy, fix, nfix);
		new->root = list_first(&copy, struct mount, work);
		mount_link_tree(&copy, NULL, NULL, new, demote ? COPY_DEMOTE : COPY_SAME);
		if (demote)
			mount_lock_tree(new->root, false);
	}
	rwlock_write_unlock(&g_mounts.lock);
	if (!err)
		return new;
	mounts_drop_copies(&copy);
	ns_fini(&new->common);
	slab_free(&g_ns_cache, new);
	return ERR_PTR(err);
}
