/* SPDX-License-Identifier: Apache-2.0 */
/* space.c - contexts, address spaces and areas: who exists, who has died, what may be used again
 *
 * An area is used by one context at a time. A process gets areas in chunks: the first thread that
 * finds no idle one maps a whole chunk at its birth, and the next threads need no mapping. Before
 * its thread is born a chunk belongs to the context alone; afterwards the stub's process has it
 * mapped, and it stays with that address space (idle, for the next thread) until the process has
 * been reaped: a dying process may still write to it. Then it is wiped and may go to any other.
 *
 * A context is freed by pctx_destroy or pctx_exit; an address space when its process has been
 * reaped and its last context is freed. The structures come from pools that only grow.
 */
#include "platform/unotify/internal.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/process.h"
#include "sentry/base/log.h"

#define CHUNK (64 * 1024ul)

static_assert(sizeof(struct area) <= CTL_SIZE, "area");
static_assert(offsetof(struct area, start) == CTL_START, "stub.h");
static_assert(offsetof(struct area, park) == CTL_PARK, "stub.h");
static_assert(offsetof(struct area, flags) == CTL_FLAGS, "stub.h");
static_assert(offsetof(struct area, set_tid) == CTL_SET_TID, "stub.h");
static_assert(offsetof(struct area, alive) == CTL_ALIVE, "stub.h");
static_assert(offsetof(struct area, birth) == CTL_BIRTH, "stub.h");
static_assert(offsetof(struct area, child_off) == CTL_CHILD_OFF, "stub.h");
static_assert(offsetof(struct area, fd) == CTL_FD, "stub.h");
static_assert(offsetof(struct area, host_tid) == CTL_HOST_TID, "stub.h");
static_assert(offsetof(struct area, kicked) == CTL_KICKED, "stub.h");
static_assert(offsetof(struct area, cmds) == CTL_CMDS, "stub.h");

