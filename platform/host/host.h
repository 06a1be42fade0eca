/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - every host call that the sentry makes goes through a wrapper here (or in host_*.h),
 * and each wrapper carries a tag from which the seccomp filter is generated
 *
 * A tag is a line HOST_CALL(nr, rule) beside the wrapper: the generator
 * (platform/seccomp/gen.py, run by the build) collects the tags of platform/, sentry/, fs/, net/
 * and makes the sentry's allow-list. Calling a libc function that makes a system call without a
 * tag fails the build's lint and, at run time, kills the sentry. Wrappers return -errno and
 * never set errno.
 */
#ifndef PLATFORM_HOST_HOST_H
#define PLATFORM_HOST_HOST_H

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "sentry/base/types.h"

long host_pread(int fd, void *buf, size_t n, u64 off);
/* What is in memory already, possibly less than asked: -EAGAIN when nothing is, -EOPNOTSUPP when
 * the file cannot tell. */
long host_pread_nowait(int fd, void *buf, size_t n, u64 off);
long host_pwrite(int fd, const void *buf, size_t n, u64 off);
long host_preadv(int fd, const struct iovec *iov, int n, u64 off);
long host_pwritev(int fd, const struct iovec *iov, int n, u64 off);
long host_read(int fd, void *buf, size_t n);
long host_write(int fd, const void *buf, size_t n);
long host_readv(int fd, const struct iovec *iov, int n);
long host_writev(int fd, const struct iovec *iov, int n);
int host_close(int fd);
int host_ftruncate(int fd, u64 size);
int host_fallocate(int fd, int mode, u64 off, u64 len);
int host_fsync(int fd, bool data_only);
int host_fstat(int fd, struct stat *out);
int host_getfl(int fd); /* F_GETFL */
s64 host_lseek(int fd, s64 off, int whence);
void *host_mmap(void *at, size_t n, int prot, int flags, int fd, u64 off); /* IS_ERR on failure */
int host_munmap(void *at, size_t n);
int host_madvise(void *at, size_t n, int advice);
long host_ioctl(int fd, unsigned long request, void *arg);
int host_getrandom(void *buf, size_t n);			   /* always all of it, or BUG */
s64 host_clock(clockid_t id);					   /* now, in ns */
int host_futex_wait(_Atomic u32 *word, u32 value, s64 timeout_ns); /* < 0: for ever */
int host_futex_wake(_Atomic u32 *word, int count);
int host_gettid(void);
/* Lets another thread run: for who waits until one has made a step that it is in the middle of. */
void host_yield(void);
/* Arms a timerfd once for an absolute time of its clock (ns); 0 disarms. */
void host_timerfd_set(int fd, s64 deadline);
/* The next connection of a listening socket, non-blocking: its descriptor or -errno. */
int host_accept(int fd);
/* One message and its descriptors, of which there are HOST_RECEIVE_FDS at most (-1: none). Never
 * waits. Bytes or -errno. */
#define HOST_RECEIVE_FDS 21
long host_receive(int fd, void *buf, size_t n, int *fds);
/* Which of @events (POLL* bits) are true of @fd now. */
u32 host_poll_now(int fd, u32 events);
/* The same, after waiting for @ms at most. */
u32 host_poll_wait(int fd, u32 events, int ms);
/* The machine's memory and swap, bytes (sysinfo(2)). */
void host_memory(u64 *out_total, u64 *out_free, u64 *out_swap_total, u64 *out_swap_free);
/* What all threads of the sentry have used together so far (getrusage(2)). */
void host_usage(struct rusage *out);

#endif
