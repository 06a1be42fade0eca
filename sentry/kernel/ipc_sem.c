/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_sem.c - System V semaphores (semget(2), semop(2), semctl(2))
 *
 * Theory of operation: a call's operations are done all at once or not at all. One that must wait
 * is queued at its set, with its operations; who changes the set does what has become possible on
 * behalf of those who wait, oldest first, those that wait for zero before those that alter. So no
 * value that lasted only a moment is missed. The waiter finds the result when it runs again.
 *
 * SEM_UNDO: a struct sem_undo for each pair of process and set, on a list of each, holds what is to
 * be added when the process exits.
 */
#include <linux/capability.h>

#include "sentry/kernel/ipc.h"
#include "sentry/kernel/process.h"

#define STAGE_WAITING 1
#define WOULD_BLOCK   1l
#define SEM_VMX	      32767
#define SEM_TOTAL_MAX (SEM_SET_COUNT_MAX * SEM_SET_MAX)

struct sem {
	u32 value;
	s32 pid;
};
struct sem_set {
	struct ipc_object obj; /* first; all here is guarded by g_sem_lock */
	u32 count;	       /* const */
	struct sem *sems;
	struct list zero_waiters, waiters; /* struct sem_wait: those that only wait for 0, others */
	struct list undos;		   /* struct sem_undo */
	s64 otime, ctime;
};
struct sem_undo {
	struct list set_link, tg_link;
	struct sem_set *set; /* const */
	u32 count;	     /* const; of its semaphores */
	s16 adjust[];
};
struct sem_wait {	  /* of a blocked task: its t->wait.obj */
	struct list node; /* at its set, or alone */
	struct task *task;
	struct sem_undo *undo;
	u32 count, blocking; /* operations; the one that cannot be done */
	bool done;
	long result;
	struct sembuf_k ops[];
};

static SLAB_CACHE(set_cache, struct sem_set);
static struct mutex g_sem_lock = MUTEX_INIT(LR_IPC);

static struct sem_set *set_find(struct task *t, s32 id)
{
	return (struct sem_set *)ipc_find(&t->ns->ipc->sem, id);
}

/* --- life --- */

static int set_create(struct task *t, s32 key, u32 nsems, u32 flags)
{
	struct sem_set *s;
	int err = -ENOMEM;

	if (!nsems)
		return -EINVAL;
	if (t->ns->ipc->sem.items + nsems > SEM_TOTAL_MAX)
		return -ENOSPC;
	s = slab_alloc(&set_cache);
	if (!s)
		return -ENOMEM;
	s->sems = kalloc(nsems * sizeof(*s->sems));
	if (s->sems)
		err = ipc_add(&t->ns->ipc->sem, &s->obj, key, flags, t->cred);
	if (err) {
		if (s->sems)
			kfree(s->sems, nsems * sizeof(*s->sems));
		slab_free(&set_cache, s);
		return err;
	}
	s->count = nsems;
	list_init(&s->zero_waiters);
	list_init(&s->waiters);
	list_init(&s->undos);
	s->ctime = ipc_time();
	s->obj.ids->items += nsems;
	return s->obj.id;
}

/* semget(2) */
long sem_get(struct task *t, s32 key, s32 nsems, u32 flags)
{
	struct sem_set *s;
	long ret;

	if (nsems < 0 || nsems > SEM_SET_MAX)
		return -EINVAL;
	mutex_lock(&g_sem_lock);
	s = (struct sem_set *)ipc_get(&t->ns->ipc->sem, key, flags, t->cred);
	if (!s)
		ret = set_create(t, key, (u32)nsems, flags);
	else if (IS_ERR(s))
		ret = PTR_ERR(s);
	else
		ret = (u32)nsems > s->count ? -EINVAL : s->obj.id;
	mutex_unlock(&g_sem_lock);
	return ret;
}

/* --- operations; g_sem_lock held by all --- */

static void undo_free(struct sem_undo *u)
{
	list_del(&u->set_link);
	list_del(&u->tg_link);
	kfree(u, sizeof(*u) + u->count * sizeof(u->adjust[0]));
}

/* The record of @s and @tg; made when there is none. NULL: no memory. */
static struct sem_undo *undo_get(struct sem_set *s, struct tgroup *tg)
{
	struct sem_undo *u;

	list_for_each_entry (u, &tg->sem_undo, tg_link)
		if (u->set == s)
			return u;
	u = kalloc(sizeof(*u) + s->count * sizeof(u->adjust[0]));
	if (!u)
		return NULL;
	u->set = s;
	u->count = s->count;
	list_append(&s->undos, &u->set_link);
	list_append(&tg->sem_undo, &u->tg_link);
	return u;
}

