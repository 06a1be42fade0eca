/* SPDX-License-Identifier: Apache-2.0 */
/* net.c - /proc/PID/net and /proc/sys/net
 *
 * What there is to show comes from net/socket (sentry/kernel/netinfo.h); without internet sockets
 * only the heads are left. Counters of the stack come from files of the host's /proc/net that are
 * opened at boot, and so tell of the sockets' network namespace for ever. The settings of the
 * host's stack are read once, at boot, in the network namespace that the sockets will live in, and
 * cannot be changed from inside; the two that the sentry itself decides by can.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/proc/proc_internal.h"
#include "platform/host/host.h"
#include "sentry/arena/arena.h"
#include "sentry/kernel/netinfo.h"

/* --- /proc/net
 * --------------------------------------------------------------------------------------- */

static const char *const heads[] = {
	[NET_ARP] =
		"IP address       HW type     Flags       HW address            Mask     Device\n",
	[NET_DEV] = "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		    "packets errs drop fifo colls carrier compressed\n",
	[NET_IF_INET6] = "",
	[NET_IPV6_ROUTE] = "",
	[NET_ROUTE] = "Iface\tDestination\tGateway "
		      "\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
		      "                                                       \n",
	[NET_SOCKSTAT] = "",
	[NET_SOCKSTAT6] = "",
	[NET_TCP] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		    "uid  "
		    "timeout inode                                                     \n",
	[NET_TCP6] = "  sl  local_address                         remote_address                  "
		     "      st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
	[NET_UDP] = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt  "
		    " uid  timeout inode ref pointer drops             \n",
	[NET_UDP6] = "  sl  local_address                         remote_address                  "
		     "      st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref "
		     "pointer drops\n",
	[NET_UNIX] = "Num       RefCount Protocol Flags    Type St Inode Path\n",
};

static int show_net(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s", heads[n->entry->arg]);
	if (c->task && c->task->ns && !c->task->ns->net->first && n->entry->arg != NET_UNIX)
		return 0;
	return kernel_net_show((enum net_text)n->entry->arg, s);
}

/* Of the host's /proc/net: counters of the namespace, no word of its processes. */
static const char *const host_names[] = {"dev_mcast", "igmp", "igmp6", "netstat", "snmp", "snmp6"};
static int g_host_files[array_size(host_names)]; /* host table; const after boot. < 0: not there */

/* entry->arg: the place in host_names. */
static int show_host(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	int fd = g_host_files[n->entry->arg];
	char buf[1024];
	u64 at = 0;
	long got;

	if (c->task && c->task->ns && !c->task->ns->net->first)
		return 0;
	while (fd >= 0 && (got = host_pread(fd, buf, sizeof(buf), at)) > 0) {
		strbuf_add(s, buf, (size_t)got);
		at += (u64)got;
	}
	return 0;
}

#define HOST(place, file)                                                   \
	{                                                                   \
		.name = file, .mode = 0444, .show = show_host, .arg = place \
	}
#define NET(file, which)                                                   \
	{                                                                  \
		.name = file, .mode = 0444, .show = show_net, .arg = which \
	}
const struct kernfs_entry proc_net[] = {
	NET("arp", NET_ARP),
	NET("dev", NET_DEV),
	HOST(0, "dev_mcast"),
	NET("if_inet6", NET_IF_INET6),
	HOST(1, "igmp"),
	HOST(2, "igmp6"),
	NET("ipv6_route", NET_IPV6_ROUTE),
	HOST(3, "netstat"),
	NET("route", NET_ROUTE),
	HOST(4, "snmp"),
	HOST(5, "snmp6"),
	NET("sockstat", NET_SOCKSTAT),
	NET("sockstat6", NET_SOCKSTAT6),
	NET("tcp", NET_TCP),
	NET("tcp6", NET_TCP6),
	NET("udp", NET_UDP),
	NET("udp6", NET_UDP6),
	NET("unix", NET_UNIX),
	ENTRY_END,
};

/* --- /proc/sys/net
 * ------------------------------------------------------------------------------------ */

#define VALUE_MAX 128
/* What is taken over from the host; the default of Linux is for where it cannot be read. */
static struct setting {
	const char *path, *value; /* below /proc/sys/net */
	char *text;		  /* kalloc of VALUE_MAX; const after boot. NULL: value */
} g_settings[] = {
	{"core/somaxconn", "4096"},
	{"core/rmem_default", "212992"},
	{"core/rmem_max", "212992"},
	{"core/wmem_default", "212992"},
	{"core/wmem_max", "212992"},
	{"ipv4/ip_local_port_range", "32768\t60999"},
	{"ipv4/ip_default_ttl", "64"},
	{"ipv4/ip_forward", "0"},
	{"ipv4/tcp_rmem", "4096\t131072\t6291456"},
	{"ipv4/tcp_wmem", "4096\t16384\t4194304"},
	{"ipv4/tcp_keepalive_time", "7200"},
	{"ipv4/tcp_keepalive_intvl", "75"},
	{"ipv4/tcp_keepalive_probes", "9"},
	{"ipv4/tcp_fin_timeout", "60"},
	{"ipv4/tcp_syn_retries", "6"},
	{"ipv4/tcp_max_syn_backlog", "512"},
	{"ipv4/tcp_syncookies", "1"},
	{"ipv4/tcp_tw_reuse", "2"},
	{"ipv4/tcp_sack", "1"},
	{"ipv4/tcp_timestamps", "1"},
	{"ipv4/tcp_window_scaling", "1"},
	{"ipv4/tcp_congestion_control", "cubic"},
	{"ipv4/tcp_available_congestion_control", "reno cubic"},
	{"ipv6/conf/all/disable_ipv6", "0"},
	{"ipv6/bindv6only", "0"},
};

