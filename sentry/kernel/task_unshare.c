/* SPDX-License-Identifier: Apache-2.0 */
/* task_unshare.c - a task gets parts of its own (unshare(2)), or enters namespaces that exist
 * (setns(2)): all that can fail is made first, then swapped in at once */
#include <linux/capability.h>
#include <linux/sched.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/ipc.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/process.h"

struct new_parts {
	struct files *files;
	struct fs *fs;
	struct mnt_namespace *mnt_ns;
	struct nsproxy *ns;
	struct cred *cred;
};

bool task_is_chrooted(struct task *t)
{
	struct caller *c = task_caller(t);
	struct path root;
	bool chrooted;

	mnt_ns_root(t->mnt_ns, &root);
	chrooted = root.mnt != c->root.mnt || root.dentry != c->root.dentry;
	path_put(&root);
	return chrooted;
}

static long check(struct task *t, u64 flags)
{
	const u64 namespaces = CLONE_NEWNS | NSPROXY_FLAGS;
	const u64 known = CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |
			  CLONE_SYSVSEM | CLONE_NEWUSER | namespaces;

	if (flags & ~known)
		return -EINVAL; /* CLONE_NEWTIME too: the guest reads the host's clocks by itself */
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUSER)) && t->tg->live > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && ref_read(&t->sighand->ref) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && ref_read(&t->mm->ref) > 1)
		return -EINVAL;
	if (flags & CLONE_NEWUSER)
		return task_is_chrooted(t) ? -EPERM : 0;
	return (flags & namespaces) && !cred_capable_own(t->cred, CAP_SYS_ADMIN) ? -EPERM : 0;
}

static long copy_mounts(struct task *t, const struct cred *cred, struct new_parts *p)
{
	struct path fix[2] = {p->fs->root, p->fs->cwd};
	struct caller maker = *task_caller(t);
	struct mnt_namespace *ns;

	maker.cred = cred;
	ns = mnt_ns_copy(&maker, t->mnt_ns, fix, 2);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	p->mnt_ns = ns;
	p->fs->root = fix[0];
	p->fs->cwd = fix[1];
	return 0;
}

static long copy_cred(struct task *t, struct new_parts *p)
{
	p->cred = cred_dup(t->cred);
	return p->cred ? user_ns_create(p->cred) : -ENOMEM;
}

