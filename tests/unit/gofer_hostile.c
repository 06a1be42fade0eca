/* libs: gofer_proto */
/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_hostile.c - a client that sends nonsense gets an error and nothing else
 *
 * Most tests give requests to the decoder in this process, over a directory with a canary beside
 * it; some write into the shared memory of a real, confined gofer.
 */
#include "gofer/channel.h"
#include "gofer/client_internal.h"
#include "gofer/server_internal.h"
#include "tests/unit/gofer_test.h"

static struct gofer_server *g_s;
static char g_dir[64];
static u8 g_req[GOFER_REQ_MAX], g_rsp[GOFER_RSP_MAX];
static size_t g_n;

static void setup(void)
{
	struct gofer_tree trees[2];
	struct gofer_config cfg = {.trees = trees, .tree_count = 2, .id_max = 500};
	char cmd[256];

	strcpy(g_dir, "/tmp/gofer-hostile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(g_dir));
	snprintf(cmd, sizeof(cmd),
		 "cd %s && mkdir -p tree/d && echo no >canary && echo x >tree/f && "
		 "ln -s ../canary tree/up && ln -s / tree/root && ln -s d tree/dl && mkfifo tree/p",
		 g_dir);
	ck_assert_int_eq(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s/tree", g_dir);
	trees[0] = (struct gofer_tree){.root_fd = open(cmd, O_PATH)};
	trees[1] = (struct gofer_tree){.root_fd = open(cmd, O_PATH), .readonly = true};
	cfg.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY);
	ck_assert_int_eq(server_create(&cfg, &g_s), 0);
}

static void teardown(void)
{
	char cmd[256];

	server_destroy(g_s);
	snprintf(cmd, sizeof(cmd), "test \"$(cat %s/canary)\" = no && rm -rf %s", g_dir, g_dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void start(u32 op, u32 flags, gofer_id id)
{
	struct gofer_req head = {.op = (u16)op, .flags = flags, .id = id};

	memcpy(g_req, &head, sizeof(head));
	g_n = sizeof(head);
}

static void add(const void *p, size_t n)
{
	memcpy(g_req + g_n, p, n);
	g_n += n;
}

static void add_name(const char *name)
{
	u16 n = (u16)strlen(name);

	add(&n, sizeof(n));
	add(name, n);
}

/* Runs the request; the result. Descriptors are closed and counted. */
static int g_fds;
static int run(void)
{
	struct gofer_rsp head;
	struct gofer_fds fds;
	u32 n = call_run(g_s, g_req, g_n, g_rsp, &fds);

	ck_assert_uint_le(n, GOFER_RSP_MAX);
	memcpy(&head, g_rsp, sizeof(head));
	ck_assert(head.result <= 0 && head.result > -4096);
	ck_assert_uint_eq(head.fds, fds.count);
	g_fds += (int)fds.count;
	gofer_fds_close(&fds);
	return head.result;
}

static gofer_id attach(u32 tree)
{
	struct gofer_attach_rsp rsp;

	start(GOFER_ATTACH, 0, tree);
	ck_assert_int_eq(run(), 0);
	memcpy(&rsp, g_rsp + sizeof(struct gofer_rsp), sizeof(rsp));
	return rsp.root.id;
}

/* Walks @count times @name (count as claimed): the error of the request or of the walk. */
static int walk(gofer_id dir, const char *name, u32 claimed, u32 sent)
{
	struct gofer_walk_req req = {.count = claimed};
	struct gofer_walk_rsp rsp;
	int err;

	start(GOFER_WALK, GOFER_WALK_OPEN_READ, dir);
	add(&req, sizeof(req));
	for (u32 i = 0; i < sent; i++)
		add_name(name);
	err = run();
	if (err)
		return err;
	memcpy(&rsp, g_rsp + sizeof(struct gofer_rsp), sizeof(rsp));
	return rsp.error;
}

START_TEST(names)
{
	static const char *const bad[] = {"..", ".", "", "/", "/etc", "d/..", "../canary", "f/"};
	gofer_id root = attach(0);
	char longest[400];

	for (size_t i = 0; i < array_size(bad); i++) {
		ck_assert_int_eq(walk(root, bad[i], 1, 1), -EINVAL);
		start(GOFER_UNLINK, 0, root);
		add_name(bad[i]);
		ck_assert_int_eq(run(), -EINVAL);
		start(GOFER_RENAME, 0, root);
		add(&root, sizeof(root));
		add_name("f");
		add_name(bad[i]);
		ck_assert_int_eq(run(), -EINVAL);
	}
	memset(longest, 'x', sizeof(longest));
	longest[256] = 0;
	ck_assert_int_eq(walk(root, longest, 1, 1), -ENAMETOOLONG);
	longest[255] = 0;
	ck_assert_int_eq(walk(root, longest, 1, 1), -ENOENT);
	start(GOFER_UNLINK, 0, root);
	add("\3\0a\0b", 5);
	ck_assert_int_eq(run(), -EINVAL);
}
END_TEST

START_TEST(counts)
{
	gofer_id root = attach(0);
	struct gofer_req head = {.op = GOFER_NOP, .release = UINT16_MAX};

	ck_assert_int_eq(walk(root, "d", 0, 0), -EINVAL);
	ck_assert_int_eq(walk(root, "d", 0, 1), -EINVAL);
	ck_assert_int_eq(walk(root, "d", 2, 1), -EINVAL);
	ck_assert_int_eq(walk(root, "d", 1, 2), -EINVAL);
	ck_assert_int_eq(walk(root, "d", GOFER_WALK_MAX + 1, GOFER_WALK_MAX + 1), -EINVAL);
	ck_assert_int_eq(walk(root, "d", UINT32_MAX, 100), -EINVAL);
	memcpy(g_req, &head, sizeof(head));
	g_n = sizeof(head);
	ck_assert_int_eq(run(), -EINVAL);
	g_n = sizeof(g_req);
	ck_assert_int_eq(run(), -EINVAL);
	for (g_n = 0; g_n < sizeof(head); g_n++)
		ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_OP_COUNT, 0, root);
	ck_assert_int_eq(run(), -ENOSYS);
	start(0, 0, root);
	ck_assert_int_eq(run(), -ENOSYS);
	start(GOFER_GETATTR, 1, root);
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_GETATTR, 0, root);
	add("x", 1);
	ck_assert_int_eq(run(), -EINVAL);
}
END_TEST

START_TEST(stale_ids)
{
	gofer_id root = attach(0), second = attach(0);
	struct gofer_req head = {.op = GOFER_NOP, .release = 1};

	start(GOFER_GETATTR, 0, GOFER_ID(GOFER_ID_SLOT(root), GOFER_ID_GEN(root) + 1));
	ck_assert_int_eq(run(), -ESTALE);
	start(GOFER_GETATTR, 0, 0);
	ck_assert_int_eq(run(), -ESTALE);
	start(GOFER_GETATTR, 0, GOFER_ID(UINT32_MAX, 1));
	ck_assert_int_eq(run(), -ESTALE);
	memcpy(g_req, &head, sizeof(head));
	g_n = sizeof(head);
	add(&second, sizeof(second));
	ck_assert_int_eq(run(), 0);
	ck_assert_int_eq(run(), 0); /* twice is once */
	start(GOFER_GETATTR, 0, second);
	ck_assert_int_eq(run(), -ESTALE);
	ck_assert(attach(0) != second); /* the slot is used again, under another generation */
	start(GOFER_GETATTR, 0, second);
	ck_assert_int_eq(run(), -ESTALE);
}
END_TEST

START_TEST(symlinks)
{
	static const char *const links[] = {"up", "root", "dl"};
	struct gofer_walk_rsp rsp;
	struct gofer_node node;
	gofer_id root = attach(0);

	for (size_t i = 0; i < array_size(links); i++) {
		struct gofer_walk_req req = {.count = 2};

		start(GOFER_WALK, GOFER_WALK_OPEN_READ, root);
		add(&req, sizeof(req));
		add_name(links[i]);
		add_name("etc");
		ck_assert_int_eq(run(), 0);
		memcpy(&rsp, g_rsp + sizeof(struct gofer_rsp), sizeof(rsp));
		memcpy(&node, g_rsp + sizeof(struct gofer_rsp) + sizeof(rsp), sizeof(node));
		ck_assert_uint_eq(rsp.count, 1);
		ck_assert(S_ISLNK(node.attr.mode));
		ck_assert_uint_gt(rsp.target_size, 0);
		ck_assert_int_eq(walk(node.id, "etc", 1, 1), -ENOTDIR);
		start(GOFER_OPEN, GOFER_OPEN_READ, node.id);
		ck_assert_int_eq(run(), -ELOOP);
	}
	ck_assert_int_eq(g_fds, 0);
}
END_TEST

START_TEST(open_names)
{
	struct gofer_open_names_req req = {.count = 3};
	struct gofer_opened opened[3];
	gofer_id root = attach(1);

	start(GOFER_OPEN_NAMES, 0, root);
	add(&req, sizeof(req));
	add_name("root"); /* a link */
	add_name("none");
	add_name(".hidden"); /* no such file either */
	ck_assert_int_eq(run(), 0);
	memcpy(opened, g_rsp + sizeof(struct gofer_rsp), sizeof(opened));
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(opened[i].has_fd + opened[i].ino, 0);
	ck_assert_int_eq(g_fds, 0);
	for (u32 count = 0; count < 4; count++) { /* more and fewer names than claimed, none */
		req.count = count == 3 ? GOFER_FDS_MAX + 1 : count;
		start(GOFER_OPEN_NAMES, 0, root);
		add(&req, sizeof(req));
		add_name("root");
		if (count == 0)
			add_name("root");
		if (count != 1)
			ck_assert_int_eq(run(), -EINVAL);
	}
	req.count = 1;
	start(GOFER_OPEN_NAMES, 0, root);
	add(&req, sizeof(req));
	add_name("..");
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_OPEN_NAMES, 1, root);
	add(&req, sizeof(req));
	add_name("root");
	ck_assert_int_eq(run(), -EINVAL);
}
END_TEST

