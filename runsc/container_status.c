/* SPDX-License-Identifier: Apache-2.0 */
/* container_status.c - which processes of a container live, what state that makes, and their end */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/container.h"

#define END_PATIENCE 10000 /* ms */

/* State letter and start time of @pid; false: there is none. */
static bool read_stat(pid_t pid, char *out_state, u64 *out_start)
{
	char path[64], text[1024], *p;
	unsigned long long start;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1,
			 " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			 "%*d %llu",
			 out_state, &start) != 2)
		return false;
	*out_start = start;
	return true;
}

struct process_ref process_ref(pid_t pid)
{
	struct process_ref p = {0};
	char state;

	if (pid > 0 && read_stat(pid, &state, &p.start))
		p.pid = pid;
	return p;
}

bool process_alive(struct process_ref p)
{
	char state;
	u64 start;

	return p.pid > 0 && read_stat(p.pid, &state, &start) && start == p.start && state != 'Z' &&
	       state != 'X';
}

bool process_end(struct process_ref p, bool kill_it, int ms)
{
	struct pollfd pfd = {.events = POLLIN};

	if (p.pid <= 0)
		return true;
	pfd.fd = (int)syscall(SYS_pidfd_open, p.pid, 0);
	if (pfd.fd < 0)
		return !process_alive(p);
	if (process_alive(p)) { /* the descriptor is its, then, and not of a later one */
		if (kill_it)
			syscall(SYS_pidfd_send_signal, pfd.fd, SIGKILL, NULL, 0);
		while (poll(&pfd, 1, ms) < 0 && errno == EINTR)
			;
	}
	close(pfd.fd);
	return !process_alive(p);
}

bool process_signal(struct process_ref p, int sig)
{
	int fd = p.pid > 0 ? (int)syscall(SYS_pidfd_open, p.pid, 0) : -1;
	bool sent = fd >= 0 && process_alive(p) &&
		    syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) == 0;

	if (fd >= 0)
		close(fd);
	return sent;
}

int container_kill(struct container *c, struct error *e)
{
	struct error ignored = {0};

	if (c->cgroup && cgroup_is_frozen(c->cgroup))
		cgroup_freeze(c->cgroup, false, &ignored);
	if (!process_end(c->proxy, true, END_PATIENCE))
		return error_set(e, "container's process %d does not end", (int)c->proxy.pid);
	/* The sentry sees the proxy's end, the gofer the sentry's. */
	if (!process_end(c->sentry, false, 1000) && !process_end(c->sentry, true, END_PATIENCE))
		return error_set(e, "the sentry, process %d, does not end", (int)c->sentry.pid);
	if (!process_end(c->gofer, false, 1000) && !process_end(c->gofer, true, END_PATIENCE))
		return error_set(e, "the gofer, process %d, does not end", (int)c->gofer.pid);
	return 0;
}

enum container_status container_status(struct container *c)
{
	struct control_request ping = {.type = CONTROL_PING};
	struct error e = {0};
	s32 value = 0;

	if (!c->complete || !process_alive(c->proxy))
		return CONTAINER_STOPPED;
	if (c->cgroup && cgroup_is_frozen(c->cgroup))
		return CONTAINER_PAUSED;
	if (control_call(c, &ping, NULL, 0, &value, &e) < 0)
		return process_alive(c->sentry) && process_alive(c->proxy) ? CONTAINER_RUNNING
									   : CONTAINER_STOPPED;
	return value == CONTROL_CREATED	 ? CONTAINER_CREATED
	       : value == CONTROL_PAUSED ? CONTAINER_PAUSED
					 : CONTAINER_RUNNING;
}

const char *container_status_name(enum container_status status)
{
	static const char *const names[] = {"created", "running", "paused", "stopped"};

	return names[status];
}

json_t *container_state_json(struct container *c, enum container_status status)
{
	json_t *top =
		json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "ociVersion", OCI_VERSION, "id",
			  c->id, "pid", status == CONTAINER_STOPPED ? 0 : (int)c->proxy.pid,
			  "status", container_status_name(status), "bundle", c->bundle, "rootfs",
			  c->rootfs, "created", c->created);

	if (top && c->annotations)
		json_object_set(top, "annotations", c->annotations);
	if (top)
		json_object_set_new(top, "owner", json_string(""));
	return top;
}
