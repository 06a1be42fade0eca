/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c - the table of families, and sockets as files */
#include "net/socket/socket.h"

#include <fcntl.h>

#include "net/socket/netdev.h"
#include "net/socket/unix.h"
#include "sentry/base/bug.h"

#define FAMILIES    8
#define BUF_DEFAULT 212992

static const struct socket_family *g_families[FAMILIES]; /* const once threads exist */
static unsigned g_family_count;

void socket_family_register(const struct socket_family *f)
{
	BUG_ON(g_family_count == FAMILIES);
	g_families[g_family_count++] = f;
}

void socket_init(void)
{
	unix_gc_init();
	socket_family_register(&unix_family);
}

static const struct socket_family *family_find(int family)
{
	for (unsigned i = 0; i < g_family_count; i++)
		if (g_families[i]->family == family)
			return g_families[i];
	return NULL;
}

static int check_type(int type)
{
	return type >= 0 && type <= SOCK_PACKET ? 0 : -EINVAL;
}

int socket_create(struct caller *c, int family, int type, int protocol, u32 flags,
		  struct file **out)
{
	const struct socket_family *f = family_find(family);

	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (check_type(type))
		return -EINVAL;
	/* The host's stack is that of the first network namespace. */
	if (family != AF_UNIX && family != AF_NETLINK && c->task && !c->task->ns->net->first)
		return -EAFNOSUPPORT;
	return f ? f->create(c, type, protocol, flags, out) : -EAFNOSUPPORT;
}

int socket_create_pair(struct caller *c, int family, int type, int protocol, u32 flags,
		       struct file *out[2])
{
	const struct socket_family *f = family_find(family);

	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (check_type(type))
		return -EINVAL;
	if (!f)
		return -EAFNOSUPPORT;
	return f->pair ? f->pair(c, type, protocol, flags, out) : -EOPNOTSUPP;
}

/* --- file operations
 * -------------------------------------------------------------------------------- */

static ssize_t socket_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	struct socket *s = f->data;
	struct sock_msg m = {.it = to};

	if (to->left == 0 && s->type != SOCK_SEQPACKET && s->type != SOCK_DGRAM)
		return 0;
	return s->op->recv(c, s, &m);
}

static ssize_t socket_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	struct socket *s = f->data;
	struct sock_msg m = {.it = from};

	return s->op->send(c, s, &m);
}

static u32 socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->data;

	return s->op->poll(f, s, pt);
}

static long socket_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	struct socket *s = f->data;

	long ret = s->op->ioctl ? s->op->ioctl(c, s, cmd, arg) : -ENOTTY;

	return ret == -ENOTTY ? netdev_ioctl(c, cmd, arg) : ret;
}

/* close(2), while the descriptor's reference is still there. */
static void socket_flush(struct caller *c, struct file *f)
{
	unix_collect_soon();
}

static void socket_release(struct file *f)
{
	struct socket *s = f->data;

	s->op->release(s);
}

/* SO_RCVTIMEO, SO_SNDTIMEO hold for read(2) and write(2) too. */
static s64 socket_timeout(struct file *f, bool write)
{
	struct socket *s = f->data;

	return write ? s->sndtimeo : s->rcvtimeo;
}

static const struct file_ops socket_file_ops = {
	.release = socket_release,
	.flush = socket_flush,
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.timeout = socket_timeout,
};

struct socket *socket_of(struct file *f)
{
	return f->op == &socket_file_ops ? f->data : NULL;
}

void socket_setup(struct socket *s, const struct socket_ops *op, int family, int type, int protocol)
{
	s->op = op;
	s->family = (u16)family;
	s->type = (u16)type;
	s->protocol = (u32)protocol;
	s->sndbuf = s->rcvbuf = BUF_DEFAULT;
	s->sndtimeo = s->rcvtimeo = -1;
	s->rcvlowat = 1;
}

struct file *socket_file(struct caller *c, struct socket *s, u32 flags)
{
	struct file *f =
		file_anon(c, "socket:", &socket_file_ops, s, O_RDWR | flags, NULL, S_IFSOCK | 0777);

	if (!IS_ERR(f))
		f->inode->flags |= INODE_STREAM;
	return f;
}
