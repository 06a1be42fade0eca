/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - a thread of the guest, and what it shares with others
 *
 * Theory of operation
 * -------------------
 * A task is *owned* by the worker that has taken its event from the platform, until it is sent back
 *to the guest, or blocked, or dead. Only the owner touches the fields marked task-private. Run
 *states (t->wait.state):
 *
 *	TS_GUEST    runs guest code (or a plan of its stub); nobody owns it
 *	TS_RUNNING  a worker runs it
 *	TS_WOKEN    the same, and somebody woke it meanwhile: a block becomes a new run
 *	TS_BLOCKED  its call waits: registered on wait queues, a deadline, or a stop; nobody owns it
 *	TS_READY    woken, on the ready list; the worker that pops it owns it
 *	TS_COMMAND  its stub carries out commands; the event PEV_DONE brings it back
 *	TS_DEAD	    has exited; only the process tree refers to it
 *
 * A blocked call is data: the handler registers waiters (task_wait_on, poll), returns
 *task_block(...), and is called again with the same arguments and t->wait.again set when it is
 *woken. What must survive between the runs stands in t->wait. Before a run the layer (task_run.c)
 *looks at signals: when one must be delivered, the handler is not called again; the call ends with
 *t->wait.intr (its cleanup hook runs either way). When it then turns out that no handler runs (stop
 *and continue, or another thread took the signal) and intr was a restart code, the same call goes
 *on where it was: nobody needs a restart block.
 *
 * Work flags (t->work, TW_*) are set by others under the tasklist lock, followed by task_notify(t);
 *the owner looks at them before each return to the guest.
 *
 * Lock order: lockrank.h. The tasklist lock (g_kernel->lock) guards all fields marked [T].
 */
#ifndef SENTRY_KERNEL_TASK_H
#define SENTRY_KERNEL_TASK_H

#include <limits.h>

#include "fs/vfs/vfs.h"
#include "platform/platform.h"
#include "sentry/abi/signal.h"
#include "sentry/arena/arena.h"
#include "sentry/auth/cred.h"
#include "sentry/kernel/ns.h"
#include "sentry/mm/copy.h"
#include "sentry/mm/mm.h"
#include "sentry/time/timer.h"

struct kernel;
struct pid;
struct posix_timer;
struct seccomp_filter;
struct session;
struct task;
struct tgroup;
struct tty;
struct worker;

/* Results of a handler that are not results of the call. */
enum {
	EBLOCKED = 600,	 /* waits: run again when woken (task_block) */
	ECOMMAND = 601,	 /* the stub carries out t->plan (task_run_plan) or a clone; PEV_DONE
			    follows, or nothing */
	ECONTINUE = 602, /* the host carries the call out itself (address-space class only) */
	ENORETURN =
		603, /* registers are as they must be (exec, rt_sigreturn): rax is not touched */
	EGONE = 604, /* the task does not go back to the guest (exit) */
	/* As results, and as intr of task_block: what a signal makes of the call (Linux's meaning).
	 */
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};
/* As intr of task_block: no signal interrupts; only TW_KILL does (the task then dies). With
 * INTR_NEVER the handler is always called again, and looks at t->work itself. */
#define INTR_KILL  (LONG_MIN + 1)
#define INTR_NEVER LONG_MIN

struct sys_args {
	int nr;
	u64 a[6];
	u64 ip; /* behind the instruction */
};

enum task_state { TS_GUEST, TS_RUNNING, TS_WOKEN, TS_BLOCKED, TS_READY, TS_COMMAND, TS_DEAD };

enum {		      /* t->work */
       TW_SIGNAL = 1, /* something may be deliverable */
       TW_STOP = 2,   /* group stop in progress: stop before going back */
       TW_KILL = 4,   /* SIGKILL, exit_group, de_thread: exit with t->tg's status */
       TW_SYNC = 8,   /* somebody waits for the task to be at the border (in-flight ranges) */
};

