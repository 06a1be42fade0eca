/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c - life of a sandbox: configuration, start, end */
#include "runsc/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/console.h"

/* --rewrite. "random" is for tests: everything that can be rewritten, early. */
static int parse_rewrite(const char *how, enum boot_rewrite *out, struct error *e)
{
	static const char *const names[] = {
		[BOOT_REWRITE_OFF] = "off",
		[BOOT_REWRITE_AUTO] = "auto",
		[BOOT_REWRITE_RANDOM] = "random",
	};

	for (unsigned i = 0; how && i < array_size(names); i++)
		if (!strcmp(how, names[i])) {
			*out = (enum boot_rewrite)i;
			return 0;
		}
	return how ? error_set(e, "--rewrite is \"auto\" or \"off\", not \"%s\"", how) : 0;
}

int sandbox_init(struct sandbox *s, struct error *e)
{
	struct boot_config *c;
	int err;

	*s = (struct sandbox){.control = -1,
			      .sentry_control = -1,
			      .listen = -1,
			      .log_fd = g_globals.log_fd,
			      .console = {.fd = -1}};
	err = region_create(&s->region, &s->config_fd);
	if (err)
		return error_set_errno(e, err, "memory of the configuration");
	c = s->config = region_alloc(s->region, sizeof(*c));
	c->rootless = g_globals.rootless_user && !g_globals.spare_id;
	c->uid = geteuid();
	c->gid = getegid();
	c->debug = g_globals.debug;
	c->strace = g_globals.strace;
	c->log_level = g_globals.debug ? LOG_DEBUG : LOG_WARNING;
	c->log_json = g_globals.log_format && !strcmp(g_globals.log_format, "json");
	c->network = BOOT_NET_NONE;
	c->network_own = true;
	c->cpus = (u32)get_nprocs();
	return parse_rewrite(g_globals.rewrite, &c->rewrite, e);
}

int sandbox_add_trees(struct sandbox *s, struct error *e)
{
	struct boot_config *c = s->config;
	struct spec *spec = &c->spec;

	s->mountpoints.root_fd = -1;
	if (!c->overlay)
		mountpoints_find(s->region, spec, &s->mountpoints);
	c->trees = region_alloc(s->region, (spec->mount_count + 1) * sizeof(*c->trees));
	c->trees[c->tree_count++] = (struct boot_tree){
		.path = spec->root_path,
		/* With missing mount points only the sentry's mount of it is read-only. */
		.readonly = c->overlay || (spec->root_readonly && !s->mountpoints.count),
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

int sandbox_write_pid_file(const char *path, pid_t pid, struct error *e)
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

static void reap(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

void sandbox_reap(struct sandbox *s)
{
	reap(&s->sentry);
	reap(&s->gofer);
}

void sandbox_close(struct sandbox *s)
{
	mountpoints_close(&s->mountpoints);
	for (size_t i = 0; i < 3; i++) {
		int *fd = (int *[]){&s->control, &s->sentry_control, &s->listen}[i];

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

int sandbox_run(struct sandbox *s, const char *pid_file, struct error *e)
{
	sigset_t all, old;
	int status = 1;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	s->config->console = console_wanted(s->config) && console_open(&s->console);
	console_size(&s->config->rows, &s->config->columns);
	if (sandbox_spawn(s, e) == 0 &&
	    (!pid_file || !sandbox_write_pid_file(pid_file, s->sentry, e))) {
		console_raw(&s->console);
		status = sandbox_wait(s, e);
	}
	sandbox_reap(s);
	sandbox_cgroup_end(s);
	console_close(&s->console);
	if (!s->config->overlay && e->text[0])
		mountpoints_remove(&s->mountpoints);
	sandbox_close(s);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
}

void sandbox_notice(struct sandbox *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->config->detached && s->log_fd >= 0)
		dprintf(s->log_fd, "notice: %s\n", text);
	else
		log_warning("%s", text);
}
