/* SPDX-License-Identifier: Apache-2.0 */
/* epoll.c - interest lists and ready lists (epoll(7))
 *
 * Theory of operation
 * -------------------
 * An epoll file holds *items*, one for each (file, descriptor number) of its interest list. An item
 *is
 *
 *	watching  its waiters stand on the queues that the file's poll() named
 *	ready	  it is on the ready list: something happened, or it was ready when it was last
 *looked at disabled  (EPOLLONESHOT, reported) its events are 0: wake-ups pass by, until
 *EPOLL_CTL_MOD
 *
 * A wake-up only moves the item to the ready list and goes on to the epoll file's own queue (a
 *chained queue: waitq.h). Whether it is really ready is asked of the file when events are
 *collected: an item found ready is reported, and, level-triggered, put back at the end of the list,
 *so that all get their turn.
 *
 * An item holds no reference on its file. When a file goes away, file_put calls
 *epoll_release_file(), which takes its items out under their epoll file's lock; until then the
 *file, though its count is 0, is whole. That is why an item's file may be polled under that lock.
 *
 * Epoll files may watch each other, up to EPOLL_NESTS deep and without cycles: checked under
 *g_nest_lock when one is added. So locks of epoll files are taken from the watcher to the watched.
 *
 * Locks: ep->lock (interest list), then the lock of the file polled, then g_link_lock, bucket of a
 *queue, ep->ready_lock.
 */
#include <fcntl.h>
#include <sys/epoll.h>

#include "fs/anon/anon.h"
#include "sentry/arena/arena.h"
#include "sentry/base/bug.h"
#include "sentry/base/rbtree.h"
#include "sentry/kernel/kernel.h"

#define EPOLL_NESTS  5
#define PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EXCLUSIVE_OK \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define EVENT_BITS   (0xffffu | PRIVATE_BITS)
#define ITEM_WAITERS 2 /* queues that one file's poll may name */

struct epoll {
	struct ref ref;	   /* the file, and whoever releases a watched file */
	struct mutex lock; /* LR_EPOLL; guards items */
	struct rb_root items;
	struct mutex ready_lock; /* LR_EPOLL_READY; guards ready */
	struct list ready;
	struct waitq_chain q;
	u32 round, depth;  /* guarded by g_nest_lock: last walk that came here, and what it found */
	struct file *file; /* const, borrowed */
};

struct item {
	struct rb_node
		node; /* in ep->items; guarded by ep->lock, as all below but what says otherwise */
	struct epoll *ep;   /* const */
	struct file *file;  /* const; see above */
	int fd;		    /* const */
	_Atomic u32 events; /* EPOLL* wanted, with the private bits; written under ep->lock */
	u64 data;
	struct list ready; /* in ep->ready, or empty; guarded by ep->ready_lock */
	struct list link;  /* in file->epoll_links; guarded by g_link_lock */
	u32 nwaiters;
	struct waiter waiters[ITEM_WAITERS];
};

static SLAB_CACHE(g_epolls, struct epoll);
static SLAB_CACHE(g_items, struct item);
static struct mutex g_link_lock = MUTEX_INIT(LR_LEAF);
/* held over each addition of an epoll file to another; guards round, depth, g_round */
static struct mutex g_nest_lock = MUTEX_INIT(LR_EPOLL_NEST);
static u32 g_round;
static const struct file_ops epoll_ops;

/* --- ready list
 * ------------------------------------------------------------------------------------ */

/* Puts @it on the ready list if it is not there. */
static void make_ready(struct item *it)
{
	struct epoll *ep = it->ep;

	mutex_lock(&ep->ready_lock);
	if (list_empty(&it->ready))
		list_append(&ep->ready, &it->ready);
	mutex_unlock(&ep->ready_lock);
}

/* Under the bucket of the file's queue. True: the epoll file's own queue is woken too. */
static bool on_wake(struct waiter *w, u32 events)
{
	struct item *it = w->arg;
	u32 wanted = atomic_load_explicit(&it->events, memory_order_relaxed);

	if (!(wanted & ~PRIVATE_BITS))
		return false;
	if (events && !(events & (wanted | POLLFREE)))
		return false;
	make_ready(it);
	return waitq_active(&it->ep->q.q);
}

struct item_poll {
	struct poll_table pt;
	struct item *item; /* NULL: register nothing */
	unsigned depth;
};

