/* SPDX-License-Identifier: Apache-2.0 */
/* spec_linux.c - the "linux" object: namespaces, hidden paths; and the check of what is not
 * honoured */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runsc/spec/node.h"

static const char *const namespace_names[SPEC_NS_COUNT] = {
	[SPEC_NS_PID] = "pid",	     [SPEC_NS_NETWORK] = "network", [SPEC_NS_IPC] = "ipc",
	[SPEC_NS_UTS] = "uts",	     [SPEC_NS_MOUNT] = "mount",	    [SPEC_NS_USER] = "user",
	[SPEC_NS_CGROUP] = "cgroup", [SPEC_NS_TIME] = "time",
};

static int find_namespace(const char *name)
{
	for (int i = 0; i < SPEC_NS_COUNT; i++)
		if (!strcmp(namespace_names[i], name))
			return i;
	return -1;
}

/* Is the file at @path a namespace of this kind? "net:[4026531840]" is what its link says. */
static void check_namespace_path(const struct node *n, int kind, const char *path)
{
	static const char *const prefix[SPEC_NS_COUNT] = {
		"pid:", "net:", "ipc:", "uts:", "mnt:", "user:", "cgroup:", "time:"};
	char link[64];
	ssize_t len;

	if (access(path, F_OK) < 0) {
		node_error(n, "path", "%s: %s", path,
			   errno == ENOENT ? "no such file or directory" : strerror(errno));
		return;
	}
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return;
	link[len] = 0;
	if (strchr(link, '[') && strncmp(link, prefix[kind], strlen(prefix[kind])) != 0)
		node_error(n, "path", "%s: is no %s namespace", path, namespace_names[kind]);
}

static void parse_namespaces(const struct node *linux_node, struct spec *s)
{
	struct node list = node_array(linux_node, "namespaces");

	for (size_t i = 0; i < node_count(&list); i++) {
		struct node e = node_element_object(&list, i);
		char *type = NULL, *path = NULL;
		int kind;

		node_string(&e, "type", &type);
		node_string(&e, "path", &path);
		if (node_failed(&e))
			return;
		kind = find_namespace(type ? type : "");
		if (kind < 0) {
			node_error(&e, "type", "namespace \"%s\" does not exist", type ? type : "");
		} else if (s->namespaces[kind].present) {
			node_error(&e, "type", "duplicated namespace \"%s\"", type);
		} else {
			s->namespaces[kind].present = true;
			s->namespaces[kind].path = path && *path ? path : NULL;
			if (s->namespaces[kind].path)
				check_namespace_path(&e, kind, path);
		}
	}
}

static void parse_hidden_paths(const struct node *n, struct spec *s)
{
	s->masked_paths = region_alloc(n->doc->r, sizeof(char *));
	s->readonly_paths = region_alloc(n->doc->r, sizeof(char *));
	node_strings(n, "maskedPaths", &s->masked_paths, NULL);
	node_strings(n, "readonlyPaths", &s->readonly_paths, NULL);
	if (node_failed(n) || s->namespaces[SPEC_NS_MOUNT].present)
		return;
	if (s->masked_paths[0] || s->readonly_paths[0])
		node_error(n, s->masked_paths[0] ? "maskedPaths" : "readonlyPaths",
			   "unable to restrict paths without a private mount namespace");
}

static struct spec_id_map *parse_id_maps(const struct node *n, const char *key, u32 *out_count)
{
	struct node list = node_array(n, key);
	u32 count = (u32)node_count(&list);
	struct spec_id_map *maps;

	if (count > 340) {
		node_error(n, key, "more than 340 ranges");
		return NULL;
	}
	maps = region_alloc(n->doc->r, (count + 1) * sizeof(*maps));
	for (u32 i = 0; i < count; i++) {
		struct node e = node_element_object(&list, i);

		node_u32(&e, "containerID", &maps[i].inside);
		node_u32(&e, "hostID", &maps[i].outside);
		node_u32(&e, "size", &maps[i].count);
	}
	*out_count = count;
	return maps;
}

static void parse_mappings(const struct node *n, struct spec *s)
{
	const struct spec_namespace *user = &s->namespaces[SPEC_NS_USER];
	u32 uids = 0, gids = 0;

	s->uid_maps = parse_id_maps(n, "uidMappings", &uids);
	s->gid_maps = parse_id_maps(n, "gidMappings", &gids);
	if (node_failed(n) || !user->present)
		return;
	if (user->path) {
		spec_notice(n->doc->r, s,
			    "config.json: linux.namespaces: the ids of a user namespace by path "
			    "are not applied");
	} else if (!uids || !gids) {
		node_error(n, uids ? "gidMappings" : "uidMappings",
			   "user namespace enabled, but no mappings found");
	} else {
		s->uid_map_count = uids;
		s->gid_map_count = gids;
	}
}

static void parse_resources(const struct node *linux_node, struct spec *s)
{
	struct node n = node_object(linux_node, "resources"), mem;

	spec_parse_resources(&n, &s->resources);
	mem = node_object(&n, "memory");
	if (!node_failed(&n) && s->resources.memory.limit > 0 &&
	    s->resources.memory.limit < (1 << 20))
		node_error(&mem, "limit", "%lld bytes are too small to start in",
			   (long long)s->resources.memory.limit);
}

static void check_propagation(const struct node *n, struct spec *s)
{
	static const char *const known[] = {"",	       "private",    "rprivate",
					    "slave",   "rslave",     "shared",
					    "rshared", "unbindable", "runbindable"};
	char *value = NULL;

	node_string(n, "rootfsPropagation", &value);
	if (!value)
		return;
	for (size_t i = 0; i < array_size(known); i++)
		if (!strcmp(known[i], value)) {
			/* The mounts inside are the sandbox's own: none comes from the host later.
			 */
			if (i > 4)
				spec_notice(n->doc->r, s,
					    "config.json: linux.rootfsPropagation: %s: mounts "
					    "inside are private",
					    value);
			return;
		}
	node_error(n, "rootfsPropagation", "\"%s\" is not supported", value);
}

void spec_parse_linux(const struct node *top, struct spec *s)
{
	struct node n = node_object(top, "linux");

	parse_namespaces(&n, s);
	parse_hidden_paths(&n, s);
	parse_mappings(&n, s);
	spec_parse_machine(&n, s);
	parse_resources(&n, s);
	check_propagation(&n, s);
	node_string(&n, "cgroupsPath", &s->cgroups_path);
	spec_parse_seccomp(&n, s);
}
