/* SPDX-License-Identifier: Apache-2.0 */
/* unix.c - AF_UNIX sockets: life, names, connections (unix(7)) */
#include "net/socket/unix.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "sentry/auth/userns.h"
#include "sentry/base/bug.h"
#include "sentry/kernel/process.h"

#define NAME_BUCKETS  64
#define FAMILY_SIZE   sizeof(sa_family_t)
#define DGRAM_BACKLOG 10 /* /proc/sys/net/unix/max_dgram_qlen */

static SLAB_CACHE(g_socks, struct unix_sock);
static SLAB_CACHE(g_addrs, struct unix_addr);

/* The name lock: guards the table of abstract names, inode->rendezvous of bound sockets, and
 * g_next_name. */
static struct mutex g_name_lock = MUTEX_INIT(LR_FSPRIV);
static struct list g_names[NAME_BUCKETS];
static u32 g_next_name;

struct unix_all g_unix_all = {.lock = MUTEX_INIT(LR_LEAF), .socks = LIST_INIT(g_unix_all.socks)};

static const struct socket_ops unix_ops;

/* --- life
 * --------------------------------------------------------------------------------------------- */

struct unix_sock *unix_get(struct unix_sock *u)
{
	ref_get(&u->ref);
	return u;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->ref))
		slab_free(&g_addrs, a);
}

static struct unix_addr *unix_addr_get(struct unix_addr *a)
{
	if (a)
		ref_get(&a->ref);
	return a;
}

void unix_put(struct unix_sock *u)
{
	if (!u || !ref_put(&u->ref))
		return;
	BUG_ON(!list_empty(&u->queue));
	mutex_lock(&g_unix_all.lock);
	list_del(&u->all);
	mutex_unlock(&g_unix_all.lock);
	waitq_fini(&u->q);
	waitq_fini(&u->space);
	unix_addr_put(u->addr);
	unix_who_set(&u->peer_who, NULL, NULL);
	ns_put(&u->net->ns);
	slab_free(&g_socks, u);
}

static struct unix_sock *unix_sock_create(struct net_namespace *net, int type)
{
	struct unix_sock *u = slab_alloc(&g_socks);

	if (!u)
		return NULL;
	socket_setup(&u->sk, &unix_ops, AF_UNIX, type, 0);
	ref_init(&u->ref);
	ns_get(&net->ns);
	u->net = net;
	mutex_init(&u->lock, LR_SOCKET);
	list_init(&u->queue);
	list_init(&u->embryo);
	list_init(&u->gc_link);
	waitq_init(&u->q);
	waitq_init(&u->space);
	u->backlog = DGRAM_BACKLOG;
	u->peek_off = -1;
	mutex_lock(&g_unix_all.lock);
	list_append(&g_unix_all.socks, &u->all);
	mutex_unlock(&g_unix_all.lock);
	return u;
}

static void set_peer_cred(struct unix_sock *u, const struct caller *c)
{
	unix_who_set(&u->peer_who, c->task->tg, c->cred);
}

