/* SPDX-License-Identifier: Apache-2.0 */
/* boot_exec.c - processes that are started beside process 1, each with a proxy on the host
 *
 * Theory of operation: a struct guest binds one process to the socket of its proxy. Two things end
 * it, in either order: the process exits (boot_exec_exit, any thread: the proxy is told and ends
 * itself) and the socket hangs up (I/O thread: the proxy is dead, the process is killed). Whoever
 * comes second gives it up. That needs the I/O thread, so the socket is watched once at a time
 * (EPOLLONESHOT): a process that exits behind its proxy arms it again, and its hang-up is reported
 * a second time.
 */
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "fs/devpts/tty.h"
#include "platform/host/host.h"
#include "platform/host/hostpoll.h"
#include "runsc/boot/boot_internal.h"
#include "runsc/spec/wire.h"
#include "sentry/arena/arena.h"

enum { GUEST_EXITED = 1, GUEST_HUNG_UP = 2 };

#define WATCH (EPOLLIN | EPOLLRDHUP | EPOLLONESHOT)

struct guest {
	struct hostpoll_entry entry; /* the proxy's socket */
	struct tty *tty;	     /* its console, or NULL */
	struct tgroup *tg;	     /* reference; NULL: was never prepared */
	_Atomic u32 over;	     /* GUEST_* */
};
static SLAB_CACHE(guest_cache, struct guest);

static void guest_free(struct guest *g)
{
	if (g->tty)
		console_destroy(g->tty);
	host_close(g->entry.fd);
	if (g->tg)
		tgroup_put(g->tg);
	slab_free(&guest_cache, g);
}

void boot_exec_exit(void *watch, u32 wait_status)
{
	struct guest *g = watch;
	struct boot_message m = {.type = BOOT_EXIT, .value = (s32)wait_status};

	if (g->tty)
		console_drain(g->tty);
	host_write(g->entry.fd, &m, sizeof(m));
	if (atomic_fetch_or(&g->over, GUEST_EXITED) & GUEST_HUNG_UP)
		hostpoll_mod(&g->entry, WATCH); /* from here on @g may be gone */
}

static void proxy_event(struct hostpoll_entry *e, u32 events)
{
	struct guest *g = e->arg;
	struct boot_message m;

	if (events & EPOLLIN && host_read(e->fd, &m, sizeof(m)) == sizeof(m)) {
		if (m.type == BOOT_SIGNAL && m.value > 0 && m.value <= 64)
			kernel_signal_group(g->tg, m.value);
		else if (m.type == BOOT_WINSIZE && g->tty)
			console_winch(g->tty);
		hostpoll_mod(e, WATCH);
		return;
	}
	if (!(events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))) {
		hostpoll_mod(e, WATCH);
	} else if (atomic_fetch_or(&g->over, GUEST_HUNG_UP) & GUEST_EXITED) {
		hostpoll_del(e);
		guest_free(g);
	} else {
		kernel_signal_group(g->tg, 9);
	}
}

/* The process as the client wrote it. Gives an anonymous mapping of req->size bytes. */
static int read_process(const struct control_request *req, int fd, void **out_buf,
			struct spec_process *out)
{
	void *buf;
	int err;

	if (fd < 0 || req->size == 0 || req->size > WIRE_MAX)
		return -EBADMSG;
	buf = host_mmap(NULL, req->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	if (IS_ERR(buf))
		return (int)PTR_ERR(buf);
	err = host_pread(fd, buf, req->size, 0) == req->size ? 0 : -EBADMSG;
	if (!err)
		err = wire_decode(buf, req->size, out);
	if (err)
		host_munmap(buf, req->size);
	else
		*out_buf = buf;
	return err;
}

static int start(struct boot *b, struct guest *g, struct exec_request *r)
{
	struct task *t;
	int err;

	r->watch = g;
	err = boot_prepare_exec(b, r, &t, &g->tty);
	if (err)
		return err;
	g->tg = tgroup_get(t->tg);
	err = hostpoll_add(&g->entry, WATCH);
	if (err) { /* no proxy, no process */
		t->tg->watch = NULL;
		kernel_signal_group(g->tg, 9);
	}
	kernel_go(t);
	return err ? error_set_errno(&b->error, err, "socket of the proxy") : 0;
}

int boot_exec(struct boot *b, const struct control_request *req, const int *fds)
{
	bool tty = req->flags & CONTROL_TTY;
	u32 first = tty ? 3 : 5, extra = min((u32)max(req->value, 0), BOOT_EXTRA_MAX);
	struct exec_request r = {.stdio = {-1, -1, -1}, .console = tty ? fds[2] : -1};
	struct guest *g = slab_alloc(&guest_cache);
	struct spec_process process;
	void *buf = NULL;
	int err = g ? read_process(req, fds[0], &buf, &process) : -ENOMEM;

	if (fds[0] >= 0)
		host_close(fds[0]);
	for (u32 i = 1; i < first + extra && !err; i++)
		err = fds[i] < 0 ? -EBADF : 0;
	if (err && buf)
		host_munmap(buf, req->size);
	if (err) {
		for (int i = 1; i < CONTROL_FDS; i++)
			if (fds[i] >= 0)
				host_close(fds[i]);
		if (g)
			slab_free(&guest_cache, g);
		return error_set_errno(&b->error, err, "process to be executed");
	}
	for (int i = 0; i < 3 && !tty; i++)
		r.stdio[i] = fds[2 + i];
	r.process = &process;
	r.extra = fds + first;
	r.extra_count = extra;
	for (u32 i = first + extra; i < CONTROL_FDS; i++)
		if (fds[i] >= 0)
			host_close(fds[i]);
	g->entry = (struct hostpoll_entry){.fd = fds[1], .fn = proxy_event, .arg = g};
	err = start(b, g, &r);
	host_munmap(buf, req->size);
	if (err)
		guest_free(g);
	return err;
}
