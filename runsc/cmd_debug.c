/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_debug.c - runsc debug: what a live sandbox is doing; its strace on and off */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/container.h"

struct args {
	const char *strace;
};

static int report(struct container *c, struct error *e)
{
	struct control_request req = {.type = CONTROL_DEBUG};
	int fd = memfd_create("runsc-debug", MFD_CLOEXEC);
	char buf[4096];
	ssize_t n;
	int err = control_call(c, &req, &fd, 1, NULL, e);

	printf("container %s: proxy %d, sentry %d, gofer %d\n", c->id, (int)c->proxy.pid,
	       (int)c->sentry.pid, (int)c->gofer.pid);
	lseek(fd, 0, SEEK_SET);
	while (!err && (n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	close(fd);
	return err;
}

static int set_strace(struct container *c, const char *how, struct error *e)
{
	struct control_request req = {.type = CONTROL_STRACE, .value = !strcmp(how, "on")};

	if (strcmp(how, "on") != 0 && strcmp(how, "off") != 0)
		return error_set(e, "--strace: it is on or off");
	return control_call(c, &req, NULL, 0, NULL, e);
}

static int run_debug(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	struct container c;
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	if (container_open(&c, argv[0], false, &e) == 0) {
		if (container_status(&c) == CONTAINER_STOPPED)
			error_set(&e, "container not running");
		else if (args.strace)
			set_strace(&c, args.strace, &e);
		else
			report(&c, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] || fflush(stdout) ? 1 : 0;
}

static const struct option options[] = {
	{"strace", 0, OPTION_VALUE, offsetof(struct args, strace),
	 "on or off: system calls of all tasks go to the sandbox's log (ROOT/ID/sandbox.log)"},
	{NULL},
};
const struct command command_debug = {
	.name = "debug",
	.summary = "show the tasks, system calls and open files of a live sandbox",
	.arguments = "<container-id>",
	.options = options,
	.run = run_debug,
};
