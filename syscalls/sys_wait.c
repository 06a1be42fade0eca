/* SPDX-License-Identifier: Apache-2.0 */
/* sys_wait.c - wait4, waitid */
#include <sys/wait.h>

#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/wait.h"
#include "syscalls/sys.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static s32 own_group(struct task *t)
{
	s32 id;

	tasklist_lock();
	id = pid_nr_in(t->tg->pgrp->pid, t->tg->pid_ns);
	tasklist_unlock();
	return id;
}

long sys_wait4(struct task *t, const struct sys_args *a)
{
	s32 pid = ARG_INT(a, 0);
	u32 options = ARG_UINT(a, 2);
	struct wait_request r = {.options = options | WEXITED};
	struct wait_result res;
	long err;

	if (options & ~(u32)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid > 0) {
		r.kind = WAITFOR_PID;
		r.id = pid;
	} else if (pid < -1) {
		r.kind = WAITFOR_PGRP;
		r.id = -pid;
	} else if (pid == 0) {
		r.kind = WAITFOR_PGRP;
		r.id = own_group(t);
	}
	err = task_wait(t, &r, &res);
	if (err || res.pid == 0)
		return err;
	if (ARG_GVA(a, 1).v && copy_out(t->mm, ARG_GVA(a, 1), &res.status, sizeof(res.status)))
		return -EFAULT;
	if (ARG_GVA(a, 3).v && copy_out_obj(t->mm, ARG_GVA(a, 3), &res.usage))
		return -EFAULT;
	return res.pid;
}

/* Whom waitid is about. *out_file keeps a pidfd's process. */
static long decode_id(struct task *t, int type, s32 id, struct wait_request *r,
		      struct file **out_file)
{
	switch (type) {
	case P_ALL:
		return 0;
	case P_PID:
		r->kind = WAITFOR_PID;
		r->id = id;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		r->kind = WAITFOR_PGRP;
		r->id = id ? id : own_group(t);
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		*out_file = fd_lookup(t, id);
		if (!*out_file)
			return -EBADF;
		r->kind = WAITFOR_GROUP;
		r->group = pidfd_tgroup(*out_file);
		return r->group ? 0 : -EBADF;
	default:
		return -EINVAL;
	}
}

/* siginfo_t: only these members are written, as Linux does. */
static long store_info(struct task *t, gva_t dst, const struct wait_result *res)
{
	struct {
		s32 signo, error, code, pad;
		s32 pid;
		u32 uid;
		s32 status;
	} info;
	static_assert(sizeof(info) == 28, "head of siginfo_t for SIGCHLD");

	memset(&info, 0, sizeof(info));
	if (res->pid) {
		info.signo = SIGCHLD;
		info.code = res->code;
		info.pid = res->pid;
		info.uid = res->uid;
		switch (res->code) {
		case CLD_EXITED:
		case CLD_STOPPED:
			info.status = (s32)(res->status >> 8 & 0xff);
			break;
		case CLD_CONTINUED:
			info.status = SIGCONT;
			break;
		default:
			info.status = (s32)(res->status & 0x7f);
		}
	}
	return copy_out(t->mm, dst, &info, sizeof(info));
}

static long do_waitid(struct task *t, const struct sys_args *a, struct wait_result *res)
{
	struct wait_request r = {.options = ARG_UINT(a, 3)};
	scoped_file file = NULL;
	long err;

	if (r.options & ~(u32)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			       __WCLONE | __WALL))
		return -EINVAL;
	if (!(r.options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	err = decode_id(t, ARG_INT(a, 0), ARG_INT(a, 1), &r, &file);
	if (err)
		return err;
	if (file && (atomic_load(&file->flags) & O_NONBLOCK)) {
		bool asked = r.options & WNOHANG;

		r.options |= WNOHANG;
		err = task_wait(t, &r, res);
		if (!err && !res->pid && !asked)
			return -EAGAIN;
	} else {
		err = task_wait(t, &r, res);
	}
	return err;
}

long sys_waitid(struct task *t, const struct sys_args *a)
{
	struct wait_result res = {0};
	long err = do_waitid(t, a, &res);

	if (err == -EBLOCKED)
		return err;
	if (err)
		res = (struct wait_result){0};
	if (res.pid && ARG_GVA(a, 4).v && copy_out_obj(t->mm, ARG_GVA(a, 4), &res.usage))
		return -EFAULT;
	/* after an error too */
	if (ARG_GVA(a, 2).v && store_info(t, ARG_GVA(a, 2), &res))
		return -EFAULT;
	return err;
}
