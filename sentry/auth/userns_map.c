/* SPDX-License-Identifier: Apache-2.0 */
/* userns_map.c - uid_map, gid_map, projid_map and setgroups of a user namespace
 * (user_namespaces(7)) */
#include <linux/capability.h>

#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"

/* One number of a line; what stands behind it. NULL: none. */
static const char *parse_number(const char *s, u32 *out)
{
	u64 v = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (u64)(*s - '0');
		if (v > UINT32_MAX)
			return NULL;
	}
	*out = (u32)v;
	return *s == ' ' || *s == '\t' || *s == '\n' || !*s ? s : NULL;
}

static bool ranges_meet(u32 a, u32 an, u32 b, u32 bn)
{
	return a < (u64)b + bn && b < (u64)a + an;
}

static int parse_line(const char **text, struct id_extent *all, u32 n)
{
	struct id_extent *e = &all[n];
	const char *s = *text;

	s = parse_number(s, &e->first);
	s = s ? parse_number(s, &e->parent) : NULL;
	s = s ? parse_number(s, &e->count) : NULL;
	if (!s)
		return -EINVAL;
	while (*s == ' ' || *s == '\t')
		s++;
	if (*s && *s != '\n')
		return -EINVAL;
	*text = *s ? s + 1 : s;
	if (!e->count || e->first == NO_ID || e->parent == NO_ID ||
	    (u64)e->first + e->count > UINT32_MAX || (u64)e->parent + e->count > UINT32_MAX)
		return -EINVAL;
	for (u32 i = 0; i < n; i++)
		if (ranges_meet(e->first, e->count, all[i].first, all[i].count) ||
		    ranges_meet(e->parent, e->count, all[i].parent, all[i].count))
			return -EINVAL;
	return 0;
}

/* Lines of three numbers: how many, or -EINVAL. */
static int parse(const char *text, struct id_extent *out)
{
	int n = 0, err;

	while (*text) {
		if (n == ID_MAP_EXTENTS_MAX)
			return -EINVAL;
		err = parse_line(&text, out, (u32)n);
		if (err)
			return err;
		n++;
	}
	return n ? n : -EINVAL;
}

/* Mapping the parent's root needs CAP_SETFCAP there: else files with capabilities for that root
 * could be made inside. */
static bool root_allowed(const struct user_namespace *ns, const struct cred *c,
			 const struct id_extent *e, u32 n)
{
	u32 i;

	for (i = 0; i < n && e[i].parent; i++)
		;
	if (i == n)
		return true;
	if (c->user_ns == ns)
		return ns->parent_could_setfcap;
	return cred_capable_in(c, user_ns_parent(ns), CAP_SETFCAP);
}

static bool permitted(const struct user_namespace *ns, enum id_kind kind, const struct cred *c,
		      const struct id_extent *e, u32 n)
{
	struct user_namespace *parent = user_ns_parent(ns);

	if (kind == ID_USER && !root_allowed(ns, c, e, n))
		return false;
	/* One id, its maker's own, is nothing new. */
	if (n == 1 && e[0].count == 1 && ns->owner == c->euid) {
		u32 id = user_ns_to_kernel(parent, kind, e[0].parent);

		if (kind == ID_USER && id == c->euid)
			return true;
		if (kind == ID_GROUP &&
		    atomic_load(&((struct user_namespace *)(uintptr_t)ns)->setgroups_denied) &&
		    id == c->egid)
			return true;
	}
	if (kind == ID_PROJECT)
		return true;
	return cred_capable_in(c, parent, kind == ID_USER ? CAP_SETUID : CAP_SETGID);
}

/* The parent's numbers to those of the initial namespace: each range must lie in one of its. */
static bool translate(const struct user_namespace *parent, enum id_kind kind, struct id_extent *e)
{
	const struct id_map *m;
	u32 n;

	e->lower = e->parent;
	if (!parent)
		return true;
	m = &parent->map[kind];
	n = atomic_load_explicit(&((struct id_map *)(uintptr_t)m)->count, memory_order_acquire);
	for (u32 i = 0; i < n; i++) {
		const struct id_extent *p = &m->extent[i];

		if (e->parent >= p->first &&
		    (u64)e->parent + e->count <= (u64)p->first + p->count) {
			e->lower = p->lower + (e->parent - p->first);
			return true;
		}
	}
	return false;
}

