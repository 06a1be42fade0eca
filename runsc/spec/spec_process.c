/* SPDX-License-Identifier: Apache-2.0 */
/* spec_process.c - the "process" object: what runs first, and with which rights */
#include <stdio.h>
#include <sys/resource.h>

#include "runsc/spec/node.h"

static const char *const cap_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};
static_assert(array_size(cap_names) == 41, "one name per capability");

static const char *const rlimit_names[SPEC_RLIMITS] = {
	[RLIMIT_CPU] = "CPU",		[RLIMIT_FSIZE] = "FSIZE",
	[RLIMIT_DATA] = "DATA",		[RLIMIT_STACK] = "STACK",
	[RLIMIT_CORE] = "CORE",		[RLIMIT_RSS] = "RSS",
	[RLIMIT_NPROC] = "NPROC",	[RLIMIT_NOFILE] = "NOFILE",
	[RLIMIT_MEMLOCK] = "MEMLOCK",	[RLIMIT_AS] = "AS",
	[RLIMIT_LOCKS] = "LOCKS",	[RLIMIT_SIGPENDING] = "SIGPENDING",
	[RLIMIT_MSGQUEUE] = "MSGQUEUE", [RLIMIT_NICE] = "NICE",
	[RLIMIT_RTPRIO] = "RTPRIO",	[RLIMIT_RTTIME] = "RTTIME",
};

int spec_capability(const char *name)
{
	if (strncmp(name, "CAP_", 4) != 0)
		return -1;
	for (size_t i = 0; i < array_size(cap_names); i++)
		if (!strcmp(cap_names[i], name + 4))
			return (int)i;
	return -1;
}

bool spec_capability_name(int cap, char *out, size_t size)
{
	if (cap < 0 || cap >= (int)array_size(cap_names))
		return false;
	snprintf(out, size, "CAP_%s", cap_names[cap]);
	return true;
}

int spec_rlimit(const char *name)
{
	if (strncmp(name, "RLIMIT_", 7) != 0)
		return -1;
	for (size_t i = 0; i < array_size(rlimit_names); i++)
		if (rlimit_names[i] && !strcmp(rlimit_names[i], name + 7))
			return (int)i;
	return -1;
}

static void parse_cap_set(const struct node *caps, const char *key, u64 *out, struct spec *s)
{
	char **names = NULL;
	u32 count = 0;

	node_strings(caps, key, &names, &count);
	if (node_failed(caps))
		return;
	for (u32 i = 0; i < count; i++) {
		int cap = spec_capability(names[i]);

		if (cap < 0)
			spec_notice(
				caps->doc->r, s,
				"%s: process.capabilities.%s[%u]: ignoring unknown capability %s",
				caps->doc->file, key, i, names[i]);
		else
			*out |= 1ull << cap;
	}
}

static void parse_caps(const struct node *n, struct spec *s)
{
	struct node caps = node_object(n, "capabilities");
	struct spec_process *p = &s->process;

	if (!caps.v)
		return;
	p->has_caps = true;
	parse_cap_set(&caps, "bounding", &p->bounding, s);
	parse_cap_set(&caps, "effective", &p->effective, s);
	parse_cap_set(&caps, "inheritable", &p->inheritable, s);
	parse_cap_set(&caps, "permitted", &p->permitted, s);
	parse_cap_set(&caps, "ambient", &p->ambient, s);
}

static void parse_user(const struct node *n, struct spec_process *p)
{
	struct node user = node_object(n, "user"), gids;
	char *name;

	p->umask = 022;
	node_u32(&user, "uid", &p->uid);
	node_u32(&user, "gid", &p->gid);
	node_u32(&user, "umask", &p->umask);
	node_string(&user, "username", &name);
	gids = node_array(&user, "additionalGids");
	p->group_count = (u32)node_count(&gids);
	p->groups = region_alloc(n->doc->r, p->group_count * sizeof(u32));
	for (u32 i = 0; i < p->group_count; i++) {
		struct node e = node_element(&gids, i);

		node_u32(&e, NULL, &p->groups[i]);
	}
	p->umask &= 0777;
	if (!node_failed(n) && (p->uid == UINT32_MAX || p->gid == UINT32_MAX))
		node_error(n, "user", "4294967295 is no valid id");
}

static void parse_rlimits(const struct node *n, struct spec_process *p)
{
	struct node list = node_array(n, "rlimits");

	for (size_t i = 0; i < node_count(&list); i++) {
		struct node e = node_element_object(&list, i);
		struct spec_rlimit l = {.set = true};
		char *type = NULL;
		int which;

		node_string(&e, "type", &type);
		node_u64(&e, "soft", &l.soft);
		node_u64(&e, "hard", &l.hard);
		if (node_failed(&e))
			return;
		which = type ? spec_rlimit(type) : -1;
		if (which < 0)
			node_error(&e, "type", "wrong rlimit value: %s", type ? type : "(none)");
		else if (l.soft > l.hard)
			node_error(&e, "soft",
				   "%llu is above the hard limit %llu: invalid argument",
				   (unsigned long long)l.soft, (unsigned long long)l.hard);
		else
			p->rlimits[which] = l;
	}
}

