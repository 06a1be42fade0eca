/* libs: spec base */
/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - libFuzzer target: config.json
 *
 * The input is a list of changes to the example document of `runsc spec`: a way down the tree, and
 * what stands there from now on; or, when its first byte says so, the document itself. What is
 * accepted must keep the promises of spec.h: lists that end, counts that fit, absolute paths. What
 * is refused has a text that says why.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "runsc/spec/spec.h"
#include "tests/fuzz/fuzz.h"

static char g_bundle[64];
static int g_file = -1;

static void remove_bundle(void)
{
	char name[80];

	snprintf(name, sizeof(name), "%s/config.json", g_bundle);
	unlink(name);
	rmdir(g_bundle);
}

static void setup(void)
{
	char name[80];

	strcpy(g_bundle, "./config-fuzz-XXXXXX");
	check(mkdtemp(g_bundle));
	atexit(remove_bundle);
	snprintf(name, sizeof(name), "%s/config.json", g_bundle);
	g_file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	check(g_file >= 0);
}

static void check_list(char **list, u32 count)
{
	for (u32 i = 0; i < count; i++)
		check(list[i]);
	check(!count || !list[count]);
}

static void check_spec(const struct spec *s)
{
	check_list(s->process.args, s->process.arg_count);
	check_list(s->process.env, s->process.env_count);
	check_list(s->notices, s->notice_count);
	check(s->process.arg_count > 0 && s->process.cwd && s->process.cwd[0] == '/');
	check(!s->process.group_count || s->process.groups);
	check(s->root_path && s->root_path[0] == '/');
	check(!s->mount_count || s->mounts);
	for (u32 i = 0; i < s->mount_count; i++) {
		check(s->mounts[i].destination && s->mounts[i].destination[0] == '/');
		check(s->mounts[i].data &&
		      (s->mounts[i].kind != SPEC_MOUNT_BIND || s->mounts[i].source));
	}
}

/* The example, made once. */
static json_t *example(void)
{
	static json_t *doc;
	char *text = NULL;
	size_t size;
	FILE *f;

	if (doc)
		return doc;
	f = open_memstream(&text, &size);
	check(f && spec_example_write(f, false) == 0);
	fclose(f);
	doc = json_loads(text, 0, NULL);
	check(doc);
	free(text);
	return doc;
}

static json_t *value(struct input *in)
{
	char buf[64];

	switch (take(in, 1) % 10) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(take(in, 1) & 1);
	case 2:
		return json_integer((json_int_t)take(in, 8));
	case 3:
		return json_integer((json_int_t)take(in, 1));
	case 4:
		return json_real(1e10 * (double)take(in, 1));
	case 5:
		return json_array();
	case 6:
		return json_object();
	default:
		return json_stringn_nocheck(buf, strlen(take_string(in, buf, sizeof(buf))));
	}
}

/* One step down an object or array, by number; its last value when there are not so many. */
static json_t *child(json_t *at, u64 nr, const char **out_key)
{
	void *i = json_object_iter(at), *next;

	if (json_is_array(at))
		return json_array_get(at, nr % (json_array_size(at) + !json_array_size(at)));
	if (!i)
		return NULL;
	while (nr-- > 0 && (next = json_object_iter_next(at, i)))
		i = next;
	*out_key = json_object_iter_key(i);
	return json_object_iter_value(i);
}

static void change(json_t *doc, struct input *in)
{
	const char *key = NULL;
	char buf[32];
	json_t *at = doc, *next;
	unsigned depth = take(in, 1) % 6;

	while (depth-- > 0 && (next = child(at, take(in, 1), &key)) &&
	       (json_is_object(next) || json_is_array(next)))
		at = next;
	if (json_is_array(at)) {
		json_array_append_new(at, value(in));
	} else if (take(in, 1) & 1) {
		json_object_set_new_nocheck(at, take_string(in, buf, sizeof(buf)), value(in));
	} else if (child(at, take(in, 1), &key)) {
		strncpy(buf, key, sizeof(buf) - 1);
		buf[sizeof(buf) - 1] = 0;
		json_object_set_new_nocheck(at, buf, value(in));
	}
}

static void write_changed(struct input *in)
{
	json_t *doc = json_deep_copy(example());
	char *text;

	while (more(in))
		change(doc, in);
	text = json_dumps(doc, 0);
	json_decref(doc);
	if (!text) /* not UTF-8 */
		return;
	check(pwrite(g_file, text, strlen(text), 0) == (ssize_t)strlen(text));
	free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct region *r;
	static size_t empty;
	struct input in = {data, data + size};
	struct error e = {{0}};
	struct spec *s;
	int fd;

	if (g_file < 0) {
		setup();
		check(region_create(&r, &fd) == 0);
		empty = r->used;
	}
	memset((char *)r + empty, 0, r->used - empty);
	r->used = empty;
	check(ftruncate(g_file, 0) == 0);
	if (take(&in, 1) == 0xff)
		check(pwrite(g_file, in.at, (size_t)(in.end - in.at), 0) == in.end - in.at);
	else
		write_changed(&in);
	s = region_alloc(r, sizeof(*s));
	if (spec_load(r, g_bundle, s, &e) == 0)
		check_spec(s);
	else
		check(e.text[0]);
	return 0;
}
