/* SPDX-License-Identifier: Apache-2.0 */
/* netdev.c - interfaces and their addresses, by the ioctls of netdevice(7) */
#include "net/socket/netdev.h"

#include <linux/if.h>
#include <linux/sockios.h>
#include <netinet/in.h>

#include "sentry/kernel/task.h"
#include "sentry/mm/copy.h"

static_assert(sizeof(struct ifreq) == 40, "of the 64-bit ABI");

#define LO_INDEX 1
#define CONF_MAX 1024 /* addresses that SIOCGIFCONF tells */

/* --- links
 * --------------------------------------------------------------------------------------------- */

static void take_bytes(void *out, u32 size, const struct rtattr *a)
{
	memcpy(out, RTA_DATA(a), min((size_t)size, a->rta_len - sizeof(*a)));
}

static void take_attr(const struct rtattr *a, struct net_link *out)
{
	switch (a->rta_type & NLA_TYPE_MASK) {
	case IFLA_IFNAME:
		take_bytes(out->name, sizeof(out->name) - 1, a);
		break;
	case IFLA_MTU:
		take_bytes(&out->mtu, sizeof(out->mtu), a);
		break;
	case IFLA_LINK:
		take_bytes(&out->link, sizeof(out->link), a);
		break;
	case IFLA_TXQLEN:
		take_bytes(&out->txqlen, sizeof(out->txqlen), a);
		break;
	case IFLA_OPERSTATE:
		take_bytes(&out->operstate, 1, a);
		break;
	case IFLA_ADDRESS:
		out->addr_len = (u8)min(a->rta_len - sizeof(*a), sizeof(out->addr));
		take_bytes(out->addr, sizeof(out->addr), a);
		break;
	case IFLA_BROADCAST:
		take_bytes(out->broadcast, sizeof(out->broadcast), a);
		break;
	case IFLA_STATS64:
		take_bytes(out->stats, sizeof(out->stats), a);
		break;
	}
}

void netdev_parse(const struct nlmsghdr *h, struct net_link *out)
{
	const struct ifinfomsg *i = NLMSG_DATA(h);

	*out = (struct net_link){
		.index = (u32)i->ifi_index, .flags = i->ifi_flags, .type = i->ifi_type};
	out->link = out->index;
	for (const struct rtattr *a = rtnl_attr_first(h, sizeof(*i)); a; a = rtnl_attr_next(h, a))
		take_attr(a, out);
}

struct find {
	const char *name; /* NULL: by index, or by place when that is 0 */
	u32 index, nth;
	struct net_link *out;
	bool found;
};

static int find_link(const struct nlmsghdr *h, void *arg)
{
	struct find *f = arg;

	netdev_parse(h, f->out);
	if (f->name)
		f->found = strcmp(f->name, f->out->name) == 0;
	else if (f->index)
		f->found = f->index == f->out->index;
	else
		f->found = f->nth-- == 0;
	return f->found;
}

static int find_by(struct find *f)
{
	int ret = rtnl_dump(RTM_GETLINK, AF_UNSPEC, find_link, f);

	return ret < 0 ? ret : f->found ? 0 : -ENODEV;
}

int netdev_link(const char *name, u32 nth, struct net_link *out)
{
	return find_by(&(struct find){.name = name, .nth = nth, .out = out});
}

/* --- addresses
 * ------------------------------------------------------------------------------------------ */

struct addr_walk {
	const char *label; /* whose first address is looked for; NULL: all go to the guest */
	struct ifaddrmsg m;
	u32 address, local, broadcast;
	bool found;
	struct caller *c;
	gva_t to;
	u32 room, count;
	bool fault;
};

static u32 attr_u32(const struct nlmsghdr *h, u16 type)
{
	const void *p = rtnl_attr(h, type, sizeof(u32));
	u32 v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static void set_in(struct sockaddr *out, u32 address)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = address};

	memcpy(out, &in, sizeof(in));
}

