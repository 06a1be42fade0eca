/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the gofer process: start, channels, end
 *
 * Theory of operation: the thread that calls gofer_serve() receives requests for channels on the
 * main socket and ends the process when the sentry hangs up. Each channel has a thread of its own,
 * pinned to the CPU that the client named, which waits on the channel's futex. Threads are made
 * after the process was confined, so they are confined from their first instruction.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/channel.h"
#include "gofer/server_internal.h"
#include "sentry/base/log.h"
#include "sentry/base/rawcall.h"

#define FD_RESERVE    256	   /* descriptors that are not ids */
#define ID_MAX	      (1u << 19)   /* whatever the limit of descriptors */
#define CHANNEL_STACK (256u << 10) /* bytes */

struct channel_thread {
	struct gofer_server *s;
	struct gofer_channel_shm *shm;
	int sock; /* descriptors go out here */
	u32 cpu;
	u8 req[GOFER_REQ_MAX]; /* private copy of the request at work */
};

struct main_state {
	struct gofer_server *s;
	struct gofer_channel_shm *shm;
	u32 channel_count;
	bool *taken; /* channels that have a thread */
};

/* Answers one request. @req_size and the request are copied once. */
static void channel_answer(struct channel_thread *ct)
{
	u32 n = atomic_load_explicit(&ct->shm->req_size, memory_order_relaxed), rsp_size;
	struct gofer_fds fds;

	if (n > sizeof(ct->req))
		n = 0; /* too short for a head: refused */
	memcpy(ct->req, ct->shm->req, n);
	rsp_size = call_run(ct->s, ct->req, n, ct->shm->rsp, &fds);
	if (fds.count) {
		int err = gofer_sock_send_fds(ct->sock, "", 1, &fds);

		gofer_fds_close(&fds);
		if (err) { /* the client does not take its descriptors */
			struct gofer_rsp head = {.result = -EIO};

			memcpy(ct->shm->rsp, &head, sizeof(head));
			rsp_size = sizeof(head);
		}
	}
	atomic_store_explicit(&ct->shm->rsp_size, rsp_size, memory_order_relaxed);
}

static void *channel_main(void *arg)
{
	struct channel_thread *ct = arg;
	u32 seen = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (ct->cpu < CPU_SETSIZE) {
		CPU_SET(ct->cpu, &set);
		sched_setaffinity(0, sizeof(set), &set); /* slower without, not wrong */
	}
	for (;;) {
		u32 seq = atomic_load_explicit(&ct->shm->req_seq, memory_order_acquire);

		if (seq == seen) {
			raw_futex_wait(&ct->shm->req_seq, seen, -1);
			continue;
		}
		seen = seq;
		channel_answer(ct);
		atomic_store_explicit(&ct->shm->rsp_seq, seq, memory_order_release);
		raw_futex_wake(&ct->shm->rsp_seq, 1);
	}
	return NULL;
}

static int channel_start(struct main_state *m, const struct gofer_sock_req *req, int *out_sock)
{
	struct channel_thread *ct;
	pthread_attr_t attr;
	pthread_t thread;
	int pair[2], err;

	if (req->channel >= m->channel_count || m->taken[req->channel])
		return -EINVAL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ct = calloc(1, sizeof(*ct));
	if (!ct) {
		close(pair[0]);
		close(pair[1]);
		return -ENOMEM;
	}
	*ct = (struct channel_thread){
		.s = m->s, .shm = m->shm + req->channel, .sock = pair[0], .cpu = req->cpu};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CHANNEL_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = -pthread_create(&thread, &attr, channel_main, ct);
	pthread_attr_destroy(&attr);
	if (err) {
		close(pair[0]);
		close(pair[1]);
		free(ct);
		return err;
	}
	m->taken[req->channel] = true;
	*out_sock = pair[1];
	return 0;
}

/* Receives requests for channels until the sentry hangs up. */
static int main_loop(struct main_state *m, int sock)
{
	for (;;) {
		struct gofer_sock_req req;
		struct gofer_sock_rsp rsp = {.magic = GOFER_SOCK_MAGIC};
		int fd, new_sock = -1;
		long n = gofer_sock_recv(sock, &req, sizeof(req), &fd, false);

		if (fd >= 0)
			close(fd);
		if (n <= 0)
			return n == -ECONNRESET ? 0 : (int)n;
		if (n == sizeof(req) && req.magic == GOFER_SOCK_MAGIC && req.zero == 0)
			rsp.result = channel_start(m, &req, &new_sock);
		else
			rsp.result = -EINVAL;
		rsp.channel = n == sizeof(req) ? req.channel : 0;
		gofer_sock_send(sock, &rsp, sizeof(rsp), new_sock);
		if (new_sock >= 0)
			close(new_sock);
	}
}

/* How many ids there may be: raises the limit of descriptors as far as it goes. */
static u32 id_limit(u32 wanted)
{
	struct rlimit rl;

	rl.rlim_cur = rl.rlim_max = ID_MAX;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0) { /* not privileged: as far as the hard limit */
		if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
			return 0;
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur <= 2 * FD_RESERVE)
			return FD_RESERVE;
	}
	if (wanted == 0 || wanted > ID_MAX)
		wanted = ID_MAX;
	return (u32)min(rl.rlim_cur - FD_RESERVE, (rlim_t)wanted);
}

int server_create(const struct gofer_config *cfg, struct gofer_server **out)
{
	struct gofer_server *s;
	u64 trees_size = (u64)cfg->tree_count * sizeof(*cfg->trees);

	if (cfg->tree_count == 0 || cfg->tree_count > GOFER_TREE_MAX)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->id_max = id_limit(cfg->id_max);
	s->trees = malloc(trees_size);
	s->slots = calloc((size_t)s->id_max + 1, sizeof(*s->slots));
	if (!s->trees || !s->slots) {
		server_destroy(s);
		return -ENOMEM;
	}
	memcpy(s->trees, cfg->trees, trees_size);
	s->tree_count = cfg->tree_count;
	s->proc_fd = cfg->proc_fd;
	s->allow_devices = cfg->allow_devices;
	s->drop_owner = cfg->drop_owner;
	owner_init(cfg);
	pthread_mutex_init(&s->lock, NULL);
	umask(0);
	if (fchdir(s->proc_fd) < 0) { /* op_xattr.c names inodes relative to it */
		int err = -errno;

		server_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

void server_destroy(struct gofer_server *s)
{
	for (u32 i = 1; s->slots && i <= s->slot_used; i++) {
		if (s->slots[i].held)
			slot_release(s, GOFER_ID(i, s->slots[i].gen));
	}
	free(s->trees);
	free(s->slots);
	free(s);
}

int gofer_serve(const struct gofer_config *cfg)
{
	struct main_state m = {0};
	int err = server_create(cfg, &m.s);

	if (err)
		return err;
	err = gofer_shm_map(cfg->shm_fd, &m.shm, &m.channel_count);
	if (err)
		return err;
	m.taken = calloc(m.channel_count, sizeof(*m.taken));
	if (!m.taken)
		return -ENOMEM;
	if (!cfg->unconfined) {
		err = confine(m.s);
		if (err) {
			log_error("gofer: cannot confine itself: %s", strerror(-err));
			return err;
		}
	}
	return main_loop(&m, cfg->sock);
}
