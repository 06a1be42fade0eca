/* SPDX-License-Identifier: Apache-2.0 */
/* boot_debug.c - what lives in the sandbox, as text for `runsc ps` and `runsc debug`
 *
 * Lists are collected under the tasklist lock into a buffer of limited size; what does not fit is
 * cut, and told.
 */
#include <sys/mman.h>

#include "platform/host/host.h"
#include "runsc/boot/boot_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/base/strbuf.h"

#define REPORT_SIZE (1u << 20)
#define FILES_SHOWN 256

static const char *state_name(u32 state)
{
	static const char *const names[] = {
		[TS_GUEST] = "guest",	  [TS_RUNNING] = "running", [TS_WOKEN] = "woken",
		[TS_BLOCKED] = "blocked", [TS_READY] = "ready",	    [TS_COMMAND] = "command",
		[TS_DEAD] = "dead",
	};

	return state < array_size(names) ? names[state] : "?";
}

static void add_processes(struct strbuf *s)
{
	struct tgroup *tg;

	mutex_lock(&g_kernel->lock);
	list_for_each_entry (tg, &g_kernel->groups, all_link) {
		if (!tg->leader)
			continue;
		strbuf_printf(s, "%d %d %u %c %.15s\n", tg->tgid, tg->parent ? tg->parent->tgid : 0,
			      tg->leader->cred->uid,
			      tg->zombie	       ? 'Z'
			      : tg->stopped	       ? 'T'
			      : tg->leader->in_syscall ? 'S'
						       : 'R',
			      tg->leader->comm);
	}
	mutex_unlock(&g_kernel->lock);
}

static void add_task(struct strbuf *s, struct task *t)
{
	const struct syscall_table *table = g_kernel->config.syscalls;
	bool call = t->in_syscall && t->sys.nr >= 0 && (u32)t->sys.nr < table->count;

	strbuf_printf(s, "  task %d (%.15s) %s", t->tid, t->comm,
		      state_name(atomic_load(&t->wait.state)));
	if (call)
		strbuf_printf(s, " in %s(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx) at %#llx",
			      table->name[t->sys.nr] ? table->name[t->sys.nr] : "?",
			      (unsigned long long)t->sys.a[0], (unsigned long long)t->sys.a[1],
			      (unsigned long long)t->sys.a[2], (unsigned long long)t->sys.a[3],
			      (unsigned long long)t->sys.a[4], (unsigned long long)t->sys.a[5],
			      (unsigned long long)t->sys.ip);
	strbuf_printf(s, "\n");
}

static void add_tasks(struct strbuf *s)
{
	struct tgroup *tg;
	struct task *t;

	mutex_lock(&g_kernel->lock);
	strbuf_printf(s, "%u tasks, %llu started\n", g_kernel->task_count,
		      (unsigned long long)g_kernel->total_forks);
	list_for_each_entry (tg, &g_kernel->groups, all_link) {
		strbuf_printf(s, "process %d, parent %d%s%s\n", tg->tgid,
			      tg->parent ? tg->parent->tgid : 0, tg->zombie ? ", zombie" : "",
			      tg->stopped ? ", stopped" : "");
		list_for_each_entry (t, &tg->tasks, group_link)
			if (!t->exited)
				add_task(s, t);
	}
	mutex_unlock(&g_kernel->lock);
}

/* The next process from @from on that lives, with a reference on its descriptors. */
static struct files *next_files(s32 *from)
{
	struct files *found = NULL;
	struct tgroup *tg;
	s32 best = INT_MAX;

	mutex_lock(&g_kernel->lock);
	list_for_each_entry (tg, &g_kernel->groups, all_link) {
		if (tg->tgid < *from || tg->tgid >= best || tg->zombie || !tg->leader->files)
			continue;
		best = tg->tgid;
		found = tg->leader->files;
	}
	if (found)
		ref_get(&found->ref);
	mutex_unlock(&g_kernel->lock);
	*from = best;
	return found;
}

static void add_files(struct strbuf *s, struct caller *c)
{
	struct files *files;
	char path[512];
	s32 tgid = 0;

	while ((files = next_files(&tgid)) != NULL) {
		struct file *f;
		bool cloexec;

		for (int fd = -1, n = 0; n < FILES_SHOWN; n++) {
			ssize_t len;

			fd = fd_next(files, fd + 1, &f, &cloexec);
			if (fd < 0)
				break;
			len = vfs_path_text(c, &f->path, path, sizeof(path));
			strbuf_printf(s, "process %d: %d -> %.*s\n", tgid, fd,
				      len > 0 ? (int)len : 1, len > 0 ? path : "?");
			file_put(f);
		}
		files_put(c, files);
		tgid++;
	}
}

static int write_report(int fd, void (*fill)(struct strbuf *s))
{
	void *buf = host_mmap(NULL, REPORT_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct strbuf s;
	long n;

	if (IS_ERR(buf))
		return (int)PTR_ERR(buf);
	strbuf_init(&s, buf, REPORT_SIZE);
	fill(&s);
	n = fd < 0 ? -EBADF : host_pwrite(fd, s.buf, s.len, 0);
	host_munmap(buf, REPORT_SIZE);
	return n < 0 ? (int)n : 0;
}

int boot_write_ps(int fd)
{
	return write_report(fd, add_processes);
}

static struct caller *g_caller; /* of the report being written: the I/O thread is alone in it */

static void add_all(struct strbuf *s)
{
	u64 user, system;

	kernel_cputime(&user, &system);
	strbuf_printf(s, "resident: %llu KiB; CPU: %llu ms user, %llu ms system\n",
		      (unsigned long long)kernel_rss() >> 10,
		      (unsigned long long)user / NSEC_PER_MSEC,
		      (unsigned long long)system / NSEC_PER_MSEC);
	add_tasks(s);
	add_files(s, g_caller);
}

int boot_write_debug(struct boot *b, int fd)
{
	g_caller = &b->caller;
	return write_report(fd, add_all);
}
