/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - inotify(7): who wants to hear what happens to an inode
 *
 * Theory of operation
 * One lock (LR_NOTIFY) guards all watches and queues; a count of all watches keeps the operations
 * of a sandbox without inotify free of it. A watch is on its inode's list and on its instance's,
 * and holds the path it was made with, so that the inode which later walks find is still this one,
 * until its last name goes. It ends by inotify_rm_watch, by the end of its instance, or with the
 * inode (IN_DELETE_SELF, IN_IGNORED).
 *
 * Watches that end under the lock hold references that can only be given back outside: they are
 * gathered on a list.
 */
#include "fs/vfs/vfs_internal.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "sentry/arena/arena.h"
#include "sentry/mm/copy.h"

#define QUEUE_MAX   16384
#define WATCHES_MAX 65536

struct instance {
	struct list watches; /* in_instance */
	struct list events;  /* oldest first */
	u32 count, watch_count;
	s32 next_wd;
	struct waitq wait;
};

struct watch {
	struct list in_inode, in_instance;
	struct instance *inst;
	struct path path; /* reference */
	struct inode *inode;
	s32 wd;
	u32 mask;
};

struct event {
	struct list node;
	struct inotify_event_k abi; /* len: padded */
	u32 name_len;
	char name[];
};

static SLAB_CACHE(g_instance_cache, struct instance);
static SLAB_CACHE(g_watch_cache, struct watch);

static struct mutex g_lock;
static _Atomic u32 g_watches;
static _Atomic u32 g_cookie;

void notify_init(void)
{
	mutex_init(&g_lock, LR_NOTIFY);
	atomic_store(&g_watches, 0);
}

u32 notify_cookie(void)
{
	return atomic_fetch_add(&g_cookie, 1) + 1;
}

static size_t event_size(u32 name_len)
{
	return sizeof(struct event) + name_len + 1;
}

static bool same_event(const struct event *e, s32 wd, u32 mask, u32 cookie, const char *name,
		       u32 len)
{
	return e->abi.wd == wd && e->abi.mask == mask && e->abi.cookie == cookie &&
	       e->name_len == len && memcmp(e->name, name, len) == 0;
}

/* Lock held. Equal neighbours are one event; a full queue says so once. */
static void queue_event(struct instance *in, s32 wd, u32 mask, u32 cookie, const char *name,
			u32 len)
{
	struct event *e;

	if (!list_empty(&in->events)) {
		e = list_last(&in->events, struct event, node);
		if (same_event(e, wd, mask, cookie, name, len))
			return;
	}
	if (in->count >= QUEUE_MAX) {
		if (in->count > QUEUE_MAX)
			return;
		wd = -1;
		mask = IN_Q_OVERFLOW;
		cookie = len = 0;
	}
	e = kalloc(event_size(len));
	if (!e)
		return;
	e->abi = (struct inotify_event_k){.wd = wd, .mask = mask, .cookie = cookie};
	e->abi.len = len ? align_up(len + 1, (u32)sizeof(struct inotify_event_k)) : 0;
	e->name_len = len;
	memcpy(e->name, name, len);
	list_append(&in->events, &e->node);
	in->count++;
	waitq_wake(&in->wait, EPOLLIN | EPOLLRDNORM);
}

/* Takes @w off its lists, onto @gone. Lock held. */
static void watch_remove(struct watch *w, struct list *gone)
{
	queue_event(w->inst, w->wd, IN_IGNORED, 0, "", 0);
	list_del(&w->in_inode);
	list_del(&w->in_instance);
	w->inst->watch_count--;
	atomic_fetch_sub(&g_watches, 1);
	list_append(gone, &w->in_instance);
}

/* Lock not held. */
static void watches_free(struct list *gone)
{
	struct watch *w;

	while (!list_empty(gone)) {
		w = list_first(gone, struct watch, in_instance);
		list_del(&w->in_instance);
		if (w->path.dentry)
			path_put(&w->path);
		slab_free(&g_watch_cache, w);
	}
}

void notify_inode(struct inode *i, u32 mask, u32 cookie, const char *name, u32 len)
{
	struct list gone = LIST_INIT(gone);
	struct watch *w, *tmp;

	if (likely(!atomic_load_explicit(&g_watches, memory_order_relaxed)))
		return;
	if (!name && S_ISDIR(i->mode))
		mask |= IN_ISDIR;
	mutex_lock(&g_lock);
	list_for_each_entry_safe (w, tmp, &i->watches, in_inode) {
		if (!(mask & w->mask & IN_ALL_EVENTS))
			continue;
		queue_event(w->inst, w->wd, mask, cookie, name ? name : "", name ? len : 0);
		if (w->mask & IN_ONESHOT)
			watch_remove(w, &gone);
	}
	mutex_unlock(&g_lock);
	watches_free(&gone);
}

