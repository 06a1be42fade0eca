/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the gofer process: serves the file trees of one container to its sentry
 *
 * `runsc gofer` prepares the process (namespaces, root pivoted to hold only the trees) and calls
 * gofer_serve(), which confines itself further and answers until the sentry closes its socket.
 */
#ifndef GOFER_SERVER_H
#define GOFER_SERVER_H

#include "sentry/base/types.h"

#define GOFER_TREE_MAX 256

/* One file tree: a directory, or a single file or socket (bind mount of a file). */
struct gofer_tree {
	int root_fd;   /* O_PATH, no trailing symlink followed; given to gofer_serve, which keeps it
			*/
	bool readonly; /* changes fail with EROFS, files are opened for reading only */
};

struct gofer_id_map {
	u32 inside, outside, count;
};

struct gofer_config {
	const struct gofer_tree *trees; /* the client attaches them by index */
	u32 tree_count;			/* 1..GOFER_TREE_MAX */
	int sock;    /* one end of socketpair(AF_UNIX, SOCK_SEQPACKET); the sentry has the other */
	int shm_fd;  /* of gofer_shm_create(), the same file as the sentry's */
	int proc_fd; /* open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC) made in this very
		      * process (not in its parent) before the root was pivoted away */
	u32 id_max;  /* inodes the client may hold open; 0: what RLIMIT_NOFILE allows, which
		      * gofer_serve raises to the hard limit first */
	bool allow_devices; /* mknod of character and block devices; opening one is never possible
			     */
	bool drop_owner;    /* new files that cannot be given to their owner (EPERM: gofer without
			     * CAP_CHOWN) stay the gofer's instead of failing */
	bool one_user;	    /* the gofer's user namespace holds one id, 0; the client calls it: */
	u32 uid, gid;
	/* Otherwise: ids as the client calls them and as the host does; none: the same. Files of
	 * others are shown as the overflow id's, and nothing is given to them. */
	const struct gofer_id_map *uid_maps, *gid_maps;
	u32 uid_map_count, gid_map_count;
	bool unconfined; /* no seccomp, Landlock, capability change: unit tests only */
};

/* Serves until the client hangs up: 0 then, or -errno when it could not start. Single-threaded
 * caller; afterwards the process should exit at once (threads of channels may still be in a call).
 */
int gofer_serve(const struct gofer_config *cfg);

/* Makes the shared memory of @channels channels (one per CPU: the count of possible CPUs is right):
 * a sealed memfd, O_CLOEXEC, whose pages cost nothing until a channel is used. Descriptor or
 * -errno. */
int gofer_shm_create(u32 channels);

#endif
