/* SPDX-License-Identifier: Apache-2.0 */
/* sys_socket.c - sockets: making, naming, connecting, options (messages: sys_socket_msg.c) */
#include <sys/epoll.h>

#include "net/socket/socket.h"
#include "syscalls/handlers.h"
#include "syscalls/sys_socket.h"

#define OPTION_MAX 256

int socket_get(struct task *t, int fd, struct file **out_file, struct socket **out)
{
	*out_file = fd_lookup(t, fd);
	if (!*out_file)
		return -EBADF;
	*out = socket_of(*out_file);
	return *out ? 0 : -ENOTSOCK;
}

int sockaddr_in_arg(struct task *t, gva_t src, int len, struct sock_name *out)
{
	memset(out, 0, sizeof(*out));
	if (len < 0 || len > (int)sizeof(out->raw))
		return -EINVAL;
	out->len = (u32)len;
	return len ? (int)copy_in(t->mm, out->raw, src, (size_t)len) : 0;
}

static int name_out(struct task *t, gva_t dst, gva_t len_ptr, const struct sock_name *name)
{
	int room;
	u32 n;

	if (copy_in_obj(t->mm, &room, len_ptr))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	n = min((u32)sizeof(name->raw), name->len);
	n = min((u32)room, n);
	if (n && copy_out(t->mm, dst, name->raw, n))
		return -EFAULT;
	return (int)copy_out_obj(t->mm, len_ptr, &name->len);
}

int sockaddr_out_arg(struct task *t, gva_t dst, gva_t len_ptr, const struct sock_name *name)
{
	return dst.v ? name_out(t, dst, len_ptr, name) : 0;
}

long socket_block(struct task *t, int fd, struct file *f, struct socket *s, bool write,
		  struct sock_msg *m, long moved)
{
	s64 ns = write ? s->sndtimeo : s->rcvtimeo;
	long intr = moved ? moved : ns < 0 ? -ERESTARTSYS : -EINTR;

	if (ns >= 0) {
		task_set_timeout(t, ns);
		if (ns == 0 || task_timed_out(t))
			return moved ? moved : -EAGAIN;
	}
	if (m && m->registered)
		return task_block(t, intr);
	return task_block_file(t, fd, f, write ? EPOLLOUT : EPOLLIN | EPOLLRDHUP, intr);
}

