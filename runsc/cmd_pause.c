/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pause.c - runsc pause, resume
 *
 * The sentry stops its stubs: that works without a cgroup, and the kernel of the container goes on
 * answering. A cgroup that somebody has frozen counts as paused too, and is thawed.
 */
#include "runsc/command.h"
#include "runsc/container.h"

static const struct option no_options[] = {{NULL}};

static int set_frozen(struct container *c, bool freeze, struct error *e)
{
	struct control_request req = {.type = freeze ? CONTROL_PAUSE : CONTROL_RESUME};
	enum container_status status = container_status(c);
	int err = 0;

	if (freeze && status != CONTAINER_RUNNING && status != CONTAINER_CREATED)
		return error_set(e, "container not running");
	if (!freeze && status != CONTAINER_PAUSED)
		return error_set(e, "container not paused");
	if (!freeze && c->cgroup && cgroup_is_frozen(c->cgroup))
		err = cgroup_freeze(c->cgroup, false, e);
	return err ? err : control_call(c, &req, NULL, 0, NULL, e);
}

static int run(const struct command *self, char **argv)
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
		set_frozen(&c, self == &command_pause, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] != 0;
}

const struct command command_pause = {
	.name = "pause",
	.summary = "suspend all processes of a container",
	.arguments = "<container-id>",
	.options = no_options,
	.run = run,
};
const struct command command_resume = {
	.name = "resume",
	.summary = "let the processes of a paused container go on",
	.arguments = "<container-id>",
	.options = no_options,
	.run = run,
};
