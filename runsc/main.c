/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - runsc: global options, then one command
 *
 * Exit status and texts follow runc: 1 for what went wrong before the container ran, 3 for an
 * unknown command, otherwise the command's. "boot" and "gofer" are how runsc re-executes itself: no
 * commands for people.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "runsc/boot/boot.h"
#include "runsc/command.h"
#include "runsc/proxy.h"

#define BULKHEAD_VERSION "0.1.0"

struct globals g_globals = {.log_fd = 2};

const struct command *const commands[] = {
	&command_checkpoint, &command_create,
	&command_debug,	     &command_delete,
	&command_do,	     &command_events,
	&command_exec,	     &command_features,
	&command_help,	     &command_kill,
	&command_list,	     &command_pause,
	&command_ps,	     &command_restore,
	&command_resume,     &command_run,
	&command_spec,	     &command_start,
	&command_state,	     &command_update,
	&command_version,    NULL,
};

#define GLOBAL(member) offsetof(struct globals, member)
static const struct option global_options[] = {
	{"debug", 0, OPTION_FLAG, GLOBAL(debug), "enable debug logging"},
	{"strace", 0, OPTION_FLAG, GLOBAL(strace), "print the system calls of all tasks"},
	{"rewrite", 0, OPTION_VALUE, GLOBAL(rewrite),
	 "call sites that trap often become jumps: 'auto' or 'off' (default: \"off\")"},
	{"log", 0, OPTION_VALUE, GLOBAL(log),
	 "file to write log lines to (default: standard error)"},
	{"log-format", 0, OPTION_VALUE, GLOBAL(log_format),
	 "form of log lines: 'text' or 'json' (default: \"text\")"},
	{"root", 0, OPTION_VALUE, GLOBAL(root), "directory for the state of containers"},
	{"criu", 0, OPTION_VALUE, GLOBAL(criu), "accepted and ignored"},
	{"systemd-cgroup", 0, OPTION_FLAG, GLOBAL(systemd_cgroup), "cgroups are made by systemd"},
	{"cgroup-manager", 0, OPTION_VALUE, GLOBAL(cgroup_manager),
	 "cgroupfs, systemd, or disabled: no cgroup at all (default: \"cgroupfs\")"},
	{"rootless", 0, OPTION_VALUE, GLOBAL(rootless),
	 "accepted: what the user may do is found out"},
	{"platform", 0, OPTION_VALUE, GLOBAL(platform), "unotify: there is no other yet"},
	{"file-access", 0, OPTION_VALUE, GLOBAL(file_access),
	 "shared: others change the root's files meanwhile (default: \"exclusive\")"},
	{"overlay", 0, OPTION_VALUE, GLOBAL(overlay),
	 "root:memory: changes of the root stay in the sandbox (default: \"none\")"},
	{"strict", 0, OPTION_FLAG, GLOBAL(strict), "answer every system call in the sentry"},
	{"network", 0, OPTION_VALUE, GLOBAL(network),
	 "network of the guest: none (loopback only), off, host-ns (the container's namespace) or "
	 "host"},
	{"version", 'v', OPTION_FLAG, GLOBAL(version), "print the version"},
	{NULL},
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

void version_text(FILE *f)
{
	fprintf(f, "runsc version %s\ncommit: %s\nspec: %s\n", BULKHEAD_VERSION, "bulkhead",
		OCI_VERSION);
}

void app_help_text(FILE *f)
{
	fprintf(f,
		"NAME:\n   runsc - runs containers on a kernel of their own, in user space\n\n"
		"USAGE:\n   runsc [global options] command [command options] [arguments...]\n\n"
		"VERSION:\n   %s\nspec: %s\n\nCOMMANDS:\n",
		BULKHEAD_VERSION, OCI_VERSION);
	for (size_t i = 0; commands[i]; i++)
		fprintf(f, "   %-8s  %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "\nGLOBAL OPTIONS:\n");
	options_help(f, global_options);
	fprintf(f, "   --help, -h          show help\n");
}

void command_help_text(FILE *f, const struct command *c)
{
	fprintf(f, "NAME:\n   runsc %s - %s\n\nUSAGE:\n   runsc %s%s %s\n", c->name, c->summary,
		c->name, c->options->name ? " [command options]" : "", c->arguments);
	if (c->description)
		fprintf(f, "\nDESCRIPTION:\n   %s\n", c->description);
	if (c->options->name) {
		fprintf(f, "\nOPTIONS:\n");
		options_help(f, c->options);
	}
	fprintf(f, "\n");
}

void command_error(const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("%s", text);
	if (g_globals.log_fd != 2)
		fprintf(stderr, "%s\n", text);
}

bool command_arguments(const struct command *c, char **argv, int count)
{
	int n = 0;

	while (argv[n])
		n++;
	if (n == count)
		return true;
	printf("Incorrect Usage.\n\n");
	command_help_text(stdout, c);
	fflush(stdout);
	command_error("runsc: \"%s\" requires exactly %d argument(s)", c->name, count);
	return false;
}

int command_options(const struct command *c, char **argv, void *out, int *out_status)
{
	struct error e = {0};
	bool help = false;
	int used = options_parse(c->options, argv, out, &help, &e);

	if (used < 0) {
		printf("Incorrect Usage: %s\n\n", e.text);
		command_help_text(stdout, c);
		fflush(stdout);
		log_error("%s", e.text);
		*out_status = 1;
		return -1;
	}
	if (help) {
		command_help_text(stdout, c);
		*out_status = 0;
		return -1;
	}
	return used;
}

/* Where log lines go; 0 or an exit status. */
static int open_log(struct globals *g)
{
	bool json = g->log_format && !strcmp(g->log_format, "json");

	log_init(2, g->debug ? LOG_DEBUG : LOG_WARNING, false);
	if (g->log_format && !json && strcmp(g->log_format, "text") != 0) {
		log_error("invalid log-format: %s", g->log_format);
		return 1;
	}
	if (g->log && *g->log) {
		g->log_fd = open(g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (g->log_fd < 0) {
			log_error("--log: %s: %s", g->log, strerror(errno));
			return 1;
		}
	}
	log_init(g->log_fd, g->debug ? LOG_DEBUG : LOG_WARNING, json);
	return 0;
}

/* Descriptors 0..2 must be open, or those that are opened first would be taken for the stdio. */
static void open_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* Which ids do we have? Root of the host has all of them; root of a user namespace with some may
 * give one away, the last, to a sentry. */
static void look_at_ids(struct globals *g)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count, last = 0;
	bool all = !f;

	while (f && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3) {
		all |= inside == 0 && outside == 0 && count == UINT32_MAX;
		last = max(last, inside + count - 1);
	}
	if (f)
		fclose(f);
	g->rootless_user = geteuid() != 0 || !all;
	g->spare_id = g->rootless_user && geteuid() == 0 ? last : 0;
}

int main(int argc, char **argv)
{
	const struct command *c;
	struct error e = {0};
	bool help = false;
	int used, status;

	if (argc == 2 && !strcmp(argv[0], "runsc-sentry"))
		boot_sentry();
	if (argc == 2 && !strcmp(argv[0], "runsc-gofer"))
		boot_gofer();
	proxy_set_title_area(argv);
	open_stdio();
	used = options_parse(global_options, argv + 1, &g_globals, &help, &e);
	if (used < 0) {
		printf("Incorrect Usage. %s\n\n", e.text);
		app_help_text(stdout);
		fflush(stdout);
		log_error("%s", e.text);
		return 1;
	}
	status = open_log(&g_globals);
	if (status)
		return status;
	look_at_ids(&g_globals);
	argv += 1 + used;
	if (g_globals.version) {
		version_text(stdout);
		return 0;
	}
	if (help || !*argv) {
		app_help_text(stdout);
		return 0;
	}
	c = command_find(*argv);
	if (c)
		return c->run(c, argv + 1);
	log_error("No help topic for '%s'", *argv);
	return 3;
}