static int check_kind(int *type, int protocol)
{
	if (protocol != 0 && protocol != PF_UNIX)
		return -EPROTONOSUPPORT;
	if (*type == SOCK_RAW)
		*type = SOCK_DGRAM;
	if (*type != SOCK_STREAM && *type != SOCK_DGRAM && *type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	return 0;
}

static void set_file(struct unix_sock *u, struct file *f)
{
	u->file = f;
	atomic_store(&u->ino, f->inode->ino);
}

/* A file for @u; takes over the reference on it, also on failure. */
static struct file *file_for(struct caller *c, struct unix_sock *u, u32 flags)
{
	struct file *f = socket_file(c, &u->sk, flags);

	if (IS_ERR(f))
		unix_put(u);
	else
		set_file(u, f);
	return f;
}

static int unix_create(struct caller *c, int type, int protocol, u32 flags, struct file **out)
{
	struct unix_sock *u;
	struct file *f;
	int ret = check_kind(&type, protocol);

	if (ret)
		return ret;
	u = unix_sock_create(c->task->ns->net, type);
	if (!u)
		return -ENOMEM;
	f = file_for(c, u, flags);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	*out = f;
	return 0;
}

static int unix_pair(struct caller *c, int type, int protocol, u32 flags, struct file *out[2])
{
	struct unix_sock *u[2];
	int ret;

	for (int i = 0; i < 2; i++) {
		ret = unix_create(c, type, protocol, flags, &out[i]);
		if (ret) {
			if (i == 1)
				file_put(out[0]);
			return ret;
		}
		u[i] = unix_of(socket_of(out[i]));
	}
	for (int i = 0; i < 2; i++) {
		u[i]->peer = unix_get(u[!i]);
		set_peer_cred(u[i], c);
		if (!unix_is_dgram(u[i]))
			u[i]->state = US_CONNECTED;
	}
	return 0;
}

static void unbind(struct unix_sock *u)
{
	mutex_lock(&g_name_lock);
	if (u->addr && u->addr->sock == u) {
		list_del(&u->addr->bucket);
		u->addr->sock = NULL;
	}
	if (u->path.dentry && atomic_load(&dentry_inode(u->path.dentry)->rendezvous) == u)
		atomic_store(&dentry_inode(u->path.dentry)->rendezvous, NULL);
	mutex_unlock(&g_name_lock);
	if (u->path.dentry)
		path_put(&u->path);
	u->path = (struct path){0};
}

/* The other end learns that we are gone. @lost: we leave data unread. */
static void tell_peer(struct unix_sock *peer, bool lost)
{
	mutex_lock(&peer->lock);
	peer->shutdown = SHUT_RCV_BIT | SHUT_SND_BIT;
	if (lost)
		atomic_store(&peer->sk.error, -ECONNRESET);
	mutex_unlock(&peer->lock);
	waitq_wake(&peer->q, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLRDNORM |
				     EPOLLWRNORM);
}

/* The file, or the listener's queue, no longer holds @u: takes over that reference. */
static void unix_close(struct unix_sock *u, bool embryo)
{
	struct list queue = LIST_INIT(queue);
	struct unix_sock *peer;
	bool listener, lost;

	unbind(u);
	mutex_lock(&u->lock);
	u->closed = true;
	u->shutdown = SHUT_RCV_BIT | SHUT_SND_BIT;
	listener = u->state == US_LISTEN;
	lost = embryo || u->queued > 0;
	list_splice(&queue, &u->queue);
	u->queued = u->queued_bytes = 0;
	peer = u->peer;
	u->peer = NULL;
	mutex_unlock(&u->lock);
	while (listener && !list_empty(&queue)) {
		struct unix_sock *e = list_first(&queue, struct unix_sock, embryo);

		list_del(&e->embryo);
		unix_close(e, true);
	}
	if (peer && !unix_is_dgram(u))
		tell_peer(peer, lost);
	waitq_wake(&u->space, EPOLLOUT | EPOLLHUP);
	unix_put(peer);
	unix_msgs_destroy(&queue);
	unix_put(u);
}

static void unix_release(struct socket *s)
{
	unix_close(unix_of(s), false);
	unix_collect_soon();
}

/* --- names
 * ---------------------------------------------------------------------------------------------- */

static int check_name(const struct sock_name *name)
{
	if (name->len <= FAMILY_SIZE || name->len > sizeof(struct sockaddr_un) ||
	    name->sa.sa_family != AF_UNIX)
		return -EINVAL;
	return 0;
}

void unix_name_out(const struct unix_addr *a, struct sock_name *out)
{
	memset(out, 0, sizeof(*out));
	out->sa.sa_family = AF_UNIX;
	out->len = FAMILY_SIZE;
	if (a) {
		out->len = a->len;
		memcpy(out->raw, &a->un, min((size_t)a->len, sizeof(out->raw)));
	}
}

static u32 hash_of(const struct sockaddr_un *un, u32 len)
{
	u32 h = 2166136261u;

	for (u32 i = FAMILY_SIZE; i < len; i++)
		h = (h ^ ((const u8 *)un)[i]) * 16777619u;
	return h;
}

static struct list *bucket(u32 hash)
{
	struct list *b = &g_names[hash % NAME_BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

static struct unix_addr *abstract_find(const struct net_namespace *net,
				       const struct sockaddr_un *un, u32 len, u32 hash)
{
	struct unix_addr *a;

	mutex_assert_held(&g_name_lock);
	list_for_each_entry (a, bucket(hash), bucket)
		if (a->hash == hash && a->net == net && a->len == len &&
		    memcmp(&a->un, un, len) == 0)
			return a;
	return NULL;
}

static struct unix_addr *addr_create(const void *un, u32 len)
{
	struct unix_addr *a = slab_alloc(&g_addrs);

	if (!a)
		return NULL;
	ref_init(&a->ref);
	list_init(&a->bucket);
	a->len = len;
	memcpy(&a->un, un, min((size_t)len, sizeof(a->un)));
	return a;
}

/* Makes @a, an abstract name, lead to @u. 0 or -EADDRINUSE. */
static int abstract_insert(struct unix_addr *a, struct unix_sock *u)
{
	int ret = -EADDRINUSE;

	a->hash = hash_of(&a->un, a->len);
	mutex_lock(&g_name_lock);
	a->net = u->net;
	if (!abstract_find(u->net, &a->un, a->len, a->hash)) {
		a->sock = u;
		list_push(bucket(a->hash), &a->bucket);
		ret = 0;
	}
	mutex_unlock(&g_name_lock);
	return ret;
}

/* A socket is bound once: claims that for the caller, who ends with bind_end. */
static int bind_begin(struct unix_sock *u)
{
	int ret = -EINVAL;

	mutex_lock(&u->lock);
	if (!u->addr && !u->binding) {
		u->binding = true;
		ret = 0;
	}
	mutex_unlock(&u->lock);
	return ret;
}

static void bind_end(struct unix_sock *u, struct unix_addr *a, const struct path *path)
{
	mutex_lock(&u->lock);
	u->binding = false;
	u->addr = a;
	if (path)
		u->path = *path;
	mutex_unlock(&u->lock);
}

int unix_autobind(struct unix_sock *u)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct unix_addr *a;
	char text[8];

	if (bind_begin(u))
		return 0; /* has a name, or is about to */
	for (u32 tries = 0; tries < 1u << 20; tries++) {
		mutex_lock(&g_name_lock);
		snprintf(text, sizeof(text), "%05x", g_next_name++ & 0xfffff);
		mutex_unlock(&g_name_lock);
		memcpy(un.sun_path + 1, text, 5);
		a = addr_create(&un, FAMILY_SIZE + 6);
		if (!a)
			break;
		if (abstract_insert(a, u) == 0) {
			bind_end(u, a, NULL);
			return 0;
		}
		unix_addr_put(a);
	}
	bind_end(u, NULL, NULL);
	return -ENOSPC;
}

/* Makes the socket file and lets it lead to @u. */
static int bind_path(struct caller *c, struct unix_sock *u, const char *path, struct path *out)
{
	int ret = vfs_mknod(c, NULL, path, S_IFSOCK | 0777, 0, out);

	if (ret)
		return ret == -EEXIST ? -EADDRINUSE : ret;
	mutex_lock(&g_name_lock);
	atomic_store(&dentry_inode(out->dentry)->rendezvous, u);
	mutex_unlock(&g_name_lock);
	return 0;
}

static int unix_bind(struct caller *c, struct socket *s, const struct sock_name *name)
{
	struct unix_sock *u = unix_of(s);
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1] = {0};
	struct path place = {0};
	struct unix_addr *a;
	int ret;

	if (name->len == FAMILY_SIZE && name->sa.sa_family == AF_UNIX)
		return u->addr ? -EINVAL : unix_autobind(u);
	ret = check_name(name);
	if (ret)
		return ret;
	memcpy(path, name->raw + FAMILY_SIZE, name->len - FAMILY_SIZE);
	a = addr_create(name->raw, path[0] ? (u32)(FAMILY_SIZE + strlen(path) + 1) : name->len);
	if (!a)
		return -ENOMEM;
	ret = bind_begin(u);
	if (ret) {
		unix_addr_put(a);
		return ret;
	}
	ret = path[0] ? bind_path(c, u, path, &place) : abstract_insert(a, u);
	if (ret) {
		unix_addr_put(a);
		a = NULL;
	}
	bind_end(u, a, ret == 0 && path[0] ? &place : NULL);
	return ret;
}

static struct unix_sock *find_path(struct caller *c, const char *path)
{
	struct unix_sock *u = NULL;
	struct inode *inode;
	struct path p;
	int ret = vfs_walk(c, NULL, path, WALK_FOLLOW, &p);

	if (ret)
		return ERR_PTR(ret);
	inode = dentry_inode(p.dentry);
	ret = vfs_permission(c, &p, MAY_WRITE);
	if (ret == 0 && inode && S_ISSOCK(inode->mode)) {
		mutex_lock(&g_name_lock);
		u = atomic_load(&inode->rendezvous);
		if (u && !ref_get_unless_zero(&u->ref))
			u = NULL;
		mutex_unlock(&g_name_lock);
	}
	path_put(&p);
	if (ret)
		return ERR_PTR(ret);
	return u ? u : ERR_PTR(-ECONNREFUSED);
}

struct unix_sock *unix_find(struct caller *c, const struct net_namespace *net,
			    const struct sock_name *name, int type)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1] = {0};
	const struct sockaddr_un *un = (const void *)name->raw;
	struct unix_sock *u = NULL;
	struct unix_addr *a;
	int ret = check_name(name);

	if (ret)
		return ERR_PTR(ret);
	memcpy(path, name->raw + FAMILY_SIZE, name->len - FAMILY_SIZE);
	if (path[0]) {
		u = find_path(c, path);
	} else {
		mutex_lock(&g_name_lock);
		a = abstract_find(net, un, name->len, hash_of(un, name->len));
		if (a && a->sock && ref_get_unless_zero(&a->sock->ref))
			u = a->sock;
		mutex_unlock(&g_name_lock);
		if (!u)
			return ERR_PTR(-ECONNREFUSED);
	}
	if (!IS_ERR(u) && u->sk.type != type) {
		unix_put(u);
		return ERR_PTR(-EPROTOTYPE);
	}
	return u;
}

