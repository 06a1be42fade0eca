/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_events.c - runsc events: statistics now and then, and what runs out of memory */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/container.h"

struct args {
	const char *interval;
	bool stats;
};

static void print_event(struct container *c, const char *type, json_t *data)
{
	json_t *event = json_pack("{s:s, s:s}", "type", type, "id", c->id);

	if (data)
		json_object_set_new(event, "data", data);
	json_dumpf(event, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	fflush(stdout);
	json_decref(event);
}

/* "5s", "500ms", "1m" as milliseconds; 0: wrong. */
static int parse_interval(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (!strcmp(end, "s"))
		v *= 1000;
	else if (!strcmp(end, "m"))
		v *= 60000;
	else if (strcmp(end, "ms") != 0)
		return 0;
	return v >= 1 && v <= 1e9 ? (int)v : 0;
}

/* Until the container's process ends. */
static void stream(struct container *c, int interval)
{
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};
	u64 seen = cgroup_oom_count(c->cgroup), count;
	char drop[4096];

	p[0].fd = (int)syscall(SYS_pidfd_open, c->proxy.pid, 0);
	p[1].fd = cgroup_oom_fd(c->cgroup);
	print_event(c, "stats", cgroup_stats(c->cgroup));
	while (p[0].fd >= 0 && !p[0].revents) {
		p[1].revents = 0;
		if (poll(p, 2, interval) == 0)
			print_event(c, "stats", cgroup_stats(c->cgroup));
		if (!p[1].revents)
			continue;
		if (read(p[1].fd, drop, sizeof(drop)) <= 0)
			p[1].fd = -1;
		count = cgroup_oom_count(c->cgroup);
		if (count != seen)
			print_event(c, "oom", NULL);
		seen = count;
	}
}

static int events(struct container *c, const struct args *a, struct error *e)
{
	int interval = parse_interval(a->interval);

	if (!interval)
		return error_set(e, "duration interval must be greater than 0");
	if (container_status(c) == CONTAINER_STOPPED)
		return error_set(e, "container with id %s is not running", c->id);
	if (!c->cgroup)
		return error_set(e, "the container has no cgroup of its own");
	if (a->stats)
		print_event(c, "stats", cgroup_stats(c->cgroup));
	else
		stream(c, interval);
	return 0;
}

static int run_events(const struct command *self, char **argv)
{
	struct args args = {.interval = "5s"};
	struct error e = {0};
	struct container c;
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	if (container_open(&c, argv[0], false, &e) == 0) {
		events(&c, &args, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] != 0;
}

static const struct option options[] = {
	{"interval", 0, OPTION_VALUE, offsetof(struct args, interval),
	 "set the stats collection interval (default: 5s)"},
	{"stats", 0, OPTION_FLAG, offsetof(struct args, stats),
	 "display the container's stats then exit"},
	{NULL},
};
const struct command command_events = {
	.name = "events",
	.summary = "display container events such as OOM notifications, cpu, memory, and IO usage",
	.arguments = "<container-id>",
	.options = options,
	.run = run_events,
};