/* Does one operation: 0, WOULD_BLOCK, -ERANGE. */
static long op_apply(struct sem_set *s, const struct sembuf_k *op, struct sem_undo *undo)
{
	struct sem *sem = &s->sems[op->num];
	s32 value = (s32)sem->value + op->op, adjust;

	if ((op->op == 0 && sem->value) || value < 0)
		return WOULD_BLOCK;
	if (value > SEM_VMX)
		return -ERANGE;
	if (op->flags & SEM_UNDO) {
		adjust = undo->adjust[op->num] - op->op;
		if (adjust < -SEM_VMX - 1 || adjust > SEM_VMX)
			return -ERANGE;
		undo->adjust[op->num] = (s16)adjust;
	}
	sem->value = (u32)value;
	return 0;
}

/* All or nothing: 0, WOULD_BLOCK (*out_blocking: which), -EAGAIN, -ERANGE. */
static long ops_try(struct sem_set *s, const struct sembuf_k *ops, u32 count, struct sem_undo *undo,
		    s32 pid, u32 *out_blocking)
{
	long ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++)
		ret = op_apply(s, &ops[i], undo);
	if (!ret) {
		for (i = 0; i < count; i++)
			s->sems[ops[i].num].pid = pid;
		s->otime = ipc_time();
		return 0;
	}
	*out_blocking = --i;
	if (ret == WOULD_BLOCK && (ops[i].flags & IPC_NOWAIT))
		ret = -EAGAIN;
	while (i-- > 0) {
		s->sems[ops[i].num].value -= (u32)ops[i].op;
		if (ops[i].flags & SEM_UNDO)
			undo->adjust[ops[i].num] += ops[i].op;
	}
	return ret;
}

static void wait_done(struct sem_wait *w, long result)
{
	list_del(&w->node);
	w->done = true;
	w->result = result;
	task_wake(w->task);
}

/* Tries what waits in @queue, until (@once) something was done. */
static bool serve(struct sem_set *s, struct list *queue, bool once)
{
	struct sem_wait *w, *tmp;

	list_for_each_entry_safe (w, tmp, queue, node) {
		long ret = ops_try(s, w->ops, w->count, w->undo, w->task->tg->tgid, &w->blocking);

		if (ret == WOULD_BLOCK)
			continue;
		wait_done(w, ret);
		if (ret == 0 && once)
			return true;
	}
	return false;
}

/* Values of @s have changed. */
static void set_changed(struct sem_set *s)
{
	do
		serve(s, &s->zero_waiters, false);
	while (serve(s, &s->waiters, true));
}

static bool ops_alter(const struct sembuf_k *ops, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (ops[i].op)
			return true;
	return false;
}

/* The call ends. */
static void wait_cleanup(struct task *t)
{
	struct sem_wait *w = t->wait.obj;

	mutex_lock(&g_sem_lock);
	list_del(&w->node);
	mutex_unlock(&g_sem_lock);
	kfree(w, sizeof(*w) + w->count * sizeof(w->ops[0]));
}

static long wait_start(struct task *t, struct sem_set *s, const struct sembuf_k *ops, u32 count,
		       struct sem_undo *undo, u32 blocking)
{
	struct sem_wait *w = kalloc(sizeof(*w) + count * sizeof(w->ops[0]));

	if (!w)
		return -ENOMEM;
	w->task = t;
	w->undo = undo;
	w->count = count;
	w->blocking = blocking;
	memcpy(w->ops, ops, count * sizeof(*ops));
	list_append(ops_alter(ops, count) ? &s->waiters : &s->zero_waiters, &w->node);
	t->wait.obj = w;
	t->wait.cleanup = wait_cleanup;
	t->wait.stage = STAGE_WAITING;
	return task_block(t, INTR_NEVER);
}

static long operate_locked(struct task *t, s32 id, const struct sembuf_k *ops, u32 count)
{
	struct sem_set *s = set_find(t, id);
	struct sem_undo *undo = NULL;
	bool alter = ops_alter(ops, count), undoes = false;
	u32 blocking;
	long ret;

	if (!s)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		if (ops[i].num >= s->count)
			return -EFBIG;
		undoes |= ops[i].flags & SEM_UNDO;
	}
	if (!ipc_permits(&s->obj, t->cred, alter ? 0222 : 0444))
		return -EACCES;
	if (undoes) {
		undo = undo_get(s, t->tg);
		if (!undo)
			return -ENOMEM;
	}
	ret = ops_try(s, ops, count, undo, t->tg->tgid, &blocking);
	if (ret == WOULD_BLOCK)
		return wait_start(t, s, ops, count, undo, blocking);
	if (ret == 0 && alter)
		set_changed(s);
	return ret;
}

