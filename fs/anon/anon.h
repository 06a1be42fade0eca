/* SPDX-License-Identifier: Apache-2.0 */
/* anon.h - files without a place: eventfd, timerfd, signalfd, epoll
 *
 * The calls that make a file return one reference or an ERR_PTR; @flags are those of the open file
 * (O_NONBLOCK); close-on-exec is the descriptor's. The others return -EINVAL when the file is of
 * another kind, except where said.
 */
#ifndef FS_ANON_ANON_H
#define FS_ANON_ANON_H

#include "fs/vfs/vfs.h"

/* At boot, after vfs_init. */
void anon_init(void);

/* lseek of all of them: does nothing, and says so with 0. */
s64 anon_llseek(struct caller *c, struct file *f, s64 off, int whence);

struct file *eventfd_create(struct caller *c, u64 count, bool semaphore, u32 flags);

/* @clockid as of timerfd_create(2): -EINVAL for clocks that cannot be used. Times in ns. */
struct file *timerfd_create_file(struct caller *c, int clockid, u32 flags);
struct timerfd_spec {
	s64 value, interval; /* value 0: disarmed */
};
/* @cancels: TFD_TIMER_CANCEL_ON_SET. -ECANCELED: the clock was set since; it is armed all the same.
 */
int timerfd_set(struct file *f, bool absolute, bool cancels, const struct timerfd_spec *new,
		struct timerfd_spec *out_old);
void timerfd_init(void);
/* The real-time clock was set. */
void timerfd_clock_set(void);
int timerfd_get(struct file *f, struct timerfd_spec *out);

/* @mask: bit signo - 1. */
struct file *signalfd_create(struct caller *c, u64 mask, u32 flags);
int signalfd_set_mask(struct file *f, u64 mask);

/* --- epoll --------------------------------------------------------------------------------------
 */

struct epoll_event_k { /* struct epoll_event of x86-64: packed */
	u32 events;
	u64 data;
} __attribute__((packed));
static_assert(sizeof(struct epoll_event_k) == 12, "struct epoll_event");

struct file *epoll_create_file(struct caller *c, u32 flags);
bool file_is_epoll(const struct file *f);
/* epoll_ctl(2) for @target known as @fd: -EINVAL, -EPERM, -EEXIST, -ENOENT, -ELOOP, -ENOMEM as
 * there. */
int epoll_control(struct task *t, struct file *f, int op, int fd, struct file *target,
		  const struct epoll_event_k *ev);
/* Up to @max events that are ready now into @out; how many. */
int epoll_collect(struct task *t, struct file *f, struct epoll_event_k *out, unsigned max);
/* What a caller that found none waits on: for EPOLLIN, and for EPOLL_REST, which says that another
 * collector has left something. Then it must collect once more before it blocks. */
#define EPOLL_REST 0x10000u
struct waitq *epoll_waitq(struct file *f);

#endif
