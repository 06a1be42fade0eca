/* SPDX-License-Identifier: Apache-2.0 */
/* boot_seccomp.c - the container's seccomp profile: a filter that all its tasks start with
 *
 * Some calls the platform leaves to the host, because they touch nothing but the workload's own
 * memory; a filter of the sentry does not see them. Where the profile does not let such a call pass
 * in any case, it is brought to the sentry: one by one, or, of futex and arch_prctl, by a strict
 * platform.
 */
#include <sys/syscall.h>

#include "platform/platform.h"
#include "runsc/boot/boot_internal.h"
#include "runsc/boot/confine.h"
#include "sentry/kernel/seccomp.h"

static_assert(sizeof(struct spec_bpf) == sizeof(struct bpf_insn_k), "one instruction");

static bool passes(const struct boot *b, int nr)
{
	return !b->filter || seccomp_always_allows(b->filter, nr);
}

bool boot_make_filter(struct boot *b)
{
	const struct spec *s = &b->c->spec;

	if (s->seccomp)
		boot_check(seccomp_create((const struct bpf_insn_k *)s->seccomp, s->seccomp_len,
					  &b->filter),
			   "seccomp profile");
	return b->c->strict || !passes(b, SYS_futex) || !passes(b, SYS_arch_prctl);
}

u32 boot_filtered_calls(const struct boot *b)
{
	static const struct {
		u16 nr, bit;
	} calls[] = {
		{SYS_sched_yield, POWN_YIELD},	{SYS_rseq, POWN_RSEQ},
		{SYS_getcpu, POWN_CPU},		{SYS_futex_waitv, POWN_WAITV},
		{SYS_gettimeofday, POWN_TIME},	{SYS_time, POWN_TIME},
		{SYS_clock_gettime, POWN_TIME}, {SYS_clock_getres, POWN_TIME},
	};
	u32 bits = 0;

	for (size_t i = 0; i < array_size(calls); i++)
		if (!passes(b, calls[i].nr))
			bits |= calls[i].bit;
	return bits;
}
