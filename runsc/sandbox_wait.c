/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_wait.c - signals and window sizes go in, the exit status comes out */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runsc/console.h"
#include "runsc/sandbox.h"

static void tell(struct sandbox *s, enum boot_message_type type, int value)
{
	struct boot_message m = {.type = type, .value = value};

	send(s->control, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Notes which of our children ended. */
static void reap_children(struct sandbox *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->sentry) {
			s->sentry = 0;
			s->sentry_status = status;
		} else if (pid == s->gofer) {
			s->gofer = 0;
			/* It leaves with 0 when the sentry has gone. */
			s->gofer_died = s->sentry != 0 && status != 0;
		}
	}
}

static void take_signal(struct sandbox *s, int fd)
{
	struct signalfd_siginfo info;
	u16 rows, columns;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		reap_children(s);
		break;
	case SIGWINCH:
		console_size(&rows, &columns);
		tell(s, BOOT_WINSIZE, rows << 16 | columns);
		break;
	case SIGPIPE:
	case SIGURG:
		break;
	default:
		tell(s, BOOT_SIGNAL, (int)info.ssi_signo);
	}
}

/* One message of the sentry: true when the story is over. */
static bool take_message(struct sandbox *s, int *out_status, struct error *e)
{
	struct boot_message m;
	ssize_t n = recv(s->control, &m, sizeof(m), MSG_DONTWAIT);

	if (n != sizeof(m))
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	m.text[sizeof(m.text) - 1] = 0;
	if (m.type == BOOT_FAILED)
		error_set(e, "%s", m.text);
	else if (m.type == BOOT_EXIT)
		*out_status = WIFSIGNALED(m.value) ? 128 + WTERMSIG(m.value) : WEXITSTATUS(m.value);
	return m.type == BOOT_FAILED || m.type == BOOT_EXIT;
}

/* All signals that make sense to be passed on. Those that stop a process keep doing so to us: the
 * terminal's job control then works as with any other program. */
static int open_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGTSTP);
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGTTOU);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void explain_end(struct sandbox *s, struct error *e)
{
	struct timespec tick = {.tv_nsec = 5000000};

	/* The socket's end comes a moment before the process's. */
	for (int i = 0; i < 100 && s->sentry && !s->gofer_died; i++) {
		reap_children(s);
		nanosleep(&tick, NULL);
	}
	if (s->gofer_died)
		error_set(e, "the gofer died: the container's files are gone");
	else if (s->sentry == 0 && WIFSIGNALED(s->sentry_status))
		error_set(e, "the sentry was killed by signal %d", WTERMSIG(s->sentry_status));
	else if (s->sentry == 0 && WEXITSTATUS(s->sentry_status) > 128)
		error_set(e, "the sentry died, and has left a report");
	else
		error_set(e, "the sentry ended unexpectedly");
}

int sandbox_wait(struct sandbox *s, struct error *e)
{
	int fd = open_signals(), status = -1;
	struct pollfd p[2] = {{.fd = s->control, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	bool over = false;

	reap_children(s);
	while (!over && !s->gofer_died) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			take_signal(s, fd);
		if (p[0].revents)
			over = take_message(s, &status, e);
	}
	if (s->gofer_died && !over) /* the last word may already be there */
		take_message(s, &status, e);
	close(fd);
	if (status < 0 && !e->text[0])
		explain_end(s, e);
	return status < 0 ? 1 : status;
}
