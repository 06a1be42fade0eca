/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - life of a sandbox: configuration, start, end */
#include "runsc/sandbox.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/console.h"

int sandbox_init(struct sandbox *s, struct error *e)
{
	struct boot_config *c;
	int err;

	*s = (struct sandbox){.control = -1, .log_fd = g_globals.log_fd};
	err = region_create(&s->region, &s->config_fd);
	if (err)
		return error_set_errno(e, err, "memory of the configuration");
	c = s->config = region_alloc(s->region, sizeof(*c));
	c->rootless = g_globals.rootless_user;
	c->debug = g_globals.debug;
	c->strace = g_globals.strace;
	c->log_level = g_globals.debug ? LOG_DEBUG : LOG_WARNING;
	c->log_json = g_globals.log_format && !strcmp(g_globals.log_format, "json");
	c->cpus = (u32)get_nprocs();
	return 0;
}

/* Is @path (inside) there without help: in the root, or below a mount that comes before number
 * @upto? */
static bool place_exists(const struct spec *s, int root_fd, const char *path, u32 upto)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int fd;

	for (u32 i = 0; i < upto; i++) {
		size_t n = strlen(s->mounts[i].destination);

		if (n > 1 && !strncmp(s->mounts[i].destination, path, n) &&
		    (!path[n] || path[n] == '/'))
			return true;
	}
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* A read-only root is so for the gofer too, unless mount points have to be made in it first (the
 * sentry's mount of it is read-only then). */
static bool root_can_be_readonly(const struct spec *s)
{
	int fd = open(s->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && place_exists(s, fd, "/dev", s->mount_count);

	for (u32 i = 0; i < s->mount_count && ok; i++)
		ok = s->mounts[i].kind == SPEC_MOUNT_CGROUP ||
		     place_exists(s, fd, s->mounts[i].destination, i);
	ok = ok && place_exists(s, fd, s->process.cwd, s->mount_count);
	if (fd >= 0)
		close(fd);
	return ok;
}

int sandbox_add_trees(struct sandbox *s, struct error *e)
{
	struct boot_config *c = s->config;
	struct spec *spec = &c->spec;

	c->trees = region_alloc(s->region, (spec->mount_count + 1) * sizeof(*c->trees));
	c->trees[c->tree_count++] = (struct boot_tree){
		.path = spec->root_path,
		.readonly = c->overlay || (spec->root_readonly && root_can_be_readonly(spec)),
	};
	for (u32 i = 0; i < spec->mount_count; i++) {
		struct spec_mount *m = &spec->mounts[i];

		if (m->kind != SPEC_MOUNT_BIND)
			continue;
		m->tree = c->tree_count;
		c->trees[c->tree_count++] = (struct boot_tree){
			.path = m->source,
			.readonly = m->flags & MS_RDONLY,
		};
	}
	return 0;
}

static int write_pid_file(const char *path, pid_t pid, struct error *e)
{
	char tmp[4096];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	f = fopen(tmp, "we");
	if (!f)
		return error_set_errno(e, errno, "--pid-file: %s", path);
	fprintf(f, "%d", (int)pid);
	if (fclose(f) != 0 || rename(tmp, path) < 0)
		return error_set_errno(e, errno, "--pid-file: %s", path);
	return 0;
}

/* The end: whatever of the two is still there is killed and reaped. */
static void reap(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

int sandbox_run(struct sandbox *s, const char *pid_file, struct error *e)
{
	struct console console = {.fd = -1};
	sigset_t all, old;
	int status = 1;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	s->config->console = console_wanted(s->config);
	console_size(&s->config->rows, &s->config->columns);
	if (sandbox_spawn(s, e) == 0 && (!pid_file || !write_pid_file(pid_file, s->sentry, e))) {
		if (s->config->console)
			console_raw(&console);
		status = sandbox_wait(s, e);
		console_restore(&console);
	}
	reap(&s->sentry);
	reap(&s->gofer);
	if (s->control >= 0)
		close(s->control);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
}
