/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - runsc help [COMMAND | syscalls [-o table|csv|json]] */
#include "runsc/command.h"
#include "sentry/base/log.h"

struct args {
	const char *format;
};

struct row {
	int nr;
	const char *name, *support, *signature, *note;
};
static const struct row rows[] = {
#define SYSCALL(nr, name, handler, support, signature, note) {nr, #name, #support, signature, note},
#include "syscalls/table.def"
#undef SYSCALL
};

static void write_table(FILE *f)
{
	fprintf(f, "%5s  %-24s %-8s %s\n", "NR", "NAME", "SUPPORT", "NOTE");
	for (size_t i = 0; i < array_size(rows); i++)
		fprintf(f, "%5d  %-24s %-8s %s\n", rows[i].nr, rows[i].name, rows[i].support,
			rows[i].note);
}

static void write_csv(FILE *f)
{
	fprintf(f, "Syscall #,Syscall Name,Support,Note\n");
	for (size_t i = 0; i < array_size(rows); i++)
		fprintf(f, "%d,%s,%s,\"%s\"\n", rows[i].nr, rows[i].name, rows[i].support,
			rows[i].note);
}

static void write_json(FILE *f)
{
	fprintf(f, "[");
	for (size_t i = 0; i < array_size(rows); i++)
		fprintf(f,
			"%s\n  {\"number\": %d, \"name\": \"%s\", \"support\": \"%s\", \"note\": "
			"\"%s\"}",
			i ? "," : "", rows[i].nr, rows[i].name, rows[i].support, rows[i].note);
	fprintf(f, "\n]\n");
}

static int help_syscalls(const struct command *self, char **argv)
{
	struct args args = {.format = "table"};
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	if (!strcmp(args.format, "table")) {
		write_table(stdout);
	} else if (!strcmp(args.format, "csv")) {
		write_csv(stdout);
	} else if (!strcmp(args.format, "json")) {
		write_json(stdout);
	} else {
		log_error("unknown output format \"%s\": table, csv or json", args.format);
		return 1;
	}
	return fflush(stdout) ? 1 : 0;
}

static int run_help(const struct command *self, char **argv)
{
	const struct command *c;
	struct args args = {0};
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!*argv) {
		app_help_text(stdout);
		return 0;
	}
	if (!strcmp(*argv, "syscalls"))
		return help_syscalls(self, argv + 1);
	c = command_find(*argv);
	if (!c) {
		log_error("No help topic for '%s'", *argv);
		return 3;
	}
	command_help_text(stdout, c);
	return 0;
}

static const struct option options[] = {
	{"output", 'o', OPTION_VALUE, offsetof(struct args, format),
	 "of syscalls: table, csv or json (default: \"table\")"},
	{NULL},
};
const struct command command_help = {
	.name = "help",
	.summary = "show help for runsc, a command, or the list of system calls",
	.arguments = "[command | syscalls]",
	.options = options,
	.run = run_help,
};