long sys_socket(struct task *t, const struct sys_args *a)
{
	int type = ARG_INT(a, 1), fd;
	struct file *f;
	long ret;

	if (type & ~(15 | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	ret = socket_create(task_caller(t), ARG_INT(a, 0), type & 15, ARG_INT(a, 2),
			    (u32)type & O_NONBLOCK, &f);
	if (ret)
		return ret;
	fd = fd_install(t, f, 0, type & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_socketpair(struct task *t, const struct sys_args *a)
{
	int type = ARG_INT(a, 1), fd[2];
	struct file *f[2];
	long ret;

	if (type & ~(15 | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	ret = socket_create_pair(task_caller(t), ARG_INT(a, 0), type & 15, ARG_INT(a, 2),
				 (u32)type & O_NONBLOCK, f);
	if (ret)
		return ret;
	ret = fd_install_pair(t, f, type & SOCK_CLOEXEC, fd);
	if (ret) {
		file_put(f[0]);
		file_put(f[1]);
		return ret;
	}
	ret = copy_out(t->mm, ARG_GVA(a, 3), fd, sizeof(fd));
	if (ret) {
		fd_close(t, fd[0]);
		fd_close(t, fd[1]);
	}
	return ret;
}

long sys_bind(struct task *t, const struct sys_args *a)
{
	scoped_file f = NULL;
	struct sock_name name;
	struct socket *s;
	int ret = socket_get(t, ARG_INT(a, 0), &f, &s);

	if (ret == 0)
		ret = sockaddr_in_arg(t, ARG_GVA(a, 1), ARG_INT(a, 2), &name);
	return ret ? ret : s->op->bind(task_caller(t), s, &name);
}

long sys_connect(struct task *t, const struct sys_args *a)
{
	scoped_file f = NULL;
	struct sock_name name;
	struct socket *s;
	int ret = socket_get(t, ARG_INT(a, 0), &f, &s);
	struct sock_msg wait = {0};
	bool nonblock;
	int err = ret == -EBADF ? ret : sockaddr_in_arg(t, ARG_GVA(a, 1), ARG_INT(a, 2), &name);

	if (err || ret)
		return err ? err : ret;
	nonblock = f->flags & O_NONBLOCK;
	wait.may_wait = !nonblock && !(t->wait.again && task_timed_out(t));
	ret = s->op->connect(task_caller(t), s, &name, &wait);
	if (ret == -EAGAIN && !nonblock)
		return socket_block(t, ARG_INT(a, 0), f, s, true, &wait, 0);
	if ((ret == -EINPROGRESS || ret == -EALREADY) && !nonblock) {
		/* under way: the next run finds it done */
		long r = socket_block(t, ARG_INT(a, 0), f, s, true, NULL, 0);

		return r == -EAGAIN ? -EINPROGRESS : r;
	}
	return ret;
}

long sys_listen(struct task *t, const struct sys_args *a)
{
	scoped_file f = NULL;
	struct socket *s;
	int ret = socket_get(t, ARG_INT(a, 0), &f, &s);

	if (ret)
		return ret;
	return s->op->listen ? s->op->listen(task_caller(t), s, ARG_INT(a, 1)) : -EOPNOTSUPP;
}

static long do_accept(struct task *t, const struct sys_args *a, u32 flags)
{
	struct file *new = NULL;
	scoped_file f = NULL;
	struct sock_name name;
	struct socket *s;
	int ret, fd;

	ret = socket_get(t, ARG_INT(a, 0), &f, &s);
	if (ret != -EBADF && flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (ret)
		return ret;
	if (!s->op->accept)
		return -EOPNOTSUPP;
	ret = s->op->accept(task_caller(t), s, flags & O_NONBLOCK, &new);
	if (ret == -EAGAIN && !(f->flags & O_NONBLOCK))
		return socket_block(t, ARG_INT(a, 0), f, s, false, NULL, 0);
	if (ret)
		return ret;
	if (a->a[1]) {
		struct socket *ns = socket_of(new);

		ret = ns->op->getname(ns, true, &name);
		if (ret == 0)
			ret = sockaddr_out_arg(t, ARG_GVA(a, 1), ARG_GVA(a, 2), &name);
		else
			ret = -ECONNABORTED;
	}
	fd = ret ? ret : fd_install(t, new, 0, flags & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(new);
	return fd;
}

long sys_accept(struct task *t, const struct sys_args *a)
{
	return do_accept(t, a, 0);
}

long sys_accept4(struct task *t, const struct sys_args *a)
{
	return do_accept(t, a, ARG_UINT(a, 3));
}

static long do_getname(struct task *t, const struct sys_args *a, bool peer)
{
	scoped_file f = NULL;
	struct sock_name name;
	struct socket *s;
	int ret = socket_get(t, ARG_INT(a, 0), &f, &s);

	if (ret == 0)
		ret = s->op->getname(s, peer, &name);
	if (ret)
		return ret;
	return name_out(t, ARG_GVA(a, 1), ARG_GVA(a, 2), &name);
}

long sys_getsockname(struct task *t, const struct sys_args *a)
{
	return do_getname(t, a, false);
}

long sys_getpeername(struct task *t, const struct sys_args *a)
{
	return do_getname(t, a, true);
}

long sys_shutdown(struct task *t, const struct sys_args *a)
{
	scoped_file f = NULL;
	struct socket *s;
	int ret = socket_get(t, ARG_INT(a, 0), &f, &s);

	return ret ? ret : s->op->shutdown(s, ARG_INT(a, 1));
}

long sys_setsockopt(struct task *t, const struct sys_args *a)
{
	int len = ARG_INT(a, 4), ret;
	u8 val[OPTION_MAX] = {0};
	scoped_file f = NULL;
	struct socket *s;

	ret = socket_get(t, ARG_INT(a, 0), &f, &s);
	if (ret)
		return ret;
	if (len < 0)
		return -EINVAL;
	len = min(len, OPTION_MAX);
	if (len && copy_in(t->mm, val, ARG_GVA(a, 3), (size_t)len))
		return -EFAULT;
	return socket_setsockopt(task_caller(t), s, ARG_INT(a, 1), ARG_INT(a, 2), val, (u32)len);
}

long sys_getsockopt(struct task *t, const struct sys_args *a)
{
	u8 *val = t->worker->scratch;
	scoped_file f = NULL;
	struct socket *s;
	int room, ret;
	u32 len;

	ret = socket_get(t, ARG_INT(a, 0), &f, &s);
	if (ret)
		return ret;
	if (copy_in_obj(t->mm, &room, ARG_GVA(a, 4)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	len = min((u32)room, (u32)WORKER_SCRATCH);
	memset(val, 0, min(len, (u32)OPTION_MAX));
	ret = socket_getsockopt(task_caller(t), s, ARG_INT(a, 1), ARG_INT(a, 2), val, &len);
	if (ret == -ERANGE && copy_out_obj(t->mm, ARG_GVA(a, 4), &len))
		return -EFAULT; /* the size that it takes is told */
	if (ret)
		return ret;
	if (len && copy_out(t->mm, ARG_GVA(a, 3), val, len))
		return -EFAULT;
	return copy_out_obj(t->mm, ARG_GVA(a, 4), &len);
}
