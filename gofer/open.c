/* SPDX-License-Identifier: Apache-2.0 */
/* open.c - the only places where the gofer opens files of its trees
 *
 * path_open() resolves one component below a directory that is held by descriptor and follows
 * nothing; path_reopen() opens an inode that is held already. No path with a '/' in it is ever
 * given to the host: there is no third way.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "gofer/server_internal.h"

int path_open(int dir, const char *name)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

struct fd_name fd_name(int fd)
{
	struct fd_name n;

	snprintf(n.s, sizeof(n.s), "%d", fd);
	return n;
}

int path_reopen(const struct gofer_server *s, int fd, int flags)
{
	struct fd_name name = fd_name(fd);
	int new = openat(s->proc_fd, name.s, flags | O_CLOEXEC | O_NOCTTY);

	return new < 0 ? -errno : new;
}

static struct gofer_time time_of(const struct statx_timestamp *t)
{
	return (struct gofer_time){.sec = t->tv_sec, .nsec = t->tv_nsec};
}

int path_attr(int dir, const char *name, struct gofer_attr *out)
{
	struct statx st;

	if (statx(dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return -errno;
	*out = (struct gofer_attr){
		.ino = st.stx_ino,
		.size = st.stx_size,
		.blocks = st.stx_blocks,
		.dev = (u64)st.stx_dev_major << 32 | st.stx_dev_minor,
		.mode = st.stx_mode,
		.nlink = st.stx_nlink,
		.uid = owner_uid_out(st.stx_uid),
		.gid = owner_gid_out(st.stx_gid),
		.blksize = st.stx_blksize,
		.rdev_major = st.stx_rdev_major,
		.rdev_minor = st.stx_rdev_minor,
		.attributes = (u32)st.stx_attributes,
		.atime = time_of(&st.stx_atime),
		.mtime = time_of(&st.stx_mtime),
		.ctime = time_of(&st.stx_ctime),
	};
	if (st.stx_mask & STATX_BTIME)
		out->btime = time_of(&st.stx_btime);
	return 0;
}
