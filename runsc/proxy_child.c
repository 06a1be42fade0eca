/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_child.c - what a proxy does all its life
 *
 * It came by a raw clone from a process without threads, and keeps that program's memory: no exec,
 * so nothing of the container's files is ever run by it. All signals are blocked from the start and
 * taken from a descriptor.
 */
#include "runsc/proxy_child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FD_CONTROL = 3, FD_SENTRY, FD_TTY, FD_COUNT };

#define LOST_STATUS 137 /* of a container that was killed */

static char *g_title; /* memory of the command line */
static size_t g_title_size;

void proxy_set_title_area(char **argv)
{
	char *end = argv[0];

	for (char **p = argv; *p; p++)
		if (*p == end) /* one behind the other */
			end += strlen(*p) + 1;
	g_title = argv[0];
	g_title_size = (size_t)(end - argv[0]);
}

static void set_title(char *const *args)
{
	char name[16] = {0};
	const char *slash;
	size_t used = 0;

	if (!args || !args[0])
		return;
	slash = strrchr(args[0], '/');
	strncpy(name, slash ? slash + 1 : args[0], sizeof(name) - 1);
	prctl(PR_SET_NAME, name);
	memset(g_title, 0, g_title_size);
	for (; *args && used + 1 < g_title_size; args++) {
		size_t n = min(strlen(*args), g_title_size - used - 1);

		memcpy(g_title + used, *args, n);
		used += n + 1;
	}
}

/* Nothing but what it needs; its standard files are /dev/null. */
static void keep_descriptors(const struct proxy_child *c)
{
	const int from[FD_COUNT] = {
		[FD_CONTROL] = c->control, [FD_SENTRY] = c->o->sentry, [FD_TTY] = c->o->tty};
	int high[FD_COUNT];

	for (int i = FD_CONTROL; i < FD_COUNT; i++)
		high[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, 64);
	for (int fd = 0; fd <= 2; fd++)
		dup2(c->null, fd);
	for (int i = FD_CONTROL; i < FD_COUNT; i++) {
		if (high[i] >= 0)
			dup3(high[i], i, O_CLOEXEC);
		else
			close(i);
	}
	if (syscall(SYS_close_range, FD_COUNT, ~0u, 0) < 0)
		for (int fd = FD_COUNT; fd < 4096; fd++)
			close(fd);
}

/* --- steps ------------------------------------------------------------------------------------ */

static int fail(struct proxy_answer *a, int err, const char *text)
{
	a->err = err;
	snprintf(a->text, sizeof(a->text), "%s", text);
	return -err;
}

static int join_paths(const struct spec *s, struct proxy_answer *a)
{
	static const struct {
		enum spec_namespace_kind kind;
		int flag;
	} kinds[] = {
		{SPEC_NS_NETWORK, CLONE_NEWNET},
		{SPEC_NS_IPC, CLONE_NEWIPC},
		{SPEC_NS_UTS, CLONE_NEWUTS},
		{SPEC_NS_CGROUP, CLONE_NEWCGROUP},
	};

	for (size_t i = 0; i < array_size(kinds); i++) {
		const char *path = s->namespaces[kinds[i].kind].path;
		int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1, r;

		if (!path)
			continue;
		r = fd < 0 ? -1 : setns(fd, kinds[i].flag);
		if (r < 0)
			return fail(a, errno, path);
		close(fd);
	}
	return 0;
}

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
}

static void write_sysctl(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* In a network of the container's own the sentry decides who may use a low port or ping; the host
 * sees no rights behind its sockets. */
static void open_network(void)
{
	write_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
}

static ino_t network_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static bool is_new(const struct spec *s, enum spec_namespace_kind kind)
{
	return s->namespaces[kind].present && !s->namespaces[kind].path;
}

static int step_go(const struct proxy_child *c, struct proxy_answer *a)
{
	const struct spec *s = c->o->spec;
	int err = s ? join_paths(s, a) : 0;

	if (err || !s)
		return err;
	if (is_new(s, SPEC_NS_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		return fail(a, errno, "create a cgroup namespace");
	if (is_new(s, SPEC_NS_UTS) && s->hostname && sethostname(s->hostname, strlen(s->hostname)))
		return fail(a, errno, "set the host name");
	if (is_new(s, SPEC_NS_UTS) && s->domainname)
		(void)!setdomainname(s->domainname, strlen(s->domainname));
	if (is_new(s, SPEC_NS_NETWORK))
		loopback_up();
	if (network_inode() != c->host_network)
		open_network();
	/* What the guest is to see: of a pod's namespace, or of the host's. */
	gethostname(a->text, sizeof(a->text) - 1);
	return 0;
}

static void drop_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	for (int cap = 0; cap <= 63; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			break;
	syscall(SYS_capset, &head, data);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Until COMMIT. The maker's end is ours. */
static void take_orders(const struct proxy_child *c)
{
	char op;

	for (;;) {
		struct proxy_answer a = {0};

		if (recv(FD_CONTROL, &op, 1, 0) != 1)
			_exit(LOST_STATUS);
		if (op == PROXY_COMMIT)
			return;
		if (op == PROXY_GO)
			step_go(c, &a);
		else if (op == PROXY_MOUNT && c->o->spec)
			a.err = -proxy_take_root(c->o->spec, c->own_pid_ns);
		if (a.err && !a.text[0])
			fail(&a, a.err, "take the container's root file system");
		send(FD_CONTROL, &a, sizeof(a), MSG_NOSIGNAL);
	}
}

/* --- standing alone --------------------------------------------------------------------------- */

static void __attribute__((noreturn)) end_as(int status)
{
	sigset_t all;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	if (getpid() != 1) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		sigfillset(&all);
		sigprocmask(SIG_UNBLOCK, &all, NULL);
	}
	_exit(128 + WTERMSIG(status));
}

static void take_message(void)
{
	struct boot_message m;
	ssize_t n = recv(FD_SENTRY, &m, sizeof(m), MSG_DONTWAIT);

	if (n == sizeof(m) && m.type == BOOT_EXIT)
		end_as(m.value);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
	    (n == sizeof(m) && m.type == BOOT_FAILED))
		_exit(LOST_STATUS);
}

static void forward(const struct signalfd_siginfo *info)
{
	struct boot_message m = {.type = BOOT_SIGNAL, .value = (s32)info->ssi_signo};

	switch (info->ssi_signo) {
	case SIGCHLD: /* of processes that were put into our namespace and left to us */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		return;
	case SIGWINCH:
		m.type = BOOT_WINSIZE;
		break;
	case SIGHUP: /* of our terminal: the guest's tells its own processes */
		if (info->ssi_code == SI_KERNEL)
			return;
		break;
	}
	send(FD_SENTRY, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void __attribute__((noreturn)) stand_alone(void)
{
	struct pollfd p[2] = {{.fd = FD_SENTRY, .events = POLLIN}, {.events = POLLIN}};
	struct signalfd_siginfo info;
	sigset_t all;

	sigfillset(&all);
	p[1].fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			while (read(p[1].fd, &info, sizeof(info)) == sizeof(info))
				forward(&info);
		if (p[0].revents)
			take_message();
	}
}

void proxy_child(const struct proxy_child *c)
{
	if (c->o->attached)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	keep_descriptors(c);
	setsid();
	if (c->o->tty >= 0)
		ioctl(FD_TTY, TIOCSCTTY, 0);
	set_title(c->o->args);
	take_orders(c);
	close(FD_CONTROL);
	drop_rights();
	stand_alone();
}
