/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - the sandbox as a whole: what there is one of; workers; how boot starts it */
#ifndef SENTRY_KERNEL_KERNEL_H
#define SENTRY_KERNEL_KERNEL_H

#include "sentry/base/rbtree.h"
#include "sentry/kernel/pidns.h"
#include "sentry/kernel/task.h"

/* What uname(2) and /proc say of us: the Linux whose calls we answer. */
#define KERNEL_RELEASE "6.12.0-bulkhead"
#define KERNEL_VERSION "#1 SMP PREEMPT_DYNAMIC"

typedef long sys_handler(struct task *t, const struct sys_args *a);

struct syscall_table {		     /* handed down by syscalls/table.c at boot */
	sys_handler *const *handler; /* index: number; NULL: ENOSYS */
	const char *const *name;
	const char *const *signature; /* argument types, for strace */
	unsigned count;
};

/* Hooks that observers (strace, statistics) hand down; NULL: none. */
struct kernel_hooks {
	void (*sys_enter)(struct task *t);
	void (*sys_exit)(struct task *t, long result);
	void (*signal)(struct task *t, int sig);
	void (*task_gone)(struct task *t, u32 wait_status);
};

/* What of the host's cgroup is shown inside, beside memory_limit and cpus. 0: no limit. */
struct kernel_limits {
	u64 memory_swap, memory_soft; /* bytes; swap counts memory too */
	u64 tasks;		      /* also enforced: more are refused with EAGAIN */
	u64 cpu_shares, cpu_period;   /* microseconds; 0: the default */
	s64 cpu_quota;
	bool cgroup_v1; /* the host's version, and so that of /proc/PID/cgroup */
};
/* The v1 hierarchies that are shown, in the order of their numbers; ends with NULL. */
extern const char *const kernel_cgroup_names[];

struct kernel_config {
	struct platform *platform;
	const struct syscall_table *syscalls;
	const struct kernel_hooks *hooks;
	unsigned workers;
	const char *hostname;
	const char *domainname; /* NULL: none */
	bool init_killable;	/* process 1 has no protection from signals (runsc do) */
	u64 memory_limit;	/* of the host cgroup, bytes; 0: the machine's */
	unsigned cpus;		/* shown to the guest */
	struct kernel_limits limits;
	/* Called on a worker when the first process has exited, with its wait status: ends the
	 * sandbox. */
	void (*on_exit)(u32 wait_status);
	/* The same for processes that were started with first_task.watch. */
	void (*on_watched_exit)(void *watch, u32 wait_status);
};

#define WORKER_RECENT 16
struct worker_call {
	s32 tid, nr;
};
struct worker {
	unsigned index;
	struct task *task;			  /* being run */
	void *scratch;				  /* WORKER_SCRATCH bytes, for data on its way */
	struct worker_call recent[WORKER_RECENT]; /* last calls, for the report of a crash */
	u32 recent_next;			  /* of these the oldest, modulo their count */
};
#define WORKER_SCRATCH (256 * 1024)

struct kernel {
	struct mutex lock;	   /* LR_TASKLIST: [T] */
	struct tgroup *init;	   /* [T] process 1 */
	struct list groups;	   /* [T] */
	u32 task_count;		   /* [T] live tasks */
	struct task *sender;	   /* [T] who sends signals in a call of its own, or NULL */
	struct pid_namespace pids; /* the first: all numbers */
	u32 zapped;		   /* [T] pid namespaces whose init is dead and not told of */
	struct mutex ready_lock;   /* LR_READY */
	struct list ready;	   /* task.ready_link, guarded by ready_lock */
	_Atomic u32 ready_count;
	struct list sigio; /* sigio.c: files that owe a signal, guarded by ready_lock */
	_Atomic u32 sigio_count;
	struct platform *platform;
	struct kernel_config config;
	s64 boot_time; /* realtime ns at boot, for btime of /proc/stat */
	s64 boot_monotonic;
	u64 total_forks; /* [T] */
	_Atomic u64 memory_peak;
	_Atomic bool running; /* kernel_run was called */
	_Atomic bool ending;
};
extern struct kernel *g_kernel;

