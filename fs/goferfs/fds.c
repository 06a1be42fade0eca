/* SPDX-License-Identifier: Apache-2.0 */
/* fds.c - donated descriptors: one per file and kind of rights, shared by all its open files
 *
 * Theory of operation: an open takes what is there when the rights allow, else asks the gofer.
 * While a file is open (opens > 0) its descriptors stay; afterwards they wait on one LRU list for
 * the next open, until there are too many. Descriptors are host resources: after a restore they are
 * -1 and asked for anew.
 */
#include "fs/goferfs/goferfs_internal.h"
#include "platform/host/host.h"

static struct mutex g_lock =
	MUTEX_INIT(LR_FSPRIV); /* guards all below, and as goferfs_internal.h says */
static struct list g_lru = LIST_INIT(g_lru);
static u32 g_unused; /* descriptors of the nodes on g_lru */
static u32 g_unused_max = 1024;

void goferfs_limit_fds(u32 max)
{
	g_unused_max = max;
	ahead_limit(max / 4);
}

static u32 count_fds(const struct gnode *g)
{
	u32 n = 0;

	for (int k = 0; k < FD_COUNT; k++)
		n += g->fd[k] >= 0;
	return n;
}

/* Takes all descriptors of @g out. g_lock held. */
static void take_fds(struct gnode *g, int fds[FD_COUNT])
{
	for (int k = 0; k < FD_COUNT; k++) {
		fds[k] = g->fd[k];
		g->fd[k] = -1;
	}
}

static void close_fds(const int fds[FD_COUNT])
{
	for (int k = 0; k < FD_COUNT; k++)
		if (fds[k] >= 0)
			host_close(fds[k]);
}

/* g_lock held. */
static void lru_del(struct gnode *g)
{
	if (list_empty(&g->lru))
		return;
	list_del(&g->lru);
	g_unused -= count_fds(g);
}

int gfds_read(const struct gnode *g)
{
	int fd = g->fd[FD_RDWR];

	return fd >= 0 ? fd : g->fd[FD_READ];
}

int gfds_write(const struct gnode *g)
{
	int fd = g->fd[FD_RDWR];

	return fd >= 0 ? fd : g->fd[FD_WRITE];
}

static bool have(const struct gnode *g, u32 mode)
{
	return (!(mode & FMODE_READ) || gfds_read(g) >= 0) &&
	       (!(mode & FMODE_WRITE) || gfds_write(g) >= 0);
}

/* Puts @fd in its place unless there is one: then closes it. */
static void install(struct gnode *g, int kind, int fd)
{
	mutex_lock(&g_lock);
	if (g->fd[kind] < 0) {
		g->fd[kind] = fd;
		fd = -1;
	}
	mutex_unlock(&g_lock);
	if (fd >= 0)
		host_close(fd);
}

/* Closes descriptors that no file uses, some at a time: false when there are none. */
static bool drop_unused(void)
{
	int fds[FD_COUNT];
	struct gnode *g;
	bool any = false;

	for (int i = 0; i < 32; i++) {
		mutex_lock(&g_lock);
		g = list_empty(&g_lru) ? NULL : list_first(&g_lru, struct gnode, lru);
		if (g) {
			lru_del(g);
			take_fds(g, fds);
		}
		mutex_unlock(&g_lock);
		if (!g)
			return any;
		close_fds(fds);
		any = true;
	}
	return any;
}

/* Asks the gofer. For writing, reading is wanted too, so that one descriptor does for all; files
 * that may only be written have it less. */
static int ask(struct gnode *g, u32 mode)
{
	int kind = mode & FMODE_WRITE ? FD_RDWR : FD_READ, fd = -1, err;
	u32 flags = GOFER_OPEN_READ | (mode & FMODE_WRITE ? GOFER_OPEN_WRITE : 0);
	struct gofer_attr attr;
	gofer_id id;

	if (!(mode & FMODE_WRITE))
		fd = ahead_open(g);
	err = fd >= 0 ? 0 : gnode_id(g, &id, mode & FMODE_WRITE ? NULL : &fd);
	if (err)
		return err;
	if (fd >= 0) { /* was opened ahead, or came along with the id */
		install(g, FD_READ, fd);
		return 0;
	}
	err = gofer_open(gclient(g->gs), id, flags, &attr, &fd);
	if (err == -EACCES && (mode & FMODE_WRITE) && !(mode & FMODE_READ)) {
		kind = FD_WRITE;
		err = gofer_open(gclient(g->gs), id, GOFER_OPEN_WRITE, &attr, &fd);
	}
	if (err)
		return err;
	install(g, kind, fd);
	return 0;
}

/* An open file without an id could lose its last name now: either we see `going`, or who removes it
 * sees us (opens). */
static int id_before_it_goes(struct gnode *g)
{
	gofer_id id;

	return !g->id && g->going ? gnode_id(g, &id, NULL) : 0;
}

void gfds_before_removal(struct gnode *g)
{
	gofer_id id;
	bool open;

	if (g->id)
		return;
	g->going = 1;
	mutex_lock(&g_lock);
	open = g->opens > 0;
	mutex_unlock(&g_lock);
	if (open)
		gnode_id(g, &id, NULL); /* an error is the removal's, too */
}

void gfds_removal_failed(struct gnode *g)
{
	g->going = 0;
}

int gfds_get(struct gnode *g, u32 mode)
{
	int err = 0;

	mutex_lock(&g_lock);
	lru_del(g);
	g->opens++;
	mutex_unlock(&g_lock);
	if (!have(g, mode))
		err = ask(g, mode);
	while (err == -ENFILE && drop_unused()) /* our own table is full */
		err = ask(g, mode);
	if (!err)
		err = id_before_it_goes(g);
	if (err)
		gfds_put(g);
	return err;
}

int gfds_pin(struct gnode *g)
{
	int fd = -1;

	mutex_lock(&g_lock);
	for (int k = 0; k < FD_COUNT && fd < 0; k++)
		fd = g->fd[k];
	if (fd >= 0) {
		lru_del(g);
		g->opens++;
	}
	mutex_unlock(&g_lock);
	return fd;
}

void gfds_get_created(struct gnode *g, int kind, int fd)
{
	mutex_lock(&g_lock);
	lru_del(g);
	g->opens++;
	mutex_unlock(&g_lock);
	install(g, kind, fd);
}

void gfds_donate(struct gnode *g, int kind, int fd)
{
	gfds_get_created(g, kind, fd);
	gfds_put(g);
}

void gfds_put(struct gnode *g)
{
	int fds[FD_COUNT] = {-1, -1, -1};
	struct gnode *old;

	mutex_lock(&g_lock);
	BUG_ON(g->opens == 0);
	if (--g->opens == 0 && count_fds(g)) {
		list_append(&g_lru, &g->lru);
		g_unused += count_fds(g);
	}
	if (g_unused > g_unused_max) {
		old = list_first(&g_lru, struct gnode, lru);
		lru_del(old);
		take_fds(old, fds);
	}
	mutex_unlock(&g_lock);
	close_fds(fds);
}

void gfds_close_all(struct gnode *g)
{
	int fds[FD_COUNT];

	mutex_lock(&g_lock);
	BUG_ON(g->opens);
	lru_del(g);
	take_fds(g, fds);
	mutex_unlock(&g_lock);
	close_fds(fds);
}
