/* SPDX-License-Identifier: Apache-2.0 */
/* sys_poll.c - poll, ppoll, select, pselect6
 *
 * All four become one list of struct pollfd. A run looks at every file; when nothing is ready it
 * looks again, this time with waiters, as many as the first look has counted queues, and blocks.
 * The next run starts anew from the guest's own arguments, so nothing has to be kept but the
 * deadline.
 */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "syscalls/handlers.h"
#include "syscalls/sys.h"
#include "syscalls/sys_sigmask.h"

#define RLIMIT_NOFILE_INDEX 7
#define ALWAYS		    (EPOLLERR | EPOLLHUP)

/* --- masks for the length of a call
 * ------------------------------------------------------------------ */

long sigmask_swap(struct task *t, gva_t src, u64 size)
{
	u64 mask;
	long ret;

	if (src.v == 0 || t->wait.again)
		return 0;
	ret = sigset_in(t, src, size, &mask);
	if (ret)
		return ret;
	t->saved_blocked = t->blocked;
	t->restore_blocked = true;
	signal_set_blocked(t, mask & ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP)));
	return 0;
}

long sigmask_restore(struct task *t, long ret)
{
	if (!t->restore_blocked || ret == -EBLOCKED || ret == -EINTR || ret == -ERESTARTNOHAND)
		return ret;
	t->restore_blocked = false;
	signal_set_blocked(t, t->saved_blocked);
	return ret;
}

/* --- the look at all files
 * ----------------------------------------------------------------------------- */

struct poller {
	struct poll_table pt;
	struct waiter *waiters; /* NULL: only count */
	unsigned count, used;
};

static void queue_poller(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poller *p = container_of(pt, struct poller, pt);
	struct waiter *w;

	if (!p->waiters) {
		p->count++;
		return;
	}
	if (p->used == p->count) { /* more queues than a moment ago: look again at once */
		task_wake(pt->task);
		return;
	}
	w = &p->waiters[p->used++];
	w->events = pt->events | ALWAYS | POLLFREE;
	waitq_add(q, w);
}

/* Fills in revents; how many are not 0. */
static long look(struct task *t, struct pollfd *fds, unsigned n, struct poller *p)
{
	long ready = 0;

	p->pt.queue = queue_poller;
	p->pt.task = t;
	for (unsigned i = 0; i < n; i++) {
		scoped_file f = NULL;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		f = fd_lookup(t, fds[i].fd);
		p->pt.events = (u16)fds[i].events | ALWAYS;
		fds[i].revents = f ? (short)(vfs_poll(f, &p->pt) & p->pt.events) : POLLNVAL;
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* How many of @fds are ready, or the result of task_block. Nothing is written to the guest. */
static long poll_files(struct task *t, struct pollfd *fds, unsigned n, bool dont_wait, long intr)
{
	struct poller p = {.count = 0};
	long ready = look(t, fds, n, &p);

	if (ready || dont_wait || task_timed_out(t))
		return !ready && signal_pending(t) ? intr : ready;
	if (p.count) {
		p.waiters = task_waiters(t, p.count);
		if (!p.waiters)
			return -ENOMEM;
		ready = look(t, fds, n, &p);
	}
	return ready ? ready : task_block(t, intr);
}

/* Room for @size bytes: the worker's buffer when it is large enough. */
static void *buffer_get(struct task *t, size_t size)
{
	return size <= WORKER_SCRATCH ? t->worker->scratch : kalloc(size);
}

static void buffer_put(struct task *t, void *buf, size_t size)
{
	if (size > WORKER_SCRATCH)
		kfree(buf, size);
}

/* --- poll, ppoll
 * ------------------------------------------------------------------------------------------ */

static long do_poll(struct task *t, gva_t ufds, u64 n, bool dont_wait, long intr)
{
	size_t size = n * sizeof(struct pollfd);
	struct pollfd *fds;
	long ret;

	if (n > task_rlimit(t, RLIMIT_NOFILE_INDEX) || n > UINT32_MAX / sizeof(*fds))
		return -EINVAL;
	fds = buffer_get(t, size);
	if (!fds)
		return -ENOMEM;
	ret = copy_in(t->mm, fds, ufds, size);
	if (ret == 0)
		ret = poll_files(t, fds, (unsigned)n, dont_wait, intr);
	if (ret >= 0 && n && copy_out(t->mm, ufds, fds, size))
		ret = -EFAULT;
	buffer_put(t, fds, size);
	return ret;
}

long sys_poll(struct task *t, const struct sys_args *a)
{
	int timeout = ARG_INT(a, 2);

	if (timeout > 0)
		task_set_timeout(t, timeout * NSEC_PER_MSEC);
	return do_poll(t, ARG_GVA(a, 0), ARG_UINT(a, 1), timeout == 0, -ERESTART_RESTARTBLOCK);
}

/* Sets the deadline of the first run from a timespec; *out_zero: it is 0. */
static long timeout_in(struct task *t, gva_t src, bool *out_zero)
{
	s64 ns = -1;
	long ret;

	if (src.v && !t->wait.again) {
		ret = timespec_in(t, src, &ns);
		if (ret)
			return ret;
		task_set_timeout(t, ns == INT64_MAX ? -1 : ns);
	}
	*out_zero = ns == 0;
	return 0;
}

/* What is left of the time is written back, also when a signal ends the call. Faults are passed
 * over. */
static void timeout_out(struct task *t)
{
	gva_t dst = GVA(t->sys.a[t->sys.nr == SYS_ppoll ? 2 : 4]);
	s64 left, pair[2];

	if (!dst.v || t->wait.deadline == INT64_MAX)
		return;
	left = t->wait.deadline - time_monotonic();
	left = max(left, (s64)0);
	pair[0] = left / NSEC_PER_SEC;
	pair[1] = left % NSEC_PER_SEC;
	if (t->sys.nr == SYS_select)
		pair[1] /= NSEC_PER_USEC;
	(void)!copy_out_obj(t->mm, dst, &pair);
}

/* At the end of a run with result @ret: writes the time back now, or when the call ends. */
static long timeout_end(struct task *t, long ret)
{
	t->wait.cleanup = ret == -EBLOCKED ? timeout_out : NULL;
	if (ret != -EBLOCKED)
		timeout_out(t);
	return ret;
}

long sys_ppoll(struct task *t, const struct sys_args *a)
{
	bool zero;
	long ret = timeout_in(t, ARG_GVA(a, 2), &zero);

	if (ret == 0)
		ret = sigmask_swap(t, ARG_GVA(a, 3), a->a[4]);
	if (ret)
		return ret;
	ret = do_poll(t, ARG_GVA(a, 0), ARG_UINT(a, 1), zero, -ERESTARTNOHAND);
	return sigmask_restore(t, timeout_end(t, ret));
}

/* --- select, pselect6
 * --------------------------------------------------------------------------------------- */

#define SELECT_IN  (EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR)
#define SELECT_OUT (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR)
#define SELECT_EX  EPOLLPRI
static const u32 select_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};

static bool bit_get(const u64 *set, unsigned i)
{
	return set[i / 64] >> i % 64 & 1;
}

/* Makes the list of what the three sets of @n bits ask for; returns its length. */
static unsigned sets_to_list(u64 *const set[3], unsigned n, struct pollfd *fds)
{
	unsigned count = 0;

	for (unsigned fd = 0; fd < n; fd++) {
		u32 events = 0;

		for (int k = 0; k < 3; k++)
			if (bit_get(set[k], fd))
				events |= select_events[k];
		if (events)
			fds[count++] = (struct pollfd){.fd = (int)fd, .events = (short)events};
	}
	return count;
}

/* Leaves in the sets the bits that are true; returns how many, or -EBADF. */
static long list_to_sets(const struct pollfd *fds, unsigned count, u64 *const set[3])
{
	long bits = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned fd = (unsigned)fds[i].fd;

		if (fds[i].revents & POLLNVAL)
			return -EBADF;
		for (int k = 0; k < 3; k++) {
			if (!bit_get(set[k], fd))
				continue;
			if ((u16)fds[i].revents & select_events[k])
				bits++;
			else
				set[k][fd / 64] &= ~(1ull << fd % 64);
		}
	}
	return bits;
}

