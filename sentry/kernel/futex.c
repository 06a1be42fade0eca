/* SPDX-License-Identifier: Apache-2.0 */
/* futex.c - futexes whose waiters stand in the sentry: priority inheritance, and all of them with
 * --strict
 *
 * Theory of operation: plain futexes are normally the host's own business and do not come here.
 * What does: the PI operations (the words hold tids of ours, which the host does not know), and
 * with --strict everything.
 *
 * A waiter is keyed by what the word is: (mm, address), or (mapped object, offset) for shared
 * mappings. Waiters stand in one list under g_futex_lock. To wait, the word is looked at under that
 * lock after queueing; who changes a word and then wakes takes the lock too: no wake-up is lost.
 *
 * Words are changed by the stub (PCMD_CMPXCHG): a handler orders the exchange, and starts over when
 * it hears that it failed. A PI futex is given up as "no owner, waiters"; the oldest waiter is
 * woken and takes it by an exchange like everybody else; when it goes away instead (signal,
 * time-out), it wakes the next.
 *
 * FUTEX_WAIT_REQUEUE_PI: the waiter stands here from the start, and is not found by plain wake-ups.
 * FUTEX_CMP_REQUEUE_PI turns waiters into such of the PI futex and has each of them look at its
 * word, to take it or to mark it and wait.
 */
#include <linux/futex.h>

#include "sentry/kernel/futex.h"
#include "sentry/kernel/process.h"

enum { STAGE_START, STAGE_WAITING, STAGE_EXCHANGE, STAGE_REQUEUE };
enum { D_NEW = 0, D_OLD = 1, D_WAKE2 = 2 };

struct futex_key {
	const void *object;
	u64 offset;
};

struct futex_waiter {
	struct list node; /* in g_waiters; all guarded by g_futex_lock */
	struct futex_key key;
	struct futex_key target; /* requeue: the PI futex that it may be moved to */
	struct task *task;
	u32 bitset;
	bool queued, woken, pi, requeue;
};

static SLAB_CACHE(waiter_cache, struct futex_waiter);
static struct mutex g_futex_lock = MUTEX_INIT(LR_FUTEX);
static struct list g_waiters = LIST_INIT(g_waiters);
static _Atomic u32 g_waiter_count;

/* --- keys
 * -------------------------------------------------------------------------------------------------
 */

