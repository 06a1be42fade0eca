/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - makes the kernel and its first process */
#include "sentry/base/bug.h"
#include "sentry/kernel/process.h"
#include "sentry/mm/memfile.h"
#include "sentry/kernel/sigio.h"
#include "sentry/kernel/worker.h"

struct kernel *g_kernel;
static SLAB_CACHE(kernel_cache, struct kernel);

int kernel_init(const struct kernel_config *config)
{
	struct kernel *k = slab_alloc(&kernel_cache);

	if (!k)
		return -ENOMEM;
	if (config->workers == 0 || config->workers > WORKERS_MAX)
		return -EINVAL;
	mutex_init(&k->lock, LR_TASKLIST);
	mutex_init(&k->ready_lock, LR_READY);
	list_init(&k->groups);
	list_init(&k->ready);
	list_init(&k->sigio);
	pid_ns_init_first(&k->pids);
	vfs_set_async_release(sigio_release);
	k->platform = config->platform;
	k->config = *config;
	memfile_set_limit(config->memory_limit);
	k->boot_time = time_realtime();
	k->boot_monotonic = time_monotonic();
	g_kernel = k;
	if (nsfs_init())
		return -ENOMEM;
	return workers_init();
}

/* Before kernel_run there is one thread; afterwards processes are started by the I/O thread. */
static struct worker *starter(void)
{
	return worker_get(atomic_load(&g_kernel->running) ? g_kernel->config.workers : 0);
}

int kernel_prepare(const struct first_task *f, struct task **out)
{
	struct task *t = NULL;
	int err = task_create_init(f, &t);

	if (!t)
		return err;
	t->worker = starter();
	if (!err)
		err = task_exec_prepare_first(t, f);
	if (!err) {
		t->tg->watch = f->watch;
		*out = t;
	} else if (f->companion) {
		task_exit(t, SIGKILL, true);
	}
	return err;
}

void kernel_go(struct task *t)
{
	struct worker *w = starter();

	task_continue(w, t);
	task_run_ready(w);
}

int kernel_start(const struct first_task *f)
{
	struct task *t;
	int err = kernel_prepare(f, &t);

	if (!err)
		kernel_go(t);
	return err;
}

void kernel_signal_group(struct tgroup *only, int sig)
{
	struct siginfo_k info = {.si_signo = sig, .si_code = 0x80}; /* SI_KERNEL */
	struct tgroup *tg;

	mutex_lock(&g_kernel->lock);
	list_for_each_entry (tg, &g_kernel->groups, all_link)
		if ((!only || tg == only) && tg->leader && !tg->zombie)
			signal_send_locked(tg->leader, &info, true);
	mutex_unlock(&g_kernel->lock);
}

void kernel_set_hooks(const struct kernel_hooks *hooks)
{
	struct tgroup *tg;
	struct task *t;

	__atomic_store_n(&g_kernel->config.hooks, hooks, __ATOMIC_RELEASE);
	mutex_lock(&g_kernel->lock);
	list_for_each_entry (tg, &g_kernel->groups, all_link)
		list_for_each_entry (t, &tg->tasks, group_link)
			signal_share_allow(t);
	mutex_unlock(&g_kernel->lock);
}

void kernel_signal_init(int sig)
{
	struct siginfo_k info = {.si_signo = sig, .si_code = 0x80}; /* SI_KERNEL */

	mutex_lock(&g_kernel->lock);
	if (g_kernel->init && g_kernel->init->leader)
		signal_send_locked(g_kernel->init->leader, &info, true);
	mutex_unlock(&g_kernel->lock);
}
