/* SPDX-License-Identifier: Apache-2.0 */
/* ns.c - /proc/PID/ns, the id maps of user namespaces, and /proc/sys/user (namespaces(7),
 * user_namespaces(7)) */
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/proc/proc_internal.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/process.h"

#define CHILDREN 0x100 /* of a link's arg: the namespace that children are born in */

/* --- links -------------------------------------------------------------------------------------
 */

static struct ns_common *ns_of(const struct kernfs_node *n)
{
	struct task *t = proc_task(n);
	struct ns_common *ns;

	if (!t)
		return NULL;
	mutex_lock(&g_kernel->lock);
	ns = task_ns(t, (enum ns_kind)(n->entry->arg & 0xff), n->entry->arg & CHILDREN);
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return ns;
}

static int jump_ns(struct caller *c, const struct kernfs_node *n, struct path *out)
{
	struct ns_common *ns;
	int err = proc_may_inspect(c, n, 0);

	if (err)
		return err;
	ns = ns_of(n);
	if (!ns)
		return -ENOENT;
	err = nsfs_path(ns, out);
	ns_put(ns);
	return err;
}

static ssize_t readlink_ns(struct caller *c, const struct kernfs_node *n, char *buf, size_t size)
{
	struct ns_common *ns;
	int err = proc_may_inspect(c, n, 0);
	ssize_t len;

	if (err)
		return err;
	ns = ns_of(n);
	if (!ns)
		return -ENOENT;
	len = snprintf(buf, size, "%s:[%u]", ns_name(ns->ops->kind), ns->inum);
	ns_put(ns);
	return len;
}

#define NS(file, kind)                                                                     \
	{                                                                                  \
		.name = file, .mode = PROC_LINK, .readlink = readlink_ns, .jump = jump_ns, \
		.arg = (kind), .owner = proc_owner                                         \
	}

const struct kernfs_entry proc_ns_links[] = {
	NS("cgroup", NS_CGROUP), NS("ipc", NS_IPC), NS("mnt", NS_MNT),
	NS("net", NS_NET),	 NS("pid", NS_PID), NS("pid_for_children", NS_PID | CHILDREN),
	NS("user", NS_USER),	 NS("uts", NS_UTS), ENTRY_END,
};

/* --- maps --------------------------------------------------------------------------------------
 */

/* The task's user namespace, by reference: NULL is the initial one. -ESRCH. */
static int user_ns_of(const struct kernfs_node *n, struct user_namespace **out)
{
	struct task *t = proc_task(n);

	if (!t)
		return -ESRCH;
	mutex_lock(&g_kernel->lock);
	*out = user_ns_get(t->cred->user_ns);
	mutex_unlock(&g_kernel->lock);
	task_put(t);
	return 0;
}

int show_id_map(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct user_namespace *ns;
	struct id_extent e;
	int err = user_ns_of(n, &ns);

	if (err)
		return err;
	for (u32 i = 0; user_ns_map_at(ns, (enum id_kind)n->entry->arg, c->cred, i, &e); i++)
		strbuf_printf(s, "%10u %10u %10u\n", e.first, e.parent, e.count);
	user_ns_put(ns);
	return 0;
}

long store_id_map(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	struct user_namespace *ns;
	int err = user_ns_of(n, &ns);

	if (err)
		return err;
	platform_forget(g_kernel->platform);
	err = user_ns_write_map(ns, (enum id_kind)n->entry->arg, c->cred, buf);
	user_ns_put(ns);
	return err ? err : (long)len;
}

int show_setgroups(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct user_namespace *ns;
	int err = user_ns_of(n, &ns);

	if (err)
		return err;
	strbuf_printf(s, "%s\n", user_ns_setgroups_allowed(ns) ? "allow" : "deny");
	user_ns_put(ns);
	return 0;
}

long store_setgroups(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	struct user_namespace *ns;
	int err = user_ns_of(n, &ns);

	if (err)
		return err;
	if (len >= 8)
		err = -EINVAL;
	else if (!cred_capable_in(c->cred, ns, CAP_SYS_ADMIN))
		err = -EPERM;
	else
		err = user_ns_write_setgroups(ns, buf);
	user_ns_put(ns);
	return err ? err : (long)len;
}

/* --- /proc/sys/user ----------------------------------------------------------------------------
 */

/* Root of the caller's namespace owns the limits of that. */
static int limit_owner(struct caller *c, const struct kernfs_node *n, u32 *uid, u32 *gid)
{
	u32 id = c && c->cred ? root_uid_of(c->cred->user_ns) : 0;

	*uid = id == NO_ID ? 0 : id;
	*gid = c && c->cred ? user_ns_to_kernel(c->cred->user_ns, ID_GROUP, 0) : 0;
	return 0;
}

static int show_limit(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%u\n", ns_limit(c->cred->user_ns, (enum ns_kind)n->entry->arg));
	return 0;
}

static long store_limit(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	char *end;
	long v = strtol(buf, &end, 10);

	if (!cred_capable_own(c->cred, CAP_SYS_RESOURCE))
		return -EACCES;
	if (end == buf || (*end && *end != '\n') || v < 0 || v > INT32_MAX)
		return -EINVAL;
	ns_set_limit(c->cred->user_ns, (enum ns_kind)n->entry->arg, (u32)v);
	return (long)len;
}

#define LIMIT(file, kind)                                                            \
	{                                                                            \
		.name = "max_" file "_namespaces", .mode = 0644, .show = show_limit, \
		.store = store_limit, .arg = (kind), .owner = limit_owner            \
	}

const struct kernfs_entry proc_sys_user[] = {
	LIMIT("cgroup", NS_CGROUP), LIMIT("ipc", NS_IPC),
	LIMIT("mnt", NS_MNT),	    LIMIT("net", NS_NET),
	LIMIT("pid", NS_PID),	    LIMIT("user", NS_USER),
	LIMIT("uts", NS_UTS),	    ENTRY_END,
};
