/* SPDX-License-Identifier: Apache-2.0 */
/* boot_control.c - the sentry's end of the socket to runsc or to the container's proxy
 *
 * Comes: signals for process 1, window sizes. Goes: that all is ready, or why nothing was started;
 * the wait status of process 1. When it hangs up the starter is dead, and so is the sandbox.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "fs/devpts/tty.h"
#include "platform/host/host.h"
#include "platform/host/hostpoll.h"
#include "runsc/boot/boot_internal.h"

static void take_message(const struct boot_message *m)
{
	switch (m->type) {
	case BOOT_SIGNAL:
		if (m->value > 0 && m->value <= 64)
			kernel_signal_init(m->value);
		break;
	case BOOT_WINSIZE:
		console_winch(NULL);
		break;
	default:
		break;
	}
}

static void control_event(struct hostpoll_entry *e, u32 events)
{
	static struct boot_message m;

	if (events & EPOLLIN && host_read(BOOT_FD_CONTROL, &m, sizeof(m)) == sizeof(m)) {
		take_message(&m);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		_exit(1);
}

int boot_control_init(void)
{
	static struct hostpoll_entry entry = {.fd = BOOT_FD_CONTROL, .fn = control_event};

	return hostpoll_add(&entry, EPOLLIN | EPOLLRDHUP);
}

static void send_message(const struct boot_message *m)
{
	host_write(BOOT_FD_CONTROL, m, sizeof(*m));
}

void boot_control_failed(const char *text)
{
	struct boot_message m = {.type = BOOT_FAILED};

	strncpy(m.text, text, sizeof(m.text) - 1);
	send_message(&m);
}

void boot_control_exit(u32 wait_status)
{
	struct boot_message m = {.type = BOOT_EXIT, .value = (s32)wait_status};

	send_message(&m);
}

void boot_control_ready(void)
{
	struct boot_message m = {.type = BOOT_READY};

	send_message(&m);
}
