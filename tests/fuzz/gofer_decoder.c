/* libs: gofer_proto */
/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_decoder.c - libFuzzer target: a hostile client's requests
 *
 * The input is a sequence of requests, each a u16 size and that many bytes, given to a server over
 * a small tree that is made anew for each input's worth of damage (every 256 inputs). Id fields are
 * mapped onto ids that exist half of the time, or nothing but -ESTALE would ever be reached.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gofer/server_internal.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct gofer_server *g_s;
static u8 g_rsp[GOFER_RSP_MAX];
static char g_dir[64];

static void remove_tree(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", g_dir);
	if (g_dir[0] && system(cmd) != 0)
		abort();
}

static void start(void)
{
	struct gofer_tree trees[2];
	struct gofer_config cfg = {.trees = trees, .tree_count = 2, .id_max = 64};
	char cmd[256];

	if (g_s)
		server_destroy(g_s);
	else
		atexit(remove_tree);
	remove_tree();
	strcpy(g_dir, "/tmp/gofer-fuzz-XXXXXX");
	if (!mkdtemp(g_dir))
		abort();
	snprintf(cmd, sizeof(cmd), "cd %s && mkdir -p d/e && echo x >f && ln -s /etc l && mkfifo p",
		 g_dir);
	if (system(cmd) != 0)
		abort();
	trees[0] = (struct gofer_tree){.root_fd = open(g_dir, O_PATH | O_CLOEXEC)};
	trees[1] = (struct gofer_tree){.root_fd = trees[0].root_fd, .readonly = true};
	cfg.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (server_create(&cfg, &g_s) < 0)
		abort();
}

/* Runs one request of at most @size bytes; bytes consumed. */
static size_t one(const u8 *data, size_t size)
{
	u8 req[4096];
	struct gofer_req head;
	size_t n;
	struct gofer_fds fds;

	if (size < 2)
		return size;
	n = (data[0] | (size_t)data[1] << 8) % sizeof(req);
	if (n > size - 2)
		n = size - 2;
	memcpy(req, data + 2, n);
	if (n >= sizeof(head)) {
		memcpy(&head, req, sizeof(head));
		head.op %= GOFER_OP_COUNT + 1;
		if (head.op != GOFER_ATTACH && (head.id & 1)) {
			u32 slot = 1 + (u32)(head.id >> 1) % 8;

			head.id = GOFER_ID(slot, g_s->slots[slot].gen);
		}
		memcpy(req, &head, sizeof(head));
	}
	if (call_run(g_s, req, n, g_rsp, &fds) > GOFER_RSP_MAX)
		abort();
	gofer_fds_close(&fds);
	return n + 2;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static unsigned inputs;

	if (inputs++ % 256 == 0)
		start();
	while (size > 0) {
		size_t n = one(data, size);

		data += n;
		size -= n;
	}
	return 0;
}
