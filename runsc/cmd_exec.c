/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec.c - runsc exec: another process in a container */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/create.h"
#include "runsc/spec/wire.h"

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
	int sentry; /* the sentry's end of the proxy's socket */
	int fds[3]; /* stdio, or the console alone */
	int extra;  /* descriptors from 3 on are passed too */
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

/* The sentry wants descriptions of its own, non-blocking where the host can do it: it does not
 * wait, and must not change what others share with us. */
static int own_description(int fd)
{
	int flags = fcntl(fd, F_GETFL), own = -1;
	char path[32];
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode))
		own = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int open_stdio(struct exec *x, struct error *e)
{
	const struct args *a = x->args;
	struct spec_process *p = &x->process;

	p->terminal |= a->tty;
	if (!p->terminal) {
		for (int i = 0; i < 3; i++)
			x->fds[i] = own_description(i);
		return 0;
	}
	if (a->console_socket) {
		x->fds[0] = pty_send(a->console_socket, p->console_height, p->console_width, e);
		return min(x->fds[0], 0);
	}
	if (a->detach)
		return error_set(
			e,
			"cannot allocate tty if runc will detach without setting console socket");
	if (!isatty(0) || !console_open(&x->console))
		return error_set(e, "provided file is not a console");
	x->fds[0] = fcntl(x->console.fd, F_DUPFD_CLOEXEC, 3);
	return 0;
}

static int make_proxy(struct exec *x, struct error *e)
{
	struct proxy_options po = {
		.like = x->container->proxy,
		.tty = x->args->console_socket ? x->fds[0] : -1,
		.attached = !x->args->detach,
		.args = x->process.args,
		.cgroup = x->container->cgroup,
	};
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, errno, "socketpair");
	po.sentry = pair[0];
	x->sentry = pair[1];
	err = proxy_spawn(&po, &x->proxy, e);
	close(pair[0]);
	return err;
}

/* The process as a file for the sentry. */
static int write_process(const struct spec_process *p, u32 *out_size, struct error *e)
{
	size_t size = wire_size(p);
	int fd = memfd_create("runsc-process", MFD_CLOEXEC);
	void *buf = size <= WIRE_MAX ? malloc(size) : NULL;

	if (fd < 0 || !buf)
		error_set(e, "the process is too large");
	else
		wire_encode(p, buf);
	if (!e->text[0] && write(fd, buf, size) != (ssize_t)size)
		error_set_errno(e, errno, "write the process");
	free(buf);
	*out_size = (u32)size;
	if (!e->text[0])
		return fd;
	if (fd >= 0)
		close(fd);
	return -EINVAL;
}

static int ask_sentry(struct exec *x, struct error *e)
{
	struct control_request req = {.type = CONTROL_EXEC,
				      .flags = x->process.terminal ? CONTROL_TTY : 0};
	int fds[CONTROL_FDS] = {write_process(&x->process, &req.size, e), x->sentry, x->fds[0],
				x->fds[1], x->fds[2]};
	int err = fds[0], count = x->process.terminal ? 3 : 5;
	struct error why = {0};

	if (err < 0)
		return err;
	req.value = x->extra;
	for (int i = 0; i < x->extra; i++)
		fds[count++] = own_description(3 + i);
	err = control_call(x->container, &req, fds, (unsigned)count, NULL, &why);
	if (err)
		error_set(e, "unable to start container process: %s", why.text);
	for (int i = 0; i < count; i++)
		close(fds[i]);
	return err;
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
		x->extra = count_preserved(x->region, &x->process, x->args->preserve_fds, e);
		err = min(x->extra, 0);
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (!err)
		err = open_stdio(x, e);
	if (!err)
		err = make_proxy(x, e);
	if (!err && x->console.fd >= 0)
		console_raw(&x->console);
	if (!err)
		err = ask_sentry(x, e);
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
			 .fds = {-1, -1, -1}};
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
	 "accepted and ignored: the container's own is used"},
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
