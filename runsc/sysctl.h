/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl.h - the sysctls of a container's network namespace */
#ifndef RUNSC_SYSCTL_H
#define RUNSC_SYSCTL_H

#include <sys/types.h>

#include "runsc/spec/spec.h"

/* Writes the "net" sysctls of @s in the network namespace of process @of. 0 or -errno and runc's
 * line. */
int sysctl_write_net(const struct spec *s, pid_t of, struct error *e);

#endif
