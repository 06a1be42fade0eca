/* SPDX-License-Identifier: Apache-2.0 */
/* task_exec.c - execve: from the arguments to a task that runs another program
 *
 * Theory of operation: an exec is a call with stages (t->wait.stage), between which the task waits:
 *
 *	EXEC_PREPARE	follows #! lines, decides credentials, lays the new address space out, takes
 *a fresh context EXEC_SPAWNED	the context is there: its stub makes the mappings EXEC_MAPPED they
 *are made: arguments and zeroes are written into them
 *	EXEC_ALONE	the other threads of the process end
 *	(commit)	the point of no return: nothing from here on can fail
 *
 * Until the commit the old program is whole, and every failure is the errno of execve. That is
 *kinder than Linux, which kills a process whose new image cannot be mapped: a stub that dies before
 *the commit (task_as_died) makes the call fail. The fresh context's
 *events come to the task, as the old context is at the border all the while.
 */
#include <linux/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sentry/base/bug.h"
#include "sentry/base/log.h"
#include "sentry/kernel/exec.h"
#include "sentry/kernel/process.h"
#include "sentry/kernel/task_internal.h"

enum { EXEC_PREPARE, EXEC_SPAWNED, EXEC_MAPPED, EXEC_ALONE };

/* What a set-id program does not inherit of the personality. */
enum {
	CLEAR_ON_SETID =
		READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO,
};
#define EXIT_CANNOT_RUN 126u
#define EXIT_NOT_FOUND	127u

static SLAB_CACHE(exec_cache, struct exec);

/* The call ends, however it does. */
static void exec_cleanup(struct task *t)
{
	struct exec *e = t->wait.obj;
	struct pctx *ctx = t->new_ctx;

	t->wait.obj = NULL;
	t->new_ctx = NULL;
	mutex_lock(&g_kernel->lock);
	t->new_mm = NULL;
	mutex_unlock(&g_kernel->lock);
	if (ctx) {
		pas_kill(pctx_as(ctx));
		pctx_destroy(ctx);
		mm_plan_init(&t->plan);
	}
	exec_args_fini(&e->args);
	exec_image_fini(&e->image);
	if (e->prog.file)
		file_put(e->prog.file);
	if (e->cred)
		cred_put(e->cred);
	if (e->name)
		kfree(e->name, e->name_size);
	slab_free(&exec_cache, e);
}

struct exec *exec_create(struct task *t)
{
	struct exec *e = slab_alloc(&exec_cache);

	if (!e)
		return NULL;
	exec_args_init(&e->args, task_rlimit(t, RLIMIT_STACK));
	t->wait.obj = e;
	t->wait.cleanup = exec_cleanup;
	t->wait.used = true;
	return e;
}

int exec_set_name(struct exec *e, const char *name)
{
	e->name_size = strlen(name) + 1;
	e->name = kalloc(e->name_size);
	if (!e->name)
		return -ENOMEM;
	memcpy(e->name, name, e->name_size);
	return 0;
}

/* --- the stages ---------------------------------------------------------------------------------
 */

static void exec_limits(struct task *t, struct mm_limits *out)
{
	out->as = task_rlimit(t, RLIMIT_AS);
	out->data = task_rlimit(t, RLIMIT_DATA);
	out->stack = task_rlimit(t, RLIMIT_STACK);
	out->memlock = task_rlimit(t, RLIMIT_MEMLOCK);
	out->ipc_lock = true; /* nothing is locked yet */
}

/* Everything that needs no waiting: -errno, or 0: the plan stands in t->plan. */
static int exec_prepare(struct task *t, struct exec *e)
{
	struct caller *c = task_caller(t);
	struct mm_limits limits;
	struct exec_setup s = {
		.ids = &e->ids, .limits = &limits, .args = &e->args, .name = e->name};
	gva_t range;
	u64 range_size;
	int err;

	if (e->args.argc == 0) {
		err = exec_args_replace_first(&e->args, (const char *const[]){""}, 1);
		if (err < 0)
			return err;
	}
	err = exec_resolve(c, &e->prog, e->name, e->hidden, &e->args);
	if (err == 0)
		err = exec_cred(t, c, e);
	if (err < 0)
		return err;
	e->prog.unreadable = vfs_permission(c, &e->prog.file->path, MAY_READ) < 0;
	exec_limits(t, &limits);
	s.vdso = platform_vdso(g_kernel->platform, &range, &range_size);
	s.no_randomize = t->personality & ADDR_NO_RANDOMIZE;
	mm_plan_init(&t->plan);
	return exec_load(c, &e->prog, &s, &t->plan, &e->image);
}

