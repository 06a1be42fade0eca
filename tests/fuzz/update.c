/* libs: spec base */
/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - libFuzzer target: the resources of `runsc update`, and the process of `runsc exec`
 *
 * The first byte says which: JSON text as resources; JSON text as a process object, through a file;
 * or bytes as the process that a control socket brings, which must keep the promises of wire.h and
 * come back as it was when it is sent again.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runsc/spec/spec.h"
#include "runsc/spec/wire.h"
#include "tests/fuzz/fuzz.h"

static struct region *new_region(void)
{
	struct region *r;
	int fd;

	check(region_create(&r, &fd) == 0);
	close(fd);
	return r;
}

static void resources(struct region *r, const u8 *data, size_t size)
{
	struct spec_resources *res = region_alloc(r, sizeof(*res));
	json_t *v = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
	struct error e = {0};
	int err = v ? spec_resources_parse(r, v, "resources", res, &e) : -EINVAL;

	json_decref(v);
	if (!v)
		return;
	check((err == 0) == (e.text[0] == 0));
	if (err)
		return;
	spec_resources_any(res);
	for (u32 i = 0; i < res->device_count; i++)
		check(strlen(res->devices[i].access) <= 3 && res->devices[i].major >= -1);
	for (u32 i = 0; i < res->unified_count; i++)
		check(res->unified[i].name && !strchr(res->unified[i].name, '/'));
	for (u32 i = 0; i < res->hugepage_count; i++)
		check(res->hugepages[i].name && !strchr(res->hugepages[i].name, '/'));
}

static void process(struct region *r, const u8 *data, size_t size)
{
	struct spec *s = region_alloc(r, sizeof(*s));
	struct error e = {0};
	char path[64];
	int fd = memfd_create("process", MFD_CLOEXEC), err;

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = spec_load_process(r, path, s, &e);
	close(fd);
	check((err == 0) == (e.text[0] == 0));
	if (!err)
		check(s->process.arg_count > 0 && s->process.cwd);
}

static void wire(const u8 *data, size_t size)
{
	size_t room = size + 64;
	char *buf = malloc(room), *again;
	struct spec_process p, q;
	size_t n;

	check(buf);
	memcpy(buf, data, size);
	if (wire_decode(buf, size, &p) == 0) {
		n = wire_size(&p);
		again = malloc(n);
		check(again);
		wire_encode(&p, again);
		check(wire_decode(again, n, &q) == 0);
		check(p.arg_count == q.arg_count && p.uid == q.uid && !strcmp(p.cwd, q.cwd));
		check(p.oom_score_adj == q.oom_score_adj && p.nice == q.nice);
		free(again);
	}
	free(buf);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct region *r;

	if (size < 2)
		return 0;
	if (data[0] % 4 == 0) {
		wire(data + 1, size - 1);
		return 0;
	}
	r = new_region();
	if (data[0] % 4 == 1)
		process(r, data + 1, size - 1);
	else
		resources(r, data + 1, size - 1);
	munmap(r, r->size);
	return 0;
}