static int make_key(struct task *t, gva_t addr, bool shared, struct futex_key *out)
{
	struct vma *v;

	if (addr.v & 3)
		return -EINVAL;
	if (addr.v >= GUEST_END)
		return -EFAULT;
	out->object = t->mm;
	out->offset = addr.v;
	if (!shared)
		return 0;
	mutex_lock(&t->mm->lock);
	v = mm_find_vma(t->mm, addr);
	if (v && v->start.v <= addr.v && v->map && (v->flags & VMA_SHARED)) {
		out->object = v->map;
		out->offset = v->offset + (addr.v - v->start.v);
	}
	mutex_unlock(&t->mm->lock);
	return 0;
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

/* --- waiters
 * ------------------------------------------------------------------------------------------------
 */

/* g_futex_lock held. */
static void unqueue(struct futex_waiter *w)
{
	if (!w->queued)
		return;
	list_del(&w->node);
	w->queued = false;
	atomic_fetch_sub(&g_waiter_count, 1);
}

/* g_futex_lock held. */
static u32 wake_locked(const struct futex_key *key, u32 count, u32 bitset, bool pi)
{
	struct futex_waiter *w, *tmp;
	u32 n = 0;

	list_for_each_entry_safe (w, tmp, &g_waiters, node) {
		if (n >= count)
			break;
		if (!same_key(&w->key, key) || !(w->bitset & bitset) || w->pi != pi || w->requeue)
			continue;
		unqueue(w);
		w->woken = true;
		task_wake(w->task);
		n++;
	}
	return n;
}

/* The call ends: a PI waiter that was woken but did not take the futex passes the wake-up on. */
static void waiter_cleanup(struct task *t)
{
	struct futex_waiter *w = t->wait.obj;

	if (!w)
		return;
	mutex_lock(&g_futex_lock);
	unqueue(w);
	if (w->pi && w->woken)
		wake_locked(&w->key, 1, ~0u, true);
	mutex_unlock(&g_futex_lock);
	slab_free(&waiter_cache, w);
	t->wait.obj = NULL;
}

static struct futex_waiter *waiter_create(struct task *t, const struct futex_key *key, u32 bitset,
					  bool pi)
{
	struct futex_waiter *w = t->wait.obj;

	if (!w) {
		w = slab_alloc(&waiter_cache);
		if (!w)
			return NULL;
		list_init(&w->node);
		t->wait.obj = w;
		t->wait.cleanup = waiter_cleanup;
		t->wait.used = true;
	}
	w->key = *key;
	w->task = t;
	w->bitset = bitset;
	w->pi = pi;
	return w;
}

/* Queues @w if the word still is @value: 0; else -EAGAIN or -EFAULT. */
static long queue_if(struct task *t, struct futex_waiter *w, gva_t addr, u32 value)
{
	long err = 0;
	u32 word;

	mutex_lock(&g_futex_lock);
	if (copy_in_obj(t->mm, &word, addr))
		err = -EFAULT;
	else if (word != value)
		err = -EAGAIN;
	if (!err && !w->queued) {
		w->woken = false;
		w->queued = true;
		list_append(&g_waiters, &w->node);
		atomic_fetch_add(&g_waiter_count, 1);
	}
	mutex_unlock(&g_futex_lock);
	return err;
}

static bool was_woken(struct futex_waiter *w)
{
	bool woken;

	mutex_lock(&g_futex_lock);
	woken = w->woken;
	mutex_unlock(&g_futex_lock);
	return woken;
}

/* --- plain operations
 * ----------------------------------------------------------------------------------------- */

long futex_wait(struct task *t, gva_t addr, bool shared, u32 value, u32 bitset, s64 deadline,
		long intr)
{
	struct futex_waiter *w;
	struct futex_key key;
	long err;

	if (!bitset)
		return -EINVAL;
	if (t->wait.stage == STAGE_WAITING) {
		if (was_woken(t->wait.obj))
			return 0;
		return task_timed_out(t) ? -ETIMEDOUT : task_block(t, intr);
	}
	err = make_key(t, addr, shared, &key);
	if (err)
		return err;
	w = waiter_create(t, &key, bitset, false);
	if (!w)
		return -ENOMEM;
	task_set_deadline(t, deadline);
	err = queue_if(t, w, addr, value);
	if (err)
		return err;
	t->wait.stage = STAGE_WAITING;
	return task_block(t, intr);
}

long futex_wake(struct task *t, gva_t addr, bool shared, u32 count, u32 bitset)
{
	struct futex_key key;
	long err;

	if (!bitset)
		return -EINVAL;
	err = make_key(t, addr, shared, &key);
	if (err)
		return err;
	mutex_lock(&g_futex_lock);
	err = wake_locked(&key, count, bitset, false);
	mutex_unlock(&g_futex_lock);
	return err;
}

long futex_requeue(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 wake, u32 move,
		   const u32 *compare)
{
	struct futex_key from, to;
	struct futex_waiter *w;
	u32 word, moved = 0;
	long n = make_key(t, addr, shared, &from);

	if (!n)
		n = make_key(t, addr2, shared, &to);
	if (n)
		return n;
	mutex_lock(&g_futex_lock);
	if (compare && copy_in_obj(t->mm, &word, addr))
		n = -EFAULT;
	else if (compare && word != *compare)
		n = -EAGAIN;
	else
		n = wake_locked(&from, wake, ~0u, false);
	if (n >= 0) {
		list_for_each_entry (w, &g_waiters, node) {
			if (moved >= move)
				break;
			if (w->pi || w->requeue || !same_key(&w->key, &from))
				continue;
			w->key = to;
			moved++;
		}
		n += compare ? moved : 0;
	}
	mutex_unlock(&g_futex_lock);
	return n;
}

void futex_wake_exit(struct task *t, gva_t addr)
{
	struct futex_key key;

	if (!atomic_load(&g_waiter_count) || make_key(t, addr, true, &key))
		return;
	mutex_lock(&g_futex_lock);
	if (!wake_locked(&key, 1, ~0u, false))
		wake_locked(&key, 1, ~0u, true);
	key = (struct futex_key){t->mm, addr.v};
	wake_locked(&key, 1, ~0u, true);
	mutex_unlock(&g_futex_lock);
}

/* --- exchanges
 * -------------------------------------------------------------------------------------------------
 */

/* Orders word @old -> @new; the handler runs again in STAGE_EXCHANGE. */
static long exchange(struct task *t, gva_t addr, u32 old, u32 new)
{
	if (!t->has_regs)
		return -ENOSYS;
	if (!mm_access_ok(t->mm, addr, sizeof(u32), VMA_WRITE))
		return -EFAULT;
	mm_plan_init(&t->plan);
	t->plan.cmds[0] = (struct pcmd){.nr = PCMD_CMPXCHG, .fd = -1, .args = {addr.v, old, new}};
	t->plan.count = 1;
	t->wait.stage = STAGE_EXCHANGE;
	t->wait.data[D_OLD] = old;
	t->wait.data[D_NEW] = new;
	return task_run_plan_again(t);
}

/* What of FUTEX_WAKE_OP's operation makes of @old. */
static bool apply_op(u32 op, u32 old, u32 *new)
{
	s32 arg = (s32)(op << 8) >> 20;

	if (op >> 28 & 8) /* FUTEX_OP_OPARG_SHIFT */
		arg = (s32)(1u << (arg & 31));
	switch (op >> 28 & 7) {
	case FUTEX_OP_SET:
		*new = (u32)arg;
		return true;
	case FUTEX_OP_ADD:
		*new = old + (u32)arg;
		return true;
	case FUTEX_OP_OR:
		*new = old | (u32)arg;
		return true;
	case FUTEX_OP_ANDN:
		*new = old & ~(u32)arg;
		return true;
	case FUTEX_OP_XOR:
		*new = old ^ (u32)arg;
		return true;
	default:
		return false;
	}
}

static bool compare_op(u32 op, u32 word)
{
	s32 arg = (s32)(op << 20) >> 20, v = (s32)word;

	switch (op >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return v == arg;
	case FUTEX_OP_CMP_NE:
		return v != arg;
	case FUTEX_OP_CMP_LT:
		return v < arg;
	case FUTEX_OP_CMP_LE:
		return v <= arg;
	case FUTEX_OP_CMP_GT:
		return v > arg;
	default:
		return v >= arg;
	}
}

long futex_wake_op(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 wake, u32 wake2,
		   u32 op)
{
	u32 old, new;
	long n, more;

	if (t->wait.stage == STAGE_EXCHANGE && t->wait.cmd_result == 0) {
		n = futex_wake(t, addr, shared, wake, ~0u);
		if (n < 0 || !compare_op(op, (u32)t->wait.data[D_OLD]))
			return n;
		more = futex_wake(t, addr2, shared, wake2, ~0u);
		return more < 0 ? more : n + more;
	}
	if (t->wait.stage == STAGE_EXCHANGE && t->wait.cmd_result != -EAGAIN)
		return t->wait.cmd_result;
	if ((addr2.v & 3) || (op >> 24 & 15) > FUTEX_OP_CMP_GE)
		return addr2.v & 3 ? -EINVAL : -ENOSYS;
	if (copy_in_obj(t->mm, &old, addr2))
		return -EFAULT;
	if (!apply_op(op, old, &new))
		return -ENOSYS;
	return exchange(t, addr2, old, new);
}

/* --- priority inheritance
 * ---------------------------------------------------------------------------------------- */

static bool others_wait(const struct futex_key *key, const struct futex_waiter *me)
{
	struct futex_waiter *w;
	bool found = false;

	mutex_lock(&g_futex_lock);
	list_for_each_entry (w, &g_waiters, node)
		if (w != me && w->pi && same_key(&w->key, key))
			found = true;
	mutex_unlock(&g_futex_lock);
	return found;
}

/* The owner of @word is @owner: may one wait for it? */
static long check_owner(struct task *t, u32 owner)
{
	struct task *other;

	if (owner == (u32)t->vtid)
		return -EDEADLK;
	tasklist_lock();
	other = task_find_for(t, (s32)owner);
	tasklist_unlock();
	return other ? 0 : -ESRCH;
}

/* The exchange that was ordered has worked. 1: go on. */
static long pi_exchanged(struct task *t)
{
	struct futex_waiter *w = t->wait.obj;

	if (((u32)t->wait.data[D_NEW] & FUTEX_TID_MASK) != (u32)t->vtid)
		return 1;
	if (w) {
		mutex_lock(&g_futex_lock);
		unqueue(w);
		w->woken = false;
		mutex_unlock(&g_futex_lock);
	}
	return 0;
}

long futex_lock_pi(struct task *t, gva_t addr, bool shared, bool try, s64 deadline)
{
	struct futex_waiter *w;
	struct futex_key key;
	u32 word, owner;
	long err = make_key(t, addr, shared, &key);

	if (err)
		return err;
	if (t->wait.stage == STAGE_EXCHANGE) {
		if (t->wait.cmd_result == 0 && pi_exchanged(t) == 0)
			return 0;
		if (t->wait.cmd_result != 0 && t->wait.cmd_result != -EAGAIN)
			return t->wait.cmd_result;
	} else if (t->wait.stage == STAGE_WAITING && task_timed_out(t)) {
		return -ETIMEDOUT;
	}
	task_set_deadline(t, deadline);
	if (copy_in_obj(t->mm, &word, addr))
		return -EFAULT;
	owner = word & FUTEX_TID_MASK;
	if (!owner)
		return exchange(t, addr, word,
				(u32)t->vtid | (word & FUTEX_OWNER_DIED) |
					(others_wait(&key, t->wait.obj) ? FUTEX_WAITERS : 0));
	err = check_owner(t, owner);
	if (err)
		return err;
	if (try)
		return -EAGAIN;
	if (!(word & FUTEX_WAITERS))
		return exchange(t, addr, word, word | FUTEX_WAITERS);
	w = waiter_create(t, &key, ~0u, true);
	if (!w)
		return -ENOMEM;
	t->wait.stage = STAGE_WAITING;
	err = queue_if(t, w, addr, word);
	if (err == -EFAULT)
		return err;
	if (err) /* the word has changed: look again */
		task_wake(t);
	return task_block(t, -ERESTARTNOINTR);
}

long futex_unlock_pi(struct task *t, gva_t addr, bool shared)
{
	struct futex_key key;
	long err = make_key(t, addr, shared, &key);
	u32 word;

	if (err)
		return err;
	if (t->wait.stage == STAGE_EXCHANGE && t->wait.cmd_result == 0) {
		mutex_lock(&g_futex_lock);
		wake_locked(&key, 1, ~0u, true);
		mutex_unlock(&g_futex_lock);
		return 0;
	}
	if (t->wait.stage == STAGE_EXCHANGE && t->wait.cmd_result != -EAGAIN)
		return t->wait.cmd_result;
	if (copy_in_obj(t->mm, &word, addr))
		return -EFAULT;
	if ((word & FUTEX_TID_MASK) != (u32)t->vtid)
		return -EPERM;
	return exchange(t, addr, word, others_wait(&key, NULL) ? FUTEX_WAITERS : 0);
}

/* --- requeueing ---------------------------------------------------------------------------------
 */

/* The waiter of FUTEX_WAIT_REQUEUE_PI has been moved? Then it is one of the PI futex. */
static bool was_moved(const struct futex_waiter *w)
{
	bool moved;

	mutex_lock(&g_futex_lock);
	moved = !w->requeue;
	mutex_unlock(&g_futex_lock);
	return moved;
}

static long requeue_wait_start(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 value)
{
	struct futex_key key, target;
	struct futex_waiter *w;
	long err = make_key(t, addr, shared, &key);

	if (!err)
		err = make_key(t, addr2, shared, &target);
	if (err)
		return err;
	if (same_key(&key, &target))
		return -EINVAL;
	w = waiter_create(t, &key, ~0u, false);
	if (!w)
		return -ENOMEM;
	w->requeue = true;
	w->target = target;
	err = queue_if(t, w, addr, value);
	if (err)
		return err;
	t->wait.stage = STAGE_REQUEUE;
	return task_block(t, -ERESTARTNOINTR);
}

long futex_wait_requeue_pi(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 value,
			   s64 deadline)
{
	struct futex_waiter *w = t->wait.obj;

	task_set_deadline(t, deadline);
	if (!w)
		return requeue_wait_start(t, addr, addr2, shared, value);
	if (t->wait.stage == STAGE_REQUEUE) {
		if (!was_moved(w))
			return task_timed_out(t) ? -ETIMEDOUT : task_block(t, -ERESTARTNOINTR);
		t->wait.stage = STAGE_START;
	}
	return futex_lock_pi(t, addr2, shared, false, deadline);
}

/* [g_futex_lock] Moves up to @count waiters: how many, or -EINVAL for one that does not wait to be
 * moved there. */
static long move_waiters(const struct futex_key *from, const struct futex_key *to, u64 count)
{
	struct futex_waiter *w, *tmp;
	long n = 0;

	list_for_each_entry_safe (w, tmp, &g_waiters, node) {
		if ((u64)n == count)
			break;
		if (w->pi || !same_key(&w->key, from))
			continue;
		if (!w->requeue || !same_key(&w->target, to))
			return n ? n : -EINVAL;
		unqueue(w);
		w->key = *to;
		w->requeue = false;
		w->pi = w->woken = true;
		task_wake(w->task);
		n++;
	}
	return n;
}

long futex_cmp_requeue_pi(struct task *t, gva_t addr, gva_t addr2, bool shared, u32 wake, u32 move,
			  u32 value)
{
	struct futex_key from, to;
	long n = make_key(t, addr, shared, &from);
	u32 word;

	if (!n)
		n = make_key(t, addr2, shared, &to);
	if (n)
		return n;
	if (wake != 1 || same_key(&from, &to))
		return -EINVAL;
	mutex_lock(&g_futex_lock);
	if (copy_in_obj(t->mm, &word, addr))
		n = -EFAULT;
	else if (word != value)
		n = -EAGAIN;
	else
		n = move_waiters(&from, &to, (u64)wake + move);
	mutex_unlock(&g_futex_lock);
	return n;
}
