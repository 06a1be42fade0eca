/* SPDX-License-Identifier: Apache-2.0 */
/* pid.c - numbers, and the life of tasks and thread groups
 *
 * Theory of operation: a struct pid is one number in use; a task, a process group and a session may
 * bear it at the same time, and it is free again when none does. All of it is guarded by the
 * tasklist lock.
 *
 * A task has one reference from the tree (task_link .. task_unlink) and one while it lives, which
 * task_exit gives up. A group's last task is its leader: a leader that exits early stays linked
 * until the group is gone and reaped. A group is referenced by each of its tasks, so that a pointer
 * to a task is a pointer to its group.
 */
#include "sentry/kernel/process.h"
#include "sentry/kernel/seccomp.h"

#define RESERVED_PIDS 300

static SLAB_CACHE(pid_cache, struct pid);
static SLAB_CACHE(task_cache, struct task);
static SLAB_CACHE(tgroup_cache, struct tgroup);

static int pid_cmp(const struct rb_node *a, const struct rb_node *b)
{
	s32 x = rb_entry(a, struct upid, node)->nr, y = rb_entry(b, struct upid, node)->nr;

	return x < y ? -1 : x > y;
}

/* The smallest number of @ns that is >= @nr, or NULL. */
static struct upid *upid_at_least(const struct pid_namespace *ns, s32 nr)
{
	struct rb_node *n = ns->numbers.node;
	struct upid *best = NULL;

