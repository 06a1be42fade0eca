/* SPDX-License-Identifier: Apache-2.0 */
/* pidns.h - pid namespaces (pid_namespaces(7))
 *
 * Theory of operation: a task has one number in its own pid namespace and one in each above it, up
 * to the first. A struct pid holds all of them; task.tid, tgroup.tgid, pgrp.id and session.id are
 * those of the first namespace and what the sentry itself works with; task.vtid and tgroup.vtgid
 * are what the task is told. Numbers that a guest gives are looked up in its own namespace, and
 * translated when they are told to a guest in another one: pid_nr_in.
 *
 * The first process of a namespace is its init: it gets no signal from inside that it does not
 * handle, orphans become its children, and when it dies all others are killed; it can be waited for
 * when they are gone. Then nothing can be born there any more.
 *
 * The first namespace is g_kernel->pids. Its references are not counted.
 */
#ifndef SENTRY_KERNEL_PIDNS_H
#define SENTRY_KERNEL_PIDNS_H

#include "sentry/auth/ns.h"
#include "sentry/base/rbtree.h"

#define PID_NS_LEVELS_MAX 32

struct cred;
struct pid;
struct task;
struct tgroup;

struct pid_namespace {
	struct ns_common ns;
	struct pid_namespace *parent; /* const: reference; NULL: the first */
	u32 level;		      /* const: 0 for the first */
	/* [T] */
	struct rb_root numbers; /* struct upid */
	s32 last_pid;
	u32 tasks;	     /* that are linked */
	struct tgroup *init; /* of number 1, until it is reaped */
	bool dead;	     /* init has died */
};

struct upid { /* a number in one namespace; [T] */
	struct rb_node node;
	s32 nr;
	struct pid_namespace *ns; /* borrowed: the pid holds its innermost one */
	struct pid *pid;
};

static inline struct pid_namespace *pid_ns_get(struct pid_namespace *ns)
{
	if (ns->level)
		ns_get(&ns->ns);
	return ns;
}
static inline void pid_ns_put(struct pid_namespace *ns)
{
	if (ns && ns->level)
		ns_put(&ns->ns);
}
/* Boot: g_kernel->pids. */
void pid_ns_init_first(struct pid_namespace *ns);
/* A child of @old, the namespace that @t's children are born in. ERR_PTR: -EINVAL (not its own any
 * more), -ENOSPC, -ENOMEM. */
struct pid_namespace *pid_ns_create(struct task *t, struct pid_namespace *old,
				    const struct cred *cred);
/* Is @ns @of or below it? */
bool pid_ns_is_below(const struct pid_namespace *ns, const struct pid_namespace *of);

/* The last task of init's group has exited: kills the rest. [T] */
void pid_ns_zap(struct pid_namespace *ns);
/* Inits whose namespaces are empty by now can be waited for. [T], with no list of groups being
 * walked. */
void pid_ns_settle(void);

#endif
