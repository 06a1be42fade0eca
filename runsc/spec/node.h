/* SPDX-License-Identifier: Apache-2.0 */
/* node.h - typed access to a JSON document whose errors name file, field and reason
 *
 * Theory of operation: a struct node is a JSON value and the way to it ("process.args[2]"). All
 * getters write their result only when the field is there and right; null counts as not there, as
 * in runc. The first mistake is kept in the document's error and makes all later getters do
 * nothing, so that a parser is a straight list of getters with one check at its end.
 */
#ifndef RUNSC_SPEC_NODE_H
#define RUNSC_SPEC_NODE_H

#include <jansson.h>

#include "runsc/spec/spec.h"

struct doc {
	struct region *r;
	struct error *e;
	const char *file; /* as told to the user */
};

struct node {
	struct doc *doc;
	json_t *v; /* NULL: not there, or an error has been found before */
	const struct node *parent;
	const char *key; /* in parent; NULL for an element of an array */
	size_t index;
};

/* Reports a mistake at @n (or at its field @key, when not NULL): "FILE: WAY: TEXT". */
int node_error(const struct node *n, const char *key, const char *fmt, ...) printf_like(3, 4);
bool node_failed(const struct node *n);

/* The object or array @key of @n; out->v is NULL when it is absent. */
struct node node_object(const struct node *n, const char *key);
struct node node_array(const struct node *n, const char *key);
size_t node_count(const struct node *array);
/* An element; its type is checked to be an object, or by the getter used on it with key NULL. */
struct node node_element(const struct node *array, size_t i);
struct node node_element_object(const struct node *array, size_t i);

/* With @key NULL the node itself is meant. */
void node_string(const struct node *n, const char *key, char **out);
void node_bool(const struct node *n, const char *key, bool *out);
void node_u32(const struct node *n, const char *key, u32 *out);
void node_u64(const struct node *n, const char *key, u64 *out);
void node_s64(const struct node *n, const char *key, s64 *out);
/* An array of strings, ended with NULL; *out_count may be NULL. */
void node_strings(const struct node *n, const char *key, char ***out, u32 *out_count);
/* An object whose values are all strings: only checked. */
void node_check_map(const struct node *n, const char *key);

/* Keeps a notice for the user. */
void spec_notice(struct region *r, struct spec *s, const char *fmt, ...) printf_like(3, 4);

/* The parts of config.json: spec_process.c, spec_mounts.c, spec_linux.c. */
void spec_parse_process(const struct node *top, struct spec *s);
void spec_parse_mounts(const struct node *top, struct spec *s);
void spec_parse_linux(const struct node *top, struct spec *s);
void spec_parse_resources(const struct node *n, struct spec_resources *out);
void spec_parse_hooks(const struct node *top, struct spec *s);
void spec_parse_annotations(const struct node *top, struct spec *s);
void spec_parse_machine(const struct node *linux_node, struct spec *s);
void spec_parse_seccomp(const struct node *linux_node, struct spec *s);

#endif