static int unix_getname(struct socket *s, bool peer, struct sock_name *out)
{
	struct unix_sock *u = unix_of(s), *other;
	struct unix_addr *a;

	mutex_lock(&u->lock);
	other = peer ? u->peer : u;
	if (other)
		unix_get(other);
	mutex_unlock(&u->lock);
	if (!other)
		return -ENOTCONN;
	mutex_lock(&other->lock);
	a = unix_addr_get(other->addr);
	mutex_unlock(&other->lock);
	unix_name_out(a, out);
	unix_addr_put(a);
	unix_put(other);
	return 0;
}

/* --- connections
 * ------------------------------------------------------------------------------------------ */

static int unix_listen(struct caller *c, struct socket *s, int backlog)
{
	struct unix_sock *u = unix_of(s);
	int ret = 0;

	if (unix_is_dgram(u))
		return -EOPNOTSUPP;
	mutex_lock(&u->lock);
	if (!u->addr || u->state == US_CONNECTED) {
		ret = -EINVAL;
	} else {
		u->backlog = (u32)backlog > SOMAXCONN ? SOMAXCONN : (u32)backlog;
		u->state = US_LISTEN;
		set_peer_cred(u, c); /* what those who connect see */
		atomic_fetch_or(&s->flags, SOCKF_ACCEPTCONN);
	}
	mutex_unlock(&u->lock);
	if (ret == 0)
		waitq_wake(&u->space, EPOLLOUT);
	return ret;
}

