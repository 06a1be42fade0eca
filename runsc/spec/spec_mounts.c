/* SPDX-License-Identifier: Apache-2.0 */
/* spec_mounts.c - the "mounts" array: kinds, options, and what each file system accepts */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "runsc/spec/node.h"

struct option_name {
	const char *name;
	u64 set, clear;
};

/* Options that are flags, as mount(8) and runc name them. */
static const struct option_name option_names[] = {
	{"defaults", 0, 0},
	{"ro", MS_RDONLY, 0},
	{"rw", 0, MS_RDONLY},
	{"suid", 0, MS_NOSUID},
	{"nosuid", MS_NOSUID, 0},
	{"dev", 0, MS_NODEV},
	{"nodev", MS_NODEV, 0},
	{"exec", 0, MS_NOEXEC},
	{"noexec", MS_NOEXEC, 0},
	{"sync", MS_SYNCHRONOUS, 0},
	{"async", 0, MS_SYNCHRONOUS},
	{"dirsync", MS_DIRSYNC, 0},
	{"remount", MS_REMOUNT, 0},
	{"mand", MS_MANDLOCK, 0},
	{"nomand", 0, MS_MANDLOCK},
	{"atime", 0, MS_NOATIME},
	{"noatime", MS_NOATIME, 0},
	{"diratime", 0, MS_NODIRATIME},
	{"nodiratime", MS_NODIRATIME, 0},
	{"bind", MS_BIND, 0},
	{"rbind", MS_BIND | MS_REC, 0},
	{"relatime", MS_RELATIME, 0},
	{"norelatime", 0, MS_RELATIME},
	{"strictatime", MS_STRICTATIME, 0},
	{"nostrictatime", 0, MS_STRICTATIME},
	{"iversion", 0, 0},
	{"noiversion", 0, 0},
	{"silent", 0, 0},
	{"loud", 0, 0},
	{"private", 0, 0},
	{"rprivate", 0, 0},
	{"slave", 0, 0},
	{"rslave", 0, 0},
	{"shared", 0, 0},
	{"rshared", 0, 0},
	{"unbindable", 0, 0},
	{"runbindable", 0, 0},
	{"rro", MS_RDONLY, 0},
	{"rrw", 0, MS_RDONLY},
	{"rsuid", 0, MS_NOSUID},
	{"rnosuid", MS_NOSUID, 0},
	{"rdev", 0, MS_NODEV},
	{"rnodev", MS_NODEV, 0},
	{"rexec", 0, MS_NOEXEC},
	{"rnoexec", MS_NOEXEC, 0},
	{"tmpcopyup", 0, 0}, /* and copy_up */
};

/* What each type takes beside the flags; '=' at the end: needs a value, "#" after it: a number,
 * "8": an octal one, "s": a size. */
struct kind_name {
	const char *type;
	enum spec_mount_kind kind;
	const char *options[12];
};
static const struct kind_name kinds[] = {
	{"bind", SPEC_MOUNT_BIND, {"*"}},
	{"tmpfs",
	 SPEC_MOUNT_TMPFS,
	 {"size=s", "nr_blocks=s", "nr_inodes=s", "mode=8", "uid=#", "gid=#", "huge=", "inode32",
	  "inode64", "mpol=", "noswap"}},
	{"proc", SPEC_MOUNT_PROC, {"hidepid=", "gid=#", "subset="}},
	{"sysfs", SPEC_MOUNT_SYSFS, {NULL}},
	{"devpts",
	 SPEC_MOUNT_DEVPTS,
	 {"newinstance", "ptmxmode=8", "mode=8", "uid=#", "gid=#", "max=#"}},
	{"mqueue", SPEC_MOUNT_MQUEUE, {NULL}},
	{"cgroup", SPEC_MOUNT_CGROUP, {"*"}},
	{"cgroup2", SPEC_MOUNT_CGROUP, {"*"}},
};

const char *spec_mount_option_name(size_t i)
{
	return i < array_size(option_names) ? option_names[i].name : NULL;
}

void spec_mount_option(struct region *r, struct spec_mount *m, const char *option)
{
	m->copy_up = m->copy_up || !strcmp(option, "tmpcopyup");
	for (size_t i = 0; i < array_size(option_names); i++)
		if (!strcmp(option_names[i].name, option)) {
			m->flags = (m->flags & ~option_names[i].clear) | option_names[i].set;
			return;
		}
	m->data = *m->data ? region_printf(r, "%s,%s", m->data, option) : region_strdup(r, option);
}

