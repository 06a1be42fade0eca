/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - runsc run: a container out of an OCI bundle, in the foreground */
#include <ctype.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/sandbox.h"

struct args {
	const char *bundle, *console_socket, *pid_file, *preserve_fds;
	bool detach, keep, no_subreaper, no_pivot, no_new_keyring, strace;
};

static bool id_valid(const char *id)
{
	for (const char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_+-.", *p))
			return false;
	return *id && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

static int prepare(struct sandbox *s, const struct args *a, const char *id, struct error *e)
{
	char text[128];
	int err;

	if (!id_valid(id))
		return error_set(e, "invalid container ID format");
	if (a->detach)
		return error_set(e, "--detach is not supported yet");
	if (a->console_socket)
		return error_set(e, "--console-socket is not supported yet");
	if (a->bundle && chdir(a->bundle) < 0)
		return error_set(e, "chdir %s: %s", a->bundle,
				 error_name(errno, text, sizeof(text)));
	err = sandbox_init(s, e);
	if (!err)
		err = spec_load(s->region, ".", &s->config->spec, e);
	if (!err)
		err = spec_check_host(s->region, &s->config->spec, e);
	if (!err)
		err = sandbox_set_network(s, g_globals.network ? g_globals.network : "host-ns", e);
	if (!err)
		err = sandbox_add_trees(s, e);
	if (!err)
		err = sandbox_cgroup_start(s, id, e);
	if (err)
		return err;
	s->config->strace |= a->strace;
	s->config->uid = s->config->gid =
		0; /* what an ordinary user's own id is inside a container */
	for (u32 i = 0; i < s->config->spec.notice_count; i++)
		log_warning("%s", s->config->spec.notices[i]);
	return 0;
}

static int run_run(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	struct sandbox s;
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!argv[0] || argv[1]) {
		printf("Incorrect Usage.\n\n");
		command_help_text(stdout, self);
		fflush(stdout);
		log_error("runsc: \"run\" requires exactly 1 argument(s)");
		return 1;
	}
	if (prepare(&s, &args, argv[0], &e) < 0)
		status = 1;
	else
		status = sandbox_run(&s, args.pid_file, &e);
	if (e.text[0])
		log_error("runsc run failed: %s", e.text);
	return status;
}

#define ARG(member) offsetof(struct args, member)
static const struct option options[] = {
	{"bundle", 'b', OPTION_VALUE, ARG(bundle),
	 "path to the root of the bundle directory, defaults to the current directory"},
	{"console-socket", 0, OPTION_VALUE, ARG(console_socket), "not supported yet"},
	{"detach", 'd', OPTION_FLAG, ARG(detach), "not supported yet"},
	{"keep", 0, OPTION_FLAG, ARG(keep), "accepted: nothing is kept after the exit"},
	{"pid-file", 0, OPTION_VALUE, ARG(pid_file), "file to write the sentry's process id to"},
	{"no-subreaper", 0, OPTION_FLAG, ARG(no_subreaper), "accepted and ignored"},
	{"no-pivot", 0, OPTION_FLAG, ARG(no_pivot), "accepted and ignored"},
	{"no-new-keyring", 0, OPTION_FLAG, ARG(no_new_keyring), "accepted and ignored"},
	{"preserve-fds", 0, OPTION_VALUE, ARG(preserve_fds), "accepted and ignored"},
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
