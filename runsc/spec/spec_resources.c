/* SPDX-License-Identifier: Apache-2.0 */
/* spec_resources.c - "linux.resources" and the input of `runsc update` -> struct spec_resources */
#include <stdio.h>

#include "runsc/spec/node.h"

#define RULES_MAX 1024

/* An array of at most RULES_MAX elements; *out_count is 0 after a mistake. */
static struct node counted_array(const struct node *n, const char *key, u32 *out_count)
{
	struct node list = node_array(n, key);

	*out_count = 0;
	if (node_count(&list) > RULES_MAX)
		node_error(n, key, "more than %d entries", RULES_MAX);
	else
		*out_count = (u32)node_count(&list);
	return list;
}

static void parse_memory(const struct node *res, struct spec_memory *m)
{
	struct node n = node_object(res, "memory");

	node_s64(&n, "limit", &m->limit);
	node_s64(&n, "reservation", &m->reservation);
	node_s64(&n, "swap", &m->swap);
	node_s64(&n, "kernel", &m->kernel);
	node_s64(&n, "kernelTCP", &m->kernel_tcp);
	m->swappiness = UINT64_MAX;
	node_u64(&n, "swappiness", &m->swappiness);
	m->has_swappiness = m->swappiness != UINT64_MAX;
	node_bool(&n, "disableOOMKiller", &m->disable_oom_killer);
	node_bool(&n, "checkBeforeUpdate", &m->check_before_update);
}

static void parse_cpu(const struct node *res, struct spec_cpu *c)
{
	struct node n = node_object(res, "cpu");

	node_u64(&n, "shares", &c->shares);
	node_s64(&n, "quota", &c->quota);
	node_u64(&n, "period", &c->period);
	c->burst = UINT64_MAX;
	node_u64(&n, "burst", &c->burst);
	c->has_burst = c->burst != UINT64_MAX;
	node_s64(&n, "realtimeRuntime", &c->realtime_runtime);
	node_u64(&n, "realtimePeriod", &c->realtime_period);
	node_string(&n, "cpus", &c->cpus);
	node_string(&n, "mems", &c->mems);
	c->idle = INT64_MIN;
	node_s64(&n, "idle", &c->idle);
	c->has_idle = c->idle != INT64_MIN;
}

static void parse_device_values(const struct node *n, const char *key, const char *value_key,
				struct spec_device_value **out, u32 *out_count)
{
	u32 count;
	struct node list = counted_array(n, key, &count);
	struct spec_device_value *v = region_alloc(n->doc->r, count * sizeof(*v));

	for (u32 i = 0; i < count; i++) {
		struct node e = node_element_object(&list, i);

		node_s64(&e, "major", &v[i].major);
		node_s64(&e, "minor", &v[i].minor);
		node_u64(&e, value_key, &v[i].value);
		node_u64(&e, "leafWeight", &v[i].leaf);
	}
	*out = v;
	*out_count = count;
}

static void parse_blkio(const struct node *res, struct spec_blkio *b)
{
	static const char *const keys[SPEC_THROTTLES] = {
		[SPEC_READ_BPS] = "throttleReadBpsDevice",
		[SPEC_WRITE_BPS] = "throttleWriteBpsDevice",
		[SPEC_READ_IOPS] = "throttleReadIOPSDevice",
		[SPEC_WRITE_IOPS] = "throttleWriteIOPSDevice",
	};
	struct node n = node_object(res, "blockIO");

	node_u32(&n, "weight", &b->weight);
	node_u32(&n, "leafWeight", &b->leaf_weight);
	if (!node_failed(&n) && (b->weight > 65535 || b->leaf_weight > 65535))
		node_error(&n, b->weight > 65535 ? "weight" : "leafWeight", "is above 65535");
	parse_device_values(&n, "weightDevice", "weight", &b->weights, &b->weight_count);
	for (int i = 0; i < SPEC_THROTTLES; i++)
		parse_device_values(&n, keys[i], "rate", &b->throttles[i], &b->throttle_count[i]);
}

