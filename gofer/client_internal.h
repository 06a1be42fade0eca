/* SPDX-License-Identifier: Apache-2.0 */
/* client_internal.h - one call of the client, between client.c and client_calls.c */
#ifndef GOFER_CLIENT_INTERNAL_H
#define GOFER_CLIENT_INTERNAL_H

#include "gofer/channel.h"
#include "gofer/client.h"
#include "sentry/base/lock.h"

struct client_channel {
	struct mutex lock; /* LR_GOFER: a call is under way; guards all below */
	struct gofer_channel_shm *shm;
	int sock; /* -1: not made yet */
	u32 seq;
};

struct gofer_client {
	/* const after create */
	u32 index, channel_count, cpus;
	int sock, shm_fd;
	struct gofer_channel_shm *shm;

	_Atomic u32 dead; /* 1 once, then for ever */
	_Atomic u64 requests;
	_Atomic u32 ids;    /* held: given by the gofer and not given back */
	_Atomic u32 id_max; /* from the first attach on */
	void (*on_death)(void *arg, const char *why); /* set before calls are made */
	void *on_death_arg;

	struct mutex open_lock; /* LR_PLATFORM: one request for a channel at a time */

	struct mutex release_lock; /* LR_LEAF; guards the next two */
	u32 release_count;
	gofer_id release[GOFER_RELEASE_MAX];

	struct client_channel channels[]; /* channel_count */
};

/* A call under way. The channel's lock is held from rpc_begin() to rpc_done(). */
struct rpc {
	struct gofer_client *c;
	struct client_channel *ch;
	u32 out;	      /* bytes of the request so far */
	u32 in, in_size;      /* answer: bytes taken, bytes there */
	int error;	      /* of building the request: -ENAMETOOLONG, -E2BIG */
	struct gofer_fds fds; /* that came along; rpc_done closes those that were not taken */
	u32 fds_taken;
};

/* Takes a channel and starts a request. 0 or -errno: then rpc_done() must not be called. */
int rpc_begin(struct rpc *k, struct gofer_client *c, u32 op, u32 flags, gofer_id id);
void rpc_put(struct rpc *k, const void *p, size_t n);
void rpc_string(struct rpc *k, const char *s, size_t n, size_t max);
/* Sends, waits: the gofer's result (0 or -errno). The answer can be taken after 0. */
int rpc_send(struct rpc *k);
/* Copies the next @n bytes of the answer out; -EIO when they are not there: the gofer is broken. */
int rpc_take(struct rpc *k, void *p, size_t n);
/* The next descriptor that came with the answer, now the caller's; -1 for none. */
int rpc_take_fd(struct rpc *k);
/* The gofer broke the protocol: it is dead from now on. Returns -EIO. */
int rpc_broken(struct rpc *k);
/* Ends the call and lets the channel go. */
void rpc_done(struct rpc *k);

/* x86_64/cpu.c: number of the CPU that runs this thread (a moment ago). */
u32 client_cpu(void);

#endif