/* Both locks are held: makes @server, fresh, the other end of @u and puts it into @l's queue. */
static void connect_locked(struct caller *c, struct unix_sock *u, struct unix_sock *l,
			   struct unix_sock *server)
{
	server->state = US_CONNECTED;
	server->peer = unix_get(u);
	server->addr = unix_addr_get(l->addr);
	set_peer_cred(server, c);
	atomic_store(&server->sk.flags, atomic_load(&l->sk.flags) & SOCKF_PASSCRED);
	u->state = US_CONNECTED;
	u->peer = unix_get(server);
	unix_who_set(&u->peer_who, l->peer_who.tg, l->peer_who.cred);
	list_append(&l->queue, &server->embryo);
	l->queued++;
}

static int connect_check(const struct unix_sock *u, const struct unix_sock *l)
{
	if (u->state == US_CONNECTED)
		return -EISCONN;
	if (u->state == US_LISTEN || u == l)
		return -EINVAL;
	if (l->closed || l->state != US_LISTEN || (l->shutdown & SHUT_RCV_BIT))
		return -ECONNREFUSED;
	return l->queued > l->backlog ? -EAGAIN : 0;
}

static int connect_stream(struct caller *c, struct unix_sock *u, const struct sock_name *name,
			  struct sock_msg *wait)
{
	struct unix_sock *l, *server;
	int ret;

	l = unix_find(c, u->net, name, u->sk.type);
	if (IS_ERR(l))
		return (int)PTR_ERR(l);
	server = unix_sock_create(u->net, u->sk.type);
	if (!server) {
		unix_put(l);
		return -ENOMEM;
	}
	for (;;) {
		mutex_lock_pair(&u->lock, &l->lock);
		ret = connect_check(u, l);
		if (ret == 0)
			connect_locked(c, u, l, server);
		mutex_unlock_pair(&u->lock, &l->lock);
		if (ret != -EAGAIN || !wait->may_wait || wait->registered)
			break;
		/* registered first, looked at again then */
		task_wait_on(c->task, &l->space, EPOLLOUT | EPOLLHUP);
		wait->registered = true;
	}
	if (ret == 0)
		waitq_wake(&l->q, EPOLLIN | EPOLLRDNORM);
	else
		unix_put(server);
	unix_put(l);
	return ret;
}