/* A name becomes part of a path or of a line: no slash, blank or control character. */
static void check_plain(const struct node *n, const char *key, const char *name)
{
	if (node_failed(n))
		return;
	if (!name || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
		node_error(n, key, "must be a name");
	for (const char *p = name; p && *p; p++)
		if (*p == '/' || (unsigned char)*p <= ' ' || *p == 127)
			node_error(n, key, "\"%s\" is no name", name);
}

static struct spec_named_limit *parse_named(const struct node *n, const char *key,
					    const char *name_key, const char *value_key, u32 *out)
{
	u32 count;
	struct node list = counted_array(n, key, &count);
	struct spec_named_limit *l = region_alloc(n->doc->r, count * sizeof(*l));

	for (u32 i = 0; i < count; i++) {
		struct node e = node_element_object(&list, i);

		node_string(&e, name_key, &l[i].name);
		node_u64(&e, value_key, &l[i].limit);
		check_plain(&e, name_key, l[i].name);
	}
	*out = count;
	return l;
}

static void parse_unified(const struct node *res, struct spec_resources *out)
{
	struct node n = node_object(res, "unified");
	struct spec_named_limit *l;
	const char *name;
	json_t *v;

	if (!n.v)
		return;
	if (json_object_size(n.v) > RULES_MAX) {
		node_error(res, "unified", "more than %d entries", RULES_MAX);
		return;
	}
	l = out->unified = region_alloc(n.doc->r, json_object_size(n.v) * sizeof(*l));
	json_object_foreach(n.v, name, v)
	{
		l->text = region_strdup(n.doc->r, "");
		node_string(&n, name, &l->text);
		check_plain(&n, name, name);
		l->name = region_strdup(n.doc->r, name);
		l++;
	}
	out->unified_count = (u32)(l - out->unified);
}

static void parse_rdma(const struct node *res, struct spec_resources *out)
{
	struct node n = node_object(res, "rdma");
	struct spec_named_limit *l;
	const char *name;
	json_t *v;

	if (!n.v)
		return;
	l = out->rdma = region_alloc(n.doc->r, json_object_size(n.v) * sizeof(*l));
	json_object_foreach(n.v, name, v)
	{
		struct node dev = node_object(&n, name);

		check_plain(&n, name, name);
		l->name = region_strdup(n.doc->r, name);
		l->has_limit = json_object_get(dev.v, "hcaHandles") != NULL;
		l->has_objects = json_object_get(dev.v, "hcaObjects") != NULL;
		node_u64(&dev, "hcaHandles", &l->limit);
		node_u64(&dev, "hcaObjects", &l->objects);
		l++;
	}
	out->rdma_count = (u32)(l - out->rdma);
}

static void parse_device_rule(const struct node *e, struct spec_device_rule *d)
{
	char *type = NULL, *access = NULL;
	size_t used = 0;

	d->type = 'a';
	d->major = d->minor = -1;
	node_bool(e, "allow", &d->allow);
	node_string(e, "type", &type);
	node_s64(e, "major", &d->major);
	node_s64(e, "minor", &d->minor);
	node_string(e, "access", &access);
	if (node_failed(e))
		return;
	if (type && *type) {
		if (strlen(type) != 1 || !strchr("abc", type[0]))
			node_error(e, "type", "invalid device type \"%s\"", type);
		d->type = type[0];
	}
	if (d->major < -1 || d->minor < -1 || d->major > UINT32_MAX || d->minor > UINT32_MAX)
		node_error(e, d->major < -1 ? "major" : "minor", "is no number of a device");
	for (const char *p = access ? access : ""; *p; p++) {
		if (!strchr("rwm", *p))
			node_error(e, "access", "invalid access \"%s\"", access);
		else if (!strchr(d->access, *p) && used < 3)
			d->access[used++] = *p;
	}
}

static void parse_devices(const struct node *res, struct spec_resources *out)
{
	struct node list = counted_array(res, "devices", &out->device_count);

	out->has_devices = list.v != NULL;
	out->devices = region_alloc(res->doc->r, out->device_count * sizeof(*out->devices));
	for (u32 i = 0; i < out->device_count; i++) {
		struct node e = node_element_object(&list, i);

		parse_device_rule(&e, &out->devices[i]);
	}
}

void spec_parse_resources(const struct node *n, struct spec_resources *out)
{
	struct node net = node_object(n, "network"), pids = node_object(n, "pids");

	out->class_id = UINT32_MAX;
	node_u32(&net, "classID", &out->class_id);
	out->has_class_id = out->class_id != UINT32_MAX;
	out->priorities = parse_named(&net, "priorities", "name", "priority", &out->priority_count);
	node_s64(&pids, "limit", &out->pids_limit);
	parse_memory(n, &out->memory);
	parse_cpu(n, &out->cpu);
	parse_blkio(n, &out->blkio);
	out->hugepages =
		parse_named(n, "hugepageLimits", "pageSize", "limit", &out->hugepage_count);
	parse_rdma(n, out);
	parse_unified(n, out);
	parse_devices(n, out);
}

int spec_resources_parse(struct region *r, json_t *v, const char *name, struct spec_resources *out,
			 struct error *e)
{
	struct doc doc = {.r = r, .e = e, .file = name};
	struct node top = {.doc = &doc, .v = v};

	if (!json_is_object(v))
		return error_set(e, "%s: expected an object", name);
	spec_parse_resources(&top, out);
	return node_failed(&top) ? -EINVAL : 0;
}

bool spec_resources_any(const struct spec_resources *res)
{
	const struct spec_memory *m = &res->memory;
	const struct spec_cpu *c = &res->cpu;
	const struct spec_blkio *b = &res->blkio;
	bool any = m->limit || m->reservation || m->swap || m->kernel_tcp || m->has_swappiness ||
		   m->disable_oom_killer;

	any = any || c->shares || c->quota || c->period || c->has_burst || c->realtime_period ||
	      c->realtime_runtime || c->has_idle || (c->cpus && *c->cpus) || (c->mems && *c->mems);
	any = any || b->weight || b->leaf_weight || b->weight_count || res->pids_limit;
	for (int i = 0; i < SPEC_THROTTLES; i++)
		any = any || b->throttle_count[i];
	return any || res->hugepage_count || res->priority_count || res->unified_count ||
	       res->rdma_count || res->has_class_id;
}
