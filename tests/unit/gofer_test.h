/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_test.h - a gofer in a process of its own, over a scratch directory */
#ifndef TESTS_UNIT_GOFER_TEST_H
#define TESTS_UNIT_GOFER_TEST_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gofer/client.h"
#include "gofer/server.h"

struct test_gofer {
	char dir[64];
	int pid;
	u32 index;
	struct gofer_client *c;
	int sock, shm; /* the client's */
};

static inline void test_gofer_child(const struct test_gofer *g, int sock, u32 tree_count)
{
	struct gofer_tree trees[3];
	char file[96];
	struct gofer_config cfg = {.trees = trees,
				   .tree_count = tree_count,
				   .sock = sock,
				   .shm_fd = g->shm,
				   .id_max = 1000,
				   .unconfined = getenv("GOFER_TEST_UNCONFINED") != NULL};

	snprintf(file, sizeof(file), "%s/file", g->dir);
	cfg.proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	trees[0] = (struct gofer_tree){.root_fd = open(g->dir, O_PATH)};
	trees[1] = (struct gofer_tree){.root_fd = open(g->dir, O_PATH), .readonly = true};
	trees[2] = (struct gofer_tree){.root_fd = open(file, O_PATH | O_NOFOLLOW)};
	_exit(gofer_serve(&cfg) ? 3 : 0);
}

/* Starts a gofer with two trees on a new directory: 0 may be changed, 1 not; and 2, the file
 * "file". */
static inline void test_gofer_start(struct test_gofer *g)
{
	u32 cpus = (u32)sysconf(_SC_NPROCESSORS_CONF);
	char cmd[256];
	int pair[2];

	*g = (struct test_gofer){.dir = "/tmp/gofer-test-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(g->dir));
	snprintf(cmd, sizeof(cmd),
		 "cd %s && echo hello >file && mkdir -p a/b/c && ln -s /etc out && "
		 "ln -s file link && mkfifo fifo && chmod 755 .",
		 g->dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	g->shm = gofer_shm_create(cpus);
	ck_assert_int_ge(g->shm, 0);
	g->pid = fork();
	ck_assert_int_ge(g->pid, 0);
	if (g->pid == 0) {
		close(pair[0]);
		test_gofer_child(g, pair[1], 3);
	}
	close(pair[1]);
	g->sock = pair[0];
	ck_assert_int_eq(gofer_client_create(pair[0], g->shm, cpus, &g->index), 0);
	g->c = gofer_client_at(g->index);
}

/* Ends it; its exit status must be 0: no filter or assertion killed it. */
static inline void test_gofer_stop(struct test_gofer *g)
{
	char cmd[128];
	int status;

	gofer_client_destroy(g->index);
	ck_assert_int_eq(waitpid(g->pid, &status, 0), g->pid);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", g->dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "gofer ended with %x", status);
}

#endif
