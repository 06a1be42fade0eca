/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_limits.c - the limits of System V objects that a container's sysctls may set */
#include <errno.h>
#include <stdlib.h>

#include "sentry/kernel/ipc.h"

struct ipc_limits g_ipc_limits = {
	.msgmax = MSG_SIZE_MAX,
	.msgmnb = 16384,
	.shmmax = SHM_BYTES_MAX,
	.shmall = SHM_BYTES_MAX,
};

static const struct {
	const char *name;
	u64 *value, most;
} names[] = {
	{"kernel/msgmax", &g_ipc_limits.msgmax, 1u << 20},
	{"kernel/msgmnb", &g_ipc_limits.msgmnb, INT32_MAX},
	{"kernel/shmmax", &g_ipc_limits.shmmax, UINT64_MAX},
	{"kernel/shmall", &g_ipc_limits.shmall, UINT64_MAX},
};

int ipc_limit_set(const char *name, const char *value)
{
	char *end;

	for (size_t i = 0; i < array_size(names); i++) {
		unsigned long long v;

		if (strcmp(names[i].name, name) != 0)
			continue;
		errno = 0;
		v = strtoull(value, &end, 10);
		if (*value < '0' || *value > '9' || errno || *end || v > names[i].most)
			return -EINVAL;
		*names[i].value = v;
		return 0;
	}
	return -ENOENT;
}