void notify_name(struct dentry *parent, const char *name, u32 len, u32 mask, u32 cookie)
{
	notify_inode(dentry_inode(parent), mask, cookie, name, len);
}

void notify_dentry(struct dentry *d, u32 mask, u32 cookie)
{
	struct inode *inode = dentry_inode(d);
	char name[NAME_MAX_LEN + 1];
	struct dentry *parent;
	u32 len;

	if (likely(!atomic_load_explicit(&g_watches, memory_order_relaxed)) || !inode)
		return;
	notify_inode(inode, mask, cookie, NULL, 0);
	dcache_lock();
	parent = d->parent == d ? NULL : dentry_get(d->parent);
	len = min(d->name_len, (u32)NAME_MAX_LEN);
	memcpy(name, d->name, len);
	dcache_unlock();
	if (!parent)
		return;
	if (S_ISDIR(inode->mode))
		mask |= IN_ISDIR;
	notify_name(parent, name, len, mask, cookie);
	dentry_put(parent);
}

void notify_inode_gone(struct inode *i)
{
	struct list gone = LIST_INIT(gone);
	struct watch *w, *tmp;

	if (likely(!atomic_load_explicit(&g_watches, memory_order_relaxed)))
		return;
	mutex_lock(&g_lock);
	list_for_each_entry_safe (w, tmp, &i->watches, in_inode) {
		if (w->mask & IN_DELETE_SELF)
			queue_event(w->inst, w->wd, IN_DELETE_SELF, 0, "", 0);
		watch_remove(w, &gone);
	}
	mutex_unlock(&g_lock);
	watches_free(&gone);
}

void notify_unpin(struct inode *i)
{
	struct path p;
	struct watch *w;
	bool found = true;

	while (found && atomic_load_explicit(&g_watches, memory_order_relaxed)) {
		found = false;
		mutex_lock(&g_lock);
		list_for_each_entry (w, &i->watches, in_inode)
			if (w->path.dentry) {
				p = w->path;
				w->path.dentry = NULL;
				found = true;
				break;
			}
		mutex_unlock(&g_lock);
		if (found)
			path_put(&p);
	}
}

/* --- the file ----------------------------------------------------------------------------------
 */

/* The oldest event when it fits into @room: *out is the caller's. -EAGAIN, -EINVAL (does not fit).
 */
static int take_event(struct instance *in, size_t room, struct event **out)
{
	int err = 0;

	mutex_lock(&g_lock);
	if (list_empty(&in->events)) {
		err = -EAGAIN;
	} else {
		*out = list_first(&in->events, struct event, node);
		if (sizeof((*out)->abi) + (*out)->abi.len > room) {
			err = -EINVAL;
		} else {
			list_del(&(*out)->node);
			in->count--;
		}
	}
	mutex_unlock(&g_lock);
	return err;
}

static bool put_event(const struct event *e, struct iov_iter *to)
{
	size_t n = copy_to_iter(&e->abi, sizeof(e->abi), to);

	if (n == sizeof(e->abi) && e->abi.len) {
		n += copy_to_iter(e->name, e->name_len, to);
		n += iter_zero(e->abi.len - e->name_len, to);
	}
	return n == sizeof(e->abi) + e->abi.len;
}

static ssize_t inotify_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct instance *in = f->data;
	ssize_t done = 0;
	struct event *e;
	bool copied;
	int err;

	for (;;) {
		err = take_event(in, to->left, &e);
		if (err)
			return done ? done : err;
		copied = put_event(e, to);
		if (copied)
			done += sizeof(e->abi) + e->abi.len;
		kfree(e, event_size(e->name_len));
		if (!copied)
			return done ? done : -EFAULT;
	}
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct instance *in = f->data;
	u32 events;

	poll_wait(f, &in->wait, pt);
	mutex_lock(&g_lock);
	events = list_empty(&in->events) ? 0 : EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&g_lock);
	return events;
}

static long inotify_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	struct instance *in = f->data;
	struct event *e;
	s32 n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&g_lock);
	list_for_each_entry (e, &in->events, node)
		n += sizeof(e->abi) + e->abi.len;
	mutex_unlock(&g_lock);
	return copy_out_obj(c->mm, GVA(arg), &n);
}

