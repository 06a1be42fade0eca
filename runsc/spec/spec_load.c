/* SPDX-License-Identifier: Apache-2.0 */
/* spec_load.c - config.json -> struct spec
 *
 * Checks come in two steps: spec_load looks at the document alone, spec_check_host at what it names
 * on the host. Which input is refused follows runc 1.1 (tests/oci/bad_bundles.sh compares); the
 * texts are our own and say file, field and reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runsc/spec/node.h"

#define CONFIG_MAX (8l << 20)
#define NOTICE_MAX 64

void spec_notice(struct region *r, struct spec *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->notice_count >= NOTICE_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!s->notices)
		s->notices = region_alloc(r, (NOTICE_MAX + 1) * sizeof(*s->notices));
	s->notices[s->notice_count++] = region_strdup(r, text);
}

static int load_json(const char *file, const char *bundle, json_t **out, struct error *e)
{
	json_error_t je;
	struct stat st;
	FILE *f = fopen(file, "re");

	if (!f && errno == ENOENT)
		return error_set_errno(
			e, ENOENT, "JSON specification file config.json not found in %s", bundle);
	if (!f)
		return error_set_errno(e, errno, "open %s", file);
	if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > CONFIG_MAX) {
		fclose(f);
		return error_set(e, "%s: not a regular file of at most %ld MiB", file,
				 CONFIG_MAX >> 20);
	}
	*out = json_loadf(f, JSON_ALLOW_NUL, &je);
	fclose(f);
	if (!*out)
		return error_set(e, "%s: line %d, column %d: %s", file, je.line, je.column,
				 je.text);
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	return error_set(e, "%s: expected an object at the top", file);
}

static void parse_root(const struct node *top, struct spec *s)
{
	struct node n = node_object(top, "root");
	struct region *r = top->doc->r;
	char *path = NULL;

	if (!n.v) {
		if (!node_failed(top))
			node_error(top, "root", "must be specified");
		return;
	}
	node_string(&n, "path", &path);
	node_bool(&n, "readonly", &s->root_readonly);
	if (node_failed(top))
		return;
	if (!path || !*path)
		node_error(&n, "path", "must not be empty");
	else if (path[0] == '/')
		s->root_path = path;
	else
		s->root_path = region_printf(r, "%s/%s", s->bundle, path);
}

static void parse_names(const struct node *top, struct spec *s)
{
	node_string(top, "hostname", &s->hostname);
	node_string(top, "domainname", &s->domainname);
	if (node_failed(top))
		return;
	if (s->hostname && !*s->hostname)
		s->hostname = NULL;
	if (s->hostname && !s->namespaces[SPEC_NS_UTS].present)
		node_error(top, "hostname", "needs a private UTS namespace (linux.namespaces)");
	else if (s->hostname && strlen(s->hostname) > 64)
		node_error(top, "hostname", "longer than 64 characters");
	else if (s->domainname && strlen(s->domainname) > 64)
		node_error(top, "domainname", "longer than 64 characters");
}

int spec_load(struct region *r, const char *bundle, struct spec *out, struct error *e)
{
	char full[PATH_MAX], file[PATH_MAX + 16];
	struct doc doc = {.r = r, .e = e, .file = file};
	struct node top = {.doc = &doc};
	int err;

	if (!realpath(bundle, full))
		return error_set_errno(e, errno, "bundle %s", bundle);
	snprintf(file, sizeof(file), "%s/config.json", full);
	err = load_json(file, full, &top.v, e);
	if (err)
		return err;
	doc.file = region_strdup(r, "config.json");
	out->bundle = region_strdup(r, full);
	out->oci_version = region_strdup(r, "");
	node_string(&top, "ociVersion", &out->oci_version);
	spec_parse_process(&top, out);
	spec_parse_linux(&top, out);
	parse_root(&top, out);
	parse_names(&top, out);
	spec_parse_mounts(&top, out);
	spec_parse_annotations(&top, out);
	spec_parse_hooks(&top, out);
	json_decref(top.v);
	return node_failed(&top) ? -EINVAL : 0;
}

/* The host's own /sys or /proc, as configurations for ordinary users ask for them: the container
 * gets the sentry's, for nothing of the kernel's is served by a gofer. */
static bool take_as_own(struct region *r, struct spec_mount *m)
{
	struct statfs fs;
	bool sys = !strcmp(m->source, "/sys"), proc = !strcmp(m->source, "/proc");

	if ((!sys && !proc) || statfs(m->source, &fs) < 0 ||
	    fs.f_type != (sys ? SYSFS_MAGIC : PROC_SUPER_MAGIC))
		return false;
	m->kind = sys ? SPEC_MOUNT_SYSFS : SPEC_MOUNT_PROC;
	m->type = m->source = region_strdup(r, sys ? "sysfs" : "proc");
	m->flags &= ~(u64)(MS_BIND | MS_REC);
	m->data = region_strdup(r, "");
	return true;
}

int spec_check_host(struct region *r, struct spec *s, struct error *e)
{
	struct stat st;

	if (lstat(s->root_path, &st) < 0)
		return error_set_errno(e, errno, "config.json: root.path: %s", s->root_path);
	if (S_ISLNK(st.st_mode))
		return error_set(e, "config.json: root.path: %s: is a symbolic link", s->root_path);
	if (!S_ISDIR(st.st_mode))
		return error_set_errno(e, ENOTDIR, "config.json: root.path: %s", s->root_path);
	for (u32 i = 0; i < s->mount_count; i++) {
		struct spec_mount *m = &s->mounts[i];

		if (m->kind != SPEC_MOUNT_BIND || take_as_own(r, m))
			continue;
		if (m->source[0] != '/')
			m->source = region_printf(r, "%s/%s", s->bundle, m->source);
		if (stat(m->source, &st) < 0)
			return error_set_errno(e, errno, "config.json: mounts[%u].source: %s", i,
					       m->source);
		m->source_is_dir = S_ISDIR(st.st_mode);
	}
	return 0;
}
