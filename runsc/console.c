/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - the terminal that runsc was started on */
#include "runsc/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool console_wanted(const struct boot_config *c)
{
	return isatty(0) && isatty(1) && (c->default_mounts || c->spec.process.terminal);
}

bool console_open(struct console *c)
{
	c->fd = open("/proc/self/fd/0", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return c->fd >= 0;
}

void console_raw(struct console *c)
{
	struct termios raw;

	if (c->fd < 0 || tcgetattr(c->fd, &c->saved) < 0)
		return;
	raw = c->saved;
	cfmakeraw(&raw);
	c->raw = tcsetattr(c->fd, TCSADRAIN, &raw) == 0;
}

void console_close(struct console *c)
{
	if (c->raw)
		tcsetattr(c->fd, TCSADRAIN, &c->saved);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->raw = false;
}

void console_size(u16 *out_rows, u16 *out_columns)
{
	struct winsize w = {0};

	for (int fd = 0; fd <= 2; fd++)
		if (ioctl(fd, TIOCGWINSZ, &w) == 0)
			break;
	*out_rows = w.ws_row;
	*out_columns = w.ws_col;
}
