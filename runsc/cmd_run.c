/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - runsc run: create and start in one; without --detach also wait and delete
 *
 * In the foreground the container dies with this process, whose terminal it has when config.json
 * wants one.
 */
#include <signal.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/create.h"

struct args {
	const char *bundle, *console_socket, *pid_file, *preserve_fds;
	bool detach, keep, no_subreaper, no_pivot, no_new_keyring, strace;
};

static int attend(struct created *made, bool keep, struct error *e)
{
	int status;

	console_raw(&made->sandbox.console);
	status = attend_proxy(made->proxy.pid);
	console_close(&made->sandbox.console);
	sandbox_close(&made->sandbox);
	if (!keep)
		delete_container(&made->container, e);
	return status;
}

static int run(const char *id, const struct args *a, struct error *e)
{
	struct create_options o = {
		.bundle = a->bundle,
		.pid_file = a->pid_file,
		.console_socket = a->console_socket,
		.preserve_fds = a->preserve_fds,
		.attached = !a->detach,
		.strace = a->strace,
	};
	struct error ignored = {0};
	struct created made;

	if (create_container(id, &o, &made, e) < 0)
		return 1;
	if (start_container(&made.container, e) < 0) {
		console_close(&made.sandbox.console);
		delete_container(&made.container, &ignored);
		return 1;
	}
	return a->detach ? 0 : attend(&made, a->keep, e);
}

static int run_run(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	status = run(argv[0], &args, &e);
	if (e.text[0])
		command_error("runsc run failed: %s", e.text);
	return status;
}

#define ARG(member) offsetof(struct args, member)
static const struct option options[] = {
	{"bundle", 'b', OPTION_VALUE, ARG(bundle),
	 "path to the root of the bundle directory, defaults to the current directory"},
	{"console-socket", 0, OPTION_VALUE, ARG(console_socket),
	 "socket that receives the master of the container's terminal"},
	{"detach", 'd', OPTION_FLAG, ARG(detach), "do not wait for the container's end"},
	{"keep", 0, OPTION_FLAG, ARG(keep), "do not delete the container when it has ended"},
	{"pid-file", 0, OPTION_VALUE, ARG(pid_file), "file to write the process id to"},
	{"no-subreaper", 0, OPTION_FLAG, ARG(no_subreaper), "accepted and ignored"},
	{"no-pivot", 0, OPTION_FLAG, ARG(no_pivot), "accepted and ignored"},
	{"no-new-keyring", 0, OPTION_FLAG, ARG(no_new_keyring), "accepted and ignored"},
	{"preserve-fds", 0, OPTION_VALUE, ARG(preserve_fds),
	 "pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total)"},
	{"strace", 0, OPTION_FLAG, ARG(strace), "print the system calls of all tasks"},
	{NULL},
};
const struct command command_run = {
	.name = "run",
	.summary = "create and run a container",
	.arguments = "<container-id>",
	.description =
		"Runs the container that the bundle's config.json describes, and waits for it.",
	.options = options,
	.run = run_run,
};
