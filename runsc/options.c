/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - reads options by table */
#include <stdlib.h>

#include "runsc/command.h"

static const struct option *find(const struct option *options, const char *name, size_t size)
{
	for (; options->name; options++) {
		if (size == 1 && options->letter == name[0])
			return options;
		if (strlen(options->name) == size && !strncmp(options->name, name, size))
			return options;
	}
	return NULL;
}

static int store(const struct option *o, const char *value, void *out, struct error *e)
{
	void *at = (char *)out + o->offset;
	struct option_list *list = at;

	switch (o->kind) {
	case OPTION_FLAG:
		if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return error_set(e, "invalid boolean value \"%s\" for -%s", value, o->name);
		*(bool *)at = !value || !strcmp(value, "true");
		return 0;
	case OPTION_VALUE:
		*(const char **)at = value;
		return 0;
	case OPTION_LIST:
		if (list->count == OPTION_LIST_MAX)
			return error_set(e, "more than %d times -%s", OPTION_LIST_MAX, o->name);
		list->values[list->count++] = value;
		return 0;
	}
	return 0;
}

/* One option at argv[0]: elements used, or -EINVAL. */
static int parse_one(const struct option *options, char **argv, void *out, bool *out_help,
		     struct error *e)
{
	const char *name = argv[0] + (argv[0][1] == '-' ? 2 : 1);
	const char *value = strchr(name, '=');
	size_t size = value ? (size_t)(value - name) : strlen(name);
	const struct option *o = find(options, name, size);
	int used = 1;

	if (!o && !value && (!strcmp(name, "h") || !strcmp(name, "help"))) {
		*out_help = true;
		return 1;
	}
	if (!o)
		return error_set(e, "flag provided but not defined: -%.*s", (int)size, name);
	if (value)
		value++;
	if (!value && o->kind != OPTION_FLAG) {
		value = argv[1];
		if (!value)
			return error_set(e, "flag needs an argument: -%.*s", (int)size, name);
		used = 2;
	}
	return store(o, value, out, e) < 0 ? -EINVAL : used;
}

int options_parse(const struct option *options, char **argv, void *out, bool *out_help,
		  struct error *e)
{
	int i = 0;

	while (argv[i] && argv[i][0] == '-' && argv[i][1]) {
		int used;

		if (!strcmp(argv[i], "--"))
			return i + 1;
		used = parse_one(options, &argv[i], out, out_help, e);
		if (used < 0)
			return used;
		i += used;
	}
	return i;
}

static int write_names(FILE *f, const struct option *o)
{
	const char *value = o->kind == OPTION_FLAG ? "" : " value";
	char text[128];

	if (o->letter)
		snprintf(text, sizeof(text), "--%s%s, -%c%s", o->name, value, o->letter, value);
	else
		snprintf(text, sizeof(text), "--%s%s", o->name, value);
	return f ? fprintf(f, "   %s", text) - 3 : (int)strlen(text);
}

void options_help(FILE *f, const struct option *options)
{
	int width = 0;

	for (const struct option *o = options; o->name; o++)
		width = max(width, write_names(NULL, o));
	for (const struct option *o = options; o->name; o++)
		fprintf(f, "%*s  %s\n", width - write_names(f, o), "", o->help);
}
