/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl.c - the sysctls of a container's network namespace
 *
 * Its interfaces are the host's, so the values go to the host's /proc/sys, as seen by a child that
 * has joined the namespace: which one a file below /proc/sys/net means is decided when it is
 * opened. The other sysctls are the sandbox's own (runsc/boot).
 */
#include "runsc/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: the first that fails, as its index and errno in @out; -1: none. */
struct outcome {
	int index, err;
};

/* Two of them are kept inside: the sentry decides by them, and must itself be free on the host. */
static bool is_net(const struct spec_sysctl *s)
{
	if (!strcmp(s->name, "net/ipv4/ip_unprivileged_port_start") ||
	    !strcmp(s->name, "net/ipv4/ping_group_range"))
		return false;
	return !strncmp(s->name, "net/", 4) && !strstr(s->name, "..");
}

static int write_one(const struct spec_sysctl *s)
{
	char path[512];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/sys/%s", s->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, s->value, strlen(s->value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static struct outcome write_all(const struct spec *s, int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		return (struct outcome){0, -errno};
	for (u32 i = 0; i < s->sysctl_count; i++) {
		int err = is_net(&s->sysctls[i]) ? write_one(&s->sysctls[i]) : 0;

		if (err)
			return (struct outcome){(int)i, err};
	}
	return (struct outcome){-1, 0};
}

static int run_child(const struct spec *s, int ns, struct outcome *out)
{
	int p[2], err = 0;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		*out = write_all(s, ns);
		_exit(write(p[1], out, sizeof(*out)) != sizeof(*out));
	}
	if (pid < 0)
		err = -errno;
	close(p[1]);
	if (!err && read(p[0], out, sizeof(*out)) != sizeof(*out))
		err = -EIO;
	close(p[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}

int sysctl_write_net(const struct spec *s, pid_t of, struct error *e)
{
	struct outcome o = {-1, 0};
	bool any = false;
	char path[64];
	int ns, err;

	for (u32 i = 0; i < s->sysctl_count; i++)
		any = any || is_net(&s->sysctls[i]);
	if (!any)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)of);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return error_set_errno(e, errno, "open %s", path);
	err = run_child(s, ns, &o);
	close(ns);
	if (err)
		return error_set_errno(e, err, "sysctls of the network namespace");
	if (o.index >= 0)
		return error_set_errno(e, o.err, "open /proc/sys/%s", s->sysctls[o.index].name);
	return 0;
}
