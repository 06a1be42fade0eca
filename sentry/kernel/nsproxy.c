/* SPDX-License-Identifier: Apache-2.0 */
/* nsproxy.c - namespaces of the small kinds, and the set of them that tasks share */
#include <linux/sched.h>

#include "sentry/kernel/ipc.h"
#include "sentry/kernel/pidns.h"
#include "sentry/kernel/process.h"

static SLAB_CACHE(nsproxy_cache, struct nsproxy);
static SLAB_CACHE(uts_cache, struct uts_namespace);
static SLAB_CACHE(net_cache, struct net_namespace);
static SLAB_CACHE(cgroup_cache, struct cgroup_namespace);

/* --- the kinds ----------------------------------------------------------------------------------
 */

static void uts_destroy(struct ns_common *n)
{
	ns_fini(n);
	slab_free(&uts_cache, container_of(n, struct uts_namespace, ns));
}

static void net_destroy(struct ns_common *n)
{
	ns_fini(n);
	slab_free(&net_cache, container_of(n, struct net_namespace, ns));
}

static void cgroup_destroy(struct ns_common *n)
{
	ns_fini(n);
	slab_free(&cgroup_cache, container_of(n, struct cgroup_namespace, ns));
}

static const struct ns_ops uts_ops = {NS_UTS, uts_destroy};
static const struct ns_ops net_ops = {NS_NET, net_destroy};
static const struct ns_ops cgroup_ops = {NS_CGROUP, cgroup_destroy};

/* @cred NULL: the first one, with number @inum. */
static int begin(struct ns_common *n, const struct ns_ops *ops, const struct cred *cred, u32 inum)
{
	if (cred)
		return ns_init(n, ops, cred);
	ns_init_first(n, ops, inum);
	return 0;
}

static struct uts_namespace *uts_create(const struct cred *cred, struct uts_namespace *from,
					const char *nodename, const char *domainname)
{
	struct uts_namespace *uts = slab_alloc(&uts_cache);
	int err;

	if (!uts)
		return ERR_PTR(-ENOMEM);
	err = begin(&uts->ns, &uts_ops, cred, NS_INUM_UTS);
	if (err) {
		slab_free(&uts_cache, uts);
		return ERR_PTR(err);
	}
	mutex_init(&uts->lock, LR_FSPRIV);
	if (from) {
		mutex_lock(&from->lock);
		memcpy(uts->nodename, from->nodename, sizeof(uts->nodename));
		memcpy(uts->domainname, from->domainname, sizeof(uts->domainname));
		mutex_unlock(&from->lock);
	} else {
		strncpy(uts->nodename, nodename, sizeof(uts->nodename) - 1);
		strncpy(uts->domainname, domainname, sizeof(uts->domainname) - 1);
	}
	return uts;
}

static struct net_namespace *net_create(const struct cred *cred)
{
	struct net_namespace *net = slab_alloc(&net_cache);
	int err = net ? begin(&net->ns, &net_ops, cred, 0) : -ENOMEM;

	if (!err) {
		net->first = !cred;
		return net;
	}
	if (net)
		slab_free(&net_cache, net);
	return ERR_PTR(err);
}

static struct cgroup_namespace *cgroup_create(const struct cred *cred)
{
	struct cgroup_namespace *cg = slab_alloc(&cgroup_cache);
	int err = cg ? begin(&cg->ns, &cgroup_ops, cred, NS_INUM_CGROUP) : -ENOMEM;

	if (!err)
		return cg;
	if (cg)
		slab_free(&cgroup_cache, cg);
	return ERR_PTR(err);
}

/* --- the set ------------------------------------------------------------------------------------
 */

void nsproxy_put(struct nsproxy *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	if (p->uts)
		ns_put(&p->uts->ns);
	if (p->ipc)
		ns_put(&p->ipc->ns);
	if (p->net)
		ns_put(&p->net->ns);
	if (p->cgroup)
		ns_put(&p->cgroup->ns);
	if (p->pid_children)
		ns_put(&p->pid_children->ns);
	slab_free(&nsproxy_cache, p);
}

