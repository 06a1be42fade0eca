/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_kill.c - runsc kill, delete */
#include <signal.h>

#include "runsc/command.h"
#include "runsc/create.h"
#include "runsc/signals.h"

struct kill_args {
	bool all;
};

/* Without a handler these end a process that has not yet run a program. */
static bool ends_created(int sig)
{
	switch (sig) {
	case SIGCHLD:
	case SIGCONT:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGURG:
	case SIGWINCH:
		return false;
	default:
		return true;
	}
}

static int send_signal(struct container *c, int sig, bool all, struct error *e)
{
	struct control_request req = {
		.type = CONTROL_SIGNAL, .value = sig, .flags = all ? CONTROL_ALL : 0};
	enum container_status status = container_status(c);
	struct error ignored = {0};

	if (status == CONTAINER_STOPPED)
		return all ? 0 : error_set(e, "container not running");
	if (sig == SIGKILL || (status == CONTAINER_CREATED && ends_created(sig))) {
		if (status == CONTAINER_PAUSED && c->cgroup)
			cgroup_freeze(c->cgroup, false, &ignored);
		process_end(c->proxy, true, 0);
		return 0;
	}
	return control_call(c, &req, NULL, 0, NULL, e);
}

static int run_kill(const struct command *self, char **argv)
{
	struct kill_args args = {0};
	struct error e = {0};
	struct container c;
	int status, used = command_options(self, argv, &args, &status), sig = SIGTERM;

	if (used < 0)
		return status;
	argv += used;
	if (!argv[0] || (argv[1] && argv[2])) {
		command_arguments(self, argv, argv[0] ? 2 : 1);
		return 1;
	}
	if (argv[1])
		sig = signal_parse(argv[1]);
	if (sig < 0)
		error_set(&e, "unknown signal \"%s\"", argv[1]);
	else if (container_open(&c, argv[0], false, &e) == 0) {
		send_signal(&c, sig, args.all, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] != 0;
}

static const struct option kill_options[] = {
	{"all", 'a', OPTION_FLAG, offsetof(struct kill_args, all),
	 "send the signal to all processes inside the container"},
	{NULL},
};
const struct command command_kill = {
	.name = "kill",
	.summary = "send a signal (default: SIGTERM) to the container's init process",
	.arguments = "<container-id> [signal]",
	.options = kill_options,
	.run = run_kill,
};

struct delete_args {
	bool force;
};

static int delete_one(const char *id, bool force, struct error *e)
{
	enum container_status status;
	struct container c;
	int err = container_open(&c, id, true, e);

	if (err == -ENOENT && force) {
		e->text[0] = 0;
		return 0;
	}
	if (err)
		return err;
	status = container_status(&c);
	if (!force && (status == CONTAINER_RUNNING || status == CONTAINER_PAUSED))
		err = error_set(e, "cannot delete container %s that is not stopped: %s", id,
				container_status_name(status));
	else
		err = delete_container(&c, e);
	container_close(&c);
	return err;
}

static int run_delete(const struct command *self, char **argv)
{
	struct delete_args args = {0};
	struct error e = {0};
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	delete_one(argv[0], args.force, &e);
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] != 0;
}

static const struct option delete_options[] = {
	{"force", 'f', OPTION_FLAG, offsetof(struct delete_args, force),
	 "kill the container first if it still runs"},
	{NULL},
};
const struct command command_delete = {
	.name = "delete",
	.summary = "delete what a container holds on the host",
	.arguments = "<container-id>",
	.options = delete_options,
	.run = run_delete,
};
