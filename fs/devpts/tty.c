/* SPDX-License-Identifier: Apache-2.0 */
/* tty.c - the terminal as a file: read, write, poll, and the ioctls that set it up */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

#include "fs/devpts/tty.h"
#include "fs/devpts/tty_internal.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/copy.h"

#define TTY_CHUNK 1024

static SLAB_CACHE(tty_cache, struct tty);

static const struct termios_k tty_std_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 3,
		 [VQUIT] = 28,
		 [VERASE] = 127,
		 [VKILL] = 21,
		 [VEOF] = 4,
		 [VMIN] = 1,
		 [VSTART] = 17,
		 [VSTOP] = 19,
		 [VSUSP] = 26,
		 [VREPRINT] = 18,
		 [VDISCARD] = 15,
		 [VWERASE] = 23,
		 [VLNEXT] = 22},
};

struct tty *tty_create(const struct tty_driver *driver, u32 index, u64 rdev)
{
	struct tty *tty = slab_alloc(&tty_cache);

	if (!tty)
		return NULL;
	ref_init(&tty->ref);
	mutex_init(&tty->lock, LR_TTY);
	tty->driver = driver;
	tty->index = index;
	tty->rdev = rdev;
	tty->termios = tty_std_termios;
	waitq_init(&tty->in_wait);
	waitq_init(&tty->out_wait);
	return tty;
}

struct tty *tty_get(struct tty *tty)
{
	ref_get(&tty->ref);
	return tty;
}

void tty_put(struct tty *tty)
{
	if (!ref_put(&tty->ref))
		return;
	pty_index_free(tty->index);
	waitq_fini(&tty->in_wait);
	waitq_fini(&tty->out_wait);
	slab_free(&tty_cache, tty);
}

size_t tty_receive(struct tty *tty, const u8 *buf, size_t n)
{
	size_t taken;
	u64 signals;

	mutex_lock(&tty->lock);
	signals = ldisc_receive(tty, buf, n, &taken);
	mutex_unlock(&tty->lock);
	tty_signal_pgrp(tty, signals);
	waitq_wake(&tty->in_wait, EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM);
	waitq_wake(&tty->out_wait, EPOLLIN | EPOLLRDNORM);
	return taken;
}

void tty_hangup(struct tty *tty)
{
	mutex_lock(&tty->lock);
	tty->hungup = true;
	mutex_unlock(&tty->lock);
	tty_signal_pgrp(tty, SIGMASK(SIGHUP) | SIGMASK(SIGCONT));
	waitq_wake(&tty->in_wait, ~0u);
	waitq_wake(&tty->out_wait, ~0u);
}

void tty_set_winsize(struct tty *tty, const struct winsize_k *ws)
{
	bool changed;

	mutex_lock(&tty->lock);
	changed = memcmp(&tty->winsize, ws, sizeof(*ws)) != 0;
	tty->winsize = *ws;
	mutex_unlock(&tty->lock);
	if (changed)
		tty_signal_pgrp(tty, SIGMASK(SIGWINCH));
}

/* --- file ----------------------------------------------------------------------------------------
 */

static void tty_release(struct file *f)
{
	struct tty *tty = f->data;

	mutex_lock(&tty->lock);
	tty->slaves--;
	mutex_unlock(&tty->lock);
	waitq_wake(&tty->out_wait, EPOLLIN | EPOLLHUP);
	tty_put(tty);
}

void tty_opened(struct caller *c, struct file *f, struct tty *tty)
{
	mutex_lock(&tty->lock);
	tty->slaves++;
	tty->slave_seen = true;
	mutex_unlock(&tty->lock);
	f->data = tty;
	f->op = &tty_file_ops;
	if (c && c->task && !(f->flags & O_NOCTTY))
		tty_open_ctty(c->task, tty);
	f->flags &= ~(u32)O_NOCTTY;
}

/* Non-canonical reads with a time-out and no minimum give up after VTIME tenths of a second. */
static bool read_gives_up(struct caller *c, struct tty *tty)
{
	const u8 *cc = tty->termios.c_cc;

	if (tty->termios.c_lflag & ICANON || cc[VMIN])
		return false;
	if (!cc[VTIME])
		return true;
	task_set_timeout(c->task, cc[VTIME] * 100 * NSEC_PER_MSEC);
	return task_timed_out(c->task);
}

