/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec.c - runsc exec: another process in a container */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/create.h"
#include "runsc/exec.h"

#define EXEC_FAILED 255

struct args {
	const char *console_socket, *cwd, *user, *process, *pid_file, *process_label, *apparmor,
		*preserve_fds;
	struct option_list env, groups, caps, cgroups;
	bool tty, detach, no_new_privs, ignore_paused;
};

struct exec {
	const struct args *args;
	struct container *container;
	struct region *region;
	struct spec_process process;
	struct console console; /* of ours, attached */
	struct proxy proxy;
	struct exec_options o;
};

static bool parse_id(const char *text, size_t size, u32 *out)
{
	char buf[16], *end;
	unsigned long v;

	if (size == 0 || size >= sizeof(buf))
		return false;
	memcpy(buf, text, size);
	buf[size] = 0;
	v = strtoul(buf, &end, 10);
	*out = (u32)v;
	return !*end && buf[0] != '-' && v < UINT32_MAX;
}

/* "UID" or "UID:GID". */
static int set_user(struct spec_process *p, const char *user, struct error *e)
{
	size_t n = strcspn(user, ":");

	if (!parse_id(user, n, &p->uid))
		return error_set(e, "parsing %.*s as int for uid failed", (int)n, user);
	if (user[n] && !parse_id(user + n + 1, strlen(user + n + 1), &p->gid))
		return error_set(e, "parsing %s as int for gid failed", user + n + 1);
	return 0;
}

static int set_groups(struct exec *x, const struct option_list *l, struct error *e)
{
	struct spec_process *p = &x->process;
	u32 *all = region_alloc(x->region, (p->group_count + l->count) * sizeof(u32));

	if (p->group_count)
		memcpy(all, p->groups, p->group_count * sizeof(u32));
	p->groups = all;
	for (u32 i = 0; i < l->count; i++)
		if (!parse_id(l->values[i], strlen(l->values[i]), &all[p->group_count++]))
			return error_set(e, "parsing %s as int for gid failed", l->values[i]);
	return 0;
}

static int set_caps(struct spec_process *p, const struct option_list *l, struct error *e)
{
	for (u32 i = 0; i < l->count; i++) {
		int cap = spec_capability(l->values[i]);

		if (cap < 0)
			return error_set(e, "unknown capability \"%s\"", l->values[i]);
		p->bounding |= 1ull << cap;
		p->effective |= 1ull << cap;
		p->permitted |= 1ull << cap;
		p->ambient |= p->inheritable & 1ull << cap;
	}
	return 0;
}

static void add_env(struct exec *x, const struct option_list *l)
{
	struct spec_process *p = &x->process;
	char **env = region_alloc(x->region, (p->env_count + l->count + 1) * sizeof(*env));

	if (p->env_count)
		memcpy(env, p->env, p->env_count * sizeof(*env));
	for (u32 i = 0; i < l->count; i++)
		env[p->env_count++] = region_strdup(x->region, l->values[i]);
	p->env = env;
}

/* The container's own process with what the command line changes of it. */
static int from_options(struct exec *x, char **argv, struct error *e)
{
	const struct args *a = x->args;
	struct spec *s = region_alloc(x->region, sizeof(*s));
	struct spec_process *p = &x->process;
	u32 count = 0;
	int err = spec_load(x->region, x->container->bundle, s, e);

	if (err)
		return err;
	*p = s->process;
	while (argv[count])
		count++;
	p->args = region_alloc(x->region, (count + 1) * sizeof(*p->args));
	p->arg_count = count;
	for (u32 i = 0; i < count; i++)
		p->args[i] = argv[i];
	p->terminal = a->tty;
	p->no_new_privileges |= a->no_new_privs;
	if (a->cwd)
		p->cwd = region_strdup(x->region, a->cwd);
	if (p->cwd[0] != '/')
		return error_set(e, "Cwd must be an absolute path");
	add_env(x, &a->env);
	err = a->user ? set_user(p, a->user, e) : 0;
	if (!err)
		err = set_groups(x, &a->groups, e);
	return err ? err : set_caps(p, &a->caps, e);
}

static int find_process(struct exec *x, char **argv, struct error *e)
{
	struct spec *s;
	int fd, err = region_create(&x->region, &fd);

	if (err)
		return error_set_errno(e, err, "memory of the configuration");
	close(fd);
	if (!x->args->process)
		return from_options(x, argv, e);
	s = region_alloc(x->region, sizeof(*s));
	err = spec_load_process(x->region, x->args->process, s, e);
	x->process = s->process;
	return err;
}

