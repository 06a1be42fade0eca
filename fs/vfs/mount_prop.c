/* SPDX-License-Identifier: Apache-2.0 */
/* mount_prop.c - mounts that hear of each other: peer groups, masters and slaves
 * (mount_namespaces(7), Documentation/filesystems/sharedsubtree.rst)
 *
 * Theory of operation: shared mounts form rings of peers (mount.peers, one number peer_group); a
 * slave has a master, in whose slaves it is linked, and may be in a ring of its own. What is
 * mounted on, or unmounted from, a shared mount is so too on all that hear of it: its peers, the
 * slaves of all of them, their peers, and so on. The walk is a work list of rings; a mount is
 * marked by the number of the walk when its ring is put on the list, so it ends after each mount at
 * most once.
 *
 * A copy joins the ring of what it is copied from, or becomes its slave, when it is linked and not
 * before: what fails half-way has told nobody. All with g_mounts.lock held for writing.
 */
#include "fs/vfs/mount_internal.h"

#include "sentry/arena/arena.h"

static struct mount *next_peer(const struct mount *m)
{
	return list_entry(m->peers.next, struct mount, peers);
}

/* --- relations --------------------------------------------------------------------------------
 */

static void make_shared(struct mount *m)
{
	if (!m->peer_group)
		m->peer_group = g_mounts.next_group++;
	m->propagation = MS_SHARED;
}

static void become_slave(struct mount *m, struct mount *master)
{
	list_del(&m->slave);
	m->master = master;
	if (master)
		list_push(&master->slaves, &m->slave);
}

/* @m leaves its ring, and its slaves find another master: a peer, or its own. That one. */
static struct mount *leave_ring(struct mount *m)
{
	struct mount *peer = next_peer(m), *s;

	if (peer == m)
		peer = m->master;
	list_del(&m->peers);
	m->peer_group = 0;
	while (!list_empty(&m->slaves)) {
		s = list_first(&m->slaves, struct mount, slave);
		become_slave(s, peer);
	}
	return peer;
}

void mount_set_propagation(struct mount *m, u32 type)
{
	struct mount *master;

	if (type == MS_SHARED) {
		make_shared(m);
		return;
	}
	master = leave_ring(m);
	become_slave(m, type == MS_SLAVE ? master : NULL);
	m->propagation = type == MS_SLAVE && !master ? MS_PRIVATE : type;
}

/* @copy, being linked, was copied from @old. */
void mount_copied(struct mount *copy, struct mount *old, enum mount_copy how)
{
	if (how == COPY_DEMOTE)
		how = old->peer_group ? COPY_SLAVE : COPY_SAME;
	if (how == COPY_SLAVE) {
		become_slave(copy, old);
		copy->propagation = MS_SLAVE;
		return;
	}
	copy->propagation = old->propagation;
	if (old->peer_group) {
		list_push(&old->peers, &copy->peers);
		copy->peer_group = old->peer_group;
	}
	if (old->master) {
		copy->master = old->master;
		list_push(&old->slave, &copy->slave);
	}
}

/* --- who hears of it --------------------------------------------------------------------------
 */

/* Puts the ring of @m on the list, once a walk. @source: what its members get a copy of. */
static void queue_ring(struct mount *m, struct list *rings, struct mount *source)
{
	struct mount *p = m;

	if (m->visit == g_mounts.visit)
		return;
	do {
		p->visit = g_mounts.visit;
		p = next_peer(p);
	} while (p != m);
	m->source_tree = source;
	list_append(rings, &m->ring);
}

/* The slaves of all of @m's ring. */
static void queue_slaves(struct mount *m, struct list *rings, struct mount *source)
{
	struct mount *p = m, *s;

	do {
		list_for_each_entry (s, &p->slaves, slave)
			queue_ring(s, rings, source);
		p = next_peer(p);
	} while (p != m);
}

static struct mount *pop_ring(struct list *rings)
{
	struct mount *m = list_first(rings, struct mount, ring);

	list_del(&m->ring);
	return m;
}

/* --- mounting ---------------------------------------------------------------------------------
 */

struct spread {
	struct mount *parent;	 /* where it was mounted first */
	struct dentry *on;	 /* the mountpoint */
	struct list tops, rings; /* copies made (tops, by ring); work */
};

/* What is mounted at the place already comes to lie on the new one. */
static void tuck(struct mount *top, struct mount *parent, struct dentry *on)
{
	struct list gone = LIST_INIT(gone);
	struct mount *old = mount_find(parent, on);
	struct dentry *was;

	if (!old || old == top)
		return;
	was = old->mountpoint;
	mount_unlink(old, &gone);
	list_del(&old->work);
	mount_link(old, top, top->root, parent->ns);
	dentry_put(was);
}

