/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - the two processes of a sandbox as `runsc` starts them: what they are given, what they
 * say
 *
 * `runsc boot` (the sentry) and `runsc gofer` find their descriptors at fixed numbers and
 * everything else in the struct boot_config at the root of the region behind BOOT_FD_CONFIG. Sentry
 * and starter (`runsc do`, or the container's proxy) talk over BOOT_FD_CONTROL, a SOCK_SEQPACKET
 * pair, in struct boot_message; its end is the end of the sandbox for both. The proxy of each
 * `runsc exec` has such a pair too, for one process.
 *
 * Later commands come through the container's control socket (BOOT_FD_LISTEN, SOCK_SEQPACKET): one
 * struct control_request with descriptors, one struct control_reply. Who can reach it in its
 * directory is trusted as the owner of the container; lengths and numbers are checked all the same.
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
	BOOT_FD_LISTEN = 9,  /* the sentry only: the container's control socket, config->hold */
	BOOT_FD_COUNT = 10,  /* the sentry only: from here on config->extra_fds of the guest's */
};
#define BOOT_EXTRA_MAX 16

/* Whose network the guest's sockets use (README, "Network"). */
enum boot_network {
	BOOT_NET_NONE, /* loopback, in a namespace of the sandbox's own */
	BOOT_NET_OFF,  /* not even that: no internet sockets at all */
	BOOT_NET_NS,   /* the container's namespace, as the bundle says */
	BOOT_NET_HOST, /* the namespace of who started the sandbox */
};

struct boot_tree {
	char *path;    /* on the host */
	bool readonly; /* the gofer refuses changes */
};

/* --rewrite: platform.h's enum prewrite. */
enum boot_rewrite { BOOT_REWRITE_OFF, BOOT_REWRITE_AUTO, BOOT_REWRITE_RANDOM };

struct boot_config {
	struct spec spec;
	struct boot_tree *trees; /* 0: the root; others by spec_mount.tree */
	u32 tree_count;
	bool overlay;	     /* changes of the root stay in memory */
	bool root_shared;    /* others change the root's files meanwhile */
	bool default_mounts; /* `do`: proc, sys, dev as every program expects them */
	bool rootless; /* one id is all we have: an ordinary user, or root of a small namespace */
	u32 uid, gid;  /* of who started it */
	bool detached; /* outlives its starter: BOOT_FD_CONTROL is the proxy's */
	u32 extra_fds; /* descriptors for process 1 from 3 on: BOOT_EXTRA_MAX at most */
	bool hold;     /* waits for CONTROL_START before process 1 runs */
	bool console;  /* stdin and stdout are a terminal that `runsc` has made raw */
	bool strace, debug, stats;
	bool strict; /* no call is left to the host (platform_config.strict) */
	enum boot_network network;
	bool network_own; /* the sentry's network namespace was made for it */
	enum boot_rewrite rewrite;
	enum log_level log_level;
	bool log_json;
	u16 rows, columns; /* of the terminal */
	u64 memory_limit;  /* of the cgroup, bytes; 0: none */
	s64 pids_limit;	   /* tasks; 0: none */
	bool cgroup_v1;	   /* which version the guest is shown */
	u32 cpus;
};

enum boot_message_type {
	BOOT_SIGNAL = 1, /* to the sentry: value is the signal for process 1 */
	BOOT_WINSIZE,	 /* to the sentry: value is rows << 16 | columns */
	BOOT_FAILED,	 /* from the sentry: nothing was started; text says why */
	BOOT_EXIT,	 /* from the sentry: value is the wait status of the process */
	BOOT_READY,	 /* from the sentry: all is there, process 1 is prepared */
};
struct boot_message {
	u32 type;
	s32 value;
	char text[1016];
};
static_assert(sizeof(struct boot_message) == 1024, "one size on the socket");

enum control_type {
	CONTROL_PING = 1, /* reply's value: enum control_state */
	CONTROL_START,
	CONTROL_SIGNAL, /* value: the signal; flags CONTROL_ALL: to all processes */
	CONTROL_EXEC, /* fds: process (spec/wire.h, a memfd), proxy's socket, then 3 stdio or, with
			 CONTROL_TTY, 1 console; then value of the process's
			   own, from 3 on */
	CONTROL_PAUSE,
	CONTROL_RESUME,
	CONTROL_PS,	/* fd: a file that gets lines of text: pid, ppid, uid, state, comm */
	CONTROL_DEBUG,	/* fd: a file that gets a report */
	CONTROL_STRACE, /* value: 0 or 1 */
	CONTROL_LIMITS, /* fd: a memfd with struct control_limits, what guests are shown from now on
			 */
};
enum control_flags {
	CONTROL_ALL = 1,
	CONTROL_TTY = 2,
};
enum control_state { CONTROL_CREATED = 1, CONTROL_RUNNING, CONTROL_PAUSED };
/* As struct spec_resources has them: 0 is "as it was", below 0 "no limit". */
struct control_limits {
	s64 memory, memory_swap, memory_soft, tasks, cpu_quota;
	u64 cpu_shares, cpu_period;
};
#define CONTROL_FDS (5 + BOOT_EXTRA_MAX)
struct control_request {
	u32 type;
	s32 value;
	u32 flags;
	u32 size; /* of the process */
};
struct control_reply {
	s32 result; /* 0 or -errno, with a text */
	s32 value;
	char text[1016];
};
static_assert(sizeof(struct control_request) == 16 && sizeof(struct control_reply) == 1024,
	      "one size on the socket");

/* Bodies of the two commands: never return. */
void boot_sentry(void) __attribute__((noreturn));
void boot_gofer(void) __attribute__((noreturn));

#endif
