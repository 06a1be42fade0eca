/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_msg.c - System V message queues (msgget(2), msgsnd(2), msgrcv(2), msgctl(2))
 *
 * Theory of operation: a receiver that must wait is queued with what it wants, and a sender hands
 * its message to the oldest that wants it; only when there is none is the message queued. A sender
 * that must wait tries again when there is room. The receiver's wait is in t->wait.obj.
 */
#include <linux/capability.h>
#include <sys/epoll.h>

#include "sentry/kernel/ipc.h"
#include "sentry/kernel/process.h"

#define STAGE_WAITING 1

struct msg_queue {
	struct ipc_object obj; /* first; all here is guarded by g_msg_lock */
	struct list messages;  /* struct msg, oldest first */
	struct list receivers; /* struct msg_wait, oldest first */
	struct waitq senders;  /* woken when there may be room */
	u64 bytes, count, limit;
	s64 stime, rtime, ctime;
	s32 sender, receiver; /* process ids of the last ones */
};
enum msg_search { ANY, EQUAL, NOT_EQUAL, LESS_EQUAL, BY_NUMBER };
struct msg_wait {	  /* of a blocked receiver: its t->wait.obj */
	struct list node; /* at its queue, or alone */
	struct task *task;
	enum msg_search search;
	s64 type;
	u64 room;
	struct msg *message; /* handed over */
	long result;	     /* -errno: the wait ended without one; 0: goes on */
};

static SLAB_CACHE(queue_cache, struct msg_queue);
static SLAB_CACHE(wait_cache, struct msg_wait);
static struct mutex g_msg_lock = MUTEX_INIT(LR_IPC);

static struct msg_queue *queue_find(struct task *t, s32 id)
{
	return (struct msg_queue *)ipc_find(&t->ns->ipc->msg, id);
}

struct msg *msg_alloc(u32 size)
{
	struct msg *m = kalloc_dirty(sizeof(*m) + size);

	if (m) {
		list_init(&m->node);
		m->size = size;
	}
	return m;
}

void msg_free(struct msg *m)
{
	kfree(m, sizeof(*m) + m->size);
}

/* --- msgget --- */

static int queue_create(struct task *t, s32 key, u32 flags)
{
	struct msg_queue *q = slab_alloc(&queue_cache);
	int err;

	if (!q)
		return -ENOMEM;
	err = ipc_add(&t->ns->ipc->msg, &q->obj, key, flags, t->cred);
	if (err) {
		slab_free(&queue_cache, q);
		return err;
	}
	list_init(&q->messages);
	list_init(&q->receivers);
	waitq_init(&q->senders);
	q->limit = g_ipc_limits.msgmnb;
	q->ctime = ipc_time();
	return q->obj.id;
}

/* msgget(2) */
long msg_get(struct task *t, s32 key, u32 flags)
{
	struct msg_queue *q;
	long ret;

	mutex_lock(&g_msg_lock);
	q = (struct msg_queue *)ipc_get(&t->ns->ipc->msg, key, flags, t->cred);
	if (!q)
		ret = queue_create(t, key, flags);
	else
		ret = IS_ERR(q) ? PTR_ERR(q) : q->obj.id;
	mutex_unlock(&g_msg_lock);
	return ret;
}

/* --- msgsnd --- */

static bool is_wanted(const struct msg *m, enum msg_search search, s64 type)
{
	switch (search) {
	case EQUAL:
		return m->type == type;
	case NOT_EQUAL:
		return m->type != type;
	case LESS_EQUAL:
		return m->type <= type;
	default:
		return true;
	}
}

static void wait_done(struct msg_wait *w, struct msg *m, long result)
{
	list_del(&w->node);
	w->message = m;
	w->result = result;
	task_wake(w->task);
}

/* Gives @m to a receiver that waits for it. Those who want it and have no room fail. */
static bool hand_over(struct msg_queue *q, struct msg *m)
{
	struct msg_wait *w, *tmp;

	list_for_each_entry_safe (w, tmp, &q->receivers, node) {
		if (!is_wanted(m, w->search, w->type))
			continue;
		if (w->room < m->size) {
			wait_done(w, NULL, -E2BIG);
			continue;
		}
		q->receiver = w->task->tg->tgid;
		q->rtime = ipc_time();
		wait_done(w, m, 0);
		return true;
	}
	return false;
}

/* 0: sent, or -errno; -EAGAIN: there is no room. Lock held. */
static long send_locked(struct task *t, struct msg_queue *q, struct msg *m)
{
	if (!ipc_permits(&q->obj, t->cred, 0222))
		return -EACCES;
	if (m->size + q->bytes > q->limit || q->count + 1 > q->limit)
		return -EAGAIN;
	q->sender = t->tg->tgid;
	q->stime = ipc_time();
	if (hand_over(q, m))
		return 0;
	list_append(&q->messages, &m->node);
	q->bytes += m->size;
	q->count++;
	q->obj.ids->bytes += m->size;
	q->obj.ids->items++;
	return 0;
}

