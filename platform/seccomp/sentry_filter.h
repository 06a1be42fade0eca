/* SPDX-License-Identifier: Apache-2.0 */
/* sentry_filter.h - the sentry's own seccomp filter, generated from the HOST_CALL tags: without, or
 * with the calls of internet sockets (HOST_CALL_NET, HOST_OPTION) */
#ifndef PLATFORM_SECCOMP_SENTRY_FILTER_H
#define PLATFORM_SECCOMP_SENTRY_FILTER_H

#include "sentry/base/types.h"

/* Confines all threads of this process, for ever, to the tagged host calls; any other kills it.
 * Call after start-up (descriptors opened, platform created), before the guest runs. @net:
 * internet sockets too. 0 or -errno. */
int seccomp_install_sentry(bool net);

#endif
