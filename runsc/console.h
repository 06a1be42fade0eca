/* SPDX-License-Identifier: Apache-2.0 */
/* console.h - the terminal that runsc was started on
 *
 * When stdin and stdout are a terminal, the line discipline that the guest sees is the sentry's
 * (fs/devpts): the host's is set to raw while the sandbox runs, so that each byte, ^C too, goes
 * inside. When only one of them is, the descriptors are handed through as they are.
 */
#ifndef RUNSC_CONSOLE_H
#define RUNSC_CONSOLE_H

#include <termios.h>

#include "runsc/boot/boot.h"

struct console {
	int fd; /* of the terminal, opened anew, non-blocking; -1: none */
	bool raw;
	struct termios saved;
};

/* Shall the sentry make a terminal of its own for the guest? */
bool console_wanted(const struct boot_config *c);
/* Opens the terminal anew: the sentry's O_NONBLOCK must not become that of whoever shares our
 * stdin. */
bool console_open(struct console *c);
/* Without effect when there is none. */
void console_raw(struct console *c);
/* Restores the terminal and closes it. */
void console_close(struct console *c);
/* Size of the terminal; 0 when there is none. */
void console_size(u16 *out_rows, u16 *out_columns);

#endif
