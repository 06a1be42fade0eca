/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state.c - runsc state, list: what containers there are */
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>

#include "runsc/command.h"
#include "runsc/container.h"

static const struct option no_options[] = {{NULL}};

static int run_state(const struct command *self, char **argv)
{
	struct container c;
	struct error e = {0};
	json_t *state;
	int status, used = command_options(self, argv, NULL, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	if (container_open(&c, argv[0], false, &e) < 0) {
		command_error("%s", e.text);
		return 1;
	}
	state = container_state_json(&c, container_status(&c));
	json_dumpf(state, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(state);
	container_close(&c);
	return fflush(stdout) ? 1 : 0;
}

const struct command command_state = {
	.name = "state",
	.summary = "output the state of a container",
	.arguments = "<container-id>",
	.options = no_options,
	.run = run_state,
};

struct list_args {
	const char *format;
	bool quiet;
};

static const char *owner_name(u32 uid, char *buf, size_t size)
{
	const struct passwd *p = getpwuid(uid);

	if (p)
		return p->pw_name;
	snprintf(buf, size, "#%u", uid);
	return buf;
}

static void print_row(struct container *c)
{
	enum container_status status = container_status(c);
	char owner[32];

	printf("%-12s  %-8d  %-8s  %s  %s  %s\n", c->id,
	       status == CONTAINER_STOPPED ? 0 : (int)c->proxy.pid, container_status_name(status),
	       c->bundle, c->created, owner_name(c->owner, owner, sizeof(owner)));
}

static void list_one(const char *id, const struct list_args *a, json_t *array)
{
	struct error e = {0};
	struct container c;
	char owner[32];
	json_t *state;

	if (!container_id_valid(id) || container_open(&c, id, false, &e) < 0)
		return;
	if (a->quiet) {
		printf("%s\n", id);
	} else if (array) {
		state = container_state_json(&c, container_status(&c));
		json_object_set_new(state, "owner",
				    json_string(owner_name(c.owner, owner, sizeof(owner))));
		json_array_append_new(array, state);
	} else {
		print_row(&c);
	}
	container_close(&c);
}

static int run_list(const struct command *self, char **argv)
{
	struct list_args args = {.format = "table"};
	struct error e = {0};
	struct dirent **names = NULL;
	char root[PATH_MAX];
	json_t *array = NULL;
	int status, used = command_options(self, argv, &args, &status), n;

	if (used < 0)
		return status;
	if (!command_arguments(self, argv + used, 0))
		return 1;
	if (strcmp(args.format, "table") != 0 && strcmp(args.format, "json") != 0) {
		command_error("invalid format option");
		return 1;
	}
	if (container_root(false, root, sizeof(root), &e) < 0) {
		command_error("%s", e.text);
		return 1;
	}
	if (!strcmp(args.format, "json") && !args.quiet)
		array = json_array();
	else if (!args.quiet)
		printf("%-12s  %-8s  %-8s  %s  %s  %s\n", "ID", "PID", "STATUS", "BUNDLE",
		       "CREATED", "OWNER");
	n = scandir(root, &names, NULL, alphasort);
	for (int i = 0; i < n; i++)
		list_one(names[i]->d_name, &args, array);
	if (array && n > 0 && json_array_size(array) > 0)
		json_dumpf(array, stdout, JSON_COMPACT);
	else if (array)
		printf("null");
	return fflush(stdout) ? 1 : 0;
}

static const struct option list_options[] = {
	{"format", 'f', OPTION_VALUE, offsetof(struct list_args, format),
	 "select one of: table or json (default: \"table\")"},
	{"quiet", 'q', OPTION_FLAG, offsetof(struct list_args, quiet),
	 "display only container IDs"},
	{NULL},
};
const struct command command_list = {
	.name = "list",
	.summary = "list containers",
	.arguments = "",
	.options = list_options,
	.run = run_list,
};
