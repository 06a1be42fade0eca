/* SPDX-License-Identifier: Apache-2.0 */
/* locks.c - file locks: POSIX (fcntl F_SETLK), open-file-description (F_OFD_SETLK) and flock
 *
 * Theory of operation
 * All locks of an inode are on inode->locks, guarded by one global lock (LR_FLOCK). POSIX and OFD
 * locks are of one class: they exclude each other by ranges; flock locks are whole files and a
 * class of their own. A new range of one owner replaces what that owner had there: overlapped parts
 * are cut, neighbours of the same type merged.
 *
 * Who must wait gets a struct lock_wait, which stands for the edge "this owner waits for what it
 * asked" in the graph of waiters; a request that would close a circle of POSIX owners is -EDEADLK.
 */
#include "fs/vfs/vfs_internal.h"

#include <sys/epoll.h>

#include "sentry/arena/arena.h"

#define CHAIN_MAX 1000

struct file_lock {
	struct list node; /* inode->locks */
	struct list all;  /* in g_all */
	struct inode *inode;
	struct file_lock_request r;
};

struct lock_wait {
	struct list node;    /* g_waits */
	struct inode *inode; /* of the file that the blocked call holds */
	struct file_lock_request r;
};

static SLAB_CACHE(g_lock_cache, struct file_lock);
static SLAB_CACHE(g_wait_cache, struct lock_wait);

static struct mutex g_lock;
static struct list g_waits; /* guarded by g_lock, as below */
static struct list g_all;   /* every lock, oldest first */

void locks_init(void)
{
	mutex_init(&g_lock, LR_FLOCK);
	list_init(&g_waits);
	list_init(&g_all);
}

static bool same_class(const struct file_lock_request *a, const struct file_lock_request *b)
{
	return (a->kind == LOCK_KIND_FLOCK) == (b->kind == LOCK_KIND_FLOCK);
}

