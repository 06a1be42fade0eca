/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_features.c - runsc features: what this runtime does, as JSON; checkpoint and restore, which
 * it does not do yet */
#include <stdio.h>

#include "runsc/command.h"
#include "runsc/container.h"

static const struct option no_options[] = {{NULL}};

static json_t *capabilities(void)
{
	json_t *list = json_array();
	char name[64];

	for (int cap = 0; cap < 41; cap++)
		if (spec_capability_name(cap, name, sizeof(name)))
			json_array_append_new(list, json_string(name));
	return list;
}

static json_t *mount_options(void)
{
	json_t *list = json_array();
	const char *name;

	for (size_t i = 0; (name = spec_mount_option_name(i)) != NULL; i++)
		json_array_append_new(list, json_string(name));
	return list;
}

static int run_features(const struct command *self, char **argv)
{
	int status, used = command_options(self, argv, NULL, &status);
	json_t *top;

	if (used < 0)
		return status;
	if (!command_arguments(self, argv + used, 0))
		return 1;
	top = json_pack("{s:s, s:s, s:[s,s,s,s,s,s], s:o, s:{s:[s,s,s,s,s,s], s:o, "
			"s:{s:b,s:b,s:b,s:b,s:b}, "
			"s:{s:b}, s:{s:b}, s:{s:b}}}",
			"ociVersionMin", "1.0.0", "ociVersionMax", OCI_VERSION, "hooks", "prestart",
			"createRuntime", "createContainer", "startContainer", "poststart",
			"poststop", "mountOptions", mount_options(), "linux", "namespaces",
			"cgroup", "ipc", "mount", "network", "pid", "uts", "capabilities",
			capabilities(), "cgroup", "v1", 1, "v2", 1, "systemd", 1, "systemdUser", 1,
			"rdma", 1, "seccomp", "enabled", 1, "apparmor", "enabled", 0, "selinux",
			"enabled", 0);
	if (!top)
		return 1;
	json_dumpf(top, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(top);
	return fflush(stdout) ? 1 : 0;
}

const struct command command_features = {
	.name = "features",
	.summary = "show the enabled features",
	.arguments = "",
	.options = no_options,
	.run = run_features,
};

/* --- checkpoint, restore ---------------------------------------------------------------------- */

struct args {
	const char *image_path, *work_path, *parent_path, *status_fd, *page_server, *manage_cgroups,
		*bundle, *pid_file, *console_socket, *lsm_profile, *lsm_mount;
	struct option_list empty_ns;
	bool leave_running, tcp_established, ext_unix_sk, shell_job, lazy_pages, file_locks,
		pre_dump, auto_dedup, detach, no_subreaper, no_pivot;
};

static int run_refuse(const struct command *self, char **argv)
{
	struct args args = {0};
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	command_error("%s is not supported yet", self->name);
	return 1;
}

#define ARG(member) offsetof(struct args, member)
static const struct option image_options[] = {
	{"image-path", 0, OPTION_VALUE, ARG(image_path), "path of the image files"},
	{"work-path", 0, OPTION_VALUE, ARG(work_path), "path for work files and logs"},
	{"parent-path", 0, OPTION_VALUE, ARG(parent_path), "path of an earlier image"},
	{"leave-running", 0, OPTION_FLAG, ARG(leave_running), "the process goes on afterwards"},
	{"tcp-established", 0, OPTION_FLAG, ARG(tcp_established), "allow open tcp connections"},
	{"ext-unix-sk", 0, OPTION_FLAG, ARG(ext_unix_sk), "allow external unix sockets"},
	{"shell-job", 0, OPTION_FLAG, ARG(shell_job), "allow shell jobs"},
	{"lazy-pages", 0, OPTION_FLAG, ARG(lazy_pages), "pages on demand"},
	{"status-fd", 0, OPTION_VALUE, ARG(status_fd), "tells when it is ready"},
	{"page-server", 0, OPTION_VALUE, ARG(page_server), "ADDRESS:PORT of the page server"},
	{"file-locks", 0, OPTION_FLAG, ARG(file_locks), "handle file locks"},
	{"pre-dump", 0, OPTION_FLAG, ARG(pre_dump), "memory only, and go on"},
	{"manage-cgroups-mode", 0, OPTION_VALUE, ARG(manage_cgroups),
	 "soft, full, strict or ignore"},
	{"empty-ns", 0, OPTION_LIST, ARG(empty_ns), "create a namespace, but do not restore it"},
	{"auto-dedup", 0, OPTION_FLAG, ARG(auto_dedup), "deduplicate the images"},
	{"bundle", 'b', OPTION_VALUE, ARG(bundle), "path of the bundle (restore)"},
	{"detach", 'd', OPTION_FLAG, ARG(detach), "do not wait for the container's end (restore)"},
	{"pid-file", 0, OPTION_VALUE, ARG(pid_file), "file to write the process id to (restore)"},
	{"console-socket", 0, OPTION_VALUE, ARG(console_socket),
	 "socket that receives the master of the terminal (restore)"},
	{"no-subreaper", 0, OPTION_FLAG, ARG(no_subreaper), "accepted and ignored (restore)"},
	{"no-pivot", 0, OPTION_FLAG, ARG(no_pivot), "accepted and ignored (restore)"},
	{"lsm-profile", 0, OPTION_VALUE, ARG(lsm_profile), "accepted and ignored (restore)"},
	{"lsm-mount-context", 0, OPTION_VALUE, ARG(lsm_mount), "accepted and ignored (restore)"},
	{NULL},
};
const struct command command_checkpoint = {
	.name = "checkpoint",
	.summary = "checkpoint a running container (not supported yet)",
	.arguments = "<container-id>",
	.options = image_options,
	.run = run_refuse,
};
const struct command command_restore = {
	.name = "restore",
	.summary = "restore a container from a previous checkpoint (not supported yet)",
	.arguments = "<container-id>",
	.options = image_options,
	.run = run_refuse,
};