static void queue_item(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct item *it = container_of(pt, struct item_poll, pt)->item;
	struct waiter *w;

	if (!it)
		return;
	BUG_ON(it->nwaiters == ITEM_WAITERS);
	w = &it->waiters[it->nwaiters++];
	w->wake = on_wake;
	w->arg = it;
	w->chain = &it->ep->q;
	w->exclusive = it->events & EPOLLEXCLUSIVE;
	waitq_add(q, w);
}

static u32 poll_epoll(struct epoll *ep, struct task *t, unsigned depth);

/* What is true of @it's file now, of what it wants. ep->lock is held. */
static u32 poll_item(struct item *it, struct task *t, bool register_it, unsigned depth)
{
	u32 wanted = atomic_load_explicit(&it->events, memory_order_relaxed);
	struct item_poll ip = {.pt = {.queue = queue_item, .events = wanted, .task = t},
			       .item = register_it ? it : NULL,
			       .depth = depth};
	u32 mask;

	if (it->file->op == &epoll_ops && !register_it)
		mask = poll_epoll(it->file->data, t, depth + 1);
	else
		mask = vfs_poll(it->file, &ip.pt);
	return mask & (wanted & ~PRIVATE_BITS);
}

/* Is any item of @ep ready? Items that are not leave the ready list. Called under the lock of the
 * watcher, whose depth is @depth - 1. */
static u32 poll_epoll(struct epoll *ep, struct task *t, unsigned depth)
{
	struct list seen = LIST_INIT(seen);
	struct item *it;
	u32 mask = 0;

	if (depth > EPOLL_NESTS)
		return 0;
	mutex_lock_nested(&ep->lock);
	mutex_lock(&ep->ready_lock);
	while (!mask && !list_empty(&ep->ready)) {
		it = list_first(&ep->ready, struct item, ready);
		list_del(&it->ready);
		mutex_unlock(&ep->ready_lock);
		if (poll_item(it, t, false, depth)) {
			mask = EPOLLIN | EPOLLRDNORM;
			mutex_lock(&ep->ready_lock);
			if (list_empty(&it->ready))
				list_push(&ep->ready, &it->ready);
			break;
		}
		mutex_lock(&ep->ready_lock);
	}
	mutex_unlock(&ep->ready_lock);
	mutex_unlock(&ep->lock);
	return mask;
}

static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->data;

	poll_wait(f, &ep->q.q, pt);
	return poll_epoll(ep, pt ? pt->task : NULL, 0);
}

struct waitq *epoll_waitq(struct file *f)
{
	return &((struct epoll *)f->data)->q.q;
}

/* A hint: whoever waits has registered before it looks. */
READS_UNLOCKED static bool seems_empty(const struct epoll *ep)
{
	return ep->ready.next == &ep->ready;
}

/* Each item is looked at no more than once: those put back go behind those that were not looked at.
 */
int epoll_collect(struct task *t, struct file *f, struct epoll_event_k *out, unsigned max)
{
	struct epoll *ep = f->data;
	struct list again = LIST_INIT(again), todo = LIST_INIT(todo);
	unsigned n = 0;
	bool rest;

	if (seems_empty(ep))
		return 0;
	mutex_lock(&ep->lock);
	mutex_lock(&ep->ready_lock);
	list_splice(&todo, &ep->ready);
	while (n < max && !list_empty(&todo)) {
		struct item *it = list_first(&todo, struct item, ready);
		u32 events = atomic_load_explicit(&it->events, memory_order_relaxed), got;

		list_del(&it->ready);
		mutex_unlock(&ep->ready_lock);
		got = poll_item(it, t, false, 0);
		mutex_lock(&ep->ready_lock);
		if (!got)
			continue;
		out[n++] = (struct epoll_event_k){.events = got, .data = it->data};
		if (events & EPOLLONESHOT)
			atomic_store(&it->events, events & PRIVATE_BITS);
		else if (!(events & EPOLLET) && list_empty(&it->ready))
			list_append(&again, &it->ready);
	}
	/* first what was not looked at, then what came meanwhile, then what was reported */
	list_splice(&todo, &ep->ready);
	list_splice(&ep->ready, &todo);
	list_splice(&ep->ready, &again);
	rest = !list_empty(&ep->ready);
	mutex_unlock(&ep->ready_lock);
	mutex_unlock(&ep->lock);
	if (rest)
		waitq_wake(&ep->q.q, EPOLL_REST);
	return (int)n;
}

/* --- interest list
 * ----------------------------------------------------------------------------------- */

static int compare(const struct item *a, const struct file *file, int fd)
{
	if (a->file != file)
		return a->file < file ? -1 : 1;
	return a->fd < fd ? -1 : a->fd > fd;
}

