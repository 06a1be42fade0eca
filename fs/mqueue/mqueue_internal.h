/* SPDX-License-Identifier: Apache-2.0 */
/* mqueue_internal.h - a queue, between mqueue.c and super.c */
#ifndef FS_MQUEUE_MQUEUE_INTERNAL_H
#define FS_MQUEUE_MQUEUE_INTERNAL_H

#include "fs/mqueue/mqueue.h"
#include "sentry/kernel/task.h"

#define MQUEUE_STATE_SIZE 80 /* what stat(2) says of a queue's size, too */

struct mq_notify {
	struct tgroup *tg; /* reference; NULL: nobody */
	int kind, signo;
	u64 value;
};

struct mqueue {
	struct mutex lock; /* LR_FSPRIV; guards all below but the limits */
	struct list msgs;
	u32 maxmsg, msgsize; /* const */
	u32 count;
	u64 bytes;
	s32 receivers; /* that wait */
	struct mq_notify notify;
	struct waitq wait;
};

extern const struct file_ops mqueue_file_ops;
struct mqueue *mqueue_create(u32 maxmsg, u32 msgsize);
void mqueue_destroy(struct mqueue *q);

#endif
