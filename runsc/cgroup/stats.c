/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - the numbers of a cgroup as JSON, in the form of `runc events --stats` */
#include <stdlib.h>

#include "runsc/cgroup/cgroup_internal.h"

static void set_number(json_t *o, const char *key, u64 value)
{
	/* JSON's integers end at INT64_MAX here; "no limit" is above. */
	json_object_set_new(o, key, json_integer((json_int_t)min(value, (u64)INT64_MAX)));
}

static void set_nonzero(json_t *o, const char *key, u64 value)
{
	if (value)
		set_number(o, key, value);
}

/* The number in a file, when it is there. */
static void set_file(json_t *o, const char *key, const char *dir, const char *name)
{
	u64 value;

	if (dir && cgfile_u64(dir, name, &value) == 0)
		set_number(o, key, value);
}

/* All "key number" lines of a file. */
static json_t *flat_file(const char *dir, const char *name)
{
	char *text = cgfile_read(dir, name), *save = NULL;
	json_t *o = json_object();

	for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(l, ' ');

		if (!blank)
			continue;
		*blank = 0;
		set_number(o, l, strtoull(blank + 1, NULL, 10));
	}
	free(text);
	return o;
}

/* Numbers separated by blanks. */
static json_t *number_list(char *text)
{
	json_t *list = json_array();
	char *save = NULL;

	for (char *w = text ? strtok_r(text, " \n", &save) : NULL; w;
	     w = strtok_r(NULL, " \n", &save))
		json_array_append_new(list, json_integer((json_int_t)strtoull(w, NULL, 10)));
	return list;
}

/* "0-3,7" as [0,1,2,3,7]. */
static json_t *range_list(const char *dir, const char *name)
{
	char *text = cgfile_read(dir, name);
	json_t *list = json_array();

	for (const char *p = text; p && *p >= '0' && *p <= '9';) {
		char *end;
		unsigned long first = strtoul(p, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long i = first; i <= last && i < 65536; i++)
			json_array_append_new(list, json_integer((json_int_t)i));
		p = *end == ',' ? end + 1 : end;
	}
	free(text);
	return list;
}

/* Column @column (of "cpu user system" lines behind a title) as a list. */
static json_t *usage_column(const char *dir, int column)
{
	char *text = cgfile_read(dir, "cpuacct.usage_all"), *save = NULL;
	json_t *list = json_array();
	char *l = text ? strtok_r(text, "\n", &save) : NULL;

	while (l && (l = strtok_r(NULL, "\n", &save)) != NULL) {
		unsigned long long user = 0, system = 0;

		if (sscanf(l, "%*u %llu %llu", &user, &system) == 2)
			json_array_append_new(list,
					      json_integer((json_int_t)(column ? system : user)));
	}
	free(text);
	return list;
}

#define TICK_NS 10000000ull /* USER_HZ is 100 for ever */

static json_t *cpu_v1(const struct cgroup *cg)
{
	const char *acct = cg->paths[SUB_CPUACCT], *cpu = cg->paths[SUB_CPU];
	json_t *o = json_object(), *usage = json_object(), *throttling = json_object();
	u64 total = 0;

	if (acct) {
		char *text = cgfile_read(acct, "cpuacct.usage_percpu");

		cgfile_u64(acct, "cpuacct.usage", &total);
		set_number(usage, "total", total);
		json_object_set_new(usage, "percpu", number_list(text));
		json_object_set_new(usage, "percpu_kernel", usage_column(acct, 1));
		json_object_set_new(usage, "percpu_user", usage_column(acct, 0));
		set_number(usage, "kernel", cgfile_key(acct, "cpuacct.stat", "system") * TICK_NS);
		set_number(usage, "user", cgfile_key(acct, "cpuacct.stat", "user") * TICK_NS);
		free(text);
	}
	if (cpu) {
		set_nonzero(throttling, "periods", cgfile_key(cpu, "cpu.stat", "nr_periods"));
		set_nonzero(throttling, "throttledPeriods",
			    cgfile_key(cpu, "cpu.stat", "nr_throttled"));
		set_nonzero(throttling, "throttledTime",
			    cgfile_key(cpu, "cpu.stat", "throttled_time"));
	}
	json_object_set_new(o, "usage", usage);
	json_object_set_new(o, "throttling", throttling);
	return o;
}