static int item_cmp(const struct rb_node *a, const struct rb_node *b)
{
	const struct item *other = rb_entry(b, struct item, node);

	return compare(rb_entry(a, struct item, node), other->file, other->fd);
}

static struct item *item_find(struct epoll *ep, const struct file *file, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct item *it = rb_entry(n, struct item, node);
		int c = compare(it, file, fd);

		if (c == 0)
			return it;
		n = c < 0 ? n->right : n->left;
	}
	return NULL;
}

/* After this no wake-up touches the item. */
static void item_remove(struct item *it)
{
	struct epoll *ep = it->ep;

	mutex_assert_held(&ep->lock);
	for (u32 i = 0; i < it->nwaiters; i++)
		waitq_del(&it->waiters[i]);
	mutex_lock(&ep->ready_lock);
	list_del(&it->ready);
	mutex_unlock(&ep->ready_lock);
	mutex_lock(&g_link_lock);
	list_del(&it->link);
	mutex_unlock(&g_link_lock);
	rb_erase(&ep->items, &it->node);
	slab_free(&g_items, it);
}

/* The item may be ready already: says so to itself. */
static void item_check(struct item *it, struct task *t, bool register_it)
{
	if (!poll_item(it, t, register_it, 0))
		return;
	make_ready(it);
	waitq_wake(&it->ep->q.q, EPOLLIN | EPOLLRDNORM);
}

static int item_add(struct epoll *ep, struct task *t, int fd, struct file *target,
		    const struct epoll_event_k *ev)
{
	struct item *it;

	mutex_assert_held(&ep->lock);
	if (item_find(ep, target, fd))
		return -EEXIST;
	it = slab_alloc(&g_items);
	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = target;
	it->fd = fd;
	it->data = ev->data;
	it->events = (ev->events & EVENT_BITS) | EPOLLERR | EPOLLHUP;
	list_init(&it->ready);
	rb_insert(&ep->items, &it->node, item_cmp);
	mutex_lock(&g_link_lock);
	list_append(&target->epoll_links, &it->link);
	mutex_unlock(&g_link_lock);
	item_check(it, t, true);
	return 0;
}

