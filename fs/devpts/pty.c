/* SPDX-License-Identifier: Apache-2.0 */
/* pty.c - masters, /dev/ptmx, /dev/tty, and the devpts file system that shows the slaves (pts(4))
 *
 * One devpts instance serves the sandbox; numbers are 0..PTY_MAX-1, given out lowest first under
 * g_lock. A slave's inode exists in the file system while its master is open.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fs/devpts/tty_internal.h"
#include "sentry/kernel/kernel.h"
#include "sentry/mm/copy.h"

#define PTY_MAX	     4096
#define PTY_MAJOR    136
#define DEVPTS_MAGIC 0x1cd1
#define PTY_CHUNK    1024

static struct mutex g_lock = MUTEX_INIT(LR_FSPRIV);
static struct tty
	*g_ptys[PTY_MAX]; /* borrowed: while the master is open; host of pointers into the arena */
static u64 g_used[PTY_MAX / 64]; /* numbers in use: until the last reference on the tty is gone */
static struct super_block *g_sb; /* the last mounted instance */
static u32 g_gid, g_mode = 0600;

static int index_alloc(void)
{
	for (int i = 0; i < PTY_MAX; i++)
		if (!(g_used[i / 64] >> (i % 64) & 1)) {
			g_used[i / 64] |= 1ull << (i % 64);
			return i;
		}
	return -ENOSPC;
}

void pty_index_free(u32 index)
{
	if (index >= PTY_MAX)
		return;
	mutex_lock(&g_lock);
	g_used[index / 64] &= ~(1ull << (index % 64));
	mutex_unlock(&g_lock);
}

static struct tty *pty_lookup(u32 index)
{
	struct tty *tty = NULL;

	mutex_lock(&g_lock);
	if (index < PTY_MAX && g_ptys[index])
		tty = tty_get(g_ptys[index]);
	mutex_unlock(&g_lock);
	return tty;
}

/* --- slaves
 * ---------------------------------------------------------------------------------------- */

static int slave_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct tty *tty = pty_lookup(minor(inode->rdev));

	if (!tty)
		return -EIO;
	if (tty->locked || (tty->exclusive && !cred_capable(c->cred, 21))) {
		int err = tty->locked ? -EIO : -EBUSY;

		tty_put(tty);
		return err;
	}
	tty_opened(c, f, tty);
	return 0;
}

static const struct file_ops slave_ops = {.open = slave_open};

/* /dev/tty */
static int ctty_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct tty *tty = c->task ? tty_controlling(c->task) : NULL;

	if (!tty)
		return -ENXIO;
	f->flags |= O_NOCTTY;
	tty_opened(c, f, tty);
	return 0;
}

static const struct file_ops ctty_ops = {.open = ctty_open};

/* --- masters
 * --------------------------------------------------------------------------------------- */

static ssize_t master_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct tty *tty = f->data;
	u8 buf[PTY_CHUNK];
	size_t n = 0, room = min(to->left, sizeof(buf));
	long err = 0;

	mutex_lock(&tty->lock);
	if (tty->packet && room > 0 && (tty->packet_event || tty->out_head != tty->out_tail)) {
		buf[n++] = tty->packet_event;
		room = tty->packet_event ? n : room;
		tty->packet_event = 0;
	}
	while (n < room && tty->out_tail != tty->out_head)
		buf[n++] = tty->out[tty->out_tail++ % TTY_OUT_SIZE];
	if (n == 0 && to->left > 0)
		err = tty->slave_seen && tty->slaves == 0 ? -EIO : -EAGAIN;
	mutex_unlock(&tty->lock);
	if (err)
		return err;
	waitq_wake(&tty->in_wait, EPOLLOUT | EPOLLWRNORM);
	return copy_to_iter(buf, n, to) == n ? (ssize_t)n : -EFAULT;
}

static ssize_t master_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct tty *tty = f->data;
	u8 buf[PTY_CHUNK];
	ssize_t done = 0;

	while (from->left > 0) {
		struct iov_iter peek = *from;
		size_t n = min(from->left, sizeof(buf)), took;

		if (copy_from_iter(buf, n, &peek) != n)
			return done ? done : -EFAULT;
		took = tty_receive(tty, buf, n);
		iter_advance(from, took);
		done += took;
		if (took < n)
			return done ? done : -EAGAIN;
	}
	return done;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
	struct tty *tty = f->data;
	u32 mask = 0, used;

	poll_wait(f, &tty->out_wait, pt);
	mutex_lock(&tty->lock);
	used = tty->in.head - tty->in.tail;
	if (tty->out_head != tty->out_tail || tty->packet_event)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (tty->packet_event)
		mask |= EPOLLPRI;
	if (used < TTY_IN_SIZE - 1 ||
	    ((tty->termios.c_lflag & ICANON) && tty->in.canon == tty->in.tail))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (tty->slave_seen && tty->slaves == 0)
		mask |= EPOLLHUP;
	mutex_unlock(&tty->lock);
	return mask;
}

