/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - makes a container, step by step; each step can fail, and then all before it is undone
 *
 * The order is given by who needs whom: the directory with its lock keeps others out; the proxy
 * comes before the sentry, which may need its network namespace, and before the hooks, which change
 * its namespaces; its root comes after the sentry has made the mount points. The last steps are
 * state.json, the pid file, and the word to the proxy that it stands alone: who dies before that
 * leaves processes that end by themselves (proxy.h).
 */
#include "runsc/create.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runsc/command.h"
#include "runsc/hooks.h"
#include "runsc/settings.h"
#include "runsc/sysctl.h"

static int load_bundle(struct sandbox *s, const struct create_options *o, struct error *e)
{
	char text[128];
	int err;

	if (o->bundle && chdir(o->bundle) < 0)
		return error_set(e, "chdir %s: %s", o->bundle,
				 error_name(errno, text, sizeof(text)));
	err = sandbox_init(s, e);
	if (!err)
		err = spec_load(s->region, ".", &s->config->spec, e);
	if (!err)
		err = spec_check_host(s->region, &s->config->spec, e);
	if (!err)
		err = settings_apply(s, e);
	if (!err)
		err = sandbox_add_trees(s, e);
	if (err)
		return err;
	err = count_preserved(s->region, &s->config->spec.process, o->preserve_fds, e);
	if (err < 0)
		return err;
	s->config->extra_fds = (u32)err;
	s->config->hold = true;
	s->config->detached = !o->attached;
	s->config->strace |= o->strace;
	/* What an ordinary user's own id is inside a container. */
	s->config->uid = s->config->gid = 0;
	return 0;
}

static void describe(struct container *c, const struct spec *s)
{
	snprintf(c->bundle, sizeof(c->bundle), "%s", s->bundle);
	snprintf(c->rootfs, sizeof(c->rootfs), "%s", s->root_path);
	c->annotations = json_object();
	for (u32 i = 0; i < s->annotation_count; i++)
		json_object_set_new(c->annotations, s->annotations[i].key,
				    json_string(s->annotations[i].value));
	for (int k = 0; k < SPEC_HOOK_KINDS; k++)
		c->hooks |= (u32)(s->hook_counts[k] != 0) << k;
}

