/* SPDX-License-Identifier: Apache-2.0 */
/* container.c - the directory of a container: made, locked, read, written, removed */
#include "runsc/container.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runsc/command.h"

static int make_dirs(char *path, mode_t mode, struct error *e)
{
	for (char *end = path; *end;) {
		char kept;
		int err = 0;

		end = strchrnul(end + 1, '/');
		kept = *end;
		*end = 0;
		if (mkdir(path, kept ? 0755 : mode) < 0 && errno != EEXIST)
			err = error_set_errno(e, errno, "mkdir %s", path);
		*end = kept;
		if (err)
			return err;
	}
	return 0;
}

/* /tmp is everybody's: somebody else may have made the directory. */
static bool is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

int container_root(bool make, char *out, size_t size, struct error *e)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	bool shared = true;
	int n;

	if (g_globals.root && *g_globals.root) {
		n = snprintf(out, size, "%s", g_globals.root);
	} else if (run && *run && (geteuid() != 0 || g_globals.rootless_user)) {
		n = snprintf(out, size, "%s/runsc", run);
		shared = false;
	} else if (geteuid() != 0) {
		n = snprintf(out, size, "/tmp/runsc-%u", geteuid());
		shared = false;
	} else {
		n = snprintf(out, size, "/run/runsc");
	}
	if (n < 0 || (size_t)n >= size)
		return error_set(e, "--root: the name is too long");
	if (!make)
		return shared || access(out, F_OK) < 0 || is_ours(out)
			       ? 0
			       : error_set(e, "%s: permission denied", out);
	if (make_dirs(out, shared ? 0711 : 0700, e) < 0)
		return -EACCES;
	return shared || is_ours(out) ? 0
				      : error_set(e,
						  "%s: permission denied: not a directory of "
						  "this user alone",
						  out);
}

