/* SPDX-License-Identifier: Apache-2.0 */
/* locate.c - where a container's cgroup is to be, in each hierarchy
 *
 * Theory of operation: /proc/self/mountinfo says where the hierarchies are, /proc/self/cgroup where
 * in them the caller is. A host is v2 when a cgroup2 is what /sys/fs/cgroup is; otherwise all v1
 * hierarchies are used, and the unified one beside them. A mount on /sys/fs/cgroup itself hides
 * what was mounted below before. An absolute cgroupsPath counts from the root of each hierarchy, a
 * relative one (and the default, the container's id) from the caller's own cgroup; on v2 from its
 * parent, because a cgroup that holds processes cannot hand controllers down.
 */
#include <stdlib.h>
#include <unistd.h>

#include "runsc/cgroup/cgroup_internal.h"

#define TOP "/sys/fs/cgroup"

const char *const cgroup_sub_names[SUB_COUNT] = {
	[SUB_CPUSET] = "cpuset",
	[SUB_DEVICES] = "devices",
	[SUB_MEMORY] = "memory",
	[SUB_CPU] = "cpu",
	[SUB_CPUACCT] = "cpuacct",
	[SUB_PIDS] = "pids",
	[SUB_BLKIO] = "blkio",
	[SUB_HUGETLB] = "hugetlb",
	[SUB_NET_CLS] = "net_cls",
	[SUB_NET_PRIO] = "net_prio",
	[SUB_PERF_EVENT] = "perf_event",
	[SUB_FREEZER] = "freezer",
	[SUB_RDMA] = "rdma",
	[SUB_MISC] = "misc",
	[SUB_SYSTEMD] = "name=systemd",
	[SUB_UNIFIED] = "",
};

/* A hierarchy: mount point, what of the hierarchy is mounted there, and where the caller is. */
struct place {
	char *mount, *root, *own;
};

struct scan {
	struct place places[SUB_COUNT];
	bool v2;
};

static void place_forget(struct place *p)
{
	free(p->mount);
	free(p->root);
	p->mount = p->root = NULL;
}

/* Is @word one of the words of @list, which commas separate? */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ','))
		if (!strncmp(p, word, n) && (p[n] == ',' || p[n] == 0))
			return true;
	return false;
}

static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = 0;
}

static void take_place(struct place *p, const char *root, const char *mount)
{
	if (p->mount)
		return;
	p->mount = cgpath_clean(mount);
	p->root = cgpath_clean(root);
}

/* One line: "36 31 0:33 ROOT MOUNT OPTIONS [FIELDS] - TYPE SOURCE SUPEROPTIONS". */
static void take_mount(struct scan *s, char *line)
{
	char *field[6], *tail = strstr(line, " - "), *type, *source, *options;

	if (!tail)
		return;
	*tail = 0;
	tail += 3;
	for (unsigned i = 0; i < 6; i++) {
		field[i] = strsep(&line, " ");
		if (!field[i])
			return;
	}
	type = strsep(&tail, " ");
	source = strsep(&tail, " ");
	options = strsep(&tail, " ");
	if (!source || !options)
		return;
	unescape(field[3]);
	unescape(field[4]);
	if (!strcmp(field[4], TOP)) {
		for (unsigned i = 0; i < SUB_COUNT; i++)
			place_forget(&s->places[i]);
		s->v2 = !strcmp(type, "cgroup2");
	}
	if (!strcmp(type, "cgroup2"))
		take_place(&s->places[SUB_UNIFIED], field[3], field[4]);
	for (unsigned i = 0; i < SUB_UNIFIED && !strcmp(type, "cgroup"); i++)
		if (has_word(options, cgroup_sub_names[i]))
			take_place(&s->places[i], field[3], field[4]);
}

