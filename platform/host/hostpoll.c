/* SPDX-License-Identifier: Apache-2.0 */
/* hostpoll.c - the epoll set behind hostpoll.h
 *
 * The set holds one eventfd of our own (the kick) with data 0; every other event carries its
 * entry. An entry may be removed by a callback of the same round, also one whose event is still
 * to be run: the removed entries of a round are remembered, and skipped. Adding and removing
 * from other threads is the callers' to order: an entry's memory stays until hostpoll_wait has
 * been through once more.
 */
#include "platform/host/hostpoll.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "platform/host/host.h"
#include "platform/host/raw.h"
#include "sentry/base/bug.h"

#define ROUND 32

static struct {
	int epfd, kickfd;			       /* const after hostpoll_init */
	_Atomic bool kicked;			       /* the eventfd is set */
	_Atomic(struct hostpoll_entry *) round[ROUND]; /* events not run yet */
} g_poll = {.epfd = -1, .kickfd = -1};

static int control(int op, int fd, u32 events, void *data)
{
	struct epoll_event ev = {.events = events, .data.ptr = data};

	to_host(data);
	/* HOST_CALL(epoll_ctl) */
	return (int)host_call(SYS_epoll_ctl, g_poll.epfd, op, fd, &ev);
}

int hostpoll_init(void)
{
	/* HOST_CALL(epoll_create1) HOST_CALL(eventfd2) */
	g_poll.epfd = (int)host_call(SYS_epoll_create1, EPOLL_CLOEXEC);
	if (g_poll.epfd < 0)
		return g_poll.epfd;
	g_poll.kickfd = (int)host_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g_poll.kickfd < 0)
		return g_poll.kickfd;
	return control(EPOLL_CTL_ADD, g_poll.kickfd, EPOLLIN, NULL);
}

int hostpoll_add(struct hostpoll_entry *e, u32 events)
{
	return control(EPOLL_CTL_ADD, e->fd, events, e);
}

int hostpoll_mod(struct hostpoll_entry *e, u32 events)
{
	return control(EPOLL_CTL_MOD, e->fd, events, e);
}

int hostpoll_del(struct hostpoll_entry *e)
{
	int r = control(EPOLL_CTL_DEL, e->fd, 0, NULL);

	for (unsigned i = 0; i < ROUND; i++) {
		struct hostpoll_entry *seen = e;

		atomic_compare_exchange_strong(&g_poll.round[i], &seen, NULL);
	}
	return r;
}

static void run_round(const struct epoll_event *evs, int n)
{
	for (int i = 0; i < n; i++)
		atomic_store(&g_poll.round[i], evs[i].data.ptr);
	for (int i = 0; i < n; i++) {
		struct hostpoll_entry *e = atomic_exchange(&g_poll.round[i], NULL);
		u64 count;

		if (e) {
			from_host(e);
			e->fn(e, evs[i].events);
		} else if (!evs[i].data.ptr) {
			atomic_store(&g_poll.kicked, false);
			(void)host_read(g_poll.kickfd, &count, sizeof(count));
		}
	}
}

int hostpoll_wait(s64 timeout_ns)
{
	s64 ms = (timeout_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	struct epoll_event evs[ROUND];
	int n;

	if (timeout_ns < 0)
		ms = -1;
	/* HOST_CALL(epoll_pwait) */
	n = (int)host_call(SYS_epoll_pwait, g_poll.epfd, evs, ROUND, min(ms, (s64)INT_MAX), NULL,
			   8);
	if (n < 0)
		return n == -EINTR ? 0 : n;
	run_round(evs, n);
	return 0;
}

void hostpoll_kick(void)
{
	u64 one = 1;

	if (!atomic_exchange(&g_poll.kicked, true))
		(void)host_write(g_poll.kickfd, &one, sizeof(one));
}