START_TEST(bad_values)
{
	struct gofer_setattr_req set = {.mode = 0777};
	struct gofer_make_req make = {.mode = S_IFBLK | 0666, .rdev_major = 8};
	struct gofer_fallocate_req fa = {.offset = UINT64_MAX, .size = 1};
	struct gofer_readdir_req rd = {.size = 1};
	struct gofer_xattr_req xa = {.size = UINT32_MAX};
	gofer_id root = attach(0), ro = attach(1);

	set.mode = 0xffffffff;
	start(GOFER_SETATTR, GOFER_SET_MODE, root);
	add(&set, sizeof(set));
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_MKNOD, 0, root);
	add(&make, sizeof(make));
	add_name("sda");
	ck_assert_int_eq(run(), -EPERM);
	make.mode = 0x12345678;
	start(GOFER_MKNOD, 0, root);
	add(&make, sizeof(make));
	add_name("what");
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_FALLOCATE, 0, root);
	add(&fa, sizeof(fa));
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_READDIR, GOFER_READDIR_NAME, root);
	rd.size = 8192;
	add(&rd, sizeof(rd));
	ck_assert_int_eq(run(), -EINVAL); /* no name */
	add_name("root");
	ck_assert_int_eq(run(), -ENOTDIR); /* a link is not followed */
	start(GOFER_READDIR, GOFER_READDIR_NAME, root);
	add(&rd, sizeof(rd));
	add_name("..");
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_READDIR, 0, root); /* a name that was not announced */
	add(&rd, sizeof(rd));
	add_name("root");
	ck_assert_int_eq(run(), -EINVAL);
	rd.size = 1;
	start(GOFER_READDIR, 0, root);
	add(&rd, sizeof(rd));
	ck_assert_int_eq(run(), -EINVAL);
	rd = (struct gofer_readdir_req){.size = UINT32_MAX, .cookie = UINT64_MAX};
	start(GOFER_READDIR, 0, root);
	add(&rd, sizeof(rd));
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_SETXATTR, 0, root);
	add(&xa, sizeof(xa));
	add_name("user.x");
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_RENAME, 0, root);
	add(&ro, sizeof(ro));
	add_name("f");
	add_name("g");
	ck_assert_int_eq(run(), -EROFS);
	start(GOFER_OPEN, GOFER_OPEN_TRUNC | GOFER_OPEN_READ, root);
	ck_assert_int_eq(run(), -EINVAL);
	start(GOFER_OPEN, 0xfff0, root);
	ck_assert_int_eq(run(), -EINVAL);
}
END_TEST

