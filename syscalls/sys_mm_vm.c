/* SPDX-License-Identifier: Apache-2.0 */
/* sys_mm_vm.c - process_vm_readv, process_vm_writev: copies between two guests, through the
 * worker's buffer
 *
 * A child that fork has just made may not have run yet, and then its memory cannot be reached:
 * where nothing could be copied although the truth says that it is there, the call waits a little
 * and tries again.
 */
#include <linux/capability.h>

#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

/* May @t look into the memory of @target? The rule of ptrace(2) for attaching. [T] held. */
static bool may_access(struct task *t, struct task *target)
{
	const struct cred *c = t->cred, *o = target->cred;
	bool same = c->uid == o->euid && c->uid == o->suid && c->uid == o->uid &&
		    c->gid == o->egid && c->gid == o->sgid && c->gid == o->gid;

	if (t->tg == target->tg || cred_capable_in(c, o->user_ns, CAP_SYS_PTRACE))
		return true;
	return same && c->user_ns == o->user_ns && target->mm && target->mm->dumpable == 1 &&
	       !(o->permitted & ~c->permitted);
}

/* The address space of process @pid with a reference, or ERR_PTR. */
static struct mm *mm_of(struct task *t, s32 pid)
{
	struct task *target;
	struct mm *mm = NULL;
	long err = 0;

	tasklist_lock();
	target = task_find_for(t, pid);
	if (!target || !target->mm)
		err = -ESRCH;
	else if (!may_access(t, target))
		err = -EPERM;
	else
		mm = mm_get(target->mm);
	tasklist_unlock();
	return err ? ERR_PTR(err) : mm;
}

#define UNBORN_WAIT  NSEC_PER_MSEC
#define UNBORN_TRIES 100

struct vm_side {
	struct iovec *iov; /* kalloc of ITER_IOV_MAX */
	struct iov_iter it;
};

static long side_init(struct task *t, struct vm_side *s, struct mm *of, gva_t iov, u64 count)
{
	long err;

	s->iov = kalloc(ITER_IOV_MAX * sizeof(*s->iov));
	if (!s->iov)
		return -ENOMEM;
	err = count > ITER_IOV_MAX
		      ? -EINVAL
		      : copy_in_iovec(t->mm, s->iov, iov, (unsigned)count, &s->it, NULL, 0);
	s->it.mm = of;
	return err;
}

static void side_fini(struct vm_side *s)
{
	if (s->iov)
		kfree(s->iov, ITER_IOV_MAX * sizeof(*s->iov));
}

static long move_bytes(struct task *t, struct iov_iter *from, struct iov_iter *to)
{
	struct caller *c = task_caller(t);
	size_t done = 0, want = min(from->left, to->left);

	while (done < want) {
		size_t n = min(want - done, c->scratch_size);
		size_t got = copy_from_iter(c->scratch, n, from);
		size_t put = copy_to_iter(c->scratch, got, to);

		done += put;
		if (put < n)
			break;
	}
	return done || !want ? (long)done : -EFAULT;
}

/* Is the remote byte that could not be copied one that the truth knows? */
static bool maybe_unborn(const struct iov_iter *remote, bool write)
{
	return remote->count &&
	       mm_access_ok(remote->mm, GVA((uintptr_t)remote->iov[0].iov_base + remote->offset), 1,
			    write ? VMA_WRITE : VMA_READ);
}

static long vm_copy(struct task *t, const struct sys_args *a, bool write)
{
	struct vm_side local = {NULL}, remote = {NULL};
	struct mm *mm;
	long r;

	if (a->a[5])
		return -EINVAL;
	mm = mm_of(t, ARG_INT(a, 0));
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	r = side_init(t, &local, t->mm, ARG_GVA(a, 1), a->a[2]);
	if (r == 0)
		r = side_init(t, &remote, mm, ARG_GVA(a, 3), a->a[4]);
	if (r == 0)
		r = write ? move_bytes(t, &local.it, &remote.it)
			  : move_bytes(t, &remote.it, &local.it);
	if (r == -EFAULT && t->wait.stage < UNBORN_TRIES && mm != t->mm && remote.iov &&
	    maybe_unborn(&remote.it, write)) {
		t->wait.stage++;
		t->wait.deadline = time_add(time_monotonic(), UNBORN_WAIT); /* anew in each run */
		r = task_block(t, -EINTR);
	}
	side_fini(&local);
	side_fini(&remote);
	mm_put(mm);
	return r;
}

long sys_process_vm_readv(struct task *t, const struct sys_args *a)
{
	return vm_copy(t, a, false);
}

long sys_process_vm_writev(struct task *t, const struct sys_args *a)
{
	return vm_copy(t, a, true);
}
