/* SPDX-License-Identifier: Apache-2.0 */
/* net.c - /sys/class/net: a directory for each interface (id: its index at the look-up) */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/sys/sys_internal.h"
#include "sentry/base/strbuf.h"
#include "sentry/kernel/netinfo.h"

#define DIR	  (S_IFDIR | 0755)
#define LINKS_MAX 4096

enum link_field {
	F_ADDRESS,
	F_BROADCAST,
	F_CARRIER,
	F_DEV_ID,
	F_FLAGS,
	F_IFINDEX,
	F_IFLINK,
	F_MTU,
	F_OPERSTATE,
	F_TX_QUEUE_LEN,
	F_TYPE,
	F_STATISTICS, /* and up: places in net_link.stats */
};

/* The interface of a node: names may change, indices do not. */
static int link_of(const struct kernfs_node *n, struct net_link *out)
{
	for (u32 i = 0; i < LINKS_MAX; i++) {
		int ret = kernel_net_link(NULL, i, out);

		if (ret || out->index == (u32)n->id)
			return ret;
	}
	return -ENODEV;
}

static void put_mac(struct strbuf *s, const u8 *a, u32 len)
{
	for (u32 i = 0; i < len; i++)
		strbuf_printf(s, "%s%02x", i ? ":" : "", a[i]);
	strbuf_printf(s, "\n");
}

static int show_field(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	static const char *const states[] = {"unknown", "notpresent", "down", "lowerlayerdown",
					     "testing", "dormant",    "up"};
	u64 field = n->entry->arg;
	struct net_link l = {0};
	int ret = link_of(n, &l);

	if (ret)
		return ret;
	switch (field) {
	case F_ADDRESS:
		put_mac(s, l.addr, l.addr_len);
		break;
	case F_BROADCAST:
		put_mac(s, l.broadcast, l.addr_len);
		break;
	case F_CARRIER:
		if (!(l.flags & 1)) /* IFF_UP */
			return -EINVAL;
		strbuf_printf(s, "%d\n", !!(l.flags & 0x10000)); /* IFF_LOWER_UP */
		break;
	case F_DEV_ID:
		strbuf_printf(s, "0x0\n");
		break;
	case F_FLAGS:
		strbuf_printf(s, "0x%x\n", l.flags & 0xffbf); /* without IFF_RUNNING and above */
		break;
	case F_IFINDEX:
		strbuf_printf(s, "%u\n", l.index);
		break;
	case F_IFLINK:
		strbuf_printf(s, "%u\n", l.link);
		break;
	case F_MTU:
		strbuf_printf(s, "%u\n", l.mtu);
		break;
	case F_OPERSTATE:
		strbuf_printf(s, "%s\n",
			      states[l.operstate < array_size(states) ? l.operstate : 0]);
		break;
	case F_TX_QUEUE_LEN:
		strbuf_printf(s, "%u\n", l.txqlen);
		break;
	case F_TYPE:
		strbuf_printf(s, "%u\n", l.type);
		break;
	default:
		strbuf_printf(s, "%llu\n", (unsigned long long)l.stats[field - F_STATISTICS]);
	}
	return 0;
}

#define FIELD(file, field)                                                   \
	{                                                                    \
		.name = file, .mode = 0444, .show = show_field, .arg = field \
	}
#define STAT(file, place) FIELD(file, F_STATISTICS + (place))
#define END                  \
	{                    \
		.name = NULL \
	}

static const struct kernfs_entry statistics[] = {
	STAT("rx_packets", 0),
	STAT("tx_packets", 1),
	STAT("rx_bytes", 2),
	STAT("tx_bytes", 3),
	STAT("rx_errors", 4),
	STAT("tx_errors", 5),
	STAT("rx_dropped", 6),
	STAT("tx_dropped", 7),
	STAT("multicast", 8),
	STAT("collisions", 9),
	END,
};
static const struct kernfs_entry link_files[] = {
	FIELD("address", F_ADDRESS),
	FIELD("broadcast", F_BROADCAST),
	FIELD("carrier", F_CARRIER),
	FIELD("dev_id", F_DEV_ID),
	FIELD("flags", F_FLAGS),
	FIELD("ifindex", F_IFINDEX),
	FIELD("iflink", F_IFLINK),
	FIELD("mtu", F_MTU),
	FIELD("operstate", F_OPERSTATE),
	{.name = "statistics", .mode = DIR, .children = statistics},
	FIELD("tx_queue_len", F_TX_QUEUE_LEN),
	FIELD("type", F_TYPE),
	END,
};
static const struct kernfs_entry link_dir = {.name = "link", .mode = DIR, .children = link_files};

int sys_net_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		   struct kernfs_node *out)
{
	struct net_link l = {0};

	if (kernel_net_link(name, 0, &l))
		return -ENOENT;
	*out = (struct kernfs_node){.entry = &link_dir, .id = l.index};
	return 0;
}

s64 sys_net_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
		    struct dir_context *dc)
{
	for (; index < LINKS_MAX; index++) {
		struct kernfs_node n = {.entry = &link_dir};
		struct net_link l = {0};

		if (kernel_net_link(NULL, (u32)index, &l))
			return -1;
		n.id = l.index;
		if (!kernfs_emit(dc, l.name, &n, index + 1))
			return (s64)index;
	}
	return -1;
}