static void pty_room(struct tty *tty)
{
	waitq_wake(&tty->out_wait, EPOLLOUT | EPOLLWRNORM);
}

static void pty_output(struct tty *tty)
{
	waitq_wake(&tty->out_wait, EPOLLIN | EPOLLRDNORM);
}

static const struct tty_driver pty_driver = {.output = pty_output, .room = pty_room};

static void forget_slave(struct tty *tty)
{
	char name[12];
	bool is_new;
	struct dentry *d;

	snprintf(name, sizeof(name), "%u", tty->index);
	if (!g_sb)
		return;
	mutex_lock(&g_sb->root->inode->lock);
	d = dentry_lookup_or_new(g_sb->root, name, strlen(name), &is_new);
	mutex_unlock(&g_sb->root->inode->lock);
	if (d) {
		dentry_drop(d);
		dentry_put(d);
	}
}

void pts_remove(struct tty *tty)
{
	if (tty->index >= PTY_MAX)
		return;
	mutex_lock(&g_lock);
	g_ptys[tty->index] = NULL;
	mutex_unlock(&g_lock);
	forget_slave(tty);
}

static void master_release(struct file *f)
{
	struct tty *tty = f->data;

	pts_remove(tty);
	mutex_lock(&tty->lock);
	tty->master = false;
	mutex_unlock(&tty->lock);
	tty_hangup(tty);
	if (tty->session)
		tty_disassociate(tty, tty->session);
	tty_put(tty);
}

static long int_in(struct caller *c, u64 arg, s32 *out)
{
	return copy_in_obj(c->mm, out, GVA(arg));
}