int count_preserved(struct region *r, struct spec_process *p, const char *text, struct error *e)
{
	const char *listen = getenv("LISTEN_FDS");
	long passed = listen ? strtol(listen, NULL, 10) : 0, more = 0;
	char **env, *end;

	if (text) {
		more = strtol(text, &end, 10);
		if (end == text || *end || more < 0)
			return error_set(e, "invalid value \"%s\" for flag -preserve-fds", text);
	}
	if (passed < 0 || passed > BOOT_EXTRA_MAX || more > BOOT_EXTRA_MAX - passed)
		return error_set(e, "more than %d descriptors cannot be passed", BOOT_EXTRA_MAX);
	for (int fd = 3; fd < 3 + passed + more; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return error_set(e, "file descriptor %d is not open: bad file descriptor",
					 fd);
	if (!passed)
		return (int)more;
	env = region_alloc(r, (p->env_count + 3) * sizeof(*env));
	if (p->env_count)
		memcpy(env, p->env, p->env_count * sizeof(*env));
	env[p->env_count++] = region_printf(r, "LISTEN_FDS=%ld", passed);
	env[p->env_count++] = region_strdup(r, "LISTEN_PID=1");
	p->env = env;
	return (int)(passed + more);
}

/* What sentry and gofer say later, when nobody listens any more, goes to a file beside the state;
 * notices too, for clients read all that --log has as one error. */
static int open_sandbox_log(struct created *k, const struct create_options *o, struct error *e)
{
	struct sandbox *s = &k->sandbox;
	struct boot_config *c = s->config;

	if (!c->detached)
		return 0;
	s->log_fd = openat(k->container.dir_fd, "sandbox.log",
			   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (s->log_fd < 0)
		return error_set_errno(e, errno, "%s/sandbox.log", k->container.dir);
	return 0;
}

static int open_console(struct created *k, const struct create_options *o, struct error *e)
{
	struct sandbox *s = &k->sandbox;
	struct boot_config *c = s->config;
	const struct spec_process *p = &c->spec.process;

	if (o->console_socket && !p->terminal)
		return error_set(
			e, "cannot use console socket if runc will not detach or allocate tty");
	if (p->terminal && o->console_socket) {
		s->console.fd = pty_send(o->console_socket, p->console_height, p->console_width, e);
		if (s->console.fd < 0)
			return s->console.fd;
		c->console = true;
	} else if (p->terminal && !o->attached) {
		return error_set(
			e,
			"cannot allocate tty if runc will detach without setting console socket");
	} else if (o->attached) {
		c->console = console_wanted(c) && console_open(&s->console);
		console_size(&c->rows, &c->columns);
	}
	return 0;
}

static int spawn_proxy(struct created *k, const struct create_options *o, struct error *e)
{
	struct sandbox *s = &k->sandbox;
	const struct spec_namespace *net = &s->config->spec.namespaces[SPEC_NS_NETWORK];
	struct proxy_options po = {
		.spec = &s->config->spec,
		.tty = o->console_socket ? s->console.fd : -1,
		.attached = o->attached,
		.args = s->config->spec.process.args,
		.cgroup = s->cgroup,
	};
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(e, errno, "socketpair");
	s->control = po.sentry = pair[0];
	s->sentry_control = pair[1];
	err = proxy_spawn(&po, &k->proxy, e);
	/* An ordinary user's proxy has a user namespace of its own, and a network that the sentry
	 * is not let into: it keeps a new one for itself. */
	if (!err && s->config->network == BOOT_NET_NS && net->present &&
	    (net->path || geteuid() == 0)) {
		s->network_of = k->proxy.pid;
		s->config->network_own = false;
	}
	if (!err && !s->config->spec.hostname)
		s->config->spec.hostname = region_strdup(s->region, k->proxy.hostname);
	return err ? err : sandbox_cgroup_entered(s, e);
}

static int run_hooks(struct created *k, enum spec_hook_kind kind, bool enter, struct error *e)
{
	struct hook_context h = {
		.spec = &k->sandbox.config->spec,
		.id = k->container.id,
		.status = "creating",
		.pid = k->proxy.pid,
		.enter = enter ? k->proxy.pid : 0,
	};

	return h.spec->hook_counts[kind] ? hooks_run(kind, &h, e) : 0;
}

/* Until the sentry says that all is there, or why not, or is dead. */
static int wait_ready(struct sandbox *s, struct error *e)
{
	struct boot_message m;
	ssize_t n;

	do
		n = recv(s->control, &m, sizeof(m), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(m))
		return error_set(e, "the sentry died while it started (see sandbox.log)");
	m.text[sizeof(m.text) - 1] = 0;
	if (m.type == BOOT_READY)
		return 0;
	return error_set(e, "unable to start container process: %s", m.text);
}

/* The proxy takes its root meanwhile, unless the sentry has to make mount points first. */
static int start_sandbox(struct created *k, const struct create_options *o, struct error *e)
{
	bool early = k->sandbox.mountpoints.count == 0 && !k->sandbox.config->overlay;
	int err = early ? proxy_mount_begin(&k->proxy, e) : 0;

	if (err)
		return err;
	k->sandbox.listen = control_listen(&k->container, e);
	if (k->sandbox.listen < 0)
		return k->sandbox.listen;
	err = sandbox_spawn(&k->sandbox, e);
	if (!err)
		err = wait_ready(&k->sandbox, e);
	if (!err && !early)
		err = proxy_mount_begin(&k->proxy, e);
	return err ? err : proxy_mount_end(&k->proxy, e);
}

static int publish(struct created *k, const struct create_options *o, struct error *e)
{
	struct container *c = &k->container;
	int err;

	c->proxy = process_ref(k->proxy.pid);
	c->sentry = process_ref(k->sandbox.sentry);
	c->gofer = process_ref(k->sandbox.gofer);
	err = container_save(c, e);
	if (!err && o->pid_file)
		err = sandbox_write_pid_file(o->pid_file, k->proxy.pid, e);
	if (!err)
		proxy_commit(&k->proxy);
	return err;
}

/* Members of a pod that CRI or podman marks as such. */
static void tell_of_pod(struct sandbox *s)
{
	static const char *const keys[] = {"io.kubernetes.cri.container-type",
					   "io.kubernetes.cri-o.ContainerType"};

	for (size_t i = 0; i < array_size(keys); i++) {
		const char *type = spec_annotation(&s->config->spec, keys[i]);

		if (type && !strcmp(type, "container"))
			sandbox_notice(s, "the container gets a sandbox of its own, in its pod's "
					  "network: sandboxes of pods are not shared yet");
	}
}

static int tell_notices(struct created *k, const struct create_options *o, struct error *e)
{
	struct sandbox *s = &k->sandbox;

	tell_of_pod(s);
	for (u32 i = 0; i < s->config->spec.notice_count; i++)
		sandbox_notice(s, "%s", s->config->spec.notices[i]);
	return 0;
}

/* Written down before it is made: whoever dies between leaves it to `delete`. */
static int make_cgroup(struct created *k, const struct create_options *o, struct error *e)
{
	int err = sandbox_cgroup_locate(&k->sandbox, k->container.id, e);

	if (err)
		return err;
	k->container.cgroup = k->sandbox.cgroup;
	err = container_save(&k->container, e);
	return err ? err : sandbox_cgroup_start(&k->sandbox, e);
}

static int run_early_hooks(struct created *k, const struct create_options *o, struct error *e)
{
	int err = run_hooks(k, SPEC_HOOK_PRESTART, false, e);

	if (!err)
		err = run_hooks(k, SPEC_HOOK_CREATE_RUNTIME, false, e);
	return err ? err : run_hooks(k, SPEC_HOOK_CREATE_CONTAINER, true, e);
}

static int set_network(struct created *k, const struct create_options *o, struct error *e)
{
	return sysctl_write_net(&k->sandbox.config->spec, k->proxy.pid, e);
}

static const struct step {
	const char *name;
	int (*run)(struct created *k, const struct create_options *o, struct error *e);
} all_steps[] = {
	{"log", open_sandbox_log},	   {"notices", tell_notices},  {"cgroup", make_cgroup},
	{"console", open_console},	   {"proxy", spawn_proxy},     {"hooks", run_early_hooks},
	{"network settings", set_network}, {"sandbox", start_sandbox}, {"state", publish},
};

/* With --debug each tells its time. */
static int steps(struct created *k, const struct create_options *o, struct error *e)
{
	struct timespec t;
	s64 last, now;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &t);
	last = t.tv_sec * 1000000000ll + t.tv_nsec;
	for (size_t i = 0; i < array_size(all_steps) && !err; i++) {
		err = all_steps[i].run(k, o, e);
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = t.tv_sec * 1000000000ll + t.tv_nsec;
		log_debug("create: %s: %lld us", all_steps[i].name, (long long)(now - last) / 1000);
		last = now;
	}
	return err;
}

static void undo(struct created *k, struct error *e)
{
	struct error ignored = {0};

	proxy_abort(&k->proxy);
	sandbox_reap(&k->sandbox);
	mountpoints_remove(&k->sandbox.mountpoints);
	sandbox_close(&k->sandbox);
	console_close(&k->sandbox.console);
	container_remove(&k->container, &ignored);
	k->sandbox.cgroup = NULL; /* the container's */
	container_close(&k->container);
}

int create_container(const char *id, const struct create_options *o, struct created *out,
		     struct error *e)
{
	sigset_t all;
	int err;

	*out = (struct created){.proxy = {.control = -1}};
	if (!container_id_valid(id))
		return error_set(e, "invalid container ID format");
	err = load_bundle(&out->sandbox, o, e);
	if (!err)
		err = container_make(&out->container, id, e);
	if (err)
		return err;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	describe(&out->container, &out->sandbox.config->spec);
	err = steps(out, o, e);
	if (err)
		undo(out, e);
	return err;
}
