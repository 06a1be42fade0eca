/* SPDX-License-Identifier: Apache-2.0 */
/* sys_epoll.c - epoll_create, epoll_ctl, epoll_wait and its kin */
#include <sys/epoll.h>

#include "fs/anon/anon.h"
#include "syscalls/handlers.h"
#include "syscalls/sys.h"
#include "syscalls/sys_sigmask.h"

static long do_create(struct task *t, bool cloexec)
{
	struct file *f = epoll_create_file(task_caller(t), 0);
	int fd;

	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(t, f, 0, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_epoll_create(struct task *t, const struct sys_args *a)
{
	return ARG_INT(a, 0) <= 0 ? -EINVAL : do_create(t, false);
}

long sys_epoll_create1(struct task *t, const struct sys_args *a)
{
	if (ARG_UINT(a, 0) & ~EPOLL_CLOEXEC)
		return -EINVAL;
	return do_create(t, ARG_UINT(a, 0) & EPOLL_CLOEXEC);
}

long sys_epoll_ctl(struct task *t, const struct sys_args *a)
{
	struct epoll_event_k ev = {0};
	scoped_file f = NULL;
	scoped_file target = NULL;
	long ret;

	if (ARG_INT(a, 1) != EPOLL_CTL_DEL) {
		ret = copy_in_obj(t->mm, &ev, ARG_GVA(a, 3));
		if (ret)
			return ret;
	}
	f = fd_lookup(t, ARG_INT(a, 0));
	target = fd_lookup(t, ARG_INT(a, 2));
	if (!f || !target)
		return -EBADF;
	ev.events &= ~(u32)EPOLLWAKEUP; /* needs CAP_BLOCK_SUSPEND, is dropped without */
	return epoll_control(t, f, ARG_INT(a, 1), ARG_INT(a, 2), target, &ev);
}

/* Timeout and signal mask are set. */
static long wait_for_events(struct task *t, const struct sys_args *a, bool dont_wait)
{
	unsigned max = WORKER_SCRATCH / sizeof(struct epoll_event_k);
	struct epoll_event_k *buf = t->worker->scratch;
	scoped_file f = NULL;
	int n;

	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f)
		return -EBADF;
	if (ARG_INT(a, 2) <= 0 || ARG_INT(a, 2) > INT_MAX / (int)sizeof(*buf))
		return -EINVAL;
	max = min(max, ARG_UINT(a, 2));
	if (!file_is_epoll(f))
		return -EINVAL;
	n = epoll_collect(t, f, buf, max);
	if (n == 0 && !dont_wait && !task_timed_out(t)) {
		task_wait_on(t, epoll_waitq(f), EPOLLIN | EPOLL_REST | POLLFREE);
		n = epoll_collect(t, f, buf, max);
		if (n == 0)
			return task_block(t, -EINTR);
	}
	if (n > 0 && copy_out(t->mm, ARG_GVA(a, 1), buf, (size_t)n * sizeof(*buf)))
		return -EFAULT;
	return n;
}

long sys_epoll_wait(struct task *t, const struct sys_args *a)
{
	int timeout = ARG_INT(a, 3);

	if (timeout > 0)
		task_set_timeout(t, timeout * NSEC_PER_MSEC);
	return wait_for_events(t, a, timeout == 0);
}

long sys_epoll_pwait(struct task *t, const struct sys_args *a)
{
	long ret = sigmask_swap(t, ARG_GVA(a, 4), a->a[5]);

	return ret ? ret : sigmask_restore(t, sys_epoll_wait(t, a));
}

long sys_epoll_pwait2(struct task *t, const struct sys_args *a)
{
	s64 timeout = -1;
	long ret;

	if (a->a[3] && !t->wait.again) {
		ret = timespec_in(t, ARG_GVA(a, 3), &timeout);
		if (ret)
			return ret;
		if (timeout == INT64_MAX)
			timeout = -1;
		task_set_timeout(t, timeout);
	}
	ret = sigmask_swap(t, ARG_GVA(a, 4), a->a[5]);
	return ret ? ret : sigmask_restore(t, wait_for_events(t, a, timeout == 0));
}
