/* SPDX-License-Identifier: Apache-2.0 */
/* region.c - memory that survives exec */
#include "runsc/spec/region.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define REGION_MAGIC 0x6e6f69676572736full
#define REGION_SIZE  (16ul << 20)
#define REGION_TRIES 16

/* A random place in the middle of the address space, far from where the host puts its mappings;
 * ThreadSanitizer has its shadow there. */
#ifdef BUILT_WITH_TSAN
#define PLACE_FROM 0x550000000000ul
#define PLACES	   0x1000ul
#else
#define PLACE_FROM 0x100000000000ul
#define PLACES	   0x200000ul
#endif

static void *region_place(void)
{
	u64 bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		bits = (u64)getpid() * 0x9e3779b97f4a7c15ull;
	return (void *)(PLACE_FROM + (bits % PLACES) * REGION_SIZE);
}

int region_create(struct region **out, int *out_fd)
{
	int fd = memfd_create("runsc-config", MFD_CLOEXEC);
	struct region *r = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, REGION_SIZE) < 0) {
		close(fd);
		return -errno;
	}
	for (int i = 0; i < REGION_TRIES && r == MAP_FAILED; i++)
		r = mmap(region_place(), REGION_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	if (r == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	*r = (struct region){.self = r, .magic = REGION_MAGIC, .size = REGION_SIZE};
	r->used = align_up(sizeof(*r), 16ul);
	*out = r;
	*out_fd = fd;
	return 0;
}

int region_open(int fd, struct region **out)
{
	struct region head, *r;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || head.magic != REGION_MAGIC)
		return -EBADMSG;
	r = mmap(head.self, head.size, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
	if (r == MAP_FAILED)
		return -errno;
	*out = r;
	return 0;
}

void *region_root(struct region *r)
{
	return (char *)r + align_up(sizeof(*r), 16ul);
}

void *region_alloc(struct region *r, size_t size)
{
	void *p = (char *)r + r->used;

	size = align_up(size, 16ul);
	if (size > r->size - r->used) {
		fprintf(stderr, "runsc: the configuration is too large\n");
		exit(1);
	}
	r->used += size;
	return p;
}

char *region_strdup(struct region *r, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(region_alloc(r, n), s, n);
}

char *region_printf(struct region *r, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = region_alloc(r, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}
