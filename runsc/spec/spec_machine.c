/* SPDX-License-Identifier: Apache-2.0 */
/* spec_machine.c - of "linux": sysctls, devices, personality, and what is known and not done */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runsc/spec/node.h"

/* Does the host know this sysctl? Names have dots, or slashes, for the slashes of the path. */
static bool sysctl_exists(const char *name)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "/proc/sys/%s", name);

	if (n >= (int)sizeof(path) || strstr(name, ".."))
		return false;
	for (char *p = path + strlen("/proc/sys/"); *p; p++)
		if (*p == '.')
			*p = '/';
	return access(path, F_OK) == 0;
}

/* Which sysctls belong to a namespace, as runc sorts them. */
static bool is_separate(const struct spec *s, const char *name)
{
	static const struct {
		const char *name;
		enum spec_namespace_kind ns;
	} known[] = {
		{"kernel.msgmax", SPEC_NS_IPC},	    {"kernel.msgmnb", SPEC_NS_IPC},
		{"kernel.msgmni", SPEC_NS_IPC},	    {"kernel.sem", SPEC_NS_IPC},
		{"kernel.shmall", SPEC_NS_IPC},	    {"kernel.shmmax", SPEC_NS_IPC},
		{"kernel.shmmni", SPEC_NS_IPC},	    {"kernel.shm_rmid_forced", SPEC_NS_IPC},
		{"fs.mqueue.", SPEC_NS_IPC},	    {"net.", SPEC_NS_NETWORK},
		{"kernel.domainname", SPEC_NS_UTS},
	};

	for (size_t i = 0; i < array_size(known); i++)
		if (!strncmp(known[i].name, name, strlen(known[i].name)))
			return s->namespaces[known[i].ns].present;
	return false;
}

/* Of those, which mean something to a sandbox. */
static bool is_applied(const char *name)
{
	static const char *const applied[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.shmall",
					      "kernel.shmmax", "kernel.domainname"};

	for (size_t i = 0; i < array_size(applied); i++)
		if (!strcmp(applied[i], name))
			return true;
	return !strncmp(name, "net.", 4);
}

static void parse_sysctl(const struct node *n, struct spec *s)
{
	struct node map = node_object(n, "sysctl");
	const char *name;
	json_t *v;

	node_check_map(n, "sysctl");
	if (!map.v || node_failed(n))
		return;
	s->sysctls = region_alloc(n->doc->r, json_object_size(map.v) * sizeof(*s->sysctls));
	json_object_foreach(map.v, name, v)
	{
		struct spec_sysctl *out = &s->sysctls[s->sysctl_count++];

		if (!is_separate(s, name))
			node_error(&map, name, "is not in a separate kernel namespace");
		else if (!sysctl_exists(name))
			node_error(&map, name, "no such file or directory");
		else if (!is_applied(name))
			spec_notice(n->doc->r, s, "config.json: linux.sysctl.%s: is not applied",
				    name);
		out->value = region_strdup(n->doc->r, "");
		node_string(&map, name, &out->value);
		out->name = region_strdup(n->doc->r, name);
		for (char *p = out->name; *p; p++)
			if (*p == '.')
				*p = '/';
	}
}

/* Which nodes mean something inside: those that fs/dev has. */
static bool device_known(const struct spec_device *d)
{
	static const u8 memory[] = {3, 5, 7, 8, 9};

	if (!S_ISCHR(d->mode))
		return S_ISFIFO(d->mode);
	for (size_t i = 0; d->major == 1 && i < array_size(memory); i++)
		if (d->minor == memory[i])
			return true;
	return (d->major == 5 && d->minor <= 2) || d->major == 136;
}

static void parse_device(const struct node *e, struct spec *s)
{
	static const u32 types[] = {S_IFBLK, S_IFCHR, S_IFCHR, S_IFIFO}; /* of "bcup" */
	struct spec_device *d = &s->devices[s->device_count];
	char *type = NULL;
	s64 major = 0, minor = 0;
	u32 mode = 0666;
	const char *at;

	node_string(e, "type", &type);
	node_string(e, "path", &d->path);
	node_s64(e, "major", &major);
	node_s64(e, "minor", &minor);
	node_u32(e, "fileMode", &mode);
	node_u32(e, "uid", &d->uid);
	node_u32(e, "gid", &d->gid);
	if (node_failed(e))
		return;
	at = type && strlen(type) == 1 ? strchr("bcup", type[0]) : NULL;
	if (!at) {
		node_error(e, "type", "invalid device type \"%s\"", type ? type : "");
		return;
	}
	d->mode = types[at - "bcup"] | (mode & 07777);
	d->major = (u32)major;
	d->minor = (u32)minor;
	if (!d->path || d->path[0] != '/')
		return; /* runc makes nothing of it either */
	s->device_count++;
	if (!device_known(d))
		spec_notice(e->doc->r, s,
			    "config.json: linux.devices: %s (%s %u:%u) is there and cannot be "
			    "opened: devices of the host are not passed on",
			    d->path, type, d->major, d->minor);
}

static void parse_devices(const struct node *n, struct spec *s)
{
	struct node list = node_array(n, "devices");
	size_t count = node_count(&list);

	if (count > 4096) {
		node_error(&list, NULL, "more than 4096 devices");
		return;
	}
	s->devices = region_alloc(n->doc->r, count * sizeof(*s->devices));
	for (size_t i = 0; i < count && !node_failed(n); i++) {
		struct node e = node_element_object(&list, i);

		parse_device(&e, s);
	}
}

#define PERSONALITY_32BIT 8 /* PER_LINUX32 */

static void parse_personality(const struct node *n, struct spec *s)
{
	struct node p = node_object(n, "personality"), flags = node_array(&p, "flags");
	char *domain = NULL;

	node_string(&p, "domain", &domain);
	if (node_failed(n) || !p.v)
		return;
	if (domain && !strcmp(domain, "LINUX32"))
		s->personality = PERSONALITY_32BIT;
	else if (!domain || strcmp(domain, "LINUX") != 0)
		node_error(&p, "domain", "invalid personality domain \"%s\"", domain ? domain : "");
	if (node_count(&flags))
		node_error(&p, "flags", "unsupported flags in personality");
}

static void tell_ignored(const struct node *n, struct spec *s)
{
	struct node rdt = node_object(n, "intelRdt"), offsets = node_object(n, "timeOffsets");
	struct region *r = n->doc->r;
	char *label = NULL;

	node_string(n, "mountLabel", &label);
	if (node_failed(n))
		return;
	if (label && *label)
		spec_notice(r, s, "config.json: linux.mountLabel: \"%s\" is not applied", label);
	if (rdt.v)
		spec_notice(r, s, "config.json: linux.intelRdt: is not applied");
	if (offsets.v && json_object_size(offsets.v))
		spec_notice(r, s, "config.json: linux.timeOffsets: clocks are the host's");
}

void spec_parse_machine(const struct node *linux_node, struct spec *s)
{
	parse_sysctl(linux_node, s);
	parse_devices(linux_node, s);
	parse_personality(linux_node, s);
	tell_ignored(linux_node, s);
}