#define WAIT_FILES 3
struct task_wait {
	_Atomic u32 state; /* enum task_state */
	bool again;	   /* task-private, as all below: this run is not the first */
	bool timed_out;	   /* the deadline has passed */
	bool used;	   /* something here must be undone when the call ends */
	bool delivering;   /* interrupted: signal_deliver is under way with result intr */
	bool repairing;	   /* a fault's plan is under way */
	/* what -ECOMMAND asks for; NONE, CLONE: the handler has given the order itself, CLONE with
	 * PCLONE_RESUME */
	enum { CMD_NONE, CMD_PLAN, CMD_PLAN_AGAIN, CMD_CLONE } command;
	s64 deadline; /* monotonic ns; S64_MAX: none. Handlers set it on their first run */
	struct timer timer;
	long intr;   /* result when a signal interrupts: -EINTR, -ERESTART*, or bytes moved */
	u32 stage;   /* 0 at the first run */
	u64 moved;   /* bytes done so far */
	u64 data[6]; /* the handler's */
	void *obj;   /* the handler's; freed by cleanup */
	void (*cleanup)(struct task *t); /* runs once when the call ends, however it ends */
	long cmd_result;		 /* of the last PEV_DONE, and which command failed */
	unsigned cmd_index;
	struct waiter waiters[4];
	unsigned nwaiters;   /* in use */
	struct waiter *more; /* task_waiters: kalloc'ed */
	unsigned nmore;
	int fds[WAIT_FILES]; /* files held over the wait: fd_lookup finds these first */
	struct file *files[WAIT_FILES];
};

/* --- shared parts ----------------------------------------------------------------------------- */

struct fs { /* CLONE_FS */
	struct ref ref;
	struct mutex lock; /* LR_FS; guards below */
	struct path root, cwd;
	u32 umask;
};

#define FD_CLOEXEC_BIT 1
struct files { /* CLONE_FILES; fd.c */
	struct ref ref;
	struct mutex lock; /* LR_FDTABLE; guards below */
	u32 size;	   /* slots allocated */
	u32 next;	   /* no free slot below */
	struct file **file;
	u8 *cloexec; /* one byte a slot */
};

struct sighand { /* CLONE_SIGHAND */
	struct ref ref;
	struct ksigaction action[NSIG_MAX]; /* [T], index signo - 1 */
};

struct sigpending {
	u64 mask;	   /* bit signo - 1 */
	struct list queue; /* struct sigqueue, oldest first */
};

/* A terminal belongs to devpts; the process tree only holds pointers (set and cleared under [T]).
 * Handed down at boot. */
struct tty_hooks {
	/* The leader of @s, whose terminal @tty was, has exited (vhangup: SIGHUP and SIGCONT to the
	 * foreground group, s->tty and every member's tty cleared by the caller already). No lock
	 * held. */
	void (*leader_exit)(struct tty *tty, struct session *s);
	/* Device number as in /proc/pid/stat, and foreground group. [T] held. */
	void (*ids)(struct tty *tty, u32 *rdev, s32 *pgrp);
};
void kernel_set_tty_hooks(const struct tty_hooks *hooks);
const struct tty_hooks *kernel_tty_hooks(void);

struct rlimit64_pair {
	u64 cur, max;
};
#define RLIMITS 16

