/* SPDX-License-Identifier: Apache-2.0 */
/* userns.c - user namespaces: life, capabilities over them, translation of ids */
#include "sentry/auth/userns.h"

#include "sentry/arena/arena.h"

static SLAB_CACHE(user_ns_cache, struct user_namespace);

static void user_ns_destroy(struct ns_common *n);
static const struct ns_ops user_ns_ops = {NS_USER, user_ns_destroy};

/* Never put, never entered: what stands for NULL where an object is shown. */
static struct user_namespace g_initial = {
	.ns = {.ref = {1}, .ops = &user_ns_ops, .inum = NS_INUM_USER},
};

struct user_namespace *user_ns_initial(void)
{
	return &g_initial;
}

struct user_namespace *user_ns_get(struct user_namespace *ns)
{
	if (ns)
		ref_get(&ns->ns.ref);
	return ns;
}

void user_ns_put(struct user_namespace *ns)
{
	if (ns)
		ns_put(&ns->ns);
}

/* The parent's reference goes in ns_fini: 33 levels at most. */
static void user_ns_destroy(struct ns_common *n)
{
	struct user_namespace *ns = container_of(n, struct user_namespace, ns);

	for (int i = 0; i < ID_KINDS; i++)
		if (ns->map[i].extent)
			kfree(ns->map[i].extent,
			      atomic_load(&ns->map[i].count) * sizeof(struct id_extent));
	BUG_ON(!list_empty(&ns->counts));
	ns_fini(&ns->ns);
	slab_free(&user_ns_cache, ns);
}

static bool could_setfcap(const struct cred *c)
{
	return c->effective >> 31 & 1; /* CAP_SETFCAP */
}

void user_ns_enter(struct cred *new, struct user_namespace *ns)
{
	struct user_namespace *old = new->user_ns;

	new->user_ns = user_ns_get(ns);
	new->securebits = 0;
	new->inheritable = new->ambient = 0;
	new->permitted = new->effective = new->bounding = CAP_FULL;
	user_ns_put(old);
}

int user_ns_create(struct cred *new)
{
	struct user_namespace *parent = new->user_ns, *ns;
	u32 level = parent ? parent->level + 1 : 1;
	int err;

	if (level > USER_NS_LEVELS_MAX)
		return -ENOSPC;
	if (parent && (user_ns_to_inner(parent, ID_USER, new->euid) == NO_ID ||
		       user_ns_to_inner(parent, ID_GROUP, new->egid) == NO_ID))
		return -EPERM;
	ns = slab_alloc(&user_ns_cache);
	if (!ns)
		return -ENOMEM;
	err = ns_init(&ns->ns, &user_ns_ops, new);
	if (err) {
		slab_free(&user_ns_cache, ns);
		return err;
	}
	mutex_init(&ns->lock, LR_FSPRIV);
	list_init(&ns->counts);
	for (int i = 0; i < NS_KINDS; i++)
		ns->limit[i] = INT32_MAX;
	ns->level = level;
	ns->owner = new->euid;
	ns->group = new->egid;
	ns->parent_could_setfcap = could_setfcap(new);
	ns->setgroups_denied = parent && atomic_load(&parent->setgroups_denied);
	user_ns_enter(new, ns);
	user_ns_put(ns);
	return 0;
}

bool user_ns_is_below(const struct user_namespace *ns, const struct user_namespace *of)
{
	while (ns && ns != of)
		ns = user_ns_parent(ns);
	return ns == of;
}

bool cred_capable_below(const struct cred *c, const struct user_namespace *ns, int cap)
{
	for (; ns; ns = user_ns_parent(ns)) {
		if (ns == c->user_ns)
			return cred_capable_own(c, cap);
		/* Who has made it has all capabilities in it, seen from the parent. */
		if (user_ns_parent(ns) == c->user_ns && ns->owner == c->euid)
			return true;
	}
	return cred_capable(c, cap);
}

/* --- ids ----------------------------------------------------------------------------------------
 */

u32 user_ns_to_inner(const struct user_namespace *ns, enum id_kind kind, u32 id)
{
	const struct id_map *m;
	u32 n;

	if (!ns)
		return id;
	m = &ns->map[kind];
	n = atomic_load_explicit(&((struct id_map *)(uintptr_t)m)->count, memory_order_acquire);
	for (u32 i = 0; i < n; i++)
		if (id - m->extent[i].lower < m->extent[i].count && id >= m->extent[i].lower)
			return m->extent[i].first + (id - m->extent[i].lower);
	return NO_ID;
}

u32 user_ns_to_kernel(const struct user_namespace *ns, enum id_kind kind, u32 id)
{
	const struct id_map *m;
	u32 n;

	if (!ns)
		return id;
	m = &ns->map[kind];
	n = atomic_load_explicit(&((struct id_map *)(uintptr_t)m)->count, memory_order_acquire);
	for (u32 i = 0; i < n; i++)
		if (id >= m->extent[i].first && id - m->extent[i].first < m->extent[i].count)
			return m->extent[i].lower + (id - m->extent[i].first);
	return NO_ID;
}

u32 id_out_slow(const struct user_namespace *ns, enum id_kind kind, u32 id)
{
	u32 r = user_ns_to_inner(ns, kind, id);

	return r == NO_ID ? OVERFLOW_ID : r;
}

bool cred_ids_mapped(const struct cred *c, u32 uid, u32 gid)
{
	return user_ns_to_inner(c->user_ns, ID_USER, uid) != NO_ID &&
	       user_ns_to_inner(c->user_ns, ID_GROUP, gid) != NO_ID;
}
