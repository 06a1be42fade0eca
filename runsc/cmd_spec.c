/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_spec.c - runsc spec: writes an example config.json */
#include <fcntl.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/spec/spec.h"
#include "sentry/base/log.h"

struct args {
	const char *bundle;
	bool rootless;
};

static int write_example(bool rootless)
{
	int fd = open("config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), err;
	FILE *f;

	if (fd < 0 && errno == EEXIST) {
		log_error("File config.json exists. Remove it first");
		return 1;
	}
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		log_error("open config.json: %s", strerror(errno));
		return 1;
	}
	err = spec_example_write(f, rootless);
	if (fclose(f) != 0 || err) {
		log_error("write config.json: %s", strerror(EIO));
		unlink("config.json");
		return 1;
	}
	return 0;
}

static int run_spec(const struct command *self, char **argv)
{
	struct args args = {0};
	char text[128];
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	if (argv[used]) {
		printf("Incorrect Usage.\n\n");
		command_help_text(stdout, self);
		fflush(stdout);
		log_error("runsc: \"spec\" requires exactly 0 argument(s)");
		return 1;
	}
	if (args.bundle && chdir(args.bundle) < 0) {
		log_error("chdir %s: %s", args.bundle, error_name(errno, text, sizeof(text)));
		return 1;
	}
	return write_example(args.rootless);
}

static const struct option options[] = {
	{"bundle", 'b', OPTION_VALUE, offsetof(struct args, bundle),
	 "path to the root of the bundle directory"},
	{"rootless", 0, OPTION_FLAG, offsetof(struct args, rootless),
	 "generate a configuration for a rootless container"},
	{NULL},
};
const struct command command_spec = {
	.name = "spec",
	.summary = "create a new specification file",
	.arguments = "",
	.description = "Writes an example \"config.json\" into the bundle. Its args run \"sh\": "
		       "edit them,\n"
		       "   and put the container's files into the directory \"rootfs\" beside it.",
	.options = options,
	.run = run_spec,
};