/* A process. */
struct tgroup {
	struct ref ref; /* tasks, and borrowers */
	struct mutex exec_lock;
	/* [T] from here on */
	struct task *leader;
	struct list tasks;	      /* task.group_link */
	u32 live;		      /* tasks that have not begun to exit */
	u32 present;		      /* tasks that have not exited */
	s32 tgid;		      /* in the first pid namespace */
	s32 vtgid;		      /* in its own */
	struct pid_namespace *pid_ns; /* const after creation; reference (pid_ns_put) */
	struct tgroup *parent;	      /* who waits for us; init when orphaned */
	struct task *parent_task;     /* thread that made us (pdeathsig, __WNOTHREAD) */
	struct list children, sibling;
	struct list all_link; /* in g_kernel->groups */
	bool is_subreaper, has_subreaper_ancestor, did_exec;
	bool unkillable; /* init of a pid namespace: signals with their default action do nothing */
	u32 exit_signal; /* to the parent */
	struct pgrp *pgrp;
	struct list pgrp_link;
	struct session *session;
	bool session_leader;
	struct tty *tty; /* controlling terminal: the session's; devpts owns the type */
	struct sigpending pending;
	struct waitq wait_child; /* woken when a child changes state */
	struct waitq signalfd;	 /* woken when a signal is queued to the group or a member */
	u32 exit_code;		 /* wait status once exiting */
	bool exiting;		 /* exit_group or fatal signal: all must die */
	bool zombie;		 /* all tasks exited, not yet reaped */
	bool zapping;		 /* all tasks exited; waits for its pid namespace to be empty */
	struct task *exec_task;	 /* de_thread: the survivor */
	/* job control */
	bool stopped;		       /* group stop complete */
	u32 stop_signal;	       /* group stop under way or complete */
	u32 stop_pending;	       /* tasks that still have to stop */
	u32 sigqueue_count;	       /* queued to the group and its members: RLIMIT_SIGPENDING */
	bool cont_report, stop_report; /* for wait: WCONTINUED, WUNTRACED not yet told */
	struct rlimit64_pair rlim[RLIMITS];
	/* timers and accounting */
	struct timer real_timer;
	u64 itimer_interval[3];
	u64 itimer_value[3];	 /* VIRTUAL, PROF: CPU time (ns) of the next signal; 0: off */
	struct timer kill_timer; /* exiting: for guests that do not come when they are called */
	struct timer cpu_timer;	 /* looks at the CPU time now and then while one of them or
				    RLIMIT_CPU is on */
	u64 cpu_last, cpu_delay; /* of cpu_timer: CPU time at its last look, ns it waits at least */
	u64 cpu_soft_next;	 /* seconds of CPU time for the next SIGXCPU */
	struct list posix_timers;
	u32 next_timer_id;
	u64 utime, stime, cutime, cstime; /* of dead tasks and of waited-for children, ns */
	u64 minflt, majflt, cminflt, cmajflt, maxrss, cmaxrss;
	bool unbanked;	/* threads have ended whose time only the stub knows: task_usage.c */
	s64 start_time; /* monotonic ns */
	s32 oom_score_adj;
	struct waitq pidfd;   /* woken when the group has exited */
	bool reaped;	      /* nobody finds it any more */
	struct list sem_undo; /* struct sem_undo, guarded by ipc_sem.c's lock */
	void *watch;	      /* who was told to be told of its end (first_task.watch) */
};

/* Process group and session: found by number in the pid table. */
struct pgrp {
	struct ref ref;
	s32 id;
	struct pid *pid; /* that it is found by */
	struct session *session;
	struct list members; /* tgroup.pgrp_link */
};
struct session {
	struct ref ref;
	s32 id;
	struct pid *pid; /* that it is found by */
	struct tgroup *leader;
	struct tty *tty;
	struct list pgrps_unused;
};

