/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_msg.c - System V message queues (msgget(2), msgsnd(2), msgrcv(2)) */
#include <linux/capability.h>

#include "sentry/kernel/ipc.h"

#define QUEUE_BYTES 16384u

struct queue {
	struct ipc_object o; /* first; guarded by g_queues.lock, as all */
	s64 ctime;
	struct list messages; /* oldest first */
	struct waitq changed; /* woken at each change, and when the queue is gone */
	u64 cbytes, qnum, qbytes;
	s64 stime, rtime;
	s32 lspid, lrpid;
};

static SLAB_CACHE(queue_cache, struct queue);
static struct ipc_ids g_queues = IPC_IDS_INIT(MSG_QUEUE_COUNT_MAX);

static struct queue *find(s32 id)
{
	return (struct queue *)ipc_find(&g_queues, id);
}

static long permission(struct task *t, const struct queue *q, u32 want)
{
	return ipc_permits(&q->o, t->cred, want) ? 0 : -EACCES;
}

struct msg *msg_alloc(u32 size)
{
	struct msg *m = kalloc(sizeof(*m) + size);

	if (!m)
		return NULL;
	m->size = size;
	list_init(&m->node);
	return m;
}

void msg_free(struct msg *m)
{
	kfree(m, sizeof(*m) + m->size);
}

static long create(struct task *t, s32 key, u32 flags)
{
	struct queue *q = slab_alloc(&queue_cache);
	int err;

	if (!q)
		return -ENOMEM;
	err = ipc_add(&g_queues, &q->o, key, flags, t->cred);
	if (err) {
		slab_free(&queue_cache, q);
		return err;
	}
	list_init(&q->messages);
	waitq_init(&q->changed);
	q->qbytes = QUEUE_BYTES;
	q->ctime = ipc_time();
	return q->o.id;
}

long msg_get(struct task *t, s32 key, u32 flags)
{
	struct ipc_object *o;
	long r;

	mutex_lock(&g_queues.lock);
	o = ipc_get(&g_queues, key, flags, t->cred);
	if (IS_ERR(o))
		r = PTR_ERR(o);
	else
		r = o ? o->id : create(t, key, flags);
	mutex_unlock(&g_queues.lock);
	return r;
}

/* [g_queues.lock] */
static long send_locked(struct task *t, s32 id, struct msg *m, u32 flags)
{
	struct queue *q = find(id);
	long err;

	if (!q)
		return t->wait.again ? -EIDRM : -EINVAL;
	err = permission(t, q, 0222);
	if (err)
		return err;
	if (q->cbytes + m->size > q->qbytes || q->qnum + 1 > q->qbytes) {
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		task_wait_on(t, &q->changed, 0);
		return -EBLOCKED;
	}
	list_append(&q->messages, &m->node);
	q->cbytes += m->size;
	q->qnum++;
	q->stime = ipc_time();
	q->lspid = t->tg->tgid;
	waitq_wake(&q->changed, 0x1);
	return 0;
}

long msg_send(struct task *t, s32 id, struct msg *m, u32 flags)
{
	long r;

	mutex_lock(&g_queues.lock);
	r = send_locked(t, id, m, flags);
	mutex_unlock(&g_queues.lock);
	return r == -EBLOCKED ? task_block(t, -EINTR) : r;
}

/* The message that msgrcv's @type chooses. */
static struct msg *choose(struct queue *q, s64 type, bool except)
{
	struct msg *m, *best = NULL;

	list_for_each_entry (m, &q->messages, node) {
		if (type == 0)
			return m;
		if (type > 0 && (m->type == type) != except)
			return m;
		if (type < 0 && (type == INT64_MIN || m->type <= -type) &&
		    (!best || m->type < best->type))
			best = m;
	}
	return best;
}

