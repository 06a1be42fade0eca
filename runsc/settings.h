/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - how a container's sandbox is made, where there is a choice
 *
 * A setting comes from, the first that says it: the command line (--NAME), an annotation of the
 * container (dev.bulkhead.NAME, for those that cannot weaken the sandbox), the configuration file
 * (NAME = VALUE lines in /etc/bulkhead/runsc.conf), its default.
 */
#ifndef RUNSC_SETTINGS_H
#define RUNSC_SETTINGS_H

#include "runsc/sandbox.h"

#define SETTINGS_FILE "/etc/bulkhead/runsc.conf"

/* Once config->spec is there, before the trees are numbered. 0 or -EINVAL and a line. */
int settings_apply(struct sandbox *s, struct error *e);

#endif
