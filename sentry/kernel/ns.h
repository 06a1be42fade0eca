/* SPDX-License-Identifier: Apache-2.0 */
/* ns.h - the namespaces of a task (namespaces(7))
 *
 * Theory of operation: a task points at one struct nsproxy, which is never changed and shared by
 * all tasks with the same namespaces: one reference at clone. Not in it are the mount namespace
 * (task.mnt_ns, vfs's), the user namespace (cred.user_ns), and the pid namespace that the task's
 * own number is of (tgroup.pid_ns; the nsproxy has the one that children are born in).
 *
 * Every namespace begins with a struct ns_common; NULL as user namespace means the initial one.
 */
#ifndef SENTRY_KERNEL_NS_H
#define SENTRY_KERNEL_NS_H

#include "sentry/auth/ns.h"
#include "sentry/base/lock.h"
#include "sentry/base/rbtree.h"

struct file;
struct ipc_namespace;
struct path;
struct pid_namespace;
struct task;

struct uts_namespace {
	struct ns_common ns;
	struct mutex lock; /* guards below */
	char nodename[65], domainname[65];
};

/* What sockets belong to: abstract names of AF_UNIX are its own. All but the first are cut off:
 * they have nothing but a loopback interface, and no internet sockets. */
struct net_namespace {
	struct ns_common ns;
	bool first; /* const */
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct ref ref;
	/* const: references */
	struct uts_namespace *uts;
	struct ipc_namespace *ipc;
	struct net_namespace *net;
	struct cgroup_namespace *cgroup;
	struct pid_namespace *pid_children;
};

#define NSPROXY_FLAGS (CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWPID)

/* Of process 1. NULL: no memory. */
struct nsproxy *nsproxy_first(const char *nodename, const char *domainname);
/* As @old, but with new namespaces of @flags (CLONE_NEW*), which @t makes with @cred. ERR_PTR. */
struct nsproxy *nsproxy_copy(struct task *t, const struct nsproxy *old, u64 flags,
			     const struct cred *cred);
/* As @old, but with @ns. ERR_PTR. */
struct nsproxy *nsproxy_with(const struct nsproxy *old, struct ns_common *ns);
void nsproxy_put(struct nsproxy *p);

/* nsfs.c: namespaces as files. The place of @ns (reference taken), for /proc/PID/ns: 0 or -ENOMEM.
 */
int nsfs_path(struct ns_common *ns, struct path *out);
/* The namespace of an open file (borrowed); NULL: it is none. */
struct ns_common *nsfs_of(struct file *f);
int nsfs_init(void);
/* A namespace of @t, of @kind or (@children) where its children are born: a reference, or NULL when
 * it has exited. [T] */
struct ns_common *task_ns(struct task *t, enum ns_kind kind, bool children);

/* task_setns.c: setns(2). */
long task_setns(struct task *t, int fd, u32 flags);

#endif
