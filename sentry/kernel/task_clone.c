/* SPDX-License-Identifier: Apache-2.0 */
/* task_clone.c - a new task: clone, fork, vfork and threads (clone(2)); and the first one
 *
 * Theory of operation: everything that can fail is made before the platform starts the child: its
 *parts (shared or copied as the flags say), its number, the pidfd. Then it is linked into the tree,
 *in state TS_RUNNING as if the parent's worker owned it, and pctx_clone orders the host thread;
 *with its context and address space known it becomes TS_GUEST and runs by itself, perhaps before
 *the parent hears of it. Stages of the parent's call:
 *
 *	CLONE_START	makes and starts the child			-> CLONE_STARTED
 *	CLONE_STARTED	PEV_DONE: on failure all is undone; else stores, then the result. Where
 *			nothing is left to do after a success there is no PEV_DONE (resumes())
 *	CLONE_WAIT	vfork: until the child execs or exits; only death interrupts
 *
 * t->wait.obj is the child (a reference); data[] holds what is needed of the arguments, which are
 *read once only.
 */
#include <linux/capability.h>
#include <linux/sched.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/seccomp.h"

enum { CLONE_START, CLONE_STARTED, CLONE_WAIT };
enum { D_FLAGS, D_PARENT_TID, D_PIDFD, D_TID };

static SLAB_CACHE(fs_cache, struct fs);

/* --- parts --------------------------------------------------------------------------------------
 */

void fs_put(struct fs *fs)
{
	if (!ref_put(&fs->ref))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	slab_free(&fs_cache, fs);
}

static struct fs *fs_alloc(void)
{
	struct fs *fs = slab_alloc(&fs_cache);

	if (!fs)
		return NULL;
	ref_init(&fs->ref);
	mutex_init(&fs->lock, LR_FS);
	return fs;
}

struct fs *fs_dup(struct fs *old)
{
	struct fs *fs = fs_alloc();

	if (!fs)
		return NULL;
	mutex_lock(&old->lock);
	fs->root = old->root;
	fs->cwd = old->cwd;
	fs->umask = old->umask;
	path_get(&fs->root);
	path_get(&fs->cwd);
	mutex_unlock(&old->lock);
	return fs;
}

/* --- checks -------------------------------------------------------------------------------------
 */