bool container_id_valid(const char *id)
{
	if (strlen(id) > CONTAINER_ID_MAX)
		return false;
	for (const char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_+-.", *p))
			return false;
	return *id && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

static int set_names(struct container *c, const char *id, bool make, struct error *e)
{
	char root[PATH_MAX];
	int err;

	*c = (struct container){.dir_fd = -1, .lock_fd = -1};
	if (!container_id_valid(id))
		return error_set(e, "invalid container ID format");
	err = container_root(make, root, sizeof(root), e);
	if (err)
		return err;
	if (snprintf(c->dir, sizeof(c->dir), "%s/%s", root, id) >= (int)sizeof(c->dir))
		return error_set(e, "--root: the name is too long");
	snprintf(c->id, sizeof(c->id), "%s", id);
	return 0;
}

/* Takes the lock. -ENOENT: the container was removed meanwhile. */
static int take_lock(struct container *c)
{
	struct stat st;

	c->lock_fd = openat(c->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->lock_fd < 0)
		return -errno;
	while (flock(c->lock_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return fstat(c->lock_fd, &st) < 0 || st.st_nlink == 0 ? -ENOENT : 0;
}

static int open_dir(struct container *c)
{
	c->dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return c->dir_fd < 0 ? -errno : 0;
}

int container_make(struct container *c, const char *id, struct error *e)
{
	struct timespec now;
	struct tm tm;
	char text[24];
	int err = set_names(c, id, true, e);

	if (err)
		return err;
	if (mkdir(c->dir, 0711) < 0) {
		err = errno;
		return err == EEXIST ? error_set(e, "container with given ID already exists")
				     : error_set_errno(e, err, "mkdir %s", c->dir);
	}
	err = open_dir(c);
	if (!err)
		err = take_lock(c);
	if (err)
		return error_set_errno(e, err, "container's directory %s", c->dir);
	clock_gettime(CLOCK_REALTIME, &now);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
	snprintf(c->created, sizeof(c->created), "%s.%09ldZ", text, now.tv_nsec);
	c->owner = geteuid();
	return 0;
}

/* --- state.json ------------------------------------------------------------------------------- */

static json_t *ref_json(struct process_ref p)
{
	return json_pack("{s:i, s:I}", "pid", p.pid, "start", (json_int_t)p.start);
}

static struct process_ref json_ref(const json_t *top, const char *key)
{
	json_t *v = json_object_get(top, key);

	return (struct process_ref){
		.pid = (pid_t)json_integer_value(json_object_get(v, "pid")),
		.start = (u64)json_integer_value(json_object_get(v, "start")),
	};
}

int container_save(struct container *c, struct error *e)
{
	json_t *top = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "id", c->id, "bundle",
				c->bundle, "rootfs", c->rootfs, "created", c->created, "owner",
				(int)c->owner, "proxy", ref_json(c->proxy), "sentry",
				ref_json(c->sentry), "gofer", ref_json(c->gofer));
	int fd = -1, err = 0;

	if (!top)
		return error_set_errno(e, ENOMEM, "state.json");
	if (c->annotations)
		json_object_set(top, "annotations", c->annotations);
	json_object_set_new(top, "hooks", json_integer(c->hooks));
	if (c->cgroup)
		json_object_set_new(top, "cgroup", cgroup_save(c->cgroup));
	fd = openat(c->dir_fd, "state.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || json_dumpfd(top, fd, JSON_COMPACT) < 0 || fdatasync(fd) < 0 ||
	    renameat(c->dir_fd, "state.json.new", c->dir_fd, "state.json") < 0)
		err = error_set_errno(e, errno ? errno : EIO, "write %s/state.json", c->dir);
	if (fd >= 0)
		close(fd);
	json_decref(top);
	c->complete = !err;
	return err;
}

static void copy_text(char *out, size_t size, const json_t *top, const char *key)
{
	const char *s = json_string_value(json_object_get(top, key));

	snprintf(out, size, "%s", s ? s : "");
}

/* False: no (whole) state.json. */
static bool load(struct container *c)
{
	int fd = openat(c->dir_fd, "state.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json_t *top, *paths;

	if (fd < 0)
		return false;
	top = json_loadfd(fd, 0, NULL);
	close(fd);
	if (!json_is_object(top)) {
		json_decref(top);
		return false;
	}
	copy_text(c->bundle, sizeof(c->bundle), top, "bundle");
	copy_text(c->rootfs, sizeof(c->rootfs), top, "rootfs");
	copy_text(c->created, sizeof(c->created), top, "created");
	c->owner = (u32)json_integer_value(json_object_get(top, "owner"));
	c->proxy = json_ref(top, "proxy");
	c->sentry = json_ref(top, "sentry");
	c->gofer = json_ref(top, "gofer");
	c->annotations = json_incref(json_object_get(top, "annotations"));
	c->hooks = (u32)json_integer_value(json_object_get(top, "hooks"));
	paths = json_object_get(top, "cgroup");
	if (paths && cgroup_load(paths, &c->cgroup) < 0)
		c->cgroup = NULL;
	json_decref(top);
	return true;
}

int container_open(struct container *c, const char *id, bool lock, struct error *e)
{
	int err = set_names(c, id, false, e);

	if (err)
		return err;
	err = open_dir(c);
	if (!err && lock)
		err = take_lock(c);
	if (err) {
		container_close(c);
		if (err == -ENOENT)
			error_set(e, "container does not exist");
		else
			error_set_errno(e, err, "container's directory");
		return err;
	}
	c->complete = load(c);
	return 0;
}

void container_close(struct container *c)
{
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	json_decref(c->annotations);
	cgroup_destroy(c->cgroup);
	*c = (struct container){.dir_fd = -1, .lock_fd = -1};
}

int container_remove(struct container *c, struct error *e)
{
	DIR *d;
	struct dirent *ent;
	int err = c->cgroup ? cgroup_remove(c->cgroup, e) : 0, fd;

	if (err)
		return err;
	/* The lock goes last: whoever waits for it finds that it has no name any more. */
	fd = openat(c->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (ent = readdir(d)) != NULL)
		if (strcmp(ent->d_name, "lock") != 0)
			unlinkat(c->dir_fd, ent->d_name, 0);
	if (d)
		closedir(d);
	unlinkat(c->dir_fd, "lock", 0);
	if (rmdir(c->dir) < 0 && errno != ENOENT)
		return error_set_errno(e, errno, "remove %s", c->dir);
	return 0;
}
