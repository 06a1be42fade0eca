/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_spawn.c - starts sentry and gofer, each in namespaces of its own
 *
 * Theory of operation: a child is cloned with its namespaces, waits until its user namespace is
 * mapped, takes its descriptors and executes /proc/self/exe again. The rest of the confinement is
 * done by the new program (runsc/boot/confine.c), because it needs the file system to be loaded.
 *
 * Ids. The sentry always has a user namespace with one id in it, 0. Started by root, that id is one
 * that nobody else on the host has (2000000000 + random), so that the sentry owns nothing outside;
 * started by an ordinary user it is the user's, which needs no privilege. The gofer needs the
 * rights of its starter on files: started by root it has no user namespace; started by a user it
 * has one of the same kind as the sentry, and tells the client the user's own ids (gofer/owner.c).
 */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gofer/server.h"
#include "runsc/command.h"
#include "runsc/sandbox.h"

#define NS_COMMON   (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
#define PRIVATE_IDS 2000000000u

struct child {
	const char *name;	      /* argv[0] of the new program */
	unsigned long flags;	      /* namespaces */
	bool detached;		      /* outlives this process */
	bool groups;		      /* it may drop its groups: we have the right to let it */
	bool in_network;	      /* born in the container's network */
	u32 outside_uid, outside_gid; /* whom 0 of its user namespace is */
	u32 extra;		      /* descriptors from 3 on that are the guest's */
	int fds[BOOT_FD_COUNT];	      /* -1: not given; index: number in the child */
	int go[2];		      /* pipe: a byte when the maps are written */
};

static void child_fail(const char *what)
{
	fprintf(stderr, "runsc: %s: %s\n", what, strerror(errno));
	_exit(126);
}

