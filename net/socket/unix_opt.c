/* SPDX-License-Identifier: Apache-2.0 */
/* unix_opt.c - options of AF_UNIX: who is at the other end, where to peek */
#include "net/socket/unix.h"
#include "sentry/auth/userns.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/process.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

void unix_who_set(struct unix_who *to, struct tgroup *tg, const struct cred *cred)
{
	struct unix_who old = *to;

	to->tg = tg ? tgroup_get(tg) : NULL;
	to->cred = cred ? cred_get(cred) : NULL;
	if (old.tg)
		tgroup_put(old.tg);
	if (old.cred)
		cred_put(old.cred);
}

/* A copy with references of its own. */
static struct unix_who who_of_peer(struct unix_sock *u)
{
	struct unix_who w = {0};

	mutex_lock(&u->lock);
	unix_who_set(&w, u->peer_who.tg, u->peer_who.cred);
	mutex_unlock(&u->lock);
	return w;
}

static int peer_cred(struct caller *c, const struct unix_who *w, void *val, u32 *len)
{
	struct {
		s32 pid;
		u32 uid, gid;
	} cred = {0, UINT32_MAX, UINT32_MAX};

	if (w->tg) {
		cred.pid = number_told(c->task, w->tg->tgid);
		cred.uid = uid_out(c->cred, w->cred->euid);
		cred.gid = gid_out(c->cred, w->cred->egid);
	}
	*len = min(*len, (u32)sizeof(cred));
	memcpy(val, &cred, *len);
	return 0;
}

/* The size is told also when there is no room for all. */
static int peer_groups(struct caller *c, const struct unix_who *w, void *val, u32 *len)
{
	const struct cred_groups *g = w->cred ? w->cred->groups : NULL;
	u32 room = *len, n = g ? g->count : 0;

	if (!w->cred)
		return -ENODATA;
	*len = n * (u32)sizeof(u32);
	if (room < *len)
		return -ERANGE;
	for (u32 i = 0; i < n; i++)
		((u32 *)val)[i] = gid_out(c->cred, g->gids[i]);
	return 0;
}

static int peer_pidfd(struct caller *c, const struct unix_who *w, void *val, u32 *len)
{
	struct file *f;
	int fd;

	if (!w->tg)
		return -ENODATA;
	f = pidfd_create(c, w->tg, 0);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	fd = fd_install(c->task, f, 0, true);
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	*len = min(*len, (u32)sizeof(fd));
	memcpy(val, &fd, *len);
	return 0;
}

int unix_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val, u32 *len)
{
	struct unix_sock *u = unix_of(s);
	struct unix_who w;
	int ret;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (name == SO_PEEK_OFF) {
		*len = min(*len, (u32)sizeof(u->peek_off));
		memcpy(val, &u->peek_off, *len);
		return 0;
	}
	if (name != SO_PEERCRED && name != SO_PEERGROUPS && name != SO_PEERPIDFD)
		return -ENOPROTOOPT;
	w = who_of_peer(u);
	if (name == SO_PEERCRED)
		ret = peer_cred(c, &w, val, len);
	else if (name == SO_PEERGROUPS)
		ret = peer_groups(c, &w, val, len);
	else
		ret = peer_pidfd(c, &w, val, len);
	unix_who_set(&w, NULL, NULL);
	return ret;
}

int unix_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
		    u32 len)
{
	struct unix_sock *u = unix_of(s);
	s32 v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (name != SO_PEEK_OFF)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	mutex_lock(&u->lock);
	u->peek_off = v;
	mutex_unlock(&u->lock);
	return 0;
}
