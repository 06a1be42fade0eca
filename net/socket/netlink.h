/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.h - AF_NETLINK, as inet_host.c switches it on */
#ifndef NET_SOCKET_NETLINK_H
#define NET_SOCKET_NETLINK_H

/* Boot, after rtnl_init: registers the family. */
void netlink_init(void);

#endif
