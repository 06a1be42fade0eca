/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_cgroup.c - the cgroup of a sandbox that lives no longer than its starter */
#include "runsc/command.h"
#include "runsc/sandbox.h"

/* Guests are shown what the cgroup leaves them. */
static void show_limits(struct boot_config *c, const struct cgroup *cg)
{
	u32 cpus = cgroup_cpu_limit(cg);

	c->memory_limit = cgroup_memory_limit(cg);
	c->pids_limit = c->spec.resources.pids_limit > 0 ? c->spec.resources.pids_limit : 0;
	c->cgroup_v1 = !cgroup_is_v2(cg);
	if (cpus)
		c->cpus = min(c->cpus, cpus);
}

int sandbox_cgroup_start(struct sandbox *s, const char *id, struct error *e)
{
	struct boot_config *c = s->config;
	struct cgroup_options o = {
		.id = id,
		.path = c->spec.cgroups_path,
		.systemd = g_globals.systemd_cgroup,
		.rootless = g_globals.rootless_user,
		.own_tasks = CGROUP_OWN_TASKS,
	};
	int err = cgroup_locate(&o, &s->cgroup, e);

	if (!err)
		err = cgroup_create(s->cgroup, e);
	if (!err && !o.systemd)
		err = cgroup_apply(s->cgroup, &c->spec.resources, e);
	if (err)
		sandbox_cgroup_end(s);
	else
		show_limits(c, s->cgroup);
	return err;
}

int sandbox_cgroup_enter(struct sandbox *s, pid_t pid, struct error *e)
{
	return s->cgroup ? cgroup_enter(s->cgroup, pid, e) : 0;
}

void sandbox_cgroup_end(struct sandbox *s)
{
	struct error e = {0};

	if (s->cgroup && cgroup_remove(s->cgroup, &e) < 0)
		log_warning("%s", e.text);
	cgroup_destroy(s->cgroup);
	s->cgroup = NULL;
}
