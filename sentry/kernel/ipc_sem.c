/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_sem.c - System V semaphores (semget(2), semop(2))
 *
 * The operations of one call are tried all at once on the set; when one cannot be done, all are
 * taken back and the call waits for any change of the set. SEM_UNDO adjustments hang on the set,
 * one record a process, and are applied when that process ends.
 */
#include "sentry/kernel/ipc.h"

#define SEM_TOP 32767

struct sem {
	s32 value, pid;
	u32 ncnt, zcnt; /* who waits for more, for zero */
};

struct sem_undo {
	struct list node; /* in the set */
	struct tgroup *tg;
	s16 adjust[];
};

struct sem_set_obj {
	struct ipc_object o; /* first; guarded by g_sets.lock, as all */
	s64 ctime;
	u32 nsems;
	s64 otime;
	struct waitq changed; /* woken at each change, and when the set is gone */
	struct list undos;
	struct sem *sems;
};

static SLAB_CACHE(set_cache, struct sem_set_obj);
static struct ipc_ids g_sets = IPC_IDS_INIT(SEM_SET_COUNT_MAX);
static _Atomic u32 g_undo_count;

static struct sem_set_obj *find(s32 id)
{
	return (struct sem_set_obj *)ipc_find(&g_sets, id);
}

static long permission(struct task *t, const struct sem_set_obj *s, u32 want)
{
	return ipc_permits(&s->o, t->cred, want) ? 0 : -EACCES;
}

/* --- sets
 * ------------------------------------------------------------------------------------------ */

static long create(struct task *t, s32 key, s32 nsems, u32 flags)
{
	struct sem_set_obj *s;
	long err;

	if (nsems <= 0)
		return -EINVAL;
	s = slab_alloc(&set_cache);
	if (!s)
		return -ENOMEM;
	s->nsems = (u32)nsems;
	s->sems = kalloc(s->nsems * sizeof(*s->sems));
	err = s->sems ? ipc_add(&g_sets, &s->o, key, flags, t->cred) : -ENOMEM;
	if (err) {
		if (s->sems)
			kfree(s->sems, s->nsems * sizeof(*s->sems));
		slab_free(&set_cache, s);
		return err;
	}
	s->ctime = ipc_time();
	waitq_init(&s->changed);
	list_init(&s->undos);
	return s->o.id;
}

long sem_get(struct task *t, s32 key, s32 nsems, u32 flags)
{
	struct ipc_object *o;
	long r;

	if (nsems < 0 || nsems > SEM_SET_MAX)
		return -EINVAL;
	mutex_lock(&g_sets.lock);
	o = ipc_get(&g_sets, key, flags, t->cred);
	if (IS_ERR(o))
		r = PTR_ERR(o);
	else if (o)
		r = (u32)nsems > ((struct sem_set_obj *)o)->nsems ? -EINVAL : o->id;
	else
		r = create(t, key, nsems, flags);
	mutex_unlock(&g_sets.lock);
	return r;
}

static void undo_free(struct sem_set_obj *s, struct sem_undo *u)
{
	list_del(&u->node);
	kfree(u, sizeof(*u) + s->nsems * sizeof(u->adjust[0]));
	atomic_fetch_sub(&g_undo_count, 1);
}

long sem_remove(struct task *t, s32 id)
{
	struct sem_undo *u, *tmp;
	struct sem_set_obj *s;
	long err;

	mutex_lock(&g_sets.lock);
	s = find(id);
	err = !s ? -EINVAL : ipc_controls(&s->o, t->cred) ? 0 : -EPERM;
	if (!err) {
		list_for_each_entry_safe (u, tmp, &s->undos, node)
			undo_free(s, u);
		ipc_remove(&g_sets, &s->o);
		waitq_fini(&s->changed);
		kfree(s->sems, s->nsems * sizeof(*s->sems));
		slab_free(&set_cache, s);
	}
	mutex_unlock(&g_sets.lock);
	return err;
}

/* --- operations
 * -------------------------------------------------------------------------------------- */

static struct sem_undo *find_undo(struct sem_set_obj *s, struct tgroup *tg)
{
	struct sem_undo *u;

	list_for_each_entry (u, &s->undos, node)
		if (u->tg == tg)
			return u;
	return NULL;
}

static struct sem_undo *make_undo(struct sem_set_obj *s, struct tgroup *tg)
{
	struct sem_undo *u = find_undo(s, tg);

	if (u)
		return u;
	u = kalloc(sizeof(*u) + s->nsems * sizeof(u->adjust[0]));
	if (!u)
		return NULL;
	u->tg = tg;
	list_append(&s->undos, &u->node);
	atomic_fetch_add(&g_undo_count, 1);
	return u;
}

/* One operation: 0, -EAGAIN (it has to wait), -ERANGE. */
static long apply(struct sem *sem, const struct sembuf_k *op)
{
	s32 value = sem->value + op->op;

	if (op->op == 0)
		return sem->value ? -EAGAIN : 0;
	if (value < 0)
		return -EAGAIN;
	if (value > SEM_TOP)
		return -ERANGE;
	sem->value = value;
	return 0;
}

