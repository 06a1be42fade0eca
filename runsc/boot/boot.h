/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - the two processes of a sandbox as `runsc` starts them: what they are given, what they
 * say
 *
 * `runsc boot` (the sentry) and `runsc gofer` find their descriptors at fixed numbers and
 * everything else in the struct boot_config at the root of the region behind BOOT_FD_CONFIG. Sentry
 * and `runsc` talk over BOOT_FD_CONTROL, a SOCK_SEQPACKET pair, in struct boot_message; its end is
 * the end of the sandbox for both.
 */
#ifndef RUNSC_BOOT_BOOT_H
#define RUNSC_BOOT_BOOT_H

#include "runsc/spec/spec.h"
#include "sentry/base/log.h"

enum {
	BOOT_FD_CONFIG = 3,
	BOOT_FD_CONTROL = 4, /* the sentry only */
	BOOT_FD_GOFER = 5,   /* each has its end */
	BOOT_FD_SHM = 6,     /* gofer_shm_create(), both */
	BOOT_FD_LOG = 7,
	BOOT_FD_CONSOLE = 8, /* the sentry only: the terminal, non-blocking, when config->console */
	BOOT_FD_COUNT = 9,
};

struct boot_tree {
	char *path;    /* on the host */
	bool readonly; /* the gofer refuses changes */
};

struct boot_config {
	struct spec spec;
	struct boot_tree *trees; /* 0: the root; others by spec_mount.tree */
	u32 tree_count;
	bool overlay;	     /* changes of the root stay in memory */
	bool default_mounts; /* `do`: proc, sys, dev as every program expects them */
	bool rootless; /* one id is all we have: an ordinary user, or root of a small namespace */
	u32 uid, gid;  /* of who started it */
	bool console;  /* stdin and stdout are a terminal that `runsc` has made raw */
	bool strace, debug, stats;
	bool strict; /* no call is left to the host (platform_config.strict) */
	enum log_level log_level;
	bool log_json;
	u16 rows, columns; /* of the terminal */
	u64 memory_limit;  /* of the cgroup, bytes; 0: none */
	s64 pids_limit;	   /* tasks; 0: none */
	u32 cpus;
};

enum boot_message_type {
	BOOT_SIGNAL = 1, /* to the sentry: value is the signal for process 1 */
	BOOT_WINSIZE,	 /* to the sentry: value is rows << 16 | columns */
	BOOT_FAILED,	 /* from the sentry: nothing was started; text says why */
	BOOT_EXIT,	 /* from the sentry: value is the wait status of process 1 */
};
struct boot_message {
	u32 type;
	s32 value;
	char text[1016];
};
static_assert(sizeof(struct boot_message) == 1024, "one size on the socket");

/* Bodies of the two commands: never return. */
void boot_sentry(void) __attribute__((noreturn));
void boot_gofer(void) __attribute__((noreturn));

#endif
