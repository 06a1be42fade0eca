/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd.c - a counter to wait for (eventfd(2)) */
#include <fcntl.h>
#include <sys/epoll.h>

#include "fs/anon/anon.h"
#include "sentry/arena/arena.h"

struct eventfd {
	struct mutex lock; /* LR_FSPRIV; guards count */
	u64 count;
	bool semaphore; /* const */
	struct waitq q;
};

static SLAB_CACHE(g_eventfds, struct eventfd);

static ssize_t eventfd_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct eventfd *e = f->data;
	u64 value;

	if (to->left < sizeof(value))
		return -EINVAL;
	mutex_lock(&e->lock);
	value = e->semaphore ? min(e->count, (u64)1) : e->count;
	e->count -= value;
	mutex_unlock(&e->lock);
	if (value == 0)
		return -EAGAIN;
	waitq_wake(&e->q, EPOLLOUT | EPOLLWRNORM);
	return copy_to_iter(&value, sizeof(value), to) == sizeof(value) ? (ssize_t)sizeof(value)
									: -EFAULT;
}

static ssize_t eventfd_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct eventfd *e = f->data;
	bool fits;
	u64 value;

	if (from->left < sizeof(value))
		return -EINVAL;
	if (copy_from_iter(&value, sizeof(value), from) != sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	mutex_lock(&e->lock);
	fits = UINT64_MAX - e->count > value;
	if (fits)
		e->count += value;
	mutex_unlock(&e->lock);
	if (!fits)
		return -EAGAIN;
	waitq_wake(&e->q, EPOLLIN | EPOLLRDNORM);
	return sizeof(value);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->data;
	u32 mask = 0;
	u64 count;

	poll_wait(f, &e->q, pt);
	mutex_lock(&e->lock);
	count = e->count;
	mutex_unlock(&e->lock);
	if (count > 0)
		mask |= EPOLLIN;
	if (count == UINT64_MAX)
		mask |= EPOLLERR;
	if (count < UINT64_MAX - 1)
		mask |= EPOLLOUT;
	return mask;
}

static void eventfd_show(struct file *f, struct strbuf *s)
{
	struct eventfd *e = f->data;

	strbuf_printf(s, "eventfd-count: %16llx\neventfd-semaphore: %d\n",
		      (unsigned long long)e->count, e->semaphore);
}

s64 anon_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	return 0;
}

static void eventfd_release(struct file *f)
{
	struct eventfd *e = f->data;

	waitq_fini(&e->q);
	slab_free(&g_eventfds, e);
}

static const struct file_ops eventfd_ops = {
	.release = eventfd_release,
	.llseek = anon_llseek,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.show_fdinfo = eventfd_show,
};

struct file *eventfd_create(struct caller *c, u64 count, bool semaphore, u32 flags)
{
	struct eventfd *e = slab_alloc(&g_eventfds);
	struct file *f;

	if (!e)
		return ERR_PTR(-ENOMEM);
	mutex_init(&e->lock, LR_FSPRIV);
	waitq_init(&e->q);
	e->count = count;
	e->semaphore = semaphore;
	f = file_anon(c, "anon_inode:[eventfd]", &eventfd_ops, e, O_RDWR | flags, NULL, 0600);
	if (IS_ERR(f))
		slab_free(&g_eventfds, e);
	return f;
}
