/* SPDX-License-Identifier: Apache-2.0 */
/* systemd.c - the systemd driver: a transient scope, asked for over D-Bus
 *
 * Theory of operation: cgroupsPath is "slice:prefix:name" (defaults: system.slice, or user.slice
 * for an ordinary user, "runsc" and the id). systemd makes the scope's cgroup and moves the first
 * process in; the controllers' files are then written as with the cgroupfs driver, in a tree that
 * systemd has been asked to delegate. libsystemd is loaded when it is needed, so that no other
 * start pays for it.
 */
#include "runsc/cgroup/cgroup_internal.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* "a-b.slice" -> "/a.slice/a-b.slice"; "-.slice" -> "". NULL: no name of a slice. */
static char *expand_slice(const char *slice)
{
	size_t n = strlen(slice);
	char *out = strdup("");

	if (!strcmp(slice, "-.slice"))
		return out;
	if (!out || n < 7 || strcmp(slice + n - 6, ".slice") != 0 || strchr(slice, '/') ||
	    slice[0] == '-' || slice[n - 7] == '-' || strstr(slice, "--")) {
		free(out);
		return NULL;
	}
	for (size_t i = 1; out && i <= n - 6; i++) {
		char *longer = NULL;

		if (i < n - 6 && slice[i] != '-')
			continue;
		if (asprintf(&longer, "%s/%.*s.slice", out, (int)i, slice) < 0)
			longer = NULL;
		free(out);
		out = longer;
	}
	return out;
}

static int parse_path(struct cgroup *cg, const struct cgroup_options *o, char **out_slice,
		      struct error *e)
{
	char text[1024], *rest = text, *slice, *prefix, *name;
	int n;

