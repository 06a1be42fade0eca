/* SPDX-License-Identifier: Apache-2.0 */
/* vma.c - making, splitting and joining VMAs, and the accounts of an address space
 *
 * Theory of operation: changes are made in three steps, so that nothing is half done when memory
 * runs out: the range's borders are made borders of VMAs (which the guest cannot see), a spare VMA
 * is taken where one will be needed, and then the tree is changed by steps that cannot fail.
 */
#include "sentry/mm/mm_internal.h"

struct mm_file_ops mm_file_ops;

static SLAB_CACHE(vma_cache, struct vma);

struct vma *vma_create(void)
{
	return slab_alloc(&vma_cache);
}

static void write_mapped(const struct vma *v, int delta)
{
	const u64 writable = VMA_SHARED | VMA_MAYWRITE;

	if (v->map->ops->write_mapped && (v->flags & writable) == writable)
		v->map->ops->write_mapped(v->map, delta);
}

static void vma_get_backing(const struct vma *v)
{
	if (v->map) {
		v->map->ops->get(v->map);
		write_mapped(v, 1);
	}
	if (v->file)
		mm_file_ops.get(v->file);
}

static void vma_put_backing(const struct vma *v)
{
	if (v->map) {
		write_mapped(v, -1);
		v->map->ops->put(v->map);
	}
	if (v->file)
		mm_file_ops.put(v->file);
}

/* Everything but the links. */
static void vma_copy(struct vma *to, const struct vma *from)
{
	to->start = from->start;
	to->end = from->end;
	to->flags = from->flags;
	to->map = from->map;
	to->file = from->file;
	to->offset = from->offset;
	memcpy(to->name, from->name, sizeof(to->name));
	vma_get_backing(to);
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *n = vma_create();

	if (n)
		vma_copy(n, v);
	return n;
}

void vma_destroy(struct vma *v)
{
	vma_put_backing(v);
	slab_free(&vma_cache, v);
}

void vma_destroy_chain(struct vma *dead)
{
	while (dead) {
		struct vma *next = dead->next;

		vma_destroy(dead);
		dead = next;
	}
}

bool vma_can_merge(const struct vma *a, const struct vma *b)
{
	if (a->end.v != b->start.v || a->flags != b->flags || a->map != b->map ||
	    a->file != b->file)
		return false;
	if (a->map && a->offset + (a->end.v - a->start.v) != b->offset)
		return false;
	return strcmp(a->name, b->name) == 0;
}

/* @a takes over the range of its next neighbour. */
static void vma_absorb_next(struct mm *mm, struct vma *a)
{
	struct vma *b = a->next;
	u64 end = b->end.v;

	vma_tree_unlink(mm, b);
	vma_tree_resize(mm, a, a->start.v, end);
	vma_destroy(b); /* @a holds the same references: none is the last */
}

struct vma *vma_merge(struct mm *mm, struct vma *v)
{
	if (v->next && vma_can_merge(v, v->next))
		vma_absorb_next(mm, v);
	if (v->prev && vma_can_merge(v->prev, v)) {
		v = v->prev;
		vma_absorb_next(mm, v);
	}
	return v;
}

/* Cuts @v at @addr, within it. */
static int vma_split(struct mm *mm, struct vma *v, u64 addr)
{
	struct vma *upper;
	u64 end = v->end.v;

	if (mm->vma_count >= MM_MAP_COUNT_MAX)
		return -ENOMEM;
	upper = vma_dup(v);
	if (!upper)
		return -ENOMEM;
	upper->start = GVA(addr);
	if (upper->map)
		upper->offset += addr - v->start.v;
	vma_tree_resize(mm, v, v->start.v, addr);
	upper->end = GVA(end);
	vma_tree_link(mm, upper);
	return 0;
}