/* All of them, or none: 0, or the error of operation *out_failed. */
static long apply_all(struct sem_set_obj *s, const struct sembuf_k *ops, u32 count, u32 *out_failed)
{
	for (u32 i = 0; i < count; i++) {
		long err = apply(&s->sems[ops[i].num], &ops[i]);

		if (!err)
			continue;
		*out_failed = i;
		while (i-- > 0)
			s->sems[ops[i].num].value -= ops[i].op;
		return err;
	}
	return 0;
}

static long record_undo(struct sem_set_obj *s, struct tgroup *tg, const struct sembuf_k *ops,
			u32 count)
{
	struct sem_undo *u = NULL;

	for (u32 i = 0; i < count; i++) {
		if (!(ops[i].flags & SEM_UNDO))
			continue;
		u = u ? u : make_undo(s, tg);
		if (!u)
			return -ENOMEM;
		u->adjust[ops[i].num] = (s16)(u->adjust[ops[i].num] - ops[i].op);
	}
	return 0;
}

static void commit(struct task *t, struct sem_set_obj *s, const struct sembuf_k *ops, u32 count)
{
	bool changed = false;

	for (u32 i = 0; i < count; i++) {
		s->sems[ops[i].num].pid = t->tg->tgid;
		changed |= ops[i].op != 0;
	}
	s->otime = ipc_time();
	if (changed)
		waitq_wake(&s->changed, 0x1);
}

/* data[0]: 1 + the semaphore it waits for; data[1]: for zero; data[2]: id. [g_sets.lock] */
static void stop_counting(struct task *t)
{
	struct sem_set_obj *s = t->wait.data[0] ? find((s32)t->wait.data[2]) : NULL;

	if (s) {
		struct sem *sem = &s->sems[t->wait.data[0] - 1];

		if (t->wait.data[1])
			sem->zcnt--;
		else
			sem->ncnt--;
	}
	t->wait.data[0] = 0;
}

static void sem_cleanup(struct task *t)
{
	mutex_lock(&g_sets.lock);
	stop_counting(t);
	mutex_unlock(&g_sets.lock);
}

static void start_counting(struct task *t, struct sem_set_obj *s, const struct sembuf_k *op)
{
	t->wait.data[0] = op->num + 1u;
	t->wait.data[1] = op->op == 0;
	t->wait.data[2] = (u64)s->o.id;
	t->wait.cleanup = sem_cleanup;
	if (op->op == 0)
		s->sems[op->num].zcnt++;
	else
		s->sems[op->num].ncnt++;
}

static long check_ops(struct task *t, struct sem_set_obj *s, const struct sembuf_k *ops, u32 count)
{
	u32 want = 0444;

	for (u32 i = 0; i < count; i++) {
		if (ops[i].num >= s->nsems)
			return -EFBIG;
		if (ops[i].op)
			want = 0222;
	}
	return permission(t, s, want);
}

/* [g_sets.lock] -EBLOCKED: it waits. */
static long sem_op_locked(struct task *t, s32 id, const struct sembuf_k *ops, u32 count)
{
	struct sem_set_obj *s = find(id);
	u32 failed = 0;
	long err;

	stop_counting(t);
	if (!s)
		return t->wait.again ? -EIDRM : -EINVAL;
	err = check_ops(t, s, ops, count);
	if (!err)
		err = apply_all(s, ops, count, &failed);
	if (!err) {
		err = record_undo(s, t->tg, ops, count);
		commit(t, s, ops, count);
		return err;
	}
	if (err != -EAGAIN || (ops[failed].flags & IPC_NOWAIT) || task_timed_out(t))
		return err;
	task_wait_on(t, &s->changed, 0);
	start_counting(t, s, &ops[failed]);
	return -EBLOCKED;
}

long sem_op(struct task *t, s32 id, const struct sembuf_k *ops, u32 count)
{
	long r;

	mutex_lock(&g_sets.lock);
	r = sem_op_locked(t, id, ops, count);
	mutex_unlock(&g_sets.lock);
	return r == -EBLOCKED ? task_block(t, -EINTR) : r;
}

void sem_exit(struct tgroup *tg)
{
	if (!atomic_load(&g_undo_count))
		return;
	mutex_lock(&g_sets.lock);
	for (u32 i = 0; i < g_sets.top; i++) {
		struct sem_set_obj *s = (struct sem_set_obj *)ipc_find_index(&g_sets, (s32)i);
		struct sem_undo *u = s ? find_undo(s, tg) : NULL;

		if (!u)
			continue;
		for (u32 n = 0; n < s->nsems; n++) {
			s32 value = s->sems[n].value + u->adjust[n];

			if (!u->adjust[n])
				continue;
			s->sems[n].value = value < 0 ? 0 : value > SEM_TOP ? SEM_TOP : value;
			s->sems[n].pid = tg->tgid;
		}
		undo_free(s, u);
		waitq_wake(&s->changed, 0x1);
	}
	mutex_unlock(&g_sets.lock);
}

