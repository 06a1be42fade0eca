/* SPDX-License-Identifier: Apache-2.0 */
/* waitq.h - who wants to hear of a change
 *
 * Theory of operation: an object that can make somebody wait owns a struct waitq. Who waits puts a
 * struct waiter of its own on it, with the events it wants; waitq_wake() calls the wake function of
 * each waiter whose events match. Nobody sleeps here: a wake function marks something and returns.
 *
 * No missed wake-ups: register first, then look at the condition (or register under the lock that
 * guards it). Lists are guarded by buckets of global locks hashed by the queue's address
 * (LR_WAITQ), so a waiter may be removed without holding a reference on the queue's owner:
 * waitq_fini() detaches all waiters and wakes them with EPOLLHUP | POLLFREE.
 */
#ifndef SENTRY_BASE_WAITQ_H
#define SENTRY_BASE_WAITQ_H

#include "sentry/base/list.h"

struct waitq {
	struct list waiters; /* guarded by the bucket of this address */
	u32 shared;	     /* how many of them are not exclusive; the same */
};

/* A queue that is woken because another one was: what an epoll file waits with for its files. A
 * wake function must not wake a queue itself (it runs under a bucket), so it names one as
 * waiter.chain, and waitq_wake() goes on there when it has let go of the first: chains of any depth
 * take no stack. */
struct waitq_chain {
	struct waitq q;
	struct list pending; /* to be woken; guarded by a lock of waitq.c */
	_Atomic u32 pins;    /* 1 while pending, which its waker keeps until it is done */
};

struct waiter {
	struct list node;	  /* guarded by the bucket of wq */
	struct waitq *_Atomic wq; /* NULL when on no queue */
	u32 events;		  /* EPOLL* bits wanted; 0 means any */
	bool exclusive;		  /* a wake-up ends after one exclusive waiter that said true */
	/* Called under the bucket's lock; takes only locks above LR_WAITQ; returns whether it used
	 * the wake-up (matters for exclusive waiters). */
	bool (*wake)(struct waiter *w, u32 events);
	void *arg; /* of the wake function */
	struct waitq_chain
		*chain; /* woken with EPOLLIN when the wake function said true; or NULL */
};

#define WAITQ_INIT(q)                             \
	{                                         \
		.waiters = LIST_INIT((q).waiters) \
	}
#define POLLFREE 0x4000u /* the queue is gone */

void waitq_init(struct waitq *q);
void waitq_fini(struct waitq *q);
/* Puts @w (wake, arg, events, exclusive set; on no queue) on @q. */
void waitq_add(struct waitq *q, struct waiter *w);
/* Takes @w off its queue if it is on one; after the return its wake function does not run. */
void waitq_del(struct waiter *w);
/* Wakes every waiter that wants one of @events (all non-exclusive, and the first exclusive that
 * uses it). */
void waitq_wake(struct waitq *q, u32 events);
bool waitq_active(const struct waitq *q);

void waitq_chain_init(struct waitq_chain *c);
/* All waiters that name @c have been removed: waits until nobody wakes it any more, then
 * waitq_fini. */
void waitq_chain_fini(struct waitq_chain *c);

#endif
