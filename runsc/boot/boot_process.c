/* SPDX-License-Identifier: Apache-2.0 */
/* boot_process.c - process 1: its rights, limits, standard files and program */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "fs/devpts/tty.h"
#include "fs/hostfd/hostfd.h"
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
static void make_rlimits(const struct boot_config *c, struct rlimit64_pair *out)
{
	for (int i = 0; i < RLIMITS; i++) {
		const struct spec_rlimit *l = &c->spec.process.rlimits[i];
		struct rlimit host;

		if (l->set)
			out[i] = (struct rlimit64_pair){l->soft, l->hard};
		else if (getrlimit((__rlimit_resource_t)i, &host) == 0)
			out[i] = (struct rlimit64_pair){host.rlim_cur, host.rlim_max};
		else
			out[i] = (struct rlimit64_pair){RLIM64_INFINITY, RLIM64_INFINITY};
	}
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

/* A process without HOME gets the one of /etc/passwd, or "/". The memory is never given back. */
static char *const *make_env(struct boot *b)
{
	const struct spec_process *p = &b->c->spec.process;
	struct open_how_in how = {.flags = O_RDONLY};
	char **env = kalloc((p->env_count + 2) * sizeof(*env)), *text = kalloc(PASSWD_MAX), *home;
	struct iov_iter it;
	struct file *f;

	for (u32 i = 0; i < p->env_count; i++)
		if (!strncmp(p->env[i], "HOME=", 5))
			return p->env;
	if (!env || !text)
		return p->env;
	f = vfs_open(&b->caller, NULL, "/etc/passwd", &how);
	if (!IS_ERR(f)) {
		iter_init_kernel(&it, text, PASSWD_MAX - 1);
		vfs_read(&b->caller, f, &it, NULL);
		file_put(f);
	}
	home = find_home(text, p->uid);
	memcpy(env, p->env, p->env_count * sizeof(*env));
	env[p->env_count] = kalloc(PATH_MAX);
	if (!env[p->env_count])
		return p->env;
	snprintf(env[p->env_count], PATH_MAX, "HOME=%s", home && *home ? home : "/");
	kfree(text, PASSWD_MAX);
	return env;
}

static int make_stdio(struct boot *b, struct first_task *f)
{
	int err;

	if (b->c->console) {
		err = console_create(&b->caller, BOOT_FD_CONSOLE, &f->tty, &f->stdio[0]);
		if (err)
			return error_set_errno(&b->error, err, "console");
		/* Process 1 leads a session and its foreground group. */
		f->tty->session = f->tty->pgrp = 1;
		f->stdio[1] = file_get(f->stdio[0]);
		f->stdio[2] = file_get(f->stdio[0]);
	}
	for (int fd = 0; fd <= 2; fd++) {
		if (f->stdio[fd] && (fd < 2 || isatty(2)))
			continue;
		if (f->stdio[fd])
			file_put(f->stdio[fd]);
		f->stdio[fd] = hostfd_create(&b->caller, fd);
		if (IS_ERR(f->stdio[fd]))
			return error_set_errno(&b->error, (int)PTR_ERR(f->stdio[fd]),
					       "standard file %d", fd);
	}
	return 0;
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

int boot_start_process(struct boot *b)
{
	const struct spec_process *p = &b->c->spec.process;
	struct rlimit64_pair rlimits[RLIMITS];
	struct first_task f = {
		.path = p->args[0],
		.argv = p->args,
		.envp = b->c->default_mounts ? p->env : make_env(b),
		.cwd = p->cwd,
		.mnt_ns = b->ns,
		.no_new_privs = p->no_new_privileges,
		.umask = p->umask,
		.rlimits = rlimits,
	};
	int err = make_cred(p, &f.cred);

	if (err)
		return error_set_errno(&b->error, err, "credentials");
	make_rlimits(b->c, rlimits);
	err = make_stdio(b, &f);
	if (err)
		return err;
	err = kernel_start(&f);
	return err ? explain_exec(b, p->args[0], err) : 0;
}
