/* SPDX-License-Identifier: Apache-2.0 */
/* confine_net.c - the sentry's network namespace, before it is confined
 *
 * A namespace that was made for the sandbox belongs to the sentry's user namespace, in which it has
 * all capabilities until it drops them. One that was joined is as its owner made it.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runsc/boot/confine.h"

static void write_sysctl(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		log_info("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo"};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0 || ioctl(s, SIOCGIFFLAGS, &r) < 0) {
		log_warning("no loopback interface: %s", strerror(errno));
	} else {
		r.ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
			log_warning("loopback interface: %s", strerror(errno));
	}
	if (s >= 0)
		close(s);
}

void confine_network(const struct boot_config *c)
{
	if (!c->network_own || c->network == BOOT_NET_OFF)
		return;
	loopback_up();
	write_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	/* group 0 is the sentry's own */
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 0");
}
