/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - command line, annotations, configuration file */
#include "runsc/settings.h"

#include <ctype.h>
#include <stdio.h>

#include "runsc/command.h"

#define ANNOTATION "dev.bulkhead."
#define LINE_SIZE  512

static int set_bool(bool *out, const char *name, const char *value, struct error *e)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return error_set(e, "%s is \"true\" or \"false\", not \"%s\"", name, value);
	*out = !strcmp(value, "true");
	return 0;
}

static int set_strict(struct sandbox *s, const char *value, struct error *e)
{
	return set_bool(&s->config->strict, "strict", value, e);
}

static int set_strace(struct sandbox *s, const char *value, struct error *e)
{
	return set_bool(&s->config->strace, "strace", value, e);
}

static int set_platform(struct sandbox *s, const char *value, struct error *e)
{
	return strcmp(value, "unotify") == 0
		       ? 0
		       : error_set(e, "platform \"%s\" is not there: only unotify is", value);
}

static int set_file_access(struct sandbox *s, const char *value, struct error *e)
{
	if (strcmp(value, "exclusive") != 0 && strcmp(value, "shared") != 0)
		return error_set(e, "file-access is \"exclusive\" or \"shared\", not \"%s\"",
				 value);
	s->config->root_shared = !strcmp(value, "shared");
	return 0;
}

static int set_overlay(struct sandbox *s, const char *value, struct error *e)
{
	if (strcmp(value, "none") != 0 && strcmp(value, "root:memory") != 0)
		return error_set(e, "overlay is \"none\" or \"root:memory\", not \"%s\"", value);
	s->config->overlay = !strcmp(value, "root:memory");
	return 0;
}

static const struct setting {
	const char *name;
	bool annotation; /* a container may say it */
	const char *fallback;
	int (*set)(struct sandbox *s, const char *value, struct error *e);
} settings[] = {
	{"platform", false, "unotify", set_platform},
	{"network", false, "host-ns", sandbox_set_network},
	{"overlay", true, "none", set_overlay},
	{"file-access", true, "exclusive", set_file_access},
	{"strict", true, "false", set_strict},
	{"strace", true, "false", set_strace},
};

/* What the command line says; NULL: nothing. */
static const char *from_command_line(const char *name)
{
	if (!strcmp(name, "platform"))
		return g_globals.platform;
	if (!strcmp(name, "network"))
		return g_globals.network;
	if (!strcmp(name, "overlay"))
		return g_globals.overlay;
	if (!strcmp(name, "file-access"))
		return g_globals.file_access;
	if (!strcmp(name, "strict"))
		return g_globals.strict ? "true" : NULL;
	return g_globals.strace ? "true" : NULL;
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

/* One line of the file; @values[i] is what it says of settings[i]. */
static int take_line(struct region *r, char *line, int number, const char **values, struct error *e)
{
	char *name = trim(line), *value = strchr(name, '=');

	if (!*name || *name == '#')
		return 0;
	if (!value)
		return error_set(e, "%s: line %d: expected NAME = VALUE", SETTINGS_FILE, number);
	*value++ = 0;
	name = trim(name);
	for (size_t i = 0; i < array_size(settings); i++)
		if (!strcmp(settings[i].name, name)) {
			values[i] = region_strdup(r, trim(value));
			return 0;
		}
	return error_set(e, "%s: line %d: there is no setting \"%s\"", SETTINGS_FILE, number, name);
}

static int read_file(struct region *r, const char **values, struct error *e)
{
	FILE *f = fopen(SETTINGS_FILE, "re");
	char line[LINE_SIZE];
	int err = 0;

	for (int n = 1; f && !err && fgets(line, sizeof(line), f); n++)
		err = take_line(r, line, n, values, e);
	if (f)
		fclose(f);
	return err;
}

static const char *from_annotation(const struct spec *s, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), ANNOTATION "%s", name);
	return spec_annotation(s, key);
}

int settings_apply(struct sandbox *s, struct error *e)
{
	const char *values[array_size(settings)] = {NULL};
	int err = read_file(s->region, values, e);

	for (size_t i = 0; i < array_size(settings) && !err; i++) {
		const struct setting *k = &settings[i];
		const char *line = from_command_line(k->name);
		const char *note = from_annotation(&s->config->spec, k->name);

		if (note && !k->annotation)
			return error_set(e,
					 "annotation " ANNOTATION "%s: not for a container to say",
					 k->name);
		err = k->set(s, line ? line : note ? note : values[i] ? values[i] : k->fallback, e);
	}
	return err;
}
