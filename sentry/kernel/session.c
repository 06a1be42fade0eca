/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - sessions, process groups, and who may use the terminal (setpgid(2), setsid(2),
 * credentials(7))
 *
 * Theory of operation: a process group lives as long as it has members (or a terminal names it as
 * its foreground group), a session as long as one of its groups does. Both are found by number in
 * the pid table and guarded by the tasklist lock. A group is orphaned when no member has a parent
 * in the same session but another group: nobody could continue it. When a group becomes orphaned
 * while it has stopped members, all of it gets SIGHUP and SIGCONT.
 */
#include "sentry/kernel/process.h"

static SLAB_CACHE(session_cache, struct session);
static SLAB_CACHE(pgrp_cache, struct pgrp);
static const struct tty_hooks *g_tty_hooks; /* const after boot */

void kernel_set_tty_hooks(const struct tty_hooks *hooks)
{
	g_tty_hooks = hooks;
}

const struct tty_hooks *kernel_tty_hooks(void)
{
	return g_tty_hooks;
}

struct session *session_create(struct pid *p, struct tgroup *leader)
{
	struct session *s = slab_alloc(&session_cache);

	if (!s)
		return NULL;
	ref_init(&s->ref);
	s->id = p->number.nr;
	s->pid = p;
	s->leader = leader;
	list_init(&s->pgrps_unused);
	p->session = s;
	return s;
}

struct session *session_get(struct session *s)
{
	ref_get(&s->ref);
	return s;
}

void session_put(struct session *s)
{
	struct pid *p;

	mutex_assert_held(&g_kernel->lock);
	if (!ref_put(&s->ref))
		return;
	p = s->pid;
	BUG_ON(p->session != s);
	p->session = NULL;
	pid_release(p);
	slab_free(&session_cache, s);
}

struct pgrp *pgrp_create(struct pid *p, struct session *s)
{
	struct pgrp *g = slab_alloc(&pgrp_cache);

	if (!g)
		return NULL;
	ref_init(&g->ref);
	g->id = p->number.nr;
	g->pid = p;
	g->session = session_get(s);
	list_init(&g->members);
	p->pgrp = g;
	return g;
}

struct pgrp *pgrp_get(struct pgrp *g)
{
	ref_get(&g->ref);
	return g;
}

void pgrp_put(struct pgrp *g)
{
	struct pid *p;

	mutex_assert_held(&g_kernel->lock);
	if (!ref_put(&g->ref))
		return;
	BUG_ON(!list_empty(&g->members));
	p = g->pid;
	BUG_ON(p->pgrp != g);
	p->pgrp = NULL;
	pid_release(p); /* first: the session may bear the same number */
	session_put(g->session);
	slab_free(&pgrp_cache, g);
}

void tgroup_set_pgrp(struct tgroup *tg, struct pgrp *g)
{
	struct pgrp *old = tg->pgrp;

	mutex_assert_held(&g_kernel->lock);
	if (g)
		pgrp_get(g);
	list_del(&tg->pgrp_link);
	tg->pgrp = g;
	if (g) {
		list_append(&g->members, &tg->pgrp_link);
		tg->session = g->session;
	}
	if (old)
		pgrp_put(old);
}

/* --- orphans ------------------------------------------------------------------------------------
 */

/* Is g orphaned when @ignored does not count? */
static bool orphaned_without(struct pgrp *g, const struct tgroup *ignored)
{
	struct tgroup *tg;

	list_for_each_entry (tg, &g->members, pgrp_link) {
		if (tg == ignored || tg->live == 0 || !tg->parent)
			continue;
		if (tg->parent->pgrp != g && tg->parent->session == g->session)
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(struct pgrp *g)
{
	mutex_assert_held(&g_kernel->lock);
	return orphaned_without(g, NULL);
}

static bool has_stopped_member(struct pgrp *g)
{
	struct tgroup *tg;

	list_for_each_entry (tg, &g->members, pgrp_link)
		if (tg->stop_signal)
			return true;
	return false;
}

void pgrp_check_orphan(struct tgroup *tg, struct tgroup *parent)
{
	struct tgroup *ignored = NULL;
	struct pgrp *g = tg->pgrp;

	if (!parent) {
		parent = tg->parent;
		ignored = tg;
	}
	if (!g || !parent || parent->pgrp == g || parent->session != g->session)
		return;
	if (!orphaned_without(g, ignored) || !has_stopped_member(g))
		return;
	signal_send_pgrp(g, SIGHUP);
	signal_send_pgrp(g, SIGCONT);
}

/* --- the terminal -------------------------------------------------------------------------------
 */

void session_leader_exit(struct tgroup *tg)
{
	struct session *s = NULL;
	struct tty *tty = NULL;
	struct tgroup *member;

	tasklist_lock();
	if (tg->session_leader && tg->session) {
		s = session_get(tg->session);
		tty = s->tty;
		s->tty = NULL;
		s->leader = NULL;
		list_for_each_entry (member, &g_kernel->groups, all_link)
			if (member->session == s)
				member->tty = NULL;
	}
	tasklist_unlock();
	if (!s)
		return;
	if (tty && g_tty_hooks && g_tty_hooks->leader_exit)
		g_tty_hooks->leader_exit(tty, s);
	tasklist_lock();
	session_put(s);
	tasklist_unlock();
}
