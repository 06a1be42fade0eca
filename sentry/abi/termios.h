/* SPDX-License-Identifier: Apache-2.0 */
/* termios.h - terminal layouts of the Linux ABI (tty_ioctl(4)); flag names are the host's
 * <asm/termbits.h> */
#ifndef SENTRY_ABI_TERMIOS_H
#define SENTRY_ABI_TERMIOS_H

#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "sentry/base/types.h"

struct termios_k { /* struct termios of TCGETS */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[19];
};
static_assert(sizeof(struct termios_k) == 36, "struct termios");

struct termios2_k { /* struct termios2 of TCGETS2 */
	struct termios_k t;
	u32 ispeed, ospeed;
};
static_assert(sizeof(struct termios2_k) == 44, "struct termios2");

struct winsize_k {
	u16 rows, cols, xpixel, ypixel;
};
static_assert(sizeof(struct winsize_k) == 8, "struct winsize");

#endif
