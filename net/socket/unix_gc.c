/* SPDX-License-Identifier: Apache-2.0 */
/* unix_gc.c - sockets that are held only by messages in each other's queues
 *
 * Theory of operation: a socket's file is *in flight* as often as messages carry it. When all
 * references on a file are such ones, nobody can reach it but by receiving those messages; when all
 * those messages lie in queues of sockets of the same kind, nobody ever will. To find them:
 * candidates are the sockets in flight whose file's count equals the flights. Subtract from a copy
 * of each candidate's flights those whose message lies in a candidate's queue. Who has some left is
 * held from outside (also by a message that is just being sent or received), and so is all that its
 * queue holds, and so on. The queues of the rest are emptied, which lets the files go.
 *
 * A collection looks at all that is in flight, so it is not made at each close, but by a timer that
 * a close sets, and that keeps a distance of many times of what the last collection took.
 *
 * g_gc_lock is held over a whole collection and over each change of a flight count, so what is
 * counted stands still: a message whose file is in no queue counts as held from outside. Taking
 * files out of a candidate's queue takes a reference on the candidate's own file first, which makes
 * it none.
 */
#include "net/socket/unix.h"

#include "sentry/base/bug.h"
#include "sentry/time/timer.h"

#include <linux/capability.h>
#include <sys/resource.h>

static struct mutex g_gc_lock = MUTEX_INIT(LR_UNIX_GC);
/* guarded by g_gc_lock */
static struct list g_flying = LIST_INIT(g_flying); /* unix_sock.gc_link: inflight > 0 */
static _Atomic u32 g_flying_count;		   /* its length */
static _Atomic u32 g_inflight;			   /* files of all kinds in messages */

#define GC_DELAY (5 * NSEC_PER_MSEC)
#define GC_SHARE 20 /* at most this fraction of one CPU */
static struct timer g_timer;
static _Atomic s64 g_delay = GC_DELAY;
static _Atomic bool g_timer_set;

static struct unix_sock *unix_sock_of(struct file *f)
{
	struct socket *s = socket_of(f);