static void label_of(const struct nlmsghdr *h, char out[16])
{
	const struct rtattr *a = rtnl_attr_first(h, sizeof(struct ifaddrmsg));

	memset(out, 0, 16);
	for (; a; a = rtnl_attr_next(h, a))
		if (a->rta_type == IFA_LABEL)
			take_bytes(out, 15, a);
}

static int walk_addr(const struct nlmsghdr *h, void *arg)
{
	struct addr_walk *w = arg;
	struct ifreq r = {0};

	memcpy(&w->m, NLMSG_DATA(h), sizeof(w->m));
	w->address = attr_u32(h, IFA_ADDRESS);
	w->local = attr_u32(h, IFA_LOCAL);
	w->broadcast = attr_u32(h, IFA_BROADCAST);
	label_of(h, r.ifr_name);
	if (w->label) {
		w->found = strcmp(r.ifr_name, w->label) == 0;
		return w->found;
	}
	set_in(&r.ifr_addr, w->local);
	if (w->to.v && w->count < w->room &&
	    copy_out_obj(w->c->mm, gva_add(w->to, w->count * sizeof(r)), &r))
		w->fault = true;
	w->count++;
	return w->fault || w->count == CONF_MAX;
}

static long get_conf(struct caller *c, u64 arg)
{
	struct {
		s32 len, pad;
		u64 buf;
	} conf;
	struct addr_walk w = {.c = c};
	int ret;

	if (copy_in_obj(c->mm, &conf, GVA(arg)))
		return -EFAULT;
	if (conf.len < 0)
		return -EINVAL;
	w.to = GVA(conf.buf);
	w.room = (u32)conf.len / sizeof(struct ifreq);
	ret = rtnl_dump(RTM_GETADDR, AF_INET, walk_addr, &w);
	if (ret < 0)
		return ret;
	if (w.fault)
		return -EFAULT;
	if (conf.buf)
		w.count = min(w.count, w.room);
	conf.len = (s32)(w.count * sizeof(struct ifreq));
	return copy_out(c->mm, GVA(arg), &conf.len, sizeof(conf.len));
}

/* SIOCGIFADDR and its kin. */
static int get_address(u32 cmd, struct ifreq *r)
{
	struct addr_walk w = {.label = r->ifr_name};
	int ret = rtnl_dump(RTM_GETADDR, AF_INET, walk_addr, &w);

	if (ret < 0)
		return ret;
	if (!w.found)
		return -EADDRNOTAVAIL;
	switch (cmd) {
	case SIOCGIFADDR:
		set_in(&r->ifr_addr, w.local);
		break;
	case SIOCGIFDSTADDR:
		set_in(&r->ifr_addr, w.address);
		break;
	case SIOCGIFBRDADDR:
		set_in(&r->ifr_addr, w.broadcast);
		break;
	default:
		set_in(&r->ifr_addr,
		       w.m.ifa_prefixlen ? htonl(~0u << (32 - w.m.ifa_prefixlen)) : 0);
	}
	return 0;
}

/* --- ioctls
 * --------------------------------------------------------------------------------------------- */

static int get_link(u32 cmd, struct ifreq *r)
{
	struct net_link l = {0};
	int ret;

	if (cmd == SIOCGIFNAME)
		ret = r->ifr_ifindex > 0
			      ? find_by(&(struct find){.index = (u32)r->ifr_ifindex, .out = &l})
			      : -ENODEV;
	else
		ret = netdev_link(r->ifr_name, 0, &l);
	if (ret)
		return ret;
	switch (cmd) {
	case SIOCGIFNAME:
		memcpy(r->ifr_name, l.name, sizeof(r->ifr_name));
		break;
	case SIOCGIFINDEX:
		r->ifr_ifindex = (int)l.index;
		break;
	case SIOCGIFFLAGS:
		r->ifr_flags = (short)l.flags;
		break;
	case SIOCGIFMTU:
		r->ifr_mtu = (int)l.mtu;
		break;
	case SIOCGIFTXQLEN:
		r->ifr_qlen = (int)l.txqlen;
		break;
	case SIOCGIFMETRIC:
		r->ifr_metric = 0;
		break;
	case SIOCGIFMAP:
		memset(&r->ifr_map, 0, sizeof(r->ifr_map));
		break;
	case SIOCGIFHWADDR:
		memset(&r->ifr_hwaddr, 0, sizeof(r->ifr_hwaddr));
		r->ifr_hwaddr.sa_family = (u16)l.type;
		memcpy(r->ifr_hwaddr.sa_data, l.addr, min((size_t)l.addr_len, (size_t)14));
		break;
	default: /* SIOCGIFADDR and the like on an interface that exists */
		return get_address(cmd, r);
	}
	return 0;
}

