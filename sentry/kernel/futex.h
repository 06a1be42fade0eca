/* SPDX-License-Identifier: Apache-2.0 */
/* futex.h - futex operations that are not the host's (futex(2)) */
#ifndef SENTRY_KERNEL_FUTEX_H
#define SENTRY_KERNEL_FUTEX_H

#include "sentry/kernel/task.h"

/* Each is a handler's body: may block or order commands, and is then run again. @shared:
 * FUTEX_PRIVATE_FLAG is not set. */
long futex_wait(struct task *t, gva_t addr, bool shared, u32 value, u32 bitset, s64 deadline,
		long intr);
long futex_wake(struct task *t, gva_t addr, bool shared, u32 count, u32 bitset);
/* @compare NULL: FUTEX_REQUEUE. */
long futex_requeue(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 wake, u32 move,
		   const u32 *compare);
long futex_wake_op(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 wake, u32 wake2,
		   u32 op);
long futex_lock_pi(struct task *t, gva_t addr, bool shared, bool try, s64 deadline);
long futex_unlock_pi(struct task *t, gva_t addr, bool shared);
/* FUTEX_WAIT_REQUEUE_PI: waits at @addr to be moved to the PI futex @addr2, and locks that. */
long futex_wait_requeue_pi(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 value,
			   s64 deadline);
long futex_cmp_requeue_pi(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 wake, u32 move,
			  u32 value);
/* The word at @addr was given up by a task that exits: wakes one who waits here. */
void futex_wake_exit(struct task *t, gva_t addr);

#endif
