/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_main.c - `runsc gofer`: a root that holds the container's file trees and nothing else
 *
 * Theory of operation: each tree is taken as a detached recursive copy of its mounts (open_tree),
 * so that what is mounted where in the new root cannot change what the next one sees. They are
 * attached as /0, /1, ... of a tmpfs, which then becomes the root of a mount namespace of our own.
 * File systems that show or control the host's processes and devices (proc, sysfs, devtmpfs, cgroup
 * and so on) are covered by empty ones wherever they turn up inside: through /proc/PID/root a gofer
 * could leave its trees. The sentry has its own of these kinds. A device cannot be opened (nodev).
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server.h"
#include "runsc/boot/confine.h"

#define LINE_SIZE 8192
static_assert(sizeof(struct gofer_id_map) == sizeof(struct spec_id_map) &&
		      offsetof(struct gofer_id_map, outside) ==
			      offsetof(struct spec_id_map, outside),
	      "one layout, two layers");

/* A detached copy of the mounts at @path. */
static int take_tree(const struct boot_tree *t)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, t->path,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	boot_check(fd < 0 ? -errno : 0, t->path);
	if (t->readonly)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) <
	    0)
		boot_check(-errno, t->path);
	return fd;
}

static void attach_tree(int root_fd, u32 index, int tree_fd)
{
	char name[16];
	struct stat st;
	int at = -1;

	snprintf(name, sizeof(name), "%u", index);
	boot_check(fstat(tree_fd, &st) < 0 ? -errno : 0, "stat a tree");
	if (S_ISDIR(st.st_mode))
		boot_check(mkdirat(root_fd, name, 0700) < 0 ? -errno : 0, "place of a tree");
	else
		at = openat(root_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (at >= 0)
		close(at);
	if (syscall(SYS_move_mount, tree_fd, "", root_fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		boot_check(-errno, "attach a tree");
	close(tree_fd);
}

static bool must_hide(const char *type)
{
	static const char *const types[] = {
		"proc",	       "sysfs",	   "devtmpfs",	"devpts",     "cgroup",
		"cgroup2",     "debugfs",  "tracefs",	"securityfs", "mqueue",
		"bpf",	       "configfs", "efivarfs",	"fusectl",    "pstore",
		"binfmt_misc", "nsfs",	   "selinuxfs", "hugetlbfs",
	};

	for (size_t i = 0; i < array_size(types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

/* mountinfo writes blanks, tabs and backslashes as \ooo. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = 0;
}

static void cover(const char *path)
{
	struct stat st;
	int err = 0;

	if (lstat(path, &st) < 0)
		return; /* hidden below a cover already */
	if (S_ISDIR(st.st_mode)) {
		if (mount("runsc", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			  "mode=0555") < 0)
			err = -errno;
	} else if (mount("/dev/null", path, NULL, MS_BIND, NULL) < 0) {
		err = -errno;
	}
	boot_check(err, path);
}

/* Covers what must not be seen below @place, according to @mountinfo. */
static void hide_kernel_mounts(FILE *mountinfo, const char *place)
{
	char *line = malloc(LINE_SIZE), *type;
	size_t place_size = strlen(place);
	char path[LINE_SIZE];

	boot_check(line ? 0 : -ENOMEM, "mountinfo");
	while (fgets(line, LINE_SIZE, mountinfo)) {
		type = strstr(line, " - ");
		if (!type || sscanf(line, "%*d %*d %*s %*s %8191s", path) != 1)
			continue;
		type += 3;
		type[strcspn(type, " ")] = 0;
		unescape(path);
		if (!strncmp(path, place, place_size) && path[place_size] == '/' && must_hide(type))
			cover(path);
	}
	free(line);
}

static void build_root(const struct boot_config *c)
{
	FILE *mountinfo;
	const char *place;
	int root_fd, *fds = calloc(c->tree_count, sizeof(*fds));

	boot_check(fds ? 0 : -ENOMEM, "trees");
	confine_private_mounts();
	for (u32 i = 0; i < c->tree_count; i++)
		fds[i] = take_tree(&c->trees[i]);
	mountinfo = fopen("/proc/self/mountinfo", "re");
	boot_check(mountinfo ? 0 : -errno, "/proc/self/mountinfo");
	root_fd = confine_new_root(&place);
	for (u32 i = 0; i < c->tree_count; i++)
		attach_tree(root_fd, i, fds[i]);
	hide_kernel_mounts(mountinfo, place);
	fclose(mountinfo);
	free(fds);
	confine_pivot(root_fd);
}

void boot_gofer(void)
{
	const struct boot_config *c = boot_open_config();
	struct gofer_tree *trees;
	struct gofer_config cfg = {
		.tree_count = c->tree_count,
		.sock = BOOT_FD_GOFER,
		.shm_fd = BOOT_FD_SHM,
		.allow_devices = !c->rootless,
		.drop_owner = c->rootless,
		.one_user = c->rootless,
		.uid = c->uid,
		.gid = c->gid,
		.uid_maps = (const struct gofer_id_map *)c->spec.uid_maps,
		.gid_maps = (const struct gofer_id_map *)c->spec.gid_maps,
		.uid_map_count = c->spec.uid_map_count,
		.gid_map_count = c->spec.gid_map_count,
	};
	char name[16];
	int err;

	prctl(PR_SET_NAME, "runsc-gofer");
	confine_die_with_parent(BOOT_FD_GOFER, c->detached);
	cfg.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	boot_check(cfg.proc_fd < 0 ? -errno : 0, "/proc/self/fd");
	build_root(c);
	trees = calloc(c->tree_count, sizeof(*trees));
	boot_check(trees ? 0 : -ENOMEM, "trees");
	for (u32 i = 0; i < c->tree_count; i++) {
		snprintf(name, sizeof(name), "/%u", i);
		trees[i].root_fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		trees[i].readonly = c->trees[i].readonly;
		boot_check(trees[i].root_fd < 0 ? -errno : 0, "open a tree");
	}
	cfg.trees = trees;
	umask(0);
	err = gofer_serve(&cfg);
	boot_check(err, "gofer");
	_exit(0);
}
