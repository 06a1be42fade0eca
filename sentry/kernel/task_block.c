/* SPDX-License-Identifier: Apache-2.0 */
/* task_block.c - how a call waits, and who makes it run again
 *
 * Theory of operation: see task.h for the states. A handler registers t's waiters, then returns
 * task_block(). The layer (task_run.c) publishes the block: a compare-and-swap from TS_RUNNING to
 * TS_BLOCKED fails when somebody woke the task in between (TS_WOKEN), and the call is run again at
 * once. task_wake() moves TS_BLOCKED to TS_READY and puts the task on the ready list; the worker
 * whose event caused the wake-up drains that list before it receives again, so that a woken call
 * runs on the waker's CPU.
 */
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "platform/host/stats.h"
#include "sentry/base/bug.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/task_internal.h"

long task_block(struct task *t, long intr)
{
	t->wait.intr = intr;
	t->wait.used = true;
	return -EBLOCKED;
}

static bool wake_task(struct waiter *w, u32 events)
{
	task_wake(w->arg);
	return true;
}

void task_wait_on(struct task *t, struct waitq *q, u32 events)
{
	struct waiter *w;

	BUG_ON(t->wait.nwaiters == array_size(t->wait.waiters));
	w = &t->wait.waiters[t->wait.nwaiters++];
	w->events = events;
	w->exclusive = false;
	w->wake = wake_task;
	w->arg = t;
	t->wait.used = true;
	w->chain = NULL;
	waitq_add(q, w);
}

struct waiter *task_waiters(struct task *t, unsigned count)
{
	struct waiter *w;

	BUG_ON(t->wait.more);
	w = kalloc(count * sizeof(*w));
	if (!w)
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		w[i].wake = wake_task;
		w[i].arg = t;
	}
	t->wait.more = w;
	t->wait.nmore = count;
	t->wait.used = true;
	return w;
}

struct task_poll {
	struct poll_table pt;
	struct task *task;
};

static void queue_task(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct task_poll *tp = container_of(pt, struct task_poll, pt);

	task_wait_on(tp->task, q, pt->events | EPOLLERR | EPOLLHUP | POLLFREE);
}

/* Keeps @f over the wait, so that the next run finds it as @fd whatever happens to the table. */
static void hold_file(struct task *t, int fd, struct file *f)
{
	for (unsigned i = 0; i < WAIT_FILES; i++) {
		if (t->wait.files[i] == f && t->wait.fds[i] == fd)
			return;
		if (!t->wait.files[i]) {
			t->wait.files[i] = file_get(f);
			t->wait.fds[i] = fd;
			return;
		}
	}
	BUG("a call holds more than %d files", WAIT_FILES);
}

long task_block_file(struct task *t, int fd, struct file *f, u32 events, long intr)
{
	struct task_poll tp = {
		.pt = {.queue = queue_task, .events = events, .task = t, .blocked = true},
		.task = t};

	hold_file(t, fd, f);
	if (vfs_poll(f, &tp.pt) & (events | EPOLLERR | EPOLLHUP))
		task_wake(t);
	return task_block(t, intr);
}

void task_set_deadline(struct task *t, s64 monotonic_ns)
{
	if (t->wait.again)
		return;
	t->wait.deadline = monotonic_ns;
	t->wait.used = true;
}

void task_set_timeout(struct task *t, s64 ns)
{
	s64 now;

	if (t->wait.again || ns < 0)
		return;
	now = time_monotonic();
	task_set_deadline(t, ns > S64_MAX - now ? S64_MAX : now + ns);
}

