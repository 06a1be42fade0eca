/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - making, entering, saving, listing and removing a container's cgroup */
#include "runsc/cgroup/cgroup_internal.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 32
#define PIDS_MAX  (4u << 20)

void cgroup_destroy(struct cgroup *cg)
{
	if (!cg)
		return;
	for (unsigned i = 0; i < SUB_COUNT; i++) {
		free(cg->paths[i]);
		free(cg->mounts[i]);
	}
	free(cg->unit);
	free(cg->slice_name);
	free(cg->slice);
	free(cg);
}

static bool ignorable(const struct cgroup *cg, int err)
{
	return cg->rootless && (err == -EACCES || err == -EPERM || err == -EROFS);
}

static void drop(struct cgroup *cg, unsigned sub)
{
	free(cg->paths[sub]);
	cg->paths[sub] = NULL;
}

static bool has_members(const char *path)
{
	char *text = cgfile_read(path, "cgroup.procs");
	bool some = text && *text;

	free(text);
	return some;
}

static int make_places(struct cgroup *cg, struct error *e)
{
	for (unsigned i = 0; i < SUB_COUNT; i++) {
		int err;

		if (!cg->paths[i])
			continue;
		cg->shared = cg->shared || has_members(cg->paths[i]);
		err = cgfile_mkdirs(cg->paths[i]);
		if (ignorable(cg, err))
			drop(cg, i);
		else if (err)
			return error_set_errno(e, err,
					       "unable to apply cgroup configuration: mkdir %s",
					       cg->paths[i]);
	}
	if (cg->paths[SUB_UNIFIED])
		controllers_enable(cg, cg->paths[SUB_UNIFIED]);
	return cpuset_prepare(cg, e);
}

int cgroup_create(struct cgroup *cg, struct error *e)
{
	return cg->pending ? 0 : make_places(cg, e); /* systemd makes the scope's by itself */
}

/* The first process of a scope brings the scope into being. */
static int start_scope(struct cgroup *cg, pid_t pid, struct error *e)
{
	int err = systemd_start(cg, pid ? pid : getpid(), e);

	cg->pending = false;
	return err ? err : make_places(cg, e);
}

int cgroup_enter(struct cgroup *cg, pid_t pid, struct error *e)
{
	char text[16];
	int err = 0;

	if (cg->pending)
		err = start_scope(cg, pid, e);
	snprintf(text, sizeof(text), "%d", pid);
	for (unsigned i = 0; i < SUB_COUNT && !err; i++) {
		if (!cg->paths[i])
			continue;
		err = cgfile_try(cg->paths[i], "cgroup.procs", text);
		if (ignorable(cg, err)) {
			drop(cg, i);
			err = 0;
		} else if (err) {
			error_set_errno(e, err,
					"unable to apply cgroup configuration: failed to write %s: "
					"write %s/cgroup.procs",
					text, cg->paths[i]);
		}
	}
	return err;
}

int cgroup_apply(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	int err = cg->v2 ? apply_v2(cg, res, e) : apply_v1(cg, res, e);

	if (!err)
		err = cg->v2 ? devices_v2(cg, res, e) : devices_v1(cg, res, e);
	return err;
}

int cgroup_update(struct cgroup *cg, const struct spec_resources *res, struct error *e)
{
	return cg->v2 ? apply_v2(cg, res, e) : apply_v1(cg, res, e);
}

json_t *cgroup_save(const struct cgroup *cg)
{
	json_t *paths = json_object();

	for (unsigned i = 0; i < SUB_COUNT; i++)
		if (cg->paths[i])
			json_object_set_new(paths, cgroup_sub_names[i], json_string(cg->paths[i]));
	if (cg->shared)
		json_object_set_new(paths, "shared", json_true());
	if (cg->own_tasks)
		json_object_set_new(paths, "ownTasks", json_integer(cg->own_tasks));
	if (cg->v2)
		json_object_set_new(paths, "v2", json_true());
	if (cg->unit)
		json_object_set_new(paths, "unit", json_string(cg->unit));
	return paths;
}

int cgroup_load(json_t *paths, struct cgroup **out)
{
	struct cgroup *cg = calloc(1, sizeof(*cg));
	const char *unit = json_string_value(json_object_get(paths, "unit"));

	if (!cg)
		return -ENOMEM;
	for (unsigned i = 0; i < SUB_COUNT; i++) {
		const char *path = json_string_value(json_object_get(paths, cgroup_sub_names[i]));

		if (path && path[0] == '/')
			cg->paths[i] = strdup(path);
	}
	cg->own_tasks = (u32)json_integer_value(json_object_get(paths, "ownTasks"));
	cg->shared = json_is_true(json_object_get(paths, "shared"));
	cg->v2 = json_is_true(json_object_get(paths, "v2"));
	if (unit) {
		cg->unit = strdup(unit);
		cg->systemd = true;
	}
	*out = cg;
	return 0;
}

bool cgroup_exists(const struct cgroup *cg)
{
	for (unsigned i = 0; i < SUB_COUNT; i++)
		if (cg->paths[i] && access(cg->paths[i], F_OK) == 0)
			return true;
	return false;
}

int cgroup_below(const struct cgroup *cg, const char *name, struct cgroup **out, struct error *e)
{
	struct cgroup *below = calloc(1, sizeof(*below));
	char *clean = cgpath_clean(name);

	if (!below)
		return error_set_errno(e, ENOMEM, "cgroup %s", name);
	below->v2 = cg->v2;
	below->own_tasks = cg->own_tasks;
	below->rootless = cg->rootless;
	for (unsigned i = 0; i < SUB_COUNT; i++) {
		if (!cg->paths[i])
			continue;
		below->paths[i] = cgpath_join(cg->paths[i], clean[0] == '/' ? clean + 1 : clean);
		below->mounts[i] = strdup(cg->paths[i]);
	}
	free(clean);
	*out = below;
	return 0;
}

