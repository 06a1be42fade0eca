/* SPDX-License-Identifier: Apache-2.0 */
/* sys_mm.c - mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), mincore(2), msync(2),
 * mlock(2)
 *
 * Each asks mm for a decision and has the stub carry it out. MM_BUSY (another thread's change of
 * the same range has not landed yet) makes the call wait; nothing has been changed by then, so it
 * starts anew.
 */
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

static struct mm_limits limits_of(struct task *t)
{
	struct mm_limits lim;

	task_mm_limits(t, &lim);
	return lim;
}

static struct mm_inflight *inflight_of(struct task *t)
{
	t->inflight.ctx = atomic_load(&t->ctx);
	return &t->inflight;
}

/* Evaluates @call; while it is busy, registers and tries once more before the task blocks. */
#define UNLESS_BUSY(t, ret, call)                                \
	do {                                                     \
		mm_plan_init(&(t)->plan);                        \
		(ret) = (call);                                  \
		if ((ret) != MM_BUSY)                            \
			break;                                   \
		task_wait_on((t), &(t)->mm->inflight_wait, 0);   \
		mm_plan_init(&(t)->plan);                        \
		(ret) = (call);                                  \
		if ((ret) == MM_BUSY)                            \
			return task_block((t), -ERESTARTNOINTR); \
	} while (0)

static long map_request(struct task *t, const struct sys_args *a, struct file *f,
			struct mm_map_request *out)
{
	*out = (struct mm_map_request){
		.addr = ARG_GVA(a, 0),
		.size = a->a[1],
		.prot = ARG_UINT(a, 2),
		.flags = ARG_UINT(a, 3),
		.offset = a->a[5],
	};
	if (page_offset(a->a[5]))
		return -EINVAL;
	if (a->a[1] == 0)
		return -EINVAL;
	return f ? vfs_mmap(task_caller(t), f, out) : 0;
}

long sys_mmap(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);
	struct mm_map_request req;
	scoped_file f = NULL;
	long ret;

	if (!(a->a[3] & MAP_ANONYMOUS)) {
		f = fd_lookup(t, ARG_INT(a, 4));
		if (!f)
			return -EBADF;
	}
	ret = map_request(t, a, f, &req);
	if (ret)
		return ret;
	if (req.flags & MAP_LOCKED)
		task_memory_locked(t);
	UNLESS_BUSY(t, ret, mm_mmap(t->mm, &req, &lim, inflight_of(t), &t->plan));
	return ret ? ret : task_run_plan(t);
}

long sys_mremap(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);
	long ret;

	UNLESS_BUSY(t, ret,
		    mm_mremap(t->mm, ARG_GVA(a, 0), a->a[1], a->a[2], ARG_UINT(a, 3), ARG_GVA(a, 4),
			      &lim, inflight_of(t), &t->plan));
	return ret ? ret : task_run_plan(t);
}

long sys_brk(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);
	long ret;

	UNLESS_BUSY(t, ret, mm_brk(t->mm, ARG_GVA(a, 0), &lim, inflight_of(t), &t->plan));
	return ret ? ret : task_run_plan(t);
}

/* The in-place class: 0 and errors are results, MM_CONTINUE lets the host do it. */
static long in_place(long ret)
{
	return ret == MM_CONTINUE ? -ECONTINUE : ret;
}

long sys_munmap(struct task *t, const struct sys_args *a)
{
	long ret;

	UNLESS_BUSY(t, ret, mm_munmap(t->mm, ARG_GVA(a, 0), a->a[1], inflight_of(t)));
	return in_place(ret);
}

long sys_mprotect(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);
	long ret;

	UNLESS_BUSY(
		t, ret,
		mm_mprotect(t->mm, ARG_GVA(a, 0), a->a[1], ARG_UINT(a, 2), &lim, inflight_of(t)));
	return in_place(ret);
}

long sys_madvise(struct task *t, const struct sys_args *a)
{
	long ret;

	UNLESS_BUSY(t, ret,
		    mm_madvise(t->mm, ARG_GVA(a, 0), a->a[1], ARG_INT(a, 2), inflight_of(t)));
	return in_place(ret);
}

/* The stub makes the host answer: it knows what is resident. */
static long host_answers(struct task *t, int nr, u64 a0, u64 a1, u64 a2)
{
	mm_plan_init(&t->plan);
	t->plan.cmds[0] = (struct pcmd){.nr = nr, .fd = -1, .args = {a0, a1, a2}};
	t->plan.count = 1;
	return task_run_plan(t);
}

long sys_mincore(struct task *t, const struct sys_args *a)
{
	u64 pages = page_up(a->a[1]) >> PAGE_SHIFT;
	long err;

	if (page_offset(a->a[0]))
		return -EINVAL;
	if (a->a[1] > GUEST_END || a->a[0] > GUEST_END - a->a[1])
		return -ENOMEM;
	if (!mm_access_ok(t->mm, ARG_GVA(a, 2), pages, VMA_WRITE))
		return -EFAULT;
	err = mm_check_mapped(t->mm, ARG_GVA(a, 0), a->a[1]);
	return err ? err : host_answers(t, SYS_mincore, a->a[0], a->a[1], a->a[2]);
}

long sys_msync(struct task *t, const struct sys_args *a)
{
	long err = mm_msync(t->mm, ARG_GVA(a, 0), a->a[1], ARG_UINT(a, 2));

	return err || !a->a[1] ? err
			       : host_answers(t, SYS_msync, a->a[0], page_up(a->a[1]), a->a[2]);
}

long sys_mlock(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);

	task_memory_locked(t);
	return mm_mlock(t->mm, ARG_GVA(a, 0), a->a[1], 0, true, &lim);
}

long sys_mlock2(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);

	task_memory_locked(t);
	return mm_mlock(t->mm, ARG_GVA(a, 0), a->a[1], ARG_UINT(a, 2), true, &lim);
}

long sys_munlock(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);

	return mm_mlock(t->mm, ARG_GVA(a, 0), a->a[1], 0, false, &lim);
}

long sys_mlockall(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);

	if (!ARG_UINT(a, 0))
		return -EINVAL;
	task_memory_locked(t);
	return mm_mlockall(t->mm, ARG_UINT(a, 0), &lim);
}

long sys_munlockall(struct task *t, const struct sys_args *a)
{
	struct mm_limits lim = limits_of(t);

	return mm_mlockall(t->mm, 0, &lim);
}
