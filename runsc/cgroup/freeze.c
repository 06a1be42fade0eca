/* SPDX-License-Identifier: Apache-2.0 */
/* freeze.c - stops all processes of a cgroup, and lets them go on */
#include <stdlib.h>
#include <time.h>

#include "runsc/cgroup/cgroup_internal.h"

#define TRIES 1000

static void nap(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static bool state_is(const char *dir, const char *wanted)
{
	char *state = cgfile_read(dir, "freezer.state");
	bool is = state && !strcmp(state, wanted);

	free(state);
	return is;
}

/* v1 may stay at FREEZING when a process is born or a task sits in a vfork: thawing for a moment
 * and freezing again gets over that, as runc found. */
static int freeze_v1(const char *dir)
{
	int err = 0;

	for (int i = 0; i < TRIES; i++) {
		if (i % 50 == 49) {
			cgfile_try(dir, "freezer.state", "THAWED");
			nap(10000000);
		}
		err = cgfile_try(dir, "freezer.state", "FROZEN");
		if (err)
			return err;
		if (state_is(dir, "FROZEN"))
			return 0;
		nap(i < 20 ? 20000 : 1000000);
	}
	cgfile_try(dir, "freezer.state", "THAWED");
	return -EBUSY;
}

static int freeze_v2(const char *dir, bool frozen)
{
	int err = cgfile_try(dir, "cgroup.freeze", frozen ? "1" : "0");

	for (int i = 0; i < TRIES && !err; i++) {
		if (cgfile_key(dir, "cgroup.events", "frozen") == frozen)
			return 0;
		nap(2000000);
	}
	return err ? err : -EBUSY;
}

int cgroup_freeze(struct cgroup *cg, bool frozen, struct error *e)
{
	const char *dir = cg->paths[cg->v2 ? SUB_UNIFIED : SUB_FREEZER];
	int err;

	if (!dir)
		return error_set(e, "cannot toggle freezer: cgroups not configured for container");
	if (cg->v2)
		err = freeze_v2(dir, frozen);
	else if (frozen)
		err = freeze_v1(dir);
	else
		err = cgfile_try(dir, "freezer.state", "THAWED");
	return err ? error_set_errno(e, err, "unable to %s", frozen ? "freeze" : "thaw") : 0;
}

bool cgroup_is_frozen(const struct cgroup *cg)
{
	const char *dir = cg->paths[cg->v2 ? SUB_UNIFIED : SUB_FREEZER];

	if (!dir)
		return false;
	if (cg->v2)
		return cgfile_key(dir, "cgroup.events", "frozen") == 1;
	return state_is(dir, "FROZEN") || state_is(dir, "FREEZING");
}
