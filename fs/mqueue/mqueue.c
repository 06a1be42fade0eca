/* SPDX-License-Identifier: Apache-2.0 */
/* mqueue.c - the queues: messages in, messages out, notification
 *
 * Theory of operation: a queue is the data of an inode of the mqueue file system (super.c). Its
 * messages are a list, highest priority first, oldest first among equals. A signal of a
 * notification is sent after the queue's lock is given up: the tasklist lock ranks below.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

#include "fs/mqueue/mqueue_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/process.h"

struct mq_msg {
	struct list node; /* in mqueue.msgs */
	u32 prio, size;
	u8 data[];
};

static SLAB_CACHE(g_queues, struct mqueue);

struct mqueue *mqueue_create(u32 maxmsg, u32 msgsize)
{
	struct mqueue *q = slab_alloc(&g_queues);

	if (!q)
		return NULL;
	mutex_init(&q->lock, LR_FSPRIV);
	waitq_init(&q->wait);
	list_init(&q->msgs);
	q->maxmsg = maxmsg;
	q->msgsize = msgsize;
	return q;
}

static void msg_free(struct mq_msg *m)
{
	kfree(m, sizeof(*m) + m->size);
}

void mqueue_destroy(struct mqueue *q)
{
	while (!list_empty(&q->msgs)) {
		struct mq_msg *m = list_first(&q->msgs, struct mq_msg, node);

		list_del(&m->node);
		msg_free(m);
	}
	if (q->notify.tg)
		tgroup_put(q->notify.tg);
	waitq_fini(&q->wait);
	slab_free(&g_queues, q);
}

static struct mqueue *queue_of(const struct file *f)
{
	return f->op == &mqueue_file_ops ? f->inode->data : NULL;
}

/* Takes the registration off; lock held. */
static struct mq_notify notify_take(struct mqueue *q)
{
	struct mq_notify n = q->notify;

	q->notify = (struct mq_notify){0};
	return n;
}

/* Tells the registered process, once; consumes @n. No lock held. */
static void notify_send(struct caller *c, struct mq_notify *n)
{
	struct siginfo_k info = {
		.si_signo = n->signo,
		.si_code = SI_MESGQ,
		.rt = {.pid = c->task ? c->task->tg->tgid : 0,
		       .uid = c->cred->uid,
		       .value.sival_ptr = n->value},
	};

	if (!n->tg)
		return;
	tasklist_lock();
	if (c->task && n->tg->leader)
		info.rt.pid = pid_nr_in(c->task->tg->leader->pid, n->tg->pid_ns);
	if (n->kind == MQ_NOTIFY_SIGNAL && n->signo && n->tg->leader && !n->tg->zombie)
		signal_send_locked(n->tg->leader, &info, true);
	tasklist_unlock();
	tgroup_put(n->tg);
}

/* Puts @m behind those of its priority; lock held. */
static void insert(struct mqueue *q, struct mq_msg *m)
{
	struct list *at = q->msgs.prev;

	while (at != &q->msgs && list_entry(at, struct mq_msg, node)->prio < m->prio)
		at = at->prev;
	list_insert(&m->node, at, at->next);
	q->count++;
	q->bytes += m->size;
}

int mq_send(struct caller *c, struct file *f, gva_t src, u64 size, u32 prio)
{
	struct mqueue *q = queue_of(f);
	struct mq_notify n = {0};
	struct mq_msg *m;

	if (!q)
		return -EBADF;
	if (size > q->msgsize)
		return -EMSGSIZE;
	m = kalloc(sizeof(*m) + size);
	if (!m)
		return -ENOMEM;
	m->prio = prio;
	m->size = (u32)size;
	if (copy_in(c->mm, m->data, src, size)) {
		msg_free(m);
		return -EFAULT;
	}
	mutex_lock(&q->lock);
	if (q->count >= q->maxmsg) {
		mutex_unlock(&q->lock);
		msg_free(m);
		return -EAGAIN;
	}
	if (q->count == 0 && !q->receivers)
		n = notify_take(q);
	insert(q, m);
	mutex_unlock(&q->lock);
	waitq_wake(&q->wait, EPOLLIN | EPOLLRDNORM);
	notify_send(c, &n);
	return 0;
}