static void *table(size_t n)
{
	return host_mmap(NULL, n, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int platform_create_spaces(struct platform *p)
{
	mutex_init(&p->lock, LR_PLATFORM);
	list_init(&p->free_ctx);
	list_init(&p->free_as);
	list_init(&p->spaces);
	list_init(&p->quiet);
	p->tids = table(PIDS_MAX * sizeof(*p->tids));
	p->tgids = table(PIDS_MAX * sizeof(*p->tgids));
	p->infos = table(AREAS_MAX * sizeof(*p->infos));
	if (IS_ERR(p->tids) || IS_ERR(p->tgids) || IS_ERR(p->infos))
		return -ENOMEM;
	return 0;
}

/* Takes a piece of a pool, which is refilled by a chunk when empty. Pieces begin zeroed. */
static struct list *pool_take(struct list *pool, size_t size, size_t link)
{
	struct list *l;

	if (list_empty(pool)) {
		u8 *chunk = table(CHUNK);

		if (IS_ERR(chunk))
			return NULL;
		for (size_t at = 0; at + size <= CHUNK; at += size)
			list_append(pool, (struct list *)(chunk + at + link));
	}
	l = pool->next;
	list_del(l);
	memset((u8 *)l - link, 0, size);
	return l;
}

static u32 area_index(const struct pctx *c)
{
	return (u32)(((u8 *)c->area - c->p->areas) / c->p->area_size);
}

static struct area *area_at(const struct platform *p, u32 i)
{
	return (struct area *)(p->areas + i * p->area_size);
}

/* A chunk of areas that no process has; its first area's number, + 1, or 0. */
static u32 chunk_take(struct platform *p)
{
	u32 i;

	if (p->free_chunks) {
		i = p->free_chunks - 1;
		p->free_chunks = p->infos[i].next;
	} else if (p->next_area < AREAS_MAX) {
		i = p->next_area;
		p->next_area += CHUNK_AREAS;
	} else {
		return 0;
	}
	p->infos[i].out = CHUNK_AREAS;
	return i + 1;
}

static void chunk_free(struct platform *p, u32 i)
{
	p->infos[i].next = p->free_chunks;
	p->free_chunks = i + 1;
}

static void area_wipe(struct platform *p, u32 i)
{
	if (p->infos[i].used)
		memset(area_at(p, i), 0, p->area_size);
	p->infos[i].used = false;
}

/* An area of a process that is dead. */
static void area_return(struct platform *p, u32 i)
{
	u32 head = i - i % CHUNK_AREAS;

	area_wipe(p, i);
	if (--p->infos[head].out == 0)
		chunk_free(p, head);
}

/* An area of a living process is without a thread. The oldest goes first: its last thread has
 * left. */
static void idle_push(struct pas *as, u32 i)
{
	struct area_info *infos = as->p->infos;

	infos[i].next = 0;
	if (as->idle)
		infos[as->idle_last - 1].next = i + 1;
	else
		as->idle = i + 1;
	as->idle_last = i + 1;
}

/* Has the process's mmap of the area's chunk been carried out? It is ordered at a birth's
 * notification, and done some time after the answer; until then an area of it is no place for
 * another thread. A guest that writes the word ends only a thread of its own. */
static bool chunk_is_mapped(const struct platform *p, u32 i)
{
	const struct area *head = area_at(p, i - i % CHUNK_AREAS);

	return !(__atomic_load_n(&head->birth, __ATOMIC_ACQUIRE) & CTL_B_MAPPED);
}

/* An area for a new thread of @as, + 1: one that the process has mapped, or the first of a new
 * chunk. 0: there is none. */
static u32 area_take(struct platform *p, struct pas *as, bool *out_mapped)
{
	u32 i = as->idle;

	*out_mapped = i && chunk_is_mapped(p, i - 1) &&
		      !atomic_load_explicit(&area_at(p, i - 1)->alive, memory_order_acquire);
	if (*out_mapped)
		as->idle = p->infos[i - 1].next;
	else
		i = chunk_take(p);
	if (i)
		p->infos[i - 1].used = true;
	if (i && !*out_mapped)
		p->infos[i - 1].slot = as->slots++;
	return i;
}

void chunk_mapped(struct pctx *c)
{
	u32 head = area_index(c);

	mutex_assert_held(&c->p->lock);
	c->chunk_new = false;
	for (u32 i = head + 1; i < head + CHUNK_AREAS; i++) {
		c->p->infos[i].slot = c->as->slots++;
		idle_push(c->as, i);
	}
}

struct pas *as_create(struct platform *p, void *owner)
{
	struct list *l = pool_take(&p->free_as, sizeof(struct pas), offsetof(struct pas, link));
	struct pas *as;

	if (!l)
		return NULL;
	as = list_entry(l, struct pas, link);
	as->p = p;
	as->owner = owner;
	list_init(&as->contexts);
	list_append(&p->spaces, &as->in_platform);
	return as;
}

struct pctx *ctx_create(struct platform *p, struct pas *as, void *owner)
{
	struct list *l = pool_take(&p->free_ctx, sizeof(struct pctx), offsetof(struct pctx, link));
	struct pctx *c;
	u32 area;

	if (!l)
		return NULL;
	c = list_entry(l, struct pctx, link);
	area = area_take(p, as, &c->is_mapped);
	if (!area) {
		list_push(&p->free_ctx, &c->link);
		return NULL;
	}
	c->area = area_at(p, area - 1);
	c->p = p;
	c->as = as;
	c->owner = owner;
	c->leader = list_empty(&as->contexts);
	list_init(&c->quiet);
	atomic_store_explicit(&c->state, CTX_UNBORN, memory_order_relaxed);
	BUG_ON(host_getrandom(&c->cookie, sizeof(c->cookie)));
	list_append(&as->contexts, &c->link);
	as->live++;
	p->infos[area - 1].unborn = c;
	c->slot = c->area->fd = p->infos[area - 1].slot;
	local_init(c, NULL);
	if (p->rewrite)
		rewrite_area(c);
	return c;
}

void as_free(struct pas *as)
{
	if (as->untold)
		as->p->untold--;
	list_del(&as->in_platform);
	list_append(&as->p->free_as, &as->link);
}

void as_forget_if_done(struct pas *as)
{
	if (as->dead && list_empty(&as->contexts))
		as_free(as);
}

void notif_forget(struct pctx *c)
{
	if (atomic_exchange(&c->pending, false))
		atomic_fetch_sub(&c->p->outstanding, 1);
}

void ctx_forget(struct pctx *c)
{
	struct platform *p = c->p;
	u32 i = area_index(c);
	int tid = atomic_load(&c->tid);
	struct pctx *self = c;

	mutex_assert_held(&p->lock);
	atomic_store_explicit(&c->state, CTX_FREE, memory_order_release);
	if (p->rewrite)
		poll_forget(c);
	if (tid)
		atomic_compare_exchange_strong(&p->tids[tid], &self, NULL);
	if (p->infos[i].unborn == c)
		p->infos[i].unborn = NULL;
	list_del(&c->quiet);
	notif_forget(c);
	if (c->chunk_new)
		chunk_mapped(c);
	if (!tid && c->leader) {
		/* Should it be born all the same, it is a stranger. */
		c->as->dead = true;
		pool_unwant(p, c);
		if (c->maker && c->maker->child == c)
			c->maker->child = NULL;
	}
	if (!tid && !c->is_mapped) {
		/* Never born: nobody has the chunk. */
		if (c->slot + 1 == c->as->slots)
			c->as->slots--;
		area_wipe(p, i);
		chunk_free(p, i);
	} else if (c->as->dead) {
		area_return(p, i);
	} else {
		idle_push(c->as, i);
	}
	if (!c->exiting)
		c->as->live--;
	list_del(&c->link);
	/* Last in, last out: a worker may still hold the pointer from a look at p->tids. */
	list_append(&p->free_ctx, &c->link);
}

void as_doom(struct pas *as, bool ours)
{
	int tgid = atomic_load(&as->tgid);

	mutex_assert_held(&as->p->lock);
	as->killed |= ours;
	if (as->dead)
		return;
	as->doomed = true;
	if (tgid)
		(void)host_kill(tgid, SIGKILL);
}

void as_fatal(struct pctx *c, const char *why)
{
	struct platform *p = c->p;

	log_info("guest process %d killed: %s", atomic_load(&c->as->tgid), why);
	mutex_lock(&p->lock);
	as_doom(c->as, false);
	mutex_unlock(&p->lock);
}

/* No event of any context of @as from here on. */
static void contexts_free(struct pas *as)
{
	struct pctx *c, *tmp;

	list_for_each_entry_safe (c, tmp, &as->contexts, link) {
		atomic_store_explicit(&c->state, CTX_FREE, memory_order_release);
		if (c->exiting)
			ctx_forget(c);
	}
}

void as_kill_locked(struct pas *as)
{
	contexts_free(as);
	as_doom(as, true);
}

void pas_kill(struct pas *as)
{
	struct platform *p = as->p;

	mutex_lock(&p->lock);
	as_kill_locked(as);
	mutex_unlock(&p->lock);
}

void as_stillborn(struct pas *as)
{
	struct platform *p = as->p;

	mutex_assert_held(&p->lock);
	if (as->dead || atomic_load(&as->tgid))
		return;
	as->dead = true;
	as->promised = 0;
	contexts_free(as);
	if (!as->claimed) {
		pool_lost(p, as);
	} else if (!as->killed) {
		as->untold = true;
		p->untold++;
		atomic_store(&p->wake, true);
		return;
	}
	as_forget_if_done(as);
}

bool pas_abort(struct pas *as)
{
	struct platform *p = as->p;
	bool gone;

	mutex_lock(&p->lock);
	gone = as->dead;
	if (!gone && as->promised && !atomic_load(&as->tgid)) {
		as->dead = gone = true;
		contexts_free(as);
	}
	if (!gone)
		as_doom(as, false);
	mutex_unlock(&p->lock);
	return gone;
}

void pctx_destroy(struct pctx *c)
{
	struct platform *p = c->p;
	struct pas *as = c->as;

	mutex_lock(&p->lock);
	BUG_ON(ctx_state(c) != CTX_FREE);
	ctx_forget(c);
	if (!as->live)
		as_kill_locked(as);
	as_forget_if_done(as);
	mutex_unlock(&p->lock);
}

struct pas *pctx_as(struct pctx *c)
{
	return c->as;
}

/* The process of @as is gone for good. True when somebody has to be told. */
static bool as_dead(struct pas *as)
{
	struct platform *p = as->p;
	bool tell = !as->killed && as->claimed;
	struct pctx *c;

	list_for_each_entry (c, &as->contexts, link) {
		struct pctx *child = c->child;

		if (c->chunk_new)
			chunk_mapped(c);
		c->child = NULL;
		if (child && child->leader && child->maker == c)
			as_stillborn(child->as);
	}
	as->dead = true;
	p->tgids[atomic_exchange(&as->tgid, 0)] = NULL;
	while (as->idle) {
		u32 i = as->idle - 1;

		as->idle = p->infos[i].next;
		area_return(p, i);
	}
	contexts_free(as);
	if (!as->claimed)
		pool_lost(p, as);
	as_forget_if_done(as);
	return tell;
}

/* Of a process that died before its birth; NULL: of none. */
static struct pas *as_promised(struct platform *p, int pid)
{
	struct pas *as;

	list_for_each_entry (as, &p->spaces, in_platform)
		if (as->promised == pid && !as->dead && !atomic_load(&as->tgid))
			return as;
	return NULL;
}

bool as_tell_untold(struct platform *p, struct pevent *out)
{
	struct pas *as;

	mutex_assert_held(&p->lock);
	if (!p->untold)
		return false;
	list_for_each_entry (as, &p->spaces, in_platform) {
		if (!as->untold)
			continue;
		as->untold = false;
		p->untold--;
		*out = (struct pevent){.kind = PEV_DIED, .owner = as->owner, .status = SIGKILL};
		as_forget_if_done(as);
		return true;
	}
	return false;
}

int platform_reap(struct platform *p, struct pevent *out)
{
	for (;;) {
		bool tell = false;
		struct pas *as;
		int status, pid;

		mutex_lock(&p->lock);
		if (as_tell_untold(p, out)) {
			mutex_unlock(&p->lock);
			return 1;
		}
		pid = host_reap(&status);
		as = pid > 0 && pid < (int)PIDS_MAX ? p->tgids[pid] : NULL;
		if (!as && pid > 0 && (as = as_promised(p, pid))) {
			as_stillborn(as);
		} else if (as) {
			*out = (struct pevent){
				.kind = PEV_DIED, .owner = as->owner, .status = status};
			tell = as_dead(as);
		}
		mutex_unlock(&p->lock);
		if (pid <= 0 && !p->untold)
			return 0;
		if (tell)
			return 1;
	}
}