long sem_op(struct task *t, s32 id, const struct sembuf_k *ops, u32 count)
{
	bool interrupted = signal_pending(t);
	struct sem_wait *w;
	long ret;

	mutex_lock(&g_sem_lock);
	if (!t->wait.stage)
		ret = operate_locked(t, id, ops, count);
	else
		ret = task_block(t, INTR_NEVER);
	w = t->wait.obj;
	if (w && w->done) {
		ret = w->result;
	} else if (w && (interrupted || task_timed_out(t))) {
		list_del(&w->node);
		ret = interrupted ? -EINTR : -EAGAIN;
	}
	mutex_unlock(&g_sem_lock);
	return ret;
}

void sem_exit(struct tgroup *tg)
{
	if (list_empty(&tg->sem_undo))
		return;
	mutex_lock(&g_sem_lock);
	while (!list_empty(&tg->sem_undo)) {
		struct sem_undo *u = list_first(&tg->sem_undo, struct sem_undo, tg_link);
		struct sem_set *s = u->set;

		for (u32 i = 0; i < u->count; i++) {
			s32 value = (s32)s->sems[i].value + u->adjust[i];

			if (!u->adjust[i])
				continue;
			value = max(value, 0);
			s->sems[i].value = (u32)min(value, SEM_VMX);
			s->sems[i].pid = tg->tgid;
		}
		undo_free(u);
		s->otime = ipc_time();
		set_changed(s);
	}
	mutex_unlock(&g_sem_lock);
}

/* --- semctl --- */

/* The set, if its permissions grant @flags; lock held. */
static struct sem_set *set_access(struct task *t, s32 id, u32 flags)
{
	struct sem_set *s = set_find(t, id);

	if (!s)
		return ERR_PTR(-EINVAL);
	return ipc_permits(&s->obj, t->cred, flags) ? s : ERR_PTR(-EACCES);
}

long sem_getall(struct task *t, s32 id, u16 *values, u32 *out_count)
{
	struct sem_set *s;
	long ret = 0;

	mutex_lock(&g_sem_lock);
	s = set_access(t, id, 0444);
	if (IS_ERR(s)) {
		ret = PTR_ERR(s);
	} else {
		*out_count = s->count;
		for (u32 i = 0; i < s->count; i++)
			values[i] = (u16)s->sems[i].value;
	}
	mutex_unlock(&g_sem_lock);
	return ret;
}

/* Semaphore @i gets a value from outside: what was to be undone is forgotten. */
static void value_set(struct sem_set *s, u32 i, u32 value, s32 pid)
{
	struct sem_undo *u;

	s->sems[i] = (struct sem){.value = value, .pid = pid};
	list_for_each_entry (u, &s->undos, set_link)
		u->adjust[i] = 0;
}

long sem_setall(struct task *t, s32 id, const u16 *values, u32 count)
{
	struct sem_set *s;
	long ret = 0;

	for (u32 i = 0; i < count; i++)
		if (values[i] > SEM_VMX)
			return -ERANGE;
	mutex_lock(&g_sem_lock);
	s = set_access(t, id, 0222);
	if (IS_ERR(s))
		ret = PTR_ERR(s);
	else if (s->count != count)
		ret = -EIDRM;
	for (u32 i = 0; !ret && i < count; i++)
		value_set(s, i, values[i], t->tg->tgid);
	if (!ret) {
		s->ctime = ipc_time();
		set_changed(s);
	}
	mutex_unlock(&g_sem_lock);
	return ret;
}

/* Who waits for semaphore @num to become 0, or to grow. */
static long count_waiters(struct sem_set *s, u32 num, bool zero)
{
	struct list *queues[] = {&s->zero_waiters, &s->waiters};
	struct sem_wait *w;
	long n = 0;

	for (u32 i = 0; i < array_size(queues); i++) {
		list_for_each_entry (w, queues[i], node) {
			const struct sembuf_k *op = &w->ops[w->blocking];

			n += op->num == num && (zero ? op->op == 0 : op->op < 0);
		}
	}
	return n;
}

