/* SPDX-License-Identifier: Apache-2.0 */
/* boot_process.c - process 1, and those of `runsc exec`: rights, limits, standard files, program */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "fs/devpts/tty.h"
#include "fs/hostfd/hostfd.h"
#include "platform/host/host.h"
#include "runsc/boot/boot_internal.h"
#include "sentry/arena/arena.h"

static int make_cred(const struct spec_process *p, const struct cred **out)
{
	struct cred *c = cred_create();
	int err;

	if (!c)
		return -ENOMEM;
	c->uid = c->euid = c->suid = c->fsuid = p->uid;
	c->gid = c->egid = c->sgid = c->fsgid = p->gid;
	c->bounding = p->bounding & CAP_FULL;
	c->inheritable = p->inheritable & CAP_FULL;
	c->permitted = p->permitted & CAP_FULL;
	c->effective = p->effective & p->permitted & CAP_FULL;
	c->ambient = p->ambient & p->permitted & p->inheritable & CAP_FULL;
	err = cred_set_groups(c, p->groups, p->group_count);
	if (err) {
		cred_put(c);
		return err;
	}
	*out = c;
	return 0;
}

/* Limits of the specification over those that a process has under runc. */
static void make_rlimits(const struct spec_process *p, struct rlimit64_pair *out)
{
	for (int i = 0; i < RLIMITS; i++) {
		const struct spec_rlimit *l = &p->rlimits[i];
		struct rlimit host;

		if (l->set)
			out[i] = (struct rlimit64_pair){l->soft, l->hard};
		else if (getrlimit((__rlimit_resource_t)i, &host) == 0)
			out[i] = (struct rlimit64_pair){host.rlim_cur, host.rlim_max};
		else
			out[i] = (struct rlimit64_pair){RLIM64_INFINITY, RLIM64_INFINITY};
	}
}

/* Of a later process: those of process 1 at its start, for what its own specification leaves open.
 */
static void later_rlimits(struct boot *b, const struct spec_process *p, struct rlimit64_pair *out)
{
	memcpy(out, b->rlimits, sizeof(b->rlimits));
	for (int i = 0; i < RLIMITS; i++)
		if (p->rlimits[i].set)
			out[i] = (struct rlimit64_pair){p->rlimits[i].soft, p->rlimits[i].hard};
}

#define PASSWD_MAX 65536

/* The home directory of @uid out of the text of a passwd file, or NULL. */
static char *find_home(char *text, u32 uid)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *field[6];
		unsigned n = 0;

		while (n < array_size(field) && (field[n] = strsep(&line, ":")) != NULL)
			n++;
		if (n == array_size(field) && (u32)strtoul(field[2], NULL, 10) == uid)
			return field[5];
	}
	return NULL;
}

struct env {
	char *const *list;
	char **own; /* NULL: list is the specification's */
	size_t size;
	char *home; /* PATH_MAX bytes */
};

static void env_free(struct env *e)
{
	if (e->own)
		kfree(e->own, e->size);
	if (e->home)
		kfree(e->home, PATH_MAX);
}

static void read_home(struct boot *b, u32 uid, char *out)
{
	struct open_how_in how = {.flags = O_RDONLY};
	char *text = kalloc(PASSWD_MAX), *home = NULL;
	struct iov_iter it;
	struct file *f;

	f = text ? vfs_open(&b->caller, NULL, "/etc/passwd", &how) : ERR_PTR(-ENOMEM);
	if (!IS_ERR(f)) {
		iter_init_kernel(&it, text, PASSWD_MAX - 1);
		vfs_read(&b->caller, f, &it, NULL);
		file_put(f);
		home = find_home(text, uid);
	}
	snprintf(out, PATH_MAX, "HOME=%s", home && *home ? home : "/");
	if (text)
		kfree(text, PASSWD_MAX);
}

/* A process without HOME gets the one of /etc/passwd, or "/". */
static void env_make(struct boot *b, const struct spec_process *p, struct env *e)
{
	*e = (struct env){.list = p->env, .size = (p->env_count + 2) * sizeof(char *)};
	for (u32 i = 0; i < p->env_count; i++)
		if (!strncmp(p->env[i], "HOME=", 5))
			return;
	e->own = kalloc(e->size);
	e->home = kalloc(PATH_MAX);
	if (!e->own || !e->home)
		return;
	read_home(b, p->uid, e->home);
	memcpy(e->own, p->env, p->env_count * sizeof(char *));
	e->own[p->env_count] = e->home;
	e->list = e->own;
}

static int open_stdio(struct boot *b, int index, int fd, bool ours, struct file **out)
{
	struct file *f = fd < 0 ? ERR_PTR(-EBADF) : hostfd_create(&b->caller, fd, ours);

	if (IS_ERR(f))
		return error_set_errno(&b->error, (int)PTR_ERR(f), "standard file %d", index);
	*out = f;
	return 0;
}

