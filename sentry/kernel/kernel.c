/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - makes the kernel and its first process */
#include "sentry/base/bug.h"
#include "sentry/kernel/kernel.h"
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
	vfs_set_async_release(sigio_release);
	k->platform = config->platform;
	k->config = *config;
	k->boot_time = time_realtime();
	k->boot_monotonic = time_monotonic();
	g_kernel = k;
	return workers_init();
}

int kernel_start(const struct first_task *f)
{
	struct worker *w = worker_get(0);
	struct task *t;
	int err = task_create_init(f, &t);

	if (err)
		return err;
	t->worker = w;
	err = task_exec_prepare_first(t, f);
	if (err)
		return err;
	task_continue(w, t);
	task_run_ready(w);
	return 0;
}

void kernel_signal_init(int sig)
{
	struct siginfo_k info = {.si_signo = sig, .si_code = 0x80}; /* SI_KERNEL */

	mutex_lock(&g_kernel->lock);
	if (g_kernel->init && g_kernel->init->leader)
		signal_send_locked(g_kernel->init->leader, &info, true);
	mutex_unlock(&g_kernel->lock);
}
