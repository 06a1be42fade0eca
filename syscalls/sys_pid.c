/* SPDX-License-Identifier: Apache-2.0 */
/* sys_pid.c - numbers of processes, groups, sessions; pidfd_open */
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

#define PIDFD_NONBLOCK_FLAG O_NONBLOCK
#define PIDFD_THREAD_FLAG   O_EXCL

long sys_getpid(struct task *t, const struct sys_args *a)
{
	return t->tg->vtgid;
}

long sys_gettid(struct task *t, const struct sys_args *a)
{
	return t->vtid;
}

long sys_getppid(struct task *t, const struct sys_args *a)
{
	struct tgroup *parent;
	s32 pid;

	tasklist_lock();
	parent = t->tg->parent;
	pid = parent ? tgroup_nr_for(t, parent) : 0;
	tasklist_unlock();
	return pid;
}

static long group_of(struct task *t, s32 pid, bool session)
{
	struct task *other;
	long id = -ESRCH;

	if (pid < 0)
		return -ESRCH;
	tasklist_lock();
	other = pid ? task_find_for(t, pid) : t;
	if (other && other->tg->pgrp)
		id = pid_nr_in(session ? other->tg->session->pid : other->tg->pgrp->pid,
			       t->tg->pid_ns);
	tasklist_unlock();
	return id;
}

long sys_getpgid(struct task *t, const struct sys_args *a)
{
	return group_of(t, ARG_INT(a, 0), false);
}

long sys_getpgrp(struct task *t, const struct sys_args *a)
{
	return group_of(t, 0, false);
}

long sys_getsid(struct task *t, const struct sys_args *a)
{
	return group_of(t, ARG_INT(a, 0), true);
}

/* [T] The group that setpgid moves, with all of Linux's checks. */
static struct tgroup *setpgid_target(struct task *t, s32 pid, long *err)
{
	struct tgroup *tg = tgroup_find_for(t, pid);

	*err = -ESRCH;
	if (!tg)
		return task_find_for(t, pid) ? (*err = -EINVAL, NULL) : NULL;
	if (tg->parent == t->tg) {
		*err = -EPERM;
		if (tg->session != t->tg->session)
			return NULL;
		*err = -EACCES;
		if (tg->did_exec)
			return NULL;
	} else if (tg != t->tg) {
		return NULL;
	}
	*err = -EPERM;
	return tg->session_leader ? NULL : tg;
}

/* [T] */
static long setpgid_locked(struct task *t, s32 pid, s32 pgid)
{
	struct tgroup *tg;
	struct pgrp *g;
	long err;

	tg = setpgid_target(t, pid, &err);
	if (!tg)
		return err;
	g = pgrp_find_for(t, pgid);
	if (pgid != pid) {
		if (!g || g->session != t->tg->session)
			return -EPERM;
		pgrp_get(g);
	} else if (g) {
		if (g->session != t->tg->session)
			return -EPERM;
		pgrp_get(g);
	} else {
		g = pgrp_create(tg->leader->pid, tg->session);
		if (!g)
			return -ENOMEM;
	}
	if (tg->pgrp != g)
		tgroup_set_pgrp(tg, g);
	pgrp_put(g);
	return 0;
}

long sys_setpgid(struct task *t, const struct sys_args *a)
{
	s32 pid = ARG_INT(a, 0), pgid = ARG_INT(a, 1);
	long err;

	if (!pid)
		pid = t->tg->vtgid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	tasklist_lock();
	err = setpgid_locked(t, pid, pgid);
	tasklist_unlock();
	return err;
}

long sys_setsid(struct task *t, const struct sys_args *a)
{
	struct tgroup *tg = t->tg;
	struct session *s;
	struct pgrp *g = NULL;
	long r = -EPERM;

	tasklist_lock();
	if (tg->session_leader || tg->leader->pid->pgrp)
		goto out;
	r = -ENOMEM;
	s = session_create(tg->leader->pid, tg);
	if (!s)
		goto out;
	g = pgrp_create(tg->leader->pid, s);
	session_put(s);
	if (!g)
		goto out;
	tgroup_set_pgrp(tg, g);
	pgrp_put(g);
	tg->session_leader = true;
	tg->tty = NULL;
	r = tg->vtgid;
out:
	tasklist_unlock();
	return r;
}

long sys_set_tid_address(struct task *t, const struct sys_args *a)
{
	t->clear_child_tid = ARG_GVA(a, 0);
	return t->vtid;
}

long sys_pidfd_open(struct task *t, const struct sys_args *a)
{
	s32 pid = ARG_INT(a, 0);
	u32 flags = ARG_UINT(a, 1);
	struct tgroup *tg = NULL;
	struct task *other;
	struct file *f;
	long r = -ESRCH;
	int fd;

	if ((flags & ~(u32)(PIDFD_NONBLOCK_FLAG | PIDFD_THREAD_FLAG)) || pid <= 0)
		return -EINVAL;
	tasklist_lock();
	other = task_find_for(t, pid);
	if (other && other->tg->leader == other)
		tg = tgroup_get(other->tg);
	else if (other)
		r = flags & PIDFD_THREAD_FLAG ? -EINVAL : -ENOENT;
	tasklist_unlock();
	if (!tg)
		return r;
	f = pidfd_create(task_caller(t), tg, flags & PIDFD_NONBLOCK_FLAG);
	tgroup_put(tg);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(t, f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}
