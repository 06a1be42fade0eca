/* libs: mm arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* mm_vma.c - the truth about an address space against a model: an array with one entry per page */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sentry/arena/arena.h"
#include "sentry/mm/memfile.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/vma_tree.h"
#include "tests/lib/no_platform.h"

#define BASE  0x10000000ul
#define PAGES 512u

/* As ck_assert, which tells its runner of each check by a pipe: too slow for millions of them. */
#define must(condition)                                 \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

static const struct mm_limits g_unlimited = {~0ull, ~0ull, ~0ull, ~0ull, true};

/* Per page: rights + 1, or 0 when it is not mapped; what the host would have. */
struct model {
	u8 page[PAGES];
};

static u64 addr_of(unsigned page)
{
	return BASE + page * PAGE_SIZE;
}

static void model_set(struct model *m, u64 addr, u64 size, u8 value)
{
	for (u64 a = addr; a < addr + size; a += PAGE_SIZE)
		if (a >= BASE && a < addr_of(PAGES))
			m->page[(a - BASE) / PAGE_SIZE] = value;
}

/* Does what the stub would do. */
static void host_run(struct model *host, const struct mm_plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++) {
		const u64 *a = plan->cmds[i].args;
		u8 saved[PAGES];

		switch (plan->cmds[i].nr) {
		case SYS_mmap:
			must(a[3] & MAP_FIXED);
			model_set(host, a[0], a[1], (u8)(a[2] + 1));
			break;
		case SYS_munmap:
			model_set(host, a[0], a[1], 0);
			break;
		case SYS_mremap:
			memset(saved, host->page[(a[0] - BASE) / PAGE_SIZE], sizeof(saved));
			for (u64 o = 0; o < a[1]; o += PAGE_SIZE)
				saved[o / PAGE_SIZE] = host->page[(a[0] + o - BASE) / PAGE_SIZE];
			model_set(host, a[0], a[1], 0);
			for (u64 o = 0; o < a[2]; o += PAGE_SIZE)
				model_set(host, (a[3] & MREMAP_FIXED ? a[4] : a[0]) + o, PAGE_SIZE,
					  saved[o / PAGE_SIZE]);
			break;
		default:
			ck_abort_msg("unexpected command");
		}
	}
}

static void compare(struct mm *mm, const struct model *truth, const struct model *host)
{
	u64 bytes = 0;

	must(vma_tree_valid(mm));
	for (struct vma *v = mm->first; v; v = v->next) {
		bytes += v->end.v - v->start.v;
		if (v->prev && v->prev->end.v == v->start.v)
			must(v->prev->flags != v->flags || v->map != v->prev->map);
	}
	must(bytes == mm->total_vm);
	for (unsigned i = 0; i < PAGES; i++) {
		struct vma *v = vma_tree_find(mm, addr_of(i));
		bool in = v && v->start.v <= addr_of(i);

		must((in ? (v->flags & VMA_PROT) + 1 : 0) == truth->page[i]);
		must(truth->page[i] == host->page[i]);
	}
}

static void random_step(struct mm *mm, struct model *truth, struct model *host,
			struct mm_inflight *me)
{
	unsigned at = (unsigned)rand() % PAGES, n = 1 + (unsigned)rand() % 24;
	u32 prot = (u32)rand() % 4;
	struct mm_plan plan = {0};
	struct mm_map_request req = {.addr = GVA(addr_of(at)),
				     .size = n * PAGE_SIZE,
				     .prot = prot,
				     .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED};
	long r;

	n = min(n, PAGES - at);
	req.size = n * PAGE_SIZE;
	switch (rand() % 5) {
	case 0:
		must(mm_mmap(mm, &req, &g_unlimited, me, &plan) == 0);
		model_set(truth, addr_of(at), req.size, (u8)(prot + 1));
		break;
	case 1:
		must(mm_munmap(mm, req.addr, req.size, me) == MM_CONTINUE);
		model_set(truth, addr_of(at), req.size, 0);
		model_set(host, addr_of(at), req.size, 0);
		break;
	case 2:
		r = mm_mprotect(mm, req.addr, req.size, prot, &g_unlimited, me);
		for (unsigned i = at; i < at + n && truth->page[i]; i++)
			truth->page[i] = host->page[i] = (u8)(prot + 1);
		must(r == (truth->page[at] ? MM_CONTINUE : -ENOMEM));
		break;
	case 3: {
		unsigned to = (unsigned)rand() % (PAGES - 32);
		unsigned more = 1 + (unsigned)rand() % 32;

		r = mm_mremap(mm, req.addr, req.size, more * PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, GVA(addr_of(to)), &g_unlimited, me,
			      &plan);
		if (r == 0) {
			u8 kind = truth->page[at];

			model_set(truth, addr_of(to), more * PAGE_SIZE, kind);
			model_set(truth, addr_of(at), req.size, 0);
			model_set(host, addr_of(to), more * PAGE_SIZE, 0);
		}
		break;
	}
	default:
		r = mm_mremap(mm, req.addr, req.size, req.size / 2 + PAGE_SIZE, 0, GVA(0),
			      &g_unlimited, me, &plan);
		if (r == 0 && truth->page[at]) {
			u64 size = page_up(req.size / 2 + PAGE_SIZE);

			if (size < req.size)
				model_set(truth, addr_of(at) + size, req.size - size, 0);
			else if (size > req.size)
				model_set(truth, addr_of(at), size, truth->page[at]);
		}
		break;
	}
	host_run(host, &plan);
}

