/* libs: socket fs_anon fs_pipe kernel vfs mm auth time arena unotify seccomp host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.c - libFuzzer target: what a guest sends to NETLINK_ROUTE, and what the host answers
 *
 * An input begins with a byte that says what it is: a message of the guest's, which is really put
 * to the host's netlink (run it in a network namespace of its own), or a message of an answer,
 * which is parsed as links, addresses and routes are. Answers that the guest gets must be whole.
 */
#include <fcntl.h>
#include <linux/netlink.h>

#include "fs/anon/anon.h"
#include "net/socket/netdev.h"
#include "net/socket/netlink.h"
#include "net/socket/socket.h"
#include "platform/host/hostpoll.h"
#include "sentry/kernel/pidns.h"
#include "sentry/kernel/task.h"
#include "tests/fuzz/fuzz.h"

static struct pid_namespace g_pids;
static struct net_namespace g_net = {.first = true};
static struct nsproxy g_ns = {.net = &g_net, .pid_children = &g_pids};
static struct tgroup g_tg;
static struct task g_task;
static struct caller g_caller;

static void start(void)
{
	if (g_caller.task)
		return;
	check(arena_init(1ull << 30) == 0 && vfs_init() == 0 && hostpoll_init() == 0);
	anon_init();
	check(rtnl_init() == 0);
	netlink_init();
	ref_init(&g_tg.ref);
	ref_init(&g_net.ns.ref);
	g_tg.tgid = g_tg.vtgid = 42;
	g_tg.pid_ns = &g_pids;
	g_task.tg = &g_tg;
	g_task.ns = &g_ns;
	g_task.cred = cred_create();
	g_caller.task = &g_task;
	g_caller.cred = g_task.cred;
}

/* Every message of what was received is whole, and ours. */
static void check_answer(const u8 *buf, size_t n)
{
	const struct nlmsghdr *h = (const void *)buf;

	while (n) {
		check(n >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= n);
		check(h->nlmsg_pid == 42);
		n -= min((size_t)NLMSG_ALIGN(h->nlmsg_len), n);
		h = (const void *)((const u8 *)h + NLMSG_ALIGN(h->nlmsg_len));
	}
}

static void guest_message(struct input *in)
{
	static u8 buf[1 << 16];
	struct iov_iter it;
	struct sock_msg m = {.it = &it};
	struct socket *s;
	struct file *f;
	ssize_t n;

	check(socket_create(&g_caller, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, O_NONBLOCK, &f) == 0);
	s = socket_of(f);
	iter_init_kernel(&it, (void *)(uintptr_t)in->at, (size_t)(in->end - in->at));
	s->op->send(&g_caller, s, &m);
	for (;;) {
		iter_init_kernel(&it, buf, sizeof(buf));
		m = (struct sock_msg){.it = &it, .flags = MSG_TRUNC};
		n = s->op->recv(&g_caller, s, &m);
		if (n <= 0)
			break;
		check_answer(buf, (size_t)n);
	}
	check(n == -EAGAIN || n == -ENOBUFS);
	file_put(f);
}

/* The bytes are a message of RTM_NEW*, of the length that they have. */
static void host_message(struct input *in)
{
	static const u16 types[] = {RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH};
	u16 type = types[take(in, 1) % array_size(types)];
	size_t n = NLMSG_HDRLEN + (size_t)(in->end - in->at);
	struct nlmsghdr *h = malloc(n);
	struct net_link link;

	check(h != NULL);
	*h = (struct nlmsghdr){.nlmsg_len = (u32)n, .nlmsg_type = type};
	memcpy(NLMSG_DATA(h), in->at, n - NLMSG_HDRLEN);
	if (n >= NLMSG_HDRLEN + rtnl_body(type)) {
		if (type == RTM_NEWLINK)
			netdev_parse(h, &link);
		for (u16 a = 0; a < 64; a++) {
			const u8 *p = rtnl_attr(h, a, 4);

			check(!p || (p >= (u8 *)h && p + 4 <= (u8 *)h + n));
		}
	}
	free(h);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};

	start();
	if (take(&in, 1) & 1)
		host_message(&in);
	else
		guest_message(&in);
	return 0;
}