static void parse_env(const struct node *n, struct spec_process *p)
{
	p->env = region_alloc(n->doc->r, sizeof(*p->env));
	node_strings(n, "env", &p->env, &p->env_count);
	for (u32 i = 0; !node_failed(n) && i < p->env_count; i++) {
		char *eq = strchr(p->env[i], '=');

		if (!eq || eq == p->env[i])
			node_error(n, "env", "invalid environment variable: \"%s\"", p->env[i]);
	}
}

static int find_name(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; name && i < count; i++)
		if (list[i] && !strcmp(list[i], name))
			return (int)i;
	return -1;
}

static void parse_io_priority(const struct node *n, struct spec_process *p)
{
	static const char *const classes[] = {"IOPRIO_CLASS_NONE", "IOPRIO_CLASS_RT",
					      "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"};
	struct node io = node_object(n, "ioPriority");
	char *name = NULL;
	s64 level = 0;
	int class;

	node_string(&io, "class", &name);
	node_s64(&io, "priority", &level);
	if (node_failed(n) || !io.v)
		return;
	class = find_name(name, classes, array_size(classes));
	if (class < 0)
		node_error(&io, "class", "invalid class \"%s\"", name ? name : "");
	else if (level < 0 || level > 7)
		node_error(&io, "priority", "%lld is not between 0 and 7", (long long)level);
	else
		p->ioprio = (u32) class << 13 | (u32)level;
}

/* Kept and shown inside; the host schedules all guests alike. */
static void parse_scheduler(const struct node *n, struct spec *s)
{
	static const char *const policies[] = {"SCHED_OTHER",	"SCHED_FIFO", "SCHED_RR",
					       "SCHED_BATCH",	"SCHED_ISO",  "SCHED_IDLE",
					       "SCHED_DEADLINE"};
	struct node sched = node_object(n, "scheduler");
	struct spec_process *p = &s->process;
	s64 nice = 0, priority = 0;
	char *name = NULL;
	int policy;

	node_string(&sched, "policy", &name);
	node_s64(&sched, "nice", &nice);
	node_s64(&sched, "priority", &priority);
	if (node_failed(n) || !sched.v)
		return;
	policy = find_name(name, policies, array_size(policies));
	if (policy < 0 || nice < -20 || nice > 19 || priority < 0 || priority > 99) {
		node_error(&sched,
			   policy < 0		     ? "policy"
			   : nice < -20 || nice > 19 ? "nice"
						     : "priority",
			   "invalid argument");
		return;
	}
	p->nice = (s32)nice;
	p->sched_policy = policy;
	p->sched_priority = (s32)priority;
	if (policy)
		spec_notice(n->doc->r, s,
			    "config.json: process.scheduler: %s is shown inside and has no effect",
			    name);
}

static void check_label(const struct node *n, const char *key, struct spec *s)
{
	char *label = NULL;

	node_string(n, key, &label);
	if (label && *label && !node_failed(n))
		spec_notice(n->doc->r, s, "config.json: process.%s: \"%s\" is not applied", key,
			    label);
}

void spec_parse_process(const struct node *top, struct spec *s)
{
	struct node n = node_object(top, "process"), size;
	struct spec_process *p = &s->process;
	s64 oom = INT64_MAX;

	if (node_failed(top))
		return;
	if (!n.v) {
		node_error(top, "process", "must not be empty");
		return;
	}
	size = node_object(&n, "consoleSize");
	node_u32(&size, "width", &p->console_width);
	node_u32(&size, "height", &p->console_height);
	node_bool(&n, "terminal", &p->terminal);
	node_bool(&n, "noNewPrivileges", &p->no_new_privileges);
	node_strings(&n, "args", &p->args, &p->arg_count);
	node_string(&n, "cwd", &p->cwd);
	parse_user(&n, p);
	parse_env(&n, p);
	parse_caps(&n, s);
	parse_rlimits(&n, p);
	node_s64(&n, "oomScoreAdj", &oom);
	check_label(&n, "apparmorProfile", s);
	check_label(&n, "selinuxLabel", s);
	parse_io_priority(&n, p);
	parse_scheduler(&n, s);
	if (node_failed(top))
		return;
	if (p->arg_count == 0)
		node_error(&n, "args", "must not be empty");
	else if (!p->cwd || !*p->cwd)
		node_error(&n, "cwd", "must not be empty");
	else if (p->cwd[0] != '/')
		node_error(&n, "cwd", "%s: must be an absolute path", p->cwd);
	else if (oom != INT64_MAX && (oom < -1000 || oom > 1000))
		node_error(&n, "oomScoreAdj", "%lld is not between -1000 and 1000", (long long)oom);
	if (node_failed(top) || oom == INT64_MAX)
		return;
	p->has_oom_score_adj = true;
	p->oom_score_adj = (s32)oom;
}
