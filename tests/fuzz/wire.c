/* libs: spec */
/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - libFuzzer target: a process specification as `runsc exec` sends it to a sentry
 *
 * Whatever is accepted lies in the buffer, and every string of it ends there.
 */
#include <stdlib.h>

#include "runsc/spec/wire.h"
#include "tests/fuzz/fuzz.h"

static void look(const char *s, const char *buf, size_t size)
{
	if (s < buf || s >= buf + size || !memchr(s, 0, (size_t)(buf + size - s)))
		check(false);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct spec_process p;
	char *buf = malloc(size + 1);
	u64 sum = 0;

	memcpy(buf, data, size);
	if (size >= 8) { /* magic and size, which are not found by chance */
		u32 head[2] = {0x65786563u, (u32)size};

		memcpy(buf, head, sizeof(head));
	}
	if (wire_decode(buf, size, &p) == 0) {
		look(p.cwd, buf, size);
		for (u32 i = 0; i < p.arg_count; i++)
			look(p.args[i], buf, size);
		for (u32 i = 0; i < p.env_count; i++)
			look(p.env[i], buf, size);
		for (u32 i = 0; i < p.group_count; i++)
			sum += p.groups[i];
	}
	free(buf);
	return sum == 1 && size == 0;
}