static void read_setting(struct setting *s)
{
	char path[96], buf[VALUE_MAX];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", s->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	s->text = n > 0 ? kalloc(VALUE_MAX) : NULL;
	if (s->text)
		memcpy(s->text, buf, (size_t)n);
}

void proc_net_init(void)
{
	char path[64];

	for (size_t i = 0; i < array_size(host_names); i++) {
		snprintf(path, sizeof(path), "/proc/self/net/%s", host_names[i]);
		g_host_files[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	for (size_t i = 0; i < array_size(g_settings); i++)
		read_setting(&g_settings[i]);
}

/* entry->arg: the path. */
static int show_setting(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	for (size_t i = 0; i < array_size(g_settings); i++) {
		const struct setting *v = &g_settings[i];

		if (strcmp(v->path, (const char *)(uintptr_t)n->entry->arg) != 0)
			continue;
		if (v->text)
			strbuf_printf(s, "%s", v->text);
		else
			strbuf_printf(s, "%s\n", v->value);
		return 0;
	}
	return -ENOENT;
}

static int show_own(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	u32 v[2];
	int ret = kernel_net_sysctl((enum net_sysctl)n->entry->arg, false, v);

	if (ret)
		return ret;
	if (n->entry->arg == NET_PING_RANGE)
		strbuf_printf(s, "%u\t%u\n", v[0], v[1]);
	else
		strbuf_printf(s, "%u\n", v[0]);
	return 0;
}

static long store_own(struct caller *c, const struct kernfs_node *n, char *buf, size_t len)
{
	unsigned want = n->entry->arg == NET_PING_RANGE ? 2 : 1;
	u32 v[2] = {0};
	char *p = buf, *end;
	int ret;

	if (!cred_capable(c->cred, CAP_NET_ADMIN))
		return -EPERM;
	for (unsigned i = 0; i < want; i++, p = end) {
		unsigned long x = strtoul(p, &end, 10);

		if (end == p || x > UINT32_MAX)
			return -EINVAL;
		v[i] = (u32)x;
	}
	ret = kernel_net_sysctl((enum net_sysctl)n->entry->arg, true, v);
	return ret ? ret : (long)len;
}

#define SETTING(file, path)                                                                     \
	{                                                                                       \
		.name = file, .mode = 0444, .show = show_setting, .arg = (u64)(uintptr_t)(path) \
	}
#define IPV4(file) SETTING(file, "ipv4/" file)
#define CORE(file) SETTING(file, "core/" file)
#define OWN(file, which)                                                                       \
	{                                                                                      \
		.name = file, .mode = 0644, .show = show_own, .store = store_own, .arg = which \
	}
#define SUBDIR(file, table)                                       \
	{                                                         \
		.name = file, .mode = PROC_DIR, .children = table \
	}

static int show_text(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	strbuf_printf(s, "%s\n", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

static const struct kernfs_entry core_entries[] = {
	CORE("rmem_default"), CORE("rmem_max"), CORE("somaxconn"),
	CORE("wmem_default"), CORE("wmem_max"), ENTRY_END,
};
static const struct kernfs_entry ipv4_entries[] = {
	IPV4("ip_default_ttl"),
	IPV4("ip_forward"),
	IPV4("ip_local_port_range"),
	OWN("ip_unprivileged_port_start", NET_PORT_START),
	OWN("ping_group_range", NET_PING_RANGE),
	IPV4("tcp_available_congestion_control"),
	IPV4("tcp_congestion_control"),
	IPV4("tcp_fin_timeout"),
	IPV4("tcp_keepalive_intvl"),
	IPV4("tcp_keepalive_probes"),
	IPV4("tcp_keepalive_time"),
	IPV4("tcp_max_syn_backlog"),
	IPV4("tcp_rmem"),
	IPV4("tcp_sack"),
	IPV4("tcp_syn_retries"),
	IPV4("tcp_syncookies"),
	IPV4("tcp_timestamps"),
	IPV4("tcp_tw_reuse"),
	IPV4("tcp_window_scaling"),
	IPV4("tcp_wmem"),
	ENTRY_END,
};
static const struct kernfs_entry ipv6_all[] = {
	SETTING("disable_ipv6", "ipv6/conf/all/disable_ipv6"), ENTRY_END};
static const struct kernfs_entry ipv6_conf[] = {SUBDIR("all", ipv6_all), ENTRY_END};
static const struct kernfs_entry ipv6_entries[] = {SETTING("bindv6only", "ipv6/bindv6only"),
						   SUBDIR("conf", ipv6_conf), ENTRY_END};
static const struct kernfs_entry unix_entries[] = {
	{.name = "max_dgram_qlen", .mode = 0444, .show = show_text, .arg = (u64)(uintptr_t) "512"},
	ENTRY_END,
};
const struct kernfs_entry proc_sys_net[] = {
	SUBDIR("core", core_entries),
	SUBDIR("ipv4", ipv4_entries),
	SUBDIR("ipv6", ipv6_entries),
	SUBDIR("unix", unix_entries),
	ENTRY_END,
};
