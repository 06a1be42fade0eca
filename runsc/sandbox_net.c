/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_net.c - which network namespace the sentry is started in
 *
 * A namespace by path, or that of the container's proxy, is entered by a process that clones the
 * sentry, which is then born in it without a right over it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runsc/sandbox.h"

static const struct {
	const char *name;
	enum boot_network mode;
} modes[] = {
	{"none", BOOT_NET_NONE},
	{"off", BOOT_NET_OFF},
	{"host-ns", BOOT_NET_NS},
	{"host", BOOT_NET_HOST},
};

int sandbox_set_network(struct sandbox *s, const char *name, struct error *e)
{
	struct boot_config *c = s->config;
	const struct spec_namespace *ns = &c->spec.namespaces[SPEC_NS_NETWORK];
	size_t i = 0;

	while (i < array_size(modes) && strcmp(modes[i].name, name) != 0)
		i++;
	if (i == array_size(modes))
		return error_set(e, "--network %s: it is none, off, host-ns or host", name);
	c->network = modes[i].mode;
	c->network_own = c->network == BOOT_NET_NONE || c->network == BOOT_NET_OFF ||
			 (c->network == BOOT_NET_NS && ns->present && !ns->path);
	return 0;
}

int sandbox_open_network(const struct sandbox *s, struct error *e)
{
	const char *path = s->config->spec.namespaces[SPEC_NS_NETWORK].path;
	char of_proxy[64];
	int fd;

	snprintf(of_proxy, sizeof(of_proxy), "/proc/%d/ns/net", (int)s->network_of);
	if (s->network_of)
		path = of_proxy;
	if (s->config->network != BOOT_NET_NS || !path)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	error_set_errno(e, errno, "network namespace %s", path);
	return -EINVAL;
}
