/* SPDX-License-Identifier: Apache-2.0 */
/* sys_mq.c - POSIX message queues (mq_overview(7)) */
#include <signal.h>
#include <sys/epoll.h>

#include "fs/mqueue/mqueue.h"
#include "sentry/time/clock.h"
#include "syscalls/sys.h"

long sys_mq_open(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 1);
	struct mq_attr_k attr;
	scoped_path name = {0};
	struct file *f;
	int err, fd;

	if (ARG_GVA(a, 3).v && copy_in_obj(t->mm, &attr, ARG_GVA(a, 3)))
		return -EFAULT;
	err = path_arg_get(t, ARG_GVA(a, 0), &name);
	if (err)
		return err;
	f = mq_open_file(task_caller(t), name.name, flags, ARG_UINT(a, 2),
			 ARG_GVA(a, 3).v ? &attr : NULL);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(t, f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_mq_unlink(struct task *t, const struct sys_args *a)
{
	scoped_path name = {0};
	int err = path_arg_get(t, ARG_GVA(a, 0), &name);

	return err ? err : mq_unlink_name(task_caller(t), name.name);
}

/* The first run's absolute time-out of the real-time clock. 0 or -errno. */
static int set_timeout(struct task *t, gva_t abs)
{
	s64 ns;
	int err;

	if (!abs.v || t->wait.again)
		return 0;
	err = timespec_in(t, abs, &ns);
	if (err)
		return err;
	task_set_deadline(t, time_add(time_monotonic(), time_add(ns, -time_realtime())));
	return 0;
}

/* What a call does that cannot go on now: an error, or it waits for @events. */
static long wait_or_fail(struct task *t, int fd, struct file *f, u32 events)
{
	if (atomic_load(&f->flags) & O_NONBLOCK)
		return -EAGAIN;
	if (task_timed_out(t))
		return -ETIMEDOUT;
	return task_block_file(t, fd, f, events, -ERESTARTSYS);
}

long sys_mq_timedsend(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	int err;

	if (ARG_UINT(a, 3) >= MQUEUE_PRIO_MAX)
		return -EINVAL;
	err = set_timeout(t, ARG_GVA(a, 4));
	if (err)
		return err;
	if (!f || !(f->mode & FMODE_WRITE))
		return -EBADF;
	err = mq_send(task_caller(t), f, ARG_GVA(a, 1), a->a[2], ARG_UINT(a, 3));
	return err == -EAGAIN ? wait_or_fail(t, ARG_INT(a, 0), f, EPOLLOUT) : err;
}

/* While a receiver waits, a message notifies nobody. */
static void end_of_wait(struct task *t)
{
	mq_receiver_waits(t->wait.obj, -1);
	file_put(t->wait.obj);
}

long sys_mq_timedreceive(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	u32 prio = 0;
	ssize_t n;
	int err = set_timeout(t, ARG_GVA(a, 4));

	if (err)
		return err;
	if (!f || !(f->mode & FMODE_READ))
		return -EBADF;
	n = mq_receive(task_caller(t), f, ARG_GVA(a, 1), a->a[2], &prio);
	if (n == -EAGAIN) {
		if (!t->wait.obj && !(atomic_load(&f->flags) & O_NONBLOCK)) {
			t->wait.obj = file_get(f);
			t->wait.cleanup = end_of_wait;
			t->wait.used = true;
			mq_receiver_waits(f, 1);
		}
		return wait_or_fail(t, ARG_INT(a, 0), f, EPOLLIN);
	}
	if (n >= 0 && ARG_GVA(a, 3).v && copy_out_obj(t->mm, ARG_GVA(a, 3), &prio))
		return -EFAULT;
	return n;
}

struct sigevent_k {
	u64 value;
	s32 signo, notify;
	u8 rest[48];
};
static_assert(sizeof(struct sigevent_k) == 64, "struct sigevent");

long sys_mq_notify(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	struct sigevent_k ev;

	if (ARG_GVA(a, 1).v) {
		if (copy_in_obj(t->mm, &ev, ARG_GVA(a, 1)))
			return -EFAULT;
		if (ev.notify != SIGEV_NONE && ev.notify != SIGEV_SIGNAL)
			return -EINVAL; /* SIGEV_THREAD is told through a netlink socket, which does
					   not exist */
		if (ev.notify == SIGEV_SIGNAL && (ev.signo < 0 || ev.signo > NSIG_MAX))
			return -EINVAL;
	}
	if (!f)
		return -EBADF;
	if (!ARG_GVA(a, 1).v)
		return mq_set_notify(task_caller(t), f, -1, 0, 0);
	return mq_set_notify(task_caller(t), f, ev.notify, ev.signo, ev.value);
}

long sys_mq_getsetattr(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	struct mq_attr_k new, old;
	int err;

	if (ARG_GVA(a, 1).v && copy_in_obj(t->mm, &new, ARG_GVA(a, 1)))
		return -EFAULT;
	if (ARG_GVA(a, 1).v && new.flags & ~(s64)O_NONBLOCK)
		return -EINVAL;
	if (!f)
		return -EBADF;
	err = mq_get_attr(f, &old);
	if (err)
		return err;
	if (ARG_GVA(a, 1).v && new.flags)
		atomic_fetch_or(&f->flags, O_NONBLOCK);
	else if (ARG_GVA(a, 1).v)
		atomic_fetch_and(&f->flags, ~(u32)O_NONBLOCK);
	if (ARG_GVA(a, 2).v && copy_out_obj(t->mm, ARG_GVA(a, 2), &old))
		return -EFAULT;
	return 0;
}