int vma_split_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_tree_find(mm, start), *first = NULL;
	int err;

	if (v && v->start.v < start) {
		err = vma_split(mm, v, start);
		if (err < 0)
			return err;
		first = v;
	}
	v = vma_tree_find(mm, end);
	if (v && v->start.v < end) {
		err = vma_split(mm, v, end);
		if (err < 0) {
			if (first)
				vma_merge(mm, first);
			return err;
		}
	}
	return 0;
}

void vma_remove_range(struct mm *mm, u64 start, u64 end, struct vma **dead)
{
	struct vma *v = vma_tree_find(mm, start), *next;

	for (; v && v->start.v < end; v = next) {
		next = v->next;
		vma_tree_unlink(mm, v);
		mm_account(mm, v->flags, -(s64)(v->end.v - v->start.v));
		if (v->map) {
			v->next = *dead;
			*dead = v;
		} else {
			vma_destroy(v);
		}
	}
}

/* The neighbours that @proto would be joined with. */
static void merge_partners(struct mm *mm, const struct vma *proto, struct vma **prev,
			   struct vma **next)
{
	struct vma *n = vma_tree_find(mm, proto->start.v), *p = n ? n->prev : mm->last;

	*prev = p && vma_can_merge(p, proto) ? p : NULL;
	*next = n && vma_can_merge(proto, n) ? n : NULL;
}

bool vma_add_needs_one(struct mm *mm, const struct vma *proto)
{
	struct vma *prev, *next;

	merge_partners(mm, proto, &prev, &next);
	return !prev && !next;
}

struct vma *vma_add(struct mm *mm, const struct vma *proto, struct vma **spare)
{
	u64 start = proto->start.v, end = proto->end.v;
	struct vma *prev, *next, *v;

	mm_account(mm, proto->flags, (s64)(end - start));
	merge_partners(mm, proto, &prev, &next);
	if (prev) {
		vma_tree_resize(mm, prev, prev->start.v, end);
		if (next)
			vma_absorb_next(mm, prev);
		return prev;
	}
	if (next) {
		if (next->map)
			next->offset = proto->offset;
		vma_tree_resize(mm, next, start, next->end.v);
		return next;
	}
	v = *spare;
	*spare = NULL;
	BUG_ON(!v);
	vma_copy(v, proto);
	vma_tree_link(mm, v);
	return v;
}

u64 vma_bytes_mapped(struct mm *mm, u64 start, u64 end)
{
	u64 bytes = 0;

	for (struct vma *v = vma_tree_find(mm, start); v && v->start.v < end; v = v->next)
		bytes += min(v->end.v, end) - max(v->start.v, start);
	return bytes;
}

static bool is_data(u64 flags)
{
	return (flags & (VMA_WRITE | VMA_SHARED | VMA_GROWSDOWN)) == VMA_WRITE;
}

void mm_account(struct mm *mm, u64 flags, s64 bytes)
{
	mm->total_vm += (u64)bytes;
	if (flags & VMA_GROWSDOWN)
		mm->stack_vm += (u64)bytes;
	else if (is_data(flags))
		mm->data_vm += (u64)bytes;
	else if (flags & VMA_EXEC)
		mm->exec_vm += (u64)bytes;
	if (flags & VMA_LOCKED)
		mm->locked_vm += (u64)bytes;
}

bool mm_may_expand(const struct mm *mm, u64 flags, u64 bytes, const struct mm_limits *lim)
{
	if (bytes > lim->as || mm->total_vm > lim->as - bytes)
		return false;
	if (is_data(flags) && (bytes > lim->data || mm->data_vm > lim->data - bytes))
		return false;
	return true;
}

long mm_may_lock(const struct mm *mm, u64 bytes, const struct mm_limits *lim, long err)
{
	if (lim->ipc_lock)
		return 0;
	if (lim->memlock == 0)
		return -EPERM;
	if (bytes > lim->memlock || mm->locked_vm > lim->memlock - bytes)
		return err;
	return 0;
}
