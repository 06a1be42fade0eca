/* SPDX-License-Identifier: Apache-2.0 */
/* sys_event.c - eventfd, timerfd, signalfd, inotify: making and setting them */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "fs/anon/anon.h"
#include "sentry/abi/inotify.h"
#include "syscalls/handlers.h"
#include "syscalls/sys.h"

/* Installs @f, or passes on its error. */
static long install(struct task *t, struct file *f, bool cloexec)
{
	int fd;

	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(t, f, 0, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long do_eventfd(struct task *t, u32 count, u32 flags)
{
	if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	return install(
		t, eventfd_create(task_caller(t), count, flags & EFD_SEMAPHORE, flags & O_NONBLOCK),
		flags & O_CLOEXEC);
}

long sys_eventfd(struct task *t, const struct sys_args *a)
{
	return do_eventfd(t, ARG_UINT(a, 0), 0);
}

long sys_eventfd2(struct task *t, const struct sys_args *a)
{
	return do_eventfd(t, ARG_UINT(a, 0), ARG_UINT(a, 1));
}

/* --- timerfd
 * -------------------------------------------------------------------------------------- */

struct itimerspec_k {
	s64 interval_sec, interval_nsec, value_sec, value_nsec;
};

static int time_in(s64 sec, s64 nsec, s64 *out)
{
	if (sec < 0 || nsec < 0 || nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*out = sec >= INT64_MAX / NSEC_PER_SEC ? INT64_MAX : sec * NSEC_PER_SEC + nsec;
	return 0;
}

static long spec_out(struct task *t, gva_t dst, const struct timerfd_spec *s)
{
	struct itimerspec_k k = {s->interval / NSEC_PER_SEC, s->interval % NSEC_PER_SEC,
				 s->value / NSEC_PER_SEC, s->value % NSEC_PER_SEC};

	return copy_out_obj(t->mm, dst, &k);
}

long sys_timerfd_create(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 1);
	int clockid = ARG_INT(a, 0);

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if ((clockid == CLOCK_REALTIME_ALARM || clockid == CLOCK_BOOTTIME_ALARM) &&
	    !task_capable(t, 35 /* CAP_WAKE_ALARM */))
		return -EPERM;
	return install(t, timerfd_create_file(task_caller(t), clockid, flags & O_NONBLOCK),
		       flags & O_CLOEXEC);
}

long sys_timerfd_settime(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 1);
	struct timerfd_spec new, old;
	struct itimerspec_k k;
	scoped_file f = NULL;
	long ret;

	ret = copy_in_obj(t->mm, &k, ARG_GVA(a, 2));
	if (ret)
		return ret;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    time_in(k.value_sec, k.value_nsec, &new.value) ||
	    time_in(k.interval_sec, k.interval_nsec, &new.interval))
		return -EINVAL;
	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f)
		return -EBADF;
	ret = timerfd_set(f, flags & TFD_TIMER_ABSTIME, flags & TFD_TIMER_CANCEL_ON_SET, &new,
			  &old);
	if (ret == 0 && a->a[3])
		ret = spec_out(t, ARG_GVA(a, 3), &old);
	return ret;
}

long sys_timerfd_gettime(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	struct timerfd_spec spec;
	long ret;

	if (!f)
		return -EBADF;
	ret = timerfd_get(f, &spec);
	return ret ? ret : spec_out(t, ARG_GVA(a, 1), &spec);
}

/* --- signalfd
 * -------------------------------------------------------------------------------------- */

static long do_signalfd(struct task *t, const struct sys_args *a, u32 flags)
{
	scoped_file f = NULL;
	u64 mask;
	long ret;

	ret = sigset_in(t, ARG_GVA(a, 1), a->a[2], &mask);
	if (ret)
		return ret;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	if (ARG_INT(a, 0) == -1)
		return install(t, signalfd_create(task_caller(t), mask, flags & O_NONBLOCK),
			       flags & O_CLOEXEC);
	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f)
		return -EBADF;
	ret = signalfd_set_mask(f, mask);
	if (ret)
		return ret;
	waitq_wake(&t->tg->signalfd, EPOLLIN); /* what it asks for may be pending already */
	return ARG_INT(a, 0);
}

long sys_signalfd(struct task *t, const struct sys_args *a)
{
	return do_signalfd(t, a, 0);
}

long sys_signalfd4(struct task *t, const struct sys_args *a)
{
	return do_signalfd(t, a, ARG_UINT(a, 3));
}

/* --- inotify
 * ---------------------------------------------------------------------------------------- */

long sys_inotify_init1(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 0);

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	return install(t, inotify_create(task_caller(t), flags & O_NONBLOCK), flags & O_CLOEXEC);
}

long sys_inotify_init(struct task *t, const struct sys_args *a)
{
	return install(t, inotify_create(task_caller(t), 0), false);
}

long sys_inotify_add_watch(struct task *t, const struct sys_args *a)
{
	scoped_file f = NULL;
	scoped_walk path = {0};
	u32 mask = ARG_UINT(a, 2);
	u32 walk = 0;
	int ret;

	if (!(mask & (IN_ALL_EVENTS | IN_UNMOUNT)) ||
	    ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
		return -EINVAL;
	f = fd_lookup(t, ARG_INT(a, 0));
	if (!f)
		return -EBADF;
	if (!file_is_inotify(f))
		return -EINVAL;
	if (!(mask & IN_DONT_FOLLOW))
		walk |= WALK_FOLLOW;
	if (mask & IN_ONLYDIR)
		walk |= WALK_DIRECTORY;
	ret = path_at(t, AT_FDCWD, ARG_GVA(a, 1), walk, &path);
	if (ret)
		return ret;
	return inotify_add_watch(task_caller(t), f, &path, mask);
}

long sys_inotify_rm_watch(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));

	return f ? inotify_rm_watch(f, ARG_INT(a, 1)) : -EBADF;
}
