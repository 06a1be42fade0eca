/* SPDX-License-Identifier: Apache-2.0 */
/* pid_ns.c - life and death of pid namespaces (pidns.h) */
#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"

static SLAB_CACHE(pid_ns_cache, struct pid_namespace);

static void pid_ns_destroy(struct ns_common *n)
{
	struct pid_namespace *ns = container_of(n, struct pid_namespace, ns);

	/* The parent's reference: 33 levels at most. */
	pid_ns_put(ns->parent);
	ns_fini(n);
	slab_free(&pid_ns_cache, ns);
}

static const struct ns_ops pid_ns_ops = {NS_PID, pid_ns_destroy};

void pid_ns_init_first(struct pid_namespace *ns)
{
	ns_init_first(&ns->ns, &pid_ns_ops, NS_INUM_PID);
}

struct pid_namespace *pid_ns_create(struct task *t, struct pid_namespace *old,
				    const struct cred *cred)
{
	struct pid_namespace *ns;
	int err;

	if (t->tg->pid_ns != old || !user_ns_is_below(cred->user_ns, old->ns.owner))
		return ERR_PTR(-EINVAL);
	if (old->level >= PID_NS_LEVELS_MAX)
		return ERR_PTR(-ENOSPC);
	ns = slab_alloc(&pid_ns_cache);
	if (!ns)
		return ERR_PTR(-ENOMEM);
	err = ns_init(&ns->ns, &pid_ns_ops, cred);
	if (err) {
		slab_free(&pid_ns_cache, ns);
		return ERR_PTR(err);
	}
	ns->parent = pid_ns_get(old);
	ns->level = old->level + 1;
	return ns;
}

bool pid_ns_is_below(const struct pid_namespace *ns, const struct pid_namespace *of)
{
	while (ns && ns != of)
		ns = ns->parent;
	return ns == of;
}

void pid_ns_zap(struct pid_namespace *ns)
{
	struct rb_node *n = rb_first(&ns->numbers);

	mutex_assert_held(&g_kernel->lock);
	ns->dead = true;
	for (; n; n = rb_next(n)) {
		struct task *t = rb_entry(n, struct upid, node)->pid->task;

		if (!t || t->tg == ns->init || t->tg->leader != t || t->tg->exiting)
			continue;
		stop_end(t->tg, false);
		group_exit_locked(t->tg, NULL, SIGKILL);
	}
}

void pid_ns_settle(void)
{
	struct tgroup *tg, *found;

	mutex_assert_held(&g_kernel->lock);
	while (unlikely(g_kernel->zapped)) {
		found = NULL;
		list_for_each_entry (tg, &g_kernel->groups, all_link)
			if (tg->zapping && tg->pid_ns->tasks == 1)
				found = tg;
		if (!found)
			return;
		found->zapping = false;
		g_kernel->zapped--;
		__atomic_store_n(&found->zombie, true, __ATOMIC_RELEASE); /* pidfd_poll looks */
		group_notify_parent(found);
	}
}
