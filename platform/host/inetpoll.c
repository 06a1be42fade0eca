/* SPDX-License-Identifier: Apache-2.0 */
/* inetpoll.c - the set behind inetpoll.h
 *
 * Events are taken and their functions run under one lock. A worker that finds it taken goes away:
 * nothing is lost, for the I/O worker hears of every event too, and waits for the lock. An entry
 * that is retired is out of the set at once; it may stand among events taken already, which are run
 * before the lock is free, and retired entries are given back only by who holds it.
 */
#include "platform/host/inetpoll.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

#include "platform/host/raw.h"
#include "sentry/base/lock.h"

#define ROUND 64

static struct {
	struct mutex lock;			  /* LR_INET_POLL */
	int epfd;				  /* const after inetpoll_init */
	struct hostpoll_entry self;		  /* in hostpoll's set */
	_Atomic(struct hostpoll_entry *) retired; /* a stack, by next */
} g_set = {.lock = MUTEX_INIT(LR_INET_POLL), .epfd = -1};

static int control(int op, int fd, u32 events, void *data)
{
	struct epoll_event ev = {.events = events, .data.ptr = data};

	to_host(data);
	return (int)host_call(SYS_epoll_ctl, g_set.epfd, op, fd, &ev);
}

int inetpoll_add(struct hostpoll_entry *e, u32 events)
{
	return control(EPOLL_CTL_ADD, e->fd, events, e);
}

int inetpoll_mod(struct hostpoll_entry *e, u32 events)
{
	return control(EPOLL_CTL_MOD, e->fd, events, e);
}

void inetpoll_retire(struct hostpoll_entry *e, void (*gone)(struct hostpoll_entry *e))
{
	struct hostpoll_entry *head = atomic_load(&g_set.retired);

	control(EPOLL_CTL_DEL, e->fd, 0, NULL);
	e->gone = gone;
	do
		e->next = head;
	while (!atomic_compare_exchange_weak(&g_set.retired, &head, e));
}

static void bury_retired_locked(void)
{
	struct hostpoll_entry *e, *next;

	mutex_assert_held(&g_set.lock);
	if (!atomic_load_explicit(&g_set.retired, memory_order_relaxed))
		return;
	for (e = atomic_exchange(&g_set.retired, NULL); e; e = next) {
		next = e->next;
		e->gone(e);
	}
}

static void run_locked(void)
{
	struct epoll_event evs[ROUND];
	int n;

	do {
		bury_retired_locked();
		n = (int)host_call(SYS_epoll_pwait, g_set.epfd, evs, ROUND, 0, NULL, 8);
		for (int i = 0; i < n; i++) {
			struct hostpoll_entry *e = evs[i].data.ptr;

			from_host(e);
			e->fn(e, evs[i].events);
		}
	} while (n == ROUND);
}

void inetpoll_run(void)
{
	if (!mutex_trylock(&g_set.lock))
		return;
	run_locked();
	mutex_unlock(&g_set.lock);
}

static void on_ready(struct hostpoll_entry *e, u32 events)
{
	mutex_lock(&g_set.lock);
	run_locked();
	mutex_unlock(&g_set.lock);
}

int inetpoll_init(void)
{
	g_set.epfd = (int)host_call(SYS_epoll_create1, EPOLL_CLOEXEC);
	if (g_set.epfd < 0)
		return g_set.epfd;
	g_set.self = (struct hostpoll_entry){.fd = g_set.epfd, .fn = on_ready};
	return hostpoll_add(&g_set.self, EPOLLIN | EPOLLET);
}