	n = snprintf(text, sizeof(text), "%s", o->path ? o->path : "");
	if (n >= (int)sizeof(text))
		return error_set_errno(e, ENAMETOOLONG, "cgroupsPath");
	slice = n ? strsep(&rest, ":") : "";
	prefix = n ? strsep(&rest, ":") : "runsc";
	name = n ? rest : (char *)(uintptr_t)o->id;
	if (!prefix || !name || strchr(name, ':') || strchr(name, '/') || strchr(prefix, '/'))
		return error_set(e,
				 "expected cgroupsPath to be of format \"slice:prefix:name\" for "
				 "systemd cgroups, got \"%s\" instead",
				 o->path ? o->path : "");
	n = strlen(name) > 6 && !strcmp(name + strlen(name) - 6, ".slice")
		    ? asprintf(&cg->unit, "%s", name)
		    : asprintf(&cg->unit, "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	if (n < 0)
		cg->unit = NULL;
	*out_slice = strdup(*slice ? slice : o->rootless ? "user.slice" : "system.slice");
	return cg->unit && *out_slice ? 0 : error_set_errno(e, ENOMEM, "cgroupsPath");
}

#ifdef HAVE_SD_BUS
#include <dlfcn.h>
#include <systemd/sd-bus.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

/* What is used of libsystemd. */
struct library {
	typeof(sd_bus_open_system) *open_system;
	typeof(sd_bus_open_user) *open_user;
	typeof(sd_bus_message_new_method_call) *new_call;
	typeof(sd_bus_message_append) *append;
	typeof(sd_bus_call) *call;
	typeof(sd_bus_call_method) *call_method;
	typeof(sd_bus_get_property_string) *get_string;
	typeof(sd_bus_error_free) *error_free;
	typeof(sd_bus_message_unref) *message_unref;
	typeof(sd_bus_flush_close_unref) *bus_unref;
};

static int load_library(struct library *l, struct error *e)
{
	const struct {
		const char *name;
		void *to;
	} symbols[] = {
		{"sd_bus_open_system", &l->open_system},
		{"sd_bus_open_user", &l->open_user},
		{"sd_bus_message_new_method_call", &l->new_call},
		{"sd_bus_message_append", &l->append},
		{"sd_bus_call", &l->call},
		{"sd_bus_call_method", &l->call_method},
		{"sd_bus_get_property_string", &l->get_string},
		{"sd_bus_error_free", &l->error_free},
		{"sd_bus_message_unref", &l->message_unref},
		{"sd_bus_flush_close_unref", &l->bus_unref},
	};
	void *so = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

	if (!so)
		return error_set(e, "cannot use systemd cgroups manager: %s", dlerror());
	for (size_t i = 0; i < array_size(symbols); i++) {
		void *symbol = dlsym(so, symbols[i].name);

		if (!symbol)
			return error_set(e, "cannot use systemd cgroups manager: %s", dlerror());
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return 0;
}

static int connect_bus(struct library *l, bool user, sd_bus **out, struct error *e)
{
	int err = load_library(l, e);

	if (err)
		return err;
	err = user ? l->open_user(out) : l->open_system(out);
	return err < 0 ? error_set_errno(e, err, "connect to the bus of systemd") : 0;
}

/* An ordinary user's slices are below its manager's cgroup. NULL: cannot tell. */
static char *manager_cgroup(struct error *e)
{
	struct library l;
	sd_bus *bus = NULL;
	char *path = NULL;

	if (connect_bus(&l, true, &bus, e) < 0)
		return NULL;
	if (l.get_string(bus, SYSTEMD, MANAGER, "ControlGroup", NULL, &path) < 0)
		error_set(e, "systemd does not tell its cgroup");
	l.bus_unref(bus);
	return path;
}

static int append_properties(const struct library *l, sd_bus_message *m, const struct cgroup *cg,
			     pid_t pid)
{
	static const char *const yes[] = {"Delegate", "MemoryAccounting", "CPUAccounting",
					  "IOAccounting", "TasksAccounting"};
	int err = l->append(m, "ss", cg->unit, "replace");

	if (err >= 0)
		err = l->append(m, "a(sv)", 4 + (int)array_size(yes), "Description", "s",
				"runsc container", "Slice", "s", cg->slice_name, "PIDs", "au", 1,
				(u32)pid, "DefaultDependencies", "b", 0, yes[0], "b", 1, yes[1],
				"b", 1, yes[2], "b", 1, yes[3], "b", 1, yes[4], "b", 1);
	if (err >= 0)
		err = l->append(m, "a(sa(sv))", 0);
	return err;
}

static int start_unit(const struct library *l, sd_bus *bus, const struct cgroup *cg, pid_t pid,
		      struct error *e)
{
	sd_bus_error fault = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	int err = l->new_call(bus, &m, SYSTEMD, MANAGER, "StartTransientUnit");

	if (err >= 0)
		err = append_properties(l, m, cg, pid);
	if (err >= 0)
		err = l->call(bus, m, 0, &fault, NULL);
	if (err < 0)
		error_set(e,
			  "unable to apply cgroup configuration: unable to start unit \"%s\": %s",
			  cg->unit, fault.message ? fault.message : strerror(-err));
	l->error_free(&fault);
	l->message_unref(m);
	return err < 0 ? err : 0;
}

/* The job runs by itself: done when the process is where it should be. */
static int await_unit(const struct cgroup *cg, pid_t pid, struct error *e)
{
	char dir[32];

	snprintf(dir, sizeof(dir), "/proc/%d", (int)pid);
	for (int i = 0; i < 3000; i++) {
		char *text = cgfile_read(dir, "cgroup");
		bool there = text && strstr(text, cg->unit);

		free(text);
		if (there)
			return 0;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return error_set(e, "timed out: systemd did not start unit \"%s\"", cg->unit);
}

int systemd_start(struct cgroup *cg, pid_t pid, struct error *e)
{
	sd_bus *bus = NULL;
	struct library l;
	int err = connect_bus(&l, cg->user_manager, &bus, e);

	if (err)
		return err;
	/* A unit of that name that has failed is in the way. */
	l.call_method(bus, SYSTEMD, MANAGER, "ResetFailedUnit", NULL, NULL, "s", cg->unit);
	err = start_unit(&l, bus, cg, pid, e);
	l.bus_unref(bus);
	return err ? err : await_unit(cg, pid, e);
}

void systemd_stop(struct cgroup *cg)
{
	struct error e = {0};
	sd_bus *bus = NULL;
	struct library l;

	if (connect_bus(&l, cg->user_manager, &bus, &e) < 0)
		return;
	l.call_method(bus, SYSTEMD, MANAGER, "StopUnit", NULL, NULL, "ss", cg->unit, "replace");
	l.call_method(bus, SYSTEMD, MANAGER, "ResetFailedUnit", NULL, NULL, "s", cg->unit);
	l.bus_unref(bus);
}
#else
static char *manager_cgroup(struct error *e)
{
	error_set(e, "built without support for systemd");
	return NULL;
}

int systemd_start(struct cgroup *cg, pid_t pid, struct error *e)
{
	return error_set(e, "built without support for systemd");
}

void systemd_stop(struct cgroup *cg)
{
}
#endif

int systemd_locate(struct cgroup *cg, const struct cgroup_options *o, struct error *e)
{
	char *slice = NULL, *inner, *top = NULL;
	struct stat st;
	int err;

	if (lstat("/run/systemd/system", &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(e, "systemd not running on this host, cannot use systemd cgroups "
				    "manager");
	cg->systemd = cg->pending = true;
	cg->user_manager = o->rootless && geteuid() != 0;
	err = parse_path(cg, o, &slice, e);
	if (err)
		return err;
	inner = expand_slice(slice);
	if (!inner)
		err = error_set(e, "invalid slice name: %s", slice);
	if (!err && cg->user_manager && !(top = manager_cgroup(e)))
		err = -EINVAL;
	if (!err && asprintf(&cg->slice, "%s%s/%s", top ? top : "", inner, cg->unit) < 0)
		err = -ENOMEM;
	free(inner);
	free(top);
	cg->slice_name = slice;
	return err;
}
