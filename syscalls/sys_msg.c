/* SPDX-License-Identifier: Apache-2.0 */
/* sys_msg.c - System V message queues */
#include "sentry/kernel/ipc.h"
#include "syscalls/sys.h"

#define MSG_COPY_K 040000

long sys_msgget(struct task *t, const struct sys_args *a)
{
	return msg_get(t, ARG_INT(a, 0), ARG_UINT(a, 1));
}

long sys_msgsnd(struct task *t, const struct sys_args *a)
{
	gva_t src = ARG_GVA(a, 1);
	u64 size = a->a[2];
	struct msg *m;
	s64 type;
	long r;

	if (copy_in_obj(t->mm, &type, src))
		return -EFAULT;
	if (ARG_INT(a, 0) < 0 || size > g_ipc_limits.msgmax || type < 1)
		return -EINVAL;
	m = msg_alloc((u32)size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	r = size && copy_in(t->mm, m->data, gva_add(src, sizeof(type)), size)
		    ? -EFAULT
		    : msg_send(t, ARG_INT(a, 0), m, ARG_UINT(a, 3));
	if (r)
		msg_free(m);
	return r;
}

long sys_msgrcv(struct task *t, const struct sys_args *a)
{
	gva_t dst = ARG_GVA(a, 1);
	u64 size = a->a[2];
	struct msg *m;
	long r;

	if (ARG_INT(a, 0) < 0 || (s64)size < 0)
		return -EINVAL;
	if ((ARG_UINT(a, 4) & MSG_COPY_K) &&
	    ((ARG_UINT(a, 4) & MSG_EXCEPT) || !(ARG_UINT(a, 4) & IPC_NOWAIT)))
		return -EINVAL;
	r = msg_receive(t, ARG_INT(a, 0), size, (s64)a->a[3], ARG_UINT(a, 4), &m);
	if (r)
		return r;
	size = min(size, (u64)m->size);
	r = (long)size;
	if (copy_out(t->mm, dst, &m->type, sizeof(m->type)) ||
	    (size && copy_out(t->mm, gva_add(dst, sizeof(m->type)), m->data, size)))
		r = -EFAULT;
	msg_free(m);
	return r;
}

static long info(struct task *t, gva_t dst, int cmd)
{
	/* struct msginfo: pool, map, max, mnb, mni, ssz, tql, seg */
	s32 mi[8] = {512000,
		     16384,
		     (s32)g_ipc_limits.msgmax,
		     (s32)g_ipc_limits.msgmnb,
		     MSG_QUEUE_COUNT_MAX,
		     16,
		     16384,
		     0xffff};
	long highest;
	u32 queues, messages;
	u64 bytes;

	highest = msg_info(t, &queues, &messages, &bytes);
	if (cmd == MSG_INFO) {
		mi[0] = (s32)queues;
		mi[1] = (s32)messages;
		mi[6] = (s32)bytes;
	}
	return copy_out(t->mm, dst, mi, sizeof(mi)) ? -EFAULT : highest;
}

long sys_msgctl(struct task *t, const struct sys_args *a)
{
	s32 id = ARG_INT(a, 0);
	int cmd = ARG_INT(a, 1);
	gva_t arg = ARG_GVA(a, 2);
	struct msqid_ds ds;
	long r;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return info(t, arg, cmd);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		r = msg_stat(t, id, cmd != IPC_STAT, cmd == MSG_STAT_ANY, &ds);
		return r < 0 ? r : copy_out_obj(t->mm, arg, &ds) ? -EFAULT : r;
	case IPC_SET:
		if (copy_in_obj(t->mm, &ds, arg))
			return -EFAULT;
		return msg_set(t, id, &ds);
	case IPC_RMID:
		return msg_remove(t, id);
	default:
		return -EINVAL;
	}
}
