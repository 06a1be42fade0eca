/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - connection to a gofer: channels, one round trip, death
 *
 * Theory of operation: rpc_begin() takes a free channel of the present CPU, rpc_put() writes into
 * its request area, rpc_send() passes it over and sleeps, rpc_take() copies the answer out piece by
 * piece, each byte once. The size of the answer is read once and bounded; so what the gofer writes
 * meanwhile can make values wrong, which their users check, but nothing out of bounds.
 * Sleeping at once would be slow: the gofer's wake-up then likes to put the caller on an idle CPU,
 * which takes 30 us to wake on a virtual machine. A caller that yields instead stays runnable where
 * it is, and runs on when the gofer's thread, on the same CPU, has gone to sleep (README: figures).
 * It sleeps when a few turns did not bring the answer: the gofer waits for a disk. A dead gofer:
 * `dead` is set, the words that callers sleep on change, and they see it. In case nobody watches
 * the socket, a sleeper looks at it once a second.
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gofer/client_internal.h"
#include "sentry/base/bug.h"
#include "sentry/base/rawcall.h"

#define LOOK_NS	   NSEC_PER_SEC
#define YIELDS	   3
#define ERRNO_LAST EHWPOISON /* what a host call may say; the sentry has private codes above */

static struct gofer_client *_Atomic g_clients[GOFER_CLIENT_MAX];

static size_t client_size(u32 channels)
{
	return sizeof(struct gofer_client) + (size_t)channels * sizeof(struct client_channel);
}

/* Finds a place in the table. */
static int client_publish(struct gofer_client *c)
{
	for (u32 i = 0; i < GOFER_CLIENT_MAX; i++) {
		struct gofer_client *none = NULL;

		c->index = i;
		if (atomic_compare_exchange_strong(&g_clients[i], &none, c))
			return 0;
	}
	return -EMFILE;
}

