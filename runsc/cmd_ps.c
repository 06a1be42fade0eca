/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ps.c - runsc ps: processes of a container
 *
 * As JSON: the processes of the host that stand for guest processes, which clients look up
 * (proxies: all that share the mount namespace of the container's). As a table: what runs inside,
 * as the sentry tells it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/container.h"

struct args {
	const char *format;
};

static bool mount_namespace(pid_t pid, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	n = readlink(path, out, size - 1);
	if (n <= 0)
		return false;
	out[n] = 0;
	return true;
}

static void add_if_proxy(json_t *array, pid_t pid, const char *ns)
{
	char theirs[64];

	if (pid > 0 && mount_namespace(pid, theirs, sizeof(theirs)) && !strcmp(ns, theirs))
		json_array_append_new(array, json_integer(pid));
}

static json_t *proxies(struct container *c)
{
	json_t *array = json_array();
	struct dirent *ent;
	char ns[64];
	pid_t *pids = NULL;
	size_t count = 0;
	DIR *d;

	if (!mount_namespace(c->proxy.pid, ns, sizeof(ns)))
		return array;
	if (c->cgroup && cgroup_pids(c->cgroup, &pids, &count) == 0 && count > 0) {
		for (size_t i = 0; i < count; i++)
			add_if_proxy(array, pids[i], ns);
		free(pids);
		return array;
	}
	d = opendir("/proc");
	while (d && (ent = readdir(d)) != NULL)
		add_if_proxy(array, (pid_t)atoi(ent->d_name), ns);
	if (d)
		closedir(d);
	return array;
}

static int print_json(struct container *c)
{
	json_t *array;

	if (container_status(c) == CONTAINER_STOPPED) {
		printf("null\n");
		return 0;
	}
	array = proxies(c);
	json_dumpf(array, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(array);
	return 0;
}

static int print_table(struct container *c, struct error *e)
{
	struct control_request req = {.type = CONTROL_PS};
	int fd = memfd_create("runsc-ps", MFD_CLOEXEC), err;
	int pid, ppid;
	unsigned uid;
	char state, comm[32];
	FILE *f;

	if (container_status(c) == CONTAINER_STOPPED)
		return error_set(e, "container not running");
	err = control_call(c, &req, &fd, 1, NULL, e);
	f = err ? NULL : fdopen(fd, "r");
	if (!f)
		return err;
	rewind(f);
	printf("%-8s %7s %7s %s %s\n", "UID", "PID", "PPID", "S", "CMD");
	while (fscanf(f, "%d %d %u %c %31[^\n]", &pid, &ppid, &uid, &state, comm) == 5)
		printf("%-8u %7d %7d %c %s\n", uid, pid, ppid, state, comm);
	fclose(f);
	return 0;
}

static int run_ps(const struct command *self, char **argv)
{
	struct args args = {.format = "table"};
	struct error e = {0};
	struct container c;
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!argv[0]) {
		command_arguments(self, argv, 1);
		return 1;
	}
	if (strcmp(args.format, "table") != 0 && strcmp(args.format, "json") != 0) {
		command_error("invalid format option");
		return 1;
	}
	if (container_open(&c, argv[0], false, &e) == 0) {
		if (!strcmp(args.format, "json"))
			print_json(&c);
		else
			print_table(&c, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] || fflush(stdout) ? 1 : 0;
}

static const struct option options[] = {
	{"format", 'f', OPTION_VALUE, offsetof(struct args, format),
	 "select one of: table or json (default: \"table\")"},
	{NULL},
};
const struct command command_ps = {
	.name = "ps",
	.summary = "display the processes of a container",
	.arguments = "<container-id> [ps options]",
	.options = options,
	.run = run_ps,
};
