/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - a terminal whose other side is a terminal of the host
 *
 * The host's terminal is in raw mode (runsc sees to that): all editing is ours. Input is taken
 * while the input ring has room; output that the host does not take at once waits in the ring for
 * the next EPOLLOUT. The first one is process 1's, and /dev/console; those of later processes
 * (runsc exec) are slaves of devpts. A console ends with console_destroy, which its maker calls
 * when the process is gone, on any thread; its descriptor and entry are given up on the I/O thread.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "fs/devpts/tty_internal.h"
#include "platform/host/host.h"
#include "platform/host/hostpoll.h"

#define CONSOLE_CHUNK  512
#define DRAIN_TRIES    200
#define DRAIN_PATIENCE 10 /* ms a try */

struct console {
	struct hostpoll_entry entry;
	struct tty *tty; /* reference */
	bool watched;	 /* I/O thread */
};
static SLAB_CACHE(console_cache, struct console);
static struct tty *g_console; /* reference; set once at boot */

/* Lock held: writes what the host takes. */
static void console_output(struct tty *tty)
{
	struct console *con = tty->driver_data;

	while (con && tty->out_tail != tty->out_head) {
		u32 at = tty->out_tail % TTY_OUT_SIZE;
		u32 n = min(tty->out_head - tty->out_tail, TTY_OUT_SIZE - at);
		long w = host_write(con->entry.fd, tty->out + at, n);

		if (w <= 0)
			break;
		tty->out_tail += w;
	}
}

static const struct tty_driver console_driver = {.output = console_output};

static void console_event(struct hostpoll_entry *e, u32 events)
{
	struct console *con = e->arg;
	struct tty *tty = con->tty;
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
		con->watched = false;
		tty_hangup(tty);
	}
}

void console_winch(struct tty *tty)
{
	struct winsize_k ws;
	struct console *con;

	if (!tty)
		tty = g_console;
	con = tty ? tty->driver_data : NULL;
	/* HOST_CALL(ioctl, a1 == TIOCGWINSZ) */
	if (con && host_ioctl(con->entry.fd, TIOCGWINSZ, &ws) == 0)
		tty_set_winsize(tty, &ws);
}

void console_drain(struct tty *tty)
{
	struct console *con;
	bool empty = false;

	if (!tty)
		tty = g_console;
	for (int i = 0; tty && !empty && i < DRAIN_TRIES; i++) {
		mutex_lock(&tty->lock);
		con = tty->driver_data;
		console_output(tty);
		empty = !con || tty->out_head == tty->out_tail;
		mutex_unlock(&tty->lock);
		if (!empty &&
		    host_poll_wait(con->entry.fd, EPOLLOUT, DRAIN_PATIENCE) & (EPOLLHUP | EPOLLERR))
			break;
	}
}

void console_destroy(struct tty *tty)
{
	struct console *con;

	console_drain(tty);
	mutex_lock(&tty->lock);
	con = tty->driver_data;
	tty->driver_data = NULL;
	mutex_unlock(&tty->lock);
	if (con->watched)
		hostpoll_del(&con->entry);
	host_close(con->entry.fd);
	pts_remove(tty);
	tty_hangup(tty);
	tty_put(tty);
	slab_free(&console_cache, con);
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

/* An open file of the terminal by the name @path, or one without a name where there is no such
 * node: ttyname(3) will not find it, all else works. */
static struct file *open_node(struct caller *c, struct tty *tty, const char *path)
{
	struct open_how_in how = {.flags = O_RDWR | O_NOCTTY};
	struct file *f = vfs_open(c, NULL, path, &how);

	if (!IS_ERR(f) && f->op == &tty_file_ops && f->data == tty)
		return f;
	if (!IS_ERR(f))
		file_put(f);
	f = file_anon(c, path, &tty_file_ops, tty_get(tty), O_RDWR, NULL, 0020620);
	if (!IS_ERR(f))
		tty_opened(NULL, f, tty);
	return f;
}

static struct tty *make_tty(bool first)
{
	if (!first)
		return pts_create(&console_driver);
	return g_console = tty_create(&console_driver, UINT32_MAX, (5ull << 8) | 1);
}

int console_create(struct caller *c, int hostfd, bool first, struct tty **out_tty,
		   struct file **out_file)
{
	struct console *con = slab_alloc(&console_cache);
	struct tty *tty = con ? make_tty(first) : NULL;
	char path[24] = "/dev/console";
	struct file *f;
	int err;

	if (!tty) {
		if (con)
			slab_free(&console_cache, con);
		return -ENOMEM;
	}
	con->tty = tty;
	con->entry = (struct hostpoll_entry){.fd = hostfd, .fn = console_event, .arg = con};
	tty->driver_data = con;
	console_winch(tty);
	if (first)
		vfs_chrdev_register(5, 1, 1, &console_ops);
	else
		snprintf(path, sizeof(path), "/dev/pts/%u", tty->index);
	f = open_node(c, tty, path);
	err = IS_ERR(f) ? (int)PTR_ERR(f) : hostpoll_add(&con->entry, EPOLLIN | EPOLLOUT | EPOLLET);
	if (err) {
		if (!IS_ERR(f))
			file_put(f);
		console_destroy(tty);
		return err;
	}
	con->watched = true;
	*out_tty = tty;
	*out_file = f;
	return 0;
}