struct task {
	struct ref ref;
	/* const after creation */
	struct tgroup *tg; /* exec keeps it */
	/* task-private unless marked */
	s32 tid;  /* [T] for writers (exec takes the leader's); first pid namespace */
	s32 vtid; /* as tid; in its own */
	struct pctx *_Atomic ctx; /* host table. [T] for writers; kicked under the tasklist lock */
	struct mm *mm;		  /* [T] for writers; others take a reference under [T] */
	struct files *files;	  /* as mm */
	struct fs *fs;		  /* as mm */
	const struct cred *cred;  /* as mm */
	struct sighand *sighand;  /* as mm */
	struct mnt_namespace *mnt_ns; /* as mm */
	struct nsproxy *ns;	      /* as mm */
	struct worker *worker;	      /* who runs it now */
	_Atomic u32 work;	      /* TW_*; set under [T], cleared by the owner under [T] */
	bool has_regs;		      /* the present event gave registers */
	bool in_syscall;	      /* sys is the call under way */
	bool at_wait; /* a kick interrupted a native futex wait: sys stands for it (task_run.c) */
	struct sys_args sys;
	u64 hot_ip; /* where the present call returns to, when its site should be rewritten */
	struct task_wait wait;
	struct caller caller; /* of the present call: task_caller() */
	bool caller_held;     /* caller.root, cwd hold references */
	struct mm_inflight inflight;
	struct mm_plan plan;
	struct pctx *new_ctx;	/* exec: the fresh context */
	struct mm *new_mm;	/* [T] exec: what new_ctx was made with; a value only */
	bool new_died;		/* [T] exec: the stub of new_ctx is gone */
	struct list group_link; /* [T] in tg->tasks */
	struct list ready_link; /* in g_kernel->ready */
	struct pid *pid;	/* [T] the number */
	/* signals */
	struct sigpending pending; /* [T] */
	u64 blocked;		   /* writers: self under [T] */
	u64 saved_blocked; /* sigsuspend, ppoll..: restored unless a handler takes it over */
	bool restore_blocked;
	u64 real_blocked; /* sigtimedwait: [T] signals waited for, for wake-up decisions */
	gva_t altstack_sp;
	u64 altstack_size;
	u32 altstack_flags;
	u64 fault_trapno, fault_error, fault_addr; /* of the last fault, for sigcontext */
	u32 pdeath_signal;			   /* [T] */
	bool stopped;				   /* [T] counted in a group stop */
	/* exit */
	bool exited; /* [T] */
	u32 exit_code;
	u32 exit_stage; /* 0: does not exit (task_exit.c) */
	gva_t clear_child_tid;
	gva_t robust_list;
	struct robust_walk {		  /* exit: what is left of the list */
		u64 entry, next, pending; /* bit 0: a PI futex; entry 0: at the end */
		u64 offset;
		u32 left;
		bool started, ordered, in_pending;
	} robust;
	struct task *vfork_child_of; /* [T] parent that waits until we exec or exit (reference) */
	struct waitq vfork_done;     /* of the parent: woken by the child */
	/* attributes */
	char comm[16]; /* [T] */
	bool no_new_privs, keep_caps;
	_Atomic u32 seccomp_mode;		/* SECCOMP_MODE_*: 0, none */
	struct seccomp_filter *_Atomic seccomp; /* the latest; seccomp.c */
	u32 personality;
	s32 nice;
	u32 sched_policy, sched_priority, ioprio;
	bool sched_reset_on_fork;
	u64 timer_slack;
	s64 start_time;
	u64 start_utime; /* unused by others than accounting */
	u64 nvcsw, nivcsw;
};

/* --- reference and lookup (pid.c) --------------------------------------------------------------
 */

struct task *task_get(struct task *t);
void task_put(struct task *t);
/* [T] held; borrowed. NULL when there is none. */
struct task *task_find(s32 tid);
struct tgroup *tgroup_find(s32 tgid);
struct pgrp *pgrp_find(s32 id);
struct session *session_find(s32 id);
/* The next thread group with tgid >= @from (for readdir of /proc), [T] held. */
struct tgroup *tgroup_next(s32 from);
struct tgroup *tgroup_get(struct tgroup *tg);
void tgroup_put(struct tgroup *tg);
/* [T] held by all of these: a last reference unhashes the number. */
struct pgrp *pgrp_get(struct pgrp *g);
void pgrp_put(struct pgrp *g);
struct session *session_get(struct session *s);
void session_put(struct session *s);

/* --- blocking (task_block.c) --------------------------------------------------------------------
 */

/* Ends a run: the call waits. @intr: what a signal makes of it. Waiters and the deadline must be
 * set before. Returns -EBLOCKED. */
long task_block(struct task *t, long intr);
/* Registers one of t's own waiters on @q. -EBLOCKED protocol: register, look again, then
 * task_block. */
void task_wait_on(struct task *t, struct waitq *q, u32 events);
/* Blocks on a file: polls it with t's waiters for @events, holds @f (found as @fd) over the wait.
 *Usage: n = vfs_read(...); if (n == -EAGAIN && !nonblock) return task_block_file(t, fd, f, EPOLLIN,
 *-ERESTARTSYS); When the file turned ready between, the task simply runs again. */
long task_block_file(struct task *t, int fd, struct file *f, u32 events, long intr);
/* On the first run: sets the deadline (ns from now, < 0: none) ; later runs: nothing. */
void task_set_timeout(struct task *t, s64 ns);
void task_set_deadline(struct task *t, s64 monotonic_ns);
static inline bool task_timed_out(const struct task *t)
{
	return t->wait.timed_out;
}
/* The call is over: takes waiters and deadline off, runs cleanup, gives back held files. The layer
 * calls it; task_exit too, before the task is gone. task_wait_init: of a new task. */
