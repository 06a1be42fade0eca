/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_update.c - runsc update: other limits for a container that runs
 *
 * All ways to say them (a file, standard input, options) become one JSON object as in config.json,
 * so that there is one parser and one set of checks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/container.h"

struct args {
	const char *resources, *blkio_weight, *cpu_period, *cpu_quota, *cpu_share, *cpu_rt_period,
		*cpu_rt_runtime, *cpuset_cpus, *cpuset_mems, *kernel_memory, *kernel_memory_tcp,
		*memory, *memory_reservation, *memory_swap, *pids_limit, *l3, *bandwidth, *cpu_idle;
};

enum form { FORM_NUMBER, FORM_SIZE, FORM_TEXT };

static const struct field {
	size_t offset;
	enum form form;
	const char *option, *group, *key;
} fields[] = {
#define F(member, form, option, group, key)                             \
	{                                                               \
		offsetof(struct args, member), form, option, group, key \
	}
	F(blkio_weight, FORM_NUMBER, "blkio-weight", "blockIO", "weight"),
	F(cpu_period, FORM_NUMBER, "cpu-period", "cpu", "period"),
	F(cpu_quota, FORM_NUMBER, "cpu-quota", "cpu", "quota"),
	F(cpu_share, FORM_NUMBER, "cpu-share", "cpu", "shares"),
	F(cpu_rt_period, FORM_NUMBER, "cpu-rt-period", "cpu", "realtimePeriod"),
	F(cpu_rt_runtime, FORM_NUMBER, "cpu-rt-runtime", "cpu", "realtimeRuntime"),
	F(cpuset_cpus, FORM_TEXT, "cpuset-cpus", "cpu", "cpus"),
	F(cpuset_mems, FORM_TEXT, "cpuset-mems", "cpu", "mems"),
	F(cpu_idle, FORM_NUMBER, "cpu-idle", "cpu", "idle"),
	F(kernel_memory, FORM_SIZE, "kernel-memory", "memory", "kernel"),
	F(kernel_memory_tcp, FORM_SIZE, "kernel-memory-tcp", "memory", "kernelTCP"),
	F(memory, FORM_SIZE, "memory", "memory", "limit"),
	F(memory_reservation, FORM_SIZE, "memory-reservation", "memory", "reservation"),
	F(memory_swap, FORM_SIZE, "memory-swap", "memory", "swap"),
	F(pids_limit, FORM_NUMBER, "pids-limit", "pids", "limit"),
#undef F
};

/* "64m", "1.5G", "-1" as bytes. */
static bool parse_size(const char *text, json_int_t *out)
{
	static const char units[] = "bkmgtp";
	char *end;
	double v = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end | 0x20) : units;

	if (end == text || !unit ||
	    (*end && end[1] && strcasecmp(end + 1, "b") != 0 && strcasecmp(end + 1, "ib") != 0))
		return false;
	for (ptrdiff_t i = unit - units; i > 0; i--)
		v *= 1024;
	if (v < -1 || v > 9e18)
		return false;
	*out = (json_int_t)v;
	return true;
}

static json_t *parse_value(const struct field *f, const char *text)
{
	json_int_t v;
	char *end;

	if (f->form == FORM_TEXT)
		return json_string(text);
	if (f->form == FORM_SIZE)
		return parse_size(text, &v) ? json_integer(v) : NULL;
	v = strtoll(text, &end, 10);
	return end != text && !*end ? json_integer(v) : NULL;
}

static int add_options(json_t *top, const struct args *a, struct error *e)
{
	for (size_t i = 0; i < array_size(fields); i++) {
		const struct field *f = &fields[i];
		const char *text = *(const char *const *)((const char *)a + f->offset);
		json_t *group, *v;

		if (!text || !*text)
			continue;
		v = parse_value(f, text);
		if (!v)
			return error_set(e, "invalid value for %s: \"%s\"", f->option, text);
		group = json_object_get(top, f->group);
		if (!group) {
			group = json_object();
			json_object_set_new(top, f->group, group);
		}
		json_object_set_new(group, f->key, v);
	}
	return 0;
}

static json_t *read_resources(const struct args *a, struct error *e)
{
	json_error_t je;
	json_t *top = NULL;
	FILE *f;

	if (!a->resources)
		return json_object();
	f = strcmp(a->resources, "-") ? fopen(a->resources, "re") : fdopen(dup(0), "r");
	if (!f) {
		error_set_errno(e, errno, "open %s", a->resources);
		return NULL;
	}
	top = json_loadf(f, 0, &je);
	fclose(f);
	if (!top)
		error_set(e, "%s: line %d, column %d: %s", a->resources, je.line, je.column,
			  je.text);
	else if (!json_is_object(top))
		error_set(e, "%s: expected an object", a->resources);
	return top;
}

