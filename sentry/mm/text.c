/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - is a place program text that the platform may rewrite?
 *
 * Only a private mapping of a file qualifies, executable and not writable: a store into it makes a
 * copy of the page and never reaches the file, and code that the guest itself writes (a JIT
 * compiler's) is left alone. While the change is on its way the range is in flight, so that what
 * was looked at here is what is written to.
 */
#include <sys/mman.h>

#include "sentry/mm/mm_internal.h"

static bool is_text(const struct vma *v)
{
	return v->map && (v->flags & VMA_EXEC) && (v->flags & VMA_READ) &&
	       !(v->flags & (VMA_WRITE | VMA_SHARED));
}

static int plan_add_protect(struct mm_plan *plan, u64 page, u64 prot)
{
	struct pcmd cmd = {.nr = 10 /* mprotect */, .fd = -1, .args = {page, PAGE_SIZE, prot}};

	return plan_add(plan, &cmd);
}

static long text_check(struct mm *mm, u64 page)
{
	struct vma *v;

	/* No kick: nobody waits for this. */
	if (inflight_overlap(mm, page, page + PAGE_SIZE))
		return -EBUSY;
	v = mm_find_vma(mm, GVA(page));
	if (!v || v->start.v > page || !is_text(v))
		return -EPERM;
	return 0;
}

long mm_rewrite(struct mm *mm, gva_t addr, const struct pcmd *patch, unsigned count,
		struct mm_inflight *me, struct mm_plan *plan)
{
	u64 page = page_down(addr.v - 2);
	long err;

	mutex_lock(&mm->lock);
	err = text_check(mm, page);
	if (err == 0)
		inflight_add(mm, me, page, page + PAGE_SIZE);
	mutex_unlock(&mm->lock);
	if (err == 0)
		err = plan_add_protect(plan, page, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (unsigned i = 0; i < count && err == 0; i++)
		err = plan_add(plan, &patch[i]);
	if (err == 0)
		err = plan_add_protect(plan, page, PROT_READ | PROT_EXEC);
	return err;
}