static bool is_change(u32 cmd)
{
	return cmd == SIOCSIFFLAGS || cmd == SIOCSIFADDR || cmd == SIOCSIFDSTADDR ||
	       cmd == SIOCSIFBRDADDR || cmd == SIOCSIFNETMASK || cmd == SIOCSIFMETRIC ||
	       cmd == SIOCSIFMTU || cmd == SIOCSIFHWADDR || cmd == SIOCSIFNAME ||
	       cmd == SIOCSIFTXQLEN || cmd == SIOCADDRT || cmd == SIOCDELRT ||
	       cmd == SIOCADDMULTI || cmd == SIOCDELMULTI;
}

static bool is_question(u32 cmd)
{
	return cmd == SIOCGIFNAME || cmd == SIOCGIFINDEX || cmd == SIOCGIFFLAGS ||
	       cmd == SIOCGIFMTU || cmd == SIOCGIFTXQLEN || cmd == SIOCGIFMETRIC ||
	       cmd == SIOCGIFMAP || cmd == SIOCGIFHWADDR || cmd == SIOCGIFADDR ||
	       cmd == SIOCGIFDSTADDR || cmd == SIOCGIFBRDADDR || cmd == SIOCGIFNETMASK;
}

/* In a namespace that has only a loopback interface, without addresses. */
static long loopback_ioctl(struct caller *c, u32 cmd, u64 arg)
{
	struct ifreq r;

	if (!is_question(cmd))
		return -ENOTTY;
	if (copy_in_obj(c->mm, &r, GVA(arg)))
		return -EFAULT;
	r.ifr_name[sizeof(r.ifr_name) - 1] = 0;
	if (cmd == SIOCGIFNAME ? r.ifr_ifindex != LO_INDEX : strcmp(r.ifr_name, "lo") != 0)
		return -ENODEV;
	switch (cmd) {
	case SIOCGIFNAME:
		strcpy(r.ifr_name, "lo");
		break;
	case SIOCGIFINDEX:
		r.ifr_ifindex = LO_INDEX;
		break;
	case SIOCGIFFLAGS:
		r.ifr_flags = IFF_LOOPBACK;
		break;
	case SIOCGIFMTU:
		r.ifr_mtu = 65536;
		break;
	default:
		return -EADDRNOTAVAIL;
	}
	return copy_out_obj(c->mm, GVA(arg), &r);
}

long netdev_ioctl(struct caller *c, u32 cmd, u64 arg)
{
	struct ifreq r;
	int ret;

	if (is_change(cmd))
		return -EPERM;
	if (c->task && !c->task->ns->net->first)
		return loopback_ioctl(c, cmd, arg);
	if (cmd == SIOCGIFCONF)
		return get_conf(c, arg);
	if (cmd == SIOCETHTOOL)
		return -EOPNOTSUPP;
	if (!is_question(cmd))
		return -ENOTTY;
	if (copy_in_obj(c->mm, &r, GVA(arg)))
		return -EFAULT;
	r.ifr_name[sizeof(r.ifr_name) - 1] = 0;
	ret = get_link(cmd, &r);
	return ret ? ret : copy_out_obj(c->mm, GVA(arg), &r);
}
