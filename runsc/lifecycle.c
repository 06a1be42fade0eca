/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle.c - what follows the creation of a container: start, watch, delete */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/create.h"
#include "runsc/exec.h"
#include "runsc/hooks.h"

/* Runs hooks of a container whose bundle was read by an earlier command. */
static int later_hooks(struct container *c, enum spec_hook_kind kind, const char *status,
		       struct error *e)
{
	struct region *r;
	struct spec *s;
	struct hook_context h = {.id = c->id, .status = status, .pid = c->proxy.pid};
	int fd, err;

	if (!(c->hooks >> kind & 1))
		return 0;
	err = region_create(&r, &fd);
	if (err)
		return error_set_errno(e, err, "memory of the configuration");
	close(fd);
	s = region_alloc(r, sizeof(*s));
	err = spec_load(r, c->bundle, s, e);
	h.spec = s;
	if (kind == SPEC_HOOK_POSTSTOP)
		h.pid = 0;
	return err ? err : hooks_run(kind, &h, e);
}

int start_container(struct container *c, struct error *e)
{
	struct control_request start = {.type = CONTROL_START};
	struct error ignored = {0};
	sigset_t all, old;
	int err;

	switch (container_status(c)) {
	case CONTAINER_STOPPED:
		return error_set(e, "cannot start a container that has stopped");
	case CONTAINER_RUNNING:
		return error_set(e, "cannot start an already running container");
	case CONTAINER_PAUSED:
		return error_set(e, "cannot start an already running container");
	case CONTAINER_CREATED:
		break;
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	err = run_start_hooks(c, e);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (!err)
		err = control_call(c, &start, NULL, 0, NULL, e);
	if (!err)
		err = later_hooks(c, SPEC_HOOK_POSTSTART, "running", e);
	if (err)
		container_kill(c, &ignored);
	return err;
}

int delete_container(struct container *c, struct error *e)
{
	struct error hook = {0};
	int err;

	container_kill(c, e);
	err = e->text[0] ? -EBUSY : later_hooks(c, SPEC_HOOK_POSTSTOP, "stopped", &hook);
	if (hook.text[0])
		log_warning("%s", hook.text);
	return e->text[0] ? err : container_remove(c, e);
}

/* --- a proxy that is our child ---------------------------------------------------------------- */

static bool reaped(pid_t pid, int *out_status)
{
	int status;
	pid_t got;

	while ((got = waitpid(-1, &status, WNOHANG)) > 0)
		if (got == pid) {
			*out_status = status;
			return true;
		}
	return got < 0 && errno == ECHILD;
}

int attend_proxy(pid_t pid)
{
	struct signalfd_siginfo info;
	sigset_t set;
	struct pollfd p = {.events = POLLIN};
	int status = 0;

	/* Those that stop a process keep doing so to us. */
	sigfillset(&set);
	sigdelset(&set, SIGTSTP);
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGTTOU);
	sigprocmask(SIG_SETMASK, &set, NULL);
	p.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	while (!reaped(pid, &status)) {
		if (poll(&p, 1, -1) < 0)
			continue;
		while (read(p.fd, &info, sizeof(info)) == sizeof(info))
			if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGPIPE &&
			    info.ssi_signo != SIGURG)
				kill(pid, (int)info.ssi_signo);
	}
	close(p.fd);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
