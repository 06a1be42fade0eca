/* SPDX-License-Identifier: Apache-2.0 */
/* boot_sentry.c - `runsc boot`: from a fresh exec to the workers' loop
 *
 * Order matters: what reads the host's files comes first, then the empty root and the loss of all
 * capabilities, then what forks (platform), then what builds the guest's world, and at last the
 * filter, behind which only tagged host calls exist.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/devpts/tty.h"
#include "fs/goferfs/goferfs.h"
#include "fs/hostfd/hostfd.h"
#include "gofer/client.h"
#include "net/socket/inet.h"
#include "platform/host/hostpoll.h"
#include "platform/platform.h"
#include "platform/seccomp/sentry_filter.h"
#include "runsc/boot/boot_internal.h"
#include "runsc/boot/confine.h"
#include "runsc/boot/crash.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/ipc.h"
#include "sentry/kernel/netinfo.h"
#include "sentry/mm/memfile.h"
#include "sentry/strace/strace.h"
#include "syscalls/table.h"

#define ARENA_SIZE     (64ul << 30)
#define KEPT_FILES_MAX 16384 /* descriptors of files that the guest has closed */

static void confine(const struct boot *b, int *out_procfd)
{
	struct rlimit l;
	const char *place;
	int root_fd;

	confine_die_with_parent(BOOT_FD_CONTROL, b->c->detached);
	confine_network(b->c);
	*out_procfd = confine_open_proc();
	confine_private_mounts();
	root_fd = confine_new_root(&place);
	confine_pivot(root_fd);
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
		goferfs_limit_fds((u32)min(l.rlim_cur / 2, (rlim_t)KEPT_FILES_MAX));
	}
	umask(0);
	confine_drop_capabilities();
	confine_no_new_privs();
}

static struct boot g_boot;

static void on_exit_of_init(u32 wait_status)
{
	if (g_boot.c->stats)
		boot_stats_write(&g_boot);
	console_drain(NULL);
	boot_control_exit(wait_status);
	_exit(0);
}

static void gofer_died(void *arg, const char *why)
{
	log_error("the gofer is gone: %s", why);
	boot_control_failed("the gofer died: the container's files are gone");
	_exit(1);
}

static void gofer_event(struct hostpoll_entry *e, u32 events)
{
	if (events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
		gofer_client_hangup(gofer_client_at(*(u32 *)e->arg));
}

static void connect_gofer(struct boot *b)
{
	static struct hostpoll_entry entry = {.fn = gofer_event};
	struct gofer_client *client;

	boot_check(gofer_client_create(BOOT_FD_GOFER, BOOT_FD_SHM, b->c->cpus, &b->client),
		   "gofer");
	client = gofer_client_at(b->client);
	gofer_client_on_death(client, gofer_died, NULL);
	entry.fd = gofer_client_socket(client);
	entry.arg = &b->client;
	boot_check(hostpoll_add(&entry, EPOLLRDHUP), "gofer");
}

/* What needs the host's files, or nothing at all: proc and sys take over what the host tells of its
 * CPUs. */
static void start_memory(void)
{
	boot_check(arena_init(ARENA_SIZE), "arena");
	boot_check(vfs_init(), "vfs");
	boot_register_types();
}

static u64 positive(s64 n)
{
	return n > 0 ? (u64)n : 0;
}

static struct kernel_limits boot_limits(const struct boot_config *c)
{
	const struct spec_resources *r = &c->spec.resources;

	return (struct kernel_limits){
		.memory_swap = positive(r->memory.swap),
		.memory_soft = positive(r->memory.reservation),
		.tasks = positive(c->pids_limit),
		.cpu_shares = r->cpu.shares,
		.cpu_period = r->cpu.period,
		.cpu_quota = r->cpu.quota,
		.cgroup_v1 = c->cgroup_v1,
	};
}

static_assert((int)BOOT_REWRITE_RANDOM == PREWRITE_RANDOM, "boot.h");

static const char *domainname_of(const struct spec *s)
{
	for (u32 i = 0; i < s->sysctl_count; i++)
		if (!strcmp(s->sysctls[i].name, "kernel/domainname"))
			return s->sysctls[i].value;
	return s->domainname;
}

/* The two of the network by which the sentry decides: -ENOENT for others. */
static int set_net_sysctl(const struct spec_sysctl *s)
{
	u32 v[2];

	if (!strcmp(s->name, "net/ipv4/ip_unprivileged_port_start"))
		return sscanf(s->value, "%u", &v[0]) == 1
			       ? kernel_net_sysctl(NET_PORT_START, true, v)
			       : -EINVAL;
	if (!strcmp(s->name, "net/ipv4/ping_group_range"))
		return sscanf(s->value, "%u %u", &v[0], &v[1]) == 2
			       ? kernel_net_sysctl(NET_PING_RANGE, true, v)
			       : -EINVAL;
	return -ENOENT;
}

/* Those of the IPC namespace and these two; the others of the network were written on the host. */
static void set_sysctls(const struct boot_config *c)
{
	for (u32 i = 0; i < c->spec.sysctl_count; i++) {
		int err = ipc_limit_set(c->spec.sysctls[i].name, c->spec.sysctls[i].value);

		if (err == -ENOENT && c->network != BOOT_NET_OFF)
			err = set_net_sysctl(&c->spec.sysctls[i]);
		if (err != -ENOENT)
			boot_check(err, c->spec.sysctls[i].name);
	}
}

/* Half of our descriptors: the other half is for files. */
static u32 max_sockets(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur > 1u << 20)
		return 1u << 19;
	return (u32)l.rlim_cur / 2;
}

