/* SPDX-License-Identifier: Apache-2.0 */
/* mqueue.h - POSIX message queues (mq_overview(7)) and the file system that shows them
 *
 * There is one set of queues in a sandbox; every mount of the type shows it. Calls that cannot go
 * on give -EAGAIN: the caller polls the file, as with any other.
 */
#ifndef FS_MQUEUE_MQUEUE_H
#define FS_MQUEUE_MQUEUE_H

#include "fs/vfs/vfs.h"

struct mq_attr_k {
	s64 flags, maxmsg, msgsize, curmsgs, reserved[4];
};
static_assert(sizeof(struct mq_attr_k) == 64, "struct mq_attr");

#define MQUEUE_PRIO_MAX	 32768u
#define MQ_NOTIFY_NONE	 1 /* SIGEV_NONE */
#define MQ_NOTIFY_SIGNAL 0 /* SIGEV_SIGNAL */

/* At boot, after vfs_init: makes the queues' file system and registers type "mqueue". 0 or -errno.
 */
int mqueue_init(void);

/* mq_open(2): one reference, or an ERR_PTR. @attr: of a new queue; NULL: the defaults. */
struct file *mq_open_file(struct caller *c, const char *name, u32 flags, u32 mode,
			  const struct mq_attr_k *attr);
int mq_unlink_name(struct caller *c, const char *name);

/* All below: -EBADF when @f is no queue. */
/* Takes a message of @size bytes out of the guest's memory at @src. 0; -EAGAIN: full; -EMSGSIZE,
 * -EFAULT, -ENOMEM. */
int mq_send(struct caller *c, struct file *f, gva_t src, u64 size, u32 prio);
/* Gives the oldest message of the highest priority: its size; -EAGAIN: empty; -EMSGSIZE: @size is
 * too small. */
ssize_t mq_receive(struct caller *c, struct file *f, gva_t dst, u64 size, u32 *out_prio);
/* A receiver waits: then a message is no reason to notify. */
void mq_receiver_waits(struct file *f, int by);
int mq_get_attr(struct file *f, struct mq_attr_k *out);
/* mq_notify(2): @kind < 0 takes the caller's registration back. -EBUSY: another process has one. */
int mq_set_notify(struct caller *c, struct file *f, int kind, int signo, u64 value);

#endif
