/* SPDX-License-Identifier: Apache-2.0 */
/* tty_internal.h - between the files of fs/devpts */
#ifndef FS_DEVPTS_TTY_INTERNAL_H
#define FS_DEVPTS_TTY_INTERNAL_H

#include "fs/devpts/tty.h"

/* @f becomes an open file of @tty (takes over a reference); may become the opener's controlling
 * terminal. */
void tty_opened(struct caller *c, struct file *f, struct tty *tty);
/* What master and slave have in common; -ENOTTY: unknown. */
long tty_ioctl_common(struct caller *c, struct tty *tty, u32 cmd, u64 arg);
/* A terminal with a number of devpts and no master: somebody of ours is its other side. One
 * reference; NULL: no memory, or no number. pts_remove: devpts shows it no more. */
struct tty *pts_create(const struct tty_driver *driver);
void pts_remove(struct tty *tty);
/* A number of devpts is free again (UINT32_MAX: none). */
void pty_index_free(u32 index);

#endif