void task_wake(struct task *t)
{
	u32 state = atomic_load(&t->wait.state);

	for (;;) {
		if (state == TS_RUNNING) {
			if (atomic_compare_exchange_weak(&t->wait.state, &state, TS_WOKEN))
				return;
		} else if (state == TS_BLOCKED) {
			if (atomic_compare_exchange_weak(&t->wait.state, &state, TS_READY))
				break;
		} else {
			return;
		}
	}
	mutex_lock(&g_kernel->ready_lock);
	list_append(&g_kernel->ready, &t->ready_link);
	mutex_unlock(&g_kernel->ready_lock);
	atomic_fetch_add(&g_kernel->ready_count, 1);
}

void task_notify(struct task *t)
{
	u32 state = atomic_load(&t->wait.state);
	struct pctx *ctx;

	mutex_assert_held(&g_kernel->lock);
	task_wake(t);
	ctx = atomic_load(&t->ctx);
	if (ctx && t != g_kernel->sender && state != TS_BLOCKED && state != TS_READY &&
	    state != TS_DEAD)
		pctx_kick(ctx);
}

/* The timer of a blocked call. */
static void deadline_passed(struct timer *timer, s64 now)
{
	task_wake(timer->arg);
}

void task_wait_init(struct task *t)
{
	atomic_init(&t->wait.state, TS_RUNNING);
	t->wait.deadline = S64_MAX;
	timer_init(&t->wait.timer, deadline_passed, t);
	list_init(&t->ready_link);
}

/* Calls that the host will carry out itself in the end: they wait for another thread to come to the
 * border, not for long, and may not be parked. */
static bool in_place(const struct task *t)
{
	return t->sys.nr == SYS_munmap || t->sys.nr == SYS_mprotect || t->sys.nr == SYS_madvise;
}

bool task_publish_block(struct task *t)
{
	u32 expected = TS_RUNNING;
	struct pctx *ctx = atomic_load(&t->ctx);

	if (t->wait.deadline != S64_MAX)
		timer_set(&t->wait.timer, TIME_MONOTONIC, t->wait.deadline);
	if (ctx && !in_place(t))
		pctx_blocked(ctx);
	stat_add(STAT_BLOCKED, 1);
	if (atomic_compare_exchange_strong(&t->wait.state, &expected, TS_BLOCKED))
		return true;
	BUG_ON(expected != TS_WOKEN);
	atomic_store(&t->wait.state, TS_RUNNING);
	return false;
}

void task_unregister(struct task *t)
{
	for (unsigned i = 0; i < t->wait.nwaiters; i++)
		waitq_del(&t->wait.waiters[i]);
	t->wait.nwaiters = 0;
	for (unsigned i = 0; i < t->wait.nmore; i++)
		waitq_del(&t->wait.more[i]);
}

void task_run_again(struct task *t)
{
	task_unregister(t);
	if (t->wait.more) {
		kfree(t->wait.more, t->wait.nmore * sizeof(*t->wait.more));
		t->wait.more = NULL;
		t->wait.nmore = 0;
	}
	t->wait.again = true;
	t->wait.timed_out = t->wait.deadline != S64_MAX && time_monotonic() >= t->wait.deadline;
}

void task_end_call(struct task *t)
{
	struct task_wait *w = &t->wait;

	if (t->caller_held) {
		path_put(&t->caller.root);
		path_put(&t->caller.cwd);
		t->caller_held = false;
	}
	if (!w->used)
		return;
	task_unregister(t);
	if (w->more)
		kfree(w->more, w->nmore * sizeof(*w->more));
	if (w->deadline != S64_MAX)
		timer_cancel_sync(&w->timer);
	if (w->cleanup)
		w->cleanup(t);
	for (unsigned i = 0; i < WAIT_FILES; i++) {
		if (w->files[i])
			file_put(w->files[i]);
		w->files[i] = NULL;
	}
	w->more = NULL;
	w->nmore = 0;
	w->used = w->again = w->timed_out = w->delivering = false;
	w->deadline = S64_MAX;
	w->stage = 0;
	w->moved = 0;
	w->obj = NULL;
	w->cleanup = NULL;
	memset(w->data, 0, sizeof(w->data));
}
