/* SPDX-License-Identifier: Apache-2.0 */
/* inet.h - internet sockets, as boot switches them on */
#ifndef NET_SOCKET_INET_H
#define NET_SOCKET_INET_H

#include "sentry/base/types.h"

/* Boot: AF_INET and AF_INET6 go to the host's stack in the network namespace of this process, for
 * which the filter must have the calls (seccomp_install_sentry(true)). Without it they are
 * EAFNOSUPPORT. No more than @max_sockets at a time (ENFILE). */
void inet_host_init(u32 max_sockets);

#endif
