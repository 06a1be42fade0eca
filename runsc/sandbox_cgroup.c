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

/* --systemd-cgroup, or --cgroup-manager. */
static bool by_systemd(void)
{
	return g_globals.systemd_cgroup ||
	       (g_globals.cgroup_manager && !strcmp(g_globals.cgroup_manager, "systemd"));
}

static bool disabled(void)
{
	return g_globals.cgroup_manager && !strcmp(g_globals.cgroup_manager, "disabled");
}

int sandbox_cgroup_locate(struct sandbox *s, const char *id, struct error *e)
{
	struct boot_config *c = s->config;
	struct cgroup_options o = {
		.id = id,
		.path = c->spec.cgroups_path,
		.systemd = by_systemd(),
		.rootless = g_globals.rootless_user,
		.disabled = disabled(),
		.own_tasks = CGROUP_OWN_TASKS,
	};

	return cgroup_locate(&o, &s->cgroup, e);
}

int sandbox_cgroup_start(struct sandbox *s, struct error *e)
{
	int err = cgroup_create(s->cgroup, e);

	if (!err && !by_systemd())
		err = cgroup_apply(s->cgroup, &s->config->spec.resources, e);
	if (!err)
		show_limits(s->config, s->cgroup);
	return err;
}

int sandbox_cgroup_entered(struct sandbox *s, struct error *e)
{
	return by_systemd() ? cgroup_apply(s->cgroup, &s->config->spec.resources, e) : 0;
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
