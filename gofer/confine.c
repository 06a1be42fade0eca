/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c - the gofer gives up what it does not need: capabilities, paths (Landlock), calls
 * (seccomp)
 *
 * Order: no_new_privs first (Landlock and seccomp want it), Landlock while the trees' descriptors
 * are at hand, capabilities, the filter last. Landlock is left out where the host lacks it; all
 * else must work.
 */
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server_internal.h"

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ull << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#endif

#define CAP_BIT(c) (1ull << (c))
/* What serving the files of any owner takes; no CAP_SYS_ADMIN, no CAP_SYS_PTRACE, no others. */
static const u64 g_keep_caps = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |
			       CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) |
			       CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP);

static int drop_caps(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			break; /* past the last, or no CAP_SETPCAP: nothing is executed anyway */
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		u32 keep = (u32)(g_keep_caps >> (32 * i)) & data[i].permitted;

		data[i].permitted = data[i].effective = keep;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return -errno;
	return 0;
}

static const u64 g_landlock_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const u64 g_landlock_write = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
static const u64 g_landlock_file =
	LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

/* Rights of one tree out of @handled. */
static u64 tree_rights(const struct gofer_tree *tree, u64 handled)
{
	u64 rights = tree->readonly ? g_landlock_read : handled & ~LANDLOCK_ACCESS_FS_EXECUTE;
	struct stat st;

	if (fstat(tree->root_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rights &= g_landlock_file;
	return rights & handled;
}

static int landlock(const struct gofer_server *s)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = g_landlock_read |
								  g_landlock_write |
								  LANDLOCK_ACCESS_FS_EXECUTE};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	long fd;
	int err = 0;

	if (abi < 2) /* without REFER renames between directories would be refused */
		return 0;
	attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return -errno;
	for (u32 i = 0; i < s->tree_count && !err; i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = tree_rights(&s->trees[i], attr.handled_access_fs),
			.parent_fd = s->trees[i].root_fd};

		if (rule.allowed_access &&
		    syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
			err = -errno;
	}
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		err = -errno;
	close((int)fd);
	return err;
}

int confine(const struct gofer_server *s)
{
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	err = landlock(s);
	if (!err)
		err = drop_caps();
	return err ? err : filter_install();
}