static long exec_spawn(struct task *t, struct exec *e)
{
	int err;

	mutex_lock(&g_kernel->lock);
	t->new_mm = e->image.mm;
	t->new_died = false;
	mutex_unlock(&g_kernel->lock);
	t->wait.stage = EXEC_SPAWNED;
	err = pctx_spawn(g_kernel->platform, t, e->image.mm, &t->new_ctx);
	if (err == -EINPROGRESS)
		return -ECOMMAND;
	if (err < 0)
		t->new_ctx = NULL;
	return err;
}

static long exec_map(struct task *t, struct exec *e)
{
	e->image.mm->as = pctx_as(t->new_ctx);
	t->wait.stage = EXEC_MAPPED;
	return task_run_plan_again(t);
}

/* After a round of mappings: 0 when all are there and filled. */
static long exec_mapped(struct task *t, struct exec *e)
{
	if (t->wait.cmd_result < 0)
		return t->wait.cmd_result == -ENOSYS ? -ENOMEM : t->wait.cmd_result;
	if (mm_plan_next(&t->plan))
		return task_run_plan_again(t);
	t->wait.stage = EXEC_ALONE;
	return exec_fill(&e->image);
}

/* --- the point of no return ---------------------------------------------------------------------
 */

/* Descriptors of its own. */
static int exec_unshare_files(struct task *t)
{
	struct files *own, *old = t->files;
	long err = 0;

	if (ref_read(&old->ref) == 1)
		return 0;
	own = files_dup(old, UINT32_MAX, &err);
	if (!own)
		return err ? (int)err : -ENOMEM;
	mutex_lock(&g_kernel->lock);
	t->files = own;
	mutex_unlock(&g_kernel->lock);
	files_put(task_caller(t), old);
	return 0;
}

static void set_comm(struct task *t, const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, base, min(strlen(base), sizeof(t->comm) - 1));
}

/* The task gets its new parts; what they replace is left in @old_*. */
static void exec_switch(struct task *t, struct exec *e, struct mm **old_mm, struct pctx **old_ctx)
{
	const struct cred *old_cred = t->cred;

	mutex_lock(&g_kernel->lock);
	*old_mm = t->mm;
	*old_ctx = atomic_load(&t->ctx);
	usage_exec(t);
	t->mm = e->image.mm;
	atomic_store(&t->ctx, t->new_ctx);
	t->cred = e->cred;
	signal_share_start(t);
	t->new_mm = NULL;
	set_comm(t, e->name);
	if (t->new_died)
		group_exit_locked(t->tg, NULL, SIGKILL);
	mutex_unlock(&g_kernel->lock);
	e->image.mm = NULL;
	e->cred = NULL;
	t->new_ctx = NULL;
	cred_put(old_cred);
}

static void exec_set_mm(struct task *t, struct exec *e)
{
	struct mm *mm = e->image.mm;

	mm->exe_file = e->prog.file;
	e->prog.file = NULL;
	mm->dumpable = !e->set_id && !e->prog.unreadable;
}

static long exec_commit(struct task *t, struct exec *e)
{
	struct pregs regs = {.rip = e->image.entry.v, .rsp = e->image.sp.v, .eflags = 0x202};
	struct mm *old_mm;
	struct pctx *old_ctx;
	gva_t wake = GVA(0);

	exec_set_mm(t, e);
	wake = task_exec_release(t, e->set_id);
	exec_switch(t, e, &old_mm, &old_ctx);
	if (e->set_id)
		t->personality &= ~(u32)CLEAR_ON_SETID;
	t->keep_caps = false;
	fd_close_on_exec(t);
	pctx_set_regs(atomic_load(&t->ctx), &regs);
	t->has_regs = true;
	if (old_ctx)
		pctx_exit(old_ctx, wake);
	mm_put(old_mm);
	return -ENORETURN;
}

/* --- the call -----------------------------------------------------------------------------------
 */

