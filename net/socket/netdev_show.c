/* SPDX-License-Identifier: Apache-2.0 */
/* netdev_show.c - /proc/net: dev, route, arp and what v6 has of these */
#include <linux/if.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <string.h>

#include "net/socket/netdev.h"

#define RTF_UP	    1u
#define RTF_GATEWAY 2u
#define RTF_HOST    4u
#define RTF_REJECT  0x200u

typedef unsigned long long ull;

struct show {
	struct strbuf *s;
	struct net_link link; /* of the present line */
};

/* --- dev
 * -----------------------------------------------------------------------------------------------
 */

enum { /* places in struct rtnl_link_stats64 */
       RX_PACKETS,
       TX_PACKETS,
       RX_BYTES,
       TX_BYTES,
       RX_ERRORS,
       TX_ERRORS,
       RX_DROPPED,
       TX_DROPPED,
       MULTICAST,
       COLLISIONS,
       RX_LENGTH,
       RX_OVER,
       RX_CRC,
       RX_FRAME,
       RX_FIFO,
       RX_MISSED,
       TX_ABORTED,
       TX_CARRIER,
       TX_FIFO,
       TX_HEARTBEAT,
       TX_WINDOW,
       RX_COMPRESSED,
       TX_COMPRESSED
};
static_assert(TX_COMPRESSED == NET_LINK_STATS - 1, "struct rtnl_link_stats64");

static int show_dev(const struct nlmsghdr *h, void *arg)
{
	struct show *w = arg;
	const u64 *v = w->link.stats;

	netdev_parse(h, &w->link);
	strbuf_printf(w->s, "%6s: %7llu %7llu %4llu %4llu %4llu %5llu %10llu %9llu ", w->link.name,
		      (ull)v[RX_BYTES], (ull)v[RX_PACKETS], (ull)v[RX_ERRORS],
		      (ull)(v[RX_DROPPED] + v[RX_MISSED]), (ull)v[RX_FIFO],
		      (ull)(v[RX_LENGTH] + v[RX_OVER] + v[RX_CRC] + v[RX_FRAME]),
		      (ull)v[RX_COMPRESSED], (ull)v[MULTICAST]);
	strbuf_printf(w->s, "%8llu %7llu %4llu %4llu %4llu %5llu %7llu %10llu\n", (ull)v[TX_BYTES],
		      (ull)v[TX_PACKETS], (ull)v[TX_ERRORS], (ull)v[TX_DROPPED], (ull)v[TX_FIFO],
		      (ull)v[COLLISIONS],
		      (ull)(v[TX_CARRIER] + v[TX_ABORTED] + v[TX_WINDOW] + v[TX_HEARTBEAT]),
		      (ull)v[TX_COMPRESSED]);
	return 0;
}

/* --- names of links: a table, since one dump cannot ask another
 * ------------------------------------------------ */

#define NAMES 64
struct names {
	struct {
		u32 index;
		char name[16];
	} e[NAMES];
	u32 count;
};

struct table_walk {
	struct strbuf *s;
	struct names names;
};

static int take_name(const struct nlmsghdr *h, void *arg)
{
	struct names *n = arg;
	struct net_link l;

	netdev_parse(h, &l);
	n->e[n->count].index = l.index;
	memcpy(n->e[n->count].name, l.name, sizeof(l.name));
	return ++n->count == NAMES;
}

static const char *name_of(const struct names *n, u32 index)
{
	for (u32 i = 0; i < n->count; i++)
		if (n->e[i].index == index)
			return n->e[i].name;
	return "*";
}

