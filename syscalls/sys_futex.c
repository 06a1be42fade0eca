/* SPDX-License-Identifier: Apache-2.0 */
/* sys_futex.c - futex operations that the host does not answer itself */
#include <linux/futex.h>

#include "sentry/kernel/futex.h"
#include "syscalls/sys.h"

/* The deadline of a wait, by the monotonic clock. @absolute: by real time when @realtime. First run
 * only. */
static int deadline_in(struct task *t, gva_t src, bool absolute, bool realtime, s64 *out)
{
	s64 ns;
	int err;

	*out = S64_MAX;
	if (!src.v || t->wait.again)
		return 0;
	err = timespec_in(t, src, &ns);
	if (err)
		return err;
	if (absolute && !realtime)
		*out = ns;
	else
		*out = time_add(time_monotonic(), absolute ? ns - time_realtime() : ns);
	return 0;
}

static long wait_op(struct task *t, const struct sys_args *a, int cmd, bool shared, bool realtime)
{
	bool bitset = cmd == FUTEX_WAIT_BITSET;
	s64 deadline;
	int err = deadline_in(t, ARG_GVA(a, 3), bitset, realtime, &deadline);

	if (err)
		return err;
	return futex_wait(t, ARG_GVA(a, 0), shared, ARG_UINT(a, 2), bitset ? ARG_UINT(a, 5) : ~0u,
			  deadline, ARG_GVA(a, 3).v ? -ERESTART_RESTARTBLOCK : -ERESTARTSYS);
}

static long lock_op(struct task *t, const struct sys_args *a, int cmd, bool shared, bool realtime)
{
	s64 deadline;
	int err = deadline_in(t, ARG_GVA(a, 3), true, cmd == FUTEX_LOCK_PI || realtime, &deadline);

	return err ? err : futex_lock_pi(t, ARG_GVA(a, 0), shared, false, deadline);
}

static long requeue_op(struct task *t, const struct sys_args *a, bool shared, bool realtime)
{
	s64 deadline;
	int err = deadline_in(t, ARG_GVA(a, 3), true, realtime, &deadline);

	if (err)
		return err;
	return futex_wait_requeue_pi(t, ARG_GVA(a, 0), ARG_GVA(a, 4), shared, ARG_UINT(a, 2),
				     deadline);
}

long sys_futex(struct task *t, const struct sys_args *a)
{
	int op = ARG_INT(a, 1), cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
	gva_t addr = ARG_GVA(a, 0), addr2 = ARG_GVA(a, 4);
	u32 value = ARG_UINT(a, 2), value2 = ARG_UINT(a, 3), value3 = ARG_UINT(a, 5);

	if (realtime && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2 &&
	    cmd != FUTEX_WAIT_REQUEUE_PI)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return wait_op(t, a, cmd, shared, realtime);
	case FUTEX_WAKE:
		return futex_wake(t, addr, shared, value ? value : 1, ~0u);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, addr, shared, value ? value : 1, value3);
	case FUTEX_REQUEUE:
		if ((s32)value < 0 || (s32)value2 < 0)
			return -EINVAL;
		return futex_requeue(t, addr, addr2, shared, value, value2, NULL);
	case FUTEX_CMP_REQUEUE:
		if ((s32)value < 0 || (s32)value2 < 0)
			return -EINVAL;
		return futex_requeue(t, addr, addr2, shared, value, value2, &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, addr, addr2, shared, value, value2, value3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return lock_op(t, a, cmd, shared, realtime);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(t, addr, shared, true, S64_MAX);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(t, addr, shared);
	case FUTEX_WAIT_REQUEUE_PI:
		return requeue_op(t, a, shared, realtime);
	case FUTEX_CMP_REQUEUE_PI:
		if ((s32)value < 0 || (s32)value2 < 0)
			return -EINVAL;
		return futex_cmp_requeue_pi(t, addr, addr2, shared, value, value2, value3);
	default:
		return -ENOSYS;
	}
}