long sem_ask(struct task *t, s32 id, s32 num, int cmd)
{
	struct sem_set *s;
	long ret;

	mutex_lock(&g_sem_lock);
	s = set_access(t, id, 0444);
	if (IS_ERR(s))
		ret = PTR_ERR(s);
	else if (num < 0 || (u32)num >= s->count)
		ret = -EINVAL;
	else if (cmd == GETVAL)
		ret = (long)s->sems[num].value;
	else if (cmd == GETPID)
		ret = s->sems[num].pid;
	else
		ret = count_waiters(s, (u32)num, cmd == GETZCNT);
	mutex_unlock(&g_sem_lock);
	return cmd == GETPID && ret > 0 ? number_told(t, (s32)ret) : ret;
}

long sem_setval(struct task *t, s32 id, s32 num, s32 value)
{
	struct sem_set *s;
	long ret = 0;

	if (value < 0 || value > SEM_VMX)
		return -ERANGE;
	mutex_lock(&g_sem_lock);
	s = set_find(t, id);
	if (!s || num < 0 || (u32)num >= s->count) {
		ret = -EINVAL;
	} else if (!ipc_permits(&s->obj, t->cred, 0222)) {
		ret = -EACCES;
	} else {
		value_set(s, (u32)num, (u32)value, t->tg->tgid);
		s->ctime = ipc_time();
		set_changed(s);
	}
	mutex_unlock(&g_sem_lock);
	return ret;
}

long sem_stat(struct task *t, s32 id, bool by_index, bool any, struct semid_ds *out)
{
	struct sem_set *s;
	long ret = -EINVAL;

	mutex_lock(&g_sem_lock);
	s = by_index ? (struct sem_set *)ipc_find_index(&t->ns->ipc->sem, id) : set_find(t, id);
	if (s && !any && !ipc_permits(&s->obj, t->cred, 0444)) {
		ret = -EACCES;
	} else if (s) {
		*out = (struct semid_ds){
			.sem_otime = s->otime, .sem_ctime = s->ctime, .sem_nsems = s->count};
		ipc_describe(&s->obj, t->cred, &out->sem_perm);
		ret = by_index ? s->obj.id : 0;
	}
	mutex_unlock(&g_sem_lock);
	return ret;
}

long sem_set(struct task *t, s32 id, const struct semid_ds *in)
{
	struct sem_set *s;
	long ret = -EINVAL;

	mutex_lock(&g_sem_lock);
	s = set_find(t, id);
	if (s && !ipc_controls(&s->obj, t->cred))
		ret = -EPERM;
	else if (s)
		ret = ipc_set_perm(&s->obj, t->cred, &in->sem_perm);
	if (!ret)
		s->ctime = ipc_time();
	mutex_unlock(&g_sem_lock);
	return ret;
}

/* Wakes who waits, forgets what was to be undone, and frees. */
static void set_destroy(struct sem_set *s)
{
	while (!list_empty(&s->zero_waiters))
		wait_done(list_first(&s->zero_waiters, struct sem_wait, node), -EIDRM);
	while (!list_empty(&s->waiters))
		wait_done(list_first(&s->waiters, struct sem_wait, node), -EIDRM);
	while (!list_empty(&s->undos))
		undo_free(list_first(&s->undos, struct sem_undo, set_link));
	s->obj.ids->items -= s->count;
	ipc_remove(&s->obj);
	kfree(s->sems, s->count * sizeof(*s->sems));
	slab_free(&set_cache, s);
}

long sem_remove(struct task *t, s32 id)
{
	struct sem_set *s;
	long ret = -EINVAL;

	mutex_lock(&g_sem_lock);
	s = set_find(t, id);
	if (s)
		ret = ipc_controls(&s->obj, t->cred) ? 0 : -EPERM;
	if (!ret)
		set_destroy(s);
	mutex_unlock(&g_sem_lock);
	return ret;
}

long sem_info(struct task *t, u32 *out_sets, u32 *out_sems)
{
	long ret;

	mutex_lock(&g_sem_lock);
	*out_sets = t->ns->ipc->sem.count;
	*out_sems = (u32)t->ns->ipc->sem.items;
	ret = ipc_max_index(&t->ns->ipc->sem);
	mutex_unlock(&g_sem_lock);
	return ret;
}

void sem_ns_init(struct ipc_namespace *ns)
{
	ipc_ids_init(&ns->sem, ns, &g_sem_lock, SEM_SET_COUNT_MAX);
}

void sem_ns_fini(struct ipc_namespace *ns)
{
	mutex_lock(&g_sem_lock);
	while (ns->sem.top)
		set_destroy((struct sem_set *)ns->sem.slot[ns->sem.top - 1]);
	mutex_unlock(&g_sem_lock);
	ipc_ids_fini(&ns->sem);
}
