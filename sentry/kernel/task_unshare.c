/* SPDX-License-Identifier: Apache-2.0 */
/* task_unshare.c - a task gets parts of its own (unshare(2)): all copies are made first, then
 * swapped in at once */
#include <linux/sched.h>

#include "sentry/kernel/process.h"

struct new_parts {
	struct files *files;
	struct fs *fs;
	struct mnt_namespace *mnt_ns;
	struct uts_namespace *uts;
};

static long check(struct task *t, u64 flags)
{
	const u64 known = CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM |
			  CLONE_FILES | CLONE_SYSVSEM | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
			  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME;
	const u64 namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
			       CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME;

	if (flags & ~known)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && t->tg->live > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && ref_read(&t->sighand->ref) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && ref_read(&t->mm->ref) > 1)
		return -EINVAL;
	if (flags & CLONE_NEWUSER)
		return -EPERM;
	if ((flags & namespaces) && !task_capable(t, 21)) /* CAP_SYS_ADMIN */
		return -EPERM;
	return flags & namespaces & ~(u64)(CLONE_NEWNS | CLONE_NEWUTS) ? -EINVAL : 0;
}

static long copy_mounts(struct task *t, struct new_parts *p)
{
	struct path fix[2] = {p->fs->root, p->fs->cwd};
	struct mnt_namespace *ns = mnt_ns_copy(task_caller(t), t->mnt_ns, fix, 2);

	if (IS_ERR(ns))
		return PTR_ERR(ns);
	p->mnt_ns = ns;
	p->fs->root = fix[0];
	p->fs->cwd = fix[1];
	return 0;
}

static long copy_parts(struct task *t, u64 flags, struct new_parts *p)
{
	long err = 0;

	if ((flags & CLONE_FILES) && ref_read(&t->files->ref) > 1) {
		p->files = files_dup(t->files, ~0u, &err);
		if (!p->files)
			return err;
	}
	if ((flags & CLONE_NEWNS) || ((flags & CLONE_FS) && ref_read(&t->fs->ref) > 1)) {
		p->fs = fs_dup(t->fs);
		if (!p->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_NEWUTS) {
		p->uts = uts_dup(t->uts);
		if (!p->uts)
			return -ENOMEM;
	}
	return flags & CLONE_NEWNS ? copy_mounts(t, p) : 0;
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
	if (p->uts)
		uts_put(p->uts);
}

#define SWAP(a, b)                                \
	do {                                      \
		if (a) {                          \
			__typeof__(a) old_ = (b); \
			(b) = (a);                \
			(a) = old_;               \
		}                                 \
	} while (0)

long task_unshare(struct task *t, u64 flags)
{
	struct new_parts parts = {0};
	long err = check(t, flags);

	if (!err)
		err = copy_parts(t, flags, &parts);
	if (!err) {
		tasklist_lock();
		SWAP(parts.files, t->files);
		SWAP(parts.fs, t->fs);
		SWAP(parts.mnt_ns, t->mnt_ns);
		SWAP(parts.uts, t->uts);
		tasklist_unlock();
	}
	drop(t, &parts);
	return err;
}