static void inotify_release(struct file *f)
{
	struct list gone = LIST_INIT(gone);
	struct instance *in = f->data;
	struct event *e;

	mutex_lock(&g_lock);
	while (!list_empty(&in->watches))
		watch_remove(list_first(&in->watches, struct watch, in_instance), &gone);
	mutex_unlock(&g_lock);
	watches_free(&gone);
	while (!list_empty(&in->events)) {
		e = list_first(&in->events, struct event, node);
		list_del(&e->node);
		kfree(e, event_size(e->name_len));
	}
	waitq_fini(&in->wait);
	slab_free(&g_instance_cache, in);
}

static void inotify_fdinfo(struct file *f, struct strbuf *s)
{
	struct instance *in = f->data;
	struct watch *w;

	mutex_lock(&g_lock);
	list_for_each_entry (w, &in->watches, in_instance)
		strbuf_printf(s, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0\n", w->wd,
			      (unsigned long long)w->inode->ino,
			      (unsigned long long)w->inode->sb->dev, w->mask);
	mutex_unlock(&g_lock);
}

static const struct file_ops g_inotify_ops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_fdinfo,
};

struct file *inotify_create(struct caller *c, u32 flags)
{
	struct instance *in = slab_alloc(&g_instance_cache);
	struct file *f;

	if (!in)
		return ERR_PTR(-ENOMEM);
	list_init(&in->watches);
	list_init(&in->events);
	waitq_init(&in->wait);
	in->next_wd = 1;
	f = file_anon(c, "anon_inode:inotify", &g_inotify_ops, in, O_RDONLY | flags, NULL, 0600);
	if (IS_ERR(f))
		slab_free(&g_instance_cache, in);
	return f;
}

static struct watch *watch_of(struct instance *in, const struct inode *i)
{
	struct watch *w;

	list_for_each_entry (w, &i->watches, in_inode)
		if (w->inst == in)
			return w;
	return NULL;
}

/* Lock held: changes the watch that is there, or links @fresh (*used). The wd or -errno. */
static s32 watch_set(struct instance *in, struct inode *i, u32 mask, struct watch *fresh,
		     bool *used)
{
	struct watch *w = watch_of(in, i);
	u32 keep = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);

	if (w && (mask & IN_MASK_CREATE))
		return -EEXIST;
	if (w) {
		w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
		return w->wd;
	}
	if (in->watch_count >= WATCHES_MAX || in->next_wd == INT32_MAX)
		return -ENOSPC;
	*used = true;
	fresh->inst = in;
	fresh->inode = i;
	fresh->wd = in->next_wd++;
	fresh->mask = keep;
	list_append(&i->watches, &fresh->in_inode);
	list_append(&in->watches, &fresh->in_instance);
	in->watch_count++;
	atomic_fetch_add(&g_watches, 1);
	return fresh->wd;
}

bool file_is_inotify(const struct file *f)
{
	return f->op == &g_inotify_ops;
}

int inotify_add_watch(struct caller *c, struct file *f, const struct path *p, u32 mask)
{
	struct inode *i = dentry_inode(p->dentry);
	struct watch *fresh;
	bool used = false;
	s32 wd;
	int err;

	if (!file_is_inotify(f) || !(mask & IN_ALL_EVENTS))
		return -EINVAL;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		return -EINVAL;
	err = vfs_permission(c, p, MAY_READ);
	if (err)
		return err;
	fresh = slab_alloc(&g_watch_cache);
	if (!fresh)
		return -ENOMEM;
	fresh->path = *p;
	path_get(p);
	mutex_lock(&g_lock);
	wd = watch_set(f->data, i, mask, fresh, &used);
	mutex_unlock(&g_lock);
	if (!used) {
		path_put(&fresh->path);
		slab_free(&g_watch_cache, fresh);
	}
	return wd;
}

int inotify_rm_watch(struct file *f, s32 wd)
{
	struct list gone = LIST_INIT(gone);
	struct instance *in = f->data;
	struct watch *w;
	int err = -EINVAL;

	if (!file_is_inotify(f))
		return -EINVAL;
	mutex_lock(&g_lock);
	list_for_each_entry (w, &in->watches, in_instance)
		if (w->wd == wd) {
			watch_remove(w, &gone);
			err = 0;
			break;
		}
	mutex_unlock(&g_lock);
	watches_free(&gone);
	return err;
}
