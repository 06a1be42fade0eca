/* SPDX-License-Identifier: Apache-2.0 */
/* host.c - wrappers of host calls on descriptors, memory, clocks and futexes
 */
#include "platform/host/host.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include "platform/host/raw.h"
#include "sentry/base/bug.h"
#include "sentry/base/rawcall.h"

long host_pread(int fd, void *buf, size_t n, u64 off)
{
	/* HOST_CALL(pread64) */
	return host_call(SYS_pread64, fd, buf, n, off);
}

long host_pread_nowait(int fd, void *buf, size_t n, u64 off)
{
	struct iovec iov = {buf, n};

	/* HOST_CALL(preadv2) */
	return host_call(SYS_preadv2, fd, &iov, 1, off, 0, RWF_NOWAIT);
}

long host_pwrite(int fd, const void *buf, size_t n, u64 off)
{
	/* HOST_CALL(pwrite64) */
	return host_call(SYS_pwrite64, fd, buf, n, off);
}

long host_preadv(int fd, const struct iovec *iov, int n, u64 off)
{
	/* HOST_CALL(preadv) */
	return host_call(SYS_preadv, fd, iov, n, off, 0);
}

long host_pwritev(int fd, const struct iovec *iov, int n, u64 off)
{
	/* HOST_CALL(pwritev) */
	return host_call(SYS_pwritev, fd, iov, n, off, 0);
}

long host_read(int fd, void *buf, size_t n)
{
	/* HOST_CALL(read) */
	return host_call(SYS_read, fd, buf, n);
}

long host_write(int fd, const void *buf, size_t n)
{
	/* HOST_CALL(write) */
	return host_call(SYS_write, fd, buf, n);
}

long host_readv(int fd, const struct iovec *iov, int n)
{
	/* HOST_CALL(readv) */
	return host_call(SYS_readv, fd, iov, n);
}

long host_writev(int fd, const struct iovec *iov, int n)
{
	/* HOST_CALL(writev) */
	return host_call(SYS_writev, fd, iov, n);
}

int host_close(int fd)
{
	/* HOST_CALL(close) */
	return (int)host_call(SYS_close, fd);
}

int host_ftruncate(int fd, u64 size)
{
	/* HOST_CALL(ftruncate) */
	return (int)host_call(SYS_ftruncate, fd, size);
}

int host_fallocate(int fd, int mode, u64 off, u64 len)
{
	/* HOST_CALL(fallocate) */
	return (int)host_call(SYS_fallocate, fd, mode, off, len);
}

int host_fsync(int fd, bool data_only)
{
	/* HOST_CALL(fsync) HOST_CALL(fdatasync) */
	return (int)host_call(data_only ? SYS_fdatasync : SYS_fsync, fd);
}

int host_fstat(int fd, struct stat *out)
{
	/* HOST_CALL(fstat) */
	return (int)host_call(SYS_fstat, fd, out);
}

int host_getfl(int fd)
{
	/* HOST_CALL(fcntl, a1 == F_GETFL) */
	return (int)host_call(SYS_fcntl, fd, F_GETFL);
}

s64 host_lseek(int fd, s64 off, int whence)
{
	/* HOST_CALL(lseek) */
	return host_call(SYS_lseek, fd, off, whence);
}

void *host_mmap(void *at, size_t n, int prot, int flags, int fd, u64 off)
{
	/* HOST_CALL(mmap, a2 & PROT_EXEC == 0) */
	return (void *)host_call(SYS_mmap, at, n, prot, flags, fd, off);
}

int host_munmap(void *at, size_t n)
{
	/* HOST_CALL(munmap) */
	return (int)host_call(SYS_munmap, at, n);
}

int host_madvise(void *at, size_t n, int advice)
{
	/* HOST_CALL(madvise) */
	return (int)host_call(SYS_madvise, at, n, advice);
}

/* Each request that the sentry makes has its own tag, beside its use. */
long host_ioctl(int fd, unsigned long request, void *arg)
{
	return host_call(SYS_ioctl, fd, request, arg);
}

int host_getrandom(void *buf, size_t n)
{
	BUG_ON(raw_getrandom(buf, n));
	return 0;
}

s64 host_clock(clockid_t id)
{
	struct timespec ts;

	/* The vdso answers; the host is called for clocks that the vdso lacks.
	 * HOST_CALL(clock_gettime) */
	BUG_ON(clock_gettime(id, &ts));
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int host_futex_wait(_Atomic u32 *word, u32 value, s64 timeout_ns)
{
	stat_host_call(SYS_futex);
	return raw_futex_wait(word, value, timeout_ns);
}

int host_futex_wake(_Atomic u32 *word, int count)
{
	stat_host_call(SYS_futex);
	return raw_futex_wake(word, count);
}

int host_gettid(void)
{
	/* HOST_CALL(gettid) */
	return (int)host_call(SYS_gettid);
}

void host_yield(void)
{
	/* HOST_CALL(sched_yield) */
	host_call(SYS_sched_yield);
}
