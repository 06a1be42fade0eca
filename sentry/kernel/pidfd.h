/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd.h - descriptors of processes (pidfd_open(2)) */
#ifndef SENTRY_KERNEL_PIDFD_H
#define SENTRY_KERNEL_PIDFD_H

#include "fs/vfs/vfs.h"

struct tgroup;

/* A file on @tg; @flags: O_NONBLOCK or 0. ERR_PTR on failure. */
struct file *pidfd_create(struct caller *c, struct tgroup *tg, u32 flags);
/* The process that @f refers to, borrowed as long as @f is held; NULL when @f is no pidfd. */
struct tgroup *pidfd_tgroup(struct file *f);

#endif
