/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - which worker receives
 *
 * The host wakes every thread that waits for a listener's notification, so in the quiet state
 * one worker does: it receives, answers and receives again, and keeps its place all the while.
 * The others sleep on p->follow. One of them is let in
 *	- when a receiver says that it may block (platform_may_block gives its place away), or
 *	- when a receiver finds one notification after the other without ever sleeping: guests on
 *	  other CPUs are faster than one worker. p->allowed goes up, and down again when
 *	  receivers sleep.
 * A place is one of p->receivers, of which there are at most p->allowed.
 *
 * A worker in the host's receive call is fetched out (platform_wake, platform_shutdown) by a signal
 * whose handler makes the call not begin, or that interrupts it (arch/x86_64/recv.S).
 */
#include "platform/unotify/internal.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "platform/host/host.h"
#include "platform/host/process.h"
#include "platform/host/stats.h"

#define POKE_SIGNAL SIGUSR2
#define SAMPLE	    8  /* of so many receives one is timed: reading the clock twice costs 70 ns */
#define FAST_STREAK 4  /* timed receives in a row without sleep until another worker helps */
#define SLOW_STREAK 16 /* ... with sleep until it leaves again */

static void on_poke(int sig, siginfo_t *info, void *uc)
{
	greg_t *rip = &((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];

	if (*rip >= (greg_t)arch_ioctl_begin && *rip < (greg_t)arch_ioctl_end)
		*rip = (greg_t)arch_ioctl_called_off;
}

int pworkers_init(struct platform *p)
{
	struct sigaction sa = {.sa_sigaction = on_poke, .sa_flags = SA_SIGINFO};

	atomic_store(&p->allowed, 1);
	sigemptyset(&sa.sa_mask);
	return sigaction(POKE_SIGNAL, &sa, NULL) ? -errno : 0;
}

void workers_follow(struct platform *p)
{
	atomic_fetch_add(&p->follow, 1);
	if (atomic_load(&p->followers))
		(void)host_futex_wake(&p->follow, 1);
}

static void become_receiver(struct platform *p, struct worker *w)
{
	for (;;) {
		u32 ticket = atomic_load(&p->follow);
		u32 n = atomic_load(&p->receivers);

		if (atomic_load(&p->shutdown) || poll_begin(p, w))
			return;
		while (n < atomic_load(&p->allowed))
			if (atomic_compare_exchange_weak(&p->receivers, &n, n + 1)) {
				w->receiver = true;
				w->fast = w->slow = 0;
				return;
			}
		atomic_fetch_add(&p->followers, 1);
		(void)host_futex_wait(&p->follow, ticket, -1);
		atomic_fetch_sub(&p->followers, 1);
	}
}

static void leave(struct platform *p, struct worker *w)
{
	w->receiver = false;
	atomic_fetch_sub(&p->receivers, 1);
}

void platform_may_block(struct platform *p, unsigned worker)
{
	struct worker *w = &p->workers[worker];

	if (worker >= p->worker_count || !w->receiver)
		return;
	leave(p, w);
	workers_follow(p);
}

/* A timed receive call: has it slept? Adapts how many workers may be in it. */
static void adapt(struct platform *p, struct worker *w, u64 cycles)
{
	u32 n = atomic_load_explicit(&p->allowed, memory_order_relaxed);

	if (cycles < p->fast_cycles) {
		w->slow = 0;
		if (++w->fast < FAST_STREAK)
			return;
		w->fast = 0;
		if (n < min(p->worker_count, p->cpus) && atomic_load(&p->followers) &&
		    atomic_compare_exchange_strong(&p->allowed, &n, n + 1))
			workers_follow(p);
		return;
	}
	w->fast = 0;
	if (likely(n == 1) || ++w->slow < SLOW_STREAK)
		return;
	w->slow = 0;
	/* Whoever is one too many notices before it receives again. */
	atomic_compare_exchange_strong(&p->allowed, &n, n - 1);
}

/* One receiver too many? Then this worker goes. */
static bool surplus(struct platform *p, struct worker *w)
{
	u32 n = atomic_load_explicit(&p->receivers, memory_order_relaxed);

	while (unlikely(n > atomic_load_explicit(&p->allowed, memory_order_relaxed)))
		if (atomic_compare_exchange_weak(&p->receivers, &n, n - 1)) {
			w->receiver = false;
			return true;
		}
	return false;
}

static void enter(struct worker *w)
{
	sigset_t set;

	atomic_store(&w->tid, host_gettid());
	sigemptyset(&set);
	sigaddset(&set, POKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static bool woken(struct platform *p, struct pevent *out)
{
	if (likely(!atomic_load_explicit(&p->wake, memory_order_relaxed)))
		return false;
	if (!atomic_exchange(&p->wake, false))
		return false;
	*out = (struct pevent){.kind = PEV_WAKE};
	mutex_lock(&p->lock);
	if (as_tell_untold(p, out)) /* the wake-up may have been for something else too */
		atomic_store(&p->wake, true);
	mutex_unlock(&p->lock);
	return true;
}

int platform_recv(struct platform *p, unsigned worker, struct pevent *out)
{
	struct worker *w = &p->workers[worker];
	struct seccomp_notif q;
	bool timed;
	u64 start;
	long r;

	if (unlikely(!atomic_load_explicit(&w->tid, memory_order_relaxed)))
		enter(w);
	for (;;) {
		if (unlikely(w->poller) && poll_recv(p, w, out))
			return 0;
		if (unlikely(!w->receiver || surplus(p, w)))
			become_receiver(p, w);
		if (unlikely(w->poller))
			continue;
		atomic_store_explicit(&w->poke, 0, memory_order_relaxed);
		atomic_store(&w->inside, true);
		if (unlikely(atomic_load(&p->shutdown)))
			return -ESHUTDOWN;
		if (unlikely(woken(p, out))) {
			atomic_store_explicit(&w->inside, false, memory_order_release);
			return 0;
		}
		memset(&q, 0, sizeof(q));
		timed = ++w->count % SAMPLE == 0;
		start = timed ? arch_cycles() : 0;
		/* HOST_CALL(ioctl, a1 == SECCOMP_IOCTL_NOTIF_RECV) */
		stat_host_call(SYS_ioctl);
		r = arch_ioctl_unless(p->listener, SECCOMP_IOCTL_NOTIF_RECV, &q, &w->poke);
		atomic_store_explicit(&w->inside, false, memory_order_release);
		/* -ENOENT: the caller was killed or interrupted before we got to it. */
		if (unlikely(r < 0)) {
			BUG_ON(r != -EINTR && r != -ENOENT);
			continue;
		}
		if (unlikely(timed))
			adapt(p, w, arch_cycles() - start);
		if (likely(receive(p, &q, out)))
			return 0;
	}
}

/* Fetches one worker, or all, out of the host's receive call. */
static void poke(struct platform *p, bool all)
{
	int pid = host_getpid();

	for (unsigned i = 0; i < p->worker_count; i++) {
		struct worker *w = &p->workers[i];

		if (!atomic_load(&w->inside))
			continue;
		atomic_store(&w->poke, 1);
		(void)host_tgkill(pid, atomic_load(&w->tid), POKE_SIGNAL);
		if (!all)
			return;
	}
}

void platform_wake(struct platform *p)
{
	atomic_store(&p->wake, true);
	poke(p, false);
}

void platform_shutdown(struct platform *p)
{
	atomic_store(&p->shutdown, true);
	poke(p, true);
	atomic_fetch_add(&p->follow, 1);
	(void)host_futex_wake(&p->follow, INT32_MAX);
}
