/* SPDX-License-Identifier: Apache-2.0 */
/* netdev.h - interfaces of the sandbox's network, as ioctls, proc and sys tell of them */
#ifndef NET_SOCKET_NETDEV_H
#define NET_SOCKET_NETDEV_H

#include "net/socket/rtnl.h"
#include "sentry/kernel/netinfo.h"

/* Out of an RTM_NEWLINK. */
void netdev_parse(const struct nlmsghdr *h, struct net_link *out);
/* By name, or by place. As net_info_ops.link. */
int netdev_link(const char *name, u32 nth, struct net_link *out);
/* SIOCGIF* on a socket of any family: -ENOTTY for others, -EPERM for changes. */
long netdev_ioctl(struct caller *c, u32 cmd, u64 arg);
/* inet_show.c, netdev_show.c: /proc/net. */
int inet_show(enum net_text which, struct strbuf *s);
int netdev_show(enum net_text which, struct strbuf *s);
/* unix_show.c */
int unix_show(struct strbuf *s);

#endif
