/* SPDX-License-Identifier: Apache-2.0 */
/* netinfo.c - hands on who knows the network */
#include "sentry/kernel/netinfo.h"

static const struct net_info_ops *g_ops; /* const after boot */

void kernel_set_net_info(const struct net_info_ops *ops)
{
	g_ops = ops;
}

int kernel_net_show(enum net_text which, struct strbuf *s)
{
	return g_ops ? g_ops->show(which, s) : 0;
}

int kernel_net_link(const char *name, u32 nth, struct net_link *out)
{
	return g_ops ? g_ops->link(name, nth, out) : -ENODEV;
}

int kernel_net_sysctl(enum net_sysctl which, bool set, u32 v[2])
{
	return g_ops ? g_ops->sysctl(which, set, v) : -EINVAL;
}
