/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_mounts.c - the container's files as the root of its proxy
 *
 * Clients copy files in and out through the proxy's root, so it shows what the guest has from the
 * host: the root file system and the bind mounts. What lives in the sentry (tmpfs, /dev, /sys) is
 * not there. Each mount point is found inside the container's root, whatever symbolic links its
 * image has, and mounted on by descriptor.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runsc/proxy.h"

static int open_inside(int root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static int copy_tree(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path,
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

/* Best effort: a mount that cannot be shown is missing for clients only. Closes @tree. */
static void attach(int root, int tree, const char *where)
{
	int at = tree < 0 ? -1 : open_inside(root, where);

	if (at >= 0) {
		syscall(SYS_move_mount, tree, "", at, "",
			MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
		close(at);
	}
	if (tree >= 0)
		close(tree);
}

static int make_proc(void)
{
	int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC), mnt = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
				   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
					   MOUNT_ATTR_RDONLY);
	close(fs);
	return mnt;
}

static void add_mounts(const struct spec *s, int root, bool own_pid_ns)
{
	for (u32 i = 0; i < s->mount_count; i++) {
		const struct spec_mount *m = &s->mounts[i];

		if (m->kind == SPEC_MOUNT_BIND)
			attach(root, copy_tree(m->source), m->destination);
		else if (m->kind == SPEC_MOUNT_PROC && own_pid_ns)
			attach(root, make_proc(), m->destination);
	}
}

int proxy_take_root(const struct spec *s, bool own_pid_ns)
{
	int tree, root;

	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	tree = copy_tree(s->root_path);
	if (tree < 0)
		return -errno;
	/* Anywhere will do: only the descriptor is used, and the old root goes. */
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, s->root_path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	close(tree);
	root = open(s->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	add_mounts(s, root, own_pid_ns);
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	close(root);
	return 0;
}
