/* SPDX-License-Identifier: Apache-2.0 */
/* rawcall.h - the few host calls that the bottom layers make themselves
 *
 * platform/host has the wrappers for everyone else; locks, the log and the arena stand below it.
 * Each returns -errno on failure and never sets errno's meaning for anybody.
 */
#ifndef SENTRY_BASE_RAWCALL_H
#define SENTRY_BASE_RAWCALL_H

#include "sentry/base/types.h"

/* Sleeps while *word is @value (shared flavour: also between processes); @timeout_ns < 0 is for
 * ever. 0, -EAGAIN when it is another value, -ETIMEDOUT or -EINTR. */
int raw_futex_wait(_Atomic u32 *word, u32 value, s64 timeout_ns);
/* Wakes up to @count sleepers; how many. */
int raw_futex_wake(_Atomic u32 *word, int count);
long raw_write(int fd, const void *buf, size_t n);
/* Fills @buf, all of it; 0 or -errno. */
int raw_getrandom(void *buf, size_t n);
/* IS_ERR on failure. */
void *raw_mmap(void *at, size_t n, int prot, int flags);
int raw_madvise(void *at, size_t n, int advice);
/* Ends the process by SIGABRT, whatever is done with that signal. */
void raw_abort(void) __attribute__((noreturn));

#endif