static long copy_parts(struct task *t, u64 flags, struct new_parts *p)
{
	u64 fs_flags = CLONE_FS | CLONE_NEWUSER;
	const struct cred *cred;
	long err = 0;

	if ((flags & CLONE_FILES) && ref_read(&t->files->ref) > 1) {
		p->files = files_dup(t->files, ~0u, &err);
		if (!p->files)
			return err;
	}
	if ((flags & CLONE_NEWNS) || ((flags & fs_flags) && ref_read(&t->fs->ref) > 1)) {
		p->fs = fs_dup(t->fs);
		if (!p->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_NEWUSER)
		err = copy_cred(t, p);
	if (err)
		return err;
	cred = p->cred ? p->cred : t->cred;
	if (flags & NSPROXY_FLAGS) {
		struct nsproxy *ns = nsproxy_copy(t, t->ns, flags, cred);

		if (IS_ERR(ns))
			return PTR_ERR(ns);
		p->ns = ns;
	}
	return flags & CLONE_NEWNS ? copy_mounts(t, cred, p) : 0;
}

/* Gives back what @p holds: the new parts that were not used, or the old ones. */
static void drop(struct task *t, struct new_parts *p)
{
	if (p->files)
		files_put(task_caller(t), p->files);
	if (p->fs)
		fs_put(p->fs);
	if (p->mnt_ns)
		mnt_ns_put(p->mnt_ns);
	nsproxy_put(p->ns);
	cred_put(p->cred);
}

#define SWAP(a, b)                                     \
	do {                                           \
		if (a) {                               \
			__typeof__(b) old_ = (b);      \
			(b) = (a);                     \
			(a) = (void *)(uintptr_t)old_; \
		}                                      \
	} while (0)

static void commit(struct task *t, struct new_parts *p)
{
	bool ipc = p->ns && p->ns->ipc != t->ns->ipc;

	if (p->cred)
		platform_forget(g_kernel->platform);
	tasklist_lock();
	SWAP(p->files, t->files);
	SWAP(p->fs, t->fs);
	SWAP(p->mnt_ns, t->mnt_ns);
	SWAP(p->ns, t->ns);
	SWAP(p->cred, t->cred);
	tasklist_unlock();
	if (ipc)
		sem_exit(t->tg);
}

long task_unshare(struct task *t, u64 flags)
{
	struct new_parts parts = {0};
	long err = check(t, flags);

	if (!err)
		err = copy_parts(t, flags, &parts);
	if (!err)
		commit(t, &parts);
	drop(t, &parts);
	return err;
}

/* --- setns --------------------------------------------------------------------------------------
 */

static const struct cred *cred_now(struct task *t, const struct new_parts *p)
{
	return p->cred ? p->cred : t->cred;
}

static long enter_user(struct task *t, struct ns_common *ns, struct new_parts *p)
{
	struct user_namespace *user = container_of(ns, struct user_namespace, ns);

	if (user == user_ns_initial())
		user = NULL;
	if (user == t->cred->user_ns || t->tg->live > 1 || ref_read(&t->fs->ref) > 1)
		return -EINVAL;
	if (!cred_capable_in(t->cred, user, CAP_SYS_ADMIN))
		return -EPERM;
	p->cred = cred_dup(t->cred);
	if (!p->cred)
		return -ENOMEM;
	user_ns_enter(p->cred, user);
	return 0;
}

static long enter_mounts(struct task *t, struct ns_common *ns, struct new_parts *p)
{
	struct mnt_namespace *mnt = mnt_ns_of(ns);
	struct path root;

	if (!cred_capable_own(cred_now(t, p), CAP_SYS_CHROOT))
		return -EPERM;
	if (ref_read(&t->fs->ref) > 1)
		return -EINVAL;
	p->fs = fs_dup(t->fs);
	if (!p->fs)
		return -ENOMEM;
	p->mnt_ns = mnt_ns_get(mnt);
	path_put(&p->fs->root);
	path_put(&p->fs->cwd);
	mnt_ns_root(mnt, &root);
	p->fs->root = p->fs->cwd = root;
	path_get(&root);
	return 0;
}

/* One more namespace that is to be entered; user namespaces come first. */
static long enter(struct task *t, struct ns_common *ns, struct new_parts *p)
{
	const struct nsproxy *from = p->ns ? p->ns : t->ns;
	struct nsproxy *to;

	if (ns->ops->kind == NS_USER)
		return enter_user(t, ns, p);
	if (!cred_capable_in(cred_now(t, p), ns->owner, CAP_SYS_ADMIN) ||
	    !cred_capable_own(cred_now(t, p), CAP_SYS_ADMIN))
		return -EPERM;
	if (ns->ops->kind == NS_MNT)
		return enter_mounts(t, ns, p);
	if (ns->ops->kind == NS_PID &&
	    !pid_ns_is_below(container_of(ns, struct pid_namespace, ns), t->tg->pid_ns))
		return -EINVAL;
	to = nsproxy_with(from, ns);
	if (IS_ERR(to))
		return PTR_ERR(to);
	nsproxy_put(p->ns);
	p->ns = to;
	return 0;
}

/* [T] May @t look at what @target is in? As ptrace(2). */
static bool may_look(struct task *t, struct task *target)
{
	const struct cred *me = t->cred, *you = target->cred;

	if (t->tg == target->tg || cred_capable_in(me, you->user_ns, CAP_SYS_PTRACE))
		return true;
	return me->user_ns == you->user_ns && me->uid == you->euid && me->uid == you->suid &&
	       me->uid == you->uid && me->gid == you->egid && me->gid == you->sgid &&
	       me->gid == you->gid && !(you->permitted & ~me->permitted);
}

/* The namespaces of a process that @flags ask for, by references. */
static long collect(struct task *t, struct tgroup *tg, u32 flags, struct ns_common *out[NS_KINDS])
{
	struct task *target = tg->leader;
	long err = 0;

	tasklist_lock();
	if (tg->reaped || target->exited || !target->ns)
		err = -ESRCH;
	else if (!may_look(t, target))
		err = -EPERM;
	for (int kind = 0; kind < NS_KINDS && !err; kind++)
		if (flags & ns_clone_flag((enum ns_kind)kind))
			out[kind] = task_ns(target, (enum ns_kind)kind, false);
	tasklist_unlock();
	return err;
}

static long collect_from(struct task *t, struct file *f, u32 flags, struct ns_common *out[NS_KINDS])
{
	const u32 known = CLONE_NEWNS | CLONE_NEWUSER | NSPROXY_FLAGS;
	struct ns_common *ns = nsfs_of(f);
	struct tgroup *tg = pidfd_tgroup(f);

	if (ns) {
		if (flags && flags != ns_clone_flag(ns->ops->kind))
			return -EINVAL;
		ns_get(ns);
		out[ns->ops->kind] = ns;
		return 0;
	}
	if (!tg || !flags || (flags & ~known))
		return -EINVAL;
	return collect(t, tg, flags, out);
}

long task_setns(struct task *t, int fd, u32 flags)
{
	struct ns_common *ns[NS_KINDS] = {NULL};
	struct file *f = fd_lookup(t, fd);
	struct new_parts parts = {0};
	long err;

	if (!f)
		return -EBADF;
	err = collect_from(t, f, flags, ns);
	if (!err && ns[NS_USER])
		err = enter(t, ns[NS_USER], &parts);
	for (int kind = 0; kind < NS_KINDS && !err; kind++)
		if (ns[kind] && kind != NS_USER)
			err = enter(t, ns[kind], &parts);
	if (!err)
		commit(t, &parts);
	drop(t, &parts);
	for (int kind = 0; kind < NS_KINDS; kind++)
		ns_put(ns[kind]);
	file_put(f);
	return err;
}
