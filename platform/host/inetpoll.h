/* SPDX-License-Identifier: Apache-2.0 */
/* inetpoll.h - events of the internet sockets that the sentry watches
 *
 * A set of its own, so that any thread may take its events: within a sandbox it is mostly a call of
 * one socket that makes another ready, and who has made that call takes the event too, which saves
 * the way over another thread. The I/O worker takes what comes from elsewhere (the set is a member
 * of hostpoll's).
 */
#ifndef PLATFORM_HOST_INETPOLL_H
#define PLATFORM_HOST_INETPOLL_H

#include "platform/host/hostpoll.h"

/* Once, after hostpoll_init. 0 or -errno. */
int inetpoll_init(void);
/* As in hostpoll.h. */
int inetpoll_add(struct hostpoll_entry *e, u32 events);
int inetpoll_mod(struct hostpoll_entry *e, u32 events);
/* Takes @e out; @gone is called later, by whoever takes events, when fn cannot run any more, and
 * may free @e. Any lock may be held. */
void inetpoll_retire(struct hostpoll_entry *e, void (*gone)(struct hostpoll_entry *e));
/* Takes what events there are, unless another thread is at it. No lock from LR_INET_POLL on. */
void inetpoll_run(void);

#endif