/* May @u send to @other? A connected one hears only its peer. */
static bool may_send(const struct unix_sock *u, const struct unix_sock *other)
{
	return !other->peer || other->peer == u;
}

static int connect_dgram(struct caller *c, struct unix_sock *u, const struct sock_name *name)
{
	struct unix_sock *other = NULL, *old;
	int ret = 0;

	if (name->sa.sa_family != AF_UNSPEC) {
		other = unix_find(c, u->net, name, SOCK_DGRAM);
		if (IS_ERR(other))
			return (int)PTR_ERR(other);
	}
	mutex_lock_pair(&u->lock, other ? &other->lock : &u->lock);
	if (other && !may_send(u, other))
		ret = -EPERM;
	old = ret == 0 ? u->peer : other;
	if (ret == 0)
		u->peer = other;
	mutex_unlock_pair(&u->lock, other ? &other->lock : &u->lock);
	unix_put(old);
	if (ret == 0)
		waitq_wake(&u->q, EPOLLOUT);
	return ret;
}

static int unix_connect(struct caller *c, struct socket *s, const struct sock_name *name,
			struct sock_msg *wait)
{
	struct unix_sock *u = unix_of(s);
	int ret;

	if (name->len < FAMILY_SIZE)
		return -EINVAL;
	if (!unix_is_dgram(u) || name->sa.sa_family != AF_UNSPEC) {
		ret = check_name(name);
		if (ret)
			return ret;
	}
	if ((atomic_load(&s->flags) & SOCKF_PASSCRED) && name->sa.sa_family == AF_UNIX) {
		ret = unix_autobind(u);
		if (ret)
			return ret;
	}
	return unix_is_dgram(u) ? connect_dgram(c, u, name) : connect_stream(c, u, name, wait);
}

static int unix_accept(struct caller *c, struct socket *s, u32 flags, struct file **out)
{
	struct unix_sock *l = unix_of(s), *e = NULL;
	struct file *f;
	int ret = 0;

	if (unix_is_dgram(l))
		return -EOPNOTSUPP;
	mutex_lock(&l->lock);
	if (l->state != US_LISTEN) {
		ret = -EINVAL;
	} else if (list_empty(&l->queue)) {
		ret = l->shutdown & SHUT_RCV_BIT ? -EINVAL : -EAGAIN;
	} else {
		e = list_first(&l->queue, struct unix_sock, embryo);
		list_del(&e->embryo);
		l->queued--;
	}
	mutex_unlock(&l->lock);
	if (ret)
		return ret;
	waitq_wake(&l->space, EPOLLOUT);
	f = socket_file(c, &e->sk, flags);
	if (IS_ERR(f)) {
		unix_close(e, true);
		return (int)PTR_ERR(f);
	}
	set_file(e, f);
	*out = f;
	return 0;
}

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *u = unix_of(s), *peer = NULL;
	u32 bits = (u32)how + 1, mirrored;
	u32 events = EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLOUT | EPOLLHUP;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	mutex_lock(&u->lock);
	u->shutdown |= bits;
	if (u->peer && !unix_is_dgram(u))
		peer = unix_get(u->peer);
	mutex_unlock(&u->lock);
	waitq_wake(&u->q, events);
	waitq_wake(&u->space, EPOLLOUT | EPOLLHUP);
	if (!peer)
		return 0;
	mirrored =
		(bits & SHUT_RCV_BIT ? SHUT_SND_BIT : 0) | (bits & SHUT_SND_BIT ? SHUT_RCV_BIT : 0);
	mutex_lock(&peer->lock);
	peer->shutdown |= mirrored;
	mutex_unlock(&peer->lock);
	waitq_wake(&peer->q, events);
	unix_put(peer);
	return 0;
}

static const struct socket_ops unix_ops = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.getname = unix_getname,
	.send = unix_send,
	.recv = unix_recv,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.setsockopt = unix_setsockopt,
	.getsockopt = unix_getsockopt,
	.ioctl = unix_ioctl,
	.release = unix_release,
};

const struct socket_family unix_family = {
	.family = AF_UNIX,
	.create = unix_create,
	.pair = unix_pair,
};
