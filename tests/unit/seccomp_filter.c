/* libs: seccomp */
/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_filter.c - what the sentry's two compiled filters say to calls, run on an interpreter of
 * classic BPF */
#include <check.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static const struct sock_filter g_plain[] = {
#include "seccomp_sentry.inc"
};
static const struct sock_filter g_net[] = {
#include "seccomp_net.inc"
};

static uint32_t load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t v;

	if (at % 4 || at >= sizeof(*d)) /* a ck_assert here would take most of the time */
		ck_abort_msg("load of %u", at);
	memcpy(&v, (const char *)d + at, sizeof(v));
	return v;
}

static int jump(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	case BPF_JSET:
		return (a & k) != 0;
	}
	ck_abort_msg("jump %x", code);
	return 0;
}

static uint32_t run(const struct sock_filter *f, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		switch (BPF_CLASS(f[pc].code)) {
		case BPF_LD:
			a = load(d, f[pc].k);
			break;
		case BPF_ALU:
			if (BPF_OP(f[pc].code) != BPF_AND)
				ck_abort_msg("operation %x", f[pc].code);
			a &= f[pc].k;
			break;
		case BPF_JMP:
			if (BPF_OP(f[pc].code) == BPF_JA)
				pc += f[pc].k;
			else
				pc += jump(f[pc].code, a, f[pc].k) ? f[pc].jt : f[pc].jf;
			break;
		case BPF_RET:
			return f[pc].k;
		default:
			ck_abort_msg("instruction %x", f[pc].code);
		}
	}
	ck_abort_msg("ran off the end");
	return 0;
}

#define ASK(prog, ...)                              \
	run(prog, sizeof(prog) / sizeof((prog)[0]), \
	    &(struct seccomp_data){.arch = AUDIT_ARCH_X86_64, __VA_ARGS__})
#define CALL(n, ...)	   .nr = n, .args = {__VA_ARGS__}
#define ALLOWED(prog, ...) ck_assert_uint_eq(ASK(prog, CALL(__VA_ARGS__)), SECCOMP_RET_ALLOW)
#define KILLED(prog, ...)  ck_assert_uint_eq(ASK(prog, CALL(__VA_ARGS__)), SECCOMP_RET_KILL_PROCESS)

#define OWN (SOCK_NONBLOCK | SOCK_CLOEXEC)

START_TEST(plain_has_no_socket)
{
	ALLOWED(g_plain, SYS_read, 3);
	KILLED(g_plain, SYS_execve);
	for (int family = 0; family < AF_MAX; family++)
		KILLED(g_plain, SYS_socket, (uint64_t)family, SOCK_STREAM | OWN, 0);
	KILLED(g_plain, SYS_socket, AF_INET, SOCK_STREAM | OWN, IPPROTO_TCP);
	KILLED(g_plain, SYS_connect, 3);
	KILLED(g_plain, SYS_bind, 3);
	KILLED(g_plain, SYS_listen, 3);
	KILLED(g_plain, SYS_accept4, 3, 1, 0, OWN);
	KILLED(g_plain, SYS_sendto, 3);
	KILLED(g_plain, SYS_setsockopt, 3, IPPROTO_TCP, TCP_NODELAY, 0, 4);
}
END_TEST

START_TEST(net_has_four_kinds)
{
	for (int family = 0; family < AF_MAX; family++)
		for (int type = 0; type < 16; type++)
			for (int proto = 0; proto < 262; proto++) {
				int icmp = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
				int good = (family == AF_INET || family == AF_INET6) &&
					   ((type == SOCK_STREAM && proto == IPPROTO_TCP) ||
					    (type == SOCK_DGRAM &&
					     (proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
					      proto == icmp)));

				ck_assert_uint_eq(
					ASK(g_net, CALL(SYS_socket, (uint64_t)family,
							(uint64_t)type | OWN, (uint64_t)proto)),
					good ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
			}
	KILLED(g_net, SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_TCP);
	KILLED(g_net, SYS_socket, AF_NETLINK, SOCK_RAW | OWN, NETLINK_ROUTE);
	KILLED(g_net, SYS_socketpair, AF_UNIX, SOCK_STREAM | OWN, 0);
	KILLED(g_net, SYS_accept);
	KILLED(g_net, SYS_accept4, 3, 0, 0, 0);
	ALLOWED(g_net, SYS_accept4, 3, 0, 0, OWN);
	KILLED(g_net, SYS_execve);
	KILLED(g_net, SYS_setns);
}
END_TEST

START_TEST(net_never_waits)
{
	ALLOWED(g_net, SYS_sendmsg, 3, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
	ALLOWED(g_net, SYS_sendmsg, 3, 0, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB | MSG_MORE);
	KILLED(g_net, SYS_sendmsg, 3, 0, MSG_NOSIGNAL);
	KILLED(g_net, SYS_sendmsg, 3, 0, MSG_DONTWAIT);
	KILLED(g_net, SYS_sendmsg, 3, 0, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_FASTOPEN);
	KILLED(g_net, SYS_sendmsg, 3, 0, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_ZEROCOPY);
	ALLOWED(g_net, SYS_recvmsg, 3, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
	KILLED(g_net, SYS_recvmsg, 3, 0, 0);
	KILLED(g_net, SYS_recvmsg, 3, 0, MSG_WAITALL | MSG_DONTWAIT);
}
END_TEST

START_TEST(net_options_are_listed)
{
	ALLOWED(g_net, SYS_setsockopt, 3, IPPROTO_TCP, TCP_NODELAY, 0, 4);
	KILLED(g_net, SYS_setsockopt, 3, IPPROTO_TCP, TCP_NODELAY, 0, 5);
	ALLOWED(g_net, SYS_getsockopt, 3, IPPROTO_TCP, TCP_INFO);
	KILLED(g_net, SYS_setsockopt, 3, IPPROTO_TCP, TCP_INFO, 0, 0);
	KILLED(g_net, SYS_setsockopt, 3, IPPROTO_TCP, TCP_ULP, 0, 4);
	KILLED(g_net, SYS_setsockopt, 3, SOL_SOCKET, SO_ATTACH_FILTER, 0, 16);
	KILLED(g_net, SYS_setsockopt, 3, SOL_SOCKET, SO_ATTACH_BPF, 0, 4);
	KILLED(g_net, SYS_setsockopt, 3, IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */, 0, 4);
	ALLOWED(g_net, SYS_ioctl, 3, FIONREAD);
	ALLOWED(g_net, SYS_ioctl, 3, SIOCATMARK);
	KILLED(g_net, SYS_ioctl, 3, SIOCSIFFLAGS);
	KILLED(g_net, SYS_ioctl, 3, SIOCGIFCONF);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("seccomp_filter");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, plain_has_no_socket);
	tcase_add_test(t, net_has_four_kinds);
	tcase_add_test(t, net_never_waits);
	tcase_add_test(t, net_options_are_listed);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