long msg_send(struct task *t, s32 id, struct msg *m, u32 flags)
{
	struct msg_queue *q;
	long ret;

	mutex_lock(&g_msg_lock);
	q = queue_find(t, id);
	ret = q ? send_locked(t, q, m) : t->wait.again ? -EIDRM : -EINVAL;
	if (ret == -EAGAIN && !(flags & IPC_NOWAIT)) {
		task_wait_on(t, &q->senders, 0);
		ret = task_block(t, -ERESTARTNOHAND);
	}
	mutex_unlock(&g_msg_lock);
	return ret;
}

/* --- msgrcv --- */

static enum msg_search search_of(s64 *type, u32 flags)
{
	if (flags & MSG_COPY)
		return BY_NUMBER;
	if (*type == 0)
		return ANY;
	if (*type < 0) {
		*type = *type == INT64_MIN ? INT64_MAX : -*type;
		return LESS_EQUAL;
	}
	return flags & MSG_EXCEPT ? NOT_EQUAL : EQUAL;
}

/* The message that is meant: of LESS_EQUAL, the first of the lowest type. NULL: none. */
static struct msg *message_find(struct msg_queue *q, enum msg_search search, s64 type)
{
	struct msg *m, *best = NULL;
	s64 n = 0;

	list_for_each_entry (m, &q->messages, node) {
		if (search == BY_NUMBER ? n++ != type : !is_wanted(m, search, type))
			continue;
		if (search != LESS_EQUAL)
			return m;
		if (!best || m->type < best->type)
			best = m;
	}
	return best;
}

static void message_take(struct msg_queue *q, struct msg *m)
{
	list_del(&m->node);
	q->bytes -= m->size;
	q->count--;
	q->obj.ids->bytes -= m->size;
	q->obj.ids->items--;
}

/* MSG_COPY: the message stays. */
static long message_copy(const struct msg *m, struct msg **out)
{
	struct msg *copy = msg_alloc(m->size);

	if (!copy)
		return -ENOMEM;
	copy->type = m->type;
	memcpy(copy->data, m->data, m->size);
	*out = copy;
	return 0;
}

static void receiver_cleanup(struct task *t)
{
	struct msg_wait *w = t->wait.obj;

	mutex_lock(&g_msg_lock);
	list_del(&w->node);
	mutex_unlock(&g_msg_lock);
	if (w->message)
		msg_free(w->message);
	slab_free(&wait_cache, w);
}

static long wait_start(struct task *t, struct msg_queue *q, enum msg_search search, s64 type,
		       u64 room)
{
	struct msg_wait *w = t->wait.obj;

	if (!w) {
		w = slab_alloc(&wait_cache);
		if (!w)
			return -ENOMEM;
		w->task = t;
		w->search = search;
		w->type = type;
		w->room = room;
		list_init(&w->node);
		t->wait.obj = w;
		t->wait.cleanup = receiver_cleanup;
		t->wait.stage = STAGE_WAITING;
	}
	list_append(&q->receivers, &w->node);
	return task_block(t, INTR_NEVER);
}

/* Looks for a message in the queue. Lock held. */
static long receive_locked(struct task *t, s32 id, u64 size, s64 type, u32 flags, struct msg **out)
{
	enum msg_search search = search_of(&type, flags);
	u64 room = flags & MSG_NOERROR ? UINT64_MAX : size;
	struct msg_queue *q = queue_find(t, id);
	struct msg *m;

	if (!q)
		return t->wait.stage ? -EIDRM : -EINVAL;
	if (!ipc_permits(&q->obj, t->cred, 0444))
		return -EACCES;
	m = message_find(q, search, type);
	if (!m)
		return flags & IPC_NOWAIT ? -ENOMSG : wait_start(t, q, search, type, room);
	if (room < m->size)
		return -E2BIG;
	if (search == BY_NUMBER)
		return message_copy(m, out);
	message_take(q, m);
	q->rtime = ipc_time();
	q->receiver = t->tg->tgid;
	waitq_wake(&q->senders, EPOLLOUT);
	*out = m;
	return 0;
}

