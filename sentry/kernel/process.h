/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - the process tree's own: between pid.c, task_clone.c, task_exit.c, task_wait.c,
 * task_stop.c, signal*.c, session.c, timers.c, futex.c and the handlers of their system calls only
 */
#ifndef SENTRY_KERNEL_PROCESS_H
#define SENTRY_KERNEL_PROCESS_H

#include "sentry/kernel/kernel.h"

/* Linux's names where libc has none. */
#define SA_RESTORER_FLAG 0x04000000ul
#define SI_KERNEL_CODE	 0x80
#define PID_LIMIT	 4194304

static inline void tasklist_lock(void)
{
	mutex_lock(&g_kernel->lock);
}
static inline void tasklist_unlock(void)
{
	mutex_unlock(&g_kernel->lock);
}

/* --- pid.c --- */

struct pid {		    /* a number in use; freed when nothing bears it; [T] */
	struct upid number; /* in the first namespace */
	u32 level;	    /* of the innermost namespace: a reference, when it is not the first */
	struct upid *inner; /* kalloc'ed: the numbers at levels 1 .. level */
	struct task *task;
	struct pgrp *pgrp;
	struct session *session;
};
/* Free numbers in @ns and those above it: the first @count ones, from @ns up, as in @want, the
 * others the next ones. NULL with *out_err -EEXIST, -EAGAIN, -ENOMEM (also: init is dead), -EINVAL
 * (no init yet, and the number is not 1). [T] */
struct pid *pid_alloc(struct pid_namespace *ns, const s32 *want, u32 count, int *out_err);
struct pid *pid_find(s32 nr); /* in the first namespace */
struct pid *pid_find_in(const struct pid_namespace *ns, s32 nr);
/* The number in @ns; 0: it has none there. NULL: 0. [T] */
s32 pid_nr_in(const struct pid *p, const struct pid_namespace *ns);
/* What is told to @viewer: of a task, of a group's leader, of a number that was stored. [T] */
s32 task_nr_for(const struct task *viewer, const struct task *t);
s32 tgroup_nr_for(const struct task *viewer, const struct tgroup *tg);
s32 number_for(const struct task *viewer, s32 nr);
/* The same, without the lock. */
s32 number_told(const struct task *viewer, s32 nr);
/* What the number means that @viewer has given. Borrowed; NULL: nothing. [T] */
struct task *task_find_for(const struct task *viewer, s32 nr);
struct tgroup *tgroup_find_for(const struct task *viewer, s32 nr);
struct pgrp *pgrp_find_for(const struct task *viewer, s32 nr);
/* The next group with a number in @ns >= @from, which goes into *out_nr. [T] */
struct tgroup *tgroup_next_in(const struct pid_namespace *ns, s32 from, s32 *out_nr);
/* After a bearer was taken off: forgets the number when it was the last. [T] */
void pid_release(struct pid *p);

/* A zeroed task or group with one reference, lists, timers and queues ready; not linked anywhere.
 * NULL: no memory. */
struct task *task_alloc(void);
struct tgroup *tgroup_alloc(void);
/* [T]: the task becomes part of its group, under @p; of a leader: the group is linked to its parent
 * and process group. */
void task_link(struct task *t, struct pid *p);
/* [T]: undoes task_link of a thread, or of a whole group whose tasks have all exited. The tree's
 * reference is given up. */
void task_unlink(struct task *t);
void tgroup_unlink(struct tgroup *tg);
/* [T]: exec: t, alone alive in its group, takes over number and place of the leader. */
void task_take_leader(struct task *t);

/* --- session.c --- */

struct session *session_create(struct pid *p, struct tgroup *leader); /* NULL: no memory. [T] */
struct pgrp *pgrp_create(struct pid *p, struct session *s);
/* Moves a group into @g (NULL: out of any); the reference is taken or given up. [T] */
void tgroup_set_pgrp(struct tgroup *tg, struct pgrp *g);
/* A member of g's session outside of g exits or leaves: stopped jobs that nobody can continue get
 * SIGHUP and SIGCONT. [T] */
void pgrp_check_orphan(struct tgroup *tg, struct tgroup *parent);
/* The leader of a session exits. No lock. */
void session_leader_exit(struct tgroup *tg);

/* --- task_clone.c --- */

void fs_put(struct fs *fs);
struct fs *fs_dup(struct fs *old);
/* Is its root not that of its mount namespace? */
bool task_is_chrooted(struct task *t);

/* --- task_exit.c --- */

/* Ends the whole group: all but @self get TW_KILL. The first code stays. [T] */
void group_exit_locked(struct tgroup *tg, struct task *self, u32 code);
/* kill_timer: some task of the group has not come to the border since the group was told to exit.
 */
void group_kill_due(struct timer *timer, s64 now);
void vfork_complete(struct task *child);
/* All tasks of tg have exited: tells the parent. True: nobody wants it, it was unlinked. [T] */
bool group_notify_parent(struct tgroup *tg);

/* --- task_stop.c --- */

/* A stop signal was dequeued by @t: starts or joins a group stop. Returns -EBLOCKED. [T] */
long stop_start(struct task *t, int sig);
/* TW_STOP: the task stops. -EBLOCKED [T] */
long stop_join(struct task *t);
/* A task leaves (exits) while a stop is under way. [T] */
void stop_leave(struct task *t);
/* SIGCONT or SIGKILL: everybody goes on; @report: tell the parent. [T] */
void stop_end(struct tgroup *tg, bool report);
/* SIGCHLD with CLD_STOPPED or CLD_CONTINUED for the parent, and wakes it. [T] */
void stop_notify(struct tgroup *tg, int code);