ssize_t mq_receive(struct caller *c, struct file *f, gva_t dst, u64 size, u32 *out_prio)
{
	struct mqueue *q = queue_of(f);
	struct mq_msg *m;
	ssize_t n;

	if (!q)
		return -EBADF;
	if (size < q->msgsize)
		return -EMSGSIZE;
	mutex_lock(&q->lock);
	if (list_empty(&q->msgs)) {
		mutex_unlock(&q->lock);
		return -EAGAIN;
	}
	m = list_first(&q->msgs, struct mq_msg, node);
	list_del(&m->node);
	q->count--;
	q->bytes -= m->size;
	mutex_unlock(&q->lock);
	waitq_wake(&q->wait, EPOLLOUT | EPOLLWRNORM);
	*out_prio = m->prio;
	n = copy_out(c->mm, dst, m->data, m->size) ? -EFAULT : (ssize_t)m->size;
	msg_free(m);
	return n;
}

void mq_receiver_waits(struct file *f, int by)
{
	struct mqueue *q = queue_of(f);

	if (!q)
		return;
	mutex_lock(&q->lock);
	q->receivers += by;
	mutex_unlock(&q->lock);
}

int mq_get_attr(struct file *f, struct mq_attr_k *out)
{
	struct mqueue *q = queue_of(f);

	if (!q)
		return -EBADF;
	mutex_lock(&q->lock);
	*out = (struct mq_attr_k){
		.flags = atomic_load(&f->flags) & O_NONBLOCK,
		.maxmsg = q->maxmsg,
		.msgsize = q->msgsize,
		.curmsgs = q->count,
	};
	mutex_unlock(&q->lock);
	return 0;
}

int mq_set_notify(struct caller *c, struct file *f, int kind, int signo, u64 value)
{
	struct mqueue *q = queue_of(f);
	struct tgroup *mine = c->task->tg;
	struct mq_notify old = {0};
	int err = 0;

	if (!q)
		return -EBADF;
	mutex_lock(&q->lock);
	if (kind < 0) {
		if (q->notify.tg == mine)
			old = notify_take(q);
	} else if (q->notify.tg) {
		err = -EBUSY;
	} else {
		q->notify = (struct mq_notify){tgroup_get(mine), kind, signo, value};
	}
	mutex_unlock(&q->lock);
	if (old.tg)
		tgroup_put(old.tg);
	return err;
}

/* --- as a file -----------------------------------------------------------------------------------
 */

static u32 mqueue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = f->inode->data;
	u32 mask = 0;

	poll_wait(f, &q->wait, pt);
	mutex_lock(&q->lock);
	if (q->count > 0)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (q->count < q->maxmsg)
		mask |= EPOLLOUT | EPOLLWRNORM;
	mutex_unlock(&q->lock);
	return mask;
}

/* The state of the queue in one line of text. */
static ssize_t mqueue_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct mqueue *q = f->inode->data;
	char text[MQUEUE_STATE_SIZE];
	struct strbuf s;
	size_t n;

	strbuf_init(&s, text, sizeof(text));
	mutex_lock(&q->lock);
	strbuf_printf(&s, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		      (unsigned long long)q->bytes, q->notify.tg ? q->notify.kind : 0,
		      q->notify.tg ? q->notify.signo : 0, q->notify.tg ? q->notify.tg->tgid : 0);
	mutex_unlock(&q->lock);
	if (*pos >= s.len)
		return 0;
	n = copy_to_iter(text + *pos, s.len - *pos, to);
	*pos += n;
	return n ? (ssize_t)n : -EFAULT;
}

/* close(2): a process that closes the queue does not hear of it any more. */
static void mqueue_flush(struct caller *c, struct file *f)
{
	struct mqueue *q = f->inode->data;
	struct mq_notify old = {0};

	mutex_lock(&q->lock);
	if (c->task && q->notify.tg == c->task->tg)
		old = notify_take(q);
	mutex_unlock(&q->lock);
	if (old.tg)
		tgroup_put(old.tg);
}

const struct file_ops mqueue_file_ops = {
	.read = mqueue_read,
	.poll = mqueue_poll,
	.flush = mqueue_flush,
};