static int open_stdio(struct exec *x, struct error *e)
{
	const struct args *a = x->args;
	struct spec_process *p = &x->process;

	p->terminal |= a->tty;
	if (!p->terminal) {
		for (int i = 0; i < 3; i++)
			x->o.fds[i] = exec_own_description(i);
		return 0;
	}
	if (a->console_socket) {
		x->o.fds[0] = pty_send(a->console_socket, p->console_height, p->console_width, e);
		return min(x->o.fds[0], 0);
	}
	if (a->detach)
		return error_set(
			e,
			"cannot allocate tty if runc will detach without setting console socket");
	if (!isatty(0) || !console_open(&x->console))
		return error_set(e, "provided file is not a console");
	x->o.fds[0] = fcntl(x->console.fd, F_DUPFD_CLOEXEC, 3);
	return 0;
}

static int check_status(struct container *c, const struct args *a, struct error *e)
{
	enum container_status status = container_status(c);

	if (status == CONTAINER_STOPPED)
		return error_set(e, "cannot exec in a stopped container");
	if (status == CONTAINER_PAUSED && !a->ignore_paused)
		return error_set(e, "cannot exec in a paused container (use --ignore-paused to "
				    "override)");
	return 0;
}

static int run(struct exec *x, char **argv, struct error *e)
{
	sigset_t all;
	int err = check_status(x->container, x->args, e), status;

	if (!err)
		err = find_process(x, argv, e);
	if (!err) {
		x->o.extra = count_preserved(x->region, &x->process, x->args->preserve_fds, e);
		err = min(x->o.extra, 0);
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (!err)
		err = open_stdio(x, e);
	x->o.container = x->container;
	x->o.process = &x->process;
	if (x->args->cgroups.count) { /* "CONTROLLER:PATH" or "PATH" */
		const char *path = strrchr(x->args->cgroups.values[0], ':');

		x->o.cgroup = path ? path + 1 : x->args->cgroups.values[0];
	}
	x->o.own_tty = x->args->console_socket != NULL;
	x->o.attached = !x->args->detach;
	if (!err && x->console.fd >= 0)
		console_raw(&x->console);
	if (!err)
		err = exec_start(&x->o, &x->proxy, e);
	if (!err && x->args->pid_file)
		err = sandbox_write_pid_file(x->args->pid_file, x->proxy.pid, e);
	if (err) {
		proxy_abort(&x->proxy);
		console_close(&x->console);
		return EXEC_FAILED;
	}
	proxy_commit(&x->proxy);
	if (x->args->detach)
		return 0;
	status = attend_proxy(x->proxy.pid);
	console_close(&x->console);
	return status;
}

static int run_exec(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	struct container c;
	struct exec x = {.args = &args,
			 .container = &c,
			 .console = {.fd = -1},
			 .proxy = {.control = -1},
			 .o = {.fds = {-1, -1, -1}}};
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!argv[0] || (!argv[1] && !args.process)) {
		command_arguments(self, argv, 2);
		return 1;
	}
	if (container_open(&c, argv[0], false, &e) < 0) {
		status = EXEC_FAILED;
	} else {
		argv++;
		if (argv[0] && !strcmp(argv[0], "--"))
			argv++;
		status = run(&x, argv, &e);
	}
	if (e.text[0])
		command_error("exec failed: %s", e.text);
	return status;
}

#define ARG(member) offsetof(struct args, member)
static const struct option options[] = {
	{"console-socket", 0, OPTION_VALUE, ARG(console_socket),
	 "socket that receives the master of the process's terminal"},
	{"cwd", 0, OPTION_VALUE, ARG(cwd), "current working directory in the container"},
	{"env", 'e', OPTION_LIST, ARG(env), "set environment variables"},
	{"tty", 't', OPTION_FLAG, ARG(tty), "allocate a terminal"},
	{"user", 'u', OPTION_VALUE, ARG(user), "UID (format: <uid>[:<gid>])"},
	{"additional-gids", 'g', OPTION_LIST, ARG(groups), "additional group ids"},
	{"process", 'p', OPTION_VALUE, ARG(process), "path to the process.json"},
	{"detach", 'd', OPTION_FLAG, ARG(detach), "detach from the container's process"},
	{"pid-file", 0, OPTION_VALUE, ARG(pid_file), "file to write the process id to"},
	{"process-label", 0, OPTION_VALUE, ARG(process_label), "accepted and ignored"},
	{"apparmor", 0, OPTION_VALUE, ARG(apparmor), "accepted and ignored"},
	{"no-new-privs", 0, OPTION_FLAG, ARG(no_new_privs), "set no_new_privs for the process"},
	{"cap", 'c', OPTION_LIST, ARG(caps), "add a capability to the bounding set"},
	{"preserve-fds", 0, OPTION_VALUE, ARG(preserve_fds),
	 "pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total)"},
	{"cgroup", 0, OPTION_LIST, ARG(cgroups),
	 "cgroup below the container's for what stands for the process on the host"},
	{"ignore-paused", 0, OPTION_FLAG, ARG(ignore_paused), "allow exec in a paused container"},
	{NULL},
};
const struct command command_exec = {
	.name = "exec",
	.summary = "execute a new process inside a container",
	.arguments = "<container-id> <command> [command options]  || --process process.json <id>",
	.options = options,
	.run = run_exec,
};
