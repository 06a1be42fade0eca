/* SPDX-License-Identifier: Apache-2.0 */
/* start_hooks.c - hooks.startContainer: programs of the image, run inside before process 1
 *
 * They are processes like those of `exec`, with the rights of the container's own process. What
 * they write goes to files in memory, for the message when one fails.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/exec.h"
#include "runsc/hooks.h"

#define SAID_MAX 200

/* What the hook reads: a file with the state in it, at its start. */
static int state_file(const struct hook_context *h)
{
	int fd = memfd_create("runsc-state", MFD_CLOEXEC);
	char *text = hooks_state(h);

	if (fd >= 0 && text && write(fd, text, strlen(text)) >= 0)
		lseek(fd, 0, SEEK_SET);
	free(text);
	return fd;
}

static void said(int fd, char *out)
{
	ssize_t n = pread(fd, out, SAID_MAX - 1, 0);

	out[max(n, (ssize_t)0)] = 0;
	for (char *p = out; *p; p++)
		if (*p == '\n')
			*p = ' ';
}

/* Its exit status as wait(2) has it; -ETIME: it was killed after @seconds (0: no limit). */
static int wait_for(struct proxy *p, s64 seconds)
{
	struct pollfd pfd = {.fd = (int)syscall(SYS_pidfd_open, p->pid, 0), .events = POLLIN};
	int ms = seconds > 0 && seconds < 1000000 ? (int)seconds * 1000 : -1, status = 0, n;

	n = pfd.fd < 0 ? 1 : poll(&pfd, 1, ms);
	if (pfd.fd >= 0)
		close(pfd.fd);
	if (n == 0)
		kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	return n == 0 ? -ETIME : status;
}

static int run_one(struct container *c, const struct hook_context *h, const struct spec_hook *hook,
		   struct error *e)
{
	struct spec_process process = h->spec->process;
	int out = memfd_create("runsc-out", MFD_CLOEXEC),
	    err_fd = memfd_create("runsc-err", MFD_CLOEXEC);
	struct exec_options o = {.container = c, .process = &process, .attached = true};
	char stdout_text[SAID_MAX], stderr_text[SAID_MAX];
	char *args[] = {hook->path, NULL}, *none[] = {NULL};
	struct proxy p;
	int err, status;

	process.terminal = false;
	process.args = hook->args && hook->args[0] ? hook->args : args;
	process.args[0] = hook->path;
	process.env = hook->env ? hook->env : none;
	for (process.arg_count = 0; process.args[process.arg_count];)
		process.arg_count++;
	for (process.env_count = 0; process.env[process.env_count];)
		process.env_count++;
	o.fds[0] = state_file(h);
	o.fds[1] = fcntl(out, F_DUPFD_CLOEXEC, 3);
	o.fds[2] = fcntl(err_fd, F_DUPFD_CLOEXEC, 3);
	err = exec_start(&o, &p, e);
	if (!err) {
		proxy_commit(&p);
		status = wait_for(&p, hook->timeout);
		said(out, stdout_text);
		said(err_fd, stderr_text);
		if (status == -ETIME)
			err = error_set(e, "hook ran past specified timeout of %.1fs",
					(double)hook->timeout);
		else if (status)
			err = error_set(e, "exit status %d, stdout: %s, stderr: %s",
					WIFSIGNALED(status) ? 128 + WTERMSIG(status)
							    : WEXITSTATUS(status),
					stdout_text, stderr_text);
	}
	close(out);
	close(err_fd);
	return err;
}

int run_start_hooks(struct container *c, struct error *e)
{
	struct hook_context h = {.id = c->id, .status = "created", .pid = 1}; /* as inside */
	struct error why = {0};
	struct region *r;
	struct spec *s;
	int fd, err;

	if (!(c->hooks >> SPEC_HOOK_START_CONTAINER & 1))
		return 0;
	err = region_create(&r, &fd);
	if (err)
		return error_set_errno(e, err, "memory of the configuration");
	close(fd);
	h.spec = s = region_alloc(r, sizeof(*s));
	err = spec_load(r, c->bundle, s, e);
	for (u32 i = 0; i < s->hook_counts[SPEC_HOOK_START_CONTAINER] && !err; i++) {
		err = run_one(c, &h, &s->hooks[SPEC_HOOK_START_CONTAINER][i], &why);
		if (err)
			error_set(e, "error running hook #%u: error running hook: %s", i, why.text);
	}
	return err;
}
