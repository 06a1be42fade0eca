/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - the platform as a whole: beginning and end
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/process.h"
#include "platform/unotify/internal.h"

#define FAST_NS 1000 /* a receive that slept takes longer */

static size_t area_size(void)
{
	/* A second signal may come while the first one's frame is in use (stub_restart). */
	size_t need = CTL_SIZE + 2 * frame_stack_size() + PAGE_SIZE / 2, size = 4 * PAGE_SIZE;

	while (size < need)
		size *= 2;
	return size;
}

static u64 calibrate(u64 cycles, s64 ns)
{
	return ns > 0 ? (u64)((double)cycles * FAST_NS / (double)ns) : 0;
}

int platform_create(const char *name, const struct platform_config *config, struct platform **out)
{
	struct platform *p;
	cpu_set_t cpus;
	u64 cycles;
	s64 ns;
	int err;

	if (strcmp(name, "unotify"))
		return -ENOENT;
	if (!config->workers || config->workers > WORKERS_MAX)
		return -EINVAL;
	p = host_mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	p->listener = p->memfd = -1;
	p->procfd = config->procfd;
	p->strict = config->strict;
	p->oom_raise = config->oom_raise;
	p->worker_count = config->workers;
	p->cpus = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (unsigned)CPU_COUNT(&cpus);
	frame_setup();
	p->area_size = area_size();
	cycles = arch_cycles();
	ns = host_clock(CLOCK_MONOTONIC);
	err = platform_create_spaces(p);
	if (!err)
		err = pworkers_init(p);
	if (!err)
		err = rewrite_init(p, config->rewrite);
	if (!err)
		err = zygote_start(p, config->strict, config->notified);
	if (err) {
		platform_destroy(p);
		return err;
	}
	p->ready = true;
	pool_refill(p);
	p->fast_cycles = calibrate(arch_cycles() - cycles, host_clock(CLOCK_MONOTONIC) - ns);
	*out = p;
	return 0;
}

bool platform_is_strict(struct platform *p)
{
	return p->strict;
}

/* A stub on order would be nobody's: waits until it is born. No worker receives any more. */
static void settle(struct platform *p)
{
	struct pevent ev;

	p->ready = false;
	for (unsigned i = 0; i < p->spares && p->zygote; i++)
		while (ctx_state(p->spare[i]) == CTX_UNBORN) {
			struct seccomp_notif q = {0};

			if (ioctl(p->listener, SECCOMP_IOCTL_NOTIF_RECV, &q) == 0)
				(void)receive(p, &q, &ev);
			else if (errno != EINTR)
				return;
		}
}

/* Kills every process of ours and waits for it. */
static void kill_all(struct platform *p)
{
	struct pas *as;

	list_for_each_entry (as, &p->spaces, in_platform) {
		int tgid = atomic_load(&as->tgid);

		if (tgid) {
			(void)host_kill(tgid, SIGKILL);
			(void)waitpid(tgid, NULL, 0);
		}
	}
}

void platform_destroy(struct platform *p)
{
	if (p->ready)
		settle(p);
	if (p->spaces.next)
		kill_all(p);
	if (p->listener >= 0)
		(void)host_close(p->listener);
	if (p->memfd >= 0)
		(void)host_close(p->memfd);
	if (p->truth)
		(void)host_munmap((void *)p->truth, PAGE_SIZE);
	if (p->text)
		(void)host_munmap((void *)p->text,
				  (u64)p->areas - p->text + AREAS_MAX * p->area_size);
	if (p->tids)
		(void)host_munmap(p->tids, PIDS_MAX * sizeof(*p->tids));
	if (p->tgids)
		(void)host_munmap(p->tgids, PIDS_MAX * sizeof(*p->tgids));
	if (p->infos)
		(void)host_munmap(p->infos, AREAS_MAX * sizeof(*p->infos));
	(void)host_munmap(p, sizeof(*p));
}
