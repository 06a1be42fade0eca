/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - the terminal that runsc was started on */
#include "runsc/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool console_wanted(const struct boot_config *c)
{
	return isatty(0) && isatty(1) && (c->default_mounts || c->spec.process.terminal);
}

void console_raw(struct console *c)
{
	struct termios raw;

	if (tcgetattr(0, &c->saved) < 0)
		return;
	raw = c->saved;
	cfmakeraw(&raw);
	if (tcsetattr(0, TCSADRAIN, &raw) == 0)
		c->fd = 0;
}

void console_restore(struct console *c)
{
	if (c->fd >= 0)
		tcsetattr(c->fd, TCSADRAIN, &c->saved);
	c->fd = -1;
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