static int make_stdio(struct boot *b, struct first_task *f)
{
	bool tty = false;
	int err = 0;

	if (b->c->console) {
		err = console_create(&b->caller, BOOT_FD_CONSOLE, true, &f->tty, &f->stdio[0]);
		if (err)
			return error_set_errno(&b->error, err, "console");
		/* Process 1 leads a session and its foreground group. */
		f->tty->session = f->tty->pgrp = 1;
		f->stdio[1] = file_get(f->stdio[0]);
		tty = b->c->hold || isatty(2);
		if (tty)
			f->stdio[2] = file_get(f->stdio[0]);
	}
	for (int fd = 0; fd <= 2 && !err; fd++)
		if (!f->stdio[fd])
			err = open_stdio(b, fd, fcntl(fd, F_DUPFD_CLOEXEC, BOOT_FD_COUNT), false,
					 &f->stdio[fd]);
	for (u32 i = 0; i < b->c->extra_fds && !err; i++)
		err = open_stdio(b, (int)i + 3, BOOT_FD_COUNT + (int)i, false, &b->extra[i]);
	f->extra = b->extra;
	f->extra_count = b->c->extra_fds;
	/* Nothing but the container holds its standard files open. */
	for (int fd = 0; fd <= 2; fd++)
		dup2(BOOT_FD_LOG, fd);
	return err;
}

/* Texts that container engines know from runc. */
static int explain_exec(struct boot *b, const char *name, int err)
{
	char text[128];

	if (err == -ENOENT && !strchr(name, '/'))
		return error_set(&b->error, "exec: \"%s\": executable file not found in $PATH",
				 name);
	if (err == -ENOENT)
		return error_set(&b->error, "exec: \"%s\": stat %s: no such file or directory",
				 name, name);
	return error_set(&b->error, "exec: \"%s\": %s", name, error_name(err, text, sizeof(text)));
}

static struct first_task describe(struct boot *b, const struct spec_process *p)
{
	return (struct first_task){
		.path = p->args[0],
		.argv = p->args,
		.cwd = p->cwd,
		.mnt_ns = b->ns,
		.no_new_privs = p->no_new_privileges,
		.seccomp = b->filter,
		.personality = b->c->spec.personality,
		.ioprio = p->ioprio,
		.oom_score_adj = p->oom_score_adj,
		.nice = p->nice,
		.sched_policy = p->sched_policy,
		.sched_priority = p->sched_priority,
		.umask = p->umask,
	};
}

int boot_start_process(struct boot *b)
{
	const struct spec_process *p = &b->c->spec.process;
	struct first_task f = describe(b, p);
	struct env env = {.list = p->env};
	int err = make_cred(p, &f.cred);

	if (err)
		return error_set_errno(&b->error, err, "credentials");
	make_rlimits(p, b->rlimits);
	f.rlimits = b->rlimits;
	err = make_stdio(b, &f);
	if (err)
		return err;
	if (!b->c->default_mounts)
		env_make(b, p, &env);
	f.envp = env.list;
	err = kernel_prepare(&f, &b->init);
	env_free(&env);
	if (err)
		return explain_exec(b, p->args[0], err);
	if (!b->c->hold) {
		kernel_go(b->init);
		b->init = NULL;
	}
	return 0;
}

/* The files of a later process. All descriptors are taken over. */
static int later_stdio(struct boot *b, const struct exec_request *r, struct first_task *f)
{
	int err = 0;

	f->extra = b->extra;
	f->extra_count = r->extra_count;
	memset(b->extra, 0, sizeof(b->extra));
	if (r->console >= 0) {
		err = console_create(&b->caller, r->console, false, &f->tty, &f->stdio[0]);
		if (err)
			error_set_errno(&b->error, err, "console");
		else
			f->stdio[1] = f->stdio[2] = f->stdio[0];
		for (int i = 1; i < 3 && !err; i++)
			file_get(f->stdio[i]);
	}
	for (u32 i = r->console >= 0 ? 3 : 0; i < 3 + r->extra_count; i++) {
		int fd = i < 3 ? r->stdio[i] : r->extra[i - 3];

		if (!err)
			err = open_stdio(b, (int)i, fd, true,
					 i < 3 ? &f->stdio[i] : &b->extra[i - 3]);
		if (err && fd >= 0)
			host_close(fd);
	}
	for (u32 i = 0; i < 3 + r->extra_count && err; i++) {
		struct file *file = i < 3 ? f->stdio[i] : b->extra[i - 3];

		if (file)
			file_put(file);
	}
	return err;
}

int boot_prepare_exec(struct boot *b, const struct exec_request *r, struct task **out,
		      struct tty **out_tty)
{
	struct rlimit64_pair rlimits[RLIMITS];
	struct first_task f = describe(b, r->process);
	struct env env;
	int err;

	later_rlimits(b, r->process, rlimits);
	f.rlimits = rlimits;
	f.companion = g_kernel->init;
	f.watch = r->watch;
	err = later_stdio(b, r, &f);
	if (!err)
		err = make_cred(r->process, &f.cred);
	if (err) {
		if (f.tty)
			console_destroy(f.tty);
		return error_set_errno(&b->error, err, "standard files");
	}
	env_make(b, r->process, &env);
	f.envp = env.list;
	err = kernel_prepare(&f, out);
	env_free(&env);
	if (err) {
		if (f.tty)
			console_destroy(f.tty);
		return explain_exec(b, r->process->args[0], err);
	}
	if (f.tty)
		f.tty->session = f.tty->pgrp = (*out)->tg->tgid;
	*out_tty = f.tty;
	return 0;
}
