/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c - runs the hooks of config.json
 *
 * Theory of operation: a hook is a child with the container's state on stdin (a sealed memory file,
 * so that nobody can block on a pipe), pipes for what it says, its own environment and nothing else
 * open. It is waited for by pidfd until it ends or its time is over. What descendants of it keep
 * open does not delay anybody.
 */
#include "runsc/hooks.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sentry/base/log.h"

#define SAID_MAX 4096

extern char **environ;

/* What a hook wrote to stdout or stderr: the first SAID_MAX bytes. */
struct said {
	int fd;
	size_t len;
	char text[SAID_MAX + 1];
};

struct run {
	const struct spec_hook *hook;
	pid_t enter, pid;
	int state_fd;
	int child_out, child_err; /* the hook's ends */
	struct said out, err;
	bool timed_out;
};

char *hooks_state(const struct hook_context *c)
{
	json_t *o = json_object(), *notes = json_object();
	char *text;

	json_object_set_new(o, "ociVersion", json_string(c->spec->oci_version));
	json_object_set_new(o, "id", json_string(c->id));
	json_object_set_new(o, "status", json_string(c->status));
	json_object_set_new(o, "pid", json_integer(c->pid));
	json_object_set_new(o, "bundle", json_string(c->spec->bundle));
	for (u32 i = 0; i < c->spec->annotation_count; i++)
		json_object_set_new(notes, c->spec->annotations[i].key,
				    json_string(c->spec->annotations[i].value));
	if (c->spec->annotation_count)
		json_object_set(o, "annotations", notes);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(notes);
	json_decref(o);
	return text;
}

static int open_state(const char *text)
{
	int fd = (int)syscall(SYS_memfd_create, "state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t size = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -EIO;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	return fd;
}

static void __attribute__((noreturn)) child_fail(const char *what)
{
	char text[128];

	dprintf(2, "%s: %s", what, error_name(errno, text, sizeof(text)));
	_exit(127);
}

static void join_namespaces(pid_t pid)
{
	static const struct {
		const char *name;
		int flag;
	} all[] = {{"net", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS}};
	char path[64];

	for (size_t i = 0; i < array_size(all); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, all[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, all[i].flag) < 0)
			child_fail(path);
		close(fd);
	}
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		child_fail("private mounts");
}

static void __attribute__((noreturn)) child_main(const struct run *r)
{
	char *no_args[] = {r->hook->path, NULL};
	sigset_t none;

	sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(r->state_fd, 0) < 0 || dup2(r->child_out, 1) < 0 || dup2(r->child_err, 2) < 0)
		_exit(127);
	syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
	if (r->enter)
		join_namespaces(r->enter);
	execve(r->hook->path, r->hook->args ? r->hook->args : no_args,
	       r->hook->env ? r->hook->env : environ);
	child_fail(r->hook->path);
}