static int install(struct user_namespace *ns, enum id_kind kind, const struct cred *c,
		   struct id_extent *e, u32 n)
{
	struct id_map *m = &ns->map[kind];
	int err = 0;

	mutex_lock(&ns->lock);
	if (atomic_load(&m->count) ||
	    (kind != ID_PROJECT && !cred_capable_in(c, ns, CAP_SYS_ADMIN)) ||
	    !permitted(ns, kind, c, e, n))
		err = -EPERM;
	for (u32 i = 0; !err && i < n; i++)
		if (!translate(user_ns_parent(ns), kind, &e[i]))
			err = -EPERM;
	if (!err) {
		m->extent = kalloc(n * sizeof(*e));
		if (m->extent) {
			memcpy(m->extent, e, n * sizeof(*e));
			atomic_store_explicit(&m->count, n, memory_order_release);
		} else {
			err = -ENOMEM;
		}
	}
	mutex_unlock(&ns->lock);
	return err;
}

int user_ns_write_map(struct user_namespace *ns, enum id_kind kind, const struct cred *c,
		      const char *text)
{
	const size_t size = ID_MAP_EXTENTS_MAX * sizeof(struct id_extent);
	struct id_extent *e;
	int n;

	if (!ns || ns == user_ns_initial())
		return -EPERM;
	if (c->user_ns != ns && c->user_ns != user_ns_parent(ns))
		return -EPERM;
	e = kalloc(size);
	if (!e)
		return -ENOMEM;
	n = parse(text, e);
	if (n > 0)
		n = install(ns, kind, c, e, (u32)n);
	kfree(e, size);
	return n;
}

bool user_ns_map_at(const struct user_namespace *ns, enum id_kind kind, const struct cred *c, u32 i,
		    struct id_extent *out)
{
	const struct user_namespace *seen = c->user_ns;
	const struct id_map *m;

	if (!ns || ns == user_ns_initial()) {
		*out = (struct id_extent){.count = UINT32_MAX};
		return i == 0;
	}
	m = &ns->map[kind];
	if (i >=
	    atomic_load_explicit(&((struct id_map *)(uintptr_t)m)->count, memory_order_acquire))
		return false;
	*out = m->extent[i];
	if (seen == ns)
		seen = user_ns_parent(ns);
	out->parent = user_ns_to_inner(seen, kind, out->lower);
	return true;
}

/* --- setgroups ----------------------------------------------------------------------------------
 */

bool user_ns_setgroups_allowed(const struct user_namespace *ns)
{
	return !ns || !atomic_load(&((struct user_namespace *)(uintptr_t)ns)->setgroups_denied);
}

int user_ns_write_setgroups(struct user_namespace *ns, const char *text)
{
	size_t n = strcspn(text, " \t\n");
	bool allow = n == 5 && !memcmp(text, "allow", 5);
	int err = 0;

	if ((!allow && !(n == 4 && !memcmp(text, "deny", 4))) ||
	    text[n + strspn(text + n, " \t\n")])
		return -EINVAL;
	if (!ns || ns == user_ns_initial())
		return allow ? 0 : -EPERM;
	mutex_lock(&ns->lock);
	if (allow)
		err = atomic_load(&ns->setgroups_denied) ? -EPERM : 0;
	else if (atomic_load(&ns->map[ID_GROUP].count))
		err = -EPERM;
	else
		atomic_store(&ns->setgroups_denied, true);
	mutex_unlock(&ns->lock);
	return err;
}

bool user_ns_may_setgroups(const struct user_namespace *ns)
{
	struct user_namespace *n = (struct user_namespace *)(uintptr_t)ns;

	return !n || (atomic_load(&n->map[ID_GROUP].count) && !atomic_load(&n->setgroups_denied));
}