/* TIOCGPTPEER: the slave, without a path. */
static long open_peer(struct caller *c, struct tty *tty, u64 flags)
{
	struct inode *inode;
	struct file *f;
	char name[24];
	int fd;

	snprintf(name, sizeof(name), "/dev/pts/%u", tty->index);
	inode = inode_create(g_sb, NULL, &tty_file_ops, S_IFCHR | g_mode, tty->index + 3);
	if (!inode)
		return -ENOMEM;
	inode->rdev = tty->rdev;
	f = file_anon(c, name, &tty_file_ops, tty_get(tty),
		      flags & (O_ACCMODE | O_NONBLOCK | O_NOCTTY), inode, 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	tty_opened(c, f, tty);
	fd = fd_install(c->task, f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long master_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	struct tty *tty = f->data;
	long err;
	s32 n;

	switch (cmd) {
	case TIOCGPTN:
		return copy_out_obj(c->mm, GVA(arg), &tty->index);
	case TIOCSPTLCK:
		err = int_in(c, arg, &n);
		if (!err)
			tty->locked = n != 0;
		return err;
	case TIOCGPTLCK:
		n = tty->locked;
		return copy_out_obj(c->mm, GVA(arg), &n);
	case TIOCGPTPEER:
		return open_peer(c, tty, arg);
	case TIOCPKT:
		err = int_in(c, arg, &n);
		if (!err)
			tty->packet = n != 0;
		return err;
	case TIOCGPKT:
		n = tty->packet;
		return copy_out_obj(c->mm, GVA(arg), &n);
	case TIOCSIG:
		if (arg < 1 || arg > NSIG_MAX)
			return -EINVAL;
		tty_signal_pgrp(tty, SIGMASK(arg));
		return 0;
	case FIONREAD:
		n = tty->out_head - tty->out_tail;
		return copy_out_obj(c->mm, GVA(arg), &n);
	}
	err = tty_ioctl_job(c->task, f, tty, cmd, arg);
	return err != -ENOIOCTL ? err : tty_ioctl_common(c, tty, cmd, arg);
}

static const struct file_ops master_ops = {
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
};

struct tty *pts_create(const struct tty_driver *driver)
{
	struct tty *tty;
	int index;

	mutex_lock(&g_lock);
	index = index_alloc();
	mutex_unlock(&g_lock);
	if (index < 0)
		return NULL;
	tty = tty_create(driver, index, makedev(PTY_MAJOR, index));
	if (!tty) {
		pty_index_free(index);
		return NULL;
	}
	tty->locked = driver == &pty_driver;
	tty->master = true;
	mutex_lock(&g_lock);
	g_ptys[index] = tty;
	mutex_unlock(&g_lock);
	return tty;
}

/* /dev/ptmx */
static int ptmx_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct tty *tty = pts_create(&pty_driver);

	if (!tty)
		return -ENOSPC;
	f->data = tty;
	f->op = &master_ops;
	return 0;
}

static const struct file_ops ptmx_ops = {.open = ptmx_open};

/* --- the file system
 * ------------------------------------------------------------------------------- */

static int devpts_lookup(struct caller *c, struct inode *dir, struct dentry *d)
{
	struct inode *i;
	struct tty *tty;
	char *end;
	unsigned long n;

	if (strcmp(d->name, "ptmx") == 0) {
		i = inode_create(dir->sb, NULL, &ptmx_ops, S_IFCHR | 0666, 2);
		if (!i)
			return -ENOMEM;
		i->rdev = makedev(5, 2);
		dentry_set_inode(d, i);
		return 0;
	}
	n = strtoul(d->name, &end, 10);
	if (*end || d->name[0] < '0' || d->name[0] > '9' || (d->name[0] == '0' && d->name[1]))
		return 0;
	tty = n < PTY_MAX ? pty_lookup(n) : NULL;
	if (!tty)
		return 0;
	i = inode_create(dir->sb, NULL, &slave_ops, S_IFCHR | g_mode, n + 3);
	if (i) {
		i->rdev = tty->rdev;
		i->uid = c->cred->fsuid;
		i->gid = g_gid ? g_gid : c->cred->fsgid;
		dentry_set_inode(d, i);
	}
	tty_put(tty);
	return i ? 0 : -ENOMEM;
}

static const struct inode_ops devpts_dir_ops = {.lookup = devpts_lookup};

static int devpts_iterate(struct caller *c, struct file *f, struct dir_context *dc)
{
	char name[12];

	for (; dc->pos < 2; dc->pos++)
		if (!dc->emit(dc, "..", dc->pos + 1, 1, 4, dc->pos + 1))
			return 0;
	if (dc->pos == 2) {
		if (!dc->emit(dc, "ptmx", 4, 2, 2, 3))
			return 0;
		dc->pos = 3;
	}
	for (; dc->pos - 3 < PTY_MAX; dc->pos++) {
		if (!g_ptys[dc->pos - 3])
			continue;
		snprintf(name, sizeof(name), "%llu", (unsigned long long)dc->pos - 3);
		if (!dc->emit(dc, name, strlen(name), dc->pos, 2, dc->pos + 1))
			return 0;
	}
	return 0;
}

static const struct file_ops devpts_dir_fops = {.iterate = devpts_iterate};

static int devpts_statfs(struct caller *c, struct super_block *sb, struct statfs *out)
{
	*out = (struct statfs){.f_type = DEVPTS_MAGIC, .f_bsize = PAGE_SIZE, .f_namelen = 255};
	return 0;
}

static const struct super_ops devpts_super_ops = {.statfs = devpts_statfs};

/* gid=, mode=, ptmxmode=, newinstance: what container configurations pass. */
static void parse_options(const char *o)
{
	const char *gid = o ? strstr(o, "gid=") : NULL;
	const char *mode = o ? strstr(o, "mode=") : NULL;

	if (gid)
		g_gid = strtoul(gid + 4, NULL, 10);
	if (mode && mode != o && mode[-1] == 'x')
		mode = strstr(mode + 5, "mode=");
	if (mode)
		g_mode = strtoul(mode + 5, NULL, 8) & 0777;
}

static int devpts_mount(struct caller *c, const struct file_system_type *t, u32 flags,
			const char *source, const char *options, struct super_block **out)
{
	struct super_block *sb = sb_create(t, &devpts_super_ops, NULL);
	struct inode *i;

	if (!sb)
		return -ENOMEM;
	parse_options(options);
	sb->magic = DEVPTS_MAGIC;
	sb->blksize = PAGE_SIZE;
	sb->no_negative = true;
	i = inode_create(sb, &devpts_dir_ops, &devpts_dir_fops, S_IFDIR | 0755, 1);
	if (!i) {
		sb_put(sb);
		return -ENOMEM;
	}
	i->nlink = 2;
	sb->root = dentry_make_root(sb, i);
	g_sb = sb;
	*out = sb;
	return 0;
}

static const struct file_system_type devpts_type = {
	.name = "devpts", .flags = FS_NODEV | FS_USERNS | FS_DEVICES, .mount = devpts_mount};

int devpts_init(void)
{
	file_system_register(&devpts_type);
	vfs_chrdev_register(5, 0, 1, &ctty_ops);
	vfs_chrdev_register(5, 2, 1, &ptmx_ops);
	vfs_chrdev_register(PTY_MAJOR, 0, PTY_MAX, &slave_ops);
	kernel_set_tty_hooks(&tty_kernel_hooks);
	return 0;
}
