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
	s32 x = rb_entry(a, struct pid, node)->nr, y = rb_entry(b, struct pid, node)->nr;

	return x < y ? -1 : x > y;
}

/* The pid with the smallest number >= @nr, or NULL. */
static struct pid *pid_at_least(s32 nr)
{
	struct rb_node *n = g_kernel->pids.node;
	struct pid *best = NULL;

	while (n) {
		struct pid *p = rb_entry(n, struct pid, node);

		if (p->nr == nr)
			return p;
		if (p->nr > nr) {
			best = p;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct pid *pid_find(s32 nr)
{
	struct pid *p = pid_at_least(nr);

	return p && p->nr == nr ? p : NULL;
}

/* The first free number from @nr on, below @end; 0: none. */
static s32 free_number(s32 nr, s32 end)
{
	struct pid *p = pid_at_least(nr);

	while (p && p->nr == nr && nr < end) {
		struct rb_node *next = rb_next(&p->node);

		nr++;
		p = next ? rb_entry(next, struct pid, node) : NULL;
	}
	return nr < end ? nr : 0;
}

struct pid *pid_alloc(s32 want, int *out_err)
{
	s32 nr = want;
	struct pid *p;

	mutex_assert_held(&g_kernel->lock);
	if (want) {
		if (pid_find(want)) {
			*out_err = -EEXIST;
			return NULL;
		}
	} else {
		nr = free_number(g_kernel->last_pid + 1, PID_LIMIT);
		if (!nr)
			nr = free_number(RESERVED_PIDS, PID_LIMIT);
		if (!nr) {
			*out_err = -EAGAIN;
			return NULL;
		}
	}
	p = slab_alloc(&pid_cache);
	if (!p) {
		*out_err = -ENOMEM;
		return NULL;
	}
	p->nr = nr;
	if (!want)
		g_kernel->last_pid = nr;
	rb_insert(&g_kernel->pids, &p->node, pid_cmp);
	return p;
}

void pid_release(struct pid *p)
{
	mutex_assert_held(&g_kernel->lock);
	if (p->task || p->pgrp || p->session)
		return;
	rb_erase(&g_kernel->pids, &p->node);
	slab_free(&pid_cache, p);
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

struct tgroup *tgroup_next(s32 from)
{
	struct pid *p = pid_at_least(from);

	while (p) {
		struct rb_node *next;

		if (p->task && p->task->tg->leader == p->task)
			return p->task->tg;
		next = rb_next(&p->node);
		p = next ? rb_entry(next, struct pid, node) : NULL;
	}
	return NULL;
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
	slab_free(&tgroup_cache, tg);
}

/* --- the tree --------------------------------------------------------------------------------- */

void task_link(struct task *t, struct pid *p)
{
	struct tgroup *tg = t->tg;

	mutex_assert_held(&g_kernel->lock);
	t->pid = p;
	p->task = t;
	t->tid = p->nr;
	task_get(t);
	list_append(&tg->tasks, &t->group_link);
	tg->live++;
	tg->present++;
	g_kernel->task_count++;
	if (tg->leader)
		return;
	tg->leader = t;
	tg->tgid = p->nr;
	list_append(&g_kernel->groups, &tg->all_link);
	if (tg->parent)
		list_append(&tg->parent->children, &tg->sibling);
}

void task_unlink(struct task *t)
{
	struct pid *p = t->pid;

	mutex_assert_held(&g_kernel->lock);
	list_del(&t->group_link);
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
	t->pid = first;
	first->task = t;
	t->tid = first->nr;
	old->pid = mine;
	mine->task = old;
	tg->leader = t;
	task_unlink(old);
}
