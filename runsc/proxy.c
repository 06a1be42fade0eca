/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.c - makes proxies, and says what they do next */
#include "runsc/proxy.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/proxy_child.h"
#include "runsc/sandbox.h"

/* Namespaces that the proxy gets anew, by config.json. */
static unsigned long new_namespaces(const struct spec *s)
{
	static const struct {
		enum spec_namespace_kind kind;
		unsigned long flag;
	} kinds[] = {
		{SPEC_NS_PID, CLONE_NEWPID},
		{SPEC_NS_NETWORK, CLONE_NEWNET},
		{SPEC_NS_IPC, CLONE_NEWIPC},
		{SPEC_NS_UTS, CLONE_NEWUTS},
	};
	unsigned long flags = CLONE_NEWNS;

	for (size_t i = 0; i < array_size(kinds); i++)
		if (s->namespaces[kinds[i].kind].present && !s->namespaces[kinds[i].kind].path)
			flags |= kinds[i].flag;
	return flags;
}

/* Children of this process are born in the pid namespace @path, until it is called with NULL. */
static int choose_pid_namespace(const char *path, struct error *e)
{
	int fd = open(path ? path : "/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || setns(fd, CLONE_NEWPID) < 0)
		err = error_set_errno(e, errno, "join the pid namespace %s", path ? path : "");
	if (fd >= 0)
		close(fd);
	return err;
}

static pid_t clone_process(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int spawn_new(const struct proxy_options *o, struct proxy_child *c, struct proxy *out,
		     struct error *e)
{
	const struct spec_namespace *pid_ns = &o->spec->namespaces[SPEC_NS_PID];
	bool own_user = geteuid() != 0;
	int err = pid_ns->path ? choose_pid_namespace(pid_ns->path, e) : 0;

	if (err)
		return err;
	c->own_pid_ns = pid_ns->present && !pid_ns->path;
	out->pid = clone_process(new_namespaces(o->spec) | (own_user ? CLONE_NEWUSER : 0));
	if (out->pid == 0)
		proxy_child(c);
	if (out->pid < 0)
		err = error_set_errno(e, errno, "create the container's namespaces");
	if (pid_ns->path)
		choose_pid_namespace(NULL, e);
	if (!err && own_user)
		err = sandbox_write_maps(out->pid, geteuid(), getegid(), false, e);
	return err;
}

static bool same_namespace(pid_t pid, const char *name)
{
	char path[64], mine[64] = "", theirs[64] = "";

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	(void)!readlink(path, mine, sizeof(mine) - 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	(void)!readlink(path, theirs, sizeof(theirs) - 1);
	return !strcmp(mine, theirs);
}

/* Those of @pid that are not ours: to one's own one may not be allowed to go. */
static unsigned long other_namespaces(pid_t pid)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} kinds[] = {
		{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
		{"net", CLONE_NEWNET},	     {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
		{"cgroup", CLONE_NEWCGROUP},
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < array_size(kinds); i++)
		if (!same_namespace(pid, kinds[i].name))
			flags |= kinds[i].flag;
	return flags;
}

/* Between this process and the proxy of an exec: joins all namespaces of @like and has a child in
 * them, which is its parent's child too. */
static void __attribute__((noreturn))
joiner(const struct proxy_options *o, struct proxy_child *c, int pid_out)
{
	unsigned long flags = other_namespaces(o->like.pid);
	int fd = (int)syscall(SYS_pidfd_open, o->like.pid, 0);
	pid_t pid = -ESRCH;

	if (fd >= 0 && process_alive(o->like)) {
		pid = setns(fd, (int)flags) < 0 ? -errno : clone_process(CLONE_PARENT);
		if (pid == 0)
			proxy_child(c);
	}
	(void)!write(pid_out, &pid, sizeof(pid));
	_exit(0);
}

static int spawn_like(const struct proxy_options *o, struct proxy_child *c, struct proxy *out,
		      struct error *e)
{
	pid_t between, pid = -EPIPE;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_set_errno(e, errno, "pipe");
	between = clone_process(0);
	if (between == 0)
		joiner(o, c, pipes[1]);
	close(pipes[1]);
	if (between > 0 && read(pipes[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -EPIPE;
	close(pipes[0]);
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	if (pid <= 0)
		return error_set_errno(e, pid ? pid : EIO, "join the namespaces of the container");
	out->pid = pid;
	return 0;
}

static int order(struct proxy *p, char op, struct error *e)
{
	if (send(p->control, &op, 1, MSG_NOSIGNAL) != 1)
		return error_set_errno(e, errno, "the container's process is dead");
	return 0;
}

/* Waits until the last order is carried out. */
static int answer(struct proxy *p, struct proxy_answer *a, struct error *e)
{
	ssize_t n = recv(p->control, a, sizeof(*a), 0);

	if (n != sizeof(*a))
		return error_set(e, "the container's process died");
	a->text[sizeof(a->text) - 1] = 0;
	return a->err ? error_set_errno(e, a->err, "%s", a->text) : 0;
}

static int go(struct proxy *p, struct error *e)
{
	struct proxy_answer a = {0};
	int err = order(p, PROXY_GO, e);

	if (!err)
		err = answer(p, &a, e);
	if (!err)
		snprintf(p->hostname, sizeof(p->hostname), "%.64s", a.text);
	return err;
}

int proxy_spawn(const struct proxy_options *o, struct proxy *out, struct error *e)
{
	struct proxy_child c = {.o = o};
	struct stat st;
	int pair[2], err;

	*out = (struct proxy){.control = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, errno, "socketpair");
	out->control = pair[0];
	c.host_network = stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
	c.control = pair[1];
	c.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	err = c.null < 0 ? error_set_errno(e, errno, "open /dev/null") : 0;
	if (!err)
		err = o->spec ? spawn_new(o, &c, out, e) : spawn_like(o, &c, out, e);
	close(pair[1]);
	if (c.null >= 0)
		close(c.null);
	out->pid = max(out->pid, 0);
	if (!err && o->cgroup)
		err = cgroup_enter(o->cgroup, out->pid, e);
	if (!err)
		err = go(out, e);
	if (err)
		proxy_abort(out);
	return err;
}

int proxy_mount_begin(struct proxy *p, struct error *e)
{
	return order(p, PROXY_MOUNT, e);
}

int proxy_mount_end(struct proxy *p, struct error *e)
{
	struct proxy_answer a = {0};

	return answer(p, &a, e);
}

void proxy_commit(struct proxy *p)
{
	char op = PROXY_COMMIT;

	send(p->control, &op, 1, MSG_NOSIGNAL);
	close(p->control);
	p->control = -1;
}

void proxy_abort(struct proxy *p)
{
	if (p->control >= 0)
		close(p->control);
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*p = (struct proxy){.control = -1};
}
