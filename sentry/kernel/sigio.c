/* SPDX-License-Identifier: Apache-2.0 */
/* sigio.c - O_ASYNC: a file that becomes ready sends a signal to its owner (fcntl(2), F_SETOWN,
 * F_SETSIG)
 *
 * Theory of operation: O_ASYNC hangs a waiter on the file's wait queue. Its wake function runs
 * under the queue's lock and may not send a signal; it puts the record on g_kernel->sigio, and
 * whoever drains the ready list next sends. What is sent is copied from the file under ready_lock;
 * release takes the record off the queue and the list first, so that the file need not be held.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

#include "sentry/kernel/kernel.h"
#include "sentry/kernel/sigio.h"

struct sigio {
	struct waiter waiter;
	struct file *file; /* borrowed: its release comes here first */
	struct list link;  /* in g_kernel->sigio, guarded by ready_lock */
	u32 events;	   /* guarded by ready_lock */
	s32 fd;		   /* as of F_SETFL; const */
};
static SLAB_CACHE(sigio_cache, struct sigio);

static bool sigio_wake(struct waiter *w, u32 events)
{
	struct sigio *s = w->arg;

	mutex_lock(&g_kernel->ready_lock);
	s->events |= events;
	if (list_empty(&s->link)) {
		list_append(&g_kernel->sigio, &s->link);
		atomic_fetch_add(&g_kernel->sigio_count, 1);
	}
	mutex_unlock(&g_kernel->ready_lock);
	return true;
}

struct sigio_poll {
	struct poll_table pt;
	struct sigio *sigio;
};

/* One queue is enough: of files with several the first is the one for reading. */
static void sigio_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct sigio *s = container_of(pt, struct sigio_poll, pt)->sigio;

	if (!atomic_load(&s->waiter.wq))
		waitq_add(q, &s->waiter);
}

void sigio_release(struct file *f)
{
	struct sigio *s = f->async;

	if (!s)
		return;
	waitq_del(&s->waiter);
	mutex_lock(&g_kernel->ready_lock);
	if (!list_empty(&s->link)) {
		list_del(&s->link);
		atomic_fetch_sub(&g_kernel->sigio_count, 1);
	}
	mutex_unlock(&g_kernel->ready_lock);
	f->async = NULL;
	slab_free(&sigio_cache, s);
}

int sigio_set(struct file *f, int fd, bool on)
{
	struct sigio_poll sp = {.pt = {.queue = sigio_queue, .events = ~0u}};
	struct sigio *s;

	if (!on) {
		sigio_release(f);
		return 0;
	}
	if (f->async || !f->op || !f->op->poll)
		return 0;
	s = slab_alloc(&sigio_cache);
	if (!s)
		return -ENOMEM;
	s->file = f;
	s->fd = fd;
	list_init(&s->link);
	s->waiter = (struct waiter){.wake = sigio_wake, .arg = s};
	f->async = s;
	sp.sigio = s;
	vfs_poll(f, &sp.pt);
	return 0;
}

struct sigio_order {
	u32 type;
	s32 pid;
	struct siginfo_k info;
};

static bool next_order(struct sigio_order *out)
{
	struct sigio *s;

	mutex_lock(&g_kernel->ready_lock);
	if (list_empty(&g_kernel->sigio)) {
		mutex_unlock(&g_kernel->ready_lock);
		return false;
	}
	s = list_first(&g_kernel->sigio, struct sigio, link);
	list_del(&s->link);
	atomic_fetch_sub(&g_kernel->sigio_count, 1);
	*out = (struct sigio_order){.type = s->file->owner_type, .pid = s->file->owner_pid};
	out->info.si_signo = s->file->owner_sig ? s->file->owner_sig : SIGIO;
	out->info.si_code = !s->file->owner_sig	   ? SI_KERNEL
			    : s->events & EPOLLIN  ? POLL_IN
			    : s->events & EPOLLOUT ? POLL_OUT
						   : POLL_HUP;
	out->info.poll.band = s->events & 0xffff;
	out->info.poll.fd = s->fd;
	s->events = 0;
	mutex_unlock(&g_kernel->ready_lock);
	return true;
}

void sigio_run(void)
{
	struct sigio_order o;
	struct task *t;
	struct pgrp *g;

	while (atomic_load_explicit(&g_kernel->sigio_count, memory_order_relaxed) &&
	       next_order(&o)) {
		if (!o.pid)
			continue;
		mutex_lock(&g_kernel->lock);
		t = o.type == F_OWNER_PGRP ? NULL : task_find(o.pid);
		g = o.type == F_OWNER_PGRP ? pgrp_find(o.pid) : NULL;
		if (t)
			signal_send_locked(t, &o.info, o.type == F_OWNER_PID);
		if (g)
			signal_send_pgrp(g, o.info.si_signo);
		mutex_unlock(&g_kernel->lock);
	}
}
