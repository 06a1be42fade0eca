/* libs: gofer_proto */
/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_client.c - libFuzzer target: a hostile gofer's answers
 *
 * The input is a sequence of calls, each a byte that says which, and what the gofer answers:
 * whether a descriptor comes along, a size, and bytes. The answer lies in the shared memory before
 * the request is made, so that nobody has to wait. Past the client values must be plausible.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gofer/client_internal.h"
#include "tests/fuzz/fuzz.h"

static struct gofer_channel_shm *g_shm;
static int g_shm_fd = -1;

struct peer {
	u32 index, calls;
	struct gofer_client *c;
	int sock, channel; /* the gofer's ends */
};

static void setup(void)
{
	g_shm_fd = memfd_create("channels", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	check(g_shm_fd >= 0 && ftruncate(g_shm_fd, sizeof(*g_shm)) == 0);
	check(fcntl(g_shm_fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	g_shm = mmap(NULL, sizeof(*g_shm), PROT_READ | PROT_WRITE, MAP_SHARED, g_shm_fd, 0);
	check(g_shm != MAP_FAILED);
}

/* A client whose request for a channel is already answered. */
static void connect_to(struct peer *p)
{
	struct gofer_sock_rsp rsp = {.magic = GOFER_SOCK_MAGIC};
	int sock[2], channel[2];

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) == 0);
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0);
	check(gofer_sock_send(sock[1], &rsp, sizeof(rsp), channel[0]) == 0);
	close(channel[0]);
	*p = (struct peer){.sock = sock[1], .channel = channel[1]};
	check(gofer_client_create(sock[0], dup(g_shm_fd), 1, &p->index) == 0);
	p->c = gofer_client_at(p->index);
}

/* Lays the answer to the next request down. */
static void answer(struct peer *p, struct input *in)
{
	struct gofer_rsp head = {.fds = (u32)take(in, 1) % 3};
	u32 size = (u32)take(in, 2);
	const u8 *bytes;
	size_t n;

	head.result = -(s32)(take(in, 1) % 8 ? 0 : take(in, 1));
	memcpy(g_shm->rsp, &head, sizeof(head));
	n = take_bytes(in, min(size, 4096u), &bytes);
	memcpy(g_shm->rsp + sizeof(head), bytes, n);
	if (head.fds == 1)
		check(gofer_sock_send(p->channel, "", 1, p->sock) == 0);
	atomic_store(&g_shm->rsp_size, size < 0xff00 ? sizeof(head) + n : size * 3);
	atomic_store(&g_shm->rsp_seq, ++p->calls);
}

static void check_attr(const struct gofer_attr *a)
{
	check(a->size <= INT64_MAX && a->mtime.nsec < NSEC_PER_SEC && (a->mode & S_IFMT));
}

static int entry(void *arg, const struct gofer_dirent *ent, const struct gofer_attr *attr,
		 const char *name)
{
	check(*name && strlen(name) == ent->name_size && !strchr(name, '/'));
	check(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
	if (attr)
		check_attr(attr);
	return 0;
}

static void walk(struct peer *p, u32 count)
{
	static struct gofer_node nodes[GOFER_WALK_MAX];
	static char target[GOFER_LINK_MAX];
	struct gofer_name names[GOFER_WALK_MAX];
	struct gofer_walk_result res = {.nodes = nodes, .fd = -1};

	for (u32 i = 0; i < count; i++)
		names[i] = (struct gofer_name){"name", 4};
	if (gofer_walk(p->c, 1, 0, 0, names, count, &res, target) < 0)
		return;
	check(res.count <= count && res.error <= 0 && res.target_size <= sizeof(target));
	for (u32 i = 0; i < res.count; i++)
		check_attr(&nodes[i].attr);
	if (res.fd >= 0)
		close(res.fd);
}

/* Calls whose answer is attributes, perhaps with a descriptor. */
static void attributes(struct peer *p, u32 which)
{
	struct gofer_setattr_req set = {0};
	struct gofer_make_req make = {0};
	struct gofer_node node = {0};
	int fd = -1, err;

	if (which == 0)
		err = gofer_getattr(p->c, 1, &node.attr);
	else if (which == 1)
		err = gofer_setattr(p->c, 1, 0, &set, &node.attr);
	else if (which == 2)
		err = gofer_open(p->c, 1, 0, &node.attr, &fd);
	else if (which == 3)
		err = gofer_create(p->c, 1, "name", 0, &make, &node, &fd);
	else
		err = gofer_symlink(p->c, 1, "name", "target", 0, 0, &node);
	if (!err)
		check_attr(&node.attr);
	check((!err && (which == 2 || which == 3)) == (fd >= 0));
	if (fd >= 0)
		close(fd);
}

static void one_call(struct peer *p, struct input *in)
{
	static char buf[GOFER_XATTR_MAX];
	struct gofer_attach_rsp root;
	struct gofer_statfs_rsp fs;
	u32 what = (u32)take(in, 1);
	u64 cookie = 0;
	bool end;

	answer(p, in);
	switch (what % 12) {
	case 0:
		if (gofer_attach(p->c, 0, &root) == 0)
			check_attr(&root.root.attr);
		break;
	case 1:
		walk(p, 1 + what / 12);
		break;
	case 2:
		gofer_readdir(p->c, 1, 0, &cookie, entry, NULL, &end);
		break;
	case 3:
		check(gofer_readlink(p->c, 1, buf) <= GOFER_LINK_MAX);
		break;
	case 4:
		check(gofer_getxattr(p->c, 1, "user.x", buf, what) <= (ssize_t)sizeof(buf));
		break;
	case 5:
		check(gofer_listxattr(p->c, 1, buf, what) <= (ssize_t)sizeof(buf));
		break;
	case 6:
		gofer_statfs(p->c, 1, &fs);
		break;
	default:
		attributes(p, what % 12 - 7);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	struct peer p;

	if (g_shm_fd < 0)
		setup();
	memset(g_shm, 0, offsetof(struct gofer_channel_shm, req));
	connect_to(&p);
	while (more(&in) && !gofer_client_dead(p.c))
		one_call(&p, &in);
	gofer_client_destroy(p.index);
	close(p.sock);
	close(p.channel);
	return 0;
}