/* [g_queues.lock] */
static long receive_locked(struct task *t, s32 id, u64 size, s64 type, u32 flags, struct msg **out)
{
	struct queue *q = find(id);
	struct msg *m;
	long err;

	if (!q)
		return t->wait.again ? -EIDRM : -EINVAL;
	err = permission(t, q, 0444);
	if (err)
		return err;
	m = choose(q, type, flags & MSG_EXCEPT);
	if (!m) {
		if (flags & IPC_NOWAIT)
			return -ENOMSG;
		task_wait_on(t, &q->changed, 0);
		return -EBLOCKED;
	}
	if (m->size > size && !(flags & MSG_NOERROR))
		return -E2BIG;
	list_del(&m->node);
	q->cbytes -= m->size;
	q->qnum--;
	q->rtime = ipc_time();
	q->lrpid = t->tg->tgid;
	waitq_wake(&q->changed, 0x1);
	*out = m;
	return 0;
}

long msg_receive(struct task *t, s32 id, u64 size, s64 type, u32 flags, struct msg **out)
{
	long r;

	mutex_lock(&g_queues.lock);
	r = receive_locked(t, id, size, type, flags, out);
	mutex_unlock(&g_queues.lock);
	return r == -EBLOCKED ? task_block(t, -EINTR) : r;
}

/* --- control
 * ------------------------------------------------------------------------------------------ */

long msg_stat(struct task *t, s32 id, bool by_index, bool any, struct msqid_ds *out)
{
	struct queue *q;
	long r = -EINVAL;

	memset(out, 0, sizeof(*out));
	mutex_lock(&g_queues.lock);
	q = by_index ? (struct queue *)ipc_find_index(&g_queues, id) : find(id);
	if (q)
		r = any ? 0 : permission(t, q, 0444);
	if (!r) {
		ipc_describe(&q->o, &out->msg_perm);
		out->msg_stime = q->stime;
		out->msg_rtime = q->rtime;
		out->msg_ctime = q->ctime;
		out->__msg_cbytes = q->cbytes;
		out->msg_qnum = q->qnum;
		out->msg_qbytes = q->qbytes;
		out->msg_lspid = q->lspid;
		out->msg_lrpid = q->lrpid;
		r = by_index ? q->o.id : 0;
	}
	mutex_unlock(&g_queues.lock);
	return r;
}

long msg_set(struct task *t, s32 id, const struct msqid_ds *in)
{
	struct queue *q;
	long err;

	mutex_lock(&g_queues.lock);
	q = find(id);
	err = !q ? -EINVAL : ipc_controls(&q->o, t->cred) ? 0 : -EPERM;
	if (!err && in->msg_qbytes > QUEUE_BYTES && !task_capable(t, CAP_SYS_RESOURCE))
		err = -EPERM;
	if (!err)
		err = ipc_set_perm(&q->o, &in->msg_perm);
	if (!err) {
		q->qbytes = in->msg_qbytes;
		q->ctime = ipc_time();
		waitq_wake(&q->changed, 0x1);
	}
	mutex_unlock(&g_queues.lock);
	return err;
}

long msg_remove(struct task *t, s32 id)
{
	struct msg *m, *tmp;
	struct queue *q;
	long err;

	mutex_lock(&g_queues.lock);
	q = find(id);
	err = !q ? -EINVAL : ipc_controls(&q->o, t->cred) ? 0 : -EPERM;
	if (!err) {
		ipc_remove(&g_queues, &q->o);
		waitq_fini(&q->changed);
		list_for_each_entry_safe (m, tmp, &q->messages, node)
			msg_free(m);
		slab_free(&queue_cache, q);
	}
	mutex_unlock(&g_queues.lock);
	return err;
}

long msg_info(u32 *out_queues, u32 *out_messages, u64 *out_bytes)
{
	long highest;

	*out_messages = 0;
	*out_bytes = 0;
	mutex_lock(&g_queues.lock);
	for (u32 i = 0; i < g_queues.top; i++) {
		struct queue *q = (struct queue *)ipc_find_index(&g_queues, (s32)i);

		*out_messages += q ? (u32)q->qnum : 0;
		*out_bytes += q ? q->cbytes : 0;
	}
	*out_queues = g_queues.count;
	highest = ipc_max_index(&g_queues);
	mutex_unlock(&g_queues.lock);
	return highest;
}
