/* SPDX-License-Identifier: Apache-2.0 */
/* region.h - memory that survives exec: a memfd mapped at one address in each process of a sandbox
 *
 * Theory of operation: `runsc` builds the configuration of a sandbox in a region, at an address
 * chosen at random, hands the descriptor to the sentry and the gofer, and these map it read-only at
 * the same address: pointers inside stay good, and nothing has to be encoded or parsed twice.
 * Nothing is freed before the region itself. The first thing allocated is the root object.
 */
#ifndef RUNSC_SPEC_REGION_H
#define RUNSC_SPEC_REGION_H

#include "sentry/base/types.h"

struct region {
	struct region *self; /* where it must be mapped */
	u64 magic;
	size_t size; /* mapped */
	size_t used; /* allocated, from the start of this structure */
};

/* Makes an empty region and its descriptor (close-on-exec). 0 or -errno. */
int region_create(struct region **out, int *out_fd);
/* Maps the region behind @fd for reading. 0 or -errno (-EBADMSG: not a region). */
int region_open(int fd, struct region **out);
/* The first object that was allocated. */
void *region_root(struct region *r);
/* @size zeroed bytes, aligned for anything. Ends the process when the region is full (16 MiB: a
 * configuration is limited to far less before). */
void *region_alloc(struct region *r, size_t size);
char *region_strdup(struct region *r, const char *s);
char *region_printf(struct region *r, const char *fmt, ...) printf_like(2, 3);

#endif
