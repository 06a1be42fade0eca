/* SPDX-License-Identifier: Apache-2.0 */
/* resources.h - "linux.resources": the limits of a container's cgroup
 *
 * As in runc, 0 means that a number is not given: what is not given is left as it is, also by an
 * update. -1 (any negative number) takes a limit away where the field allows that. Lists are in a
 * struct region.
 */
#ifndef RUNSC_SPEC_RESOURCES_H
#define RUNSC_SPEC_RESOURCES_H

#include <jansson.h>

#include "runsc/spec/error.h"
#include "runsc/spec/region.h"

struct spec_memory {
	s64 limit, reservation, swap, kernel, kernel_tcp;
	bool has_swappiness, disable_oom_killer, check_before_update;
	u64 swappiness;
};

struct spec_cpu {
	u64 shares, burst, period, realtime_period;
	s64 quota, realtime_runtime;
	char *cpus, *mems; /* NULL: not given */
	bool has_idle, has_burst;
	s64 idle;
};

/* A number for one block device. */
struct spec_device_value {
	s64 major, minor;
	u64 value;
	u64 leaf; /* of a weight */
};

enum spec_throttle {
	SPEC_READ_BPS,
	SPEC_WRITE_BPS,
	SPEC_READ_IOPS,
	SPEC_WRITE_IOPS,
	SPEC_THROTTLES,
};

struct spec_blkio {
	u32 weight, leaf_weight;
	struct spec_device_value *weights;
	u32 weight_count;
	struct spec_device_value *throttles[SPEC_THROTTLES];
	u32 throttle_count[SPEC_THROTTLES];
};

struct spec_named_limit {
	char *name; /* a page size ("2MB"), an interface, a file of cgroup v2, an RDMA device */
	u64 limit;
	u64 objects; /* of RDMA */
	char *text;  /* of "unified" */
	bool has_limit, has_objects;
};

/* One line of the device list. type is 'a', 'b' or 'c'; -1: any number. */
struct spec_device_rule {
	bool allow;
	char type;
	s64 major, minor;
	char access[4]; /* of "rwm", ended with NUL */
};

struct spec_resources {
	struct spec_memory memory;
	struct spec_cpu cpu;
	s64 pids_limit;
	struct spec_blkio blkio;
	u32 class_id;
	bool has_class_id, has_devices;
	struct spec_named_limit *hugepages, *priorities, *unified, *rdma;
	u32 hugepage_count, priority_count, unified_count, rdma_count;
	struct spec_device_rule *devices;
	u32 device_count;
};

/* The resources in the JSON object @v, which messages call @name. 0 or -EINVAL with a line. */
int spec_resources_parse(struct region *r, json_t *v, const char *name, struct spec_resources *out,
			 struct error *e);
/* Is any limit asked for, other than by rules for devices? */
bool spec_resources_any(const struct spec_resources *res);

#endif