long msg_receive(struct task *t, s32 id, u64 size, s64 type, u32 flags, struct msg **out)
{
	bool interrupted = signal_pending(t);
	struct msg_wait *w = t->wait.obj;
	long ret;

	mutex_lock(&g_msg_lock);
	if (w && w->message) {
		*out = w->message;
		w->message = NULL;
		ret = 0;
	} else if (w && w->result) {
		ret = w->result;
	} else {
		if (w)
			list_del(&w->node); /* it goes to the end: nobody else woke it */
		ret = receive_locked(t, id, size, type, flags, out);
		if (ret == -EBLOCKED && interrupted) {
			w = t->wait.obj;
			list_del(&w->node);
			ret = -ERESTARTNOHAND;
		}
	}
	mutex_unlock(&g_msg_lock);
	return ret;
}

/* --- msgctl --- */

long msg_stat(struct task *t, s32 id, bool by_index, bool any, struct msqid_ds *out)
{
	struct msg_queue *q;
	long ret = -EINVAL;

	mutex_lock(&g_msg_lock);
	q = by_index ? (struct msg_queue *)ipc_find_index(&t->ns->ipc->msg, id) : queue_find(t, id);
	if (q && !any && !ipc_permits(&q->obj, t->cred, 0444)) {
		ret = -EACCES;
	} else if (q) {
		*out = (struct msqid_ds){
			.msg_stime = q->stime,
			.msg_rtime = q->rtime,
			.msg_ctime = q->ctime,
			.__msg_cbytes = q->bytes,
			.msg_qnum = q->count,
			.msg_qbytes = q->limit,
			.msg_lspid = q->sender,
			.msg_lrpid = q->receiver,
		};
		ipc_describe(&q->obj, t->cred, &out->msg_perm);
		ret = by_index ? q->obj.id : 0;
	}
	mutex_unlock(&g_msg_lock);
	if (ret >= 0) {
		out->msg_lspid = number_told(t, out->msg_lspid);
		out->msg_lrpid = number_told(t, out->msg_lrpid);
	}
	return ret;
}

/* Who waits looks again: permissions or the limit have changed. */
static void wake_all(struct msg_queue *q)
{
	struct msg_wait *w;

	list_for_each_entry (w, &q->receivers, node)
		task_wake(w->task);
	waitq_wake(&q->senders, EPOLLOUT);
}

long msg_set(struct task *t, s32 id, const struct msqid_ds *in)
{
	struct msg_queue *q;
	long ret = -EINVAL;

	mutex_lock(&g_msg_lock);
	q = queue_find(t, id);
	if (q && (!ipc_controls(&q->obj, t->cred) ||
		  (in->msg_qbytes > g_ipc_limits.msgmnb && !task_capable(t, CAP_SYS_RESOURCE))))
		ret = -EPERM;
	else if (q)
		ret = ipc_set_perm(&q->obj, t->cred, &in->msg_perm);
	if (!ret) {
		q->limit = in->msg_qbytes;
		q->ctime = ipc_time();
		wake_all(q);
	}
	mutex_unlock(&g_msg_lock);
	return ret;
}

static void queue_destroy(struct msg_queue *q)
{
	while (!list_empty(&q->receivers))
		wait_done(list_first(&q->receivers, struct msg_wait, node), NULL, -EIDRM);
	waitq_fini(&q->senders); /* wakes them: they do not find the queue */
	while (!list_empty(&q->messages)) {
		struct msg *m = list_first(&q->messages, struct msg, node);

		message_take(q, m);
		msg_free(m);
	}
	ipc_remove(&q->obj);
	slab_free(&queue_cache, q);
}

long msg_remove(struct task *t, s32 id)
{
	struct msg_queue *q;
	long ret = -EINVAL;

	mutex_lock(&g_msg_lock);
	q = queue_find(t, id);
	if (q)
		ret = ipc_controls(&q->obj, t->cred) ? 0 : -EPERM;
	if (!ret)
		queue_destroy(q);
	mutex_unlock(&g_msg_lock);
	return ret;
}

long msg_info(struct task *t, u32 *out_queues, u32 *out_messages, u64 *out_bytes)
{
	long ret;

	mutex_lock(&g_msg_lock);
	*out_queues = t->ns->ipc->msg.count;
	*out_messages = (u32)t->ns->ipc->msg.items;
	*out_bytes = t->ns->ipc->msg.bytes;
	ret = ipc_max_index(&t->ns->ipc->msg);
	mutex_unlock(&g_msg_lock);
	return ret;
}

void msg_ns_init(struct ipc_namespace *ns)
{
	ipc_ids_init(&ns->msg, ns, &g_msg_lock, MSG_QUEUE_COUNT_MAX);
}

void msg_ns_fini(struct ipc_namespace *ns)
{
	mutex_lock(&g_msg_lock);
	while (ns->msg.top)
		queue_destroy((struct msg_queue *)ns->msg.slot[ns->msg.top - 1]);
	mutex_unlock(&g_msg_lock);
	ipc_ids_fini(&ns->msg);
}