/* Moves the descriptors to their numbers; all others are closed by the exec. */
static void place_fds(const struct child *c)
{
	int high[BOOT_FD_COUNT + BOOT_EXTRA_MAX], count = BOOT_FD_COUNT + (int)c->extra;

	for (int i = 0; i < count; i++) {
		int fd = i < BOOT_FD_COUNT ? c->fds[i] : 3 + i - BOOT_FD_COUNT;

		high[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64);
	}
	for (int i = 0; i < count; i++) {
		if (high[i] < 0)
			close(i);
		else if (dup2(high[i], i) < 0)
			child_fail("dup2");
	}
	if (syscall(SYS_close_range, count, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) < 0)
		for (int fd = count; fd < 1024; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void __attribute__((noreturn)) child_main(const struct child *c)
{
	char *argv[] = {(char *)(uintptr_t)c->name, (char *)(uintptr_t) "boot", NULL};
	char *envp[] = {NULL};
	sigset_t none;
	char byte;

	if (!c->detached)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(c->go[1]);
	if (read(c->go[0], &byte, 1) != 1)
		_exit(126);
	setsid();
	if (c->flags & CLONE_NEWUSER) {
		if (c->groups && setgroups(0, NULL) < 0)
			child_fail("setgroups");
		if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
			child_fail("setresuid");
	}
	place_fds(c);
	sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve("/proc/self/exe", argv, envp);
	child_fail("execute /proc/self/exe");
	_exit(126);
}

static int write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int sandbox_write_maps(pid_t pid, u32 uid, u32 gid, bool groups, struct error *e)
{
	char text[64];
	int err;

	if (!groups)
		write_file(pid, "setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1\n", uid);
	err = write_file(pid, "uid_map", text);
	if (err)
		return error_set_errno(e, err, "map the ids of a user namespace");
	snprintf(text, sizeof(text), "0 %u 1\n", gid);
	err = write_file(pid, "gid_map", text);
	if (err)
		return error_set_errno(e, err, "map the group ids of a user namespace");
	return 0;
}

/* By way of a process that enters the network first: this one might not be let back. */
static pid_t clone_in_network(const struct child *c, int network, struct error *e)
{
	pid_t between, pid = -EPIPE;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_set_errno(e, errno, "pipe");
	between = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (between == 0) {
		pid = setns(network, CLONE_NEWNET) < 0
			      ? -errno
			      : (pid_t)syscall(SYS_clone, c->flags | CLONE_PARENT | SIGCHLD, NULL,
					       NULL, NULL, NULL);
		if (pid == 0)
			child_main(c);
		if (pid == -1)
			pid = -errno;
		(void)!write(pipes[1], &pid, sizeof(pid));
		_exit(0);
	}
	close(pipes[1]);
	if (between < 0 || read(pipes[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -EPIPE;
	close(pipes[0]);
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	return pid;
}

static pid_t clone_child(struct sandbox *s, const struct child *c, struct error *e)
{
	int network = c->in_network ? sandbox_open_network(s, e) : -ENOENT;
	pid_t pid;

	if (network < 0 && network != -ENOENT)
		return network;
	if (network >= 0) {
		pid = clone_in_network(c, network, e);
		close(network);
		return pid;
	}
	pid = (pid_t)syscall(SYS_clone, c->flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		child_main(c);
	return pid < 0 ? -errno : pid;
}

/* What the host refuses is told, and no reason to stop: who may not lower a score keeps its own. */
static void set_oom_score(struct sandbox *s, pid_t pid)
{
	const struct spec_process *p = &s->config->spec.process;
	char text[16], why[128];
	int err;

	if (!p->has_oom_score_adj)
		return;
	snprintf(text, sizeof(text), "%d", p->oom_score_adj);
	err = write_file(pid, "oom_score_adj", text);
	if (err)
		sandbox_notice(s, "process.oomScoreAdj: %d is not applied on the host: %s",
			       p->oom_score_adj, error_name(err, why, sizeof(why)));
}

/* Clones @c. Its pid, or -errno and a line. */
static pid_t spawn(struct sandbox *s, struct child *c, struct error *e)
{
	pid_t pid;
	int err;

	if (pipe2(c->go, O_CLOEXEC) < 0)
		return error_set_errno(e, errno, "pipe");
	pid = clone_child(s, c, e);
	close(c->go[0]);
	if (pid < 0) {
		close(c->go[1]);
		return error_set_errno(e, pid, "create the namespaces of %s", c->name);
	}
	err = !(c->flags & CLONE_NEWUSER)
		      ? 0
		      : sandbox_write_maps(pid, c->outside_uid, c->outside_gid, c->groups, e);
	if (!err)
		err = sandbox_cgroup_enter(s, pid, e);
	if (!err)
		set_oom_score(s, pid);
	if (!err && write(c->go[1], "g", 1) != 1)
		err = error_set_errno(e, errno, "start %s", c->name);
	close(c->go[1]);
	if (err) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return err;
	}
	return pid;
}

static u32 private_id(void)
{
	u32 bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		bits = (u32)getpid();
	return PRIVATE_IDS + bits % 100000000u;
}

static int spawn_sentry(struct sandbox *s, int control, int gofer, int shm, struct error *e)
{
	bool root = !s->config->rootless;
	struct child c = {
		.name = "runsc-sentry",
		.flags = NS_COMMON | CLONE_NEWUSER | (s->config->network_own ? CLONE_NEWNET : 0),
		.detached = s->config->detached,
		.groups = root,
		.extra = s->config->extra_fds,
		.in_network = true,
		.outside_uid = g_globals.spare_id ? g_globals.spare_id
			       : root		  ? private_id()
						  : geteuid(),
		.fds = {0, 1, 2, s->config_fd, control, gofer, shm, s->log_fd, s->console.fd,
			s->listen},
	};

	c.outside_gid = root ? c.outside_uid : getegid();
	s->sentry = spawn(s, &c, e);
	return s->sentry < 0 ? (int)s->sentry : 0;
}

static int spawn_gofer(struct sandbox *s, int null, int gofer, int shm, struct error *e)
{
	struct child c = {
		.name = "runsc-gofer",
		.flags = NS_COMMON | CLONE_NEWNET | (s->config->rootless ? CLONE_NEWUSER : 0),
		.detached = s->config->detached,
		.outside_uid = geteuid(),
		.outside_gid = getegid(),
		.fds = {null, null, s->log_fd, s->config_fd, -1, gofer, shm, s->log_fd, -1, -1},
	};

	s->gofer = spawn(s, &c, e);
	return s->gofer < 0 ? (int)s->gofer : 0;
}

int sandbox_spawn(struct sandbox *s, struct error *e)
{
	int control[2] = {s->control, s->sentry_control}, sock[2] = {-1, -1};
	int shm = gofer_shm_create(s->config->cpus), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int err = 0;

	if (shm < 0)
		err = error_set_errno(e, shm, "shared memory of the gofer");
	else if (null < 0)
		err = error_set_errno(e, errno, "open /dev/null");
	else if ((control[1] < 0 &&
		  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0) ||
		 socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		err = error_set_errno(e, errno, "socketpair");
	if (!err)
		err = spawn_gofer(s, null, sock[1], shm, e);
	if (!err)
		err = spawn_sentry(s, control[1], sock[0], shm, e);
	s->gofer = max(s->gofer, 0);
	s->sentry = max(s->sentry, 0);
	s->control = control[0];
	s->sentry_control = -1;
	for (size_t i = 0; i < 5; i++) {
		int fd = (int[]){control[1], sock[0], sock[1], shm, null}[i];

		if (fd >= 0)
			close(fd);
	}
	return err;
}