static long check_flags(struct task *t, const struct clone_args_in *a)
{
	const u64 namespaces = CLONE_NEWNS | NSPROXY_FLAGS;
	u64 f = a->flags;

	if ((f & CLONE_NEWNS) && (f & CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_NEWUSER) && (f & CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_PARENT) && t->tg->pid_ns->init == t->tg)
		return -EINVAL;
	if ((f & CLONE_THREAD) &&
	    ((f & (CLONE_NEWUSER | CLONE_NEWPID)) || t->ns->pid_children != t->tg->pid_ns))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
		return -EINVAL;
	if (f & CLONE_NEWTIME)
		return -EINVAL; /* the guest reads the host's clocks by itself */
	if ((f & CLONE_NEWIPC) && (f & CLONE_SYSVSEM))
		return -EINVAL;
	if ((f & CLONE_NEWUSER) && task_is_chrooted(t))
		return -EPERM;
	if ((f & namespaces) && !(f & CLONE_NEWUSER) && !cred_capable_own(t->cred, CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

static bool too_many(struct task *t)
{
	u64 limit = task_rlimit(t, 6), count = 0; /* RLIMIT_NPROC */
	struct tgroup *tg;

	if (g_kernel->task_count >= PID_LIMIT / 2)
		return true;
	if (g_kernel->config.limits.tasks && g_kernel->task_count >= g_kernel->config.limits.tasks)
		return true;
	if (limit == ~0ull || g_kernel->task_count < limit || t->cred->uid == 0 ||
	    task_capable(t, 24) || task_capable(t, 21)) /* CAP_SYS_RESOURCE, CAP_SYS_ADMIN */
		return false;
	list_for_each_entry (tg, &g_kernel->groups, all_link)
		if (tg->present && tg->leader->cred->uid == t->cred->uid)
			count += tg->present;
	return count >= limit;
}

/* --- making the child ----------------------------------------------------------------------------
 */

static long share_fs(struct task *t, struct task *c, u64 flags)
{
	long err = 0;

	if (flags & CLONE_FILES) {
		ref_get(&t->files->ref);
		c->files = t->files;
	} else {
		c->files = files_dup(t->files, ~0u, &err);
		if (!c->files)
			return err ? err : -ENOMEM;
	}
	if (flags & CLONE_FS) {
		ref_get(&t->fs->ref);
		c->fs = t->fs;
	} else {
		c->fs = fs_dup(t->fs);
		if (!c->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_NEWNS) {
		struct path fix[2] = {c->fs->root, c->fs->cwd};
		struct caller maker = *task_caller(t);
		struct mnt_namespace *ns;

		maker.cred = c->cred;
		ns = mnt_ns_copy(&maker, t->mnt_ns, fix, 2);
		if (IS_ERR(ns))
			return PTR_ERR(ns);
		c->mnt_ns = ns;
		c->fs->root = fix[0];
		c->fs->cwd = fix[1];
	} else {
		c->mnt_ns = mnt_ns_get(t->mnt_ns);
	}
	return 0;
}

static long share_namespaces(struct task *t, struct task *c, u64 flags)
{
	struct nsproxy *ns;

	if (likely(!(flags & NSPROXY_FLAGS))) {
		ref_get(&t->ns->ref);
		c->ns = t->ns;
		return 0;
	}
	ns = nsproxy_copy(t, t->ns, flags, c->cred);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	c->ns = ns;
	return 0;
}

/* A user namespace of its own: the child is its root. */
static long new_user_ns(struct task *c)
{
	struct cred *new = cred_dup(c->cred);
	int err = new ? user_ns_create(new) : -ENOMEM;

	if (err) {
		cred_put(new);
		return err;
	}
	cred_put(c->cred);
	c->cred = new;
	return 0;
}

static long share_sighand(struct task *t, struct task *c, u64 flags)
{
	if (flags & CLONE_SIGHAND) {
		ref_get(&t->sighand->ref);
		c->sighand = t->sighand;
		return 0;
	}
	tasklist_lock();
	c->sighand = sighand_create(t->sighand);
	if (c->sighand && (flags & CLONE_CLEAR_SIGHAND))
		sighand_reset(c->sighand);
	tasklist_unlock();
	return c->sighand ? 0 : -ENOMEM;
}

static struct tgroup *new_group(struct task *t, const struct clone_args_in *a)
{
	struct tgroup *tg = tgroup_alloc(), *old = t->tg;

	if (!tg)
		return NULL;
	tasklist_lock();
	memcpy(tg->rlim, old->rlim, sizeof(tg->rlim));
	tasklist_unlock();
	tg->exit_signal = a->exit_signal;
	tg->oom_score_adj = old->oom_score_adj;
	tg->cpu_soft_next = tg->rlim[0].cur;
	return tg;
}

static void copy_attributes(struct task *t, struct task *c, const struct clone_args_in *a)
{
	memcpy(c->comm, t->comm, sizeof(c->comm));
	c->cred = cred_get(t->cred);
	c->no_new_privs = t->no_new_privs;
	c->keep_caps = t->keep_caps;
	c->personality = t->personality;
	c->nice = t->nice;
	c->sched_policy = t->sched_policy;
	c->sched_priority = t->sched_priority;
	c->ioprio = t->ioprio;
	c->timer_slack = t->timer_slack;
	if (t->sched_reset_on_fork) {
		c->sched_policy = c->sched_priority = 0;
		c->nice = max(c->nice, 0);
	}
	c->blocked = t->restore_blocked ? t->saved_blocked : t->blocked;
	if (!(a->flags & CLONE_VM) || (a->flags & CLONE_VFORK)) {
		c->altstack_sp = t->altstack_sp;
		c->altstack_size = t->altstack_size;
		c->altstack_flags = t->altstack_flags;
	}
	if (a->flags & CLONE_CHILD_CLEARTID)
		c->clear_child_tid = a->child_tid;
}

/* A child that was never started: gives back its parts and the references. */
static void discard(struct task *t, struct task *c)
{
	struct pctx *ctx = atomic_load(&c->ctx);

	if (ctx)
		pctx_destroy(ctx);
	atomic_store(&c->ctx, NULL);
	if (c->files)
		files_put(task_caller(t), c->files);
	if (c->fs)
		fs_put(c->fs);
	if (c->mnt_ns)
		mnt_ns_put(c->mnt_ns);
	nsproxy_put(c->ns);
	if (c->mm)
		mm_put(c->mm);
	atomic_store(&c->wait.state, TS_DEAD);
	task_put(c);
}

static long make_child(struct task *t, const struct clone_args_in *a, struct mm *mm,
		       struct task **out)
{
	struct task *c = task_alloc();
	long err;

	if (!c) {
		mm_put(mm);
		return -ENOMEM;
	}
	c->mm = mm;
	c->tg = a->flags & CLONE_THREAD ? tgroup_get(t->tg) : new_group(t, a);
	if (!c->tg) {
		discard(t, c);
		return -ENOMEM;
	}
	copy_attributes(t, c, a);
	err = a->flags & CLONE_NEWUSER ? new_user_ns(c) : 0;
	if (!err)
		err = share_fs(t, c, a->flags);
	if (!err)
		err = share_namespaces(t, c, a->flags);
	if (!err)
		err = share_sighand(t, c, a->flags);
	if (err) {
		discard(t, c);
		return err;
	}
	if (!(a->flags & CLONE_THREAD))
		c->tg->pid_ns = pid_ns_get(c->ns->pid_children);
	*out = c;
	return 0;
}

/* --- linking -------------------------------------------------------------------------------------
 */

static void link_group(struct task *t, struct task *c, u64 flags)
{
	struct tgroup *tg = c->tg, *mine = t->tg;

	if (flags & CLONE_PARENT) {
		tg->parent = mine->parent;
		tg->parent_task = mine->parent_task;
		tg->exit_signal = mine->exit_signal;
	} else {
		tg->parent = mine;
		tg->parent_task = t;
	}
	tg->has_subreaper_ancestor = mine->has_subreaper_ancestor || mine->is_subreaper;
	tg->tty = mine->tty;
	tgroup_set_pgrp(tg, mine->pgrp);
	g_kernel->total_forks++;
}

/* Gives the child its number and its place; it can be found and signalled from here on. */
static long link_child(struct task *t, struct task *c, const struct clone_args_in *a)
{
	struct pid *p = NULL;
	int err = 0;

	tasklist_lock();
	if (signal_pending(t))
		err = -ERESTARTNOINTR;
	else if (too_many(t))
		err = -EAGAIN;
	else
		p = pid_alloc(c->tg->pid_ns, a->set_tid, a->set_tid_count, &err);
	if (p) {
		if (!(a->flags & CLONE_THREAD))
			link_group(t, c, a->flags);
		if (a->flags & CLONE_VFORK)
			c->vfork_child_of = task_get(t);
		seccomp_inherit(t, c);
		task_link(c, p);
	}
	tasklist_unlock();
	return err;
}

static void unlink_child(struct task *c)
{
	struct tgroup *tg = c->tg, *parent;
	struct task *waiter;

	tasklist_lock();
	waiter = c->vfork_child_of;
	c->vfork_child_of = NULL;
	c->exited = true;
	tg->live--;
	tg->present--;
	g_kernel->task_count--;
	if (tg->leader == c) {
		parent = tg->parent;
		tgroup_unlink(tg);
		if (parent)
			waitq_wake(&parent->wait_child, 0x1);
	} else {
		task_unlink(c);
		if (tg->exec_task && tg->present == 1)
			task_wake(tg->exec_task);
	}
	tasklist_unlock();
	if (waiter)
		task_put(waiter);
}

/* --- starting ------------------------------------------------------------------------------------
 */

/* Makes the pidfd and stores its number. fd or -errno. */
static int make_pidfd(struct task *t, struct task *c, gva_t out)
{
	struct file *f = pidfd_create(task_caller(t), c->tg, 0);
	int fd;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	fd = fd_install(t, f, 0, true);
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	if (copy_out(t->mm, out, &fd, sizeof(fd))) {
		fd_close(t, fd);
		return -EFAULT;
	}
	return fd;
}

/* May the stub let @t go on by itself when the child is there? */
static bool resumes(struct task *t, const struct clone_args_in *a)
{
	const struct kernel_hooks *h = g_kernel->config.hooks;

	if (atomic_load(&t->work) || (h && h->sys_exit))
		return false;
	return (a->flags & CLONE_VM) && !(a->flags & CLONE_VFORK);
}

static long start_child(struct task *t, struct task *c, const struct clone_args_in *a)
{
	struct pctx *ctx = atomic_load(&t->ctx), *child = NULL;
	unsigned flags = 0;
	gva_t set_tid = GVA(0);
	struct pregs regs;
	u32 tid = (u32)c->vtid, seen = (u32)t->wait.data[D_TID];
	int err;

	pctx_get_regs(ctx, &regs);
	if (resumes(t, a)) {
		flags |= PCLONE_RESUME;
		t->wait.command = CMD_CLONE;
		regs.rax = seen;
		pctx_set_regs(ctx, &regs);
	}
	regs.rax = 0;
	if (a->stack.v)
		regs.rsp = a->stack.v;
	if (!(a->flags & CLONE_VM))
		flags |= PCLONE_NEWAS;
	if (a->flags & CLONE_SETTLS)
		flags |= PCLONE_SETTLS;
	if (a->flags & CLONE_CHILD_SETTID) {
		if (a->flags & CLONE_VM)
			(void)!copy_out(t->mm, a->child_tid, &tid, sizeof(tid));
		else if (mm_access_ok(c->mm, a->child_tid, sizeof(tid), VMA_WRITE))
			set_tid = a->child_tid;
	}
	if ((a->flags & CLONE_PARENT_SETTID) && (a->flags & CLONE_VM))
		(void)!copy_out(t->mm, a->parent_tid, &seen, sizeof(seen));
	err = pctx_clone(ctx, flags, &regs, a->tls, set_tid, tid, c, c->mm, &child);
	if (err)
		return err;
	if (!(a->flags & CLONE_VM))
		c->mm->as = pctx_as(child);
	atomic_store(&c->ctx, child);
	return 0;
}

static void clone_cleanup(struct task *t)
{
	struct task *c = t->wait.obj;

	if (c)
		task_put(c);
	t->wait.obj = NULL;
}

static long clone_undo(struct task *t, struct task *c, int pidfd, long err)
{
	unlink_child(c);
	if (pidfd >= 0)
		fd_close(t, pidfd);
	discard(t, c);
	return err == -ERESTARTNOINTR || err == -ENOMEM || err == -EAGAIN ? err : -EAGAIN;
}

/* The child's number as the parent sees it. */
static s32 number_of_child(struct task *t, struct task *c)
{
	s32 nr;

	if (likely(c->tg->pid_ns == t->tg->pid_ns))
		return c->vtid;
	tasklist_lock();
	nr = task_nr_for(t, c);
	tasklist_unlock();
	return nr;
}

static long clone_start(struct task *t, const struct clone_args_in *a)
{
	struct task *c = NULL;
	int pidfd = -1;
	struct mm *mm;
	long err = check_flags(t, a);

	if (err)
		return err;
	if (a->flags & CLONE_VM) {
		if (!(a->flags & CLONE_THREAD))
			usage_mix(t);
		mm = mm_get(t->mm);
	} else {
		task_wait_on(t, &t->mm->inflight_wait, 0);
		mm = mm_fork(t->mm);
		if (IS_ERR(mm))
			return PTR_ERR(mm) == MM_BUSY ? task_block(t, -ERESTARTNOINTR)
						      : PTR_ERR(mm);
	}
	err = make_child(t, a, mm, &c);
	if (err)
		return err;
	if (a->flags & CLONE_PIDFD) {
		pidfd = make_pidfd(t, c, a->pidfd);
		err = pidfd < 0 ? pidfd : 0;
	}
	if (!err)
		err = link_child(t, c, a);
	if (err) {
		if (pidfd >= 0)
			fd_close(t, pidfd);
		discard(t, c);
		return err;
	}
	t->wait.data[D_FLAGS] = a->flags;
	t->wait.data[D_PARENT_TID] = a->parent_tid.v;
	t->wait.data[D_PIDFD] = (u64)(s64)pidfd;
	t->wait.data[D_TID] = (u64)number_of_child(t, c);
	t->wait.obj = task_get(c);
	t->wait.cleanup = clone_cleanup;
	t->wait.stage = CLONE_STARTED;
	t->wait.used = true;
	err = start_child(t, c, a);
	if (err)
		return clone_undo(t, c, pidfd, err);
	/* From here on the child may end at any moment; t->wait.obj keeps it. */
	atomic_store(&c->wait.state, TS_GUEST);
	signal_share_child(c);
	return -ECOMMAND;
}

static long vfork_wait(struct task *t)
{
	struct task *c = t->wait.obj;
	bool done;

	task_wait_on(t, &t->vfork_done, 0);
	tasklist_lock();
	done = !c->vfork_child_of;
	tasklist_unlock();
	return done ? (long)t->wait.data[D_TID] : task_block(t, INTR_KILL);
}

static long clone_started(struct task *t)
{
	struct task *c = t->wait.obj;
	u64 flags = t->wait.data[D_FLAGS];
	u32 tid = (u32)t->wait.data[D_TID];

	if (t->wait.cmd_result < 0)
		return clone_undo(t, c, (int)(s64)t->wait.data[D_PIDFD], t->wait.cmd_result);
	if ((flags & CLONE_PARENT_SETTID) && !(flags & CLONE_VM))
		(void)!copy_out(t->mm, GVA(t->wait.data[D_PARENT_TID]), &tid, sizeof(tid));
	if (!(flags & CLONE_VFORK))
		return (long)tid;
	t->wait.stage = CLONE_WAIT;
	return vfork_wait(t);
}

long task_clone(struct task *t, const struct clone_args_in *a)
{
	switch (t->wait.stage) {
	case CLONE_START:
		return clone_start(t, a);
	case CLONE_STARTED:
		return clone_started(t);
	default:
		return vfork_wait(t);
	}
}

/* --- process 1
 * ------------------------------------------------------------------------------------ */

static void default_rlimits(struct tgroup *tg)
{
	const u64 inf = ~0ull;

	for (unsigned i = 0; i < RLIMITS; i++)
		tg->rlim[i] = (struct rlimit64_pair){inf, inf};
	tg->rlim[3] = (struct rlimit64_pair){8ull << 20, inf};	    /* STACK */
	tg->rlim[4] = (struct rlimit64_pair){0, inf};		    /* CORE */
	tg->rlim[6] = (struct rlimit64_pair){1 << 20, 1 << 20};	    /* NPROC */
	tg->rlim[7] = (struct rlimit64_pair){1024, 1 << 20};	    /* NOFILE */
	tg->rlim[8] = (struct rlimit64_pair){8 << 20, 8 << 20};	    /* MEMLOCK */
	tg->rlim[11] = (struct rlimit64_pair){1 << 17, 1 << 17};    /* SIGPENDING */
	tg->rlim[12] = (struct rlimit64_pair){819200, 819200};	    /* MSGQUEUE */
	tg->rlim[13] = tg->rlim[14] = (struct rlimit64_pair){0, 0}; /* NICE, RTPRIO */
}

static int init_parts(struct task *t, const struct first_task *f)
{
	t->fs = fs_alloc();
	t->files = files_create();
	t->sighand = sighand_create(NULL);
	if (!f->companion)
		t->ns = nsproxy_first(
			g_kernel->config.hostname ? g_kernel->config.hostname : "localhost",
			g_kernel->config.domainname ? g_kernel->config.domainname : "(none)");
	if (IS_ERR(t->ns))
		t->ns = NULL;
	if (!t->fs || !t->files || !t->sighand || (!t->ns && !f->companion))
		return -ENOMEM;
	t->fs->umask = f->umask;
	mnt_ns_root(f->mnt_ns, &t->fs->root);
	t->fs->cwd = t->fs->root;
	path_get(&t->fs->cwd);
	return 0;
}

/* The working directory and the standard files, of which each reference is taken over. */
static int init_files(struct task *t, const struct first_task *f)
{
	struct caller c = {.task = t,
			   .cred = f->cred,
			   .mnt_ns = f->mnt_ns,
			   .root = t->fs->root,
			   .cwd = t->fs->root,
			   .umask = f->umask,
			   .fsize_limit = ~0ull};
	int err = 0;
	struct path cwd;

	for (u32 i = 0; i < 3 + f->extra_count; i++) {
		struct file *file = i < 3 ? f->stdio[i] : f->extra[i - 3];
		int fd = file ? fd_install_at(t, file, (int)i, false) : 0;

		if (fd >= 0)
			continue;
		file_put(file);
		err = fd;
	}
	if (!err)
		err = vfs_walk(&c, NULL, f->cwd ? f->cwd : "/", WALK_FOLLOW | WALK_DIRECTORY, &cwd);
	if (err)
		return err;
	path_put(&t->fs->cwd);
	t->fs->cwd = cwd;
	return 0;
}

/* [T] The namespaces of a process that lives; -ESRCH when none does. */
static int join_namespaces(struct task *t, struct tgroup *companion)
{
	struct task *from;

	list_for_each_entry (from, &companion->tasks, group_link) {
		if (from->exited || !from->ns)
			continue;
		ref_get(&from->ns->ref);
		t->ns = from->ns;
		return 0;
	}
	return -ESRCH;
}

/* [T] Session, group, process and thread of one number: 1, or (@other) the next free one. */
static int init_link(struct task *t, bool other)
{
	struct tgroup *tg = t->tg;
	int err = -ENOMEM;
	const s32 first = 1;
	struct pid *p = pid_alloc(&g_kernel->pids, &first, other ? 0 : 1, &err);
	struct session *s;
	struct pgrp *g;

	if (!p)
		return err;
	s = session_create(p, tg);
	g = s ? pgrp_create(p, s) : NULL;
	if (!g)
		return -ENOMEM;
	session_put(s);
	tgroup_set_pgrp(tg, g);
	pgrp_put(g);
	tg->session_leader = true;
	s->tty = tg->tty;
	task_link(t, p);
	if (other)
		return 0;
	g_kernel->init = tg;
	g_kernel->pids.last_pid = 1;
	return 0;
}

int task_create_init(const struct first_task *f, struct task **out)
{
	struct task *t = task_alloc();
	struct tgroup *tg = t ? tgroup_alloc() : NULL;
	int err;

	if (!tg)
		return -ENOMEM;
	t->tg = tg;
	default_rlimits(tg);
	if (f->rlimits)
		memcpy(tg->rlim, f->rlimits, sizeof(tg->rlim));
	tg->exit_signal = SIGCHLD;
	tg->unkillable = !f->companion && !g_kernel->config.init_killable;
	tg->cpu_soft_next = tg->rlim[0].cur;
	tg->tty = f->tty;
	t->cred = f->cred;
	t->mnt_ns = mnt_ns_get(f->mnt_ns);
	t->no_new_privs = f->no_new_privs;
	t->personality = f->personality;
	t->ioprio = f->ioprio;
	t->nice = f->nice;
	t->sched_policy = (u32)f->sched_policy;
	t->sched_priority = (u32)f->sched_priority;
	tg->oom_score_adj = f->oom_score_adj;
	seccomp_start_with(t, f->seccomp);
	err = init_parts(t, f);
	if (err)
		return err;
	tasklist_lock();
	if (f->companion)
		err = join_namespaces(t, f->companion);
	if (!err)
		err = init_link(t, f->companion != NULL);
	tasklist_unlock();
	if (err)
		return err;
	*out = t;
	return init_files(t, f);
}