START_TEST(random_walk)
{
	struct mm *mm = mm_create();
	struct model truth = {0}, host = {0};
	struct mm_inflight me = {0};

	srand(_i + 1);
	for (unsigned i = 0; i < 4000; i++) {
		random_step(mm, &truth, &host, &me);
		compare(mm, &truth, &host);
	}
	mm_put(mm);
}
END_TEST

START_TEST(gaps)
{
	struct mm *mm = mm_create();
	struct mm_inflight me = {0};
	struct mm_map_request req = {
		.size = PAGE_SIZE, .prot = 1, .flags = MAP_PRIVATE | MAP_ANONYMOUS};
	u64 last = 0;

	/* Different rights in turn: no merging, each below the one before. */
	for (unsigned i = 0; i < 60000; i++) {
		struct mm_plan plan;

		plan.more = NULL;
		mm_plan_init(&plan);
		req.prot = 1 + i % 2;
		must(mm_mmap(mm, &req, &g_unlimited, &me, &plan) == 0);
		if (last)
			must((u64)plan.result == last - PAGE_SIZE);
		last = (u64)plan.result;
	}
	ck_assert_uint_eq(mm->vma_count, 60000);
	for (u64 a = last; a < GUEST_END; a += 2 * PAGE_SIZE)
		must(mm_munmap(mm, GVA(a), PAGE_SIZE, &me) == MM_CONTINUE);
	ck_assert(vma_tree_valid(mm));
	/* Only a larger gap will do: the search may not try every small one. */
	req.size = 2 * PAGE_SIZE;
	for (unsigned i = 0; i < 5000; i++) {
		struct mm_plan plan;

		plan.more = NULL;
		mm_plan_init(&plan);
		req.prot = 1 + i % 2;
		must(mm_mmap(mm, &req, &g_unlimited, &me, &plan) == 0);
		must((u64)plan.result == last + PAGE_SIZE - (i + 1) * 2 * PAGE_SIZE);
	}
	mm_put(mm);
}
END_TEST

START_TEST(errors)
{
	struct mm *mm = mm_create();
	struct mm_inflight me = {0};
	struct mm_plan plan = {0};
	struct mm_limits lim = g_unlimited;
	struct mm_map_request req = {.size = 0, .flags = MAP_PRIVATE | MAP_ANONYMOUS};

	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -EINVAL);
	req.size = ~0ull - 10;
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -ENOMEM);
	req.size = GUEST_END;
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -ENOMEM);
	req.size = PAGE_SIZE;
	req.flags |= MAP_FIXED;
	req.addr = GVA(GUEST_END);
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -ENOMEM);
	req.addr = GVA(0x1001);
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -EINVAL);
	req.addr = GVA(0x1000);
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -EPERM);
	req.addr = GVA(BASE);
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), 0);
	req.flags |= MAP_FIXED_NOREPLACE;
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -EEXIST);
	req.flags = MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS;
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -EINVAL);
	req.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -ENOMEM);
	req.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	lim.as = mm->total_vm;
	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), -ENOMEM);
	ck_assert_int_eq(mm_munmap(mm, GVA(GUEST_END), PAGE_SIZE, &me), -EINVAL);
	ck_assert_int_eq(mm_munmap(mm, GVA(GUEST_END - PAGE_SIZE), 2 * PAGE_SIZE, &me), -EINVAL);
	ck_assert_int_eq(mm_munmap(mm, GVA(BASE + 1), PAGE_SIZE, &me), -EINVAL);
	ck_assert_int_eq(mm_mprotect(mm, GVA(GUEST_END - PAGE_SIZE), 2 * PAGE_SIZE, 1, &lim, &me),
			 -ENOMEM);
	ck_assert_int_eq(mm_madvise(mm, GVA(GUEST_END), PAGE_SIZE, MADV_DONTNEED, &me), -ENOMEM);
	ck_assert_int_eq(mm_madvise(mm, GVA(BASE), PAGE_SIZE, 77, &me), -EINVAL);
	mm_put(mm);
}
END_TEST