static int item_modify(struct epoll *ep, struct task *t, int fd, struct file *target,
		       const struct epoll_event_k *ev)
{
	struct item *it = item_find(ep, target, fd);

	mutex_assert_held(&ep->lock);
	if (!it)
		return -ENOENT;
	if (it->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	it->data = ev->data;
	atomic_store(&it->events, (ev->events & EVENT_BITS) | EPOLLERR | EPOLLHUP);
	item_check(it, t, false);
	return 0;
}

/* --- nesting
 * ------------------------------------------------------------------------------------------ */

/* How many levels of epoll files hang below @ep, itself included; more than EPOLL_NESTS when @avoid
 * is among them. Each is walked once in a round; the graph as it stands is no deeper than
 * EPOLL_NESTS. */
static unsigned depth_below(struct epoll *ep, const struct epoll *avoid)
{
	unsigned deepest = 0;

	if (ep == avoid)
		return EPOLL_NESTS + 1;
	if (ep->round == g_round)
		return ep->depth;
	mutex_lock_nested(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct file *f = rb_entry(n, struct item, node)->file;

		if (f->op == &epoll_ops) {
			unsigned d = depth_below(f->data, avoid);

			deepest = max(deepest, d);
		}
	}
	mutex_unlock(&ep->lock);
	ep->round = g_round;
	ep->depth = deepest + 1;
	return ep->depth;
}

/* How many levels of epoll files watch @ep. */
static unsigned depth_above(struct epoll *ep)
{
	unsigned highest = 0;
	struct list *pos;

	mutex_assert_held(&g_link_lock);
	if (ep->round == g_round)
		return ep->depth;
	list_for_each (pos, &ep->file->epoll_links) {
		unsigned d = depth_above(list_entry(pos, struct item, link)->ep) + 1;

		highest = max(highest, d);
	}
	ep->round = g_round;
	ep->depth = highest;
	return highest;
}

static int check_nesting(struct epoll *ep, struct file *target)
{
	unsigned below, above;

	mutex_assert_held(&g_nest_lock);
	g_round++;
	below = depth_below(target->data, ep);
	if (below > EPOLL_NESTS)
		return -ELOOP;
	g_round++;
	mutex_lock(&g_link_lock);
	above = depth_above(ep);
	mutex_unlock(&g_link_lock);
	return above + below > EPOLL_NESTS - 1 ? -ELOOP : 0;
}

/* --- files
 * --------------------------------------------------------------------------------------------- */

static int check_exclusive(int op, const struct epoll_event_k *ev, const struct file *target)
{
	if (op == EPOLL_CTL_DEL || !(ev->events & EPOLLEXCLUSIVE))
		return 0;
	if (op == EPOLL_CTL_MOD || target->op == &epoll_ops || (ev->events & ~EXCLUSIVE_OK))
		return -EINVAL;
	return 0;
}

int epoll_control(struct task *t, struct file *f, int op, int fd, struct file *target,
		  const struct epoll_event_k *ev)
{
	struct epoll *ep = f->data;
	bool nests = op == EPOLL_CTL_ADD && target->op == &epoll_ops;
	struct item *it;
	int ret;

	if (!target->op || !target->op->poll)
		return -EPERM;
	if (f == target || f->op != &epoll_ops)
		return -EINVAL;
	ret = check_exclusive(op, ev, target);
	if (ret)
		return ret;
	if (nests) {
		mutex_lock(&g_nest_lock);
		ret = check_nesting(ep, target);
		if (ret) {
			mutex_unlock(&g_nest_lock);
			return ret;
		}
	}
	mutex_lock(&ep->lock);
	switch (op) {
	case EPOLL_CTL_ADD:
		ret = item_add(ep, t, fd, target, ev);
		break;
	case EPOLL_CTL_MOD:
		ret = item_modify(ep, t, fd, target, ev);
		break;
	case EPOLL_CTL_DEL:
		it = item_find(ep, target, fd);
		if (it)
			item_remove(it);
		else
			ret = -ENOENT;
		break;
	default:
		ret = -EINVAL;
	}
	mutex_unlock(&ep->lock);
	if (nests)
		mutex_unlock(&g_nest_lock);
	return ret;
}

static void epoll_put(struct epoll *ep)
{
	if (!ref_put(&ep->ref))
		return;
	waitq_chain_fini(&ep->q);
	slab_free(&g_epolls, ep);
}

/* The last reference on @f is gone: whoever watches it forgets it. */
static void epoll_release_file(struct file *f)
{
	for (;;) {
		struct item *it = NULL;
		struct epoll *ep;
		struct list *pos;

		mutex_lock(&g_link_lock);
		if (!list_empty(&f->epoll_links)) {
			it = list_first(&f->epoll_links, struct item, link);
			ep = it->ep;
			/* items go before the last reference on their epoll does */
			ref_get(&ep->ref);
		}
		mutex_unlock(&g_link_lock);
		if (!it)
			return;
		/* the item itself may have gone meanwhile: look for one of this epoll again */
		mutex_lock(&ep->lock);
		it = NULL;
		mutex_lock(&g_link_lock);
		list_for_each (pos, &f->epoll_links)
			if (list_entry(pos, struct item, link)->ep == ep)
				it = list_entry(pos, struct item, link);
		mutex_unlock(&g_link_lock);
		if (it)
			item_remove(it);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->data;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)))
		item_remove(rb_entry(n, struct item, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static void epoll_show(struct file *f, struct strbuf *s)
{
	struct epoll *ep = f->data;

	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct item *it = rb_entry(n, struct item, node);

		strbuf_printf(s, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%lx sdev:%x\n",
			      it->fd, it->events, (unsigned long long)it->data, 0ll,
			      (unsigned long)it->file->inode->ino, 0u);
	}
	mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_ops = {
	.release = epoll_release,
	.llseek = anon_llseek,
	.poll = epoll_poll,
	.show_fdinfo = epoll_show,
};

bool file_is_epoll(const struct file *f)
{
	return f->op == &epoll_ops;
}

struct file *epoll_create_file(struct caller *c, u32 flags)
{
	struct epoll *ep = slab_alloc(&g_epolls);
	struct file *f;

	if (!ep)
		return ERR_PTR(-ENOMEM);
	ref_init(&ep->ref);
	mutex_init(&ep->lock, LR_EPOLL);
	mutex_init(&ep->ready_lock, LR_EPOLL_READY);
	list_init(&ep->ready);
	waitq_chain_init(&ep->q);
	f = file_anon(c, "anon_inode:[eventpoll]", &epoll_ops, ep, O_RDWR | flags, NULL, 0600);
	if (IS_ERR(f))
		slab_free(&g_epolls, ep);
	else
		ep->file = f;
	return f;
}

void anon_init(void)
{
	vfs_set_epoll_release(epoll_release_file);
	timerfd_init();
	kernel_on_clock_set(timerfd_clock_set);
}
