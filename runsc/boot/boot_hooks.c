/* SPDX-License-Identifier: Apache-2.0 */
/* boot_hooks.c - startContainer hooks: programs of the image that run before process 1 does
 *
 * Theory of operation: all of them are prepared with process 1, so that what is missing is told by
 * `create`. The start lets the first one go; each one's end (any thread) sets a timer that is due
 * at once, whose function, on the I/O thread, lets the next one go and at last process 1. A hook
 * that fails, or takes longer than it may, ends the container with status 1, as under runc. They
 * have the container's credentials, limits and filter; their stdin is a file with the state.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/hostfd/hostfd.h"
#include "runsc/boot/boot_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/time/timer.h"

struct hook {
	struct task *task;  /* prepared; NULL once it runs */
	struct tgroup *tg;  /* reference */
	struct timer limit; /* its time is over */
};

struct chain {
	struct boot *b;
	struct timer go; /* the next one's turn */
	u32 count, at;	 /* at: runs, or is the next; I/O thread */
	struct hook hooks[];
};

static struct chain *g_chain;

static const struct spec_hook *spec_of(u32 index)
{
	return &g_chain->b->c->spec.hooks[SPEC_HOOK_START_CONTAINER][index];
}

static void hook_late(struct timer *t, s64 now)
{
	const struct hook *h = t->arg;

	log_error("startContainer hook ran past its timeout");
	kernel_signal_group(h->tg, 9);
}

static void go_on(struct timer *t, s64 now)
{
	struct chain *c = g_chain;
	struct boot *b = c->b;
	struct hook *h = &c->hooks[c->at];
	struct task *task;

	if (c->at == c->count) {
		task = b->starting;
		b->starting = NULL;
		kernel_go(task);
		return;
	}
	if (spec_of(c->at)->timeout > 0)
		timer_set(&h->limit, TIME_MONOTONIC,
			  now + min(spec_of(c->at)->timeout, 1ll << 30) * NSEC_PER_SEC);
	task = h->task;
	h->task = NULL;
	kernel_go(task);
}

bool boot_hook_exit(void *watch, u32 wait_status)
{
	struct hook *h = watch;
	struct chain *c = g_chain;

	if (!c || h < c->hooks || h >= c->hooks + c->count)
		return false;
	timer_cancel(&h->limit);
	if (wait_status != 0) {
		log_error("error running startContainer hook #%u: %s %d", c->at,
			  WIFSIGNALED(wait_status) ? "signal" : "exit status",
			  WIFSIGNALED(wait_status) ? WTERMSIG(wait_status)
						   : WEXITSTATUS(wait_status));
		boot_end(1 << 8);
	}
	c->at++;
	timer_set(&c->go, TIME_MONOTONIC, 0);
	return true;
}

void boot_hooks_start(struct boot *b, struct task *init)
{
	if (!g_chain) {
		kernel_go(init);
		return;
	}
	b->starting = init;
	timer_set(&g_chain->go, TIME_MONOTONIC, 0);
}

static struct file *state_file(struct boot *b)
{
	const char *text = b->c->hook_state ? b->c->hook_state : "{}";
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (fd < 0)
		return ERR_PTR(-errno);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return ERR_PTR(-EIO);
	}
	return hostfd_create(&b->caller, fd, true);
}

static int prepare(struct boot *b, u32 index)
{
	const struct spec_hook *spec = spec_of(index);
	struct hook *h = &g_chain->hooks[index];
	struct open_how_in how = {.flags = O_WRONLY};
	struct spec_process p = b->c->spec.process;
	char *just_name[] = {spec->path, NULL};
	struct exec_request r = {.process = &p, .stdio = {-1, -1, -1}, .console = -1, .watch = h};
	struct tty *tty;

	p.args = spec->args ? spec->args : just_name;
	p.env = spec->env ? spec->env : p.env;
	for (p.env_count = 0; p.env && p.env[p.env_count]; p.env_count++)
		;
	r.path = spec->path;
	r.files[0] = state_file(b);
	if (IS_ERR(r.files[0]))
		return error_set_errno(&b->error, (int)PTR_ERR(r.files[0]), "state for hooks");
	for (int i = 1; i < 3; i++) {
		r.files[i] = vfs_open(&b->caller, NULL, "/dev/null", &how);
		if (IS_ERR(r.files[i]))
			r.files[i] = NULL;
	}
	timer_init(&h->limit, hook_late, h);
	if (boot_prepare_exec(b, &r, &h->task, &tty) < 0)
		return -EINVAL;
	h->tg = tgroup_get(h->task->tg);
	return 0;
}

int boot_hooks_prepare(struct boot *b)
{
	u32 count = b->c->spec.hook_counts[SPEC_HOOK_START_CONTAINER];
	int err = 0;

	if (!count)
		return 0;
	g_chain = kalloc(sizeof(*g_chain) + count * sizeof(g_chain->hooks[0]));
	if (!g_chain)
		return error_set_errno(&b->error, ENOMEM, "hooks");
	g_chain->b = b;
	g_chain->count = count;
	timer_init(&g_chain->go, go_on, NULL);
	for (u32 i = 0; i < count && !err; i++)
		err = prepare(b, i);
	return err;
}