void task_end_call(struct task *t);
void task_wait_init(struct task *t);
/* Makes a blocked task run again (any thread, under any lock below LR_READY). */
void task_wake(struct task *t);
/* t->work was changed: wakes a blocked task, kicks one in the guest. [T] held. */
void task_notify(struct task *t);
/* poll tables that need more than t->wait.waiters: @count waiters from the arena, freed when the
 * call ends. NULL: no memory */
struct waiter *task_waiters(struct task *t, unsigned count);

/* --- commands (task_run.c) ----------------------------------------------------------------------
 */

/* Has the stub carry out t->plan; the handler returns its result. With success the guest gets
 * plan.result; a refusal by the host is undone with mm_abort. Needs registers. */
long task_run_plan(struct task *t); /* on t->new_ctx when that is set (exec) */
/* The same, but the handler runs again (t->wait.again, stage as set) with t->wait.cmd_result. */
long task_run_plan_again(struct task *t);

/* --- callers, copies ----------------------------------------------------------------------------
 */

/* Fills and returns t->caller for the present call; valid until the call ends or blocks. */
struct caller *task_caller(struct task *t);
/* The limits and rights that mm asks for. */
void task_mm_limits(struct task *t, struct mm_limits *out);
static inline long task_copy_in(struct task *t, void *dst, gva_t src, size_t n)
{
	return copy_in(t->mm, dst, src, n);
}
/* A path argument into a kalloc'ed buffer... see path_arg in syscalls/sys.h */

/* --- creation, ends ------------------------------------------------------------------------------
 */

struct clone_args_in {
	u64 flags;
	u32 exit_signal;
	gva_t stack; /* 0: the parent's; stack top already added */
	u64 tls;
	gva_t parent_tid, child_tid, pidfd;
	s32 set_tid[33]; /* from the innermost namespace on */
	u32 set_tid_count;
};
long task_clone(struct task *t,
		const struct clone_args_in *a); /* task_clone.c: stages; handler result */
long task_unshare(struct task *t, u64 flags);	/* task_unshare.c: unshare(2) */
long task_exec(struct task *t);			/* task_exec.c: stages over t->wait.obj */
/* exec, before the point of no return: ends the other threads of the group; the caller becomes
 * leader and takes the leader's tid. Stage of its own: call it again on every run until it gives 0.
 * -EBLOCKED (task_block was called); -EAGAIN: another thread's exec or exit_group came first (the
 * caller is being killed). */
long task_exec_dethread(struct task *t);
/* Then: gives up the robust futexes that it holds, by the old context. 0: done; -ECOMMAND: call it
 * again. */
long task_exec_robust(struct task *t);
/* exec, behind the point of no return, with the old mm and context still there: robust list
 * forgotten, clear_child_tid stored and woken by @old (returned: what to give to pctx_exit of the
 * old context), a vfork parent released, handlers reset, alternate stack, POSIX timers and
 * pdeath_signal (when @privileged) dropped, exit signal SIGCHLD. */
gva_t task_exec_release(struct task *t, bool privileged);
/* The calling task exits; @group: the whole thread group with @code (wait status). Returns -EGONE.
 */
long task_exit(struct task *t, u32 code, bool group);
/* TW_KILL is set: the owner exits the task with its group's status. Any border state. Returns
 * -EGONE. */
long task_exit_killed(struct task *t);
/* The stub process behind every task whose mm is @as_owner (as a value only) died: they all exit,
 * by proxy. */
void task_as_died(struct worker *w, void *as_owner, int status);
/* Process 1, or a companion (task_clone.c): everything but its program and mm. State TS_RUNNING,
 * owned by the caller. On failure *out is set when the task is in the tree already. */
struct first_task;
int task_create_init(const struct first_task *f, struct task **out);
/* Readies t->wait and t->sys so that task_continue runs the exec of the first program
 * (task_exec.c). -errno for what is known at once: no such file, not executable. */
int task_exec_prepare_first(struct task *t, const struct first_task *f);

/* --- signals (signal.c) --------------------------------------------------------------------------
 */

struct siginfo_k; /* sentry/abi/signal.h */
/* Sends; @group: to the process, else to the thread. [T] held. 0 or -EAGAIN (queue full, RT only).
 * Ignored signals vanish as in Linux. */
