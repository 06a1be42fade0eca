/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl.h - asks the host's network namespace for links, addresses, routes and neighbours
 *
 * One NETLINK_ROUTE socket, opened at boot. Only requests to tell (RTM_GET*) are ever sent, formed
 * here from numbers; the answers are checked for their lengths before anybody sees them.
 */
#ifndef NET_SOCKET_RTNL_H
#define NET_SOCKET_RTNL_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "fs/vfs/vfs.h"

/* One message of an answer: its length is checked, its fixed part whole (rtnl_body). Not 0: enough,
 * it is not called again. */
typedef int rtnl_fn(const struct nlmsghdr *h, void *arg);

/* Boot, before the filter. 0 or -errno: then all below is -EOPNOTSUPP. */
int rtnl_init(void);
/* All objects of @type (RTM_GETLINK, GETADDR, GETROUTE, GETNEIGH, GETRULE). 0, or -errno of the
 * host's, or what @fn returned. */
int rtnl_dump(u16 type, u8 family, rtnl_fn *fn, void *arg);
/* The route to @dst (4 or 16 bytes). @oif 0: any. */
int rtnl_route_to(u8 family, const void *dst, u32 oif, rtnl_fn *fn, void *arg);

/* Changes, as they happen: @groups (RTMGRP_* bits) says which group the message is for; @h NULL:
 * some were lost. Called in the I/O worker. */
typedef void rtnl_change_fn(const struct nlmsghdr *h, u32 groups);
/* From now on @fn hears of changes. Any number of times. 0 or -errno. */
int rtnl_listen(rtnl_change_fn *fn);

/* Size of the structure that follows the header of an RTM_NEW* message, 0: not one we know. */
u32 rtnl_body(u16 type);
/* The attributes of a message: the first, the next; NULL: no more. rta_len is checked against what
 * is left. */
const struct rtattr *rtnl_attr_first(const struct nlmsghdr *h, u32 body);
const struct rtattr *rtnl_attr_next(const struct nlmsghdr *h, const struct rtattr *a);
/* The attribute of @type with at least @size bytes of data, or NULL. */
const void *rtnl_attr(const struct nlmsghdr *h, u16 type, u32 size);

#endif
