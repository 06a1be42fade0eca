/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - wrappers of host calls about other processes and threads
 */
#include "platform/host/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/host/raw.h"

int host_kill(int pid, int sig)
{
	/* HOST_CALL(kill) */
	return (int)host_call(SYS_kill, pid, sig);
}

int host_tgkill(int tgid, int tid, int sig)
{
	/* HOST_CALL(tgkill) */
	return (int)host_call(SYS_tgkill, tgid, tid, sig);
}

int host_getpid(void)
{
	/* HOST_CALL(getpid) */
	return (int)host_call(SYS_getpid);
}

int host_reap(int *out_status)
{
	/* HOST_CALL(wait4, a2 == WNOHANG) */
	return (int)host_call(SYS_wait4, -1, out_status, WNOHANG, NULL);
}

long host_vm_readv(int pid, const struct iovec *local, unsigned long nlocal,
		   const struct iovec *remote, unsigned long nremote)
{
	/* HOST_CALL(process_vm_readv) */
	return host_call(SYS_process_vm_readv, pid, local, nlocal, remote, nremote, 0ul);
}

long host_vm_writev(int pid, const struct iovec *local, unsigned long nlocal,
		    const struct iovec *remote, unsigned long nremote)
{
	/* HOST_CALL(process_vm_writev) */
	return host_call(SYS_process_vm_writev, pid, local, nlocal, remote, nremote, 0ul);
}

long host_sched_getaffinity(int tid, size_t size, void *mask)
{
	/* HOST_CALL(sched_getaffinity) */
	return host_call(SYS_sched_getaffinity, tid, size, mask);
}

int host_sched_setaffinity(int tid, size_t size, const void *mask)
{
	/* HOST_CALL(sched_setaffinity) */
	return (int)host_call(SYS_sched_setaffinity, tid, size, mask);
}

s64 host_cpu_clock(int pid)
{
	/* CPUCLOCK_SCHED of a process: clock_getcpuclockid(3).
	 * HOST_CALL(clock_gettime) */
	struct timespec ts;
	long r = host_call(SYS_clock_gettime, (u32)~pid << 3 | 2, &ts);

	return r < 0 ? r : ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int host_setnice(int tid, int nice)
{
	/* HOST_CALL(setpriority, a0 == PRIO_PROCESS) */
	return (int)host_call(SYS_setpriority, PRIO_PROCESS, tid, nice);
}

int host_open_at(int dirfd, const char *name)
{
	/* HOST_CALL(openat, a2 & (O_ACCMODE | O_CREAT) == O_RDONLY) */
	return (int)host_call(SYS_openat, dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
}

long host_read_at(int dirfd, const char *name, void *buf, size_t n)
{
	int fd = host_open_at(dirfd, name);
	long r;

	if (fd < 0)
		return fd;
	/* HOST_CALL(read) HOST_CALL(close) */
	r = host_call(SYS_read, fd, buf, n);
	host_call(SYS_close, fd);
	return r;
}
