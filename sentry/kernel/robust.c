/* SPDX-License-Identifier: Apache-2.0 */
/* robust.c - the robust futexes of a task that exits (get_robust_list(2), futex(2) "Robust
 * futexes")
 *
 * Theory of operation: the guest keeps a list of the futexes that the task holds, in its own
 * memory. For each that still bears our tid, the word must become FUTEX_OWNER_DIED in one atomic
 * step, and a waiter be woken. Only the stub can do both, so each step leaves commands in t->plan
 * and is continued when they have been carried out. The list is hostile: every pointer is read
 * once, the walk is bounded, and the first fault ends it.
 */
#include <linux/futex.h>
#include <sys/syscall.h>

#include "sentry/kernel/futex.h"
#include "sentry/kernel/process.h"

#define ROBUST_LIST_LIMIT_K 2048

struct robust_head_k {
	u64 next, offset, pending;
};

static bool start(struct task *t, struct robust_walk *w)
{
	struct robust_head_k head;

	w->started = true;
	if (copy_in_obj(t->mm, &head, t->robust_list))
		return false;
	w->entry = head.next;
	w->offset = head.offset;
	w->pending = head.pending;
	w->left = ROBUST_LIST_LIMIT_K;
	return true;
}

bool robust_any(struct task *t)
{
	struct robust_head_k head;

	return copy_in_obj(t->mm, &head, t->robust_list) == 0 &&
	       (head.next != t->robust_list.v || head.pending);
}

/* Moves to the next entry; the one that is being taken or given back comes last. */
static void advance(struct task *t, struct robust_walk *w)
{
	if (w->in_pending) {
		w->entry = 0;
		return;
	}
	w->entry = w->next;
}

/* Orders what is to be done about the futex of @entry. False: nothing. */
static bool order(struct task *t, u64 entry, u64 offset, bool pending)
{
	u64 at = (entry & ~1ull) + offset;
	struct pcmd *c = t->plan.cmds;
	u32 word;

	if ((at & 3) || copy_in(t->mm, &word, GVA(at), sizeof(word)))
		return false;
	mm_plan_init(&t->plan);
	if (pending && !(entry & 1) && !word) {
		c[0] = (struct pcmd){.nr = SYS_futex, .fd = -1, .args = {at, FUTEX_WAKE, 1}};
		t->plan.count = 1;
		return true;
	}
	if ((word & FUTEX_TID_MASK) != (u32)t->vtid ||
	    !mm_access_ok(t->mm, GVA(at), sizeof(word), VMA_WRITE))
		return false;
	c[0] = (struct pcmd){.nr = PCMD_CMPXCHG,
			     .fd = -1,
			     .args = {at, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED}};
	t->plan.count = 1;
	if (!(entry & 1) && (word & FUTEX_WAITERS)) {
		c[1] = (struct pcmd){.nr = SYS_futex, .fd = -1, .args = {at, FUTEX_WAKE, 1}};
		t->plan.count = 2;
	}
	return true;
}

int robust_step(struct task *t)
{
	struct robust_walk *w = &t->robust;
	u64 next;

	if (!w->started && !start(t, w))
		return 0;
	if (w->ordered) {
		w->ordered = false;
		if (t->wait.cmd_result != -EAGAIN || t->wait.cmd_index != 0) {
			futex_wake_exit(t, GVA((w->entry & ~1ull) + w->offset));
			advance(t, w);
		}
	}
	while (w->left-- > 0) {
		if (!w->in_pending && (w->entry & ~1ull) == t->robust_list.v) {
			w->in_pending = true;
			w->entry = w->pending;
		}
		if (!(w->entry & ~1ull))
			return 0;
		if (!w->in_pending) {
			if (copy_in(t->mm, &next, GVA(w->entry & ~1ull), sizeof(next)))
				return 0;
			w->next = next;
		}
		if ((w->in_pending || (w->entry & ~1ull) != (w->pending & ~1ull)) &&
		    order(t, w->entry, w->offset, w->in_pending)) {
			w->ordered = true;
			return 1;
		}
		advance(t, w);
	}
	return 0;
}