int gofer_client_create(int sock, int shm_fd, u32 cpus, u32 *out_index)
{
	struct gofer_channel_shm *shm;
	struct gofer_client *c;
	u32 count;
	int err = gofer_shm_map(shm_fd, &shm, &count);

	if (err)
		return err;
	c = raw_mmap(NULL, client_size(count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	if (IS_ERR(c)) {
		munmap(shm, count * sizeof(*shm));
		return (int)PTR_ERR(c);
	}
	c->channel_count = count;
	c->cpus = cpus == 0 || cpus > count ? count : cpus;
	c->sock = sock;
	c->shm_fd = shm_fd;
	c->shm = shm;
	mutex_init(&c->open_lock, LR_PLATFORM);
	mutex_init(&c->release_lock, LR_LEAF);
	for (u32 i = 0; i < count; i++) {
		mutex_init(&c->channels[i].lock, LR_GOFER);
		c->channels[i].shm = shm + i;
		c->channels[i].sock = -1;
	}
	err = client_publish(c);
	if (err) {
		munmap(shm, count * sizeof(*shm));
		munmap(c, client_size(count));
		return err;
	}
	*out_index = c->index;
	return 0;
}

void gofer_client_destroy(u32 index)
{
	struct gofer_client *c = gofer_client_at(index);

	atomic_store(&g_clients[index], NULL);
	for (u32 i = 0; i < c->channel_count; i++)
		if (c->channels[i].sock >= 0)
			close(c->channels[i].sock);
	close(c->sock);
	close(c->shm_fd);
	munmap(c->shm, c->channel_count * sizeof(*c->shm));
	munmap(c, client_size(c->channel_count));
}

struct gofer_client *gofer_client_at(u32 index)
{
	struct gofer_client *c = index < GOFER_CLIENT_MAX ? atomic_load(&g_clients[index]) : NULL;

	BUG_ON(!c);
	return c;
}

int gofer_client_socket(const struct gofer_client *c)
{
	return c->sock;
}

bool gofer_client_dead(const struct gofer_client *c)
{
	return c->dead != 0;
}

void gofer_client_on_death(struct gofer_client *c, void (*fn)(void *arg, const char *why),
			   void *arg)
{
	c->on_death_arg = arg;
	c->on_death = fn;
}

u64 gofer_client_requests(const struct gofer_client *c)
{
	return c->requests;
}

u32 gofer_client_ids(const struct gofer_client *c)
{
	return c->ids;
}

bool gofer_client_full(const struct gofer_client *c)
{
	u32 most = c->id_max;

	return most && c->ids > most - most / 8;
}

/* The gofer is dead for us, because of @why. */
static void client_die(struct gofer_client *c, const char *why)
{
	if (atomic_exchange(&c->dead, 1))
		return;
	for (u32 i = 0; i < c->channel_count; i++) {
		if (c->channels[i].sock < 0)
			continue;
		atomic_fetch_xor(&c->shm[i].rsp_seq, 0x80000000u);
		raw_futex_wake(&c->shm[i].rsp_seq, INT32_MAX);
	}
	if (c->on_death)
		c->on_death(c->on_death_arg, why);
}

void gofer_client_hangup(struct gofer_client *c)
{
	client_die(c, "the gofer has died");
}

/* Has the gofer start a thread for channel @index, whose lock is held. */
static int channel_open(struct gofer_client *c, u32 index)
{
	struct gofer_sock_req req = {
		.magic = GOFER_SOCK_MAGIC, .cpu = index % c->cpus, .channel = index};
	struct gofer_sock_rsp rsp = {0};
	int fd = -1, err;
	long n = 0;

	mutex_lock(&c->open_lock);
	err = gofer_sock_send(c->sock, &req, sizeof(req), -1);
	if (!err)
		n = gofer_sock_recv(c->sock, &rsp, sizeof(rsp), &fd, false);
	mutex_unlock(&c->open_lock);
	if (!err && n == sizeof(rsp) && rsp.magic == GOFER_SOCK_MAGIC && rsp.result == 0 &&
	    rsp.channel == index && fd >= 0) {
		c->channels[index].sock = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	client_die(c, err || n <= 0 ? "the gofer has died" : "the gofer gives no channel");
	return -EIO;
}

/* A channel of the present CPU, locked: a free one, or in the end the first. */
static struct client_channel *channel_lock(struct gofer_client *c)
{
	u32 cpu = client_cpu() % c->cpus;

	for (u32 i = cpu; i < c->channel_count; i += c->cpus)
		if (mutex_trylock(&c->channels[i].lock))
			return &c->channels[i];
	mutex_lock(&c->channels[cpu].lock);
	return &c->channels[cpu];
}

/* Puts the head, and the ids that wait to be given back. */
static void put_head(struct rpc *k, u32 op, u32 flags, gofer_id id)
{
	struct gofer_req head = {.op = (u16)op, .flags = flags, .id = id};
	gofer_id ids[GOFER_RELEASE_MAX];

	mutex_lock(&k->c->release_lock);
	head.release = (u16)k->c->release_count;
	memcpy(ids, k->c->release, head.release * sizeof(ids[0]));
	k->c->release_count = 0;
	mutex_unlock(&k->c->release_lock);
	rpc_put(k, &head, sizeof(head));
	rpc_put(k, ids, head.release * sizeof(ids[0]));
}

int rpc_begin(struct rpc *k, struct gofer_client *c, u32 op, u32 flags, gofer_id id)
{
	int err = 0;

	if (c->dead)
		return -EIO;
	*k = (struct rpc){.c = c, .ch = channel_lock(c)};
	if (k->ch->sock < 0)
		err = channel_open(c, (u32)(k->ch - c->channels));
	if (err) {
		mutex_unlock(&k->ch->lock);
		return err;
	}
	put_head(k, op, flags, id);
	return 0;
}

void rpc_put(struct rpc *k, const void *p, size_t n)
{
	if (GOFER_REQ_MAX - k->out < n) {
		k->error = -E2BIG;
		return;
	}
	if (n)
		memcpy(k->ch->shm->req + k->out, p, n);
	k->out += (u32)n;
}

void rpc_string(struct rpc *k, const char *s, size_t n, size_t max)
{
	u16 size = (u16)n;

	if (n > max) {
		k->error = -ENAMETOOLONG;
		return;
	}
	rpc_put(k, &size, sizeof(size));
	rpc_put(k, s, n);
}

int rpc_broken(struct rpc *k)
{
	client_die(k->c, "the gofer broke the protocol");
	return -EIO;
}

/* Passes the request over and sleeps until the answer is there. */
static int round_trip(struct rpc *k)
{
	struct gofer_channel_shm *shm = k->ch->shm;
	u32 seq = ++k->ch->seq;

	atomic_store_explicit(&shm->req_size, k->out, memory_order_relaxed);
	atomic_store_explicit(&shm->req_seq, seq, memory_order_release);
	raw_futex_wake(&shm->req_seq, 1);
	/* HOST_CALL(sched_yield) */
	for (int i = 0;
	     i < YIELDS && atomic_load_explicit(&shm->rsp_seq, memory_order_relaxed) != seq; i++)
		sched_yield();
	for (;;) {
		u32 seen = atomic_load_explicit(&shm->rsp_seq, memory_order_acquire);

		if (k->c->dead)
			return -EIO;
		if (seen == seq)
			return 0;
		if (raw_futex_wait(&shm->rsp_seq, seen, LOOK_NS) == -ETIMEDOUT &&
		    gofer_sock_hung_up(k->c->sock))
			gofer_client_hangup(k->c);
	}
}

int rpc_send(struct rpc *k)
{
	struct gofer_rsp head;
	char byte;
	int err = k->error;

	if (err) /* the ids in the request are not lost: they are held until the gofer ends */
		return err;
	atomic_fetch_add_explicit(&k->c->requests, 1, memory_order_relaxed);
	err = round_trip(k);
	if (err)
		return err;
	k->in_size = atomic_load_explicit(&k->ch->shm->rsp_size, memory_order_relaxed);
	if (k->in_size > GOFER_RSP_MAX || rpc_take(k, &head, sizeof(head)))
		return rpc_broken(k);
	if (head.fds && (head.fds > GOFER_FDS_MAX ||
			 gofer_sock_recv_fds(k->ch->sock, &byte, 1, &k->fds, true) < 0 ||
			 k->fds.count > head.fds))
		return rpc_broken(k);
	if (head.result > 0 || head.result < -ERRNO_LAST)
		return rpc_broken(k);
	if (k->fds.count < head.fds) /* our table is full: the host left some out */
		return -ENFILE;
	return head.result;
}

int rpc_take(struct rpc *k, void *p, size_t n)
{
	if (k->in_size - k->in < n)
		return -EIO;
	memcpy(p, k->ch->shm->rsp + k->in, n);
	k->in += (u32)n;
	return 0;
}

int rpc_take_fd(struct rpc *k)
{
	return k->fds_taken < k->fds.count ? k->fds.fd[k->fds_taken++] : -1;
}

void rpc_done(struct rpc *k)
{
	while (k->fds_taken < k->fds.count)
		close(rpc_take_fd(k));
	mutex_unlock(&k->ch->lock);
}

void gofer_release(struct gofer_client *c, gofer_id id, bool now)
{
	struct rpc k;
	bool full;

	atomic_fetch_sub_explicit(&c->ids, 1, memory_order_relaxed);
	for (;;) {
		mutex_lock(&c->release_lock);
		full = c->release_count == GOFER_RELEASE_MAX;
		if (!full)
			c->release[c->release_count++] = id;
		mutex_unlock(&c->release_lock);
		if (!full && !now)
			return;
		if (rpc_begin(&k, c, GOFER_NOP, 0, 0) < 0)
			return;
		rpc_send(&k);
		rpc_done(&k);
		if (!full)
			return;
	}
}
