/* SPDX-License-Identifier: Apache-2.0 */
/* anonshm.c - shared memory without a file system: MAP_SHARED | MAP_ANONYMOUS, System V segments
 *
 * A run of the memfile, given back with the last mapping. The host finds its pages when they are
 * touched.
 */
#include "sentry/mm/memfile.h"
#include "sentry/mm/mm_internal.h"

#define ANONSHM_DEV 0x1 /* what Linux shows for its internal mount of tmpfs: 00:01 */

struct anonshm {
	struct mappable map; /* first */
	struct ref ref;
	u64 offset, size, ino;
	const char *name; /* tables */
};

static SLAB_CACHE(anonshm_cache, struct anonshm);
static _Atomic u64 g_next_ino = 1024;

static struct anonshm *anonshm_of(struct mappable *m)
{
	return container_of(m, struct anonshm, map);
}

static int anonshm_extent(struct mappable *m, u64 off, u64 size, bool write, struct map_extent *out)
{
	struct anonshm *s = anonshm_of(m);

	if (off >= s->size) {
		*out = (struct map_extent){
			.fd = memfile_empty_fd(), .offset = 0, .size = page_up(size)};
		return 0;
	}
	*out = (struct map_extent){.fd = memfile_fd(),
				   .offset = s->offset + off,
				   .size = min(page_up(size), s->size - off)};
	return 0;
}

static void anonshm_get(struct mappable *m)
{
	ref_get(&anonshm_of(m)->ref);
}

static void anonshm_put(struct mappable *m)
{
	struct anonshm *s = anonshm_of(m);

	if (!ref_put(&s->ref))
		return;
	memfile_run_free(s->offset, s->size);
	slab_free(&anonshm_cache, s);
}

static void anonshm_describe(struct mappable *m, void *file, u64 *dev, u64 *ino,
			     struct strbuf *path)
{
	struct anonshm *s = anonshm_of(m);

	*dev = ANONSHM_DEV;
	*ino = s->ino;
	strbuf_add(path, s->name, strlen(s->name));
}

static int anonshm_punch(struct mappable *m, void *file, u64 off, u64 size)
{
	struct anonshm *s = anonshm_of(m);

	if (off >= s->size)
		return 0;
	return memfile_punch(s->offset + off, min(size, s->size - off));
}

static const struct mappable_ops anonshm_ops = {
	.extent = anonshm_extent,
	.get = anonshm_get,
	.put = anonshm_put,
	.describe = anonshm_describe,
	.punch = anonshm_punch,
};

struct mappable *anonshm_create(u64 size, const char *name, u64 ino)
{
	struct anonshm *s = slab_alloc(&anonshm_cache);
	s64 offset;

	if (!s)
		return NULL;
	offset = memfile_run_alloc(size);
	if (offset < 0) {
		slab_free(&anonshm_cache, s);
		return NULL;
	}
	s->map.ops = &anonshm_ops;
	ref_init(&s->ref);
	s->offset = (u64)offset;
	s->size = page_up(size);
	s->ino = ino ? ino : atomic_fetch_add(&g_next_ino, 1);
	s->name = name;
	return &s->map;
}