static ssize_t tty_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct tty *tty = f->data;
	u8 buf[TTY_CHUNK];
	size_t n = 0;
	bool eof = false;
	long err = tty_check_job(c->task, tty, SIGTTIN);

	if (err)
		return err;
	mutex_lock(&tty->lock);
	if (ldisc_readable(tty))
		n = ldisc_read(tty, buf, min(to->left, sizeof(buf)), &eof);
	else if (!tty->hungup && !read_gives_up(c, tty))
		err = -EAGAIN;
	mutex_unlock(&tty->lock);
	if (err)
		return err;
	waitq_wake(&tty->out_wait, EPOLLOUT | EPOLLWRNORM);
	return copy_to_iter(buf, n, to) == n ? (ssize_t)n : -EFAULT;
}

static ssize_t tty_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct tty *tty = f->data;
	u8 buf[TTY_CHUNK];
	ssize_t done = 0;
	long err = 0;

	if (tty->termios.c_lflag & TOSTOP)
		err = tty_check_job(c->task, tty, SIGTTOU);
	while (!err && from->left > 0) {
		struct iov_iter peek = *from;
		size_t n = min(from->left, sizeof(buf)), took;

		if (copy_from_iter(buf, n, &peek) != n) {
			err = -EFAULT;
			break;
		}
		mutex_lock(&tty->lock);
		took = tty->hungup ? 0 : ldisc_write(tty, buf, n);
		err = tty->hungup ? -EIO : 0;
		mutex_unlock(&tty->lock);
		iter_advance(from, took);
		done += took;
		if (took < n) {
			err = err ? err : -EAGAIN;
			break;
		}
	}
	if (done > 0)
		waitq_wake(&tty->out_wait, EPOLLIN | EPOLLRDNORM);
	return done > 0 ? done : err;
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *tty = f->data;
	u32 mask = 0;

	poll_wait(f, &tty->in_wait, pt);
	mutex_lock(&tty->lock);
	if (ldisc_readable(tty))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!tty->stopped && tty_out_room(tty) >= TTY_CHUNK)
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (tty->hungup)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLHUP | EPOLLERR | EPOLLOUT;
	mutex_unlock(&tty->lock);
	return mask;
}

/* --- ioctl ---------------------------------------------------------------------------------------
 */

static void set_termios(struct tty *tty, const struct termios_k *new, u32 cmd)
{
	struct termios_k old;

	mutex_lock(&tty->lock);
	old = tty->termios;
	tty->termios = *new;
	if (cmd == TCSETSF || cmd == TCSETSF2 || cmd == TCSETAF)
		ldisc_flush_input(tty);
	ldisc_mode_changed(tty, &old);
	if (tty->packet && (old.c_iflag ^ new->c_iflag) & IXON)
		tty->packet_event |= new->c_iflag &IXON ? 32 : 16; /* TIOCPKT_DOSTOP, NOSTOP */
	mutex_unlock(&tty->lock);
	waitq_wake(&tty->in_wait, EPOLLIN | EPOLLOUT);
}

struct termio_k { /* struct termio of TCGETA */
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line, c_cc[8];
};

static long ioctl_get_termios(struct caller *c, struct tty *tty, u32 cmd, gva_t arg)
{
	struct termios2_k t2 = {.ispeed = 38400, .ospeed = 38400};
	struct termio_k old;

	mutex_lock(&tty->lock);
	t2.t = tty->termios;
	mutex_unlock(&tty->lock);
	if (cmd == TCGETS)
		return copy_out_obj(c->mm, arg, &t2.t);
	if (cmd == TCGETS2)
		return copy_out_obj(c->mm, arg, &t2);
	old = (struct termio_k){t2.t.c_iflag, t2.t.c_oflag, t2.t.c_cflag,
				t2.t.c_lflag, t2.t.c_line,  {0}};
	memcpy(old.c_cc, t2.t.c_cc, sizeof(old.c_cc));
	return copy_out_obj(c->mm, arg, &old);
}

