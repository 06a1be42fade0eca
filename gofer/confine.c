/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c - the gofer gives up what it does not need: capabilities, paths (Landlock), calls
 * (seccomp)
 *
 * Order: no_new_privs first (Landlock and seccomp want it), Landlock while the trees' descriptors
 * are at hand, capabilities, the filter last. Landlock is left out where the host lacks it; all
 * else must work.
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server_internal.h"

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

int confine(const struct gofer_server *s)
{
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	err = landlock_confine(s->trees, s->tree_count);
	if (!err)
		err = drop_caps();
	return err ? err : filter_install();
}
