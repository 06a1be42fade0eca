/* SPDX-License-Identifier: Apache-2.0 */
/* sys_misc.c - the machine as the guest sees it: uname, names, sysinfo, random numbers, log,
 * barriers */
#include <linux/membarrier.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "platform/host/host.h"
#include "sentry/kernel/process.h"
#include "syscalls/sys.h"

#define CAP_SYS_ADMIN_K 21
#define CAP_SYSLOG_K	34

/* --- names
 * -------------------------------------------------------------------------------------------- */

static void put(char *dst, const char *src)
{
	for (unsigned i = 0; i < 64 && src[i]; i++)
		dst[i] = src[i];
}

long sys_uname(struct task *t, const struct sys_args *a)
{
	struct utsname u;

	memset(&u, 0, sizeof(u));
	put(u.sysname, "Linux");
	put(u.release, KERNEL_RELEASE);
	put(u.version, KERNEL_VERSION);
	put(u.machine, (t->personality & 0xff) == 8 ? "i686" : "x86_64");
	mutex_lock(&t->ns->uts->lock);
	put(u.nodename, t->ns->uts->nodename);
	put(u.domainname, t->ns->uts->domainname);
	mutex_unlock(&t->ns->uts->lock);
	return copy_out_obj(t->mm, ARG_GVA(a, 0), &u);
}

static long set_uts(struct task *t, const struct sys_args *a, bool domain)
{
	s32 size = ARG_INT(a, 1);
	char name[65];
	char *dst = domain ? t->ns->uts->domainname : t->ns->uts->nodename;

	if (!cred_capable_in(t->cred, t->ns->uts->ns.owner, CAP_SYS_ADMIN_K))
		return -EPERM;
	if (size < 0 || size > 64)
		return -EINVAL;
	memset(name, 0, sizeof(name));
	if (size && copy_in(t->mm, name, ARG_GVA(a, 0), (size_t)size))
		return -EFAULT;
	mutex_lock(&t->ns->uts->lock);
	memcpy(dst, name, sizeof(name));
	mutex_unlock(&t->ns->uts->lock);
	return 0;
}

long sys_sethostname(struct task *t, const struct sys_args *a)
{
	return set_uts(t, a, false);
}

long sys_setdomainname(struct task *t, const struct sys_args *a)
{
	return set_uts(t, a, true);
}

/* --- the machine
 * ---------------------------------------------------------------------------------------- */

long sys_sysinfo(struct task *t, const struct sys_args *a)
{
	u64 total, free_, swap, swap_free, limit = g_kernel->config.memory_limit;
	struct sysinfo s;
	u32 load[3];

	memset(&s, 0, sizeof(s));
	host_memory(&total, &free_, &swap, &swap_free);
	if (limit && limit < total) {
		u64 used = kernel_rss();

		total = limit;
		free_ = min(free_, used < limit ? limit - used : 0);
		swap = swap_free = 0;
	}
	s.uptime = (time_monotonic() - g_kernel->boot_monotonic) / NSEC_PER_SEC;
	kernel_loadavg(load);
	for (int i = 0; i < 3; i++)
		s.loads[i] = load[i];
	s.totalram = total;
	s.freeram = free_;
	s.totalswap = swap;
	s.freeswap = swap_free;
	s.procs = (u16)min(g_kernel->task_count, 65535u);
	s.mem_unit = 1;
	return copy_out_obj(t->mm, ARG_GVA(a, 0), &s);
}

long sys_getrandom(struct task *t, const struct sys_args *a)
{
	u64 size = min(a->a[1], (u64)INT_MAX), done = 0;
	u32 flags = ARG_UINT(a, 2);
	u8 *buf = t->worker->scratch;

	if ((flags & ~7u) || (flags & 6) == 6)
		return -EINVAL;
	while (done < size) {
		size_t n = min(size - done, (u64)WORKER_SCRATCH), out;

		host_getrandom(buf, n);
		out = copy_out_some(t->mm, GVA(a->a[0] + done), buf, n);
		done += out;
		if (out < n)
			break;
		if (signal_pending(t))
			break;
	}
	return done || !size ? (long)done : -EFAULT;
}

long sys_syslog(struct task *t, const struct sys_args *a)
{
	int type = ARG_INT(a, 0);

	if (type < 0 || type > 10)
		return -EINVAL;
	if (!task_capable(t, CAP_SYSLOG_K) && type != 3 && type != 10)
		return -EPERM;
	if ((type == 2 || type == 3 || type == 4) && (ARG_INT(a, 2) < 0 || !a->a[1]))
		return -EINVAL;
	return 0;
}

/* --- what is normally the host's
 * ----------------------------------------------------------------------------- */

/* Only with --strict: otherwise the host answers, for the workload's own memory. Then no command is
 * offered. */
long sys_membarrier(struct task *t, const struct sys_args *a)
{
	return ARG_INT(a, 0) == MEMBARRIER_CMD_QUERY && !ARG_INT(a, 1) ? 0 : -EINVAL;
}

long sys_getcpu(struct task *t, const struct sys_args *a)
{
	u32 cpu = 0, node = 0;

	if (ARG_GVA(a, 0).v && copy_out_obj(t->mm, ARG_GVA(a, 0), &cpu))
		return -EFAULT;
	if (ARG_GVA(a, 1).v && copy_out_obj(t->mm, ARG_GVA(a, 1), &node))
		return -EFAULT;
	return 0;
}

/* --- robust lists, futexes' bookkeeping
 * --------------------------------------------------------------------- */

long sys_set_robust_list(struct task *t, const struct sys_args *a)
{
	if (a->a[1] != 24)
		return -EINVAL;
	task_set_robust_list(t, ARG_GVA(a, 0));
	return 0;
}

long sys_get_robust_list(struct task *t, const struct sys_args *a)
{
	s32 pid = ARG_INT(a, 0);
	struct task *other;
	u64 head = 0, size = 24;
	long err = 0;

	tasklist_lock();
	other = pid ? task_find_for(t, pid) : t;
	if (!other)
		err = -ESRCH;
	else if (other->tg != t->tg && t->cred->euid != other->cred->uid &&
		 !cred_capable_in(t->cred, other->cred->user_ns, 19))
		err = -EPERM;
	else
		head = task_robust_list(other).v;
	tasklist_unlock();
	if (err)
		return err;
	if (copy_out_obj(t->mm, ARG_GVA(a, 2), &size) || copy_out_obj(t->mm, ARG_GVA(a, 1), &head))
		return -EFAULT;
	return 0;
}
