/* SPDX-License-Identifier: Apache-2.0 */
/* confine.h - what sentry and gofer do to themselves after the exec, before they serve anybody */
#ifndef RUNSC_BOOT_CONFINE_H
#define RUNSC_BOOT_CONFINE_H

#include "runsc/boot/boot.h"

/* Ends the process with a line on the log, unless @err is 0. */
void boot_check(int err, const char *what);

/* Maps the configuration and sets up the log; closes the descriptor. */
const struct boot_config *boot_open_config(void);

/* Dies with the parent, from now on (not when @detached); @alive is a socket whose end means that
 * it is dead already, or -1. */
void confine_die_with_parent(int alive, bool detached);
/* Mounts of this process no longer have to do with the host's. */
void confine_private_mounts(void);
/* An empty tmpfs on some directory; returns its root as a descriptor. *out_place: the directory. */
int confine_new_root(const char **out_place);
/* Makes that tmpfs the root, forgets the old one, and makes it read-only. */
void confine_pivot(int root_fd);
/* A proc file system of our pid namespace with nothing but processes in it, mounted nowhere; -1
 * when the host does not allow one. */
int confine_open_proc(void);
/* confine_net.c: makes a network namespace of our own ready: loopback up, and ports and pings free
 * for us, so that the sentry alone decides which guest may use them. While the host's /proc and our
 * capabilities are still there. */
void confine_network(const struct boot_config *c);
/* No capability, now and for ever; no_new_privs. */
void confine_drop_capabilities(void);
void confine_no_new_privs(void);

#endif