	return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

int unix_inflight_begin(struct caller *c, const struct scm *scm)
{
	if (scm->count == 0)
		return 0;
	if (atomic_load(&g_inflight) > task_rlimit(c->task, RLIMIT_NOFILE) &&
	    !cred_capable(c->cred, CAP_SYS_RESOURCE) && !cred_capable(c->cred, CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	mutex_lock(&g_gc_lock);
	for (u32 i = 0; i < scm->count; i++) {
		struct unix_sock *u = unix_sock_of(scm->files[i]);

		if (u && u->inflight++ == 0) {
			list_append(&g_flying, &u->gc_link);
			g_flying_count++;
		}
	}
	g_inflight += scm->count;
	mutex_unlock(&g_gc_lock);
	return 0;
}

void unix_inflight_end(const struct scm *scm)
{
	if (scm->count == 0)
		return;
	mutex_lock(&g_gc_lock);
	for (u32 i = 0; i < scm->count; i++) {
		struct unix_sock *u = unix_sock_of(scm->files[i]);

		if (u && --u->inflight == 0) {
			list_del(&u->gc_link);
			g_flying_count--;
		}
	}
	g_inflight -= scm->count;
	mutex_unlock(&g_gc_lock);
}

int unix_scm_dup(const struct scm *scm, struct scm *out)
{
	struct file **files = NULL;

	if (scm->count) {
		files = kalloc(scm->count * sizeof(*files));
		if (!files)
			return -ENOMEM;
		for (u32 i = 0; i < scm->count; i++)
			files[i] = file_get(scm->files[i]);
	}
	*out = *scm;
	out->files = files;
	return 0;
}

/* --- collecting; g_gc_lock held
 * ------------------------------------------------------------------------------ */

typedef void visit_fn(struct unix_sock *held);

/* Calls @fn for each candidate that a message in @u's queue carries. */
static void visit_queue(struct unix_sock *u, visit_fn *fn)
{
	struct unix_msg *m;

	list_for_each_entry (m, &u->queue, node)
		for (u32 i = 0; i < m->scm.count; i++) {
			struct unix_sock *held = unix_sock_of(m->scm.files[i]);

			if (held && held->gc_candidate)
				fn(held);
		}
}

/* The same for a listener: what the sockets that wait in its queue hold. */
static void visit(struct unix_sock *u, visit_fn *fn)
{
	struct unix_sock *e;

	mutex_lock(&u->lock);
	if (u->state == US_LISTEN) {
		list_for_each_entry (e, &u->queue, embryo) {
			mutex_lock_nested(&e->lock);
			visit_queue(e, fn);
			mutex_unlock(&e->lock);
		}
	} else {
		visit_queue(u, fn);
	}
	mutex_unlock(&u->lock);
}

static void subtract(struct unix_sock *held)
{
	held->gc_refs--;
}

static struct list
	g_reached; /* candidates whose queues are still to be visited; guarded by g_gc_lock */

static void reach(struct unix_sock *u)
{
	if (u->gc_reachable)
		return;
	u->gc_reachable = true;
	list_del(&u->gc_link);
	list_append(&g_reached, &u->gc_link);
}

static void take_queue(struct unix_sock *u, struct list *out)
{
	struct unix_sock *e;

	mutex_lock(&u->lock);
	if (u->state == US_LISTEN) {
		list_for_each_entry (e, &u->queue, embryo) {
			mutex_lock_nested(&e->lock);
			list_splice(out, &e->queue);
			e->queued = e->queued_bytes = 0;
			mutex_unlock(&e->lock);
		}
	} else {
		list_splice(out, &u->queue);
		u->queued = u->queued_bytes = 0;
	}
	mutex_unlock(&u->lock);
}

static void mark(struct list *done)
{
	struct unix_sock *u, *next;

	list_for_each_entry (u, &g_flying, gc_link) {
		u->gc_candidate = u->file && ref_read(&u->file->ref) == u->inflight;
		u->gc_reachable = false;
		u->gc_refs = u->inflight;
	}
	list_for_each_entry (u, &g_flying, gc_link)
		if (u->gc_candidate)
			visit(u, subtract);
	list_init(&g_reached);
	list_for_each_entry_safe (u, next, &g_flying, gc_link)
		if (u->gc_candidate && u->gc_refs > 0)
			reach(u);
	while (!list_empty(&g_reached)) {
		u = list_first(&g_reached, struct unix_sock, gc_link);
		list_del(&u->gc_link);
		list_append(done, &u->gc_link);
		visit(u, reach);
	}
}

void unix_collect(void)
{
	struct list garbage = LIST_INIT(garbage), done = LIST_INIT(done);
	struct unix_sock *u;

	if (atomic_load(&g_flying_count) == 0)
		return;
	mutex_lock(&g_gc_lock);
	mark(&done);
	list_for_each_entry (u, &g_flying, gc_link)
		if (u->gc_candidate)
			take_queue(u, &garbage);
	list_splice(&g_flying, &done);
	mutex_unlock(&g_gc_lock);
	unix_msgs_destroy(&garbage);
}

static void collect_now(struct timer *timer, s64 now)
{
	s64 took;

	atomic_store(&g_timer_set, false);
	unix_collect();
	took = time_monotonic() - now;
	atomic_store(&g_delay, max(GC_DELAY, took * GC_SHARE));
}

void unix_collect_soon(void)
{
	if (atomic_load(&g_flying_count) && !atomic_exchange(&g_timer_set, true))
		timer_set(&g_timer, TIME_MONOTONIC,
			  time_add(time_monotonic(), atomic_load(&g_delay)));
}

void unix_gc_init(void)
{
	timer_init(&g_timer, collect_now, NULL);
}
