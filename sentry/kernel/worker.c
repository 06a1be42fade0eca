/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - the sentry's threads
 *
 * Theory of operation: config.workers threads take events from the platform and run them to
 * completion; after each event the worker runs the tasks that were woken meanwhile, so that waker
 * and woken share a warm CPU. One more thread, the I/O worker, sits in hostpoll_wait: timers, host
 * descriptors and dead stubs come to it, and it too runs what it has woken. Nobody else exists: no
 * thread waits for a guest, and an idle sandbox has all of them asleep in the host.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "platform/host/host.h"
#include "platform/host/hostpoll.h"
#include "platform/host/stats.h"
#include "sentry/base/bug.h"
#include "sentry/kernel/kernel.h"
#include "sentry/kernel/worker.h"

#define SCRATCH_ORDER 6
#define FAR_AWAY      9000000000 /* s: the year 2255 */
static_assert((PAGE_SIZE << SCRATCH_ORDER) == WORKER_SCRATCH, "order of the scratch buffer");

/* Host table: descriptors of the I/O worker, set before threads exist. */
static int g_timer_fd = -1, g_clock_fd = -1;
static struct hostpoll_entry g_timer_entry, g_child_entry, g_clock_entry;
static void (*g_clock_hook)(void); /* const after boot */
static struct worker g_workers[WORKERS_MAX + 1];
static pthread_t g_threads[WORKERS_MAX + 1];

/* The earliest deadline has changed. */
static void rearm(s64 deadline)
{
	host_timerfd_set(g_timer_fd, deadline == TIMER_NEVER ? 0 : max(deadline, (s64)1));
}

static void timer_due(struct hostpoll_entry *e, u32 events)
{
	u64 count;

	host_read(e->fd, &count, sizeof(count));
	timer_run(time_monotonic());
}

void kernel_on_clock_set(void (*fn)(void))
{
	g_clock_hook = fn;
}

/* The host's real-time clock was set: deadlines by it have moved. */
static void clock_set(struct hostpoll_entry *e, u32 events)
{
	u64 count;

	host_read(e->fd, &count, sizeof(count)); /* -ECANCELED */
	timer_run(time_monotonic());
	if (g_clock_hook)
		g_clock_hook();
}

static void child_died(struct hostpoll_entry *e, u32 events)
{
	struct signalfd_siginfo info;
	struct pevent ev;

	host_read(e->fd, &info, sizeof(info));
	while (platform_reap(g_kernel->platform, &ev) > 0)
		task_handle_event(e->arg, &ev);
}

int workers_init(void)
{
	const struct itimerspec never = {.it_value.tv_sec = FAR_AWAY};
	sigset_t mask;
	int err;

	for (unsigned i = 0; i <= g_kernel->config.workers; i++) {
		g_workers[i].index = i;
		g_workers[i].scratch = page_alloc(SCRATCH_ORDER);
		if (!g_workers[i].scratch)
			return -ENOMEM;
	}
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	g_timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	g_timer_entry = (struct hostpoll_entry){.fd = g_timer_fd, .fn = timer_due};
	g_child_entry =
		(struct hostpoll_entry){.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK),
					.fn = child_died,
					.arg = &g_workers[g_kernel->config.workers]};
	g_clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	g_clock_entry = (struct hostpoll_entry){.fd = g_clock_fd, .fn = clock_set};
	if (g_timer_fd < 0 || g_child_entry.fd < 0 || g_clock_fd < 0 ||
	    timerfd_settime(g_clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL))
		return -errno;
	timer_set_rearm(rearm);
	err = hostpoll_add(&g_timer_entry, EPOLLIN);
	if (!err)
		err = hostpoll_add(&g_clock_entry, EPOLLIN);
	return err ? err : hostpoll_add(&g_child_entry, EPOLLIN);
}

struct worker *worker_get(unsigned index)
{
	BUG_ON(index > g_kernel->config.workers);
	return &g_workers[index];
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pevent ev;

	stats_attach(w->index + 1);
	while (platform_recv(g_kernel->platform, w->index, &ev) == 0) {
		task_handle_event(w, &ev);
		task_run_ready(w);
	}
	return NULL;
}

static void *io_main(void *arg)
{
	struct worker *w = arg;

	stats_attach(w->index + 1);
	while (!atomic_load(&g_kernel->ending)) {
		task_run_ready(w);
		hostpoll_wait(-1);
	}
	return NULL;
}

void kernel_run(void)
{
	unsigned n = g_kernel->config.workers;

	atomic_store(&g_kernel->running, true);
	for (unsigned i = 1; i <= n; i++)
		if (pthread_create(&g_threads[i], NULL, i == n ? io_main : worker_main,
				   &g_workers[i]))
			BUG("cannot create thread %u", i);
	worker_main(&g_workers[0]);
	for (unsigned i = 1; i <= n; i++)
		pthread_join(g_threads[i], NULL);
}

void kernel_end(void)
{
	atomic_store(&g_kernel->ending, true);
	platform_shutdown(g_kernel->platform);
	hostpoll_kick();
}