static u32 attr_u32(const struct nlmsghdr *h, u16 type)
{
	const void *p = rtnl_attr(h, type, sizeof(u32));
	u32 v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static void attr_in6(const struct nlmsghdr *h, u16 type, u8 out[16])
{
	const void *p = rtnl_attr(h, type, 16);

	memset(out, 0, 16);
	if (p)
		memcpy(out, p, 16);
}

static void put_in6(struct strbuf *s, const u8 a[16])
{
	for (int i = 0; i < 16; i++)
		strbuf_printf(s, "%02x", a[i]);
}

/* --- routes
 * -------------------------------------------------------------------------------------------- */

static int show_route(const struct nlmsghdr *h, void *arg)
{
	struct table_walk *w = arg;
	const struct rtmsg *rt = NLMSG_DATA(h);
	u32 gateway = attr_u32(h, RTA_GATEWAY), flags = RTF_UP;
	u32 mask = rt->rtm_dst_len ? htonl(~0u << (32 - rt->rtm_dst_len)) : 0;

	if (rt->rtm_table != RT_TABLE_MAIN || rt->rtm_type == RTN_BROADCAST ||
	    rt->rtm_type == RTN_MULTICAST)
		return 0;
	flags |= gateway ? RTF_GATEWAY : 0;
	flags |= rt->rtm_dst_len == 32 ? RTF_HOST : 0;
	flags |= rt->rtm_type == RTN_UNREACHABLE || rt->rtm_type == RTN_PROHIBIT ? RTF_REJECT : 0;
	strbuf_printf(w->s, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0\n",
		      name_of(&w->names, attr_u32(h, RTA_OIF)), attr_u32(h, RTA_DST), gateway,
		      flags, attr_u32(h, RTA_PRIORITY), mask);
	return 0;
}

static int show_route6(const struct nlmsghdr *h, void *arg)
{
	struct table_walk *w = arg;
	const struct rtmsg *rt = NLMSG_DATA(h);
	u8 dst[16], gateway[16];
	static const u8 none[16];
	u32 flags = RTF_UP;

	attr_in6(h, RTA_DST, dst);
	attr_in6(h, RTA_GATEWAY, gateway);
	flags |= memcmp(gateway, none, 16) ? RTF_GATEWAY : 0;
	flags |= rt->rtm_dst_len == 128 ? RTF_HOST : 0;
	flags |= rt->rtm_type == RTN_LOCAL ? 0x80000000u : 0;
	flags |= rt->rtm_type == RTN_UNREACHABLE ? RTF_REJECT : 0;
	put_in6(w->s, dst);
	strbuf_printf(w->s, " %02x ", rt->rtm_dst_len);
	put_in6(w->s, none);
	strbuf_printf(w->s, " %02x ", rt->rtm_src_len);
	put_in6(w->s, gateway);
	strbuf_printf(w->s, " %08x 00000001 00000000 %08x %8s\n", attr_u32(h, RTA_PRIORITY), flags,
		      name_of(&w->names, attr_u32(h, RTA_OIF)));
	return 0;
}

/* --- addresses, neighbours
 * ----------------------------------------------------------------------------- */

static int show_if_inet6(const struct nlmsghdr *h, void *arg)
{
	struct table_walk *w = arg;
	const struct ifaddrmsg *a = NLMSG_DATA(h);
	u32 scope = 0;
	u8 addr[16];

	attr_in6(h, IFA_ADDRESS, addr);
	if (a->ifa_scope == RT_SCOPE_HOST)
		scope = 0x10;
	else if (a->ifa_scope == RT_SCOPE_LINK)
		scope = 0x20;
	else if (a->ifa_scope == RT_SCOPE_SITE)
		scope = 0x40;
	put_in6(w->s, addr);
	strbuf_printf(w->s, " %02x %02x %02x %02x %8s\n", a->ifa_index, a->ifa_prefixlen, scope,
		      a->ifa_flags, name_of(&w->names, a->ifa_index));
	return 0;
}

static int show_arp(const struct nlmsghdr *h, void *arg)
{
	struct table_walk *w = arg;
	const struct ndmsg *n = NLMSG_DATA(h);
	const u8 *ip = rtnl_attr(h, NDA_DST, 4), *mac = rtnl_attr(h, NDA_LLADDR, 6);
	static const u8 none[6];
	char text[16];
	struct strbuf b;

	if (!ip || n->ndm_state & NUD_NOARP)
		return 0;
	strbuf_init(&b, text, sizeof(text));
	strbuf_printf(&b, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	mac = mac ? mac : none;
	strbuf_printf(
		w->s,
		"%-16s 0x1         0x%x         %02x:%02x:%02x:%02x:%02x:%02x     *        %s\n",
		text, n->ndm_state & ~(NUD_FAILED | NUD_INCOMPLETE) ? 2 : 0, mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5], name_of(&w->names, (u32)n->ndm_ifindex));
	return 0;
}

static int show_table(u16 type, u8 family, rtnl_fn *fn, struct strbuf *s)
{
	struct table_walk w = {.s = s};

	rtnl_dump(RTM_GETLINK, AF_UNSPEC, take_name, &w.names);
	rtnl_dump(type, family, fn, &w);
	return 0;
}

int netdev_show(enum net_text which, struct strbuf *s)
{
	struct show w = {.s = s};

	switch (which) {
	case NET_DEV:
		rtnl_dump(RTM_GETLINK, AF_UNSPEC, show_dev, &w);
		return 0;
	case NET_ROUTE:
		return show_table(RTM_GETROUTE, AF_INET, show_route, s);
	case NET_IPV6_ROUTE:
		return show_table(RTM_GETROUTE, AF_INET6, show_route6, s);
	case NET_IF_INET6:
		return show_table(RTM_GETADDR, AF_INET6, show_if_inet6, s);
	case NET_ARP:
		return show_table(RTM_GETNEIGH, AF_INET, show_arp, s);
	default:
		return 0;
	}
}
