/* SPDX-License-Identifier: Apache-2.0 */
/* rawcall.c - host calls of the bottom layers; the tags feed the generator of the seccomp filters
 */
#include "sentry/base/rawcall.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long result(long r)
{
	return r == -1 ? -errno : r;
}

int raw_futex_wait(_Atomic u32 *word, u32 value, s64 timeout_ns)
{
	struct timespec ts = {.tv_sec = timeout_ns / NSEC_PER_SEC,
			      .tv_nsec = timeout_ns % NSEC_PER_SEC};

	/* HOST_CALL(futex) */
	return (int)result(
		syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns < 0 ? NULL : &ts, NULL, 0));
}

int raw_futex_wake(_Atomic u32 *word, int count)
{
	/* HOST_CALL(futex) */
	return (int)result(syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0));
}

long raw_write(int fd, const void *buf, size_t n)
{
	/* HOST_CALL(write) */
	return result(syscall(SYS_write, fd, buf, n));
}

int raw_getrandom(void *buf, size_t n)
{
	for (size_t done = 0; done < n;) {
		/* HOST_CALL(getrandom) */
		long r = result(syscall(SYS_getrandom, (char *)buf + done, n - done, 0));

		if (r < 0 && r != -EINTR)
			return (int)r;
		if (r > 0)
			done += (size_t)r;
	}
	return 0;
}

void *raw_mmap(void *at, size_t n, int prot, int flags)
{
	/* HOST_CALL(mmap, a2 & PROT_EXEC == 0) */
	return (void *)result(syscall(SYS_mmap, at, n, prot, flags, -1, 0));
}

int raw_madvise(void *at, size_t n, int advice)
{
	/* HOST_CALL(madvise) */
	return (int)result(syscall(SYS_madvise, at, n, advice));
}

/* SIGABRT may be blocked, ignored or handled: after one try for those who watch, the hard way. */
void raw_abort(void)
{
	u64 mask = 1ull << (SIGABRT - 1);
	struct {
		void *handler;
		u64 flags;
		void *restorer;
		u64 mask;
	} dfl = {0};
	long tid;

	/* HOST_CALL(rt_sigaction) */
	syscall(SYS_rt_sigaction, SIGABRT, &dfl, NULL, sizeof(u64));
	/* HOST_CALL(rt_sigprocmask) */
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof(u64));
	/* HOST_CALL(gettid) */
	tid = syscall(SYS_gettid);
	/* HOST_CALL(getpid) HOST_CALL(tgkill) */
	syscall(SYS_tgkill, syscall(SYS_getpid), tid, SIGABRT);
	for (;;)
		/* HOST_CALL(exit_group) */
		syscall(SYS_exit_group, 128 + SIGABRT);
}
