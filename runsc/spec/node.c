/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - typed access to a JSON document */
#include "runsc/spec/node.h"

#include <stdarg.h>
#include <stdio.h>

#include "sentry/base/strbuf.h"

static void node_way(const struct node *n, struct strbuf *s)
{
	if (!n->parent)
		return;
	node_way(n->parent, s);
	if (!n->key)
		strbuf_printf(s, "[%zu]", n->index);
	else
		strbuf_printf(s, "%s%s", s->len ? "." : "", n->key);
}

int node_error(const struct node *n, const char *key, const char *fmt, ...)
{
	char way[512], text[512];
	struct strbuf s;
	va_list ap;

	strbuf_init(&s, way, sizeof(way));
	node_way(n, &s);
	if (key)
		strbuf_printf(&s, "%s%s", s.len ? "." : "", key);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(n->doc->e, "%s: %s%s%s", n->doc->file, way, s.len ? ": " : "", text);
}

bool node_failed(const struct node *n)
{
	return n->doc->e->text[0] != 0;
}

static const char *type_name(const json_t *v)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",	 [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "a boolean",
		[JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
	};
	return names[json_typeof(v)];
}

/* The value that a getter means, or NULL: absent, null, or something failed before. */
static json_t *node_value(const struct node *n, const char *key)
{
	json_t *v;

	if (!n->v || node_failed(n))
		return NULL;
	v = key ? json_object_get(n->v, key) : n->v;
	return v && !json_is_null(v) ? v : NULL;
}

static void wrong_type(const struct node *n, const char *key, const char *wanted, const json_t *v)
{
	node_error(n, key, "expected %s, found %s", wanted, type_name(v));
}

struct node node_object(const struct node *n, const char *key)
{
	struct node out = {.doc = n->doc, .parent = n, .key = key, .v = node_value(n, key)};

	if (out.v && !json_is_object(out.v)) {
		wrong_type(n, key, "an object", out.v);
		out.v = NULL;
	}
	return out;
}

struct node node_array(const struct node *n, const char *key)
{
	struct node out = {.doc = n->doc, .parent = n, .key = key, .v = node_value(n, key)};

	if (out.v && !json_is_array(out.v)) {
		wrong_type(n, key, "an array", out.v);
		out.v = NULL;
	}
	return out;
}

size_t node_count(const struct node *array)
{
	return array->v ? json_array_size(array->v) : 0;
}

struct node node_element(const struct node *array, size_t i)
{
	return (struct node){.doc = array->doc,
			     .parent = array,
			     .index = i,
			     .v = array->v ? json_array_get(array->v, i) : NULL};
}

struct node node_element_object(const struct node *array, size_t i)
{
	struct node out = node_element(array, i);

	if (out.v && !json_is_object(out.v)) {
		wrong_type(&out, NULL, "an object", out.v);
		out.v = NULL;
	}
	return out;
}

void node_string(const struct node *n, const char *key, char **out)
{
	json_t *v = node_value(n, key);

	if (!v)
		return;
	if (!json_is_string(v))
		wrong_type(n, key, "a string", v);
	else if (strlen(json_string_value(v)) != json_string_length(v))
		node_error(n, key, "the string contains a NUL character");
	else
		*out = region_strdup(n->doc->r, json_string_value(v));
}

void node_bool(const struct node *n, const char *key, bool *out)
{
	json_t *v = node_value(n, key);

	if (!v)
		return;
	if (!json_is_boolean(v))
		wrong_type(n, key, "a boolean", v);
	else
		*out = json_is_true(v);
}

void node_s64(const struct node *n, const char *key, s64 *out)
{
	json_t *v = node_value(n, key);

	if (!v)
		return;
	if (!json_is_integer(v))
		wrong_type(n, key, "a whole number", v);
	else
		*out = json_integer_value(v);
}

/* A number in 0..@limit. Above INT64_MAX jansson reports a real: only u64 fields come there. */
static bool node_unsigned(const struct node *n, const char *key, u64 limit, u64 *out)
{
	json_t *v = node_value(n, key);

	if (!v)
		return false;
	if (json_is_real(v) && limit == UINT64_MAX && json_real_value(v) >= 9223372036854775807.0 &&
	    json_real_value(v) <= 18446744073709551616.0) {
		*out = json_real_value(v) >= 18446744073709549568.0 ? UINT64_MAX
								    : (u64)json_real_value(v);
		return true;
	}
	if (!json_is_integer(v)) {
		wrong_type(n, key, "a whole number", v);
		return false;
	}
	if (json_integer_value(v) < 0 || (u64)json_integer_value(v) > limit) {
		node_error(n, key, "%lld is not between 0 and %llu",
			   (long long)json_integer_value(v), (unsigned long long)limit);
		return false;
	}
	*out = (u64)json_integer_value(v);
	return true;
}

void node_u32(const struct node *n, const char *key, u32 *out)
{
	u64 v;

	if (node_unsigned(n, key, UINT32_MAX, &v))
		*out = (u32)v;
}

void node_u64(const struct node *n, const char *key, u64 *out)
{
	u64 v;

	if (node_unsigned(n, key, UINT64_MAX, &v))
		*out = v;
}

void node_strings(const struct node *n, const char *key, char ***out, u32 *out_count)
{
	struct node a = node_array(n, key);
	size_t count = node_count(&a);
	char **list;

	if (!a.v)
		return;
	list = region_alloc(n->doc->r, (count + 1) * sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		struct node e = node_element(&a, i);

		list[i] = region_strdup(n->doc->r, "");
		node_string(&e, NULL, &list[i]);
	}
	*out = list;
	if (out_count)
		*out_count = (u32)count;
}

void node_check_map(const struct node *n, const char *key)
{
	struct node o = node_object(n, key);
	const char *name;
	json_t *v;

	if (!o.v)
		return;
	json_object_foreach(o.v, name, v) if (!json_is_string(v) && !json_is_null(v))
		wrong_type(&o, name, "a string", v);
}
