/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd.c - a process as a file: readable once it has exited (pidfd_open(2))
 *
 * poll runs under the locks of epoll files, where the tasklist lock may not be taken: zombie and
 * reaped turn true only once, and the queue is woken after that.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "sentry/kernel/kernel.h"
#include "sentry/kernel/pidfd.h"

static bool is_reaped(struct tgroup *tg)
{
	return __atomic_load_n(&tg->reaped, __ATOMIC_ACQUIRE);
}

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct tgroup *tg = f->data;

	poll_wait(f, &tg->pidfd, pt);
	if (is_reaped(tg))
		return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	return __atomic_load_n(&tg->zombie, __ATOMIC_ACQUIRE) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_show(struct file *f, struct strbuf *s)
{
	struct tgroup *tg = f->data;
	s32 pid = is_reaped(tg) ? -1 : tg->tgid;

	strbuf_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
	tgroup_put(f->data);
}

static const struct file_ops pidfd_ops = {
	.release = pidfd_release,
	.poll = pidfd_poll,
	.show_fdinfo = pidfd_show,
};

struct file *pidfd_create(struct caller *c, struct tgroup *tg, u32 flags)
{
	struct file *f =
		file_anon(c, "anon_inode:[pidfd]", &pidfd_ops, tg, O_RDWR | flags, NULL, 0600);

	if (!IS_ERR(f))
		tgroup_get(tg);
	return f;
}

struct tgroup *pidfd_tgroup(struct file *f)
{
	return f->op == &pidfd_ops ? f->data : NULL;
}