/* The sandbox shows its guests what they have, and holds them to their number of tasks. */
static int tell_sandbox(struct container *c, const struct spec_resources *res, struct error *e)
{
	struct control_request req = {.type = CONTROL_LIMITS};
	struct control_limits l = {
		.memory = res->memory.limit,
		.memory_swap = res->memory.swap,
		.memory_soft = res->memory.reservation,
		.tasks = res->pids_limit,
		.cpu_quota = res->cpu.quota,
		.cpu_shares = res->cpu.shares,
		.cpu_period = res->cpu.period,
	};
	int fd = memfd_create("limits", MFD_CLOEXEC), err;

	if (fd < 0)
		return error_set_errno(e, errno, "memfd_create");
	if (write(fd, &l, sizeof(l)) != sizeof(l))
		err = error_set_errno(e, EIO, "limits");
	else
		err = control_call(c, &req, &fd, 1, NULL, e);
	close(fd);
	return err;
}

static int update(struct container *c, const struct args *a, struct error *e)
{
	struct spec_resources *res;
	struct region *r;
	json_t *top;
	int fd, err = region_create(&r, &fd);

	if (err)
		return error_set_errno(e, err, "memory of the configuration");
	close(fd);
	region_alloc(r, sizeof(*res));
	res = region_root(r);
	if (container_status(c) == CONTAINER_STOPPED)
		return error_set(e, "container not running");
	if (!c->cgroup)
		return error_set(e, "the container has no cgroup of its own");
	top = read_resources(a, e);
	if (!e->text[0])
		add_options(top, a, e);
	if (!e->text[0])
		err = spec_resources_parse(r, top, "resources", res, e);
	json_decref(top);
	if (!e->text[0])
		cgroup_update(c->cgroup, res, e);
	return e->text[0] ? -EINVAL : tell_sandbox(c, res, e);
}

static int run_update(const struct command *self, char **argv)
{
	struct args args = {0};
	struct error e = {0};
	struct container c;
	int status, used = command_options(self, argv, &args, &status);

	if (used < 0)
		return status;
	argv += used;
	if (!command_arguments(self, argv, 1))
		return 1;
	if (container_open(&c, argv[0], true, &e) == 0) {
		update(&c, &args, &e);
		container_close(&c);
	}
	if (e.text[0])
		command_error("%s", e.text);
	return e.text[0] != 0;
}

#define ARG(member) offsetof(struct args, member)
static const struct option options[] = {
	{"resources", 'r', OPTION_VALUE, ARG(resources),
	 "path to a file with the resources as JSON, or '-' for the standard input"},
	{"blkio-weight", 0, OPTION_VALUE, ARG(blkio_weight), "specifies per cgroup weight"},
	{"cpu-period", 0, OPTION_VALUE, ARG(cpu_period), "CPU CFS period in usecs"},
	{"cpu-quota", 0, OPTION_VALUE, ARG(cpu_quota), "CPU CFS hardcap limit in usecs a period"},
	{"cpu-share", 0, OPTION_VALUE, ARG(cpu_share), "CPU shares (relative weight)"},
	{"cpu-rt-period", 0, OPTION_VALUE, ARG(cpu_rt_period), "CPU realtime period in usecs"},
	{"cpu-rt-runtime", 0, OPTION_VALUE, ARG(cpu_rt_runtime),
	 "CPU realtime hardcap limit in usecs"},
	{"cpuset-cpus", 0, OPTION_VALUE, ARG(cpuset_cpus), "CPU(s) to use"},
	{"cpuset-mems", 0, OPTION_VALUE, ARG(cpuset_mems), "memory node(s) to use"},
	{"cpu-idle", 0, OPTION_VALUE, ARG(cpu_idle), "set cgroup SCHED_IDLE or not"},
	{"kernel-memory", 0, OPTION_VALUE, ARG(kernel_memory), "kernel memory limit in bytes"},
	{"kernel-memory-tcp", 0, OPTION_VALUE, ARG(kernel_memory_tcp),
	 "kernel memory limit for TCP buffers in bytes"},
	{"memory", 0, OPTION_VALUE, ARG(memory), "memory limit in bytes"},
	{"memory-reservation", 0, OPTION_VALUE, ARG(memory_reservation),
	 "memory reservation or soft limit in bytes"},
	{"memory-swap", 0, OPTION_VALUE, ARG(memory_swap),
	 "total of memory and swap in bytes; -1: unlimited swap"},
	{"pids-limit", 0, OPTION_VALUE, ARG(pids_limit), "maximum number of tasks"},
	{"l3-cache-schema", 0, OPTION_VALUE, ARG(l3), "accepted and ignored"},
	{"mem-bw-schema", 0, OPTION_VALUE, ARG(bandwidth), "accepted and ignored"},
	{NULL},
};
const struct command command_update = {
	.name = "update",
	.summary = "update the resource limits of a container",
	.arguments = "<container-id>",
	.options = options,
	.run = run_update,
};
