/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd.c - signals as something to read (signalfd(2))
 *
 * The file holds only a mask: what is ready, and what a read takes, are the pending signals of
 * whoever polls or reads. Masks of pending signals are looked at without the tasklist lock: poll
 * runs under the locks of epoll files, and a signal that comes later wakes the queue.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "fs/anon/anon.h"
#include "sentry/kernel/kernel.h"

struct signalfd {
	_Atomic u64 mask; /* bit signo - 1 */
};

static SLAB_CACHE(g_signalfds, struct signalfd);
static const struct file_ops signalfd_ops;

static u64 pending_of(struct task *t)
{
	return __atomic_load_n(&t->pending.mask, __ATOMIC_RELAXED) |
	       __atomic_load_n(&t->tg->pending.mask, __ATOMIC_RELAXED);
}

/* siginfo as struct signalfd_siginfo shows it: the members that the signal's origin has. */
static void to_signalfd(const struct siginfo_k *k, struct signalfd_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = (u32)k->si_signo;
	out->ssi_errno = k->si_errno;
	out->ssi_code = k->si_code;
	if (k->si_code == SI_TIMER) {
		out->ssi_tid = (u32)k->timer.timerid;
		out->ssi_overrun = (u32)k->timer.overrun;
		out->ssi_ptr = k->timer.value.sival_ptr;
		out->ssi_int = k->timer.value.sival_int;
	} else if (k->si_code == SI_SIGIO || (k->si_signo == SIGIO && k->si_code > 0)) {
		out->ssi_band = (u32)k->poll.band;
		out->ssi_fd = k->poll.fd;
	} else if (k->si_signo == SIGCHLD && k->si_code > 0) {
		out->ssi_pid = (u32)k->chld.pid;
		out->ssi_uid = k->chld.uid;
		out->ssi_status = k->chld.status;
		out->ssi_utime = (u64)k->chld.utime;
		out->ssi_stime = (u64)k->chld.stime;
	} else if (k->si_code > 0 && k->si_code != SI_KERNEL &&
		   (SIGMASK(k->si_signo) & (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) |
					    SIGMASK(SIGFPE) | SIGMASK(SIGTRAP)))) {
		out->ssi_addr = k->fault.addr;
		out->ssi_addr_lsb = (u16)k->fault.addr_lsb;
	} else {
		out->ssi_pid = (u32)k->rt.pid;
		out->ssi_uid = k->rt.uid;
		out->ssi_ptr = k->rt.value.sival_ptr;
		out->ssi_int = k->rt.value.sival_int;
	}
}

static ssize_t signalfd_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct signalfd *s = f->data;
	struct signalfd_siginfo out;
	struct siginfo_k info;
	ssize_t done = 0;

	if (to->left < sizeof(out))
		return -EINVAL;
	while (to->left >= sizeof(out) && signal_dequeue(c->task, s->mask, &info)) {
		to_signalfd(&info, &out);
		if (copy_to_iter(&out, sizeof(out), to) != sizeof(out))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(out);
	}
	return done ? done : -EAGAIN;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->data;

	if (!pt || !pt->task)
		return 0;
	poll_wait(f, &pt->task->tg->signalfd, pt);
	return pending_of(pt->task) & s->mask ? EPOLLIN : 0;
}

static void signalfd_show(struct file *f, struct strbuf *s)
{
	struct signalfd *sfd = f->data;

	strbuf_printf(s, "sigmask:\t%016llx\n", (unsigned long long)sfd->mask);
}

static void signalfd_release(struct file *f)
{
	slab_free(&g_signalfds, f->data);
}

static const struct file_ops signalfd_ops = {
	.release = signalfd_release,
	.llseek = anon_llseek,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.show_fdinfo = signalfd_show,
};

static u64 allowed(u64 mask)
{
	return mask & ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
}

struct file *signalfd_create(struct caller *c, u64 mask, u32 flags)
{
	struct signalfd *s = slab_alloc(&g_signalfds);
	struct file *f;

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->mask = allowed(mask);
	f = file_anon(c, "anon_inode:[signalfd]", &signalfd_ops, s, O_RDWR | flags, NULL, 0600);
	if (IS_ERR(f))
		slab_free(&g_signalfds, s);
	return f;
}

int signalfd_set_mask(struct file *f, u64 mask)
{
	struct signalfd *s = f->data;

	if (f->op != &signalfd_ops)
		return -EINVAL;
	s->mask = allowed(mask);
	return 0;
}
