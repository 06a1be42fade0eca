/* SPDX-License-Identifier: Apache-2.0 */
/* sys_shm.c - shmget(2), shmat(2), shmdt(2), shmctl(2) */
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sentry/kernel/ipc.h"
#include "syscalls/sys.h"

#define SHM_SIZE_MIN 1
#define R_ALL	     (S_IRUSR | S_IRGRP | S_IROTH)
#define W_ALL	     (S_IWUSR | S_IWGRP | S_IWOTH)
#define X_ALL	     (S_IXUSR | S_IXGRP | S_IXOTH)

long sys_shmget(struct task *t, const struct sys_args *a)
{
	return shm_get(t, ARG_INT(a, 0), a->a[1], ARG_UINT(a, 2));
}

/* The mapping that is asked for, but for segment and size. */
static long attach_request(const struct sys_args *a, struct mm_map_request *out)
{
	u32 flags = ARG_UINT(a, 2);
	u64 addr = a->a[1];

	if (addr && page_offset(addr)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr = page_down(addr);
		if (!addr && (flags & SHM_REMAP))
			return -EINVAL;
	} else if (!addr && (flags & SHM_REMAP)) {
		return -EINVAL;
	}
	*out = (struct mm_map_request){
		.addr = GVA(addr),
		.prot = PROT_READ,
		.flags = MAP_SHARED,
		.file_readable = true,
		.file_writable = !(flags & SHM_RDONLY),
	};
	if (a->a[1]) /* an address that was rounded down to 0 is one, too */
		out->flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	if (!(flags & SHM_RDONLY))
		out->prot |= PROT_WRITE;
	if (flags & SHM_EXEC)
		out->prot |= PROT_EXEC;
	return 0;
}

/* mm_mmap, tried once more behind a registration when it is busy. */
static long map_or_wait(struct task *t, const struct mm_map_request *req)
{
	struct mm_limits lim = {
		.as = task_rlimit(t, RLIMIT_AS),
		.data = task_rlimit(t, RLIMIT_DATA),
		.stack = task_rlimit(t, RLIMIT_STACK),
		.memlock = task_rlimit(t, RLIMIT_MEMLOCK),
		.ipc_lock = task_capable(t, CAP_IPC_LOCK),
	};
	long ret;

	t->inflight.ctx = atomic_load(&t->ctx);
	mm_plan_init(&t->plan);
	ret = mm_mmap(t->mm, req, &lim, &t->inflight, &t->plan);
	if (ret != MM_BUSY)
		return ret;
	task_wait_on(t, &t->mm->inflight_wait, 0);
	mm_plan_init(&t->plan);
	return mm_mmap(t->mm, req, &lim, &t->inflight, &t->plan);
}

long sys_shmat(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 2), rights = R_ALL;
	struct mm_map_request req;
	struct mappable *m;
	long ret;

	if (!t->has_regs)
		return -ENOSYS;
	if (ARG_INT(a, 0) < 0)
		return -EINVAL;
	ret = attach_request(a, &req);
	if (ret)
		return ret;
	rights |= flags & SHM_RDONLY ? 0 : W_ALL;
	rights |= flags & SHM_EXEC ? X_ALL : 0;
	m = shm_open_segment(t, ARG_INT(a, 0), rights, &req.size);
	if (IS_ERR(m))
		return PTR_ERR(m);
	req.map = m;
	ret = map_or_wait(t, &req);
	shm_close_segment(m, ret ? 0 : t->tg->tgid);
	if (ret == MM_BUSY)
		return task_block(t, -ERESTARTNOINTR);
	if (ret == -EEXIST)
		return -EINVAL;
	return ret ? ret : task_run_plan(t);
}

/* Unmaps the attachment VMA by VMA: what is left of it may be cut into several. */
long sys_shmdt(struct task *t, const struct sys_args *a)
{
	u64 addr = a->a[0], start, end;
	long ret;

	if (!t->has_regs)
		return -ENOSYS;
	if (page_offset(addr))
		return -EINVAL;
	if (t->wait.stage && t->wait.cmd_result < 0)
		return t->wait.cmd_result;
	if (!shm_find_attached(t, addr, t->wait.stage ? t->wait.data[0] : addr, &t->wait.data[1],
			       &start, &end))
		return t->wait.stage ? 0 : -EINVAL;
	t->wait.used = true;
	t->inflight.ctx = atomic_load(&t->ctx);
	mm_plan_init(&t->plan);
	ret = mm_unmap_plan(t->mm, GVA(start), end - start, &t->inflight, &t->plan);
	if (ret == MM_BUSY) {
		task_wait_on(t, &t->mm->inflight_wait, 0);
		mm_plan_init(&t->plan);
		ret = mm_unmap_plan(t->mm, GVA(start), end - start, &t->inflight, &t->plan);
		if (ret == MM_BUSY)
			return task_block(t, -ERESTARTNOINTR);
	}
	if (ret)
		return ret;
	if (end - addr >= t->wait.data[1])
		return task_run_plan(t);
	t->wait.stage = 1;
	t->wait.data[0] = end;
	return task_run_plan_again(t);
}

/* IPC_INFO and SHM_INFO. */
static long give_info(struct task *t, int cmd, gva_t dst)
{
	struct shminfo limits = {
		.shmmax = g_ipc_limits.shmmax,
		.shmmin = SHM_SIZE_MIN,
		.shmmni = SHM_COUNT_MAX,
		.shmseg = SHM_COUNT_MAX,
		.shmall = g_ipc_limits.shmall,
	};
	struct shm_info info;
	long ret = shm_info(t, &info), err;

	err = cmd == IPC_INFO ? copy_out_obj(t->mm, dst, &limits) : copy_out_obj(t->mm, dst, &info);
	return err ? -EFAULT : ret;
}

long sys_shmctl(struct task *t, const struct sys_args *a)
{
	int id = ARG_INT(a, 0), cmd = ARG_INT(a, 1);
	struct shmid_ds ds;
	long ret;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SHM_INFO:
		return give_info(t, cmd, ARG_GVA(a, 2));
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		ret = shm_stat(t, id, cmd, &ds);
		return ret >= 0 && copy_out_obj(t->mm, ARG_GVA(a, 2), &ds) ? -EFAULT : ret;
	case IPC_SET:
		return copy_in_obj(t->mm, &ds, ARG_GVA(a, 2)) ? -EFAULT : shm_set(t, id, &ds);
	case IPC_RMID:
		return shm_remove(t, id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(t, id, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}
