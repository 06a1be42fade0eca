/* SPDX-License-Identifier: Apache-2.0 */
/* landlock.c - paths outside of its trees do not exist for a gofer, whatever it is made to do
 *
 * A rule set handles every right on files that the host's Landlock knows of here, and grants each
 * tree what serving it takes; all else, and all of it elsewhere, is refused by the host. Rights are
 * looked up by the place of the file, not by the way there: files that are opened through
 * /proc/self/fd are judged like others. The first version had no way to allow renames between
 * directories, and is not used.
 */
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server_internal.h"
#include "sentry/base/log.h"

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ull << 13) /* version 2 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14) /* version 3 */
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ull << 15) /* version 5 */
#endif

#define READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define NEVER (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_IOCTL_DEV)
#define FILES \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

u64 landlock_handled(long version)
{
	u64 rights = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1; /* all of the first version */

	if (version < 2)
		return 0;
	rights |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (version >= 5)
		rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return rights;
}

u64 landlock_rights(u64 handled, bool readonly, bool is_dir)
{
	u64 rights = readonly ? READ : ~(u64)NEVER;

	if (!is_dir)
		rights &= FILES;
	return rights & handled;
}

static int add_tree(int fd, const struct gofer_tree *tree, u64 handled)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = tree->root_fd};
	struct stat st;

	if (fstat(tree->root_fd, &st) < 0)
		return -errno;
	rule.allowed_access = landlock_rights(handled, tree->readonly, S_ISDIR(st.st_mode));
	if (syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

int landlock_confine(const struct gofer_tree *trees, u32 count)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {.handled_access_fs = landlock_handled(version)};
	int fd, err = 0;

	if (!attr.handled_access_fs) {
		log_debug("no Landlock on this host (%s): the gofer has its mounts and its filter",
			  version < 0 ? strerror(errno) : "version 1");
		return 0;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return -errno;
	for (u32 i = 0; i < count && !err; i++)
		err = add_tree(fd, &trees[i], attr.handled_access_fs);
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		err = -errno;
	close(fd);
	return err;
}