/* Random requests, half of them with a valid head. What lasts is decided by the seed alone. */
START_TEST(random_requests)
{
	gofer_id ids[2] = {attach(0), attach(1)};
	unsigned seed = 4711;

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand_r(&seed) % 200;
		struct gofer_req head = {.op = (u16)(rand_r(&seed) % (GOFER_OP_COUNT + 1)),
					 .release = rand_r(&seed) % 16 ? 0 : 3,
					 .flags = (u32)rand_r(&seed) % 4,
					 .id = rand_r(&seed) % 8 ? ids[rand_r(&seed) % 2]
								 : (gofer_id)rand_r(&seed)};

		g_n = 0;
		if (rand_r(&seed) % 4)
			add(&head, sizeof(head));
		for (size_t i = 0; i < n; i++) {
			u8 b = (u8)(rand_r(&seed) >> 8);

			b = rand_r(&seed) % 3 ? b % 4 : b; /* small counts and lengths */
			add(&b, 1);
		}
		run();
	}
	ck_assert_uint_le(g_s->id_count, 500);
}
END_TEST

START_TEST(nonsense_in_shared_memory)
{
	struct test_gofer g;
	struct gofer_attach_rsp root;
	struct gofer_sock_req req = {.magic = GOFER_SOCK_MAGIC, .channel = 1u << 30};
	struct gofer_sock_rsp rsp;
	struct gofer_channel_shm *shm;
	int fd, status;

	test_gofer_start(&g);
	ck_assert_int_eq(gofer_attach(g.c, 0, &root), 0);
	/* channels that do not exist, messages that are none, descriptors nobody asked for */
	ck_assert_int_eq(gofer_sock_send(g.sock, &req, sizeof(req), 0), 0);
	ck_assert_int_eq(gofer_sock_recv(g.sock, &rsp, sizeof(rsp), &fd, false), sizeof(rsp));
	ck_assert_int_eq(rsp.result, -EINVAL);
	ck_assert_int_eq(gofer_sock_send(g.sock, "hello", 5, 0), 0);
	ck_assert_int_eq(gofer_sock_recv(g.sock, &rsp, sizeof(rsp), &fd, false), sizeof(rsp));
	ck_assert_int_eq(rsp.result, -EINVAL);
	/* sizes beyond the memory, and the memory taken away */
	for (u32 i = 0; i < g.c->channel_count; i++) {
		shm = g.c->channels[i].shm;
		if (g.c->channels[i].sock < 0)
			continue;
		for (u32 size = 1; size; size <<= 1) {
			u32 seq = ++g.c->channels[i].seq;

			shm->req_size = size;
			shm->req_seq = seq;
			while (shm->rsp_seq != seq)
				syscall(202 /* futex */, &shm->req_seq, 1, 1, NULL, NULL, 0);
			ck_assert_uint_le(shm->rsp_size, GOFER_RSP_MAX);
		}
	}
	ck_assert_int_lt(ftruncate(g.shm, 0), 0);
	ck_assert_int_eq(gofer_attach(g.c, 0, &root), 0);
	ck_assert_int_eq(waitpid(g.pid, &status, WNOHANG), 0);
	test_gofer_stop(&g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gofer_hostile");
	TCase *t = tcase_create("decoder"), *p = tcase_create("process");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, names);
	tcase_add_test(t, counts);
	tcase_add_test(t, stale_ids);
	tcase_add_test(t, symlinks);
	tcase_add_test(t, bad_values);
	tcase_add_test(t, open_names);
	tcase_add_test(t, random_requests);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(p, nonsense_in_shared_memory);
	suite_add_tcase(s, p);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
