/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_ns.c - IPC namespaces: the tables of System V objects, and POSIX queues (ipc_namespaces(7))
 */
#include "sentry/kernel/ipc.h"

static SLAB_CACHE(ipc_ns_cache, struct ipc_namespace);
static struct mqueue_ns *g_mqueue_first;	    /* const after boot */
static void (*g_mqueue_free)(struct mqueue_ns *mq); /* const after boot */

void ipc_set_mqueue(struct mqueue_ns *first, void (*free_fn)(struct mqueue_ns *mq))
{
	g_mqueue_first = first;
	g_mqueue_free = free_fn;
}

static void ipc_destroy(struct ns_common *n)
{
	struct ipc_namespace *ns = container_of(n, struct ipc_namespace, ns);

	shm_ns_fini(ns);
	sem_ns_fini(ns);
	msg_ns_fini(ns);
	if (ns->mqueue)
		g_mqueue_free(ns->mqueue);
	ns_fini(n);
	slab_free(&ipc_ns_cache, ns);
}

static const struct ns_ops ipc_ns_ops = {NS_IPC, ipc_destroy};

struct ipc_namespace *ipc_ns_create(const struct cred *cred)
{
	struct ipc_namespace *ns = slab_alloc(&ipc_ns_cache);
	int err;

	if (!ns)
		return ERR_PTR(-ENOMEM);
	if (cred) {
		err = ns_init(&ns->ns, &ipc_ns_ops, cred);
		if (err) {
			slab_free(&ipc_ns_cache, ns);
			return ERR_PTR(err);
		}
	} else {
		ns_init_first(&ns->ns, &ipc_ns_ops, NS_INUM_IPC);
		ns->mqueue = g_mqueue_first;
	}
	shm_ns_init(ns);
	sem_ns_init(ns);
	msg_ns_init(ns);
	return ns;
}