static json_t *cpuset_v1(const char *dir)
{
	static const char *const flags[] = {
		"cpu_exclusive",      "mem_hardwall",	    "mem_exclusive",   "memory_migrate",
		"memory_spread_page", "memory_spread_slab", "memory_pressure", "sched_load_balance",
	};
	json_t *o = json_object();
	char name[64], *level;

	if (!dir)
		return o;
	json_object_set_new(o, "cpus", range_list(dir, "cpuset.cpus"));
	json_object_set_new(o, "mems", range_list(dir, "cpuset.mems"));
	for (size_t i = 0; i < array_size(flags); i++) {
		snprintf(name, sizeof(name), "cpuset.%s", flags[i]);
		set_file(o, flags[i], dir, name);
	}
	level = cgfile_read(dir, "cpuset.sched_relax_domain_level");
	if (level)
		json_object_set_new(o, "sched_relax_domain_level", json_integer(atoi(level)));
	free(level);
	return o;
}

/* Usage, peak, limit and failures of one counter: "memory", "memory.memsw", "memory.kmem". */
static json_t *counter_v1(const char *dir, const char *counter)
{
	static const struct {
		const char *key, *file;
	} files[] = {{"limit", "limit_in_bytes"},
		     {"usage", "usage_in_bytes"},
		     {"max", "max_usage_in_bytes"},
		     {"failcnt", "failcnt"}};
	json_t *o = json_object();
	char name[64];

	for (size_t i = 0; i < array_size(files); i++) {
		snprintf(name, sizeof(name), "%s.%s", counter, files[i].file);
		set_file(o, files[i].key, dir, name);
	}
	return o;
}

static json_t *memory_v1(const char *dir)
{
	json_t *o = json_object(), *raw;

	if (!dir)
		return o;
	raw = flat_file(dir, "memory.stat");
	set_number(o, "cache", (u64)json_integer_value(json_object_get(raw, "cache")));
	json_object_set_new(o, "usage", counter_v1(dir, "memory"));
	json_object_set_new(o, "swap", counter_v1(dir, "memory.memsw"));
	json_object_set_new(o, "kernel", counter_v1(dir, "memory.kmem"));
	json_object_set_new(o, "kernelTCP", counter_v1(dir, "memory.kmem.tcp"));
	json_object_set_new(o, "raw", raw);
	return o;
}

/* The limit is told as it was asked for. */
static json_t *pids_stats(const struct cgroup *cg, const char *dir)
{
	json_t *o = json_object();
	u64 limit;

	set_file(o, "current", dir, "pids.current");
	if (dir && cgfile_u64(dir, "pids.max", &limit) == 0 && limit != UINT64_MAX)
		set_number(o, "limit", limit > cg->own_tasks ? limit - cg->own_tasks : limit);
	return o;
}

/* "8:0 Read 123" lines. */
static json_t *blkio_file(const char *dir, const char *name)
{
	char *text = cgfile_read(dir, name), *save = NULL;
	json_t *list = json_array();

	for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		unsigned long long major, minor, value;
		char op[32];

		if (sscanf(l, "%llu:%llu %31s %llu", &major, &minor, op, &value) == 4)
			json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:I}", "major",
							      (json_int_t)major, "minor",
							      (json_int_t)minor, "op", op, "value",
							      (json_int_t)value));
	}
	free(text);
	return list;
}

