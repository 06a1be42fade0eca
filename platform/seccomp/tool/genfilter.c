/* SPDX-License-Identifier: Apache-2.0 */
/* genfilter.c - build tool: compiles the collected rules to a BPF program, printed as a C table
 *
 * Built once for each set of rules (RULES names the file). The includes are those of the constants
 * that tags may name.
 *
 * A build with ASan or TSan (SANITIZED) allows in addition what the sanitizer's runtime does by
 * itself: stacks of new threads, its allocator, its report. Such a build is for tests only.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void check(int err, const char *what)
{
	if (err < 0) {
		fprintf(stderr, "genfilter: %s: %s\n", what, strerror(-err));
		exit(1);
	}
}

static void add_rules(scmp_filter_ctx ctx)
{
#define RULE(action, name, count, ...) \
	check(seccomp_rule_add(ctx, action, SCMP_SYS(name), count, ##__VA_ARGS__), #name);
#include RULES
#undef RULE
}

/* One call of a sanitizer's runtime. A tag may allow it already. */
static void sanitizer_call(scmp_filter_ctx ctx, int nr)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);

	if (err != -EEXIST)
		check(err, "sanitizer's call");
}

static void add_sanitizer_calls(scmp_filter_ctx ctx)
{
	static const int calls[] = {
		SCMP_SYS(sigaltstack),	 SCMP_SYS(sched_yield),	 SCMP_SYS(prctl),
		SCMP_SYS(getpid),	 SCMP_SYS(gettid),	 SCMP_SYS(tgkill),
		SCMP_SYS(getrlimit),	 SCMP_SYS(prlimit64),	 SCMP_SYS(sched_getaffinity),
		SCMP_SYS(openat),	 SCMP_SYS(open),	 SCMP_SYS(read),
		SCMP_SYS(write),	 SCMP_SYS(close),	 SCMP_SYS(readlink),
		SCMP_SYS(newfstatat),	 SCMP_SYS(munmap),	 SCMP_SYS(madvise),
		SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep),
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		sanitizer_call(ctx, calls[i]);
	/* A report asks whether it goes to a terminal. */
	check(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2,
			       SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO), SCMP_A1(SCMP_CMP_EQ, TCGETS)),
	      "sanitizer's ioctl");
}

/* The program as libseccomp writes it, read back. */
static void print_table(scmp_filter_ctx ctx)
{
	struct sock_filter insn;
	FILE *f = tmpfile();

	if (!f)
		check(-errno, "tmpfile");
	check(seccomp_export_bpf(ctx, fileno(f)), "export");
	rewind(f);
	while (fread(&insn, sizeof(insn), 1, f) == 1)
		printf("{0x%04x, %u, %u, 0x%08x},\n", insn.code, insn.jt, insn.jf, insn.k);
	fclose(f);
}

int main(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!ctx)
		check(-ENOMEM, "init");
	check(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad arch");
	/* A binary tree: every call of the sentry goes through it. */
	check(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
	add_rules(ctx);
	if (SANITIZED)
		add_sanitizer_calls(ctx);
	print_table(ctx);
	seccomp_release(ctx);
	return 0;
}