/* One line: "4:cpu,cpuacct:/path". */
static void take_own(struct scan *s, char *line)
{
	char *names;

	if (!strsep(&line, ":") || !(names = strsep(&line, ":")) || !line)
		return;
	for (unsigned i = 0; i < SUB_COUNT; i++) {
		bool is = i == SUB_UNIFIED ? !*names : has_word(names, cgroup_sub_names[i]);

		if (is && !s->places[i].own)
			s->places[i].own = cgpath_clean(line);
	}
}

static int scan_file(struct scan *s, const char *prefix, const char *name,
		     void (*take)(struct scan *, char *), struct error *e)
{
	char *dir = cgpath_join(prefix, "proc/self"), *text = cgfile_read(dir, name), *save = NULL;
	int err = 0;

	free(dir);
	if (!text)
		return error_set_errno(e, ENOENT, "open /proc/self/%s", name);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		take(s, l);
	free(text);
	return err;
}

/* The caller's place as seen at the mount point. */
static const char *own_below(const struct place *p)
{
	const char *own = p->own ? p->own : "/";
	size_t n = strlen(p->root);

	if (n > 1 && !strncmp(own, p->root, n) && (own[n] == '/' || own[n] == 0))
		return own + n;
	return own;
}

/* The path of the cgroup in hierarchy @p. */
static char *place_path(const struct place *p, const char *prefix, const char *inner, bool v2)
{
	char *own = cgpath_clean(own_below(p)), *slash, *joined, *out;

	if (inner[0] == '/') {
		own[0] = 0;
	} else if (v2) {
		slash = strrchr(own, '/');
		if (slash)
			*slash = 0;
	}
	if (asprintf(&joined, "%s/%s/%s/%s", prefix, p->mount, own, inner) < 0)
		return NULL;
	out = cgpath_clean(joined);
	free(joined);
	free(own);
	return out;
}

static int place_all(struct cgroup *cg, struct scan *s, const struct cgroup_options *o)
{
	const char *prefix = o->prefix ? o->prefix : "";
	char *inner = cgpath_clean(o->path && *o->path ? o->path : o->id);
	int err = 0;

	cg->v2 = s->v2;
	cg->own_tasks = o->own_tasks;
	cg->rootless = o->rootless && !(o->path && *o->path);
	for (unsigned i = 0; i < SUB_COUNT && !err; i++) {
		const struct place *p = &s->places[i];

		if (!p->mount || (s->v2 && i != SUB_UNIFIED))
			continue;
		cg->paths[i] = place_path(p, prefix, inner, s->v2);
		cg->mounts[i] = place_path(p, prefix, "/", s->v2);
		if (!cg->paths[i] || !cg->mounts[i])
			err = -ENOMEM;
		else if (!strcmp(cg->paths[i], cg->mounts[i]))
			err = -EINVAL;
	}
	free(inner);
	return err;
}

int cgroup_locate(const struct cgroup_options *o, struct cgroup **out, struct error *e)
{
	const char *prefix = o->prefix ? o->prefix : "";
	struct cgroup *cg = calloc(1, sizeof(*cg));
	struct scan s = {0};
	int err = cg ? 0 : -ENOMEM;

	if (!err && o->systemd)
		err = systemd_locate(cg, o, e);
	if (!err && !o->disabled)
		err = scan_file(&s, prefix, "mountinfo", take_mount, e);
	if (!err && !o->disabled)
		err = scan_file(&s, prefix, "cgroup", take_own, e);
	if (!err && !o->disabled) {
		struct cgroup_options with_slice = *o;

		if (o->systemd)
			with_slice.path = cg->slice;
		err = place_all(cg, &s, &with_slice);
		if (err)
			error_set_errno(e, err, "cgroup path %s", o->path ? o->path : o->id);
	}
	for (unsigned i = 0; i < SUB_COUNT; i++) {
		place_forget(&s.places[i]);
		free(s.places[i].own);
	}
	if (err)
		cgroup_destroy(cg);
	else
		*out = cg;
	return err;
}
