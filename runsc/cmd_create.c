/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_create.c - runsc create, start */
#include "runsc/command.h"
#include "runsc/create.h"

struct args {
	const char *bundle, *console_socket, *pid_file, *preserve_fds;
	bool no_pivot, no_new_keyring;
};

static int run_create(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	struct created made;
	int status, used = command_options(self, argv, &args, &status);
	struct create_options o = {0};

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	o.bundle = args.bundle;
	o.pid_file = args.pid_file;
	o.console_socket = args.console_socket;
	o.preserve_fds = args.preserve_fds;
	if (create_container(argv[0], &o, &made, &e) == 0)
		return 0;
	command_error("runsc create failed: %s", e.text);
	return 1;
}

#define ARG(member) offsetof(struct args, member)
static const struct option create_options[] = {
	{"bundle", 'b', OPTION_VALUE, ARG(bundle),
	 "path to the root of the bundle directory, defaults to the current directory"},
	{"console-socket", 0, OPTION_VALUE, ARG(console_socket),
	 "socket that receives the master of the container's terminal"},
	{"pid-file", 0, OPTION_VALUE, ARG(pid_file), "file to write the process id to"},
	{"no-pivot", 0, OPTION_FLAG, ARG(no_pivot), "accepted and ignored"},
	{"no-new-keyring", 0, OPTION_FLAG, ARG(no_new_keyring), "accepted and ignored"},
	{"preserve-fds", 0, OPTION_VALUE, ARG(preserve_fds),
	 "pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total)"},
	{NULL},
};
const struct command command_create = {
	.name = "create",
	.summary = "create a container",
	.arguments = "<container-id>",
	.description = "Makes a container of the bundle; \"start\" lets its process go.",
	.options = create_options,
	.run = run_create,
};

static int run_start(const struct command *self, char **argv)
{
	struct container c;
	struct error e = {0};
	int status, used = command_options(self, argv, NULL, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	if (container_open(&c, argv[0], true, &e) == 0) {
		start_container(&c, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] != 0;
}

static const struct option no_options[] = {{NULL}};
const struct command command_start = {
	.name = "start",
	.summary = "start the process of a created container",
	.arguments = "<container-id>",
	.options = no_options,
	.run = run_start,
};
