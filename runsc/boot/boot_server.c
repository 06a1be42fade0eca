/* SPDX-License-Identifier: Apache-2.0 */
/* boot_server.c - the sentry's end of the container's control socket
 *
 * A connection is one command of `runsc`: requests come one after the other, each is answered
 * before the next is read, all on the I/O thread. What takes long is not done here: a request
 * starts things, and the client waits for the proxy. Descriptors that a request has no use for are
 * closed.
 */
#include <signal.h>
#include <sys/epoll.h>

#include "platform/host/host.h"
#include "platform/host/hostpoll.h"
#include "platform/host/process.h"
#include "runsc/boot/boot_internal.h"
#include "sentry/strace/strace.h"

#define CLIENTS 32
static_assert(CONTROL_FDS == HOST_RECEIVE_FDS, "all of a request");

static struct boot *g_boot;
static struct hostpoll_entry g_listen, g_clients[CLIENTS]; /* fd -1: free */
static bool g_full; /* no client is free: those who connect wait */

static int start(struct boot *b)
{
	struct task *t = b->init;

	if (!t)
		return error_set(&b->error, "cannot start an already running container");
	b->init = NULL;
	kernel_go(t);
	return 0;
}

static int send_signal(const struct control_request *req)
{
	if (req->value < 1 || req->value > 64)
		return -EINVAL;
	if (req->flags & CONTROL_ALL)
		kernel_signal_group(NULL, req->value);
	else
		kernel_signal_init(req->value);
	return 0;
}

/* All stubs stop, or go on: everything in our pid namespace but us. What they had asked of us is
 * answered meanwhile, and taken when they go on; their guests notice nothing but the time. */
static int set_paused(struct boot *b, bool paused)
{
	int err = host_kill(-1, paused ? SIGSTOP : SIGCONT);

	if (err < 0 && err != -ESRCH)
		return err;
	b->paused = paused;
	return 0;
}

static int set_strace(int on)
{
	static const struct kernel_hooks none;
	static bool ready;

	if (on && !ready) {
		strace_init(BOOT_FD_LOG);
		ready = true;
	}
	kernel_set_hooks(on ? &strace_hooks : &none);
	return 0;
}

static void take(u64 *limit, s64 value)
{
	if (value)
		*limit = value < 0 ? 0 : (u64)value;
}

static int set_limits(int fd)
{
	struct kernel_limits l = g_kernel->config.limits;
	u64 memory = g_kernel->config.memory_limit;
	struct control_limits c;

	if (fd < 0 || host_pread(fd, &c, sizeof(c), 0) != sizeof(c))
		return -EBADMSG;
	take(&memory, c.memory);
	take(&l.memory_swap, c.memory_swap);
	take(&l.memory_soft, c.memory_soft);
	take(&l.tasks, c.tasks);
	if (c.cpu_quota)
		l.cpu_quota = c.cpu_quota;
	if (c.cpu_shares)
		l.cpu_shares = c.cpu_shares;
	if (c.cpu_period)
		l.cpu_period = c.cpu_period;
	kernel_set_limits(memory, &l);
	return 0;
}

static int carry_out(struct boot *b, const struct control_request *req, int *fds, s32 *out_value)
{
	int err;

	switch (req->type) {
	case CONTROL_PING:
		*out_value = b->paused ? CONTROL_PAUSED
			     : b->init ? CONTROL_CREATED
				       : CONTROL_RUNNING;
		return 0;
	case CONTROL_PAUSE:
	case CONTROL_RESUME:
		return set_paused(b, req->type == CONTROL_PAUSE);
	case CONTROL_START:
		return start(b);
	case CONTROL_SIGNAL:
		return send_signal(req);
	case CONTROL_EXEC:
		err = boot_exec(b, req, fds);
		for (int i = 0; i < CONTROL_FDS; i++)
			fds[i] = -1;
		return err;
	case CONTROL_PS:
		return boot_write_ps(fds[0]);
	case CONTROL_DEBUG:
		return boot_write_debug(b, fds[0]);
	case CONTROL_LIMITS:
		return set_limits(fds[0]);
	case CONTROL_STRACE:
		return set_strace(req->value);
	default:
		return -EOPNOTSUPP;
	}
}

static void hang_up(struct hostpoll_entry *e)
{
	hostpoll_del(e);
	host_close(e->fd);
	e->fd = -1;
	if (g_full)
		hostpoll_mod(&g_listen, EPOLLIN);
	g_full = false;
}

static void client_event(struct hostpoll_entry *e, u32 events)
{
	struct control_reply reply = {0};
	struct control_request req;
	int fds[CONTROL_FDS];
	char text[128];
	long n = host_receive(e->fd, &req, sizeof(req), fds);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n == sizeof(req)) {
		g_boot->error.text[0] = 0;
		reply.result = carry_out(g_boot, &req, fds, &reply.value);
		if (reply.result < 0 && !g_boot->error.text[0])
			error_set(&g_boot->error, "%s",
				  error_name(reply.result, text, sizeof(text)));
		memcpy(reply.text, g_boot->error.text, sizeof(reply.text) - 1);
		n = host_write(e->fd, &reply, sizeof(reply));
	}
	for (int i = 0; i < CONTROL_FDS; i++)
		if (fds[i] >= 0)
			host_close(fds[i]);
	if (n <= 0 || (n != sizeof(reply)))
		hang_up(e);
}

static void listen_event(struct hostpoll_entry *e, u32 events)
{
	struct hostpoll_entry *c = g_clients;
	int fd;

	while (c < g_clients + CLIENTS && c->fd >= 0)
		c++;
	if (c == g_clients + CLIENTS) {
		g_full = true;
		hostpoll_mod(e, 0);
		return;
	}
	fd = host_accept(e->fd);
	if (fd < 0)
		return;
	*c = (struct hostpoll_entry){.fd = fd, .fn = client_event};
	if (hostpoll_add(c, EPOLLIN | EPOLLRDHUP) < 0)
		hang_up(c);
}

int boot_server_init(struct boot *b)
{
	g_boot = b;
	for (int i = 0; i < CLIENTS; i++)
		g_clients[i].fd = -1;
	if (!b->c->hold)
		return 0;
	g_listen = (struct hostpoll_entry){.fd = BOOT_FD_LISTEN, .fn = listen_event};
	return hostpoll_add(&g_listen, EPOLLIN);
}
