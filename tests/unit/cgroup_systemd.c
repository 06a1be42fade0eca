/* libs: cgroup spec -lsystemd */
/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_systemd.c - the systemd driver against a bus with something on it that speaks as systemd
 *
 * In a mount namespace of its own, as root, where dbus-daemon is installed and cgroups are v1;
 * elsewhere nothing is tested. The unit's cgroup is made in the name=systemd hierarchy.
 */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "runsc/cgroup/cgroup_internal.h"

#define HIERARCHY "/sys/fs/cgroup/systemd"

static int wrong(sd_bus_message *m)
{
	return sd_bus_reply_method_errnof(m, EINVAL, "wrong arguments");
}

/* The properties that matter: the first process, and the slice. */
static int read_properties(sd_bus_message *m, u32 *pid, const char **slice)
{
	const char *name;
	int err = sd_bus_message_enter_container(m, 'a', "(sv)");

	while (err >= 0 && (err = sd_bus_message_enter_container(m, 'r', "sv")) > 0) {
		err = sd_bus_message_read(m, "s", &name);
		if (err >= 0 && !strcmp(name, "PIDs"))
			err = sd_bus_message_read(m, "v", "au", 1, pid);
		else if (err >= 0 && !strcmp(name, "Slice"))
			err = sd_bus_message_read(m, "v", "s", slice);
		else if (err >= 0)
			err = sd_bus_message_skip(m, "v");
		if (err >= 0)
			err = sd_bus_message_exit_container(m);
	}
	return err;
}

static int start_unit(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	const char *unit, *mode, *slice = NULL;
	char dir[256], text[16];
	u32 pid = 0;

	if (sd_bus_message_read(m, "ss", &unit, &mode) < 0 || strcmp(mode, "replace") != 0 ||
	    read_properties(m, &pid, &slice) < 0 || !pid || !slice)
		return wrong(m);
	snprintf(dir, sizeof(dir), HIERARCHY "/bulkhead.slice/bulkhead-unit.slice/%s", unit);
	snprintf(text, sizeof(text), "%u", pid);
	if (strcmp(slice, "bulkhead-unit.slice") != 0 || cgfile_mkdirs(dir) < 0 ||
	    cgfile_try(dir, "cgroup.procs", text) < 0)
		return wrong(m);
	return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/1");
}

static int stop_unit(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	return sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/2");
}

static int reset_unit(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", start_unit,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("StopUnit", "ss", "o", stop_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("ResetFailedUnit", "s", NULL, reset_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

/* The child that is systemd; tells by a byte that it is there. */
static void serve(int ready)
{
	sd_bus *bus = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
				     "org.freedesktop.systemd1.Manager", manager, NULL) < 0 ||
	    sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0 ||
	    write(ready, "r", 1) != 1)
		_exit(1);
	for (;;) {
		while (sd_bus_process(bus, NULL) > 0)
			;
		sd_bus_wait(bus, UINT64_MAX);
	}
}

static pid_t start_daemon(char *address, size_t size)
{
	int p[2];
	pid_t pid;
	ssize_t n;

	ck_assert_int_eq(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(p[1], 1);
		execl("/usr/bin/dbus-daemon", "dbus-daemon", "--session", "--nofork",
		      "--print-address", "--address=unix:abstract=bulkhead-test", NULL);
		_exit(127);
	}
	close(p[1]);
	n = read(p[0], address, size - 1);
	ck_assert_int_gt(n, 1);
	address[n - 1] = 0;
	return pid;
}

static void clean_up(struct cgroup *cg)
{
	struct error e = {0};

	ck_assert_msg(cgroup_remove(cg, &e) == 0, "%s", e.text);
	for (unsigned i = 0; i < SUB_COUNT; i++)
		for (int up = 0; cg->paths[i] && up < 2; up++) {
			*strrchr(cg->paths[i], '/') = 0;
			rmdir(cg->paths[i]);
		}
	cgroup_destroy(cg);
}

START_TEST(a_scope)
{
	struct cgroup_options o = {
		.id = "c1", .path = "bulkhead-unit.slice:test:c1", .systemd = true};
	struct cgroup *cg = NULL;
	struct error e = {0};
	pid_t daemon, server, member, *pids;
	char address[256], byte;
	size_t count;
	int p[2];

	daemon = start_daemon(address, sizeof(address));
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	ck_assert_int_eq(pipe(p), 0);
	server = fork();
	if (server == 0)
		serve(p[1]);
	close(p[1]);
	ck_assert_int_eq(read(p[0], &byte, 1), 1);
	member = fork();
	if (member == 0) {
		pause();
		_exit(0);
	}
	ck_assert_msg(cgroup_locate(&o, &cg, &e) == 0, "%s", e.text);
	ck_assert_str_eq(cg->paths[SUB_SYSTEMD],
			 HIERARCHY "/bulkhead.slice/bulkhead-unit.slice/test-c1.scope");
	ck_assert_msg(cgroup_create(cg, &e) == 0, "%s", e.text);
	ck_assert_msg(cgroup_enter(cg, member, &e) == 0, "%s", e.text);
	ck_assert_int_eq(cgroup_pids(cg, &pids, &count), 0);
	ck_assert(count == 1 && pids[0] == member);
	free(pids);
	kill(member, SIGKILL);
	waitpid(member, NULL, 0);
	clean_up(cg);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	kill(daemon, SIGKILL);
	waitpid(daemon, NULL, 0);
}
END_TEST

START_TEST(paths)
{
	static const char *const bad[] = {"a",
					  "a:b",
					  "a.slice:b:c:d",
					  "x:y:z",
					  "-a.slice:b:c",
					  "a--b.slice:b:c",
					  "a/b.slice:c:d"};
	struct cgroup *cg;

	for (size_t i = 0; i < array_size(bad); i++) {
		struct cgroup_options o = {.id = "c1", .path = bad[i], .systemd = true};
		struct error e = {0};

		ck_assert_msg(cgroup_locate(&o, &cg, &e) < 0, "%s was taken", bad[i]);
		ck_assert(e.text[0]);
	}
}
END_TEST

/* Can it be tested here? Then /run says that systemd runs, for us alone. */
static bool prepare(void)
{
	if (geteuid() != 0 || access("/usr/bin/dbus-daemon", X_OK) < 0 ||
	    access(HIERARCHY "/cgroup.procs", W_OK) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, "mode=755") < 0)
		return false;
	return mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/system", 0755) == 0;
}

START_TEST(cannot_be_tested)
{
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cgroup_systemd");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	if (prepare()) {
		tcase_add_test(t, a_scope);
		tcase_add_test(t, paths);
	} else {
		tcase_add_test(t, cannot_be_tested);
	}
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
