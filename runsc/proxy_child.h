/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_child.h - between the maker of a proxy and the proxy */
#ifndef RUNSC_PROXY_CHILD_H
#define RUNSC_PROXY_CHILD_H

#include "runsc/proxy.h"

enum { PROXY_GO = 'g', PROXY_MOUNT = 'm', PROXY_COMMIT = 'c' };

struct proxy_answer {
	int err; /* errno; 0: done */
	char text[252];
};

struct proxy_child {
	const struct proxy_options *o;
	int control;
	int null; /* /dev/null of the host */
	bool own_pid_ns;
	ino_t host_network; /* of the maker */
};

/* Body of the proxy. */
void proxy_child(const struct proxy_child *c) __attribute__((noreturn));

#endif
