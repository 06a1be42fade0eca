/* SPDX-License-Identifier: Apache-2.0 */
/* ns.h - what all kinds of namespaces have in common (namespaces(7))
 *
 * Each kind's structure begins with a struct ns_common. It belongs to a user namespace, whose
 * capabilities count for it; NULL stands for the initial user namespace everywhere, so that a
 * sandbox without namespaces of its own pays one comparison. A namespace is counted to its maker in
 * each user namespace from its owner up (/proc/sys/user).
 */
#ifndef SENTRY_AUTH_NS_H
#define SENTRY_AUTH_NS_H

#include "sentry/base/ref.h"

struct cred;
struct user_namespace;

enum ns_kind { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_USER, NS_UTS, NS_KINDS };

/* Numbers that Linux gives to the first namespaces. */
enum {
	NS_INUM_IPC = 0xefffffff,
	NS_INUM_UTS = 0xeffffffe,
	NS_INUM_USER = 0xeffffffd,
	NS_INUM_PID = 0xeffffffc,
	NS_INUM_CGROUP = 0xeffffffb,
};

struct ns_common;
/* Of a kind: const tables. */
struct ns_ops {
	enum ns_kind kind;
	void (*destroy)(struct ns_common *n); /* the last reference is gone: ns_fini, frees */
};

struct ns_common { /* first member of each kind's structure */
	struct ref ref;
	/* const after ns_init */
	const struct ns_ops *ops;
	u32 inum;
	struct user_namespace *owner; /* reference; of a user namespace: its parent */
	u32 maker;		      /* user id that it is counted to */
	bool counted;
};

/* A namespace that @cred makes, in @cred's user namespace: 0, or -ENOSPC by the limits. */
int ns_init(struct ns_common *n, const struct ns_ops *ops, const struct cred *cred);
/* One of those that are there from the start: not counted. @inum 0: the next number. */
void ns_init_first(struct ns_common *n, const struct ns_ops *ops, u32 inum);
static inline void ns_get(struct ns_common *n)
{
	ref_get(&n->ref);
}
static inline void ns_put(struct ns_common *n)
{
	if (n && ref_put(&n->ref))
		n->ops->destroy(n);
}
/* In destroy, before the memory is freed. */
void ns_fini(struct ns_common *n);
/* CLONE_NEW*, and the name in /proc/PID/ns. */
u32 ns_clone_flag(enum ns_kind kind);
const char *ns_name(enum ns_kind kind);

/* Limits of /proc/sys/user, of @ns. */
u32 ns_limit(const struct user_namespace *ns, enum ns_kind kind);
void ns_set_limit(struct user_namespace *ns, enum ns_kind kind, u32 limit);

#endif
