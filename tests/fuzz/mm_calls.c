/* libs: mm arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* mm_calls.c - libFuzzer target: the mmap family with any arguments, by two contexts of one address
 * space and a copy that fork has made
 *
 * After each call the tree must be in order and its accounts right; commands must stay within the
 * guest's space.
 */
#include <signal.h>

#include "sentry/arena/arena.h"
#include "sentry/mm/memfile.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma_tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/no_platform.h"

/* Mostly pages of a small range, sometimes anything. */
static u64 address(struct input *in)
{
	u64 v = take(in, 1);

	return v < 240 ? 0x10000000 + (v << PAGE_SHIFT) : take(in, 8);
}

static u64 length(struct input *in)
{
	u64 v = take(in, 1);

	return v < 240 ? (v % 32) << PAGE_SHIFT : take(in, 8);
}

static void check_mm(struct mm *mm)
{
	u64 bytes = 0;

	check(vma_tree_valid(mm));
	for (struct vma *v = mm->first; v; v = v->next)
		bytes += v->end.v - v->start.v;
	check(bytes == mm->total_vm && (!mm->last || mm->last->end.v <= GUEST_END));
}

static void check_plan(const struct mm_plan *p)
{
	for (unsigned i = 0; i < p->count; i++)
		check(p->cmds[i].args[0] <= GUEST_END &&
		      p->cmds[i].args[1] <= GUEST_END - p->cmds[i].args[0]);
}

static const struct mm_limits g_lim = {1ul << 40, 1ul << 40, 8ul << 20, 1ul << 30, false};

static void one_call(struct mm *mm, struct mm_inflight *me, struct input *in)
{
	static struct mm_plan plan;
	u64 what = take(in, 1), addr = address(in), size = length(in);
	struct mm_map_request req = {.addr = GVA(addr), .size = size};
	long r = -1;

	mm_plan_init(&plan);
	switch (what % 10) {
	case 0:
	case 1:
		req.prot = (u32)take(in, 1);
		req.flags = (u32)take(in, 3);
		r = mm_mmap(mm, &req, &g_lim, me, &plan);
		break;
	case 2:
		mm_munmap(mm, GVA(addr), size, me);
		break;
	case 3:
		mm_mprotect(mm, GVA(addr), size, (u32)take(in, 1), &g_lim, me);
		break;
	case 4:
		r = mm_mremap(mm, GVA(addr), size, length(in), (u32)take(in, 1), GVA(address(in)),
			      &g_lim, me, &plan);
		break;
	case 5:
		r = mm_brk(mm, GVA(addr), &g_lim, me, &plan);
		break;
	case 6:
		mm_madvise(mm, GVA(addr), size, (int)take(in, 1), me);
		break;
	case 7:
		mm_mlock(mm, GVA(addr), size, 0, what & 64, &g_lim);
		break;
	case 8:
		r = mm_fault(mm, GVA(addr), SIGSEGV, SEGV_MAPERR, &g_lim, me, &plan);
		break;
	case 9:
		mm_set_name(mm, GVA(addr), size, what & 64 ? "name" : NULL);
		break;
	}
	check_plan(&plan);
	if (r == 0 && plan.count && what & 128)
		mm_abort(mm, &plan, 0);
	check_mm(mm);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static bool ready;
	struct input in = {data, data + size};
	struct mm_inflight me[2] = {{.ctx = (struct pctx *)8}, {.ctx = (struct pctx *)16}};
	struct mm *mm, *copy;

	if (!ready)
		check(arena_init(1ul << 30) == 0 && memfile_init() == 0);
	ready = true;
	mm = mm_create();
	mm_get(mm); /* shared: ranges are in flight */
	mm->start_brk = mm->brk = 0x10000000;
	while (in.at < in.end) {
		unsigned who = (unsigned)take(&in, 1) & 1;

		mm_landed(&me[who]);
		one_call(mm, &me[who], &in);
	}
	mm_landed(&me[0]);
	mm_landed(&me[1]);
	copy = mm_fork(mm);
	check(!IS_ERR(copy));
	check_mm(copy);
	mm_put(copy);
	mm_put(mm);
	mm_put(mm);
	return 0;
}