static json_t *blkio_v1(const char *dir)
{
	static const char *const files[][3] = {
		{"ioServiceBytesRecursive", "blkio.bfq.io_service_bytes_recursive",
		 "blkio.throttle.io_service_bytes_recursive"},
		{"ioServicedRecursive", "blkio.bfq.io_serviced_recursive",
		 "blkio.throttle.io_serviced_recursive"},
	};
	json_t *o = json_object();

	for (size_t i = 0; i < array_size(files) && dir; i++) {
		json_t *list = blkio_file(dir, files[i][1]);

		if (!json_array_size(list)) {
			json_decref(list);
			list = blkio_file(dir, files[i][2]);
		}
		if (json_array_size(list))
			json_object_set(o, files[i][0], list);
		json_decref(list);
	}
	return o;
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." of io.stat. */
static json_t *io_v2(const char *dir)
{
	static const char *const keys[][2] = {
		{"rbytes=", "Read"}, {"wbytes=", "Write"}, {"rios=", "Read"}, {"wios=", "Write"}};
	char *text = cgfile_read(dir, "io.stat"), *save = NULL;
	json_t *o = json_object(), *bytes = json_array(), *count = json_array();

	for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		unsigned long long major, minor;

		if (sscanf(l, "%llu:%llu", &major, &minor) != 2)
			continue;
		for (size_t i = 0; i < array_size(keys); i++) {
			char *at = strstr(l, keys[i][0]);
			u64 value = at ? strtoull(at + strlen(keys[i][0]), NULL, 10) : 0;

			json_array_append_new(i < 2 ? bytes : count,
					      json_pack("{s:I,s:I,s:s,s:I}", "major",
							(json_int_t)major, "minor",
							(json_int_t)minor, "op", keys[i][1],
							"value", (json_int_t)value));
		}
	}
	if (json_array_size(bytes)) {
		json_object_set(o, "ioServiceBytesRecursive", bytes);
		json_object_set(o, "ioServicedRecursive", count);
	}
	json_decref(bytes);
	json_decref(count);
	free(text);
	return o;
}

static json_t *memory_v2(const char *dir)
{
	json_t *o = json_object(), *usage = json_object(), *swap = json_object();
	json_t *raw = flat_file(dir, "memory.stat");
	u64 current, swapped;

	set_number(o, "cache", (u64)json_integer_value(json_object_get(raw, "file")));
	set_file(usage, "limit", dir, "memory.max");
	set_file(usage, "usage", dir, "memory.current");
	set_file(usage, "max", dir, "memory.peak");
	set_number(usage, "failcnt", cgfile_key(dir, "memory.events", "max"));
	/* As on v1: memory and swap together. */
	if (cgfile_u64(dir, "memory.current", &current) == 0 &&
	    cgfile_u64(dir, "memory.swap.current", &swapped) == 0)
		set_number(swap, "usage", current + swapped);
	json_object_set_new(o, "usage", usage);
	json_object_set_new(o, "swap", swap);
	json_object_set_new(o, "raw", raw);
	return o;
}

static json_t *cpu_v2(const char *dir)
{
	json_t *o = json_object(), *usage = json_object(), *throttling = json_object();

	set_number(usage, "total", cgfile_key(dir, "cpu.stat", "usage_usec") * 1000);
	set_number(usage, "kernel", cgfile_key(dir, "cpu.stat", "system_usec") * 1000);
	set_number(usage, "user", cgfile_key(dir, "cpu.stat", "user_usec") * 1000);
	set_number(throttling, "periods", cgfile_key(dir, "cpu.stat", "nr_periods"));
	set_number(throttling, "throttledPeriods", cgfile_key(dir, "cpu.stat", "nr_throttled"));
	set_number(throttling, "throttledTime",
		   cgfile_key(dir, "cpu.stat", "throttled_usec") * 1000);
	json_object_set_new(o, "usage", usage);
	json_object_set_new(o, "throttling", throttling);
	return o;
}

json_t *cgroup_stats(const struct cgroup *cg)
{
	const char *dir = cg->paths[SUB_UNIFIED];
	bool v2 = cg->v2 && dir;
	json_t *o = json_object();

	json_object_set_new(o, "cpu", v2 ? cpu_v2(dir) : cpu_v1(cg));
	json_object_set_new(o, "cpuset", v2 ? json_object() : cpuset_v1(cg->paths[SUB_CPUSET]));
	json_object_set_new(o, "memory", v2 ? memory_v2(dir) : memory_v1(cg->paths[SUB_MEMORY]));
	json_object_set_new(o, "pids", pids_stats(cg, v2 ? dir : cg->paths[SUB_PIDS]));
	json_object_set_new(o, "blkio", v2 ? io_v2(dir) : blkio_v1(cg->paths[SUB_BLKIO]));
	json_object_set_new(o, "hugetlb", json_object());
	json_object_set_new(o, "intel_rdt", json_object());
	json_object_set_new(o, "network_interfaces", json_null());
	return o;
}
