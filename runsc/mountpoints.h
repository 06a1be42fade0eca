/* SPDX-License-Identifier: Apache-2.0 */
/* mountpoints.h - which mount points a container's root lacks; and their removal when nothing was
 * started
 *
 * The sentry makes mount points that are missing, in the bundle's root file system on the host, as
 * runc does. When the container could not be started they must not stay.
 */
#ifndef RUNSC_MOUNTPOINTS_H
#define RUNSC_MOUNTPOINTS_H

#include "runsc/spec/spec.h"

#define MOUNTPOINTS_MAX 512

struct mountpoints {
	int root_fd;			/* of the root file system; -1 */
	char *missing[MOUNTPOINTS_MAX]; /* paths inside, parents first; in the region */
	u32 count;
};

/* Looks for all places that the specification needs: mounts and the working directory. Never fails:
 * what cannot be looked at counts as there. */
void mountpoints_find(struct region *r, const struct spec *s, struct mountpoints *out);
/* Removes those that were missing and are now empty directories or empty files. */
void mountpoints_remove(const struct mountpoints *m);
void mountpoints_close(struct mountpoints *m);

#endif