/* Takes what is there. False: nobody can write any more. */
static bool listen_to(struct said *s)
{
	char rest[512];
	size_t room = SAID_MAX - s->len;
	ssize_t n = read(s->fd, room ? s->text + s->len : rest, room ? room : sizeof(rest));

	if (n > 0 && room)
		s->len += (size_t)n;
	s->text[s->len] = 0;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static s64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* Until the hook has ended; kills it when its time is over. Its wait status. */
static int await(struct run *r, int pidfd)
{
	s64 limit = r->hook->timeout, end = limit ? now_ms() + min(limit, 1ll << 40) * 1000 : 0;
	struct pollfd p[3] = {{.fd = pidfd, .events = POLLIN},
			      {.fd = r->out.fd, .events = POLLIN},
			      {.fd = r->err.fd, .events = POLLIN}};
	int status = 0;

	while (!(p[0].revents & POLLIN)) {
		s64 left = limit && !r->timed_out ? max(end - now_ms(), 0ll) : -1;

		if (left == 0) {
			r->timed_out = true;
			kill(r->pid, SIGKILL);
			left = -1;
		}
		if (poll(p, 3, (int)min(left, 1ll << 30)) < 0) {
			p[0].revents = 0;
			continue;
		}
		if (p[1].revents && !listen_to(&r->out))
			p[1].fd = -1;
		if (p[2].revents && !listen_to(&r->err))
			p[2].fd = -1;
	}
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	/* What it left in the pipes. */
	for (int i = 0; i < 2; i++) {
		struct said *s = i ? &r->err : &r->out;

		while (poll(&(struct pollfd){.fd = s->fd, .events = POLLIN}, 1, 0) > 0 &&
		       s->len < SAID_MAX && listen_to(s))
			;
	}
	return status;
}

/* Forks the hook and stays until its end. Its wait status, or -errno. */
static int run_child(struct run *r)
{
	int out[2], err[2] = {-1, -1}, pidfd = -1, status;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	status = pipe2(err, O_CLOEXEC) < 0 ? -errno : 0;
	if (!status) {
		r->out.fd = out[0];
		r->err.fd = err[0];
		r->child_out = out[1];
		r->child_err = err[1];
		r->pid = fork();
		if (r->pid == 0)
			child_main(r);
		status = r->pid < 0 ? -errno : 0;
		close(out[1]);
		close(err[1]);
		out[1] = err[1] = -1;
		fcntl(out[0], F_SETFL, O_NONBLOCK);
		fcntl(err[0], F_SETFL, O_NONBLOCK);
	}
	if (!status)
		pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (!status && pidfd < 0) {
		status = -errno;
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	if (!status)
		status = await(r, pidfd);
	for (size_t i = 0; i < 5; i++) {
		int fd = (int[]){out[0], out[1], err[0], err[1], pidfd}[i];

		if (fd >= 0)
			close(fd);
	}
	return status;
}

/* runc's words for a wait status. */
static void explain(const struct run *r, int status, char *out, size_t size)
{
	if (r->timed_out)
		snprintf(out, size, "hook ran past specified timeout of %lld.0s",
			 (long long)r->hook->timeout);
	else if (WIFSIGNALED(status))
		snprintf(out, size, "signal: %s", strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "exit status %d", WEXITSTATUS(status));
}

static int run_one(const struct spec_hook *h, u32 index, pid_t enter, const char *state,
		   struct error *e)
{
	struct run *r = calloc(1, sizeof(*r));
	char why[128];
	int status;

	if (!r)
		return error_set_errno(e, ENOMEM, "error running hook #%u", index);
	r->hook = h;
	r->enter = enter;
	r->state_fd = status = open_state(state);
	if (status >= 0) {
		status = run_child(r);
		close(r->state_fd);
	}
	if (status < 0) {
		status = error_set_errno(e, status, "error running hook #%u", index);
	} else if (r->timed_out || status != 0) {
		explain(r, status, why, sizeof(why));
		status = error_set(e,
				   "error running hook #%u: error running hook: %s, stdout: %s, "
				   "stderr: %s",
				   index, why, r->out.text, r->err.text);
	}
	free(r);
	return status;
}

int hooks_run(enum spec_hook_kind kind, const struct hook_context *c, struct error *e)
{
	u32 count = c->spec->hook_counts[kind];
	char *state;
	int err = 0;

	if (count == 0)
		return 0;
	if (kind == SPEC_HOOK_START_CONTAINER)
		return error_set(e, "hooks.startContainer: is a matter of the sandbox");
	state = hooks_state(c);
	if (!state)
		return error_set_errno(e, ENOMEM, "state for hooks");
	for (u32 i = 0; i < count && !err; i++) {
		struct error one = {0};

		err = run_one(&c->spec->hooks[kind][i], i, c->enter, state, &one);
		if (err && kind == SPEC_HOOK_POSTSTOP) {
			log_warning("%s", one.text);
			err = 0;
		} else if (err) {
			error_set(e, "%s", one.text);
		}
	}
	free(state);
	return err;
}