bool task_exec_waits_for_stub(const struct task *t)
{
	return t->wait.stage == EXEC_SPAWNED || t->wait.stage == EXEC_MAPPED;
}

/* The host has killed the stub that the new program was to run in: it has no memory for it. */
static bool stub_died(struct task *t)
{
	bool died;

	mutex_lock(&g_kernel->lock);
	died = t->new_mm && t->new_died;
	mutex_unlock(&g_kernel->lock);
	return died;
}

static long exec_step(struct task *t, struct exec *e)
{
	long r = 0;

	if (stub_died(t))
		return -ENOMEM;
	switch (t->wait.stage) {
	case EXEC_PREPARE:
		if (!e->first)
			r = exec_prepare(t, e);
		if (r == 0)
			r = exec_spawn(t, e);
		return r ? r : exec_map(t, e);
	case EXEC_SPAWNED:
		return exec_map(t, e);
	case EXEC_MAPPED:
		r = exec_mapped(t, e);
		if (r < 0)
			return r;
		break;
	}
	r = task_exec_dethread(t);
	if (r == 0)
		r = task_exec_robust(t);
	if (r == 0)
		r = exec_unshare_files(t);
	return r ? r : exec_commit(t, e);
}

long task_exec(struct task *t)
{
	struct exec *e = exec_current(t);
	long r;

	if (atomic_load(&t->work) & TW_KILL)
		return task_exit_killed(t);
	r = exec_step(t, e);
	if (!e->first || r == -ECOMMAND || r == -EBLOCKED || r == -ENORETURN || r == -EGONE)
		return r;
	log_error("%s: cannot be started: %s", e->name, strerrordesc_np((int)-r));
	return task_exit(t, (r == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN) << 8, true);
}

/* --- the first program --------------------------------------------------------------------------
 */

static const char *env_path(char *const *envp)
{
	for (; envp && *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Opens @name in one directory of PATH; its full name goes into @full. */
static struct file *open_in(struct caller *c, const char *dir, size_t dir_len, const char *name,
			    char *full, size_t size)
{
	struct strbuf s;

	strbuf_init(&s, full, size);
	strbuf_printf(&s, "%.*s%s%s", (int)dir_len, dir, dir_len ? "/" : "", name);
	return s.cut ? ERR_PTR(-ENAMETOOLONG) : exec_open(c, NULL, full, WALK_FOLLOW);
}

/* As execvp: the first that can be executed; -EACCES when there was one that may not be. */
static struct file *open_by_path(struct caller *c, const char *path, const char *name, char *full,
				 size_t size)
{
	long err = -ENOENT;

	while (*path) {
		size_t n = strcspn(path, ":");
		struct file *f = open_in(c, path, n, name, full, size);

		if (!IS_ERR(f))
			return f;
		if (PTR_ERR(f) == -EACCES)
			err = -EACCES;
		path += n + (path[n] == ':');
	}
	return ERR_PTR(err);
}

static int first_args(struct exec *e, const struct first_task *f)
{
	int err = 0;

	for (char *const *p = f->argv; err == 0 && p && *p; p++)
		err = exec_args_add(&e->args, *p, strlen(*p), false);
	for (char *const *p = f->envp; err == 0 && p && *p; p++)
		err = exec_args_add(&e->args, *p, strlen(*p), true);
	return err;
}

static int first_open(struct task *t, struct exec *e, const struct first_task *f, char *full)
{
	struct caller *c = task_caller(t);
	struct file *file;

	if (strchr(f->path, '/'))
		file = open_in(c, "", 0, f->path, full, PAGE_SIZE);
	else if (!*f->path)
		file = ERR_PTR(-ENOENT);
	else
		file = open_by_path(c, env_path(f->envp), f->path, full, PAGE_SIZE);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	e->prog.file = file;
	return exec_set_name(e, full);
}

int task_exec_prepare_first(struct task *t, const struct first_task *f)
{
	struct exec *e = exec_create(t);
	char *full = page_alloc(0);
	int err = -ENOMEM;

	if (!e || !full)
		goto out;
	err = first_open(t, e, f, full);
	if (err == 0)
		err = first_args(e, f);
	if (err == 0)
		err = exec_prepare(t, e);
	e->first = true;
	t->sys.nr = SYS_execve;
out:
	if (full)
		page_free(full, 0);
	if (err < 0)
		task_end_call(t);
	return err;
}