START_TEST(in_flight)
{
	struct mm *mm = mm_create();
	struct mm *other = mm_get(mm);
	struct mm_inflight a = {.ctx = (struct pctx *)1}, b = {.ctx = (struct pctx *)2};
	struct mm_plan plan = {0};
	struct mm_map_request req = {
		.size = 4 * PAGE_SIZE, .prot = 1, .flags = MAP_PRIVATE | MAP_ANONYMOUS};
	u64 at;

	ck_assert_int_eq(mm_mmap(mm, &req, &g_unlimited, &a, &plan), 0);
	at = (u64)plan.result;
	mm_landed(&a);
	ck_assert_int_eq(mm_munmap(mm, GVA(at), req.size, &a), MM_CONTINUE);
	g_kicks = 0;
	mm_plan_init(&plan);
	ck_assert_int_eq(mm_mmap(mm, &req, &g_unlimited, &b, &plan), 0);
	ck_assert_uint_ne((u64)plan.result, at);
	ck_assert_uint_eq(g_kicks, 0);
	mm_landed(&b);
	ck_assert_int_eq(mm_munmap(mm, GVA(at), PAGE_SIZE, &b), MM_BUSY);
	ck_assert(IS_ERR(mm_fork(mm)));
	ck_assert_uint_eq(g_kicks, 2);
	mm_landed(&a);
	ck_assert_int_eq(mm_munmap(mm, GVA(at), PAGE_SIZE, &b), MM_CONTINUE);
	mm_landed(&b);
	mm_put(other);
	mm_put(mm);
}
END_TEST

START_TEST(shared_anonymous)
{
	struct mm *mm = mm_create(), *child;
	struct mm_inflight me = {0};
	struct mm_plan plan = {0};
	struct mm_map_request req = {
		.size = 1ul << 33, .prot = 3, .flags = MAP_SHARED | MAP_ANONYMOUS};
	char text[512];
	struct strbuf s;
	u64 cursor = 0, at;

	ck_assert_int_eq(mm_mmap(mm, &req, &g_unlimited, &me, &plan), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.cmds[0].fd, memfile_fd());
	at = (u64)plan.result;
	child = mm_fork(mm);
	ck_assert(!IS_ERR(child));
	strbuf_init(&s, text, sizeof(text));
	mm_show_maps(child, &s, &cursor, false);
	ck_assert_ptr_nonnull(strstr(text, " rw-s "));
	ck_assert_ptr_nonnull(strstr(text, "/dev/zero (deleted)"));
	ck_assert_int_eq(mm_munmap(mm, GVA(at + PAGE_SIZE), PAGE_SIZE, &me), MM_CONTINUE);
	ck_assert_uint_eq(mm->vma_count, 2);
	mm_put(mm);
	mm_put(child);
}
END_TEST

START_TEST(break_moves)
{
	struct mm *mm = mm_create();
	struct mm_inflight me = {0};
	struct mm_plan plan = {0};
	struct mm_limits lim = g_unlimited;

	mm->start_brk = mm->brk = BASE;
	ck_assert_int_eq(mm_brk(mm, GVA(0), &lim, &me, &plan), 0);
	ck_assert_int_eq(plan.result, BASE);
	ck_assert_int_eq(mm_brk(mm, GVA(BASE + 100), &lim, &me, &plan), 0);
	ck_assert_int_eq(plan.result, BASE + 100);
	ck_assert_uint_eq(plan.count, 1);
	mm_plan_init(&plan);
	ck_assert_int_eq(mm_brk(mm, GVA(BASE + 4000), &lim, &me, &plan), 0);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(mm_brk(mm, GVA(BASE + 40000), &lim, &me, &plan), 0);
	ck_assert_uint_eq(mm->vma_count, 1);
	mm_abort(mm, &plan, 0);
	ck_assert_int_eq(mm->brk, BASE + 4000);
	ck_assert_uint_eq(mm->total_vm, PAGE_SIZE);
	lim.data = 10000;
	ck_assert_int_eq(mm_brk(mm, GVA(BASE + 40000), &lim, &me, &plan), 0);
	ck_assert_int_eq(plan.result, BASE + 4000);
	mm_put(mm);
}
END_TEST

START_TEST(stack_grows)
{
	struct mm *mm = mm_create();
	struct mm_inflight me = {0};
	struct mm_plan plan = {0};
	struct mm_limits lim = g_unlimited;
	struct mm_map_request req = {.addr = GVA(BASE),
				     .size = PAGE_SIZE,
				     .prot = 3,
				     .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
					      MAP_GROWSDOWN};

	ck_assert_int_eq(mm_mmap(mm, &req, &lim, &me, &plan), 0);
	ck_assert_int_eq(mm_fault(mm, GVA(BASE - 8), SIGSEGV, SEGV_ACCERR, &lim, &me, &plan),
			 -EFAULT);
	ck_assert_int_eq(mm_fault(mm, GVA(BASE - 8), SIGSEGV, SEGV_MAPERR, &lim, &me, &plan), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan.flags, 0);
	ck_assert(mm_access_ok(mm, GVA(BASE - 8), 8, VMA_WRITE));
	lim.stack = 1 << 20;
	ck_assert_int_eq(
		mm_fault(mm, GVA(BASE - (2 << 20)), SIGSEGV, SEGV_MAPERR, &lim, &me, &plan),
		-EFAULT);
	mm_put(mm);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mm_vma");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	if (arena_init(1ul << 30) < 0 || memfile_init() < 0)
		return 1;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, random_walk, 0, 4);
	tcase_add_test(tc, gaps);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, in_flight);
	tcase_add_test(tc, shared_anonymous);
	tcase_add_test(tc, break_moves);
	tcase_add_test(tc, stack_grows);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
