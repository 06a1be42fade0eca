/* SPDX-License-Identifier: Apache-2.0 */
/* cred.h - who somebody is: ids, groups, capabilities; immutable once shared (credentials(7),
 * capabilities(7))
 *
 * A struct cred is never changed after it has been published: a change is a copy (cred_dup), edits
 * on the copy, and a swap of the task's pointer by the task itself. Readers of another task's take
 * a reference under the tasklist lock.
 */
#ifndef SENTRY_AUTH_CRED_H
#define SENTRY_AUTH_CRED_H

#include "sentry/base/ref.h"

#define CRED_NGROUPS_MAX 65536
#define CAP_LAST	 40
#define CAP_FULL	 ((1ull << (CAP_LAST + 1)) - 1)

struct user_namespace;

struct cred_groups {
	struct ref ref;
	u32 count;
	u32 gids[]; /* sorted */
};

struct cred {
	struct ref ref;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u64 permitted, effective, inheritable, bounding, ambient;
	u32 securebits;
	struct cred_groups *groups;
	/* Where the capabilities count; reference; NULL: the initial one. */
	struct user_namespace *user_ns;
};

struct cred *cred_create(void); /* root's: ids 0, all capabilities; NULL without memory */
struct cred *cred_dup(const struct cred *c);
const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
int cred_set_groups(struct cred *c, const u32 *gids, u32 count); /* sorts; 0 or -errno */
bool cred_in_group(const struct cred *c, u32 gid);		 /* fsgid or a supplementary one */
bool cred_in_egroup(const struct cred *c, u32 gid);		 /* egid or a supplementary one */
/* In the credentials' own user namespace. */
static inline bool cred_capable_own(const struct cred *c, int cap)
{
	return c->effective >> cap & 1;
}
/* In the initial user namespace: over what belongs to the machine. */
static inline bool cred_capable(const struct cred *c, int cap)
{
	return likely(!c->user_ns) && cred_capable_own(c, cap);
}
/* In @ns: over what belongs to it. */
bool cred_capable_below(const struct cred *c, const struct user_namespace *ns, int cap);
static inline bool cred_capable_in(const struct cred *c, const struct user_namespace *ns, int cap)
{
	return likely(ns == c->user_ns) ? cred_capable_own(c, cap) : cred_capable_below(c, ns, cap);
}
/* Over a file of @uid and @gid: in the own namespace, if they have ids there. */
bool cred_ids_mapped(const struct cred *c, u32 uid, u32 gid);
static inline bool cred_capable_wrt(const struct cred *c, u32 uid, u32 gid, int cap)
{
	return cred_capable_own(c, cap) && (likely(!c->user_ns) || cred_ids_mapped(c, uid, gid));
}
/* Ids of the set*uid family: capabilities follow as capabilities(7) "Effect of user ID changes". */
void cred_fix_caps(struct cred *new, const struct cred *old);

#endif
