/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - lists of host calls that make the truth real */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sentry/mm/mm_internal.h"

#define PLAN_MORE_MAX (1u << 17) /* the host allows half of that many mappings */

static void more_free(struct mm_plan *plan)
{
	if (plan->more)
		kfree(plan->more, plan->more_room * sizeof(*plan->more));
	plan->more = NULL;
	plan->more_count = plan->more_pos = plan->more_room = 0;
}

void mm_plan_init(struct mm_plan *plan)
{
	more_free(plan);
	plan->count = 0;
	plan->flags = 0;
	plan->result = 0;
	plan->undo = MM_UNDO_NONE;
}

bool mm_plan_next(struct mm_plan *plan)
{
	plan->count = min(plan->more_count - plan->more_pos, (u32)PCMD_MAX);
	if (plan->count == 0) {
		more_free(plan);
		return false;
	}
	memcpy(plan->cmds, plan->more + plan->more_pos, plan->count * sizeof(*plan->cmds));
	plan->more_pos += plan->count;
	return true;
}

static int more_grow(struct mm_plan *plan)
{
	u32 room = plan->more_room ? plan->more_room * 2 : 64;
	struct pcmd *more;

	if (room > PLAN_MORE_MAX)
		return -ENOMEM;
	more = kalloc(room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (plan->more) {
		memcpy(more, plan->more, plan->more_count * sizeof(*more));
		kfree(plan->more, plan->more_room * sizeof(*more));
	}
	plan->more = more;
	plan->more_room = room;
	return 0;
}

int plan_add(struct mm_plan *plan, const struct pcmd *cmd)
{
	int err;

	if (plan->count < PCMD_MAX) {
		plan->cmds[plan->count++] = *cmd;
		return 0;
	}
	if (plan->more_count == plan->more_room) {
		err = more_grow(plan);
		if (err < 0)
			return err;
	}
	plan->more[plan->more_count++] = *cmd;
	return 0;
}

int plan_add_munmap(struct mm_plan *plan, u64 addr, u64 size)
{
	return plan_add(plan, &(struct pcmd){.nr = SYS_munmap, .fd = -1, .args = {addr, size}});
}

int plan_add_mremap(struct mm_plan *plan, u64 addr, u64 old_size, u64 new_size, u64 flags, u64 to)
{
	return plan_add(plan, &(struct pcmd){.nr = SYS_mremap,
					     .fd = -1,
					     .args = {addr, old_size, new_size, flags, to}});
}

static int plan_add_mmap(struct mm_plan *plan, u64 addr, u64 size, u64 flags, u32 how, int fd,
			 u64 offset)
{
	u64 prot = flags & VMA_PROT;

	how |= MAP_FIXED;
	if (flags & VMA_NORESERVE)
		how |= MAP_NORESERVE;
	return plan_add(plan,
			&(struct pcmd){.nr = SYS_mmap,
				       .fd = fd,
				       .args = {addr, size, prot, how, (u64)(s64)fd, offset}});
}

/* The next piece of [off, off + size): neighbouring extents that are one piece of a host file are
 * joined. */
static int next_piece(const struct vma *v, u64 off, u64 size, struct map_extent *out)
{
	bool write = (v->flags & (VMA_SHARED | VMA_MAYWRITE)) == (VMA_SHARED | VMA_MAYWRITE);
	struct map_extent e;
	int err = v->map->ops->extent(v->map, off, size, write, out);

	if (err < 0)
		return err;
	BUG_ON(out->size == 0 || page_offset(out->size) || page_offset(out->offset));
	while (out->size < size) {
		err = v->map->ops->extent(v->map, off + out->size, size - out->size, write, &e);
		if (err < 0 || e.fd != out->fd || e.offset != out->offset + out->size)
			break;
		BUG_ON(e.size == 0 || page_offset(e.size));
		out->size += e.size;
	}
	out->size = min(out->size, size);
	return 0;
}

int plan_add_map(struct mm_plan *plan, const struct vma *v, u64 addr, u64 size, u32 extra)
{
	u32 how = (v->flags & VMA_SHARED ? MAP_SHARED : MAP_PRIVATE) | extra;
	u64 off = v->offset + (addr - v->start.v);

	if (!v->map)
		return plan_add_mmap(plan, addr, size, v->flags, how | MAP_ANONYMOUS, -1, 0);
	while (size > 0) {
		struct map_extent e;
		int err = next_piece(v, off, size, &e);

		if (err == 0)
			err = plan_add_mmap(plan, addr, e.size, v->flags, how, e.fd, e.offset);
		if (err < 0)
			return err;
		addr += e.size;
		off += e.size;
		size -= e.size;
	}
	return 0;
}

void plan_resume_as_is(struct mm_plan *plan)
{
	plan->flags = plan->more_count ? 0 : PRUN_RESUME | PRUN_RESUME_AS_IS;
}

void plan_reverse(struct mm_plan *plan, unsigned first)
{
	if (plan->more_count)
		return;
	for (unsigned i = first, j = plan->count; i + 1 < j; i++) {
		struct pcmd tmp = plan->cmds[i];

		plan->cmds[i] = plan->cmds[--j];
		plan->cmds[j] = tmp;
	}
}
