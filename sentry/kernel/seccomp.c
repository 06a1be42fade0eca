/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c - seccomp filters of guest tasks
 *
 * Theory of operation: filters are a tree that grows away from its root: each points to the one
 * that was there before, and a task to its latest. A call passes all filters on the way to the
 * root; the strictest answer counts. Filters never change; each holds a reference on its parent.
 * When one is made, every number is tried with nothing known of the arguments: what this filter and
 * all before it allow anyway is one bit, so that the common call costs one test.
 *
 * t->seccomp is written by its task, and by another thread of the group (TSYNC) under [T]; the new
 * filter then has the old one among its parents, so that a thread that is just using the old one
 * may go on.
 *
 * Calls that the platform leaves to the host (platform/unotify/README.md) never come here, unless
 * the sandbox is strict: a sandbox whose first filter refuses one of them is made strict by boot.
 */
#include "sentry/kernel/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "sentry/base/log.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/task_internal.h"

#define CALLS	   512	 /* numbers with a bit */
#define PATH_INSNS 32768 /* of all filters of a task, counting 4 more for each */
#define FLAGS_KNOWN                                                                             \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
	 SECCOMP_FILTER_FLAG_TSYNC_ESRCH)
#define SYS_SECCOMP_CODE 1 /* si_code */

struct seccomp_filter {
	struct ref ref;
	struct seccomp_filter *parent; /* reference */
	struct bpf_insn_k *prog;       /* kalloc */
	u32 len;
	u32 path;  /* instructions from here to the root */
	u32 depth; /* filters from here to the root */
	bool log;
	u64 allowed[CALLS / 64]; /* by this and all parents, whatever the arguments */
};

static SLAB_CACHE(seccomp_filter_cache, struct seccomp_filter);

static u32 prog_size(u32 len)
{
	return len * (u32)sizeof(struct bpf_insn_k);
}

int seccomp_create(const struct bpf_insn_k *prog, u32 len, struct seccomp_filter **out)
{
	struct seccomp_filter *f;
	u32 answer;

	*out = NULL;
	if (bpf_check(prog, len))
		return -EINVAL;
	f = slab_alloc(&seccomp_filter_cache);
	if (!f)
		return -ENOMEM;
	f->prog = kalloc(prog_size(len));
	if (!f->prog) {
		slab_free(&seccomp_filter_cache, f);
		return -ENOMEM;
	}
	ref_init(&f->ref);
	memcpy(f->prog, prog, prog_size(len));
	f->len = len;
	f->path = len + 4;
	f->depth = 1;
	for (s32 nr = 0; nr < CALLS; nr++)
		if (bpf_constant(f->prog, len, nr, AUDIT_ARCH_X86_64, &answer) &&
		    (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
			f->allowed[nr / 64] |= 1ull << (nr % 64);
	*out = f;
	return 0;
}

void seccomp_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->ref)) {
		struct seccomp_filter *parent = f->parent;

		kfree(f->prog, prog_size(f->len));
		slab_free(&seccomp_filter_cache, f);
		f = parent;
	}
}

/* @f comes on top of @parent, whose reference it takes over. -ENOMEM: the way is too long. */
static int set_parent(struct seccomp_filter *f, struct seccomp_filter *parent)
{
	if (parent && parent->path + f->path > PATH_INSNS)
		return -ENOMEM;
	f->parent = parent;
	if (!parent)
		return 0;
	f->path += parent->path;
	f->depth += parent->depth;
	for (unsigned i = 0; i < array_size(f->allowed); i++)
		f->allowed[i] &= parent->allowed[i];
	return 0;
}

bool seccomp_always_allows(const struct seccomp_filter *f, int nr)
{
	return nr >= 0 && nr < CALLS && f->allowed[nr / 64] >> (nr % 64) & 1;
}

static struct seccomp_filter *filter_of(const struct task *t)
{
	return atomic_load_explicit(&t->seccomp, memory_order_acquire);
}