/* @sets has room for three sets of @words words, @fds for 64 entries a word. */
static long select_with(struct task *t, const struct sys_args *a, unsigned n, u64 *sets,
			struct pollfd *fds, size_t words, bool dont_wait)
{
	u64 *const set[3] = {sets, sets + words, sets + 2 * words};
	size_t size = words * sizeof(u64);
	unsigned count;
	long ret;

	memset(sets, 0, 3 * size);
	for (int k = 0; k < 3; k++)
		if (a->a[k + 1] && copy_in(t->mm, set[k], ARG_GVA(a, k + 1), size))
			return -EFAULT;
	count = sets_to_list(set, n, fds);
	ret = poll_files(t, fds, count, dont_wait, -ERESTARTNOHAND);
	if (ret < 0)
		return ret;
	ret = list_to_sets(fds, count, set);
	for (int k = 0; k < 3 && ret >= 0; k++)
		if (a->a[k + 1] && copy_out(t->mm, ARG_GVA(a, k + 1), set[k], size))
			return -EFAULT;
	return ret;
}

static long do_select(struct task *t, const struct sys_args *a, bool dont_wait)
{
	int n = ARG_INT(a, 0);
	size_t words, size;
	u64 *buf;
	long ret;

	if (n < 0)
		return -EINVAL;
	n = min(n, (int)t->files->size); /* bits beyond the table are not looked at */
	words = ((size_t)n + 63) / 64;
	size = words * (3 * sizeof(u64) + 64 * sizeof(struct pollfd));
	buf = buffer_get(t, size);
	if (!buf)
		return -ENOMEM;
	ret = select_with(t, a, (unsigned)n, buf, (struct pollfd *)(buf + 3 * words), words,
			  dont_wait);
	buffer_put(t, buf, size);
	return ret;
}

long sys_select(struct task *t, const struct sys_args *a)
{
	struct {
		s64 sec, usec;
	} tv;
	s64 ns = -1;

	if (a->a[4] && !t->wait.again) {
		if (copy_in_obj(t->mm, &tv, ARG_GVA(a, 4)))
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		ns = INT64_MAX;
		if (tv.sec < INT64_MAX / NSEC_PER_SEC / 2 &&
		    tv.usec < INT64_MAX / 2 / NSEC_PER_USEC)
			ns = tv.sec * NSEC_PER_SEC + tv.usec * NSEC_PER_USEC;
		task_set_timeout(t, ns == INT64_MAX ? -1 : ns);
	}
	return timeout_end(t, do_select(t, a, ns == 0));
}

long sys_pselect6(struct task *t, const struct sys_args *a)
{
	struct {
		u64 mask, size;
	} sig = {0};
	bool zero;
	long ret = 0;

	if (a->a[5] && copy_in_obj(t->mm, &sig, ARG_GVA(a, 5)))
		return -EFAULT;
	ret = timeout_in(t, ARG_GVA(a, 4), &zero);
	if (ret == 0)
		ret = sigmask_swap(t, GVA(sig.mask), sig.size);
	if (ret)
		return ret;
	ret = do_select(t, a, zero);
	return sigmask_restore(t, timeout_end(t, ret));
}
