/* SPDX-License-Identifier: Apache-2.0 */
/* sys_sem.c - System V semaphores */
#include "sentry/kernel/ipc.h"
#include "syscalls/sys.h"

long sys_semget(struct task *t, const struct sys_args *a)
{
	return sem_get(t, ARG_INT(a, 0), ARG_INT(a, 1), ARG_UINT(a, 2));
}

static long sem_call(struct task *t, const struct sys_args *a)
{
	struct sembuf_k ops[SEM_OPS_MAX];
	u32 count = ARG_UINT(a, 2);

	if (t->wait.stage)
		return sem_op(t, ARG_INT(a, 0), NULL, 0);
	if (count < 1 || ARG_INT(a, 0) < 0)
		return -EINVAL;
	if (count > SEM_OPS_MAX)
		return -E2BIG;
	if (copy_in(t->mm, ops, ARG_GVA(a, 1), count * sizeof(ops[0])))
		return -EFAULT;
	return sem_op(t, ARG_INT(a, 0), ops, count);
}

long sys_semop(struct task *t, const struct sys_args *a)
{
	return sem_call(t, a);
}

long sys_semtimedop(struct task *t, const struct sys_args *a)
{
	s64 ns;
	int err;

	if (ARG_GVA(a, 3).v && !t->wait.again) {
		err = timespec_in(t, ARG_GVA(a, 3), &ns);
		if (err)
			return err;
		task_set_timeout(t, ns);
	}
	return sem_call(t, a);
}

/* --- control -------------------------------------------------------------------------------------
 */

static long info(struct task *t, gva_t dst, int cmd)
{
	/* struct seminfo: map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem */
	s32 si[10] = {1024000000,  SEM_SET_COUNT_MAX, 1024000000, 1024000000, SEM_SET_MAX,
		      SEM_OPS_MAX, SEM_OPS_MAX,	      20,	  32767,      32767};
	long highest;
	u32 sets, sems;

	highest = sem_info(t, &sets, &sems);
	if (cmd == SEM_INFO) {
		si[7] = (s32)sets;
		si[9] = (s32)sems;
	}
	return copy_out(t->mm, dst, si, sizeof(si)) ? -EFAULT : highest;
}

/* GETALL and SETALL. */
static long all(struct task *t, s32 id, int cmd, gva_t arg)
{
	u16 *values = kalloc(SEM_SET_MAX * sizeof(*values));
	struct semid_ds ds;
	u32 count = 0;
	long r;

	if (!values)
		return -ENOMEM;
	if (cmd == GETALL) {
		r = sem_getall(t, id, values, &count);
		if (!r && copy_out(t->mm, arg, values, count * sizeof(*values)))
			r = -EFAULT;
	} else {
		r = sem_stat(t, id, false, true, &ds);
		if (!r && copy_in(t->mm, values, arg, ds.sem_nsems * sizeof(*values)))
			r = -EFAULT;
		if (!r)
			r = sem_setall(t, id, values, (u32)ds.sem_nsems);
	}
	kfree(values, SEM_SET_MAX * sizeof(*values));
	return r;
}

long sys_semctl(struct task *t, const struct sys_args *a)
{
	s32 id = ARG_INT(a, 0), num = ARG_INT(a, 1);
	int cmd = ARG_INT(a, 2);
	gva_t arg = ARG_GVA(a, 3);
	struct semid_ds ds;
	long r;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return info(t, arg, cmd);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		r = sem_stat(t, id, cmd != IPC_STAT, cmd == SEM_STAT_ANY, &ds);
		return r < 0 ? r : copy_out_obj(t->mm, arg, &ds) ? -EFAULT : r;
	case IPC_SET:
		if (copy_in_obj(t->mm, &ds, arg))
			return -EFAULT;
		return sem_set(t, id, &ds);
	case IPC_RMID:
		return sem_remove(t, id);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_ask(t, id, num, cmd);
	case SETVAL:
		return sem_setval(t, id, num, (s32)arg.v);
	case GETALL:
	case SETALL:
		return all(t, id, cmd, arg);
	default:
		return -EINVAL;
	}
}