int signal_send_locked(struct task *t, const struct siginfo_k *info, bool group);
int signal_send(struct task *t, const struct siginfo_k *info, bool group); /* takes [T] */
int signal_send_pgrp(struct pgrp *g, int sig); /* [T] held; kernel's own (SI_KERNEL) */
/* A synchronous fault: cannot be blocked or ignored. Owner only. */
void signal_force(struct task *t, const struct siginfo_k *info);
/* May @t's user signal @target? kill(2). [T] held. */
int signal_permission(struct task *t, struct task *target, int sig);
/* Is there something that must interrupt a blocked call? Owner. */
bool signal_pending(struct task *t);
/* Before going back to the guest, registers at hand: delivers signals, stops, or dies. When
 * t->in_syscall, @ret is the result of the call under way: it is put into rax (or, a restart code
 * and a handler runs: -EINTR, or rax = number and rip back on the instruction). 0: go back with
 * *regs; 1: @ret was a restart code and no handler runs: the call goes on; -EBLOCKED: stopped, call
 * again when woken; -EGONE. Clears TW_SIGNAL when nothing is left. */
long signal_deliver(struct task *t, struct pregs *regs, long ret);
/* rt_sigreturn, with registers. */
long signal_return(struct task *t);
/* Signal mask changes: recalculates TW_SIGNAL. Owner. */
void signal_set_blocked(struct task *t, u64 mask);
/* sigtimedwait: the signals of @set are not blocked while it waits, and again from its end on;
 * nobody sees them neither blocked nor waited for. */
void signal_wait_begin(struct task *t, u64 set);
void signal_wait_end(struct task *t);
/* ppoll, pselect, epoll_pwait, sigsuspend: @mask for the time of the call (first run only). When
 * the call ends with a result the handler calls signal_restore_mask; when a signal ends it,
 * signal_deliver does. */
void signal_temp_mask(struct task *t, u64 mask);
void signal_restore_mask(struct task *t);
/* signalfd and sigtimedwait: takes a pending signal of @set: its number, or 0. Owner; takes [T]. */
int signal_dequeue(struct task *t, u64 set, struct siginfo_k *out);
/* Pending for the task or its group and in @set (signalfd's poll). Any thread. */
u64 signal_pending_set(struct task *t, u64 set);
/* A signal of the kernel's own to the calling task (SIGPIPE, SIGXFSZ): as SEND_SIG_KERNEL of
 * force/send_sig. */
void signal_send_self(struct task *t, int sig);

/* --- sessions and job control (session.c)
 * --------------------------------------------------------- */

/* [T] held: nobody outside the group could continue it. */
bool pgrp_is_orphaned(struct pgrp *g);

/* --- descriptors (fd.c)
 * --------------------------------------------------------------------------- */

struct files *files_create(void);
struct files *files_dup(struct files *f, u32 upto, long *err); /* [slots < upto] */
void files_put(struct caller *c, struct files *f);
/* A reference on the file of @fd (files held over a wait first); NULL: none. O_PATH files only with
 * fd_lookup_path. */
struct file *fd_lookup(struct task *t, int fd);
struct file *fd_lookup_path(struct task *t, int fd);
/* Installs @f (takes over the reference) at the lowest free number >= @from, below RLIMIT_NOFILE.
 * fd or -EMFILE; on failure the reference stays the caller's. */
int fd_install(struct task *t, struct file *f, int from, bool cloexec);
int fd_install_at(struct task *t, struct file *f, int fd,
		  bool cloexec); /* dup2: closes what is there */
/* Two numbers at once (pipe, socketpair): both or none. */
int fd_install_pair(struct task *t, struct file *f[2], bool cloexec, int out[2]);
int fd_close(struct task *t, int fd);
int fd_close_range(struct task *t, u32 first, u32 last, bool only_set_cloexec);
void fd_close_on_exec(struct task *t);
int fd_get_cloexec(struct task *t, int fd);
int fd_set_cloexec(struct task *t, int fd, bool on);
/* The next open descriptor >= @from with a reference on its file, for /proc/pid/fd: -1 at the end.
 */
int fd_next(struct files *files, int from, struct file **out, bool *out_cloexec);
static inline u64 task_rlimit(struct task *t, int which)
{
	return t->tg->rlim[which].cur;
}
static inline bool task_capable(struct task *t, int cap)
{
	return cred_capable(t->cred, cap);
}

#endif
