/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - commands of runsc and their options
 *
 * Each command is one file with a struct command: a table of options that says where each value
 * goes in the command's own structure, and a function. Help texts come from the same tables.
 * Options are written as runc's users and clients write them: "--name value", "--name=value",
 * "-name value".
 */
#ifndef RUNSC_COMMAND_H
#define RUNSC_COMMAND_H

#include <stdio.h>

#include "runsc/spec/error.h"
#include "sentry/base/types.h"

#define OCI_VERSION "1.0.2-dev"

enum option_kind {
	OPTION_FLAG,  /* bool; "--flag=false" is understood */
	OPTION_VALUE, /* const char * */
	OPTION_LIST,  /* struct option_list: may be given several times */
};
struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	size_t offset; /* of the result in the command's structure */
	const char *help;
};
#define OPTION_LIST_MAX 64
struct option_list {
	const char *values[OPTION_LIST_MAX];
	u32 count;
};

/* Reads options from @argv (NULL-terminated) up to the first other argument or "--"; @options ends
 * with a NULL name. Returns how many elements were used, or -EINVAL with a line in @e. "-h" and
 * "--help" set *out_help. */
int options_parse(const struct option *options, char **argv, void *out, bool *out_help,
		  struct error *e);
/* The OPTIONS part of a help text. */
void options_help(FILE *f, const struct option *options);

/* Global options, before the command. */
struct globals {
	bool debug, systemd_cgroup, version, strace, strict;
	const char *log, *log_format, *root, *criu, *rootless, *network, *rewrite, *cgroup_manager,
		*platform, *file_access, *overlay;
	bool rootless_user; /* not root with all ids of the host */
	u32 spare_id;	    /* root of a user namespace with several ids: one for sentries; 0 */
	int log_fd;
};
extern struct globals g_globals;

struct command {
	const char *name;
	const char *summary;
	const char *arguments;	 /* as the usage line shows them */
	const char *description; /* may be NULL */
	const struct option *options;
	/* @argv: what follows the command's name, NULL-terminated. Returns the exit status. */
	int (*run)(const struct command *self, char **argv);
};

extern const struct command command_do, command_run, command_spec, command_help, command_version,
	command_create, command_start, command_state, command_list, command_kill, command_delete,
	command_exec, command_pause, command_resume, command_ps, command_update, command_events,
	command_debug, command_features, command_checkpoint, command_restore;
/* All of them; ends with NULL. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);
void command_help_text(FILE *f, const struct command *c);
void app_help_text(FILE *f);
void version_text(FILE *f);
/* The one error line of a command that failed: to the log, and to standard error where that is
 * another place. */
void command_error(const char *fmt, ...) printf_like(1, 2);
/* Exactly @count arguments from @argv on? Otherwise tells, as runc does. */
bool command_arguments(const struct command *c, char **argv, int count);
/* Parses a command's options into @out. Returns the number of elements used; otherwise the command
 * is over and its exit status is *out_status (help was asked for, or a wrong option told). */
int command_options(const struct command *c, char **argv, void *out, int *out_status);

#endif
