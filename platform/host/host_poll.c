/* SPDX-License-Identifier: Apache-2.0 */
/* host_poll.c - what is true of the host just now: readiness of a descriptor, memory, use */
#include <poll.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include "platform/host/host.h"
#include "platform/host/raw.h"
#include "sentry/base/bug.h"

/* HOST_CALL(poll) */
u32 host_poll_wait(int fd, u32 events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	long n = host_call(SYS_poll, &p, 1, ms);

	return n > 0 ? (u16)p.revents & (events | POLLHUP | POLLERR) : 0;
}

u32 host_poll_now(int fd, u32 events)
{
	return host_poll_wait(fd, events, 0) & events;
}

/* HOST_CALL(sysinfo) */
void host_memory(u64 *out_total, u64 *out_free, u64 *out_swap_total, u64 *out_swap_free)
{
	struct sysinfo si;

	BUG_ON(host_call(SYS_sysinfo, &si) < 0);
	*out_total = si.totalram * si.mem_unit;
	*out_free = si.freeram * si.mem_unit;
	*out_swap_total = si.totalswap * si.mem_unit;
	*out_swap_free = si.freeswap * si.mem_unit;
}

/* HOST_CALL(getrusage, a0 == RUSAGE_SELF) */
void host_usage(struct rusage *out)
{
	BUG_ON(host_call(SYS_getrusage, RUSAGE_SELF, out) < 0);
}
