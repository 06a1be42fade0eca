/* SPDX-License-Identifier: Apache-2.0 */
/* ns.c - life of namespaces of all kinds, and the limits on their number (namespaces(7))
 *
 * Theory of operation: a namespace that a user makes in a user namespace is counted there to him,
 * in the parent to the owner of that user namespace, and so on up to the initial one; each has its
 * limits. So a guest that makes user namespaces gets no more than the limits of whoever began.
 */
#include "sentry/auth/ns.h"

#include <linux/sched.h>

#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"

#define LIMIT_FIRST 63000u

/* What one user has made in one user namespace. */
struct ns_count {
	struct list link;
	u32 uid, total;
	u32 count[NS_KINDS];
};
static SLAB_CACHE(count_cache, struct ns_count);

static struct mutex g_lock = MUTEX_INIT(LR_FSPRIV); /* counts and limits */
/* Of the initial user namespace. */
static struct list g_counts = LIST_INIT(g_counts);
static u32 g_limit[NS_KINDS] = {LIMIT_FIRST, LIMIT_FIRST, LIMIT_FIRST, LIMIT_FIRST,
				LIMIT_FIRST, LIMIT_FIRST, LIMIT_FIRST};
static _Atomic u32 g_next_inum = 0xf0000000u;

static const struct {
	u32 flag;
	const char *name;
} g_kinds[] = {
	[NS_CGROUP] = {CLONE_NEWCGROUP, "cgroup"}, [NS_IPC] = {CLONE_NEWIPC, "ipc"},
	[NS_MNT] = {CLONE_NEWNS, "mnt"},	   [NS_NET] = {CLONE_NEWNET, "net"},
	[NS_PID] = {CLONE_NEWPID, "pid"},	   [NS_USER] = {CLONE_NEWUSER, "user"},
	[NS_UTS] = {CLONE_NEWUTS, "uts"},
};
static_assert(sizeof(g_kinds) / sizeof(g_kinds[0]) == NS_KINDS, "one entry a kind");

u32 ns_clone_flag(enum ns_kind kind)
{
	return g_kinds[kind].flag;
}

const char *ns_name(enum ns_kind kind)
{
	return g_kinds[kind].name;
}

/* --- counts -------------------------------------------------------------------------------------
 */

static struct ns_count *count_of(struct user_namespace *ns, u32 uid, bool make)
{
	struct list *all = ns ? &ns->counts : &g_counts;
	struct ns_count *c;

	list_for_each_entry (c, all, link)
		if (c->uid == uid)
			return c;
	c = make ? slab_alloc(&count_cache) : NULL;
	if (c) {
		c->uid = uid;
		list_push(all, &c->link);
	}
	return c;
}

static void count_drop(struct ns_count *c)
{
	if (c->total)
		return;
	list_del(&c->link);
	slab_free(&count_cache, c);
}

/* Takes back what was counted from @ns up to @end (not included). */
static void uncount(struct user_namespace *ns, const struct user_namespace *end, bool all, u32 uid,
		    enum ns_kind kind)
{
	while (all || ns != end) {
		struct ns_count *c = count_of(ns, uid, false);

		BUG_ON(!c || !c->count[kind]);
		c->count[kind]--;
		c->total--;
		count_drop(c);
		if (!ns)
			return;
		uid = ns->owner;
		ns = user_ns_parent(ns);
	}
}

static int count(struct user_namespace *first, u32 maker, enum ns_kind kind)
{
	struct user_namespace *ns = first;
	u32 uid = maker;

	for (;;) {
		struct ns_count *c = count_of(ns, uid, true);

		if (!c || c->count[kind] >= (ns ? ns->limit[kind] : g_limit[kind])) {
			if (c)
				count_drop(c);
			uncount(first, ns, false, maker, kind);
			return c ? -ENOSPC : -ENOMEM;
		}
		c->count[kind]++;
		c->total++;
		if (!ns)
			return 0;
		uid = ns->owner;
		ns = user_ns_parent(ns);
	}
}

u32 ns_limit(const struct user_namespace *ns, enum ns_kind kind)
{
	return __atomic_load_n(ns ? &ns->limit[kind] : &g_limit[kind], __ATOMIC_RELAXED);
}

void ns_set_limit(struct user_namespace *ns, enum ns_kind kind, u32 limit)
{
	mutex_lock(&g_lock);
	__atomic_store_n(ns ? &ns->limit[kind] : &g_limit[kind], limit, __ATOMIC_RELAXED);
	mutex_unlock(&g_lock);
}

/* --- life ---------------------------------------------------------------------------------------
 */

void ns_init_first(struct ns_common *n, const struct ns_ops *ops, u32 inum)
{
	ref_init(&n->ref);
	n->ops = ops;
	n->inum = inum ? inum : atomic_fetch_add(&g_next_inum, 1);
	n->owner = NULL;
	n->counted = false;
}

int ns_init(struct ns_common *n, const struct ns_ops *ops, const struct cred *cred)
{
	int err;

	mutex_lock(&g_lock);
	err = count(cred->user_ns, cred->euid, ops->kind);
	mutex_unlock(&g_lock);
	if (err)
		return err;
	ns_init_first(n, ops, 0);
	n->owner = user_ns_get(cred->user_ns);
	n->maker = cred->euid;
	n->counted = true;
	return 0;
}

void ns_fini(struct ns_common *n)
{
	if (n->counted) {
		mutex_lock(&g_lock);
		uncount(n->owner, NULL, true, n->maker, n->ops->kind);
		mutex_unlock(&g_lock);
	}
	user_ns_put(n->owner);
	n->owner = NULL;
}
