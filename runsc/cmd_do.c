/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_do.c - runsc do: a command on the host's files, whose changes stay in memory */
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/sandbox.h"

extern char **environ;

struct args {
	const char *root, *cwd, *network;
	struct option_list volumes;
	bool strace, strict, stats;
};

/* "SRC:DST" or "SRC:DST:ro" (also ":rw"). */
static int add_volume(struct region *r, struct spec *s, const char *text, struct error *e)
{
	struct spec_mount *m = &s->mounts[s->mount_count];
	char source[PATH_MAX], *copy = region_strdup(r, text), *dst = strchr(copy, ':'), *mode;
	struct stat st;

	if (!dst || dst[1] != '/')
		return error_set(e, "--volume %s: expected SRC:DST[:ro] with an absolute DST",
				 text);
	*dst++ = 0;
	mode = strchr(dst, ':');
	if (mode)
		*mode++ = 0;
	if (mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
		return error_set(e, "--volume %s: \"%s\" is neither ro nor rw", text, mode);
	if (!realpath(copy, source) || stat(source, &st) < 0)
		return error_set_errno(e, errno, "--volume %s: %s", text, copy);
	*m = (struct spec_mount){
		.kind = SPEC_MOUNT_BIND,
		.destination = dst,
		.type = region_strdup(r, "bind"),
		.source = region_strdup(r, source),
		.flags = MS_BIND | MS_REC | (mode && !strcmp(mode, "ro") ? MS_RDONLY : 0),
		.data = region_strdup(r, ""),
		.source_is_dir = S_ISDIR(st.st_mode),
	};
	s->mount_count++;
	return 0;
}

static char **copy_list(struct region *r, char **list, u32 *out_count)
{
	char **out;
	u32 n = 0;

	while (list[n])
		n++;
	out = region_alloc(r, (n + 1) * sizeof(*out));
	for (u32 i = 0; i < n; i++)
		out[i] = region_strdup(r, list[i]);
	*out_count = n;
	return out;
}

/* The caller's own ids, groups, limits and rights. */
static void copy_identity(struct region *r, struct spec_process *p)
{
	gid_t groups[NGROUPS_MAX > 1024 ? 1024 : NGROUPS_MAX];
	int n = getgroups(array_size(groups), groups);

	p->uid = geteuid();
	p->gid = getegid();
	p->umask = umask(0);
	umask(p->umask);
	p->group_count = n > 0 ? (u32)n : 0;
	p->groups = region_alloc(r, p->group_count * sizeof(u32));
	for (u32 i = 0; i < p->group_count; i++)
		p->groups[i] = groups[i];
	p->has_caps = true;
	p->bounding = (1ull << 41) - 1;
	if (p->uid == 0)
		p->permitted = p->effective = p->bounding;
	for (int i = 0; i < SPEC_RLIMITS; i++) {
		struct rlimit l;

		if (getrlimit((__rlimit_resource_t)i, &l) < 0)
			continue;
		p->rlimits[i] = (struct spec_rlimit){true, l.rlim_cur, l.rlim_max};
	}
}

static int fill_root(struct sandbox *s, const struct args *a, struct error *e)
{
	struct spec *spec = &s->config->spec;
	char path[PATH_MAX];
	struct stat st;

	if (!realpath(a->root ? a->root : "/", path) || stat(path, &st) < 0)
		return error_set_errno(e, errno, "--root %s", a->root);
	if (!S_ISDIR(st.st_mode))
		return error_set_errno(e, ENOTDIR, "--root %s", a->root);
	spec->root_path = region_strdup(s->region, path);
	if (a->cwd && a->cwd[0] != '/')
		return error_set(e, "--cwd %s: must be an absolute path", a->cwd);
	if (a->cwd)
		spec->process.cwd = region_strdup(s->region, a->cwd);
	else if (!a->root && getcwd(path, sizeof(path)) && path[0] == '/')
		spec->process.cwd = region_strdup(s->region, path);
	else
		spec->process.cwd = region_strdup(s->region, "/");
	return 0;
}

static int prepare(struct sandbox *s, const struct args *a, char **argv, struct error *e)
{
	struct region *r;
	struct spec *spec;
	char host[65];
	int err = sandbox_init(s, e);

	if (err)
		return err;
	r = s->region;
	spec = &s->config->spec;
	s->config->default_mounts = true;
	s->config->overlay = true;
	s->config->strace |= a->strace;
	s->config->strict = a->strict;
	s->config->stats = a->stats;
	err = fill_root(s, a, e);
	if (err)
		return err;
	spec->process.args = copy_list(r, argv, &spec->process.arg_count);
	spec->process.env = copy_list(r, environ, &spec->process.env_count);
	copy_identity(r, &spec->process);
	if (gethostname(host, sizeof(host)) == 0)
		spec->hostname = region_strdup(r, host);
	spec->masked_paths = region_alloc(r, sizeof(char *));
	spec->readonly_paths = region_alloc(r, sizeof(char *));
	spec->mounts = region_alloc(r, OPTION_LIST_MAX * sizeof(*spec->mounts));
	for (u32 i = 0; i < a->volumes.count; i++) {
		err = add_volume(r, spec, a->volumes.values[i], e);
		if (err)
			return err;
	}
	err = sandbox_set_network(s,
				  a->network	      ? a->network
				  : g_globals.network ? g_globals.network
						      : "none",
				  e);
	return err ? err : sandbox_add_trees(s, e);
}

static int run_do(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	struct sandbox s;
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!argv[0]) {
		log_error("runsc do: a command is needed");
		return 1;
	}
	if (prepare(&s, &args, argv, &e) < 0)
		status = 1;
	else
		status = sandbox_run(&s, NULL, &e);
	if (e.text[0])
		log_error("runsc do failed: %s", e.text);
	return status;
}

#define ARG(member) offsetof(struct args, member)
static const struct option options[] = {
	{"root", 0, OPTION_VALUE, ARG(root), "directory that becomes the root (default: \"/\")"},
	{"cwd", 0, OPTION_VALUE, ARG(cwd), "working directory inside (default: the present one)"},
	{"volume", 'v', OPTION_LIST, ARG(volumes),
	 "SRC:DST[:ro], a file or directory to be shared with the host; may be repeated"},
	{"network", 0, OPTION_VALUE, ARG(network),
	 "none (default: loopback only), off (no internet sockets) or host (the host's own "
	 "network)"},
	{"strace", 0, OPTION_FLAG, ARG(strace), "print the system calls of all tasks"},
	{"stats", 0, OPTION_FLAG, ARG(stats),
	 "print at the end what was counted: calls, events, copies"},
	{"strict", 0, OPTION_FLAG, ARG(strict), "answer every system call in the sentry"},
	{NULL},
};
const struct command command_do = {
	.name = "do",
	.summary = "run a command on the host's files; its changes stay in memory",
	.arguments = "[--] command [arguments...]",
	.description =
		"The host's root is read-only below a memory overlay. Terminal, signals and exit\n"
		"   status are passed through. Works for root and for ordinary users.",
	.options = options,
	.run = run_do,
};