static bool value_ok(const char *value, char form)
{
	char *end;

	if (!form)
		return *value != 0;
	if (*value < '0' || *value > '9')
		return false;
	strtoull(value, &end, form == '8' ? 8 : 10);
	if (form == 's' && *end && strchr("kKmMgGtT%", *end))
		end++;
	return *end == 0;
}

static bool option_ok(const struct kind_name *k, const char *option)
{
	const char *eq = strchr(option, '=');

	for (size_t i = 0; i < array_size(k->options) && k->options[i]; i++) {
		const char *known = k->options[i], *known_eq = strchr(known, '=');
		size_t n = known_eq ? (size_t)(known_eq - known) : strlen(known);

		if (!strcmp(known, "*"))
			return true;
		if (!eq != !known_eq || strncmp(known, option, n) != 0 ||
		    (option[n] != 0 && option[n] != '='))
			continue;
		return !known_eq || value_ok(eq + 1, known_eq[1]);
	}
	return false;
}

/* Of options that are flags, those that say more than the sandbox does. */
static void judge_option(const struct node *n, struct spec *s, const char *option)
{
	static const char *const propagated[] = {"shared", "rshared", "slave", "rslave"};

	for (size_t i = 0; i < array_size(propagated); i++)
		if (!strcmp(propagated[i], option))
			spec_notice(n->doc->r, s,
				    "config.json: mounts[%zu].options: %s: what the host mounts "
				    "there later is not seen",
				    n->index, option);
	if (!strcmp(option, "idmap") || !strcmp(option, "ridmap"))
		node_error(n, "options", "%s: mounts with mapped ids are not supported", option);
}

static void parse_options(const struct node *n, struct spec *s, struct spec_mount *m)
{
	char **options = NULL;
	u32 count = 0;

	m->data = region_strdup(n->doc->r, "");
	node_strings(n, "options", &options, &count);
	for (u32 i = 0; !node_failed(n) && i < count; i++) {
		judge_option(n, s, options[i]);
		spec_mount_option(n->doc->r, m, options[i]);
	}
}

static const struct kind_name *find_kind(const struct spec_mount *m)
{
	if (m->flags & MS_BIND)
		return &kinds[0];
	for (size_t i = 0; m->type && i < array_size(kinds); i++)
		if (!strcmp(kinds[i].type, m->type))
			return &kinds[i];
	return NULL;
}

static void check_options(const struct node *n, const struct kind_name *k, struct spec_mount *m)
{
	char *copy = strdup(m->data), *save = NULL;

	for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save))
		if (!option_ok(k, o))
			node_error(n, "options", "\"%s\" is no option of %s: invalid argument", o,
				   k->type);
	free(copy);
}

static void parse_mount(const struct node *n, struct spec *s, struct spec_mount *m)
{
	struct region *r = n->doc->r;
	const struct kind_name *k;
	struct node maps;

	m->source = region_strdup(r, "");
	node_string(n, "destination", &m->destination);
	node_string(n, "type", &m->type);
	node_string(n, "source", &m->source);
	parse_options(n, s, m);
	maps = node_array(n, "uidMappings");
	if (node_count(&maps))
		node_error(n, "uidMappings", "mounts with mapped ids are not supported");
	if (node_failed(n))
		return;
	k = find_kind(m);
	if (!m->destination || !*m->destination) {
		node_error(n, "destination", "must not be empty");
		return;
	}
	if (!k) {
		node_error(n, "type", "\"%s\": no such file system: no such device",
			   m->type ? m->type : "");
		return;
	}
	m->kind = k->kind;
	m->type = region_strdup(r, k->type);
	check_options(n, k, m);
	if (m->destination[0] != '/') {
		spec_notice(r, s, "config.json: mounts[%zu].destination: %s is not absolute",
			    n->index, m->destination);
		m->destination = region_printf(r, "/%s", m->destination);
	}
}

void spec_parse_mounts(const struct node *top, struct spec *s)
{
	struct node list = node_array(top, "mounts");
	size_t count = node_count(&list);

	if (count > 200) {
		node_error(&list, NULL, "more than 200 mounts");
		return;
	}
	s->mounts = region_alloc(top->doc->r, count * sizeof(*s->mounts));
	for (size_t i = 0; i < count; i++) {
		struct node n = node_element_object(&list, i);

		parse_mount(&n, s, &s->mounts[s->mount_count++]);
	}
}
