/* SPDX-License-Identifier: Apache-2.0 */
/* spec.h - an OCI bundle's config.json, checked, as structures
 *
 * Everything lives in a struct region. Counted arrays are never NULL when their count is above 0;
 * optional strings are NULL when they are absent. What Bulkhead knows of and does not honour is
 * told as a notice; fields that the specification does not know are ignored, as it demands.
 */
#ifndef RUNSC_SPEC_SPEC_H
#define RUNSC_SPEC_SPEC_H

#include <stdio.h>

#include "runsc/spec/error.h"
#include "runsc/spec/region.h"
#include "runsc/spec/resources.h"

#define SPEC_RLIMITS 16

struct spec_rlimit {
	bool set;
	u64 soft, hard;
};

struct spec_process {
	bool terminal, no_new_privileges;
	u32 console_width, console_height; /* 0: unknown */
	u32 uid, gid, umask;
	u32 *groups;
	u32 group_count;
	char **args, **env; /* end with NULL */
	u32 arg_count, env_count;
	char *cwd;
	bool has_caps; /* "capabilities" was there: otherwise a process has none, as under runc */
	u64 bounding, effective, inheritable, permitted, ambient;
	struct spec_rlimit rlimits[SPEC_RLIMITS];
	bool has_oom_score_adj;
	s32 oom_score_adj;
	u32 ioprio;				/* as of ioprio_set(2); 0: not given */
	s32 nice, sched_policy, sched_priority; /* SCHED_*: 0, not given */
};

/* A node that is to be in the container. */
struct spec_device {
	char *path;
	u32 mode; /* type and permissions */
	u32 major, minor, uid, gid;
};

/* A value below /proc/sys; the name with slashes. */
struct spec_sysctl {
	char *name, *value;
};

enum spec_mount_kind {
	SPEC_MOUNT_BIND,
	SPEC_MOUNT_TMPFS,
	SPEC_MOUNT_PROC,
	SPEC_MOUNT_SYSFS,
	SPEC_MOUNT_DEVPTS,
	SPEC_MOUNT_MQUEUE,
	SPEC_MOUNT_CGROUP,
};

struct spec_mount {
	enum spec_mount_kind kind;
	char *destination; /* absolute, inside */
	char *type;
	char *source;	    /* of a bind: absolute, on the host */
	u64 flags;	    /* MS_* */
	char *data;	    /* what is left of the options, separated by commas; may be empty */
	bool source_is_dir; /* of a bind */
	bool copy_up;	    /* of a tmpfs: begins with what is below */
	u32 tree;	    /* of a bind: index of the gofer's tree */
};

enum spec_namespace_kind {
	SPEC_NS_PID,
	SPEC_NS_NETWORK,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_MOUNT,
	SPEC_NS_USER,
	SPEC_NS_CGROUP,
	SPEC_NS_TIME,
	SPEC_NS_COUNT,
};

struct spec_namespace {
	bool present;
	char *path; /* NULL: a new one */
};

enum spec_hook_kind {
	SPEC_HOOK_PRESTART,
	SPEC_HOOK_CREATE_RUNTIME,
	SPEC_HOOK_CREATE_CONTAINER,
	SPEC_HOOK_START_CONTAINER,
	SPEC_HOOK_POSTSTART,
	SPEC_HOOK_POSTSTOP,
	SPEC_HOOK_KINDS,
};

struct spec_hook {
	char *path;
	char **args, **env; /* end with NULL; NULL: not given */
	s64 timeout;	    /* seconds; 0: none */
};

struct spec_bpf { /* struct sock_filter */
	u16 code;
	u8 jt, jf;
	u32 k;
};

struct spec_id_map { /* of a user namespace */
	u32 inside, outside, count;
};

struct spec_annotation {
	char *key, *value;
};

struct spec {
	char *oci_version;
	char *bundle; /* absolute */
	struct spec_process process;
	char *root_path; /* absolute */
	bool root_readonly;
	char *hostname, *domainname; /* may be NULL */
	struct spec_mount *mounts;
	u32 mount_count;
	char **masked_paths, **readonly_paths; /* end with NULL */
	char *cgroups_path;		       /* linux.cgroupsPath; may be NULL */
	u32 personality;		       /* linux.personality */
	struct spec_device *devices;
	struct spec_sysctl *sysctls;
	u32 device_count, sysctl_count;
	struct spec_bpf *seccomp; /* linux.seccomp as a program; NULL: none */
	u32 seccomp_len;
	struct spec_resources resources;
	struct spec_namespace namespaces[SPEC_NS_COUNT];
	struct spec_id_map *uid_maps, *gid_maps; /* of a new user namespace; else none */
	u32 uid_map_count, gid_map_count;
	struct spec_hook *hooks[SPEC_HOOK_KINDS];
	u32 hook_counts[SPEC_HOOK_KINDS];
	struct spec_annotation *annotations;
	u32 annotation_count;
	char **notices; /* end with NULL: lines to be told */
	u32 notice_count;
};

/* Reads and checks @bundle/config.json into @out (in @r). 0 or -errno and a line in @e. */
int spec_load(struct region *r, const char *bundle, struct spec *out, struct error *e);
/* Reads and checks @file, a process object, into out->process (in @r). 0 or -errno and a
 * line. */
int spec_load_process(struct region *r, const char *file, struct spec *out, struct error *e);
/* What depends on the host: the root and the sources of bind mounts exist. 0 or -errno and
 * a line.
 */
int spec_check_host(struct region *r, struct spec *s, struct error *e);
/* Writes the example config.json of `runsc spec`, as runc's. 0 or -EIO. */
int spec_example_write(FILE *f, bool rootless);
/* The value of an annotation, or NULL. */
const char *spec_annotation(const struct spec *s, const char *key);
/* Adds one mount option to flags or data of @m. */
void spec_mount_option(struct region *r, struct spec_mount *m, const char *option);
/* "CAP_KILL" -> 5; -1 when there is no such. "RLIMIT_NOFILE" -> RLIMIT_NOFILE; -1. */
int spec_capability(const char *name);
int spec_rlimit(const char *name);
/* "CAP_KILL" of 5. False: there is no such. */
bool spec_capability_name(int cap, char *out, size_t size);
/* Option number @i of mounts that is a flag; NULL: no more. */
const char *spec_mount_option_name(size_t i);

#endif
