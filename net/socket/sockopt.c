/* SPDX-License-Identifier: Apache-2.0 */
/* sockopt.c - the options that all sockets have (socket(7)) */
#include <linux/capability.h>

#include "net/socket/socket.h"
#include "sentry/kernel/task.h"

#define WMEM_MAX   212992u /* /proc/sys/net/core/wmem_max, rmem_max */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
/* names whose numbers <sys/socket.h> may lack */
#define OPT_RCVTIMEO_NEW 66
#define OPT_SNDTIMEO_NEW 67

static const struct {
	int name;
	u32 flag;
} bool_options[] = {
	{SO_PASSCRED, SOCKF_PASSCRED},	     {SO_REUSEADDR, SOCKF_REUSEADDR},
	{SO_KEEPALIVE, SOCKF_KEEPALIVE},     {SO_BROADCAST, SOCKF_BROADCAST},
	{SO_OOBINLINE, SOCKF_OOBINLINE},     {SO_REUSEPORT, SOCKF_REUSEPORT},
	{SO_DONTROUTE, SOCKF_DONTROUTE},     {SO_TIMESTAMP, SOCKF_TIMESTAMP},
	{SO_TIMESTAMPNS, SOCKF_TIMESTAMPNS}, {SO_PASSSEC, SOCKF_PASSSEC},
	{SO_NO_CHECK, SOCKF_NO_CHECK},	     {SO_RXQ_OVFL, SOCKF_RXQ_OVFL},
	{SO_ACCEPTCONN, SOCKF_ACCEPTCONN},   {SO_DEBUG, SOCKF_DEBUG},
};

static u32 flag_of(int name)
{
	for (size_t i = 0; i < array_size(bool_options); i++)
		if (bool_options[i].name == name)
			return bool_options[i].flag;
	return 0;
}

/* Linux keeps twice what was asked, for its own overhead. */
static void set_buffer(_Atomic u32 *field, int value, u32 least, bool force)
{
	u32 v = value < 0 ? 0 : (u32)value;

	if (!force)
		v = min(v, WMEM_MAX);
	v = min(v, 1u << 29);
	atomic_store(field, max(2 * v, least));
}

static int set_timeout(_Atomic s64 *field, const void *val, u32 len)
{
	struct {
		s64 sec, usec;
	} tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, val, sizeof(tv));
	if (tv.usec < 0 || tv.usec >= 1000000)
		return -EDOM;
	if (tv.sec < 0)
		atomic_store(field, 0); /* Linux: does not wait at all */
	else if ((tv.sec == 0 && tv.usec == 0) || tv.sec >= INT64_MAX / NSEC_PER_SEC - 1)
		atomic_store(field, -1);
	else
		atomic_store(field, tv.sec * NSEC_PER_SEC + tv.usec * NSEC_PER_USEC);
	return 0;
}

static int set_linger(struct socket *s, const void *val, u32 len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, val, sizeof(l));
	atomic_store(&s->linger, (u64)(l.l_onoff != 0) | (u64)(u32)l.l_linger << 32);
	return 0;
}

static int set_common(struct caller *c, struct socket *s, int name, const void *val, u32 len)
{
	u32 flag = flag_of(name);
	bool admin = cred_capable_in(c->cred, c->task->ns->net->ns.owner, CAP_NET_ADMIN);
	int v;

	switch (name) {
	case SO_LINGER:
		return set_linger(s, val, len);
	case SO_RCVTIMEO:
	case OPT_RCVTIMEO_NEW:
		return set_timeout(&s->rcvtimeo, val, len);
	case SO_SNDTIMEO:
	case OPT_SNDTIMEO_NEW:
		return set_timeout(&s->sndtimeo, val, len);
	}
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	switch (name) {
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_ACCEPTCONN:
		return -ENOPROTOOPT;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!admin)
			return -EPERM;
		set_buffer(name == SO_SNDBUFFORCE ? &s->sndbuf : &s->rcvbuf, v,
			   name == SO_SNDBUFFORCE ? SNDBUF_MIN : RCVBUF_MIN, true);
		return 0;
	case SO_SNDBUF:
		set_buffer(&s->sndbuf, v, SNDBUF_MIN, false);
		return 0;
	case SO_RCVBUF:
		set_buffer(&s->rcvbuf, v, RCVBUF_MIN, false);
		return 0;
	case SO_RCVLOWAT:
		atomic_store(&s->rcvlowat, v > 0 ? (u32)v : 1);
		return 0;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) && !admin)
			return -EPERM;
		atomic_store(&s->priority, (u32)v);
		return 0;
	case SO_MARK:
		if (!admin)
			return -EPERM;
		atomic_store(&s->mark, (u32)v);
		return 0;
	case SO_DEBUG:
		if (v && !admin)
			return -EACCES;
		break;
	}
	if (!flag)
		return -ENOPROTOOPT;
	if (v)
		atomic_fetch_or(&s->flags, flag);
	else
		atomic_fetch_and(&s->flags, ~flag);
	return 0;
}