	while (n) {
		struct upid *u = rb_entry(n, struct upid, node);

		if (u->nr == nr)
			return u;
		if (u->nr > nr) {
			best = u;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static struct upid *upid_next(struct upid *u)
{
	struct rb_node *next = rb_next(&u->node);

	return next ? rb_entry(next, struct upid, node) : NULL;
}

struct pid *pid_find_in(const struct pid_namespace *ns, s32 nr)
{
	struct upid *u = upid_at_least(ns, nr);

	return u && u->nr == nr ? u->pid : NULL;
}

struct pid *pid_find(s32 nr)
{
	return pid_find_in(&g_kernel->pids, nr);
}

/* The first free number from @nr on, below @end; 0: none. */
static s32 free_number(const struct pid_namespace *ns, s32 nr, s32 end)
{
	struct upid *u = upid_at_least(ns, nr);

	while (u && u->nr == nr && nr < end) {
		nr++;
		u = upid_next(u);
	}
	return nr < end ? nr : 0;
}

/* Gives @u a number in @ns: @want, or (0) the next one. */
static int upid_take(struct upid *u, struct pid *p, struct pid_namespace *ns, s32 want)
{
	s32 nr = want;

	if (ns->dead)
		return -ENOMEM;
	if (ns->level && !ns->init && want > 1)
		return -EINVAL;
	if (want && pid_find_in(ns, want))
		return -EEXIST;
	if (!want)
		nr = free_number(ns, ns->last_pid + 1, PID_LIMIT);
	if (!nr)
		nr = free_number(ns, RESERVED_PIDS, PID_LIMIT);
	if (!nr)
		return -EAGAIN;
	if (!want)
		ns->last_pid = nr;
	u->nr = nr;
	u->ns = ns;
	u->pid = p;
	rb_insert(&ns->numbers, &u->node, pid_cmp);
	return 0;
}

static struct upid *upid_of(struct pid *p, u32 level)
{
	return level ? &p->inner[level - 1] : &p->number;
}

/* Gives back the numbers from @level on inwards, and the memory. */
static void pid_free(struct pid *p, u32 level)
{
	struct pid_namespace *ns = p->level ? p->inner[p->level - 1].ns : NULL;

	for (; level <= p->level; level++) {
		struct upid *u = upid_of(p, level);

		rb_erase(&u->ns->numbers, &u->node);
		if (!u->ns->numbers.node)
			u->ns->last_pid = 0; /* the first process was not born: the next is init */
	}
	if (p->level)
		kfree(p->inner, p->level * sizeof(*p->inner));
	slab_free(&pid_cache, p);
	pid_ns_put(ns);
}

struct pid *pid_alloc(struct pid_namespace *ns, const s32 *want, u32 count, int *out_err)
{
	struct pid *p = slab_alloc(&pid_cache);
	struct pid_namespace *at = ns;
	int err = 0;

	mutex_assert_held(&g_kernel->lock);
	*out_err = -ENOMEM;
	if (!p)
		return NULL;
	p->level = ns->level;
	if (p->level) {
		p->inner = kalloc(p->level * sizeof(*p->inner));
		if (!p->inner) {
			slab_free(&pid_cache, p);
			return NULL;
		}
		p->inner[p->level - 1].ns = pid_ns_get(ns);
	}
	for (u32 i = 0; at; i++, at = at->parent) {
		err = upid_take(upid_of(p, at->level), p, at, i < count ? want[i] : 0);
		if (err)
			break;
	}
	*out_err = err;
	if (!err)
		return p;
	pid_free(p, at->level + 1);
	return NULL;
}

void pid_release(struct pid *p)
{
	mutex_assert_held(&g_kernel->lock);
	if (p->task || p->pgrp || p->session)
		return;
	pid_free(p, 0);
}

/* --- numbers for others -------------------------------------------------------------------------
 */

s32 pid_nr_in(const struct pid *p, const struct pid_namespace *ns)
{
	if (!p)
		return 0;
	if (likely(!ns->level))
		return p->number.nr;
	return p->level >= ns->level && p->inner[ns->level - 1].ns == ns
		       ? p->inner[ns->level - 1].nr
		       : 0;
}

s32 task_nr_for(const struct task *viewer, const struct task *t)
{
	return pid_nr_in(t->pid, viewer->tg->pid_ns);
}

s32 tgroup_nr_for(const struct task *viewer, const struct tgroup *tg)
{
	return pid_nr_in(tg->leader->pid, viewer->tg->pid_ns);
}

s32 number_for(const struct task *viewer, s32 nr)
{
	if (likely(!viewer->tg->pid_ns->level) || !nr)
		return nr;
	return pid_nr_in(pid_find(nr), viewer->tg->pid_ns);
}

s32 number_told(const struct task *viewer, s32 nr)
{
	if (likely(!viewer->tg->pid_ns->level))
		return nr;
	tasklist_lock();
	nr = number_for(viewer, nr);
	tasklist_unlock();
	return nr;
}

struct task *task_find_for(const struct task *viewer, s32 nr)
{
	struct pid *p = pid_find_in(viewer->tg->pid_ns, nr);

	return p ? p->task : NULL;
}

struct tgroup *tgroup_find_for(const struct task *viewer, s32 nr)
{
	struct task *t = task_find_for(viewer, nr);

	return t && t->tg->leader == t ? t->tg : NULL;
}

struct pgrp *pgrp_find_for(const struct task *viewer, s32 nr)
{
	struct pid *p = pid_find_in(viewer->tg->pid_ns, nr);

	return p ? p->pgrp : NULL;
}

struct task *task_find(s32 tid)
{
	struct pid *p = pid_find(tid);

	return p ? p->task : NULL;
}

struct tgroup *tgroup_find(s32 tgid)
{
	struct task *t = task_find(tgid);

	return t && t->tg->leader == t ? t->tg : NULL;
}

struct pgrp *pgrp_find(s32 id)
{
	struct pid *p = pid_find(id);

	return p ? p->pgrp : NULL;
}

struct session *session_find(s32 id)
{
	struct pid *p = pid_find(id);

	return p ? p->session : NULL;
}

struct tgroup *tgroup_next_in(const struct pid_namespace *ns, s32 from, s32 *out_nr)
{
	for (struct upid *u = upid_at_least(ns, from); u; u = upid_next(u)) {
		struct task *t = u->pid->task;

		if (!t || t->tg->leader != t)
			continue;
		*out_nr = u->nr;
		return t->tg;
	}
	return NULL;
}

struct tgroup *tgroup_next(s32 from)
{
	s32 nr;

	return tgroup_next_in(&g_kernel->pids, from, &nr);
}

/* --- tasks and groups ------------------------------------------------------------------------- */

struct task *task_alloc(void)
{
	struct task *t = slab_alloc(&task_cache);

	if (!t)
		return NULL;
	ref_init(&t->ref);
	task_wait_init(t);
	list_init(&t->group_link);
	list_init(&t->inflight.node);
	sigpending_init(&t->pending);
	waitq_init(&t->vfork_done);
	t->start_time = time_boottime();
	t->timer_slack = 50000;
	return t;
}

struct tgroup *tgroup_alloc(void)
{
	struct tgroup *tg = slab_alloc(&tgroup_cache);

	if (!tg)
		return NULL;
	ref_init(&tg->ref);
	mutex_init(&tg->exec_lock, LR_EXEC);
	list_init(&tg->tasks);
	list_init(&tg->children);
	list_init(&tg->sibling);
	list_init(&tg->all_link);
	list_init(&tg->pgrp_link);
	list_init(&tg->posix_timers);
	list_init(&tg->sem_undo);
	sigpending_init(&tg->pending);
	waitq_init(&tg->wait_child);
	waitq_init(&tg->signalfd);
	waitq_init(&tg->pidfd);
	tg->start_time = time_boottime();
	tg->pid_ns = &g_kernel->pids;
	timers_init_group(tg);
	return tg;
}

struct task *task_get(struct task *t)
{
	ref_get(&t->ref);
	return t;
}

void task_put(struct task *t)
{
	if (!ref_put(&t->ref))
		return;
	waitq_fini(&t->vfork_done);
	seccomp_drop(t);
	if (t->cred)
		cred_put(t->cred);
	if (t->sighand)
		sighand_put(t->sighand);
	if (t->tg)
		tgroup_put(t->tg);
	slab_free(&task_cache, t);
}

struct tgroup *tgroup_get(struct tgroup *tg)
{
	ref_get(&tg->ref);
	return tg;
}

void tgroup_put(struct tgroup *tg)
{
	if (!ref_put(&tg->ref))
		return;
	waitq_fini(&tg->wait_child);
	waitq_fini(&tg->signalfd);
	waitq_fini(&tg->pidfd);
	pid_ns_put(tg->pid_ns);
	slab_free(&tgroup_cache, tg);
}

/* --- the tree --------------------------------------------------------------------------------- */

/* @t bears @p. */
static void task_set_pid(struct task *t, struct pid *p)
{
	t->pid = p;
	p->task = t;
	t->tid = p->number.nr;
	t->vtid = upid_of(p, p->level)->nr;
}

/* The namespaces that see the task have one more, or less. */
static void count_in_namespaces(const struct task *t, bool more)
{
	for (struct pid_namespace *ns = t->tg->pid_ns; ns; ns = ns->parent)
		ns->tasks += more ? 1u : -1u;
}

void task_link(struct task *t, struct pid *p)
{
	struct tgroup *tg = t->tg;

	mutex_assert_held(&g_kernel->lock);
	task_set_pid(t, p);
	count_in_namespaces(t, true);
	task_get(t);
	list_append(&tg->tasks, &t->group_link);
	tg->live++;
	tg->present++;
	g_kernel->task_count++;
	if (tg->leader)
		return;
	tg->leader = t;
	tg->tgid = t->tid;
	tg->vtgid = t->vtid;
	if (tg->vtgid == 1) {
		tg->pid_ns->init = tg;
		tg->unkillable |= tg->pid_ns->level > 0;
	}
	list_append(&g_kernel->groups, &tg->all_link);
	if (tg->parent)
		list_append(&tg->parent->children, &tg->sibling);
}

void task_unlink(struct task *t)
{
	struct pid *p = t->pid;

	mutex_assert_held(&g_kernel->lock);
	list_del(&t->group_link);
	count_in_namespaces(t, false);
	p->task = NULL;
	t->pid = NULL;
	pid_release(p);
	sigpending_flush(&t->pending);
	task_put(t);
}

void tgroup_unlink(struct tgroup *tg)
{
	struct task *leader = tg->leader;

	mutex_assert_held(&g_kernel->lock);
	BUG_ON(tg->present != 0);
	sigpending_flush(&tg->pending);
	list_del(&tg->sibling);
	list_del(&tg->all_link);
	tgroup_set_pgrp(tg, NULL);
	tg->reaped = true;
	if (tg->pid_ns->init == tg)
		tg->pid_ns->init = NULL;
	waitq_wake(&tg->pidfd, 0x11); /* EPOLLIN | EPOLLHUP */
	task_unlink(leader);
}

void task_take_leader(struct task *t)
{
	struct tgroup *tg = t->tg;
	struct task *old = tg->leader;
	struct pid *mine = t->pid, *first = old->pid;

	mutex_assert_held(&g_kernel->lock);
	BUG_ON(!old->exited || tg->present != 1);
	task_set_pid(t, first);
	task_set_pid(old, mine);
	tg->leader = t;
	task_unlink(old);
}
