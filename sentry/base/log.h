/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - lines for the person who runs us, and notes of what the guest asked that we lack */
#ifndef SENTRY_BASE_LOG_H
#define SENTRY_BASE_LOG_H

#include "sentry/base/types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Where lines go (default descriptor 2), the highest level written (default LOG_WARNING), JSON
 * lines or text. Call before threads exist. */
void log_init(int fd, enum log_level level, bool json);
bool log_enabled(enum log_level level);
/* Writes one line with one write(2); formats into a buffer on the stack; cuts at 1 KiB. */
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_error(...)	 log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                    \
	do {                                              \
		if (unlikely(log_enabled(LOG_DEBUG)))     \
			log_line(LOG_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
