/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - makes a process beside process 1: a proxy on the host, the rest by the sentry */
#include "runsc/exec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runsc/spec/wire.h"

int exec_own_description(int fd)
{
	int flags = fcntl(fd, F_GETFL), own = -1;
	char path[32];
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode))
		own = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* *@out_sentry is the sentry's end of the proxy's socket. */
static int make_proxy(const struct exec_options *o, struct proxy *out, int *out_sentry,
		      struct error *e)
{
	struct proxy_options po = {
		.like = o->container->proxy,
		.tty = o->own_tty ? o->fds[0] : -1,
		.attached = o->attached,
		.args = o->process->args,
		.cgroup = o->container->cgroup,
	};
	struct cgroup *below = NULL;
	int pair[2], err = 0;

	if (o->cgroup && po.cgroup)
		err = cgroup_below(po.cgroup, o->cgroup, &below, e);
	if (err)
		return err;
	if (below)
		po.cgroup = below;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, errno, "socketpair");
	po.sentry = pair[0];
	err = proxy_spawn(&po, out, e);
	close(pair[0]);
	cgroup_destroy(below);
	if (err)
		close(pair[1]);
	else
		*out_sentry = pair[1];
	return err;
}

/* The process as a file for the sentry. */
static int write_process(const struct spec_process *p, u32 *out_size, struct error *e)
{
	size_t size = wire_size(p);
	int fd = memfd_create("runsc-process", MFD_CLOEXEC);
	void *buf = size <= WIRE_MAX ? malloc(size) : NULL;

	if (fd < 0 || !buf)
		error_set(e, "the process is too large");
	else
		wire_encode(p, buf);
	if (!e->text[0] && write(fd, buf, size) != (ssize_t)size)
		error_set_errno(e, errno, "write the process");
	free(buf);
	*out_size = (u32)size;
	if (!e->text[0])
		return fd;
	if (fd >= 0)
		close(fd);
	return -EINVAL;
}

static int ask_sentry(const struct exec_options *o, int sentry, struct error *e)
{
	struct control_request req = {
		.type = CONTROL_EXEC,
		.flags = o->process->terminal ? CONTROL_TTY : 0,
		.value = o->extra,
	};
	int fds[CONTROL_FDS] = {-1, sentry, o->fds[0], o->fds[1], o->fds[2]};
	int err, count = o->process->terminal ? 3 : 5;
	struct error why = {0};

	for (int i = 0; i < o->extra; i++)
		fds[count++] = exec_own_description(3 + i);
	fds[0] = err = write_process(o->process, &req.size, e);
	if (err >= 0)
		err = control_call(o->container, &req, fds, (unsigned)count, NULL, &why);
	if (err < 0 && why.text[0])
		error_set(e, "unable to start container process: %s", why.text);
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return err;
}

int exec_start(const struct exec_options *o, struct proxy *out, struct error *e)
{
	int sentry = -1, err = make_proxy(o, out, &sentry, e);

	if (err)
		return err;
	err = ask_sentry(o, sentry, e);
	if (err)
		proxy_abort(out);
	return err;
}
