/* libs: socket fs_anon fs_pipe fs_tmpfs kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.c - libFuzzer target: addresses, control messages, options and data of AF_UNIX sockets
 *
 * The input is a list of calls on a few descriptors. At its end all are closed, and nothing may be
 * left: sockets that hold each other by messages included.
 */
#include <fcntl.h>

#include "fs/anon/anon.h"
#include "net/socket/unix.h"
#include "sentry/kernel/kernel.h"
#include "tests/fuzz/fuzz_vfs.h"

#define FDS 8

static struct kernel g_k;
static struct tgroup g_tg;
static struct task g_task;
static struct worker g_worker;
static struct net_namespace g_net = {.first = true};
static struct nsproxy g_ns = {.net = &g_net};
static struct fs g_fs = {.ref = {1}};

static void setup(void)
{
	vfs_boot();
	anon_init();
	socket_init();
	g_kernel = &g_k;
	mutex_init(&g_k.lock, LR_TASKLIST);
	ref_init(&g_tg.ref);
	ref_init(&g_net.ns.ref);
	g_tg.tgid = g_tg.vtgid = 42;
	g_tg.pid_ns = &g_k.pids;
	g_task.ns = &g_ns;
	for (int i = 0; i < RLIMITS; i++)
		g_tg.rlim[i] = (struct rlimit64_pair){1024, 1024};
	mutex_init(&g_fs.lock, LR_FS);
	g_task.fs = &g_fs;
	g_task.worker = &g_worker;
	g_task.tg = &g_tg;
	g_task.cred = g_c.cred;
	g_c.task = &g_task;
}

static void name(struct input *in, struct sock_name *out)
{
	const u8 *p;
	u32 kind = (u32)take(in, 1);
	size_t n = take_bytes(in, kind % sizeof(out->raw), &p);

	memset(out, 0, sizeof(*out));
	memcpy(out->raw, p, n);
	out->len = (u32)n;
	if (kind & 128) /* else nearly nothing would be one */
		out->sa.sa_family = AF_UNIX;
}

static void send_message(struct socket *s, struct input *in)
{
	struct sock_msg m = {.flags = (u32)take(in, 2)};
	struct sock_name to;
	struct iov_iter it;
	struct scm scm = {0};
	const u8 *control, *data;
	size_t n = take_bytes(in, take(in, 1) % 100, &control);

	if (scm_parse(&g_task, control, n, &scm) < 0)
		return;
	m.scm = &scm;
	if (m.flags & 0x8000) {
		name(in, &to);
		m.name = &to;
	}
	n = take_bytes(in, take(in, 1), &data);
	iter_init_kernel(&it, (void *)(uintptr_t)data, n);
	m.it = &it;
	check(s->op->send(&g_c, s, &m) <= (ssize_t)n);
	scm_drop(&scm);
}

static void receive_message(struct socket *s, struct input *in)
{
	struct sock_msg m = {.flags = (u32)take(in, 2)};
	u8 buf[300], control[128];
	struct sock_name from = {0};
	struct scm scm = {0};
	struct iov_iter it;
	u32 flags = 0;

	iter_init_kernel(&it, buf, take(in, 2) % sizeof(buf));
	m.it = &it;
	m.name = &from;
	m.scm = &scm;
	if (s->op->recv(&g_c, s, &m) < 0)
		return;
	check(from.len <= sizeof(struct sockaddr_un) + 1);
	check(scm_deliver(&g_task, &scm, take(in, 1) & 1, true, control,
			  take(in, 1) % sizeof(control), &flags) <= sizeof(control));
}

static void options(struct socket *s, struct input *in)
{
	int level = take(in, 1) & 1 ? SOL_SOCKET : (int)take(in, 1), nr = (int)take(in, 1);
	u8 val[256];
	u32 len = (u32)take(in, 1);
	const u8 *p;
	size_t n = take_bytes(in, len, &p);

	memcpy(val, p, n);
	memset(val + n, 0, sizeof(val) - n);
	if (take(in, 1) & 1)
		socket_setsockopt(&g_c, s, level, nr, val, len);
	else if (socket_getsockopt(&g_c, s, level, nr, val, &len) == 0)
		check(len <= sizeof(val));
}

static void on_socket(struct file *f, u32 what, struct input *in)
{
	struct socket *s = socket_of(f);
	struct sock_msg wait = {.flags = MSG_DONTWAIT};
	struct sock_name n;
	struct file *new;

	switch (what % 8) {
	case 0:
		name(in, &n);
		s->op->bind(&g_c, s, &n);
		break;
	case 1:
		name(in, &n);
		s->op->connect(&g_c, s, &n, &wait);
		break;
	case 2:
		s->op->listen(&g_c, s, (int)take(in, 1));
		break;
	case 3:
		if (s->op->accept(&g_c, s, O_NONBLOCK, &new) == 0 &&
		    fd_install(&g_task, new, 0, false) < 0)
			file_put(new);
		break;
	case 4:
		send_message(s, in);
		break;
	case 5:
		receive_message(s, in);
		break;
	case 6:
		s->op->shutdown(s, (int)take(in, 1) % 3);
		break;
	case 7:
		options(s, in);
		break;
	}
}

static void one_call(struct input *in)
{
	u32 what = (u32)take(in, 1), fd = (u32)take(in, 1) % FDS;
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	struct file *f, *pair[2];

	if (what < 16) {
		fd_close(&g_task, (int)fd);
	} else if (what < 32) {
		if (socket_create(&g_c, AF_UNIX, types[fd % 3], 0, O_NONBLOCK, &f) == 0 &&
		    fd_install(&g_task, f, 0, false) < 0)
			file_put(f);
	} else if (what < 48) {
		int fds[2];

		if (socket_create_pair(&g_c, AF_UNIX, types[fd % 3], 0, O_NONBLOCK, pair) == 0 &&
		    fd_install_pair(&g_task, pair, false, fds) < 0) {
			file_put(pair[0]);
			file_put(pair[1]);
		}
	} else {
		f = fd_lookup(&g_task, (int)fd);
		if (f) {
			on_socket(f, what, in);
			file_put(f);
		}
	}
}

static void run(struct input *in)
{
	vfs_enter(new_tmpfs());
	g_fs.root = g_c.root;
	g_fs.cwd = g_c.cwd;
	g_task.files = files_create();
	while (more(in))
		one_call(in);
	files_put(&g_c, g_task.files);
	unix_collect();
	vfs_leave();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size}, none = {data, data};
	static struct census empty;

	if (!empty.kinds) {
		setup();
		run(&none);
		census_take(&empty);
	}
	run(&in);
	census_check(&empty);
	return 0;
}