static long ioctl_set_termios(struct caller *c, struct tty *tty, u32 cmd, gva_t arg, size_t size)
{
	struct termios2_k new;
	struct termio_k old;
	long err = tty_check_job(c->task, tty, SIGTTOU);

	if (err)
		return err;
	if (size != sizeof(old)) {
		err = copy_in(c->mm, &new, arg, size);
		if (!err)
			set_termios(tty, &new.t, cmd);
		return err;
	}
	err = copy_in_obj(c->mm, &old, arg);
	if (err)
		return err;
	new.t = tty->termios;
	new.t.c_iflag = (new.t.c_iflag & ~0xffffu) | old.c_iflag;
	new.t.c_oflag = (new.t.c_oflag & ~0xffffu) | old.c_oflag;
	new.t.c_cflag = (new.t.c_cflag & ~0xffffu) | old.c_cflag;
	new.t.c_lflag = (new.t.c_lflag & ~0xffffu) | old.c_lflag;
	memcpy(new.t.c_cc, old.c_cc, sizeof(old.c_cc));
	set_termios(tty, &new.t, cmd);
	return 0;
}

static long ioctl_flush(struct caller *c, struct tty *tty, u64 arg)
{
	long err = tty_check_job(c->task, tty, SIGTTOU);

	if (err)
		return err;
	if (arg > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&tty->lock);
	if (arg != TCOFLUSH)
		ldisc_flush_input(tty);
	if (arg != TCIFLUSH)
		tty->out_tail = tty->out_head;
	mutex_unlock(&tty->lock);
	waitq_wake(&tty->in_wait, EPOLLOUT | EPOLLWRNORM);
	return 0;
}

static long ioctl_flow(struct caller *c, struct tty *tty, u64 arg)
{
	long err = tty_check_job(c->task, tty, SIGTTOU);

	if (err)
		return err;
	switch (arg) {
	case TCOOFF:
	case TCOON:
		mutex_lock(&tty->lock);
		tty->stopped = arg == TCOOFF;
		mutex_unlock(&tty->lock);
		waitq_wake(&tty->in_wait, EPOLLOUT | EPOLLWRNORM);
		return 0;
	case TCIOFF:
	case TCION:
		return 0; /* the sender is not a device that listens */
	default:
		return -EINVAL;
	}
}

static long ioctl_int_out(struct caller *c, gva_t arg, s32 value)
{
	return copy_out_obj(c->mm, arg, &value);
}

long tty_ioctl_common(struct caller *c, struct tty *tty, u32 cmd, u64 arg)
{
	struct winsize_k ws;
	long err;

	switch (cmd) {
	case TCGETS:
	case TCGETS2:
	case TCGETA:
		return ioctl_get_termios(c, tty, cmd, GVA(arg));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return ioctl_set_termios(c, tty, cmd, GVA(arg), sizeof(struct termios_k));
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return ioctl_set_termios(c, tty, cmd, GVA(arg), sizeof(struct termios2_k));
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return ioctl_set_termios(c, tty, cmd, GVA(arg), sizeof(struct termio_k));
	case TIOCGWINSZ:
		mutex_lock(&tty->lock);
		ws = tty->winsize;
		mutex_unlock(&tty->lock);
		return copy_out_obj(c->mm, GVA(arg), &ws);
	case TIOCSWINSZ:
		err = copy_in_obj(c->mm, &ws, GVA(arg));
		if (!err)
			tty_set_winsize(tty, &ws);
		return err;
	case TCFLSH:
		return ioctl_flush(c, tty, arg);
	case TCXONC:
		return ioctl_flow(c, tty, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return tty_check_job(c->task, tty, SIGTTOU);
	case TIOCGETD:
		return ioctl_int_out(c, GVA(arg), 0);
	case TIOCEXCL:
	case TIOCNXCL:
		mutex_lock(&tty->lock);
		tty->exclusive = cmd == TIOCEXCL;
		mutex_unlock(&tty->lock);
		return 0;
	case TIOCGEXCL:
		return ioctl_int_out(c, GVA(arg), tty->exclusive);
	default:
		return -ENOTTY;
	}
}

static long tty_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	struct tty *tty = f->data;
	long ret;
	s32 n;

	if (tty->hungup)
		return -EIO;
	ret = tty_ioctl_job(c->task, f, tty, cmd, arg);
	if (ret != -ENOIOCTL)
		return ret;
	mutex_lock(&tty->lock);
	n = cmd == TIOCOUTQ ? tty->out_head - tty->out_tail : ldisc_available(tty);
	mutex_unlock(&tty->lock);
	if (cmd == TIOCOUTQ || cmd == FIONREAD)
		return ioctl_int_out(c, GVA(arg), n);
	return tty_ioctl_common(c, tty, cmd, arg);
}

const struct file_ops tty_file_ops = {
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};