/* Of 1000 for all memory of the cgroup. Where it has a limit, a guest is to die of it and not the
 * sentry; without one the score is the container's alone. */
#define OOM_RAISE 300

static void start_kernel(struct boot *b, int procfd)
{
	bool strict = boot_make_filter(b);
	struct platform_config pc = {
		.workers = b->c->cpus,
		.strict = strict,
		.notified = boot_filtered_calls(b),
		.oom_raise = b->c->memory_limit ? OOM_RAISE : 0,
		.procfd = procfd,
		/* Calls that are answered behind our back would be missing in a trace. */
		.rewrite = b->c->strace || strict ? PREWRITE_OFF : (enum prewrite)b->c->rewrite,
	};
	struct kernel_config kc = {
		.syscalls = &syscall_table,
		.workers = b->c->cpus,
		.hostname = b->c->spec.hostname ? b->c->spec.hostname : "localhost",
		.domainname = domainname_of(&b->c->spec),
		.init_killable = b->c->default_mounts,
		.memory_limit = b->c->memory_limit,
		.cpus = b->c->cpus,
		.limits = boot_limits(b->c),
		.on_exit = on_exit_of_init,
		.on_watched_exit = boot_exec_exit,
	};

	gva_t vdso, vdso_start;
	u64 vdso_size;

	boot_check(platform_create("unotify", &pc, &b->platform), "platform");
	/* Behind the platform: its window must find room at the top of the address space. */
	boot_check(memfile_init(), "memory file");
	vdso = platform_vdso(b->platform, &vdso_start, &vdso_size);
	mm_init(vdso, vdso_start, vdso_size, platform_lowest(b->platform));
	boot_check(hostpoll_init(), "hostpoll");
	boot_check(hostfd_init(procfd), "standard files");
	connect_gofer(b);
	boot_check(boot_control_init(), "control socket");
	kc.platform = b->platform;
	if (b->c->strace) {
		strace_init(BOOT_FD_LOG);
		kc.hooks = &strace_hooks;
	}
	boot_check(kernel_init(&kc), "kernel");
	if (b->c->network != BOOT_NET_OFF)
		inet_host_init(max_sockets());
	set_sysctls(b->c);
}

/* Who boot is inside: root with all rights. */
static void make_caller(struct boot *b)
{
	b->caller = (struct caller){
		.cred = cred_create(),
		.umask = 022,
		.fsize_limit = UINT64_MAX,
		.scratch = kalloc(WORKER_SCRATCH),
		.scratch_size = WORKER_SCRATCH,
	};
	boot_check(b->caller.cred && b->caller.scratch ? 0 : -ENOMEM, "memory");
}

void boot_sentry(void)
{
	struct boot *b = &g_boot;
	int procfd;

	b->c = boot_open_config();
	prctl(PR_SET_NAME, "runsc-sentry");
	crash_init();
	start_memory();
	confine(b, &procfd);
	start_kernel(b, procfd);
	make_caller(b);
	if (boot_mount_all(b) < 0 || boot_start_process(b) < 0) {
		boot_control_failed(b->error.text);
		_exit(1);
	}
	boot_check(boot_server_init(b), "control socket");
	boot_check(seccomp_install_sentry(b->c->network != BOOT_NET_OFF), "seccomp filter");
	boot_control_ready();
	kernel_run();
	_exit(0);
}