void seccomp_start_with(struct task *t, struct seccomp_filter *f)
{
	if (!f)
		return;
	ref_get(&f->ref);
	atomic_store(&t->seccomp, f);
	atomic_store(&t->seccomp_mode, SECCOMP_MODE_FILTER);
}

void seccomp_inherit(struct task *t, struct task *child)
{
	struct seccomp_filter *f = filter_of(t), *old = filter_of(child);

	if (f)
		ref_get(&f->ref);
	atomic_store(&child->seccomp, f);
	atomic_store(&child->seccomp_mode, atomic_load(&t->seccomp_mode));
	seccomp_put(old);
}

void seccomp_drop(struct task *t)
{
	seccomp_put(atomic_exchange(&t->seccomp, NULL));
}

u32 seccomp_mode(const struct task *t)
{
	return atomic_load(&t->seccomp_mode);
}

u32 seccomp_filter_count(const struct task *t)
{
	const struct seccomp_filter *f = filter_of(t);

	return f ? f->depth : 0;
}

/* --- a call ----------------------------------------------------------------------------------- */

/* The strictest answer is the smallest action, taken as a signed number. */
static u32 ask_all(const struct seccomp_filter *f, const struct bpf_call *data, bool *out_log)
{
	u32 result = SECCOMP_RET_ALLOW;

	for (; f; f = f->parent) {
		u32 answer = bpf_run(f->prog, data);

		if ((s32)(answer & SECCOMP_RET_ACTION_FULL) <
		    (s32)(result & SECCOMP_RET_ACTION_FULL)) {
			result = answer;
			*out_log = f->log;
		}
	}
	return result;
}

static void die(struct task *t, bool group)
{
	u32 code = SIGSYS;

	tasklist_lock();
	group = group || t->tg->present == 1;
	tasklist_unlock();
	if (group)
		code = signal_death_code(t, SIGSYS);
	task_exit(t, code, group);
}

static void trap(struct task *t, const struct bpf_call *data, u32 answer)
{
	struct siginfo_k info = {
		.si_signo = SIGSYS,
		.si_code = SYS_SECCOMP_CODE,
		.si_errno = (s32)(answer & SECCOMP_RET_DATA),
		.sys = {.call_addr = data->ip, .syscall = data->nr, .arch = data->arch},
	};

	signal_force(t, &info);
	task_finish_call(t, data->nr); /* rax as before the call: a handler may emulate it */
}

static bool strict_allows(const struct bpf_call *data)
{
	return data->arch == AUDIT_ARCH_X86_64 &&
	       (data->nr == SYS_read || data->nr == SYS_write || data->nr == SYS_exit ||
		data->nr == SYS_rt_sigreturn);
}

static void refuse(struct task *t, const struct bpf_call *data, u32 answer)
{
	u32 value = answer & SECCOMP_RET_DATA;

	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		task_finish_call(t, -(long)min(value, 4095u));
		break;
	case SECCOMP_RET_TRAP:
		trap(t, data, answer);
		break;
	case SECCOMP_RET_TRACE:	     /* nobody traces */
	case SECCOMP_RET_USER_NOTIF: /* nobody listens */
		task_finish_call(t, -ENOSYS);
		break;
	default:
		log_debug("task %d: killed by its seccomp filter: call %d", t->tid, data->nr);
		die(t, (answer & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_KILL_THREAD);
	}
}

bool seccomp_enter(struct task *t, const struct bpf_call *data)
{
	const struct seccomp_filter *f = filter_of(t);
	bool log = false;
	u32 answer;

	if (atomic_load(&t->seccomp_mode) == SECCOMP_MODE_STRICT) {
		if (strict_allows(data))
			return true;
		task_exit(t, SIGKILL, false);
		return false;
	}
	if (!f || (data->arch == AUDIT_ARCH_X86_64 && seccomp_always_allows(f, data->nr)))
		return true;
	pctx_answer_once(atomic_load(&t->ctx));
	answer = ask_all(f, data, &log);
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG || log)
		log_debug("task %d (%s): seccomp: call %d, answer %#x", t->tid, t->comm, data->nr,
			  answer);
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW ||
	    (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG)
		return true;
	refuse(t, data, answer);
	return false;
}