/* --- signal.c --- */

#define STOP_SIGNALS (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define IGNORED_BY_DEFAULT \
	(SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define CORE_SIGNALS                                                                \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) |   \
	 SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))
#define UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

struct sigqueue {
	struct list node; /* in a pending queue; empty: not queued */
	struct siginfo_k info;
	struct tgroup *tg;	   /* counted in; borrowed: it outlives its queue */
	struct posix_timer *timer; /* embedded in that timer: not freed when taken */
};
void sigpending_init(struct sigpending *p);
/* Frees everything queued. [T] */
void sigpending_flush(struct sigpending *p);
void sigpending_flush_mask(struct sigpending *p, u64 mask);
/* Queues a POSIX timer's own entry. 1: queued; 0: it was still queued; 2: nobody takes it. [T] */
int signal_send_timer(struct sigqueue *q, struct task *t, bool group);
/* Takes it out of the queue that it may be in. [T] */
void signal_cancel_timer(struct sigqueue *q);
/* [T]: sets or clears TW_SIGNAL by what is pending. */
void signal_recalc(struct task *t);

/* signal_share.c. [T]: the mask of any task. */
u64 task_blocked(const struct task *t);
/* Owner, at an event, before the state says so: what the guest has done to its mask meanwhile. */
void signal_share_in(struct task *t);
/* t->blocked has changed. */
void signal_share_out(struct task *t);
/* [T] A signal is about to be queued to @t, or its group; none may be pending any more for @t. */
void signal_attend(struct task *t, bool group);
void signal_unattend(struct task *t);
/* Owner: the guest had to come because of a signal; is one pending? */
void signal_share_recheck(struct task *t);
/* [T] @t has another context (exec); others may want to see its calls from now on, or no more. */
void signal_share_start(struct task *t);
void signal_share_allow(struct task *t);
/* Owner: memory of @t is, or will be, locked: the stub may not forget it by itself any more. */
void task_memory_locked(struct task *t);
/* The child @t has its context: passes on what was sent to it before. */
void signal_share_child(struct task *t);
/* Owner: a signal frame with its ucontext at @uc was built; 0: a return must come to the border. */
void signal_share_frame(struct task *t, u64 uc);
gva_t task_robust_list(const struct task *t);
void task_set_robust_list(struct task *t, gva_t head);
/* [T]: t exits: signals for its group that it could have taken wake others. */
void signal_retarget(struct task *t);
/* [T]: some other task of the group should look at its signals and work flags. */
void signal_wake(struct task *t, u32 work);
/* [T]: exec and CLONE_CLEAR_SIGHAND: handlers become SIG_DFL; with @keep_ignored ignored ones stay.
 */
void sighand_reset(struct sighand *h);
struct sighand *sighand_create(const struct sighand *from); /* NULL from: all default */
void sighand_put(struct sighand *h);
int signal_dequeue_locked(struct task *t, u64 set, struct siginfo_k *out);
/* siginfo of SI_USER or of the kernel. */
void siginfo_kernel(struct siginfo_k *info, int sig);
void siginfo_user(struct siginfo_k *info, struct task *from, int sig, int code);
/* si_pid and si_uid of @tg as its parent sees them. [T] */
void siginfo_child(struct siginfo_k *info, const struct tgroup *tg);
/* As signal_send_locked, of @from's doing: numbers as @t sees them, and an init gets what comes
 * from outside of its pid namespace. [T] */
int signal_send_from(struct task *from, struct task *t, const struct siginfo_k *info, bool group);

/* --- x86_64/signal_frame.c --- */

/* Builds the frame of @sig on the guest's stack and points @regs at the handler. 0 or -EFAULT:
 * nothing changed that counts. */
int signal_frame_push(struct task *t, struct pregs *regs, const struct ksigaction *ka,
		      const struct siginfo_k *info, u64 mask);
/* rt_sigreturn: registers, xstate, mask and alternate stack from the frame at @regs->rsp. 0 or
 * -EFAULT. */
int signal_frame_pop(struct task *t, struct pregs *regs);
/* Is rsp on the alternate stack? */
bool altstack_on(const struct task *t, u64 sp);
/* sigaltstack(2) without copies; @sp: the present stack pointer. */
int altstack_set(struct task *t, const struct stack_k *ss, u64 sp, u64 min_size);
void altstack_get(const struct task *t, struct stack_k *out, u64 sp);

/* --- timers.c --- */

void timers_init_group(struct tgroup *tg);
/* The group dies or execs: POSIX timers are deleted; @all: itimers too. No lock. */
void timers_drop(struct tgroup *tg, bool all);
/* A POSIX timer's signal was taken: the overrun count goes into @info. [T] */
void posix_timer_taken(struct posix_timer *timer, struct siginfo_k *info);

/* --- robust.c --- */

/* Does the task hold robust futexes? */
bool robust_any(struct task *t);
/* exit: one more step through the robust list. 0: done; 1: t->plan holds a command to carry out. */
int robust_step(struct task *t);

/* --- accounting --- */

/* CPU time of a task that lives, ns. 0 when unknown. [T] or owner. */
void task_cputime(struct task *t, u64 *out_user, u64 *out_system);
/* [T] The context of @t ends: what it used goes to its group. @last: of the group. */
void usage_end(struct task *t, bool last);
/* [T] @t is about to leave its stub for a fresh one. */
void usage_exec(struct task *t);
/* A task of another group is about to run in the address space of @t. */
void usage_mix(struct task *t);
/* Of the group: dead and living tasks. [T] */
void tgroup_cputime(struct tgroup *tg, u64 *out_user, u64 *out_system);

#endif
