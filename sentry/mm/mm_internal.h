/* SPDX-License-Identifier: Apache-2.0 */
/* mm_internal.h - what the files of sentry/mm share; everything is called with mm->lock held unless
 * said otherwise */
#ifndef SENTRY_MM_MM_INTERNAL_H
#define SENTRY_MM_MM_INTERNAL_H

#include "sentry/arena/arena.h"
#include "sentry/base/bug.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma_tree.h"

/* --- vma.c ------------------------------------------------------------------------------------ */

struct vma *vma_create(void);
/* A copy with references of its own, in no tree; NULL without memory. */
struct vma *vma_dup(const struct vma *v);
/* Gives up references and memory. No lock needed; takes none of mm's. */
void vma_destroy(struct vma *v);
/* Same rights, backing and name, and @b continues @a? */
bool vma_can_merge(const struct vma *a, const struct vma *b);
/* Joins @v with its neighbours where they continue each other: the VMA that is left. */
struct vma *vma_merge(struct mm *mm, struct vma *v);
/* Makes @start and @end borders of VMAs. 0 or -ENOMEM (also: too many VMAs), then nothing visible
 * has changed. */
int vma_split_range(struct mm *mm, u64 start, u64 end);
/* Takes all VMAs of the range, whose borders have been split, out of the tree and the accounts.
 * Those with a mappable are chained to *dead by next, the others are freed. */
void vma_remove_range(struct mm *mm, u64 start, u64 end, struct vma **dead);
/* Adds a range with the properties of @proto (whose own range is the one to add; references are
 * taken), joined with its neighbours: uses *spare, when it needs a VMA, and sets it to NULL. */
struct vma *vma_add(struct mm *mm, const struct vma *proto, struct vma **spare);
/* Would vma_add of @proto need a VMA of its own? */
bool vma_add_needs_one(struct mm *mm, const struct vma *proto);
void vma_destroy_chain(struct vma *dead);
/* Bytes of the range that are mapped. */
u64 vma_bytes_mapped(struct mm *mm, u64 start, u64 end);
void mm_account(struct mm *mm, u64 flags, s64 bytes);
/* May another @bytes with @flags be mapped? */
bool mm_may_expand(const struct mm *mm, u64 flags, u64 bytes, const struct mm_limits *lim);
/* May another @bytes be locked? 0, -EPERM or @err. */
long mm_may_lock(const struct mm *mm, u64 bytes, const struct mm_limits *lim, long err);

/* --- inflight.c ------------------------------------------------------------------------------- */

/* 0, or MM_BUSY after a kick for whoever has a part of the range in flight. */
long inflight_check(struct mm *mm, u64 start, u64 end);
/* The lowest start of a range in flight that overlaps, or 0. No kick. */
u64 inflight_overlap(struct mm *mm, u64 start, u64 end);
/* Notes @me's change; nothing when nobody else uses the address space. */
void inflight_add(struct mm *mm, struct mm_inflight *me, u64 start, u64 end);
/* After the unlock: puts the dead at once when the change was not noted. No lock held. */
void inflight_settle(struct mm_inflight *me);

/* --- smaps.c ----------------------------------------------------------------------------------
 */

/* The host's figures of the stub's mappings, read along with the VMAs in address order. */
struct smaps {
	int fd; /* -1: none */
	size_t pos, len;
	bool have;	/* start, end, kb are those of the present mapping */
	u64 start, end; /* of a mapping of the host */
	u64 next_start, next_end;
	bool have_next;
	u32 kb[20];
	char buf[2048];
};

void smaps_open(struct smaps *m, struct pas *as);
void smaps_close(struct smaps *m);
/* Appends the lines from Rss to Locked for [start, end). */
void smaps_show(struct smaps *m, u64 start, u64 end, struct strbuf *s);

/* --- plan.c ----------------------------------------------------------------------------------- */

/* Appends a command. 0 or -ENOMEM. */
int plan_add(struct mm_plan *plan, const struct pcmd *cmd);
int plan_add_munmap(struct mm_plan *plan, u64 addr, u64 size);
int plan_add_mremap(struct mm_plan *plan, u64 addr, u64 old_size, u64 new_size, u64 flags, u64 to);
/* Appends what maps [addr, addr + size) of @v's backing: one command for anonymous memory, one per
 * extent for others. @extra: MAP_* to add. Reads v->start, offset, flags, map. */
int plan_add_map(struct mm_plan *plan, const struct vma *v, u64 addr, u64 size, u32 extra);
/* The guest may go on with plan->result when the last command has been carried out, whatever that
 * gave. */
void plan_resume_as_is(struct mm_plan *plan);
/* Turns the commands from @first on around; only when all of them stand in cmds. */
void plan_reverse(struct mm_plan *plan, unsigned first);

#endif
