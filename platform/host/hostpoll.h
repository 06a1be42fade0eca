/* SPDX-License-Identifier: Apache-2.0 */
/* hostpoll.h - one epoll set for the few host descriptors that the sentry watches
 *
 * Terminals and pipes given as stdio, the gofer's socket, the timer, the child signal, the control
 * socket. One thread (the I/O worker) calls hostpoll_wait and runs the callbacks, which mark
 * things and wake wait queues but do not block.
 */
#ifndef PLATFORM_HOST_HOSTPOLL_H
#define PLATFORM_HOST_HOSTPOLL_H

#include "sentry/base/types.h"

struct hostpoll_entry {
	int fd;
	void (*fn)(struct hostpoll_entry *e, u32 events); /* EPOLL* bits */
	void *arg;
	/* inetpoll_retire */
	void (*gone)(struct hostpoll_entry *e);
	struct hostpoll_entry *next;
};

/* Creates the set. 0 or -errno. */
int hostpoll_init(void);
/* Watches e->fd for @events (may hold EPOLLET, EPOLLONESHOT); @e stays in place until removed.
 * -EPERM for descriptors that are always ready (regular files). */
int hostpoll_add(struct hostpoll_entry *e, u32 events);
int hostpoll_mod(struct hostpoll_entry *e, u32 events);
int hostpoll_del(struct hostpoll_entry *e);
/* Waits (for ever when @timeout_ns < 0) and runs callbacks. 0 or -errno; -EINTR is no error. */
int hostpoll_wait(s64 timeout_ns);
/* Makes hostpoll_wait return soon. */
void hostpoll_kick(void);

#endif