/* --- prctl and seccomp(2) --------------------------------------------------------------------- */

long seccomp_set_strict(struct task *t)
{
	if (atomic_load(&t->seccomp_mode) == SECCOMP_MODE_FILTER)
		return -EINVAL;
	tasklist_lock();
	atomic_store(&t->seccomp_mode, SECCOMP_MODE_STRICT);
	signal_share_allow(t);
	tasklist_unlock();
	platform_forget(g_kernel->platform);
	return 0;
}

/* Copies the program of a guest and makes a filter of it. */
static long filter_from_guest(struct task *t, gva_t at, struct seccomp_filter **out)
{
	struct {
		u16 len;
		u16 pad[3];
		u64 prog;
	} head;
	struct bpf_insn_k *prog;
	long err;

	if (copy_in(t->mm, &head, at, sizeof(head)))
		return -EFAULT;
	if (head.len == 0 || head.len > BPF_INSNS_MAX)
		return -EINVAL;
	if (!t->no_new_privs && !cred_capable_own(t->cred, 21)) /* CAP_SYS_ADMIN */
		return -EACCES;
	prog = kalloc_dirty(prog_size(head.len));
	if (!prog)
		return -ENOMEM;
	err = copy_in(t->mm, prog, GVA(head.prog), prog_size(head.len))
		      ? -EFAULT
		      : seccomp_create(prog, head.len, out);
	kfree(prog, prog_size(head.len));
	return err;
}

static bool is_ancestor(const struct seccomp_filter *who, const struct seccomp_filter *of)
{
	if (!who)
		return true;
	while (of && of != who)
		of = of->parent;
	return of != NULL;
}

/* A thread that could not take over @t's filters, or 0. [T] */
static s32 find_obstacle(struct task *t)
{
	struct task *other;

	list_for_each_entry (other, &t->tg->tasks, group_link) {
		u32 mode = atomic_load(&other->seccomp_mode);

		if (other == t || other->exited)
			continue;
		if (mode == SECCOMP_MODE_STRICT ||
		    (mode == SECCOMP_MODE_FILTER && !is_ancestor(filter_of(other), filter_of(t))))
			return other->tid;
	}
	return 0;
}

/* All other threads get the filters of @t. [T] */
static void sync_threads(struct task *t)
{
	struct task *other;

	list_for_each_entry (other, &t->tg->tasks, group_link) {
		if (other == t || other->exited)
			continue;
		seccomp_inherit(t, other);
		if (t->no_new_privs)
			other->no_new_privs = true;
	}
}

static long install(struct task *t, u64 flags, struct seccomp_filter *f)
{
	struct seccomp_filter *old;
	struct task *other;
	s32 obstacle = 0;
	int err;

	mutex_assert_held(&g_kernel->lock);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		obstacle = find_obstacle(t);
	if (obstacle)
		return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : obstacle;
	old = filter_of(t);
	err = set_parent(f, old);
	if (err)
		return err;
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	atomic_store(&t->seccomp, f); /* the reference on old is f's now */
	atomic_store(&t->seccomp_mode, SECCOMP_MODE_FILTER);
	platform_forget(g_kernel->platform);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		sync_threads(t);
	list_for_each_entry (other, &t->tg->tasks, group_link)
		signal_share_allow(other);
	return 0;
}

long seccomp_set_filter(struct task *t, u64 flags, gva_t prog)
{
	struct seccomp_filter *f;
	long ret;

	if (flags & ~(u64)FLAGS_KNOWN)
		return -EINVAL;
	ret = filter_from_guest(t, prog, &f);
	if (ret)
		return ret;
	tasklist_lock();
	if (atomic_load(&t->seccomp_mode) == SECCOMP_MODE_STRICT)
		ret = -EINVAL;
	else
		ret = install(t, flags, f);
	tasklist_unlock();
	if (ret)
		seccomp_put(f);
	return ret;
}