int socket_setsockopt(struct caller *c, struct socket *s, int level, int name, const void *val,
		      u32 len)
{
	int ret = -ENOPROTOOPT;

	if (s->op->setsockopt)
		ret = s->op->setsockopt(c, s, level, name, val, len);
	if (ret == -ENOPROTOOPT && level == SOL_SOCKET)
		ret = set_common(c, s, name, val, len);
	return ret;
}

static int put(void *val, u32 *len, const void *src, size_t n)
{
	*len = min(*len, (u32)n);
	memcpy(val, src, *len);
	return 0;
}

static int put_timeout(const _Atomic s64 *field, void *val, u32 *len)
{
	s64 ns = atomic_load(field);
	struct {
		s64 sec, usec;
	} tv = {0};

	if (ns > 0) {
		tv.sec = ns / NSEC_PER_SEC;
		tv.usec = ns % NSEC_PER_SEC / NSEC_PER_USEC;
	}
	return put(val, len, &tv, sizeof(tv));
}

static int get_common(struct socket *s, int name, void *val, u32 *len)
{
	u32 flag = flag_of(name);
	u64 linger = atomic_load(&s->linger);
	struct linger l = {(int)(u32)linger, (int)(linger >> 32)};
	int v;

	switch (name) {
	case SO_LINGER:
		return put(val, len, &l, sizeof(l));
	case SO_RCVTIMEO:
	case OPT_RCVTIMEO_NEW:
		return put_timeout(&s->rcvtimeo, val, len);
	case SO_SNDTIMEO:
	case OPT_SNDTIMEO_NEW:
		return put_timeout(&s->sndtimeo, val, len);
	case SO_TYPE:
		v = s->type;
		break;
	case SO_PROTOCOL:
		v = (int)s->protocol;
		break;
	case SO_DOMAIN:
		v = s->family;
		break;
	case SO_ERROR:
		v = -atomic_exchange(&s->error, 0);
		break;
	case SO_SNDBUF:
		v = (int)atomic_load(&s->sndbuf);
		break;
	case SO_RCVBUF:
		v = (int)atomic_load(&s->rcvbuf);
		break;
	case SO_RCVLOWAT:
		v = (int)atomic_load(&s->rcvlowat);
		break;
	case SO_SNDLOWAT:
		v = 1;
		break;
	case SO_PRIORITY:
		v = (int)atomic_load(&s->priority);
		break;
	case SO_MARK:
		v = (int)atomic_load(&s->mark);
		break;
	default:
		if (!flag)
			return -ENOPROTOOPT;
		v = !!(atomic_load(&s->flags) & flag);
	}
	return put(val, len, &v, sizeof(v));
}

int socket_getsockopt(struct caller *c, struct socket *s, int level, int name, void *val, u32 *len)
{
	int ret = -ENOPROTOOPT;

	if (s->op->getsockopt)
		ret = s->op->getsockopt(c, s, level, name, val, len);
	if (ret == -ENOPROTOOPT && level == SOL_SOCKET)
		ret = get_common(s, name, val, len);
	return ret;
}