static bool same_owner(const struct file_lock_request *a, const struct file_lock_request *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

static bool overlaps(const struct file_lock_request *a, const struct file_lock_request *b)
{
	return a->start <= b->end && b->start <= a->end;
}

/* The first lock that keeps @r from being granted. */
static struct file_lock *find_conflict(struct inode *i, const struct file_lock_request *r)
{
	struct file_lock *l, *found = NULL;

	list_for_each_entry (l, &i->locks, node) {
		if (!same_class(&l->r, r) || same_owner(&l->r, r) || !overlaps(&l->r, r))
			continue;
		if (l->r.type != F_WRLCK && r->type != F_WRLCK)
			continue;
		if (!found || l->r.start < found->r.start)
			found = l;
	}
	return found;
}

/* Would @r waiting for @blocker close a circle? Follows who each owner waits for. */
static bool would_deadlock(const struct file_lock_request *r, const struct file_lock *blocker)
{
	const void *owner = blocker->r.owner;
	struct file_lock *next;
	struct lock_wait *w;

	for (int steps = 0; steps < CHAIN_MAX; steps++) {
		if (owner == r->owner)
			return true;
		next = NULL;
		list_for_each_entry (w, &g_waits, node)
			if (w->r.kind == LOCK_KIND_POSIX && w->r.owner == owner &&
			    (next = find_conflict(w->inode, &w->r)))
				break;
		if (!next || next->r.kind != LOCK_KIND_POSIX)
			return false;
		owner = next->r.owner;
	}
	return false;
}

static void lock_free(struct file_lock *l)
{
	list_del(&l->node);
	list_del(&l->all);
	slab_free(&g_lock_cache, l);
}

/* Cuts [r->start, r->end] out of the owner's locks. *spare is used when one is split. True:
 * something went. */
static bool cut_range(struct inode *i, const struct file_lock_request *r, struct file_lock **spare)
{
	struct file_lock *l, *tmp, *tail;
	bool changed = false;

	list_for_each_entry_safe (l, tmp, &i->locks, node) {
		if (!same_owner(&l->r, r) || !overlaps(&l->r, r))
			continue;
		changed = true;
		if (l->r.start < r->start && l->r.end > r->end) {
			tail = *spare;
			*spare = NULL;
			tail->r = l->r;
			tail->inode = i;
			list_append(&g_all, &tail->all);
			tail->r.start = r->end + 1;
			l->r.end = r->start - 1;
			list_push(&l->node, &tail->node);
		} else if (l->r.start < r->start) {
			l->r.end = r->start - 1;
		} else if (l->r.end > r->end) {
			l->r.start = r->end + 1;
		} else {
			lock_free(l);
		}
	}
	return changed;
}

/* Merges the owner's neighbours of the same type into @new. */
static void merge(struct inode *i, struct file_lock *new)
{
	struct file_lock *l, *tmp;

	list_for_each_entry_safe (l, tmp, &i->locks, node) {
		if (l == new || !same_owner(&l->r, &new->r) || l->r.type != new->r.type)
			continue;
		if (l->r.end != UINT64_MAX && l->r.end + 1 == new->r.start)
			new->r.start = l->r.start;
		else if (new->r.end != UINT64_MAX &&new->r.end + 1 == l->r.start)
			new->r.end = l->r.end;
		else
			continue;
		lock_free(l);
	}
}

/* -EAGAIN (recorded in *wait, when given) or -EDEADLK. Lock held. */
static int must_wait(struct inode *i, const struct file_lock_request *r,
		     const struct file_lock *blocker, struct lock_wait **wait,
		     struct lock_wait **spare)
{
	if (!wait)
		return -EAGAIN;
	if (r->kind == LOCK_KIND_POSIX && blocker->r.kind == LOCK_KIND_POSIX &&
	    would_deadlock(r, blocker))
		return -EDEADLK;
	if (!*wait) {
		*wait = *spare;
		*spare = NULL;
		(*wait)->inode = i;
		(*wait)->r = *r;
		list_append(&g_waits, &(*wait)->node);
	}
	return -EAGAIN;
}

/* Lock held; @new and @split are fresh, used ones are set to NULL. */
static int set_locked(struct inode *i, const struct file_lock_request *r, struct lock_wait **wait,
		      struct file_lock **new, struct file_lock **split, struct lock_wait **spare)
{
	struct file_lock *blocker = r->type == F_UNLCK ? NULL : find_conflict(i, r);
	bool changed = false;

	/* A conversion of a flock lock gives up the old one first, as flock(2) says. */
	if (r->kind == LOCK_KIND_FLOCK && blocker && cut_range(i, r, split))
		waitq_wake(&i->lock_wait, EPOLLIN);
	if (blocker)
		return must_wait(i, r, blocker, wait, spare);
	changed = cut_range(i, r, split);
	if (r->type != F_UNLCK) {
		(*new)->r = *r;
		(*new)->inode = i;
		list_append(&g_all, &(*new)->all);
		list_append(&i->locks, &(*new)->node);
		merge(i, *new);
		*new = NULL;
	}
	if (changed)
		waitq_wake(&i->lock_wait, EPOLLIN);
	return 0;
}

int lock_set(struct file *f, const struct file_lock_request *r, struct lock_wait **wait,
	     struct waitq **out_wait)
{
	struct inode *i = f->inode;
	struct file_lock *new, *split;
	struct lock_wait *spare;
	int err = -ENOMEM;

	if (r->kind != LOCK_KIND_FLOCK) {
		if (r->type == F_RDLCK && !(f->mode & FMODE_READ))
			return -EBADF;
		if (r->type == F_WRLCK && !(f->mode & FMODE_WRITE))
			return -EBADF;
	}
	new = slab_alloc(&g_lock_cache);
	split = slab_alloc(&g_lock_cache);
	spare = slab_alloc(&g_wait_cache);
	if (new &&split && spare) {
		mutex_lock(&g_lock);
		err = set_locked(i, r, wait, &new, &split, &spare);
		mutex_unlock(&g_lock);
	}
	if (new)
		slab_free(&g_lock_cache, new);
	if (split)
		slab_free(&g_lock_cache, split);
	if (spare)
		slab_free(&g_wait_cache, spare);
	if (err == -EAGAIN && wait)
		*out_wait = &i->lock_wait;
	return err;
}

void lock_wait_end(struct lock_wait *w)
{
	mutex_lock(&g_lock);
	list_del(&w->node);
	mutex_unlock(&g_lock);
	slab_free(&g_wait_cache, w);
}

int lock_get(struct file *f, struct file_lock_request *r)
{
	struct file_lock *l;

	mutex_lock(&g_lock);
	l = find_conflict(f->inode, r);
	if (l) {
		*r = l->r;
		if (r->kind == LOCK_KIND_OFD)
			r->pid = -1;
	} else {
		r->type = F_UNLCK;
	}
	mutex_unlock(&g_lock);
	return 0;
}

/* Removes the locks of @owner that are of one of @kinds (bits). */
static void release(struct inode *i, const void *owner, u32 kinds)
{
	struct file_lock *l, *tmp;
	bool any = false;

	if (likely(list_empty(&i->locks)))
		return;
	mutex_lock(&g_lock);
	list_for_each_entry_safe (l, tmp, &i->locks, node)
		if (l->r.owner == owner && (kinds & 1u << l->r.kind)) {
			lock_free(l);
			any = true;
		}
	if (any)
		waitq_wake(&i->lock_wait, EPOLLIN);
	mutex_unlock(&g_lock);
}

void locks_release_posix(struct inode *i, const void *owner)
{
	release(i, owner, 1u << LOCK_KIND_POSIX);
}

void locks_release_file(struct file *f)
{
	release(f->inode, f, 1u << LOCK_KIND_OFD | 1u << LOCK_KIND_FLOCK);
}

bool locks_at(u32 i, struct lock_shown *out)
{
	struct file_lock *l;
	bool found = false;

	mutex_lock(&g_lock);
	list_for_each_entry (l, &g_all, all) {
		if (i--)
			continue;
		*out = (struct lock_shown){l->r, l->inode->sb->dev, l->inode->ino};
		found = true;
		break;
	}
	mutex_unlock(&g_lock);
	return found;
}
