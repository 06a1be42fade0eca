/* SPDX-License-Identifier: Apache-2.0 */
/* sys_fd.c - close(2), dup(2), fcntl(2), flock(2), ioctl(2) */
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "fs/pipe/pipe.h"
#include "sentry/kernel/sigio.h"
#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

long sys_close(struct task *t, const struct sys_args *a)
{
	return fd_close(t, ARG_INT(a, 0));
}

long sys_close_range(struct task *t, const struct sys_args *a)
{
	u32 first = ARG_UINT(a, 0), last = ARG_UINT(a, 1), flags = ARG_UINT(a, 2);
	struct files *mine, *old = t->files;
	long err;

	if (flags & ~6u || first > last) /* CLOSE_RANGE_UNSHARE 2, CLOEXEC 4 */
		return -EINVAL;
	if (flags & 2 && ref_read(&old->ref) > 1) {
		mine = files_dup(old, UINT_MAX, &err);
		if (!mine)
			return err;
		mutex_lock(&g_kernel->lock);
		t->files = mine;
		mutex_unlock(&g_kernel->lock);
		files_put(task_caller(t), old);
	}
	return fd_close_range(t, first, last, flags & 4);
}

static long do_dup(struct task *t, int fd, int from, bool cloexec)
{
	struct file *f = fd_lookup_path(t, fd);
	int new;

	if (!f)
		return -EBADF;
	new = fd_install(t, f, from, cloexec);
	if (new < 0)
		file_put(f);
	return new;
}

static long do_dup2(struct task *t, int fd, int to, bool cloexec)
{
	struct file *f = fd_lookup_path(t, fd);
	long ret;

	if (!f)
		return -EBADF;
	ret = fd_install_at(t, f, to, cloexec);
	if (ret < 0)
		file_put(f);
	return ret;
}

long sys_dup(struct task *t, const struct sys_args *a)
{
	return do_dup(t, ARG_INT(a, 0), 0, false);
}

long sys_dup2(struct task *t, const struct sys_args *a)
{
	int fd = ARG_INT(a, 0), to = ARG_INT(a, 1);

	if (fd == to)
		return fd_get_cloexec(t, fd) < 0 ? -EBADF : fd;
	return do_dup2(t, fd, to, false);
}

long sys_dup3(struct task *t, const struct sys_args *a)
{
	if (ARG_UINT(a, 2) & ~(u32)O_CLOEXEC || ARG_INT(a, 0) == ARG_INT(a, 1))
		return -EINVAL;
	return do_dup2(t, ARG_INT(a, 0), ARG_INT(a, 1), ARG_UINT(a, 2) & O_CLOEXEC);
}

/* --- locks
 * -----------------------------------------------------------------------------------------------
 */

static void end_lock_wait(struct task *t)
{
	if (t->wait.obj)
		lock_wait_end(t->wait.obj);
}

/* Takes or gives a lock, waiting when @wait. */
static long do_lock(struct task *t, int fd, struct file *f, const struct file_lock_request *r,
		    bool wait)
{
	struct lock_wait *record = t->wait.obj;
	struct waitq *q;
	int err = lock_set(f, r, wait ? &record : NULL, &q);

	if (wait) {
		t->wait.obj = record;
		t->wait.cleanup = end_lock_wait;
		t->wait.used = true;
	}
	if (err != -EAGAIN || !wait)
		return err;
	task_wait_on(t, q, 0);
	err = lock_set(f, r, &record, &q);
	t->wait.obj = record;
	if (err != -EAGAIN)
		return err;
	return task_block(t, -ERESTARTSYS);
}

