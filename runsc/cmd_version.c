/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - runsc version */
#include "runsc/command.h"

static int run_version(const struct command *self, char **argv)
{
	version_text(stdout);
	return 0;
}

static const struct option options[] = {{NULL}};
const struct command command_version = {
	.name = "version",
	.summary = "print the version",
	.arguments = "",
	.options = options,
	.run = run_version,
};
