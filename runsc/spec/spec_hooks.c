/* SPDX-License-Identifier: Apache-2.0 */
/* spec_hooks.c - "hooks" and "annotations" */
#include <errno.h>
#include <unistd.h>

#include "runsc/spec/node.h"

#define HOOKS_MAX 256

static const char *const kind_names[SPEC_HOOK_KINDS] = {
	[SPEC_HOOK_PRESTART] = "prestart",
	[SPEC_HOOK_CREATE_RUNTIME] = "createRuntime",
	[SPEC_HOOK_CREATE_CONTAINER] = "createContainer",
	[SPEC_HOOK_START_CONTAINER] = "startContainer",
	[SPEC_HOOK_POSTSTART] = "poststart",
	[SPEC_HOOK_POSTSTOP] = "poststop",
};

static void parse_hook(const struct node *h, enum spec_hook_kind kind, struct spec_hook *out)
{
	char text[128];

	node_string(h, "path", &out->path);
	node_strings(h, "args", &out->args, NULL);
	node_strings(h, "env", &out->env, NULL);
	node_s64(h, "timeout", &out->timeout);
	if (node_failed(h))
		return;
	if (out->args && !out->args[0])
		out->args = NULL;
	if (!out->path || out->path[0] != '/')
		node_error(h, "path", "must be an absolute path");
	else if (out->timeout < 0)
		node_error(h, "timeout", "must be above 0");
	else if (kind < SPEC_HOOK_START_CONTAINER && access(out->path, X_OK) < 0)
		node_error(h, "path", "%s: %s", out->path, error_name(errno, text, sizeof(text)));
}

void spec_parse_hooks(const struct node *top, struct spec *s)
{
	struct node hooks = node_object(top, "hooks");

	for (int k = 0; k < SPEC_HOOK_KINDS; k++) {
		struct node list = node_array(&hooks, kind_names[k]);
		size_t count = node_count(&list);

		if (count > HOOKS_MAX) {
			node_error(&list, NULL, "more than %d hooks", HOOKS_MAX);
			return;
		}
		s->hooks[k] = region_alloc(top->doc->r, count * sizeof(*s->hooks[k]));
		for (size_t i = 0; i < count; i++) {
			struct node h = node_element_object(&list, i);

			parse_hook(&h, (enum spec_hook_kind)k, &s->hooks[k][i]);
		}
		s->hook_counts[k] = (u32)count;
	}
}

void spec_parse_annotations(const struct node *top, struct spec *s)
{
	struct node map = node_object(top, "annotations");
	struct spec_annotation *a;
	const char *name;
	json_t *v;

	node_check_map(top, "annotations");
	if (node_failed(top) || !map.v)
		return;
	a = region_alloc(top->doc->r, json_object_size(map.v) * sizeof(*a));
	s->annotations = a;
	json_object_foreach(map.v, name, v)
	{
		a->key = region_strdup(top->doc->r, name);
		a->value = region_strdup(top->doc->r, "");
		node_string(&map, name, &a->value);
		a++;
	}
	s->annotation_count = (u32)(a - s->annotations);
}

const char *spec_annotation(const struct spec *s, const char *key)
{
	for (u32 i = 0; i < s->annotation_count; i++)
		if (!strcmp(s->annotations[i].key, key))
			return s->annotations[i].value;
	return NULL;
}