/* --- control
 * ------------------------------------------------------------------------------------------ */

long sem_stat(struct task *t, s32 id, bool by_index, bool any, struct semid_ds *out)
{
	struct sem_set_obj *s;
	long r = -EINVAL;

	memset(out, 0, sizeof(*out));
	mutex_lock(&g_sets.lock);
	s = by_index ? (struct sem_set_obj *)ipc_find_index(&g_sets, id) : find(id);
	if (s)
		r = any ? 0 : permission(t, s, 0444);
	if (!r) {
		ipc_describe(&s->o, &out->sem_perm);
		out->sem_otime = s->otime;
		out->sem_ctime = s->ctime;
		out->sem_nsems = s->nsems;
		r = by_index ? s->o.id : 0;
	}
	mutex_unlock(&g_sets.lock);
	return r;
}

long sem_set(struct task *t, s32 id, const struct semid_ds *in)
{
	struct sem_set_obj *s;
	long err;

	mutex_lock(&g_sets.lock);
	s = find(id);
	err = !s ? -EINVAL : ipc_controls(&s->o, t->cred) ? 0 : -EPERM;
	if (!err)
		err = ipc_set_perm(&s->o, &in->sem_perm);
	if (!err)
		s->ctime = ipc_time();
	mutex_unlock(&g_sets.lock);
	return err;
}

long sem_ask(struct task *t, s32 id, s32 num, int cmd)
{
	struct sem_set_obj *s;
	const struct sem *sem;
	long r;

	mutex_lock(&g_sets.lock);
	s = find(id);
	r = !s ? -EINVAL : permission(t, s, 0444);
	if (!r && (num < 0 || (u32)num >= s->nsems))
		r = -EINVAL;
	if (!r) {
		sem = &s->sems[num];
		r = cmd == GETVAL    ? sem->value
		    : cmd == GETPID  ? sem->pid
		    : cmd == GETNCNT ? (long)sem->ncnt
				     : (long)sem->zcnt;
	}
	mutex_unlock(&g_sets.lock);
	return r;
}

/* Values were set from outside: adjustments of before are void. */
static void values_set(struct sem_set_obj *s, u32 from, u32 count)
{
	struct sem_undo *u;

	list_for_each_entry (u, &s->undos, node)
		memset(&u->adjust[from], 0, count * sizeof(u->adjust[0]));
	s->ctime = ipc_time();
	waitq_wake(&s->changed, 0x1);
}

long sem_setval(struct task *t, s32 id, s32 num, s32 value)
{
	struct sem_set_obj *s;
	long err;

	if (value < 0 || value > SEM_TOP)
		return -ERANGE;
	mutex_lock(&g_sets.lock);
	s = find(id);
	err = !s ? -EINVAL : permission(t, s, 0222);
	if (!err && (num < 0 || (u32)num >= s->nsems))
		err = -EINVAL;
	if (!err) {
		s->sems[num].value = value;
		s->sems[num].pid = t->tg->tgid;
		values_set(s, (u32)num, 1);
	}
	mutex_unlock(&g_sets.lock);
	return err;
}

long sem_getall(struct task *t, s32 id, u16 *values, u32 *out_count)
{
	struct sem_set_obj *s;
	long err;

	mutex_lock(&g_sets.lock);
	s = find(id);
	err = !s ? -EINVAL : permission(t, s, 0444);
	if (!err) {
		*out_count = s->nsems;
		for (u32 i = 0; i < s->nsems; i++)
			values[i] = (u16)s->sems[i].value;
	}
	mutex_unlock(&g_sets.lock);
	return err;
}

long sem_setall(struct task *t, s32 id, const u16 *values, u32 count)
{
	struct sem_set_obj *s;
	long err;

	mutex_lock(&g_sets.lock);
	s = find(id);
	err = !s ? -EINVAL : permission(t, s, 0222);
	for (u32 i = 0; !err && i < s->nsems; i++)
		if (i >= count || values[i] > SEM_TOP)
			err = -ERANGE;
	if (!err) {
		for (u32 i = 0; i < s->nsems; i++) {
			s->sems[i].value = values[i];
			s->sems[i].pid = t->tg->tgid;
		}
		values_set(s, 0, s->nsems);
	}
	mutex_unlock(&g_sets.lock);
	return err;
}

long sem_info(u32 *out_sets, u32 *out_sems)
{
	long highest;

	*out_sems = 0;
	mutex_lock(&g_sets.lock);
	for (u32 i = 0; i < g_sets.top; i++) {
		struct ipc_object *o = ipc_find_index(&g_sets, (s32)i);

		*out_sems += o ? ((struct sem_set_obj *)o)->nsems : 0;
	}
	*out_sets = g_sets.count;
	highest = ipc_max_index(&g_sets);
	mutex_unlock(&g_sets.lock);
	return highest;
}
