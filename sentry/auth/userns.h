/* SPDX-License-Identifier: Apache-2.0 */
/* userns.h - user namespaces: ids of their own, and capabilities over what belongs to them
 * (user_namespaces(7))
 *
 * All ids inside the sentry are those of the initial user namespace (as Linux's kuid_t); they are
 * translated where they come in and go out. A namespace's maps are written once each, by one
 * write(2) to /proc/PID/uid_map, and read without a lock.
 */
#ifndef SENTRY_AUTH_USERNS_H
#define SENTRY_AUTH_USERNS_H

#include "sentry/auth/cred.h"
#include "sentry/auth/ns.h"
#include "sentry/base/list.h"
#include "sentry/base/lock.h"

#define NO_ID		   UINT32_MAX
#define OVERFLOW_ID	   65534u
#define ID_MAP_EXTENTS_MAX 340
#define USER_NS_LEVELS_MAX 32

struct id_extent {
	u32 first;  /* inside */
	u32 parent; /* as it was written: in the parent namespace */
	u32 lower;  /* in the initial one */
	u32 count;
};
struct id_map {
	struct id_extent *extent; /* const once count is not 0 */
	_Atomic u32 count;
};

enum id_kind { ID_USER, ID_GROUP, ID_PROJECT, ID_KINDS };

struct user_namespace {
	struct ns_common ns;
	/* const after user_ns_create */
	u32 level;	  /* 1: child of the initial one */
	u32 owner, group; /* effective ids of the maker */
	bool parent_could_setfcap;
	struct mutex lock; /* LR_FSPRIV: guards below; maps are read without */
	struct id_map map[ID_KINDS];
	_Atomic bool setgroups_denied;
	/* guarded by the lock of ns.c */
	u32 limit[NS_KINDS];
	struct list counts;
};

static inline struct user_namespace *user_ns_parent(const struct user_namespace *ns)
{
	return ns->ns.owner;
}
struct user_namespace *user_ns_get(struct user_namespace *ns); /* NULL stays NULL */
void user_ns_put(struct user_namespace *ns);
/* Stands for the initial one where an object is needed (/proc/PID/ns/user): no reference. */
struct user_namespace *user_ns_initial(void);
/* A child of @new's namespace, into which @new moves with all capabilities. -ENOSPC, -EPERM (the
 * maker's ids are not mapped), -ENOMEM. */
int user_ns_create(struct cred *new);
/* @new, whose namespace @ns may be an ancestor, moves into @ns with all capabilities (setns). */
void user_ns_enter(struct cred *new, struct user_namespace *ns);
/* Is @ns @of or below it? */
bool user_ns_is_below(const struct user_namespace *ns, const struct user_namespace *of);

u32 user_ns_to_inner(const struct user_namespace *ns, enum id_kind kind, u32 id);
u32 user_ns_to_kernel(const struct user_namespace *ns, enum id_kind kind, u32 id);

/* An id that a guest gives: NO_ID when it is not mapped. */
static inline u32 uid_in(const struct cred *c, u32 id)
{
	return likely(!c->user_ns) ? id : user_ns_to_kernel(c->user_ns, ID_USER, id);
}
static inline u32 gid_in(const struct cred *c, u32 id)
{
	return likely(!c->user_ns) ? id : user_ns_to_kernel(c->user_ns, ID_GROUP, id);
}
/* An id that a guest is told: 65534 when it is not mapped. */
u32 id_out_slow(const struct user_namespace *ns, enum id_kind kind, u32 id);
static inline u32 uid_out(const struct cred *c, u32 id)
{
	return likely(!c->user_ns) ? id : id_out_slow(c->user_ns, ID_USER, id);
}
static inline u32 gid_out(const struct cred *c, u32 id)
{
	return likely(!c->user_ns) ? id : id_out_slow(c->user_ns, ID_GROUP, id);
}
/* root's id of the namespace: NO_ID when it has none. */
static inline u32 root_uid_of(const struct user_namespace *ns)
{
	return likely(!ns) ? 0 : user_ns_to_kernel(ns, ID_USER, 0);
}

/* /proc/PID/{uid,gid,projid}_map of @ns. A write of @c: 0 or -errno; @text is 0-terminated. */
int user_ns_write_map(struct user_namespace *ns, enum id_kind kind, const struct cred *c,
		      const char *text);
/* Extent @i as @c sees it; false: there are no more. */
bool user_ns_map_at(const struct user_namespace *ns, enum id_kind kind, const struct cred *c, u32 i,
		    struct id_extent *out);
/* /proc/PID/setgroups. */
bool user_ns_setgroups_allowed(const struct user_namespace *ns);
int user_ns_write_setgroups(struct user_namespace *ns, const char *text);
/* May setgroups(2) be called? */
bool user_ns_may_setgroups(const struct user_namespace *ns);

#endif