/* Makes g_kernel in the arena, pid table, timers. After arena_init, memfile_init, hostpoll_init,
 * vfs_init, platform_create. */
int kernel_init(const struct kernel_config *config);

struct first_task {
	const char *path; /* of the program, as seen inside; searched in PATH when without '/' */
	char *const *argv, *const *envp;
	const char *cwd;
	struct mnt_namespace *mnt_ns;
	const struct cred *cred;   /* reference taken over */
	struct file *stdio[3];	   /* references taken over; NULL: closed */
	struct file *const *extra; /* descriptors from 3 on, as stdio */
	u32 extra_count;
	const struct rlimit64_pair *rlimits; /* RLIMITS entries, or NULL for defaults */
	bool no_new_privs;
	struct seccomp_filter *seccomp; /* borrowed; NULL: none */
	u32 umask, personality, ioprio;
	s32 oom_score_adj, nice, sched_policy, sched_priority;
	struct tty *tty;	  /* controlling terminal, or NULL */
	struct tgroup *companion; /* NULL: this is process 1. Otherwise it joins the namespaces of
				     that group's processes, without a parent (runsc exec) */
	void *watch;		  /* for on_watched_exit; NULL: nobody asks */
};
/* Makes process 1 and starts its exec; errors of the exec end up in *out_exec_error through
 * on_exit: the call itself returns 0 or -errno for what can be known at once (missing, not
 * executable, bad cwd). Call on worker 0 before kernel_run. */
int kernel_start(const struct first_task *f);
/* The two halves of kernel_start, for processes that are started while the kernel runs: the first
 * finds all that can fail at once, the second lets it go. Both on the I/O thread, or on worker 0
 * before kernel_run. A process that was prepared takes signals only when it runs. */
int kernel_prepare(const struct first_task *f, struct task **out);
void kernel_go(struct task *t);
/* Signal from outside to one group, or (NULL) to all processes of the sandbox. Any thread. */
void kernel_signal_group(struct tgroup *tg, int sig);
/* The calling thread becomes worker @index: runs until the sandbox ends. Worker 0 starts the
 * others, and the I/O thread. */
void kernel_run(void);
/* Any thread: makes kernel_run return on every worker. */
void kernel_end(void);
/* Signal from outside (runsc kill, ^C): to process 1. Any thread. */
void kernel_signal_init(int sig);

/* All that live and have died here: CPU time, ns; memory of all address spaces, bytes (one host
 * read each). */
void kernel_cputime(u64 *out_user, u64 *out_system);
u64 kernel_rss(void);
/* Load averages over 1, 5 and 15 minutes, 16.16: what CPU time was used, not who waits for a CPU.
 * Brought up to date when they are asked for. */
void kernel_loadavg(u32 out[3]);
/* @fn is called on the I/O thread when the real-time clock has been set. At boot. */
void kernel_on_clock_set(void (*fn)(void));
/* What a cgroup would be charged: that and memory of files; *out_peak: the most that a call of this
 * has seen. kernel_shared_memory: the latter part alone. */
u64 kernel_memory_used(u64 *out_peak);
u64 kernel_shared_memory(void);
/* New limits (runsc update). Any thread. */
void kernel_set_limits(u64 memory, const struct kernel_limits *l);

/* Other hooks from now on; tables that were once given stay. Any thread. */
void kernel_set_hooks(const struct kernel_hooks *hooks);

/* The part of the loop that others use: one worker at the border. task_continue: @t is TS_RUNNING,
 * owned by @w, with a call under way (t->sys): runs it. */
void task_continue(struct worker *w, struct task *t);
void task_handle_event(struct worker *w, struct pevent *ev);
void task_run_ready(struct worker *w);

#endif
