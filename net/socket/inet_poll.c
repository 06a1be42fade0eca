/* SPDX-License-Identifier: Apache-2.0 */
/* inet_poll.c - waiting for a socket of the host (states: inet_host.h)
 *
 * No wake-up is missed: who polls stands on the queue first, then the host is asked, and when it
 * says no it is told to watch, and looks once more itself at that moment.
 *
 * Edges. When the host begins to watch edge-triggered it tells what is true already, which the
 * epoll file has just heard from poll(): a second report of one edge. fresh holds those bits; an
 * event of nothing else is dropped, unless the guest has used the socket meanwhile (inet_touch),
 * after which it may be a new edge.
 *
 * A call that has got -EAGAIN from a socket with something in its error queue (EPOLLERR for as long
 * as that is so) waits for an edge: it looks once more when edges are watched, and then sleeps.
 */
#include <sys/epoll.h>

#include "net/socket/inet_host.h"
#include "platform/host/host.h"
#include "platform/host/inetpoll.h"

#define EVENTS                                                                            \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLRDNORM | \
	 EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND)
#define ENDS (EPOLLERR | EPOLLHUP)

static int watch_locked(struct inet_sock *i, u32 events)
{
	mutex_assert_held(&i->lock);
	if (i->added)
		return inetpoll_mod(&i->entry, events);
	i->added = true;
	return inetpoll_add(&i->entry, events);
}

static void watch_once(struct inet_sock *i, u32 events)
{
	mutex_lock(&i->lock);
	if (i->watch != WATCH_EDGE && !i->closed) {
		i->watch = WATCH_ONCE;
		i->armed |= events & EVENTS;
		watch_locked(i, i->armed | EPOLLONESHOT);
	}
	mutex_unlock(&i->lock);
}

/* Whether it did so already. */
static bool watch_edges(struct inet_sock *i)
{
	bool before;

	mutex_lock(&i->lock);
	before = i->watch == WATCH_EDGE;
	if (!before && !i->closed) {
		i->watch = WATCH_EDGE;
		i->armed = 0;
		atomic_store(&i->fresh, host_poll_now(i->fd, EVENTS));
		watch_locked(i, EVENTS | EPOLLET);
	}
	mutex_unlock(&i->lock);
	return before;
}

/* What of @events is news, with the watch made fit for what comes next. */
static u32 news(struct inet_sock *i, u32 events)
{
	u32 fresh;

	mutex_lock(&i->lock);
	if (i->closed) {
		events = 0;
	} else if (i->watch == WATCH_ONCE) {
		/* whoever waits for an end waits for anything */
		i->armed = events & ENDS ? 0 : i->armed & ~events;
		if (i->armed)
			watch_locked(i, i->armed | EPOLLONESHOT);
		else
			i->watch = WATCH_NONE;
	} else if (i->watch == WATCH_EDGE) {
		fresh = atomic_exchange(&i->fresh, 0);
		if (!(events & ~fresh)) {
			events = 0;
		} else if (!waitq_active(&i->q)) {
			i->watch = WATCH_NONE;
			watch_locked(i, EPOLLONESHOT);
		}
	}
	mutex_unlock(&i->lock);
	return events;
}

static void on_event(struct hostpoll_entry *e, u32 events)
{
	struct inet_sock *i = e->arg;

	events = news(i, events & EVENTS);
	if (events & ENDS)
		events = EVENTS;
	if (events)
		waitq_wake(&i->q, events);
}

/* Does somebody stay on the queue, over many events? */
static bool has_listener(const struct file *f)
{
	return !list_empty(&f->epoll_links) || f->async;
}

u32 inet_poll(struct file *f, struct socket *s, struct poll_table *pt)
{
	struct inet_sock *i = inet_of(s);
	u32 mask;

	poll_wait(f, &i->q, pt);
	if (pt && has_listener(f))
		watch_edges(i);
	mask = host_poll_now(i->fd, EVENTS);
	if (!pt || mask & pt->events)
		return mask;
	if (!(mask & ENDS))
		watch_once(i, pt->events);
	else if (pt->blocked && watch_edges(i))
		mask &= ~(u32)ENDS;
	return mask;
}

void inet_poll_init(struct inet_sock *i)
{
	i->entry = (struct hostpoll_entry){.fd = i->fd, .fn = on_event, .arg = i};
}

void inet_poll_end(struct inet_sock *i, void (*gone)(struct hostpoll_entry *e))
{
	bool added;

	mutex_lock(&i->lock);
	i->closed = true;
	added = i->added;
	mutex_unlock(&i->lock);
	if (added)
		inetpoll_retire(&i->entry, gone);
	else
		gone(&i->entry);
}