/* A copy of @tree on @m. */
static int spread_one(struct spread *s, struct mount *m, struct mount *tree, enum mount_copy how,
		      struct mount **out)
{
	struct list copy = LIST_INIT(copy);
	struct mount *top, *c;
	int err = mount_copy_tree(tree, tree->root, COPY_ALL, &copy);

	if (!err && g_mounts.count >= g_mounts.limit)
		err = -ENOSPC;
	if (err) {
		mounts_drop_copies(&copy);
		return err;
	}
	top = list_first(&copy, struct mount, work);
	list_for_each_entry (c, &copy, work)
		c->born = g_mounts.visit;
	mount_link_tree(&copy, m, s->on, m->ns, how);
	if (how == COPY_SLAVE && m->peer_group)
		mount_share_tree(top);
	if (m->ns->common.owner != s->parent->ns->common.owner)
		mount_lock_tree(top, false);
	tuck(top, m, s->on);
	list_append(&s->tops, &top->ring);
	*out = top;
	return 0;
}

/* Copies for one ring: the first as slave of @m->source_tree unless that is the ring's own, the
 * others as its peers. */
static int spread_ring(struct spread *s, struct mount *m, struct mount *own)
{
	struct mount *p = m, *from = own ? own : m->source_tree, *top;
	int err;

	do {
		if (p != s->parent && p->ns && p->born != g_mounts.visit &&
		    dentry_is_below(s->on, p->root)) {
			err = spread_one(s, p, from, own ? COPY_SAME : COPY_SLAVE, &top);
			if (err)
				return err;
			if (!own)
				own = from = top;
		}
		p = next_peer(p);
	} while (p != m);
	queue_slaves(m, &s->rings, from);
	return 0;
}

int mount_spread(struct mount *src, struct list *gone)
{
	struct spread s = {.parent = src->parent, .on = src->mountpoint};
	struct mount *m, *own = src;
	int err = 0;

	if (!src->parent->peer_group)
		return 0;
	list_init(&s.tops);
	list_init(&s.rings);
	mount_share_tree(src);
	g_mounts.visit++;
	for (m = src; m; m = mount_next(m, src))
		m->born = g_mounts.visit;
	queue_ring(src->parent, &s.rings, src);
	while (!list_empty(&s.rings)) {
		m = pop_ring(&s.rings);
		if (!err)
			err = spread_ring(&s, m, own);
		own = NULL;
	}
	while (!list_empty(&s.tops)) {
		m = pop_ring(&s.tops);
		if (err)
			mount_unlink_tree(m, gone);
	}
	return err;
}

void mount_share_tree(struct mount *top)
{
	struct mount *m;

	for (m = top; m; m = mount_next(m, top))
		if (!m->peer_group)
			make_shared(m);
}

void mount_lock_tree(struct mount *top, bool itself)
{
	struct mount *m;

	for (m = top; m; m = mount_next(m, top)) {
		m->locked |= m != top || itself;
		m->locked_flags |= m->flags & LOCKED_FLAGS;
		m->atime_locked = true;
	}
}

/* --- unmounting -------------------------------------------------------------------------------
 */

/* The mounts that @m takes along when it goes: onto @out (ring). */
static void collect_echoes(struct mount *m, struct list *out)
{
	struct list rings = LIST_INIT(rings);
	struct mount *at, *p, *child;

	if (!m->parent || !m->parent->peer_group)
		return;
	g_mounts.visit++;
	queue_ring(m->parent, &rings, NULL);
	while (!list_empty(&rings)) {
		at = p = pop_ring(&rings);
		do {
			child = p != m->parent && p->ns ? mount_find(p, m->mountpoint) : NULL;
			if (child && !child->locked && list_empty(&child->children) &&
			    child->sb == m->sb && list_empty(&child->ring))
				list_append(out, &child->ring);
			p = next_peer(p);
		} while (p != at);
		queue_slaves(at, &rings, NULL);
	}
}

bool mount_echoes_busy(struct mount *m)
{
	struct list echoes = LIST_INIT(echoes);
	bool busy = false;

	collect_echoes(m, &echoes);
	while (!list_empty(&echoes))
		busy |= ref_read(&pop_ring(&echoes)->ref) > 1;
	return busy;
}

void mount_unlink_echoes(struct mount *m, struct list *gone)
{
	struct list echoes = LIST_INIT(echoes);
	struct mount *child;

	collect_echoes(m, &echoes);
	while (!list_empty(&echoes)) {
		child = pop_ring(&echoes);
		mount_set_propagation(child, MS_PRIVATE);
		mount_unlink(child, gone);
	}
}
