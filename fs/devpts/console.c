/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - a terminal whose other side is a terminal of the host
 *
 * The host's terminal is in raw mode (runsc sees to that): all editing is ours. Input is taken
 * while the input ring has room; output that the host does not take at once waits in the ring for
 * the next EPOLLOUT. One console a sandbox.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "fs/devpts/tty_internal.h"
#include "platform/host/host.h"
#include "platform/host/hostpoll.h"

#define CONSOLE_CHUNK 512

static struct tty *g_console; /* reference; set once at boot */
static struct hostpoll_entry g_entry;

/* Lock held: writes what the host takes. */
static void console_output(struct tty *tty)
{
	while (tty->out_tail != tty->out_head) {
		u32 at = tty->out_tail % TTY_OUT_SIZE;
		u32 n = min(tty->out_head - tty->out_tail, TTY_OUT_SIZE - at);
		long w = host_write(g_entry.fd, tty->out + at, n);

		if (w <= 0)
			break;
		tty->out_tail += w;
	}
}

static const struct tty_driver console_driver = {.output = console_output};

static void console_event(struct hostpoll_entry *e, u32 events)
{
	struct tty *tty = e->arg;
	u8 buf[CONSOLE_CHUNK];
	long n;

	mutex_lock(&tty->lock);
	console_output(tty);
	mutex_unlock(&tty->lock);
	waitq_wake(&tty->in_wait, EPOLLOUT | EPOLLWRNORM);
	while ((n = host_read(e->fd, buf, sizeof(buf))) > 0)
		tty_receive(tty, buf, n); /* what finds no room is lost, as on a line */
	if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) {
		hostpoll_del(e);
		tty_hangup(tty);
	}
}

void console_winch(void)
{
	struct winsize_k ws;

	/* HOST_CALL(ioctl, a1 == TIOCGWINSZ) */
	if (g_console && host_ioctl(g_entry.fd, TIOCGWINSZ, &ws) == 0)
		tty_set_winsize(g_console, &ws);
}

/* /dev/console, by number. */
static int console_open(struct caller *c, struct inode *inode, struct file *f)
{
	if (!g_console)
		return -ENXIO;
	f->flags |= O_NOCTTY;
	tty_opened(c, f, tty_get(g_console));
	return 0;
}

static const struct file_ops console_ops = {.open = console_open};

int console_create(struct caller *c, int hostfd, struct tty **out_tty, struct file **out_file)
{
	struct tty *tty = tty_create(&console_driver, UINT32_MAX, (5ull << 8) | 1);
	struct open_how_in how = {.flags = O_RDWR | O_NOCTTY};
	struct file *f;
	int err;

	if (!tty)
		return -ENOMEM;
	g_console = tty;
	g_entry = (struct hostpoll_entry){.fd = hostfd, .fn = console_event, .arg = tty};
	console_winch();
	vfs_chrdev_register(5, 1, 1, &console_ops);
	f = vfs_open(c, NULL, "/dev/console", &how);
	if (IS_ERR(f)) { /* no such node: ttyname(3) will not find it, all else works */
		f = file_anon(c, "/dev/console", &tty_file_ops, tty_get(tty), O_RDWR, NULL,
			      0020620);
		if (IS_ERR(f))
			return PTR_ERR(f);
		tty_opened(NULL, f, tty);
	}
	err = hostpoll_add(&g_entry, EPOLLIN | EPOLLOUT | EPOLLET);
	if (err)
		return err;
	*out_tty = tty;
	*out_file = f;
	return 0;
}
