/* SPDX-License-Identifier: Apache-2.0 */
/* netinfo.h - what proc and sys show of the network; told by net/socket, which they do not know */
#ifndef SENTRY_KERNEL_NETINFO_H
#define SENTRY_KERNEL_NETINFO_H

#include "sentry/base/strbuf.h"
#include "sentry/base/types.h"

enum net_text { /* files of /proc/net */
		NET_ARP,
		NET_DEV,
		NET_IF_INET6,
		NET_IPV6_ROUTE,
		NET_ROUTE,
		NET_SOCKSTAT,
		NET_SOCKSTAT6,
		NET_TCP,
		NET_TCP6,
		NET_UDP,
		NET_UDP6,
		NET_UNIX,
};

enum net_sysctl { NET_PORT_START, NET_PING_RANGE }; /* net.ipv4.* that the sentry decides by */

#define NET_LINK_STATS 23 /* u64s of struct rtnl_link_stats64 that we know */

struct net_link {
	char name[16];
	u32 index, link, flags, mtu, type, txqlen; /* flags: IFF_*; type: ARPHRD_* */
	u8 operstate, addr_len, addr[32], broadcast[32];
	u64 stats[NET_LINK_STATS]; /* rx, tx: packets, bytes, errors, dropped... */
};

struct net_info_ops {
	/* The whole text of a file of /proc/net, head line included. 0 or -errno. */
	int (*show)(enum net_text which, struct strbuf *s);
	/* The link called @name, or when that is NULL the one at place @nth: 0 or -ENODEV. */
	int (*link)(const char *name, u32 nth, struct net_link *out);
	/* Reads (@set false) or writes one of them, which has one number or two. 0 or -EINVAL. */
	int (*sysctl)(enum net_sysctl which, bool set, u32 v[2]);
};

/* Boot. NULL until then: heads only, no links. */
void kernel_set_net_info(const struct net_info_ops *ops);
/* As the operations. */
int kernel_net_show(enum net_text which, struct strbuf *s);
int kernel_net_link(const char *name, u32 nth, struct net_link *out);
int kernel_net_sysctl(enum net_sysctl which, bool set, u32 v[2]);

#endif