/* ---- members ---- */

struct pid_list {
	pid_t *pids;
	size_t count, room;
};

static int add_pids(struct pid_list *l, const char *path)
{
	char *text = cgfile_read(path, "cgroup.procs"), *save = NULL;
	int err = 0;

	for (char *p = text ? strtok_r(text, "\n", &save) : NULL; p && !err;
	     p = strtok_r(NULL, "\n", &save)) {
		long pid = strtol(p, NULL, 10);

		if (pid <= 0)
			continue; /* of a pid namespace that we do not see */
		if (l->count == l->room) {
			size_t room = l->room ? 2 * l->room : 64;
			pid_t *more =
				room > PIDS_MAX ? NULL : realloc(l->pids, room * sizeof(*more));

			if (!more) {
				err = -ENOMEM;
				break;
			}
			l->pids = more;
			l->room = room;
		}
		l->pids[l->count++] = (pid_t)pid;
	}
	free(text);
	return err;
}

/* Calls @fn for @path and all directories below it, those below first. */
static int walk(const char *path, int depth, int (*fn)(void *arg, const char *path), void *arg)
{
	DIR *d = depth < DEPTH_MAX ? opendir(path) : NULL;
	struct dirent *de;
	int err = 0;

	while (d && !err && (de = readdir(d)) != NULL) {
		char *below;

		if (de->d_type != DT_DIR || !strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		below = cgpath_join(path, de->d_name);
		err = walk(below, depth + 1, fn, arg);
		free(below);
	}
	if (d)
		closedir(d);
	return err ? err : fn(arg, path);
}

static int walk_pids(void *arg, const char *path)
{
	return add_pids(arg, path);
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* The hierarchy that is asked for members: one that all of them are in. */
static const char *members_path(const struct cgroup *cg)
{
	static const u8 order[] = {SUB_DEVICES, SUB_FREEZER, SUB_MEMORY, SUB_PIDS, SUB_UNIFIED};

	for (unsigned i = 0; i < array_size(order); i++)
		if (cg->paths[order[i]])
			return cg->paths[order[i]];
	for (unsigned i = 0; i < SUB_COUNT; i++)
		if (cg->paths[i])
			return cg->paths[i];
	return NULL;
}

int cgroup_pids(const struct cgroup *cg, pid_t **out, size_t *out_count)
{
	const char *path = members_path(cg);
	struct pid_list l = {0};
	int err = path ? walk(path, 0, walk_pids, &l) : 0;

	if (err) {
		free(l.pids);
		return err;
	}
	if (l.count)
		qsort(l.pids, l.count, sizeof(*l.pids), compare_pids);
	*out = l.pids;
	*out_count = l.count;
	return 0;
}

/* One round of signals. The number of processes that were there, or -errno. */
static long signal_members(const struct cgroup *cg, int sig)
{
	pid_t *pids = NULL;
	size_t count = 0;
	int err = cgroup_pids(cg, &pids, &count);

	for (size_t i = 0; i < count && !err; i++)
		if (pids[i] > 1 && pids[i] != getpid())
			kill(pids[i], sig);
	free(pids);
	return err ? err : (long)count;
}

int cgroup_kill(struct cgroup *cg, int sig)
{
	struct error e = {0};
	bool frozen;
	long n;

	if (sig == SIGKILL && cg->v2 && cg->paths[SUB_UNIFIED] &&
	    cgfile_try(cg->paths[SUB_UNIFIED], "cgroup.kill", "1") == 0)
		return 0;
	if (sig != SIGKILL) {
		n = signal_members(cg, sig);
		return n < 0 ? (int)n : 0;
	}
	/* Nobody forks while frozen; without a freezer, rounds until nobody is new. */
	frozen = cg->paths[SUB_FREEZER] && cgroup_freeze(cg, true, &e) == 0;
	n = signal_members(cg, sig);
	for (int i = 0; i < 20 && !frozen && n > 0; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		n = signal_members(cg, sig);
	}
	if (cg->paths[SUB_FREEZER])
		cgroup_freeze(cg, false, &e);
	return n < 0 ? (int)n : 0;
}

/* ---- the end ---- */

static int walk_rmdir(void *arg, const char *path)
{
	return rmdir(path) < 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;
}

static int remove_path(struct cgroup *cg, const char *path)
{
	long nap = 1000000;
	int err = walk(path, 0, walk_rmdir, NULL);

	for (int i = 0; i < 9 && err == -EBUSY; i++) {
		if (!cg->shared)
			cgroup_kill(cg, SIGKILL);
		nanosleep(&(struct timespec){.tv_nsec = nap}, NULL);
		nap = min(nap * 2, 500000000l);
		err = walk(path, 0, walk_rmdir, NULL);
	}
	return err;
}

int cgroup_remove(struct cgroup *cg, struct error *e)
{
	int err = 0;

	for (unsigned i = 0; i < SUB_COUNT; i++) {
		int one = cg->paths[i] ? remove_path(cg, cg->paths[i]) : 0;

		if (one && !err)
			err = error_set_errno(e, one, "unable to remove cgroup %s", cg->paths[i]);
	}
	if (cg->systemd && cg->unit)
		systemd_stop(cg);
	return err;
}