/* A reference on what there is already, unless it is to be new. */
#define SHARE(p, old, member, flag)                  \
	do {                                         \
		if (!(flags & (flag))) {             \
			ns_get(&(old)->member->ns);  \
			(p)->member = (old)->member; \
		}                                    \
	} while (0)

/* A new namespace into @slot; -errno. */
#define MAKE(slot, value)                              \
	do {                                           \
		__typeof__(slot) new_ = (value);       \
		if (IS_ERR(new_)) {                    \
			nsproxy_put(p);                \
			return ERR_PTR(PTR_ERR(new_)); \
		}                                      \
		(slot) = new_;                         \
	} while (0)

static struct nsproxy *alloc(void)
{
	struct nsproxy *p = slab_alloc(&nsproxy_cache);

	if (p)
		ref_init(&p->ref);
	return p;
}

struct nsproxy *nsproxy_first(const char *nodename, const char *domainname)
{
	struct nsproxy *p = alloc();

	if (!p)
		return NULL;
	MAKE(p->uts, uts_create(NULL, NULL, nodename, domainname));
	MAKE(p->ipc, ipc_ns_create(NULL));
	MAKE(p->net, net_create(NULL));
	MAKE(p->cgroup, cgroup_create(NULL));
	p->pid_children = &g_kernel->pids;
	ns_get(&p->pid_children->ns);
	return p;
}

struct nsproxy *nsproxy_copy(struct task *t, const struct nsproxy *old, u64 flags,
			     const struct cred *cred)
{
	struct nsproxy *p = alloc();

	if (!p)
		return ERR_PTR(-ENOMEM);
	SHARE(p, old, uts, CLONE_NEWUTS);
	SHARE(p, old, ipc, CLONE_NEWIPC);
	SHARE(p, old, net, CLONE_NEWNET);
	SHARE(p, old, cgroup, CLONE_NEWCGROUP);
	SHARE(p, old, pid_children, CLONE_NEWPID);
	if (flags & CLONE_NEWUTS)
		MAKE(p->uts, uts_create(cred, old->uts, NULL, NULL));
	if (flags & CLONE_NEWIPC)
		MAKE(p->ipc, ipc_ns_create(cred));
	if (flags & CLONE_NEWPID)
		MAKE(p->pid_children, pid_ns_create(t, old->pid_children, cred));
	if (flags & CLONE_NEWCGROUP)
		MAKE(p->cgroup, cgroup_create(cred));
	if (flags & CLONE_NEWNET)
		MAKE(p->net, net_create(cred));
	return p;
}

struct nsproxy *nsproxy_with(const struct nsproxy *old, struct ns_common *ns)
{
	u64 flags = ns_clone_flag(ns->ops->kind);
	struct nsproxy *p = alloc();

	if (!p)
		return ERR_PTR(-ENOMEM);
	SHARE(p, old, uts, CLONE_NEWUTS);
	SHARE(p, old, ipc, CLONE_NEWIPC);
	SHARE(p, old, net, CLONE_NEWNET);
	SHARE(p, old, cgroup, CLONE_NEWCGROUP);
	SHARE(p, old, pid_children, CLONE_NEWPID);
	ns_get(ns);
	switch (ns->ops->kind) {
	case NS_UTS:
		p->uts = container_of(ns, struct uts_namespace, ns);
		break;
	case NS_IPC:
		p->ipc = container_of(ns, struct ipc_namespace, ns);
		break;
	case NS_NET:
		p->net = container_of(ns, struct net_namespace, ns);
		break;
	case NS_CGROUP:
		p->cgroup = container_of(ns, struct cgroup_namespace, ns);
		break;
	case NS_PID:
		p->pid_children = container_of(ns, struct pid_namespace, ns);
		break;
	default:
		BUG("namespace of kind %d in a set", ns->ops->kind);
	}
	return p;
}
