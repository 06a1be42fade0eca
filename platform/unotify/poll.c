/* SPDX-License-Identifier: Apache-2.0 */
/* poll.c - a worker that looks for posted calls instead of waiting for notifications
 *
 * Theory of operation: a notified call costs two switches between threads; a worker that looks at
 *the thread's area from another CPU answers in a fraction of that, as long as there is another CPU
 * with nothing to do. So polling begins when one thread's calls from rewritten sites follow each
 *other within POLL_GAP_US, BEGIN_STREAK times, and a worker sleeps that can be had: that worker is
 *woken, and finds an idle CPU if the host has one. It ends
 *	- when no call has come for POLL_IDLE_US;
 *	- when the poller notices that it was not running for a while: somebody else wants the CPU.
 *Then it does not begin again for some time, twice as long with each failure;
 *	- when a worker must receive and none does, or the platform ends.
 * An idle sandbox has no poller, and one whose guests need all CPUs has one for a slice of time
 *every few seconds at most. At most one worker polls, for up to POLLED_MAX threads.
 */
#include "platform/unotify/internal.h"

#include "platform/arch/x86_64/frame.h"
#include "platform/host/host.h"
#include "platform/host/stats.h"

#define POLL_GAP_US    50
#define POLL_IDLE_US   50
#define POLL_STALL_US  30 /* not running for so long: the CPU is wanted */
#define RANDOM_IDLE_US 5000
#define BEGIN_STREAK   32
#define BACKOFF_MIN    20000 /* us */
#define BACKOFF_MAX    4000000
#define USEFUL	       256 /* calls of a session that was worth it */

enum { POLLER_NONE, POLLER_WANTED, POLLER_ACTIVE };

static _Atomic u32 *poll_word(const struct pctx *c)
{
	return (_Atomic u32 *)((u8 *)c->area + CTL_T_POLL);
}

static u64 us(const struct platform *p, u64 n)
{
	return n * p->fast_cycles; /* cycles of FAST_NS, a microsecond */
}

bool poll_possible(const struct platform *p)
{
	return p->rewrite && p->cpus > 1 && p->worker_count > 1;
}

/* The thread of slot @i, which poll_forget leaves alone until drop(). The poller only. */
static struct pctx *hold(struct platform *p, unsigned i)
{
	struct pctx *c = atomic_load_explicit(&p->polled[i], memory_order_relaxed);

	if (!c)
		return NULL;
	atomic_store(&p->poll_held, c);
	if (atomic_load(&p->polled[i]) == c)
		return c;
	atomic_store(&p->poll_held, NULL);
	return NULL;
}

static void drop(struct platform *p)
{
	atomic_store_explicit(&p->poll_held, NULL, memory_order_release);
}

void poll_forget(struct pctx *c)
{
	struct platform *p = c->p;
	struct pctx *self = c;

	mutex_assert_held(&p->lock);
	atomic_compare_exchange_strong(&p->poll_first, &self, NULL);
	for (unsigned i = 0; i < POLLED_MAX; i++) {
		self = c;
		atomic_compare_exchange_strong(&p->polled[i], &self, NULL);
	}
	while (atomic_load(&p->poll_held) == c)
		host_yield();
}

/* Adds a thread to those that are looked at. */
static void add(struct platform *p, struct pctx *c)
{
	struct pctx *none = NULL;

	for (unsigned i = 0; i < POLLED_MAX; i++)
		if (atomic_load(&p->polled[i]) == c) {
			atomic_store(poll_word(c), 1);
			return;
		}
	for (unsigned i = 0; i < POLLED_MAX; i++, none = NULL)
		if (atomic_compare_exchange_strong(&p->polled[i], &none, c)) {
			atomic_store(poll_word(c), 1);
			return;
		}
}

void poll_note(struct pctx *c)
{
	struct platform *p = c->p;
	u32 none = POLLER_NONE;
	u64 now;

	if (!poll_possible(p))
		return;
	/* Added while the last poller was ending? */
	if (atomic_load(&p->poller) == POLLER_NONE && atomic_load(poll_word(c)))
		atomic_store(poll_word(c), 0);
	now = arch_cycles();
	c->streak = now - c->last_call < us(p, POLL_GAP_US) ? c->streak + 1 : 0;
	c->last_call = now;
	if (p->rewrite == PREWRITE_RANDOM && rewrite_dice(p) % 4 == 0)
		c->streak = BEGIN_STREAK;
	if (c->streak < BEGIN_STREAK)
		return;
	c->streak = 0;
	if (atomic_load(&p->poller) == POLLER_ACTIVE) {
		add(p, c);
		return;
	}
	if (now < atomic_load(&p->poll_after) || !atomic_load(&p->followers))
		return;
	if (!atomic_compare_exchange_strong(&p->poller, &none, POLLER_WANTED))
		return;
	atomic_store(&p->poll_first, c);
	workers_follow(p);
}

bool poll_begin(struct platform *p, struct worker *w)
{
	u32 wanted = POLLER_WANTED;
	struct pctx *c;

	if (likely(atomic_load_explicit(&p->poller, memory_order_relaxed) != POLLER_WANTED))
		return false;
	if (!atomic_compare_exchange_strong(&p->poller, &wanted, POLLER_ACTIVE))
		return false;
	w->poller = true;
	w->taken = 0;
	w->poll_since = arch_cycles();
	mutex_lock(&p->lock);
	c = atomic_exchange(&p->poll_first, NULL);
	if (c)
		add(p, c);
	mutex_unlock(&p->lock);
	return true;
}

static void end(struct platform *p, struct worker *w, bool stalled)
{
	u64 now = arch_cycles(), wait = atomic_load(&p->poll_wait);

	w->poller = false;
	for (unsigned i = 0; i < POLLED_MAX; i++) {
		struct pctx *c = hold(p, i);

		if (!c)
			continue;
		atomic_store(poll_word(c), 0);
		atomic_store(&p->polled[i], NULL);
		drop(p);
	}
	if ((w->taken >= USEFUL && !stalled) || p->rewrite == PREWRITE_RANDOM)
		wait = 0;
	else
		wait = max(2 * wait, (u64)BACKOFF_MIN);
	wait = min(wait, (u64)BACKOFF_MAX);
	atomic_store(&p->poll_wait, wait);
	atomic_store(&p->poll_after, now + us(p, wait));
	atomic_store(&p->poller, POLLER_NONE);
}

bool poll_recv(struct platform *p, struct worker *w, struct pevent *out)
{
	bool random = p->rewrite == PREWRITE_RANDOM;
	u64 idle = us(p, random ? RANDOM_IDLE_US : POLL_IDLE_US), last = arch_cycles(), now;

	if (w->taken)
		w->poll_since = last; /* it has just worked */
	for (;;) {
		for (unsigned i = 0; i < POLLED_MAX; i++) {
			struct pctx *c = hold(p, i);
			bool taken = c && posted_take(c, out);

			if (c)
				drop(p);
			if (taken) {
				w->taken++;
				return true;
			}
		}
		now = arch_cycles();
		if (now - last > us(p, POLL_STALL_US) && !random) {
			end(p, w, true);
			return false;
		}
		last = now;
		if (now - w->poll_since > idle || atomic_load(&p->shutdown) ||
		    atomic_load(&p->receivers) < atomic_load(&p->allowed)) {
			end(p, w, false);
			return false;
		}
		__builtin_ia32_pause();
	}
}