long sys_flock(struct task *t, const struct sys_args *a)
{
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	int op = ARG_INT(a, 1);
	struct file_lock_request r = {
		.kind = LOCK_KIND_FLOCK, .owner = f, .pid = t->tg->tgid, .end = S64_MAX};

	if (op & LOCK_MAND) /* once for samba: Linux ignores it */
		return 0;
	switch (op & ~LOCK_NB) {
	case LOCK_SH:
		r.type = F_RDLCK;
		break;
	case LOCK_EX:
		r.type = F_WRLCK;
		break;
	case LOCK_UN:
		r.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	if (!f)
		return -EBADF;
	return do_lock(t, ARG_INT(a, 0), f, &r, !(op & LOCK_NB));
}

/* struct flock into a request: absolute, inclusive. */
static int decode_flock(struct task *t, struct file *f, const struct flock *l,
			struct file_lock_request *r)
{
	s64 start, end;

	if (l->l_whence == SEEK_SET)
		start = 0;
	else if (l->l_whence == SEEK_CUR)
		start = f->pos;
	else if (l->l_whence == SEEK_END)
		start = f->inode ? (s64)f->inode->size : 0;
	else
		return -EINVAL;
	if (__builtin_add_overflow(start, l->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = S64_MAX;
	if (l->l_len > 0 && __builtin_add_overflow(start, l->l_len - 1, &end))
		return -EOVERFLOW;
	if (l->l_len < 0) {
		end = start - 1;
		start += l->l_len;
		if (start < 0)
			return -EINVAL;
	}
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && l->l_type != F_UNLCK)
		return -EINVAL;
	r->type = l->l_type;
	r->start = start;
	r->end = end;
	return 0;
}

static long get_lock(struct task *t, struct file *f, struct flock *l, struct file_lock_request *r,
		     gva_t dst)
{
	int err;

	if (l->l_type == F_UNLCK && r->kind != LOCK_KIND_OFD)
		return -EINVAL;
	err = lock_get(f, r);
	if (err)
		return err;
	l->l_type = r->type;
	if (r->type != F_UNLCK) {
		l->l_whence = SEEK_SET;
		l->l_start = r->start;
		l->l_len = r->end == S64_MAX ? 0 : r->end - r->start + 1;
		l->l_pid = r->kind == LOCK_KIND_OFD ? -1 : number_told(t, r->pid);
	}
	return copy_out_obj(t->mm, dst, l);
}

static long fcntl_lock(struct task *t, int fd, struct file *f, int cmd, gva_t arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct file_lock_request r = {.kind = ofd ? LOCK_KIND_OFD : LOCK_KIND_POSIX,
				      .owner = ofd ? (void *)f : (void *)t->files,
				      .pid = t->tg->tgid};
	struct flock l;
	int err = copy_in_obj(t->mm, &l, arg);

	if (err)
		return err;
	if (ofd && l.l_pid)
		return -EINVAL;
	err = decode_flock(t, f, &l, &r);
	if (err)
		return err;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return get_lock(t, f, &l, &r, arg);
	if ((r.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (r.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return do_lock(t, fd, f, &r, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

/* --- fcntl
 * -----------------------------------------------------------------------------------------------
 */

#define SETFL_MASK ((u32)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC))

static long set_flags(struct task *t, int fd, struct file *f, u32 arg)
{
	u32 old = f->flags, new = (old & ~SETFL_MASK) | (arg & SETFL_MASK);
	int err = 0;

	if ((arg ^ old) & O_NOATIME && arg & O_NOATIME && f->inode &&
	    t->cred->fsuid != f->inode->uid &&
	    !cred_capable_wrt(t->cred, f->inode->uid, f->inode->gid, 3)) /* CAP_FOWNER */
		return -EPERM;
	if (f->inode && f->inode->flags & INODE_APPEND && !(arg & O_APPEND))
		return -EPERM;
	f->flags = new;
	if (f->op && f->op->set_flags)
		err = f->op->set_flags(task_caller(t), f, old);
	if (!err && (old ^ new) & O_ASYNC)
		err = sigio_set(f, fd, new &O_ASYNC);
	if (err)
		f->flags = old;
	return err;
}

struct f_owner_k {
	s32 type, pid;
};

/* The owner is kept by its number in the first pid namespace. */
static long set_owner(struct task *t, struct file *f, u32 type, s32 pid)
{
	if (t->tg->pid_ns->level && pid) {
		struct pid *p;

		tasklist_lock();
		p = pid_find_in(t->tg->pid_ns, pid);
		pid = p ? p->number.nr : 0;
		tasklist_unlock();
		if (!pid)
			return -ESRCH;
	}
	f->owner_type = type;
	f->owner_pid = pid;
	return 0;
}

static long fcntl_owner(struct task *t, struct file *f, int cmd, u64 arg)
{
	struct f_owner_k ex = {.type = f->owner_type, .pid = number_told(t, f->owner_pid)};
	long err;

	switch (cmd) {
	case F_GETOWN:
		return f->owner_type == F_OWNER_PGRP ? -ex.pid : ex.pid;
	case F_SETOWN:
		if ((s32)arg == INT32_MIN)
			return -EINVAL;
		return (s32)arg < 0 ? set_owner(t, f, F_OWNER_PGRP, -(s32)arg)
				    : set_owner(t, f, F_OWNER_PID, (s32)arg);
	case F_GETOWN_EX:
		return copy_out_obj(t->mm, GVA(arg), &ex);
	case F_SETOWN_EX:
		err = copy_in_obj(t->mm, &ex, GVA(arg));
		if (err)
			return err;
		return ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP
			       ? -EINVAL
			       : set_owner(t, f, ex.type, ex.pid);
	case F_GETSIG:
		return f->owner_sig;
	default: /* F_SETSIG */
		if (arg > NSIG_MAX)
			return -EINVAL;
		f->owner_sig = (s32)arg;
		return 0;
	}
}

static long fcntl_file(struct task *t, int fd, struct file *f, int cmd, u64 arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(t, fd, f, (u32)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(t, fd, f, cmd, GVA(arg));
	case F_GETOWN:
	case F_SETOWN:
	case F_GETOWN_EX:
	case F_SETOWN_EX:
	case F_GETSIG:
	case F_SETSIG:
		return fcntl_owner(t, f, cmd, arg);
	case F_ADD_SEALS:
		return memfd_add_seals(f, (u32)arg);
	case F_GET_SEALS:
		return memfd_get_seals(f);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, arg, task_capable(t, 24)); /* CAP_SYS_RESOURCE */
	case F_GETPIPE_SZ:
		return pipe_get_size(f);
	case F_GETLEASE:
		return F_UNLCK;
	default:
		return -EINVAL;
	}
}

long sys_fcntl(struct task *t, const struct sys_args *a)
{
	int fd = ARG_INT(a, 0), cmd = ARG_INT(a, 1);
	scoped_file f = fd_lookup_path(t, fd);

	if (!f)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (a->a[2] >= task_rlimit(t, 7)) /* RLIMIT_NOFILE */
			return -EINVAL;
		return do_dup(t, fd, ARG_INT(a, 2), cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_get_cloexec(t, fd);
	case F_SETFD:
		return fd_set_cloexec(t, fd, a->a[2] & FD_CLOEXEC);
	case F_GETFL:
		return f->flags;
	}
	return f->mode & FMODE_PATH ? -EBADF : fcntl_file(t, fd, f, cmd, a->a[2]);
}

/* --- ioctl
 * -----------------------------------------------------------------------------------------------
 */

static long ioctl_flag(struct task *t, int fd, struct file *f, gva_t arg, u32 flag)
{
	s32 on;
	long err = copy_in_obj(t->mm, &on, arg);

	return err ? err : set_flags(t, fd, f, on ? f->flags | flag : f->flags & ~flag);
}

static long ioctl_regular(struct task *t, struct file *f, u32 cmd, u64 arg)
{
	s32 left;

	if (cmd != FIONREAD || !f->inode || !S_ISREG(f->inode->mode))
		return -ENOTTY;
	left = (s32)(f->inode->size - f->pos);
	return copy_out_obj(t->mm, GVA(arg), &left);
}

long sys_ioctl(struct task *t, const struct sys_args *a)
{
	int fd = ARG_INT(a, 0);
	u32 cmd = ARG_UINT(a, 1);
	scoped_file f = fd_lookup(t, fd);
	long ret = -ENOTTY;

	if (!f)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX:
		return fd_set_cloexec(t, fd, true);
	case FIONCLEX:
		return fd_set_cloexec(t, fd, false);
	case FIONBIO:
		return ioctl_flag(t, fd, f, ARG_GVA(a, 2), O_NONBLOCK);
	case FIOASYNC:
		return ioctl_flag(t, fd, f, ARG_GVA(a, 2), O_ASYNC);
	}
	if (f->op && f->op->ioctl)
		ret = f->op->ioctl(task_caller(t), f, cmd, a->a[2]);
	return ret == -ENOTTY ? ioctl_regular(t, f, cmd, a->a[2]) : ret;
}
